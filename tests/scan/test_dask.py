"""A real Dask cluster: a scheduler and workers as processes of their own, some of them killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrysem.scan.drive import drive
from entrysem.scan.engines import Cluster
from entrysem.scan.stopping import Stop
from entrysem.scan.work import Done
from tests.cli.running import environment, real
from tests.scan.corpora import parsed, texts, write_ndjson
from tests.scan.test_run import PLAIN, expected

#: The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore")

_WORKERS = 3


class _Started:
    def __init__(self, folder: Path) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        log = folder / "scheduler.log"
        self._start(log, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._wait(log, r"Scheduler at:\s+(tcp://\S+)").group(1)
        logs = [folder / f"worker{number}.log" for number in range(_WORKERS)]
        for each in logs:
            self._start(
                each, "worker", self.address, "--no-nanny", "--nthreads", "1", "--no-dashboard"
            )
        for each in logs:
            self._wait(each, r"Registered to:")
        self.workers = self.processes[1:]

    def _start(self, log: Path, part: str, *words: str) -> None:
        environ = {**environment(), "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "0"}
        with log.open("w") as file:
            command = [sys.executable, "-m", "distributed.cli.dask_" + part, *words]
            self.processes.append(
                subprocess.Popen(command, stdout=file, stderr=file, env=environ, cwd=log.parent)
            )

    def _wait(self, log: Path, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if found := re.search(pattern, log.read_text()):
                return found
            assert all(process.poll() is None for process in self.processes), log.read_text()
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[_Started]:
    started = _Started(tmp_path)
    try:
        yield started
    finally:
        started.close()


def test_workers_are_killed_and_no_record_is_lost_or_doubled(cluster: _Started) -> None:
    files = texts(6000)
    done: list[Done] = []

    def write(one: Done) -> None:
        done.append(one)
        if len(done) in (3, 8):
            cluster.workers[len(done) % 2].send_signal(signal.SIGKILL)

    items = [("data", name, data) for name, data in files.items()]
    drive(items, Cluster(PLAIN, cluster.address), PLAIN, write, Stop())  # type: ignore[arg-type]
    assert parsed(b"".join(one.lines for one in done)) == expected(files)
    killed = [process for process in cluster.workers if process.poll() == -signal.SIGKILL]
    assert len(killed) == 2


def test_the_command_gives_what_it_gives_alone(cluster: _Started, tmp_path: Path) -> None:
    files = texts(700)
    path, output = write_ndjson(tmp_path / "c.ndjson", files), tmp_path / "out.ndjson"
    (tmp_path / "Dockerfile").write_bytes(b"FROM scratch\n")
    names = (str(path), str(tmp_path / "Dockerfile"), "--no-timings", "--no-findings")
    ran = real("scan", *names, "--dask", cluster.address, "--output", str(output))
    assert ran.code == 0, ran.err
    alone = real("scan", *names, "--jobs", "1")
    assert output.read_text() == alone.out
    assert len(parsed(alone.out)) == 701


def test_no_cluster_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.running import run

    monkeypatch.setattr("entrysem.scan.engines._CONNECT_SECONDS", 1)
    path = write_ndjson(tmp_path / "c.ndjson", texts(1))
    ran = run("scan", str(path), "--dask", "tcp://127.0.0.1:1")
    assert (ran.code, ran.out) == (3, "")
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in ran.err
