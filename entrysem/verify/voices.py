"""Which of the engines that a case lists speaks for the one that is asked about.

`NAME@VERSION` in the vectors is an engine that somebody looked at, a bare `NAME` the newest of its
kind. When the version asked about is not among them, the one speaks for it that differs from it in the
fewest recorded deviations (`entrysem.deviations`); of several, the nearest version. Where they do
differ in a deviation from a rule that the case is about, its word is nothing to go by.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from entrysem.profiles import Engine, deviations_of
from entrysem.versions import parse_version

__all__ = ["Voice", "choose"]

Side = Literal["builder", "runtime"]


class Voice(NamedTuple):
    """An engine of the vectors that speaks for another.

    Attributes:
        name: as the vectors list it.
        note: `as observed on NAME@VERSION`, when that is another version; otherwise empty.
        unobserved: why its word does not count for this case; otherwise empty.
    """

    name: str
    note: str = ""
    unobserved: str = ""


def choose(listed: Sequence[str], engine: Engine, side: Side, rules: Sequence[str]) -> Voice | None:
    """The listed engine that speaks for `engine` in a case about `rules`; None when there is none.

    For the newest (`version` None) that is the bare name, or the newest version listed, whatever lies
    between: the reference is what the vectors know of it.
    """
    found = tuple([name for name in listed if name.partition("@")[0] == engine.name])
    return _chosen(found, engine, side, tuple(rules)) if found else None


@lru_cache(maxsize=4096)
def _chosen(listed: tuple[str, ...], engine: Engine, side: Side, rules: tuple[str, ...]) -> Voice:
    if engine.version is None:
        bare = [name for name in listed if "@" not in name]
        return Voice((bare or sorted(listed, key=_number))[-1])
    wanted = _number(str(engine))

    def strangeness(name: str) -> tuple[int, int, bool, int]:
        apart = _apart(name, engine, side)
        disputed = sum(rule in rules for _, rule in apart)
        return disputed, len(apart), not _names(engine.version, name), abs(_number(name) - wanted)

    name = min(listed, key=strangeness)
    disputed = [f"{ident} ({rule})" for ident, rule in _apart(name, engine, side) if rule in rules]
    if disputed:
        what = ", ".join(disputed)
        return Voice(
            name, unobserved=f"nobody has observed {engine} here; {name} differs from it in {what}"
        )
    return Voice(name, "" if _names(engine.version, name) else f"as observed on {name}")


def _names(version: str | None, name: str) -> bool:
    """Whether the listed `name` is this version, or one of this series."""
    asked, listed = _given(version or ""), name.partition("@")[2]
    return bool(listed) and asked == _given(listed)[: len(asked)]


def _given(version: str) -> tuple[int, ...]:
    """The numbers that the version really names."""
    return tuple([part for part in parse_version(version) if part < _NEWEST])


_NEWEST = 10**9


def _number(name: str) -> int:
    """The version as one number, to sort by and to tell what is near."""
    version = name.partition("@")[2]
    if not version:
        return _NEWEST**3
    number = 0
    for part in parse_version(version):
        number = number * 100_000 + min(part, 99_999)
    return number


def _apart(name: str, engine: Engine, side: Side) -> tuple[tuple[str, str], ...]:
    listed = Engine(engine.name, name.partition("@")[2] or None)
    ours = {deviation.id: deviation.rule for deviation in deviations_of(engine, side)}
    theirs = {deviation.id: deviation.rule for deviation in deviations_of(listed, side)}
    return tuple(
        [
            (ident, rule)
            for ident, rule in {**ours, **theirs}.items()
            if (ident in ours) != (ident in theirs)
        ]
    )
