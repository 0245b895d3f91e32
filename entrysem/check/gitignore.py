"""Which files does Git ignore?

Git reads patterns from the `.gitignore` of every folder from the repository's root down to the file's,
and then from `info/exclude`; of all that match, the one in the deepest file counts, and in one file the
last. What stands below an ignored folder is ignored whatever comes later, which is why a walk asks
folder by folder and does not enter what is ignored. A file that is named is never asked about.

`core.excludesFile` of the user is not read: what a check says must not depend on who starts it.

Source: git's Documentation/gitignore.adoc; git dir.c (add_patterns_from_buffer: a byte order mark and a
carriage return before the line feed are dropped).
"""

from __future__ import annotations

import os
import stat

from entrysem.check.wildmatch import Patterns

__all__ = ["Ignore", "Roots"]

_LARGEST = 4 * 1024 * 1024
_GITDIR = "gitdir:"


class Roots:
    """Looks for the root of the repository that a folder lies in; each folder is looked at once."""

    def __init__(self) -> None:
        self._found: dict[str, str | None] = {}

    def of(self, folder: str) -> str | None:
        """The nearest folder upwards, itself included, that holds `.git`; None when there is none."""
        if folder not in self._found:
            parent = os.path.dirname(folder)  # noqa: PTH120 - strings, for speed
            if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118
                self._found[folder] = folder
            else:
                self._found[folder] = None if parent == folder else self.of(parent)
        return self._found[folder]


class Ignore:
    """The patterns of one repository; each file of patterns is read once."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._specs: dict[str, Patterns | None] = {}
        self._exclude = _read(os.path.join(_git_folder(root), "info", "exclude"))  # noqa: PTH118

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Whether Git ignores this file or folder of the repository, in a folder that it does not ignore.

        Args:
            path: absolute, below the root.
            folder: whether it is one.
        """
        at = path
        while at != self._root:
            at = os.path.dirname(at)  # noqa: PTH120
            spec = self._spec(at)
            if spec is not None:
                verdict = spec.verdict(_below(path, at), folder=folder)
                if verdict is not None:
                    return verdict
        if self._exclude is not None:
            return bool(self._exclude.verdict(_below(path, self._root), folder=folder))
        return False

    def ignores_above(self, folder: str) -> bool:
        """Whether this folder or one above it, below the root, is ignored."""
        chain = []
        while folder != self._root:
            chain.append(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120
        return any(self.ignores(each, folder=True) for each in reversed(chain))

    def _spec(self, folder: str) -> Patterns | None:
        if folder not in self._specs:
            self._specs[folder] = _read(os.path.join(folder, ".gitignore"))  # noqa: PTH118
        return self._specs[folder]


def _read(path: str) -> Patterns | None:
    """The patterns of a file; None without one that says anything."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - strings, for speed
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(_LARGEST)
    except (OSError, ValueError):
        return None
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return Patterns(lines) or None


def _git_folder(root: str) -> str:
    """Where `info/exclude` is: of a worktree or a submodule, `.git` is a file that says so."""
    path = os.path.join(root, ".git")  # noqa: PTH118
    if os.path.isdir(path):  # noqa: PTH112
        return path
    text = _first_line(path)
    if not text.startswith(_GITDIR):
        return path
    folder = os.path.join(root, text.removeprefix(_GITDIR).strip())  # noqa: PTH118
    common = _first_line(os.path.join(folder, "commondir"))  # noqa: PTH118
    return os.path.join(folder, common) if common else folder  # noqa: PTH118


def _first_line(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return os.fsdecode(file.readline(4096)).strip()
    except OSError:
        return ""


def _below(path: str, folder: str) -> str:
    """`path` as seen from `folder`, with `/`."""
    return path[len(folder.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
