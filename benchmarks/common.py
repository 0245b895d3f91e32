"""What the benchmarks share: sizes, timing in turn, texts of the corpus, and the report."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "FULL",
    "QUICK",
    "Report",
    "Size",
    "Timing",
    "corpus_texts",
    "in_turn",
    "machine",
    "ratio",
    "run_child",
]

ROOT = Path(__file__).parent.parent


class Size(NamedTuple):
    """How much each benchmark does.

    Attributes:
        rounds: how often the sides take their turn.
        files: files of the corpus to read in a round.
        largest: bytes of the largest generated file.
        stages: stages of the longest chain.
        starts: processes to start of each kind.
        requests: lines for the oracle.
        inputs: inputs of the fuzzer.
        engine_runs: containers of each way to run them.
    """

    rounds: int
    files: int
    largest: int
    stages: int
    starts: int
    requests: int
    inputs: int
    engine_runs: int


FULL = Size(9, 3000, 10_000_000, 10_000, 25, 1_000_000, 1_000_000, 500)
QUICK = Size(3, 1000, 1_000_000, 1000, 9, 100_000, 20_000, 40)


class Report(NamedTuple):
    """What a benchmark found: a table, how it was measured, and whether anything is broken."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    failed: bool = False

    def markdown(self) -> str:
        """The report as Markdown, with a line end."""
        lines = [f"## {self.title}", ""]
        rule = ["---"] * len(self.header)
        lines += ["| " + " | ".join(cells) + " |" for cells in (self.header, rule, *self.rows)]
        lines.append("")
        lines += [f"- {note}" for note in self.notes]
        return "\n".join(lines).rstrip() + "\n"


class Timing(NamedTuple):
    """One turn, in seconds."""

    cpu: float
    wall: float


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[Timing]]:
    """Calls the sides one after the other, `rounds` times, after one turn that is not counted."""
    found: dict[str, list[Timing]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            wall, cpu = time.perf_counter(), time.process_time()
            side()
            timing = Timing(time.process_time() - cpu, time.perf_counter() - wall)
            if number:
                found[name].append(timing)
    return found


def ratio(slow: Sequence[Timing], fast: Sequence[Timing]) -> float:
    """The median of the rounds' ratios of CPU time."""
    return statistics.median(
        one.cpu / max(other.cpu, 1e-9) for one, other in zip(slow, fast, strict=True)
    )


def corpus_texts(folder: Path, count: int) -> list[str]:
    """Texts of `count` files of the corpus, in the order of their paths; repeated when it has fewer.

    Files that are not UTF-8 are left out, because the Go parser's wheel takes only text.
    """
    texts: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            try:
                texts.append(path.read_bytes().decode())
            except UnicodeDecodeError:
                continue
    if not texts:
        raise SystemExit(f"no files in {folder}: python tools/corpus.py .cache/corpus fetches them")
    return (texts * (count // len(texts) + 1))[:count]


def run_child(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Timing:
    """Runs a program to its end, its output thrown away; CPU time is the child's own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Timing(usage.ru_utime + usage.ru_stime, wall)


def machine() -> str:
    """The machine and the interpreter, a line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    start = time.process_time()
    for _ in range(1_000_000):
        pass
    loop = (time.process_time() - start) * 1000
    return (
        f"Python {platform.python_version()} ({sys.implementation.name}, a million empty loops in "
        f"{loop:.0f} ms), {os.cpu_count()} cores of {model}, load {load} at the start"
    )
