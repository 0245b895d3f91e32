"""`--format json`: the document of `spec/schema/diff.schema.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from entrysem.diff.compare import Build, Comparison, RunChange
from entrysem.diff.files import FileDiff, worst
from entrysem.dockerfile.text import stored
from entrysem.errors import DockerfileError
from entrysem.model import RunOptions
from entrysem.render.documents import (
    config_document,
    error_document,
    profile_document,
    start_error_document,
    template,
)
from entrysem.resolve import Resolution

__all__ = ["document"]

_VERSION = 1


def document(diffs: Sequence[FileDiff]) -> dict[str, Any]:
    """All files, in order."""
    return {
        "schema_version": _VERSION,
        "verdict": worst(diffs),
        "files": [_file(diff) for diff in diffs],
    }


def _file(diff: FileDiff) -> dict[str, Any]:
    problem = diff.problem
    return {
        "status": diff.status,
        "old": None if diff.old is None else stored(diff.old),
        "new": None if diff.new is None else stored(diff.new),
        "verdict": diff.verdict,
        "problem": None
        if problem is None
        else {
            "code": problem.code,
            "message": stored(problem.message),
            "hint": stored(problem.hint) if problem.hint else None,
        },
        "comparisons": [_comparison(item) for item in diff.comparisons],
    }


def _comparison(item: Comparison) -> dict[str, Any]:
    return {
        "profile": profile_document(item.profile),
        "stage": None if item.stage is None else stored(item.stage),
        "verdict": item.verdict,
        "old": _build(item.old),
        "new": _build(item.new),
        "runs": [_run(change) for change in item.runs],
        "causes": [
            {
                "side": cause.side,
                "line": cause.line,
                "instruction": stored(cause.instruction) or None,
                "steps": [
                    {"rule": rule, "sentence": stored(sentence)} for rule, sentence in cause.steps
                ],
            }
            for cause in item.causes
        ],
        "unseen": list(item.unseen),
    }


def _build(build: Build | None) -> dict[str, Any] | None:
    """One side; None when there is no such file or stage."""
    if build is None:
        return None
    error: DockerfileError | None = build.error
    return {
        "config": None if build.image is None else config_document(build.image.config),
        "error": None if error is None else error_document(error),
    }


def _run(change: RunChange) -> dict[str, Any]:
    return {
        "name": stored(change.run.name),
        "options": _options(change.run.options),
        "verdict": change.verdict,
        "old": _answer(change.old),
        "new": _answer(change.new),
        "assumptions": [stored(sentence) for sentence in change.assumptions],
    }


def _options(options: RunOptions) -> dict[str, Any]:
    entrypoint = options.entrypoint
    return {
        "args": template(options.args),
        "entrypoint": stored(entrypoint) if isinstance(entrypoint, str) else template(entrypoint),
        "init": options.init,
    }


def _answer(resolution: Resolution) -> dict[str, Any]:
    return {
        "argv": template(resolution.argv),
        "argv_template": template(resolution.words),
        "error": start_error_document(resolution.error),
    }
