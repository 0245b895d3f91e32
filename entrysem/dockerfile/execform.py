"""Is it exec form? The decision, as Go's `encoding/json` makes it.

BuildKit hands the text after CMD, ENTRYPOINT, SHELL, RUN, ADD, COPY, VOLUME and HEALTHCHECK CMD to
`json.Unmarshal` into a list of anything, and then looks at what came out:

1. the text does not start with `[`: not exec form;
2. it is not JSON, or holds a number that overflows a 64-bit float: not exec form, the text is kept;
3. some element is not a string: the build fails;
4. otherwise: exec form.

Python's `json` decides differently (NaN, lone surrogates, raw bytes that are not UTF-8), so the
grammar is written out here. Bytes that are not UTF-8 arrive as the lone surrogates U+DC80..U+DCFF of
Python's `surrogateescape`; in a decoded string each becomes U+FFFD, as in Go.

Source: moby/buildkit frontend/dockerfile/parser/line_parsers.go (parseJSON, parseMaybeJSON) and
Go's src/encoding/json/{scanner,decode}.go.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from entrysem.late import late

__all__ = ["ExecArray", "NotExec", "NotStrings", "Reason", "read_array"]

_MAX_DEPTH = 10_000

_STRING = r'"[^"\\\x00-\x1f]*"'
_PLAIN = late(rf"\[[ \t\r\n]*(?:{_STRING}[ \t\r\n]*(?:,[ \t\r\n]*{_STRING}[ \t\r\n]*)*)?\]\Z")
_PLAIN_ITEMS = late(r'"([^"]*)"')

_BLANK = late(r"[ \t\r\n]*")
_NUMBER = late(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING_RUN = late(r'[^"\\\x00-\x1f]*')
_HEX4 = late(r"[0-9a-fA-F]{4}")
_SURROGATES = late(r"[\ud800-\udfff]")
_SIMPLE_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}


class Reason:
    """Why a text that starts with `[` is not exec form, as a sentence for a person."""

    SINGLE_QUOTES: Final = "JSON strings take double quotes, not single quotes"
    CURLY_QUOTES: Final = "typographic quotes are not JSON quotes; use plain double quotes"
    UNQUOTED: Final = "every element must be a string in double quotes"
    TRAILING_COMMA: Final = "JSON allows no comma after the last element"
    MISSING_COMMA: Final = "elements must be separated by a comma"
    EMPTY_ELEMENT: Final = "there is nothing between two commas"
    UNCLOSED_STRING: Final = "a string has no closing quote"
    UNCLOSED_ARRAY: Final = "the closing ] is missing"
    BAD_ESCAPE: Final = (
        'not a JSON escape: after \\ only " \\ / b f n r t u may follow; double the backslash'
    )
    CONTROL_CHARACTER: Final = (
        "a raw control character cannot stand in a JSON string; write it as an escape"
    )
    BAD_NUMBER: Final = "not a JSON value"
    NUMBER_OVERFLOW: Final = (
        "the number does not fit a 64-bit float, so the whole array is not decoded"
    )
    TOO_DEEP: Final = "nested deeper than 10,000 levels"
    TEXT_AFTER: Final = "text follows the closing ]"
    BAD_SYNTAX: Final = "not JSON"


class ExecArray(NamedTuple):
    """Exec form. `items`: the decoded strings. `end`: offset just past `]`; text may follow it.

    `decoded` says that some element differs from its spelling (an escape, or bytes that are no
    UTF-8).
    """

    items: tuple[str, ...]
    end: int
    decoded: bool = False


class NotExec(NamedTuple):
    """Not exec form. `reason`: one of `Reason`. `offset`: where in the text the decoder gave up."""

    reason: str
    offset: int


class NotStrings(NamedTuple):
    """JSON, but an element is no string. `kind`: what it is; `offset`: where it starts."""

    kind: Literal["number", "boolean", "null", "array", "object"]
    offset: int


class _SyntaxError(Exception):
    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


def read_array(
    text: str, text_after: Literal["shell-form", "dropped"]
) -> ExecArray | NotExec | NotStrings:
    """Decide the form of `text`, which starts with `[`.

    Args:
        text: the arguments of the instruction, trimmed; bytes that are not UTF-8 as
            `surrogateescape` surrogates.
        text_after: `shell-form` where text after the array makes the whole line shell form,
            `dropped` where the decoder stops at the array's end (BuildKit before 0.15).

    Returns:
        the decision; never raises.
    """
    if _PLAIN.match(text) and (text.isascii() or not _SURROGATES.search(text)):
        return ExecArray(tuple(_PLAIN_ITEMS.findall(text)), len(text))
    scanner = _Scanner(text)
    try:
        end = scanner.scan()
    except _SyntaxError as error:
        return NotExec(error.reason, error.offset)
    if text_after == "shell-form":
        after = _skip(text, end)
        if after < len(text):
            return NotExec(Reason.TEXT_AFTER, after)
    if scanner.overflow is not None:
        return NotExec(Reason.NUMBER_OVERFLOW, scanner.overflow)
    if scanner.other is not None:
        return scanner.other
    return ExecArray(tuple(scanner.items), end, scanner.decoded)


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    assert match is not None
    return match.end()


class _Scanner:
    """Checks one JSON array, without recursion, and collects the strings of its first level."""

    __slots__ = ("decoded", "items", "other", "overflow", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.items: list[str] = []
        self.decoded = False
        self.other: NotStrings | None = None
        self.overflow: int | None = None

    def scan(self) -> int:
        """Offset just past the array's `]`; raises `_SyntaxError` as Go's scanner would."""
        text = self.text
        closers = ["]"]
        at = _skip(text, 1)
        if text.startswith("]", at):
            return at + 1
        while True:
            if at >= len(text):
                raise _SyntaxError(Reason.UNCLOSED_ARRAY, at)
            if closers[-1] == "}":
                at = self._key(at)
            opened, at = self._value(at, len(closers))
            if opened:
                if len(closers) >= _MAX_DEPTH:
                    raise _SyntaxError(Reason.TOO_DEEP, at - 1)
                at = _skip(text, at)
                if not text.startswith(opened, at):
                    closers.append(opened)
                    continue
                at += 1
            at = self._close(at, closers)
            if not closers:
                return at

    def _close(self, at: int, closers: list[str]) -> int:
        """After a value: past a comma, or past as many closers as follow."""
        text = self.text
        while closers:
            at = _skip(text, at)
            if at >= len(text):
                raise _SyntaxError(Reason.UNCLOSED_ARRAY, at)
            if text[at] == ",":
                comma = at
                at = _skip(text, at + 1)
                if text.startswith(closers[-1], at):
                    raise _SyntaxError(Reason.TRAILING_COMMA, comma)
                if text.startswith(",", at):
                    raise _SyntaxError(Reason.EMPTY_ELEMENT, at)
                return at
            if text[at] != closers[-1]:
                raise _SyntaxError(self._after_value(at), at)
            at += 1
            closers.pop()
        return at

    def _after_value(self, at: int) -> str:
        return _QUOTES.get(self.text[at], Reason.MISSING_COMMA)

    def _key(self, at: int) -> int:
        text = self.text
        if not text.startswith('"', at):
            raise _SyntaxError(Reason.BAD_SYNTAX, at)
        at = _skip(text, self._string(at, keep=False))
        if not text.startswith(":", at):
            raise _SyntaxError(Reason.BAD_SYNTAX, at)
        at = _skip(text, at + 1)
        if at >= len(text):
            raise _SyntaxError(Reason.UNCLOSED_ARRAY, at)
        return at

    def _value(self, at: int, depth: int) -> tuple[str, int]:
        """Reads a scalar, or says which closer an opened array or object needs."""
        text = self.text
        char = text[at]
        top = depth == 1
        if char == '"':
            return "", self._string(at, keep=top)
        if char in "[{":
            self._not_string("array" if char == "[" else "object", at, top)
            return "]" if char == "[" else "}", at + 1
        for word, kind in _WORDS:
            if text.startswith(word, at):
                self._not_string(kind, at, top)
                return "", at + len(word)
        number = _NUMBER.match(text, at)
        if number:
            if float(number.group()) in _INFINITIES:
                self.overflow = at if self.overflow is None else self.overflow
            self._not_string("number", at, top)
            return "", number.end()
        raise _SyntaxError(self._no_value(at), at)

    def _no_value(self, at: int) -> str:
        char = self.text[at]
        if char in _QUOTES:
            return _QUOTES[char]
        if char == ",":
            return Reason.EMPTY_ELEMENT
        if char == "-" or char.isdigit():
            return Reason.BAD_NUMBER
        return Reason.UNQUOTED

    def _not_string(
        self, kind: Literal["number", "boolean", "null", "array", "object"], at: int, top: bool
    ) -> None:
        if top and self.other is None:
            self.other = NotStrings(kind, at)

    def _string(self, start: int, *, keep: bool) -> int:
        """Reads the string that opens at `start`; returns the offset past its closing quote."""
        text = self.text
        pieces: list[str] = []
        at = start + 1
        while True:
            run = _STRING_RUN.match(text, at)
            assert run is not None
            pieces.append(run.group())
            at = run.end()
            if at >= len(text):
                raise _SyntaxError(Reason.UNCLOSED_STRING, start)
            char = text[at]
            if char == '"':
                break
            if char != "\\":
                raise _SyntaxError(Reason.CONTROL_CHARACTER, at)
            self.decoded = True
            at = self._escape(at, pieces)
        if keep:
            value = "".join(pieces)
            replaced = _SURROGATES.sub("�", value)
            self.decoded = self.decoded or replaced != value
            self.items.append(replaced)
        return at + 1

    def _escape(self, at: int, pieces: list[str]) -> int:
        """Decodes the escape at `at`; a surrogate without its partner is U+FFFD."""
        text = self.text
        letter = text[at + 1 : at + 2]
        if letter in _SIMPLE_ESCAPES:
            pieces.append(_SIMPLE_ESCAPES[letter])
            return at + 2
        if letter != "u" or not _HEX4.match(text, at + 2):
            if not letter:
                raise _SyntaxError(Reason.UNCLOSED_STRING, at)
            raise _SyntaxError(Reason.BAD_ESCAPE, at)
        unit = int(text[at + 2 : at + 6], 16)
        if not 0xD800 <= unit <= 0xDFFF:
            pieces.append(chr(unit))
            return at + 6
        if unit < 0xDC00 and text.startswith("\\u", at + 6) and _HEX4.match(text, at + 8):
            low = int(text[at + 8 : at + 12], 16)
            if 0xDC00 <= low <= 0xDFFF:
                pieces.append(chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)))
                return at + 12
        pieces.append("�")
        return at + 6


_INFINITIES = (float("inf"), float("-inf"))
_WORDS: tuple[tuple[str, Literal["boolean", "null"]], ...] = (
    ("true", "boolean"),
    ("false", "boolean"),
    ("null", "null"),
)
_QUOTES = {
    "'": Reason.SINGLE_QUOTES,
    "\u2018": Reason.CURLY_QUOTES,
    "\u2019": Reason.CURLY_QUOTES,
    "\u201c": Reason.CURLY_QUOTES,
    "\u201d": Reason.CURLY_QUOTES,
}
