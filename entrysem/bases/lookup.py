"""Which known image does a FROM mean?

A reference has up to four parts, `HOST/PATH:TAG@DIGEST`, and several spellings. The first
component is a host when it holds a dot, a colon or a capital letter, or is `localhost`; without tag
and digest the tag is `latest`. Official images live under `library/` at the default registry and at
its mirrors, so NAME, `library/NAME` and `HOST/library/NAME` are taken for one image. No host is
known by name here: `HOST/NAME` is therefore never taken for an official image.

The lookups of this package are plain functions, image text -> `Base` or None for "not known";
`chain` asks them in turn.

`read_base_options` is the one function here that opens files.

Source: distribution/reference normalize.go (splitDockerDomain, ParseNormalizedNamed) and regexp.go.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from entrysem.build import BaseLookup
from entrysem.errors import InputError
from entrysem.late import late
from entrysem.model import Base, ImageConfig

__all__ = [
    "Reference",
    "chain",
    "given",
    "parse_base_option",
    "parse_reference",
    "read_base_options",
]

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REMAINDER = late(
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)

_NO_NOTES: Mapping[str, str] = {}


class Reference(NamedTuple):
    """An image reference, read.

    Attributes:
        name: path without tag; without `library/` for an official image; with the host for any
            other image that has one.
        tag: None when only a digest is given; else the tag, `latest` when none is written.
        digest: `sha256:...`, or None.
        host: the host as written, or None.
    """

    name: str
    tag: str | None
    digest: str | None
    host: str | None


def parse_reference(text: str) -> Reference | None:
    """Reads an image reference; None when `text` is not one. Never raises."""
    first, slash, remainder = text.partition("/")
    host: str | None = first if slash and _is_host(first) else None
    match = _REMAINDER.fullmatch(text if host is None else remainder)
    if match is None:
        return None
    path, tag, digest = match["path"], match["tag"], match["digest"]
    if tag is None and digest is None:
        tag = "latest"
    namespace, _, name = path.partition("/")
    if namespace == "library" and name and "/" not in name:
        return Reference(name, tag, digest, host)
    return Reference(path if host is None else f"{host}/{path}", tag, digest, host)


def _is_host(component: str) -> bool:
    return (
        "." in component
        or ":" in component
        or component == "localhost"
        or component != component.lower()
    )


def chain(*lookups: BaseLookup) -> BaseLookup:
    """A lookup that asks `lookups` in order and gives the first answer that is not None."""

    def look_up(image: str) -> Base | None:
        for lookup in lookups:
            base = lookup(image)
            if base is not None:
                return base
        return None

    return look_up


def given(
    configs: Mapping[str, ImageConfig],
    notes: Mapping[str, str] = _NO_NOTES,
    *,
    where: str = "--base-config",
) -> BaseLookup:
    """A lookup in the configs that the user gave.

    An image is found by its text as given, or by another spelling of the same reference: tag
    `latest` left out, `library/` or `HOST/library/` before an official name. A digest counts: an
    image with a digest is another image than the one without.

    Args:
        configs: image, as the user wrote it -> config.
        notes: image -> a word on its origin, for a person: the file's name.
        where: what the configs were given by, for the error.

    Raises:
        InputError: `bad-base-option`, two spellings of one image with different configs.
    """
    bases = {
        image: Base(config, "given", notes.get(image, "")) for image, config in configs.items()
    }
    by_reference: dict[tuple[str, str | None, str | None], str] = {}
    for image in configs:
        key = _identity(image)
        if key is None:
            continue
        other = by_reference.setdefault(key, image)
        if configs[other] != configs[image]:
            raise InputError(
                "bad-base-option",
                f"{other} and {image} are the same image, and their configs differ",
                where=where,
                hint="give one of them",
            )

    def look_up(image: str) -> Base | None:
        base = bases.get(image)
        if base is not None:
            return base
        key = _identity(image)
        spelling = None if key is None else by_reference.get(key)
        return None if spelling is None else bases[spelling]

    return look_up


def _identity(image: str) -> tuple[str, str | None, str | None] | None:
    reference = parse_reference(image)
    return None if reference is None else (reference.name, reference.tag, reference.digest)


def parse_base_option(text: str) -> tuple[str, Path]:
    """Splits the value of `--base-config`, `IMAGE=FILE`, at its first `=`.

    No image reference holds an `=`; a file name may.

    Raises:
        InputError: `bad-base-option`, a side is missing or IMAGE is no image reference.
    """
    image, equals, file = text.partition("=")
    if not equals:
        problem = f"there is no = in {text!a}"
    elif not image:
        problem = f"there is no image before the = in {text!a}"
    elif not file:
        problem = f"there is no file after the = in {text!a}"
    elif parse_reference(image) is None:
        problem = f"{image!a} is not an image reference"
    else:
        return image, Path(file)
    raise InputError(
        "bad-base-option",
        problem,
        where="--base-config",
        hint="write IMAGE=FILE with the image as FROM has it, such as python:3.12=python.json",
    )


def read_base_options(options: Iterable[str]) -> tuple[dict[str, ImageConfig], dict[str, str]]:
    """Reads the files that `--base-config IMAGE=FILE` names; `-` is standard input.

    Returns:
        image -> config, and image -> file name: the two arguments of `given`.

    Raises:
        InputError: `bad-base-option`, an option is malformed, or an image is named twice;
            `unreadable`, a file cannot be read; `bad-base-config`, a file is no image's config.
    """
    configs: dict[str, ImageConfig] = {}
    notes: dict[str, str] = {}
    for option in options:
        image, path = parse_base_option(option)
        if image in configs:
            raise InputError(
                "bad-base-option",
                f"{image} is given twice: {notes[image]} and {path}",
                where="--base-config",
                hint="give each image once",
            )
        configs[image] = _config_of(path)
        notes[image] = str(path)
    return configs, notes


def _config_of(path: Path) -> ImageConfig:
    from entrysem.bases.config import (  # noqa: PLC0415  # most starts are given no file
        MAX_SIZE,
        read_base_config,
    )

    # As much of it as shows that it is too large.
    return read_base_config(_bytes_of(path, MAX_SIZE + 1), where=str(path))


def _bytes_of(path: Path, limit: int) -> bytes:
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(limit)
        with path.open("rb") as file:
            return file.read(limit)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            "unreadable",
            f"cannot be read: {reason}",
            where=str(path),
            hint="name a file that holds what `docker image inspect IMAGE` prints",
        ) from None
