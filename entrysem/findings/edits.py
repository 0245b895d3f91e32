"""From characters of an instruction's arguments to bytes of the file.

A fix is thought of in `Instruction.text`, where continuation lines are joined, comments dropped and the
blanks at both ends gone. It is carried out on the file, of which it changes as little as possible: every
character that is replaced or deleted is looked up alone, so that what stands between two of them in the
file (an escape character, a line end, a comment) stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from entrysem.dockerfile import Dockerfile, Instruction
from entrysem.dockerfile.text import SPACE
from entrysem.errors import Span
from entrysem.findings.model import Edit

__all__ = ["Change", "Places"]

_BOM = "\ufeff"


class Change(NamedTuple):
    """Replaces the characters from `start` up to, not including, `end` of a text by `new`."""

    start: int
    end: int
    new: str


class Places:
    """Where the characters of one file's instructions stand."""

    def __init__(self, dockerfile: Dockerfile) -> None:
        self._dockerfile = dockerfile
        source = dockerfile.source
        self.data: bytes = source.encode("utf-8", "surrogateescape")
        starts = [0]
        at = self.data.find(b"\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.data.find(b"\n", at + 1)
        self._starts: Sequence[int] = starts
        self._bom = 3 if source.startswith(_BOM) else 0

    def span(self, outer: Instruction, text: str, start: int, end: int) -> Span:
        """The place of characters `start` to `end`, exclusive, of `text`, the last words of `outer`."""
        base = _base(outer, text)
        first = self._dockerfile.locate(outer, base + start)
        last = self._dockerfile.locate(outer, base + max(end - 1, start))
        return Span(first.line, first.column, last.line, last.column)

    def edits(self, outer: Instruction, text: str, changes: Iterable[Change]) -> tuple[Edit, ...]:
        """`changes` of `text`, the last words of the instruction `outer`, as edits of the file.

        `changes` are in order and do not overlap.
        """
        base = _base(outer, text)
        found: list[Edit] = []
        for start, end, new in changes:
            if start == end:
                # Behind the character before it, where there is one: that keeps to its line.
                at = (
                    self._at(outer, base + start)
                    if start < len(text)
                    else self._after(outer, base + start)
                )
                found.append(Edit(at, at, new.encode("utf-8", "surrogateescape")))
                continue
            for index in range(start, end):
                put = new.encode("utf-8", "surrogateescape") if index == start else b""
                found.append(
                    Edit(self._at(outer, base + index), self._after(outer, base + index + 1), put)
                )
        return tuple(_joined(found))

    def removal(self, instruction: Instruction) -> tuple[Edit, ...]:
        """Takes the instruction's lines out; comment lines inside it stay."""
        edits = []
        for number in range(instruction.start_line, instruction.physical_end + 1):
            line = self._dockerfile.line(number).lstrip(SPACE)
            if number > instruction.start_line and line[:1] == "#":
                continue
            edits.append(Edit(self._start(number), self._start(number + 1), b""))
        return tuple(_joined(edits))

    def line_before(self, instruction: Instruction, text: str) -> Edit:
        """A line of its own above the instruction, indented and ended as that is."""
        number = instruction.start_line
        at = self._start(number)
        return Edit(at, at, self._indent(number) + _encoded(text) + self._line_end(number))

    def line_after(self, instruction: Instruction, text: str) -> Edit:
        """A line of its own below the instruction; a file without a last line end stays so."""
        last = instruction.physical_end
        indent, end = self._indent(instruction.start_line), self._line_end(instruction.start_line)
        at = self._start(last + 1)
        if self.data[:at].endswith(b"\n"):
            return Edit(at, at, indent + _encoded(text) + end)
        return Edit(at, at, end + indent + _encoded(text))

    def end_of(self, instruction: Instruction, text: str) -> Edit:
        """Text behind the last visible character of the instruction."""
        at = self._after(instruction, len(instruction.original.rstrip(SPACE)))
        return Edit(at, at, _encoded(text))

    def _at(self, outer: Instruction, offset: int) -> int:
        span = self._dockerfile.locate(outer, offset)
        return self._byte(span.line, span.column - 1)

    def _after(self, outer: Instruction, offset: int) -> int:
        span = self._dockerfile.locate(outer, offset - 1)
        return self._byte(span.line, span.column)

    def _byte(self, line: int, characters: int) -> int:
        before = self._dockerfile.line(line)[:characters]
        return self._start(line) + len(_encoded(before)) + (self._bom if line == 1 else 0)

    def _start(self, line: int) -> int:
        return self._starts[line - 1] if line <= len(self._starts) else len(self.data)

    def _indent(self, line: int) -> bytes:
        text = self._dockerfile.line(line)
        return _encoded(text[: len(text) - len(text.lstrip(SPACE))])

    def _line_end(self, line: int) -> bytes:
        stop = self._start(line + 1)
        return b"\r\n" if self.data[:stop].endswith(b"\r\n") else b"\n"


def _base(outer: Instruction, text: str) -> int:
    """Where in the instruction's `original` its last words, `text`, start."""
    return len(outer.original.rstrip(SPACE)) - len(text)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _joined(edits: list[Edit]) -> list[Edit]:
    """Edits that touch made one."""
    found: list[Edit] = []
    for edit in edits:
        if found and found[-1].end == edit.start:
            last = found.pop()
            found.append(Edit(last.start, edit.end, last.text + edit.text))
        else:
            found.append(edit)
    return found
