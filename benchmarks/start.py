"""The cold start of `entrysem explain FILE`, as a whole process.

Beside it, in the same environment: a hello-world in Typer, the least that any command line in Typer
costs, and `python -c pass`, the least that any program in Python costs. All are run from compiled
bytecode, as an installed program is.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import Report, Size, Timing, ratio, run_child

__all__ = ["run"]

_HELLO = """\
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    print(f"Hello {name}")


app()
"""
_EXPLAIN = "from entrysem.cli import main\n\nmain()\n"
_DOCKERFILE = """\
FROM python:3.12-slim
WORKDIR /app
COPY . .
ENTRYPOINT ["python", "-m", "app"]
CMD ["--help"]
"""


def run(size: Size, corpus: Path) -> Report:
    """CPU and wall time of whole processes."""
    del corpus
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in (
            ("hello.py", _HELLO),
            ("explain.py", _EXPLAIN),
            ("Dockerfile", _DOCKERFILE),
        ):
            (folder / name).write_text(text)
        explain = [
            sys.executable,
            str(folder / "explain.py"),
            "explain",
            str(folder / "Dockerfile"),
        ]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "Typer, hello world": [sys.executable, str(folder / "hello.py"), "world"],
            "import entrysem": [sys.executable, "-c", "import entrysem"],
            "entrysem explain FILE": explain,
        }
        found: dict[str, list[Timing]] = {name: [] for name in commands}
        for number in range(size.starts + 1):
            for name, command in commands.items():
                timing = run_child(command, environment=environment)
                if number:
                    found[name].append(timing)
        shares = _shares(explain, environment)
    hello = found["Typer, hello world"]
    rows = [
        [
            name,
            f"{statistics.median(timing.cpu for timing in timings) * 1000:.1f}",
            f"{statistics.median(timing.wall for timing in timings) * 1000:.1f}",
            f"{ratio(timings, hello):.2f}",
        ]
        for name, timings in found.items()
    ]
    typer = statistics.median(
        one.cpu - other.cpu for one, other in zip(hello, found["python -c pass"], strict=True)
    )
    return Report(
        "start: a whole process",
        ["program", "CPU ms", "wall ms", "times Typer's"],
        rows,
        [
            "medians; target: explain takes at most 1.3 times as long as Typer's hello world",
            f"Typer itself costs {typer * 1000:.1f} ms over the bare interpreter",
            *shares,
        ],
    )


def _shares(command: list[str], environment: dict[str, str]) -> list[str]:
    """Where imports take their time, from -X importtime (which adds to every import)."""
    done = subprocess.run(
        [command[0], "-X", "importtime", *command[1:]],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    own: dict[str, int] = {}
    total = {"entrysem": 0, "typer": 0, "other": 0}
    for cost, name in re.findall(
        r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr, re.MULTILINE
    ):
        top = name.partition(".")[0]
        total[top if top in total else "other"] += int(cost)
        if top == "entrysem":
            own[name] = int(cost)
    slowest = sorted(own.items(), key=lambda item: -item[1])[:8]
    return [
        "-X importtime, modules alone: "
        + ", ".join(f"{name} {cost / 1000:.1f} ms" for name, cost in total.items()),
        "the slowest of our own: "
        + ", ".join(
            f"{name.removeprefix('entrysem.')} {cost / 1000:.1f}" for name, cost in slowest
        ),
    ]
