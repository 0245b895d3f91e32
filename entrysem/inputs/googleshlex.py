"""How `docker stack deploy` and `docker service create --entrypoint` split a text into words.

Blanks separate, quotes of both kinds group, a backslash makes the next character plain (in double quotes
too, whatever it is), and `#` where a word could begin starts a comment up to the end of the line.

Source: google/shlex shlex.go (scanStream), as docker/cli 28f7560 vendors it.
"""

from __future__ import annotations

__all__ = ["shlex_split"]

_BLANKS = " \t\r\n"


def shlex_split(text: str) -> tuple[str, ...]:
    """The words.

    Raises:
        ValueError: a quote or a backslash has no end; the message is the library's.
    """
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in _BLANKS:
            at += 1
        elif text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end + 1
        else:
            word, at = _word(text, at)
            words.append(word)
    return tuple(words)


def _word(text: str, at: int) -> tuple[str, int]:
    word: list[str] = []
    quote = ""
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\" and quote != "'":
            if at == len(text):
                raise ValueError("EOF found after escape character")
            word.append(text[at])
            at += 1
        elif quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in "'\"":
            quote = char
        elif char in _BLANKS:
            return "".join(word), at
        else:
            word.append(char)
    if quote:
        raise ValueError("EOF found when expecting closing quote")
    return "".join(word), at
