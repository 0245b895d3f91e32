"""Checks many files: in this process, or in several, with the results in the order of the files.

A process that ends (killed, out of memory) ends the run with an error: its files were not checked, and
a report without them would look clean.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from entrysem.check.model import FileResult
from entrysem.check.one import Checker, Task, Wish
from entrysem.errors import InputError

__all__ = ["checked", "jobs_for"]

#: Below this many files a further process costs more than it gives.
_FILES_A_JOB = 400
_CHUNK = 64


def jobs_for(files: int, asked: int) -> int:
    """How many processes: as asked; for 0, as many as there are processors and the files are worth."""
    if asked:
        return max(1, min(asked, files))
    return max(1, min(_processors(), files // _FILES_A_JOB))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked(tasks: Sequence[Task], wish: Wish, jobs: int) -> Iterator[FileResult]:
    """The result of each task, in order, as soon as it is there.

    Raises:
        InputError: `process-died`, a process of the run ended.
    """
    if jobs == 1:
        checker = Checker(wish)
        yield from map(checker.check, tasks)
        return
    import multiprocessing  # noqa: PLC0415
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415  # slow to import
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415

    # A fork has everything imported already. On a Mac its libraries do not stand it.
    method = "fork" if sys.platform == "linux" else "spawn"
    with ProcessPoolExecutor(
        jobs, multiprocessing.get_context(method), initializer=_prepare, initargs=(wish,)
    ) as pool:
        size = max(1, min(_CHUNK, len(tasks) // (4 * jobs)))
        try:
            yield from pool.map(_check, tasks, chunksize=size)
        except BrokenProcessPool:
            raise InputError(
                "process-died",
                "a process of this run was ended from outside, so that not every file was checked",
                where="--jobs",
                hint="--jobs 1 needs the least memory",
            ) from None


_checkers: list[Checker] = []


def _prepare(wish: Wish) -> None:
    _checkers.append(Checker(wish))


def _check(task: Task) -> FileResult:
    return _checkers[0].check(task)
