"""One file as the detectors see it: read and built once.

What ends up as Entrypoint and Cmd is known from the build; which instruction put it there is read off the
build's own trace, so that no detector repeats the rules of `fold`.

An unknown base leaves holes in the argv. The detectors look at it as it is if the base brings nothing: no
Entrypoint, no Cmd and no SHELL, as nearly every base does. What they find on that ground is an `info`
that names the ground (`Scene.presumed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

from entrysem.build import BaseLookup
from entrysem.dockerfile import Dockerfile, Instruction
from entrysem.errors import DockerfileError, Span
from entrysem.findings.edits import Change, Places
from entrysem.findings.fix import PROBES, applied
from entrysem.findings.kinds import KINDS
from entrysem.findings.model import Edit, Finding, Fix, Severity
from entrysem.model import ImageConfig, Inherited, StartError, Words, is_known
from entrysem.profiles import Profile
from entrysem.render.visible import visible
from entrysem.resolve import Image, build_image
from entrysem.shell import ShellView, shell_view

__all__ = ["Context", "Scene", "Told", "Wiped"]

_DEFAULT_SHELL = {False: ("/bin/sh", "-c"), True: ("cmd", "/S", "/C")}


class Context(NamedTuple):
    """What a file is looked at with; the arguments of `find`."""

    profile: Profile
    also: tuple[Profile, ...]
    target: str | None
    build_args: Mapping[str, str]
    bases: BaseLookup | Mapping[str, ImageConfig] | None
    platform: str

    def build(self, source: Dockerfile | bytes, target: str | None = None) -> Image:
        """The image that comes of it; raises DockerfileError."""
        return build_image(
            source,
            profile=self.profile,
            target=target or self.target,
            build_args=self.build_args,
            bases=self.bases,
            platform=self.platform,
        )


class Told(NamedTuple):
    """Where a finding stands: the instruction of the file, and its text or that of its trigger."""

    outer: Instruction
    text: str

    @classmethod
    def of(cls, instruction: Instruction) -> Told:
        """The instruction itself."""
        return cls(instruction, instruction.text)


class Wiped(NamedTuple):
    """A Cmd that an ENTRYPOINT emptied.

    Attributes:
        by: that ENTRYPOINT.
        words: what Cmd was.
        origin: the CMD of an earlier stage that had set it, or None for an image's.
        entrypoint: the Entrypoint that was replaced at the same time.
    """

    by: Instruction
    words: Words
    origin: Instruction | None
    entrypoint: Words


class Scene:
    """One file, and what has been found in it.

    Attributes:
        context, dockerfile, image: what was asked, read and built.
        words: argv without arguments, `Inherited` where it is not known; None when nothing runs.
        entrypoint, cmd: the instruction that set the final value; None when none of this file did.
        wiped: what became of an inherited Cmd that an ENTRYPOINT emptied for good, or None.
        misread: lines of the instructions whose form is not what it looks like; what follows from that
            is not told again.
        findings: what was told so far.
    """

    def __init__(self, source: Dockerfile | bytes | Image, context: Context) -> None:
        self.context = context
        self.image = image = source if isinstance(source, Image) else context.build(source)
        assert image.dockerfile is not None
        assert image.built is not None
        self.dockerfile: Dockerfile = image.dockerfile
        self.built = image.built
        self.config = image.config
        self.findings: list[Finding] = []
        self.entrypoint: Instruction | None = None
        self.cmd: Instruction | None = None
        self.wiped: Wiped | None = None
        self.misread: set[int] = set()
        inherited: Words = None
        for note in self.built.trace:
            rule, place = note[0], note[2]
            if rule == "BUILD-01":
                self.cmd, self.wiped = place, None  # type: ignore[assignment]
            elif rule == "BUILD-03":
                self.entrypoint, inherited = place, note[3]  # type: ignore[assignment]
            elif rule == "BUILD-02":
                self.wiped = Wiped(place, note[3], self.cmd, inherited)  # type: ignore[arg-type]
                self.cmd = None
        #: Numbers of the stages that the target is built from.
        self.chain = {note[7] for note in self.built.trace}
        result = image.run()
        self.words: Words = result.words
        self.error = result.error

    @cached_property
    def places(self) -> Places:
        """Where characters stand; made for the first finding that needs it."""
        return Places(self.dockerfile)

    @cached_property
    def presumed(self) -> tuple[str, ...]:
        """Argv if an unknown base brings nothing."""
        return self.filled(self.words)

    @cached_property
    def ground(self) -> str:
        """What `presumed` rests on, as the end of a message; empty when argv is known."""
        if is_known(self.words):
            return ""
        keys = {word.key for word in self.words or () if isinstance(word, Inherited)}
        what = {"Entrypoint": "an ENTRYPOINT", "Cmd": "a CMD", "Shell": "a SHELL"}
        named = " or ".join(what[key] for key in ("Entrypoint", "Cmd", "Shell") if key in keys)
        return f" (unless {self.built.base}, which is not known, brings {named})"

    @cached_property
    def view(self) -> ShellView | None:
        """How a shell reads `presumed`, when its program is a shell with -c."""
        return shell_view(self.presumed) if self.presumed else None

    @cached_property
    def entry_length(self) -> int:
        """How many words of `presumed` come from Entrypoint."""
        return len(self.filled(self.config.entrypoint))

    def filled(self, words: Words) -> tuple[str, ...]:
        """`words` if an unknown base brings nothing."""
        if words is None:
            return ()
        found: list[str] = []
        for word in words:
            if isinstance(word, str):
                found.append(word)
            elif word.key == "Shell":
                found.extend(_DEFAULT_SHELL[self.built.windows])
        return tuple(found)

    def stage_of(self, instruction: Instruction) -> int | None:
        """Number of the stage that the instruction stands in."""
        found = None
        for stage in self.dockerfile.stages:
            if stage.instruction.start_line > instruction.start_line:
                break
            found = stage.number
        return found

    def tell(
        self,
        kind: str,
        message: str,
        place: Told | None,
        fix: tuple[Fix, Words] | None = None,
        *,
        span: Span | None = None,
        severity: Severity | None = None,
        presumed: bool = False,
    ) -> None:
        """Adds a finding; `span` narrows the place, `presumed` says that it rests on `ground`."""
        if presumed and self.ground:
            message, severity = message + self.ground, "info"
        stage, words = None, self.words
        if place is not None:
            span = span or self.dockerfile.span(place.outer)
            stage = self.stage_of(place.outer)
            words = self._words_of(stage)
        self.findings.append(
            Finding(
                kind,
                severity or KINDS[kind].severity,
                visible(message) + ".",
                span,
                stage,
                words,
                None if fix is None else fix[1],
                None if fix is None else fix[0],
            )
        )

    def _words_of(self, stage: int | None) -> Words:
        """What runs of the target, or of a stage that the target does not need."""
        name = self._other_target(stage)
        return self.words if name is None else self._run(self.dockerfile, name)

    def _other_target(self, stage: int | None) -> str | None:
        """The name to build the stage by, when it is no part of what is looked at."""
        if stage is None or stage in self.chain:
            return None
        return self.dockerfile.stages[stage].name

    def _run(self, source: Dockerfile | bytes, target: str) -> Words:
        try:
            return self.context.build(source, target).run().words
        except DockerfileError:
            return None

    def mend(
        self, sentence: str, place: Told, changes: Iterable[Change], *, keeps: bool = False
    ) -> tuple[Fix, Words] | None:
        """The fix that makes these changes of the text; see `fix`."""
        edits = self.places.edits(place.outer, place.text, changes)
        return self.fix(sentence, place.outer, edits, keeps=keeps)

    def fix(
        self, sentence: str, at: Instruction, edits: tuple[Edit, ...], *, keeps: bool = False
    ) -> tuple[Fix, Words] | None:
        """The fix, with whether it changes argv found by resolving both, and what runs afterwards.

        None when the file would not build any more, or when argv must stay (`keeps`) and does not: then
        there is no right answer to offer.
        """
        try:
            fixed = applied(self.places.data, edits)
            after = self.context.build(fixed)
            changes = _answers(self.image) != _answers(after)
            for stage in self.dockerfile.stages[:-1]:
                if stage.name and not changes:
                    before = self.context.build(self.dockerfile, stage.name)
                    changes = _answers(before) != _answers(self.context.build(fixed, stage.name))
        except DockerfileError:
            return None
        if changes and keeps:
            return None
        name = self._other_target(self.stage_of(at))
        words = after.run().words if name is None else self._run(fixed, name)
        return Fix(sentence, edits, changes), words


def _answers(image: Image) -> list[tuple[Words, StartError | None]]:
    """What each probing run comes to."""
    results = [image.run(run) for run in PROBES]
    return [(result.words, result.error) for result in results]
