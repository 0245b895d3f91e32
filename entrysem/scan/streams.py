"""Bytes of a source as they come: decompressed on the way, counted for the progress, never whole.

What a file is compressed with is told by its first bytes, not by its name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
from importlib import import_module
from typing import IO, Any, cast

from entrysem.errors import InputError

__all__ = ["Meter", "needs_zstd", "opened_stream"]

_BUFFER = 1 << 20
_MAGIC = (
    (b"\x1f\x8b", "gz"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bz2"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)


class Meter:
    """How far the reading is.

    Attributes:
        source: what is read now, for a person.
        done: bytes read of the sources whose size is known, as they are on disk.
        total: their sizes together; 0 when that says nothing about how far it is.
    """

    def __init__(self) -> None:
        self.source = ""
        self.done = 0
        self.total = 0


class _Counted(io.RawIOBase):
    """A file that adds what is read from it to the meter."""

    def __init__(self, file: IO[bytes], meter: Meter) -> None:
        super().__init__()
        self._file = file
        self._meter = meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._meter.done += len(data)
        return len(data)

    def close(self) -> None:
        if self._file is not sys.stdin.buffer:
            self._file.close()
        super().close()


def opened_stream(name: str, meter: Meter) -> IO[bytes]:
    """The content of the file, or of standard input for `-`, decompressed; buffered.

    Raises:
        OSError: it cannot be opened. Reading raises what the decompressor raises.
        InputError: `needs-extra`, it is zstd and nothing here can read that.
    """
    file: IO[bytes] = sys.stdin.buffer if name == "-" else open(name, "rb", buffering=0)  # noqa: PTH123, SIM115
    raw = io.BufferedReader(_Counted(file, meter), _BUFFER)
    try:
        start = raw.peek(8)[:8]
    except OSError:
        raw.close()
        raise
    kind = next((kind for magic, kind in _MAGIC if start.startswith(magic)), "")
    if not kind:
        return raw
    opened: Any
    if kind == "gz":
        opened = gzip.GzipFile(fileobj=raw)
    elif kind == "xz":
        opened = lzma.LZMAFile(raw)
    elif kind == "bz2":
        opened = bz2.BZ2File(raw)
    else:
        opened = needs_zstd(name).ZstdFile(raw)
    return cast("IO[bytes]", io.BufferedReader(opened, _BUFFER))


def needs_zstd(name: str) -> Any:
    """The module that reads zstd: of Python 3.14, or its backport.

    Raises:
        InputError: `needs-extra`, neither is there.
    """
    for module in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(module)
        except ImportError:
            continue
    raise InputError(
        "needs-extra",
        "is compressed with zstd, and nothing here reads that",
        where=name,
        hint="pip install 'entrysem[scan]', or decompress it on the way: zstd -dc FILE | entrysem scan -",
    )


def size_of(name: str) -> int:
    """The file's size, or 0 when nobody knows."""
    try:
        return os.stat(name).st_size  # noqa: PTH116 - names may hold what a Path refuses
    except (OSError, ValueError):
        return 0
