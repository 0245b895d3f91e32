"""How far it has come: a bar on a terminal, a line a minute where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TextIO

from entrysem.verify.journal import VERDICTS, Counts, Verdict

__all__ = ["Progress"]

_EVERY_SECONDS = 60.0


class Progress:
    """A watcher of the runner; a context manager. Everything goes to `stream`, standard error.

    Args:
        what: the engine, for the line.
        total: cases in the plan.
        done: of them, in the journal already.
        stream: where it is shown.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        what: str,
        total: int,
        done: int = 0,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._total = total
        self._done = done
        self._before = done
        self._stream = stream if stream is not None else sys.stderr
        self._clock = clock
        self._counts: Counts = dict.fromkeys(VERDICTS, 0)
        self._bar: Any = None
        self._task: Any = None
        self._started = self._told = clock()

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._bar = _bar(self._stream)
            self._task = self._bar.add_task(
                self._what, total=self._total, completed=self._done, counts=""
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def saw(self, line: dict[str, Any]) -> None:
        """The case of this journal line is done."""
        self._done += 1
        for result in line["results"]:
            verdict: Verdict = result["verdict"]
            self._counts[verdict] += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, counts=self._told_counts())
        elif self._clock() - self._told >= _EVERY_SECONDS:
            self._told = self._clock()
            self._stream.write(f"{self._line(line['id'])}\n")
            self._stream.flush()

    def _line(self, case: str) -> str:
        elapsed = self._clock() - self._started
        here = self._done - self._before
        left = elapsed / here * (self._total - self._done)
        return (
            f"{self._what}: {self._done} of {self._total} cases, {self._told_counts()}; "
            f"about {_span(left)} left; last was {case}"
        )

    def _told_counts(self) -> str:
        return ", ".join(f"{self._counts[v]} {v}" for v in VERDICTS if self._counts[v])


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes else f"{round(seconds)} s"


def _bar(stream: TextIO) -> Any:
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
    )
    return Bar(*columns, console=Console(file=stream), transient=True)
