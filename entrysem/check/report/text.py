"""For a person at a terminal: place, severity and kind, then the line, then what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from entrysem.check.model import FileResult, Problem, Totals
from entrysem.render.text import Style, problem
from entrysem.render.visible import markers, shown_words, visible

__all__ = ["render", "summary"]

#: Characters of a source line that are shown.
_SHOWN = 160


def render(results: Sequence[FileResult], code: int, style: Style | None = None) -> str:
    """All problems of all files; empty when there is none."""
    del code
    style = style or Style(colour=False)
    return "".join(part for result in results for part in _file(result, style))


def _file(result: FileResult, style: Style) -> Iterator[str]:
    name = result.place.name
    if result.rejection is not None:
        yield problem(result.rejection.error(name), name, style) + "\n"
    for mended in result.mended:
        line = "" if mended.line is None else f":{mended.line}"
        told = "; argv changes" if mended.changes_argv else ""
        yield f"{visible(name)}{line}: fixed {mended.kind}: {visible(mended.sentence)}{told}\n"
    if result.mended:
        yield "\n"
    for each in result.problems:
        yield "\n".join(_problem(each, visible(name), style)) + "\n\n"


def _problem(each: Problem, name: str, style: Style) -> Iterator[str]:
    span = each.span
    place = "" if span is None else f":{span.line}:{span.column}"
    word = style.bad(each.severity) if each.severity == "error" else style.strong(each.severity)
    yield f"{name}{place}: {word} {each.kind} {each.title}"
    if span is not None and each.excerpt:
        start = max(span.column - _SHOWN // 2, 0) if span.column > _SHOWN else 0
        excerpt = each.excerpt[start : start + _SHOWN]
        end = span.end_column if span.end_line == span.line else len(each.excerpt)
        end = min(end - start, len(excerpt))
        text, under = markers(excerpt, span.column - start, max(end, span.column - start))
        yield f"  {style.faint(f'{span.line} |')} {text}"
        yield f"  {style.faint(' ' * len(str(span.line)) + ' |')} {style.mark(under)}"
    yield f"  {visible(each.message)}"
    if each.fix is not None:
        yield f"  fix: {visible(each.fix.sentence)}"
        if each.fix.changes_argv:
            yield f"       argv changes from {shown_words(each.argv)}"
            yield f"                     to {shown_words(each.fixed_argv)}"


def summary(totals: Totals, *, mending: bool = False) -> str:
    """What the run came to, as one line without its end."""
    parts = []
    for number, word in (
        (totals.errors, "error"),
        (totals.warnings, "warning"),
        (totals.infos, "info"),
    ):
        if number:
            parts.append(_count(number, word))
    told = []
    if totals.files or parts:
        told.append(f"{', '.join(parts) or 'nothing found'} in {_count(totals.files, 'file')}")
    if totals.rejected:
        told.append(f"{_count(totals.rejected, 'file')} could not be checked")
    expected = totals.kept + totals.unmet + totals.unknown
    if expected:
        told.append(f"{totals.kept} of {_count(expected, 'expectation')} hold")
    if totals.ignored:
        told.append(f"{totals.ignored} ignored by comments")
    if totals.known:
        told.append(f"{totals.known} known from the baseline")
    if totals.mended:
        told.append(f"{totals.mended} {'fixed' if mending else 'would be fixed'}")
    elif totals.fixable:
        told.append(f"{totals.fixable} can be fixed with --fix")
    return "; ".join(told)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
