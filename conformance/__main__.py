"""`python -m conformance quick|full|vectors|product|fuzz|shells|lecture|known|oracles [--engines ID...]`.

* `quick`: the quick matrix of the lab, in less than ten minutes on two cores: all vectors, the lecture's
  cases in real processes, the lecture, shells, the known divergences, and a fuzz slice of fixed seed.
* `full`: everything on every engine; journals and reports go to `conformance/results/`.
* the others: that part alone, on the engines of the quick matrix or on those named; `oracles` are
  containerd's CRI, umoci and imagebuilder, which are no engines of the matrix.

Exit code: 0 as expected; 1 a FAIL, a STALE or a difference; 2 usage; 3 an engine does not start or broke,
or nothing was run; 128 and the signal's number after an interrupt. The engines
stay up; `python -m conformance.lab down` takes them down.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance import lab, parts
from conformance.lab import LabEngine, LabError
from conformance.oracles import oracles
from conformance.parts import Outcome, by_engine

RESULTS = Path(__file__).parent / "results"
WORK = Path(__file__).parents[1] / ".cache" / "conformance"
#: Of the vectors on Podman and Buildah in the quick suite; those of the lecture are all asked.
SLICE = 8
_PARTS = ("quick", "full", "product", "fuzz", "shells", "lecture", "known", "vectors", "oracles")


def main(words: Sequence[str] | None = None) -> int:
    """Runs what is asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("part", choices=_PARTS)
    parser.add_argument("--engines", nargs="+", metavar="ID", help="engines of the lab, or suites")
    parser.add_argument("--out", type=Path, help="folder for journals and reports")
    parser.add_argument("--examples", type=int, default=500, help="fuzz: cases to draw")
    parser.add_argument("--seed", type=int, default=1, help="fuzz: which cases")
    parser.add_argument("--every", type=int, default=1, help="product: only every so manieth image")
    parser.add_argument(
        "--slice",
        type=int,
        default=1,
        help="vectors: only every so manieth case for Podman and Buildah, and the lecture's",
    )
    parser.add_argument("--level", choices=("CONFIG", "CREATE", "PROCESS"), default="CREATE")
    options = parser.parse_args(words)
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, parts.NOTED.handle)
    try:
        engines = _engines(options.part, options.engines)
        _say(
            f"engines up after {time.monotonic() - began:.0f} s: {' '.join(e.id for e in engines)}"
        )
        outcomes = _run(options, engines)
    except LabError as error:
        _say(f"error: {error}")
        return 3
    for outcome in outcomes:
        if outcome.code:
            _say(f"{outcome.part} on {outcome.engine}: {outcome.text}")
    code = max((outcome.code for outcome in outcomes), default=3)
    if parts.NOTED.signal is not None:
        code = 128 + parts.NOTED.signal
    _say(f"{len(outcomes)} parts, exit code {code}, {time.monotonic() - began:.0f} s")
    return code


def _engines(part: str, named: Sequence[str] | None) -> tuple[LabEngine, ...]:
    """The engines that are asked for, all up.

    Raises:
        LabError: one is not known, or does not start.
    """
    if named is None:
        wanted = [e.id for e in lab.engines()] if part == "full" else list(lab.quick())
    else:
        every = lab.engines()
        wanted = [e.id for e in every if e.suite in named or e.id in named or e.key in named]
        known = {word for e in every for word in (e.id, e.key, e.suite)}
        if unknown := [word for word in named if word not in known]:
            raise LabError(f"no engine {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    keys = [lab.engine(name).key for name in wanted]
    lab.up(keys, say=_say)
    return tuple([lab.engine(key) for key in keys])


def _run(options: argparse.Namespace, engines: tuple[LabEngine, ...]) -> list[Outcome]:
    folder: Path = options.out or (RESULTS if options.part == "full" else WORK / options.part)
    database = WORK / "findings"
    one = _one_docker(engines)
    fuzz = parts.fuzz(folder, examples=options.examples, seed=options.seed, database=database)
    if options.part == "vectors":
        slice_of = {"podman": options.slice, "buildah": options.slice}
        part = parts.judge(folder, level=options.level, slice_of=slice_of)
        return by_engine(part, engines, _say)
    if options.part == "product":
        part = parts.differ(folder, level=options.level, every=options.every)
        return by_engine(part, engines, _say)
    if options.part == "fuzz":
        return by_engine(fuzz, engines, _say)
    if options.part == "shells":
        return by_engine(parts.real_shells(folder, quick=False), one, _say)
    if options.part == "lecture":
        return by_engine(parts.the_lecture(folder), _dockers(engines), _say)
    if options.part == "oracles":
        return parts.ask_oracles(folder, oracles(), _say)
    if options.part == "known":
        return parts.known_divergences(engines, _say)
    quick = options.part == "quick"
    found = by_engine(
        parts.judge(folder, level="CREATE", slice_of=_slice(quick=quick)), engines, _say
    )
    names = ("l-*",) if quick else ()
    process = parts.judge(folder, level="PROCESS", names=names, part="process")
    found += by_engine(process, _process_engines(engines, quick=quick), _say)
    found += parts.known_divergences(engines, _say)
    found += by_engine(parts.the_lecture(folder), one if quick else _dockers(engines), _say)
    found += by_engine(parts.real_shells(folder, quick=quick), one, _say)
    if quick:
        # Without the findings of earlier sessions: the same cases wherever it runs.
        fuzz = parts.fuzz(folder, examples=40, seed=1)
        found += by_engine(parts.differ(folder, every=43), engines, _say)
    else:
        found += by_engine(parts.differ(folder), engines, _say)
        found += parts.ask_oracles(folder, oracles(), _say)
    return found + by_engine(fuzz, engines, _say)


def _slice(*, quick: bool) -> Mapping[str, int]:
    """Kind of engine -> only every so manieth case. Podman and Buildah take ten times as long as Docker
    for a build, and the quick suite has ten minutes.
    """
    return {"podman": SLICE, "buildah": SLICE} if quick else {}


def _dockers(engines: tuple[LabEngine, ...]) -> tuple[LabEngine, ...]:
    """One engine of each Docker: containers are the same whoever built the image."""
    found = {e.suite: e for e in engines if e.kind == "docker"}
    return tuple(found.values())


def _one_docker(engines: tuple[LabEngine, ...]) -> tuple[LabEngine, ...]:
    return _dockers(engines)[-1:]


def _process_engines(engines: tuple[LabEngine, ...], *, quick: bool) -> tuple[LabEngine, ...]:
    """Those that run containers; in the quick matrix the newest of each kind."""
    runtimes = [e for e in engines if e.kind != "buildah"]
    if not quick:
        return tuple(runtimes)
    return tuple({e.kind: e for e in runtimes}.values())


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
