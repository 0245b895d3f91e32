r"""The patterns of a `.gitignore`, as Git matches them: one entry of a folder at a time.

A pattern without `/`, but for one at its end, is held against the last part of a path; any other
against the whole path below the folder that the patterns belong to. `!` takes back, a `/` at the end
asks for a folder. `*` and `?` never match a `/`; `**` does as a whole part of the pattern (`**/x`,
`x/**`, `x/**/y`), and is a `*` elsewhere. A backslash makes the next character plain. What Git cannot
read matches nothing.

A pattern matches the entry itself and never what is below it: Git enters no folder that it ignores, and
so does a walk. That is why this is not left to a library: pathspec asks each file about all patterns at
once and cannot tell `!*/`, which takes back folders, from one that takes back the files in them.

Source: git wildmatch.c (dowild, with WM_PATHNAME); git dir.c (parse_path_pattern, trim_trailing_spaces,
last_matching_pattern_from_list); Documentation/gitignore.adoc.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Patterns", "translated"]

#: The names between `[:` and `:]`, of ASCII as in Git's C locale.
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class _Pattern(NamedTuple):
    matches: re.Pattern[str]
    negated: bool
    folders_only: bool
    last_part_only: bool


class Patterns:
    """The patterns of one folder."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [pattern for line in lines if (pattern := _read(line)) is not None]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """Whether the last pattern that matches says yes; None when none matches.

        Args:
            path: of the entry, from the folder of the patterns, with `/`.
            folder: whether the entry is one.
        """
        name = path.rpartition("/")[2]
        for pattern in reversed(self._patterns):
            if pattern.folders_only and not folder:
                continue
            if pattern.matches.fullmatch(name if pattern.last_part_only else path):
                return not pattern.negated
        return None

    def covers(self, path: str) -> bool:
        """Whether the file is matched, or one of the folders that it lies in."""
        at = path.find("/")
        while at >= 0:
            if self.verdict(path[:at], folder=True):
                return True
            at = path.find("/", at + 1)
        return bool(self.verdict(path, folder=False))


def _read(line: str) -> _Pattern | None:
    text = _trimmed(line)
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[1:] if negated else text
    folders_only = text.endswith("/")
    text = text[:-1] if folders_only else text
    last_part_only = "/" not in text
    regex = translated(text.removeprefix("/"))
    if regex is None or not text:
        return None
    return _Pattern(re.compile(regex, re.DOTALL), negated, folders_only, last_part_only)


def _trimmed(line: str) -> str:
    """Without the spaces at its end, but for one behind a backslash."""
    text = line.rstrip(" ")
    cut = len(line) - len(text)
    slashes = len(text) - len(text.rstrip("\\"))
    return text + " " if cut and slashes % 2 else text


def translated(glob: str) -> str | None:
    """The regular expression of a glob; None when it matches nothing."""
    made = []
    at, end = 0, len(glob)
    while at < end:
        char = glob[at]
        at += 1
        if char == "*":
            start = at - 1
            while at < end and glob[at] == "*":
                at += 1
            whole = (
                at - start > 1
                and (start == 0 or glob[start - 1] == "/")
                and (at == end or glob.startswith(("/", "\\/"), at))
            )
            if not whole:
                made.append("[^/]*")
            elif at == end:
                made.append(".*")
            else:
                at += 1 + (glob[at] == "\\")  # `**/` may be no folder at all
                made.append("(?:.*/)?")
        elif char == "?":
            made.append("[^/]")
        elif char == "\\":
            if at == end:
                return None
            made.append(re.escape(glob[at]))
            at += 1
        elif char == "[":
            found = _bracket(glob, at)
            if found is None:
                return None
            regex, at = found
            made.append(regex)
        else:
            made.append(re.escape(char))
    return "".join(made)


def _bracket(glob: str, at: int) -> tuple[str, int] | None:
    """The regular expression of a bracket that begins before `at`, and where it ends; None: no end."""
    inverted = glob[at : at + 1] in ("!", "^")
    at += inverted
    start, members = at, []
    while True:
        if at >= len(glob):
            return None
        char = glob[at]
        if char == "]" and at > start:
            break
        if glob.startswith("[:", at):
            close = glob.find(":]", at)
            name = glob[at + 2 : close] if close >= 0 else ""
            if name not in _CLASSES:
                return None
            members.append(_CLASSES[name])
            at = close + 2
            continue
        first, at = _member(glob, at)
        last = first
        if first is None:
            return None
        if glob.startswith("-", at) and at + 1 < len(glob) and glob[at + 1] != "]":
            last, at = _member(glob, at + 1)
            if last is None:
                return None
        if last is not None and first <= last:
            members.append(f"{re.escape(first)}-{re.escape(last)}")
    inside = "".join(members)
    if inverted:
        return f"(?!/)[^{inside}]" if inside else "[^/]", at + 1
    return f"(?!/)[{inside}]" if inside else "(?!)", at + 1


def _member(glob: str, at: int) -> tuple[str | None, int]:
    """A character of a bracket, and where the next begins."""
    if glob[at] != "\\":
        return glob[at], at + 1
    return (glob[at + 1], at + 2) if at + 1 < len(glob) else (None, at + 1)
