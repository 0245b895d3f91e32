"""Does the cost grow with the size, and with nothing else?

Generated files of 10 KB to 10 MB, and chains of 10 to 10,000 stages: each size's cost for a byte (or
a stage), and its ratio to that of the size before. A ratio that stays at about 1 is linear; 10 would
be quadratic.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import Report, Size
from entrysem import parse_dockerfile, resolve

__all__ = ["chain_text", "file_text", "run"]

_BLOCK = """\
# A block of what real files hold.
ENV PATH=/opt/bin:$PATH LANG=C.UTF-8
RUN apt-get update \\
    && apt-get install -y --no-install-recommends git curl \\
    # a comment inside
    && rm -rf /var/lib/apt/lists/*
COPY --chown=app:app ["src", "/app/src"]
RUN <<EOF
echo one
echo two
EOF
WORKDIR /app
LABEL a="b c" d=e
CMD exec serve --port $PORT
ENTRYPOINT ["/entry", "--flag"]

"""


def file_text(length: int) -> str:
    """One stage of about `length` characters."""
    return "FROM scratch\n" + _BLOCK * max(length // len(_BLOCK), 1)


def chain_text(stages: int) -> str:
    """Stages that stand on each other, each with a CMD and an ENTRYPOINT."""
    links = [
        f'FROM stage{number - 1} AS stage{number}\nCMD ["{number}"]\nENTRYPOINT run {number}\n'
        for number in range(1, stages)
    ]
    return "FROM base AS stage0\n" + "".join(links)


def run(size: Size, corpus: Path) -> Report:
    """Cost for a byte and for a stage."""
    del corpus
    rows: list[list[str]] = []
    lengths = [10**power for power in range(4, 9) if 10**power <= size.largest]
    rows += _series("bytes", lengths, file_text, size.rounds)
    counts = [10**power for power in range(1, 8) if 10**power <= size.stages]
    rows += _series("stages", counts, chain_text, size.rounds)
    return Report(
        "linear: cost and size",
        ["size", "seconds", "nanoseconds for one", "times the size before"],
        rows,
        ["reading and resolving, the best of several rounds; 1 in the last column is linear"],
    )


def _series(
    unit: str, sizes: list[int], make: Callable[[int], str], rounds: int
) -> list[list[str]]:
    rows = []
    before: float | None = None
    for size in sizes:
        text = make(size)
        amount = len(text) if unit == "bytes" else size
        # Small files are read several times in a round, so that the clock can see them.
        times = max(1, 200_000 // len(text))
        best = min(_seconds(text, times) for _ in range(rounds))
        cost = best / amount
        rows.append(
            [
                f"{amount:,} {unit}",
                f"{best:.6f}",
                f"{cost * 1e9:,.1f}",
                "" if before is None else f"{cost / before:.2f}",
            ]
        )
        before = cost
    return rows


def _seconds(text: str, times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        resolve(parse_dockerfile(text))
    return (time.process_time() - start) / times
