"""Scans of a large corpus: what a second core brings, what findings cost, and whether memory grows.

The corpus is the real files, again and again, each time with another comment line below, so that no two
are alike. It is read from lines of JSON and out of a tar archive, as one would have it, by the command
itself, start and end included.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import ROOT, Report, Size, corpus_texts, in_turn
from entrysem import DockerfileError, resolve

__all__ = ["run"]

#: A corpus has at most so many files.
_MOST = 100_000


def run(size: Size, corpus: Path) -> Report:
    """Files a second with one process and with one a core, and the largest process."""
    count = min(size.inputs, _MOST)
    texts = corpus_texts(corpus, min(count, 3000))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    jobs = max(cores, 2)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, path, tenth in (
            ("lines of JSON", _lines(folder, texts, count), _lines(folder, texts, count // 10)),
            ("tar", _tar(folder, texts, count), _tar(folder, texts, count // 10)),
        ):
            for findings in ("--findings", "--no-findings"):
                small = _scan(tenth, jobs, findings, count // 10)
                one = _scan(path, 1, findings, count)
                many = _scan(path, jobs, findings, count)
                rows.append(
                    [
                        f"{kind}, {findings[2:].replace('-', ' ')}",
                        f"{count / one.wall:,.0f}",
                        f"{count / many.wall:,.0f}",
                        f"{one.wall / many.wall:.2f}",
                        f"{one.cpu / count * 1e6:.0f}",
                        f"{many.cpu / count * 1e6:.0f}",
                        f"{small.megabytes:.1f}",
                        f"{many.megabytes:.1f}",
                    ]
                )
    loop = min(timing.cpu for timing in in_turn({"": lambda: _alone(texts)}, size.rounds)[""])
    return Report(
        f"scan: {count:,} files",
        [
            "corpus",
            "one process, files a second",
            f"{jobs} processes",
            "times as many",
            "CPU microseconds a file, one process",
            f"{jobs} processes",
            "peak MB at 10 %",
            "peak MB at the end",
        ],
        rows,
        [
            f"on {cores} cores; the largest process of all counts for the peak",
            "where others use the cores too, only the CPU time says what a second process brings",
            f"reading and resolving alone, in a loop: {len(texts) / loop:,.0f} a second",
        ],
    )


class _Took(NamedTuple):
    """Seconds of the scan, seconds of CPU of all its processes, and the size of the largest."""

    wall: float
    cpu: float
    megabytes: float


def _changed(texts: list[str], number: int) -> str:
    return f"{texts[number % len(texts)].rstrip()}\n# {number}\n"


def _lines(folder: Path, texts: list[str], count: int) -> Path:
    path = folder / f"{count}.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            row = {"id": f"{number:07}", "dockerfile": _changed(texts, number)}
            file.write(json.dumps(row) + "\n")
    return path


def _tar(folder: Path, texts: list[str], count: int) -> Path:
    path = folder / f"{count}.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            data = _changed(texts, number).encode()
            member = tarfile.TarInfo(f"{number:07}/Dockerfile")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
            archive.members.clear()  # type: ignore[attr-defined]
    return path


def _scan(path: Path, jobs: int, findings: str, count: int) -> _Took:
    output = path.with_name(f"{path.name}.{jobs}{findings}.ndjson")
    command = [sys.executable, "-m", "entrysem", "scan", str(path), "--output", str(output)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--jobs", str(jobs), findings], stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    with output.open("rb") as file:
        found = sum(1 for _ in file)
    if process.returncode or found != count:
        raise SystemExit(f"the scan ended with {process.returncode} and {found} of {count} records")
    output.unlink()
    Path(f"{output}.scan.json").unlink()
    return _Took(seconds, usage.ru_utime + usage.ru_stime, _megabytes(usage))


def _megabytes(usage: resource.struct_rusage) -> float:
    # macOS counts bytes.
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _alone(texts: list[str]) -> None:
    for text in texts:
        try:
            resolve(text)
        except DockerfileError:
            continue
