"""The pieces of a plan: a case as it is asked for, its parts, and their names."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from entrysem.verify.protocol import Job, Run
from entrysem.verify.values import RunValue, StartFailure, Value

__all__ = ["Part", "Planned", "key_of", "part_id", "run_of", "value_of"]

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What gets a verdict of its own.

    Attributes:
        id: `CASE`, or `CASE/RUN`; the same in every plan.
        index: which run of the job, or None for what came of the build.
        expected: the reference's value; when it has none, the engine's own.
        expected_from: whose value that is; empty when there is none at all.
        recorded: the engine's own value where it differs.
        recorded_from: whose value that is, or `known:ID`.
        url: of the known difference.
        note: what a reader should know about these values, or empty.
        unobserved: why nobody knows what this version does, or empty.
        heard: whether the case lists the judged engine, in some version.
        skip: why it is not asked for, or empty.
    """

    id: str
    index: int | None = None
    expected: Value | None = None
    expected_from: str = ""
    recorded: Value | None = None
    recorded_from: str = ""
    url: str = ""
    note: str = ""
    unobserved: str = ""
    heard: bool = True
    skip: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A case as it is asked for.

    Attributes:
        case: the case of the vectors.
        job: all of it.
        asked: indices of the job's runs that the engine is asked for; None when it is not asked at
            all.
        parts: what gets a verdict; the first is the build's.
    """

    case: Case
    job: Job
    asked: tuple[int, ...] | None
    parts: tuple[Part, ...]

    @property
    def request(self) -> Job:
        """The job as it is sent: only the runs that are asked for."""
        assert self.asked is not None
        runs = tuple([self.job.runs[index] for index in self.asked])
        return replace(self.job, runs=runs, level=self.job.level if runs else "CONFIG")


def value_of(run: Case) -> RunValue:
    """What a run of the vectors says that comes of it."""
    argv = None if run["argv"] is None else tuple(run["argv"])
    if "error" in run:
        return RunValue(argv, StartFailure(run["error"]["phase"], run["error"]["code"]))
    return RunValue(argv, looked=False)


def run_of(run: Case) -> Run:
    """A run of the vectors as it is asked for."""
    entrypoint, args = run.get("entrypoint"), run.get("args")
    return Run(
        args=None if args is None else tuple(args),
        entrypoint=tuple(entrypoint) if isinstance(entrypoint, list) else entrypoint,
        init=run.get("init", False),
    )


def key_of(run: Case) -> str:
    """Equal for runs of the vectors that ask for the same: args, entrypoint, init and env as JSON."""
    options = [run.get("args"), run.get("entrypoint"), run.get("init", False), run.get("env", {})]
    return json.dumps(options, sort_keys=True)


def part_id(case: str, key: str) -> str:
    """`CASE/run` for the run without options; otherwise its words, as far as a shell takes them bare,
    and a hash that tells apart what that leaves alike.
    """
    args, entrypoint, init, env = json.loads(key)
    if args is None and entrypoint is None and not init and not env:
        return f"{case}/run"
    words = ["entrypoint", *([entrypoint] if isinstance(entrypoint, str) else entrypoint or [])]
    said = [*(words if entrypoint is not None else []), *(args or []), *(["init"] if init else [])]
    spelled = re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(said)).strip("-.")[:40] or "run"
    return f"{case}/{spelled}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"
