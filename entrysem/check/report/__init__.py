"""The results in the formats that people and services read; one module a format, imported when asked for.

Each has a function `render(results, code) -> str`, with `results` in the order of the files and `code`
the exit code. A file that was rejected is in every one of them, and nothing that could act on a
terminal or a page is.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from entrysem.check.model import FileResult

__all__ = ["FORMATS", "render"]

FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")


def render(results: Sequence[FileResult], output: str, code: int) -> str:
    """The whole report, in the format `output` of `FORMATS`."""
    text: str = import_module(f"entrysem.check.report.{output}").render(results, code)
    return text
