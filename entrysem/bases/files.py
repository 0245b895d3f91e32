"""The small files inside an image folder or an image archive, read without trust.

An archive can have gigabytes of layers, of which nothing is wanted: the headers are walked through, and
only where the small regular files lie is kept. Nothing is ever unpacked, so that a member's path, link or
device cannot do anything; a link or a special file is never read. What an archive could make large is
bounded: the number of members, the length of a name, the size of what is read.

In a folder a link leads where it leads, since what is behind it is checked by digest or is read as JSON
and refused; a pipe or a device is refused unread, as it could block for ever.
"""

from __future__ import annotations

import os
import stat
import tarfile
from importlib import import_module
from pathlib import Path
from typing import IO, BinaryIO, NoReturn, Protocol, cast

from entrysem.bases.manifest import MAX_SIZE
from entrysem.errors import InputError

__all__ = ["Archive", "Files", "Folder"]

#: Real archives have some hundreds of members. A million of them would be a hundred MB here.
_MAX_MEMBERS = 100_000
#: Bytes of all headers of one member. tarfile reads an extended header whole, whatever size it claims.
_MAX_READ = 1024 * 1024
#: First bytes -> the module that reads them.
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma"}
#: Real images shrink to a half or a tenth; a gigabyte of zeros, to a thousandth.
_MOST_RATIO = 200
_ALWAYS = 64 * 1024 * 1024
_SAVE_AGAIN = "save the image again, such as with `docker image save IMAGE -o FILE`"
_NEVER = frozenset({"", ".", ".."})


class Files(Protocol):
    """Files by their path inside a folder or archive."""

    where: str

    def read(self, path: str) -> bytes | None:
        """A whole file; None when it is not there.

        Raises:
            InputError: `unreadable`, it cannot be read; `bad-image`, it is no regular file, larger than
                any manifest or config, or stands there twice.
        """


class Folder:
    """A folder, such as an OCI layout.

    Raises:
        InputError: `unreadable`, there is no such folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except (OSError, ValueError) as error:
            _unreadable(error, self.where)
        if not is_folder:
            raise InputError(
                "unreadable",
                "an OCI layout is a folder, and this is none",
                where=self.where,
                hint="a file that `docker save` or `podman save` wrote is docker-archive:FILE",
            )

    def read(self, path: str) -> bytes | None:
        """See `Files`."""
        if _NEVER.intersection(path.split("/")):
            return None
        where = f"{self.where}/{path}"
        try:
            # A pipe without a writer would block at opening.
            number = os.open(self._path / path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with open(number, "rb") as file:  # noqa: PTH123 - a number is no path
                regular = stat.S_ISREG(os.fstat(number).st_mode)
                data = file.read(MAX_SIZE + 1) if regular else b""
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            _unreadable(error, where)
        if not regular:
            raise InputError("bad-image", "not a regular file", where=where)
        return _small(data, where)


class Archive:
    """A tar file, plain or compressed by gzip, bzip2 or xz.

    Raises:
        InputError: `unreadable`, there is no such file; `bad-image`, it is no tar or a hostile one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)
        #: path -> where its bytes lie; None for what must not be read.
        self._places: dict[str, tuple[int, int] | None] = {}
        self._twice: set[str] = set()
        #: Bytes that it may expand to; None for a plain tar.
        self._longest: int | None = None
        try:
            with self._open() as file:
                self._list(file)
        except InputError:
            raise
        except (_TooLongError, RecursionError):
            self._fail("a header of the archive is longer than any real one")
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
            self._broken(error)
        except OSError as error:
            # Not of the file system: gzip says so of bytes that are none of its.
            if error.errno is None:
                self._broken(error)
            _unreadable(error, self.where)
        except Exception as error:
            if not _of_decompressor(error):
                raise
            self._broken(error)

    def read(self, path: str) -> bytes | None:
        """See `Files`."""
        if path not in self._places:
            return None
        place = self._places[path]
        where = f"{self.where}: {path}"
        if place is None:
            raise InputError("bad-image", "not a regular file", where=where, hint=_SAVE_AGAIN)
        if path in self._twice and not path.startswith("blobs/"):
            raise InputError(
                "bad-image", "stands twice in the archive", where=where, hint=_SAVE_AGAIN
            )
        start, size = place
        if size > MAX_SIZE:
            _small(b"", where, size)
        try:
            with self._open() as file:
                file.seek(start)
                data = file.read(size)
        except OSError as error:
            if error.errno is None:
                self._broken(error)
            _unreadable(error, where)
        except Exception as error:
            if not (isinstance(error, EOFError) or _of_decompressor(error)):
                raise
            self._broken(error)
        if len(data) < size:
            raise InputError(
                "bad-image", "the archive ends in the middle of it", where=where, hint=_SAVE_AGAIN
            )
        return data

    def _open(self) -> BinaryIO:
        """The bytes of the tar itself."""
        status = self._path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(
                "unreadable",
                "an archive is read more than once, and this is no regular file",
                where=self.where,
                hint="write it to a file first",
            )
        file = self._path.open("rb")
        start = file.read(6)
        file.seek(0)
        for magic, module in _COMPRESSIONS.items():
            if start.startswith(magic):
                file.close()
                self._longest = _MOST_RATIO * status.st_size + _ALWAYS
                return cast("BinaryIO", import_module(module).open(self._path, "rb"))
        return file

    def _list(self, file: BinaryIO) -> None:
        guarded = _Guarded(file)
        tar = tarfile.TarFile(fileobj=cast("IO[bytes]", guarded))
        for _ in range(_MAX_MEMBERS):
            guarded.left = _MAX_READ
            member = tar.next()
            if member is None:
                return
            # It keeps each member that it has seen.
            tar.members.clear()  # type: ignore[attr-defined]
            end = member.offset_data + member.size
            if self._longest is not None and end > self._longest:
                self._fail(f"the archive expands to more than {_MOST_RATIO} times its size")
            # `./manifest.json` and `manifest.json` are one file.
            name = member.name.removeprefix("./")
            if name in self._places:
                self._twice.add(name)
            # Not member.isfile(), which takes a sparse file for one.
            regular = member.type in {tarfile.REGTYPE, tarfile.AREGTYPE}
            self._places[name] = (member.offset_data, member.size) if regular else None
        self._fail(f"the archive has more than {_MAX_MEMBERS} members")

    def _broken(self, error: Exception) -> NoReturn:
        with self._path.open("rb") as file:
            zstd = file.read(4) == b"\x28\xb5\x2f\xfd"
        if zstd:
            self._fail("the archive is compressed by zstd", "decompress it first: zstd -d FILE")
        del error
        self._fail("not a tar archive, or a damaged one", _SAVE_AGAIN)

    def _fail(self, message: str, hint: str = _SAVE_AGAIN) -> NoReturn:
        raise InputError("bad-image", message, where=self.where, hint=hint) from None


def _of_decompressor(error: Exception) -> bool:
    """Their errors are their own, zlib.error and lzma.LZMAError; a plain tar imports neither."""
    return type(error).__module__ in {"zlib", "_lzma", "lzma"}


class _TooLongError(Exception):
    pass


class _Guarded:
    """A file that gives only so much between two members: more than any real header has."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.left = _MAX_READ
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        if not 0 <= size <= self.left:
            raise _TooLongError
        self.left -= size
        return self._file.read(size)


def _small(data: bytes, where: str, size: int | None = None) -> bytes:
    if (len(data) if size is None else size) > MAX_SIZE:
        raise InputError(
            "bad-image",
            f"larger than {MAX_SIZE // 1024 // 1024} MiB, as no manifest or config is",
            where=where,
        )
    return data


def _unreadable(error: Exception, where: str) -> NoReturn:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    raise InputError("unreadable", f"cannot be read: {reason}", where=where) from None
