"""Ctrl-C and SIGTERM: what is under way is finished and written, and then it ends.

The handler only takes note, except while the scan waits for input, which may never come: there it raises.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stop", "Stopped", "stopping"]


class Stopped(BaseException):
    """Raised out of a read. No `Exception`, so that nothing that guards a source catches it."""


class Stop:
    """What signals have asked for.

    Attributes:
        signal: number of the first that came, or None.
        count: how many came; from the second on nobody wants to wait.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.count = 0
        self._reading = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler."""
        del frame
        self.signal = self.signal or number
        self.count += 1
        if self._reading:
            self._reading = False
            raise Stopped

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While this block runs, a signal raises `Stopped`."""
        self._reading = True
        try:
            yield
        finally:
            self._reading = False


@contextmanager
def stopping() -> Iterator[Stop]:
    """Takes note of Ctrl-C, SIGTERM and a lost terminal while the block runs, and restores the rest.

    Only the main thread can do that; elsewhere nothing is ever noted.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = [
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]
    before = {number: signal.signal(number, stop.handle) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
