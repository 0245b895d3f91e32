"""`--format markdown`: a comment on a pull request, or the summary of a job.

At most some 60,000 characters, what a comment holds; files that no longer fit are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from entrysem.diff.causes import Cause
from entrysem.diff.files import FileDiff
from entrysem.diff.report import words
from entrysem.verify.report.markdown import code, text

__all__ = ["render"]

#: Lets a bot find its own comment again, to write it anew.
_MARK = "<!-- entrysem diff -->"
_ROOM = 60_000
#: Characters of a word list or an instruction that are shown.
_SHOWN = 2_000


def render(diffs: Sequence[FileDiff]) -> str:
    """The comment; what changes stands first, and what does not is one line for all."""
    lines = [_MARK, f"### entrysem diff: {words.summary(diffs)}", ""]
    room = _ROOM
    left = 0
    for diff in diffs:
        if diff.verdict == "same" and not _unseen(diff):
            continue
        section = "\n".join(_section(diff)) + "\n"
        room -= len(section)
        if room < 0:
            left += 1
            continue
        lines.append(section)
    same = [words.headline(diff)[0] for diff in diffs if diff.verdict == "same"]
    if same:
        shown = ", ".join(code(_short(name)) for name in same[:50])
        more = f" and {len(same) - 50} more" if same[50:] else ""
        lines += [f"Nothing that runs changes in {shown}{more}.", ""]
    if left:
        lines += [f"{left} more files do not fit here; `--format text` has them.", ""]
    return "\n".join(lines)


def _unseen(diff: FileDiff) -> bool:
    return any(item.unseen for item in diff.comparisons)


def _section(diff: FileDiff) -> Iterator[str]:
    name, told = words.headline(diff)
    yield f"#### {code(_short(name))}: {told}"
    yield ""
    if diff.problem is not None:
        yield f"{text(_short(diff.problem.message))}."
        if diff.problem.hint:
            yield f"{text(_short(diff.problem.hint))}."
        yield ""
    for group in words.groups(diff.comparisons):
        yield from _group(group)


def _group(group: words.Group) -> Iterator[str]:
    item = group.shown
    if item.verdict == "same":
        if item.unseen:
            stage = "" if item.stage is None else f" of stage {code(item.stage)}"
            yield f"{', '.join(item.unseen)}{stage} in the image's config changes; no run shows it."
            yield ""
        return
    stage = "" if item.stage is None else f"stage {code(item.stage)}, "
    yield f"{stage}<sub>{text('; '.join(group.profiles))}</sub>"
    yield ""
    yield "| | before | after |"
    yield "|---|---|---|"
    before, after = words.one_sided(item)
    if before is not None:
        yield f"| {code('run IMAGE')} | {_answer(before)} | {_answer(after or '')} |"
    same: list[str] = []
    for change in item.runs:
        if change.verdict == "same":
            same.append(change.run.name)
            continue
        doubt = "" if change.verdict == "changes" else " (may be the same)"
        answers = _answer(words.answer(change.old)), _answer(words.answer(change.new))
        yield f"| {code(_short(change.run.name))}{doubt} | {answers[0]} | {answers[1]} |"
    signals = next(filter(None, map(words.signals, item.runs)), None)
    if signals is not None:
        yield f"| {code('docker stop')} | {text(signals[0])} | {text(signals[1])} |"
    yield ""
    yield from (_cause(cause) for cause in item.causes)
    yield from (
        f"- to settle it, show the config of {code(_short(image))}: "
        f"{code(f'--base-config {_short(image)}=FILE')}"
        for image in words.settle(item)
    )
    if same:
        yield f"- the same: {', '.join(code(_short(name)) for name in same)}"
    yield ""


def _answer(shown: str) -> str:
    return code(_short(shown)) if shown.startswith("[") else text(_short(shown))


def _cause(cause: Cause) -> str:
    when = "before" if cause.side == "old" else "after"
    where = "a trigger of the base image" if cause.line is None else f"line {cause.line}"
    why = "; ".join(f"{text(_short(sentence))} ({rule})" for rule, sentence in cause.steps)
    instruction = f": {code(_short(cause.instruction))}" if cause.instruction else ""
    return f"- {when}, {where}{instruction}: {why}"


def _short(value: str) -> str:
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
