"""The JUnit report, read back: the elements and attributes of Jenkins' schema and no others."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from entrysem.verify.journal import Journal
from entrysem.verify.report import render
from tests.cli.running import assert_harmless
from tests.verify.journals import every_verdict, hostile, journal

#: Of Jenkins' junit-10.xsd: element -> (required attributes, further attributes, children).
_SCHEMA = {
    "testsuites": ("", "name time tests failures errors", "testsuite"),
    "testsuite": (
        "name tests failures errors",
        "time skipped timestamp hostname id",
        "properties testcase system-out system-err",
    ),
    "properties": ("", "", "property"),
    "property": ("name value", "", ""),
    "testcase": ("name", "time classname", "skipped error failure system-out system-err"),
    "skipped": ("", "type message", ""),
    "error": ("", "type message", ""),
    "failure": ("", "type message", ""),
    "system-out": ("", "", ""),
    "system-err": ("", "", ""),
}


def read(*journals: Journal) -> ET.Element:
    text = render(journals, "junit")
    return ET.fromstring(text.encode())


@pytest.mark.parametrize("made", [every_verdict, hostile, journal])
def test_elements_and_attributes(made: Callable[[], Journal]) -> None:
    for element in read(made(), every_verdict(status="interrupted")).iter():
        required, further, children = (part.split() for part in _SCHEMA[element.tag])
        assert set(required) <= set(element.attrib) <= {*required, *further}
        assert {child.tag for child in element} <= set(children)


def test_a_suite_an_engine_and_a_case_a_result() -> None:
    root = read(every_verdict(), every_verdict(builder="classic@28.5.2", version="28.5.2"))
    first, second = root
    assert first.get("name") == "docker 28.5.2 buildkit@0.25.2"
    assert second.get("name") == "docker 28.5.2 classic@28.5.2"
    counts = {key: first.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "9", "failures": "2", "errors": "1", "skipped": "1"}
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("18", "4", "2")
    cases = {case.get("name"): case for case in first.iter("testcase")}
    assert len(cases) == 9
    assert [child.tag for child in cases["pass"]] == []
    assert cases["pass"].get("classname") == "docker 28_5_2 buildkit@0_25_2.FORM-08"
    assert [cases[name].get("time") for name in ("pass", "pass/run")] == ["1.500", "0.000"]
    assert float(first.get("time", "")) == 1.5 * 7
    [failure] = cases["fails/run"]
    assert failure.tag == "failure"
    assert failure.get("type") == "FAIL"
    assert 'observed ["\\xff"]; the process received other words' in failure.get("message", "")
    assert 'CMD ["\\xff"]\n' in (failure.text or "")
    assert [(child.tag, child.get("type")) for child in cases["stale"]] == [("failure", "STALE")]
    [error] = cases["error"]
    assert (error.tag, error.get("message")) == ("error", "the engine's connection broke")
    [skipped] = cases["skip/run"]
    assert (skipped.tag, skipped.get("message")) == ("skipped", "no --init on this engine")
    [note] = cases["deviates"]
    assert note.tag == "system-out"
    assert "recorded as: text-after-array-dropped" in (note.text or "")


def test_a_cut_run_says_so() -> None:
    suite = read(journal(status="interrupted", reason="by a signal"))[0]
    assert suite.findtext("system-err") == "interrupted: by a signal"


def test_nothing_that_xml_or_a_viewer_cannot_hold() -> None:
    text = render([hostile()], "junit")
    assert_harmless(text)
    assert "\ufffe" not in text
    assert "\uffff" not in text
