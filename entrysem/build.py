"""Stages and a base's config -> the image config, as a builder stores it.

The target's chain of stages is walked from the outermost base down. Each stage starts from its
base's config or from the stage before, runs the triggers that its base stored, and then its own
instructions, whose effects are in `fold`. Base images come in through a function, so nothing here
reads a file or a network.

Source: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (toDispatchState,
initOnBuildTriggers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from entrysem.behaviour import BuilderBehaviour
from entrysem.dockerfile import Dockerfile, Stage
from entrysem.dockerfile.parser import read_trigger
from entrysem.errors import DockerfileError
from entrysem.fold import Built
from entrysem.model import Base, Inherited, Words
from entrysem.stages import Link, chain_of
from entrysem.trace import Note

__all__ = ["BaseLookup", "Built", "build"]

BaseLookup = Callable[[str], Base | None]

_STARTS_FROM = {
    (entrypoint, cmd, shell): "starts from {0}: "
    + ", ".join(
        f"no {key}" if missing else f"{key} {{{place}}}"
        for place, (key, missing) in enumerate(
            (("Entrypoint", entrypoint), ("Cmd", cmd), ("Shell", shell)), 1
        )
    )
    for entrypoint in (True, False)
    for cmd in (True, False)
    for shell in (True, False)
}
_FROM_SCRATCH = "starts from scratch, the empty image: no Entrypoint, no Cmd, no Shell"
_FROM_UNKNOWN = "the config of {0} is not known, so what it brings stays unknown"


def build(
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    target: str | None,
    build_args: Mapping[str, str],
    bases: BaseLookup,
    platform: str,
) -> Built:
    """Builds the target's image config.

    Args:
        dockerfile: parsed with `behaviour.grammar`.
        target: stage name, or None for the last stage.
        build_args: `--build-arg` values; only declared names count.
        bases: image reference, as FROM has it -> its config, or None when it is not known.
        platform: `os/architecture`, such as `linux/amd64`.

    Raises:
        DockerfileError: the builder rejects it (phase `build`).
    """
    chain = chain_of(dockerfile, behaviour, target, build_args, platform)
    if behaviour.bare_scratch == "rejected":
        _reject_bare_scratch(chain, dockerfile)
    built = Built(behaviour, chain[0])
    if behaviour.unneeded_stages == "built":
        for stage in dockerfile.stages[: chain[-1].stage.number]:
            if stage.problem is not None:
                raise stage.problem
    for link in chain:
        if link.stage.problem is not None:
            raise link.stage.problem
        if link.parent is None:
            triggers = _start_from_image(built, link, bases, dockerfile)
        else:
            triggers = built.onbuild
            built.go_on(link)
            _note_from(built, link, f"stage {link.parent.name or link.parent.number}")
        _run_stage(built, triggers, link, dockerfile)
    if "rejected" in (behaviour.run_flags, behaviour.copy_heredocs):
        _look_at_other_instructions(built, dockerfile)
    if target:
        told = "the target {0} is this stage; what stands below it is not built"
        built.trace.append(_told("BUILD-13", built.stage, told, target))
    built.end()
    if dockerfile.directives:
        built.reading_assumptions = _lint_assumption(dockerfile)
    return built


def _run_stage(built: Built, triggers: Sequence[str], link: Link, dockerfile: Dockerfile) -> None:
    behaviour = built.behaviour
    if triggers and behaviour.onbuild == "runs":
        _run_triggers(built, triggers, link, dockerfile)
    for instruction in link.stage.config:
        built.apply(instruction)
    if behaviour.reset == "at-stage-end":
        built.end_stage()


def _start_from_image(
    built: Built, link: Link, bases: BaseLookup, dockerfile: Dockerfile
) -> Sequence[str]:
    """Takes over the image's config; returns its triggers."""
    stage = built.stage
    image = link.base
    if image == "scratch":
        if stage.base != image:
            built.trace.append(_expansion(stage, image))
        built.trace.append(_told("BUILD-07", stage, _FROM_SCRATCH))
        built.base = None
        return ()
    if image.startswith("scratch:") and built.behaviour.scratch_tag == "rejected":
        raise dockerfile.rejection(
            stage.instruction, "reserved-name", "'scratch' is a reserved name", "BUILD-09"
        )
    base = bases(image)
    if base is None:
        built.origin = "unknown"
        built.entrypoint, built.cmd, built.shell = _unknown_words(image)
        _note_from(built, link, image)
        built.trace.append(
            (
                "BUILD-15",
                "base",
                stage.instruction,
                None,
                None,
                _FROM_UNKNOWN,
                (image,),
                stage.number,
            )
        )
        return ()
    config = base.config
    built.origin, built.origin_note = base.origin, base.note
    built.entrypoint, built.cmd, built.shell = config.entrypoint, config.cmd, config.shell
    built.args_escaped = config.args_escaped
    _note_from(built, link, f"{image} ({base.origin})")
    return config.onbuild


@lru_cache(maxsize=1024)
def _unknown_words(image: str) -> tuple[Words, Words, Words]:
    """Entrypoint, Cmd and Shell of an image that nobody has shown."""
    return (
        (Inherited("Entrypoint", image),),
        (Inherited("Cmd", image),),
        (Inherited("Shell", image),),
    )


def _note_from(built: Built, link: Link, origin: str) -> None:
    stage = link.stage
    trace = built.trace
    if stage.base != link.base:
        trace.append(_expansion(stage, link.base))
    if link.parent is not None:
        trace.append(_told("BUILD-09", stage, "{0} is an earlier stage of this file", link.base))
    entrypoint, cmd, shell = built.entrypoint, built.cmd, built.shell
    template = _STARTS_FROM[entrypoint is None, cmd is None, shell is None]
    words = (origin, entrypoint, cmd, shell)
    trace.append(("BUILD-07", "base", stage.instruction, None, None, template, words, stage.number))


def _expansion(stage: Stage, base: str) -> Note:
    return _told("BUILD-10", stage, "{0} expands to {1}", stage.base, base)


def _told(rule: str, stage: Stage, template: str, *words: str | Words) -> Note:
    """A note that only says where a stage starts from."""
    return (rule, "base", stage.instruction, None, None, template, words, stage.number)


def _run_triggers(
    built: Built, triggers: Sequence[str], link: Link, dockerfile: Dockerfile
) -> None:
    stage = link.stage
    for text in triggers:
        try:
            instruction, _ = read_trigger(text, dockerfile.grammar)
        except DockerfileError as error:
            raise dockerfile.rejection(
                stage.instruction,
                error.code,
                f"the ONBUILD trigger `{text}` of {link.base}: {error.message}",
                error.rule,
                error.hint,
            ) from None
        told = "runs the trigger `{0}` that {1} stored"
        built.trace.append(_told("BUILD-12", stage, told, text, link.base))
        built.apply(instruction._replace(start_line=0, physical_end=0))


def _lint_assumption(dockerfile: Dockerfile) -> tuple[str, ...]:
    """`# check=error=true` makes findings of BuildKit's linter errors, which is not computed here."""
    for directive in dockerfile.directives:
        if directive.name == "check" and "error=true" in directive.value.lower():
            return ("the builder's linter finds nothing, which # check=error=true makes an error",)
    return ()


def _reject_bare_scratch(chain: Sequence[Link], dockerfile: Dockerfile) -> None:
    first = chain[0]
    if first.base == "scratch" and not any(link.stage.instructions for link in chain):
        raise dockerfile.rejection(
            first.stage.instruction,
            "nothing-built",
            "No image was generated. Is your Dockerfile empty?",
            "BUILD-08",
            "this builder needs an instruction after FROM scratch, such as LABEL",
        )


def _look_at_other_instructions(built: Built, dockerfile: Dockerfile) -> None:
    """What fails in a builder that builds one stage after the other, whether it is needed or not."""
    behaviour = built.behaviour
    for stage in dockerfile.stages[: built.stage.number + 1]:
        for instruction in stage.instructions:
            keyword = instruction.keyword
            if keyword == "run" and instruction.flags and behaviour.run_flags == "rejected":
                name = instruction.flags[0].partition("=")[0]
                raise dockerfile.rejection(
                    instruction,
                    "needs-buildkit",
                    f"the {name} option requires BuildKit",
                    "FORM-07",
                    "build with BuildKit",
                )
            copied = instruction.heredocs and keyword in ("add", "copy")
            if copied and behaviour.copy_heredocs == "rejected":
                raise dockerfile.rejection(
                    instruction,
                    "heredoc-not-copied",
                    f"{keyword.upper()} failed: no source files were specified",
                    "FORM-13",
                    "this builder reads heredocs but copies none; build with BuildKit",
                )
