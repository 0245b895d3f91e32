"""The runner on harnesses in this process: order, threads, revival, hangs, stops."""

from __future__ import annotations

import io
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entrysem.profiles import Profile
from entrysem.verify.interrupts import Interrupted, Interrupts, in_thread, interrupts
from entrysem.verify.journal import Writer, create, read
from entrysem.verify.plan import Plan, make_plan
from entrysem.verify.progress import Progress
from entrysem.verify.protocol import (
    LEVELS,
    HarnessError,
    Implementation,
    Job,
    Observation,
    RunObservation,
)
from entrysem.verify.runner import Ended, Settings, run_plan

WHO = Implementation("fake", levels=LEVELS)
SETTINGS = Settings(jobs=3, timeout=20, grace=20, patience=0.3)


def case(name: str, **more: Any) -> dict[str, Any]:
    run = {"argv": ["a"], "runtimes": ["docker"]}
    expect = [{"builders": ["buildkit"], "config": {"Cmd": ["a"]}, "runs": [run]}]
    base = {"id": name, "title": name, "rules": ["FORM-08"], "evidence": "observed"}
    return {**base, "dockerfile": 'FROM scratch\nCMD ["a"]\n', "expect": expect, **more}


def right(job: Job) -> Observation:
    return Observation(job.id, "built", {"Cmd": ("a",)}, runs=(RunObservation(("a",)),))


def plan_of(number: int, *more: dict[str, Any], who: Implementation = WHO) -> Plan:
    found = [*more, *(case(f"c{i:02}") for i in range(number))]
    return make_plan(found, who, reference=Profile(), level="CREATE")


class Fake:
    """A harness that answers by a function, and counts who asks at once."""

    def __init__(self, answer: Callable[[Job], Observation]) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.busy = 0
        self.most = 0
        self._lock = threading.Lock()

    def start(self) -> Implementation:
        return WHO

    def sweep(self) -> int:
        return 0

    def close(self) -> None:
        pass

    def observe(self, job: Job) -> Observation:
        with self._lock:
            self.asked.append(job.id)
            self.busy += 1
            self.most = max(self.most, self.busy)
        try:
            return self.answer(job)
        finally:
            with self._lock:
                self.busy -= 1


class Revivable(Fake):
    """The same, and it counts its lives."""

    def __init__(self, answer: Callable[[Job], Observation]) -> None:
        super().__init__(answer)
        self.revived = 0

    def revive(self) -> None:
        self.revived += 1


def ran(
    tmp_path: Path, harness: Fake, plan: Plan, settings: Settings = SETTINGS, **options: Any
) -> tuple[Ended, dict[str, Any]]:
    path = tmp_path / "j"
    with writer_of(path) as writer:
        noted = options.pop("noted", Interrupts())
        ended = run_plan(harness, WHO, plan, writer, settings, noted, **options)
    return ended, dict(read(path).jobs)


def writer_of(path: Path) -> Writer:
    return create(path, {"kind": "header", "format": 1})


def test_every_case_is_asked_once_and_by_several_at_a_time(tmp_path: Path) -> None:
    barrier = threading.Barrier(3, timeout=20)

    def answer(job: Job) -> Observation:
        barrier.wait()
        return right(job)

    harness = Fake(answer)
    ended, jobs = ran(tmp_path, harness, plan_of(12))
    assert ended == Ended("complete")
    assert Counter(harness.asked) == Counter(jobs.keys()) == Counter(f"c{i:02}" for i in range(12))
    assert {job["verdict"] for job in jobs.values()} == {"PASS"}
    assert harness.most == 3


def test_what_is_done_is_not_asked_again(tmp_path: Path) -> None:
    harness = Fake(right)
    ended, jobs = ran(tmp_path, harness, plan_of(4), done=["c00", "c02"])
    assert (ended.status, sorted(jobs), sorted(harness.asked)) == (
        "complete",
        ["c01", "c03"],
        ["c01", "c03"],
    )


def test_what_is_not_to_be_asked_is_journalled(tmp_path: Path) -> None:
    harness = Fake(right)
    _, jobs = ran(tmp_path, harness, plan_of(1, case("w", platform="windows/amd64")))
    assert (harness.asked, jobs["w"]["observation"]) == (["c00"], None)
    assert {result["verdict"] for result in jobs["w"]["results"]} == {"SKIP"}


def test_what_may_kill_comes_last_and_alone(tmp_path: Path) -> None:
    def answer(job: Job) -> Observation:
        if job.id.startswith("d"):
            assert harness.busy == 1
            return Observation(job.id, "rejected")
        return right(job)

    expect = [{"builders": ["buildkit"], "rejected": {}}]
    deadly = [case(f"d{i}", dockerfile="CMD a\n", expect=expect) for i in range(3)]
    harness = Fake(answer)
    _, jobs = ran(tmp_path, harness, plan_of(5, *deadly))
    assert [name[0] for name in harness.asked] == ["c"] * 5 + ["d"] * 3
    assert not any(job["error"] for job in jobs.values())


def breaking_once() -> Callable[[Job], Observation]:
    broken: set[str] = set()

    def answer(job: Job) -> Observation:
        if job.id not in broken:
            broken.add(job.id)
            raise HarnessError("gone")
        return right(job)

    return answer


def test_an_engine_is_revived_and_asked_again(tmp_path: Path) -> None:
    harness = Revivable(breaking_once())
    ended, jobs = ran(tmp_path, harness, plan_of(6), replace(SETTINGS, jobs=1))
    assert (ended.status, harness.revived) == ("complete", 6)
    assert {job["verdict"] for job in jobs.values()} == {"PASS"}


def test_an_engine_that_several_were_hit_by_is_revived_once(tmp_path: Path) -> None:
    barrier = threading.Barrier(3, timeout=20)
    once = breaking_once()

    def answer(job: Job) -> Observation:
        if job.id in harness.asked[:3] and harness.asked.count(job.id) == 1:
            barrier.wait()
            return once(job)
        return right(job)

    harness = Revivable(answer)
    ended, _ = ran(tmp_path, harness, plan_of(3))
    assert (ended.status, harness.revived) == ("complete", 1)


def test_without_a_way_to_revive_it_is_an_error_at_once(tmp_path: Path) -> None:
    harness = Fake(breaking_once())
    ended, jobs = ran(tmp_path, harness, plan_of(3))
    assert ended.status == "complete"
    assert [job["error"] for job in jobs.values()] == ["gone"] * 3
    first, second = jobs["c00"]["results"]
    assert (first["verdict"], second["verdict"]) == ("ERROR", "SKIP")


def test_several_errors_in_a_row_end_the_run(tmp_path: Path) -> None:
    def answer(job: Job) -> Observation:
        raise HarnessError("the engine is gone")

    ended, jobs = ran(tmp_path, Fake(answer), plan_of(40), replace(SETTINGS, jobs=1, breaks=4))
    assert ended == Ended("failed", "4 cases in a row broke, the last with: the engine is gone")
    assert len(jobs) < 10


def test_errors_between_good_answers_do_not(tmp_path: Path) -> None:
    def answer(job: Job) -> Observation:
        if int(job.id[1:]) % 2:
            raise HarnessError("hm")
        return right(job)

    ended, jobs = ran(tmp_path, Fake(answer), plan_of(20), replace(SETTINGS, jobs=1, breaks=2))
    assert (ended.status, len(jobs)) == ("complete", 20)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda job: replace(right(job), job="other"), "answered about 'other'"),
        (lambda job: replace(right(job), runs=()), "shows 0 runs instead of 1"),
        (lambda job: {"a": right(job)}["x"], "a defect in the harness: KeyError"),
        (lambda _: None, "a defect in the harness: AttributeError"),
    ],
)
def test_defects_of_a_harness_are_errors(
    tmp_path: Path, answer: Callable[[Job], Observation], told: str
) -> None:
    _, jobs = ran(tmp_path, Fake(answer), plan_of(1))
    assert told in jobs["c00"]["error"]


def test_a_harness_that_hangs_holds_up_its_case_only(tmp_path: Path) -> None:
    release = threading.Event()

    def answer(job: Job) -> Observation:
        if job.id == "c01":
            release.wait(60)
        return right(job)

    settings = replace(SETTINGS, jobs=1, timeout=0.1, grace=0.3)
    ended, jobs = ran(tmp_path, Fake(answer), plan_of(3), settings)
    release.set()
    assert ended.status == "complete"
    assert "given up" in jobs["c01"]["error"]
    assert [jobs[name]["verdict"] for name in ("c00", "c02")] == ["PASS", "PASS"]


def test_fail_fast(tmp_path: Path) -> None:
    def answer(job: Job) -> Observation:
        return replace(right(job), config={"Cmd": ("b",)}) if job.id == "c03" else right(job)

    settings = replace(SETTINGS, jobs=1, fail_fast=True)
    ended, jobs = ran(tmp_path, Fake(answer), plan_of(30), settings)
    assert ended == Ended("interrupted", "--fail-fast: c03 is FAIL")
    assert 4 <= len(jobs) < 30


def test_a_signal_lets_running_cases_end(tmp_path: Path) -> None:
    noted = Interrupts()

    def answer(job: Job) -> Observation:
        if job.id == "c01":
            noted.handle(signal.SIGTERM, None)
            time.sleep(0.1)
        return right(job)

    settings = replace(SETTINGS, jobs=1, patience=20)
    ended, jobs = ran(tmp_path, Fake(answer), plan_of(50), settings, noted=noted)
    assert ended == Ended("interrupted", "by SIGTERM")
    assert "c01" in jobs
    assert len(jobs) < 50


def test_a_signal_does_not_wait_for_ever(tmp_path: Path) -> None:
    noted, release = Interrupts(), threading.Event()

    def answer(job: Job) -> Observation:
        noted.handle(signal.SIGINT, None)
        release.wait(60)
        return right(job)

    ended, jobs = ran(tmp_path, Fake(answer), plan_of(3), noted=noted)
    release.set()
    assert (ended.status, jobs) == ("interrupted", {})


def test_signals_are_noted_and_the_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interrupts() as noted:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert (noted.signal, noted.count, noted.name) == (signal.SIGTERM, 2, "SIGTERM")
    assert signal.getsignal(signal.SIGTERM) is before


def test_signals_in_another_thread_are_left_alone() -> None:
    seen: list[int] = []

    def work() -> None:
        with interrupts() as noted:
            seen.append(noted.count)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [0]


def test_a_task_in_a_thread() -> None:
    def broken() -> None:
        raise HarnessError("no")

    def defective() -> None:
        raise KeyError("x")

    assert in_thread(lambda: 3, Interrupts(), 20, "x") == 3
    with pytest.raises(HarnessError, match="no"):
        in_thread(broken, Interrupts(), 20, "x")
    with pytest.raises(HarnessError, match="a defect in the harness: KeyError"):
        in_thread(defective, Interrupts(), 20, "x")
    release = threading.Event()
    with pytest.raises(HarnessError, match="connecting took longer than"):
        in_thread(lambda: release.wait(60), Interrupts(), 0.1, "connecting")
    noted = Interrupts()
    noted.handle(signal.SIGINT, None)
    with pytest.raises(Interrupted):
        in_thread(lambda: release.wait(60), noted, 60, "x")
    release.set()


# --- progress ----------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_a_minute_where_nobody_watches() -> None:
    stream, clock = io.StringIO(), iter(range(0, 10_000, 10))
    line = {"id": "c01", "results": [{"verdict": "PASS"}, {"verdict": "FAIL"}]}
    with Progress("docker", 100, 10, stream=stream, clock=lambda: next(clock)) as progress:
        for _ in range(30):
            progress.saw(line)
    lines = stream.getvalue().splitlines()
    assert 2 <= len(lines) <= 10
    assert lines[0].startswith("docker: ")
    assert "of 100 cases, " in lines[0]
    assert "FAIL" in lines[0]
    assert "left; last was c01" in lines[0]


def test_a_bar_on_a_terminal() -> None:
    stream = Terminal()
    with Progress("docker[red]", 2, stream=stream) as progress:
        progress.saw({"id": "c01", "results": [{"verdict": "STALE"}]})
        progress.saw({"id": "c02", "results": [{"verdict": "PASS"}]})
    assert "docker[red]" in stream.getvalue()
    assert "1 STALE, 1 PASS" in stream.getvalue()
