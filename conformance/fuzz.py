"""Differential fuzzing: random Dockerfiles and runs, an engine against what entrysem says it does.

A real engine is slow and Hypothesis asks for one example at a time, so it works in two passes over the
same random numbers:

1. *generate*: N cases are drawn with a fixed seed and nothing is asked; then the engine observes them
   all, several at once;
2. *shrink*: for each kind of difference that was seen, the test runs again with the same seed. Every
   case that has been observed is answered from memory, so it comes to the failing one at once; only the
   smaller cases that the shrinker tries are new to the engine.

A kind that shrinks is put aside and the next one is taken, so one mistake does not hide another.

The database is a folder of jobs as JSON, one a finding: what failed once is tried again first, on every
engine, whatever the strategies have become. (Hypothesis' own holds choices, which mean something else
after the next change of a strategy.)

Left out, because it is noise and no statement about the engine: a variable in VOLUME and names that
could be the beginning of an image id (never drawn), two stages of one name where the engine's own
answer changes from run to run (Buildah), and files that ask for an image which nobody gave (whether it
is found depends on the network).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conformance.differential import (
    Comparison,
    closest,
    compare,
    configs,
    options,
    predict,
    profile_for,
)
from entrysem.hypothesis import FEATURES, Case, Feature, Runtime, cases
from entrysem.verify.protocol import Harness, Implementation, Job, Level
from entrysem.verify.wire import job_from_wire, job_to_wire

__all__ = ["Finding", "Report", "fuzz"]

#: Seconds for shrinking one kind of difference.
SHRINK = 60.0
#: Kinds that are shrunk; the report counts the others.
KINDS = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of difference and the smallest case that shows it."""

    kind: str
    comparison: Comparison

    def document(self) -> dict[str, Any]:
        """For the report."""
        job = self.comparison.job
        return {
            "kind": self.kind,
            "dockerfile": (job.dockerfile or b"").decode(),
            "job": job_to_wire(job),
            "differences": [one.document() for one in self.comparison.differences],
        }


@dataclass(slots=True)
class Report:
    """What a session did.

    Attributes:
        seed: draws the same cases again.
        examples: cases that the engine observed, shrinking included.
        left_out: cases that ask for an image nobody gave.
        parts: builds and runs that were compared.
        runs: runs among them.
        differing: cases of the generated ones that differ.
        kinds: how many of those show each kind of difference.
        skipped: parts that the engine skipped.
        errors: what broke the engine or the way to it: (dockerfile, message).
        findings: one smallest case a kind.
        seconds: how long it took.
    """

    seed: int
    examples: int = 0
    left_out: int = 0
    parts: int = 0
    runs: int = 0
    differing: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "seed": self.seed,
            "examples": self.examples,
            "left_out": self.left_out,
            "parts": self.parts,
            "runs": self.runs,
            "differing": self.differing,
            "kinds": dict(sorted(self.kinds.items())),
            "skipped": self.skipped,
            "errors": [{"dockerfile": text, "message": message} for text, message in self.errors],
            "findings": [finding.document() for finding in self.findings],
            "seconds": round(self.seconds, 1),
        }


class _DiffersError(AssertionError):
    """Tells Hypothesis that this case shows the kind that is being shrunk."""


def fuzz(
    harness: Harness,
    implementation: Implementation,
    *,
    examples: int = 500,
    seed: int = 1,
    level: Level = "CREATE",
    threads: int = 4,
    database: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Fuzzes one engine.

    Args:
        harness: started; it is not closed.
        implementation: what its `start` said.
        examples: cases to draw.
        seed: which.
        level: how close to look, as far as it is offered.
        threads: observations at a time.
        database: a folder with the findings of earlier sessions, and for those of this one.
        say: is told what is happening.
    """
    began = time.monotonic()
    session = _Session(harness, implementation, level, threads, Report(seed))
    remembered = session.observe_all(_stored(database, session.level))
    drawn = list({repr(case): case for case in _drawn(session.strategy, examples, seed)}.values())
    say(f"{len(drawn)} cases drawn, {remembered} remembered")
    session.observe_all([job for case in drawn if (job := session.job(case)) is not None])
    report = session.report
    say(f"{report.parts} parts compared, {report.differing} cases differ")
    for kind, _ in report.kinds.most_common(KINDS):
        say(f"shrinking {kind!r}")
        found = session.shrunk(kind, examples, seed)
        if found is not None:
            report.findings.append(found)
            if database is not None:
                _store(database, found)
    report.seconds = time.monotonic() - began
    return report


def _stored(database: Path | None, level: Level) -> list[Job]:
    """The jobs of earlier findings."""
    if database is None or not database.is_dir():
        return []
    paths = sorted(database.glob("*.json"))
    jobs = [job_from_wire(json.loads(path.read_text("utf-8")), str(path)) for path in paths]
    return [replace(job, level=level if job.runs else "CONFIG") for job in jobs]


def _store(database: Path, finding: Finding) -> None:
    database.mkdir(parents=True, exist_ok=True)
    job = finding.comparison.job
    text = json.dumps(job_to_wire(replace(job, id="found")), indent=1, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    job = replace(job, id=f"found/{name}")
    text = json.dumps(job_to_wire(job), indent=1, sort_keys=True, ensure_ascii=False)
    (database / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def strategy(implementation: Implementation, level: Level) -> st.SearchStrategy[Case]:
    """The cases for an engine: what it can be given, without the known noise."""
    builder = (implementation.builder or "buildkit").partition("@")[0]
    runtime: Runtime = "podman" if (implementation.runtime or "").startswith("podman") else "docker"
    noise: set[Feature] = {"stage-index"}
    if builder.startswith("buildah"):
        noise.add("stage-twice")
    return cases(
        features=FEATURES - noise,
        bases=("entrysem-base:one",),
        runtime=runtime,
        max_runs=0 if level == "CONFIG" else 3,
    )


def _drawn(some: st.SearchStrategy[Case], examples: int, seed: int) -> Iterator[Case]:
    found: list[Case] = []
    _test(some, found.append, examples, seed, (Phase.generate,))()
    yield from found


def _test(
    some: st.SearchStrategy[Case],
    check: Callable[[Case], object],
    examples: int,
    seed: int,
    phases: tuple[Phase, ...],
) -> Callable[[], None]:
    """The test that both passes run: equal arguments draw equal cases."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        phases=phases,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(some)
    def test(case: Case) -> None:
        check(case)

    return test


class _Session:
    """One engine, the cases that it has observed, and what came of them."""

    def __init__(
        self,
        harness: Harness,
        implementation: Implementation,
        level: Level,
        threads: int,
        report: Report,
    ) -> None:
        self.harness = harness
        self.implementation = implementation
        self.level: Level = closest(implementation, level)
        self.profile = profile_for(implementation)
        self.threads = threads
        self.report = report
        self.strategy = strategy(implementation, self.level)
        self.seen: dict[str, Comparison | None] = {}

    def observe_all(self, jobs: list[Job]) -> int:
        """The first pass: every job, several at a time; counts what differs."""
        for compared in compare(self.harness, self.implementation, jobs, threads=self.threads):
            self._note(compared)
            kinds = {one.kind for one in compared.differences}
            self.report.kinds.update(kinds)
            self.report.differing += bool(kinds)
        return len(jobs)

    def shrunk(self, kind: str, examples: int, seed: int) -> Finding | None:
        """The second pass, for one kind of difference; what only a remembered job shows is as small as
        it was.
        """
        smallest: list[Comparison] = []
        until = time.monotonic() + SHRINK

        def check(case: Case) -> None:
            if time.monotonic() > until and self._key(case) not in self.seen:
                return
            compared = self._compared(case)
            if compared is None or kind not in {one.kind for one in compared.differences}:
                return
            smallest.append(compared)
            raise _DiffersError

        try:
            _test(self.strategy, check, examples, seed, (Phase.generate, Phase.shrink))()
        except _DiffersError:
            return Finding(kind, smallest[-1])  # Hypothesis ends with the smallest
        for compared in self.seen.values():
            if compared and kind in {one.kind for one in compared.differences}:
                return Finding(kind, compared)
        return None

    def _compared(self, case: Case) -> Comparison | None:
        key = self._key(case)
        if key not in self.seen:
            job = self.job(case)
            self.seen[key] = None
            if job is not None:
                for compared in compare(self.harness, self.implementation, [job], threads=1):
                    self._note(compared)
        return self.seen[key]

    def job(self, case: Case) -> Job | None:
        """The case for this engine; None, and noted, when it asks for an image that nobody gave."""
        job = Job(
            id=self._key(case),
            dockerfile=case.dockerfile.encode(),
            bases=configs(case.bases),
            target=case.target,
            build_args=case.build_args,
            level=self.level if case.runs else "CONFIG",
            runs=tuple([options(run) for run in case.runs]),
        )
        if predict(job, self.profile).build.outcome == "missing-image":
            self.seen[job.id] = None
            self.report.left_out += 1
            return None
        return job

    @staticmethod
    def _key(case: Case) -> str:
        return repr(case)

    def _note(self, compared: Comparison) -> None:
        self.seen[compared.job.id] = compared
        report = self.report
        if compared.observation is None:
            report.errors.append(((compared.job.dockerfile or b"").decode(), compared.error))
            return
        report.examples += 1
        report.parts += compared.compared
        report.runs += max(0, compared.compared - 1)
        report.skipped += len(compared.skipped)
