"""Markdown to paste into a review: read back with a CommonMark parser that knows tables."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrysem import ImageConfig, RunOptions, resolve
from entrysem.render.markdown import explanation
from entrysem.render.text import answer_line
from entrysem.render.visible import visible
from entrysem.variants import other_runs
from tests.cli.running import NASTY, assert_harmless

PLAIN = 'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n'


def code_of(span: str) -> str:
    """What a code span, or our HTML in its place, shows."""
    if match := re.fullmatch(r"<code>(.*)</code>", span):
        return html.unescape(match[1])
    ticks = re.match(r"`+", span)
    assert ticks is not None
    assert span.endswith(ticks[0])
    inner = span[len(ticks[0]) : -len(ticks[0])]
    assert ticks[0] not in re.findall(r"`+", inner)
    # CommonMark 6.1: one blank is stripped from both ends, unless there are only blanks.
    if inner.startswith(" ") and inner.endswith(" ") and inner.strip():
        inner = inner[1:-1]
    return inner


def cells(row: str) -> list[str]:
    """The cells of a table row (GFM 4.10): a pipe splits unless a backslash stands before it."""
    assert row.startswith("| ")
    assert row.endswith(" |")
    found = re.split(r"(?<!\\)\|", row[1:-1])
    return [cell.replace("\\|", "|").strip() for cell in found]


def test_answer_stands_first_and_then_a_row_a_step() -> None:
    resolution = resolve(PLAIN, RunOptions(args=("x",)))
    lines = explanation(resolution, "Dockerfile", []).splitlines()
    assert lines[:3] == ["### Dockerfile", "", 'argv: `["e", "x"]`']
    rows = [cells(line) for line in lines if line.startswith("| ")]
    assert rows[0] == ["line", "instruction", "what happens", "rule"]
    assert [row[3] for row in rows[1:]] == [step.rule for step in resolution.steps]
    assert rows[1][:2] == ["1", "`FROM scratch`"]
    assert rows[-1][:2] == ["", ""]


def test_unknown_and_assumed() -> None:
    out = explanation(resolve("FROM acme/base\nENTRYPOINT e\n"), "x", [])
    assert "\n- unknown: Shell, inherited from `acme/base`\n" in out
    assert "\n- assumes that acme/base " in out


def test_shell_is_told() -> None:
    out = explanation(resolve("FROM scratch\nCMD exec a|b\n"), "x", [])
    assert "`/bin/sh` runs the script `exec a|b`; " in out


def test_variants() -> None:
    resolution = resolve(PLAIN)
    variants = [("other runs", other_runs(resolution)), ("where it differs", [])]
    out = explanation(resolution, "x", variants)
    assert "\n**other runs**\n\n| | argv |\n|---|---|\n| `run IMAGE x y` |" in out
    assert out.endswith("\n\n**where it differs**\n\n\n")


@given(st.text())
@example("a|b")
@example("\\|")
@example("a\\\\|`b``|<c>&amp;*_~$")
@example("`")
@example(" ")
@example("")
@example("``` `` `")
@example(NASTY)
def test_code_comes_back_in_a_cell_and_outside(word: str) -> None:
    resolution = resolve(ImageConfig(cmd=("p", word)))
    answer = answer_line(resolution)
    out = explanation(resolution, "x", [("t", [(word, word)])])
    assert_harmless(out)
    lines = out.split("\n")
    assert code_of(lines[2].removeprefix("argv: ")) == answer
    (row,) = (
        line for line in lines[lines.index("**t**") :] if line.startswith("| `") or "<co" in line
    )
    both = cells(row)
    assert len(both) == 2
    assert [code_of(cell).strip() for cell in both] == [visible(word).strip()] * 2


@pytest.mark.parametrize(
    "name",
    ["a_b_.Dockerfile", "<script>", "*x*", "[a](b)", "`x`", "a|b", "~~x~~", "$x$", "&lt;", "a #"],
)
def test_names_are_no_markup(name: str) -> None:
    heading = explanation(resolve(PLAIN), name, []).splitlines()[0].removeprefix("### ")
    assert not re.search(r"(?<!\\)[`*_\[\]|~$<#]", heading)
    assert html.unescape(re.sub(r"\\(.)", r"\1", heading)) == name
