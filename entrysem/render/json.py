"""`explain --format json`: the documents of `spec/schema/explain.schema.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrysem.dockerfile.text import stored
from entrysem.errors import DockerfileError, EntrysemError
from entrysem.inputs.subject import Note
from entrysem.profiles import Profile
from entrysem.render.documents import (
    config_document,
    deviation_documents,
    error_document,
    profile_document,
    start_error_document,
    step_document,
    template,
    unknown_document,
)
from entrysem.render.notes import note_documents
from entrysem.resolve import Resolution
from entrysem.shell import ShellView

__all__ = ["explanation", "rejection"]

Variants = Sequence[tuple[str, list[tuple[str, str]]]]

_VERSION = 1


def explanation(
    resolution: Resolution, name: str, variants: Variants, notes: Sequence[Note] = ()
) -> dict[str, Any]:
    """The document of one file and one run. `variants` is empty without --what-if."""
    image = resolution.image
    document: dict[str, Any] = {
        "schema_version": _VERSION,
        "file": stored(name),
        "profile": profile_document(image.profile),
        "argv": template(resolution.argv),
        "argv_template": template(resolution.words),
        "effective": template(resolution.effective),
        "error": start_error_document(resolution.error),
        "config": config_document(image.config),
        "unknown": unknown_document(resolution.unknown),
        "assumptions": [stored(sentence) for sentence in resolution.assumptions],
        "base": _base(resolution, name),
        "rules": list(resolution.rules),
        "steps": [step_document(step) for step in resolution.steps],
        "shell": _shell(resolution.shell),
        "deviations": deviation_documents(image),
        "variants": None,
        "notes": note_documents(notes),
    }
    if variants:
        document["variants"] = {
            "runs": [{"run": run, "answer": answer} for run, answer in variants[0][1]],
            "profiles": [
                {"profiles": names.split(", "), "answer": answer}
                for names, answer in variants[1][1]
            ],
        }
    return document


def rejection(error: EntrysemError, name: str, profile: Profile) -> dict[str, Any]:
    """The document of a file that cannot be read or that the builder rejects."""
    if isinstance(error, DockerfileError):
        described = error_document(error)
    else:
        described = {
            "phase": "input",
            "code": error.code,
            "message": stored(error.message),
            "line": None,
            "column": None,
            "rule": None,
            "hint": stored(error.hint) if error.hint else None,
        }
    return {
        "schema_version": _VERSION,
        "file": stored(name),
        "profile": profile_document(profile),
        "argv": None,
        "error": described,
    }


def _base(resolution: Resolution, name: str) -> dict[str, Any] | None:
    """Which image the config starts from, and who knew it; None for scratch and a bare config."""
    built, base = resolution.image.built, resolution.image.base
    known: tuple[str | None, str]
    if base is not None:
        image, known = name.removeprefix("image:"), (base.origin, base.note)
    elif built is not None and built.base is not None:
        image, known = built.base, (built.origin, built.origin_note)
    else:
        return None
    return {"image": stored(image), "origin": known[0], "note": stored(known[1]) or None}


def _shell(view: ShellView | None) -> dict[str, Any] | None:
    if view is None:
        return None
    return {
        "shell": stored(view.shell),
        "options": template(view.options),
        "script": None if view.script is None else stored(view.script),
        "zero": None if view.zero is None else stored(view.zero),
        "parameters": template(view.parameters),
        "uses_parameters": view.uses_parameters,
        "kind": None if view.kind is None else view.kind.name,
        "pid1": [{"shell": entry.shell, "who": entry.who} for entry in view.pid1],
        "sigterm": view.sigterm,
        "init": view.init,
    }
