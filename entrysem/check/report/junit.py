"""JUnit XML: a testsuite a file, a testcase a finding.

The dialect is that of `verify`: Jenkins' `junit-10.xsd`. A finding fails its case when it is an error
or a warning; an info is a pass with its text in `system-out`. A file without findings has one case that
passes, a file that could not be checked one with an `error`: no suite is empty, and nothing unchecked
is green.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from entrysem.check.kinds import OWN, REJECTED
from entrysem.check.model import FileResult, Problem
from entrysem.render.visible import shown_words, visible

__all__ = ["render"]

_NONCHARACTERS = re.compile("[\ufffe\uffff]")


def render(results: Sequence[FileResult], code: int) -> str:
    """The XML document, with a line end."""
    del code
    root = ET.Element("testsuites", {"name": "entrysem check"})
    for result in results:
        root.append(_suite(result))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(result: FileResult) -> ET.Element:
    name = _text(result.place.shown)
    suite = ET.Element("testsuite", {"name": name})
    refused = result.rejection
    failures = errors = 0
    for each in result.problems:
        place = "" if each.span is None else f" line {each.span.line}"
        case = ET.SubElement(
            suite, "testcase", {"classname": name, "name": f"{each.kind} {each.title}{place}"}
        )
        if each.severity == "info":
            ET.SubElement(case, "system-out").text = _text(each.message)
            continue
        failures += 1
        attributes = {"type": each.severity, "message": _text(each.message)}
        ET.SubElement(case, "failure", attributes).text = _written(each, result.place.shown)
    if refused is not None:
        errors += 1
        case = ET.SubElement(
            suite, "testcase", {"classname": name, "name": f"{REJECTED} {OWN[REJECTED].name}"}
        )
        attributes = {"type": refused.code, "message": _text(refused.message)}
        line = f":{refused.span.line}" if refused.span else ""
        ET.SubElement(case, "error", attributes).text = _text(f"{result.place.shown}{line}")
    if len(suite) == 0:
        ET.SubElement(suite, "testcase", {"classname": name, "name": "no findings"})
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    return suite


def _written(each: Problem, shown: str) -> str:
    lines = [shown if each.span is None else f"{shown}:{each.span.line}:{each.span.column}"]
    if each.excerpt:
        lines.append(each.excerpt)
    lines = [_text(line) for line in lines]
    if each.fix is not None:
        lines.append(f"fix: {_text(each.fix.sentence)}")
        if each.fix.changes_argv:
            lines.append(f"argv changes from {_text(shown_words(each.argv))}")
            lines.append(f"to {_text(shown_words(each.fixed_argv))}")
    return "\n".join(lines)


def _text(value: str) -> str:
    """One line that XML can hold."""
    return _NONCHARACTERS.sub(lambda match: f"\\u{ord(match.group()):04x}", visible(value))
