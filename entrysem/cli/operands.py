"""What `diff` and `emit` take in place of a Dockerfile: a file, a revision, an image, a config.

    Dockerfile, -             a file, standard input
    HEAD~1:web/Dockerfile     a file at a revision; :web/Dockerfile is the one in the index
    image:NAME, oci:DIR ...   an image, as `bases.open` reads it
    web.json                  an image's config: a text that begins with a bracket is no Dockerfile

A file that exists goes before a revision; `./image:x` is a file.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from entrysem.cli.files import MAX_BYTES, read_source

if TYPE_CHECKING:
    from entrysem.build import BaseLookup
    from entrysem.diff.git import Repository
    from entrysem.model import Base

__all__ = ["is_file", "open_side_bases", "read_operand", "repository"]

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def repository() -> Repository:
    """The repository of the current folder; nothing is asked of it yet."""
    from entrysem.diff.git import Repository

    return Repository(limit=MAX_BYTES)


def is_file(text: str) -> bool:
    """Whether this names something on disk. Never raises."""
    try:
        return text == "-" or Path(text).exists()
    except (OSError, ValueError):
        return False


def read_operand(text: str, bases: BaseLookup, platform: str) -> bytes | Base:
    """A Dockerfile's bytes, or an image.

    Raises:
        InputError: it cannot be read: as `read_source`, `Repository.read`, `open_image` and
            `read_base_config`.
    """
    from entrysem.bases.open import is_image, open_image

    if is_image(text):
        return open_image(text, bases, platform=platform)
    revision, colon, path = text.partition(":")
    if colon and path and not is_file(text):
        return _read(repository().read(revision, path), text)
    return _read(read_source(text), text)


def _read(data: bytes, where: str) -> bytes | Base:
    if not data.startswith(_WIDE) and data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] not in {b"{", b"["}:
        return data
    from entrysem.bases.config import read_base_config
    from entrysem.model import Base

    return Base(read_base_config(data, where=where), "given", where)


def open_side_bases(
    common: Sequence[str],
    own: Sequence[str],
    sources: Sequence[str],
    *,
    catalogue: bool,
    platform: str,
) -> BaseLookup:
    """The base images of one side: what is said of this side goes before what is said of both.

    Raises:
        InputError: as `open_bases`.
    """
    from entrysem.bases.lookup import parse_reference
    from entrysem.bases.open import open_bases

    def image(option: str) -> object:
        text = option.partition("=")[0]
        return parse_reference(text) or text

    named = {image(option) for option in own}
    configs = [*own, *(option for option in common if image(option) not in named)]
    return open_bases(configs, sources, catalogue=catalogue, platform=platform)
