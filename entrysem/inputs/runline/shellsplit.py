"""The shell's part: a text becomes commands, and a command becomes words.

As POSIX says (Shell Command Language, 2.2 Quoting and 2.3 Token Recognition): single quotes keep all;
double quotes keep all but `$`, backquote and backslash; a backslash keeps the next character, and a
backslash before a line end is nothing at all. `;`, `&`, `|`, a line end and their kin end a command;
`<` and `>` take files. A `#` that begins a word begins a comment.

Nothing is evaluated: there is no shell here, no environment and no file system. A word with something
in it that a shell would replace keeps it as it was typed, and says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from entrysem.errors import InputError
from entrysem.late import late

__all__ = ["ShellCommand", "ShellWord", "commands"]


class ShellWord(NamedTuple):
    """A word.

    Attributes:
        text: the word; what a shell would replace stands in it as it was typed.
        start, end: where it stands in the text.
        replaced: the pieces that a shell replaces, as typed: `$HOME`, `*.txt`, `~`.
        splits: whether the shell may make several words of it, or none.
    """

    text: str
    start: int
    end: int
    replaced: tuple[str, ...] = ()
    splits: bool = False


class ShellCommand(NamedTuple):
    """One simple command.

    Attributes:
        words: its words, without redirections.
        redirections: those, as typed.
        operator: what ends it: `&&`, `|`, `;`, a line end; empty at the end of the text.
        end: where the text goes on behind the operator.
    """

    words: tuple[ShellWord, ...]
    redirections: tuple[str, ...]
    operator: str
    end: int


_OPERATOR = late(r"&&|\|\||;;|\|&|[;&|()\n]")
_REDIRECTION = late(r"[0-9]*(?:<<<|<<-|<<|<>|<&|>>|>&|>\||<|>)|&>>?")
_VARIABLE = late(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")
_BRACES = late(r"\{[^{}\s'\"]{0,200}(?:,|\.\.)[^{}\s'\"]{0,200}\}")
_TILDE = late(r"~[A-Za-z0-9_.-]*(?=[/\s;&|<>()]|\Z)")
_IN_QUOTES = late(r'[^"\\$`]+')
_PLAIN = late(r"[^\s'\"\\$`*?\[{~;&|<>()#]+")


def commands(text: str) -> Iterator[ShellCommand]:
    """The simple commands of `text`, one at a time, so that nobody reads further than asked.

    Raises:
        InputError: a quote, a bracket or a backquote is not closed, or a bracket stands where no
            command begins.
    """
    reader = _Reader(text)
    while reader.at < len(text):
        yield reader.command()


class _Reader:
    """Reads on from `at`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._here: list[tuple[str, bool]] = []

    def command(self) -> ShellCommand:
        words: list[ShellWord] = []
        redirections: list[str] = []
        while True:
            self._blanks()
            if self.at == len(self.text):
                return ShellCommand(tuple(words), tuple(redirections), "", self.at)
            found = _REDIRECTION.match(self.text, self.at)
            if found and not self._substitutes(found):
                redirections.append(self._redirection(found))
                continue
            found = _OPERATOR.match(self.text, self.at)
            if found:
                if found[0] == "(" and words:
                    raise _refused("shell-syntax", "an open bracket that is not quoted", self.at)
                self.at = found.end()
                if found[0] == "\n":
                    self._skip_documents()
                return ShellCommand(tuple(words), tuple(redirections), found[0], self.at)
            words.append(self._word())

    def _blanks(self) -> None:
        """Over blanks, continued lines and a comment."""
        text, at = self.text, self.at
        while at < len(text):
            if text[at] in " \t\r":
                at += 1
            elif text.startswith("\\\n", at):
                at += 2
            else:
                break
        if text.startswith("#", at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        self.at = at

    def _substitutes(self, found: re.Match[str]) -> bool:
        """Whether `<(` or `>(` begins: another shell's, a file name to be."""
        return found[0] in ("<", ">") and self.text.startswith("(", found.end())

    def _redirection(self, found: re.Match[str]) -> str:
        start, operator = self.at, found[0].lstrip("0123456789")
        self.at = found.end()
        self._blanks()
        if self.at < len(self.text) and not _OPERATOR.match(self.text, self.at):
            target = self._word()
            if operator in ("<<", "<<-"):
                self._here.append((target.text, operator == "<<-"))
        return self.text[start : self.at]

    def _skip_documents(self) -> None:
        for delimiter, tabs in self._here:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                line = self.text[self.at : end]
                self.at = min(end + 1, len(self.text))
                if (line.lstrip("\t") if tabs else line) == delimiter:
                    break
        self._here.clear()

    def _word(self) -> ShellWord:
        text, start = self.text, self.at
        pieces: list[str] = []
        replaced: list[str] = []
        splits = False
        while self.at < len(text):
            at, char = self.at, text[self.at]
            plain = _PLAIN.match(text, at)
            if plain:
                pieces.append(plain[0])
                self.at = plain.end()
            elif char == "'":
                end = text.find("'", at + 1)
                if end < 0:
                    raise _refused("unclosed-quote", "a single quote that is not closed", at)
                pieces.append(text[at + 1 : end])
                self.at = end + 1
            elif char == '"':
                self._quoted(pieces, replaced)
            elif char == "\\":
                if text.startswith("\\\n", at):
                    self.at += 2
                else:
                    # At the end of the text it stands for itself.
                    pieces.append(text[at + 1 : at + 2] or "\\")
                    self.at += 2
            elif (end := self._expansion()) > at:
                replaced.append(text[at:end])
                # "$@" splits within quotes too, and there it is in `_quoted`.
                splits = splits or not text.startswith("$'", at)
                pieces.append(text[at:end])
                self.at = end
            elif char in "*?[":
                replaced.append(char)
                splits = True
                pieces.append(char)
                self.at += 1
            elif (found := _BRACES.match(text, at)) or (
                at == start and (found := _TILDE.match(text, at))
            ):
                replaced.append(found[0])
                splits = splits or char == "{"
                pieces.append(found[0])
                self.at = found.end()
            elif char in " \t\r\n;&|()" or (char in "<>" and self.at > start):
                break
            elif char in "<>":  # <(...), which `command` lets through
                end = _closing(text, at + 1, ")")
                replaced.append(text[at:end])
                pieces.append(text[at:end])
                self.at = end
            else:  # $ { ~ # that mean nothing here
                pieces.append(char)
                self.at += 1
        self.at = min(self.at, len(text))
        splits = splits or "$@" in replaced or "${@}" in replaced
        return ShellWord("".join(pieces), start, self.at, tuple(replaced), splits)

    def _quoted(self, pieces: list[str], replaced: list[str]) -> None:
        text, start = self.text, self.at
        self.at += 1
        while self.at < len(text):
            at, char = self.at, text[self.at]
            plain = _IN_QUOTES.match(text, at)
            if plain:
                pieces.append(plain[0])
                self.at = plain.end()
            elif char == '"':
                self.at += 1
                return
            elif char == "\\":
                following = text[at + 1 : at + 2]
                if following != "\n":
                    pieces.append(
                        following if following in ("$", "`", '"', "\\") else "\\" + following
                    )
                self.at += 2
            elif (end := self._expansion(quoted=True)) > at:
                replaced.append(text[at:end])
                pieces.append(text[at:end])
                self.at = end
            else:
                pieces.append(char)
                self.at += 1
        raise _refused("unclosed-quote", "a double quote that is not closed", start)

    def _expansion(self, *, quoted: bool = False) -> int:
        """The end of what a shell replaces at `at`; `at` when it is nothing of that kind."""
        text, at = self.text, self.at
        if text[at] == "`":
            return _closing(text, at, "`")
        if text.startswith("${", at):
            return _closing(text, at + 1, "}")
        if text.startswith("$(", at):
            return _closing(text, at + 1, ")")
        if not quoted and text.startswith("$'", at):
            end = at + 2
            while end < len(text) and text[end] != "'":
                end += 2 if text[end] == "\\" else 1
            if end >= len(text):
                raise _refused("unclosed-quote", "a single quote that is not closed", at + 1)
            return end + 1
        found = _VARIABLE.match(text, at)
        return found.end() if found else at


def _closing(text: str, start: int, close: str) -> int:
    """The end of what opens at `start`: behind the bracket that closes it, quotes minded."""
    opening = {")": "(", "}": "{"}.get(close, "")
    depth, at, quote = 1, start + 1, ""
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and close != "`":
            quote = char
        elif char == close:
            depth -= 1
            if not depth:
                return at + 1
        elif char == opening:
            depth += 1
        at += 1
    if close == "`":
        hint = "PowerShell continues a line with a backquote; write a backslash in its place"
        raise _refused("unclosed-quote", "a backquote that is not closed", start, hint=hint)
    raise _refused("unclosed-quote", f"a `{opening}` that is not closed", start)


def _refused(code: str, what: str, at: int, hint: str | None = None) -> InputError:
    hint = hint or "write the line as for a shell; quote what belongs together"
    return InputError(
        code, f"the line has {what}", where=f"run line, character {at + 1}", hint=hint
    )
