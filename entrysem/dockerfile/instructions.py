"""One logical line -> one `Instruction`: name, flags, arguments, and the form of the arguments.

This is the first of the builder's two passes over a Dockerfile. It knows which instructions take
JSON and rejects only what the text alone rejects: an array with an element that is no string, ENV
without `=`. Whether the instruction exists and has the right number of arguments is the second
pass (`checks`).

Source: moby/buildkit frontend/dockerfile/parser/{parser,split_command,line_parsers}.go.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from entrysem.dockerfile.execform import NotExec, NotStrings, read_array
from entrysem.dockerfile.grammar import Grammar
from entrysem.dockerfile.text import BLANK, SPACE, lower
from entrysem.dockerfile.words import parse_words
from entrysem.late import late

__all__ = ["KEYWORDS", "Heredoc", "Instruction", "LineError", "arguments", "read_instruction"]

KEYWORDS = frozenset(
    (
        "add arg cmd copy entrypoint env expose from healthcheck label maintainer onbuild "
        "run shell stopsignal user volume workdir"
    ).split()
)
_SPELLINGS = {spelling: word for word in KEYWORDS for spelling in (word, word.upper())}
_JSON_KEYWORDS = frozenset({"add", "cmd", "copy", "entrypoint", "run", "shell", "volume"})

_NAME = late(r"([^\t\v\f\r ]*)(?:[\t\v\f\r ]+(.*))?\Z", re.DOTALL)
#: Blanks before and between flags. The original reads bytes there, so 0x85 and 0xA0 are blanks too
#: when they stand alone; as the tail of a character they never start a word.
_FLAG_SPACE = BLANK + "\udc85\udca0"
_PLAIN_FLAG = late(rf"""(--[!#-&(-\[\]-_a-~]+)[\t\v\f\r {_FLAG_SPACE[-2:]}]+""")
_ONE_PAIR = late(r"[^\s=\"'\\`]+=[^\s\"'\\`]*\Z")
_OLD_PAIR = late(r"[^\s=\"'\\`]+[\t\v\f\r ]+[^\t\v\f\r ]")
_BLANKS = late(r"[\t\v\f\r ]+")


class Heredoc(NamedTuple):
    """One `<<WORD` body. `content` has its line ends; `expand` is False when WORD was quoted."""

    name: str
    content: str
    descriptor: int
    expand: bool
    chomp: bool


class Instruction(NamedTuple):
    """One instruction of a Dockerfile.

    Attributes:
        keyword: lower case; for an unknown instruction, the unknown word.
        name: as written.
        text: the arguments, trimmed, after the flags; the script of a shell form.
        flags: leading `--name[=value]` words, quotes removed.
        items: the decoded strings of an exec form, None when it is not one.
        start_line, end_line: physical lines, from 1; the heredoc bodies included.
        original: the logical line: continuations joined, comments dropped, ends not trimmed.
        heredocs: bodies in order.
        trigger: for ONBUILD, the instruction that it stores; None when it has no arguments.
        physical_end: the last physical line of the instruction itself, before heredoc bodies.
    """

    keyword: str
    name: str
    text: str
    flags: tuple[str, ...]
    items: tuple[str, ...] | None
    start_line: int
    end_line: int
    original: str
    heredocs: tuple[Heredoc, ...] = ()
    trigger: Instruction | None = None
    physical_end: int = 0

    @property
    def form(self) -> Literal["exec", "shell"] | None:
        """The form of CMD, ENTRYPOINT, RUN, SHELL, HEALTHCHECK; None for other instructions and
        for one without arguments.
        """
        if self.items is not None:
            return "exec"
        if self.text and self.keyword in _FORMED:
            return "shell"
        return None


_DEEPEST = 100
_FORMED = frozenset({"cmd", "entrypoint", "run", "shell", "healthcheck"})


class LineError(Exception):
    """The line is rejected. `offset` is where in the instruction's `original`, or None."""

    def __init__(
        self,
        code: str,
        message: str,
        rule: str,
        *,
        offset: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.rule = rule
        self.offset = offset
        self.hint = hint


def read_instruction(
    line: str, start: int, end: int, grammar: Grammar, escape: str, depth: int = 0
) -> Instruction:
    """Reads one logical line (no LF in it; left end trimmed).

    `depth` counts the ONBUILDs around it. Those nested deeper than anyone writes are not looked into;
    the second pass rejects the outermost whatever they hold.

    Raises:
        LineError: the text alone is rejected.
    """
    trimmed = line.strip(SPACE)
    name, _, rest = trimmed.partition(" ")
    keyword = _SPELLINGS.get(name)
    if keyword is None:
        match = _NAME.match(trimmed)
        assert match is not None
        name, rest = match.group(1), match.group(2) or ""
        keyword = lower(name)
    text = rest.lstrip(_FLAG_SPACE)
    flags: tuple[str, ...] = ()
    if text.startswith("--"):
        text, flags = _take_flags(text, escape if grammar.flag_escape == "directive" else "\\")
    # The end is trimmed already, and the start of nearly every text is no space of any kind.
    if not "!" <= text[:1] <= "~":
        text = text.strip(SPACE)
    items: tuple[str, ...] | None = None
    trigger: Instruction | None = None
    if keyword in _JSON_KEYWORDS:
        if text.startswith("["):
            items = _array(text, line, grammar)
    elif keyword in ("env", "label"):
        if text and not (_ONE_PAIR.match(text) or _OLD_PAIR.match(text)):
            _check_pairs(text, keyword, escape)
    elif keyword == "healthcheck":
        items = _array_after_type(text, line, grammar)
    elif keyword == "onbuild" and text and depth < _DEEPEST:
        try:
            trigger = read_instruction(text, start, end, grammar, escape, depth + 1)
        except LineError as problem:
            if problem.offset is not None:
                problem.offset += len(line.rstrip(SPACE)) - len(text)
            raise
    # What `Instruction(...)` does, without the call in between, which is a third of its cost.
    return tuple.__new__(
        Instruction, (keyword, name, text, flags, items, start, end, line, (), trigger, end)
    )


def _array(text: str, line: str, grammar: Grammar) -> tuple[str, ...] | None:
    array = read_array(text, grammar.text_after_array)
    if isinstance(array, NotExec):
        return None
    if isinstance(array, NotStrings):
        raise LineError(
            "array-of-non-strings",
            "when using JSON array syntax, arrays must be comprised of strings only",
            "FORM-10",
            offset=len(line.rstrip(SPACE)) - len(text) + array.offset,
            hint=f"the element here is a JSON {array.kind}; put it in double quotes",
        )
    return array.items


def _array_after_type(text: str, line: str, grammar: Grammar) -> tuple[str, ...] | None:
    command = healthcheck_command(text)[1]
    if command.lstrip(SPACE).startswith("["):
        return _array(command.lstrip(SPACE), line, grammar)
    return None


def healthcheck_command(text: str) -> tuple[str, str]:
    """HEALTHCHECK's type word and what follows it. Bytes decide what is a blank, as in Go."""
    data = text.encode("utf-8", "surrogateescape")
    blanks = b"\t\n\v\f\r \x85\xa0"
    end = 0
    while end < len(data) and data[end] not in blanks:
        end += 1
    rest = data[end:].lstrip(blanks)
    return data[:end].decode("utf-8", "surrogateescape"), rest.decode("utf-8", "surrogateescape")


def _check_pairs(text: str, keyword: str, escape: str) -> None:
    words = parse_words(text, escape)
    if not words:
        return
    if "=" not in words[0]:
        if len(_BLANKS.split(text, maxsplit=1)) < 2:
            raise LineError(
                "missing-value",
                f"{keyword.upper()} must have two arguments",
                "FORM-17",
                hint=f"write {keyword.upper()} NAME=VALUE",
            )
        return
    for word in words:
        if "=" not in word:
            raise LineError(
                "missing-equals",
                f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value',
                "FORM-17",
                hint="quote a value that contains blanks",
            )


def _take_flags(text: str, escape: str) -> tuple[str, tuple[str, ...]]:
    """The leading `--` words, and the text after them."""
    flags: list[str] = []
    at = 0
    while text.startswith("--", at):
        match = _PLAIN_FLAG.match(text, at)
        if not match:
            rest, more = _take_flags_slowly(text[at:], escape)
            return rest, (*flags, *more)
        flags.append(match.group(1))
        at = match.end()
    return text[at:], tuple(flags)


def _take_flags_slowly(text: str, escape: str) -> tuple[str, list[str]]:
    # The original reads bytes as if they were characters, so a flag that is not ASCII comes out as
    # Latin-1 and a byte 0x85 or 0xA0 is a blank. Reading Latin-1 does the same.
    line = text.encode("utf-8", "surrogateescape").decode("latin-1")
    words: list[str] = []
    word: list[str] = []
    quote = ""
    inside = False
    at = 0
    while True:
        char = line[at : at + 1]
        if not inside:
            if not char:
                break
            if char in _LATIN_SPACE:
                at += 1
                continue
            if not line.startswith("--", at):
                return line[at:].encode("latin-1").decode("utf-8", "surrogateescape"), words
            inside = True
        if not char:
            if "".join(word) != "--":
                words.append("".join(word))
            break
        if quote:
            if char == quote:
                quote = ""
            elif char == escape:
                at += 1
                if at == len(line):
                    quote = ""
                    continue
                word.append(line[at])
            else:
                word.append(char)
        elif char in _LATIN_SPACE:
            if "".join(word) == "--":
                return line[at:].encode("latin-1").decode("utf-8", "surrogateescape"), words
            words.append("".join(word))
            word.clear()
            inside = False
        elif char in "'\"":
            quote = char
        elif char == escape:
            at += 1
            if at == len(line):
                continue
            word.append(line[at])
        else:
            word.append(char)
        at += 1
    return "", words


_LATIN_SPACE = "\t\n\v\f\r \x85\xa0"


def arguments(instruction: Instruction, escape: str) -> tuple[str, ...]:
    """The instruction's arguments as its first pass leaves them.

    ENV and LABEL give names and values in turn; ADD, COPY, EXPOSE and FROM words; the shell form of
    CMD, ENTRYPOINT, RUN and SHELL one text; HEALTHCHECK its type and command; an unknown
    instruction one empty text.
    """
    keyword, text = instruction.keyword, instruction.text
    if keyword == "healthcheck":
        return _healthcheck_arguments(instruction)
    if instruction.items is not None:
        return instruction.items
    if keyword not in KEYWORDS:
        return ("",)
    if not text:
        return ()
    if keyword in ("env", "label"):
        words = parse_words(text, escape)
        if words and "=" not in words[0]:
            return tuple(_BLANKS.split(text, maxsplit=1))
        return tuple(part for word in words for part in word.split("=", 1))
    if keyword == "arg":
        return tuple(parse_words(text, escape))
    if keyword in ("add", "copy", "expose", "from", "volume"):
        if text.isprintable() and "  " not in text:
            # Single spaces and no other blank, as nearly always: several times as fast.
            return tuple(text.split(" "))
        return tuple(_BLANKS.split(text))
    return (text,)


def _healthcheck_arguments(instruction: Instruction) -> tuple[str, ...]:
    kind, command = healthcheck_command(instruction.text)
    if not kind:
        return ()
    if instruction.items is not None:
        return (kind, *instruction.items)
    return (kind, command) if command else (kind,)
