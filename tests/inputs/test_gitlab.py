"""GitLab CI files. Expected values: gitlabhq/gitlab-runner d79f3e7b89abceace75e2425bfe92b84ea059933,
gitlabhq/gitlabhq lib/gitlab/ci/config (entry/imageable.rb, extendable/entry.rb), GitLab's documentation.
"""

from __future__ import annotations

import hashlib

import pytest

from entrysem.errors import InputError
from entrysem.inputs.gitlab import RUNNER_COMMAND, read_gitlab
from entrysem.inputs.subject import Subject
from entrysem.model import ImageConfig
from entrysem.resolve import resolve


def read(text: str) -> dict[str, Subject]:
    found = read_gitlab(text.encode(), where="ci.yml")
    return {subject.name.removeprefix("ci.yml: job "): subject for subject in found}


def test_the_runners_script_is_the_runners() -> None:
    """shells/bash.go 21-40 with "$@" replaced by nothing (476-483): its SHA-256."""
    assert RUNNER_COMMAND[:2] == ("sh", "-c")
    digest = hashlib.sha256(RUNNER_COMMAND[2].encode()).hexdigest()
    assert digest == "113c14925531f2480b94f85f47b9463e1c90a995c4f9766ce9b263a4dc48cf4b"
    assert len(RUNNER_COMMAND) == 3


@pytest.mark.parametrize(
    ("image", "before"),
    [
        ("acme/app", ("ep",)),
        ("{name: acme/app}", ("ep",)),
        # executors/docker/docker.go 1370-1380: only a list with words overrides.
        ("{name: acme/app, entrypoint: []}", ("ep",)),
        ('{name: acme/app, entrypoint: [""]}', ()),
        ("{name: acme/app, entrypoint: [/bin/sh, -c]}", ("/bin/sh", "-c")),
    ],
)
def test_the_script_follows_the_entrypoint(image: str, before: tuple[str, ...]) -> None:
    subject = read(f"build: {{image: {image}, script: [make]}}")["build"]
    config = ImageConfig(entrypoint=("ep",), cmd=("cmd",))
    assert resolve(config, subject.run).argv == before + RUNNER_COMMAND
    assert subject.image == "acme/app"


def test_services_are_containers_of_their_own() -> None:
    """executors/docker/docker.go 708-718."""
    found = read("""
build:
  image: acme/app
  script: [make]
  services:
  - postgres
  - {name: acme/dind, alias: docker, entrypoint: [dockerd], command: [--tls=false]}
  - {name: acme/x, command: [a]}
""")
    assert list(found) == [
        "build",
        "build, service postgres",
        "build, service docker",
        "build, service acme/x",
    ]
    config = ImageConfig(entrypoint=("ep",), cmd=("cmd",))
    argvs = [resolve(config, subject.run).argv for subject in found.values()]
    assert argvs[1:] == [("ep", "cmd"), ("dockerd", "--tls=false"), ("ep", "a")]


def test_images_are_inherited() -> None:
    """extendable/entry.rb (deep_merge: lists are replaced); inherit:default as documented in GitLab's
    "CI/CD YAML syntax reference".
    """
    found = read("""
default: {image: {name: acme/default, entrypoint: [e]}}
.base: {image: {name: acme/base, entrypoint: [b]}, script: [x]}
.more: {extends: .base, image: {name: acme/more}}
plain: {script: [x]}
own: {image: acme/own, script: [x]}
child: {extends: .more}
two: {extends: [.more, .other]}
.other: {image: {entrypoint: [o]}}
lonely: {inherit: {default: false}, script: [x]}
listed: {inherit: {default: [image]}, script: [x]}
unlisted: {inherit: {default: [cache]}, script: [x]}
refers: {image: !reference [.base, image], script: [x]}
bridge: {trigger: acme/other}
""")
    assert {name: (s.image, s.run.entrypoint) for name, s in found.items()} == {
        "plain": ("acme/default", ("e",)),
        "own": ("acme/own", None),
        "child": ("acme/more", ("b",)),
        "two": ("acme/more", ("o",)),
        "listed": ("acme/default", ("e",)),
        "refers": ("acme/base", ("b",)),
    }
    (note,) = [n for n in found["plain"].notes if n.code == "no-image"]
    assert "lonely, unlisted" in note.text


def test_the_old_way_to_say_default() -> None:
    assert read("image: acme/old\nbuild: {script: [x]}")["build"].image == "acme/old"


@pytest.mark.parametrize("value", ['"true"', "1", "true"])
def test_the_runners_init(value: str) -> None:
    """executors/docker/docker.go 640-644 (FF_USE_INIT_WITH_DOCKER_EXECUTOR)."""
    text = f"build: {{image: a, script: [x], variables: {{FF_USE_INIT_WITH_DOCKER_EXECUTOR: {value}}}}}"
    assert read(text)["build"].run.init
    assert not read("build: {image: a, script: [x]}")["build"].run.init


def test_variables_of_an_image_are_told() -> None:
    subject = read("build: {image: $CI_REGISTRY_IMAGE/x, script: [x]}")["build"]
    assert "variable-image" in [note.code for note in subject.notes]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "wrong-type"),
        ("[]", "wrong-type"),
        ("stages: [a]", "no-containers"),
        ("build: {script: [x]}", "no-containers"),
        ("include: other.yml", "no-containers"),
        ("a: {extends: .b, script: [x]}", "unknown-job"),
        (".a: {extends: .b}\n.b: {extends: .a}\nc: {extends: .a, script: [x]}", "circular-extends"),
        ("a: {image: !reference [.b, image], script: [x]}", "unknown-reference"),
        ("a: {image: !reference [a, image], script: [x]}", "deep-reference"),
        # imageable.rb: entrypoint is an array of strings.
        ("a: {image: {name: b, entrypoint: sh}, script: [x]}", "wrong-type"),
        ("a: {image: {name: b, entrypoint: [1]}, script: [x]}", "wrong-type"),
        ("a: {image: {entrypoint: [b]}, script: [x]}", "missing-field"),
    ],
)
def test_bad_files_say_why(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert caught.value.code == code
    assert caught.value.where.startswith("ci.yml")
