"""Interpolation: what stands for `$NAME` and `${NAME...}` in the texts of a Compose file and of `.env`.

    $$                    one $
    $X ${X}               the value; blank, with a warning, when there is none
    ${X:-d} ${X-d}        d when X is unset (with the colon: or empty)
    ${X:+r} ${X+r}        r when X is set (with the colon: and not empty)
    ${X:?e} ${X?e}        an error with the text e when X is unset (with the colon: or empty)

d, r and e are interpolated in turn. A `$` before anything else but `{` is itself; `${` that begins
none of these is an error. Braces inside d, r and e are counted, and a text whose braces do not match
reaches to the last `}` of its line.

Source: compose-spec/compose-go v2.9.1 template/template.go; observed on Compose 2.26.1 and 2.40.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from entrysem.errors import InputError
from entrysem.late import late

__all__ = ["Interpolated", "interpolate"]

Lookup = Callable[[str], str | None]

#: Deeper nesting than this is no configuration; Python's own stack must not be met.
_DEEPEST = 50
#: An argument of a process has at most 128 KiB on Linux.
_LONGEST = 1024 * 1024

_START = late(r"\$(?:(?P<one>\$)|(?P<name>[_a-z][_a-z0-9]*)|\{)", re.IGNORECASE)
_BRACED = late(r"(?P<name>[_a-z][_a-z0-9]*)(?:(?P<end>\})|(?P<operator>:?[-+?]))", re.IGNORECASE)


class Interpolated(NamedTuple):
    """The text, and the names that were unset and had nothing to stand in for them."""

    text: str
    unset: tuple[str, ...]


def interpolate(text: str, lookup: Lookup, *, where: str) -> Interpolated:
    """`text` with its variables replaced.

    Args:
        text: as it stands in the file.
        lookup: name to value; None when there is no such variable.
        where: the place, for errors.

    Raises:
        InputError: the template is not valid, or a required variable is missing.
    """
    if "$" not in text:
        return Interpolated(text, ())
    if len(text) > _LONGEST:
        raise InputError(
            "too-large",
            f"a text with variables of more than {_LONGEST // 2**20} MiB",
            where=where,
            hint="put it into a file of its own",
        )
    unset: list[str] = []
    return Interpolated(_substituted(text, lookup, where, unset, 0), tuple(dict.fromkeys(unset)))


def _substituted(text: str, lookup: Lookup, where: str, unset: list[str], depth: int) -> str:
    if depth > _DEEPEST:
        raise InputError(
            "bad-interpolation", f"variables nested more than {_DEEPEST} deep", where=where
        )
    found: list[str] = []
    at = 0
    line_end = last_brace = -1
    while (start := _START.search(text, at)) is not None:
        found.append(text[at : start.start()])
        at = start.end()
        if start["one"]:
            found.append("$")
            continue
        if start["name"]:
            found.append(_value(start["name"], lookup, unset))
            continue
        braced = _BRACED.match(text, at)
        if braced is not None and braced["end"]:
            found.append(_value(braced["name"], lookup, unset))
            at = braced.end()
            continue
        if line_end < at:
            line_end = text.find("\n", at)
            line_end = len(text) if line_end < 0 else line_end
            last_brace = text.rfind("}", at, line_end)
        if braced is None or last_brace < braced.end():
            raise InputError(
                "bad-interpolation",
                f"invalid interpolation format: {_shown(text)}",
                where=where,
                hint="write $$ for a dollar sign",
            )
        end = _closing(text, at, last_brace)
        rest = _substituted(text[braced.end() : end], lookup, where, unset, depth + 1)
        found.append(_applied(braced["name"], braced["operator"], rest, lookup, where))
        at = end + 1
    found.append(text[at:])
    return "".join(found)


def _value(name: str, lookup: Lookup, unset: list[str]) -> str:
    value = lookup(name)
    if value is None:
        unset.append(name)
        return ""
    return value


def _applied(name: str, operator: str, rest: str, lookup: Lookup, where: str) -> str:
    value = lookup(name)
    there = bool(value) if operator[0] == ":" else value is not None
    if operator[-1] == "+":
        return rest if there else value or ""
    if operator[-1] == "-":
        return (value or "") if there else rest
    if not there:
        told = f": {rest}" if rest else ""
        raise InputError(
            "required-variable",
            f"required variable {name} is missing a value{told}",
            where=where,
            hint=f"set {name} in the environment or in .env",
        )
    return value or ""


def _closing(text: str, start: int, last: int) -> int:
    """The brace that closes the one before `start`; `last` when none does.

    What stands right behind an opening brace is not looked at, as in compose-go.
    """
    opened = 1
    at = start + 1
    while at <= last:
        char = text[at]
        if char == "}":
            opened -= 1
            if not opened:
                return at
        elif char == "{":
            opened += 1
            at += 1
        at += 1
    return last


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
