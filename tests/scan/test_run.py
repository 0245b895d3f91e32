"""Whole scans: in order, none lost, none doubled, whatever dies in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.scan import Settings, scan_one
from entrysem.scan.drive import drive
from entrysem.scan.engines import Here, Processes
from entrysem.scan.items import Item, failed
from entrysem.scan.output import Records, question
from entrysem.scan.sources import sources
from entrysem.scan.stopping import Stop
from entrysem.scan.work import Done, scan_batch
from tests.cli.running import ROOT, assert_valid, environment
from tests.scan.corpora import parsed, tar_of, texts, write_ndjson

PLAIN = Settings(timings=False, findings=False)
#: Runs `entrysem scan`, and waits for each batch as long as the variable says, so that a signal can come.
SLOW = """
import os, sys, time
import entrysem.scan.output as output
write = output.Records.write
def slowly(self, done):
    write(self, done)
    time.sleep(float(os.environ["PAUSE"]))
output.Records.write = slowly
if __name__ == "__main__":
    from entrysem.cli import main
    main()
"""


def expected(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """What the core says of each file alone."""
    return [scan_one(data, name, PLAIN) for name, data in files.items()]


def driven(engine: Any, files: dict[str, bytes], stop: Stop | None = None) -> list[dict[str, Any]]:
    done: list[Done] = []
    items: list[Item] = [("data", name, data) for name, data in files.items()]
    drive(items, engine, PLAIN, done.append, stop or Stop())
    lines = b"".join(one.lines for one in done)
    assert sum(one.records for one in done) == lines.count(b"\n")
    return parsed(lines)


def test_here_and_in_children_it_is_the_same() -> None:
    files = texts(1500)
    assert driven(Here(PLAIN), files) == expected(files)
    assert driven(Processes(PLAIN, 2), files) == expected(files)


class _Fragile:
    """An engine that dies of a file called `deadly`, and takes what is beside it along."""

    width = 4
    died = (BrokenProcessPool,)

    def __init__(self) -> None:
        self.broken = False
        self.restarts = 0

    def submit(self, items: list[Item]) -> Future[Done]:
        future: Future[Done] = Future()
        self.broken = self.broken or any("deadly" in item[1] for item in items)
        if self.broken:
            future.set_exception(BrokenProcessPool("gone"))
        else:
            future.set_result(scan_batch(items, PLAIN))
        return future

    def restart(self) -> None:
        self.broken = False
        self.restarts += 1

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def test_a_file_that_kills_is_an_error_and_the_others_are_not() -> None:
    files = texts(2000)
    names = list(files)
    files = {f"deadly {n}" if n in (names[300], names[1999]) else n: d for n, d in files.items()}
    found = driven(_Fragile(), files)
    wanted = expected(files)
    assert [record["id"] for record in found] == list(files)
    for record, want in zip(found, wanted, strict=True):
        if record["id"].startswith("deadly"):
            assert (record["error_phase"], record["error_code"]) == ("internal", "worker-died")
        else:
            assert record == want


def test_children_that_are_killed_are_replaced() -> None:
    files = texts(4000)
    killed: list[int] = []

    class Killing(Processes):
        def submit(self, items: Any) -> Any:
            future = super().submit(items)
            if self._pool is not None and len(killed) < 2 and items[0][1] > "001":
                victim = next(iter(self._pool._processes or ()), None)
                if victim is not None and victim not in killed:
                    killed.append(victim)
                    os.kill(victim, signal.SIGKILL)
            return future

    assert driven(Killing(PLAIN, 2), files) == expected(files)
    assert killed


def test_a_stop_keeps_a_beginning() -> None:
    stop = Stop()
    files = texts(3000)
    seen: list[Done] = []

    def write(done: Done) -> None:
        seen.append(done)
        if len(seen) == 2:
            stop.handle(signal.SIGTERM, None)

    drive((("data", n, d) for n, d in files.items()), Processes(PLAIN, 2), PLAIN, write, stop)
    found = parsed(b"".join(done.lines for done in seen))
    assert 512 <= len(found) < 3000
    assert found == expected(files)[: len(found)]


def test_settings_that_mean_nothing_end_the_scan() -> None:
    bad = Settings(builder="nobody")
    with pytest.raises(InputError, match="no builder"):
        drive([("data", "x", b"")], Here(bad), bad, lambda _: None, Stop())


def test_another_release_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        scan_batch([], PLAIN, "0.0")
    assert caught.value.code == "version-differs"
    assert "same release" in (caught.value.hint or "")


# --- the file of records -----------------------------------------------------------------------------


def _spawn(path: Path, output: Path, *more: str, pause: float) -> subprocess.Popen[bytes]:
    script = output.with_name("slow.py")
    script.write_text(SLOW)
    command = [sys.executable, str(script), "scan", str(path), "--output", str(output)]
    return subprocess.Popen(
        [*command, "--no-timings", "--no-findings", *more],
        env={**environment(), "PAUSE": str(pause)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
    )


def _wait_for_records(output: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not output.exists() or output.stat().st_size < 100_000:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == pid:
            found.append(int(status.parent.name))
    return found


def _gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("kind", ["tar", "ndjson"])
def test_kill_and_resume(tmp_path: Path, kind: str, jobs: str) -> None:
    files = texts(3000)
    if kind == "tar":
        path = tar_of(tmp_path / "c.tar.gz", files, "w:gz")
        names = [f"{path}:{name}" for name in files]
    else:
        path, names = write_ndjson(tmp_path / "c.ndjson", files), list(files)
    output = tmp_path / "out.ndjson"
    process = _spawn(path, output, "--jobs", jobs, pause=0.3)
    _wait_for_records(output, process)
    children = _children(process.pid)
    process.kill()
    process.communicate()
    # Children see that nobody waits for them any more.
    assert _gone(children)
    before = output.read_bytes()
    assert 0 < before.count(b"\n") < 3000
    # What a kill in the middle of a write leaves.
    output.write_bytes(before + b'{"id":"half')
    process = _spawn(path, output, "--jobs", jobs, "--resume", pause=0)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert f"{before.count(10):,} were there already" in said.decode().replace("\\n", "")
    found = parsed(output.read_bytes())
    assert output.read_bytes().startswith(before)
    wanted = expected(files)
    assert found == [{**want, "id": name} for want, name in zip(wanted, names, strict=True)]
    about = json.loads(Path(f"{output}.scan.json").read_bytes())
    assert_valid("scan-run", about)
    assert (about["status"], about["records"]) == ("complete", 3000)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_what_can_be_resumed(tmp_path: Path, number: int) -> None:
    files = texts(3000)
    path, output = write_ndjson(tmp_path / "c.ndjson", files), tmp_path / "out.ndjson"
    process = _spawn(path, output, "--jobs", "2", pause=0.3)
    _wait_for_records(output, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"--resume" in said
    assert b"Traceback" not in said
    about = json.loads(Path(f"{output}.scan.json").read_bytes())
    assert about["status"] == "interrupted"
    assert about["records"] == output.read_bytes().count(b"\n") < 3000
    process = _spawn(path, output, "--resume", pause=0)
    process.communicate()
    assert parsed(output.read_bytes()) == expected(files)


def test_a_signal_ends_the_wait_for_input(tmp_path: Path) -> None:
    output = tmp_path / "out.ndjson"
    process = subprocess.Popen(
        [sys.executable, "-m", "entrysem", "scan", "-", "--output", str(output)],
        env=environment(),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not Path(f"{output}.scan.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    process.communicate()


def _records(path: Path, output: Path, *, resume: bool, settings: Settings = PLAIN) -> Records:
    return Records(output, question(sources([str(path)]), settings, ()), resume=resume)


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path, output = write_ndjson(tmp_path / "c.ndjson", texts(3)), tmp_path / "out.ndjson"
    output.write_text("mine\n")
    with pytest.raises(InputError, match="is there already"):
        _records(path, output, resume=False)
    with pytest.raises(InputError, match="missing"):
        _records(path, output, resume=True)
    assert output.read_text() == "mine\n"


def test_only_the_same_question_is_resumed(tmp_path: Path) -> None:
    path, output = write_ndjson(tmp_path / "c.ndjson", texts(3)), tmp_path / "out.ndjson"
    with _records(path, output, resume=True) as records:
        records.finish(complete=False)
    with pytest.raises(InputError, match=r"settings\.builder"):
        _records(path, output, resume=True, settings=PLAIN._replace(builder="buildah"))
    write_ndjson(path, texts(4))
    with pytest.raises(InputError, match="sources"):
        _records(path, output, resume=True)
    Path(f"{output}.scan.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        _records(path, output, resume=True)


def test_files_that_came_since_are_seen(tmp_path: Path) -> None:
    folder, output = tmp_path / "c", tmp_path / "out.ndjson"
    folder.mkdir()
    for name in "bc":
        (folder / f"Dockerfile.{name}").write_bytes(b"FROM scratch\n")

    def items() -> Iterator[Item]:
        return iter([("file", str(one), None) for one in sorted(folder.iterdir())])

    with _records(folder, output, resume=False) as records:
        records.write(scan_batch(list(items()), PLAIN))
    with _records(folder, output, resume=True) as records:
        assert list(records.rest(items(), PLAIN)) == []
    (folder / "Dockerfile.a").write_bytes(b"FROM scratch\n")
    told = r"record 2 is of .*Dockerfile\.c.*Dockerfile\.b"
    with _records(folder, output, resume=True) as records, pytest.raises(InputError, match=told):
        list(records.rest(items(), PLAIN))


def test_two_scans_do_not_write_to_one_file(tmp_path: Path) -> None:
    path, output = write_ndjson(tmp_path / "c.ndjson", texts(3)), tmp_path / "out.ndjson"
    with _records(path, output, resume=False), pytest.raises(InputError, match="another scan"):
        _records(path, output, resume=True)


def test_resumed_counts_are_those_of_all_records(tmp_path: Path) -> None:
    path, output = write_ndjson(tmp_path / "c.ndjson", texts(3)), tmp_path / "out.ndjson"
    batch: list[Item] = [
        ("data", '"error_phase":"source"', b"FROM scratch\n"),
        ("data", "bad", b"FROG\n"),
        failed("gone", "broken", '"error_phase":null', "source"),
    ]
    with _records(path, output, resume=False) as records:
        records.write(scan_batch(batch, PLAIN))
        counts = (records.count, records.errors, records.broken)
    with _records(path, output, resume=True) as records:
        assert (records.count, records.errors, records.broken) == counts == (3, 2, 1)
