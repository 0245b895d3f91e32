"""Taking observations into the vectors, and judging them again: tried on a case made for it."""

from __future__ import annotations

import copy
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from conformance.rejudge import rejudge
from entrysem import vectors
from entrysem.verify.drive import Wish, verify
from entrysem.verify.interrupts import Interrupts
from entrysem.verify.session import new
from tests.conformance.fake import Fake

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        return runpy.run_path(str(ROOT / "tools" / "absorb.py"))


CONFIG = {"Entrypoint": None, "Cmd": ["a"], "Shell": None, "OnBuild": None}
CASE = {
    "id": "x",
    "evidence": "observed",
    "expect": [
        {
            "builders": ["buildkit@0.25.2"],
            "config": CONFIG,
            "runs": [{"argv": ["a"], "runtimes": ["docker@28.5.2"]}],
        }
    ],
}


def line(observed: dict[str, Any], *runs: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    asked = [{"args": None, "entrypoint": None, "init": False, **options} for options, _ in runs]
    results: list[dict[str, Any]] = [{"part": "build", "observed": observed}]
    results += [{"part": "run", "run": n, "observed": seen} for n, (_, seen) in enumerate(runs)]
    return {"observation": {}, "job": {"runs": asked}, "results": results}


BUILT = {"config": {"Cmd": ["a"], "OnBuild": []}}


def test_an_engine_that_did_the_same_joins_the_expectation(tool: dict[str, Any]) -> None:
    case = copy.deepcopy(CASE)
    seen = line(BUILT, ({}, {"argv": ["a"], "error": None}))
    assert tool["absorb"](case, seen, "buildah@1.28.2", "podman@4.3.1") == 2
    assert len(case["expect"]) == 1
    (found,) = case["expect"]
    assert found["builders"] == ["buildkit@0.25.2", "buildah@1.28.2"]  # type: ignore[index]
    assert found["runs"][0]["runtimes"] == ["docker@28.5.2", "podman@4.3.1"]  # type: ignore[index]
    assert tool["absorb"](case, seen, "buildah@1.28.2", "podman@4.3.1") == 0, "a second time"


def test_an_engine_that_did_something_else_gets_its_own(tool: dict[str, Any]) -> None:
    case = copy.deepcopy(CASE)
    error = {"phase": "create", "code": "no-command-specified"}
    seen = line({"config": {"Cmd": []}}, ({}, {"argv": None, "error": error}))
    assert tool["absorb"](case, seen, "buildah@1.28.2", "podman@4.3.1") == 2
    assert case["expect"][1] == {
        "builders": ["buildah@1.28.2"],
        "config": {**CONFIG, "Cmd": []},
        "runs": [{"argv": None, "error": error, "runtimes": ["podman@4.3.1"]}],
    }


@pytest.mark.parametrize(
    ("observed", "expectation"),
    [
        ({"asks_for_image": True}, {"asks_for_image": True}),
        (
            {"rejected": True, "message": "dockerfile parse error: unknown instruction: X"},
            {"rejected": {"phase": "parse", "code": "unknown-instruction"}},
        ),
        ({"rejected": True, "message": "no idea"}, {"rejected": {}}),
    ],
)
def test_what_is_not_built(
    tool: dict[str, Any], observed: dict[str, Any], expectation: dict[str, Any]
) -> None:
    case = copy.deepcopy(CASE)
    assert tool["absorb"](case, line(observed), "classic@26.1.5", "docker@26.1.5") == 1
    assert case["expect"][1] == {"builders": ["classic@26.1.5"], **expectation}


@pytest.mark.parametrize(
    ("change", "seen", "builder"),
    [
        ({"evidence": "source"}, line(BUILT), "buildah@1"),
        ({}, line(BUILT), None),
        ({}, {**line(BUILT), "observation": None}, "buildah@1"),
        ({}, line({"config": {"Cmd": [{"base64": "/w=="}]}}), "buildah@1"),
        ({}, line({"rejected": True, "message": "adding sources"}), "buildah@1"),
        ({}, line({"config": {"Cmd": ["other"]}}), "buildkit@0.25.2"),
    ],
)
def test_what_says_nothing_is_left_out(
    tool: dict[str, Any], change: dict[str, Any], seen: dict[str, Any], builder: str | None
) -> None:
    case = copy.deepcopy(CASE) | change
    before = copy.deepcopy(case)
    assert tool["absorb"](case, seen, builder, "podman@4.3.1") == 0
    assert case == before


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"init": True}, {"argv": ["/dev/init", "--", "a"], "error": None}),
        ({"args": ["never asked"]}, {"argv": ["never asked"], "error": None}),
        ({}, {"argv": ["a"], "error": {"phase": "start", "code": None}}),
        ({}, {"argv": None, "error": {"phase": "create", "code": None}}),
    ],
)
def test_runs_that_say_nothing_are_left_out(
    tool: dict[str, Any], options: dict[str, Any], seen: dict[str, Any]
) -> None:
    case = copy.deepcopy(CASE)
    assert tool["absorb"](case, line(BUILT, (options, seen)), "buildah@1.28.2", "podman@4.3.1") == 1


def test_a_journal_is_judged_again_by_what_it_observed(tmp_path: Path) -> None:
    cases = [case for case in vectors.cases() if case["suite"] == "lecture"]
    path = tmp_path / "a.ndjson"
    session = new()
    verify(Fake(), Wish("fake", cases), session, path, Interrupts(), say=print)
    before = path.read_text()
    lines = [json.loads(text) for text in before.splitlines()]
    for document in lines:
        for result in document.get("results", ()):
            result["verdict"] = "FAIL"
    path.write_text("".join(json.dumps(document) + "\n" for document in lines))
    again = rejudge(path)
    assert again.exit_code == 0
    assert again.counts == json.loads(before.splitlines()[-1])["counts"]
    was, now = (
        [json.loads(one) for one in text.splitlines()] for text in (before, path.read_text())
    )
    assert sorted(map(json.dumps, now)) == sorted(map(json.dumps, was))
