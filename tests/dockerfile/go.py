"""The `dockerfile` wheel, BuildKit v0.12.5's own parser, against this one.

`differences(text)` is empty when the two agree on everything that the wheel shows: which texts are
rejected, and of each instruction the keyword, the instruction that an ONBUILD stores, whether it is
exec form, the logical line, the lines, the flags, the arguments and the heredocs.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, NamedTuple

from entrysem.dockerfile import Instruction, read_instructions
from entrysem.dockerfile.instructions import arguments
from entrysem.dockerfile.parser import _read
from entrysem.dockerfile.text import decode
from entrysem.errors import DockerfileError
from entrysem.profiles import Engine, builder_behaviour

GO_GRAMMAR = builder_behaviour(Engine("buildkit", "0.12")).grammar
#: The wheel is built for x86_64 alone.
HAS_WHEEL = platform.machine() in ("x86_64", "AMD64")


class KnownException(NamedTuple):
    """A text on which the two cannot be compared, and why."""

    name: str
    reason: str
    applies: Callable[[str], bool]


def _is_undecodable(text: str) -> bool:
    try:
        _their_commands(text)
    except UnicodeDecodeError:
        return True
    except ValueError:
        return False
    return False


EXCEPTIONS = (
    KnownException(
        "nul",
        "the wheel hands the text to Go as a C string, so it ends at the first NUL",
        lambda text: "\0" in text,
    ),
    KnownException(
        "not-unicode",
        "the wheel takes text alone, and lone surrogates (bytes that are not UTF-8) are no text",
        lambda text: any("\ud800" <= char <= "\udfff" for char in text),
    ),
    KnownException(
        "nested-onbuild",
        "ONBUILD nested more than 100 deep is not looked into; the second pass rejects it anyway",
        lambda text: text.lower().count("onbuild") > 100,
    ),
    KnownException(
        "undecodable-output",
        "Go reads flags and HEALTHCHECK's type byte by byte; where that cuts a character in two, the "
        "wheel cannot decode its own output",
        _is_undecodable,
    ),
)


def known_exception(text: str) -> KnownException | None:
    """The first known exception that applies to `text`."""
    return next((known for known in EXCEPTIONS if known.applies(text)), None)


class Seen(NamedTuple):
    """What both parsers tell about an instruction."""

    keyword: str
    sub_command: str | None
    exec_form: bool
    original: str
    start_line: int
    end_line: int
    flags: tuple[str, ...]
    arguments: tuple[str, ...]
    heredocs: tuple[tuple[str, int, str], ...]


def differences(text: str) -> list[str]:
    """What the two parsers see differently in `text`, a sentence each; empty for a known exception."""
    if known_exception(text):
        return []
    ours = _ours(text)
    theirs = _theirs(text)
    if isinstance(ours, str) or isinstance(theirs, str):
        if isinstance(ours, str) and isinstance(theirs, str):
            return []
        return [f"rejected by one: ours {ours!r}, theirs {theirs!r}"]
    found = [
        f"line {theirs_seen.start_line}, {name}: ours {our_value!r}, theirs {their_value!r}"
        for ours_seen, theirs_seen in zip(ours, theirs, strict=False)
        for name, our_value, their_value in zip(Seen._fields, ours_seen, theirs_seen, strict=True)
        if our_value != their_value
    ]
    if len(ours) != len(theirs):
        found.append(f"ours has {len(ours)} instructions, theirs {len(theirs)}")
    return found


def _ours(text: str) -> list[Seen] | str:
    try:
        escape = _read(decode(text), GO_GRAMMAR)[1].escape
        return [_seen(item, escape) for item in read_instructions(text, GO_GRAMMAR)]
    except DockerfileError as error:
        return error.message


def _seen(instruction: Instruction, escape: str) -> Seen:
    trigger = instruction.trigger
    inner = trigger or instruction
    values = arguments(inner, escape)
    if inner.keyword == "onbuild":  # the wheel shows one level, and what that stores as empty text
        values = ("",) if inner.trigger else ()
    return Seen(
        instruction.name.lower(),
        trigger.name.lower() if trigger else None,
        inner.items is not None,
        instruction.original,
        instruction.start_line,
        instruction.end_line,
        instruction.flags,
        values,
        # the wheel does not show the bodies under an ONBUILD, only the lines that they take
        tuple((body.name, body.descriptor, body.content) for body in instruction.heredocs)
        if trigger is None
        else (),
    )


def _theirs(text: str) -> list[Seen] | str:
    import dockerfile

    try:
        commands = _their_commands(text)
    except dockerfile.GoParseError as error:
        return str(error)
    return [
        Seen(
            (command.cmd or "").lower(),  # None for the empty name of a lone backslash
            command.sub_cmd.lower() if command.sub_cmd else command.sub_cmd,
            command.json,
            (command.original or "").split("\n")[0],  # the wheel adds the bodies of heredocs
            command.start_line,
            command.end_line,
            command.flags,
            command.value,
            # the wheel's number is signed, Go's is not
            tuple(
                (body.name, body.file_descriptor % 2**64, body.content) for body in command.heredocs
            ),
        )
        for command in commands
    ]


def _their_commands(text: str) -> tuple[Any, ...]:
    import dockerfile

    commands: tuple[Any, ...] = dockerfile.parse_string(text)
    return commands
