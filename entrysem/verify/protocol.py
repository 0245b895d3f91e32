"""The nouns between the runner and an engine, and the one interface that engines stand behind.

A `Job` is an image to build and runs of it; an `Observation` is what the engine made of them, with no
judgement: what is right is decided elsewhere, from the same observation for every engine. Levels say
how close one looked, and each includes the one before it:

* `CONFIG`: the image config as the engine stored it;
* `CREATE`: the argv that the runtime decided on when the container was created;
* `PROCESS`: the argv that the container's first process received, and its process id.

A word of argv is bytes. Here it is a `str` in which a byte that is no UTF-8 is a lone surrogate
(`surrogateescape`), so that nothing is lost between the container and the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = [
    "LEVELS",
    "Config",
    "Harness",
    "HarnessError",
    "Implementation",
    "Job",
    "Level",
    "Observation",
    "Outcome",
    "Run",
    "RunObservation",
]

Level = Literal["CONFIG", "CREATE", "PROCESS"]
LEVELS: tuple[Level, ...] = ("CONFIG", "CREATE", "PROCESS")

#: The four keys of an image config that decide argv, as stored; a key that is not stored is absent,
#: null and an empty list are kept apart.
Config = Mapping[str, Sequence[str] | None]


class HarnessError(Exception):
    """The engine or the way to it is broken: nothing was observed. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """Who answers.

    Attributes:
        name: as the user asked for it, or as a harness calls itself.
        version: as the engine reports it; empty when it does not say.
        builder: what it is as a builder in the words of `Profile.parse` (`classic@28.5.2`,
            `buildah@1.43.2`); None for a stranger, or when it does not build.
        runtime: the same as a runtime (`docker@28.5.2`); None when it only builds.
        levels: what it can show.
        platform: `OS/ARCH` of its images.
        details: more that a report should name: versions of parts, where it runs.
    """

    name: str
    version: str = ""
    builder: str | None = None
    runtime: str | None = None
    levels: tuple[Level, ...] = LEVELS
    platform: str = "linux/amd64"
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One start of the image: the words of `entrysem.model.RunOptions` that an engine can be given.

    Attributes:
        args: the words after the image, or None. `()` is an empty list sent to the API.
        entrypoint: None; a `str` as typed after `--entrypoint` (through the real command line); a
            tuple as sent to the API.
        init: `--init`.
    """

    args: tuple[str, ...] | None = None
    entrypoint: str | tuple[str, ...] | None = None
    init: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One image, and what is to be seen of it.

    Attributes:
        id: unique in a session; free text.
        dockerfile: its bytes; None when `config` is given.
        config: an image config in place of a Dockerfile.
        bases: image name -> Dockerfile (bytes) that the same engine builds first, or an image config.
        target, build_args, platform: options of the build. An empty platform is the engine's own.
        level: the closest look that is wanted.
        runs: the starts; empty at level CONFIG.
    """

    id: str
    dockerfile: bytes | None = None
    config: Config | None = None
    bases: Mapping[str, bytes | Config] = field(default_factory=dict)
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    level: Level = "CREATE"
    runs: tuple[Run, ...] = ()


Outcome = Literal["built", "rejected", "missing-image", "skipped"]


@dataclass(frozen=True, slots=True)
class RunObservation:
    """What came of one start.

    Attributes:
        argv: the words, or None when nothing was created or started.
        error: the engine's message, or None.
        phase: where the error was: `create` or `start`; None without an error.
        level: how close this was seen: CREATE, or PROCESS.
        pid: the process id that the first process saw, at level PROCESS.
        created: the argv decided at creation, beside what the process saw, at level PROCESS.
        skipped: why this run could not be made here, or None.
    """

    argv: tuple[str, ...] | None = None
    error: str | None = None
    phase: Literal["create", "start"] | None = None
    level: Level = "CREATE"
    pid: int | None = None
    created: tuple[str, ...] | None = None
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of a job.

    Attributes:
        job: its id.
        outcome: `built`; `rejected` (the builder refuses the Dockerfile); `missing-image` (it asks
            for an image that nobody gave); `skipped` (this engine has no way to do it).
        config: the stored config when built.
        message: the engine's words for `rejected` and `missing-image`, the reason for `skipped`.
        runs: one for each run of the job, in order; empty unless built.
    """

    job: str
    outcome: Outcome
    config: Config | None = None
    message: str = ""
    runs: tuple[RunObservation, ...] = ()


class Harness(Protocol):
    """An engine, or the way to one.

    `observe` is called from several threads at once. Everything that a harness makes on an engine
    carries the label `entrysem.session=<session>`; `close` removes it, and `sweep` removes what
    sessions that are no longer alive have left. Nothing else is ever removed.
    """

    def start(self) -> Implementation:
        """Connects and says who answers.

        Raises:
            HarnessError: it cannot be reached.
        """
        ...

    def sweep(self) -> int:
        """Removes what dead sessions left; how many objects that were."""
        ...

    def observe(self, job: Job) -> Observation:
        """Does the job.

        Raises:
            HarnessError: the engine broke, or did not answer in time.
        """
        ...

    def close(self) -> None:
        """Removes what this session made, and lets go of the engine."""
        ...
