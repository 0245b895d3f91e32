"""Tables inside documents: find the marked blocks, compare, rewrite.

A block starts at a line that holds `entrysem:table OPTIONS` and ends before one that holds
`entrysem:end`, whatever the comment syntax around them:

    <!-- entrysem:table --preset docs -->        % entrysem:table --format latex
    <!-- entrysem:end -->                        % entrysem:end

The author's layout is kept: blank lines and a code fence right inside the block, its indentation
(that of the marker), line ends. A mark in running text, in a sentence or between backticks, is not a
marker; it is reported, so that nothing goes unchecked in silence. One malformed marker and the file is
left alone: whatever it was meant to hold cannot be told from the rest.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from entrysem.errors import InputError
from entrysem.late import late
from entrysem.presets import shown

__all__ = ["Marked", "check_documents", "find_marked"]

#: OPTIONS -> the text that belongs in the block, and whether it wants blank lines around it.
Compute = Callable[[list[str]], tuple[str, bool]]

_MARK = late(r"entrysem:(table|end)(?![\w:-])")
_COMMENT_WORDS = late(r"\s*(?:rem|dnl|@c|@comment)\s+\Z", re.IGNORECASE)
_CLOSER = late(r"\s*(?:--+>|\*/(?:\}\})?|--?%>|[#%]\}|--\}\}|\*\)|-\})\s*\Z")
_FENCE = late(r"\s*(?:```|~~~)")
# A comment of several lines ends on a line of its own, and so does the next one begin.
_ONLY_CLOSER = late(r"\s*(?:-->|\*/|[#%]\})?\s*\Z")
_ONLY_OPENER = late(r"\s*(?:<!--|/\*+|\{[#%])?\s*\Z")


class Marked(NamedTuple):
    """A block: lines `start` to `stop` (excluded) between its markers, counted from 0.

    `options` is the text after the mark, without what closes the comment.
    """

    line: int
    indent: str
    options: str
    start: int
    stop: int


class _Report:
    """What there is to say about one file, and the worst of it as an exit code."""

    def __init__(self, name: str) -> None:
        self.name = shown(name)
        self.code = 0

    def say(self, line: int, text: str) -> None:
        sys.stdout.write(f"{self.name}:{line}: {text}\n")

    def wrong(self, line: int | None, text: str, *, code: int = 3) -> None:
        self.code = max(self.code, code)
        self.note(line, text)

    def note(self, line: int | None, text: str) -> None:
        # A report is read in order, whichever stream a line goes to.
        sys.stdout.flush()
        place = self.name if line is None else f"{self.name}:{line}"
        sys.stderr.write(f"{place}: {text}\n")


def check_documents(names: Iterable[str], compute: Compute, *, write: bool) -> int:
    """Checks every block of every document; with `write`, replaces those that differ.

    Returns:
        0 when all blocks match, or have been rewritten; 1 when one differs; 3 when a file cannot be
        read or written, has no block, or has a malformed marker.
    """
    return max([_check(name, compute, write=write) for name in names])


def find_marked(lines: Sequence[str]) -> tuple[list[Marked], list[tuple[int, str]], list[int]]:
    """The blocks; what is malformed, with its line; the lines with a mark in running text.

    Line numbers count from 1.
    """
    blocks: list[Marked] = []
    malformed: list[tuple[int, str]] = []
    prose: list[int] = []
    opened: Marked | None = None
    for index, line in enumerate(lines):
        for match in _MARK.finditer(line):
            before = line[: match.start()]
            if not _opens_comment(before):
                prose.append(index + 1)
                break
            if match.group(1) == "end":
                if opened is None:
                    malformed.append((index + 1, "entrysem:end without entrysem:table before it"))
                else:
                    blocks.append(opened._replace(stop=index))
                opened = None
            else:
                if opened is not None:
                    malformed.append((opened.line, "entrysem:table without entrysem:end after it"))
                indent = before[: len(before) - len(before.lstrip())]
                options = _options(line[match.end() :], parenthesis="(" in before)
                opened = Marked(index + 1, indent, options, index + 1, index + 1)
            break
    if opened is not None:
        malformed.append((opened.line, "entrysem:table without entrysem:end after it"))
    return blocks, malformed, prose


def _opens_comment(before: str) -> bool:
    if _COMMENT_WORDS.match(before):
        return True
    return not re.search(r"[\w`]", before)


def _options(after: str, *, parenthesis: bool) -> str:
    after = after.rstrip()
    # [//]: # (entrysem:table ...) is Markdown's comment without HTML.
    if parenthesis and after.endswith(")"):
        return after[:-1].strip()
    return _CLOSER.sub("", after).strip()


def _check(name: str, compute: Compute, *, write: bool) -> int:
    report = _Report(name)
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        # Decoded strictly: what cannot be read exactly cannot be written back exactly.
        lines = data.decode("utf-8").split("\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        report.wrong(None, f"cannot be read: {shown(reason or '')}")
        return report.code
    blocks, malformed, prose = find_marked(lines)
    for number in prose:
        report.note(number, "a mark in running text is not a marker; nothing is checked here")
    for number, message in malformed:
        report.wrong(number, message)
    if not blocks and not malformed:
        report.wrong(None, "no line with entrysem:table, so there is nothing to check")
    replacements = list(_compared(lines, blocks, compute, report, write=write))
    if write and replacements and report.code == 0:
        for block, new in reversed(replacements):
            lines[block.start : block.stop] = new
        try:
            _replace(Path(name), "\n".join(lines).encode("utf-8"))
        except OSError as error:
            report.wrong(None, f"cannot be written: {shown(error.strerror or '')}")
            return report.code
        for block, _ in replacements:
            report.say(block.line, "rewritten")
    return report.code


def _compared(
    lines: Sequence[str],
    blocks: Sequence[Marked],
    compute: Compute,
    report: _Report,
    *,
    write: bool,
) -> Iterator[tuple[Marked, list[str]]]:
    """Compares each block; yields those that differ, with the lines that belong there."""
    for block in blocks:
        try:
            text, airy = compute(shlex.split(block.options))
        except (InputError, ValueError) as error:
            message = error.message if isinstance(error, InputError) else str(error)
            report.wrong(block.line, f"malformed marker: {shown(message)}")
            continue
        inside = lines[block.start : block.stop]
        head, tail = _layout(inside)
        actual = [line.rstrip("\r") for line in inside[head:tail]]
        wanted = [f"{block.indent}{line}" if line else "" for line in text[:-1].split("\n")]
        if actual == wanted:
            report.say(block.line, "matches")
            continue
        if not write:
            report.say(block.line, "differs")
            report.wrong(None, _diff(report.name, block.start + head + 1, actual, wanted), code=1)
        end = "\r" if lines[block.line - 1].endswith("\r") else ""
        around = [""] if airy and not inside else []
        new = [f"{line}{end}" for line in (*around, *wanted, *around)]
        yield block, [*inside[:head], *new, *inside[tail:]]


def _layout(inside: Sequence[str]) -> tuple[int, int]:
    """Where the table starts and ends inside a block.

    Blank lines, a code fence, and the rest of a marker's comment are the author's.
    """
    head, tail = 0, len(inside)
    while head < tail and _ONLY_CLOSER.match(inside[head]):
        head += 1
    if head == tail:
        # No table yet: half of the blank lines go on either side.
        blanks = sum(not line.strip() for line in inside)
        return tail - blanks // 2, tail - blanks // 2
    while _ONLY_OPENER.match(inside[tail - 1]):
        tail -= 1
    if tail - head > 1 and _FENCE.match(inside[head]) and _FENCE.match(inside[tail - 1]):
        return head + 1, tail - 1
    return head, tail


def _diff(name: str, line: int, actual: Sequence[str], wanted: Sequence[str]) -> str:
    found = difflib.unified_diff(
        [shown(text) for text in actual],
        [shown(text) for text in wanted],
        f"{name}:{line}",
        "computed",
        lineterm="",
    )
    return "\n".join(["differs", *found])


def _replace(path: Path, data: bytes) -> None:
    """Puts `data` in place of the file at once: a reader sees the old text or the new one."""
    path = path.resolve()  # a link stays a link
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, temporary)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
