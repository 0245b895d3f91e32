"""One file, or many that changed between two revisions: what each comes to, and what all of them do.

A file that cannot be read takes nothing from the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from entrysem.diff.compare import Comparison, Question, Side, compare
from entrysem.errors import EntrysemError

__all__ = ["FileDiff", "FileVerdict", "Status", "diff_files", "exit_code", "worst"]

Status = Literal["compared", "added", "removed", "renamed"]
FileVerdict = Literal["same", "undecided", "changes", "rejected", "unreadable"]
#: From the best.
_ORDER: tuple[FileVerdict, ...] = ("same", "undecided", "changes", "rejected", "unreadable")


class FileDiff(NamedTuple):
    """What became of one file.

    Attributes:
        status: whether it stands on both sides, under one name or two.
        old, new: its names; None where it is not there.
        comparisons: one a profile and stage; empty when it could not be read.
        problem: why it could not be read, or None.
    """

    status: Status
    old: str | None
    new: str | None
    comparisons: tuple[Comparison, ...] = ()
    problem: EntrysemError | None = None

    @property
    def verdict(self) -> FileVerdict:
        """The worst of its comparisons; `unreadable` when there are none."""
        if self.problem is not None:
            return "unreadable"
        return max((item.verdict for item in self.comparisons), key=_ORDER.index, default="same")

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What its answers rest on, on one side only, without repetition."""
        return tuple(dict.fromkeys(text for item in self.comparisons for text in item.assumptions))


def diff_files(
    status: Status,
    old: tuple[str, Callable[[], Side]] | None,
    new: tuple[str, Callable[[], Side]] | None,
    question: Question,
) -> FileDiff:
    """Reads and compares one file.

    Args:
        status: as it is told.
        old, new: the file's name, and what reads it; None where it is not there.
        question: what is asked of both.
    """
    names = (None if old is None else old[0], None if new is None else new[0])
    try:
        before = None if old is None else old[1]()
        after = None if new is None else new[1]()
        return FileDiff(status, *names, compare(before, after, question))
    except EntrysemError as problem:
        return FileDiff(status, *names, (), problem)


def worst(diffs: Iterable[FileDiff]) -> FileVerdict:
    """The worst verdict of all; `same` when there is none."""
    return max((item.verdict for item in diffs), key=_ORDER.index, default="same")


def exit_code(diffs: Iterable[FileDiff], *, strict: bool) -> int:
    """0 when nothing changes; 1 when something does or may; 3 when a file was not read or is rejected.
    With `strict`, 4 when all that may change hangs on what is not known.
    """
    found = list(diffs)
    verdict = worst(found)
    if verdict in {"unreadable", "rejected"}:
        return 3
    if verdict == "changes":
        return 1
    if verdict == "undecided":
        return 4 if strict else 1
    return 4 if strict and any(item.assumptions for item in found) else 0
