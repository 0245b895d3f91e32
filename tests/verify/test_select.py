"""`--engine` -> harness."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from entrysem.errors import InputError
from entrysem.verify.child import Child
from entrysem.verify.protocol import HarnessError
from entrysem.verify.select import ENGINES, open_command, open_engine


class Engine:
    """Stands in for every engine's class."""

    def __init__(self, **options: Any) -> None:
        if options.get("builder") == "none":
            raise HarnessError("there is no builder 'none'")
        self.options = options


def opened(text: str) -> dict[str, Any]:
    """The options that the engine's class is called with."""
    modules = {}
    for engine in ENGINES.values():
        module: Any = ModuleType(engine.module)
        setattr(module, engine.name, Engine)
        modules[engine.module] = module
    with patch.dict(sys.modules, modules):
        harness = open_engine(text, session="s", timeout=3.0)
    assert isinstance(harness, Engine)
    assert (harness.options.pop("session"), harness.options.pop("timeout")) == ("s", 3.0)
    return harness.options


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("docker", {}),
        ("docker:", {}),
        ("docker:context=a b", {"context": "a b"}),
        (
            "docker:host=tcp://h:1?a=b,builder=classic",
            {"host": "tcp://h:1?a=b", "builder": "classic"},
        ),
        ("docker:expendable=yes,reuse=no", {"expendable": True, "reuse": False}),
        ("podman:reuse=no", {"reuse": False}),
        ("podman:host=unix:///x.sock,workspace=/w", {"host": "unix:///x.sock", "workspace": "/w"}),
        (
            "buildah:format=docker,cli=in suite buildah",
            {"format": "docker", "cli": "in suite buildah"},
        ),
    ],
)
def test_engines(text: str, options: dict[str, Any]) -> None:
    assert opened(text) == options


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no engine ''"),
        ("Docker", "there is no engine 'Docker'"),
        ("docker:classic", "'classic' is no option of docker"),
        ("docker:builder=", "'builder=' is no option"),
        ("docker:expendable=1", "'expendable=1' is no option"),
        ("buildah:context=x", "'context=x' is no option of buildah"),
        ("docker:host=a,host=b", "host= stands twice"),
        ("docker:builder=none", "there is no builder 'none'"),
    ],
)
def test_what_is_no_engine(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        opened(text)
    assert caught.value.hint


def test_a_program() -> None:
    harness = open_engine("harness:./x 'a b' c:d,e=f", session="s", timeout=1)
    assert isinstance(harness, Child)


def test_a_library_that_is_missing() -> None:
    with (
        patch.dict(sys.modules, {"entrysem.verify.engines.docker": None}),
        pytest.raises(InputError, match="needs the Python library"),
    ):
        open_engine("docker", session="s", timeout=1)


def test_a_build_command() -> None:
    module: Any = ModuleType("command")
    module.Command = Engine
    with patch.dict(sys.modules, {"entrysem.verify.engines.command": module}):
        harness: Any = open_command("b {tag}", "docker", session="s", timeout=2)
    assert harness.options == {
        "builder": "b {tag}",
        "inspect": "docker",
        "session": "s",
        "timeout": 2,
    }
