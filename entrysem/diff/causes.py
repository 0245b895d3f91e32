"""Which instructions make the difference.

The value of Entrypoint or Cmd at the end of a build was decided by one step: the last that wrote it, or,
where none did, the FROM that brought it. For each of the two keys whose values differ, that step on the
old side and that step on the new side are the causes. A script in shell form also carries the SHELL in
force, so where the shells differ the step that last wrote Shell is a cause too. Reading notes on the same
instruction come along, because `CMD ['x']` is explained by why it is no exec form.

A text that the builder rejects is caused by the line that it rejects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from entrysem.errors import DockerfileError
from entrysem.model import ImageConfig, Step, Words
from entrysem.resolve import Image
from entrysem.trace import steps

__all__ = ["Cause", "changed_keys", "find_causes", "rejection_cause"]

Where = Literal["old", "new"]
Key = Literal["Entrypoint", "Cmd", "Shell", "OnBuild"]


class Cause(NamedTuple):
    """One instruction, and what it does there.

    Attributes:
        side: which text it stands in.
        line: its first line, or None (a trigger of the base image).
        instruction: its text; empty when there is none to show.
        steps: (rule, sentence), at least one.
    """

    side: Where
    line: int | None
    instruction: str
    steps: tuple[tuple[str, str], ...]


def changed_keys(old: ImageConfig, new: ImageConfig) -> tuple[Key, ...]:
    """The keys whose values differ, null and empty kept apart."""
    found: list[Key] = []
    if old.entrypoint != new.entrypoint:
        found.append("Entrypoint")
    if old.cmd != new.cmd:
        found.append("Cmd")
    if old.shell != new.shell:
        found.append("Shell")
    if old.onbuild != new.onbuild:
        found.append("OnBuild")
    return tuple(found)


def find_causes(old: Image, new: Image) -> tuple[Cause, ...]:
    """The instructions that decided what differs in Entrypoint and Cmd, the old side's first.

    Images that were not built from a Dockerfile have none.
    """
    keys = [key for key in changed_keys(old.config, new.config) if key in {"Entrypoint", "Cmd"}]
    before, after = _steps(old), _steps(new)
    wrote_before: set[int] = set()
    wrote_after: set[int] = set()
    for key in keys:
        one, other = _last_word(before, key), _last_word(after, key)
        wrote_before |= _without_none(one)
        wrote_after |= _without_none(other)
        shell, other_shell = _shell_used(before, one), _shell_used(after, other)
        if one is None or other is None or shell is None or other_shell is None:
            continue
        if shell != other_shell:
            wrote_before |= _without_none(_last_word(before[:one], "Shell"))
            wrote_after |= _without_none(_last_word(after[:other], "Shell"))
    return (*_told("old", before, wrote_before), *_told("new", after, wrote_after))


def _without_none(index: int | None) -> set[int]:
    return set() if index is None else {index}


def rejection_cause(side: Where, error: DockerfileError) -> Cause:
    """The line that the builder rejects, and why."""
    return Cause(side, error.line, error.excerpt or "", ((error.rule, error.message),))


def _steps(image: Image) -> tuple[Step, ...]:
    return steps(image.trace, image.dockerfile)


def _last_word(taken: Sequence[Step], key: str) -> int | None:
    """Index of the step that decided `key`; None when nothing did."""
    for index in range(len(taken) - 1, -1, -1):
        step = taken[index]
        if step.field == key and step.rule != "BUILD-04":
            return index
        # A FROM that stands on an earlier stage only hands on what that stage's own steps wrote.
        if step.rule == "BUILD-07" and not any(s.rule == "BUILD-07" for s in taken[:index]):
            return index
    return None


def _shell_used(taken: Sequence[Step], at: int | None) -> tuple[Words, ...] | None:
    """The shell that the shell form of this instruction was given, or None for an exec form."""
    if at is None:
        return None
    for index in range(at, -1, -1):
        step = taken[index]
        if not _together(step, taken[at]):
            return None
        if step.rule == "BUILD-04":
            return step.config
    return None


def _together(one: Step, other: Step) -> bool:
    return (one.span, one.instruction) == (other.span, other.instruction)


def _told(side: Where, taken: Sequence[Step], chosen: set[int]) -> list[Cause]:
    """The chosen steps by instruction, with the reading of the same instruction, in their order."""
    causes: dict[tuple[int | None, str], list[tuple[str, str]]] = {}
    for index in sorted(chosen):
        step = taken[index]
        place = (None if step.span is None else step.span.line, step.instruction)
        told = causes.setdefault(place, [])
        first = index
        while first > 0 and _together(taken[first - 1], step):
            first -= 1
        for other in taken[first : index + 1]:
            line = (other.rule, other.sentence)
            wanted = (
                other is step or other.field == "form" or other.rule in {"BUILD-04", "BUILD-12"}
            )
            if wanted and line not in told:
                told.append(line)
    return [
        Cause(side, line, instruction, tuple(told)) for (line, instruction), told in causes.items()
    ]
