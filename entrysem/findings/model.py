"""What a finding is: something worth telling the author about what a Dockerfile's container runs.

A *kind* is declared once (`kinds`), with its page, its severity and what other tools call it. A *finding*
is one kind at one place of one file. A *fix* is a set of edits of the file's bytes together with the
promise whether argv changes; whoever applies it proves the promise by resolving both texts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from entrysem.errors import Span
from entrysem.model import Words

__all__ = ["SEVERITIES", "Edit", "Finding", "Fix", "Kind", "Severity"]

Severity = Literal["error", "warning", "info"]
#: From the worst.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Kind(NamedTuple):
    """A kind of finding.

    Attributes:
        id: `ES001`; never reused or renumbered.
        name: kebab-case, for people and configuration: `inherited-cmd-wiped`.
        title: a few words, the heading of its page.
        severity: the default.
        rules: ids of the rules that it follows from.
        hadolint, buildkit: what those tools call the same thing, or empty.
        fixable: whether some of its findings carry a fix.
    """

    id: str
    name: str
    title: str
    severity: Severity
    rules: tuple[str, ...]
    hadolint: str = ""
    buildkit: str = ""
    fixable: bool = False

    @property
    def document(self) -> str:
        """The page, from the root of the project."""
        return f"docs/findings/{self.id}.md"


class Edit(NamedTuple):
    """Replaces the bytes from `start` up to, not including, `end` of the file by `text`."""

    start: int
    end: int
    text: bytes


class Fix(NamedTuple):
    """What to change.

    Attributes:
        sentence: what is done, in the imperative: `Write ENTRYPOINT in exec form`.
        edits: in order, without overlap.
        changes_argv: whether another argv runs afterwards than before.
    """

    sentence: str
    edits: tuple[Edit, ...]
    changes_argv: bool


class Finding(NamedTuple):
    """One kind at one place.

    Attributes:
        kind: its id.
        severity: the kind's default.
        message: one or two sentences about this file, with the words it speaks of.
        span: the place in the text, or None for the file as a whole.
        stage: index of the stage, or None.
        argv: what runs without arguments, `Inherited` where that is not known; None when nothing does.
        fixed_argv: what runs after the fix; None without a fix.
        fix: the one right answer, or None when there are several.
    """

    kind: str
    severity: Severity
    message: str
    span: Span | None
    stage: int | None
    argv: Words
    fixed_argv: Words = None
    fix: Fix | None = None
