"""Dockerfiles out of a tar archive, one after the other, nothing unpacked.

A member's name is only a name: `../../etc/passwd` and `/dev/sda` are identities here, never paths. What a
header promises is not believed either: a member larger than the limit is passed over unread, and the
headers that `tarfile` would hold whole in memory (long names, pax records) have a limit of their own.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from typing import IO, Any

from entrysem.scan.items import Item, failed

__all__ = ["members"]

#: Bytes of one extended header. Linux paths have at most 4096; pax records hold a few more things.
_MAX_HEADER = 1 << 20
#: Bytes read at once of what nobody wants.
_PIECE = 1 << 20
_HEADERS = frozenset(
    (
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
    )
)
_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


class _Member(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Any:
        # Left alone, tarfile takes a header that is broken for the end of the archive.
        try:
            return super().fromtarfile(tarfile_)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"a broken header: {error}") from None

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        # tarfile's own comment names this method as the one to override.
        if self.type in _HEADERS and self.size > _MAX_HEADER:
            raise tarfile.ReadError(f"an extended header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]


def members(
    stream: IO[bytes], name: str, wanted: Callable[[str], bool], limit: int
) -> Iterator[Item]:
    """An item for each member whose name is wanted; folders are passed over.

    Args:
        stream: the archive, decompressed.
        name: of the archive; identities are `NAME:MEMBER`.
        wanted: whether a member's path is that of a Dockerfile.
        limit: a larger member is an error.

    Raises:
        tarfile.TarError, OSError, EOFError, and what else a broken archive makes its readers raise.
    """
    with tarfile.open(
        fileobj=stream, mode="r|", tarinfo=_Member, errorlevel=1, errors="surrogateescape"
    ) as archive:
        while (member := archive.next()) is not None:
            if not member.isdir() and wanted(member.name):
                yield _item(archive, member, f"{name}:{member.name}", limit)
            _pass_over(archive)
            # It would remember every one.
            archive.members.clear()  # type: ignore[attr-defined]


def _item(archive: tarfile.TarFile, member: tarfile.TarInfo, identity: str, limit: int) -> Item:
    if not member.isreg():
        kind = _KINDS.get(member.type, "no file")
        return failed(identity, "not-a-file", f"{kind} in the archive")
    if member.size > limit:
        return failed(identity, "too-large", f"{member.size} bytes, more than {limit}")
    # Where nothing has to be put together, its bytes are what comes next.
    source: Any = archive.extractfile(member) if member.issparse() else archive.fileobj
    data = source.read(member.size)
    if len(data) != member.size:
        raise tarfile.ReadError("the archive ends in the middle of a file")
    return ("data", identity, data)


def _pass_over(archive: tarfile.TarFile) -> None:
    """What is left of a member: tarfile would go on for as long as the header says, also at the end."""
    stream: Any = archive.fileobj
    left = archive.offset - stream.tell()
    while left > 0:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise tarfile.ReadError("the archive ends in the middle of a file")
        left -= len(piece)
