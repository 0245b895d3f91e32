"""Asks an engine for every case of a plan, and writes down what comes of it, whatever happens.

One thread, the caller's, owns the journal, the clock and the signals; workers ask the engine, one case
at a time each. Workers are daemons: an engine that hangs holds up its worker, not the run. The run
gives such a case up after its deadline, goes on with a new worker, and ignores what the old one still
may say.

An engine that breaks is given one chance: `revive()`, where the harness has it, and the same case
again. What breaks twice is an ERROR, and several in a row end the run, because nothing more can be
learned from an engine that is gone. Cases that have killed engines come last, one at a time, so that
they can take nobody else's answer with them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from entrysem.verify.interrupts import Interrupts
from entrysem.verify.journal import JournalError, Verdict, Writer, worst
from entrysem.verify.parts import Planned
from entrysem.verify.plan import Plan
from entrysem.verify.protocol import Harness, HarnessError, Implementation, Observation
from entrysem.verify.verdict import Result, broken, check_observation, judge, spread
from entrysem.verify.wire import job_to_wire, observation_to_wire

__all__ = ["Ended", "Settings", "Watcher", "job_line", "run_plan"]

Document = dict[str, Any]

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Settings:
    """How to go about it.

    Attributes:
        jobs: how many cases at once.
        fail_fast: stop at the first FAIL, STALE or ERROR.
        timeout: seconds for one call of the engine; a case may take that for its build and for each
            of its runs.
        grace: seconds more before a case is given up: the harness should notice first.
        patience: seconds that running cases are waited for after an interrupt.
        breaks: how many cases in a row may end in ERROR before the run ends.
    """

    jobs: int = 4
    fail_fast: bool = False
    timeout: float = 60.0
    grace: float = 10.0
    patience: float = 5.0
    breaks: int = 5


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: the footer's status and reason."""

    status: Literal["complete", "interrupted", "failed"]
    reason: str = ""


class Watcher(Protocol):
    """Is told of each journal line once it is written."""

    def saw(self, line: Document) -> None:
        """The case of this line is done."""
        ...


# --- one case ----------------------------------------------------------------------------------------


def job_line(
    planned: Planned,
    results: Sequence[Result],
    *,
    observation: Observation | None = None,
    error: str | None = None,
    seconds: float = 0.0,
) -> Document:
    """The journal's line for a case."""
    case = planned.case
    return {
        "kind": "job",
        "id": case["id"],
        "suite": case.get("suite", ""),
        "title": case["title"],
        "rules": list(case["rules"]),
        "evidence": case["evidence"],
        "source": case.get("source"),
        "job": job_to_wire(planned.job),
        "observation": None if observation is None else observation_to_wire(observation),
        "error": error,
        "results": [result.to_wire() for result in results],
        "verdict": worst(result.verdict for result in results),
        "ms": round(seconds * 1000),
    }


class _Asker:
    """Asks the harness, and revives the engine when it breaks: once for all who were hit."""

    def __init__(self, harness: Harness, implementation: Implementation) -> None:
        self.harness = harness
        self.levels = implementation.levels
        self._revive: Callable[[], object] | None = getattr(harness, "revive", None)
        self._lock = threading.Lock()
        self._generation = 0

    def ask(self, planned: Planned) -> Observation:
        """Raises `HarnessError` when it breaks twice, or cannot be revived."""
        generation = self._generation
        try:
            return self._once(planned)
        except HarnessError:
            if self._revive is None:
                raise
            with self._lock:
                if generation == self._generation:
                    self._revive()
                    self._generation += 1
            return self._once(planned)

    def _once(self, planned: Planned) -> Observation:
        request = planned.request
        observation = self.harness.observe(request)
        check_observation(request, observation, self.levels)
        return spread(planned, observation)


# --- all cases ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Worker:
    """A thread and what it is at; `planned` is None between two cases and at the end."""

    thread: threading.Thread | None = None
    planned: Planned | None = None
    started: float = 0.0
    given_up: bool = False
    done: bool = False


def run_plan(
    harness: Harness,
    implementation: Implementation,
    plan: Plan,
    writer: Writer,
    settings: Settings,
    noted: Interrupts,
    *,
    done: Iterable[str] = (),
    watchers: Sequence[Watcher] = (),
) -> Ended:
    """Does all cases of the plan but those in `done`, and journals each as soon as it is judged."""
    left_out = frozenset(done)
    cases = [planned for planned in plan.cases if planned.case["id"] not in left_out]
    first_risky = len(plan.cases) - plan.risky
    risky_ids = {planned.case["id"] for planned in plan.cases[first_risky:]}
    run = _Run(harness, implementation, plan, writer, settings, noted, watchers)
    try:
        run.journal_unasked(cases)
        asked = [planned for planned in cases if planned.asked is not None]
        run.work_off([p for p in asked if p.case["id"] not in risky_ids], settings.jobs)
        run.work_off([p for p in asked if p.case["id"] in risky_ids], 1)
    except _Stop as stop:
        return stop.ended
    except JournalError as error:
        return Ended("failed", str(error))
    return Ended("complete")


class _Stop(Exception):  # noqa: N818 - it is no error
    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class _Run:
    def __init__(
        self,
        harness: Harness,
        implementation: Implementation,
        plan: Plan,
        writer: Writer,
        settings: Settings,
        noted: Interrupts,
        watchers: Sequence[Watcher],
    ) -> None:
        self.asker = _Asker(harness, implementation)
        self.plan = plan
        self.writer = writer
        self.settings = settings
        self.noted = noted
        self.watchers = watchers
        self.breaks = 0
        self.todo: deque[Planned] = deque()
        # Short, so that nobody runs ahead of the journal, and of the decision to stop.
        self.finished: queue.Queue[tuple[_Worker, Planned, Document]] = queue.Queue(maxsize=1)

    def journal_unasked(self, cases: Iterable[Planned]) -> None:
        """Journals the cases that the engine is not asked for, with the reason."""
        for planned in cases:
            if planned.asked is None:
                results = judge(planned, None, self.plan.engine, self.plan.level)
                self._journal(job_line(planned, results))

    def work_off(self, cases: Iterable[Planned], threads: int) -> None:
        """Does these cases; raises `_Stop` to end the run, and `JournalError`."""
        self.todo = deque(cases)
        workers = [self._hire() for _ in range(min(threads, len(self.todo)))]
        try:
            while not all(worker.done for worker in workers) or not self.finished.empty():
                self._heed_signals()
                self._take_one()
                workers = [self._looked_after(worker) for worker in workers]
        except (_Stop, JournalError) as stop:
            self.todo.clear()
            if isinstance(stop, _Stop):
                self._wait_for(workers)
            raise

    def _heed_signals(self) -> None:
        if self.noted.count:
            raise _Stop(Ended("interrupted", f"by {self.noted.name}"))

    def _hire(self) -> _Worker:
        worker = _Worker()
        worker.thread = threading.Thread(target=self._work, args=(worker,), daemon=True)
        worker.thread.start()
        return worker

    def _work(self, worker: _Worker) -> None:
        while not worker.given_up:
            try:
                planned = self.todo.popleft()
            except IndexError:
                break
            worker.started = time.monotonic()
            worker.planned = planned
            line = self._line(planned)
            worker.planned = None
            if not worker.given_up:
                self.finished.put((worker, planned, line))
        worker.done = True

    def _line(self, planned: Planned) -> Document:
        """Asks for one case and judges it; never raises."""
        started = time.monotonic()
        observation: Observation | None = None
        error: str | None = None
        try:
            observation = self.asker.ask(planned)
        except HarnessError as broke:
            error = str(broke) or "the harness broke, and does not say how"
        except Exception as defect:  # noqa: BLE001 - a defect in a harness is one case's ERROR
            error = f"a defect in the harness: {type(defect).__name__}: {defect}"
        seconds = time.monotonic() - started
        level = self.plan.level
        results = (
            broken(planned, error, level)
            if error is not None
            else judge(planned, observation, self.plan.engine, level)
        )
        return job_line(planned, results, observation=observation, error=error, seconds=seconds)

    def _take_one(self) -> None:
        try:
            worker, _, line = self.finished.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return
        if not worker.given_up:
            self._journal(line)

    def _journal(self, line: Document) -> None:
        self.writer.write(line)
        for watcher in self.watchers:
            watcher.saw(line)
        verdict: Verdict = line["verdict"]
        if line["error"] is not None:
            self.breaks += 1
        elif line["observation"] is not None:
            self.breaks = 0
        if self.settings.fail_fast and verdict in ("ERROR", "FAIL", "STALE"):
            raise _Stop(Ended("interrupted", f"--fail-fast: {line['id']} is {verdict}"))
        if self.breaks >= self.settings.breaks:
            raise _Stop(
                Ended(
                    "failed", f"{self.breaks} cases in a row broke, the last with: {line['error']}"
                )
            )

    def _looked_after(self, worker: _Worker) -> _Worker:
        """The worker, or another in its place when it is stuck."""
        planned = worker.planned
        if planned is None or worker.given_up:
            return worker
        allowed = self.settings.timeout * (1 + len(planned.job.runs)) + self.settings.grace
        if time.monotonic() - worker.started < allowed:
            return worker
        worker.given_up = True
        message = f"no answer in {allowed:g} seconds: given up"
        results = broken(planned, message, self.plan.level)
        self._journal(job_line(planned, results, error=message, seconds=allowed))
        return self._hire()

    def _wait_for(self, workers: Sequence[_Worker]) -> None:
        """Lets the running cases end for a while, and journals those that do."""
        patience = time.monotonic() + self.settings.patience
        while time.monotonic() < patience and self.noted.count < 2:
            if all(worker.done or worker.given_up for worker in workers) and self.finished.empty():
                return
            try:
                self._take_one()
            except _Stop:
                continue
