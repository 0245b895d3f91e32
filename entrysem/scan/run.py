"""A whole scan, as the command makes it: sources and settings in, records out, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple, TextIO

from entrysem.scan.drive import drive, few
from entrysem.scan.engines import Cluster, Engine, Here, Processes
from entrysem.scan.items import Item
from entrysem.scan.output import Records, question
from entrysem.scan.progress import Progress
from entrysem.scan.settings import Settings
from entrysem.scan.sources import Source, items, name_test
from entrysem.scan.stopping import Stop, Stopped, stopping
from entrysem.scan.streams import Meter
from entrysem.scan.work import Done, settle

__all__ = ["Ended", "Plan", "scan"]


class Plan(NamedTuple):
    """What to scan, how, and where to.

    Attributes:
        sources: what to read.
        settings: what is asked about each file.
        patterns: names that are taken for Dockerfiles' in folders and archives; none for the usual ones.
        jobs: processes to use.
        dask: address of a scheduler, or empty.
        output: the file of records, or None for `stdout`.
        resume: whether to go on with it.
    """

    sources: Sequence[Source]
    settings: Settings
    patterns: Sequence[str] = ()
    jobs: int = 1
    dask: str = ""
    output: Path | None = None
    resume: bool = False


class Ended(NamedTuple):
    """How a scan ended.

    Attributes:
        records, errors, broken: all of them; error records; of them, sources that broke.
        before: records that were there already.
        signal: number of the signal that stopped it, or None.
    """

    records: int
    errors: int
    broken: int
    before: int
    signal: int | None

    @property
    def exit_code(self) -> int:
        """0; 3 when a source broke or no file could be read; 128 and the signal's number."""
        if self.signal is not None:
            return 128 + self.signal
        return 3 if self.broken or self.records == self.errors else 0


def scan(plan: Plan, stdout: IO[bytes], stderr: TextIO) -> Ended:
    """Makes the records.

    Raises:
        InputError: as `Records`, `Cluster` and `drive`.
        OSError: the records cannot be written.
    """
    settle()
    with ExitStack() as stack:
        stop = stack.enter_context(stopping())
        if plan.output is None:
            return _to_stream(plan, stdout, stderr, stop)
        asked = question(plan.sources, plan.settings, plan.patterns)
        records = stack.enter_context(Records(plan.output, asked, resume=plan.resume))
        if records.complete:
            count = records.count
            return Ended(count, records.errors, records.broken, count, None)
        meter = Meter()
        found = records.rest(_items(plan, meter), plan.settings)
        with Progress(meter, records.before, stderr) as progress:

            def write(done: Done) -> None:
                records.write(done)
                progress.saw(records.count, records.errors)

            _drive(plan, found, write, stop)
        records.finish(complete=not stop.count)
        counts = records.count, records.errors, records.broken
        return Ended(*counts, records.before, stop.signal)


def _to_stream(plan: Plan, stdout: IO[bytes], stderr: TextIO, stop: Stop) -> Ended:
    meter = Meter()
    count = errors = broken = 0
    with Progress(meter, 0, stderr) as progress:

        def write(done: Done) -> None:
            nonlocal count, errors, broken
            stdout.write(done.lines)
            stdout.flush()
            count += done.records
            errors += done.errors
            broken += done.broken
            progress.saw(count, errors)

        _drive(plan, _items(plan, meter), write, stop)
    return Ended(count, errors, broken, 0, stop.signal)


def _items(plan: Plan, meter: Meter) -> Iterator[Item]:
    return items(plan.sources, plan.settings, name_test(plan.patterns), meter)


def _drive(plan: Plan, found: Iterator[Item], write: Callable[[Done], None], stop: Stop) -> None:
    engine: Engine
    if plan.dask:
        engine = Cluster(plan.settings, plan.dask)
    elif plan.jobs == 1:
        engine = Here(plan.settings)
    else:
        # Processes take longer to start than one batch takes.
        try:
            with stop.reading():
                alone, found = few(found)
        except Stopped:
            return
        engine = Here(plan.settings) if alone else Processes(plan.settings, plan.jobs)
    drive(found, engine, plan.settings, write, stop)
