"""The files of `spec/`, wherever they are: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from entrysem.errors import InputError

__all__ = ["read_text", "spec_folder"]


def spec_folder() -> Path:
    """The folder that holds the rules, the vectors and the schemas.

    Raises:
        InputError: the installation is incomplete.
    """
    package = Path(__file__).parent
    for folder in (package / "spec", package.parent / "spec"):
        if (folder / "vectors").is_dir():
            return folder
    raise InputError(
        "no-spec", "the folder spec is missing", where="installation", hint="install entrysem again"
    )


def read_text(name: str) -> str:
    """The text of one file under `spec/`."""
    return (spec_folder() / name).read_text(encoding="utf-8")
