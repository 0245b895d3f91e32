"""Two journals compared: what got worse, better, changed, came and went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.verify import diff
from entrysem.verify.journal import Journal
from tests.cli.running import assert_harmless, assert_valid
from tests.verify.journals import every_verdict, hostile, journal, line, result


def made(verdicts: Mapping[str, str], **options: Any) -> Journal:
    """A journal with a result for each name."""
    return journal(*[line(name, [result(name, v)]) for name, v in verdicts.items()], **options)


def kinds(old: Journal, new: Journal) -> dict[str, str]:
    return {change.result.id: change.kind for change in diff.compare(old, new).changes}


def test_equal_journals_have_no_difference() -> None:
    found = diff.compare(every_verdict(), every_verdict())
    assert found.changes == ()
    assert (found.same, found.exit_code, found.notes) == (9, 0, [])


@pytest.mark.parametrize(
    ("old", "new", "kind", "code"),
    [
        ("PASS", "FAIL", "worse", 1),
        ("PASS", "DEVIATES", "worse", 1),
        ("DEVIATES", "STALE", "worse", 1),
        ("DEVIATES", "SKIP", "worse", 1),
        ("FAIL", "ERROR", "worse", 1),
        ("SKIP", "DEVIATES", "better", 0),
        ("SKIP", "PASS", "better", 0),
        ("STALE", "PASS", "better", 0),
        ("ERROR", "FAIL", "better", 0),
    ],
)
def test_a_verdict_got_worse_or_better(old: str, new: str, kind: str, code: int) -> None:
    found = diff.compare(made({"a": old, "b": "PASS"}), made({"a": new, "b": "PASS"}))
    assert [(change.kind, change.result.id) for change in found.changes] == [(kind, "a")]
    assert (found.exit_code, found.same) == (code, 1)


def test_another_value_with_the_same_verdict() -> None:
    def one(*words: str, message: str = "m") -> Journal:
        value: dict[str, Any] = {"argv": list(words), "error": None}
        if not words:
            error = {"phase": "create", "code": "no-command-specified", "message": message}
            value = {"argv": None, "error": error}
        run = result("a", "FAIL", part="run", run=0, level="CREATE", observed=value)
        return journal(line("a", [run], runs=[{}]))

    assert kinds(one("x"), one("y")) == {"a": "changed"}
    assert diff.compare(one("x"), one("y")).exit_code == 0
    assert kinds(one(message="of image 1"), one(message="of image 2")) == {}


def test_a_key_that_is_null_and_one_that_is_not_there_are_no_change() -> None:
    def one(config: dict[str, Any]) -> Journal:
        return journal(line("a", [result("a", observed={"config": config})]))

    assert kinds(one({"Cmd": ["a"]}), one({"Cmd": ["a"], "Shell": None})) == {}
    assert kinds(one({"Cmd": []}), one({"Cmd": None})) == {"a": "changed"}


def test_new_and_gone() -> None:
    found = diff.compare(
        made({"a": "PASS", "gone": "FAIL"}), made({"a": "PASS", "good": "PASS", "bad": "STALE"})
    )
    assert {change.result.id: change.kind for change in found.changes} == {
        "bad": "new",
        "good": "new",
        "gone": "gone",
    }
    assert found.exit_code == 1
    assert diff.compare(made({"a": "PASS", "gone": "FAIL"}), made({"a": "PASS"})).exit_code == 0


def test_nothing_in_common_is_no_success() -> None:
    found = diff.compare(made({"a": "PASS"}), made({"b": "PASS"}))
    assert found.exit_code == 3
    assert "the journals have no result in common" in found.notes
    assert diff.compare(journal(), journal()).exit_code == 3


def test_notes_say_what_cannot_be_compared() -> None:
    found = diff.compare(
        made({"a": "PASS"}), made({"a": "PASS"}, digest="b", status="interrupted", reason="Ctrl-C")
    )
    assert found.notes == [
        "the plans differ: other cases, other expected values, or another level",
        "the new journal is not complete: interrupted: Ctrl-C",
    ]


OLD, NEW = (
    made({"a": "PASS", "b": "FAIL", "c": "PASS"}),
    made({"a": "FAIL", "b": "PASS", "d": "PASS"}),
)


def test_text() -> None:
    text = diff.render(diff.compare(OLD, NEW), "text")
    for part in (
        'worse: 1, got worse\n  PASS -> FAIL  a  build\n    expected: Cmd ["a"]\n',
        '    before: Cmd ["a"]\n    now: Cmd ["a"]\n',
        "better: 1, got better\n  FAIL -> PASS  b  build\n",
        "new: 1, only in the new journal\n  PASS  d  build\n",
        "gone: 1, only in the old journal\n  PASS  c  build\n",
        "\n1 worse, 1 better, 1 new, 1 gone, 0 the same\n",
    ):
        assert part in text, part


def test_markdown() -> None:
    text = diff.render(diff.compare(OLD, NEW), "markdown")
    assert text.startswith(
        "## entrysem verify diff: 1 worse, 1 better, 1 new, 1 gone, 0 the same\n"
    )
    assert "<details open><summary><b>worse</b>" in text
    assert "<details><summary><b>better</b>" in text
    assert '| PASS -> FAIL | `a` | `build` | `Cmd ["a"]` |' in text


def test_json() -> None:
    text = diff.render(diff.compare(OLD, NEW), "json")
    document = json.loads(text)
    assert_valid("verify-diff", document)
    assert document["counts"] == {
        "worse": 1, "better": 1, "changed": 0, "new": 1, "gone": 1, "same": 0,
    }  # fmt: skip
    assert document["exit_code"] == 1
    assert [change["worse"] for change in document["changes"]] == [True, False, False, False]
    assert_valid(
        "verify-diff", json.loads(diff.render(diff.compare(hostile("h"), every_verdict()), "json"))
    )


def test_a_long_list_ends_somewhere() -> None:
    names = [f"c{number}" for number in range(80)]
    found = diff.compare(made(dict.fromkeys(names, "PASS")), made(dict.fromkeys(names, "FAIL")))
    assert "  and 30 more\n" in diff.render(found, "text")
    assert "And 30 more.\n" in diff.render(found, "markdown")
    assert len(json.loads(diff.render(found, "json"))["changes"]) == 80


def test_nothing_acts_on_a_terminal() -> None:
    found = diff.compare(hostile(), hostile("other"))
    assert_harmless(diff.render(found, "text"))


def test_an_unknown_format_is_a_usage_error() -> None:
    with pytest.raises(InputError):
        diff.render(diff.compare(OLD, NEW), "html")
