"""Many files in several processes."""

from __future__ import annotations

import os
import sys

import pytest

from entrysem.check.model import Place
from entrysem.check.one import Checker, Task, Wish
from entrysem.check.run import checked, jobs_for
from entrysem.check.settings import Settings
from entrysem.errors import InputError

TASKS = [
    Task(Place(str(number), None, str(number)), Settings(), b"FROM scratch\nCMD x%d\n" % number)
    for number in range(10)
]


def test_how_many_processes() -> None:
    assert jobs_for(3, 8) == 3
    assert jobs_for(0, 8) == 1
    assert jobs_for(10, 0) == 1
    assert jobs_for(100_000, 0) == len(os.sched_getaffinity(0))
    assert jobs_for(100_000, 5) == 5


@pytest.mark.parametrize("jobs", [1, 3])
def test_in_order(jobs: int) -> None:
    assert [each.place for each in checked(TASKS, Wish(), jobs)] == [each.place for each in TASKS]


@pytest.mark.skipif(sys.platform != "linux", reason="only a fork has the broken checker")
def test_a_process_that_dies_is_no_clean_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checker, "check", lambda *_: os._exit(1))
    with pytest.raises(InputError) as caught:
        list(checked(TASKS, Wish(), 2))
    assert caught.value.code == "process-died"
