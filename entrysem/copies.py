"""COPY --from and RUN --mount=from=: the stages that a stage takes files from.

They do not change the image config. They can make the build fail: by a circle of copies, by a copy
from a stage that comes later, by a number without a stage. Nearly every source of nearly every file is
an earlier stage; `check_copies` is written so that this costs one look-up.

Source: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (validateCircularDependency,
dispatchCopy), frontend/dockerfile/instructions/parse.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from entrysem.behaviour import BuilderBehaviour
from entrysem.dockerfile import Dockerfile, Stage
from entrysem.dockerfile.references import check_reference, is_plain
from entrysem.dockerfile.text import lower
from entrysem.errors import DockerfileError

__all__ = ["check_copies", "check_numbers"]

_CONTROL = frozenset("$'\"\\")
_INDEX = r"[-+]?[0-9]+"


def check_numbers(target: Stage, dockerfile: Dockerfile, behaviour: BuilderBehaviour) -> None:
    """Looks at the numbers alone, for a builder that knows no circles.

    Source: moby/moby builder/dockerfile/imagecontext.go and dispatchers.go (classic).

    Raises:
        DockerfileError: there is no stage of that number.
    """
    stages = dockerfile.stages
    for stage in stages[: target.number + 1]:
        end = stage.number if behaviour.copy_number == "earlier" else len(stages)
        for source in stage.sources:
            if source.isdecimal() and source.isascii() and int(source[:10]) >= end:
                raise _no_such_stage(source, stage, dockerfile)


def check_copies(
    target: Stage,
    dockerfile: Dockerfile,
    parents: Sequence[Stage | None],
    names: Mapping[str, Stage],
    behaviour: BuilderBehaviour,
) -> None:
    """Looks at every source of every stage.

    Circles are looked for in the whole file, along copies alone; a copy from a later stage is
    rejected only where the target needs it.

    Args:
        parents: for each stage, the stage that it stands on, or None.
        names: what a name means at the file's end.

    Raises:
        DockerfileError: the builder rejects a source.
    """
    ordinary = True
    for stage in dockerfile.stages:
        for source in stage.sources:
            named = names.get(source)
            if (named is None or named.number >= stage.number) and not (
                source.isdecimal() and source.isascii() and int(source[:10]) < stage.number
            ):
                ordinary = False
    if ordinary:
        return
    needs: list[list[int]] = []
    for stage in dockerfile.stages:
        found = [_number(source, stage, dockerfile, names, behaviour) for source in stage.sources]
        needs.append([number for number in found if number is not None])
    if all(not found or max(found) < number for number, found in enumerate(needs)):
        return
    _check_circles(needs, dockerfile)
    if behaviour.copy_from_later == "allowed":
        return
    reached: set[int] = set()
    waiting = [target.number]
    while waiting:
        number = waiting.pop()
        if number in reached:
            continue
        reached.add(number)
        parent = parents[number]
        for needed in needs[number]:
            if needed > number:
                _reject_later(dockerfile.stages[needed], dockerfile.stages[number], dockerfile)
        waiting += needs[number] if parent is None else [parent.number, *needs[number]]


def _number(
    source: str,
    stage: Stage,
    dockerfile: Dockerfile,
    names: Mapping[str, Stage],
    behaviour: BuilderBehaviour,
) -> int | None:
    """The number of the stage that a source names, or None for an image."""
    if not _CONTROL.isdisjoint(source) and behaviour.copy_from_variable == "rejected":
        raise dockerfile.rejection(
            stage.instruction,
            "variable-in-from",
            "variable expansion is not supported for --from, define a new stage with FROM using ARG "
            "from global scope as a workaround",
            "BUILD-16",
        )
    if not re.fullmatch(_INDEX, source):
        found = names.get(lower(source))
        if found is None and source and not is_plain(source):
            check_reference(source, stage, dockerfile)
        return None if found is None else found.number
    number = int(source[:10])
    if not 0 <= number < len(dockerfile.stages):
        raise _no_such_stage(source, stage, dockerfile)
    return number


def _no_such_stage(source: str, stage: Stage, dockerfile: Dockerfile) -> DockerfileError:
    return dockerfile.rejection(
        stage.instruction,
        "bad-stage-index",
        f"invalid stage index {source[:10]}",
        "BUILD-16",
        "COPY --from takes a stage's name, its number from 0, or an image",
    )


def _reject_later(later: Stage, stage: Stage, dockerfile: Dockerfile) -> NoReturn:
    name, here = (item.name or f"stage-{item.number}" for item in (later, stage))
    raise dockerfile.rejection(
        stage.instruction,
        "later-stage",
        f'cannot copy from stage "{name}", it needs to be defined before current stage "{here}"',
        "BUILD-16",
        "move the stage up",
    )


def _check_circles(needs: list[list[int]], dockerfile: Dockerfile) -> None:
    stages = dockerfile.stages
    state = [0] * len(stages)
    for root in range(len(stages)):
        stack = [(root, iter(needs[root]))] if not state[root] else []
        state[root] = state[root] or 1
        while stack:
            index, remaining = stack[-1]
            following = next(remaining, None)
            if following is None:
                state[index] = 2
                stack.pop()
            elif state[following] == 1:
                stage = stages[following]
                raise dockerfile.rejection(
                    stage.instruction,
                    "stage-circle",
                    f"circular dependency detected on stage: {stage.name or stage.number}",
                    "BUILD-16",
                    "a stage must not copy from a stage that stands on it",
                )
            elif not state[following]:
                state[following] = 1
                stack.append((following, iter(needs[following])))
