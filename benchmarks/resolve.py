"""Resolutions of files that are already read: build and merge alone, each file once a round.

The one cache on the way, of the words for an unknown base, is emptied before each round, so that
every resolution of a round is the file's first.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.common import ROOT, Report, Size, corpus_texts, in_turn
from entrysem import Dockerfile, DockerfileError, parse_dockerfile, resolve
from entrysem.build import _unknown_words

__all__ = ["run"]


def run(size: Size, corpus: Path) -> Report:
    """Resolutions a second on one core."""
    files = []
    for text in dict.fromkeys(corpus_texts(corpus, size.files)):
        try:
            dockerfile = parse_dockerfile(text)
            resolve(dockerfile)
        except DockerfileError:
            continue
        files.append(dockerfile)
    found = in_turn({"all": lambda: _resolve_all(files)}, 3 * size.rounds)["all"]
    calls = [timing.cpu / len(files) for timing in found]
    small = [file for file in files if len(file.stages) == 1]
    single = in_turn({"one": lambda: _resolve_all(small)}, 3 * size.rounds)["one"]
    single_calls = [timing.cpu / len(small) for timing in single]
    lecture = parse_dockerfile((ROOT / "examples" / "lecture" / "Dockerfile").read_bytes())
    again = in_turn({"again": lambda: _resolve_all([lecture] * 1000)}, 3 * size.rounds)["again"]
    again_calls = [timing.cpu / 1000 for timing in again]
    return Report(
        "resolve: files already read",
        ["files", "resolutions a second, best round", "median round", "microseconds each"],
        [
            _row("one, the lecture's, again and again", again_calls),
            _row(f"{len(files):,} distinct", calls),
            _row(f"of them {len(small):,} with one stage", single_calls),
        ],
        ["target: 100,000 a second, 10 microseconds each"],
    )


def _row(name: str, calls: list[float]) -> list[str]:
    middle = statistics.median(calls)
    return [name, f"{1 / min(calls):,.0f}", f"{1 / middle:,.0f}", f"{middle * 1e6:.2f}"]


def _resolve_all(files: list[Dockerfile]) -> None:
    _unknown_words.cache_clear()
    for file in files:
        resolve(file)
