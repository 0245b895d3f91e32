"""The report as JUnit XML: a testsuite each engine, a testcase each result.

The dialect is the one that Jenkins, GitLab and most viewers read (Jenkins' `junit-10.xsd`): FAIL and
STALE are a `failure`, ERROR is an `error`, SKIP is `skipped`; DEVIATES is a pass that says in its
`system-out` which recorded deviation it is.

XML 1.0 cannot hold most control characters, nor lone surrogates, not even as references. They are
spelled as escapes, as everywhere else here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from entrysem.render.visible import visible
from entrysem.verify.journal import Journal
from entrysem.verify.report import words
from entrysem.verify.report.matrix import Column, Result, matrix

__all__ = ["render"]

_NONCHARACTERS = re.compile("[\ufffe\uffff]")


def render(journals: Sequence[Journal]) -> str:
    """The XML document, in UTF-8 when written as such."""
    table = matrix(journals)
    root = ET.Element("testsuites", {"name": "entrysem verify"})
    for column in table.columns:
        root.append(_suite(column))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(column: Column) -> ET.Element:
    header, counts = column.journal.header, column.cell.counts
    suite = ET.Element(
        "testsuite",
        {
            "name": _text(column.label),
            "tests": str(sum(counts.values())),
            "failures": str(counts.get("FAIL", 0) + counts.get("STALE", 0)),
            "errors": str(counts.get("ERROR", 0)),
            "skipped": str(counts.get("SKIP", 0)),
            "time": _seconds(sum(line["ms"] for line in column.journal.jobs.values())),
            "timestamp": _text(header["started"].removesuffix("Z")),
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(column):
        ET.SubElement(properties, "property", {"name": _text(name), "value": _text(value)})
    timed: set[int] = set()
    for result in column.cell.results:
        # A job's time is given once: to its first result.
        first = id(result.line) not in timed
        timed.add(id(result.line))
        suite.append(_case(column, result, result.line["ms"] if first else 0))
    if column.ending:
        ET.SubElement(suite, "system-err").text = _text(column.ending)
    return suite


def _properties(column: Column) -> list[tuple[str, str]]:
    header, who = column.journal.header, column.implementation
    found = [
        ("engine", header["engine"]),
        ("builder", who.get("builder") or ""),
        ("runtime", who.get("runtime") or ""),
        ("session", header["session"]),
        ("entrysem", header["entrysem"]),
        ("status", column.journal.status),
    ]
    return [(name, value) for name, value in found if value]


def _case(column: Column, result: Result, milliseconds: int) -> ET.Element:
    rows = ".".join(result.rows[:1])
    case = ET.Element(
        "testcase",
        {
            # Viewers group by what stands before the last point, and show the rest as the class.
            "classname": _text(f"{column.label.replace('.', '_')}.{rows}"),
            "name": _text(result.id),
            "time": _seconds(milliseconds),
        },
    )
    if result.verdict == "PASS":
        return case
    if result.verdict == "SKIP":
        ET.SubElement(case, "skipped", {"message": _text(result.reason)})
        return case
    if result.verdict == "DEVIATES":
        ET.SubElement(case, "system-out").text = _written(result)
        return case
    kind = "error" if result.verdict == "ERROR" else "failure"
    attributes = {"type": result.verdict, "message": _text(_message(result))}
    ET.SubElement(case, kind, attributes).text = _written(result)
    return case


def _message(result: Result) -> str:
    facts = dict(words.facts(result))
    told = [
        f"{name} {words.shorten(value, 300)}"
        for name, value in facts.items()
        if name.startswith(("expected", "recorded", "observed"))
    ]
    if result.verdict == "ERROR":
        told = []
    return "; ".join([*told, *([result.reason] if result.reason else [])]) or result.verdict


def _written(result: Result) -> str:
    job = result.line["job"]
    facts = [*words.options(job), (words.what(result), ""), *words.facts(result)]
    if result.deviations:
        facts.append(("recorded as", visible(", ".join(result.deviations))))
    lines = [
        words.source_text(job),
        "",
        *(f"{name}: {value}".removesuffix(": ") for name, value in facts),
    ]
    return "\n".join([_text(line) for line in "\n".join(lines).split("\n")])


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _text(value: str) -> str:
    """One line that XML can hold."""
    return _NONCHARACTERS.sub(lambda match: f"\\u{ord(match.group()):04x}", visible(value))
