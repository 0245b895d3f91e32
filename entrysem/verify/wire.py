"""Jobs and observations as JSON, and back: one spelling for the child protocol and the journal.

A word of argv is bytes; in memory it is a `str` with lone surrogates where they are no UTF-8
(`surrogateescape`), which JSON cannot carry between languages. On the wire a word is a string, or
`{"base64": ...}` when its bytes are no UTF-8. A Dockerfile is spelled the same way.

What comes from outside (a child's answers, a journal) is read strictly: a value of the wrong type, a
key too many or too few is a `WireError` that says where, so that a harness with a typing error is told
so, instead of judged by whatever Python makes of it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from entrysem.verify.protocol import (
    LEVELS,
    Config,
    Implementation,
    Job,
    Level,
    Observation,
    Run,
    RunObservation,
)

__all__ = [
    "WireError",
    "bytes_from_wire",
    "bytes_to_wire",
    "config_from_wire",
    "config_to_wire",
    "implementation_from_wire",
    "implementation_to_wire",
    "job_from_wire",
    "job_to_wire",
    "observation_from_wire",
    "observation_to_wire",
    "run_to_wire",
    "word_from_wire",
    "word_to_wire",
    "words_from_wire",
    "words_to_wire",
]

Document = dict[str, Any]
T = TypeVar("T")

_CONFIG_KEYS = ("Entrypoint", "Cmd", "Shell", "OnBuild")
_OUTCOMES = ("built", "rejected", "missing-image", "skipped")


class WireError(ValueError):
    """A document does not have the documented shape. The message says where, and what is there."""


# --- words and bytes ---------------------------------------------------------------------------------


def bytes_to_wire(data: bytes) -> str | Document:
    """The text, or `{"base64": ...}` when the bytes are no UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def bytes_from_wire(value: object, where: str) -> bytes:
    """The inverse of `bytes_to_wire`.

    Raises:
        WireError: neither of the two spellings.
    """
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError:
            raise WireError(
                f'{where}: a lone surrogate; write {{"base64": ...}} for bytes that are no UTF-8'
            ) from None
    if isinstance(value, Mapping) and set(value) == {"base64"}:
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise WireError(f"{where}: {value['base64']!r} is not base64") from None
    raise WireError(f'{where}: {value!r:.200} is no string and no {{"base64": ...}}')


def word_to_wire(word: str) -> str | Document:
    """A word; `{"base64": ...}` when it holds bytes that are no UTF-8."""
    return word if word.isascii() else bytes_to_wire(word.encode("utf-8", "surrogateescape"))


def word_from_wire(value: object, where: str) -> str:
    """The inverse of `word_to_wire`; raises `WireError`."""
    return bytes_from_wire(value, where).decode("utf-8", "surrogateescape")


def words_to_wire(words: Sequence[str] | None) -> list[str | Document] | None:
    """A list of words; None stays None."""
    return None if words is None else [word_to_wire(word) for word in words]


def words_from_wire(value: object, where: str) -> tuple[str, ...] | None:
    """The inverse of `words_to_wire`; raises `WireError`."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise WireError(f"{where}: {value!r:.200} is no list of words and not null")
    return tuple([word_from_wire(item, f"{where}[{i}]") for i, item in enumerate(value)])


def config_to_wire(config: Config) -> Document:
    """The keys that are there; null and [] are kept apart."""
    return {key: words_to_wire(config[key]) for key in _CONFIG_KEYS if key in config}


def config_from_wire(value: object, where: str) -> dict[str, tuple[str, ...] | None]:
    """The inverse of `config_to_wire`; raises `WireError`."""
    document = _object(value, where, optional=_CONFIG_KEYS)
    return {key: words_from_wire(words, f"{where}.{key}") for key, words in document.items()}


# --- who answers -------------------------------------------------------------------------------------


def implementation_to_wire(implementation: Implementation) -> Document:
    """All attributes."""
    return {
        "name": implementation.name,
        "version": implementation.version,
        "builder": implementation.builder,
        "runtime": implementation.runtime,
        "levels": list(implementation.levels),
        "platform": implementation.platform,
        "details": dict(implementation.details),
    }


def implementation_from_wire(value: object, where: str) -> Implementation:
    """The inverse of `implementation_to_wire`; only `name` and `levels` must be there.

    Raises:
        WireError: another shape, or no level at all.
    """
    document = _object(
        value,
        where,
        required=("name", "levels"),
        optional=("version", "builder", "runtime", "platform", "details"),
    )
    levels = _list(document["levels"], f"{where}.levels", _level)
    if not levels:
        raise WireError(f"{where}.levels: empty; one of {', '.join(LEVELS)} is needed")
    details = document.get("details") or {}
    if not isinstance(details, Mapping):
        raise WireError(f"{where}.details: {details!r:.200} is no object")
    return Implementation(
        name=_text(document["name"], f"{where}.name"),
        version=_text(document.get("version") or "", f"{where}.version"),
        builder=_optional_text(document.get("builder"), f"{where}.builder"),
        runtime=_optional_text(document.get("runtime"), f"{where}.runtime"),
        levels=tuple([level for level in LEVELS if level in levels]),
        platform=_text(document.get("platform") or "linux/amd64", f"{where}.platform"),
        details={str(key): _text(item, f"{where}.details.{key}") for key, item in details.items()},
    )


# --- a job -------------------------------------------------------------------------------------------


def run_to_wire(run: Run) -> Document:
    """`args` and `entrypoint` as given: null is not given, a string is typed, a list is sent."""
    return {
        "args": words_to_wire(run.args),
        "entrypoint": words_to_wire(run.entrypoint)
        if isinstance(run.entrypoint, tuple)
        else None
        if run.entrypoint is None
        else word_to_wire(run.entrypoint),
        "init": run.init,
    }


def _run_from_wire(value: object, where: str) -> Run:
    document = _object(value, where, optional=("args", "entrypoint", "init"))
    entrypoint = document.get("entrypoint")
    return Run(
        args=words_from_wire(document.get("args"), f"{where}.args"),
        entrypoint=words_from_wire(entrypoint, f"{where}.entrypoint")
        if entrypoint is None or isinstance(entrypoint, list)
        else word_from_wire(entrypoint, f"{where}.entrypoint"),
        init=_flag(document.get("init", False), f"{where}.init"),
    )


def job_to_wire(job: Job) -> Document:
    """All attributes."""
    return {
        "id": job.id,
        "dockerfile": None if job.dockerfile is None else bytes_to_wire(job.dockerfile),
        "config": None if job.config is None else config_to_wire(job.config),
        "bases": {
            name: {"dockerfile": bytes_to_wire(base)}
            if isinstance(base, bytes)
            else {"config": config_to_wire(base)}
            for name, base in job.bases.items()
        },
        "target": job.target,
        "build_args": dict(job.build_args),
        "platform": job.platform,
        "level": job.level,
        "runs": [run_to_wire(run) for run in job.runs],
    }


def job_from_wire(value: object, where: str = "job") -> Job:
    """The inverse of `job_to_wire`, for harnesses in Python.

    Raises:
        WireError: another shape.
    """
    document = _object(
        value,
        where,
        required=("id", "level"),
        optional=("dockerfile", "config", "bases", "target", "build_args", "platform", "runs"),
    )
    bases: dict[str, bytes | Config] = {}
    for name, base in (document.get("bases") or {}).items():
        place = f"{where}.bases.{name}"
        found = _object(base, place, optional=("dockerfile", "config"))
        bases[name] = (
            config_from_wire(found["config"], f"{place}.config")
            if "config" in found
            else bytes_from_wire(found.get("dockerfile"), f"{place}.dockerfile")
        )
    dockerfile, config = document.get("dockerfile"), document.get("config")
    return Job(
        id=_text(document["id"], f"{where}.id"),
        dockerfile=None
        if dockerfile is None
        else bytes_from_wire(dockerfile, f"{where}.dockerfile"),
        config=None if config is None else config_from_wire(config, f"{where}.config"),
        bases=bases,
        target=_optional_text(document.get("target"), f"{where}.target"),
        build_args=document.get("build_args") or {},
        platform=_text(document.get("platform") or "", f"{where}.platform"),
        level=_level(document["level"], f"{where}.level"),
        runs=tuple(_list(document.get("runs") or [], f"{where}.runs", _run_from_wire)),
    )


# --- an observation ----------------------------------------------------------------------------------


def observation_to_wire(observation: Observation) -> Document:
    """All attributes but the job's id."""
    return {
        "outcome": observation.outcome,
        "config": None if observation.config is None else config_to_wire(observation.config),
        "message": bytes_to_wire(observation.message.encode("utf-8", "surrogateescape")),
        "runs": [
            {
                "argv": words_to_wire(run.argv),
                "error": None
                if run.error is None
                else bytes_to_wire(run.error.encode("utf-8", "surrogateescape")),
                "phase": run.phase,
                "level": run.level,
                "pid": run.pid,
                "created": words_to_wire(run.created),
                "skipped": run.skipped,
            }
            for run in observation.runs
        ],
    }


def observation_from_wire(value: object, job: str, where: str = "observation") -> Observation:
    """The inverse of `observation_to_wire`; `outcome` must be there, and `config` when built.

    Raises:
        WireError: another shape.
    """
    document = _object(value, where, required=("outcome",), optional=("config", "message", "runs"))
    outcome = document["outcome"]
    if outcome not in _OUTCOMES:
        raise WireError(f"{where}.outcome: {outcome!r:.200} is none of {', '.join(_OUTCOMES)}")
    config = document.get("config")
    if outcome == "built" and config is None:
        raise WireError(f"{where}.config: missing, though the outcome is built")
    return Observation(
        job=job,
        outcome=outcome,
        config=None if config is None else config_from_wire(config, f"{where}.config"),
        message=word_from_wire(document.get("message") or "", f"{where}.message"),
        runs=tuple(_list(document.get("runs") or [], f"{where}.runs", _run_observation)),
    )


def _run_observation(value: object, where: str) -> RunObservation:
    document = _object(
        value, where, optional=("argv", "error", "phase", "level", "pid", "created", "skipped")
    )
    phase, pid, error = document.get("phase"), document.get("pid"), document.get("error")
    if phase not in (None, "create", "start"):
        raise WireError(f"{where}.phase: {phase!r:.200} is none of create, start")
    if pid is not None and (not isinstance(pid, int) or isinstance(pid, bool)):
        raise WireError(f"{where}.pid: {pid!r:.200} is no number")
    run = RunObservation(
        argv=words_from_wire(document.get("argv"), f"{where}.argv"),
        error=None if error is None else word_from_wire(error, f"{where}.error"),
        phase=phase,
        level=_level(document.get("level") or "CREATE", f"{where}.level"),
        pid=pid,
        created=words_from_wire(document.get("created"), f"{where}.created"),
        skipped=_optional_text(document.get("skipped"), f"{where}.skipped"),
    )
    if run.argv is None and run.error is None and run.skipped is None:
        raise WireError(f"{where}: neither argv nor error nor skipped")
    if (run.error is None) != (run.phase is None):
        raise WireError(f"{where}: error and phase come together")
    return run


# --- shapes ------------------------------------------------------------------------------------------


def _object(
    value: object, where: str, *, required: Sequence[str] = (), optional: Sequence[str] = ()
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WireError(f"{where}: {value!r:.200} is no object")
    for key in required:
        if key not in value:
            raise WireError(f"{where}.{key}: missing")
    for key in value:
        if key not in required and key not in optional:
            known = ", ".join((*required, *optional))
            raise WireError(f"{where}.{key}: not known here; known: {known}")
    return value


def _list(value: object, where: str, item: Callable[[object, str], T]) -> list[T]:
    if not isinstance(value, list):
        raise WireError(f"{where}: {value!r:.200} is no list")
    return [item(element, f"{where}[{i}]") for i, element in enumerate(value)]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise WireError(f"{where}: {value!r:.200} is no string")
    return value


def _optional_text(value: object, where: str) -> str | None:
    return None if value is None else _text(value, where)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise WireError(f"{where}: {value!r:.200} is neither true nor false")
    return value


def _level(value: object, where: str) -> Level:
    for level in LEVELS:
        if value == level:
            return level
    raise WireError(f"{where}: {value!r:.200} is none of {', '.join(LEVELS)}")
