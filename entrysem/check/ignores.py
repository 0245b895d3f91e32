"""Comments by which the author of a Dockerfile answers a finding.

    # entrysem: ignore=ES009 the script ends with exec
    CMD /start.sh

    # entrysem: ignore-file=ES010,ES014 generated, see build.py

`ignore=` speaks of the instruction that follows, whatever comments and empty lines stand between, or of
the one inside which it stands; `ignore-file=` of the whole file. Ids or names, separated by commas;
what follows is the reason. A comment that ignores nothing is told, and so is one that cannot be read:
somebody relies on it.

A `#` in the body of a heredoc is text and no comment. What a comment says of a kind that the
configuration has disabled is neither used nor unused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from entrysem.check.kinds import NO_REASON, UNUSED, kind_of
from entrysem.check.model import Ignored
from entrysem.dockerfile import Dockerfile
from entrysem.errors import InputError, Span
from entrysem.findings.model import Finding
from entrysem.late import late

__all__ = ["Comment", "Sorted", "comments_in", "may_hold_comments", "sort_out"]

_MARK = late(r"#[\s#]*entrysem\s*:(.*)", re.IGNORECASE)
_IGNORE = late(
    r"\s*(?P<what>ignore|ignore-file)\s*=\s*"
    r"(?P<kinds>[A-Za-z][\w-]*(?:\s*,\s*[A-Za-z][\w-]*)*)(?P<reason>.*)\Z",
    re.IGNORECASE | re.DOTALL,
)


class Comment(NamedTuple):
    """One comment.

    Attributes:
        span: its line.
        kinds: ids that it names; empty when it cannot be read.
        lines: first and last line of the instruction that it speaks of; None for the whole file.
        reason: the words behind, or empty.
        wrong: what is wrong with it, or empty.
    """

    span: Span
    kinds: tuple[str, ...]
    lines: tuple[int, int] | None
    reason: str
    wrong: str = ""


class Sorted(NamedTuple):
    """The findings that stay; those that are answered; what is to be told of comments: id, text, span."""

    left: tuple[Finding, ...]
    ignored: tuple[Ignored, ...]
    told: tuple[tuple[str, str, Span], ...]


def may_hold_comments(source: bytes) -> bool:
    """Whether it is worth looking."""
    return b"entrysem" in source or b"entrysem" in source.lower()


def comments_in(dockerfile: Dockerfile) -> Iterator[Comment]:
    """The comments that speak to entrysem, in order."""
    lines = dockerfile.source.split("\n")
    at = 0
    instructions = dockerfile.instructions
    for number, line in enumerate(lines, 1):
        while at < len(instructions) and instructions[at].end_line < number:
            at += 1
        match = _MARK.match(line.strip())
        if match is None:
            continue
        lines_of: tuple[int, int] | None = None
        if at < len(instructions):
            one = instructions[at]
            if one.start_line == number or (one.physical_end or one.end_line) < number:
                continue  # text of the instruction, or of a heredoc
            lines_of = (one.start_line, one.end_line)
        start = len(line) - len(line.lstrip())
        span = Span(number, start + 1, number, len(line.rstrip()))
        yield _comment(match.group(1), span, lines_of)


def _comment(text: str, span: Span, lines: tuple[int, int] | None) -> Comment:
    match = _IGNORE.match(text)
    if match is None:
        return Comment(
            span, (), lines, "", "it is neither `ignore=ID reason` nor `ignore-file=ID reason`"
        )
    kinds = []
    for name in match["kinds"].split(","):
        try:
            kinds.append(kind_of(name, "").id)
        except InputError as error:
            return Comment(span, (), lines, "", error.message)
    whole = match["what"].lower() == "ignore-file"
    if not whole and lines is None:
        return Comment(span, (), None, "", "no instruction follows it")
    reason = match["reason"].strip().lstrip(":;-\u2013\u2014#").strip()
    return Comment(span, tuple(dict.fromkeys(kinds)), None if whole else lines, reason)


def sort_out(
    findings: Sequence[Finding],
    comments: Sequence[Comment],
    *,
    disabled: frozenset[str],
    require_reason: bool,
) -> Sorted:
    """Which findings the comments answer, and what is to be told of the comments.

    Args:
        findings: of the file, those of disabled kinds left out.
        comments: of the file.
        disabled: ids of the kinds that the configuration has disabled.
        require_reason: whether a comment without a reason is told. It ignores all the same.
    """
    used: set[tuple[int, str]] = set()
    left, ignored = [], []
    for finding in findings:
        comment = next((each for each in comments if _answers(each, finding)), None)
        if comment is None:
            left.append(finding)
            continue
        used.update((id(each), finding.kind) for each in comments if _answers(each, finding))
        line = finding.span.line if finding.span else None
        ignored.append(Ignored(finding.kind, line, comment.span.line, comment.reason))
    told = []
    for comment in comments:
        if comment.wrong:
            told.append((UNUSED, f"This comment ignores nothing: {comment.wrong}.", comment.span))
            continue
        for kind in comment.kinds:
            if (id(comment), kind) not in used and kind not in disabled:
                where = "the instruction that follows" if comment.lines else "this file"
                told.append(
                    (UNUSED, f"This comment ignores {kind}, and {where} has none.", comment.span)
                )
        if require_reason and not comment.reason:
            told.append((NO_REASON, "This comment ignores without a reason.", comment.span))
    return Sorted(tuple(left), tuple(ignored), tuple(told))


def _answers(comment: Comment, finding: Finding) -> bool:
    if finding.kind not in comment.kinds:
        return False
    if comment.lines is None:
        return True
    return finding.span is not None and comment.lines[0] <= finding.span.line <= comment.lines[1]
