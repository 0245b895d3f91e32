"""What can be wrong with the input.

Two kinds, told apart by whose fault it is:

* `DockerfileError`: the text is read, and a builder would reject it. It carries the builder's
  phase, a stable code, the rule that rejects it, and the place.
* `InputError`: something that is not a Dockerfile (a base config, a profile name, an oracle
  request) cannot be understood.

Codes are an interface and never change; messages are prose and may.
A container that cannot start is neither: it is a *result* (`model.StartError`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["DockerfileError", "EntrysemError", "InputError", "Span"]


class Span(NamedTuple):
    """A place in a source text. Lines and columns count from 1; columns count characters."""

    line: int
    column: int
    end_line: int
    end_column: int


class EntrysemError(ValueError):
    """Everything that entrysem raises on purpose.

    Attributes:
        code: stable, machine-readable, kebab-case.
        message: one sentence for a person, without the place.
        hint: what to do about it, or None.
    """

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class DockerfileError(EntrysemError):
    """The builder rejects the Dockerfile.

    Attributes:
        phase: `parse` when the text alone decides, `build` when options or stages do.
        rule: id of the rule that rejects it.
        span: where, or None when no line is to blame (an empty file).
        excerpt: the physical line that `span` starts on, without its line end; None without a span.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        rule: str,
        span: Span | None,
        excerpt: str | None = None,
        phase: Literal["parse", "build"] = "parse",
        hint: str | None = None,
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.phase: Literal["parse", "build"] = phase
        self.rule = rule
        self.span = span
        self.excerpt = excerpt

    @property
    def line(self) -> int | None:
        """The first line of the place, counted from 1; None without a place."""
        return self.span.line if self.span else None


class InputError(EntrysemError):
    """Input that is not a Dockerfile cannot be understood.

    Attributes:
        where: what was being read: a file name, `request line 3`, `--builder`.
    """

    def __init__(self, code: str, message: str, *, where: str, hint: str | None = None) -> None:
        super().__init__(code, message, hint=hint)
        self.where = where
