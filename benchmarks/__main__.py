"""Runs the benchmarks that are named, or all, and prints a Markdown table of each.

python -m benchmarks [NAME...] [--quick] [--corpus DIR] [--write]
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common import FULL, QUICK, Report, Size, machine

#: `engines` is run only when it is named: it needs root, and brings up engines.
NAMES = ("parse", "resolve", "linear", "start", "oracle", "check", "fuzz", "scan")
NAMED = (*NAMES, "engines")
ROOT = Path(__file__).parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when a benchmark found something broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMED))
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--corpus", type=Path, default=ROOT / ".cache" / "corpus")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results.md as well")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMED]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMED)}")
    size = QUICK if options.quick else FULL
    head = f"# Benchmarks\n\n{machine()}\n"
    print(head, flush=True)
    reports = []
    for name in options.names or NAMES:
        report = run(name, size, options.corpus)
        reports.append(report)
        print(report.markdown(), flush=True)
    if options.write:
        text = "\n".join([head, *[report.markdown() for report in reports]])
        (ROOT / "benchmarks" / "results.md").write_text(text, encoding="utf-8")
    return int(any(report.failed for report in reports))


def run(name: str, size: Size, corpus: Path) -> Report:
    """The report of one benchmark."""
    report: Report = importlib.import_module(f"benchmarks.{name}").run(size, corpus)
    return report


if __name__ == "__main__":
    sys.exit(main())
