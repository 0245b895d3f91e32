"""`entrysem vectors`: the cases as other programs get them."""

from __future__ import annotations

import json

import pytest

from entrysem.rules import RULES
from entrysem.vectors import cases
from tests.cli.running import NASTY, SCHEMAS, Ran, assert_harmless, run


def test_list_has_a_line_for_each_case() -> None:
    ran = run("vectors", "list")
    assert (ran.code, ran.err) == (0, "")
    assert_harmless(ran.out)
    rows = [line.split()[:2] for line in ran.out.splitlines()]
    assert rows == [[case["id"], ",".join(case["rules"])] for case in cases()]


def test_export_is_a_json_object_a_line() -> None:
    ran = run("vectors", "export")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.isascii()
    assert [json.loads(line) for line in ran.out.splitlines()] == list(cases())


@pytest.mark.parametrize("rule", ["BUILD-02", "merge-04", "SHELL-03"])
def test_one_rule(rule: str) -> None:
    wanted = [case for case in cases() if rule.upper() in case["rules"]]
    assert wanted
    found = [json.loads(line) for line in run("vectors", "export", "--rule", rule).out.splitlines()]
    assert found == wanted
    assert len(run("vectors", "list", "--rule", rule).out.splitlines()) == len(wanted)


@pytest.mark.parametrize("command", ["list", "export"])
def test_unknown_rule(command: str) -> None:
    for rule in ("NOPE-1", NASTY):
        ran = run("vectors", command, "--rule", rule)
        assert (ran.code, ran.out) == (2, "")
        assert "entrysem rules" in ran.err
        assert_harmless(ran.err)


def test_no_case_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrysem.vectors.cases", lambda: iter(()))
    ran = run("vectors", "export", "--rule", next(iter(RULES)))
    assert (ran.code, ran.out) == (3, "")


def test_schema_is_printed() -> None:
    text = (SCHEMAS / "vectors.schema.json").read_text(encoding="utf-8")
    assert run("vectors", "export", "--schema") == Ran(0, text, "")
