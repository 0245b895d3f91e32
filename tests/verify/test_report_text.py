"""The report for a terminal: readable without colour, at any width, and harmless."""

from __future__ import annotations

import re

import pytest

from entrysem.errors import InputError
from entrysem.verify.report import FORMATS, render
from tests.cli.running import assert_harmless
from tests.verify.journals import every_verdict, hostile, journal, line, result


def test_one_engine_says_everything_that_matters() -> None:
    text = render([every_verdict()], "text")
    for part in (
        "F 1",
        "E 1/",
        "D 1",
        "ERROR error\n",
        "because: the engine's connection broke",
        "FAIL fails/run\n",
        '    | CMD ["\\xff"]\n',
        'run --init --entrypoint "e": level PROCESS',
        'expected (buildkit@0.25.2+docker@28.5.2): ["ÿ"]',
        'observed: ["\\xff"]',
        "target: web",
        "build-arg A: 1",
        "base b: FROM scratch\\n",
        "base c: Cmd null",
        "platform: linux/arm64",
        "STALE stale\n",
        "recorded as: no-heredocs",
        "see: https://example.org/1",
        "1  text-after-array-dropped: text after the closing ] is dropped",
        "1  no --init on this engine",
        "1 ERROR 1 FAIL 1 STALE 1 DEVIATES 1 SKIP 4 PASS",
    ):
        assert part in text, part
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [1, 40, 80, 120, 250])
def test_the_matrix_keeps_to_the_width_and_shows_every_column(width: int) -> None:
    journals = [
        every_verdict(version=f"{number}.0", builder=f"classic@{number}.0") for number in range(20)
    ]
    text = render(journals, "text", width=width)
    table = text[: text.index("P pass")]
    assert all(len(row) <= max(width, 30) for row in table.splitlines())
    for number in range(20):
        assert re.search(rf"(?m)[ ]{number}\.0\b", table)
    lines = [row for row in table.splitlines() if row.startswith("FORM-11")]
    assert sum(row.count("D 1") for row in lines) == 20


def test_colours_only_when_asked_for_and_they_say_nothing_new() -> None:
    plain = render([every_verdict()], "text")
    colour = render([every_verdict()], "text", colour=True)
    assert "\x1b[1;31mFAIL\x1b[0m" in colour
    assert re.sub(r"\x1b\[[0-9;]*m", "", colour) == plain


def test_the_list_of_failures_ends_somewhere() -> None:
    lines = [line(f"c{number}", [result(f"c{number}", "FAIL")]) for number in range(100)]
    text = render([journal(*lines)], "text")
    assert "and 80 FAIL more" in text
    assert text.count("\nFAIL c") == 20


def test_an_unfinished_journal_and_an_empty_one_say_so() -> None:
    assert "unfinished" in render([journal(status="unfinished")], "text")
    assert "no results" in render([journal()], "text")


def test_nothing_acts_on_the_terminal() -> None:
    assert_harmless(render([hostile(), every_verdict()], "text", width=80))


def test_the_formats_are_checked_before_anything_is_made() -> None:
    with pytest.raises(InputError) as caught:
        render([journal()], "pdf")
    assert all(name in str(caught.value.hint) for name in FORMATS)
    with pytest.raises(InputError):
        render([], "text")
