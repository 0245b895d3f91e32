"""What a source yields: small tuples that can be sent to another process, each with its identity.

    ("file", PATH, None)        a file that the worker opens
    ("data", ID, BYTES)         a Dockerfile's bytes
    ("line", PLACE, BYTES)      one line of newline-delimited JSON, not looked at yet; PLACE is its identity
                                when it has none of its own
    ("error", ID, (PHASE, CODE, MESSAGE))

Only the worker looks inside, so that the one process that reads stays ahead of those that work.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import Any, Literal, NamedTuple

from entrysem.scan.settings import Settings

__all__ = ["Failed", "Item", "cost", "failed", "loaded", "opened"]

Item = tuple[Literal["file", "data", "line", "error"], str, Any]

#: What a file adds to a batch when nobody has looked how large it is.
_FILE_COST = 2048


class Failed(NamedTuple):
    """Why an item has no Dockerfile: the middle of its record."""

    phase: str
    code: str
    message: str


def failed(identity: str, code: str, message: str, phase: str = "input") -> Item:
    """An item for what could not be read."""
    return ("error", identity, Failed(phase, code, message))


def cost(item: Item) -> int:
    """About how many bytes the item takes."""
    payload = item[2]
    return len(payload) if isinstance(payload, bytes) else _FILE_COST


def loaded(item: Item, settings: Settings) -> Item:
    """The item without need of this machine's file system."""
    if item[0] != "file":
        return item
    identity, data = opened(item, settings)
    return ("data" if isinstance(data, bytes) else "error", identity, data)


def opened(item: Item, settings: Settings) -> tuple[str, bytes | Failed]:
    """The item's identity and its Dockerfile, or why it has none."""
    kind, identity, payload = item
    if kind == "file":
        return identity, _read(identity, settings.max_bytes)
    if kind == "line":
        return _from_line(identity, payload, settings)
    return identity, payload


def _read(path: str, limit: int) -> bytes | Failed:
    try:
        # A pipe or device must neither be waited for nor read.
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError as error:
        code = "not-found" if error.errno == errno.ENOENT else "unreadable"
        return Failed("input", code, f"cannot be read: {error.strerror}")
    except ValueError as error:
        return Failed("input", "unreadable", f"cannot be read: {error}")
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Failed("input", "not-a-file", "neither a file nor a link to one")
        if status.st_size > limit:
            return Failed("input", "too-large", f"{status.st_size} bytes, more than {limit}")
        with open(descriptor, "rb", closefd=False) as file:  # noqa: PTH123 - a descriptor, not a path
            data = file.read(limit + 1)
    except OSError as error:
        return Failed("input", "unreadable", f"cannot be read: {error.strerror}")
    finally:
        os.close(descriptor)
    # It may have grown, and /proc says 0.
    return data if len(data) <= limit else Failed("input", "too-large", f"more than {limit} bytes")


def _from_line(place: str, line: bytes, settings: Settings) -> tuple[str, bytes | Failed]:
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        return place, Failed("input", "not-utf8", f"the line is not UTF-8: {error.reason}")
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return place, Failed("input", "bad-json", f"the line is not JSON: {reason}")
    if not isinstance(row, dict):
        return place, Failed("input", "bad-json", "the line is JSON, and not an object")
    return from_row(place, row, settings)


def from_row(place: str, row: dict[str, Any], settings: Settings) -> tuple[str, bytes | Failed]:
    """Identity and Dockerfile of a row of named values."""
    own = row.get(settings.id_field)
    identity = place if own is None or isinstance(own, (dict, list)) else str(own)
    text = row.get(settings.text_field)
    if isinstance(text, str):
        data = text.encode("utf-8", "surrogatepass")
    elif isinstance(text, bytes):
        data = text
    elif settings.text_field in row:
        kind = "null" if text is None else type(text).__name__
        message = f"the field {settings.text_field!r} holds no text: {kind}"
        return identity, Failed("input", "not-text", message)
    else:
        names = ", ".join(sorted(row)[:10])
        message = f"there is no field {settings.text_field!r}; there are {names or 'none'}"
        return identity, Failed("input", "no-field", message)
    if len(data) > settings.max_bytes:
        message = f"{len(data)} bytes, more than {settings.max_bytes}"
        return identity, Failed("input", "too-large", message)
    return identity, data
