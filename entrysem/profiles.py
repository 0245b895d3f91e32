"""Who differs from the reference, from which version on, and how we know.

The reference is the newest BuildKit and the newest Docker Engine. Every other builder, runtime and
version is the reference plus the deviations below whose range holds its version. A deviation is data:
engine, range, the fields of `Grammar`, `BuilderBehaviour` or `RuntimeBehaviour` that it replaces, the
rule it departs from, the smallest Dockerfile or run that shows it, its sources, and whether it was
*observed* on a real engine or only *source-read*.

A profile is a builder and a runtime, each with a version or without one; without, it is the newest.
The classic builder's versions are those of the Docker Engine that it is part of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from entrysem.behaviour import BuilderBehaviour, RuntimeBehaviour
from entrysem.dockerfile.grammar import REFERENCE, Grammar
from entrysem.errors import InputError
from entrysem.late import late
from entrysem.versions import in_range, parse_version

if TYPE_CHECKING:
    from entrysem.deviations import Deviation

__all__ = [
    "BUILDERS",
    "RUNTIMES",
    "Engine",
    "Profile",
    "builder_behaviour",
    "builder_with",
    "deviations_of",
    "frontend_engine",
    "runtime_behaviour",
    "runtime_with",
]

#: Builder name -> the newest version that this release knows.
BUILDERS: Mapping[str, str] = {
    "buildkit": "0.32",
    "classic": "28.5",
    "buildah": "1.43",
    "buildah-docker": "1.43",
    "kaniko": "1.24",
}
#: Runtime name -> the newest version that this release knows.
RUNTIMES: Mapping[str, str] = {"docker": "28.5", "podman": "5.8", "cri": "2.1", "compose": "2.40"}

#: Docker Engine -> the BuildKit inside it, oldest first; the last entry not newer counts.
_BUILDKIT_OF_DOCKER = (
    ("20.10", "0.8"),
    ("23.0", "0.10"),
    ("24.0", "0.11"),
    ("25.0", "0.12"),
    ("26.0", "0.13"),
    ("27.0", "0.14"),
    ("27.1", "0.15"),
    ("27.3", "0.16"),
    ("27.4", "0.17"),
    ("27.5", "0.18"),
    ("28.0", "0.20"),
    ("28.1", "0.21"),
    ("28.2", "0.22"),
    ("28.3", "0.23"),
    ("28.4", "0.24"),
    ("28.5", "0.25"),
    ("29.1", "0.26"),
    ("29.2", "0.27"),
    ("29.3", "0.28"),
    ("29.4", "0.29"),
    ("29.5", "0.30"),
    ("29.6", "0.31"),
    ("29.7", "0.32"),
)
#: Podman -> the Buildah inside it.
_BUILDAH_OF_PODMAN = (
    ("3.0", "1.19"),
    ("3.4", "1.23"),
    ("4.0", "1.24"),
    ("4.3", "1.28"),
    ("4.9", "1.33"),
    ("5.0", "1.35"),
    ("5.4", "1.39"),
    ("5.8", "1.43"),
)


class Engine(NamedTuple):
    """A builder or a runtime at a version; `version` is None for the newest."""

    name: str
    version: str | None = None

    def __str__(self) -> str:
        newest = BUILDERS.get(self.name) or RUNTIMES[self.name]
        return f"{self.name}@{self.version or newest}"


_NEWEST_BUILDER = Engine("buildkit")
_NEWEST_RUNTIME = Engine("docker")
_REFERENCES = (_NEWEST_BUILDER, _NEWEST_RUNTIME)


class Profile:
    """A builder and a runtime. `Profile.parse` reads what a person types. Equal by value.

    Attributes:
        builder, runtime: the two engines.
        builder_behaviour, runtime_behaviour: what these do, looked up once, because a profile is asked
            for it at every resolution.
    """

    __slots__ = ("builder", "builder_behaviour", "runtime", "runtime_behaviour")

    def __init__(
        self, builder: Engine = _NEWEST_BUILDER, runtime: Engine = _NEWEST_RUNTIME
    ) -> None:
        self.builder: Final = builder
        self.runtime: Final = runtime
        self.builder_behaviour: Final = builder_behaviour(builder)
        self.runtime_behaviour: Final = runtime_behaviour(runtime)

    def altered(
        self, builder: BuilderBehaviour | None = None, runtime: RuntimeBehaviour | None = None
    ) -> Profile:
        """The same names with other behaviours, of no real engine: for experiments."""
        other = object.__new__(Profile)
        other.builder, other.runtime = self.builder, self.runtime  # type: ignore[misc]
        other.builder_behaviour = builder or self.builder_behaviour  # type: ignore[misc]
        other.runtime_behaviour = runtime or self.runtime_behaviour  # type: ignore[misc]
        return other

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Profile):
            return NotImplemented
        return (self.builder, self.runtime) == (other.builder, other.runtime)

    def __hash__(self) -> int:
        return hash((self.builder, self.runtime))

    def __repr__(self) -> str:
        return f"Profile({self.builder!r}, {self.runtime!r})"

    @staticmethod
    def parse(builder: str = "buildkit", runtime: str = "docker") -> Profile:
        """`NAME` or `NAME@VERSION` for each side.

        `docker@VERSION` as a builder is that engine's default builder, `podman@VERSION` the Buildah
        inside that Podman.

        Raises:
            InputError: an unknown name or no version.
        """
        return Profile(_builder(builder), _engine(runtime, RUNTIMES, "runtime"))

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """The deviations in force, the builder's first."""
        return deviations_of(self.builder, "builder") + deviations_of(self.runtime, "runtime")


_FRONTEND = late(
    r"(?:[^/]*[.:][^/]*/)?docker/dockerfile(?:-upstream)?(?::(?P<tag>[^@]*))?(?:@.*)?\Z"
)
_FRONTEND_VERSION = late(r"1\.(\d{1,4})(?:\.\d+)?(?:-labs)?\Z")


def frontend_engine(image: str) -> Engine | None:
    """The BuildKit whose frontend this image is; None when it is another frontend.

    Version 1.N of docker/dockerfile is the frontend of BuildKit 0.(N+6); any other tag is taken for the
    newest.
    """
    match = _FRONTEND.match(image)
    if match is None:
        return None
    version = _FRONTEND_VERSION.match(match.group("tag") or "")
    return Engine("buildkit", f"0.{int(version.group(1)) + 6}") if version else Engine("buildkit")


def _builder(text: str) -> Engine:
    name, _, version = text.partition("@")
    if name == "docker":
        if version and parse_version(version) < parse_version("23.0.0.0"):
            return Engine("classic", version)
        return (
            Engine("buildkit", _inside(version, _BUILDKIT_OF_DOCKER))
            if version
            else Engine("buildkit")
        )
    if name == "podman":
        return (
            Engine("buildah", _inside(version, _BUILDAH_OF_PODMAN))
            if version
            else Engine("buildah")
        )
    return _engine(text, BUILDERS, "builder")


def _inside(version: str, table: tuple[tuple[str, str], ...]) -> str:
    wanted = parse_version(version)
    found = table[0][1]
    for outer, inner in table:
        if in_range(wanted, f">={outer}"):
            found = inner
    return found


def _engine(text: str, known: Mapping[str, str], kind: str) -> Engine:
    name, _, version = text.partition("@")
    if name not in known:
        raise InputError(
            f"unknown-{kind}",
            f"there is no {kind} {name!r}",
            where=f"--{kind}",
            hint=f"known: {', '.join(known)}; a version follows an @, as in {next(iter(known))}@"
            f"{next(iter(known.values()))}",
        )
    if version:
        parse_version(version)
    return Engine(name, version or None)


@lru_cache(maxsize=256)
def deviations_of(engine: Engine, side: Literal["builder", "runtime"]) -> tuple[Deviation, ...]:
    """The recorded deviations that are in force for this engine, in the order they were declared."""
    if engine in _REFERENCES:
        return ()
    from entrysem.deviations import DEVIATIONS  # noqa: PLC0415  # the reference needs none of them

    newest = (BUILDERS if side == "builder" else RUNTIMES)[engine.name]
    version = parse_version(engine.version or newest)
    return tuple(
        deviation
        for deviation in DEVIATIONS
        if deviation.side == side
        and engine.name in deviation.engines
        and in_range(version, deviation.engines[engine.name])
    )


@lru_cache(maxsize=256)
def builder_behaviour(engine: Engine) -> BuilderBehaviour:
    """The reference builder with this engine's deviations applied; one object an engine."""
    return builder_with(deviations_of(engine, "builder"))


def builder_with(deviations: Iterable[Deviation]) -> BuilderBehaviour:
    """The reference builder with these deviations applied, the later ones over the earlier."""
    changes: dict[str, Any] = {}
    grammar: dict[str, Any] = {}
    lacks: frozenset[str] = frozenset()
    for deviation in deviations:
        changes.update(deviation.sets)
        grammar.update(deviation.grammar)
        lacks |= deviation.lacks
    if lacks:
        grammar["lacks"] = lacks
    behaviour = BuilderBehaviour(
        grammar=_grammar(tuple(sorted(grammar.items(), key=lambda i: i[0])))
    )
    return behaviour.replace(**changes) if changes else behaviour


_GRAMMARS: dict[str, Grammar] = {}


def _grammar(changes: tuple[tuple[str, Any], ...]) -> Grammar:
    """One object for equal changes, so that parsed files can be shared between profiles."""
    if not changes:
        return REFERENCE
    key = repr(
        [
            (name, sorted(map(str, value)) if isinstance(value, frozenset) else value)
            for name, value in changes
        ]
    )
    if key not in _GRAMMARS:
        _GRAMMARS[key] = REFERENCE.replace(**dict(changes))
    return _GRAMMARS[key]


@lru_cache(maxsize=256)
def runtime_behaviour(engine: Engine) -> RuntimeBehaviour:
    """The reference runtime with this engine's deviations applied; one object an engine."""
    return runtime_with(deviations_of(engine, "runtime"))


def runtime_with(deviations: Iterable[Deviation]) -> RuntimeBehaviour:
    """The reference runtime with these deviations applied, the later ones over the earlier."""
    changes: dict[str, Any] = {}
    for deviation in deviations:
        changes.update(deviation.sets)
    return RuntimeBehaviour(**changes)
