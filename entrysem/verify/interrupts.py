"""Signals, and calls that may not hold one up.

A signal handler here only takes note; whoever drives an engine looks at the note and stops in order.
And no call of an engine is made in the thread that has to look: it is made in a thread of its own, and
left behind when a signal comes or when it takes too long.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from entrysem.verify.protocol import HarnessError

__all__ = ["Interrupted", "Interrupts", "in_thread", "interrupts"]

T = TypeVar("T")

_POLL_SECONDS = 0.05


class Interrupted(Exception):  # noqa: N818 - it is no error
    """A signal asks to stop."""


class Interrupts:
    """What signals have asked for since the start.

    Attributes:
        signal: number of the first that came, or None.
        count: how many came; from the second on nobody wants to wait.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.count = 0

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler: only takes note."""
        del frame
        self.signal = self.signal or number
        self.count += 1

    @property
    def name(self) -> str:
        """What to tell of it."""
        return signal.Signals(self.signal).name if self.signal else ""


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Takes note of Ctrl-C, SIGTERM and a lost terminal while the block runs, and restores the rest.

    Only the main thread can do that; elsewhere nothing is ever noted.
    """
    noted = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    numbers = [
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    ]
    before = {number: signal.signal(number, noted.handle) for number in numbers}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def in_thread(task: Callable[[], T], noted: Interrupts, timeout: float, what: str) -> T:
    """The task's result; it is left behind on a signal and when it takes too long.

    Raises:
        HarnessError: too long; also what the task raises.
        Interrupted: by a signal, once it has had a moment to end by itself.
    """
    outcome: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

    def work() -> None:
        try:
            outcome.put((task(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the caller's thread
            outcome.put((None, error))

    threading.Thread(target=work, daemon=True, name=what).start()
    deadline = time.monotonic() + timeout
    while True:
        try:
            result, error = outcome.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            if noted.count:
                raise Interrupted from None
            if time.monotonic() > deadline:
                raise HarnessError(f"{what} took longer than {timeout:g} seconds") from None
            continue
        if error is not None:
            if isinstance(error, HarnessError):
                raise error
            raise HarnessError(
                f"{what}: a defect in the harness: {type(error).__name__}: {error}"
            ) from error
        return result  # type: ignore[return-value]  # T, as there was no error
