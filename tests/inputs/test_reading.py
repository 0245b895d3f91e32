"""Every kind of the examples is detected, and read."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from entrysem.inputs.detect import detect
from entrysem.inputs.reading import ReadKind, read_as

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
FILES: dict[ReadKind, tuple[str, list[str | None]]] = {
    "kubernetes": (
        "kubernetes/shop.yaml",
        ["acme/shop:1.4", "acme/proxy:2", "acme/shop:1.4", None, None],
    ),
    "gitlab": ("overriders/.gitlab-ci.yml", ["acme/builder:3", "acme/db:9"]),
    "action": ("overriders/action.yml", ["acme/greeter:1"]),
    "workflow": (
        "overriders/.github/workflows/ci.yml",
        ["acme/builder:3", "acme/db:9", "acme/linter:1"],
    ),
    "devcontainer": ("overriders/devcontainer.json", ["acme/builder:3"]),
    "stack": ("overriders/docker-stack.yml", ["acme/shop:1.4"]),
    "quadlet": ("overriders/web.container", ["acme/shop:1.4"]),
}


@pytest.mark.parametrize("kind", get_args(ReadKind))
def test_examples(kind: ReadKind) -> None:
    name, images = FILES[kind]
    data = (EXAMPLES / name).read_bytes()
    assert detect(name, data) == kind
    found = read_as(kind, data, where=name)
    assert [subject.image for subject in found] == images
    for subject in found:
        assert [subject.dockerfile, subject.image, subject.argv].count(None) == 2
        for note in subject.notes:
            assert note.status == "observed" or note.source
            assert note.where.startswith(name)
