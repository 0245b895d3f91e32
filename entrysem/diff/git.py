"""What stands in a Git repository at a revision, and which Dockerfiles differ between two.

Everything is read through the `git` program, from plumbing commands whose output is made for programs,
with `-z` where names occur. Names are arguments or lines of standard input, never part of a shell's text;
revisions stand behind `--end-of-options`, so that one that begins with a dash is no option. No work tree
is needed and none is read: a bare repository does as well.

A clone that was fetched with a limited depth lacks old revisions; what is asked of one that is not there
says so, because that is how CI systems clone.

Sources: git-rev-parse(1), git-cat-file(1) (--batch-check, --follow-symlinks), git-diff-tree(1) (-z, raw
format, -M), gitrevisions(7).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from entrysem.errors import InputError
from entrysem.inputs.detect import detect

__all__ = ["Changed", "Repository", "split_range"]

_SECONDS = 120
_SUBMODULE = "160000"
#: More changed Dockerfiles than this, and only unchanged contents are recognised under a new name.
_RENAMES = 5000
_OLDEST = "git 2.24 or newer is needed"


class Changed(NamedTuple):
    """One file that is not the same at two revisions.

    Attributes:
        status: `renamed` also when the content changed on the way.
        old, new: path from the root of the repository; None where the file is not there.
    """

    status: Literal["added", "removed", "changed", "renamed"]
    old: str | None
    new: str | None


class Repository:
    """The repository that a folder belongs to.

    Attributes:
        folder: where git runs; relative paths start there.
        limit: bytes of the largest file that is read.
    """

    def __init__(self, folder: str = ".", *, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def commit(self, revision: str) -> str:
        """The id of the commit that `revision` names.

        Raises:
            InputError: `no-git`, `no-repository`, `unknown-revision`.
        """
        found = self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        if found.returncode or not found.stdout.strip():
            raise self._unknown(revision)
        return found.stdout.split()[-1].decode("ascii")

    def is_commit(self, text: str) -> bool:
        """Whether `text` names a commit here. Never raises for want of a repository or of git."""
        try:
            self.commit(text)
        except InputError:
            return False
        return True

    def merge_base(self, one: str, other: str) -> str:
        """The commit where the two histories part.

        Raises:
            InputError: `no-merge-base`; or as `commit`.
        """
        found = self._git("merge-base", self.commit(one), self.commit(other))
        if found.returncode:
            raise InputError(
                "no-merge-base",
                f"{one} and {other} have no commit in common",
                where=f"{one}...{other}",
                hint=self._deepen() or "compare them directly, with two dots",
            )
        return found.stdout.decode("ascii").strip()

    def read(self, revision: str, path: str) -> bytes:
        """The bytes of a file at a revision; a link inside the repository is followed.

        Args:
            revision: anything that names a commit; empty for the index.
            path: from the root of the repository, or from `folder` when it begins with `./` or `../`.

        Raises:
            InputError: `unreadable`: no such file, a folder, a link that leads out; `too-large`; or as
                `commit`.
        """
        name = f"{revision}:{path}"
        if revision:
            options, commit = ["--follow-symlinks"], self.commit(revision)
        else:
            self._check_repository()
            options, commit = [], ""
        asked = f"{commit}:{self._from_root(path)}".encode("utf-8", "surrogateescape")
        if b"\n" in asked:
            size_of = self._ask([*options, "-z"], asked + b"\0")
        else:
            size_of = self._ask(options, asked + b"\n")
        parts = size_of.split(b"\n")[0].rsplit(b" ", 2)
        if len(parts) != 3 or parts[1] != b"blob":
            raise _unreadable(name, _why(size_of))
        if int(parts[2]) > self.limit:
            raise InputError(
                "too-large",
                f"larger than {self.limit // 2**20} MiB; this is no Dockerfile",
                where=name,
                hint="name the Dockerfile itself",
            )
        blob = self._git("cat-file", "blob", parts[0].decode("ascii"))
        if blob.returncode:
            raise _unreadable(name, _said(blob.stderr))
        return blob.stdout

    def changed(self, old: str, new: str, paths: Sequence[str] = ()) -> list[Changed]:
        """The Dockerfiles that are not the same at two revisions, by path.

        A file counts when it is named like a Dockerfile, or when `paths` names it. One that gets such
        a name, or loses it, is added or removed.

        Args:
            old, new: revisions.
            paths: files and folders to look at, relative to `folder`; all when there are none.

        Raises:
            InputError: as `commit`.
        """
        before, after = self.commit(old), self.commit(new)
        wanted = [self._from_root(f"./{path}") for path in paths]
        done = self._git(
            "--literal-pathspecs",
            "diff-tree",
            *("-r", "-z", "--raw", "--no-abbrev", "--full-index", "-M", f"-l{_RENAMES}"),
            *("--no-ext-diff", "--no-textconv", "--ignore-submodules=none"),
            before,
            after,
        )
        if done.returncode:
            raise InputError(
                "unreadable",
                f"git cannot compare them: {_said(done.stderr)}",
                where=f"{old}..{new}",
                hint=self._deepen() or "`git fsck` tells whether the repository is whole",
            )
        found = [_meant(entry, wanted) for entry in _entries(done.stdout)]
        kept = [item for item in found if item is not None]
        return sorted(kept, key=lambda item: item.new or item.old or "")

    def _from_root(self, path: str) -> str:
        """`path` without `.` and `..`, from the root of the repository; empty for the root."""
        if not path.startswith(("./", "../")):
            return path
        found = self._git("rev-parse", "--show-prefix")
        prefix = found.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")
        parts: list[str] = []
        for part in PurePosixPath(prefix, path).parts:
            if part == "..":
                if not parts:
                    raise _unreadable(path, "it lies outside of the repository")
                parts.pop()
            elif part != ".":
                parts.append(part)
        return "/".join(parts)

    def _ask(self, options: Sequence[str], line: bytes) -> bytes:
        check = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
        done = self._git("cat-file", check, *options, stdin=line)
        if done.returncode:
            raise _unreadable(line.decode("utf-8", "replace"), _said(done.stderr))
        return done.stdout

    def _unknown(self, revision: str) -> InputError:
        self._check_repository()
        return InputError(
            "unknown-revision",
            f"there is no commit {revision!a} here",
            where=revision,
            hint=self._deepen()
            or "`git log --oneline` lists commits; `git fetch` gets those of others",
        )

    def _deepen(self) -> str:
        """What to do when a shallow clone is the reason, or an empty text when it is not."""
        found = self._git("rev-parse", "--is-shallow-repository")
        if found.stdout.strip() != b"true":
            return ""
        return (
            "this clone is shallow and lacks older commits: `git fetch --unshallow`, or "
            "fetch-depth: 0 in the checkout step (GIT_DEPTH: 0 in GitLab)"
        )

    def _check_repository(self) -> None:
        found = self._git("rev-parse", "--git-dir")
        if found.returncode == 0:
            return
        said = _said(found.stderr)
        hint = "run it in a clone, or compare files instead"
        if "dubious ownership" in said:
            hint = (
                "the folder belongs to another user: `git config --global --add safe.directory DIR`"
            )
        raise InputError("no-repository", said, where=self.folder, hint=hint)

    def _git(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {
            **os.environ,
            "LC_ALL": "C",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "",
        }
        try:
            return subprocess.run(  # noqa: S603  # no shell, and no word of it comes from a file
                ["git", "--no-pager", "-c", "core.fsmonitor=false", *arguments],  # noqa: S607  # the user's own git
                input=stdin,
                capture_output=True,
                check=False,
                cwd=self.folder,
                env=environment,
                timeout=_SECONDS,
            )
        except FileNotFoundError:
            raise InputError(
                "no-git", "there is no program git", where="git", hint=f"install it; {_OLDEST}"
            ) from None
        except subprocess.TimeoutExpired:
            raise InputError(
                "no-git",
                f"git {arguments[0]} did not end within {_SECONDS} seconds",
                where="git",
                hint="try it by hand; a partial clone fetches what it lacks",
            ) from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                "no-git", f"git cannot be run: {reason}", where="git", hint=_OLDEST
            ) from None


def split_range(text: str) -> tuple[str, str, bool]:
    """`BASE[..HEAD]` or `BASE...HEAD` -> base, head, whether the merge base is meant. HEAD is the
    default on either side.
    """
    for dots, merge in (("...", True), ("..", False)):
        base, found, head = text.partition(dots)
        if found:
            return base or "HEAD", head or "HEAD", merge
    return text, "HEAD", False


class _Entry(NamedTuple):
    modes: tuple[str, str]
    status: str
    old: str
    new: str


def _entries(raw: bytes) -> list[_Entry]:
    """The records of `git diff-tree -z --raw`: `:MODE MODE ID ID STATUS` NUL PATH NUL [PATH NUL]."""
    fields = iter(raw.decode("utf-8", "surrogateescape").split("\0"))
    found: list[_Entry] = []
    for head in fields:
        if not head.startswith(":"):
            continue
        old_mode, new_mode, _, _, status = head[1:].split(" ")
        old = next(fields)
        new = next(fields) if status[0] in "RC" else old
        found.append(_Entry((old_mode, new_mode), status[0], old, new))
    return found


def _meant(entry: _Entry, wanted: Sequence[str]) -> Changed | None:
    """The change, or None when neither name is one that is looked for."""
    old = entry.old if entry.status != "A" and entry.modes[0] != _SUBMODULE else None
    new = entry.new if entry.status != "D" and entry.modes[1] != _SUBMODULE else None
    chosen = [path for path in (old, new) if path is not None and _is_wanted(path, wanted)]
    if not chosen:
        return None
    old = old if old is not None and _is_ours(old, wanted) else None
    new = new if new is not None and _is_ours(new, wanted) else None
    if old is None and new is None:
        return None
    if old is None:
        return Changed("added", None, new)
    if new is None:
        return Changed("removed", old, None)
    return Changed("changed" if old == new else "renamed", old, new)


def _is_wanted(path: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(_below(path, place) for place in wanted)


def _is_ours(path: str, wanted: Sequence[str]) -> bool:
    return path in wanted or detect(path, b"") == "dockerfile"


def _below(path: str, place: str) -> bool:
    return not place or path == place or path.startswith(f"{place}/")


def _why(answer: bytes) -> str:
    """What `--batch-check --follow-symlinks` says of a name that is no file, for a person."""
    if answer.startswith(b"symlink "):
        return "it is a link that leads out of the repository"
    if answer.startswith(b"dangling "):
        return "it is a link to a file that is not there"
    if answer.startswith(b"loop "):
        return "it is a link that leads back to itself"
    if answer.startswith(b"notdir "):
        return "a part of its path is no folder"
    if answer.split(b"\n")[0].endswith(b" missing"):
        return "there is no such file at that revision"
    return "it is no file"


def _said(stderr: bytes) -> str:
    text = stderr.decode("utf-8", "replace").strip()
    return text.removeprefix("fatal: ").splitlines()[0] if text else "git gave no reason"


def _unreadable(name: str, why: str) -> InputError:
    return InputError(
        "unreadable",
        f"cannot be read: {why}",
        where=name,
        hint="`git ls-tree -r REVISION` lists the files; paths start at the repository's root, "
        "or with ./ at this folder",
    )
