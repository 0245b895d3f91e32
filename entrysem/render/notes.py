"""What is told about how an input was read, and subjects that are only executed: in each format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from entrysem.dockerfile.text import stored
from entrysem.inputs.subject import Note, Subject
from entrysem.render.markdown import code, plain
from entrysem.render.visible import shown_words, visible

__all__ = [
    "executed_document",
    "markdown_executed",
    "markdown_notes",
    "note_documents",
    "text_executed",
    "text_notes",
]

_EXECUTED = (
    "executed in the running container as it stands: no image and no runtime has a say in it"
)


def text_notes(notes: Iterable[Note], *, brief: bool) -> str:
    """A line each: warnings alone where there is one line a subject."""
    lines = []
    for note in notes:
        if brief and not note.warning:
            continue
        kind = "warning" if note.warning else "note"
        where = f"{visible(note.where)}: " if note.where else ""
        read = ", read in the source and not seen" if note.status == "source-read" else ""
        lines.append(
            f"{'  ' if brief else ''}{kind}: {where}{visible(note.text)} [{note.code}{read}]"
        )
    if not lines:
        return ""
    return ("" if brief else "\n") + "\n".join(lines) + "\n"


def markdown_notes(notes: Iterable[Note]) -> str:
    """A list, or nothing."""
    lines = [
        f"- {'**warning**: ' if note.warning else ''}"
        f"{code(note.where) + ': ' if note.where else ''}{plain(note.text)}"
        for note in notes
    ]
    return "\n".join([*lines, "", ""]) if lines else ""


def note_documents(notes: Iterable[Note]) -> list[dict[str, Any]]:
    """As the schema's `note`."""
    return [
        {
            "code": note.code,
            "text": stored(note.text),
            "where": stored(note.where) or None,
            "warning": note.warning,
            "source": note.source or None,
            "status": note.status,
        }
        for note in notes
    ]


def text_executed(name: str, subject: Subject, *, brief: bool) -> str:
    """The words of a probe or a hook."""
    words = shown_words(subject.argv)
    if brief:
        return f"{visible(name)}: {words}\n" + text_notes(subject.notes, brief=True)
    told = text_notes(subject.notes, brief=False)
    return f"{words}\n  {_EXECUTED}\n\n{visible(name)}\n{told}"


def markdown_executed(name: str, subject: Subject, *, brief: bool) -> str:
    """A section for them."""
    del brief
    lines = [f"### {plain(name)}", "", f"argv: {code(shown_words(subject.argv))}", "", _EXECUTED]
    return "\n".join([*lines, "", ""]) + markdown_notes(subject.notes)


def executed_document(name: str, subject: Subject) -> dict[str, Any]:
    """As the schema's `executed`."""
    return {
        "schema_version": 1,
        "file": stored(name),
        "argv": [stored(word) for word in subject.argv or ()],
        "executed": True,
        "notes": note_documents(subject.notes),
    }
