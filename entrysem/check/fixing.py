"""Mends a file, shows what mending would do, and writes.

Every fix is proved before anything is written: both texts are resolved in every context in which the
file is looked at, and unless the fix says that it changes argv, the same argv must come out of every
probing run (`findings.fix.prove`). Fixes that prove themselves together are made together; where they
do not, each is tried alone, and what cannot be proved is left.

A file is replaced as a whole: a reader sees the old text or the new one, and a crash leaves one of
them. A symbolic link stays a link and its target is replaced; mode and owner are kept. Only a file with
several hard links is written in place, because replacing would part them.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from entrysem.check.model import Mended
from entrysem.check.settings import Settings
from entrysem.errors import InputError
from entrysem.findings.fix import FixError, apply, prove
from entrysem.findings.model import Finding, Fix

if TYPE_CHECKING:
    from entrysem.check.one import Checker, Look

__all__ = ["mend", "unified_diff", "write"]

#: Mending one thing shows the next seldom, and never often.
_ROUNDS = 8


def mend(
    checker: Checker, source: bytes, settings: Settings, look: Look, which: Literal["all", "same"]
) -> tuple[bytes, tuple[Mended, ...]]:
    """The text with all fixes made that prove themselves, and what was done, in order.

    Args:
        checker: looks again after each round.
        source, settings: of the file.
        look: what is found in `source`; what comments answer is not mended.
        which: all fixes, or those that leave argv the same.
    """
    done: list[Mended] = []
    refused: set[tuple[str, tuple[bytes, ...]]] = set()
    for _ in range(_ROUNDS):
        chosen = [
            finding
            for finding in _together(look.found.left, which)
            if _name(finding) not in refused
        ]
        if not chosen:
            break
        after = _proved(source, chosen, look)
        if after is None:
            for finding in chosen:
                after = _proved(source, [finding], look)
                if after is not None:
                    chosen = [finding]
                    break
                refused.add(_name(finding))
            else:
                continue
        assert after is not None
        source = after
        done += [_mended(finding) for finding in chosen]
        look = checker.look(source, settings)
    return source, tuple(done)


def _proved(source: bytes, findings: Sequence[Finding], look: Look) -> bytes | None:
    """The text with these fixes, proved in every context; None when that fails in one."""
    fixes = [finding.fix for finding in findings if finding.fix is not None]
    try:
        after = apply(source, fixes)
        for how in look.hows:
            prove(source, after, fixes, **how)
    except FixError:
        return None
    return after


def _together(findings: Sequence[Finding], which: Literal["all", "same"]) -> Iterator[Finding]:
    """Of the findings with a fix those whose edits do not touch, the earlier ones first."""
    taken: list[tuple[int, int]] = []
    for finding in findings:
        fix = finding.fix
        if fix is None or (which == "same" and fix.changes_argv):
            continue
        edits = [(edit.start, max(edit.end, edit.start + 1)) for edit in fix.edits]
        if not any(one[0] < end and start < one[1] for one in edits for start, end in taken):
            taken += edits
            yield finding


def _name(finding: Finding) -> tuple[str, tuple[bytes, ...]]:
    """The same for the same finding after other fixes moved it."""
    fix = finding.fix or Fix("", (), changes_argv=False)
    return finding.kind, tuple(edit.text for edit in fix.edits)


def _mended(finding: Finding) -> Mended:
    assert finding.fix is not None
    line = finding.span.line if finding.span else None
    return Mended(finding.kind, line, finding.fix.sentence, finding.fix.changes_argv)


def unified_diff(name: str, before: bytes, after: bytes) -> bytes:
    """The change as `git apply` and `patch -p1` take it; empty without a change."""
    path = os.fsencode(name.lstrip("/"))
    lines = difflib.diff_bytes(
        difflib.unified_diff, _lines(before), _lines(after), b"a/" + path, b"b/" + path
    )
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
        for line in lines
    )


def _lines(data: bytes) -> list[bytes]:
    """Physical lines with their ends; only LF ends one."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def write(path: str, before: bytes, after: bytes) -> None:
    """Puts `after` in place of the file.

    Args:
        path: the file, or a link to it.
        before: what was read of it.
        after: the new text.

    Raises:
        InputError: `changed-meanwhile`, the file is no longer what was read; `unwritable`, it cannot be
            written. The file is as it was then.
    """
    target = Path(path).resolve()
    try:
        now = target.read_bytes()
        if now == after:
            return  # the same file under another name
        if now != before:
            raise InputError(
                "changed-meanwhile",
                "somebody changed the file while it was checked; nothing was written",
                where=path,
                hint="check it again",
            )
        status = target.stat()
        if not os.access(target, os.W_OK):
            raise PermissionError(13, "the file is write-protected")
        if status.st_nlink > 1:
            target.write_bytes(after)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(after)
                file.flush()
                os.fsync(file.fileno())
            if hasattr(os, "chown"):
                with contextlib.suppress(OSError):  # only root may give a file away
                    os.chown(temporary, status.st_uid, status.st_gid)
            shutil.copymode(target, temporary)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            "unwritable",
            f"cannot be written: {error.strerror}; the file is as it was",
            where=path,
            hint="--diff prints the change",
        ) from None
