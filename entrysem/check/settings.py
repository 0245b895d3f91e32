"""What holds for one file: the command line over the file's configuration over the defaults; what an
expectation says itself goes before them all.

A `Settings` is plain values and travels to other processes; files with equal wishes share one object.
Its first context is where findings are looked for; each expectation has a context of its own, and
findings are looked for there too, so that a stage with an expectation is not left unread.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from entrysem.check.config import Config
from entrysem.check.kinds import kind_of
from entrysem.errors import InputError
from entrysem.model import RunOptions
from entrysem.profiles import BUILDERS, RUNTIMES, Profile

__all__ = ["Context", "Expectation", "Settings", "Typed", "profile_of", "settings_of"]

_ARCHIVES = ("oci:", "docker-archive:", "oci-archive:")
_Pairs = tuple[tuple[str, str], ...]


class Context(NamedTuple):
    """How a file is built.

    Attributes:
        builder, runtime: as `Profile.parse` reads them.
        target: the stage, or None for the last.
        build_args: names and values.
        base_config: images and files, the files absolute.
        base_from: sources as `--base-from` takes them.
        catalogue: whether the bundled catalogue is asked.
        platform: `os/architecture`.
    """

    builder: str = "buildkit"
    runtime: str = "docker"
    target: str | None = None
    build_args: _Pairs = ()
    base_config: _Pairs = ()
    base_from: tuple[str, ...] = ()
    catalogue: bool = True
    platform: str = "linux/amd64"


class Expectation(NamedTuple):
    """What a run comes to.

    Attributes:
        where: who expects it, for a message: the configuration's path, or `--expect-argv`.
        number: its number in that configuration, from 0.
        context, run: of what.
        argv: the words; None for an error.
        error: the code of a rejected build or a container that does not start; None for argv.
    """

    where: str
    number: int
    context: Context
    run: RunOptions
    argv: tuple[str, ...] | None
    error: str | None


class Settings(NamedTuple):
    """Everything that is wished for one file.

    Attributes:
        context: where findings are looked for.
        profiles: builders and runtimes that should run the same, as `profile_of` reads them.
        disabled: ids of kinds.
        severity: ids and levels.
        threshold: the level from which on the exit code is 1, or `none`.
        require_reason, strict: as in the configuration.
        expectations: in order.
    """

    context: Context = Context()
    profiles: tuple[str, ...] = ()
    disabled: frozenset[str] = frozenset()
    severity: _Pairs = ()
    threshold: str = "warning"
    require_reason: bool = False
    strict: bool = False
    expectations: tuple[Expectation, ...] = ()


class Typed(NamedTuple):
    """What the command line says; None and empty leave it to the configuration.

    `only` are ids: every other kind of finding is disabled.
    """

    values: Mapping[str, Any] = {}
    only: frozenset[str] = frozenset()
    expected: Mapping[str, Any] | None = None


def settings_of(path: str, config: Config, typed: Typed) -> Settings:
    """The settings of the file with this absolute path."""
    fitting = tuple(
        number for number, entry in enumerate(config.files) if config.matches(entry.paths, path)
    )
    expected = tuple(
        number for number, entry in enumerate(config.expect) if config.matches(entry.paths, path)
    )
    key = (fitting, expected, id(typed))
    made: dict[object, Settings] = config.__dict__.setdefault("_settings", {})
    if key not in made:
        made[key] = _settings(config, typed, fitting, expected)
    return made[key]


def _settings(
    config: Config, typed: Typed, fitting: Sequence[int], expected: Sequence[int]
) -> Settings:
    values = _absolute(config.values, config.folder)
    for number in fitting:
        values = _over(values, _absolute(config.files[number].values, config.folder))
    values = _over(values, typed.values)
    context = _context(values)
    expectations = []
    for number in expected:
        own = _absolute(config.expect[number].values, config.folder)
        expectations.append(_expectation(config.path, number, _over(values, own), own))
    if typed.expected is not None:
        option = "--expect-argv" if "argv" in typed.expected else "--expect-error"
        expectations.append(_expectation(option, 0, values, typed.expected))
    disabled = frozenset(kind_of(name, "disable").id for name in values.get("disable", ()))
    if typed.only:
        from entrysem.findings.kinds import KINDS  # noqa: PLC0415

        disabled |= frozenset(KINDS) - typed.only
    return Settings(
        context,
        tuple(dict.fromkeys(values.get("profiles", ()))),
        disabled,
        tuple(
            (kind_of(name, "severity").id, level)
            for name, level in values.get("severity", {}).items()
        ),
        values.get("failure-threshold", "warning"),
        values.get("require-reason", False),
        values.get("strict", False),
        tuple(expectations),
    )


#: Keys whose entries are merged one by one; `disable` is joined, all others are replaced.
_MERGED = ("build-args", "base-config", "severity")


def _over(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with what `more` says over it."""
    merged = {**values, **more}
    for key in _MERGED:
        if key in values and key in more:
            merged[key] = {**values[key], **more[key]}
    if "disable" in values and "disable" in more:
        merged["disable"] = [*values["disable"], *more["disable"]]
    return merged


def _absolute(values: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """`values` with the files of base images as seen from anywhere."""
    made = dict(values)
    if "base-config" in made:
        made["base-config"] = {
            image: _file(text, folder) for image, text in made["base-config"].items()
        }
    if "base-from" in made:
        made["base-from"] = [
            _file(text, folder) if text.startswith(_ARCHIVES) else text
            for text in made["base-from"]
        ]
    return made


def _file(text: str, folder: str) -> str:
    prefix = next((prefix for prefix in _ARCHIVES if text.startswith(prefix)), "")
    return prefix + os.path.join(folder, text.removeprefix(prefix))  # noqa: PTH118


def _context(values: Mapping[str, Any]) -> Context:
    platform = values.get("platform", "linux/amd64")
    return Context(
        values.get("builder", "buildkit"),
        values.get("runtime", "docker"),
        values.get("target"),
        tuple(values.get("build-args", {}).items()),
        tuple(values.get("base-config", {}).items()),
        tuple(values.get("base-from", ())),
        values.get("catalogue", True),
        platform if "/" in platform else f"{platform}/amd64",
    )


def _expectation(
    where: str, number: int, values: Mapping[str, Any], own: Mapping[str, Any]
) -> Expectation:
    entrypoint = own.get("entrypoint")
    args = own.get("args")
    argv = own.get("argv")
    return Expectation(
        where,
        number,
        _context(values),
        RunOptions(
            args=tuple(args) if args else None,
            entrypoint=tuple(entrypoint) if isinstance(entrypoint, list) else entrypoint,
            init=own.get("init", False),
        ),
        None if argv is None else tuple(argv),
        own.get("error"),
    )


@lru_cache(maxsize=256)
def profile_of(text: str, where: str = "profiles") -> Profile:
    """The profile that one word names: `BUILDER`, `RUNTIME` or `BUILDER,RUNTIME`, each with `@VERSION`.

    `docker` and `podman` alone are both sides of that engine; another name leaves the other side newest.

    Raises:
        InputError: `unknown-builder` or `unknown-runtime`, or as `Profile.parse`.
    """
    first, comma, second = (part.strip() for part in text.partition(","))
    name = first.partition("@")[0]
    try:
        if comma:
            return Profile.parse(first, second)
        if name in ("docker", "podman"):
            return Profile.parse(first, first)
        if name in RUNTIMES and name not in BUILDERS:
            return Profile.parse(runtime=first)
        return Profile.parse(first)
    except InputError as error:
        raise InputError(error.code, error.message, where=where, hint=error.hint) from None
