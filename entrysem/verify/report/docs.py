"""`docs/conformance.md`: what real engines did, as a page for readers who run nothing.

Made from the committed journals alone, so that equal journals give an equal page. It says how many
results each engine and version has at each level, and then, for each recorded deviation that showed
itself, its smallest Dockerfile, one observed value beside the reference's, where it was seen and
where it is recorded. Recorded deviations that no result shows are listed as well: they rest on their
source alone.

Engines' own messages are left out: they name hosts, folders and times of one machine.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from entrysem.deviations import Deviation
from entrysem.errors import InputError
from entrysem.profiles import Profile
from entrysem.render.visible import visible
from entrysem.verify.journal import VERDICTS, Journal
from entrysem.verify.protocol import LEVELS
from entrysem.verify.report import words
from entrysem.verify.report.markdown import code, text
from entrysem.verify.report.matrix import (
    BAD,
    Column,
    Matrix,
    Result,
    counts_text,
    deviation,
    matrix,
)

__all__ = ["page"]

_INTRO = """\
# Conformance of real engines

What `entrysem verify` observed. Each result is one build or one run on a real engine, compared with the
reference, the newest BuildKit and the newest Docker Engine; expected values come from cited sources or
from engines that were observed before, never from entrysem. This page is generated from the journals
in `conformance/results/`.

| level | what was looked at |
|---|---|
| CONFIG | the image config as the engine stored it |
| CREATE | the argv that the runtime decided on when the container was created |
| PROCESS | the argv that the container's first process received |

PASS is as the reference does. DEVIATES is different, exactly as recorded. SKIP was not looked at. FAIL is
different and not recorded, STALE is recorded but no longer seen, ERROR means that the engine broke.
"""


def page(journals: Sequence[Journal]) -> str:
    """The page for these journals, in their order; Markdown that ends with a newline."""
    table = matrix(journals)
    lines = [_INTRO, "## Engines", ""]
    lines += _engines(table)
    lines += _wrong(table)
    lines += _deviations(table)
    lines += _unseen(table)
    lines += _skipped(table)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _engines(table: Matrix) -> Iterator[str]:
    yield f"In all: {counts_text(table.counts)}."
    yield ""
    yield f"| engine | builder | runtime | {' | '.join(LEVELS)} | seen |"
    yield "|---|---|---|---|---|---|---|"
    for column in table.columns:
        who = column.implementation
        version = who.get("version") or ""
        cells = [
            text(f"{who['name']} {version}".strip()),
            _engine(who.get("builder")),
            _engine(who.get("runtime")),
            *(_level(column, level) for level in LEVELS),
            text(column.journal.header["started"].partition("T")[0]),
        ]
        yield "| " + " | ".join(cells) + " |"
    yield ""
    for column in table.columns:
        if column.ending:
            yield f"- not complete: {code(column.label)}, {text(column.ending)}"
    yield ""


def _engine(name: str | None) -> str:
    return code(name) if name else "-"


def _level(column: Column, level: str) -> str:
    counts = Counter(
        result.verdict for result in column.cell.results if result.document["level"] == level
    )
    if not counts:
        return "-"
    return "<br>".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])


def _wrong(table: Matrix) -> Iterator[str]:
    found = sorted(table.results(BAD), key=lambda pair: VERDICTS.index(pair[1].verdict))
    if not found:
        return
    yield "## Not as expected"
    yield ""
    yield "| verdict | engine | result | what | expected | observed |"
    yield "|---|---|---|---|---|---|"
    for column, result in found:
        document = result.document
        observed = words.value_text(document["observed"], messages=False)
        if result.reason:
            observed = f"{observed}; {words.message_text(result.reason)}"
        cells = (
            result.verdict,
            code(column.label),
            code(result.id),
            code(words.what(result)),
            code(words.shorten(words.value_text(document["expected"]), 300)),
            code(words.shorten(observed, 300)),
        )
        yield "| " + " | ".join(cells) + " |"
    yield ""


# --- deviations --------------------------------------------------------------------------------------

_STATUS = {
    "observed": "Evidence",
    "source-read": "Evidence, read and not observed when it was recorded",
}

Seen = Mapping[str, list[tuple[Column, Result]]]


def _seen(table: Matrix) -> Seen:
    seen: dict[str, list[tuple[Column, Result]]] = {}
    for column, result in table.results(["DEVIATES"]):
        for name in result.deviations or ("",):
            seen.setdefault(name, []).append((column, result))
    return seen


def _deviations(table: Matrix) -> Iterator[str]:
    seen = _seen(table)
    if not seen:
        return
    yield "## Deviations that were seen"
    yield ""
    yield "The number counts results; one that two deviations explain together counts for both."
    yield ""
    yield "| deviation | rule | what | results | engines |"
    yield "|---|---|---|--:|---|"
    names = sorted(seen, key=lambda name: (name == "", -len(seen[name]), name))
    for name in names:
        item = deviation(name)
        what = item.what if item else "recorded in a file of known differences"
        cells = (
            f"[{_linked(name)}](#{_anchor(name)})" if name else "(none)",
            item.rule if item else "",
            text(what) if name else "recorded values that no deviation explains",
            str(len(seen[name])),
            ", ".join(map(code, _labels(seen[name]))),
        )
        yield "| " + " | ".join(cells) + " |"
    yield ""
    for name in names:
        yield from _deviation(name, seen[name])


def _deviation(name: str, found: Sequence[tuple[Column, Result]]) -> Iterator[str]:
    item = deviation(name)
    yield f"### {text(name) if name else 'Without a deviation'}"
    yield ""
    if item:
        yield f"{text(item.what[0].upper() + item.what[1:])}. Rule {item.rule}."
        yield ""
    # The shortest of what was really built shows it best.
    column, result = min(found, key=lambda pair: _size(pair[1]))
    source = item.example.rstrip("\n") if item else words.source_text(result.line["job"])
    source = "\n".join(visible(line) for line in source.split("\n"))
    fence = "`" * (max([2, *(len(run) for run in re.findall("`+", source))]) + 1)
    yield from (f"{fence}dockerfile", words.shorten(source, 2000), fence, "")
    yield f"Seen, for example, on {code(column.label)}: {code(result.id)}, {code(words.what(result))}"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for title in ("expected", "observed"):
        value = words.value_text(result.document[title], messages=False)
        yield f"| {title} | {code(words.shorten(value, 1000))} |"
    yield ""
    yield f"Results: {'; '.join(_numbers(found))}."
    yield ""
    if item:
        yield f"{_STATUS[item.status]}: {text(item.source)}."
        yield ""


def _size(result: Result) -> tuple[int, int]:
    # One that other deviations had a part in shows this one less well.
    return len(result.deviations), len(words.source_text(result.line["job"]))


def _labels(found: Sequence[tuple[Column, Result]]) -> list[str]:
    return list(dict.fromkeys(column.label for column, _ in found))


def _numbers(found: Sequence[tuple[Column, Result]]) -> list[str]:
    counts = Counter(column.label for column, _ in found)
    return [f"{code(label)} {count}" for label, count in counts.items()]


def _linked(name: str) -> str:
    """Inside the brackets of a link; a bracket of its own would end it."""
    return text(name).replace("]", "&#93;")


def _anchor(name: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^a-z0-9_ -]", "", name.lower()).replace(" ", "-")


def _unseen(table: Matrix) -> Iterator[str]:
    """The recorded deviations of these engines that nothing showed."""
    seen = set(_seen(table))
    unseen: dict[str, tuple[Deviation, list[str]]] = {}
    for column in table.columns:
        for item in _in_force(column):
            if item.id not in seen:
                unseen.setdefault(item.id, (item, []))[1].append(column.label)
    if not unseen:
        return
    yield "## Recorded, and shown by no result here"
    yield ""
    yield "| deviation | rule | what | status | engines |"
    yield "|---|---|---|---|---|"
    for name in sorted(unseen):
        item, labels = unseen[name]
        engines = ", ".join(code(label) for label in dict.fromkeys(labels))
        yield f"| {text(name)} | {item.rule} | {text(item.what)} | {item.status} | {engines} |"
    yield ""


def _in_force(column: Column) -> tuple[Deviation, ...]:
    who = column.implementation
    found: tuple[Deviation, ...] = ()
    for side in ("builder", "runtime"):
        if who.get(side):
            try:
                profile = Profile.parse(**{side: who[side]})
            except InputError:
                continue  # a stranger has no recorded deviations
            found += tuple(item for item in profile.deviations if item.side == side)
    return found


def _skipped(table: Matrix) -> Iterator[str]:
    reasons: dict[str, Counter[str]] = {}
    for column, result in table.results(["SKIP"]):
        reasons.setdefault(words.skipped(result), Counter())[column.label] += 1
    if not reasons:
        return
    yield "## Skipped"
    yield ""
    yield "| reason | results | engines |"
    yield "|---|--:|---|"
    for reason in sorted(reasons, key=lambda reason: (-reasons[reason].total(), reason)):
        engines = ", ".join(f"{code(label)} {count}" for label, count in reasons[reason].items())
        told = text(words.shorten(reason, 300))
        yield f"| {told} | {reasons[reason].total()} | {engines} |"
    yield ""
