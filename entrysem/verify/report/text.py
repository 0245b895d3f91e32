"""The report for a terminal: the matrix, what is wrong, and which recorded deviations were seen.

A cell is a letter, the worst verdict, and how often it was given; the letters say what the colours
say. What is wrong comes last, because the end of the output is what one sees. When the columns do not
fit the terminal, the matrix is printed in several pieces below each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import tabulate

from entrysem.render.visible import visible
from entrysem.rules import RULES
from entrysem.verify.journal import VERDICTS, Journal, Verdict
from entrysem.verify.report import words
from entrysem.verify.report.matrix import (
    BAD,
    LETTERS,
    NO_RULE,
    Cell,
    Column,
    Matrix,
    Result,
    counts_text,
    deviation,
    matrix,
)

__all__ = ["render"]

#: So many failures are written out; a broken engine has hundreds of one kind.
_WRITTEN = 20
_NARROWEST = 30

_COLOURS: dict[Verdict, str] = {
    "PASS": "32",
    "DEVIATES": "36",
    "SKIP": "2",
    "STALE": "33",
    "FAIL": "1;31",
    "ERROR": "1;37;41",
}
_LEGEND = (
    "P pass  D deviates as recorded  S recorded, but no longer seen  F fail  E error  - skipped"
)


def render(journals: Sequence[Journal], *, width: int = 100, colour: bool = False) -> str:
    """The report in lines of at most `width` characters where that can be; ends with a newline."""
    table = matrix(journals)
    style = _Style(colour=colour)
    lines = [f"{words.shorten(visible(_title(table)), 400)}", ""]
    lines += _matrix(table, max(width, _NARROWEST), style)
    lines += [_LEGEND if width >= len(_LEGEND) else _LEGEND.replace("  ", "\n"), ""]
    lines += _skips(table)
    lines += _deviations(table)
    lines += _wrong(table, style)
    lines += _endings(table, style)
    return "\n".join(lines) + "\n"


class _Style:
    def __init__(self, *, colour: bool) -> None:
        self._on = colour

    def of(self, verdict: Verdict, text: str) -> str:
        return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m" if self._on else text


def _title(table: Matrix) -> str:
    labels = [column.label for column in table.columns]
    return labels[0] if len(labels) == 1 else f"{len(labels)} engines"


# --- the matrix --------------------------------------------------------------------------------------


def _matrix(table: Matrix, width: int, style: _Style) -> Iterator[str]:
    heads = [_head(column) for column in table.columns]
    rows = [_row_label(row) for row in table.rows]
    widths = [
        max(
            # tabulate gives a heading two more characters than it has.
            *(len(line) + 2 for line in head.split("\n")),
            *(len(_cell_text(cell)) for cell in [*column.by_row.values(), column.cell]),
        )
        for head, column in zip(heads, table.columns, strict=True)
    ]
    total = "all results"
    first = max(len(total), *(len(row) for row in rows), 0) if rows else len(total)
    titles = first + 2 + max(map(len, map(_title_of, table.rows)), default=0)
    for piece in _pieces(widths, width - first):
        # The rules' titles stand beside the matrix where there is room for them.
        room = width - titles - sum(widths[place] + 2 for place in piece)
        body = [
            [
                f"{label:{first}}  {_title_of(row)}" if room >= 0 else label,
                *(_cell(table.cell(row, table.columns[place]), style) for place in piece),
            ]
            for label, row in zip(rows, table.rows, strict=True)
        ]
        body.append([tabulate.SEPARATING_LINE])
        body.append([total, *(_cell(table.columns[place].cell, style) for place in piece)])
        yield tabulate.tabulate(
            body,
            headers=["rule", *(heads[place] for place in piece)],
            tablefmt="simple",
            disable_numparse=True,
        )
        yield ""


def _pieces(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """Columns that fit beside each other; at least one in each piece."""
    piece: list[int] = []
    used = 0
    for place, width in enumerate(widths):
        if piece and used + width + 2 > room:
            yield piece
            piece, used = [], 0
        piece.append(place)
        used += width + 2
    yield piece


def _head(column: Column) -> str:
    """The column's name, a word a line, so that columns stay narrow."""
    parts = visible(column.label).replace("@", " @").split()
    return "\n".join(words.shorten(part, 24) for part in parts)


def _row_label(row: str) -> str:
    return "no rule" if row == NO_RULE else visible(row)


def _title_of(row: str) -> str:
    return RULES[row].title if row in RULES else ""


def _cell_text(cell: Cell) -> str:
    if cell.shown is None:
        return "."
    total, number = sum(cell.counts.values()), cell.counts[cell.shown]
    text = f"{LETTERS[cell.shown]} {number}"
    return text if number == total else f"{text}/{total}"


def _cell(cell: Cell, style: _Style) -> str:
    text = _cell_text(cell)
    return text if cell.shown is None else style.of(cell.shown, text)


# --- what stands below it ----------------------------------------------------------------------------


def _skips(table: Matrix) -> Iterator[str]:
    reasons = Counter(words.skipped(result) for _, result in table.results(["SKIP"]))
    if not reasons:
        return
    yield "Skipped"
    for reason, count in reasons.most_common(_WRITTEN):
        yield f"{count:6}  {reason}"
    if len(reasons) > _WRITTEN:
        yield f"        and for {len(reasons) - _WRITTEN} more reasons"
    yield ""


def _deviations(table: Matrix) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for _, result in table.results(["DEVIATES"]):
        seen.update(result.deviations or ["(explained by no recorded deviation)"])
    if not seen:
        return
    yield "Recorded deviations that were seen"
    for name, count in seen.most_common():
        item = deviation(name)
        yield f"{count:6}  {visible(name)}{f': {item.what}' if item else ''}"
    yield ""


def _wrong(table: Matrix, style: _Style) -> Iterator[str]:
    found = sorted(
        table.results(BAD), key=lambda pair: VERDICTS.index(pair[1].verdict)
    )  # stable: in the journal's order within a verdict
    for column, result in found[:_WRITTEN]:
        engine = f" on {visible(column.label)}" if len(table.columns) > 1 else ""
        yield f"{style.of(result.verdict, result.verdict)} {visible(result.id)}{engine}"
        yield from _written(result)
        yield ""
    if len(found) > _WRITTEN:
        rest = Counter(result.verdict for _, result in found[_WRITTEN:])
        yield f"and {counts_text(rest)} more; the journal and the html report have them"
        yield ""


def _written(result: Result) -> Iterator[str]:
    source = words.shorten(words.source_text(result.line["job"]), 800)
    yield from (f"    | {line}" for line in source.split("\n"))
    facts = [
        *words.options(result.line["job"]),
        (words.what(result), f"level {result.document['level']}"),
        *words.facts(result),
    ]
    yield from (f"    {name}: {text}" for name, text in facts)
    rules = ", ".join(visible(rule) for rule in result.rows if rule != NO_RULE)
    if rules:
        yield f"    rules: {rules}"
    if result.deviations:
        yield f"    recorded as: {', '.join(visible(name) for name in result.deviations)}"


def _endings(table: Matrix, style: _Style) -> Iterator[str]:
    for column in table.columns:
        counts = " ".join(
            style.of(verdict, f"{column.cell.counts[verdict]} {verdict}")
            for verdict in VERDICTS
            if column.cell.counts.get(verdict)
        )
        yield f"{visible(column.label)}: {counts or 'no results'}"
        if column.ending:
            yield f"  {words.message_text(column.ending)}"
