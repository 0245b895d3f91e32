"""How .NET splits the one text that a process' arguments are handed over in, on Linux.

GitHub's runner starts `docker` with such a text. Double quotes group, and nothing else does; a backslash
counts only before a double quote: two are one, and an odd one makes the quote plain. Two quotes inside
quotes are one quote. There are no single quotes and no variables.

Source: dotnet/runtime 01c405cb677c7b0bda2b241900cc2fc18905ecd4 src/libraries/System.Diagnostics.Process/
src/System/Diagnostics/Process.Unix.cs (ParseArgumentsIntoList, GetNextArgument).
"""

from __future__ import annotations

__all__ = ["dotnet_words"]


def dotnet_words(text: str) -> tuple[str, ...]:
    """The words. A quote that is not closed ends with the text."""
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        word, at = _word(text, at)
        words.append(word)
        at += 1
    return tuple(words)


def _word(text: str, at: int) -> tuple[str, int]:
    word: list[str] = []
    quoted = False
    while at < len(text):
        start = at
        while at < len(text) and text[at] == "\\":
            at += 1
        count = at - start
        if count:
            if text[at : at + 1] != '"':
                word.append("\\" * count)
            else:
                word.append("\\" * (count // 2))
                if count % 2:
                    word.append('"')
                    at += 1
            continue
        char = text[at]
        if char == '"':
            if quoted and text[at + 1 : at + 2] == '"':
                word.append('"')
                at += 1
            else:
                quoted = not quoted
        elif char in " \t" and not quoted:
            break
        else:
            word.append(char)
        at += 1
    return "".join(word), at
