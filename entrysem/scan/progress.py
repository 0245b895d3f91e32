"""How far a scan is: a bar on a terminal, a line a minute where nobody watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self, TextIO

from entrysem.render.visible import visible
from entrysem.scan.streams import Meter

__all__ = ["Progress"]

_EVERY_SECONDS = 60.0
_REDRAW_SECONDS = 0.2


class Progress:
    """A watcher of a scan; a context manager.

    Args:
        meter: how far the reading is.
        before: records that were there at the start.
        stream: where it is shown.
        clock: seconds, for tests.
    """

    def __init__(
        self, meter: Meter, before: int, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._meter = meter
        self._before = before
        self._stream = stream
        self._clock = clock
        self._bar: Any = None
        self._task: Any = None
        self._started = self._told = clock()

    def __enter__(self) -> Self:
        self._bar = _bar(self._stream) if self._stream.isatty() else None
        if self._bar is not None:
            self._task = self._bar.add_task("scan", total=None, told="")
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def saw(self, count: int, errors: int) -> None:
        """So many records are there now."""
        now = self._clock()
        if now - self._told < (_EVERY_SECONDS if self._bar is None else _REDRAW_SECONDS):
            return
        self._told = now
        if self._bar is not None:
            self._bar.update(
                self._task,
                total=self._meter.total or None,
                completed=self._meter.done,
                told=self._line(count, errors, now),
            )
            return
        self._stream.write(f"scan: {self._line(count, errors, now)}{self._left(now)}\n")
        self._stream.flush()

    def _line(self, count: int, errors: int, now: float) -> str:
        rate = (count - self._before) / max(now - self._started, 1e-9)
        source = visible(self._meter.source)
        shown = source if len(source) <= 40 else f"…{source[-39:]}"
        return f"{count:,} files, {errors:,} errors, {rate:,.0f} a second; at {shown}"

    def _left(self, now: float) -> str:
        done, total = self._meter.done, self._meter.total
        if not total or not done:
            return ""
        share = min(done / total, 1.0)
        minutes = (now - self._started) * (1 - share) / share / 60
        return f", {share:.0%} read, about {minutes:.0f} min left"


def _bar(stream: TextIO) -> Any:
    """A bar, or None where rich is not installed."""
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra, and only for a terminal
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar  # noqa: PLC0415
    except ImportError:
        return None
    columns = (
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}", markup=False),
    )
    return Bar(*columns, console=Console(file=stream), transient=True)
