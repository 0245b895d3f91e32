"""How Compose splits a string into words: quotes and backslashes count, nothing is evaluated.

An unquoted `;`, `&`, `|`, `<` or `>` silently ends the list (and takes a number that stands right
before `>` with it). A backslash outside single quotes makes the next character plain, `n`
and `t` too (newer releases of the library read them as a newline and a tab; no Compose that was seen
does). `$(...)` and backquotes are one piece of a word, kept as written.

Source: mattn/go-shellwords shellwords.go (Parse), as compose-go calls it; observed on Compose 2.26.1
and 2.40.3.
"""

from __future__ import annotations

from entrysem.errors import InputError

__all__ = ["shellwords"]

_BLANKS = " \t\r\n"


def shellwords(text: str) -> tuple[str, ...]:
    """The words of `text`; none for an empty text.

    Raises:
        InputError: a quote, a backslash or a substitution is not closed, or a parenthesis stands
            alone.
    """
    words: list[str] = []
    word = ""
    got = escaped = False
    quote = ""
    for char in text:
        if escaped:
            escaped = False
            word += "\\" + char if quote in ("`", ")") else char
            got = True
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote == ")" and char == "(":
            raise _refused(text, "a substitution cannot hold a parenthesis")
        elif quote:
            closing = char == quote
            if closing:
                quote = ""
            got = got or not closing or char in "'\""
            if not closing or char in "`)":
                word += char
                got = got or closing
        elif char in _BLANKS:
            if got:
                words.append(word)
            word, got = "", False
        elif char in "'\"":
            quote = char
        elif char == "`":
            quote, word, got = "`", word + char, True
        elif char == "(" and word.endswith("$") and not word.endswith("\\$"):
            quote, word = ")", word + char
        elif char in "()":
            raise _refused(text, "quote the parenthesis")
        elif char in ";&|<>":
            if char == ">" and word.isascii() and word.isdigit():
                got = False
            break
        else:
            word, got = word + char, True
    if got:
        words.append(word)
    if quote or escaped:
        raise _refused(text, "a quote, a backslash or a substitution is not closed")
    return tuple(words)


def _refused(text: str, hint: str) -> InputError:
    return InputError(
        "bad-command-line",
        f"invalid command line string: {text!r}",
        where="--entrypoint",
        hint=hint,
    )
