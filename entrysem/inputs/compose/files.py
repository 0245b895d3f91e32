"""The files of a Compose project: where they are, and reading them.

A file that another one names (`extends`, `include`, `.env`) is read only when it is a plain file, so
that no pipe or device is opened because a stranger's file says so.

Source: compose-spec/compose-go v2.9.1 cli/options.go (DefaultFileNames, WithDefaultConfigPath).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from entrysem.errors import InputError
from entrysem.inputs.yaml import MAX_BYTES

__all__ = ["FILE_NAMES", "OVERRIDE_NAMES", "beside", "discovered", "is_remote", "joined", "read"]

#: Compose takes the first of these that is there, then the first override that is.
FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_REMOTE = ("https://", "http://", "git://", "ssh://", "github.com/", "git@")


def read(path: str, *, named_by: str = "") -> bytes:
    """The bytes of a file, one more than `MAX_BYTES` at most; standard input for `-`.

    Args:
        path: relative to the current directory, or absolute.
        named_by: the place that names the file; empty for a file that the user named.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if path == "-" and not named_by:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        if named_by and Path(path).exists() and not Path(path).is_file():
            raise InputError(
                "unreadable", f"{path} is not a file", where=named_by, hint="name a plain file"
            )
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            "unreadable",
            f"{path} cannot be read: {reason}" if named_by else f"cannot be read: {reason}",
            where=named_by or path,
            hint="name a file that is there",
        ) from None


def discovered(folder: str) -> tuple[str, ...]:
    """The Compose file of a folder, or of the nearest folder above it, and its override file.

    Returns:
        one or two paths; none when there is no Compose file.
    """
    here = folder or "."
    seen: set[str] = set()
    while (real := os.path.realpath(here)) not in seen:
        seen.add(real)
        for name in FILE_NAMES:
            path = joined(here, name)
            if os.path.lexists(path):
                return (path, *beside(path))
        here = joined(here, "..")
    return ()


def beside(path: str) -> tuple[str, ...]:
    """The override file that Compose reads with the file when neither is named; none or one."""
    folder = str(Path(path).parent)
    for name in OVERRIDE_NAMES:
        candidate = joined(folder, name)
        if os.path.lexists(candidate):
            return (candidate,)
    return ()


def joined(folder: str, path: str) -> str:
    """`path` as seen from `folder`, with `.` and `..` taken out as Go's filepath.Join does."""
    return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118


def is_remote(path: str) -> bool:
    """Whether it is a URL or a Git reference, and no path.

    Source: compose-spec/compose-go v2.9.1 paths/context.go (isRemoteContext).
    """
    return path.startswith(_REMOTE) or "://" in path
