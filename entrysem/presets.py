"""Published truth tables of CMD and ENTRYPOINT, as data.

A *preset* is a table that somebody printed: its forms, in its order, in its words, and where it is
published. It holds no result: `entrysem.table` computes every cell. The documents differ in what they
print, not in what happens:

* `lecture` and `docs` print the *effective* command, what is left once a shell has taken its script;
* `docs-2016` prints the whole *argv*, its words joined with blanks;
* `kubernetes` lists image against pod, one row a combination, words in brackets.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from entrysem.errors import InputError
from entrysem.late import late

__all__ = ["PRESETS", "Form", "Phrase", "Preset", "json_list", "shown"]


class Phrase(NamedTuple):
    """Some words, and the text that stands for them in shell form."""

    text: str
    words: tuple[str, ...]

    @staticmethod
    def parse(text: str, where: str) -> Phrase:
        """Reads a JSON list of strings, or words as a shell splits them.

        `text` is kept for shell form; a JSON list has none, so its words are quoted for a shell.

        Raises:
            InputError: a quote is not closed, or what looks like a JSON list is none. `where` names
                the option.
        """
        text = text.strip()
        # A list that lost its quotes to the shell is no word; `[ -f x ]` is a command.
        if re.fullmatch(r"\[(?:\S.*)?\]", text, re.DOTALL) or re.match(r"\[\s*[\"']", text):
            return _from_json(text, where)
        try:
            return Phrase(text, tuple(shlex.split(text)))
        except ValueError as error:
            raise InputError(
                "bad-words",
                f"{text!r} does not split into words: {error}",
                where=where,
                hint="close the quote, or give a JSON list of strings",
            ) from None


def _from_json(text: str, where: str) -> Phrase:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InputError(
            "bad-words",
            f"{text!r} is not a JSON list of strings",
            where=where,
            hint='write ["a", "b"] with double quotes, or the bare words',
        )
    return Phrase(shlex.join(value), tuple(value))


class Form(NamedTuple):
    """One way to write an instruction: not at all, in exec form, in shell form.

    `phrase` is None where the preset's own, replaceable words stand.
    """

    style: Literal["none", "exec", "shell"]
    phrase: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A published table, as data.

    Attributes:
        name: what a person types.
        source: where it is published.
        published: which words of a cell the document prints.
        cmd, entrypoint: the forms, in the document's order.
        cmd_words, entry_words: the words of those forms that name none.
        overrides, arguments: what is given at run time; None for nothing.
        runtime: the runtime it speaks of.
        columns: the headings of a list with one row a cell; empty for a grid of CMD forms by
            ENTRYPOINT forms.
        no_command: how the document calls "no command specified"; empty for the runtime's message.
    """

    name: str
    source: str
    published: Literal["effective", "argv"]
    cmd: tuple[Form, ...]
    entrypoint: tuple[Form, ...]
    cmd_words: Phrase
    entry_words: Phrase
    overrides: tuple[Phrase | None, ...] = (None,)
    arguments: tuple[Phrase | None, ...] = (None,)
    runtime: str = "docker"
    columns: tuple[str, ...] = ()
    no_command: str = ""


def _phrase(*words: str) -> Phrase:
    return Phrase(" ".join(words), words)


_NONE, _EXEC, _SHELL = Form("none"), Form("exec"), Form("shell")
_FOUR_ROWS = (_NONE, _EXEC, Form("exec", _phrase("p1_cmd", "p2_cmd")), _SHELL)


def _docker(
    name: str, source: str, published: Literal["effective", "argv"], cmd: tuple[Form, ...]
) -> Preset:
    return Preset(
        name,
        source,
        published,
        cmd,
        (_NONE, _SHELL, _EXEC),
        _phrase("exec_cmd", "p1_cmd"),
        _phrase("exec_entry", "p1_entry"),
        no_command="error, not allowed",
    )


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        _docker(
            "lecture",
            "Docker's documentation from 2016-08 (moby/moby#25774) to 2022-09",
            "effective",
            _FOUR_ROWS,
        ),
        _docker(
            "docs",
            "Docker's documentation since 2022-09 (moby/buildkit#3090)",
            "effective",
            (_NONE, _EXEC, _SHELL),
        ),
        _docker(
            "docs-2016",
            "Docker's documentation from 2016-02 (moby/moby#20630) to 2016-08",
            "argv",
            _FOUR_ROWS,
        ),
        Preset(
            "kubernetes",
            "Kubernetes' documentation up to 1.22",
            "effective",
            (_EXEC,),
            (_EXEC,),
            _phrase("foo", "bar"),
            _phrase("/ep-1"),
            overrides=(None, _phrase("/ep-2")),
            arguments=(None, _phrase("zoo", "boo")),
            runtime="cri",
            columns=(
                "Image Entrypoint",
                "Image Cmd",
                "Container command",
                "Container args",
                "Command run",
            ),
        ),
    )
}


_MAY_BE_UNSEEN = late(r"[^\x20-\x7e]")


def shown(text: str) -> str:
    """`text` with everything that does not print, or is a blank other than U+0020, as an escape.

    The escapes are those of JSON, so that text which is JSON stays JSON with the same value.
    """
    return _MAY_BE_UNSEEN.sub(_escaped, text)


def json_list(words: Iterable[str]) -> str:
    """Words as a JSON list on one line, in which nothing is unseen."""
    return shown(json.dumps(list(words), ensure_ascii=False))


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    # str.isprintable is false for controls, formats, surrogates and every blank but U+0020.
    return char if char.isprintable() else json.dumps(char)[1:-1].replace("\x7f", "\\u007f")
