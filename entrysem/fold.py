"""What one stage's instructions do to the image config.

A stage is a fold over its instructions. Its state is Entrypoint, Cmd and Shell, which it starts
with as copies of its base's, and one flag that it never inherits: whether *this stage* has set CMD.

    FROM        (E, C, S) := the base's;  cmd_set := no;  then the base's triggers run
    SHELL v     S := v
    CMD x       C := words(x);  cmd_set := yes
    ENTRYPOINT x  E := words(x);  if not cmd_set: C := nothing
    words(exec form) = its items        words(shell form) = (S or the platform's shell) + (text,)

That is all of the reference. What other builders do otherwise is asked of `BuilderBehaviour`.

Source: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (dispatchCmd,
dispatchEntrypoint, dispatchShell, withShell).
"""

from __future__ import annotations

from collections.abc import Sequence

from entrysem.behaviour import BuilderBehaviour
from entrysem.dockerfile import Instruction, Stage
from entrysem.dockerfile.text import stored
from entrysem.model import ImageConfig, Inherited, Words
from entrysem.stages import Link
from entrysem.trace import Trace

__all__ = ["Built"]

_LINUX_SHELL = ("/bin/sh", "-c")
_WINDOWS_SHELL = ("cmd", "/S", "/C")
_SHARED_LENGTHS = frozenset({3, 5, 6, 7})


class Built:
    """The state of a build, and its outcome when it has ended.

    Attributes:
        config: what the image stores; there when the build has ended.
        trace: the notes of the steps, for `trace.steps`.
        stage: the stage that is built; at the end, the target.
        windows: whether that is built for Windows.
        base: the image that the chain starts from, or None for scratch.
        origin: how the base's config is known: `given`, `catalogue`, `unknown`, or None for scratch.
        origin_note: the pinned source of a catalogue answer, or the file of a given one.
        cmd_assumptions: sentences that the image's Cmd rests on, though nobody has shown them.
        reading_assumptions: the same, of the whole config.
        entrypoint, cmd, shell, onbuild, args_escaped: as in `ImageConfig`, so far.
        cmd_set: whether this stage has set CMD.
    """

    __slots__ = (
        "args_escaped",
        "base",
        "behaviour",
        "cmd",
        "cmd_assumptions",
        "cmd_set",
        "cmd_shell",
        "config",
        "entrypoint",
        "entrypoint_shell",
        "onbuild",
        "origin",
        "origin_note",
        "own_cmd",
        "own_entrypoint",
        "reading_assumptions",
        "shell",
        "stage",
        "trace",
        "windows",
    )

    def __init__(self, behaviour: BuilderBehaviour, first: Link) -> None:
        self.behaviour = behaviour
        self.stage: Stage = first.stage
        self.windows = first.windows
        self.base: str | None = first.base
        self.origin: str | None = None
        self.origin_note = ""
        self.cmd_assumptions: tuple[str, ...] = ()
        self.reading_assumptions: tuple[str, ...] = ()
        self.config: ImageConfig
        self.trace: Trace = []
        self.entrypoint: Words = None
        self.cmd: Words = None
        self.shell: Words = None
        self.onbuild: Sequence[str] = ()
        self.args_escaped = False
        self.cmd_set = False
        # For the builders that decide the reset at the stage's end, or share shell storage.
        self.own_cmd = False
        self.own_entrypoint = False
        self.cmd_shell: Words = None
        self.entrypoint_shell: Words = None

    def go_on(self, link: Link) -> None:
        """A stage starts with what the one before it leaves, but for what is never inherited."""
        self.stage = link.stage
        self.windows = link.windows
        self.onbuild = ()
        self.cmd_set = self.own_cmd = self.own_entrypoint = False
        self.cmd_shell = self.entrypoint_shell = None

    def apply(self, instruction: Instruction) -> None:
        """Applies one instruction; one that does not touch the config does nothing."""
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
                    self.stage.number,
                )
            )
        elif keyword == "onbuild":
            dropped = self.behaviour.grammar.trigger_heredoc == "dropped"
            expression = _stored_trigger(
                instruction._replace(heredocs=()) if dropped else instruction
            )
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
                    self.stage.number,
                )
            )

    def _set_cmd(self, instruction: Instruction) -> None:
        before = self.cmd
        self.cmd = after = self._words(instruction, before, "Cmd")
        # Whatever a trigger of an unknown base may have set, this replaces it.
        self.cmd_assumptions = ()
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
        self.trace.append(
            ("BUILD-01", "Cmd", instruction, before, after, template, (), self.stage.number)
        )

    def _set_entrypoint(self, instruction: Instruction) -> None:
        before = self.entrypoint
        after = self._words(instruction, before, "Entrypoint")
        self.entrypoint = after = after or None
        self.own_entrypoint = self.own_entrypoint or instruction.name == "ENTRYPOINT"
        template = "Entrypoint is {after}" if before is None else "replaces the Entrypoint {before}"
        trace = self.trace
        trace.append(
            ("BUILD-03", "Entrypoint", instruction, before, after, template, (), self.stage.number)
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
        self.trace.append(("BUILD-02", "Cmd", place, before, None, template, (), self.stage.number))

    def _assume_no_triggers(self) -> None:
        self.cmd_assumptions = (
            f"{self.base} stores no ONBUILD trigger that sets CMD, ENTRYPOINT or SHELL",
        )

    def end_stage(self) -> None:
        """Ends the stage, for the builders that decide only here whether Cmd is emptied."""
        if self.own_entrypoint and not self.own_cmd:
            last = next(
                (item for item in reversed(self.stage.config) if item.keyword == "entrypoint"), None
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
                        self.stage.number,
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
                        self.stage.number,
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
                self.stage.number,
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
                self.stage.number,
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
                    self.stage.number,
                )
            )
        if field == "Cmd":
            self.cmd_shell = shell
        else:
            self.entrypoint_shell = shell

    def end(self) -> None:
        """Ends the build: the config is what the image format stores of the state."""
        behaviour = self.behaviour
        empty: Words = None if behaviour.unset_lists == "absent" else ()
        cmd = self.cmd
        if not cmd:
            stored_empty = behaviour.unset_lists == "empty" or (
                cmd == () and behaviour.empty_cmd == "empty"
            )
            cmd = () if stored_empty else None
        # What `ImageConfig(...)` does, without the call in between.
        config = tuple.__new__(
            ImageConfig,
            (self.entrypoint or empty, cmd, self.shell, tuple(self.onbuild), self.args_escaped),
        )
        if behaviour.keeps == "neither" and (config.shell or config.onbuild):
            config = config._replace(shell=None, onbuild=())
        self.config = config


def _stored_trigger(instruction: Instruction) -> str:
    """What an ONBUILD stores: the line after the word ONBUILD, and the heredoc bodies."""
    original = instruction.original.lstrip(" \t\n\r\f")
    text = original[len("ONBUILD") :].lstrip(" \t\n\r\f")
    if instruction.heredocs:
        bodies = [doc.content + doc.name for doc in instruction.heredocs]
        text = "\n".join([text, *bodies])
    return stored(text)
