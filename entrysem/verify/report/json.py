"""The report for programs: `spec/schema/verify-report.schema.json`.

Counts for each engine by level, rule and verdict, and every result that is no PASS, with the case
that it belongs to. Values are spelled as in the journal, so that nothing is lost: a word is a string,
or an object with base64 when its bytes are no UTF-8. The text is ASCII.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from entrysem.verify.journal import VERDICTS, Journal, Verdict
from entrysem.verify.protocol import LEVELS
from entrysem.verify.report.matrix import Cell, Column, Matrix, deviation, matrix

__all__ = ["document", "render"]

Document = dict[str, Any]

_VERSION = 1


def render(journals: Sequence[Journal]) -> str:
    """The document as text, ending with a newline."""
    return json.dumps(document(journals), indent=1) + "\n"


def document(journals: Sequence[Journal]) -> Document:
    """The document as Python objects."""
    table = matrix(journals)
    results = [
        {
            "engine": table.columns.index(column),
            "case": result.case,
            **result.document,
            "rules": [row for row in result.rows if row != "-"],
        }
        for column, result in table.results([name for name in VERDICTS if name != "PASS"])
    ]
    return {
        "schema_version": _VERSION,
        "counts": _counts(table.counts),
        "engines": [_engine(column, table) for column in table.columns],
        "deviations": _deviations(results),
        "cases": _cases(table, {result["case"] for result in results}),
        "results": results,
    }


def _engine(column: Column, table: Matrix) -> Document:
    journal = column.journal
    header, footer = journal.header, journal.footer
    levels = {
        level: Cell.of([r for r in column.cell.results if r.document["level"] == level])
        for level in LEVELS
    }
    return {
        "label": column.label,
        "engine": header["engine"],
        "implementation": header["implementation"],
        "reference": header["reference"],
        "session": header["session"],
        "entrysem": header["entrysem"],
        "level": header["level"],
        "plan": header["plan"],
        "started": header["started"],
        "ended": None if footer is None else footer["ended"],
        "status": journal.status,
        "reason": "" if footer is None else footer["reason"],
        "exit_code": journal.exit_code,
        "counts": _counts(column.cell.counts),
        "unexplained": sum(result.document["unexplained"] for result in column.cell.results),
        "levels": {
            level: _counts(cell.counts) for level, cell in levels.items() if cell.worst is not None
        },
        "rules": {
            row: _counts(cell.counts)
            for row in table.rows
            if row != "-" and (cell := table.cell(row, column)).worst is not None
        },
    }


def _counts(counts: Mapping[Verdict, int]) -> dict[str, int]:
    return {verdict: counts.get(verdict, 0) for verdict in VERDICTS}


def _deviations(results: Iterable[Document]) -> dict[str, Document | None]:
    names = dict.fromkeys(name for result in results for name in result["deviations"])
    return {
        name: None
        if (item := deviation(name)) is None
        else {"rule": item.rule, "what": item.what, "source": item.source, "status": item.status}
        for name in names
    }


def _cases(table: Matrix, wanted: set[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for _, result in table.results():
        if result.case in wanted and result.case not in found:
            found[result.case] = {
                key: result.line[key]
                for key in ("suite", "title", "rules", "evidence", "source", "job")
            }
    return found
