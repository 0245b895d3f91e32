"""The report for programs: its schema holds, and the numbers add up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from entrysem.verify.journal import Journal
from entrysem.verify.report import render
from tests.cli.running import SCHEMAS, assert_valid
from tests.verify.journals import every_verdict, hostile, journal


def document(*journals: Journal) -> Any:
    text = render(journals, "json")
    assert text.isascii()
    return json.loads(text)


def test_schema() -> None:
    journals = [every_verdict(), hostile("h"), journal(), journal(status="unfinished")]
    assert_valid("verify-report", document(*journals))


def test_numbers() -> None:
    report = document(every_verdict(), every_verdict(builder="classic@28.5.2"))
    [first, _] = report["engines"]
    assert report["counts"]["PASS"] == 2 * first["counts"]["PASS"] == 8
    assert first["exit_code"] == 3
    assert first["levels"]["PROCESS"] == {
        "ERROR": 0, "FAIL": 1, "STALE": 0, "DEVIATES": 0, "SKIP": 0, "PASS": 2,
    }  # fmt: skip
    assert first["rules"]["FORM-11"]["DEVIATES"] == 1
    assert "-" not in first["rules"]
    assert len(report["results"]) == 10
    assert {result["verdict"] for result in report["results"]} == {
        "ERROR", "FAIL", "STALE", "DEVIATES", "SKIP",
    }  # fmt: skip
    assert {result["case"] for result in report["results"]} == set(report["cases"])
    assert report["deviations"]["no-heredocs"]["rule"] == "FORM-13"


def test_bytes_are_kept() -> None:
    [fails] = [r for r in document(every_verdict())["results"] if r["verdict"] == "FAIL"]
    assert fails["observed"]["argv"] == [{"base64": "/w=="}]


@pytest.mark.parametrize("name", ["verify-report", "verify-diff"])
def test_what_the_journal_says_is_described_as_there(name: str) -> None:
    """A schema stands alone, so it repeats definitions; they must not drift apart."""
    schemas = [
        json.loads((SCHEMAS / f"{stem}.schema.json").read_text(encoding="utf-8"))["$defs"]
        for stem in ("journal", name)
    ]
    shared = set(schemas[0]) & set(schemas[1]) - {"result", "rule", "time", "case", "plan"}
    assert {"value", "words", "implementation"} <= shared
    for key in shared:
        assert schemas[0][key] == schemas[1][key], key
