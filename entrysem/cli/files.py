"""Where the command line's Dockerfiles come from: files, directories, standard input.

The only place that reads a Dockerfile from disk. A file that cannot be read is an `InputError`; one
that is too large to be a Dockerfile is not read at all.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from entrysem.errors import InputError
from entrysem.late import late

__all__ = ["MAX_BYTES", "SKIPPED_FOLDERS", "dockerfiles_under", "is_dockerfile_name", "read_source"]

#: Larger files are refused unread. The largest real Dockerfile that we know of has under 1 MB.
MAX_BYTES = 16 * 1024 * 1024

_NAME = late(
    r"(?:Dockerfile|Containerfile)(?:[.\-_].*)?\Z|.*\.(?:Dockerfile|Containerfile)\Z",
    re.IGNORECASE | re.DOTALL,
)
_NOT = late(
    r".*\.(?:dockerignore|md|swp|bak|orig|rej|py|sh|json|ya?ml|j2|tmpl)\Z",
    re.IGNORECASE | re.DOTALL,
)
#: Folders that nobody's own Dockerfiles are in.
SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "__pycache__"})


def read_source(name: str) -> bytes:
    """The bytes of the file, or of standard input for `-`.

    Raises:
        InputError: it cannot be read, is a folder, or is larger than `MAX_BYTES`.
    """
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise InputError(
            "no-dockerfile",
            "no Dockerfile is in this folder or below it",
            where=name,
            hint="found are Dockerfile, Containerfile, Dockerfile.NAME and NAME.Dockerfile",
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            "unreadable",
            f"cannot be read: {reason}",
            where=name,
            hint="name a Dockerfile, a folder that holds one, or - for standard input",
        ) from None
    if len(data) > MAX_BYTES:
        raise InputError(
            "too-large",
            f"larger than {MAX_BYTES // 2**20} MiB; this is no Dockerfile",
            where=name,
            hint="name the Dockerfile itself",
        )
    return data


def is_dockerfile_name(name: str) -> bool:
    """Whether a file of this name, without its folder, is taken for a Dockerfile."""
    return bool(_NAME.match(name)) and not _NOT.match(name)


def dockerfiles_under(folder: str) -> Iterator[str]:
    """Paths of the files under `folder` that are named like Dockerfiles, sorted. Links to folders
    are not followed; what is no file (a pipe, a socket) is left out.
    """
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(files):
            path = os.path.join(root, name)  # noqa: PTH118 - os.walk gives strings
            if is_dockerfile_name(name) and Path(path).is_file():
                yield path
