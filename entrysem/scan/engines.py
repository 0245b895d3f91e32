"""Where batches are worked on: in this process, in children of it, or in a Dask cluster.

All three take a batch and give a future of what came of it. What differs is what a dying worker looks
like, and whether it has to be replaced.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import Any, Protocol

from entrysem.errors import InputError
from entrysem.scan.items import Item, loaded
from entrysem.scan.settings import Settings
from entrysem.scan.work import Done, scan_batch, settle

__all__ = ["Cluster", "Engine", "Here", "Processes", "cores"]

#: Batches under way for each worker: one that it works on, and some that wait, for the first of all may
#: take long, and the others must not stand idle meanwhile.
_AHEAD = 4
_CONNECT_SECONDS = 20


class Engine(Protocol):
    """A place where batches are worked on; a context manager.

    Attributes:
        width: how many batches may be under way.
        died: what a future raises when the worker died over the batch, or beside it.
    """

    width: int
    died: tuple[type[BaseException], ...]

    def submit(self, items: Sequence[Item]) -> Any:
        """A future of the batch's `Done`: `result(timeout)` and `done()`, as in `concurrent.futures`."""

    def restart(self) -> None:
        """Makes the engine fit for use again after `died`. Futures from before are lost."""

    def __enter__(self) -> Engine: ...

    def __exit__(self, *error: object) -> None: ...


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Here:
    """This process, one batch at a time."""

    width = 1
    died: tuple[type[BaseException], ...] = ()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def submit(self, items: Sequence[Item]) -> Future[Done]:
        """Works on the batch before it returns."""
        future: Future[Done] = Future()
        future.set_result(scan_batch(items, self._settings))
        return future

    def restart(self) -> None:
        """Nothing here can die alone."""

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *error: object) -> None:
        del error


class Processes:
    """Children of this process, started when the first batch comes.

    They are spawned, not forked: the parent may have threads, and it is the same on every platform.
    """

    died: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, settings: Settings, jobs: int) -> None:
        self.width = jobs * _AHEAD
        self._jobs = jobs
        self._settings = settings
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, items: Sequence[Item]) -> Future[Done]:
        """Sends the batch to whichever child is free first."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._jobs, get_context("spawn"), _prepare)
        try:
            return self._pool.submit(scan_batch, items, self._settings)
        except BrokenProcessPool as error:
            # Told where the outcome of every other batch is told.
            future: Future[Done] = Future()
            future.set_exception(error)
            return future

    def restart(self) -> None:
        """A pool that lost a child gives up all of them."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error[0] is None, cancel_futures=True)


def _prepare() -> None:
    """In a child: the parent decides on signals, and when it is gone, so is the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    settle()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


class Cluster:
    """A running Dask cluster. Its workers need no file of this machine: batches carry the bytes.

    Dask gives a batch whose worker died to another worker, and calls a batch killed only when several
    died over it.
    """

    def __init__(self, settings: Settings, address: str) -> None:
        """Raises InputError: `needs-extra`, or `no-cluster` when nothing answers there."""
        try:
            import distributed  # noqa: PLC0415 - an extra
        except ImportError:
            raise InputError(
                "needs-extra",
                "Dask is not installed",
                where="--dask",
                hint="pip install 'entrysem[dask]'",
            ) from None
        self.died: tuple[type[BaseException], ...] = (distributed.KilledWorker,)
        self._settings = settings
        try:
            self._client: Any = distributed.Client(
                address, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                "no-cluster",
                f"no Dask scheduler answers at {address}: {error}",
                where="--dask",
                hint="write the address that the scheduler prints at its start: tcp://HOST:8786",
            ) from None
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        self.width = max(1, sum(worker["nthreads"] for worker in workers)) * _AHEAD

    def submit(self, items: Sequence[Item]) -> Any:
        """Sends the batch to the scheduler."""
        batch = [loaded(item, self._settings) for item in items]
        # Not pure: equal batches are two batches, and nobody has to hash them.
        return self._client.submit(scan_batch, batch, self._settings, pure=False)

    def restart(self) -> None:
        """The scheduler looks after its workers."""

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()
