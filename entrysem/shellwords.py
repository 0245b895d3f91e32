"""How Compose splits a string into words: quotes and backslashes count, nothing is evaluated.

An unquoted `;`, `&`, `|`, `<` or `>` silently ends the list, and `>` takes a word with it that stands
right before it and begins with a digit. A backslash outside single quotes makes the next character
plain, `n` and `t` too (newer releases of the library read them as a newline and a tab; no Compose that
was seen does). `$(...)` and backquotes are one piece of a word, kept as written but for backslashes, and
for the quotes within backquotes; so is what stands from a lone `)` to the next.

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
    got = escaped = single = double = back = dollar = False
    for char in text:
        if escaped:
            escaped = False
            word, got = word + char, True
        elif char == "\\":
            word, escaped = (word + char, False) if single else (word, True)
        elif char in _BLANKS:
            if single or double or back or dollar:
                word += char
            elif got:
                words.append(word)
                word, got = "", False
        elif char == "'" and not (double or dollar):
            got = got or single
            single = not single
        elif char == '"' and not (single or dollar):
            got = got or double
            double = not double
        elif single or double:
            word, got = word + char, True
        elif char == "`" and not dollar:
            word, got, back = word + char, True, not back
        elif back:
            word, got = word + char, True
        elif char == ")":
            word, got, dollar = word + char, True, not dollar
        elif char == "(":
            if dollar or not word.endswith("$"):
                raise _refused(text, "quote the parenthesis")
            word, dollar = word + char, True
        elif char in ";&|<>" and not dollar:
            if char == ">" and "0" <= word[:1] <= "9":
                got = False
            break
        else:
            word, got = word + char, True
    if got:
        words.append(word)
    if escaped or single or double or back or dollar:
        raise _refused(text, "a quote, a backslash or a substitution is not closed")
    return tuple(words)


def _refused(text: str, hint: str) -> InputError:
    return InputError(
        "bad-command-line",
        f"invalid command line string: {text!r}",
        where="--entrypoint",
        hint=hint,
    )
