"""`entrysem rules` and `entrysem claims`."""

from __future__ import annotations

import json

import pytest

from entrysem.data import read_text
from entrysem.rules import RULES
from entrysem.spec_text import section
from tests.cli.running import NASTY, Ran, assert_harmless, assert_valid, run


def test_list_has_every_rule_on_a_line() -> None:
    ran = run("rules")
    assert (ran.code, ran.err) == (0, "")
    rows = [line.split(maxsplit=1) for line in ran.out.splitlines()]
    assert rows == [[rule.id, rule.title] for rule in RULES.values()]


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_is_printed_as_it_stands_in_the_spec(rule_id: str) -> None:
    ran = run("rules", rule_id)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"## {rule_id}: {RULES[rule_id].title}\n")
    assert ran.out.count("\n## ") == 0
    assert ran.out.rstrip() in read_text(RULES[rule_id].document)
    assert "\nSources: " in ran.out


def test_case_of_the_id_does_not_matter() -> None:
    assert run("rules", "build-02") == run("rules", "BUILD-02")


def test_json() -> None:
    found = run("rules", "--format", "json").json
    assert [item["id"] for item in found] == list(RULES)
    assert all(item.keys() == {"id", "title", "text"} for item in found)
    one = run("rules", "FORM-08", "--format", "json").json
    assert one == next(item for item in found if item["id"] == "FORM-08")
    assert one["text"] == section(RULES["FORM-08"])


@pytest.mark.parametrize("command", ["rules", "claims"])
@pytest.mark.parametrize(
    "words", [["NOPE-99"], [""], ["BUILD-02", "x"], [NASTY], ["--format", "x"]]
)
def test_usage(command: str, words: list[str]) -> None:
    ran = run(command, *words)
    assert_harmless(ran.err)
    if words == [""]:
        assert ran.code == 0  # as without an id
    else:
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.lower().count("error") == 1


def test_claims() -> None:
    document = json.loads(read_text("claims.json"))
    assert_valid("claims", document)
    assert run("claims", "--format", "json").json == document
    listed = run("claims")
    assert (listed.code, listed.err) == (0, "")
    for claim, line in zip(document, listed.out.splitlines(), strict=True):
        assert line.split()[:2] == [claim["id"], claim["verdict"]]
        assert line.endswith(claim["claim"])
        one = run("claims", claim["id"].lower())
        assert one.out.startswith(line + "\n\n")
        assert claim["why"] in one.out
        assert run("claims", claim["id"], "--format", "json").json == claim


def test_help_names_the_format() -> None:
    assert run("rules", "BUILD-02", "--format", "text") == Ran(0, run("rules", "BUILD-02").out, "")
