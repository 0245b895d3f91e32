"""The pages of the findings, wherever they are: inside the wheel, or in the docs of a checkout."""

from __future__ import annotations

from pathlib import Path

from entrysem.errors import InputError
from entrysem.findings.model import Kind

__all__ = ["read_page"]


def read_page(kind: Kind) -> str:
    """The Markdown text of `docs/findings/ID.md`.

    Raises:
        InputError: `no-page`, the installation is incomplete.
    """
    package = Path(__file__).parent.parent
    for folder in (package, package.parent):
        path = folder / kind.document
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise InputError(
        "no-page",
        f"the page of {kind.id} is missing",
        where="installation",
        hint="install entrysem again",
    )
