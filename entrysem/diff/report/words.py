"""What the formats for people say alike: sentences, and which comparisons are told together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from entrysem.diff.causes import Cause
from entrysem.diff.compare import Build, Comparison, RunChange
from entrysem.diff.files import FileDiff, FileVerdict
from entrysem.model import RunOptions
from entrysem.render.text import answer_line
from entrysem.render.visible import visible
from entrysem.resolve import Resolution

__all__ = ["Group", "answer", "groups", "headline", "one_sided", "settle", "signals", "summary"]

_SENTENCES: Mapping[FileVerdict, str] = {
    "same": "nothing that runs changes",
    "undecided": "what runs may change: an unknown base decides",
    "changes": "what runs changes",
    "rejected": "the builder rejects it before and after",
    "unreadable": "could not be compared",
}


class Group(NamedTuple):
    """Comparisons of one stage that come to the same.

    Attributes:
        profiles: under which they do.
        shown: one of them.
    """

    profiles: tuple[str, ...]
    shown: Comparison


def headline(diff: FileDiff) -> tuple[str, str]:
    """The file's name or names, and what became of it. Not yet made visible."""
    name = diff.new if diff.new is not None else diff.old
    if diff.old is not None and diff.new is not None and diff.old != diff.new:
        name = f"{diff.old} -> {diff.new}"
    told = _SENTENCES[diff.verdict]
    if diff.status in {"added", "removed"} and diff.verdict != "unreadable":
        rejected = diff.verdict == "rejected"
        told = f"{diff.status}, and the builder rejects it" if rejected else diff.status
    return name or "", told


def summary(diffs: Sequence[FileDiff]) -> str:
    """How many files there are of each verdict: `what runs changes in 1 of 3 Dockerfiles`."""
    many = f"{len(diffs)} Dockerfile{'' if len(diffs) == 1 else 's'}"
    counts = {verdict: sum(item.verdict == verdict for item in diffs) for verdict in _SENTENCES}
    parts = []
    if counts["changes"]:
        parts.append(f"what runs changes in {counts['changes']} of {many}")
    if counts["undecided"]:
        of = "" if parts else f" of {many}"
        parts.append(f"what runs may change in {counts['undecided']}{of}")
    if counts["rejected"]:
        parts.append(f"{counts['rejected']} rejected")
    if counts["unreadable"]:
        parts.append(f"{counts['unreadable']} not compared")
    if not parts:
        return f"nothing that runs changes in {many}" if diffs else "no Dockerfile changed"
    return ", ".join(parts)


def groups(comparisons: Iterable[Comparison]) -> list[Group]:
    """Comparisons of one stage with the same answers together, in order."""
    found: dict[object, list[Comparison]] = {}
    for item in comparisons:
        key = (
            item.stage,
            item.verdict,
            one_sided(item),
            tuple(
                (run.run.name, answer(run.old), answer(run.new), run.verdict)
                for run in item.runs
                if run.verdict != "same"
            ),
            item.causes,
            item.unseen,
        )
        found.setdefault(key, []).append(item)
    return [
        Group(tuple(f"{item.profile.builder}, {item.profile.runtime}" for item in items), items[0])
        for items in found.values()
    ]


def answer(resolution: Resolution) -> str:
    """One line, safe to show."""
    return answer_line(resolution)


def one_sided(comparison: Comparison) -> tuple[str | None, str | None]:
    """What there was and is, where only one side builds or exists; (None, None) elsewhere."""
    if comparison.runs:
        return None, None
    return _alone(comparison.old), _alone(comparison.new)


def _alone(build: Build | None) -> str:
    if build is None:
        return "not there"
    if build.image is None:
        assert build.error is not None
        return f"rejected: {visible(build.error.message)}"
    return answer_line(build.image.run(RunOptions()))


def signals(change: RunChange) -> tuple[str, str] | None:
    """Who gets the signal of `docker stop` before and after, where that differs and both are known."""
    told = [_signal(resolution) for resolution in (change.old, change.new)]
    if told[0] is None or told[1] is None or told[0] == told[1]:
        return None
    return told[0], told[1]


def _signal(resolution: Resolution) -> str | None:
    if not resolution.argv or resolution.error is not None:
        return None
    view = resolution.shell
    if view is None:
        return "the program is PID 1 and gets the signal"
    return visible(view.sigterm) if view.pid1 or view.init is not None else None


def settle(comparison: Comparison) -> list[str]:
    """Images whose configs would settle what is undecided, in order."""
    images: dict[str, None] = {}
    for change in comparison.runs:
        if change.verdict == "undecided":
            for resolution in (change.old, change.new):
                images.update({part.image: None for part in resolution.unknown})
    return list(images)


def place(cause: Cause) -> str:
    """`11`, or a word for an instruction that stands in no line."""
    return "-" if cause.line is None else str(cause.line)
