"""For a job's summary or a review: a table of what was found, short whatever happens.

GitHub takes 1 MiB a step; the table ends before that and says how much was left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from entrysem.check.kinds import REJECTED
from entrysem.check.model import FileResult, Totals
from entrysem.check.report.text import summary
from entrysem.render.visible import visible

__all__ = ["render"]

_LARGEST = 900_000
_LONGEST = 600


def render(results: Sequence[FileResult], code: int) -> str:
    """The page, with a line end."""
    word = {0: "passed", 1: "failed", 4: "an answer is not known"}.get(
        code, "not everything was checked"
    )
    lines = [f"### entrysem check: {word}", "", f"{summary(Totals.of(results))}.", ""]
    rows = []
    for result in results:
        shown = result.place.shown
        refused = result.rejection
        if refused is not None:
            line = refused.span.line if refused.span else None
            rows.append(_row(shown, line, "error", REJECTED, refused.message))
        rows += [
            _row(
                shown, each.span.line if each.span else None, each.severity, each.kind, each.message
            )
            for each in result.problems
        ]
    if rows:
        lines += ["| where | what | |", "|---|---|---|"]
    size, shown_rows = 0, 0
    for row in rows:
        size += len(row.encode()) + 1
        if size > _LARGEST:
            break
        lines.append(row)
        shown_rows += 1
    if shown_rows < len(rows):
        lines += ["", f"{len(rows) - shown_rows} more are left out here."]
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(shown: str, line: int | None, severity: str, kind: str, text: str) -> str:
    place = shown if line is None else f"{shown}:{line}"
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " ..."
    return f"| {_cell(place)} | {severity} {kind} | {_cell(text)} |"


def _cell(text: str) -> str:
    """Text that neither Markdown nor HTML takes for more than text."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~@&$^-])", r"\\\1", visible(text))
