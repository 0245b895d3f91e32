"""A million requests through one real oracle process: does its memory grow, and how fast is it?

Every request is another one: another image name, other words, so that nothing that is kept for each
would go unseen.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from benchmarks.common import Report, Size

__all__ = ["run"]

_FILES = (
    'FROM image{0}:1\nENTRYPOINT ["e{0}"]\nCMD ["c"]\n',
    "FROM scratch AS a\nCMD run {0}\nFROM a\nENTRYPOINT exec {0} $HOME\n",
    'ARG BASE=image{0}\nFROM $BASE\nSHELL ["/bin/bash","-c"]\nENTRYPOINT ["e", "{0}"]\nCMD c\n',
    'FROM image{0}\nCOPY . /{0}\nRUN make\nCMD ["sh", "-c", \'x{0}\']\n',
    "FROM scratch\nONBUILD CMD [1]\nCMD {0}\n",
)
_RUNS = [{"args": []}, {"args": ["x"]}, {"entrypoint": "", "args": ["y"]}]
_BATCH = 500


def run(size: Size, corpus: Path) -> Report:
    """Peak memory at a tenth and at the end; requests a second."""
    del corpus
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    count = max(size.requests // 10, 1) * 10
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "entrysem", "oracle"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    feeder = threading.Thread(target=_feed, args=(process.stdin, count), daemon=True)
    feeder.start()
    early = 0.0
    wrong = 0
    for number in range(count):
        line = process.stdout.readline()
        if not line.startswith(b'{"id": %d,' % number):
            wrong += 1
        if number + 1 == count // 10:
            early = _peak(process.pid)
    late = _peak(process.pid)
    feeder.join()
    process.stdin.close()
    rest = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    process.stdout.close()
    failed = bool(wrong or rest or process.returncode)
    return Report(
        "oracle: one process, many requests",
        ["requests", "of 3 runs, a second", "of CPU", "peak MB at 10 %", "peak MB at the end"],
        [
            [
                f"{count:,}",
                f"{count / wall:,.0f}",
                f"{count / cpu:,.0f}",
                f"{early:.1f}",
                f"{late:.1f}",
            ]
        ],
        [
            "every request is another one; answers come in order, one a line"
            if not failed
            else f"BROKEN: {wrong} answers out of order, exit code {process.returncode}"
        ],
        failed,
    )


def _feed(sink: IO[bytes], count: int) -> None:
    for first in range(0, count, _BATCH):
        sink.write(b"".join(_requests(first, min(first + _BATCH, count))))
    sink.flush()


def _requests(first: int, end: int) -> Iterator[bytes]:
    for number in range(first, end):
        text = _FILES[number % len(_FILES)].format(number)
        yield json.dumps({"id": number, "dockerfile": text, "runs": _RUNS}).encode() + b"\n"


def _peak(pid: int) -> float:
    """The peak of the process's resident memory so far, in MB; 0 where there is no /proc."""
    status = Path(f"/proc/{pid}/status")
    found = (
        re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if status.exists()
        else None
    )
    return int(found.group(1)) / 1024 if found else 0.0
