"""The tables of a report, the same for a terminal and for a page: titles, rows, counts and shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from entrysem.findings.kinds import KINDS
from entrysem.render.visible import visible
from entrysem.scan.report.summary import FORMS, Summary, spread

__all__ = ["Row", "Table", "form_matrix", "headline", "percent", "tables"]


class Row(NamedTuple):
    """A name, how many, and of how many."""

    name: str
    number: int
    of: int


class Table(NamedTuple):
    """Rows from the largest; `more` is what did not fit, as a sentence, or empty."""

    title: str
    what: str
    rows: Sequence[Row]
    more: str = ""


def percent(count: int, of: int) -> str:
    """A share for a person: never `0 %` for what is there, nor `100 %` for what is not all."""
    if not of or not count:
        return "0 %"
    share = 100 * count / of
    if count < of and share >= 99.95:
        return ">99.9 %"
    return "<0.1 %" if share < 0.05 else f"{share:.1f} %"


def headline(summary: Summary) -> list[str]:
    """Sentences that stand first."""
    errors = summary.records - summary.files
    profiles = "; ".join(visible(name) for name in summary.profiles)
    lines = [
        f"{summary.records:,} records, of them {summary.files:,} answers and {errors:,} errors"
        + (f" ({profiles})" if profiles else "")
    ]
    size, time = spread(summary.sizes), spread(summary.micros)
    if size:
        lines.append(
            f"size: half have at most {size.half:,} bytes, 99 of 100 at most {size.nearly_all:,}, "
            f"the largest about {size.largest:,}"
        )
    if time:
        lines.append(
            f"time: half took at most {time.half:,} microseconds, 99 of 100 at most "
            f"{time.nearly_all:,}, the slowest about {time.largest:,}"
        )
    return lines


def form_matrix(summary: Summary) -> list[tuple[str, list[tuple[str, int]]]]:
    """Rows by ENTRYPOINT's form, and in each by CMD's; `bare` only where there is one."""
    forms = [
        form
        for form in (None, "exec", "shell", "bare")
        if form != "bare" or any("bare" in pair for pair in summary.forms)
    ]
    assert set(forms) <= set(FORMS)
    return [
        (
            f"ENTRYPOINT {entrypoint}" if entrypoint else "no ENTRYPOINT",
            [(f"CMD {cmd}" if cmd else "no CMD", summary.forms[entrypoint, cmd]) for cmd in forms],
        )
        for entrypoint in forms
    ]


def tables(summary: Summary, top: int) -> list[Table]:
    """Every table that has a row, in the order of a reader's questions."""
    files = summary.files
    found = [
        _table(
            "What runs without arguments", "files", _named(summary.answers, _ANSWERS), files, top
        ),
        _table("What the files are like", "files", _traits(summary), files, top),
        _table("Programs of the known answers", "files", summary.programs, files, top),
        _table(
            "How the base image is known", "files", _named(summary.origins, _ORIGINS), files, top
        ),
        _table("Base images", "files", summary.bases, files, top),
        _table(
            "Base images that leave the answer open", "files", summary.unknown_bases, files, top
        ),
        _findings(summary, top),
        _table(
            "Errors",
            "records",
            Counter({f"{phase}: {code}": n for (phase, code), n in summary.errors.items()}),
            summary.records,
            top,
        ),
    ]
    return [table for table in found if table.rows]


_ANSWERS = {
    "known": "the argv is known",
    "unknown": "the base image has a say, and is not known",
    "nothing runs": "nothing runs: no command is specified",
}
_ORIGINS = {
    "catalogue": "in the bundled catalogue",
    "given": "given with --base-config",
    "scratch": "scratch, the empty image",
    "unknown": "not known",
}


def _named(counter: Counter[str], names: dict[str, str]) -> Counter[str]:
    return Counter({names.get(key, key): count for key, count in counter.items()})


def _traits(summary: Summary) -> Counter[str]:
    return Counter(
        {
            "more than one stage": summary.multi_stage,
            "more than one CMD in the last stage": summary.several_cmd,
            "more than one ENTRYPOINT in the last stage": summary.several_entrypoint,
            "a SHELL in force": summary.with_shell,
            "ONBUILD triggers": summary.onbuild,
            "bytes that are not UTF-8": summary.not_utf8,
            "an answer that rests on an assumption": summary.assumed,
        }
    )


def _findings(summary: Summary, top: int) -> Table:
    if not summary.looked:
        return Table("", "", ())
    names = {name: kind.name for name, kind in KINDS.items()}
    counts = Counter(
        {f"{kind} {names.get(kind, '')}".strip(): n for kind, n in summary.findings.items()}
    )
    title = f"Findings: {percent(summary.with_findings, summary.looked)} of the files have some"
    table = _table(title, "files", counts, summary.looked, top)
    return table if table.rows else table._replace(rows=[Row("none", 0, summary.looked)])


def _table(title: str, what: str, counter: Counter[str], of: int, top: int) -> Table:
    ordered = sorted(
        ((name, count) for name, count in counter.items() if count), key=lambda r: (-r[1], r[0])
    )
    rows = [Row(_cut(visible(name)), count, of) for name, count in ordered[:top]]
    rest = ordered[top:]
    more = f"and {len(rest):,} more, {sum(n for _, n in rest):,} {what}" if rest else ""
    return Table(title, what, rows, more)


def _cut(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:59]}…"
