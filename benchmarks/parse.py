"""Reading and resolving real files, against BuildKit's own Go parser, which only reads.

The Go side is the `dockerfile` wheel, what a Python program would otherwise use. The physical floor
is `str.splitlines` over the same texts: no reader in Python can be faster than that.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from benchmarks.common import Report, Size, corpus_texts, in_turn, ratio
from entrysem import DockerfileError, parse_dockerfile, resolve

__all__ = ["run"]


def run(size: Size, corpus: Path) -> Report:
    """Files a second on one core."""
    texts = corpus_texts(corpus, size.files)
    sides = {
        "entrysem, reading and resolving": lambda: _ours(texts),
        "the floor": lambda: _floor(texts),
    }
    if importlib.util.find_spec("dockerfile"):
        sides["Go, reading alone"] = lambda: _go(texts)
    sides["entrysem, reading alone"] = lambda: _reading(texts)
    found = in_turn(sides, size.rounds)
    ours = found["entrysem, reading and resolving"]
    rows = []
    for name, timings in found.items():
        best = min(timing.cpu for timing in timings)
        rows.append(
            [
                name,
                f"{len(texts) / best:,.0f}",
                f"{sum(map(len, texts)) / best / 1e6:,.1f}",
                f"{ratio(timings, ours):.2f}",
            ]
        )
    return Report(
        "parse: real Dockerfiles",
        ["who", "files a second", "MB a second", "times entrysem's CPU time"],
        rows,
        [
            f"{len(texts):,} files of {sum(map(len, texts)) / len(texts):,.0f} characters on average",
            "rates are the best round's, the ratio is the median; target: Go takes 3 times as long",
        ],
    )


def _ours(texts: list[str]) -> None:
    for text in texts:
        try:
            resolve(parse_dockerfile(text))
        except DockerfileError:
            continue


def _reading(texts: list[str]) -> None:
    for text in texts:
        try:
            parse_dockerfile(text)
        except DockerfileError:
            continue


def _floor(texts: list[str]) -> None:
    for text in texts:
        text.splitlines()


def _go(texts: list[str]) -> None:
    wheel: Any = importlib.import_module("dockerfile")
    parse, rejected = wheel.parse_string, wheel.GoParseError
    for text in texts:
        try:
            parse(text)
        except rejected:
            continue
