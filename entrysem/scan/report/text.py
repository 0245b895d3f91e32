"""The report for a terminal."""

from __future__ import annotations

from tabulate import tabulate

from entrysem.scan.report.summary import Summary
from entrysem.scan.report.tables import form_matrix, headline, percent, tables

__all__ = ["render"]

_BAR = 24


def render(summary: Summary, top: int) -> str:
    """The report, with a line end."""
    parts = ["\n".join(headline(summary))]
    if summary.files:
        matrix = form_matrix(summary)
        rows = [
            [name, *(f"{count:,} ({percent(count, summary.files)})" for _, count in cells)]
            for name, cells in matrix
        ]
        table = tabulate(
            rows,
            headers=["", *(name for name, _ in matrix[0][1])],
            disable_numparse=True,
            colalign=("left", *["right"] * len(matrix[0][1])),
        )
        parts.append(f"Forms in the target stage\n{table}")
    for table_ in tables(summary, top):
        lines = tabulate(
            [
                [row.name, f"{row.number:,}", percent(row.number, row.of), _bar(row.number, row.of)]
                for row in table_.rows
            ],
            tablefmt="plain",
            disable_numparse=True,
            colalign=("left", "right", "right", "left"),
        )
        shown = "\n".join(f"  {line}".rstrip() for line in lines.splitlines())
        parts.append(f"{table_.title}\n{shown}" + (f"\n  {table_.more}" if table_.more else ""))
    return "\n\n".join(parts) + "\n"


def _bar(count: int, of: int) -> str:
    return "#" * round(_BAR * count / of) if of else ""
