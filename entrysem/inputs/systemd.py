"""Words of systemd's unit files: quotes, escapes, and what systemd replaces when it starts a unit.

Quadlet splits `Exec=` and `PodmanArgs=` with Podman's translation of systemd's own code and writes the
words into the `ExecStart=` of a service, escaped but otherwise as they are. systemd then replaces
specifiers (`%n`; `%%` is `%`) and variables (`${NAME}` in a word, `$NAME` as a whole word; `$$` is
`$`).

Two things that the translation does and systemd does not, seen on the generators of Podman 5.4.2 and
5.8.6: an empty word ends the list, and one escape that is not known drops it all.

Source: containers/podman c6580b4 pkg/systemd/parser/split.go (extractFirstWord, cUnescapeOne);
systemd/systemd src/core/load-fragment.c (config_parse_exec), src/basic/env-util.c (replace_env_argv),
src/shared/specifier.c; systemd.service(5), "Command lines".
"""

from __future__ import annotations

from typing import NamedTuple

from entrysem.late import late

__all__ = ["Started", "split_words", "started"]

_BLANKS = " \t\n\r"
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "s": " ",
}
_CODES = late(
    r"x(?P<x>[0-9A-Fa-f]{2})|u(?P<u>[0-9A-Fa-f]{4})|U(?P<U>[0-9A-Fa-f]{8})|(?P<o>[0-7]{3})"
)
_MAX_CODE = 0x10FFFF


def split_words(text: str) -> tuple[str, ...] | None:
    """The words, as Quadlet splits them; None when an escape is not known, which drops them all."""
    text = text.partition("\0")[0]
    words: list[str] = []
    at = 0
    while True:
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        found = _word(text, at)
        if found is None:
            return None
        word, at = found
        if not word:
            return tuple(words)
        words.append(word)


def _word(text: str, at: int) -> tuple[str, int] | None:
    """One word and where the next begins. A quote that is not closed ends with the text."""
    word: list[str] = []
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            if at + 1 == len(text):
                return "".join(word), len(text)
            escaped = _escape(text, at + 1)
            if escaped is None:
                return None
            char, at = escaped
            word.append(char)
            continue
        at += 1
        if quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in "'\"":
            quote = char
        elif char in _BLANKS:
            break
        else:
            word.append(char)
    return "".join(word), at


def _escape(text: str, at: int) -> tuple[str, int] | None:
    if text[at] in _ESCAPES:
        return _ESCAPES[text[at]], at + 1
    match = _CODES.match(text, at)
    if match is None:
        return None
    kind = str(match.lastgroup)
    code = int(match.group(kind), 8 if kind == "o" else 16)
    if code == 0 or code > _MAX_CODE or (kind == "o" and code > 0o377):
        return None
    surrogate = 0xD800 <= code <= 0xDFFF
    return "\ufffd" if surrogate else chr(code), match.end()


#: The specifiers of systemd.unit(5); after another letter the percent sign stays.
_SPECIFIERS = "aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY"
_REPLACED = late(rf"%%|%(?P<specifier>[{_SPECIFIERS}])|\$\$|\$\{{(?P<variable>[^}}]*)\}}")
_ALONE = late(r"\$(?![{$])(.*)", 16)  # re.DOTALL


class Started(NamedTuple):
    """What systemd makes of the words of ExecStart=.

    Attributes:
        words: with what is known replaced; the rest as it is written.
        specifiers: those that systemd replaces, `%n`.
        variables: names that are replaced inside a word.
        lists: names that stand alone and become a word for each word of their value, or none.
        cut: whether a word `;` ends the command before its last word.
    """

    words: tuple[str, ...]
    specifiers: tuple[str, ...]
    variables: tuple[str, ...]
    lists: tuple[str, ...]
    cut: bool


def started(words: tuple[str, ...]) -> Started:
    """What of the words is known before systemd starts the unit."""
    after: list[str] = []
    specifiers: dict[str, None] = {}
    variables: dict[str, None] = {}
    lists: dict[str, None] = {}
    cut = False
    for word in words:
        if word == ";":
            cut = True
            break
        alone = _ALONE.fullmatch(word)
        if alone is not None and "%" not in word:
            lists[alone.group(1)] = None
            after.append(word)
            continue
        for match in _REPLACED.finditer(word):
            if match.group("specifier"):
                specifiers[match.group()] = None
            elif match.group("variable"):
                variables[match.group("variable")] = None
        after.append(
            _REPLACED.sub(lambda m: m.group()[0] if m.group() in {"%%", "$$"} else m.group(), word)
        )
    return Started(tuple(after), tuple(specifiers), tuple(variables), tuple(lists), cut)
