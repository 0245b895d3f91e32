"""The journal: what was asked, seen and judged, a JSON object a line, written as it happens.

It is the artefact of `entrysem verify`; every report is made from it, and nothing else. The lines are
those of `spec/schema/journal.schema.json`: a header, a line for each case, a footer. A run that was
cut short has no footer, or one that says so; a later session appends to the same file, and then the
last line of a case counts.

The file holds whole lines or, after a kill or a power cut, whole lines and the beginning of one. So
writing is one `write` a line, to a file that nobody else may write (it is locked); a line that does
not fit on the disk is taken back; and reading drops an unfinished last line, but complains about
anything else.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from entrysem.errors import InputError

__all__ = [
    "FORMAT",
    "VERDICTS",
    "Counts",
    "Journal",
    "JournalError",
    "Status",
    "Verdict",
    "Writer",
    "counts_of",
    "create",
    "footer_of",
    "now",
    "read",
    "resume",
    "worst",
]

#: The version of the format; a reader refuses another.
FORMAT = 1

Verdict = Literal["ERROR", "FAIL", "STALE", "DEVIATES", "SKIP", "PASS"]
#: From bad to good.
VERDICTS: tuple[Verdict, ...] = ("ERROR", "FAIL", "STALE", "DEVIATES", "SKIP", "PASS")
Status = Literal["complete", "interrupted", "failed", "unfinished"]
Counts = dict[Verdict, int]
Document = dict[str, Any]

_SYNC_SECONDS = 1.0


class JournalError(Exception):
    """The journal cannot be written any more. What was written before is whole."""


def now() -> str:
    """The time, as journals spell it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; PASS when there is none."""
    return min(verdicts, key=VERDICTS.index, default="PASS")


def counts_of(results: Iterable[Mapping[str, Any]]) -> Counts:
    """Verdict -> how many results have it; every verdict is a key."""
    found = Counter(result["verdict"] for result in results)
    return {verdict: found[verdict] for verdict in VERDICTS}


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal that was read, or is in memory. Its parts are the documents of the schema.

    Attributes:
        name: the file's name, for messages.
        header: the first line.
        jobs: case id -> its line, the last when there are several; in the order of the file.
        footer: the last footer when it is the last line, otherwise None.
        size: how many bytes of the file are whole lines.
        truncated: whether an unfinished line follows them.
    """

    name: str
    header: Document
    jobs: Mapping[str, Document] = field(default_factory=dict)
    footer: Document | None = None
    size: int = 0
    truncated: bool = False

    @property
    def status(self) -> Status:
        """How the run ended; `unfinished` when it was cut off, or still goes on."""
        if self.footer is None:
            return "unfinished"
        status: Status = self.footer["status"]
        return status

    @property
    def results(self) -> Iterator[Document]:
        """Every result, in the order of the jobs."""
        for job in self.jobs.values():
            yield from job["results"]

    @property
    def counts(self) -> Counts:
        """Of all results."""
        return counts_of(self.results)

    @property
    def verdict(self) -> Verdict:
        """The worst of all results."""
        return worst(result["verdict"] for result in self.results)

    @property
    def exit_code(self) -> Literal[0, 1, 3]:
        """0 as expected, 1 a mismatch, 3 nothing was executed, something broke or the end is missing."""
        executed = any(
            job["observation"] and job["observation"]["outcome"] != "skipped"
            for job in self.jobs.values()
        )
        verdict = self.verdict
        if verdict == "ERROR" or not executed or self.status in ("failed", "unfinished"):
            return 3
        return 1 if verdict in ("FAIL", "STALE") else 0


def footer_of(
    jobs: Sequence[Mapping[str, Any]],
    status: Literal["complete", "interrupted", "failed"],
    *,
    reason: str = "",
    seconds: float = 0.0,
) -> Document:
    """The footer that sums up these job lines."""
    results = [result for job in jobs for result in job["results"]]
    levels = dict.fromkeys(result["level"] for result in results)
    return {
        "kind": "footer",
        "status": status,
        "reason": reason,
        "jobs": len(jobs),
        "counts": counts_of(results),
        "levels": {
            level: counts_of(result for result in results if result["level"] == level)
            for level in ("CONFIG", "CREATE", "PROCESS")
            if level in levels
        },
        "unexplained": sum(result["unexplained"] for result in results),
        "ended": now(),
        "seconds": round(seconds, 3),
    }


# --- reading -----------------------------------------------------------------------------------------


def read(path: Path) -> Journal:
    """Reads a journal.

    Raises:
        InputError: it cannot be read, or is no journal of this format; where and why.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            "unreadable",
            f"cannot be read: {error.strerror}",
            where=str(path),
            hint="name a file that `entrysem verify --journal` wrote",
        ) from None
    return parse(data, str(path))


def parse(data: bytes, name: str) -> Journal:
    """A journal's bytes; arguments and errors as `read`."""
    lines = data.splitlines(keepends=True)
    documents: list[Document] = []
    size, truncated = 0, False
    for number, line in enumerate(lines, start=1):
        document = _document(line)
        if document is None:
            if number < len(lines):
                raise _no_journal(name, f"line {number} is no JSON object")
            truncated = True
            break
        documents.append(document)
        size += len(line)
    if not documents or documents[0].get("kind") != "header":
        raise _no_journal(name, "the first line is no header" if lines else "it is empty")
    header = documents[0]
    if header.get("format") != FORMAT:
        raise InputError(
            "other-format",
            f"the journal has format {header.get('format')!r}; this entrysem reads {FORMAT}",
            where=name,
            hint=f"read it with entrysem {header.get('entrysem', '(unknown)')}, which wrote it",
        )
    jobs: dict[str, Document] = {}
    footer: Document | None = None
    for number, document in enumerate(documents[1:], start=2):
        kind = document.get("kind")
        footer = document if kind == "footer" else None
        if kind == "resumed":
            # A first session that could not connect did not know who answers.
            learnt: Document = {
                key: document[key] for key in ("implementation", "plan") if key in document
            }
            header = header | learnt
        elif kind == "job" and isinstance(document.get("id"), str):
            jobs[document["id"]] = document
        elif kind != "footer":
            raise _no_journal(name, f"line {number} is of an unknown kind, {kind!r:.100}")
    return Journal(name, header, jobs, footer, size, truncated)


def _document(line: bytes) -> Document | None:
    if not line.endswith(b"\n"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_journal(name: str, why: str) -> InputError:
    return InputError(
        "bad-journal",
        f"is no journal: {why}",
        where=name,
        hint="name a file that `entrysem verify --journal` wrote",
    )


# --- writing -----------------------------------------------------------------------------------------


class Writer:
    """Appends lines to a journal's file, from any thread. A context manager that closes it.

    Made by `create` and `resume`, which say how it can fail.
    """

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._size = size
        self._lock = threading.Lock()
        self._synced = time.monotonic()

    def write(self, document: Document) -> None:
        """Appends one line, whole or not at all.

        Raises:
            JournalError: the disk is full, or what else keeps it from being written.
        """
        # Outside strings JSON is ASCII, and inside them the escape of a lone surrogate is JSON's too.
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        line = text.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            try:
                # What a killed process left of its last line goes when there is a new one.
                os.ftruncate(self._descriptor, self._size)
                left = memoryview(line)
                while left:
                    left = left[os.write(self._descriptor, left) :]
                self._size += len(line)
                if time.monotonic() - self._synced > _SYNC_SECONDS:
                    self._sync()
            except OSError as error:
                # Half a line would be dropped at reading anyway; taken back, it misleads nobody.
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor, self._size)
                raise JournalError(
                    f"{self.path}: cannot be written: {error.strerror}. What was observed until now "
                    f"is in it; make room, then go on with --resume {self.path}"
                ) from None

    def _sync(self) -> None:
        # A pipe or a device has nothing to sync.
        with contextlib.suppress(OSError):
            os.fsync(self._descriptor)
        self._synced = time.monotonic()

    def close(self) -> None:
        """Brings everything to the disk and gives the file free. May be called again."""
        with self._lock:
            if self._descriptor >= 0:
                self._sync()
                os.close(self._descriptor)
                self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def create(path: Path, header: Document) -> Writer:
    """A new journal that begins with `header`.

    Raises:
        InputError: there is a file of this name that is not empty, or none can be made.
        JournalError: the header cannot be written.
    """
    descriptor, size = _opened(path, os.O_CREAT)
    if size:
        os.close(descriptor)
        raise InputError(
            "journal-exists",
            "there is such a file already, and what was observed is not overwritten",
            where=str(path),
            hint=f"go on with it by --resume {path}, name another file, or remove it",
        )
    writer = Writer(path, descriptor, 0)
    try:
        writer.write(header)
    except JournalError:
        writer.close()
        raise
    return writer


def resume(path: Path) -> tuple[Writer, Journal]:
    """An existing journal, to be gone on with. Nothing is changed before the first line is written.

    Raises:
        InputError: it cannot be read or opened, another process writes it, or it is no journal.
    """
    descriptor, _ = _opened(path, 0)
    try:
        journal = read(path)
    except InputError:
        os.close(descriptor)
        raise
    return Writer(path, descriptor, journal.size), journal


def _opened(path: Path, flags: int) -> tuple[int, int]:
    """The open and locked file, and its size."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o644)
    except OSError as error:
        raise InputError(
            "unwritable",
            f"the journal cannot be opened: {error.strerror}",
            where=str(path),
            hint="name a file in a folder that exists and can be written",
        ) from None
    if not _locked(descriptor):
        os.close(descriptor)
        raise InputError(
            "journal-in-use",
            "another run of entrysem verify writes this journal",
            where=str(path),
            hint="wait for it to end, or name another file",
        )
    return descriptor, os.fstat(descriptor).st_size


def _locked(descriptor: int) -> bool:
    """Whether this process has the file for itself now; True where files cannot be locked."""
    try:
        import fcntl  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
