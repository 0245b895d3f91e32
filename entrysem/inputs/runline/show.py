"""A command line, taken apart, for a person and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from entrysem.inputs.runline.line import LineWord, RunLine
from entrysem.render.visible import visible

__all__ = ["explain_words", "words_document"]


def explain_words(run_line: RunLine) -> str:
    """A few lines: which words are options, the image, the command; then the notes. Ends with a line
    end; nothing in it can act on a terminal.
    """
    rows: list[tuple[str, str, str]] = []
    for role, words in _grouped(run_line.words):
        text = " ".join([_shown(run_line, word) for word in words])
        told = ""
        if role == "option":
            told = ", ".join([f"--{name}" for name in words[0].options])
            told = "" if text.split("=")[0].split(" ")[0] == told else told
        elif role == "end":
            told = "ends the options"
        elif role == "prefix":
            told = "not the program's"
        rows.append((role, text, told))
    if not any(word.role == "command" for word in run_line.words):
        rows.append(("command", "", "no words: the image's own"))
    width = max([len(text) for role, text, told in rows if told and role == "option"] + [0])
    lines = []
    previous = ""
    for role, text, told in rows:
        title = "" if role == previous else {"option": "options", "end": ""}.get(role, role)
        previous = role
        end = f"  {told}" if told and text else told
        padding = width if told and role == "option" else 0
        lines.append(f"{title:<9}{text:<{padding}}{end}".rstrip())
    for note in run_line.subject.notes:
        kind = "warning" if note.warning else "note"
        lines.append(f"{kind}: {visible(note.text)} [{note.code}]")
    return "\n".join(lines) + "\n"


def _shown(run_line: RunLine, word: LineWord) -> str:
    """The word, quoted where a shell needs it; as typed where it holds what a shell replaces."""
    if word.replaced:
        return visible(run_line.text[word.start : word.end])
    return visible(shlex.quote(word.text))


def _grouped(words: Iterable[LineWord]) -> Iterator[tuple[str, list[LineWord]]]:
    """Words that stand on one line: an option with its value, the command, the program's name."""
    group: list[LineWord] = []
    role = ""
    for word in words:
        joins = (word.role == "value" and role == "option") or (
            word.role == role and role in ("program", "command", "prefix")
        )
        if word.role == "image" and role == "option" and group[-1].options == word.options:
            joins = True  # kubectl's --image IMAGE
        if not joins:
            if group:
                yield role, group
            group, role = [], word.role
        group.append(word)
        if word.role == "image" and role == "option":
            role = "image"
    if group:
        yield role, group


def words_document(run_line: RunLine) -> dict[str, object]:
    """The words for a program, as the schema's `run_line`; the notes are told with the explanation."""
    subject = run_line.subject
    entrypoint = subject.run.entrypoint
    return {
        "program": run_line.program,
        "version": run_line.version,
        "image": run_line.image,
        "service": run_line.service,
        "rootfs": run_line.rootfs,
        "entrypoint": list(entrypoint) if isinstance(entrypoint, tuple) else entrypoint,
        "args": None if subject.run.args is None else list(subject.run.args),
        "init": subject.run.init,
        "platform": subject.platform,
        "certain": not run_line.depends,
        "options": [{"name": name, "value": value} for name, value in run_line.options],
        "words": [
            {
                "text": word.text,
                "role": word.role,
                "start": word.start,
                "end": word.end,
                "options": list(word.options),
                "replaced": list(word.replaced),
                "splits": word.splits,
            }
            for word in run_line.words
        ],
    }
