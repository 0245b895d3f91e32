"""FROM and --target: which stage stands on which, and where the chain ends.

All stages are looked at before the target is chosen, because a blank base or a malformed image name
is an error wherever it stands. The result is the chain from the outermost base to the target; only
the stages of that chain decide the image config.

Source: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (buildMetaArgs,
buildDispatchStates, addState, resolveTarget, validateCircularDependency).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, NoReturn

from entrysem.behaviour import BuilderBehaviour
from entrysem.dockerfile import Dockerfile, Instruction, Stage
from entrysem.dockerfile.instructions import arguments
from entrysem.dockerfile.words import ExpansionError, expand
from entrysem.errors import DockerfileError

__all__ = ["Link", "chain_of"]

_PLAIN_REFERENCE = re.compile(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*(?::[\w][\w.-]{0,127})?\Z", re.ASCII)
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = (
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
    r"(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
)
_REFERENCE = (
    rf"(?:{_HOST}/)?{_PATH}(?:/{_PATH})*(?::[\w][\w.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?\Z"
)
#: A word in which every `$` is a plain name, so that no lexer is needed.
_PLAIN_WORD = re.compile(r"(?:[\w./:@+-]|\$[A-Za-z_]|\$\{[A-Za-z_]\w*\})*\Z", re.ASCII)
_PLAIN_NAME = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)
_PLATFORM_PART = re.compile(r"[A-Za-z0-9_.-]+(?:\([^()]*\))?\Z")
_PLATFORM_WORDS = frozenset(
    (
        "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd "
        "openbsd plan9 solaris wasip1 windows zos 386 amd64 amd64p32 arm armbe arm64 "
        "arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le "
        "ppc riscv riscv64 s390 s390x sparc sparc64 wasm i386 x86_64 x86-64 aarch64 armhf "
        "armel"
    ).split()
)
_CONTROL = frozenset("$'\"\\")
_INDEX = re.compile(r"[-+]?[0-9]+\Z")
_HEX_LENGTH = 64
_HEX64 = re.compile(r"[a-f0-9]{64}\Z")


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
    if not stages:
        raise DockerfileError(
            "no-stages",
            "dockerfile contains no stages to build",
            rule="BUILD-08",
            span=None,
            phase="build",
            hint="a Dockerfile needs at least a FROM",
        )
    if len(stages) == 1 and not target and not dockerfile.global_args:
        first = stages[0]
        plain = first.platform is None and not first.sources
        if plain and _PLAIN_REFERENCE.match(first.base) and len(first.base) != _HEX_LENGTH:
            return [Link(first, first.base, None, platform.startswith("windows"))]
    if target and behaviour.stages_after_target == "cut":
        index = _index_of(target, stages, behaviour)
        if index is not None:
            stages, target = stages[: index + 1], None
    variables: Mapping[str, str] | None = None
    if dockerfile.global_args:
        variables = _variables(dockerfile, behaviour, target, build_args, platform)
    bases: list[str] = []
    parents: list[Stage | None] = []
    names: dict[str, Stage] = {}
    for stage in stages:
        base = stage.base
        if not _PLAIN_REFERENCE.match(base):
            if variables is None:
                variables = _variables(dockerfile, behaviour, target, build_args, platform)
            base = _expanded(base, stage, dockerfile, behaviour, variables)
        parent = _parent(base, stage, names, stages, behaviour)
        if (
            parent is not None
            and base != stage.base
            and behaviour.stage_by_variable != "always"
            and (
                behaviour.stage_by_variable == "never"
                or base != _expand_word(stage.base, stage, dockerfile, behaviour, build_args)
            )
        ):
            parent = None
        if parent is None and (len(base) == _HEX_LENGTH or not _PLAIN_REFERENCE.match(base)):
            _check_reference(base, stage, dockerfile)
        bases.append(base)
        parents.append(parent)
        if stage.name is not None:
            _register(stage, names, dockerfile, behaviour)
    chosen = _target(target, stages, names, behaviour)
    if behaviour.copy_cycles == "rejected" and any(stage.sources for stage in stages):
        _check_sources(chosen, dockerfile, parents, names, behaviour)
    chain: list[Link] = []
    current: Stage | None = chosen
    while current is not None:
        index = current.number
        chain.append(Link(current, bases[index], parents[index], False))
        current = parents[index]
    chain.reverse()
    if platform.startswith("windows") or any(stage.platform is not None for stage in stages):
        if variables is None:
            variables = _variables(dockerfile, behaviour, target, build_args, platform)
        chain = _with_platforms(chain, dockerfile, behaviour, variables, platform)
    return chain


def _with_platforms(
    chain: list[Link],
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    variables: Mapping[str, str],
    platform: str,
) -> list[Link]:
    """The chain with each stage's own platform: FROM --platform, or its base stage's.

    A platform is checked in every stage, also where nothing is built.
    """
    given = {
        stage.number: _platform(stage, dockerfile, behaviour, variables)
        for stage in dockerfile.stages
        if stage.platform is not None
    }
    windows = platform.startswith("windows")
    result: list[Link] = []
    for link in chain:
        if link.stage.number in given:
            windows = given[link.stage.number].startswith("windows")
        result.append(link._replace(windows=windows))
    return result


def _platform(
    stage: Stage, dockerfile: Dockerfile, behaviour: BuilderBehaviour, variables: Mapping[str, str]
) -> str:
    """The stage's --platform, expanded and checked.

    Source: containerd/platforms platforms.go (Parse).
    """
    spelled = stage.platform or ""
    value = _expand_word(spelled, stage, dockerfile, behaviour, variables)
    if not value:
        _reject(
            "blank-platform",
            f"empty platform value from expression {spelled}",
            "BUILD-10",
            stage,
            dockerfile,
            hint="declare the ARG before the first FROM, or pass --build-arg",
        )
    parts = value.split("/")
    known = len(parts) > 1 or parts[0].lower() in _PLATFORM_WORDS
    if len(parts) > 3 or not known or not all(_PLATFORM_PART.match(part) for part in parts):
        _reject(
            "bad-platform",
            f"failed to parse platform {spelled}",
            "BUILD-09",
            stage,
            dockerfile,
            hint="write OS/ARCHITECTURE, such as linux/arm64",
        )
    return value


def _variables(
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    target: str | None,
    build_args: Mapping[str, str],
    platform: str,
) -> dict[str, str]:
    """Values of the global ARGs; a --build-arg counts only for a declared name."""
    known = behaviour.predefined_args
    values = dict(_of_platform(platform, known))
    if "TARGETSTAGE" in known:
        last = dockerfile.stages[-1].name
        values["TARGETSTAGE"] = target or (last.lower() if last else "default")
    values.update({name: value for name, value in build_args.items() if name in values})
    grammar = dockerfile.grammar
    for instruction in dockerfile.global_args:
        for word in arguments(instruction, dockerfile.escape):
            name, equals, default = word.partition("=")
            if name in build_args:
                values[name] = build_args[name]
            elif equals:
                values[name] = _default(default, values, instruction, dockerfile)
            elif grammar.bare_arg == "empties":
                values[name] = ""
            elif grammar.bare_arg == "unsets":
                values.pop(name, None)
    return values


@lru_cache(maxsize=64)
def _of_platform(platform: str, known: frozenset[str]) -> Mapping[str, str]:
    """The predefined ARGs that follow from the platform, as far as they are known."""
    system, _, machine = platform.partition("/")
    machine, _, variant = machine.partition("/")
    parts = {
        "PLATFORM": platform,
        "OS": system,
        "ARCH": machine,
        "VARIANT": variant,
        "OSVERSION": "",
    }
    values = {side + part: text for side in ("BUILD", "TARGET") for part, text in parts.items()}
    return {name: value for name, value in values.items() if name in known}


def _default(
    text: str, values: Mapping[str, str], instruction: Instruction, dockerfile: Dockerfile
) -> str:
    if _PLAIN_WORD.match(text):
        return _substituted(text, values)
    grammar = dockerfile.grammar
    try:
        return expand(
            text,
            values,
            escape=dockerfile.escape,
            modifiers=grammar.modifiers,
            required=grammar.required,
        )
    except ExpansionError as error:
        if grammar.bad_default == "empty":
            return ""
        raise _expansion_error(error, text, instruction, dockerfile) from None


def _expanded(
    word: str,
    stage: Stage,
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    variables: Mapping[str, str],
) -> str:
    base = _expand_word(word, stage, dockerfile, behaviour, variables)
    if not base:
        _reject(
            "blank-base",
            f"base name ({stage.base}) should not be blank",
            "BUILD-10",
            stage,
            dockerfile,
            hint="declare the ARG before the first FROM with a default, or pass --build-arg",
        )
    return base


def _expand_word(
    word: str,
    stage: Stage,
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    variables: Mapping[str, str],
) -> str:
    if _PLAIN_WORD.match(word):
        return _substituted(word, variables)
    try:
        return expand(
            word,
            variables,
            escape=dockerfile.escape,
            modifiers=behaviour.grammar.modifiers,
            required=behaviour.grammar.required,
        )
    except ExpansionError as error:
        raise _expansion_error(error, word, stage.instruction, dockerfile) from None


def _substituted(word: str, variables: Mapping[str, str]) -> str:
    """What `expand` makes of a `_PLAIN_WORD`, several times as fast."""
    if "$" not in word:
        return word
    return _PLAIN_NAME.sub(lambda found: variables.get(found.group(1) or found.group(2), ""), word)


def _expansion_error(
    error: ExpansionError, word: str, instruction: Instruction, dockerfile: Dockerfile
) -> DockerfileError:
    return dockerfile.rejection(
        instruction, "bad-substitution", f'failed to process "{word}": {error}', "BUILD-10"
    )


def _parent(
    base: str,
    stage: Stage,
    names: Mapping[str, Stage],
    stages: tuple[Stage, ...],
    behaviour: BuilderBehaviour,
) -> Stage | None:
    if base == "scratch" and not behaviour.scratch_stage:
        return None
    found = names.get(base.lower() if behaviour.stage_lookup == "any-case" else base)
    if found is None and behaviour.stage_by_index and base.isdecimal() and base.isascii():
        number = int(base[:9])
        found = stages[number] if number < stage.number else None
    return found


def _register(
    stage: Stage, names: dict[str, Stage], dockerfile: Dockerfile, behaviour: BuilderBehaviour
) -> None:
    name = stage.name or ""
    key = name if behaviour.stage_lookup == "exact" else name.lower()
    if key in names:
        if behaviour.duplicate_stage == "rejected":
            _reject(
                "duplicate-stage",
                f'a stage name "{name}" already used',
                "BUILD-09",
                stage,
                dockerfile,
                hint="give each stage a name of its own",
            )
        if behaviour.duplicate_stage == "first":
            return
    names[key] = stage


def _index_of(target: str, stages: tuple[Stage, ...], behaviour: BuilderBehaviour) -> int | None:
    """Index of the first stage that --target names, for builders that stop there."""
    for stage in stages:
        name = stage.name
        if name is not None and (
            name == target
            or (behaviour.target_case == "any-case" and name.lower() == target.lower())
        ):
            return stage.number
    return None


def _target(
    target: str | None,
    stages: tuple[Stage, ...],
    names: Mapping[str, Stage],
    behaviour: BuilderBehaviour,
) -> Stage:
    if not target:
        return stages[-1]
    found: Stage | None
    if behaviour.target_case == "exact":
        found = next((stage for stage in stages if stage.name == target), None)
    else:
        found = names.get(target.lower())
    if found is None and behaviour.target_by_index and target.isdecimal() and target.isascii():
        number = int(target[:9])
        found = stages[number] if number < len(stages) else None
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


def _check_reference(base: str, stage: Stage, dockerfile: Dockerfile) -> None:
    # Compiled at the first use, because few files need it; `re` keeps it from then on.
    if re.match(_REFERENCE, base, re.ASCII) and not _HEX64.match(base):
        return
    path = base.partition("@")[0].rpartition("/")[2].partition(":")[0]
    if path != path.lower():
        message = f"invalid reference format: repository name ({base}) must be lowercase"
        hint = "an image name is lower case"
        if stage.base == base and any(
            other.name and other.name.lower() == base.lower() for other in dockerfile.stages
        ):
            hint = f"a stage name is looked up in lower case: write FROM {base.lower()}"
    else:
        message = "invalid reference format"
        hint = "write NAME, NAME:TAG or NAME@DIGEST"
    _reject(
        "bad-reference",
        f'failed to parse stage name "{base}": {message}',
        "BUILD-09",
        stage,
        dockerfile,
        hint=hint,
    )


def _check_sources(
    target: Stage,
    dockerfile: Dockerfile,
    parents: list[Stage | None],
    names: Mapping[str, Stage],
    behaviour: BuilderBehaviour,
) -> None:
    """What COPY --from and RUN --mount=from= name.

    Circles are looked for in the whole file, along copies alone; a copy from a later stage is
    rejected only where the target needs it.
    """
    needs: list[list[int]] = []
    for stage in dockerfile.stages:
        found = [
            _source_stage(source, stage, dockerfile, names, behaviour) for source in stage.sources
        ]
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


def _source_stage(
    source: str,
    stage: Stage,
    dockerfile: Dockerfile,
    names: Mapping[str, Stage],
    behaviour: BuilderBehaviour,
) -> int | None:
    """The number of the stage that a source names, or None for an image."""
    if not _CONTROL.isdisjoint(source) and behaviour.copy_from_variable == "rejected":
        _reject(
            "variable-in-from",
            "variable expansion is not supported for --from, define a new stage with FROM using ARG "
            "from global scope as a workaround",
            "BUILD-16",
            stage,
            dockerfile,
        )
    if not _INDEX.match(source):
        found = names.get(source.lower())
        if found is None and source and not _PLAIN_REFERENCE.match(source):
            _check_reference(source, stage, dockerfile)
        return None if found is None else found.number
    number = int(source[:10])
    if not 0 <= number < len(dockerfile.stages):
        _reject(
            "bad-stage-index",
            f"invalid stage index {source[:10]}",
            "BUILD-16",
            stage,
            dockerfile,
            hint="COPY --from takes a stage's name, its number from 0, or an image",
        )
    return number


def _reject_later(later: Stage, stage: Stage, dockerfile: Dockerfile) -> NoReturn:
    name, here = (item.name or f"stage-{item.number}" for item in (later, stage))
    _reject(
        "later-stage",
        f'cannot copy from stage "{name}", it needs to be defined before current stage "{here}"',
        "BUILD-16",
        stage,
        dockerfile,
        hint="move the stage up",
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
                _reject(
                    "stage-circle",
                    f"circular dependency detected on stage: {stage.name or stage.number}",
                    "BUILD-16",
                    stage,
                    dockerfile,
                    hint="a stage must not copy from a stage that stands on it",
                )
            elif not state[following]:
                state[following] = 1
                stack.append((following, iter(needs[following])))


def _reject(
    code: str,
    message: str,
    rule: str,
    stage: Stage,
    dockerfile: Dockerfile,
    *,
    hint: str | None = None,
) -> NoReturn:
    raise dockerfile.rejection(stage.instruction, code, message, rule, hint)
