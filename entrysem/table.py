"""The truth tables of CMD and ENTRYPOINT, computed.

A truth table is a product of axes. Each *choice* on an axis adds something to a Dockerfile (an
instruction) or to a run (arguments, an entrypoint override); a *cell* is one choice from every axis.
Nothing in a cell is typed by hand: its Dockerfile is written out, built and run by the engine, so
that a table can only say what `resolve` says, for the profile that was asked for.

Which forms and words a table has is a preset (`entrysem.presets`); how a cell becomes text is the
business of `entrysem.render.table`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from entrysem.errors import DockerfileError, InputError
from entrysem.model import RunOptions, StartError
from entrysem.presets import Form, Phrase, Preset, json_list
from entrysem.profiles import Profile
from entrysem.resolve import Image, Resolution, build_image

__all__ = ["Axis", "Block", "Cell", "Choice", "Table", "compute"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One value on an axis.

    Attributes:
        axis: name of the axis.
        heading: what a table prints for it; empty when nothing is chosen.
        words: its words, or None when it has none.
        line: the instruction it adds to the Dockerfile; empty for none.
        entrypoint, args: what it adds to the run options.
    """

    axis: str
    heading: str = ""
    words: tuple[str, ...] | None = None
    line: str = ""
    entrypoint: str | tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None


class Axis(NamedTuple):
    """Alternatives, of which each cell has one."""

    name: str
    choices: tuple[Choice, ...]

    @property
    def shown(self) -> bool:
        """Whether the axis says anything: not when its only choice is nothing."""
        return any(choice.heading or choice.words is not None for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination, built and run.

    Attributes:
        at: the choices, in the order of `Table.axes`.
        dockerfile: the text that was built.
        options: the run.
        resolution: the engine's answer, or None when the builder rejects the Dockerfile.
        error: why nothing runs, or None.
    """

    at: tuple[Choice, ...]
    dockerfile: str
    options: RunOptions
    resolution: Resolution | None
    error: StartError | DockerfileError | None

    @property
    def argv(self) -> tuple[str, ...] | None:
        """What the runtime passes to exec; None when no container is created."""
        return self.resolution.argv if self.resolution else None

    @property
    def effective(self) -> tuple[str, ...] | None:
        """Argv without the words that a shell script ignores; None when argv is."""
        return self.resolution.effective if self.resolution else None

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the rules that gave this cell, in order of first use."""
        if self.resolution is None:
            return (self.error.rule,) if self.error else ()
        return self.resolution.rules

    def choice(self, axis: str) -> Choice:
        """The choice on the axis of this name."""
        return next(choice for choice in self.at if choice.axis == axis)


class Block(NamedTuple):
    """Cells that stand in one grid.

    `fixed` are the choices that all of them share, apart from those that are nothing.
    """

    fixed: tuple[Choice, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A computed table: cells in the order of the axes' product, the last axis fastest."""

    preset: Preset
    profile: Profile
    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """One grid for each combination of the axes that are neither rows nor columns.

        A grid of CMD by ENTRYPOINT forms has the cells of one CMD form in a row; a list has one cell
        in each row.
        """
        width = 1 if self.preset.columns else len(self.axes[-1].choices)
        outer = 1 if self.preset.columns else len(self.axes) - 2
        size = len(list(product(*[axis.choices for axis in self.axes[outer:]])))
        blocks = []
        for start in range(0, len(self.cells), size):
            cells = self.cells[start : start + size]
            rows = tuple(cells[at : at + width] for at in range(0, size, width))
            fixed = tuple(choice for choice in cells[0].at[:outer] if choice.heading)
            blocks.append(Block(fixed, rows))
        return tuple(blocks)


def compute(
    preset: Preset,
    *,
    cmd_words: Phrase | None = None,
    entry_words: Phrase | None = None,
    shells: Sequence[Phrase] = (),
    arguments: Sequence[Phrase] = (),
    overrides: Sequence[str] = (),
    builder: str = "buildkit",
    runtime: str | None = None,
) -> Table:
    """Computes a preset's table.

    Args:
        preset: one of `PRESETS`, or one's own.
        cmd_words, entry_words: replace the preset's own words, in its headings too.
        shells: SHELL instructions; each is a block of its own.
        arguments: what is typed after the image; each is a block of its own. Where the preset has
            an axis of arguments, they replace those that it gives.
        overrides: `--entrypoint` as typed, likewise. In the preset of a manifest they are words.
        builder, runtime: a profile as `Profile.parse` reads it; the preset's runtime by default.

    Raises:
        InputError: an unknown profile, or words that cannot stand where they should.
    """
    profile = Profile.parse(builder, runtime or preset.runtime)
    own = {"CMD": cmd_words or preset.cmd_words, "ENTRYPOINT": entry_words or preset.entry_words}
    listed = bool(preset.columns)
    names = preset.columns if listed else ("ENTRYPOINT", "CMD", "--entrypoint", "args")
    image_entrypoint = Axis(names[0], _forms(names[0], "ENTRYPOINT", preset.entrypoint, own))
    image_cmd = Axis(names[1], _forms(names[1], "CMD", preset.cmd, own))
    override = Axis(names[2], _overrides(names[2], preset, overrides))
    args = Axis(names[3], _arguments(names[3], preset, arguments))
    shell = Axis("SHELL", tuple(_shell(phrase) for phrase in shells) or (Choice("SHELL"),))
    axes = (
        (shell, image_entrypoint, image_cmd, args, override)
        if listed
        else (shell, override, args, image_cmd, image_entrypoint)
    )
    images: dict[str, Image | DockerfileError] = {}
    cells = tuple(_cell(at, profile, images) for at in product(*[axis.choices for axis in axes]))
    return Table(preset, profile, axes, cells)


def _forms(
    axis: str, instruction: str, forms: tuple[Form, ...], own: Mapping[str, Phrase]
) -> tuple[Choice, ...]:
    found = []
    for form in forms:
        if form.style == "none":
            found.append(Choice(axis, f"No {instruction}"))
            continue
        phrase = form.phrase or own[instruction]
        where = "--cmd-words" if instruction == "CMD" else "--entry-words"
        if not phrase.words:
            raise InputError("bad-words", "there must be at least one word", where=where)
        text = json_list(phrase.words)
        if form.style == "shell":
            text = phrase.text
            if re.search(r"[\r\n]", text):
                raise InputError(
                    "bad-words",
                    "a line break cannot stand in shell form",
                    where=where,
                    hint="choose a preset that has only exec form, such as kubernetes",
                )
        line = f"{instruction} {text}"
        found.append(Choice(axis, line, phrase.words, line))
    return tuple(found)


def _shell(phrase: Phrase) -> Choice:
    if not phrase.words:
        raise InputError("bad-words", "SHELL needs at least one word", where="--shell")
    line = f"SHELL {json_list(phrase.words)}"
    return Choice("SHELL", line, phrase.words, line)


def _overrides(axis: str, preset: Preset, typed: Sequence[str]) -> tuple[Choice, ...]:
    if not preset.columns:
        return tuple(
            Choice(axis, f"--entrypoint {shlex.quote(text)}", entrypoint=text) for text in typed
        ) or (Choice(axis),)
    given = [Phrase.parse(text, "--entrypoint") for text in typed]
    return tuple(
        Choice(axis) if phrase is None else Choice(axis, "", phrase.words, "", phrase.words)
        for phrase in _replaced(preset.overrides, given)
    )


def _arguments(axis: str, preset: Preset, given: Sequence[Phrase]) -> tuple[Choice, ...]:
    return tuple(
        Choice(axis)
        if phrase is None
        else Choice(
            axis,
            "" if preset.columns else f"args {json_list(phrase.words)}",
            phrase.words,
            args=phrase.words,
        )
        for phrase in _replaced(preset.arguments, given)
    )


def _replaced(
    preset: tuple[Phrase | None, ...], given: Sequence[Phrase]
) -> tuple[Phrase | None, ...]:
    if not given:
        return preset
    # A preset that shows what happens with and without keeps its "without".
    return (*(phrase for phrase in preset if phrase is None and len(preset) > 1), *given)


def _cell(
    at: tuple[Choice, ...], profile: Profile, images: dict[str, Image | DockerfileError]
) -> Cell:
    # The order in which people write them; by the rules it does not matter within one stage.
    lines = {choice.line.partition(" ")[0]: choice.line for choice in at if choice.line}
    dockerfile = "".join(
        f"{line}\n"
        for line in (
            "FROM scratch",
            *(lines[name] for name in ("SHELL", "ENTRYPOINT", "CMD") if name in lines),
        )
    )
    options = RunOptions(
        args=next((choice.args for choice in at if choice.args is not None), None),
        entrypoint=next(
            (choice.entrypoint for choice in at if choice.entrypoint is not None), None
        ),
    )
    if dockerfile not in images:
        try:
            images[dockerfile] = build_image(dockerfile, profile=profile)
        except DockerfileError as error:
            images[dockerfile] = error
    image = images[dockerfile]
    if isinstance(image, DockerfileError):
        return Cell(at, dockerfile, options, None, image)
    resolution = image.run(options)
    return Cell(at, dockerfile, options, resolution, resolution.error)
