"""Lines of a stream, none of them longer than the memory that one may take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from entrysem.scan.items import Item, failed

__all__ = ["json_lines", "listed_files"]

_CHUNK = 1 << 20
#: JSON needs at most six bytes for one; a row holds other fields too.
_TIMES = 4
_MAX_PATH = 1 << 16


def json_lines(stream: IO[bytes], name: str, limit: int) -> Iterator[Item]:
    """An item for each line that is not blank; `NAME:LINE` is its place.

    A line of more than four times `limit` bytes (and at least a megabyte) is an error, and is passed over
    in pieces.
    """
    longest = max(_TIMES * limit, _CHUNK)
    for number, line in enumerate(_lines(stream, longest), 1):
        place = f"{name}:{number}"
        if line is None:
            yield failed(place, "too-large", f"the line has more than {longest} bytes")
        elif not line.isspace():
            yield ("line", place, line)


def listed_files(stream: IO[bytes], name: str) -> Iterator[Item]:
    """An item for each line that is a path."""
    for number, line in enumerate(_lines(stream, _MAX_PATH), 1):
        if line is None:
            yield failed(f"{name}:{number}", "too-large", "the line is no path: it is too long")
        elif path := line.rstrip(b"\r\n"):
            yield ("file", os.fsdecode(path), None)


def _lines(stream: IO[bytes], longest: int) -> Iterator[bytes | None]:
    """Each line with its end, or None for one that is too long."""
    while line := stream.readline(longest + 1):
        if len(line) > longest and not line.endswith(b"\n"):
            while (piece := stream.readline(_CHUNK)) and not piece.endswith(b"\n"):
                pass
            yield None
        else:
            yield line
