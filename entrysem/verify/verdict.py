"""What an observation is worth: expected, recorded and seen -> a verdict for each part of a case.

    seen is what is expected     and nothing else is recorded of this engine     PASS
                                 and a difference is recorded of this engine     STALE
    seen is what is recorded                                                     DEVIATES
    seen is neither              and nobody has observed this version, or this
                                 engine, which is known for what is seen         SKIP
                                 otherwise                                       FAIL

Only comparing is done here; what is expected and recorded was settled in the plan, before anything was
observed. Of a DEVIATES, and of a STALE, the recorded deviations that explain it are named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from entrysem.profiles import Engine
from entrysem.render.visible import shown_words
from entrysem.verify.explain import explanation
from entrysem.verify.journal import Verdict
from entrysem.verify.parts import Part, Planned
from entrysem.verify.protocol import (
    LEVELS,
    HarnessError,
    Job,
    Level,
    Observation,
    Run,
    RunObservation,
)
from entrysem.verify.values import (
    BuildValue,
    RunValue,
    Value,
    build_value,
    differ,
    matches,
    run_value,
    without_init,
)

__all__ = ["Result", "broken", "check_observation", "judge", "spread"]


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one part, with all that led to it; the journal's `result`.

    Attributes:
        part: as planned.
        level: how close it was seen; for SKIP and ERROR, how close it should have been.
        verdict: the verdict.
        observed: what was seen, or None.
        deviations: ids of the recorded deviations that explain the difference.
        reason: a sentence, or empty.
        kind: `smoke` for the check of the harness itself, otherwise None.
    """

    part: Part
    level: Level
    verdict: Verdict
    observed: Value | None = None
    deviations: tuple[str, ...] = ()
    reason: str = ""
    kind: Literal["smoke"] | None = None

    def to_wire(self) -> dict[str, Any]:
        """As a line of the journal has it."""
        part = self.part
        document: dict[str, Any] = {
            "id": part.id,
            "part": self.kind or ("build" if part.index is None else "run"),
        }
        if part.index is not None:
            document["run"] = part.index
        document |= {
            "level": self.level,
            "verdict": self.verdict,
            "expected": part.expected.to_wire() if part.expected else None,
            "expected_from": part.expected_from or None,
            "recorded": part.recorded.to_wire() if part.recorded else None,
            "recorded_from": part.recorded_from or None,
            "observed": self.observed.to_wire() if self.observed else None,
            "deviations": list(self.deviations),
            "unexplained": self.verdict == "DEVIATES"
            and not self.deviations
            and not part.recorded_from.startswith("known:"),
            "reason": self.reason,
        }
        if part.url:
            document["url"] = part.url
        return document


def check_observation(request: Job, observation: Observation, levels: tuple[Level, ...]) -> None:
    """Whether the observation is an answer to the request at all.

    Raises:
        HarnessError: it is not; what is wrong with it, for the author of the harness.
    """
    if observation.job != request.id:
        raise HarnessError(f"the harness answered about {observation.job!r} to {request.id!r}")
    if observation.outcome == "built" and observation.config is None:
        raise HarnessError("the harness says that it built an image, and shows no config")
    wanted = len(request.runs) if observation.outcome == "built" else 0
    if len(observation.runs) != wanted:
        raise HarnessError(
            f"the harness was asked for {len(request.runs)} runs of an image, says "
            f"{observation.outcome!r}, and shows {len(observation.runs)} runs instead of {wanted}"
        )
    for run in observation.runs:
        if run.skipped is not None:
            continue
        if run.level not in levels or LEVELS.index(run.level) > LEVELS.index(request.level):
            raise HarnessError(
                f"the harness shows a run at level {run.level}; it offers {', '.join(levels)} and was "
                f"asked for {request.level}"
            )
        if run.level == "PROCESS" and run.error is None and run.pid is None:
            raise HarnessError("the harness shows a run at level PROCESS without its process id")


def spread(planned: Planned, observation: Observation) -> Observation:
    """The observation with one run for each run of the planned job, in its order."""
    if observation.outcome != "built" or planned.asked is None:
        return observation
    seen = dict(zip(planned.asked, observation.runs, strict=True))
    missing = RunObservation(skipped="not asked for")
    return replace(
        observation,
        runs=tuple([seen.get(index, missing) for index in range(len(planned.job.runs))]),
    )


def judge(
    planned: Planned,
    observation: Observation | None,
    engine: tuple[Engine | None, Engine | None],
    level: Level,
) -> tuple[Result, ...]:
    """A result for each part of the plan.

    Args:
        planned: what was asked and expected.
        observation: what was seen (`spread`); None when the case was not asked for.
        engine: the judged engine as builder and runtime, for the explanation.
        level: the closest look that was wanted.
    """
    found: list[Result] = []
    built = observation is not None and observation.outcome == "built"
    for part in planned.parts:
        wanted: Level = "CONFIG" if part.index is None else level
        if part.skip or observation is None:
            found.append(Result(part, wanted, "SKIP", reason=part.skip or "not asked for"))
        elif part.index is None:
            value = build_value(observation)
            reason = observation.message or "the harness gives no reason"
            found.append(
                Result(part, wanted, "SKIP", reason=reason)
                if value is None
                else _judged(part, value, wanted, planned, engine, None)
            )
        elif not built:
            reason = f"there is no image to run: see {planned.case['id']}"
            found.append(Result(part, wanted, "SKIP", reason=reason))
        else:
            found.append(_judged_run(part, observation.runs[part.index], wanted, planned, engine))
    return tuple(found)


def broken(planned: Planned, message: str, level: Level) -> tuple[Result, ...]:
    """The results of a case that the engine or the harness broke on: one ERROR, and nothing else."""
    build, *runs = planned.parts
    return (
        Result(build, "CONFIG", "ERROR", reason=message),
        *(
            Result(part, level, "SKIP", reason=f"nothing was observed: see {build.id}")
            for part in runs
        ),
    )


def _judged_run(
    part: Part,
    run: RunObservation,
    wanted: Level,
    planned: Planned,
    engine: tuple[Engine | None, Engine | None],
) -> Result:
    assert part.index is not None
    value = run_value(run)
    if value is None:
        return Result(part, wanted, "SKIP", reason=run.skipped or "the harness gives no reason")
    asked = planned.job.runs[part.index]
    result = _judged(part, value, run.level, planned, engine, asked)
    notes = [result.reason]
    if run.level == "PROCESS" and run.error is None:
        if run.pid != 1 and not asked.init:
            notes = [f"the process is not the container's first: its id is {run.pid}, not 1"]
            result = replace(result, verdict="FAIL", deviations=())
        if run.created is not None and run.created != run.argv and not asked.init:
            notes.append(f"at its creation the container had {shown_words(run.created)}")
    elif run.phase == "start" and result.verdict in ("PASS", "DEVIATES"):
        notes.append("seen at the creation of the container; its process did not start")
    return replace(result, reason="; ".join(filter(None, notes)))


def _judged(
    part: Part,
    seen: Value,
    level: Level,
    planned: Planned,
    engine: tuple[Engine | None, Engine | None],
    run: Run | None,
) -> Result:
    def is_seen(value: Value | None) -> bool:
        if value is None:
            return False
        if matches(value, seen):
            return True
        bare = without_init(value, run)
        return bare is not value and matches(bare, seen)

    def why() -> tuple[str, ...]:
        known = part.recorded_from.startswith("known:")
        return () if known else explanation(planned.case, run, engine)

    expected, recorded = is_seen(part.expected), is_seen(part.recorded)
    if expected and (part.recorded is None or recorded):
        return Result(part, level, "PASS", seen, reason=part.note)
    if expected:
        return Result(
            part,
            level,
            "STALE",
            seen,
            why(),
            f"the difference that is recorded from {part.recorded_from} is not seen any more",
        )
    if recorded:
        return Result(part, level, "DEVIATES", seen, why(), part.note)
    if part.unobserved or part.expected is None:
        return Result(part, level, "SKIP", seen, reason=part.unobserved or "nothing is expected")
    if not part.heard and (found := why()):
        reason = f"nobody has observed this engine here, and it is known for {', '.join(found)}"
        return Result(part, level, "SKIP", seen, reason=reason)
    return Result(part, level, "FAIL", seen, reason=_failure(part, seen, part.expected))


def _failure(part: Part, seen: Value, expected: Value) -> str:
    said = [_difference(seen, expected)]
    if part.recorded is not None and differ(part.recorded, expected):
        said.append(f"nor is it what {part.recorded_from} does: {_difference(seen, part.recorded)}")
    return "; ".join([*filter(None, said), *filter(None, [part.note])])


_SAID: dict[str, str] = {
    "built": "builds",
    "rejected": "rejects the Dockerfile",
    "missing-image": "asks for an image that is not there",
}
_shown: Callable[[Any], str] = shown_words


def _difference(seen: Value, wanted: Value) -> str:
    if isinstance(seen, BuildValue) and isinstance(wanted, BuildValue):
        if seen.outcome != wanted.outcome:
            return f"it {_SAID[seen.outcome]}, where the expected one {_SAID[wanted.outcome]}"
        keys = [
            key
            for key in wanted.config
            if not matches(BuildValue("built", {key: wanted.config[key]}), seen)
        ]
        return ", ".join(
            f"{key} is {_shown(seen.config.get(key))}, not {_shown(wanted.config[key])}"
            for key in keys
        )
    if isinstance(seen, RunValue) and isinstance(wanted, RunValue):
        if seen.argv == wanted.argv:
            return f"{_ending(seen)}, not {_ending(wanted)}"
        return f"argv is {_shown(seen.argv)}, not {_shown(wanted.argv)}" + (
            f"; {_ending(seen)}" if seen.error else ""
        )
    return (
        f"it builds, where the expected one {_SAID[wanted.outcome]}"
        if isinstance(wanted, BuildValue)
        else "there is no image to run"
    )


def _ending(value: RunValue) -> str:
    if value.error is None:
        return "it starts"
    code = value.error.code or "an error whose message entrysem does not know"
    return f"it fails at the {'creation' if value.error.phase == 'create' else 'start'} with {code}"
