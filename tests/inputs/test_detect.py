"""Which kind of input a file is: the names that the programs look for, and files of each kind."""

from __future__ import annotations

import pytest

from entrysem.inputs.detect import detect

POD = b"# a pod\napiVersion: v1\nkind: Pod\n"
WORKFLOW = b"name: CI\non: [push]\njobs:\n  a: {}\n"
ACTION = b"name: x\ndescription: y\nruns:\n  using: docker\n"
COMPOSE = b"services:\n  web:\n    image: a\n"


@pytest.mark.parametrize(
    ("path", "data", "kind"),
    [
        ("Dockerfile", b"", "dockerfile"),
        ("a/Dockerfile.prod", b"", "dockerfile"),
        ("web.Containerfile", b"", "dockerfile"),
        ("Dockerfile.md", b"", None),
        (".gitlab-ci.yml", b"", "gitlab"),
        ("ci/build.gitlab-ci.yml", b"", "gitlab"),
        ("a/.github/workflows/ci.yaml", b"", "workflow"),
        (".github/dependabot.yml", b"version: 2\n", None),
        ("action.yml", b"", "action"),
        (".devcontainer/devcontainer.json", b"", "devcontainer"),
        (".devcontainer.json", b"", "devcontainer"),
        ("web.container", b"", "quadlet"),
        ("docker-stack.yml", b"", "stack"),
        ("stack.prod.yaml", b"", "stack"),
        ("haystack.yml", COMPOSE, "compose"),
        ("compose.yaml", b"", "compose"),
        ("docker-compose.override.yml", b"", "compose"),
        ("k8s\\pod.yaml", POD, "kubernetes"),
        ("pod.json", b'{"apiVersion":"v1","kind":"Pod"}', "kubernetes"),
        ("pod.json", b'{\n  "kind": "Pod",\n  "apiVersion": "v1"\n}', "kubernetes"),
        ("two.yaml", b"---\n" + POD, "kubernetes"),
        ("package.json", b'{"name": "x"}', None),
        ("values.yaml", b"image: x\n", None),
        ("x.yml", WORKFLOW, "workflow"),
        ("x.yml", ACTION, "action"),
        ("x.yml", COMPOSE, "compose"),
        ("notes.txt", POD, None),
        ("-", POD, "kubernetes"),
        ("-", b"\xef\xbb\xbf# c\n\nARG A=1\nFROM a\n", "dockerfile"),
        ("-", b"# syntax=x\nfrom a\n", "dockerfile"),
        ("-", b"[Unit]\nDescription=x\n[Container]\nImage=a\n", "quadlet"),
        ("-", COMPOSE, "compose"),
        ("-", b"\x00\xff", None),
        ("", b"", None),
    ],
)
def test_kinds(path: str, data: bytes, kind: str | None) -> None:
    assert detect(path, data) == kind


def test_nothing_is_slow() -> None:
    for data in (b"\n" * 10**6, b"# " * 10**6, b"{," * 10**6, b" FROM" * 10**5, b"a:\n" * 10**5):
        assert detect("-", data) in {None, "dockerfile", "compose"}
