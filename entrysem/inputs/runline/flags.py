"""The program's part: options are taken off a list of words.

As the Go library pflag does it, which docker, podman, compose and kubectl share:

    --name=value   --name value   -n=value   -nvalue   -n value   -abc   --

A flag that needs no value (a boolean, `--dry-run`) takes none from the next word, only behind `=`. One
that needs a value takes the next word whatever it looks like. Where options may not stand among the
arguments (`interspersed` off), the first word that is none ends them.

Source: spf13/pflag flag.go (parseArgs, parseLongArg, parseSingleShortArg), v1.0.10.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from entrysem.errors import InputError
from entrysem.late import late

__all__ = ["Given", "Option", "OptionSet", "Parsed", "parse"]


class Option(NamedTuple):
    """An option of a program.

    Attributes:
        name: without dashes.
        letter: its short form, or empty.
        kind: `bool`, `optional` (a value only behind `=`), `int`, `uint`, `duration`, `float`, `text`.
        of: the option that this name is another spelling of, or empty.
    """

    name: str
    letter: str
    kind: str
    of: str = ""

    @property
    def takes_word(self) -> bool:
        """Whether the next word is its value."""
        return self.kind not in ("bool", "optional")

    @property
    def meant(self) -> str:
        """The name that the program knows it by."""
        return self.of or self.name


class OptionSet:
    """The options of one command in one version.

    Attributes:
        command: `docker run`.
        names: by name, other spellings included.
        letters: by short form.
        elsewhere: name -> the versions that have it, for options that this version lacks.
        underscores: whether `_` in a name is a `-` (kubectl).
    """

    def __init__(
        self,
        command: str,
        options: Sequence[Option],
        elsewhere: Mapping[str, str],
        *,
        underscores: bool = False,
    ) -> None:
        self.command = command
        self.names = {option.name: option for option in options}
        self.letters = {option.letter: option for option in options if option.letter}
        self.elsewhere = elsewhere
        self.underscores = underscores

    def named(self, name: str) -> Option | None:
        """The option of that name, or None."""
        return self.names.get(name.replace("_", "-") if self.underscores else name)


class Given(NamedTuple):
    """An option that was given.

    Attributes:
        option: which.
        value: its value; `true` for a boolean without one, empty for an optional one without.
        word: index of the word with the option.
        value_word: index of the word with the value, or None when it is in the same word.
    """

    option: Option
    value: str
    word: int
    value_word: int | None = None


class Parsed(NamedTuple):
    """What the words are.

    Attributes:
        given: the options, in order.
        arguments: indexes of the other words.
        dash: index of the `--` that ended the options, or None.
        before_dash: how many arguments stand before it; None without one.
    """

    given: tuple[Given, ...]
    arguments: tuple[int, ...]
    dash: int | None
    before_dash: int | None


def parse(
    words: Sequence[str], start: int, options: OptionSet, *, interspersed: bool = False
) -> Parsed:
    """Reads `words` from index `start` on.

    Raises:
        InputError: `unknown-option`, `option-needs-value`, `bad-option-value`, `help-asked`; the
            place is the number of the word, from 1.
    """
    given: list[Given] = []
    arguments: list[int] = []
    index = start
    while index < len(words):
        word = words[index]
        if word == "--":
            dash, before = index, len(arguments)
            return Parsed(tuple(given), (*arguments, *range(index + 1, len(words))), dash, before)
        if not word.startswith("-") or word == "-":
            if not interspersed:
                arguments += range(index, len(words))
                break
            arguments.append(index)
            index += 1
            continue
        read = _long if word.startswith("--") else _short
        found = read(words, index, options)
        given += found
        index += 2 if found[-1].value_word is not None else 1
    return Parsed(tuple(given), tuple(arguments), None, None)


def _long(words: Sequence[str], index: int, options: OptionSet) -> list[Given]:
    word = words[index]
    name, equals, value = word[2:].partition("=")
    if not name or name.startswith("-"):
        raise _refused(
            "unknown-option", f"{options.command}: bad flag syntax: {word}", index, hint=None
        )
    option = options.named(name)
    if option is None:
        if name == "help":
            raise _help(options, index)
        raise _unknown(f"--{name}", name, index, options)
    if equals:
        return [_given(options, option, f"--{name}", value, index)]
    return [_valued(words, index, options, option, f"--{name}")]


def _short(words: Sequence[str], index: int, options: OptionSet) -> list[Given]:
    found: list[Given] = []
    letters = words[index][1:]
    while letters:
        letter, rest = letters[0], letters[1:]
        option = options.letters.get(letter)
        if option is None:
            if letter == "h":
                raise _help(options, index)
            raise _unknown(f"-{letter}", letters, index, options)
        spelled = f"-{letter}"
        if len(rest) > 1 and rest[0] == "=":
            return [*found, _given(options, option, spelled, rest[1:], index)]
        if option.takes_word and rest:
            return [*found, _given(options, option, spelled, rest, index)]
        found.append(_valued(words, index, options, option, spelled))
        letters = rest
    return found


def _valued(
    words: Sequence[str], index: int, options: OptionSet, option: Option, spelled: str
) -> Given:
    """The option, with the next word as its value where it takes one."""
    if not option.takes_word:
        return _given(options, option, spelled, "true" if option.kind == "bool" else "", index)
    if index + 1 == len(words):
        hint = f"write {spelled} VALUE; the line ends before it"
        message = f"{options.command}: flag needs an argument: {spelled}"
        raise _refused("option-needs-value", message, index, hint)
    given = _given(options, option, spelled, words[index + 1], index)
    return given._replace(value_word=index + 1)


_BOOLEANS = frozenset("1 t T TRUE true True 0 f F FALSE false False".split())
_DIGITS = r"(?:0[xX]_?[0-9a-fA-F][0-9a-fA-F_]*|0[bB]_?[01][01_]*|0[oO]?[0-7_]*|[1-9][0-9_]*)"
_VALID = {
    "int": late(rf"[-+]?{_DIGITS}\Z"),
    "uint": late(rf"{_DIGITS}\Z"),
    "duration": late(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z"),
}


def _given(options: OptionSet, option: Option, spelled: str, value: str, index: int) -> Given:
    """Raises InputError when a boolean, a number or a duration is none; `$` may become one."""
    valid = _VALID.get(option.kind)
    if option.kind == "bool":
        wrong = value not in _BOOLEANS
    else:
        wrong = valid is not None and not valid.match(value)
    if wrong and "$" not in value and "`" not in value:
        what = {"bool": "true or false", "duration": "a duration such as 30s"}
        raise _refused(
            "bad-option-value",
            f"{options.command}: {value!r} is no value for {spelled}",
            index,
            f"it takes {what.get(option.kind, 'a number')}",
        )
    if option.kind == "bool":
        value = "true" if value in ("1", "t", "T", "TRUE", "true", "True") else value
        if option.name in ("help", "version") and value == "true":
            raise _help(options, index, option.name)
    return Given(option, value, index)


def _unknown(spelled: str, typed: str, index: int, options: OptionSet) -> InputError:
    hint = None
    versions = options.elsewhere.get(typed)
    near = difflib.get_close_matches(typed[:64].lower(), options.names, 1, 0.6)
    if versions:
        hint = f"versions {versions} have it"
    elif not spelled.startswith("--") and options.named(typed):
        hint = f"write --{typed} with two dashes"
    elif near and len(typed) > 1:
        hint = f"did you mean --{near[0]}?"
    kind = "unknown flag" if spelled.startswith("--") else "unknown shorthand flag"
    return _refused("unknown-option", f"{options.command}: {kind}: {spelled}", index, hint)


def _help(options: OptionSet, index: int, name: str = "help") -> InputError:
    message = f"{options.command} prints its {name} here and starts nothing"
    return _refused("help-asked", message, index, f"leave --{name} out, or put it behind the image")


def _refused(code: str, message: str, index: int, hint: str | None) -> InputError:
    return InputError(code, message, where=f"run line, word {index + 1}", hint=hint)
