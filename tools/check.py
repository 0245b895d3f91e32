"""Every check of the project, in the order in which a failure is cheapest to find.

./run test            all of it
./run test -k NAME    only the tests, with these arguments for pytest

The last check holds the predictions against real engines, which it brings up from Debian's packages. That
takes root on a Debian. Elsewhere it is left out, and told so; under CI it fails then.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: The part of the package whose branches the tests must all reach.
CORE = (
    "__init__ answers behaviour build copies deviations errors fold late merge model profiles reading "
    "resolve rules shell stages trace variables versions dockerfile/*"
)


def main(arguments: list[str]) -> int:
    """Runs the checks; the first failure ends the run with its exit code."""
    os.chdir(ROOT)
    python = [sys.executable, "-m"]
    if arguments:
        return _run("tests", [*python, "pytest", *arguments])
    steps = [
        ("style", [*python, "ruff", "check", "--quiet", "."]),
        ("format", [*python, "ruff", "format", "--quiet", "--check", "."]),
        ("types", [*python, "mypy"]),
        ("generated files", [sys.executable, "tools/generate.py", "--check"]),
        ("pages of the findings", [sys.executable, "tools/make_findings.py", "--check"]),
        ("page of the results", [*python, "conformance.results", "page", "--check"]),
        ("corpus", [sys.executable, "tools/corpus.py", ".cache/corpus"]),
        ("tests", [*python, "coverage", "run", "-m", "pytest", "--quiet"]),
        (
            "branch coverage of the core",
            [
                *python,
                "coverage",
                "report",
                f"--include={','.join(f'entrysem/{name}.py' for name in CORE.split())}",
                "--fail-under=100",
            ],
        ),
    ]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        steps.append(("real engines", [*python, "conformance", "quick"]))
        steps.append(("engines taken down", [*python, "conformance.lab", "down"]))
    elif os.environ.get("CI"):
        print("== real engines: failed, they need root on a Debian", flush=True)
        return 1
    else:
        print("== real engines: LEFT OUT, they need root on a Debian", flush=True)
    failed = 0
    for name, command in steps:
        code = _run(name, command)
        if code and name != "corpus":
            failed = failed or code
    return failed


def _run(name: str, command: list[str]) -> int:
    start = time.monotonic()
    print(f"== {name}", flush=True)
    code = subprocess.run(command, check=False).returncode
    print(f"== {name}: {'failed' if code else 'ok'}, {time.monotonic() - start:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
