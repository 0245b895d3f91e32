"""Parser directives: `# syntax=`, `# escape=`, `# check=` at the top of the file.

A directive block is the run of `# name=value` lines that opens the file. It ends for good at the
first line that is anything else, an ordinary comment or a blank line included; after that
`# escape=` is a comment.

`syntax` names another frontend and is found more generously than the rest: after a shebang line, as
`// syntax=`, or in a JSON object. It does not change what *this* frontend reads, so it is only
reported (`detect_syntax`).

Source: moby/buildkit frontend/dockerfile/parser/{directives,parser}.go,
frontend/dockerfile/linter/linter.go (ParseLintOptions).
"""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple

from entrysem.dockerfile.grammar import Grammar
from entrysem.dockerfile.instructions import LineError
from entrysem.dockerfile.text import SPACE, stored
from entrysem.late import late

__all__ = ["Directive", "DirectiveBlock", "check_directive", "detect_syntax", "validate_check"]

_DIRECTIVE = late(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*\Z", re.ASCII)


class Directive(NamedTuple):
    """One directive: lower-case name, value as written, line from 1."""

    name: str
    value: str
    line: int


class DirectiveBlock:
    """Reads the block a line at a time; `open` turns False where it ends."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self.open = True
        self.escape = "\\"
        self.found: list[Directive] = []

    def read(self, line: str, number: int) -> None:
        """Takes the next physical line of the file, its left blanks and its line end removed.

        Raises:
            LineError: a directive twice, a bad escape.
        """
        match = _DIRECTIVE.match(line[1:].lstrip(SPACE)) if line.startswith("#") else None
        name = match.group(1).lower() if match else ""
        if match is None or name not in self._grammar.directives:
            self.open = False
            return
        if any(directive.name == name for directive in self.found):
            raise LineError(
                "duplicate-directive",
                f"only one {name} parser directive can be used",
                "FORM-03",
                offset=0,
                hint="remove one of the two",
            )
        value = match.group(2)
        self.found.append(Directive(name, value, number))
        if name == "escape":
            self._set_escape(value)

    def _set_escape(self, value: str) -> None:
        if self._grammar.escape_value == "first-character":
            value = value[:1]
        if value not in ("`", "\\"):
            raise LineError(
                "bad-escape",
                f"invalid escape token '{value}' does not match ` or \\",
                "FORM-03",
                offset=0,
                hint="the escape character is a backslash or a backtick",
            )
        self.escape = value


def check_directive(text: str) -> Directive | None:
    """The `# check=` of the file where the linter finds it: also after a `#!` line."""
    return _directive("check", text, "#")


def validate_check(directive: Directive) -> None:
    """Looks at the options of `# check=`.

    Raises:
        LineError: an option that the linter does not know.
    """
    value = directive.value.partition(" ")[0]
    for option in value.split(";", 2):
        key, equals, setting = option.partition("=")
        key = key.strip(SPACE)
        if equals and key in ("skip", "experimental"):
            continue
        if equals and key == "error" and setting.strip(SPACE) in _GO_BOOLEANS:
            continue
        raise LineError(
            "bad-check-option",
            f'failed to parse check options: invalid check option "{option if equals else key}"',
            "FORM-03",
            offset=0,
            hint="the options are skip=RULE,..., error=true and experimental=RULE,...",
        )


_GO_BOOLEANS = frozenset(("1 t T TRUE true True 0 f F FALSE false False").split())


_MAY_NAME_FRONTEND = ("#", "//", "{", "\ufeff", " ", "\t", "\r", "\n")


def detect_syntax(text: str) -> str | None:
    """The frontend image that the file asks for, or None.

    Looks for `# syntax=`, then `// syntax=`, then a JSON object with the key `syntax`; a BOM and a
    first line starting `#!` are skipped.
    """
    if not text.startswith(_MAY_NAME_FRONTEND) or _opens_with_comment(text):
        return None
    for comment in ("#", "//"):
        found = _directive("syntax", text, comment)
        if found is not None:
            return found.value.partition(" ")[0]
    text = text.removeprefix("\ufeff")
    if text.startswith("#!"):
        text = text.partition("\n")[2]
    if text.lstrip(" \t\r\n").startswith("{"):
        return _syntax_in_json(text)
    return None


def _opens_with_comment(text: str) -> bool:
    """Whether the first line is a comment that is no directive, as in most files."""
    return text[0] == "#" and text[1:2] != "!" and text.find("=", 0, text.find("\n")) < 0


def _directive(wanted: str, text: str, comment: str) -> Directive | None:
    """The directive `wanted` of the block that opens the file; a BOM and a `#!` line are skipped."""
    seen: set[str] = set()
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if number == 1 and line.startswith("#!"):
            continue
        if not line.startswith(comment):
            return None
        match = _DIRECTIVE.match(line.rstrip("\r").removeprefix(comment).lstrip(SPACE))
        name = match.group(1).lower() if match else ""
        if match is None or name not in ("syntax", "escape", "check") or name in seen:
            return None
        if name == wanted:
            return Directive(name, match.group(2), number)
        seen.add(name)
    return None


def _syntax_in_json(text: str) -> str | None:
    try:
        value = json.loads(text, parse_constant=_number, parse_float=_number, parse_int=_number)
    except (ValueError, RecursionError):
        return None
    found = value.get("syntax") if isinstance(value, dict) else None
    return stored(found) if isinstance(found, str) else None


def _number(text: str) -> float:
    """A JSON number as Go takes it: NaN, Infinity and what overflows are errors."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
