"""Text from outside, made safe to show.

Whatever a Dockerfile, an image config or a command line holds can reach a terminal or a page. A control
character could clear the screen, a bidirectional mark could reorder what is read, a lone surrogate
cannot be encoded at all. `visible` spells each of them as an escape and leaves everything else alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from entrysem.late import late
from entrysem.model import Inherited, Word, Words

__all__ = ["markers", "shown_words", "visible"]

_UNSAFE = late(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\x1b"}


def visible(text: str) -> str:
    """`text` with every character that could act on a terminal or a reader spelled as an escape."""
    return _UNSAFE.sub(_escape, text) if not text.isprintable() else text


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    short = _SHORT.get(char)
    if short:
        return short
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown_word(word: Word) -> str:
    """One word as JSON, or `<Entrypoint of IMAGE>`."""
    if isinstance(word, Inherited):
        return visible(str(word))
    return visible(json.dumps(word, ensure_ascii=False))


def shown_words(words: Words | Sequence[str]) -> str:
    """A list of words as one line of JSON, unknown parts in angle brackets; `null` for None."""
    if words is None:
        return "null"
    return "[" + ", ".join([shown_word(word) for word in words]) + "]"


def markers(line: str, column: int, end_column: int) -> tuple[str, str]:
    """`line` made visible, and the line of `~` to print under the characters from `column` on.

    Columns count characters of `line` from 1, ends included.
    """
    before = visible(line[: column - 1])
    marked = visible(line[column - 1 : end_column]) or " "
    after = visible(line[end_column:])
    return before + marked + after, " " * len(before) + "^" + "~" * (len(marked) - 1)
