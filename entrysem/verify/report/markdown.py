"""The report as Markdown: for the summary of a CI job, or for a review.

GitHub refuses a job summary of more than 1 MiB, as a whole. So what is most needed comes first (the
counts, the matrix), each failure is folded and written once for all engines that have it alike, and
where the room ends the report says how many were left out.

Whatever comes from outside is either in a fenced block whose fence is longer than any in it, or is
spelled with character references wherever a character could mean something in Markdown or HTML.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from entrysem.render.visible import visible
from entrysem.rules import RULES
from entrysem.verify.journal import VERDICTS, Journal, Verdict
from entrysem.verify.report import words
from entrysem.verify.report.matrix import (
    BAD,
    NO_RULE,
    Cell,
    Column,
    Matrix,
    Result,
    deviation,
    matrix,
)

__all__ = ["code", "html_code", "render", "text"]

#: GitHub's limit is 1,048,576 bytes for all that a job writes.
_ROOM = 1_000_000
#: Where a list of engines would be longer, it says how many they are.
_MANY = 6

#: What means something inside a line, to Markdown, HTML or GitHub: emphasis, links, mentions, emoji,
#: formulas, addresses. `text` never stands where a line begins.
_SPECIAL = re.compile(
    r"[&<`*_\[\\|~$@]|#(?=\d)|:(?=//|[\w+-]+:)|(?<=www)\.", re.ASCII | re.IGNORECASE
)


def text(value: str) -> str:
    """Text from outside, on one line, in which nothing is Markdown or HTML."""
    shown = _SPECIAL.sub(lambda match: f"&#{ord(match.group())};", visible(value))
    # At the start of a line it would be a heading.
    return f"&#35;{shown[1:]}" if shown.startswith("#") else shown


def code(value: str) -> str:
    """The same in the type of code, also inside a table."""
    shown = visible(value)
    if shown != shown.strip() or not shown or re.search(r"[`|]", shown):
        return html_code(value)
    return f"`{shown}`"


def html_code(value: str) -> str:
    """The same where GitHub reads HTML and no Markdown, as in a summary."""
    return f"<code>{text(value)}</code>"


def render(journals: Sequence[Journal]) -> str:
    """The report, at most about a megabyte."""
    table = matrix(journals)
    lines = [f"## entrysem verify: {_counts(table.counts)}", ""]
    lines += _endings(table)
    lines += _matrix(table)
    lines += _deviations(table)
    report = "\n".join(lines) + "\n"
    blocks = list(_failures(table))
    room = _ROOM - len(report.encode())
    shown = 0
    for block in blocks:
        room -= len(block.encode())
        if room < 0:
            break
        report += block
        shown += 1
    if shown < len(blocks):
        report += f"\n{len(blocks) - shown} more; the journal and the html report have them.\n"
    return report


def _counts(counts: Mapping[Verdict, int]) -> str:
    parts = [
        f"**{counts[verdict]:,} {verdict}**" if verdict in BAD else f"{counts[verdict]:,} {verdict}"
        for verdict in VERDICTS
        if counts.get(verdict)
    ]
    return " · ".join(parts) or "no results"


def _endings(table: Matrix) -> Iterator[str]:
    for column in table.columns:
        if column.ending:
            yield f"- not complete: {text(column.label)}, {text(column.ending)}"
    if any(column.ending for column in table.columns):
        yield ""


# --- the matrix --------------------------------------------------------------------------------------


def _matrix(table: Matrix) -> Iterator[str]:
    heads = [text(column.label).replace(" ", "<br>") for column in table.columns]
    yield "| rule | | " + " | ".join(heads) + " |"
    yield "|---|---" + "|:---:" * len(heads) + "|"
    for row in table.rows:
        label = "no rule" if row == NO_RULE else text(row)
        title = text(RULES[row].title) if row in RULES else ""
        cells = [_cell(table.cell(row, column)) for column in table.columns]
        yield f"| {label} | {title} | " + " | ".join(cells) + " |"
    totals = [_total(column) for column in table.columns]
    yield "| **all** | every result, once | " + " | ".join(totals) + " |"
    yield ""
    yield "A cell has its worst verdict, how often that was given, and of how many results."
    yield ""


def _cell(cell: Cell) -> str:
    if cell.shown is None:
        return ""
    number, total = cell.counts[cell.shown], sum(cell.counts.values())
    shown = f"{cell.shown} {number}" + (f"/{total}" if number != total else "")
    return f"**{shown}**" if cell.shown in BAD else shown


def _total(column: Column) -> str:
    return _counts(column.cell.counts).replace(" · ", "<br>")


# --- what deviates, and what is wrong ----------------------------------------------------------------


def _deviations(table: Matrix) -> Iterator[str]:
    seen: dict[str, Counter[str]] = {}
    for column, result in table.results(["DEVIATES"]):
        for name in result.deviations or ("",):
            seen.setdefault(name, Counter())[column.label] += 1
    if not seen:
        return
    total = table.counts["DEVIATES"]
    yield f"<details><summary>{total:,} DEVIATES, as recorded</summary>"
    yield ""
    yield "| deviation | rule | what | results | engines |"
    yield "|---|---|---|--:|---|"
    for name in sorted(seen, key=lambda name: (-seen[name].total(), name)):
        item = deviation(name)
        what = item.what if item else "recorded in the file of known differences"
        cells = (
            code(name) if name else "",
            item.rule if item else "",
            text(what) if name else "explained by no recorded deviation",
            str(seen[name].total()),
            _engines(list(seen[name]), len(table.columns)),
        )
        yield "| " + " | ".join(cells) + " |"
    yield ""
    yield "</details>"
    yield ""


def _engines(labels: Sequence[str], of: int) -> str:
    unique = list(dict.fromkeys(labels))
    if len(unique) == of > 1:
        return f"all {of}"
    if len(unique) > _MANY:
        return f"{', '.join(map(text, unique[:_MANY]))} and {len(unique) - _MANY} more"
    return ", ".join(map(text, unique))


def _failures(table: Matrix) -> Iterator[str]:
    """A folded block for each thing that is wrong, the worst first."""
    groups: dict[str, list[tuple[Column, Result]]] = {}
    for column, result in table.results(BAD):
        key = f"{result.verdict} {result.case} {words.what(result)} {words.facts(result)}"
        groups.setdefault(key, []).append((column, result))
    ordered = sorted(groups.values(), key=lambda group: VERDICTS.index(group[0][1].verdict))
    for group in ordered:
        yield _failure(group, len(table.columns))


def _failure(group: Sequence[tuple[Column, Result]], of: int) -> str:
    result = group[0][1]
    engines = _engines([column.label for column, _ in group], of)
    source = words.shorten(words.source_text(result.line["job"]), 2000)
    fence = "`" * (max([2, *(len(run) for run in re.findall("`+", source))]) + 1)
    facts = [
        *words.options(result.line["job"]),
        (words.what(result), f"level {result.document['level']}"),
        *words.facts(result),
    ]
    rules = ", ".join(row for row in result.rows if row != NO_RULE)
    lines = [
        f"<details><summary><b>{result.verdict}</b> {html_code(result.id)} on {engines}</summary>",
        "",
        fence + "dockerfile",
        source,
        fence,
        "",
        "| | |",
        "|---|---|",
        *(f"| {text(name)} | {code(words.shorten(value, 1000))} |" for name, value in facts),
        *([f"| rules | {text(rules)} |"] if rules else []),
        *(f"| recorded as | {code(name)} |" for name in result.deviations),
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines) + "\n"
