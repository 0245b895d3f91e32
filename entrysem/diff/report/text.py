"""`--format text`: minus before, plus after, and the lines that make the difference."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from entrysem.diff.causes import Cause
from entrysem.diff.compare import Comparison
from entrysem.diff.files import FileDiff
from entrysem.diff.report import words
from entrysem.render.text import Style
from entrysem.render.visible import visible

__all__ = ["render"]

#: Characters of an instruction that are shown.
_SHOWN = 300


def render(diffs: Sequence[FileDiff], style: Style, *, brief: bool) -> str:
    """All files, those in which nothing changes by one line; with `brief` every file by one line."""
    lines: list[str] = []
    for diff in diffs:
        name, told = words.headline(diff)
        lines.append(f"{visible(name)}: {style.strong(told)}")
        if brief:
            continue
        if diff.problem is not None:
            lines.append(f"  {visible(diff.problem.message)}")
        for group in words.groups(diff.comparisons):
            lines += _group(group, style)
        if diff.assumptions and diff.verdict == "same":
            lines += [f"  assumes that {visible(sentence)}" for sentence in diff.assumptions]
        if diff.verdict != "same" and diff is not diffs[-1]:
            lines.append("")
    if len(diffs) != 1:
        lines += [*([""] if lines else []), words.summary(diffs)]
    return "\n".join(lines) + "\n"


def _group(group: words.Group, style: Style) -> Iterator[str]:
    item = group.shown
    stage = "" if item.stage is None else f"stage {visible(item.stage)}"
    if item.verdict != "same":
        profiles = "; ".join(group.profiles)
        yield f"  {stage}{'  ' if stage else ''}{style.faint(f'({profiles})')}"
        before, after = words.one_sided(item)
        if before is not None:
            yield from _pair(before, after or "", "    ", style)
        yield from _runs(item, style)
        if item.causes:
            yield f"    {style.faint('because of')}"
            for cause in item.causes:
                yield from _cause(cause, style)
        yield from _settle(item)
    if item.unseen:
        keys = ", ".join(item.unseen)
        of = f" of {stage}" if stage else ""
        yield f"  {keys}{of} in the image's config changes; no run here shows it"


def _runs(item: Comparison, style: Style) -> Iterator[str]:
    same: list[str] = []
    told = False
    for change in item.runs:
        if change.verdict == "same":
            same.append(change.run.name)
            continue
        doubt = "" if change.verdict == "changes" else "  may be the same: it is not known"
        yield f"    {visible(change.run.name)}{style.faint(doubt)}"
        yield from _pair(words.answer(change.old), words.answer(change.new), "      ", style)
        signals = words.signals(change)
        if signals is not None and not told:
            told = True
            yield "    docker stop"
            yield from _pair(*signals, "      ", style)
    if same:
        yield f"    {style.faint('same: ' + visible(', '.join(same)))}"


def _pair(before: str, after: str, indent: str, style: Style) -> Iterator[str]:
    yield f"{indent}{style.bad('-')} {before}"
    yield f"{indent}{style.strong('+')} {after}"


def _cause(cause: Cause, style: Style) -> Iterator[str]:
    sign = style.bad("-") if cause.side == "old" else style.strong("+")
    text = cause.instruction
    shown = visible(text[:_SHOWN]) + (f" ... ({len(text) - _SHOWN} more)" if text[_SHOWN:] else "")
    number = words.place(cause)
    yield f"      {sign} {style.faint(f'{number} |')} {shown}"
    for rule, sentence in cause.steps:
        yield f"        {' ' * len(number)}   {style.faint(f'{rule:<8}')} {visible(sentence)}"


def _settle(item: Comparison) -> Iterator[str]:
    for image in words.settle(item):
        quoted = shlex.quote(visible(image))
        yield f"    to settle it: docker image inspect {quoted} > base.json"
        yield f"                  and compare again with --base-config {quoted}=base.json"
