"""What every report shows: columns (a journal each), rows (a rule each), and cells of counted verdicts.

A result is about one thing that an engine did, a build or a run, while a case names every rule that
has a part in it. What a result counts for:

* a build shows `FORM-*` and `BUILD-*`: the stored config is all that one sees of it;
* a run shows `MERGE-*`; and the rules of reading and building where the case says nothing about the
  stored config. Where the build went wrong already, a run that is wrong too, or cannot be made, is
  the build's doing: it counts for what the build counts for, and says nothing against the runtime;
* nothing here shows `SHELL-*`: they begin where argv ends;
* a DEVIATES or STALE counts for the rule that the recorded deviation names, and for no other: the
  value is known to be about that rule and says nothing about its neighbours;
* where that leaves nothing, it counts for every other rule of the case; and a result without a rule,
  such as the check of the harness, for the row `-`.

So a row says how an engine does by one rule, and the last line, where every result counts once, how
it does in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from entrysem.deviations import DEVIATIONS, Deviation
from entrysem.rules import RULES
from entrysem.verify.journal import VERDICTS, Journal, Verdict, worst

__all__ = [
    "BAD",
    "LETTERS",
    "NO_RULE",
    "Cell",
    "Column",
    "Matrix",
    "Result",
    "counts_text",
    "deviation",
    "matrix",
]

Document = Mapping[str, Any]

#: What makes `entrysem verify` end with a code other than 0.
BAD: tuple[Verdict, ...] = ("ERROR", "FAIL", "STALE")
#: What stands for a verdict where there is little room.
LETTERS: dict[Verdict, str] = {
    "PASS": "P",
    "DEVIATES": "D",
    "SKIP": "-",
    "STALE": "S",
    "FAIL": "F",
    "ERROR": "E",
}
#: The row of results that belong to no rule.
NO_RULE = "-"

_ROWS = {rule: place for place, rule in enumerate([NO_RULE, *RULES])}
_DEVIATIONS = {item.id: item for item in DEVIATIONS}


def deviation(deviation_id: str) -> Deviation | None:
    """The recorded deviation; None for one that only the user's file of known differences has."""
    return _DEVIATIONS.get(deviation_id)


def counts_text(counts: Mapping[Verdict, int]) -> str:
    """`2 FAIL, 40 PASS`, the worst first."""
    return ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts.get(name)) or "nothing"


@dataclass(frozen=True, slots=True)
class Result:
    """One result of a journal with the line that it stands in.

    Attributes:
        line: the journal's job line: the case, the job and what was observed.
        document: the result itself, as in `spec/schema/journal.schema.json`.
    """

    line: Document
    document: Document

    @property
    def id(self) -> str:
        """Unique in a journal."""
        text: str = self.document["id"]
        return text

    @property
    def case(self) -> str:
        """The case's id."""
        text: str = self.line["id"]
        return text

    @property
    def verdict(self) -> Verdict:
        """One of VERDICTS."""
        text: Verdict = self.document["verdict"]
        return text

    @property
    def reason(self) -> str:
        """Why, or an empty text; what broke stands in the line when the result does not say it."""
        text: str = self.document["reason"] or (self.line["error"] or "")
        return text

    @property
    def deviations(self) -> tuple[str, ...]:
        """Ids of the recorded deviations that explain it, or `known:ID` of the user's own file."""
        source = self.document["recorded_from"] or ""
        known = (source,) if source.startswith("known:") else ()
        return tuple(self.document["deviations"]) or known

    @property
    def run(self) -> Document | None:
        """The run as it was asked for, or None for a build."""
        place = self.document.get("run")
        runs = self.line["job"]["runs"]
        if place is None or not 0 <= place < len(runs):
            return None
        run: Document = runs[place]
        return run

    @property
    def rows(self) -> tuple[str, ...]:
        """The rules that it counts for, as the module's header says."""
        if self.verdict in ("DEVIATES", "STALE"):
            found = [item.rule for name in self.deviations if (item := deviation(name))]
            if found:
                return tuple(dict.fromkeys(found))
        rules = [rule for rule in self.line["rules"] if not rule.startswith("SHELL-")]
        families = self._families()
        return tuple([rule for rule in rules if rule.startswith(families)] or rules or (NO_RULE,))

    def _families(self) -> tuple[str, ...]:
        if self.document["part"] == "build":
            return ("FORM-", "BUILD-")
        build = next((item for item in self.line["results"] if item["part"] == "build"), None)
        if build is None:
            return ("FORM-", "BUILD-", "MERGE-")
        if build["verdict"] in BAD and self.verdict in (*BAD, "SKIP"):
            return ("FORM-", "BUILD-")
        return ("MERGE-",)


@dataclass(frozen=True, slots=True)
class Cell:
    """Results that belong together: of one rule on one engine, or all of one engine."""

    results: tuple[Result, ...] = ()
    counts: Mapping[Verdict, int] = field(default_factory=dict)

    @staticmethod
    def of(results: Sequence[Result]) -> Cell:
        """Counts them."""
        return Cell(tuple(results), Counter(result.verdict for result in results))

    @property
    def worst(self) -> Verdict | None:
        """The worst verdict; None when there is no result."""
        return worst(self.counts) if self.counts else None

    @property
    def shown(self) -> Verdict | None:
        """What a cell is marked with: the worst, but a few SKIPs do not hide what passes.

        How many of them there are is seen by the total beside the number of PASSes.
        """
        found = self.worst
        return "PASS" if found == "SKIP" and self.counts.get("PASS") else found


@dataclass(frozen=True)
class Column:
    """One journal: what one engine did.

    Attributes:
        journal: where it comes from.
        name: the engine with its version, unlike every other column's with `detail`.
        detail: what tells columns of one engine apart: the builder, or what the user typed.
    """

    journal: Journal
    name: str
    detail: str

    @property
    def label(self) -> str:
        """Name and detail in one line."""
        return f"{self.name} {self.detail}".rstrip()

    @property
    def implementation(self) -> Document:
        """Who answered, as in the journal's header."""
        document: Document = self.journal.header["implementation"]
        return document

    @cached_property
    def cell(self) -> Cell:
        """Every result, once."""
        return Cell.of(
            [
                Result(line, document)
                for line in self.journal.jobs.values()
                for document in line["results"]
            ]
        )

    @cached_property
    def by_row(self) -> Mapping[str, Cell]:
        """Rule -> its results here."""
        found: dict[str, list[Result]] = {}
        for result in self.cell.results:
            for row in result.rows:
                found.setdefault(row, []).append(result)
        return {row: Cell.of(results) for row, results in found.items()}

    @property
    def ending(self) -> str:
        """How it ended when that was not at its end: `interrupted: by Ctrl-C`; otherwise empty."""
        status, footer = self.journal.status, self.journal.footer
        if status == "complete":
            return ""
        reason = "" if footer is None else str(footer["reason"])
        return f"{status}: {reason}" if reason else str(status)


@dataclass(frozen=True)
class Matrix:
    """Engines by rules.

    Attributes:
        columns: in the order of the journals.
        rows: ids of the rules that some result counts for, in the order of the specification.
    """

    columns: tuple[Column, ...]
    rows: tuple[str, ...]

    def cell(self, row: str, column: Column) -> Cell:
        """The results of one rule on one engine."""
        return column.by_row.get(row, _NOTHING)

    @cached_property
    def counts(self) -> Mapping[Verdict, int]:
        """Verdict -> how many results have it, on all engines."""
        total: Counter[Verdict] = Counter()
        for column in self.columns:
            total.update(column.cell.counts)
        return total

    def results(self, verdicts: Iterable[Verdict] = VERDICTS) -> Iterator[tuple[Column, Result]]:
        """Every result with one of these verdicts, engine by engine, in the journal's order."""
        wanted = frozenset(verdicts)
        for column in self.columns:
            if wanted.isdisjoint(column.cell.counts):
                continue
            for result in column.cell.results:
                if result.verdict in wanted:
                    yield column, result


_NOTHING = Cell()


def matrix(journals: Sequence[Journal]) -> Matrix:
    """The columns and rows of these journals."""
    columns = tuple(_columns(journals))
    rows = {row for column in columns for row in column.by_row}
    return Matrix(columns, tuple(sorted(rows, key=lambda row: (_ROWS.get(row, len(_ROWS)), row))))


def _columns(journals: Sequence[Journal]) -> Iterator[Column]:
    """Names that tell the columns apart: by builder, then by what was typed, then by a number."""
    names = [_names(journal.header) for journal in journals]
    twice = {pair for pair, count in Counter(names).items() if count > 1}
    typed = [str(journal.header["engine"]) for journal in journals]
    seen: Counter[tuple[str, str]] = Counter()
    for journal, pair, text in zip(journals, names, typed, strict=True):
        name, detail = pair
        if pair in twice:
            detail = f"{detail} {text}".strip() if text != name else detail
            seen[name, detail] += 1
            if seen[name, detail] > 1:
                detail = f"{detail} #{seen[name, detail]}".strip()
        yield Column(journal, name, detail)


def _names(header: Document) -> tuple[str, str]:
    who = header["implementation"]
    name, version = who["name"], who.get("version") or ""
    builder, runtime = who.get("builder") or "", who.get("runtime") or ""
    detail = " ".join(
        part
        for part in (builder, runtime)
        if part and part != f"{name}@{version}" and part.partition("@")[0] != name
    )
    return (f"{name} {version}".strip(), detail)
