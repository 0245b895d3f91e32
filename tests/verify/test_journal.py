"""The journal's file: whole lines whatever happens, one writer, and what a reader makes of it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.verify.journal import (
    VERDICTS,
    JournalError,
    counts_of,
    create,
    footer_of,
    read,
    resume,
    worst,
)

HEADER: dict[str, Any] = {"kind": "header", "format": 1, "entrysem": "0", "implementation": {}}


def job(name: str, verdict: str = "PASS", **more: Any) -> dict[str, Any]:
    result = {"id": name, "verdict": verdict, "level": "CONFIG", "unexplained": False}
    seen = {"outcome": "built"}
    return {"kind": "job", "id": name, "results": [result], "observation": seen, **more}


def written(path: Path, *lines: dict[str, Any]) -> Path:
    with create(path, HEADER) as writer:
        for line in lines:
            writer.write(line)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    odd = job("a", title="é \u2028 \udcff \x1b\n")
    path = written(tmp_path / "j", odd, job("b", "FAIL"), footer_of([odd], "complete"))
    journal = read(path)
    assert journal.jobs["a"] == odd
    assert (journal.status, journal.truncated) == ("complete", False)
    assert journal.size == path.stat().st_size
    assert [result["id"] for result in journal.results] == ["a", "b"]
    assert (journal.verdict, journal.counts["PASS"], journal.counts["FAIL"]) == ("FAIL", 1, 1)


def test_each_line_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with create(path, HEADER) as writer:
        for number in range(3):
            writer.write(job(str(number)))
            assert len(read(path).jobs) == number + 1


def test_threads_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with create(path, HEADER) as writer:

        def write(name: int) -> None:
            for number in range(50):
                writer.write(job(f"{name}-{number}", pad="x" * 5000))

        threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read(path).jobs) == 200


@pytest.mark.parametrize("rest", [b"{", b'{"kind":"job","id":"h', b"\x00\x00", b'{"kind":"job"}'])
def test_an_unfinished_last_line_is_dropped_and_cut_off(tmp_path: Path, rest: bytes) -> None:
    path = written(tmp_path / "j", job("a"))
    whole = path.read_bytes()
    path.write_bytes(whole + rest)
    assert (read(path).truncated, set(read(path).jobs)) == (True, {"a"})
    writer, journal = resume(path)
    with writer:
        assert journal.truncated
        assert path.read_bytes() == whole + rest
        writer.write(job("b"))
    assert not read(path).truncated
    assert set(read(path).jobs) == {"a", "b"}


def test_the_last_line_of_a_case_counts_and_so_does_the_last_footer(tmp_path: Path) -> None:
    first = footer_of([], "interrupted", reason="by SIGINT")
    again = {"kind": "resumed", "session": "s", "started": "t"}
    path = written(tmp_path / "j", job("a", "ERROR"), job("b"), first, again, job("a"))
    journal = read(path)
    assert (journal.status, journal.verdict) == ("unfinished", "PASS")
    path = written(
        tmp_path / "k", job("a", "ERROR"), first, again, job("a"), footer_of([], "complete")
    )
    assert read(path).status == "complete"


def test_a_later_session_may_know_who_answers(tmp_path: Path) -> None:
    again = {"kind": "resumed", "session": "s", "started": "t", "implementation": {"name": "n"}}
    assert read(written(tmp_path / "j", again)).header["implementation"] == {"name": "n"}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "it is empty"),
        (b"hello\n", "line 1 is no JSON object|the first line is no header"),
        (b"[]\n", "the first line is no header"),
        (b'{"kind":"job"}\n', "the first line is no header"),
        (b'{"kind":"header","format":2,"entrysem":"9"}\n', "has format 2"),
        (b'{"kind":"header","format":1}\nx\n{"kind":"footer"}\n', "line 2 is no JSON object"),
        (b'{"kind":"header","format":1}\n{"kind":"poem"}\n', "unknown kind, 'poem'"),
        (b'{"kind":"header","format":1}\n{"kind":"job"}\n', "unknown kind"),
        (b"[" * 100_000 + b"\n", "the first line is no header"),
    ],
)
def test_what_is_no_journal(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "j"
    path.write_bytes(data)
    with pytest.raises(InputError, match=told):
        read(path)
    with pytest.raises(InputError, match=told):
        resume(path)
    assert path.read_bytes() == data


def test_places_where_no_journal_can_be(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "folder", Path("/dev/null/x")):
        with pytest.raises(InputError, match="cannot be opened"):
            create(path, HEADER)
    with pytest.raises(InputError, match="cannot be opened"):
        resume(tmp_path / "nothing")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "nothing")


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with create(path, HEADER) as writer:
        writer.write(job("a"))
        for attempt in (lambda: create(path, HEADER), lambda: resume(path)):
            with pytest.raises(InputError, match="another run"):
                attempt()
    with resume(path)[0]:
        pass


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "j", job("a"))
    with pytest.raises(InputError, match="not overwritten"):
        create(path, HEADER)
    empty = tmp_path / "empty"
    empty.touch()
    create(empty, HEADER).close()


def test_a_line_that_does_not_fit_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 500:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:100])

    with create(path, HEADER) as writer:
        writer.write(job("a"))
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(JournalError, match=r"No space left on device.*--resume"):
            writer.write(job("b", pad="x" * 1000))
        monkeypatch.undo()
        assert not read(path).truncated
        writer.write(job("c"))
    assert set(read(path).jobs) == {"a", "c"}


@pytest.mark.parametrize(
    ("verdicts", "status", "code"),
    [
        (["PASS", "DEVIATES", "SKIP"], "complete", 0),
        (["PASS", "STALE"], "complete", 1),
        (["FAIL", "PASS"], "interrupted", 1),
        (["PASS"], "interrupted", 0),
        (["ERROR", "FAIL"], "complete", 3),
        (["PASS"], "failed", 3),
        (["PASS"], "", 3),
    ],
)
def test_exit_codes(tmp_path: Path, verdicts: list[str], status: Any, code: int) -> None:
    lines = [job(str(number), verdict) for number, verdict in enumerate(verdicts)]
    footer = [footer_of(lines, status)] if status else []
    assert read(written(tmp_path / "j", *lines, *footer)).exit_code == code


def test_nothing_executed_is_no_success(tmp_path: Path) -> None:
    nothing = [job("a", "SKIP", observation=None), job("b", observation={"outcome": "skipped"})]
    path = written(tmp_path / "j", *nothing, footer_of(nothing, "complete"))
    assert read(path).exit_code == 3


def test_the_worst_wins() -> None:
    assert worst([]) == "PASS"
    for place, verdict in enumerate(VERDICTS):
        assert worst(VERDICTS[place:]) == verdict
    assert counts_of([{"verdict": "FAIL"}]) == {**dict.fromkeys(VERDICTS, 0), "FAIL": 1}


def test_a_footer_sums_up() -> None:
    lines = [job("a"), job("b", "DEVIATES")]
    lines[1]["results"][0] |= {"unexplained": True, "level": "CREATE"}
    footer = footer_of(lines, "failed", reason="why", seconds=1.23456)
    assert (footer["jobs"], footer["unexplained"], footer["seconds"]) == (2, 1, 1.235)
    assert list(footer["levels"]) == ["CONFIG", "CREATE"]
    assert footer["levels"]["CREATE"]["DEVIATES"] == 1
    assert json.loads(json.dumps(footer)) == footer
