"""`--format github`: one annotation a file, at the line that makes the difference.

A change is a notice, since it may well be meant; a file that the builder rejects or that cannot be read
is an error. Source: actions/toolkit packages/core/src/command.ts (escapeData, escapeProperty).
"""

from __future__ import annotations

from collections.abc import Sequence

from entrysem.diff.files import FileDiff
from entrysem.diff.report import words
from entrysem.render.visible import visible

__all__ = ["render"]

#: GitHub cuts longer messages.
_SHOWN = 1_000


def render(diffs: Sequence[FileDiff]) -> str:
    """A line for each file in which something is to be told; empty when there is none."""
    return "".join(_line(diff) for diff in diffs if diff.verdict != "same")


def _line(diff: FileDiff) -> str:
    kind = "error" if diff.verdict in {"rejected", "unreadable"} else "notice"
    properties = [f"title={_property('entrysem diff')}"]
    if diff.new is not None:
        properties.insert(0, f"file={_property(visible(diff.new))}")
        line = _place(diff)
        if line is not None:
            properties.insert(1, f"line={line}")
    message = "\n".join(_message(diff))
    return f"::{kind} {','.join(properties)}::{_data(message[:_SHOWN])}\n"


def _place(diff: FileDiff) -> int | None:
    """The first line of the new text that is a cause."""
    for item in diff.comparisons:
        for cause in item.causes:
            if cause.side == "new" and cause.line is not None:
                return cause.line
    return None


def _message(diff: FileDiff) -> list[str]:
    name, told = words.headline(diff)
    lines = [f"{visible(name)}: {told}"]
    if diff.problem is not None:
        lines.append(visible(diff.problem.message))
    item = next((item for item in diff.comparisons if item.verdict != "same"), None)
    if item is not None:
        pair = words.one_sided(item)
        for change in item.runs:
            if change.verdict != "same":
                lines.append(change.run.name)
                pair = words.answer(change.old), words.answer(change.new)
                break
        lines += [f"- {pair[0]}", f"+ {pair[1]}"]
    return lines


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
