"""FROM and --target: which stage stands on which, and where the chain ends.

All stages are looked at before the target is chosen, because a blank base or a malformed image name
is an error wherever it stands. The result is the chain from the outermost base to the target; only
the stages of that chain decide the image config.

Source: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (buildDispatchStates, addState,
resolveTarget).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from entrysem.behaviour import BuilderBehaviour
from entrysem.copies import check_copies, check_numbers
from entrysem.dockerfile import Dockerfile, Stage
from entrysem.dockerfile.references import check_reference, is_plain
from entrysem.dockerfile.text import lower
from entrysem.errors import DockerfileError
from entrysem.variables import expand_word, global_variables, platform_of

__all__ = ["Link", "chain_of"]


class Link(NamedTuple):
    """One stage of the chain. `base`: its FROM word, expanded. `parent`: the stage that it stands
    on, or None for an image. `windows`: whether it is built for Windows.
    """

    stage: Stage
    base: str
    parent: Stage | None
    windows: bool


def chain_of(
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    target: str | None,
    build_args: Mapping[str, str],
    platform: str,
) -> list[Link]:
    """The stages from the outermost base to the target.

    Raises:
        DockerfileError: no stage, an unknown target, a blank or malformed base, a circle.
    """
    stages = dockerfile.stages
    windows = platform.startswith("windows")
    if dockerfile.simple and not target:
        # What `Link(...)` does, without the call in between: this is the way of nearly every file.
        return [tuple.__new__(Link, (stages[0], stages[0].base, None, windows))]
    if not stages:
        raise DockerfileError(
            "no-stages",
            "dockerfile contains no stages to build",
            rule="BUILD-08",
            span=None,
            phase="build",
            hint="a Dockerfile needs at least a FROM",
        )
    if target and behaviour.stages_after_target == "cut":
        index = _index_of(target, stages, behaviour)
        if index is not None:
            stages, target = stages[: index + 1], None
    variables: Mapping[str, str] | None = None
    if dockerfile.global_args:
        variables = global_variables(dockerfile, behaviour, target, build_args, platform)
    bases: list[str] = []
    parents: list[Stage | None] = []
    names: dict[str, Stage] = {}
    by_platform = windows
    has_sources = False
    # What the newest BuildKit does is one look-up; everything else is a call.
    ordinary = (
        behaviour.stage_lookup == "lower-cased"
        and behaviour.scratch_stage
        and not behaviour.stage_by_index
        and behaviour.duplicate_stage == "last"
    )
    for stage in stages:
        base = stage.base
        plain = stage.plain
        if not plain:
            if variables is None:
                variables = global_variables(dockerfile, behaviour, target, build_args, platform)
            base = _expanded(stage, dockerfile, variables)
        parent = names.get(base) if ordinary else _parent(base, stage, names, behaviour, stages)
        if base != stage.base and parent is not None and behaviour.stage_by_variable != "always":
            by_argument = base == expand_word(stage.base, stage, dockerfile, build_args)
            if behaviour.stage_by_variable == "never" or not by_argument:
                parent = None
        if parent is None and not plain and not is_plain(base):
            check_reference(base, stage, dockerfile)
        bases.append(base)
        parents.append(parent)
        if (key := stage.key) is not None:
            if ordinary:
                names[key] = stage
            else:
                _register(stage, names, dockerfile, behaviour)
        if stage.platform is not None:
            by_platform = True
        if stage.sources:
            has_sources = True
    chosen = _target(target, stages, names, behaviour) if target else stages[-1]
    if has_sources:
        if behaviour.copy_cycles == "rejected":
            check_copies(chosen, dockerfile, parents, names, behaviour)
        elif behaviour.copy_number != "image":
            check_numbers(chosen, dockerfile, behaviour)
    chain: list[Link] = []
    current: Stage | None = chosen
    while current is not None:
        index = current.number
        chain.append(Link(current, bases[index], parents[index], False))
        current = parents[index]
    chain.reverse()
    if by_platform:
        if variables is None:
            variables = global_variables(dockerfile, behaviour, target, build_args, platform)
        chain = _with_platforms(chain, dockerfile, variables, windows=windows)
    return chain


def _with_platforms(
    chain: list[Link], dockerfile: Dockerfile, variables: Mapping[str, str], *, windows: bool
) -> list[Link]:
    """The chain with each stage's own platform: FROM --platform, or its base stage's.

    A platform is checked in every stage, also where nothing is built.
    """
    given = {
        stage.number: platform_of(stage, dockerfile, variables)
        for stage in dockerfile.stages
        if stage.platform is not None
    }
    result: list[Link] = []
    for link in chain:
        if link.stage.number in given:
            windows = given[link.stage.number].startswith("windows")
        result.append(link._replace(windows=windows) if windows else link)
    return result


def _expanded(stage: Stage, dockerfile: Dockerfile, variables: Mapping[str, str]) -> str:
    base = expand_word(stage.base, stage, dockerfile, variables)
    if not base:
        raise dockerfile.rejection(
            stage.instruction,
            "blank-base",
            f"base name ({stage.base}) should not be blank",
            "BUILD-10",
            "declare the ARG before the first FROM with a default, or pass --build-arg",
        )
    return base


def _parent(
    base: str,
    stage: Stage,
    names: Mapping[str, Stage],
    behaviour: BuilderBehaviour,
    stages: tuple[Stage, ...],
) -> Stage | None:
    if base == "scratch" and not behaviour.scratch_stage:
        return None
    found = names.get(lower(base) if behaviour.stage_lookup == "any-case" else base)
    if found is None and behaviour.stage_by_index and base.isdecimal() and base.isascii():
        number = int(base[:9])
        found = stages[number] if number < stage.number else None
    return found


def _register(
    stage: Stage, names: dict[str, Stage], dockerfile: Dockerfile, behaviour: BuilderBehaviour
) -> None:
    key = (stage.name if behaviour.stage_lookup == "exact" else stage.key) or ""
    if key in names:
        if behaviour.duplicate_stage == "rejected":
            raise dockerfile.rejection(
                stage.instruction,
                "duplicate-stage",
                f'a stage name "{stage.name}" already used',
                "BUILD-09",
                "give each stage a name of its own",
            )
        if behaviour.duplicate_stage == "first":
            return
    names[key] = stage


def _index_of(target: str, stages: tuple[Stage, ...], behaviour: BuilderBehaviour) -> int | None:
    """Index of the first stage that --target names, for builders that stop there."""
    for stage in stages:
        if stage.name is not None and (
            stage.name == target
            or (behaviour.target_case == "any-case" and stage.key == lower(target))
        ):
            return stage.number
    return None


def _target(
    target: str, stages: tuple[Stage, ...], names: Mapping[str, Stage], behaviour: BuilderBehaviour
) -> Stage:
    found: Stage | None
    if behaviour.target_case == "exact":
        found = next((stage for stage in stages if stage.name == target), None)
    else:
        found = names.get(lower(target))
    by_index = behaviour.target_by_index
    if found is None and by_index != "never" and target.isdecimal() and target.isascii():
        number = int(target[:9])
        found = stages[number] if number < len(stages) else None
        if found is not None and found.name is not None and by_index == "unnamed":
            found = None
    if found is None:
        import difflib  # noqa: PLC0415  # slow to import, and only this error needs it

        known = sorted({stage.name for stage in stages if stage.name})
        near = difflib.get_close_matches(target[:64], known, n=1)
        raise DockerfileError(
            "unknown-target",
            f'target stage "{target}" could not be found',
            rule="BUILD-13",
            span=None,
            phase="build",
            hint=f"did you mean {near[0]}?"
            if near
            else f"named stages: {', '.join(known[:20]) or 'none'}",
        )
    return found
