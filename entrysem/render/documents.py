"""The JSON documents: plain dicts in the shapes of `spec/schema/*.json`.

`explain --format json` and the oracle share them. An argv is always a list of strings; what is not
known is `{"inherited": KEY, "from": IMAGE}` in a template, and then argv itself is null.
"""

from __future__ import annotations

from typing import Any

from entrysem.dockerfile.text import stored
from entrysem.errors import DockerfileError
from entrysem.model import ImageConfig, Inherited, StartError, Step, Words
from entrysem.profiles import Profile
from entrysem.resolve import Image, Resolution

__all__ = [
    "config_document",
    "deviation_documents",
    "error_document",
    "profile_document",
    "result_document",
    "start_error_document",
    "step_document",
    "template",
    "unknown_document",
]

Document = dict[str, Any]


def template(words: Words) -> list[Any] | None:
    """Words with `{"inherited", "from"}` objects where they are not known."""
    if words is None:
        return None
    return [
        {"inherited": word.key, "from": stored(word.image)}
        if isinstance(word, Inherited)
        else stored(word)
        for word in words
    ]


def config_document(config: ImageConfig) -> Document:
    """The four keys of an image config; null for what it does not have."""
    return {
        "Entrypoint": template(config.entrypoint),
        "Cmd": template(config.cmd),
        "Shell": template(config.shell),
        "OnBuild": [stored(trigger) for trigger in config.onbuild] or None,
    }


def profile_document(profile: Profile) -> Document:
    """`{"builder": "buildkit@...", "runtime": "docker@..."}`."""
    return {"builder": str(profile.builder), "runtime": str(profile.runtime)}


def error_document(error: DockerfileError) -> Document:
    """A rejected Dockerfile."""
    span = error.span
    return {
        "phase": error.phase,
        "code": error.code,
        "message": stored(error.message),
        "line": span.line if span else None,
        "column": span.column if span else None,
        "rule": error.rule,
        "hint": stored(error.hint) if error.hint else None,
    }


def start_error_document(error: StartError | None) -> Document | None:
    """A run that does not start."""
    if error is None:
        return None
    return {"phase": error.phase, "code": error.code, "message": error.message}


def unknown_document(unknown: tuple[Inherited, ...]) -> list[Document]:
    """`[{"image": ..., "keys": [...]}]`."""
    keys: dict[str, list[str]] = {}
    for part in unknown:
        keys.setdefault(part.image, []).append(part.key)
    return [{"image": stored(image), "keys": found} for image, found in keys.items()]


def result_document(resolution: Resolution) -> Document:
    """One run: argv or its template, the error, the rules."""
    document: Document = {
        "argv": template(resolution.argv),
        "error": start_error_document(resolution.error),
        "rules": list(resolution.rules),
    }
    if resolution.unknown:
        document["argv_template"] = template(resolution.words)
    return document


def step_document(step: Step) -> Document:
    """One applied rule."""
    return {
        "rule": step.rule,
        "line": step.span.line if step.span else None,
        "column": step.span.column if step.span else None,
        "end_line": step.span.end_line if step.span else None,
        "stage": step.stage,
        "instruction": stored(step.instruction) or None,
        "field": step.field,
        "before": template(step.before),
        "after": template(step.after),
        "sentence": stored(step.sentence),
    }


def deviation_documents(image: Image) -> list[Document]:
    """The recorded deviations of the profile, with how each is known."""
    return [
        {"id": item.id, "rule": item.rule, "what": item.what, "status": item.status}
        for item in image.profile.deviations
    ]
