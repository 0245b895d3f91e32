"""The differential test: what entrysem says of an engine's own profile, against what the engine does.

A prediction is computed for one job and one implementation: the outcome of the build, the config, and
each run. An observation is turned into the same values (`entrysem.verify.values`), and every part in
which the two differ is a `Difference`. The vectors, the exhaustive product and the fuzzer all come
down to this comparison; what they differ in is where the jobs come from.

This is not how `entrysem verify` judges: there the expected values come from outside. Here entrysem is
the one that is being tried: a difference is a mistake in its model of that engine, or news.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from entrysem import DockerfileError, ImageConfig, Profile, RunOptions, build_image
from entrysem.profiles import Engine
from entrysem.render.documents import config_document
from entrysem.resolve import Image
from entrysem.vectors import bases_of, config_of
from entrysem.verify.plan import profile_of
from entrysem.verify.protocol import (
    LEVELS,
    Config,
    Harness,
    HarnessError,
    Implementation,
    Job,
    Level,
    Observation,
    Run,
)
from entrysem.verify.values import (
    BuildValue,
    RunValue,
    StartFailure,
    Value,
    build_value,
    matches,
    run_value,
    without_init,
)

__all__ = [
    "Comparison",
    "Difference",
    "Prediction",
    "closest",
    "compare",
    "configs",
    "differences",
    "options",
    "predict",
    "profile_for",
]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What entrysem says: the build, and each run of the job (none unless it is built)."""

    build: BuildValue
    runs: tuple[RunValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of a job in which prediction and observation differ.

    Attributes:
        what: `build`, or `run N` counted from 0.
        kind: a short name of what differs, to group by: `outcome rejected, not built`, `Cmd`, `argv`,
            `error`.
        predicted, observed: the two values.
        run: the options, for a run.
    """

    what: str
    kind: str
    predicted: Value
    observed: Value
    run: Run | None = None

    def document(self) -> dict[str, Any]:
        """For a report."""
        found: dict[str, Any] = {"what": self.what, "kind": self.kind}
        if self.run is not None:
            found["run"] = {
                "args": self.run.args,
                "entrypoint": self.run.entrypoint,
                "init": self.run.init,
            }
        return found | {"predicted": self.predicted.to_wire(), "observed": self.observed.to_wire()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A job, what came of it, and where that is not what was predicted.

    Attributes:
        observation: None when the engine broke.
        error: why it did, or empty.
        compared: how many parts (the build and each run) were held against each other; what the engine
            skipped is not among them.
        skipped: the engine's reasons.
    """

    job: Job
    prediction: Prediction
    observation: Observation | None
    error: str = ""
    compared: int = 0
    skipped: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()


def profile_for(implementation: Implementation) -> Profile:
    """The profile that an implementation calls itself; what it does not do is the reference.

    Raises:
        InputError: it calls itself an engine that entrysem does not know.
    """
    builder, runtime = profile_of(implementation)
    return Profile(builder or Engine("buildkit"), runtime or Engine("docker"))


def predict(job: Job, profile: Profile) -> Prediction:
    """What entrysem says that this engine makes of the job."""
    try:
        image = _image(job, profile)
    except DockerfileError as error:
        return Prediction(BuildValue("rejected", message=f"{error.code}: {error.message}"))
    if image.built is not None and image.built.origin == "unknown":
        return Prediction(BuildValue("missing-image"))
    config = {key: _words(value) for key, value in config_document(image.config).items()}
    return Prediction(
        BuildValue("built", config), tuple([_predicted(image, run) for run in job.runs])
    )


def _words(value: list[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def _image(job: Job, profile: Profile) -> Image:
    if job.dockerfile is None:
        assert job.config is not None, "a job has a Dockerfile or a config"
        return build_image(config_of(job.config, where=job.id), profile=profile)

    return build_image(
        job.dockerfile,
        profile=profile,
        target=job.target,
        build_args=job.build_args,
        bases=bases_of(job.bases, profile),
        platform=job.platform or "linux/amd64",
    )


def _predicted(image: Image, run: Run) -> RunValue:
    result = image.run(RunOptions(args=run.args, entrypoint=run.entrypoint, init=run.init))
    if result.error is None:
        return RunValue(result.argv)
    return RunValue(result.argv, StartFailure(result.error.phase, result.error.code))


def differences(job: Job, prediction: Prediction, observation: Observation) -> Comparison:
    """Holds an observation against a prediction, part by part."""
    seen = build_value(observation)
    empty = Comparison(job, prediction, observation)
    if seen is None:
        return replace(empty, skipped=(observation.message,))
    found: list[Difference] = []
    if not matches(prediction.build, seen):
        found.append(Difference("build", _kind(prediction.build, seen), prediction.build, seen))
    compared, skipped = 1, []
    if prediction.build.outcome == seen.outcome == "built":
        for number, (run, wanted, raw) in enumerate(
            zip(job.runs, prediction.runs, observation.runs, strict=True)
        ):
            value = run_value(raw)
            if value is None:
                skipped.append(raw.skipped or "")
                continue
            compared += 1
            plain, shown = without_init(wanted, run), without_init(value, run)
            assert isinstance(plain, RunValue)
            # At CREATE nobody looks past the creation, so an error of the start is not seen.
            if not matches(replace(plain, looked=raw.level == "PROCESS"), shown):
                kind = _kind(plain, shown)
                found.append(Difference(f"run {number}", kind, wanted, value, run))
    return replace(empty, compared=compared, skipped=tuple(skipped), differences=tuple(found))


def _kind(wanted: Value, seen: Value) -> str:
    if isinstance(wanted, BuildValue) and isinstance(seen, BuildValue):
        if wanted.outcome != seen.outcome:
            return f"outcome {seen.outcome}, not {wanted.outcome}"
        keys = [
            key
            for key in wanted.config
            if not matches(replace(wanted, config={key: wanted.config[key]}), seen)
        ]
        return ", ".join(keys)
    assert isinstance(wanted, RunValue)
    assert isinstance(seen, RunValue)
    return "argv" if wanted.argv != seen.argv else "error"


def compare(
    harness: Harness,
    implementation: Implementation,
    jobs: Iterable[Job],
    *,
    threads: int = 4,
    profile: Profile | None = None,
) -> Iterator[Comparison]:
    """Predicts and observes every job; yields them in order, each as soon as it and those before it are
    done. Not more than a few jobs a thread are taken in advance. Without `profile` it is what the
    implementation calls itself.
    """
    profile = profile or profile_for(implementation)
    pending: deque[Future[Comparison]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for job in jobs:
                pending.append(pool.submit(_one, harness, profile, job))
                if len(pending) >= 4 * threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for waiting in pending:
                waiting.cancel()


def _one(harness: Harness, profile: Profile, job: Job) -> Comparison:
    prediction = predict(job, profile)
    try:
        observation = harness.observe(job)
    except HarnessError as error:
        return Comparison(job, prediction, None, str(error))
    return differences(job, prediction, observation)


def closest(implementation: Implementation, level: Level) -> Level:
    """The wanted level, or the closest that is offered."""
    offered = max(implementation.levels, key=LEVELS.index)
    return min(level, offered, key=LEVELS.index)


def options(run: RunOptions) -> Run:
    """Run options as an engine is given them (an environment is not)."""
    return Run(run.args, run.entrypoint, run.init)


def configs(bases: Mapping[str, ImageConfig]) -> dict[str, bytes | Config]:
    """Base images of a case, as a job has them: with the keys that are set."""
    return {
        name: {key: words for key, words in config_document(base).items() if words is not None}
        for name, base in bases.items()
    }
