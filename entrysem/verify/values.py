"""What came of a build or of a run, expected or observed, in one comparable form.

Both sides of a verdict are a `Value`. An expectation holds what somebody looked at and no more, an
observation what its level can see, so `matches` is not equality:

* a config is compared key by key, over the keys of the expectation. There, null means that nothing is
  stored: whether as null or by leaving the key out is up to the image format. An empty list is a
  different value, except under OnBuild, where engines store both for "no trigger";
* an expected error at the start of a process cannot be seen at the creation of its container, and an
  expectation without a word about errors was written by somebody who looked no further than that;
* which error it was is told by the engine's message, looked up in `CODES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from entrysem.verify.protocol import Config, Observation, Run, RunObservation
from entrysem.verify.wire import bytes_to_wire, config_to_wire, words_to_wire

__all__ = [
    "BuildValue",
    "RunValue",
    "StartFailure",
    "Value",
    "build_value",
    "differ",
    "matches",
    "run_value",
    "without_init",
]

Phase = Literal["create", "start"]

#: Code -> the messages that engines have for it: Docker 20.10 to 29 and its clones, Podman 3.0 to 5.8,
#: containerd; runc and crun for a program that cannot be found.
CODES: Mapping[str, re.Pattern[str]] = {
    "no-command-specified": re.compile(
        r"no command specified"
        r"|no command or entrypoint provided, and no CMD or ENTRYPOINT from image"
        r"|no command provided or available in image"
        r"|no command argument provided|args must not be empty",
        re.IGNORECASE,
    ),
    "empty-program": re.compile(
        r'exec: \\?"\\?": executable file not found'
        r"|exec: \\?\"\\?\": (?:stat : )?no such file"
        r"|executable file `` not found|exec \\?\"\\?\" failed|cannot find `` in"
    ),
}


@dataclass(frozen=True, slots=True)
class BuildValue:
    """What came of a build.

    Attributes:
        outcome: as in `Observation`; never `skipped`.
        config: the stored config, or the keys of it that are expected; empty unless built.
        message: the engine's words, of an observation.
    """

    outcome: Literal["built", "rejected", "missing-image"]
    config: Config = field(default_factory=dict)
    message: str = field(default="", compare=False)

    def to_wire(self) -> dict[str, Any]:
        """As the journal's `value`."""
        if self.outcome == "built":
            return {"config": config_to_wire(self.config)}
        key = "rejected" if self.outcome == "rejected" else "asks_for_image"
        document: dict[str, Any] = {key: True}
        if self.message:
            document["message"] = _text_to_wire(self.message)
        return document


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why a container was not created, or its process not started.

    Attributes:
        phase: where it happened.
        code: which error, or None for a message that is not known.
        message: the engine's, of an observation.
    """

    phase: Phase
    code: str | None
    message: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RunValue:
    """What came of a run.

    Attributes:
        argv: the words; None when no container was created.
        error: why it did not start, or None.
        looked: whether one looked past the creation of the container.
    """

    argv: tuple[str, ...] | None
    error: StartFailure | None = None
    looked: bool = True

    def to_wire(self) -> dict[str, Any]:
        """As the journal's `value`."""
        document: dict[str, Any] = {"argv": words_to_wire(self.argv)}
        if self.error is not None:
            document["error"] = {"phase": self.error.phase, "code": self.error.code}
            if self.error.message:
                document["error"]["message"] = _text_to_wire(self.error.message)
        elif self.looked:
            document["error"] = None
        return document


Value = BuildValue | RunValue


def _text_to_wire(text: str) -> Any:
    return bytes_to_wire(text.encode("utf-8", "surrogateescape"))


def build_value(observation: Observation) -> BuildValue | None:
    """What an observation says of the build; None when it was skipped."""
    if observation.outcome == "skipped":
        return None
    config = {key: _words(value) for key, value in (observation.config or {}).items()}
    return BuildValue(
        observation.outcome, config if observation.outcome == "built" else {}, observation.message
    )


def _words(value: object) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)  # type: ignore[arg-type]  # words by contract


def run_value(run: RunObservation) -> RunValue | None:
    """What an observation says of a run; None when it was skipped.

    A process that could not be started has the argv that was decided at the creation.
    """
    if run.skipped is not None:
        return None
    argv = run.argv if run.argv is not None else run.created
    if run.error is None or run.phase is None:
        return RunValue(argv)
    return RunValue(
        None if run.phase == "create" else argv,
        StartFailure(run.phase, _code(run.error), run.error),
    )


def _code(message: str) -> str | None:
    for code, pattern in CODES.items():
        if pattern.search(message):
            return code
    return None


def matches(wanted: Value, seen: Value) -> bool:
    """Whether an observation is what was expected, as far as both looked."""
    if isinstance(wanted, BuildValue):
        if not isinstance(seen, BuildValue) or seen.outcome != wanted.outcome:
            return False
        return all(
            _stored(seen.config, key) == _stored(wanted.config, key) for key in wanted.config
        )
    if isinstance(seen, BuildValue) or seen.argv != wanted.argv:
        return False
    if wanted.error is None:
        return seen.error is None or (not wanted.looked and seen.error.phase == "start")
    if seen.error is None:
        return wanted.error.phase == "start"
    return seen.error == wanted.error


def _stored(config: Config, key: str) -> tuple[str, ...] | None:
    words = config.get(key)
    return None if words is None or (key == "OnBuild" and not words) else tuple(words)


def differ(one: Value, other: Value) -> bool:
    """Whether two expectations cannot both be met."""
    if isinstance(one, BuildValue) and isinstance(other, BuildValue):
        return one.outcome != other.outcome or any(
            _stored(one.config, key) != _stored(other.config, key)
            for key in one.config.keys() & other.config.keys()
        )
    if isinstance(one, BuildValue) or isinstance(other, BuildValue):
        return True
    if one.argv != other.argv:
        return True
    return one.looked and other.looked and one.error != other.error


def without_init(value: Value, run: Run | None) -> Value:
    """The value without the words that `--init` puts before argv: INIT and `--`.

    Docker's containers do not tell them, and the process that they start does not get them.
    """
    if run is None or not run.init or isinstance(value, BuildValue) or value.argv is None:
        return value
    if value.argv[1:2] != ("--",):
        return value
    return RunValue(value.argv[2:], value.error, value.looked)
