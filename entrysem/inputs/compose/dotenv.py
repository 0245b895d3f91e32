r"""`.env` files, as Compose reads them: `NAME=value` lines, some shell quoting, and interpolation.

    NAME=value        to the end of the line, without ` # comment`; interpolated
    NAME='value'      as it is, also over several lines; \' is a quote
    NAME="value"      the same, with \n and the like, \$ for a dollar sign, and interpolated
    NAME: value       the same as NAME=value
    export NAME=...   the same without export
    NAME              alone on its line: taken from the environment when it is there

A variable that the environment has wins over the file's, also inside the file's values.

Source: compose-spec/compose-go v2.9.1 dotenv/parser.go, godotenv.go; observed on Compose 2.26.1 and
2.40.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from entrysem.errors import InputError
from entrysem.inputs.compose.template import Lookup, interpolate
from entrysem.late import late

__all__ = ["read_dotenv"]

_BLANKS = "\t\v\f\r \x85\xa0"
#: unicode.IsSpace of Go.
_SPACES = (
    _BLANKS
    + "\n\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(chr(code) for code in range(0x2000, 0x200B))
)
_STATEMENT = late(rf"(?:[{_SPACES}]|#[^\n]*)*")
_EXPORT = late(r"export(?=[\t\n\f\r ])")
_ESCAPE = late(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_QUOTED = {quote: late(rf"{quote}((?:[^\\{quote}]|\\.)*){quote}", re.DOTALL) for quote in "'\""}
_LETTERS: Mapping[str, str] = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    '"': '"',
    "\\": "\\",
}


def read_dotenv(
    data: bytes, environment: Mapping[str, str], *, where: str, known: Mapping[str, str]
) -> dict[str, str]:
    """The variables of the file, after those of the files before it.

    Args:
        data: the file; bytes that are not UTF-8 become U+FFFD.
        environment: variables that win over the file's.
        where: what to call the file in errors.
        known: what the files before this one have.

    Raises:
        InputError: a line is no assignment, or a value cannot be interpolated.
    """
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    found = dict(known)

    def lookup(name: str) -> str | None:
        return environment[name] if name in environment else found.get(name)

    at = seen = 0
    line = 1
    while (at := _after(_STATEMENT, text, at)) < len(text):
        line, seen = line + text.count("\n", seen, at), at
        place = f"{where}:{line}"
        name, at, alone = _name(text, at, place)
        if alone:
            value = lookup(name)
            if value is not None:
                found[name] = value
            continue
        found[name], at = _value(text, at, lookup, place)
    return found


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _name(text: str, at: int, place: str) -> tuple[str, int, bool]:
    """The name that starts at `at`, where its value starts, and whether it stands alone."""
    if (export := _EXPORT.match(text, at)) is not None:
        at = export.end()
        while at < len(text) and text[at] in _BLANKS:
            at += 1
    end = at
    while end < len(text) and text[end] not in "=:\n":
        char = text[end]
        if (
            char not in _BLANKS
            and char not in "_.-[]"
            and not char.isalpha()
            and not char.isnumeric()
        ):
            raise _refused(f"unexpected character {char!r} in a variable's name", place)
        end += 1
    if end == len(text):
        # Without a line end behind it, the name is read as the value of a variable without a name.
        return "", at, False
    name = text[at:end].rstrip(_SPACES)
    if " " in name:
        raise _refused("a name cannot hold a space", place)
    alone = text[end] == "\n"
    end += 1
    while end < len(text) and text[end] in _BLANKS:
        end += 1
    return name, end, alone


def _value(text: str, at: int, lookup: Lookup, place: str) -> tuple[str, int]:
    """The value that starts at `at`, and where what follows starts."""
    quote = text[at : at + 1]
    if quote in _QUOTED:
        quoted = _QUOTED[quote].match(text, at)
        if quoted is None:
            raise _refused(f"a value's {quote} is not closed", place)
        value = quoted[1].replace("\\" + quote, quote)
        if quote == '"':
            value = interpolate(_ESCAPE.sub(_unescaped, value), lookup, where=place).text
        return value, quoted.end()
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    value = text[at:end].partition(" #")[0].rstrip(_SPACES)
    return interpolate(value, lookup, where=place).text, min(end + 1, len(text))


def _unescaped(match: re.Match[str]) -> str:
    r"""Go's strconv.UnquoteChar, which refuses \c, and octal numbers that have not three digits."""
    escape = match.group()[1:]
    if escape == "$":
        return "$$"
    if escape.startswith("0"):
        digits = escape[1:]
        if re.fullmatch(r"[0-3][0-7]{2}", digits):
            return chr(int(digits, 8))
        return match.group()
    return _LETTERS.get(escape, match.group())


def _refused(message: str, place: str) -> InputError:
    return InputError(
        "bad-env-file", message, where=place, hint="a line is NAME=value; quote what holds spaces"
    )
