"""From what a user writes after `--engine` to a harness.

`NAME[:KEY=VALUE[,KEY=VALUE]...]`, and `harness:PROGRAM [ARG...]`. A comma in a value cannot be
written; none of the values needs one. The engines are imported when they are asked for: each has
libraries of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple, cast

from entrysem.errors import InputError
from entrysem.verify.protocol import Harness, HarnessError

__all__ = ["ENGINES", "open_command", "open_engine"]


class _Engine(NamedTuple):
    """Where the class is, and which of its arguments can be written: texts, and yes or no."""

    module: str
    name: str
    keys: tuple[str, ...]
    flags: tuple[str, ...] = ()


#: What stands before the colon -> where it is, and what may stand behind.
ENGINES = {
    "docker": _Engine(
        "entrysem.verify.engines.docker",
        "Docker",
        ("context", "host", "builder", "cli", "workspace"),
        ("expendable", "reuse", "translate"),
    ),
    "podman": _Engine(
        "entrysem.verify.engines.podman", "Podman", ("cli", "host", "workspace"), ("reuse",)
    ),
    "buildah": _Engine(
        "entrysem.verify.engines.buildah", "Buildah", ("format", "cli", "workspace")
    ),
}


def open_engine(text: str, *, session: str, timeout: float) -> Harness:
    """The harness for an engine as the user wrote it; nothing is started yet.

    Raises:
        InputError: there is no such engine or option, or the option has no such value.
    """
    name, _, rest = text.partition(":")
    if name == "harness":
        from entrysem.verify.child import Child  # noqa: PLC0415 - as the engines

        return Child(command=rest, session=session, timeout=timeout)
    engine = ENGINES.get(name)
    if engine is None:
        raise InputError(
            "unknown-engine",
            f"there is no engine {name!r}",
            where="--engine",
            hint=f"known: {', '.join((*ENGINES, 'harness'))}; --builder takes any build command",
        )
    return _opened(engine, text, _options(engine, text, rest), session, timeout)


def open_command(builder: str, inspect: str, *, session: str, timeout: float) -> Harness:
    """The harness for a build command and a way to read the image that it makes.

    Raises:
        InputError: the command lacks a placeholder, or there is no such way.
    """
    engine = _Engine("entrysem.verify.engines.command", "Command", ())
    options = {"builder": builder, "inspect": inspect}
    return _opened(engine, builder, options, session, timeout)


def _options(engine: _Engine, text: str, rest: str) -> dict[str, str | bool]:
    found: dict[str, str | bool] = {}
    for item in filter(None, rest.split(",")):
        key, _, value = item.partition("=")
        if key in engine.flags and value in ("yes", "no"):
            given: str | bool = value == "yes"
        elif key in engine.keys and value:
            given = value
        else:
            known = [f"{key}=" for key in engine.keys] + [f"{key}=yes|no" for key in engine.flags]
            raise _bad(text, f"{item!r} is no option of {text.partition(':')[0]}", known)
        if key in found:
            raise _bad(text, f"{key}= stands twice", ["each option once"])
        found[key] = given
    return found


def _bad(text: str, message: str, known: Sequence[str]) -> InputError:
    hint = f"known: {', '.join(known)}; several are separated by commas"
    return InputError("bad-engine", message, where=f"--engine {text}", hint=hint)


def _opened(
    engine: _Engine, text: str, options: Mapping[str, object], session: str, timeout: float
) -> Harness:
    try:
        module = import_module(engine.module)
    except ModuleNotFoundError as error:
        raise InputError(
            "missing-library",
            f"this needs the Python library {error.name}, which is not installed",
            where=f"--engine {text}",
            hint="install entrysem[verify]",
        ) from None
    try:
        harness = getattr(module, engine.name)(**options, session=session, timeout=timeout)
    except HarnessError as error:
        raise InputError(
            "bad-engine", str(error), where=f"--engine {text}", hint="look at its options"
        ) from None
    return cast("Harness", harness)
