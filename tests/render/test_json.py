"""The JSON documents: whole, closed, and equal to what the engine says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from entrysem import (
    DockerfileError,
    ImageConfig,
    InputError,
    Profile,
    Resolution,
    RunOptions,
    resolve,
)
from entrysem.render.json import explanation, rejection
from entrysem.shell import SCRIPT_KINDS
from entrysem.vectors import cases, image_of, options_of, with_runtime
from tests.cli.running import assert_valid, validator
from tests.strategies import dockerfiles


def document_of(resolution: Resolution, name: str = "Dockerfile", **more: Any) -> Any:
    """The document as a reader of strict JSON gets it, held against the schema."""
    text = json.dumps(explanation(resolution, name, more.get("variants", [])), allow_nan=False)
    found = json.loads(text.encode("utf-8"))
    assert_valid("explain", found)
    return found


def test_whole_document() -> None:
    found = document_of(resolve("FROM scratch AS a\nCMD x y\nFROM a\n", RunOptions(init=True)))
    # moby/moby daemon/oci_linux.go (withCommonOptions).
    argv = ["/sbin/docker-init", "--", "/bin/sh", "-c", "x y"]
    assert (found["argv"], found["argv_template"]) == (argv, argv)
    assert (found["error"], found["base"], found["variants"]) == (None, None, None)
    assert found["config"] == {
        "Entrypoint": None,
        "Cmd": ["/bin/sh", "-c", "x y"],
        "Shell": None,
        "OnBuild": None,
    }
    assert found["shell"]["script"] == "x y"
    assert found["shell"]["init"] == "/sbin/docker-init"
    (cmd,) = (step for step in found["steps"] if step["rule"] == "BUILD-01")
    assert (cmd["line"], cmd["column"], cmd["stage"], cmd["field"]) == (2, 1, 0, "Cmd")
    assert (cmd["instruction"], cmd["before"], cmd["after"]) == (
        "CMD x y",
        None,
        ["/bin/sh", "-c", "x y"],
    )


def test_create_error() -> None:
    found = document_of(resolve("FROM scratch\nLABEL a=b\n"))
    assert (found["argv"], found["argv_template"], found["effective"]) == (None, None, None)
    assert found["error"]["code"] == "no-command-specified"


def test_start_error_keeps_the_argv() -> None:
    found = document_of(resolve('FROM scratch\nCMD ["", "x"]\n'))
    assert (found["argv"], found["error"]["phase"]) == (["", "x"], "start")


def test_null_and_empty_are_different() -> None:
    config = document_of(resolve(ImageConfig(entrypoint=("e",), cmd=(), shell=None)))["config"]
    assert (config["Cmd"], config["Shell"]) == ([], None)


def test_unknown_parts() -> None:
    found = document_of(resolve("FROM acme/base\nCMD a\n"))
    assert found["argv"] is None
    assert found["unknown"] == [{"image": "acme/base", "keys": ["Entrypoint", "Shell"]}]
    assert found["argv_template"][-1] == "a"
    assert found["base"] == {"image": "acme/base", "origin": "unknown", "note": None}


def test_each_kind_of_script_has_a_name() -> None:
    schema: Any = validator("explain").schema
    shell = schema["$defs"]["shell"]
    names = shell["properties"]["kind"]["anyOf"][0]["enum"]
    assert set(names) == {kind.name for kind in SCRIPT_KINDS}
    for script in ("exec a", "a", "a >b", "b; a", "a\n", "{ a; }", "echo", "a|b", ""):
        document_of(resolve(ImageConfig(cmd=("sh", "-c", script))))
    document_of(resolve(ImageConfig(cmd=("sh", "-c"))))
    document_of(resolve(ImageConfig(cmd=("zsh", "-c", "a", "b", "c"))))


def test_what_is_no_text_is_replaced() -> None:
    found = document_of(resolve("FROM a\nCMD \udcff\n", RunOptions(args=("\udcff",))), "\udcff")
    assert "\\ud" not in json.dumps(found)
    assert found["argv_template"][-1] == found["file"] == "\ufffd"


def test_variants() -> None:
    variants = [("runs", [("run IMAGE x", "[]")]), ("profiles", [("a, b", "[1]")])]
    found = document_of(resolve("FROM scratch\nCMD a\n"), variants=variants)["variants"]
    assert found == {
        "runs": [{"run": "run IMAGE x", "answer": "[]"}],
        "profiles": [{"profiles": ["a", "b"], "answer": "[1]"}],
    }


def test_rejections() -> None:
    with pytest.raises(DockerfileError) as caught:
        resolve("FROM scratch\nCMD [1]\n")
    found = rejection(caught.value, "x", Profile())
    assert_valid("explain", found)
    assert (found["error"]["line"], found["error"]["rule"]) == (2, "FORM-10")
    unread = rejection(InputError("unreadable", "m", where="x", hint="h"), "x", Profile())
    assert_valid("explain", unread)
    assert unread["error"]["phase"] == "input"


@settings(max_examples=200)
@given(dockerfiles)
def test_any_dockerfile_has_a_valid_document(source: str) -> None:
    for profile in (Profile(), Profile.parse("classic@20.10", "podman"), Profile.parse("buildah")):
        try:
            document_of(resolve(source, profile=profile))
        except DockerfileError as error:
            assert_valid("explain", rejection(error, "x", profile))


@pytest.mark.parametrize("case", list(cases())[::15], ids=lambda case: case["id"])
def test_documents_of_the_vectors_are_valid(case: dict[str, Any]) -> None:
    for expected in case["expect"]:
        for builder in expected["builders"][:2]:
            try:
                image = image_of(case, Profile.parse(builder))
            except DockerfileError as error:
                assert_valid("explain", rejection(error, "x", Profile.parse(builder)))
                continue
            for run in expected.get("runs", []):
                there = with_runtime(image, run["runtimes"][0])
                assert document_of(there.run(options_of(run)))["argv"] == run["argv"]
