"""`entrysem oracle` as a suite uses it: a real process over pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import SCHEMAS, Ran, assert_valid, environment, real, run

GOOD: dict[str, Any] = {"id": "good", "dockerfile": 'FROM scratch\nCMD ["c"]\n'}


class Oracle:
    """A running oracle: one line in, one answer out."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        assert self.process.stdout is not None
        response = json.loads(self.process.stdout.readline())
        assert_valid("oracle-response", response)
        return response

    def ask(self, line: bytes | dict[str, Any]) -> Any:
        self.send(line if isinstance(line, bytes) else json.dumps(line).encode())
        return self.receive()


@contextmanager
def oracle() -> Iterator[Oracle]:
    with subprocess.Popen(
        [sys.executable, "-m", "entrysem", "oracle"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        try:
            yield Oracle(process)
            out, err = process.communicate()
            assert (process.returncode, out, err) == (0, b"", b"")
        finally:
            process.kill()


def test_each_answer_comes_before_the_next_request_and_in_order() -> None:
    with oracle() as asked:
        for number in range(20):
            response = asked.ask({**GOOD, "id": number, "runs": [{"args": [str(number)]}]})
            assert response["id"] == number
            assert response["results"][0]["argv"] == [str(number)]
        for number in range(20):
            asked.send(json.dumps({**GOOD, "id": number}).encode())
        assert [asked.receive()["id"] for _ in range(20)] == list(range(20))


_BAD_LINES = [
    b"x",
    b"{",
    b"[" * 100_000,
    b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"dockerfile": "FROM scratch", "runs": ' + b'{"a":' * 50_000 + b"}",
    b"\xff\xfe",
    b'{"dockerfile": "FROM \xed\xa0\x80"}',
    b'{"dockerfile": "\xff"}',
    b"\xef\xbb\xbf{}",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{} {}",
    b"NaN",
    b'{"id": NaN, "dockerfile": "FROM scratch"}',
    b'{"id": Infinity, "dockerfile": "FROM scratch"}',
    b'{"id": 1e999, "dockerfile": "FROM scratch"}',
    b'{"id": ' + b"9" * 10_000 + b', "dockerfile": "FROM scratch"}',
    b'{"id": "1", "id": "2", "dockerfile": "FROM scratch"}',
    b'{"dockerfile": "FROM scratch", "runs": [{"args": [], "args": ["x"]}]}',
    b'{"config": {"Cmd": ["a"], "Cmd": ["b"]}}',
    b"{}",
    b'{"id": true, "dockerfile": "FROM scratch"}',
    b'{"id": {}, "dockerfile": "FROM scratch"}',
    b'{"dockerfile": 1}',
    b'{"dockerfile": "FROM scratch", "config": {}}',
    b'{"dockerfile": "FROM scratch", "nope": 1}',
    b'{"dockerfile": "FROM scratch", "runs": {}}',
    b'{"dockerfile": "FROM scratch", "runs": [1]}',
    b'{"dockerfile": "FROM scratch", "runs": [{"argv": []}]}',
    b'{"dockerfile": "FROM scratch", "runs": [{"args": "x"}]}',
    b'{"dockerfile": "FROM scratch", "runs": [{"args": [1]}]}',
    b'{"dockerfile": "FROM scratch", "runs": [{"entrypoint": 1}]}',
    b'{"dockerfile": "FROM scratch", "runs": [{"init": "yes"}]}',
    b'{"dockerfile": "FROM scratch", "runs": [{"env": []}]}',
    b'{"dockerfile": "FROM scratch", "runs": [{"env": {"a": 1}}]}',
    b'{"dockerfile": "FROM scratch", "builder": "nope"}',
    b'{"dockerfile": "FROM scratch", "builder": 1}',
    b'{"dockerfile": "FROM scratch", "runtime": "docker@x"}',
    b'{"dockerfile": "FROM scratch", "catalogue": 1}',
    b'{"dockerfile": "FROM scratch", "build_args": ["a=b"]}',
    b'{"dockerfile": "FROM scratch", "build_args": {"a": null}}',
    b'{"dockerfile": "FROM scratch", "base_configs": {"a": {"Cmd": 1}}}',
    b'{"dockerfile": "FROM scratch", "target": 1}',
    b'{"dockerfile": "FROM scratch", "platform": []}',
    b'{"config": {"cmd": ["a"]}}',
    b'{"config": {"Cmd": ["\\ud800"]}}',
    b'{"config": "x"}',
    b'{"config": [{}, {}]}',
    b'{"dockerfile": "FROM scratch\\nCMD [\\"a\\"]", "runtime": "cri", "runs": [{"init": true}]}',
]


def test_a_bad_line_gets_an_error_and_the_next_is_answered() -> None:
    with oracle() as asked:
        for number, line in enumerate(_BAD_LINES):
            response = asked.ask(line)
            error = response["error"]
            assert (error["phase"], error["line"]) == ("request", 2 * number + 1), line[:80]
            assert error["code"] != "internal-error", response
            assert len(error["message"]) < 1000
            assert asked.ask(GOOD)["results"][0]["argv"] == ["c"]


def test_the_id_of_a_bad_request_comes_back() -> None:
    with oracle() as asked:
        for request_id in ("x", 7, "", None):
            assert asked.ask({"id": request_id, "nope": 1})["id"] == request_id


def test_a_line_that_is_too_long_is_skipped() -> None:
    with oracle() as asked:
        assert asked.process.stdin is not None
        asked.process.stdin.write(b'{"dockerfile": "')
        for _ in range(70):
            asked.process.stdin.write(b"#" * (1 << 20))
        asked.process.stdin.write(b'"}\n')
        asked.process.stdin.flush()
        error = asked.receive()["error"]
        assert (error["phase"], error["code"], error["line"]) == ("request", "line-too-long", 1)
        assert asked.ask(GOOD)["id"] == "good"


def test_blank_lines_are_no_requests_and_the_last_needs_no_newline() -> None:
    ran = real("oracle", stdin=b"\n \t\r\n" + json.dumps(GOOD).encode() + b"\r\n\nx")
    good, bad = (json.loads(line) for line in ran.out.splitlines())
    assert (good["id"], bad["error"]["line"]) == ("good", 5)
    assert real("oracle", stdin=b"") == Ran(0, "", "")


def test_output_is_ascii_without_raw_control_characters() -> None:
    text = '\x1b[31m\u202e\x85é\ud800"'
    request = {"id": "a", "dockerfile": f"FROM {text}\nCMD {text}", "runs": [{"args": [text]}]}
    for key, value in (("target", text), ("builder", text), (text, 1)):
        ran = run("oracle", stdin=json.dumps({**request, key: value}).encode())
        assert ran.out.isascii()
        assert ran.out.rstrip("\n").isprintable()
        assert not ran.err


@pytest.mark.parametrize("kind", ["request", "response"])
def test_schema_is_printed(kind: str) -> None:
    text = (SCHEMAS / f"oracle-{kind}.schema.json").read_text(encoding="utf-8")
    assert run("oracle", "--schema", kind) == Ran(0, text, "")
    assert run("oracle", "--schema", "nope").code == 2


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads peak memory from /proc")
def test_memory_does_not_grow_with_the_requests() -> None:
    def lines(first: int, count: int) -> bytes:
        return b"".join(
            json.dumps(
                {
                    "id": number,
                    "dockerfile": f"FROM base:{number} AS s{number}\nENTRYPOINT e{number} $X\n"
                    f'FROM s{number}\nCMD ["{number}", "{"x" * 200}"]\n',
                    "base_configs": {f"base:{number}": {"Shell": [f"sh{number}"]}},
                    "builder": f"buildkit@0.{number % 40}.{number}",
                    "build_args": {f"A{number}": "x"},
                    "runs": [{"args": [f"{number}"]}],
                }
            ).encode()
            + b"\n"
            for number in range(first, first + count)
        )

    def peak(process: subprocess.Popen[bytes]) -> int:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    with oracle() as asked:
        assert asked.process.stdin is not None
        assert asked.process.stdout is not None
        seen = []
        for first, count in ((0, 2_000), (2_000, 18_000)):
            for start in range(first, first + count, 100):
                asked.process.stdin.write(lines(start, 100))
                asked.process.stdin.flush()
                for number in range(start, start + 100):
                    response = asked.process.stdout.readline()
                    assert response.startswith(f'{{"id": {number}, '.encode())
            seen.append(peak(asked.process))
    assert b'"results": [{"argv": ["sh19999"' in response
    before, after = seen
    assert after - before < 4096, f"peak memory grew from {before} to {after} KiB"
