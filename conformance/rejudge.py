"""Judges again what was observed before: the same observations against the vectors of today.

A journal keeps every observation, so a case that has since learnt what an engine does, or a deviation
that was since written down, changes the verdict without asking the engine again. What the vectors ask
for that the journal did not is a SKIP, as it would be in a run that was cut short.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from entrysem import vectors
from entrysem.profiles import Profile
from entrysem.verify.journal import Journal, footer_of, read
from entrysem.verify.parts import Planned
from entrysem.verify.plan import Plan, make_plan
from entrysem.verify.protocol import Observation, RunObservation
from entrysem.verify.runner import job_line
from entrysem.verify.verdict import broken, judge, spread
from entrysem.verify.wire import implementation_from_wire, observation_from_wire, run_to_wire

__all__ = ["rejudge", "rejudged"]

_MISSING = RunObservation(skipped="not asked for when this was observed")


def rejudge(path: Path) -> Journal:
    """Rewrites the journal with the verdicts that its observations have today; the new journal.

    Cases that it did not ask for stay out of it; so do the lines of interrupted sessions.

    Raises:
        InputError: it is no journal.
    """
    before = read(path)
    header, lines = rejudged(before)
    documents = [header, *lines]
    if before.footer is not None:
        was = before.footer
        now = footer_of(lines, was["status"], reason=was["reason"], seconds=was["seconds"])
        documents.append(now | {"ended": was["ended"]})
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in documents)
    beside = path.with_suffix(".rejudged")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return read(path)


def rejudged(before: Journal) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the lines of the journal, judged again."""
    implementation = implementation_from_wire(before.header["implementation"], before.name)
    plan = make_plan(
        [case for case in vectors.cases() if case["id"] in before.jobs],
        implementation,
        reference=_reference(before.header["reference"]),
        level=before.header["level"],
    )
    lines = [_line(planned, before.jobs[planned.case["id"]], plan) for planned in plan.cases]
    numbers = {"digest": plan.digest, "jobs": len(plan.cases), "results": plan.results}
    return before.header | {"plan": numbers}, lines


def _reference(named: Mapping[str, str]) -> Profile:
    """The newest, when that is what was meant: a version of today's number is a version of then."""
    newest = Profile()
    if named == {"builder": str(newest.builder), "runtime": str(newest.runtime)}:
        return newest
    return Profile.parse(named["builder"], named["runtime"])


def _line(planned: Planned, was: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    seconds = was["ms"] / 1000
    if was["error"] is not None:
        results = broken(planned, was["error"], plan.level)
        return job_line(planned, results, error=was["error"], seconds=seconds)
    if planned.asked is None or was["observation"] is None:
        return job_line(planned, judge(planned, None, plan.engine, plan.level))
    seen = observation_from_wire(was["observation"], was["id"], f"case {was['id']}")
    observation = _by_run(planned, seen, was["job"]["runs"])
    results = judge(planned, observation, plan.engine, plan.level)
    return job_line(planned, results, observation=observation, seconds=seconds)


def _by_run(planned: Planned, seen: Observation, runs: Iterable[Mapping[str, Any]]) -> Observation:
    """The observation in the order of today's runs, each found by what it asks."""
    if seen.outcome != "built":
        return spread(planned, seen)
    found = {json.dumps(run): one for run, one in zip(runs, seen.runs, strict=True)}
    today = [found.get(json.dumps(run_to_wire(run)), _MISSING) for run in planned.job.runs]
    return replace(seen, runs=tuple(today))
