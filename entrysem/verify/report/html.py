"""The report as one page: a matrix of engines by rules whose cells lead to the cases.

The page stands alone: no script, no font, no picture, no address that is loaded; its own policy
forbids all of them, so that nothing that slipped through the escaping could run either. Cells are
links, and what is folded is a `<details>`, which a browser opens by itself when a link leads into it.
So it works with a keyboard, without scripts, in a mail and from a file.

Its size follows the number of different things that were seen, not of results: a case stands in it
once, and under it each different outcome once, with the engines that it is of. A PASS is counted in
the matrix and shown in the case.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from entrysem.render.visible import visible
from entrysem.rules import RULES
from entrysem.verify.journal import VERDICTS, Journal, Verdict, worst
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

Document = dict[str, Any]

#: A list of links longer than this ends with how many more there are.
_LISTED = 300
#: The same for a cell, of which there are a thousand.
_IN_CELL = 50
#: More engines than this that pass, where others do not, are "the others".
_MANY = 4

_LEGEND = (
    "P passes, D deviates as recorded, S a recorded deviation is no longer seen, "
    "F fails, E the engine or the harness broke, - all skipped."
)

_CODE = re.compile(r"(`+)(.+?)\1|\*\*(.+?)\*\*")


def render(journals: Sequence[Journal]) -> str:
    """The page for these journals, a column each."""
    environment = Environment(
        loader=PackageLoader("entrysem.verify.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    view = _Page(matrix(journals)).view()
    return environment.get_template("page.html.jinja").render(view)


class _Page:
    """Everything that the template shows, as plain texts and numbers."""

    def __init__(self, table: Matrix) -> None:
        self.table = table
        self.cases: dict[str, list[tuple[Column, Result]]] = {}
        for column, result in table.results():
            self.cases.setdefault(result.case, []).append((column, result))
        self.anchors = {case: f"c{place}" for place, case in enumerate(self.cases, start=1)}

    def view(self) -> Document:
        """The variables of the template."""
        table = self.table
        names = [visible(column.label) for column in table.columns]
        engines = f"{len(names)} engines" if len(names) != 1 else names[0]
        wrong = list(self._wrong())
        return {
            "title": "entrysem verify" if len(names) != 1 else f"entrysem verify: {engines}",
            "summary": f"{sum(table.counts.values()):,} results of {len(self.cases):,} cases, {engines}",
            "legend": _LEGEND,
            "verdicts": VERDICTS,
            "counts": _counts(table.counts),
            "columns": [_column(column) for column in table.columns],
            "rows": [self._row(row) for row in table.rows],
            "rule_ids": frozenset(table.rows),
            "totals": [
                _cell(column.cell, f"all of {visible(column.label)}") for column in table.columns
            ],
            "wrong": wrong[:_LISTED],
            "wrong_more": max(0, len(wrong) - _LISTED),
            "deviations": list(self._deviations()),
            "cases": [self._case(case, found) for case, found in self.cases.items()],
        }

    # --- the matrix and the rules --------------------------------------------------------------------

    def _row(self, row: str) -> Document:
        rule = RULES.get(row)
        cells = [self.table.cell(row, column) for column in self.table.columns]
        cases = dict.fromkeys(result.case for cell in cells for result in cell.results)
        title = (
            rule.title
            if rule
            else "the harness, and what no rule is about"
            if row == NO_RULE
            else ""
        )
        label = "no rule" if row == NO_RULE else visible(row)
        return {
            "id": "no-rule" if row == NO_RULE else visible(row),
            "label": label,
            "title": title,
            "normative": [list(_inline(text)) for text in words.normative(row)],
            "cells": [
                _cell(cell, f"{label} on {visible(column.label)}")
                for cell, column in zip(cells, self.table.columns, strict=True)
            ],
            "groups": [
                self._group(index, cell, column)
                for index, (cell, column) in enumerate(zip(cells, self.table.columns, strict=True))
                if cell.worst
            ],
            "cases": [(self.anchors[case], visible(case)) for case in list(cases)[:_LISTED]],
            "cases_more": max(0, len(cases) - _LISTED),
            "case_count": len(cases),
        }

    def _group(self, index: int, cell: Cell, column: Column) -> Document:
        shown = sorted(
            (result for result in cell.results if result.verdict != "PASS"),
            key=lambda result: VERDICTS.index(result.verdict),
        )
        return {
            "index": index,
            "label": visible(column.label),
            "counts": _counts(cell.counts),
            "shown": [self._item(result) for result in shown[:_IN_CELL]],
            "more": max(0, len(shown) - _IN_CELL),
            "passed": cell.counts.get("PASS", 0),
        }

    def _item(self, result: Result) -> Document:
        return {
            "verdict": result.verdict,
            "anchor": self.anchors[result.case],
            "case": visible(result.case),
            "what": words.shorten(words.what(result), 120),
            "why": visible(", ".join(result.deviations))
            or words.shorten(visible(result.reason), 200),
        }

    # --- what is wrong, and what is known ------------------------------------------------------------

    def _wrong(self) -> Iterator[Document]:
        groups: dict[tuple[Verdict, str, str, str], list[Column]] = {}
        for column, result in self.table.results(BAD):
            why = words.shorten(words.message_text(result.reason), 400)
            if not why or result.verdict == "FAIL":
                seen = ", ".join(f"{name}: {text}" for name, text in _differing(result))
                why = f"{seen}. {why}" if why else seen
            key = (
                result.verdict,
                result.case,
                f"{words.shorten(words.what(result), 120)}, {result.document['level']}",
                why,
            )
            groups.setdefault(key, []).append(column)
        for key in sorted(groups, key=lambda key: VERDICTS.index(key[0])):
            verdict, case, about, reason = key
            yield {
                "verdict": verdict,
                "anchor": self.anchors[case],
                "case": visible(case),
                "what": about,
                "engines": self._engines(groups[key], len(self.table.columns)),
                "why": reason,
            }

    def _deviations(self) -> Iterator[Document]:
        seen: dict[str, Counter[str]] = {}
        for column, result in self.table.results(["DEVIATES"]):
            for name in result.deviations:
                seen.setdefault(name, Counter())[visible(column.label)] += 1
        for name in sorted(seen, key=lambda name: (-sum(seen[name].values()), name)):
            item = deviation(name)
            yield {
                "id": visible(name),
                "rule": item.rule if item else "",
                "what": item.what if item else "recorded in the file of known differences",
                "source": item.source if item else "",
                "status": item.status if item else "",
                "engines": list(seen[name].items()),
                "count": sum(seen[name].values()),
            }

    def _engines(self, columns: Sequence[Column], of: int) -> str:
        if len(columns) == of > 2:
            return f"all {of} engines"
        return ", ".join(dict.fromkeys(visible(column.label) for column in columns))

    # --- the cases -----------------------------------------------------------------------------------

    def _case(self, case: str, found: Sequence[tuple[Column, Result]]) -> Document:
        line = found[0][1].line
        verdict = worst(result.verdict for _, result in found)
        parts: dict[tuple[str, str], list[tuple[Column, Result]]] = {}
        for column, result in found:
            key = (words.what(result), result.document["level"])
            parts.setdefault(key, []).append((column, result))
        evidence = [visible(line[key]) for key in ("evidence", "source") if line[key]]
        return {
            "anchor": self.anchors[case],
            "id": visible(case),
            "title": words.shorten(visible(line["title"]), 160),
            "worst": verdict,
            "source": words.source_text(line["job"]),
            "options": words.options(line["job"]),
            "evidence": ": ".join(evidence),
            "rules": [visible(rule) for rule in line["rules"]],
            "parts": [
                {"what": f"{what}, {level}", "outcomes": list(self._outcomes(outcomes))}
                for (what, level), outcomes in parts.items()
            ],
        }

    def _outcomes(self, found: Sequence[tuple[Column, Result]]) -> Iterator[Document]:
        groups: dict[str, list[tuple[Column, Result]]] = {}
        for column, result in found:
            key = json.dumps([result.verdict, words.facts(result), result.deviations])
            groups.setdefault(key, []).append((column, result))
        ordered = sorted(groups.values(), key=lambda g: VERDICTS.index(g[0][1].verdict))
        for place, group in enumerate(ordered, start=1):
            result = group[0][1]
            others = result.verdict == "PASS" and _MANY < len(group) < len(found)
            yield {
                "verdict": result.verdict,
                "engines": f"the other {len(group)} engines"
                if others and len(groups) == place
                else self._engines([column for column, _ in group], len(found)),
                "facts": [
                    (name, text, name not in ("because", "see"))
                    for name, text in words.facts(result)
                ],
                "deviation": [_deviation(name, result.verdict) for name in result.deviations],
            }


def _deviation(name: str, verdict: str) -> Document:
    item = deviation(name)
    return {
        "id": visible(name),
        # The table of deviations has those that were seen.
        "linked": verdict == "DEVIATES",
        "what": item.what if item else "",
        "source": item.source if item else "",
    }


def _differing(result: Result) -> list[tuple[str, str]]:
    return [
        (name, words.shorten(text, 400))
        for name, text in words.facts(result)
        if name not in ("because", "see")
    ]


def _column(column: Column) -> Document:
    who, header = column.implementation, column.journal.header
    footer = column.journal.footer
    when = header["started"] + (f" to {footer['ended']}" if footer else "")
    details = {
        "asked for": header["engine"],
        "compared with": f"{header['reference']['builder']}, {header['reference']['runtime']}",
        "session": header["session"],
        "entrysem": header["entrysem"],
        **who.get("details", {}),
    }
    return {
        "name": visible(column.name),
        "detail": visible(column.detail),
        "label": visible(column.label),
        "builder": visible(who.get("builder") or "-"),
        "runtime": visible(who.get("runtime") or "-"),
        "levels": ", ".join(map(visible, who["levels"])),
        "platform": visible(who.get("platform") or "-"),
        "counts": _counts(column.cell.counts),
        "ending": words.message_text(column.ending),
        "when": visible(when),
        "details": [(visible(key), visible(str(value))) for key, value in details.items()],
    }


def _cell(cell: Cell, where: str) -> Document:
    if cell.shown is None:
        return {"shown": None}
    return {
        "shown": cell.shown,
        "letter": LETTERS[cell.shown],
        "number": cell.counts[cell.shown],
        "total": sum(cell.counts.values()),
        "title": f"{where}: {counts_text(cell.counts)}",
    }


def _counts(counts: Any) -> list[tuple[Verdict, int]]:
    return [(verdict, counts[verdict]) for verdict in VERDICTS if counts.get(verdict)]


def _inline(text: str) -> Iterator[tuple[str, str]]:
    """Markdown's code and strong emphasis as (kind, text); the template escapes the texts."""
    place = 0
    for match in _CODE.finditer(text):
        if match.start() > place:
            yield "text", text[place : match.start()]
        yield ("code", match.group(2)) if match.group(1) else ("strong", match.group(3))
        place = match.end()
    if place < len(text):
        yield "text", text[place:]
