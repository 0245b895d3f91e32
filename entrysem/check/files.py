"""From what was typed to the files that are checked, in the order typed and each once.

A file that is named is checked, whatever it is called and whoever ignores it. Below a folder are
checked the files that are named like Dockerfiles; a glob, which the shell has not expanded, stands for
the files and folders that it matches. What Git ignores is left out of globs, and of folders unless the
folder itself is ignored, for then it was named on purpose. Nothing that was named is passed over in
silence: a path that is not there, a glob without a match and a folder that cannot be entered are errors
of their own.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from entrysem.check.gitignore import Ignore, Roots
from entrysem.check.model import Place
from entrysem.cli.files import SKIPPED_FOLDERS, is_dockerfile_name
from entrysem.errors import InputError

__all__ = ["Search", "Sought"]


class Sought(NamedTuple):
    """A file to check, or why there is none: `error` is None for a file.

    `named` says that the file itself was typed.
    """

    place: Place
    named: bool
    error: InputError | None = None


class Search:
    """Finds files, and remembers what it has learnt of folders and repositories.

    Attributes:
        ignored: how many files and folders Git's patterns kept out.
        walked: the folders that were walked, absolute.
    """

    def __init__(self, *, gitignore: bool = True, stdin_name: str = "") -> None:
        self.roots = Roots()
        self.ignored = 0
        self.walked: list[str] = []
        self._gitignore = gitignore
        self._stdin_name = stdin_name
        self._ignores: dict[str, Ignore] = {}
        self._here = os.path.abspath("")  # noqa: PTH100 - keeps links as they are named

    def files(self, names: Sequence[str]) -> Iterator[Sought]:
        """The files of these names; the current folder when there is none."""
        seen: set[str] = set()
        for name in names or ["."]:
            for sought in self._of(name):
                key = sought.place.path or sought.place.name
                if key not in seen:
                    seen.add(key)
                    yield sought

    def place(self, name: str) -> Place:
        """The names of a file."""
        if name == "-":
            if not self._stdin_name:
                return Place("-", None, "-")
            return self.place(self._stdin_name)._replace(path=None)
        path = os.path.abspath(name)  # noqa: PTH100
        root = self.roots.of(os.path.dirname(path)) or self._here  # noqa: PTH120
        below = path.startswith(root.rstrip(os.sep) + os.sep)
        shown = path[len(root.rstrip(os.sep)) + 1 :] if below else path
        return Place(name, path, shown.replace(os.sep, "/"))

    def _of(self, name: str) -> Iterator[Sought]:
        if name == "-" or not os.path.isdir(name):  # noqa: PTH112
            if name != "-" and not os.path.lexists(name) and glob.has_magic(name):
                yield from self._glob(name)
            else:
                yield Sought(self.place(name), named=True)
            return
        yield from self._walk(name)

    def _glob(self, pattern: str) -> Iterator[Sought]:
        found = sorted(glob.glob(pattern, recursive=True, include_hidden=True))  # noqa: PTH207
        if not found:
            error = InputError(
                "no-match",
                "this glob matches no file",
                where=pattern,
                hint="** stands for any number of folders; * and ? do not match a /",
            )
            yield Sought(Place(pattern, None, pattern), named=True, error=error)
        last = pattern.rstrip("/").rpartition("/")[2]
        for name in found:
            if not SKIPPED_FOLDERS.isdisjoint(set(Path(name).parts) - set(pattern.split("/"))):
                continue
            path = os.path.abspath(name)  # noqa: PTH100
            if os.path.isdir(name):  # noqa: PTH112
                # `**` gives every folder and all that is in it: the files come by themselves.
                if last == "**":
                    continue
                if self._is_ignored(path, folder=True, above=True):
                    self.ignored += 1
                else:
                    yield from self._walk(name)
            elif last in ("*", "**") and not is_dockerfile_name(os.path.basename(name)):  # noqa: PTH119
                continue
            elif self._is_ignored(path, folder=False, above=True):
                self.ignored += 1
            else:
                yield Sought(self.place(name), named=False)

    def _walk(self, name: str) -> Iterator[Sought]:
        top = os.path.abspath(name)  # noqa: PTH100
        if self._gitignore and self._is_ignored(top, folder=True, above=True):
            self._gitignore = False
            yield from self._walk(name)
            self._gitignore = True
            return
        self.walked.append(top)
        problems: list[OSError] = []
        for folder, folders, files in os.walk(name, onerror=problems.append):
            absolute = os.path.abspath(folder)  # noqa: PTH100
            folders[:] = sorted(self._entered(absolute, folders))
            for file in sorted(files):
                if not is_dockerfile_name(file):
                    continue
                path = os.path.join(folder, file)  # noqa: PTH118
                # A link that leads nowhere is told as such; what is no file, a pipe, is no Dockerfile.
                if not os.path.isfile(path) and os.path.exists(path):  # noqa: PTH110, PTH113
                    continue
                if self._is_ignored(os.path.join(absolute, file), folder=False):  # noqa: PTH118
                    self.ignored += 1
                else:
                    yield Sought(self.place(os.path.normpath(path)), named=False)
            for problem in problems:
                where = os.path.normpath(problem.filename or folder)
                error = InputError(
                    "unreadable",
                    f"the folder cannot be entered: {problem.strerror}",
                    where=where,
                    hint="leave it out with .gitignore, or name the folders beside it",
                )
                yield Sought(self.place(where), named=False, error=error)
            problems.clear()
        for problem in problems:
            where = os.path.normpath(problem.filename or name)
            error = InputError(
                "unreadable", f"the folder cannot be entered: {problem.strerror}", where=where
            )
            yield Sought(self.place(where), named=False, error=error)

    def _entered(self, folder: str, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            if name in SKIPPED_FOLDERS:
                continue
            if self._is_ignored(os.path.join(folder, name), folder=True):  # noqa: PTH118
                self.ignored += 1
            else:
                yield name

    def _is_ignored(self, path: str, *, folder: bool, above: bool = False) -> bool:
        """`above`: look at the folders over it as well, which no walk has done."""
        if not self._gitignore:
            return False
        parent = os.path.dirname(path)  # noqa: PTH120
        root = self.roots.of(path if folder and above else parent)
        if root is None or path == root:
            return False
        ignore = self._ignores.get(root)
        if ignore is None:
            ignore = self._ignores[root] = Ignore(root)
        if above and ignore.ignores_above(path if folder else parent):
            return True
        return ignore.ignores(path, folder=folder)
