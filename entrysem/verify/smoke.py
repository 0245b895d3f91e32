"""Is there anything behind the harness? Five questions whose answers are beyond doubt.

A harness that builds nothing, answers the same thing to everything or reads the wrong image would
give hundreds of FAILs, and every one of them would be a lie about an engine. So it is asked first
whether a word made up a moment ago comes back: through the config, through a container, through a
process; and whether a Dockerfile that nobody accepts is rejected. One wrong answer, and nothing else
is asked.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from entrysem.verify.journal import Verdict
from entrysem.verify.protocol import (
    LEVELS,
    Harness,
    HarnessError,
    Implementation,
    Job,
    Level,
    Observation,
    Run,
)
from entrysem.verify.verdict import check_observation
from entrysem.verify.wire import job_to_wire, observation_to_wire

__all__ = ["Unsound", "smoke", "sound_line", "unreachable_line"]

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unsound:
    """A question that was answered wrongly.

    Attributes:
        line: the journal's line about it.
        message: what was asked, expected and seen, for a person.
    """

    line: Document
    message: str


@dataclass(frozen=True, slots=True)
class _Question:
    job: Job
    title: str
    expected: str
    is_right: Callable[[Observation], bool]


def smoke(harness: Harness, implementation: Implementation, level: Level) -> Unsound | None:
    """Asks, no closer than `level`; None when all answers are right."""
    closest = LEVELS.index(level)
    levels = [one for one in implementation.levels if LEVELS.index(one) <= closest]
    for question in _questions(levels):
        observation: Observation | None = None
        try:
            observation = harness.observe(question.job)
            check_observation(question.job, observation, implementation.levels)
        except HarnessError as error:
            return _unsound(question, observation, str(error))
        if not question.is_right(observation):
            return _unsound(question, observation, None)
    return None


def _questions(levels: Sequence[Level]) -> Iterator[_Question]:
    token = secrets.token_hex(6)
    yield _Question(
        _job("first", b'FROM scratch\nCMD ["x"]\n'),
        "build an image with a CMD of one word",
        'Cmd ["x"] and no Entrypoint',
        lambda seen: _config(seen) == (("x",), ()),
    )
    yield _Question(
        _job("second", f'FROM scratch\nENTRYPOINT ["/{token}"]\nCMD ["b", "c"]\n'.encode()),
        "build an image with words that were made up a moment ago",
        f'Entrypoint ["/{token}"] and Cmd ["b", "c"]',
        lambda seen: _config(seen) == (("b", "c"), (f"/{token}",)),
    )
    yield _Question(
        _job("rejected", f"FROM scratch\n{token.upper()}X y\n".encode()),
        "build a Dockerfile with an instruction that does not exist",
        "a rejection",
        lambda seen: seen.outcome == "rejected",
    )
    if "CREATE" in levels:
        yield _Question(
            _job(
                "create",
                b'FROM scratch\nENTRYPOINT ["/entrysem"]\nCMD ["c"]\n',
                level="CREATE",
                runs=(Run(), Run(args=("y", token))),
            ),
            "create two containers of one image, the second with other arguments",
            f'argv ["/entrysem", "c"] and ["/entrysem", "y", "{token}"]',
            lambda seen: (
                [run.argv for run in seen.runs] == [("/entrysem", "c"), ("/entrysem", "y", token)]
            ),
        )
    if "PROCESS" in levels:
        # What a line-oriented or a shell-minded harness would spoil.
        argv = (
            "/entrysem",
            token,
            "",
            " a  b ",
            "'\"$HOME`\\",
            "\n\t",
            "\u00e9\u20ac\U0001f600",
            "-- \n",
        )
        text = json.dumps(argv[1:])
        yield _Question(
            _job(
                "process",
                f'FROM scratch\nENTRYPOINT ["/entrysem"]\nCMD {text}\n'.encode(),
                level="PROCESS",
                runs=(Run(),),
            ),
            "start a container whose arguments hold blanks, quotes, line ends and more than ASCII",
            f"a process with id 1 that received {json.dumps(argv)}",
            lambda seen: (
                [(run.level, run.pid, run.argv) for run in seen.runs] == [("PROCESS", 1, argv)]
            ),
        )


def _job(name: str, dockerfile: bytes, **options: Any) -> Job:
    return Job(**{"id": f"smoke-{name}", "dockerfile": dockerfile, "level": "CONFIG", **options})


def _config(seen: Observation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    config = seen.config or {}
    return tuple(config.get("Cmd") or ()), tuple(config.get("Entrypoint") or ())


def _unsound(question: _Question, observation: Observation | None, error: str | None) -> Unsound:
    seen = error or _told(observation)
    message = (
        f"the harness is not sound, so nothing was judged. It was asked to {question.title}; expected: "
        f"{question.expected}; seen: {seen}"
    )
    return Unsound(_line(question.job, observation, error, message, question.title), message)


def _told(observation: Observation | None) -> str:
    return "nothing" if observation is None else json.dumps(observation_to_wire(observation))


def unreachable_line(error: str) -> Document:
    """The journal's line for an engine that could not be spoken to."""
    job = _job("first", b'FROM scratch\nCMD ["x"]\n')
    return _line(
        job, None, error, f"the engine cannot be spoken to: {error}", "speak to the engine"
    )


def sound_line() -> Document:
    """The journal's line for a harness that is sound by now, where the journal says otherwise."""
    job = _job("first", b'FROM scratch\nCMD ["x"]\n')
    return _line(job, None, None, "the harness is sound now", "check the harness", "PASS")


def _line(
    job: Job,
    observation: Observation | None,
    error: str | None,
    reason: str,
    title: str,
    verdict: Verdict = "ERROR",
) -> Document:
    return {
        "kind": "job",
        "id": "smoke",
        "suite": "smoke",
        "title": title,
        "rules": [],
        "evidence": None,
        "source": None,
        "job": job_to_wire(job),
        "observation": None if observation is None else observation_to_wire(observation),
        "error": error,
        "results": [
            {
                "id": "smoke",
                "part": "smoke",
                "level": job.level,
                "verdict": verdict,
                "expected": None,
                "expected_from": None,
                "recorded": None,
                "recorded_from": None,
                "observed": None,
                "deviations": [],
                "unexplained": False,
                "reason": reason,
            }
        ],
        "verdict": verdict,
        "ms": 0,
    }
