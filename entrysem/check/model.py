"""What checking comes to: problems of files, in a shape that every format and another process can take.

A `Problem` is a finding with all that a report needs of its file, so that a report reads no file again.
Its fingerprint is the same wherever the lines have moved to and in whatever folder the check was
started: it is made of the kind, the path from the repository's root, the words of the instruction, and
the number among equal ones. Messages are not part of it: they are prose and may change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from entrysem.errors import DockerfileError, EntrysemError, InputError, Span
from entrysem.findings.model import Fix, Severity
from entrysem.model import Words

__all__ = [
    "FileResult",
    "Ignored",
    "Mended",
    "Place",
    "Problem",
    "Rejection",
    "Totals",
    "fingerprint",
]


class Place(NamedTuple):
    """A file's names.

    Attributes:
        name: as it was typed or found from what was typed; `-` for standard input.
        path: absolute, what is opened; None for standard input.
        shown: from the repository's root, or the current folder where that is none, with `/`: what
            services that show a repository know it by. Absolute for a file outside of both.
    """

    name: str
    path: str | None
    shown: str


class Problem(NamedTuple):
    """Something to tell about one place of one file.

    Attributes:
        kind, title: id and name of its kind.
        severity: as configured.
        message: one or two sentences.
        span: where, or None for the file as a whole.
        excerpt: the line that `span` starts on, without its line end; empty without a span.
        fingerprint: 32 hexadecimal digits.
        stage: index of the stage, or None.
        argv: what runs without arguments; None when nothing does or that is not the matter.
        fixed_argv: what runs after the fix; None without one.
        fix: as `findings.model.Finding`.
        expected, observed: of an expectation that does not hold: the two sides as JSON values; else None.
    """

    kind: str
    title: str
    severity: Severity
    message: str
    span: Span | None
    excerpt: str = ""
    fingerprint: str = ""
    stage: int | None = None
    argv: Words = None
    fixed_argv: Words = None
    fix: Fix | None = None
    expected: str | None = None
    observed: str | None = None


class Ignored(NamedTuple):
    """A finding that a comment of the file answers, and the reason that it gives (or empty)."""

    kind: str
    line: int | None
    comment: int
    reason: str


class Mended(NamedTuple):
    """A fix that was made: the kind, the line where its finding stood, and what was done."""

    kind: str
    line: int | None
    sentence: str
    changes_argv: bool


class Rejection(NamedTuple):
    """Why a file could not be checked; an error's fields, since exceptions do not travel."""

    code: str
    message: str
    hint: str | None
    phase: str
    rule: str | None = None
    span: Span | None = None
    excerpt: str | None = None

    @staticmethod
    def of(error: EntrysemError) -> Rejection:
        """The fields; the phase is `input` for what is no Dockerfile's fault."""
        if isinstance(error, DockerfileError):
            return Rejection(
                error.code,
                error.message,
                error.hint,
                error.phase,
                error.rule,
                error.span,
                error.excerpt,
            )
        return Rejection(error.code, error.message, error.hint, "input")

    def error(self, name: str) -> EntrysemError:
        """The error again, for `render.text.problem`."""
        if self.rule is None:
            return InputError(self.code, self.message, where=name, hint=self.hint)
        return DockerfileError(
            self.code,
            self.message,
            rule=self.rule,
            span=self.span,
            excerpt=self.excerpt,
            phase="build" if self.phase == "build" else "parse",
            hint=self.hint,
        )


class FileResult(NamedTuple):
    """What one file came to.

    Attributes:
        place: the file.
        problems: in the order of the file; without those that are ignored or in the baseline.
        rejection: why it was not checked, or not wholly; None for a file that was.
        ignored: what comments of the file answer.
        known: how many problems the baseline has already.
        kept, unknown: how many expectations hold, and how many cannot be decided.
        used: numbers of the expectations of its config that were looked at, with the config's path.
        mended: the fixes that were made, or would be.
        before, after: the bytes that were read, and those with the fixes; both None when no fix was made.
        is_config: whether this is no Dockerfile but a configuration that has something to tell.
        text: the bytes that the fixes of `problems` are for; None when none has one, but for standard
            input.
    """

    place: Place
    problems: tuple[Problem, ...] = ()
    rejection: Rejection | None = None
    ignored: tuple[Ignored, ...] = ()
    known: int = 0
    kept: int = 0
    unknown: int = 0
    used: tuple[tuple[str, int], ...] = ()
    mended: tuple[Mended, ...] = ()
    before: bytes | None = None
    after: bytes | None = None
    text: bytes | None = None
    is_config: bool = False


class Totals(NamedTuple):
    """The sums over all files. `files` are those that were checked, `rejected` what could not be."""

    files: int
    rejected: int
    errors: int
    warnings: int
    infos: int
    ignored: int
    known: int
    kept: int
    unmet: int
    unknown: int
    fixable: int
    mended: int

    @staticmethod
    def of(results: Sequence[FileResult]) -> Totals:
        """Counted anew from the results."""
        problems = [problem for result in results for problem in result.problems]
        by = dict.fromkeys(("error", "warning", "info"), 0)
        for problem in problems:
            by[problem.severity] += 1
        return Totals(
            files=sum(each.rejection is None and not each.is_config for each in results),
            rejected=sum(result.rejection is not None for result in results),
            errors=by["error"],
            warnings=by["warning"],
            infos=by["info"],
            ignored=sum(len(result.ignored) for result in results),
            known=sum(result.known for result in results),
            kept=sum(result.kept for result in results),
            unmet=sum(problem.expected is not None for problem in problems),
            unknown=sum(result.unknown for result in results),
            fixable=sum(problem.fix is not None for problem in problems),
            mended=sum(len(result.mended) for result in results),
        )


def fingerprint(kind: str, shown: str, words: str, number: int) -> str:
    """The fingerprint of the `number`th (from 0) problem with these three.

    Args:
        kind: its id.
        shown: the file's path as `Place.shown`.
        words: the text that it is about; blanks are taken alike.
        number: of those before it in the file that have the same kind and words.
    """
    import hashlib  # noqa: PLC0415  # most checks find nothing

    parts = (kind, shown, " ".join(words.split()), str(number))
    text = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:32]
