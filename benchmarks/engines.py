"""The suite against the loop that one would write: the same runs on the same engine.

The loop is `docker build` and `docker run --rm` for each run, one after the other, with the probe copied
into the image under every name that can be PID 1. The suite builds an image once and asks for all its
runs: at CREATE no process starts; at PROCESS each does, and in another row equal starts are made once, as
the suite does by itself. All ways must see the same argv.

Needs root on a Debian, for the engines of `conformance.lab`. Only this benchmark is measured by the clock
and not by CPU time: most of the work is the engine's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.common import Report, Size
from conformance import lab
from conformance.lab import LabEngine
from entrysem.verify import probe
from entrysem.verify.protocol import Job, Level, Run
from entrysem.verify.select import open_engine
from entrysem.verify.session import new

__all__ = ["run"]

_ENGINES = ("docker-sid-buildkit", "docker-sid-classic")
_PROGRAMS = ("e", "c", "f", "x")
_FORMS = ("", "{0} {1}", '["{0}", "{1}"]', '["{0}"]', '["/bin/sh", "-c", "{0} {1}"]')
_RUNS = (Run(), Run(args=("x", "y z")), Run(entrypoint="f"), Run(args=("x",), entrypoint="f"))
_THREADS = 4

Argv = tuple[str, ...] | None


def run(size: Size, corpus: Path) -> Report:
    """Runs a second of each way, and their ratio to the loop's."""
    del corpus
    wanted = size.engine_runs
    rows: list[list[str]] = []
    wrong: list[str] = []
    lab.up([lab.engine(name).key for name in _ENGINES], say=_say)
    for name in _ENGINES:
        engine = lab.engine(name)
        jobs = list(_jobs(wanted))
        naive, seconds = _loop(engine, jobs)
        base = len(naive) / seconds
        rows.append([engine.id, "docker build; docker run --rm", f"{base:.1f}", "1.0"])
        for level, reuse in (("CREATE", False), ("PROCESS", False), ("PROCESS", True)):
            seen, seconds = _suite(engine, jobs, level, reuse=reuse)
            way = f"suite at {level}" + (", equal starts once" if reuse else "")
            rate = len(seen) / seconds
            rows.append([engine.id, way, f"{rate:.1f}", f"{rate / base:.1f}"])
            differing = sum(one != other for one, other in zip(seen, naive, strict=True))
            if differing:
                wrong.append(f"{way} on {engine.id}: {differing} of {len(seen)} argv differ")
    return Report(
        "engines: the suite and the loop one would write",
        ["engine", "way", "runs a second", "times the loop"],
        rows,
        [
            f"{wanted} runs, {len(_RUNS)} of each image, {_THREADS} threads for the suite",
            "targets: 20 times at CREATE, 5 times at PROCESS",
            *(wrong or ["all ways saw the same argv"]),
        ],
        failed=bool(wrong),
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _jobs(runs: int) -> Iterator[Job]:
    """Images in all combinations of forms, told apart by a number, until there are enough runs."""
    forms = [(entrypoint, cmd) for entrypoint in _FORMS for cmd in _FORMS if entrypoint or cmd]
    for number in range(runs // len(_RUNS)):
        entrypoint, cmd = forms[number % len(forms)]
        lines = ["FROM scratch", f"LABEL number={number}"]
        if entrypoint:
            lines.append("ENTRYPOINT " + entrypoint.format("e", f"p{number}"))
        if cmd:
            lines.append("CMD " + cmd.format("c", f"q{number}"))
        yield Job(str(number), ("\n".join(lines) + "\n").encode(), runs=_RUNS)


def _loop(engine: LabEngine, jobs: Sequence[Job]) -> tuple[list[Argv], float]:
    """What the loop sees, and the seconds that it takes."""
    options = dict(part.partition("=")[::2] for part in engine.text.partition(":")[2].split(","))
    docker = options["cli"]
    environment = {"DOCKER_BUILDKIT": "1" if options["builder"] == "buildkit" else "0"}
    found: list[Argv] = []
    with tempfile.TemporaryDirectory(dir=options["workspace"]) as temporary:
        folder = Path(temporary)
        program = probe.build(folder, probe.machine_architecture())
        program.rename(folder / "probe")
        copies = "".join(
            f"COPY probe {place}\n" for place in ("/bin/sh", *(f"/bin/{n}" for n in _PROGRAMS))
        )
        began = time.monotonic()
        for job in jobs:
            for one in job.runs:
                assert job.dockerfile is not None
                (folder / "Dockerfile").write_text(job.dockerfile.decode() + copies)
                build = [docker, "build", "-q", "-t", "entrysem-benchmark", str(folder)]
                subprocess.run(build, check=True, capture_output=True, env=environment)
                start = [docker, "run", "--rm", "--network", "none"]
                if one.entrypoint is not None:
                    start += ["--entrypoint", str(one.entrypoint)]
                start += ["entrysem-benchmark", *(one.args or ())]
                done = subprocess.run(start, check=False, capture_output=True, env=environment)
                report = probe.read(done.stdout)
                found.append(None if report is None else report.argv)
        seconds = time.monotonic() - began
        remove = [docker, "image", "rm", "-f", "entrysem-benchmark"]
        subprocess.run(remove, check=False, capture_output=True, env=environment)
    return found, seconds


def _suite(
    engine: LabEngine, jobs: Sequence[Job], level: str, *, reuse: bool
) -> tuple[list[Argv], float]:
    """What the suite sees, and the seconds that it takes, with connecting and cleaning up."""
    closest: Level = "PROCESS" if level == "PROCESS" else "CREATE"
    began = time.monotonic()
    text = f"{engine.text},reuse={'yes' if reuse else 'no'}"
    harness = open_engine(text, session=new(), timeout=120)
    try:
        harness.start()
        asked = [Job(job.id, job.dockerfile, level=closest, runs=job.runs) for job in jobs]
        with ThreadPoolExecutor(_THREADS) as pool:
            observations = list(pool.map(harness.observe, asked))
    finally:
        harness.close()
    seconds = time.monotonic() - began
    return [one.argv for observation in observations for one in observation.runs], seconds
