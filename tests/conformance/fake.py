"""An engine that is made of entrysem itself: right by default, wrong where a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from conformance.differential import predict, profile_for
from entrysem.verify.protocol import (
    Config,
    HarnessError,
    Implementation,
    Job,
    Level,
    Observation,
    RunObservation,
)
from entrysem.verify.values import RunValue

Lie = Callable[[Job, Observation], Observation]


class Fake:
    """Answers what entrysem predicts for the profile that it calls itself.

    `lie` changes an answer; `breaks` names a piece of text that a Dockerfile must not hold.
    """

    def __init__(
        self,
        builder: str | None = "buildkit@0.25.2",
        runtime: str | None = "docker@28.5.2",
        *,
        lie: Lie | None = None,
        breaks: str | None = None,
    ) -> None:
        self.implementation = Implementation("fake", "1", builder, runtime)
        self.profile = profile_for(self.implementation)
        self.lie = lie
        self.breaks = breaks
        self.jobs: list[Job] = []
        self.closed = False
        self._lock = Lock()

    def start(self) -> Implementation:
        return self.implementation

    def sweep(self) -> int:
        return 0

    def observe(self, job: Job) -> Observation:
        with self._lock:
            self.jobs.append(job)
        if self.breaks is not None and self.breaks.encode() in (job.dockerfile or b""):
            raise HarnessError("it broke")
        prediction = predict(job, self.profile)
        build = prediction.build
        seen = Observation(
            job.id,
            build.outcome,
            config=build.config if build.outcome == "built" else None,
            message=build.message,
            runs=tuple([self._run(job, run) for run in prediction.runs]),
        )
        return seen if self.lie is None else self.lie(job, seen)

    def close(self) -> None:
        self.closed = True

    def _run(self, job: Job, run: RunValue) -> RunObservation:
        level: Level = "PROCESS" if job.level == "PROCESS" else "CREATE"
        error = run.error
        message = None
        if error is not None and (error.phase == "create" or level == "PROCESS"):
            message = {
                "no-command-specified": "no command specified",
                "empty-program": 'exec: "": executable file not found in $PATH',
            }[error.code or ""]
        return RunObservation(
            argv=run.argv if level == "CREATE" or message is None else None,
            error=message,
            phase=error.phase if error is not None and message is not None else None,
            level=level,
            created=run.argv if level == "PROCESS" else None,
            pid=1 if level == "PROCESS" and message is None else None,
        )


def with_config(observation: Observation, config: Config) -> Observation:
    """The observation with other stored values for some keys, if it was built."""
    if observation.outcome != "built":
        return observation
    return replace(observation, config={**(observation.config or {}), **config})
