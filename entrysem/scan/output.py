"""The file of records: appended to in order, so that the whole lines in it say how far a scan came.

Beside it stands a small file, `RECORDS.scan.json`, that says what was asked. A scan that was killed is
resumed only when the same is asked again of the same sources; the records that are there are then compared
with the items they came from, one of each batch, and as many items are passed over.

Parquet cannot be appended to and is nothing until its end is written. So its records are lines first, in
`FILE.parquet.ndjson`, and become Parquet when they are complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from entrysem import __version__
from entrysem.errors import InputError
from entrysem.scan.columns import needs_pyarrow, write_parquet
from entrysem.scan.drive import BATCH
from entrysem.scan.items import Item, opened
from entrysem.scan.record import identity_text
from entrysem.scan.settings import Settings
from entrysem.scan.sources import Source
from entrysem.scan.work import Done

__all__ = ["Records", "question"]

_GOOD = b'"error_phase":null'
_BROKEN = b'"error_phase":"source"'


def question(
    found: Sequence[Source], settings: Settings, patterns: Sequence[str]
) -> dict[str, Any]:
    """What is asked, of what: as JSON. A source that changed on disk makes another question."""
    return {
        "settings": settings.document(),
        "include": list(patterns),
        "sources": [
            {"kind": source.kind, "name": identity_text(source.name), **_state(source)}
            for source in found
        ],
    }


def _state(source: Source) -> dict[str, int | None]:
    try:
        status = os.stat(source.name)  # noqa: PTH116 - names may hold what a Path refuses
    except (OSError, ValueError):
        return {"size": None, "mtime_ns": None}
    if source.kind in ("folder", "glob"):
        return {"size": None, "mtime_ns": None}
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


class Records:
    """Where the records of one scan go; a context manager.

    Attributes:
        count: records that are there.
        errors: of them, error records.
        broken: of these, the ones that say that a source could not be read on.
        before: records that were there when the scan was resumed.
        complete: whether an earlier run has already finished it.
    """

    def __init__(self, target: Path, asked: dict[str, Any], *, resume: bool) -> None:
        """Opens or makes the files.

        Raises:
            InputError: `output-exists` without `resume`; `resume-differs` when something else was asked;
                `in-use` when another scan writes there; `needs-extra`.
            OSError: a file cannot be read or written.
        """
        self.target = target
        self.parquet = target.suffix.lower() in (".parquet", ".pq")
        if self.parquet:
            needs_pyarrow(str(target))
        self.lines = target.with_name(f"{target.name}.ndjson") if self.parquet else target
        self._about = target.with_name(f"{target.name}.scan.json")
        self._asked = asked
        self._started = datetime.now(UTC)
        self.count = self.errors = self.broken = self.before = 0
        self.complete = False
        there = target.exists() or self.lines.exists()
        if there and not resume:
            raise InputError(
                "output-exists",
                "is there already",
                where=str(target),
                hint="go on with it by --resume, or name another file",
            )
        if there:
            self._compare()
        if self.complete:
            return
        self._file: IO[bytes] = self.lines.open("r+b" if self.lines.exists() else "w+b")
        _lock(self._file, target)
        self._count_lines()
        self.before = self.count
        self._tell("running")

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *error: object) -> None:
        if not self.complete:
            self._file.close()

    def write(self, done: Done) -> None:
        """Appends the records of the next batch."""
        self._file.write(done.lines)
        self._file.flush()
        self.count += done.count
        self.errors += done.errors
        self.broken += done.broken

    def rest(self, items: Iterator[Item], settings: Settings) -> Iterator[Item]:
        """The items that have no record yet.

        Raises:
            InputError: `resume-differs`, the records that are there come from other items.
        """
        if self.before:
            self._file.seek(0)
            for number in range(1, self.before + 1):
                line, item = self._file.readline(), next(items, None)
                if number % BATCH == 0 or number == self.before:
                    _check(line, item, number, settings, self.target)
            self._file.seek(0, os.SEEK_END)
        yield from items

    def finish(self, *, complete: bool) -> None:
        """Everything is written that will be; makes Parquet of a complete scan's lines."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if complete and self.parquet:
            write_parquet(self.lines, self.target)
        self._tell("complete" if complete else "interrupted")
        if complete and self.parquet:
            self.lines.unlink()

    def _compare(self) -> None:
        try:
            about = json.loads(self._about.read_bytes())
            before, status = about["asked"], about["status"]
        except FileNotFoundError:
            differing = f"{self._about} is missing, which says what was asked"
        except (OSError, ValueError, KeyError, TypeError) as error:
            differing = f"{self._about} cannot be read: {error}"
        else:
            differing = ", ".join(_differences(before, self._asked))
            if about.get("entrysem") != __version__:
                differing = f"entrysem was {about.get('entrysem')} and is {__version__}"
            if not differing and status == "complete":
                self.complete = True
                self.count, self.errors = about["records"], about["errors"]
                self.broken = about["broken_sources"]
            if not differing:
                self._started = datetime.fromisoformat(about["started"])
        if differing:
            raise InputError(
                "resume-differs",
                f"was made by another question: {differing}",
                where=str(self.target),
                hint="ask the same again, or name another file",
            )

    def _count_lines(self) -> None:
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            self.count += 1
            self.errors += _GOOD not in line
            self.broken += _BROKEN in line
        # What was half written when the scan was killed.
        self._file.seek(end)
        self._file.truncate()

    def _tell(self, status: str) -> None:
        now = datetime.now(UTC)
        document = {
            "schema_version": 1,
            "entrysem": __version__,
            "status": status,
            "started": self._started.isoformat(timespec="seconds"),
            "written": now.isoformat(timespec="seconds"),
            "records": self.count,
            "errors": self.errors,
            "broken_sources": self.broken,
            "asked": self._asked,
        }
        fresh = self._about.with_name(f"{self._about.name}.new")
        fresh.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._about)


def _differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Names of what is not the same."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from _differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif before != now:
        yield path


def _check(line: bytes, item: Item | None, number: int, settings: Settings, target: Path) -> None:
    there = json.loads(line)["id"]
    found = None
    if item is not None:
        identity = opened(item, settings)[0] if item[0] == "line" else item[1]
        found = identity_text(identity)
    if found != there:
        now = "nothing" if found is None else repr(found)
        raise InputError(
            "resume-differs",
            f"record {number} is of {there!r}, and the sources have {now} there now",
            where=str(target),
            hint="files came or went since; name another file",
        )


def _lock(file: IO[bytes], target: Path) -> None:
    """Two scans must not write to one file. Where locks are not known, nobody is stopped."""
    with suppress(ImportError):
        import fcntl  # noqa: PLC0415 - not on Windows

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise InputError(
                "in-use",
                "another scan writes to it",
                where=str(target),
                hint="wait for it, or name another file",
            ) from None
