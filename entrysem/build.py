"""Stages and a base's config -> the image config, as a builder stores it.

A stage is a fold over its instructions. Its state is Entrypoint, Cmd and Shell, which it starts
with as copies of its base's, and one flag that it never inherits: whether *this stage* has set CMD.

    FROM        (E, C, S) := the base's;  cmd_set := no;  then the base's triggers run
    SHELL v     S := v
    CMD x       C := words(x);  cmd_set := yes
    ENTRYPOINT x  E := words(x);  if not cmd_set: C := nothing
    words(exec form) = its items        words(shell form) = (S or the platform's shell) + (text,)

That is all of the reference. What other builders do otherwise is asked of `BuilderBehaviour`.
Base images come in through a function, so nothing here reads a file or a network.

Source: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (dispatchCmd,
dispatchEntrypoint, dispatchShell, withShell, initOnBuildTriggers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from entrysem.behaviour import BuilderBehaviour
from entrysem.dockerfile import Dockerfile, Instruction, Stage
from entrysem.dockerfile.parser import read_trigger
from entrysem.dockerfile.text import stored
from entrysem.errors import DockerfileError
from entrysem.model import Base, ImageConfig, Inherited, Words
from entrysem.stages import Link, chain_of
from entrysem.trace import Note, Trace

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
_LINUX_SHELL = ("/bin/sh", "-c")
_WINDOWS_SHELL = ("cmd", "/S", "/C")
_SHARED_LENGTHS = frozenset({3, 5, 6, 7})


class Built(NamedTuple):
    """The outcome of a build.

    Attributes:
        config: what the image stores.
        trace: the notes of the steps, for `trace.steps`.
        stage: the target.
        base: the image that the chain starts from, or None for scratch.
        origin: how the base's config is known: `given`, `catalogue`, `unknown`, or None for scratch.
        origin_note: the pinned source of a catalogue answer, or the file of a given one.
        cmd_assumptions: sentences that the image's Cmd rests on, though nobody has shown them.
        reading_assumptions: the same, of the whole config.
        windows: whether the target is built for Windows.
    """

    config: ImageConfig
    trace: Trace
    stage: Stage
    base: str | None
    origin: str | None
    origin_note: str
    cmd_assumptions: tuple[str, ...]
    reading_assumptions: tuple[str, ...]
    windows: bool


def build(
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    *,
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
    if behaviour.bare_scratch == "rejected" and not any(link.stage.instructions for link in chain):
        _reject_bare_scratch(chain[0], dockerfile)
    state = _State(dockerfile, behaviour)
    for link in chain:
        state.run_stage(link, bases)
    last = chain[-1]
    base = chain[0].base
    if target:
        state.note_target(target, last.stage)
    return Built(
        state.stored_config(),
        state.trace,
        last.stage,
        None if state.origin is None else base,
        state.origin,
        state.note,
        state.assumptions,
        _lint_assumption(dockerfile) if dockerfile.directives else (),
        last.windows,
    )


@lru_cache(maxsize=1024)
def _unknown_words(image: str) -> tuple[Words, Words, Words]:
    """Entrypoint, Cmd and Shell of an image that nobody has shown."""
    return (
        (Inherited("Entrypoint", image),),
        (Inherited("Cmd", image),),
        (Inherited("Shell", image),),
    )


def _lint_assumption(dockerfile: Dockerfile) -> tuple[str, ...]:
    """`# check=error=true` makes findings of BuildKit's linter errors, which is not computed here."""
    for directive in dockerfile.directives:
        if directive.name == "check" and "error=true" in directive.value.lower():
            return ("the builder's linter finds nothing, which # check=error=true makes an error",)
    return ()


def _reject_bare_scratch(first: Link, dockerfile: Dockerfile) -> None:
    if first.base == "scratch":
        raise dockerfile.rejection(
            first.stage.instruction,
            "nothing-built",
            "No image was generated. Is your Dockerfile empty?",
            "BUILD-08",
            "this builder needs an instruction after FROM scratch, such as LABEL",
        )


def _told(rule: str, place: Instruction, stage: int, template: str, *words: str | Words) -> Note:
    """A note that only says where a stage starts from."""
    return (rule, "base", place, None, None, template, words, stage)


class _State:
    """The fold's state, and the notes that it leaves."""

    # Defaults stand on the class: most builds change few of them.
    entrypoint: Words = None
    cmd: Words = None
    shell: Words = None
    onbuild: Sequence[str] = ()
    args_escaped = False
    origin: str | None = None
    note = ""
    unknown_base: str | None = None
    assumptions: tuple[str, ...] = ()
    stage = 0
    windows = False
    cmd_set = False
    # For the builders that decide the reset at the stage's end, or share shell storage.
    own_cmd = False
    own_entrypoint = False
    cmd_shell: Words = None
    entrypoint_shell: Words = None

    def __init__(self, dockerfile: Dockerfile, behaviour: BuilderBehaviour) -> None:
        self.dockerfile = dockerfile
        self.behaviour = behaviour
        self.trace: Trace = []

    def note_target(self, target: str, stage: Stage) -> None:
        """Notes that a stage was asked for by name."""
        self.trace.append(
            _told(
                "BUILD-13",
                stage.instruction,
                stage.number,
                "the target {0} is this stage; what stands below it is not built",
                target,
            )
        )

    def run_stage(self, link: Link, bases: BaseLookup) -> None:
        """Starts from the base, runs its triggers, then the stage's own instructions."""
        stage = link.stage
        if stage.problem is not None:
            raise stage.problem
        behaviour = self.behaviour
        self.windows = link.windows
        if link.parent is None:
            triggers = self._start_from_image(link, bases)
        else:
            triggers = self._start_from_stage(link, link.parent)
        if triggers and behaviour.onbuild == "runs":
            self._run_triggers(triggers, link)
        if behaviour.run_flags == "rejected":
            self._reject_run_flags(stage)
        if behaviour.copy_heredocs == "rejected":
            self._reject_copied_heredocs(stage)
        for instruction in stage.config:
            self._apply(instruction)
        if behaviour.reset == "at-stage-end":
            self._reset_at_end()

    def _reject_run_flags(self, stage: Stage) -> None:
        for instruction in stage.instructions:
            if instruction.keyword == "run" and instruction.flags:
                name = instruction.flags[0].partition("=")[0]
                raise self.dockerfile.rejection(
                    instruction,
                    "needs-buildkit",
                    f"the {name} option requires BuildKit",
                    "FORM-07",
                    "build with BuildKit",
                )

    def _reject_copied_heredocs(self, stage: Stage) -> None:
        for instruction in stage.instructions:
            if instruction.heredocs and instruction.keyword in ("add", "copy"):
                raise self.dockerfile.rejection(
                    instruction,
                    "heredoc-not-copied",
                    f"{instruction.keyword.upper()} failed: no source files were specified",
                    "FORM-13",
                    "this builder reads heredocs but copies none; build with BuildKit",
                )

    def _note_from(self, stage: Stage, link: Link, origin: str) -> None:
        place = stage.instruction
        if stage.base != link.base:
            self._note_expansion(stage, link.base)
        if link.parent is not None:
            self.trace.append(
                _told(
                    "BUILD-09",
                    place,
                    stage.number,
                    "{0} is an earlier stage of this file",
                    link.base,
                )
            )
        self.trace.append(
            _told(
                "BUILD-07",
                place,
                stage.number,
                _STARTS_FROM[self.entrypoint is None, self.cmd is None, self.shell is None],
                origin,
                self.entrypoint,
                self.cmd,
                self.shell,
            )
        )

    def _note_expansion(self, stage: Stage, base: str) -> None:
        self.trace.append(
            _told(
                "BUILD-10", stage.instruction, stage.number, "{0} expands to {1}", stage.base, base
            )
        )

    def _start_from_stage(self, link: Link, parent: Stage) -> Sequence[str]:
        """Goes on with the state of the stage before; returns its triggers."""
        triggers, self.onbuild = self.onbuild, ()
        self.stage = link.stage.number
        self._note_from(link.stage, link, f"stage {parent.name or parent.number}")
        self.cmd_set = self.own_cmd = self.own_entrypoint = False
        self.cmd_shell = self.entrypoint_shell = None
        return triggers

    def _start_from_image(self, link: Link, bases: BaseLookup) -> Sequence[str]:
        """Takes over the image's config; returns its triggers."""
        if link.stage.number:
            self.stage = link.stage.number
        image = link.base
        if image == "scratch":
            place = link.stage.instruction
            if link.stage.base != image:
                self._note_expansion(link.stage, image)
            self.trace.append(
                _told(
                    "BUILD-07",
                    place,
                    self.stage,
                    "starts from scratch, the empty image: no Entrypoint, no Cmd, no Shell",
                )
            )
            return ()
        if image.startswith("scratch:") and self.behaviour.scratch_tag == "rejected":
            raise self.dockerfile.rejection(
                link.stage.instruction, "reserved-name", "'scratch' is a reserved name", "BUILD-09"
            )
        base = bases(image)
        if base is None:
            self.origin = "unknown"
            self.unknown_base = image
            self.entrypoint, self.cmd, self.shell = _unknown_words(image)
            self._note_from(link.stage, link, image)
            self.trace.append(
                _told(
                    "BUILD-15",
                    link.stage.instruction,
                    self.stage,
                    "the config of {0} is not known, so what it brings stays unknown",
                    image,
                )
            )
            return ()
        config = base.config
        self.origin, self.note = base.origin, base.note
        self.entrypoint, self.cmd, self.shell = config.entrypoint, config.cmd, config.shell
        self.args_escaped = config.args_escaped
        self._note_from(link.stage, link, f"{image} ({base.origin})")
        return config.onbuild

    def _run_triggers(self, triggers: Sequence[str], link: Link) -> None:
        for text in triggers:
            try:
                instruction, _ = read_trigger(text, self.dockerfile.grammar)
            except DockerfileError as error:
                place = link.stage.instruction
                raise self.dockerfile.rejection(
                    place,
                    error.code,
                    f"the ONBUILD trigger `{text}` of {link.base}: {error.message}",
                    error.rule,
                    error.hint,
                ) from None
            self.trace.append(
                _told(
                    "BUILD-12",
                    link.stage.instruction,
                    self.stage,
                    "runs the trigger `{0}` that {1} stored",
                    text,
                    link.base,
                )
            )
            self._apply(instruction._replace(start_line=0, physical_end=0))

    def _apply(self, instruction: Instruction) -> None:
        keyword = instruction.keyword
        if keyword == "cmd":
            self._set_cmd(instruction)
        elif keyword == "entrypoint":
            self._set_entrypoint(instruction)
        elif keyword == "shell":
            before, self.shell = self.shell, instruction.items
            self.trace.append(
                (
                    "BUILD-05",
                    "Shell",
                    instruction,
                    before,
                    self.shell,
                    "shell form below this line starts with {after}",
                    (),
                    self.stage,
                )
            )
        elif keyword == "onbuild":
            expression = stored_trigger(instruction)
            self.onbuild = (*self.onbuild, expression)
            self.trace.append(
                (
                    "BUILD-11",
                    "OnBuild",
                    instruction,
                    None,
                    (expression,),
                    "is stored for child builds and does nothing here",
                    (),
                    self.stage,
                )
            )

    def _set_cmd(self, instruction: Instruction) -> None:
        before = self.cmd
        self.cmd = after = self._words(instruction, before, "Cmd")
        # Whatever a trigger of an unknown base may have set, this replaces it.
        self.assumptions = ()
        behaviour = self.behaviour
        if before is None:
            template = "Cmd is {after}"
        elif self.cmd_set:
            template = "replaces the Cmd that this stage set before, {before}, as a whole"
        else:
            template = "replaces the inherited Cmd {before} as a whole"
        if (
            behaviour.protects == "any"
            or instruction.items
            or (instruction.text and instruction.items is None)
        ):
            self.cmd_set = True
        self.own_cmd = self.own_cmd or instruction.name == "CMD"
        self.args_escaped = behaviour.windows_shell_form == "list" or (
            self.windows and instruction.items is None
        )
        self.trace.append(("BUILD-01", "Cmd", instruction, before, after, template, (), self.stage))

    def _set_entrypoint(self, instruction: Instruction) -> None:
        before = self.entrypoint
        after = self._words(instruction, before, "Entrypoint")
        self.entrypoint = after = after or None
        self.own_entrypoint = self.own_entrypoint or instruction.name == "ENTRYPOINT"
        template = "Entrypoint is {after}" if before is None else "replaces the Entrypoint {before}"
        trace = self.trace
        trace.append(
            ("BUILD-03", "Entrypoint", instruction, before, after, template, (), self.stage)
        )
        if not self.cmd_set and self.behaviour.reset == "at-once":
            self._empty_cmd(instruction)

    def _empty_cmd(self, place: Instruction) -> None:
        before, self.cmd = self.cmd, None
        if before is None:
            return
        if Inherited in map(type, before):
            template = "whatever Cmd is inherited is emptied: no CMD stands in this stage so far"
            self._assume_no_triggers()
        elif before:
            template = "empties the inherited Cmd {before}: no CMD stands in this stage so far"
        else:
            return
        self.trace.append(("BUILD-02", "Cmd", place, before, None, template, (), self.stage))

    def _assume_no_triggers(self) -> None:
        self.assumptions = (
            f"{self.unknown_base} stores no ONBUILD trigger that sets CMD, ENTRYPOINT or SHELL",
        )

    def _reset_at_end(self) -> None:
        if self.own_entrypoint and not self.own_cmd:
            last = next(
                (
                    item
                    for item in reversed(self.dockerfile.stages[self.stage].config)
                    if item.keyword == "entrypoint"
                ),
                None,
            )
            before, self.cmd = self.cmd, None
            if before:
                self.trace.append(
                    (
                        "BUILD-02",
                        "Cmd",
                        last,
                        before,
                        None,
                        "Cmd {before} is emptied at the stage's end: ENTRYPOINT and no CMD in capitals",
                        (),
                        self.stage,
                    )
                )

    def _words(self, instruction: Instruction, before: Words, field: str) -> Words:
        """The words of a CMD or ENTRYPOINT."""
        items = instruction.items
        if items is not None:
            if not items:
                self.trace.append(
                    (
                        "BUILD-14",
                        field,
                        instruction,
                        before,
                        (),
                        "an empty array is no words at all",
                        (),
                        self.stage,
                    )
                )
            return items
        prefix = self._prefix(instruction, field)
        text = instruction.text
        if not text:
            if self.behaviour.bare == "empty-script":
                return (*prefix, "")
            return prefix if field == "Cmd" else None
        words = (*prefix, stored(text))
        if self.windows and self.behaviour.windows_shell_form == "line":
            words = (" ".join([word for word in words if isinstance(word, str)]),)
        if self.behaviour.shell_storage == "shared":
            self._share(field, words, instruction)
        self.trace.append(
            (
                "BUILD-04",
                field,
                instruction,
                None,
                words,
                "shell form becomes the shell {0} and the text as one word",
                (prefix,),
                self.stage,
            )
        )
        return words

    def _prefix(self, instruction: Instruction, field: str) -> tuple[str | Inherited, ...]:
        if self.shell and self.behaviour.shell == "in-force":
            return self.shell
        self.trace.append(
            (
                "BUILD-06",
                field,
                instruction,
                None,
                None,
                "this builder does not use SHELL here; the shell is {0}"
                if self.shell
                else "no SHELL is set, so the shell is {0}",
                ("cmd /S /C" if self.windows else "/bin/sh -c",),
                self.stage,
            )
        )
        return _WINDOWS_SHELL if self.windows else _LINUX_SHELL

    def _share(self, field: str, words: tuple[str | Inherited, ...], place: Instruction) -> None:
        """An earlier shell form whose storage is the same SHELL's gets this script too."""
        shell = self.shell
        if not shell or len(shell) not in _SHARED_LENGTHS:
            return
        other = "Cmd" if field == "Entrypoint" else "Entrypoint"
        before = self.cmd if other == "Cmd" else self.entrypoint
        used = self.cmd_shell if other == "Cmd" else self.entrypoint_shell
        if used is shell and before:
            after = (*before[:-1], words[-1])
            if other == "Cmd":
                self.cmd = after
            else:
                self.entrypoint = after
            self.trace.append(
                (
                    "BUILD-04",
                    other,
                    place,
                    before,
                    after,
                    "this builder overwrites the script of {before}: both share SHELL's storage",
                    (),
                    self.stage,
                )
            )
        if field == "Cmd":
            self.cmd_shell = shell
        else:
            self.entrypoint_shell = shell

    def stored_config(self) -> ImageConfig:
        """The config as the image format stores it."""
        behaviour = self.behaviour
        empty: Words = None if behaviour.unset_lists == "absent" else ()
        cmd = self.cmd
        if not cmd:
            stored_empty = behaviour.unset_lists == "empty" or (
                cmd == () and behaviour.empty_cmd == "empty"
            )
            cmd = () if stored_empty else None
        config = ImageConfig(
            self.entrypoint or empty, cmd, self.shell, tuple(self.onbuild), self.args_escaped
        )
        if behaviour.keeps == "neither" and (config.shell or config.onbuild):
            return config._replace(shell=None, onbuild=())
        return config


def stored_trigger(instruction: Instruction) -> str:
    """What an ONBUILD stores: the line after the word ONBUILD, and the heredoc bodies."""
    original = instruction.original.lstrip(" \t\n\r\f")
    text = original[len("ONBUILD") :].lstrip(" \t\n\r\f")
    if instruction.heredocs:
        bodies = [doc.content + doc.name for doc in instruction.heredocs]
        text = "\n".join([text, *bodies])
    return stored(text)
