"""The reports of `entrysem verify`: what journals say, in the format that its reader needs.

A report is made from journals alone, so every format can be made later, elsewhere, and again. Several
journals make one report with a column each. `matrix` is the computation that all formats share,
`words` how they spell things, and each format is a module with a function `render`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from entrysem.errors import InputError
from entrysem.verify.journal import Journal

__all__ = ["FORMATS", "render"]

#: Format -> what it is for.
FORMATS = {
    "text": "the matrix and what is wrong, for a terminal",
    "markdown": "for a review or a job's summary",
    "junit": "XML for the test reports of a CI system",
    "json": "for programs; the schema is verify-report",
    "html": "one page that stands alone, with every case",
}


def render(
    journals: Sequence[Journal],
    format: str,  # noqa: A002 - named as the option
    *,
    width: int = 100,
    colour: bool = False,
) -> str:
    """The report of these journals, a column each, in their order.

    `width` and `colour` are for the format text: how many columns the terminal has, and whether ANSI
    colours may be used.

    Raises:
        InputError: an unknown format, no journal, or a part that is not installed.
    """
    if format not in FORMATS:
        raise InputError(
            "unknown-format",
            f"there is no format {format!r}",
            where="--format",
            hint=f"known: {', '.join(FORMATS)}",
        )
    if not journals:
        raise InputError(
            "no-journal",
            "there is no journal to report",
            where="report",
            hint="name a file that `entrysem verify --journal` wrote",
        )
    try:
        # Only the format that is asked for: the others' libraries need not be there.
        module = import_module(f"entrysem.verify.report.{format}")
    except ModuleNotFoundError as error:
        raise InputError(
            "missing-library",
            f"the format {format} needs the library {error.name}, which is not installed",
            where="--format",
            hint="install entrysem[verify]",
        ) from None
    options = {"width": width, "colour": colour} if format == "text" else {}
    report: str = module.render(journals, **options)
    return report
