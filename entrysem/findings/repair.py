"""A text that was meant as an exec form and is none: what would make it one.

The reader goes through the text as a person does: quotes of any kind are quotes, a comma that is missing
between two strings is seen, a bracket that is missing at an end too. It collects the smallest changes
that make the text an array. Where a person would have to guess, it gives up: a variable, several bare
words, a quote that is missing in the middle.
"""

from __future__ import annotations

import re

from entrysem.dockerfile.execform import ExecArray, read_array
from entrysem.findings.edits import Change
from entrysem.late import late

__all__ = ["is_test_command", "repaired"]

_BLANK = late(r"[ \t\r\n\u00a0]*")
_BARE = late(r"[\w./:@%+=-]+", re.ASCII)
_CURLY = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"
_VALID_ESCAPE = late(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_ESCAPE = late(r"\\(.?)", re.DOTALL)
#: `[ -f x ] && y`: the shell's own command of that name. Its words are apart from the brackets.
_TEST = late(
    r"\[\[?\s+(?:!\s+|-[a-zA-Z]\s|\"?\$|`|(?:\"[^\"]*\"|'[^']*'|[^\s,\"'\]]+)\s+"
    r"(?:=|==|!=|=~|-(?:eq|ne|lt|le|gt|ge|ef|nt|ot))\s)"
)


class _GivesUpError(Exception):
    pass


def is_test_command(text: str) -> bool:
    """Whether text that starts with `[` calls the shell's test command, and was meant to."""
    return _TEST.match(text) is not None


def repaired(text: str) -> list[Change] | None:
    """The changes that make an array of strings of `text`; None when that would be a guess."""
    changes: list[Change] = []
    try:
        _array(text, changes)
    except _GivesUpError:
        return None
    after = changed(text, changes)
    array = read_array(after, "shell-form")
    return changes if changes and isinstance(array, ExecArray) and array.items else None


def changed(text: str, changes: list[Change]) -> str:
    """The text with the changes made."""
    pieces: list[str] = []
    at = 0
    for start, end, new in changes:
        pieces += (text[at:start], new)
        at = end
    return "".join((*pieces, text[at:]))


def _array(text: str, changes: list[Change]) -> None:
    at = 1 if text.startswith("[") else 0
    if not at:
        if not text.endswith("]"):
            raise _GivesUpError
        changes.append(Change(0, 0, "["))
    comma: int | None = None
    count = 0
    while True:
        at = _blank(text, at, changes)
        if text.startswith("]", at):
            if comma is not None:
                changes.append(Change(comma, comma + 1, ""))
            if at + 1 < len(text):
                raise _GivesUpError
            changes.sort()
            return
        if at >= len(text):
            if comma is not None or not count:
                raise _GivesUpError
            changes.append(Change(len(text), len(text), "]"))
            return
        if text[at] == "," and comma is not None:
            changes.append(Change(at, at + 1, ""))
            at += 1
            continue
        end = _element(text, at, changes)
        count += 1
        at = _blank(text, end, changes)
        comma = None
        if text.startswith(",", at):
            comma = at
            at += 1
        elif text.startswith('"', at) and text[end - 1] == '"' and at > end:
            changes.append(Change(end, end, ","))
        elif at < len(text) and text[at] != "]":
            raise _GivesUpError


def _blank(text: str, at: int, changes: list[Change]) -> int:
    match = _BLANK.match(text, at)
    assert match is not None
    changes += [
        Change(index, index + 1, " ") for index in range(at, match.end()) if text[index] == "\u00a0"
    ]
    return match.end()


def _element(text: str, at: int, changes: list[Change]) -> int:
    """Reads one element; returns the offset past it."""
    char = text[at]
    if char == '"' or char in _CURLY:
        return _string(text, at, changes)
    if char == "'":
        return _single_quoted(text, at, changes)
    match = _BARE.match(text, at)
    if match is None:
        raise _GivesUpError
    changes += [Change(at, at, '"'), Change(match.end(), match.end(), '"')]
    return match.end()


def _single_quoted(text: str, at: int, changes: list[Change]) -> int:
    end = text.find("'", at + 1)
    inner = text[at + 1 : end]
    if end < 0 or "\\" in inner:
        raise _GivesUpError
    changes.append(Change(at, at + 1, '"'))
    changes += [
        Change(at + 1 + index, at + 2 + index, '\\"')
        for index, char in enumerate(inner)
        if char == '"'
    ]
    changes.append(Change(end, end + 1, '"'))
    return end + 1


def _string(text: str, start: int, changes: list[Change]) -> int:
    """A string in plain or curly double quotes, or a curly pair of single ones."""
    if text[start] != '"':
        changes.append(Change(start, start + 1, '"'))
    at = start + 1
    controls: list[Change] = []
    while at < len(text) and text[at] != '"' and text[at] not in _CURLY:
        if text[at] == "\t":
            controls.append(Change(at, at + 1, "\\t"))
        elif text[at] < " ":
            raise _GivesUpError
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        # No closing quote: it is missing at the very end, before the bracket.
        inner = text[start + 1 :]
        if not inner.endswith("]") or len(inner) < 2 or set(inner) & set(',"\\'):
            raise _GivesUpError
        at = len(text) - len("]") - (len(inner[:-1]) - len(inner[:-1].rstrip(" \t")))
        changes += [*controls, Change(at, at, '"')]
        return at
    changes += sorted([*controls, *_escapes(text, start + 1, at)])
    if text[at] != '"':
        changes.append(Change(at, at + 1, '"'))
    return at + 1


def _escapes(text: str, start: int, end: int) -> list[Change]:
    """Doubles the backslashes of a path that JSON does not take as it is."""
    inner = text[start:end]
    found = list(_ESCAPE.finditer(inner))
    if all(_VALID_ESCAPE.match(inner, match.start()) for match in found):
        return []
    path = inner[1:3] == ":\\" or not any(char.isspace() for char in inner)
    for match in found:
        letter = match.group(1)
        if not (letter.isalnum() or letter in "._-") or (letter in "bfnrtu" and not path):
            raise _GivesUpError
    return [Change(start + match.start(), start + match.start() + 1, "\\\\") for match in found]
