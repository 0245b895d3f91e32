"""The known divergences of real engines, each of which must be seen again.

A suite that passes may have stopped looking. So each of these, the differences that authors run into, is
asked for by a job of its own and recognised by its exact value, without entrysem's help; it has to be
seen on at least one engine, and what does not show it must show the other value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from entrysem.verify.protocol import Implementation, Job, Level, Observation, Run

__all__ = ["KNOWN", "Divergence", "cmd_is", "seen"]

Check = Callable[[Observation], bool]


def cmd_is(*words: str) -> Check:
    """Whether the stored Cmd is these words; without any, whether nothing or an empty list is stored."""

    def check(observation: Observation) -> bool:
        config = observation.config or {}
        return observation.outcome == "built" and tuple(config.get("Cmd") or ()) == words

    return check


def _entrypoint_is(*words: str) -> Check:
    def check(observation: Observation) -> bool:
        config = observation.config or {}
        return observation.outcome == "built" and tuple(config.get("Entrypoint") or ()) == words

    return check


def _outcome(*outcomes: str) -> Check:
    return lambda observation: observation.outcome in outcomes


def _argv_is(*words: str) -> Check:
    return lambda observation: len(observation.runs) == 1 and observation.runs[0].argv == words


def _not_created(observation: Observation) -> bool:
    return len(observation.runs) == 1 and observation.runs[0].phase == "create"


def _either(*checks: Check) -> Check:
    return lambda observation: any(check(observation) for check in checks)


@dataclass(frozen=True, slots=True)
class Divergence:
    """Something that engines do in two ways.

    Attributes:
        name: for a report.
        dockerfile: shows it.
        one, other: the two ways; each must be recognised on some engine, or `other` may be missing when
            it is what the reference does.
        run: the run that shows it, if the build does not.
        builders, runtimes: names of the engines that do it in the first way.
    """

    name: str
    dockerfile: str
    one: Check
    other: Check
    run: Run | None = None
    builders: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()

    def concerns(self, implementation: Implementation) -> bool:
        """Whether this engine may show the first way."""
        builder = (implementation.builder or "").partition("@")[0]
        runtime = (implementation.runtime or "").partition("@")[0]
        return builder in self.builders or runtime in self.runtimes

    def job(self) -> Job:
        """What to ask."""
        level: Level = "CONFIG" if self.run is None else "CREATE"
        runs = () if self.run is None else (self.run,)
        return Job(f"known/{self.name}", self.dockerfile.encode(), level=level, runs=runs)


_BUILDAH = ("buildah", "buildah-docker")

KNOWN: tuple[Divergence, ...] = (
    Divergence(
        "buildah ignores SHELL",
        'FROM scratch\nSHELL ["s", "-x"]\nCMD a\n',
        cmd_is("/bin/sh", "-c", "a"),
        cmd_is("s", "-x", "a"),
        builders=_BUILDAH,
    ),
    Divergence(
        "a bare CMD is the shell alone in the classic builder, and an empty script in BuildKit",
        "FROM scratch\nCMD\n",
        cmd_is("/bin/sh", "-c"),
        cmd_is("/bin/sh", "-c", ""),
        builders=("classic", *_BUILDAH),
    ),
    Divergence(
        "a bare ENTRYPOINT clears in the classic builder, and is an empty script in BuildKit",
        'FROM scratch\nENTRYPOINT ["e"]\nENTRYPOINT\n',
        _entrypoint_is(),
        _entrypoint_is("/bin/sh", "-c", ""),
        builders=("classic", *_BUILDAH),
    ),
    Divergence(
        "text after the closing bracket is dropped before BuildKit 0.15, and makes it a script since",
        'FROM scratch\nCMD ["a"] b\n',
        cmd_is("a"),
        cmd_is("/bin/sh", "-c", '["a"] b'),
        builders=("buildkit", "classic", *_BUILDAH),
    ),
    Divergence(
        "CMD [] does not keep ENTRYPOINT from emptying Cmd in the classic builder",
        'FROM scratch AS base-stage\nCMD ["b"]\nFROM base-stage\nCMD\nENTRYPOINT ["e"]\n',
        cmd_is(),
        cmd_is("/bin/sh", "-c", ""),
        builders=("classic", *_BUILDAH),
    ),
    Divergence(
        "two stages of one name are rejected by the classic builder",
        'FROM scratch AS one\nCMD ["a"]\nFROM scratch AS one\nCMD ["b"]\nFROM one\nLABEL a=b\n',
        _outcome("rejected"),
        _either(cmd_is("a"), cmd_is("b")),
        builders=("classic",),
    ),
    Divergence(
        "a stage is found by its name in capitals by the classic builder",
        'FROM scratch AS one\nCMD ["a"]\nFROM ONE\nLABEL a=b\n',
        cmd_is("a"),
        _outcome("rejected", "missing-image"),
        builders=("classic",),
    ),
    Divergence(
        "CMD --flag is rejected, and drops the flag in buildah",
        "FROM scratch\nCMD --flag a\n",
        cmd_is("/bin/sh", "-c", "a"),
        _outcome("rejected"),
        builders=_BUILDAH,
    ),
    Divergence(
        "podman reads --entrypoint as a JSON list",
        'FROM scratch\nCMD ["c"]\n',
        _argv_is("f", "g"),
        _argv_is('["f", "g"]'),
        Run(entrypoint='["f", "g"]'),
        runtimes=("podman",),
    ),
    Divergence(
        "podman runs one empty word when there is nothing to run, from 5.0",
        "FROM scratch\nLABEL a=b\n",
        _argv_is(""),
        _not_created,
        Run(),
        runtimes=("podman",),
    ),
)


def seen(divergence: Divergence, observation: Observation) -> str:
    """`one`, `other`, or `neither` (which no engine may show), or `skipped`."""
    if observation.outcome == "skipped" or any(run.skipped for run in observation.runs):
        return "skipped"
    if divergence.one(observation):
        return "one"
    return "other" if divergence.other(observation) else "neither"
