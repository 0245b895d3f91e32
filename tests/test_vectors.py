"""The vectors: well-formed, cited truly, and met by entrysem, each one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from entrysem.data import spec_folder
from entrysem.errors import DockerfileError
from entrysem.profiles import Profile
from entrysem.rules import RULES
from entrysem.vectors import cases, check, dockerfile_of, image_of, options_of, with_runtime
from tests.cli.running import assert_harmless, assert_valid

_CASES = list(cases())
_EACH = pytest.mark.parametrize("case", _CASES, ids=lambda case: case["id"])


@_EACH
def test_entrysem_does_what_was_observed(case: dict[str, Any]) -> None:
    assert check(case) == []


@_EACH
def test_rules_that_a_case_cites_are_applied_in_it(case: dict[str, Any]) -> None:
    missing = set(case["rules"])
    for rules in _applied(case):
        missing.difference_update(rules)
        if not missing:
            return
    pytest.fail(f"not applied: {missing}")


def _applied(case: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for expected in case["expect"]:
        for builder in expected["builders"]:
            try:
                image = image_of(case, Profile.parse(builder))
            except DockerfileError as error:
                yield (error.rule,)
                continue
            for run in expected.get("runs", [{}]):
                for runtime in run.get("runtimes", ["docker"]):
                    yield with_runtime(image, runtime).run(options_of(run)).rules


def test_files_have_their_schema() -> None:
    paths = sorted((spec_folder() / "vectors").glob("*.json"))
    assert len(paths) > 1
    for path in paths:
        document = json.loads(path.read_text(encoding="utf-8"))
        assert_valid("vectors", document)
        assert document["suite"] == path.stem


def test_exported_cases_have_their_schema() -> None:
    for case in _CASES[::20]:
        assert_valid("vectors", {"suite": case["suite"], "cases": [case]})


def test_ids_are_unique_slugs() -> None:
    assert [name for name, times in Counter(c["id"] for c in _CASES).items() if times > 1] == []
    slug = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
    assert [case["id"] for case in _CASES if not slug.fullmatch(case["id"])] == []


def test_titles_can_be_read() -> None:
    for case in _CASES:
        assert_harmless(case["title"])
        assert len(case["title"]) <= 110


def test_titles_say_something() -> None:
    assert [case["id"] for case in _CASES if not case["title"].strip()] == []


def test_there_are_enough() -> None:
    runs = sum(len(expected.get("runs", [])) for case in _CASES for expected in case["expect"])
    assert len(_CASES) >= 250
    assert runs >= 600


def test_every_rule_is_exercised_and_exists() -> None:
    assert {rule for case in _CASES for rule in case["rules"]} == RULES.keys()


def test_what_is_expected_of_an_engine_is_said_once() -> None:
    """No two expectations of a case speak about the same builder."""
    for case in _CASES:
        builders = Counter(b for expected in case["expect"] for b in expected["builders"])
        assert [name for name, times in builders.items() if times > 1] == [], case["id"]


def test_a_difference_is_told() -> None:
    case = {
        "id": "x",
        "dockerfile": 'FROM scratch\nCMD ["a"]\n',
        "expect": [
            {
                "builders": ["buildkit", "classic"],
                "config": {"Entrypoint": None, "Cmd": ["b"]},
                "runs": [
                    {"argv": ["a"], "runtimes": ["docker", "podman"]},
                    {"argv": ["b"], "runtimes": ["docker"]},
                    {
                        "args": ["x"],
                        "argv": None,
                        "error": {"phase": "create", "code": "no-command-specified"},
                    },
                ],
            },
            {"builders": ["kaniko"], "rejected": {"phase": "parse"}},
            {"builders": ["buildah"], "asks_for_image": True},
        ],
    }
    found = check(case)
    expected = [
        *("Cmd is ['a'], not ['b']", "argv is ['a'], not ['b']"),
        *("error is None, not {'phase'", "argv is ['x'], not None"),
    ]
    assert len(found) == 10
    for sentence, part in zip(found, [*expected, *expected], strict=False):
        assert part in sentence
        assert sentence.startswith("x with ")
    assert found[8:] == [
        "x with kaniko: accepted, but the builder rejects it",
        "x with buildah: does not ask for an image, but the builder does",
    ]


def test_a_wrong_rejection_is_told() -> None:
    case: dict[str, Any] = {"id": "x", "dockerfile": "FROM scratch\nCMD [1]\n"}
    right = {"phase": "parse", "code": "array-of-non-strings", "line": 2}
    for rejected, found in (
        ({}, []),
        (right, []),
        ({"phase": "build"}, ["x with buildkit: phase is 'parse', not 'build'"]),
        ({"line": 3}, ["x with buildkit: line is 2, not 3"]),
    ):
        case["expect"] = [{"builders": ["buildkit"], "rejected": rejected}]
        assert check(case) == found
    case["expect"] = [{"builders": ["buildkit"], "config": {}}]
    assert check(case) == [
        "x with buildkit: rejected (array-of-non-strings), but the builder accepts it"
    ]


def test_error_at_start_counts_only_when_somebody_looked() -> None:
    run: dict[str, Any] = {
        "entrypoint": [""],
        "args": ["x"],
        "argv": ["", "x"],
        "runtimes": ["cri"],
    }
    case: dict[str, Any] = {"id": "x", "config": {"Cmd": ["c"]}}
    case["expect"] = [{"builders": ["buildkit"], "runs": [run]}]
    assert check(case) == []
    run["error"] = {"phase": "start", "code": "empty-program"}
    assert check(case) == []
    run["error"] = {"phase": "start", "code": "other"}
    assert "error code is 'empty-program', not 'other'" in check(case)[0]


def test_three_spellings_of_a_dockerfile() -> None:
    assert dockerfile_of({"dockerfile": "é"}) == b"\xc3\xa9"
    assert dockerfile_of({"dockerfile_base64": "/w=="}) == b"\xff"
    assert dockerfile_of({"dockerfile_parts": [["ab", 2], ["c", 1]]}) == b"ababc"
