"""Shell scripts that are a program and its words and nothing else, and how to write them as exec form.

Only what every shell reads alike, and what needs no shell at all, is plain: no variable, no pattern, no
second command, no word that the shell itself would carry out.
"""

from __future__ import annotations

import json
import re

from entrysem.findings.edits import Change
from entrysem.late import late
from entrysem.render.visible import visible

__all__ = ["exec_changes", "json_piece", "plain_words", "quoted"]

_WORD = late(
    r"(?P<bare>[\w./:@%+=,-]+)|(?P<double>\"[^\"\\$`!\x00-\x1f]*\")|(?P<single>'[^'\"\\\x00-\x1f]*')",
    re.ASCII,
)
_BLANKS = late(r"[ \t]+")
#: What the shell does itself, or would take as no word: a program of that name may not exist.
_OWN = frozenset(
    (
        ". : [ alias bg break case cd command continue do done elif else esac eval exec exit export fc "
        "fg fi for function getopts hash if in jobs let local popd pushd read readonly return select set "
        "shift source then time times trap type typeset ulimit umask unalias unset until wait while"
    ).split()
)


def plain_words(script: str) -> tuple[str, ...] | None:
    """The words of a plain script; None when it is not plain."""
    found = _scan(script)
    return None if found is None else tuple([text.strip("\"'") for _, _, text in found])


def exec_changes(script: str) -> list[Change] | None:
    """The changes that make exec form of a plain script, blanks and line breaks kept; or None."""
    found = _scan(script)
    if found is None:
        return None
    changes: list[Change] = []
    for index, (start, end, text) in enumerate(found):
        opening = "[" if index == 0 else ""
        closing = "]" if index == len(found) - 1 else ","
        if text[0] == '"':
            if opening:
                changes.append(Change(start, start, opening))
            changes.append(Change(end, end, closing))
        elif text[0] == "'":
            changes.append(Change(start, start + 1, f'{opening}"'))
            changes.append(Change(end - 1, end, f'"{closing}'))
        else:
            changes.append(Change(start, start, f'{opening}"'))
            changes.append(Change(end, end, f'"{closing}'))
    return changes


def _scan(script: str) -> list[tuple[int, int, str]] | None:
    found: list[tuple[int, int, str]] = []
    at = 0
    while at < len(script):
        match = _WORD.match(script, at)
        if match is None:
            return None
        found.append((at, match.end(), match.group()))
        at = match.end()
        blanks = _BLANKS.match(script, at)
        if blanks is None:
            break
        at = blanks.end()
    if at < len(script) or not found:
        return None
    first = found[0][2]
    if "=" in first or first.strip("\"'") in _OWN or not first.strip("\"'"):
        return None
    return found


def quoted(word: str, limit: int = 60) -> str:
    """A word as JSON, safe to show and cut where it is long."""
    text = visible(json.dumps(word, ensure_ascii=False))
    return text if len(text) <= limit else text[: limit - 4] + '..."'


def json_piece(text: str) -> str:
    """`text` as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
