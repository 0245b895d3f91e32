"""Text -> `Dockerfile`: physical lines to logical lines to instructions to stages.

A physical line ends at LF. A logical line is what is left when continuations are joined, and comment
and blank lines inside them dropped; one logical line is one instruction. Then the second pass
(`checks`) looks at each instruction, and FROM divides them into stages.

The loop is written for speed and kept in one function for that reason: most lines of most files
are one instruction, one line of a RUN, a comment or nothing, and each of these costs a strip and
one or two comparisons. Everything rarer is a call.

Errors come in the builder's order: the first line that the first pass rejects, then the first
instruction that the second pass rejects.

Source: moby/buildkit frontend/dockerfile/parser/parser.go (Parse),
frontend/dockerfile/instructions/parse.go (Parse).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from entrysem.dockerfile import heredoc
from entrysem.dockerfile.checks import check, is_plainly_fine
from entrysem.dockerfile.directives import (
    Directive,
    DirectiveBlock,
    check_directive,
    detect_syntax,
    validate_check,
)
from entrysem.dockerfile.grammar import REFERENCE, Grammar
from entrysem.dockerfile.instructions import (
    Heredoc,
    Instruction,
    LineError,
    arguments,
    read_instruction,
)
from entrysem.dockerfile.references import is_plain
from entrysem.dockerfile.text import SPACE, byte_length, decode, lower
from entrysem.dockerfile.words import ExpansionError
from entrysem.errors import DockerfileError, Span

__all__ = [
    "Dockerfile",
    "GlobalArg",
    "Stage",
    "parse_dockerfile",
    "read_instructions",
    "read_trigger",
]

_CONFIG = frozenset({"cmd", "entrypoint", "shell", "onbuild"})


class Stage(NamedTuple):
    """One FROM and what follows it.

    Attributes:
        number: from 0.
        base: FROM's image word as written, variables not substituted.
        name: the AS name as written, or None.
        platform: the value of --platform as written, or None.
        instruction: the FROM itself.
        instructions: everything after it, up to the next FROM.
        config: those of `instructions` that can change Entrypoint, Cmd, Shell or OnBuild.
        sources: names and numbers that COPY --from and RUN --mount=from= refer to.
        problem: what the second pass found, where the grammar looks only at stages it reaches.
        plain: whether `base` is a reference without variables, and needs no further look.
        key: `name` in lower case.
    """

    number: int
    base: str
    name: str | None
    platform: str | None
    instruction: Instruction
    instructions: tuple[Instruction, ...]
    config: tuple[Instruction, ...]
    sources: tuple[str, ...]
    problem: DockerfileError | None = None
    plain: bool = False
    key: str | None = None


class GlobalArg(NamedTuple):
    """One name of an ARG before the first FROM. `default`: as written, None without an `=`."""

    name: str
    default: str | None
    instruction: Instruction


class Dockerfile:
    """A parsed Dockerfile. Immutable by convention; safe to share between threads.

    Attributes:
        source: the text (bytes that are not UTF-8 as `surrogateescape` surrogates).
        grammar: what it was parsed with.
        escape: the escape character in force.
        directives: the parser directives found, in order.
        instructions: all of them, in order.
        global_args: the names that ARG declares before the first FROM, in order.
        stages: at least one is needed to build; a file without FROM has none.
        syntax: the frontend image that the file asks for, or None.
        simple: whether it is one stage on a plainly named image: nothing to look up or expand.
    """

    __slots__ = (
        "_lines",
        "directives",
        "escape",
        "global_args",
        "grammar",
        "instructions",
        "simple",
        "source",
        "stages",
        "syntax",
    )

    def __init__(
        self,
        source: str,
        lines: Sequence[str],
        grammar: Grammar,
        block: DirectiveBlock,
        instructions: tuple[Instruction, ...],
        global_args: tuple[GlobalArg, ...],
        stages: tuple[Stage, ...],
    ) -> None:
        self.source = source
        self._lines = lines
        self.grammar = grammar
        self.escape = block.escape
        self.directives: tuple[Directive, ...] = tuple(block.found)
        self.instructions = instructions
        self.global_args = global_args
        self.stages = stages
        self.syntax = detect_syntax(source)
        self.simple = len(stages) == 1 and not global_args and _is_simple(stages[0])

    def __repr__(self) -> str:
        return f"<Dockerfile: {len(self.stages)} stages, {len(self.instructions)} instructions>"

    def line(self, number: int) -> str:
        """Physical line `number` (from 1) without its line end."""
        return self._lines[number - 1].rstrip("\r")

    def span(self, instruction: Instruction) -> Span:
        """Where the instruction stands, from its first to its last visible character."""
        return _span(self._lines, instruction.start_line, instruction.physical_end)

    def rejection(
        self, instruction: Instruction, code: str, message: str, rule: str, hint: str | None = None
    ) -> DockerfileError:
        """The error of a build that fails at this instruction."""
        return DockerfileError(
            code,
            message,
            rule=rule,
            span=self.span(instruction),
            excerpt=self.line(instruction.start_line),
            phase="build",
            hint=hint,
        )

    def locate(self, instruction: Instruction, offset: int) -> Span:
        """Where character `offset` of the instruction's `original` stands: a span one wide."""
        return _locate(
            self._lines, instruction.start_line, instruction.physical_end, self.escape, offset
        )

    def is_continued(self, instruction: Instruction) -> bool:
        """Whether the instruction stands on more than one physical line."""
        return instruction.physical_end > instruction.start_line

    def has_carriage_return(self, instruction: Instruction) -> bool:
        """Whether one of its lines ends with a carriage return."""
        lines = self._lines[instruction.start_line - 1 : instruction.physical_end]
        return any(line.endswith("\r") for line in lines)

    def has_comment_inside(self, instruction: Instruction) -> bool:
        """Whether a comment or blank line was dropped from the middle of the instruction."""
        inner = self._lines[instruction.start_line : instruction.physical_end]
        return any(line.lstrip(SPACE)[:1] in ("", "#") for line in inner)


def parse_dockerfile(source: str | bytes, *, grammar: Grammar = REFERENCE) -> Dockerfile:
    """Parses a Dockerfile as a builder with this grammar would.

    Args:
        source: the file. Bytes need not be UTF-8.
        grammar: whose parser; `profiles.behaviour(...).grammar` has those of real builders.

    Raises:
        DockerfileError: the builder rejects the text (phase `parse`).
    """
    text = decode(source)
    if text[:4].lstrip("\ufeff").startswith("#"):
        _check_options(text, grammar)
    lines, block, instructions = _read(text, grammar)
    return _assemble(text, lines, grammar, block, instructions)


def _check_options(text: str, grammar: Grammar) -> None:
    if grammar.check_options == "ignored" or "check" not in grammar.directives:
        return
    directive = check_directive(text)
    if directive is None:
        return
    try:
        validate_check(directive)
    except LineError as problem:
        lines = text.removeprefix("\ufeff").split("\n")
        _reject(problem, lines, directive.line, directive.line, "\\")


def read_instructions(source: str | bytes, grammar: Grammar = REFERENCE) -> list[Instruction]:
    """The first pass alone: unknown instructions and wrong argument counts are let through.

    Raises:
        DockerfileError: as `parse_dockerfile`.
    """
    return _read(decode(source), grammar)[2]


def read_trigger(text: str, grammar: Grammar) -> tuple[Instruction, str]:
    """Parses the text of an ONBUILD trigger as its child build does, and its escape character.

    The directive of the file that builds does not matter: a trigger is a file of its own.

    Raises:
        DockerfileError: it is not exactly one instruction, or not a legal one.
    """
    lines, block, instructions = _read(text, grammar)
    if len(instructions) != 1 or instructions[0].keyword == "from":
        raise DockerfileError(
            "trigger-not-single",
            "onbuild trigger should be a single expression",
            rule="BUILD-12",
            span=None,
        )
    try:
        check(instructions[0], grammar, block.escape)
    except LineError as problem:
        _reject(problem, lines, 1, len(lines), block.escape)
    return instructions[0], block.escape


def _read(text: str, grammar: Grammar) -> tuple[list[str], DirectiveBlock, list[Instruction]]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    too_long = _first_too_long(text, lines, grammar)
    if text.startswith("\ufeff"):
        lines[0] = lines[0][1:]
    count = len(lines) if too_long is None else too_long
    block = DirectiveBlock(grammar)
    escape = block.escape
    doubled = grammar.doubled_escape == "literal"
    found: list[Instruction] = []
    at = 0
    while at < count:
        raw = lines[at]
        at += 1
        line = raw.strip(SPACE)
        if block.open:
            try:
                block.read(raw.rstrip("\r").lstrip(SPACE), at)
            except LineError as problem:
                _reject(problem, lines, at, at, escape)
            escape = block.escape
        if not line or line[0] == "#":
            continue
        start = at
        if line[-1] == escape and (
            raw.rstrip("\r").rstrip(" \t")[-1] == escape
            and not (doubled and len(line) > 1 and line[-2] == escape)
        ):
            parts = [raw.rstrip("\r").rstrip(" \t")[:-1].lstrip(SPACE)]
            while at < count:
                raw = lines[at].rstrip("\r")
                at += 1
                line = raw.lstrip(SPACE)
                if not line or line[0] == "#":
                    continue
                line = raw.rstrip(" \t")
                if line[-1] == escape and not (doubled and len(line) > 1 and line[-2] == escape):
                    parts.append(line[:-1])
                else:
                    parts.append(raw)
                    break
            original = "".join(parts)
        else:
            original = line if len(line) == len(raw) else raw.rstrip("\r").lstrip(SPACE)
        try:
            instruction = read_instruction(original, start, at, grammar, escape)
            if "<<" in original and heredoc.accepts_heredocs(instruction, grammar):
                instruction, at = _with_bodies(instruction, lines, at, count, grammar)
        except LineError as problem:
            _reject(problem, lines, start, at, escape)
        found.append(instruction)
    if not found:
        _reject_empty(text, count)
    if too_long is not None and grammar.long_line == "rejected":
        raise DockerfileError(
            "line-too-long",
            f"dockerfile line greater than max allowed size of {grammar.max_line}",
            rule="FORM-02",
            span=Span(too_long + 1, 1, too_long + 1, 1),
            excerpt=lines[too_long][:80],
            hint="break the line with a continuation; the joined line may be longer",
        )
    return lines, block, found


def _first_too_long(text: str, lines: list[str], grammar: Grammar) -> int | None:
    limit = grammar.max_line
    if len(text) * 4 <= limit:
        return None
    for index, line in enumerate(lines):
        if len(line) * 4 > limit and byte_length(line) > limit:
            return index
    return None


def _reject_empty(text: str, line: int) -> NoReturn:
    if not text:
        raise DockerfileError(
            "empty-file",
            "the Dockerfile cannot be empty",
            rule="BUILD-08",
            span=None,
            hint="a Dockerfile needs at least a FROM",
        )
    raise DockerfileError(
        "no-instructions",
        "file with no instructions",
        rule="BUILD-08",
        span=Span(max(line, 1), 1, max(line, 1), 1),
        excerpt="",
        hint="every line is blank or a comment; a Dockerfile needs at least a FROM",
    )


def _with_bodies(
    instruction: Instruction, lines: list[str], at: int, count: int, grammar: Grammar
) -> tuple[Instruction, int]:
    """The instruction with its heredoc bodies, and the index of the line after them."""
    try:
        opened = heredoc.markers(instruction.original, grammar)
    except ExpansionError as error:
        raise LineError("bad-heredoc", str(error), "FORM-13", offset=0) from None
    filled: list[Heredoc] = []
    for marker in opened:
        body: list[str] = []
        while True:
            if at >= count:
                raise LineError(
                    "unterminated-heredoc",
                    "unterminated heredoc",
                    "FORM-13",
                    offset=0,
                    hint=f"a line that holds only {marker.name} must end the body",
                )
            line = lines[at]
            at += 1
            ending = line.rstrip("\r")
            if (ending.lstrip("\t") if marker.chomp else ending) == marker.name:
                break
            body.append(line + "\n")
        filled.append(marker._replace(content="".join(body)))
    return instruction._replace(heredocs=tuple(filled), end_line=at), at


def _assemble(
    text: str,
    lines: list[str],
    grammar: Grammar,
    block: DirectiveBlock,
    instructions: list[Instruction],
) -> Dockerfile:
    escape = block.escape
    strict = grammar.checks == "all-stages"
    global_args: list[GlobalArg] = []
    stages: list[Stage] = []
    opening: Instruction | None = None
    body: list[Instruction] = []
    problem: DockerfileError | None = None
    for instruction in instructions:
        keyword = instruction.keyword
        if instruction.flags or not is_plainly_fine(keyword, instruction.text):
            try:
                check(instruction, grammar, escape)
            except LineError as found:
                error = _error(
                    found, lines, instruction.start_line, instruction.physical_end, escape
                )
                if strict or keyword == "from":
                    raise error from None
                problem = problem or error
        if keyword == "from":
            if opening is not None:
                stages.append(_stage(len(stages), opening, body, escape, problem))
                problem = None
            opening = instruction
            body = []
        elif opening is not None:
            body.append(instruction)
        elif keyword == "arg":
            global_args += _global_args(instruction, escape)
        elif grammar.before_from == "rejected":
            raise DockerfileError(
                "before-from",
                "no build stage in current context",
                rule="BUILD-08",
                span=_span(lines, instruction.start_line, instruction.physical_end),
                excerpt=lines[instruction.start_line - 1].rstrip("\r"),
                hint="only ARG may stand before the first FROM",
            )
    if opening is not None:
        stages.append(_stage(len(stages), opening, body, escape, problem))
    return Dockerfile(
        text, lines, grammar, block, tuple(instructions), tuple(global_args), tuple(stages)
    )


def _stage(
    number: int,
    opening: Instruction,
    body: list[Instruction],
    escape: str,
    problem: DockerfileError | None,
) -> Stage:
    words = arguments(opening, escape)
    sources = [source for item in body if item.flags for source in _sources(item)]
    # As in read_instruction.
    return tuple.__new__(
        Stage,
        (
            number,
            words[0],
            words[2] if len(words) == 3 else None,
            next((flag[11:] for flag in opening.flags if flag.startswith("--platform=")), None),
            opening,
            tuple(body),
            tuple([item for item in body if item.keyword in _CONFIG]),
            tuple(sources),
            problem,
            is_plain(words[0]),
            lower(words[2]) if len(words) == 3 else None,
        ),
    )


def _is_simple(stage: Stage) -> bool:
    return stage.plain and stage.platform is None and not stage.sources


def _global_args(instruction: Instruction, escape: str) -> list[GlobalArg]:
    found = []
    for word in arguments(instruction, escape):
        name, equals, default = word.partition("=")
        found.append(GlobalArg(name, default if equals else None, instruction))
    return found


def _sources(instruction: Instruction) -> list[str]:
    """The stages or images that the instruction copies or mounts from."""
    if instruction.keyword == "copy":
        return [flag[7:] for flag in instruction.flags if flag.startswith("--from=")]
    if instruction.keyword == "run":
        return [
            field[5:]
            for flag in instruction.flags
            if flag.startswith("--mount=")
            for field in flag[8:].split(",")
            if field.startswith("from=")
        ]
    return []


def _span(lines: Sequence[str], start: int, end: int) -> Span:
    first = lines[start - 1]
    last = lines[end - 1].rstrip(SPACE)
    return Span(start, len(first) - len(first.lstrip(SPACE)) + 1, end, max(len(last), 1))


def _locate(lines: Sequence[str], start: int, end: int, escape: str, offset: int) -> Span:
    """Walks the physical lines as the reader joined them, until `offset` characters are used."""
    left = offset
    number = start
    for number in range(start, end + 1):
        raw = lines[number - 1].rstrip("\r")
        body = raw.lstrip(SPACE)
        if number > start and (not body or body[0] == "#"):
            continue
        skipped = len(raw) - len(body) if number == start else 0
        kept = raw.rstrip(" \t")
        size = len(kept) - 1 if number < end and kept.endswith(escape) else len(raw)
        if left < size - skipped or number == end:
            column = skipped + left + 1
            return Span(number, column, number, column)
        left -= size - skipped
    return Span(number, 1, number, 1)


def _error(
    problem: LineError, lines: Sequence[str], start: int, end: int, escape: str
) -> DockerfileError:
    span = _span(lines, start, end)
    if problem.offset:
        span = _locate(lines, start, end, escape, problem.offset)
    return DockerfileError(
        problem.code,
        problem.message,
        rule=problem.rule,
        span=span,
        excerpt=lines[span.line - 1].rstrip("\r"),
        hint=problem.hint,
    )


def _reject(
    problem: LineError, lines: Sequence[str], start: int, end: int, escape: str
) -> NoReturn:
    raise _error(problem, lines, start, end, escape) from None
