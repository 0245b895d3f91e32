"""What else could be asked: other runs of the same image, other builders and runtimes.

Other runs are always told. Other profiles are told only where the answer differs, equal answers together.
"""

from __future__ import annotations

from collections.abc import Callable

from entrysem.errors import DockerfileError, EntrysemError
from entrysem.model import RunOptions
from entrysem.profiles import Profile
from entrysem.render.text import answer_line
from entrysem.render.visible import visible
from entrysem.resolve import Resolution

__all__ = ["other_profiles", "other_runs"]

_BUILDERS = (
    "buildkit",
    "buildkit@0.14",
    "buildkit@0.8",
    "classic",
    "classic@20.10",
    "buildah",
    "buildah-docker",
    "kaniko",
)
_RUNTIMES = ("docker", "docker@24.0", "podman", "podman@4.9", "cri", "compose")
_RUNS: tuple[tuple[str, RunOptions], ...] = (
    ("run IMAGE", RunOptions()),
    ("run IMAGE x y", RunOptions(args=("x", "y"))),
    ("run --entrypoint x IMAGE", RunOptions(entrypoint="x")),
    ("run --entrypoint '' IMAGE", RunOptions(entrypoint="")),
    ("run --entrypoint '' IMAGE x", RunOptions(entrypoint="", args=("x",))),
)


def other_runs(resolution: Resolution) -> list[tuple[str, str]]:
    """(what is typed, answer) for the usual runs of this image, the one asked about left out."""
    return [
        (name, answer_line(resolution.image.run(options)))
        for name, options in _RUNS
        if options != resolution.options
    ]


def other_profiles(
    resolution: Resolution, resolve: Callable[[Profile], Resolution]
) -> list[tuple[str, str]]:
    """(profiles, answer) where another builder or runtime gives another argv.

    `resolve` answers the same question for a profile. Builders are tried with this runtime,
    runtimes with this builder. A profile whose answer rests on a deviation that nobody has seen on an
    engine says so.
    """
    here = answer_line(resolution)
    profile = resolution.image.profile
    others = [Profile(Profile.parse(name).builder, profile.runtime) for name in _BUILDERS]
    others += [Profile(profile.builder, Profile.parse(runtime=name).runtime) for name in _RUNTIMES]
    groups: dict[str, list[str]] = {}
    for other in others:
        if other == profile:
            continue
        rules: tuple[str, ...]
        try:
            resolution_there = resolve(other)
            there, rules = answer_line(resolution_there), resolution_there.rules
        except EntrysemError as error:
            there = f"rejected: {visible(error.message)}"
            rules = (error.rule,) if isinstance(error, DockerfileError) else ()
        if there != here:
            name = str(other.builder if other.runtime == profile.runtime else other.runtime)
            unseen = any(
                item.status == "source-read" and item.rule in rules for item in other.deviations
            )
            groups.setdefault(there, []).append(name + (" (source-read)" if unseen else ""))
    return [(", ".join(names), there) for there, names in groups.items()]
