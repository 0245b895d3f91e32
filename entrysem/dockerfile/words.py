"""The frontend's shell-like lexer: quotes, escapes and `$NAME` in FROM and ARG, `<<` in RUN.

One machine with two readers. `expand` gives a word with its variables substituted: FROM's base and
platform, ARG's defaults. `split` gives words with quotes and escapes kept and nothing substituted,
which is how heredoc markers are found on a line.

CMD, ENTRYPOINT, SHELL and ONBUILD never come here: their `$` belongs to the shell, or to nobody.

The machine reads left to right, one method a construct, as the original does; what a construct does
with an unset name, and which modifiers it knows, is the grammar's.

Source: moby/buildkit frontend/dockerfile/shell/lex.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from entrysem.dockerfile.text import SPACE, SPACE_CLASS

__all__ = ["MODIFIERS", "ExpansionError", "expand", "parse_words", "split"]

#: Every modifier that the newest frontend knows, as it is spelled after the name.
MODIFIERS = frozenset({":-", ":+", ":?", "-", "+", "?", "#", "%", "/"})

_SPECIAL_PARAMETERS = "@*#?-$!0"
_CONTROL = frozenset("$'\"<\\`")


class ExpansionError(Exception):
    """The lexer rejects the word; the message is BuildKit's, without its `failed to process`."""


def expand(
    word: str,
    variables: Mapping[str, str],
    *,
    escape: str,
    modifiers: frozenset[str],
    required: Literal["error", "value"] = "error",
    unterminated: Literal["rejected", "ends"] = "rejected",
    replacement: Literal["rejected", "nothing"] = "rejected",
) -> str:
    """`word` with quotes removed and variables substituted; an unset name is empty.

    `required`, `unterminated` and `replacement` are answers of `Grammar`.

    Raises:
        ExpansionError: unbalanced quotes, a bad substitution, or `${NAME?message}` fired.
    """
    if _CONTROL.isdisjoint(word):
        return word
    lexer = _Lexer(word, variables, escape, modifiers)
    lexer.required = required
    lexer.unterminated = unterminated
    lexer.replacement = replacement
    return lexer.expanded()


def split(
    line: str,
    *,
    keep_quotes: bool,
    keep_escapes: bool,
    modifiers: frozenset[str] = MODIFIERS,
    join_heredoc: bool = True,
    shared_buffer: bool = True,
) -> list[str]:
    """Words of `line`, `$NAME` kept as written.

    `join_heredoc` keeps blanks after `<<`, so that `<< EOF` is one word. `shared_buffer`:
    see `_Words`. The escape is always a backslash here, whatever the directive.

    Raises:
        ExpansionError: a quote or a substitution is not closed.
    """
    lexer = _Lexer(line, {}, "\\", modifiers)
    lexer.keep_unset = True
    lexer.raw_quotes = keep_quotes
    lexer.raw_escapes = keep_escapes
    lexer.join_heredoc = join_heredoc
    lexer.shared_buffer = shared_buffer
    return lexer.words()


class _Lexer:
    def __init__(
        self, text: str, variables: Mapping[str, str], escape: str, modifiers: frozenset[str]
    ) -> None:
        self.text = text.removeprefix("\ufeff")
        self.at = 0
        self.variables = variables
        self.escape = escape
        self.modifiers = modifiers
        self.keep_unset = False
        self.raw_quotes = False
        self.raw_escapes = False
        self.required = "error"
        self.unterminated = "rejected"
        self.replacement = "rejected"
        self.join_heredoc = True
        self.shared_buffer = True
        self.buffer: list[str] = []

    def expanded(self) -> str:
        return self._until("", self.raw_escapes)[0]

    def words(self) -> list[str]:
        return self._until("", self.raw_escapes)[1]

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += len(char)
        return char

    def _until(self, stop: str, raw_escapes: bool) -> tuple[str, list[str]]:
        """Reads up to `stop`, or to the end when it is empty: the text, and the same as words."""
        outer = self.raw_escapes
        self.raw_escapes = raw_escapes
        result: list[str] = []
        words = _Words(self.buffer if self.shared_buffer else [])
        while char := self._peek():
            if char == stop:
                self.at += 1
                self.raw_escapes = outer
                return "".join(result), words.done()
            if char == "$":
                piece = self._dollar()
                words.add(piece)
            elif char == "<" and self.join_heredoc:
                piece = self._less_than()
                words.add_raw(piece)
            elif char == "'":
                piece = self._single_quoted()
                words.add_raw(piece)
            elif char == '"':
                piece = self._double_quoted()
                words.add_raw(piece)
            elif char == self.escape:
                piece = self._escaped()
                if piece:
                    words.add_raw(piece)
            else:
                self.at += 1
                piece = char
                words.add(char)
            result.append(piece)
        if stop and self.unterminated == "rejected":
            raise ExpansionError(f"unexpected end of statement while looking for matching {stop}")
        self.raw_escapes = outer
        return "".join(result), words.done()

    def _escaped(self) -> str:
        self.at += 1
        return (self.escape if self.raw_escapes else "") + self._next()

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            self.at = len(self.text)
            raise ExpansionError(
                "unexpected end of statement while looking for matching single-quote"
            )
        inner = self.text[self.at + 1 : end]
        self.at = end + 1
        return f"'{inner}'" if self.raw_quotes else inner

    def _double_quoted(self) -> str:
        opening = self._next()
        result = [opening] if self.raw_quotes else []
        while True:
            char = self._peek()
            if not char:
                if self.unterminated == "ends":
                    return "".join(result)
                raise ExpansionError(
                    "unexpected end of statement while looking for matching double-quote"
                )
            if char == "$":
                result.append(self._dollar())
                continue
            self.at += 1
            if char == '"':
                if self.raw_quotes:
                    result.append(char)
                return "".join(result)
            if char == self.escape:
                if self.raw_escapes:
                    result.append(char)
                following = self._peek()
                if not following:
                    continue
                if following in ('"', "$", self.escape):
                    char = self._next()
            result.append(char)

    def _less_than(self) -> str:
        self.at += 1
        if self._peek() != "<":
            return "<"
        self.at += 1
        start = self.at
        while self._peek() in ("\t", "\r", " "):
            self.at += 1
        return "<<" + self.text[start : self.at]

    def _name(self) -> str:
        start = self.at
        text = self.text
        char = self._peek()
        if _is_digit(char):
            while _is_digit(self._peek()):
                self.at += 1
        elif char and char in _SPECIAL_PARAMETERS:
            self.at += 1
        else:
            while (char := self._peek()) and (char == "_" or char.isalpha() or _is_digit(char)):
                self.at += 1
        return text[start : self.at]

    def _dollar(self) -> str:
        self.at += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            return self._value(name, "$" + name)
        self.at += 1
        opening = self._peek()
        if not opening:
            raise ExpansionError("syntax error: missing '}'")
        if opening in "{}:":
            raise ExpansionError("syntax error: bad substitution")
        name = self._name()
        modifier = self._next()
        if modifier == "}":
            return self._value(name, "${" + name + "}")
        if modifier == "/" and "/" in self.modifiers:
            return self._replace(name)
        spelled = modifier
        if modifier == ":":
            modifier = self._next()
            spelled += modifier
        if spelled not in self.modifiers and not self._is_kept(spelled):
            if spelled[:1] != ":" and "-" not in self.modifiers:
                raise ExpansionError("missing ':' in substitution")
            raise ExpansionError(f"unsupported modifier ({spelled}) in substitution")
        knows_patterns = "#" in self.modifiers
        raw_escapes = modifier in "#%" if knows_patterns else self.raw_escapes
        word = self._operand("}", raw_escapes=raw_escapes)
        return self._modified(name, modifier, spelled, word)

    def _is_kept(self, spelled: str) -> bool:
        """Whether an unknown modifier goes unnoticed because its name is unset and kept as written.

        So `<<EOF ${X:=y}` and `<<EOF ${X:0:3}` open a heredoc, and `${X=y}` does not.
        """
        if not self.keep_unset or len(spelled) < 2 or "-" not in self.modifiers:
            return False
        return spelled not in (":#", ":%") or "#" not in self.modifiers

    def _operand(self, stop: str, *, raw_escapes: bool) -> str:
        try:
            return self._until(stop, raw_escapes)[0]
        except ExpansionError:
            if not self._peek():
                missing = "'/' in ${}" if stop == "/" else "'}'"
                raise ExpansionError(f"syntax error: missing {missing}") from None
            raise

    def _value(self, name: str, spelled: str) -> str:
        if self.keep_unset and name not in self.variables:
            return spelled
        return self.variables.get(name, "")

    def _modified(self, name: str, modifier: str, spelled: str, word: str) -> str:
        value = self.variables.get(name)
        if value is None and self.keep_unset:
            return "${" + name + spelled + word + "}"
        missing = value is None or (spelled[0] == ":" and not value)
        if modifier == "-":
            return word if value is None or missing else value
        if modifier == "+":
            return "" if missing else word
        if modifier == "?":
            if value is not None and not missing:
                return value
            if word and self.required == "value":
                return word
            state = "unset" if value is None else "empty"
            raise ExpansionError(f"{name}: {word or f'is not allowed to be {state}'}")
        greedy = word.startswith(modifier)
        if greedy:
            word = word[1:]
        if modifier == "#":
            return _trim_prefix(word, value or "", greedy)
        return _trim_prefix(_reversed_pattern(word), (value or "")[::-1], greedy)[::-1]

    def _replace(self, name: str) -> str:
        every = self._peek() == "/"
        if every:
            self.at += 1
        if self.replacement == "nothing" and "/" not in self.text[self.at :]:
            pattern, replacement = self._operand("}", raw_escapes=True), ""
        else:
            pattern = self._operand("/", raw_escapes=True)
            replacement = self._operand("}", raw_escapes=True)
        if self.keep_unset and name not in self.variables:
            return "${" + name + "/" + pattern + "/" + replacement + "}"
        matcher = _compiled(pattern, greedy=True)
        value = self.variables.get(name, "")
        if every:
            return _replace_all(matcher, replacement, value)
        return matcher.sub(lambda _: replacement, value, count=1)


class _Words:
    """Collects words; a blank ends one, unless it was added raw.

    The buffer may be shared with every enclosing reader and emptied by the innermost, so a word that
    holds `${NAME:-word}` loses what stood before it. That is the original's behaviour.
    """

    def __init__(self, buffer: list[str]) -> None:
        self.finished: list[str] = []
        self.open = buffer
        buffer.clear()

    def add(self, text: str) -> None:
        for char in text:
            if char not in SPACE:
                self.open.append(char)
            elif any(self.open):
                self.finished.append("".join(self.open))
                self.open.clear()

    def add_raw(self, text: str) -> None:
        self.open.append(text)

    def done(self) -> list[str]:
        if any(self.open):
            self.finished.append("".join(self.open))
        self.open.clear()
        return self.finished


def _is_digit(char: str) -> bool:
    return char.isdecimal()


def _replace_all(matcher: re.Pattern[str], replacement: str, value: str) -> str:
    """As Go: an empty match right after another match is none."""
    out: list[str] = []
    end = 0
    for match in matcher.finditer(value):
        if match.group() or not match.start() or match.start() > end:
            out += value[end : match.start()], _go_template(replacement, match)
            end = match.end()
    return "".join(out) + value[end:]


def _go_template(replacement: str, match: re.Match[str]) -> str:
    # regexp.ReplaceAllString expands `$name` itself. The pattern has no groups, so every reference
    # but $0 is empty.
    def reference(found: re.Match[str]) -> str:
        name = found.group(1) or found.group(2)
        if found.group() == "$$":
            return "$"
        return match.group() if name == "0" else ""

    return re.sub(r"\$\$|\$\{(\w+)\}|\$(\w+)", reference, replacement)


def _trim_prefix(pattern: str, value: str, greedy: bool) -> str:
    match = _compiled(pattern, greedy=greedy).match(value)
    return value[match.end() :] if match else value


def _reversed_pattern(pattern: str) -> str:
    r"""`a\*c` -> `c\*a`: the characters reversed, each escape still before what it escapes."""
    return "".join(reversed(re.findall(r"\\.|.", pattern, re.DOTALL)))


def _compiled(pattern: str, *, greedy: bool) -> re.Pattern[str]:
    out: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            out.append(".*" if greedy else ".*?")
        elif char == "?":
            out.append(".")
        elif char == "\\":
            following = pattern[at : at + 1]
            if following in ("}", "/"):
                continue
            if following not in ("*", "?", "\\") or not following:
                raise ExpansionError(
                    f"invalid pattern ({pattern}) in substitution: invalid escape '\\{following}'"
                )
            out.append("\\" + following)
            at += 1
        else:
            out.append(re.escape(char))
    return re.compile("".join(out))


_WORD_PATTERNS: dict[str, re.Pattern[str]] = {}


def _word_pattern(escape: str) -> re.Pattern[str]:
    pattern = _WORD_PATTERNS.get(escape)
    if pattern is None:
        e = re.escape(escape)
        pattern = re.compile(
            rf"""(?:[^{SPACE_CLASS}"'{e}]+"""
            rf"""|{e}.|"(?:[^"{e}]+|{e}.)*(?:"|{e}?\Z)|'[^']*(?:'|\Z)|{e}\Z)+""",
            re.DOTALL,
        )
        _WORD_PATTERNS[escape] = pattern
    return pattern


def parse_words(text: str, escape: str) -> list[str]:
    """Words of ENV, LABEL and ARG: blank-separated, quotes and escapes kept as written.

    An escape character at the very end is dropped.

    Source: moby/buildkit frontend/dockerfile/parser/line_parsers.go (parseWords).
    """
    words = _word_pattern(escape).findall(text)
    if words and text.endswith(escape) and _dangling(words[-1], escape):
        words[-1] = words[-1][:-1]
        if not words[-1]:
            words.pop()
    return words


def _dangling(word: str, escape: str) -> bool:
    """Whether the word's last character is an escape that escapes nothing."""
    quote = ""
    at = 0
    while at < len(word):
        char = word[at]
        if char == escape and quote != "'":
            if at + 1 == len(word):
                return True
            at += 1
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        at += 1
    return False
