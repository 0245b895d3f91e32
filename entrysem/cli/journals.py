"""`entrysem verify report` and `verify diff`: what journals say; and how all of `verify` speaks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from entrysem.errors import InputError
    from entrysem.verify.journal import Journal

__all__ = [
    "Format",
    "Output",
    "check_format",
    "diff",
    "rendered",
    "report",
    "say",
    "tell",
    "usage",
    "write",
]

FORMATS = "text|markdown|junit|json|html"

Format = Annotated[str, typer.Option("--format", metavar=FORMATS, help="Output format.")]
Output = Annotated[
    str, typer.Option(metavar="FILE", help="Write the report to a file, not to standard output.")
]


# --- journals that are there -------------------------------------------------------------------------

_Journals = Annotated[list[str], typer.Argument(metavar="JOURNAL...", help="Journals of engines.")]


def report(journals: _Journals, output_format: Format = "text", output: Output = "") -> None:
    """Show what journals say: one report, a column for each engine.

    The exit code is that of the run: 0 as expected, 1 a mismatch, 3 broken or not complete.
    """
    from entrysem.errors import InputError
    from entrysem.verify.journal import read

    try:
        check_format(output_format)
        found = [read(Path(name)) for name in journals]
        write(rendered(found, output_format, output), output)
    except InputError as error:
        raise typer.Exit(tell(error)) from None
    raise typer.Exit(max(journal.exit_code for journal in found))


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A journal.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="A later one.")],
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|markdown|json", help="Output format.")
    ] = "text",
    output: Output = "",
) -> None:
    """Show what changed between two journals. Exit code 1 when something got worse."""
    from entrysem.errors import InputError
    from entrysem.verify import diff as differences
    from entrysem.verify.journal import read

    if output_format not in differences.FORMATS:
        usage("--format", f"{output_format!r} is none of {', '.join(differences.FORMATS)}")
    try:
        difference = differences.compare(read(Path(old)), read(Path(new)))
        write(differences.render(difference, output_format), output)
    except InputError as error:
        raise typer.Exit(tell(error)) from None
    raise typer.Exit(difference.exit_code)


# --- what comes out ----------------------------------------------------------------------------------


def check_format(name: str) -> None:
    """A wrong name is told before anything is run."""
    if name not in FORMATS.split("|"):
        usage("--format", f"{name!r} is none of {FORMATS.replace('|', ', ')}")


def rendered(journals: Sequence[Journal], name: str, output: str) -> str:
    """The report; as wide and as colourful as the terminal that it goes to, if it does."""
    from entrysem.verify.report import render

    terminal = not output and sys.stdout.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size().columns if terminal else 100
    return render(journals, name, width=width, colour=colour)


def write(text: str, output: str) -> None:
    """To the file, or to standard output; raises `InputError` when the file cannot be written."""
    if not output:
        sys.stdout.write(text)
        return
    try:
        Path(output).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        from entrysem.errors import InputError

        raise InputError(
            "unwritable",
            f"the report cannot be written: {error.strerror}",
            where=output,
            hint="`entrysem verify report` makes it again from the journal",
        ) from None


def say(text: str) -> None:
    """A line of talk, on standard error."""
    from entrysem.render.visible import visible

    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()


def tell(error: InputError) -> int:
    """Shows the error; its exit code: 2 for what was typed, 3 for what cannot be read or written."""
    from entrysem.render.text import Style, problem

    sys.stderr.write(problem(error, "", Style(colour=False)))
    return 3 if error.code in _UNREADABLE else 2


_UNREADABLE = frozenset({"unreadable", "unwritable", "bad-journal", "other-format", "bad-known"})


def usage(option: str, message: str) -> NoReturn:
    """Ends with exit code 2."""
    raise typer.BadParameter(message, param_hint=option)
