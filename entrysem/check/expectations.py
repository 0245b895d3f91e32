"""Does the container get what is expected?

An expectation names an argv, or the code of an error: a build that is rejected, a container that is not
created or not started. Where a base image is not known, argv has holes; an expected argv that fits into
no filling of them is missed all the same, and one that fits into some is not decided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from entrysem.check.settings import Context, Expectation
from entrysem.errors import DockerfileError, Span
from entrysem.model import Inherited, Words, is_known
from entrysem.render.visible import shown_words, visible
from entrysem.resolve import Image, Resolution

__all__ = ["Verdict", "fits", "judge"]


class Verdict(NamedTuple):
    """How an expectation came out.

    Attributes:
        answer: `kept`, `unmet`, or `unknown`.
        message: a sentence or two, empty when it is kept.
        span: the instruction that decides, or None.
        argv: what runs, as far as it is known; None when nothing does.
        expected, observed: the two sides, as text.
    """

    answer: Literal["kept", "unmet", "unknown"]
    message: str = ""
    span: Span | None = None
    argv: Words = None
    expected: str = ""
    observed: str = ""


def judge(expectation: Expectation, build: Callable[[Context], Image], *, strict: bool) -> Verdict:
    """Compares.

    Args:
        expectation: what is expected.
        build: builds the file in a context; raises DockerfileError.
        strict: whether an answer that rests on an assumption is not known.

    Raises:
        InputError: the run cannot be typed at that runtime.
    """
    wanted = _wanted(expectation)
    try:
        image = build(expectation.context)
    except DockerfileError as error:
        if expectation.error == error.code:
            return Verdict("kept")
        observed = f"error {error.code}"
        return Verdict(
            "unmet",
            f"Expected is {wanted}, and the build is rejected{_of(expectation)}: "
            f"{visible(error.message)}.",
            error.span,
            None,
            wanted,
            observed,
        )
    result = image.run(expectation.run)
    answer = _answer(expectation, result)
    if answer == "kept" and strict and result.assumptions:
        told = "; ".join(visible(each) for each in result.assumptions)
        message = f"Expected is {wanted}{_of(expectation)}, and that holds only if {told}."
        return Verdict("unknown", message, _decides(result), result.words, wanted, "")
    if answer == "kept":
        return Verdict("kept")
    observed = _observed(result)
    message = f"Expected is {wanted}, and the container gets {observed}{_of(expectation)}."
    if answer == "unknown":
        images = " and ".join(dict.fromkeys(visible(part.image) for part in result.unknown))
        message = (
            f"Expected is {wanted}{_of(expectation)}; whether the container gets that depends on "
            f"{images}, which is not known: {observed}."
        )
    return Verdict(answer, message, _decides(result), result.words, wanted, observed)


def fits(expected: Sequence[str], words: Words) -> bool:
    """Whether `expected` is `words` for some filling of its holes, each with any number of words."""
    pieces: list[list[str]] = [[]]
    for word in words or ():
        if isinstance(word, Inherited):
            pieces.append([])
        else:
            pieces[-1].append(word)
    rest = list(expected)
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return rest == first
    if rest[: len(first)] != first:
        return False
    rest = rest[len(first) :]
    if last and rest[-len(last) :] != last:
        return False
    rest = rest[: len(rest) - len(last)]
    for piece in pieces[1:-1]:
        # The first place that fits leaves the most for those that follow.
        at = next((i for i in range(len(rest) + 1) if rest[i : i + len(piece)] == piece), None)
        if at is None:
            return False
        rest = rest[at + len(piece) :]
    return True


def _answer(expectation: Expectation, result: Resolution) -> Literal["kept", "unmet", "unknown"]:
    error, known = result.error, is_known(result.words)
    if expectation.argv is not None:
        if error is not None and known:
            return "unmet"
        if not fits(expectation.argv, result.words):
            return "unmet"
        return "kept" if known else "unknown"
    if known:
        return "kept" if error is not None and error.code == expectation.error else "unmet"
    # Nothing at all, or an empty first word, is one of the fillings unless a known word stands first.
    words = result.words or ()
    holes_only = not any(isinstance(word, str) for word in words)
    may = {"no-command-specified": holes_only, "empty-program": isinstance(words[0], Inherited)}
    return "unknown" if may.get(expectation.error or "", False) else "unmet"


def _wanted(expectation: Expectation) -> str:
    if expectation.argv is not None:
        return shown_words(expectation.argv)
    return f"error {visible(expectation.error or '')}"


def _observed(result: Resolution) -> str:
    if result.error is None:
        return shown_words(result.words)
    return f"error {result.error.code}"


def _of(expectation: Expectation) -> str:
    """Which build and run, where that is not the plain one."""
    context, run = expectation.context, expectation.run
    said = []
    if context.target is not None:
        said.append(f"of stage {visible(context.target)}")
    if isinstance(run.entrypoint, str):
        said.append(f"with --entrypoint {shown_words((run.entrypoint,))[1:-1]}")
    elif run.entrypoint is not None:
        said.append(f"with the entrypoint {shown_words(run.entrypoint)}")
    if run.args:
        said.append(f"with the arguments {shown_words(run.args)}")
    if run.init:
        said.append("with --init")
    return " " + " ".join(said) if said else ""


def _decides(result: Resolution) -> Span | None:
    """The last instruction that set Entrypoint or Cmd."""
    spans = [
        step.span
        for step in result.steps
        if step.span is not None and step.field in ("Entrypoint", "Cmd")
    ]
    return spans[-1] if spans else None
