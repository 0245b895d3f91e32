"""Comments that answer findings: which instruction they speak of, and what is told of them."""

from __future__ import annotations

import pytest

from entrysem.check.ignores import Sorted, comments_in, sort_out
from entrysem.dockerfile import parse_dockerfile
from entrysem.errors import Span
from entrysem.findings.model import Finding


def finding(line: int | None, kind: str = "ES004") -> Finding:
    span = None if line is None else Span(line, 1, line, 5)
    return Finding(kind, "warning", "text.", span, 0, None)


def sorted_out(text: str, *findings: Finding, disabled: str = "", require: bool = False) -> Sorted:
    comments = list(comments_in(parse_dockerfile(text)))
    return sort_out(
        findings, comments, disabled=frozenset(disabled.split()), require_reason=require
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM scratch\n# entrysem: ignore=ES004 because\nCMD x\n", 3),
        ("FROM scratch\n# entrysem: ignore=ES004 because\n\n# more\nCMD x\n", 5),
        ("FROM scratch\n  #entrysem:ignore = es004 because\nCMD x\n", 3),
        ("FROM scratch\n# Entrysem: Ignore=looks-like-exec-form -- because\nCMD x\n", 3),
        ("FROM scratch\n# entrysem: ignore=ES001, ES004: because\nCMD x\n", 3),
        ("FROM scratch\n# entrysem: ignore=ES001,ES004 because\r\nCMD x\r\n", 3),
        ("FROM scratch\nCMD x \\\n# entrysem: ignore=ES004 because\n  y\n", 2),
        ("FROM scratch\nRUN <<E\nx\nE\n# entrysem: ignore=ES004 because\nCMD x\n", 6),
        ("# entrysem: ignore=ES004 because\nFROM scratch\nCMD x\n", 2),
    ],
)
def test_the_instruction_that_follows(text: str, line: int) -> None:
    out = sorted_out(text, finding(line))
    assert out.left == ()
    assert [(each.kind, each.line, each.reason) for each in out.ignored] == [
        ("ES004", line, "because")
    ]
    other = sorted_out(text, finding(99 if line != 99 else 1))
    assert len(other.left) == 1


@pytest.mark.parametrize(
    "text",
    [
        "FROM scratch\nRUN <<E\n# entrysem: ignore=ES004 text of a heredoc\nE\nCMD x\n",
        "FROM scratch\nLABEL a='# entrysem: ignore=ES004'\nCMD x\n",
        "FROM scratch\n# see entrysem: ignore=ES004\nCMD x\n",
        "FROM scratch\n# entrysemantics: ignore=ES004\nCMD x\n",
    ],
)
def test_what_is_no_comment_of_ours(text: str) -> None:
    out = sorted_out(text, finding(5), finding(3))
    assert len(out.left) == 2
    assert out.told == ()


def test_a_comment_inside_a_run_speaks_of_that_run_only() -> None:
    text = "FROM scratch\nRUN a \\\n# entrysem: ignore=ES004 x\n b\nCMD x\n"
    out = sorted_out(text, finding(5))
    assert len(out.left) == 1
    assert [kind for kind, _, _ in out.told] == ["ES902"]


def test_the_whole_file() -> None:
    text = "FROM scratch\nCMD x\n# entrysem: ignore-file=ES004,ES010 generated\n"
    out = sorted_out(text, finding(2), finding(None), finding(2, "ES010"), finding(2, "ES001"))
    assert [each.kind for each in out.left] == ["ES001"]
    assert {each.reason for each in out.ignored} == {"generated"}
    assert out.told == ()


def test_what_ignores_nothing_is_told() -> None:
    text = "FROM scratch\n# entrysem: ignore=ES004,ES010 why\nCMD x\n"
    out = sorted_out(text, finding(3))
    [(kind, message, span)] = out.told
    assert (kind, span.line) == ("ES902", 2)
    assert "ES010" in message
    assert "ES004" not in message
    # A kind that is disabled was not looked for.
    assert sorted_out(text, finding(3), disabled="ES010").told == ()


@pytest.mark.parametrize(
    "comment", ["ignore ES004", "ignore=", "ignore=ES999 x", "disable=ES004", "ignore-line=ES004"]
)
def test_what_cannot_be_read_is_told(comment: str) -> None:
    out = sorted_out(f"FROM scratch\n# entrysem: {comment}\nCMD x\n", finding(3))
    assert len(out.left) == 1
    assert [(kind, span.line) for kind, _, span in out.told] == [("ES902", 2)]


def test_at_the_end_nothing_follows() -> None:
    out = sorted_out("FROM scratch\nCMD x\n# entrysem: ignore=ES004 x\n", finding(2))
    assert len(out.left) == 1
    assert "no instruction follows" in out.told[0][1]


def test_a_reason_may_be_required() -> None:
    text = "FROM scratch\n# entrysem: ignore=ES004\nCMD x\n"
    assert sorted_out(text, finding(3)).told == ()
    out = sorted_out(text, finding(3), require=True)
    assert out.left == ()
    assert [kind for kind, _, _ in out.told] == ["ES903"]
