"""The builder's second pass: does the instruction exist, and does it have the right arguments?

Every instruction of the file is checked before anything is built, also in stages that the target
does not need (imagebuilder alone checks a stage when it reaches it). One function a keyword; each
raises the builder's own message with a stable code.

What is not checked here, because it needs more than the Dockerfile: whether a COPY source exists,
whether an EXPOSE port or a --mount option is well formed.

Source: moby/buildkit frontend/dockerfile/instructions/{parse,bflag}.go.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping

from entrysem.dockerfile.grammar import Grammar
from entrysem.dockerfile.heredoc import heredoc_of
from entrysem.dockerfile.instructions import (
    KEYWORDS,
    Instruction,
    LineError,
    arguments,
    healthcheck_command,
)
from entrysem.dockerfile.text import SPACE, lower
from entrysem.dockerfile.words import ExpansionError
from entrysem.late import late

__all__ = ["check"]

_STAGE_NAME = late(r"[a-z][a-z0-9\-_.]*\Z")
_NO_FLAGS: Mapping[str, str] = {}
#: Flags are read as Latin-1, so `µ` is the one byte B5 and the Greek letter cannot occur.
_DURATION = late(r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+\Z")
_DURATION_PART = late(r"([0-9]*)\.?([0-9]*)(ns|us|µs|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def check(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    """Raises `LineError` when the builder rejects the instruction."""
    keyword = instruction.keyword
    checker = _CHECKS.get(keyword)
    if checker is None:
        raise _unknown(instruction)
    checker(instruction, grammar, escape)


def is_plainly_fine(keyword: str, text: str) -> bool:
    """Whether an instruction without flags needs no further check. False says nothing."""
    if keyword in ("run", "cmd"):
        return True
    if keyword == "entrypoint":
        return len(text) > 2  # longer than []
    if keyword in ("user", "workdir", "expose", "maintainer", "stopsignal"):
        return bool(text)
    if keyword in ("copy", "add"):
        return " " in text and "<" not in text and not text.startswith("[")
    return False


def _unknown(instruction: Instruction) -> LineError:
    near = _closest(instruction.keyword)
    return LineError(
        "unknown-instruction",
        f"unknown instruction: {instruction.name}",
        "FORM-06",
        offset=0,
        hint=f"did you mean {near.upper()}?"
        if near
        else "a line that should continue the one before it needs the escape character at that "
        "line's end",
    )


def _closest(word: str) -> str | None:
    """The keyword within two edits, as BuildKit suggests it."""
    matches = difflib.get_close_matches(word[:32], sorted(KEYWORDS), n=1, cutoff=0.6)
    return matches[0] if matches else None


def _problem(code: str, message: str, rule: str = "FORM-17", hint: str | None = None) -> LineError:
    return LineError(code, message, rule, hint=hint)


def _flags(instruction: Instruction, grammar: Grammar) -> dict[str, str]:
    """Checks the flags against the grammar; name -> value (`true` for a bool without one)."""
    known = grammar.flags.get(instruction.keyword, _NO_FLAGS)
    used: dict[str, str] = {}
    for flag in instruction.flags:
        spelled, equals, value = flag.partition("=")
        kind = known.get(spelled[2:])
        if kind is None or f"{instruction.keyword} {spelled}" in grammar.lacks:
            if grammar.stray_flags == "dropped" and not known:
                continue
            raise LineError(
                "unknown-flag",
                f"unknown flag: {spelled}",
                "FORM-07",
                hint=_flag_hint(instruction, spelled),
            )
        if spelled[2:] in used and kind != "strings":
            raise _problem("duplicate-flag", f"duplicate flag specified: {spelled}", "FORM-07")
        if (kind != "bool" and not equals) or (kind == "bool" and equals and not value):
            raise _problem("missing-flag-value", f"missing a value on flag: {spelled}", "FORM-07")
        if kind == "bool" and value.lower() not in ("", "true", "false"):
            raise _problem(
                "bad-flag-value",
                f"expecting boolean value for flag {spelled}, not: {value}",
                "FORM-07",
            )
        used[spelled[2:]] = value
    return used


def _flag_hint(instruction: Instruction, spelled: str) -> str:
    if instruction.keyword in ("cmd", "entrypoint"):
        return (
            f"{instruction.keyword.upper()} takes no flags; to pass {spelled} to the program write "
            f'exec form, ["program", "{spelled}"], or put -- before it'
        )
    return "check the spelling, and whether this builder version has the flag"


def _exactly_one(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    del escape
    if not instruction.text:
        raise _problem(
            "wrong-argument-count", f"{instruction.keyword.upper()} requires exactly one argument"
        )
    if instruction.keyword != "stopsignal":
        _flags(instruction, grammar)


def _at_least_one(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    del escape
    if not instruction.text:
        raise _problem(
            "wrong-argument-count", f"{instruction.keyword.upper()} requires at least one argument"
        )
    _flags(instruction, grammar)


def _volume(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    if not arguments(instruction, escape):
        raise _problem("wrong-argument-count", "VOLUME requires at least one argument")
    _flags(instruction, grammar)
    if any(not item.strip(SPACE) for item in arguments(instruction, escape)):
        raise _problem("blank-volume", "VOLUME specified can not be an empty string")


def _pairs(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    _flags(instruction, grammar)
    keyword = instruction.keyword.upper()
    words = arguments(instruction, escape)
    if not words:
        raise _problem("wrong-argument-count", f"{keyword} requires at least one argument")
    if grammar.blank_names == "rejected" and not all(words[::2]):
        raise _problem("blank-name", f"{keyword} names can not be blank")


def _arg(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    words = arguments(instruction, escape)
    if not words:
        raise _problem("wrong-argument-count", "ARG requires at least one argument")
    if len(words) > 1 and not grammar.multiple_args:
        raise _problem("wrong-argument-count", "ARG requires exactly one argument")
    if grammar.blank_names == "rejected" and any(word.startswith("=") for word in words):
        raise _problem("blank-name", "ARG names can not be blank")


def _copy(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    keyword = instruction.keyword.upper()
    words = arguments(instruction, escape)
    if len(words) < 2:
        raise _problem(
            "wrong-argument-count",
            f"{keyword} requires at least two arguments, but only one was provided. "
            "Destination could not be determined",
        )
    _flags(instruction, grammar)
    try:
        marker = (
            grammar.heredocs
            and grammar.heredoc_destination == "rejected"
            and heredoc_of(words[-1], grammar)
        )
    except ExpansionError:
        marker = None
    if marker:
        raise _problem("heredoc-destination", f"{keyword} cannot accept a heredoc as a destination")


def _run(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    del escape
    _flags(instruction, grammar)


def _entrypoint(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    _run(instruction, grammar, escape)
    if grammar.empty_entrypoint == "rejected" and instruction.items in (None, ()):
        if instruction.text and instruction.items is None:
            return
        raise _problem("wrong-argument-count", "ENTRYPOINT requires at least one argument")


def _shell(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    del escape
    _flags(instruction, grammar)
    if not instruction.text or instruction.items == ():
        raise _problem("shell-empty", "SHELL requires at least one argument", "FORM-16")
    if instruction.items is None:
        raise _problem(
            "shell-not-json",
            "SHELL requires the arguments to be in JSON form",
            "FORM-16",
            hint='write SHELL ["/bin/bash", "-c"]',
        )


def _onbuild(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    del escape
    trigger = instruction.trigger
    if trigger is None:
        raise _problem("wrong-argument-count", "ONBUILD requires at least one argument", "BUILD-11")
    _flags(instruction, grammar)
    word = trigger.name.upper()
    if word == "ONBUILD":
        raise _problem(
            "forbidden-trigger", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", "BUILD-11"
        )
    if word in ("FROM", "MAINTAINER"):
        raise _problem(
            "forbidden-trigger", f"{word} isn't allowed as an ONBUILD trigger", "BUILD-11"
        )


def _from(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    words = arguments(instruction, escape)
    if len(words) == 3 and words[1].casefold() == "as":
        if grammar.stage_name == "checked" and not _STAGE_NAME.match(lower(words[2])):
            raise _problem(
                "bad-stage-name",
                f'invalid name for build stage: "{words[2]}", name can\'t start with a number or '
                "contain symbols",
                "BUILD-09",
            )
    elif len(words) != 1:
        raise _problem(
            "from-arguments",
            "FROM requires either one or three arguments",
            "BUILD-09",
            hint="write FROM IMAGE or FROM IMAGE AS NAME; a comment needs a line of its own",
        )
    if grammar.from_flags == "checked":
        _flags(instruction, grammar)


def _healthcheck(instruction: Instruction, grammar: Grammar, escape: str) -> None:
    del escape
    kind, command = healthcheck_command(instruction.text)
    kind = kind.upper()
    if not kind:
        raise _problem("wrong-argument-count", "HEALTHCHECK requires at least one argument")
    if kind == "NONE":
        if command:
            raise _problem("wrong-argument-count", "HEALTHCHECK NONE takes no arguments")
        return
    flags = _flags(instruction, grammar)
    if kind != "CMD":
        raise _problem("unknown-healthcheck", f'Unknown type "{kind}" in HEALTHCHECK (try CMD)')
    if not command or instruction.items == ():
        raise _problem("wrong-argument-count", "Missing command after HEALTHCHECK CMD")
    for name, value in flags.items():
        if name == "retries":
            _check_retries(value)
        elif value:
            _check_duration(name, value, grammar)


def _check_retries(value: str) -> None:
    if not value:
        return
    match = re.fullmatch(r"([-+]?)0*([0-9]{1,10})", value)
    number = int(match.group(1) + match.group(2)) if match else _INT32
    if not -_INT32 <= number < _INT32:
        raise _problem("bad-flag-value", f"--retries takes a whole number, not {value}", "FORM-07")
    if number < 0:
        raise _problem("bad-flag-value", f"--retries cannot be negative ({value})", "FORM-07")


def _check_duration(name: str, value: str, grammar: Grammar) -> None:
    if value in ("0", "+0", "-0") and grammar.intervals == "millisecond":
        return
    nanoseconds = 0
    if value not in ("0", "+0", "-0"):
        nanoseconds = _nanoseconds(value) if _DURATION.match(value) else _INT64
    if nanoseconds >= _INT64:
        raise _problem(
            "bad-flag-value",
            f'time: invalid duration "{value}"',
            "FORM-07",
            hint=f"write --{name}=30s",
        )
    if grammar.intervals == "positive":
        if not nanoseconds or value.startswith("-"):
            raise _problem("bad-flag-value", f'Interval "{name}" must be positive', "FORM-07")
        return
    if nanoseconds and (value.startswith("-") or nanoseconds < 10**6):
        raise _problem("bad-flag-value", f'Interval "{name}" cannot be less than 1ms', "FORM-07")


def _nanoseconds(duration: str) -> int:
    """Without the sign; `_INT64` or more when it does not fit. Digits past the 18th do not count."""
    total = 0
    for whole, fraction, unit in _DURATION_PART.findall(duration):
        digits = whole.lstrip("0")
        if len(digits) > 19:
            return _INT64
        scale = _NANOSECONDS[unit]
        total += int(digits or "0") * scale
        total += int(fraction[:18] or "0") * scale // 10 ** len(fraction[:18])
    return total


_INT32 = 2**31
_INT64 = 2**63
_CHECKS: dict[str, Callable[[Instruction, Grammar, str], None]] = {
    "add": _copy,
    "arg": _arg,
    "cmd": _run,
    "copy": _copy,
    "entrypoint": _entrypoint,
    "env": _pairs,
    "expose": _at_least_one,
    "from": _from,
    "healthcheck": _healthcheck,
    "label": _pairs,
    "maintainer": _exactly_one,
    "onbuild": _onbuild,
    "run": _run,
    "shell": _shell,
    "stopsignal": _exactly_one,
    "user": _exactly_one,
    "volume": _volume,
    "workdir": _exactly_one,
}
