"""`claims.json` holds, and `lecture.md` says the same."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from entrysem import DockerfileError, Resolution, RunOptions, build_image
from entrysem.rules import RULES
from tests.spec.examples import SPEC, read_examples

_CLAIMS: list[dict[str, Any]] = json.loads((SPEC / "claims.json").read_text("utf-8"))
_LECTURE = (SPEC / "lecture.md").read_text(encoding="utf-8")
_EXAMPLES = list(read_examples("lecture.md"))
_EACH = pytest.mark.parametrize("claim", _CLAIMS, ids=lambda claim: claim["id"])
_RUNS = [
    pytest.param(run, id=f"{claim['id']}-run-{number}")
    for claim in _CLAIMS
    for number, run in enumerate(claim["runs"], 1)
]


def _section(claim: dict[str, Any]) -> str:
    match = re.search(rf"^### {claim['id']}: .*?(?=^### |\Z)", _LECTURE, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match.group()


def test_lecture_has_the_claims_in_order() -> None:
    headings = re.findall(r'^### (\S+): "(.*)"$', _LECTURE, re.MULTILINE)
    assert headings == [(claim["id"], claim["claim"]) for claim in _CLAIMS]


@_EACH
def test_lecture_has_the_verdict_and_rules(claim: dict[str, Any]) -> None:
    lines = _section(claim).split("\n")
    assert f"Verdict: {claim['verdict']}" in lines
    assert f"Rules: {', '.join(claim['rules'])}" in lines
    assert [rule for rule in claim["rules"] if rule not in RULES] == []


@_EACH
def test_lecture_gives_the_reason(claim: dict[str, Any]) -> None:
    assert claim["why"] in " ".join(_section(claim).split())


@_EACH
def test_lecture_shows_every_run(claim: dict[str, Any]) -> None:
    shown = [example.dockerfile for example in _EXAMPLES if example.owner == claim["id"]]
    assert list(dict.fromkeys(run["dockerfile"] for run in claim["runs"])) == shown


def _words(words: tuple[Any, ...] | None) -> list[Any] | None:
    return None if words is None else list(words)


def _outcome(key: str, result: Resolution) -> Any:
    if key == "config":
        config = result.image.config
        return {"Entrypoint": _words(config.entrypoint), "Cmd": _words(config.cmd)}
    if key == "error":
        return result.error and {"phase": result.error.phase, "code": result.error.code}
    return _words(result.argv if key == "argv" else result.effective)


@pytest.mark.parametrize("run", _RUNS)
def test_run_holds(run: dict[str, Any]) -> None:
    expect = dict(run["expect"])
    options = dict(run["run"])
    if "args" in options:
        options["args"] = tuple(options["args"])
    if expect.get("error", {}).get("phase") in ("parse", "build"):
        with pytest.raises(DockerfileError) as caught:
            build_image(run["dockerfile"])
        assert {"phase": caught.value.phase, "code": caught.value.code} == expect["error"]
        return
    result = build_image(run["dockerfile"]).run(RunOptions(**options))
    pid1: dict[str, str] = expect.pop("pid1", {})
    assert {key: _outcome(key, result) for key in expect} == expect
    measured = result.shell.pid1 if result.shell else ()
    for shell, who in pid1.items():
        assert [entry.who for entry in measured if shell.lower() in entry.shell.split()] == [who]
