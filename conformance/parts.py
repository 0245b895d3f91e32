"""The parts of the suite, each for given engines of the lab; `python -m conformance` puts them together.

A part takes engines, says what it does, writes its documents into a folder, and returns `Outcome`s: one
line of the summary each. Nothing here decides what is right.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

from conformance import known, lecture, product, shells
from conformance.differential import closest, compare, profile_for
from conformance.fuzz import fuzz as fuzz_engine
from conformance.lab import LabEngine, LabError, ensure, up
from conformance.oracles import Oracle
from conformance.rootfs import SHELLS
from conformance.sandbox import Sandbox
from entrysem import vectors
from entrysem.errors import InputError
from entrysem.verify.drive import Wish, verify
from entrysem.verify.interrupts import Interrupts
from entrysem.verify.protocol import Harness, HarnessError, Implementation, Level
from entrysem.verify.runner import Settings
from entrysem.verify.select import open_engine
from entrysem.verify.session import new

__all__ = [
    "NOTED",
    "Outcome",
    "ask_oracles",
    "by_engine",
    "differ",
    "fuzz",
    "judge",
    "known_divergences",
    "opened",
    "real_shells",
    "the_lecture",
]

_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of the summary.

    Attributes:
        part, engine: what was done, and where.
        code: 0 as expected, 1 a difference, 3 the engine broke or nothing was run.
        text: the numbers, and what is wrong.
        seconds: how long it took.
    """

    part: str
    engine: str
    code: int
    text: str
    seconds: float = 0.0


Part = Callable[[LabEngine], Outcome]


#: What signals have asked for: parts end early, and no further one begins.
NOTED = Interrupts()


def by_engine(
    part: Part, engines: Iterable[LabEngine], say: Callable[[str], None]
) -> list[Outcome]:
    """The part for every engine, two at a time; not two of one daemon or store. After a signal those
    that have not begun are left out, which is an outcome of code 3.
    """
    groups: dict[tuple[str, str], list[LabEngine]] = {}
    for engine in engines:
        groups.setdefault((engine.kind, engine.suite), []).append(engine)
    lock = threading.Lock()

    def work(group: list[LabEngine]) -> list[Outcome]:
        found = []
        for engine in group:
            began = time.monotonic()
            if NOTED.count:
                found.append(Outcome("engine", engine.id, 3, f"not run: {NOTED.name}"))
                continue
            try:
                outcome = part(engine)
            except (LabError, HarnessError, InputError) as error:
                outcome = Outcome("engine", engine.id, 3, f"{type(error).__name__}: {error}")
            seconds = time.monotonic() - began
            outcome = Outcome(outcome.part, outcome.engine, outcome.code, outcome.text, seconds)
            with lock:
                say(_line(outcome))
            found.append(outcome)
        return found

    with ThreadPoolExecutor(2) as pool:
        return [outcome for found in pool.map(work, groups.values()) for outcome in found]


def _line(outcome: Outcome) -> str:
    mark = {0: "ok", 1: "DIFFERS", 3: "ERROR"}[outcome.code]
    return f"{mark:8}{outcome.part:10}{outcome.engine:28}{outcome.seconds:6.0f} s  {outcome.text}"


@contextmanager
def opened(engine: LabEngine) -> Iterator[tuple[Harness, Implementation]]:
    """The engine, up and connected; what was made on it is removed at the end.

    Raises:
        LabError: it does not come up.
        HarnessError: it cannot be reached.
    """
    harness = open_engine(ensure(engine.key).text, session=new(), timeout=_TIMEOUT)
    try:
        yield harness, harness.start()
    finally:
        harness.close()


def judge(
    folder: Path,
    *,
    level: Level,
    names: Sequence[str] = (),
    jobs: int = 4,
    part: str = "vectors",
    slice_of: Mapping[str, int] | None = None,
) -> Part:
    """The vectors, judged as `entrysem verify` does; the journal goes into the folder.

    Args:
        level: how close; Buildah has only CONFIG.
        names: globs of cases; all without one.
        jobs: cases at once.
        part: its name in the summary.
        slice_of: kind of engine -> only every so manieth case, and all of the lecture's.
    """

    def run(engine: LabEngine) -> Outcome:
        text = ensure(engine.key).text
        session = new()
        every = (slice_of or {}).get(engine.kind, 1)
        cases = tuple(
            [
                case
                for number, case in enumerate(vectors.cases())
                if number % every == 0 or case["suite"] == "lecture"
            ]
        )
        harness = open_engine(text, session=session, timeout=_TIMEOUT)
        wish = Wish(
            engine.id,
            cases,
            level="CONFIG" if engine.kind == "buildah" else level,
            names=tuple(names),
            settings=Settings(jobs=jobs, timeout=_TIMEOUT),
        )
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{engine.id}{'' if part == 'vectors' else f'-{part}'}.ndjson"
        path.unlink(missing_ok=True)
        journal = verify(harness, wish, session, path, NOTED, say=partial(_tell, engine.id))
        footer = journal.footer or {}
        counts = footer.get("counts", {})
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        if every > 1:
            told = f"a slice of {len(cases)} cases: {told}"
        if footer.get("reason"):
            told += f" ({footer['reason']})"
        wrong = [
            result["id"]
            for line in journal.jobs.values()
            for result in line["results"]
            if result["verdict"] in ("FAIL", "STALE", "ERROR")
        ]
        if wrong:
            told += f": {', '.join(wrong[:6])}"
        return Outcome(part, engine.id, journal.exit_code, told)

    return run


def _goes_on(_: object) -> bool:
    return not NOTED.count


def _tell(name: str, text: str) -> None:
    sys.stderr.write(f"{name}: {text}\n")


def differ(folder: Path, *, level: Level = "CREATE", every: int = 1) -> Part:
    """The exhaustive product, or a slice of it."""

    def run(engine: LabEngine) -> Outcome:
        images = parts = 0
        wrong: list[dict[str, Any]] = []
        errors: list[str] = []
        with opened(engine) as (harness, implementation):
            jobs = product.jobs(closest(implementation, level), every=every)
            for found in compare(harness, implementation, takewhile(_goes_on, jobs)):
                images += 1
                parts += found.compared
                if found.error:
                    errors.append(f"{found.job.id}: {found.error}")
                if found.differences:
                    document = [one.document() for one in found.differences]
                    wrong.append({"job": found.job.id, "differences": document})
        if NOTED.count:
            errors.append(f"interrupted by {NOTED.name}")
        numbers = {"images": images, "parts": parts, "errors": errors, "differences": wrong}
        _write(folder / f"{engine.id}-product.json", numbers)
        told = f"{images} images, {parts} parts compared, {len(wrong)} images differ"
        if wrong:
            told += f": {', '.join(one['job'] for one in wrong[:3])}"
        if errors:
            told += f"; {len(errors)} errors: {errors[0]}"
        return Outcome("product", engine.id, 3 if errors or not parts else int(bool(wrong)), told)

    return run


def ask_oracles(
    folder: Path, oracles: Sequence[Oracle], say: Callable[[str], None]
) -> list[Outcome]:
    """All of them, one after the other."""
    outcomes = []
    for oracle in oracles:
        began = time.monotonic()
        try:
            outcome = Outcome("oracle", oracle.key, 3, f"not run: {NOTED.name}")
            if not NOTED.count:
                up([oracle.suite])
                outcome = _ask_oracle(folder, oracle)
        except (LabError, HarnessError, InputError) as error:
            outcome = Outcome("oracle", oracle.key, 3, f"{type(error).__name__}: {error}")
        outcomes.append(replace(outcome, seconds=time.monotonic() - began))
        say(_line(outcomes[-1]))
    return outcomes


def _ask_oracle(folder: Path, oracle: Oracle) -> Outcome:
    """What stands beside the matrix: umoci, the CRI, imagebuilder; raises what opening it raises."""
    jobs = parts = 0
    wrong: list[dict[str, Any]] = []
    errors: list[str] = []
    with oracle.opened() as harness:
        implementation = harness.start()
        profile = oracle.profile or profile_for(implementation)
        asked = takewhile(_goes_on, oracle.jobs())
        for found in compare(harness, implementation, asked, profile=profile):
            jobs += 1
            parts += found.compared
            if found.error:
                errors.append(f"{found.job.id}: {found.error}")
            if found.differences:
                document = [one.document() for one in found.differences]
                wrong.append({"job": found.job.id, "differences": document})
    numbers = {
        "version": implementation.version,
        "profile": implementation.runtime or str(profile.builder),
        "images": jobs,
        "parts": parts,
        "errors": errors,
        "differences": wrong,
    }
    _write(folder / f"{oracle.key}-oracle.json", numbers)
    told = f"{jobs} images, {parts} parts compared, {len(wrong)} images differ"
    if errors:
        told += f"; {len(errors)} errors: {errors[0]}"
    return Outcome("oracle", oracle.key, 3 if errors or not parts else int(bool(wrong)), told)


def fuzz(folder: Path, *, examples: int, seed: int, database: Path | None = None) -> Part:
    """Random Dockerfiles and runs."""

    def run(engine: LabEngine) -> Outcome:
        with opened(engine) as (harness, implementation):
            report = fuzz_engine(
                harness, implementation, examples=examples, seed=seed, database=database
            )
        _write(folder / f"{engine.id}-fuzz.json", report.document())
        told = f"{report.examples} cases, {report.runs} runs, {report.differing} differ"
        for finding in report.findings[:3]:
            told += f"; {finding.kind}: {(finding.comparison.job.dockerfile or b'').decode()!r}"
        if report.errors:
            told += f"; {len(report.errors)} errors: {report.errors[0][1]}"
        broken = bool(report.errors) or not report.parts
        return Outcome("fuzz", engine.id, 3 if broken else int(bool(report.kinds)), told)

    return run


def the_lecture(folder: Path) -> Part:
    """The lecture's table and claims."""

    def run(engine: LabEngine) -> Outcome:
        with Sandbox(ensure(engine.key)) as sandbox:
            results = list(lecture.observe(sandbox))
        _write(folder / f"{engine.id}-lecture.json", [one.document() for one in results])
        wrong = [one for one in results if not one.right]
        told = f"{len(results)} values, {len(wrong)} wrong"
        for one in wrong[:3]:
            told += f"; {one.what}: {one.seen}, not {one.wanted}"
        return Outcome("lecture", engine.id, int(bool(wrong)) if results else 3, told)

    return run


def real_shells(folder: Path, *, quick: bool) -> Part:
    """What shells do with an argv."""

    def run(engine: LabEngine) -> Outcome:
        with Sandbox(ensure(engine.key)) as sandbox:
            rows = list(
                shells.observe(
                    sandbox,
                    shells=[
                        one for one in SHELLS if not quick or one.name in ("dash", "bash", "ash")
                    ],
                    scripts=[one for one in shells.SCRIPTS if not quick or one.quick],
                )
            )
        _write(folder / f"{engine.id}-shells.json", [row.document() for row in rows])
        wrong = [row for row in rows if row.wrong]
        told = f"{len(rows)} containers, {len(wrong)} wrong"
        for row in wrong[:3]:
            told += f"; {row.shell} {row.script!r}: {row.wrong[0]}"
        return Outcome("shells", engine.id, int(bool(wrong)) if rows else 3, told)

    return run


def known_divergences(engines: Sequence[LabEngine], say: Callable[[str], None]) -> list[Outcome]:
    """Every known divergence, asked of every engine; each must be seen on one that it is about."""
    ways: dict[str, dict[str, list[str]]] = {one.name: {} for one in known.KNOWN}
    concerned: set[str] = set()

    def ask(engine: LabEngine) -> Outcome:
        neither = []
        with opened(engine) as (harness, implementation):
            for divergence in known.KNOWN:
                if divergence.run is not None and implementation.runtime is None:
                    continue
                way = known.seen(divergence, harness.observe(divergence.job()))
                ways[divergence.name].setdefault(way, []).append(engine.id)
                if divergence.concerns(implementation):
                    concerned.add(divergence.name)
                if way == "neither":
                    neither.append(divergence.name)
        told = f"{len(known.KNOWN)} asked" + (f"; neither way: {neither}" if neither else "")
        return Outcome("known", engine.id, int(bool(neither)), told)

    outcomes = by_engine(ask, engines, say)
    for name, found in ways.items():
        if name in concerned and not found.get("one"):
            outcomes.append(Outcome("known", "all", 1, f"not seen any more: {name} ({found})"))
            say(_line(outcomes[-1]))
    return outcomes


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True, default=str)
    path.write_text(text.encode("utf-8", "backslashreplace").decode() + "\n", encoding="utf-8")
