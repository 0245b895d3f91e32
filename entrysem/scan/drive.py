"""The loop: items in, a bounded number of batches under way, records out in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from entrysem.scan.engines import Engine
from entrysem.scan.items import Failed, Item, cost
from entrysem.scan.settings import Settings
from entrysem.scan.stopping import Stop, Stopped
from entrysem.scan.work import Done, as_line

__all__ = ["BATCH", "drive", "few"]

#: Files in a batch, and about how many bytes: enough that sending it costs nothing beside working on it.
BATCH = 256
_BATCH_BYTES = 2 << 20
_POLL_SECONDS = 0.2


def few(items: Iterator[Item]) -> tuple[bool, Iterator[Item]]:
    """Whether there is at most one batch, and the items, none of them lost."""
    start = list(islice(items, BATCH + 1))
    return len(start) <= BATCH, chain(start, items)


def drive(
    items: Iterable[Item],
    engine: Engine,
    settings: Settings,
    write: Callable[[Done], None],
    stop: Stop,
) -> None:
    """Works on the items until there are none, or a signal asks to stop.

    Args:
        items: what to read; it is asked only for as much as fits under way.
        write: is called with what came of each batch, in order. After a stop the records that it got are
            still those of the first so many items.

    Raises:
        InputError: the settings are not legal, or the engine is lost for good; and what `write` raises.
    """
    batches = _batches(items)
    pending: deque[tuple[list[Item], Any]] = deque()
    with engine:
        while True:
            while not stop.count and len(pending) < engine.width:
                try:
                    with stop.reading():
                        batch = next(batches, None)
                except Stopped:
                    batch = None
                if batch is None:
                    break
                pending.append((batch, engine.submit(batch)))
            if not pending or stop.count > 1:
                return
            batch, future = pending[0]
            try:
                done = _result(future)
            except engine.died:
                engine.restart()
                done = _alone(batch, engine, settings, stop)
                pending.popleft()
                again = [other for other, _ in pending]
                pending = deque([(other, engine.submit(other)) for other in again])
            else:
                if done is not None:
                    pending.popleft()
            if done is not None:
                write(done)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += cost(item)
        if len(batch) >= BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _result(future: Any) -> Done | None:
    """What came of a batch, or None when it is still under way after a moment."""
    try:
        done: Done = future.result(timeout=_POLL_SECONDS)
    except TimeoutError:
        return None
    return done


def _alone(items: Sequence[Item], engine: Engine, settings: Settings, stop: Stop) -> Done | None:
    """What comes of a batch when nothing else is under way: halved until it is known what kills.

    None when a signal asks to stop before that.
    """
    future = engine.submit(items)
    try:
        while (done := _result(future)) is None:
            if stop.count > 1:
                return None
    except engine.died:
        engine.restart()
    else:
        return done
    if len(items) == 1:
        told = Failed("internal", "worker-died", "the process that read this file died of it")
        return as_line(items[0][1], told, settings)
    middle = len(items) // 2
    first = _alone(items[:middle], engine, settings, stop)
    second = None if first is None else _alone(items[middle:], engine, settings, stop)
    return None if first is None or second is None else _joined(first, second)


def _joined(first: Done, second: Done) -> Done:
    return Done(
        first.lines + second.lines,
        first.count + second.count,
        first.errors + second.errors,
        first.broken + second.broken,
    )
