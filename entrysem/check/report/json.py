"""For programs: the document of `spec/schema/check.schema.json`, also read back as a baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from entrysem.check.model import FileResult, Problem, Rejection, Totals
from entrysem.dockerfile.text import stored
from entrysem.errors import Span
from entrysem.findings.model import Fix
from entrysem.model import Words, is_known
from entrysem.render.documents import template

__all__ = ["render"]

_VERSION = 1


def render(results: Sequence[FileResult], code: int) -> str:
    """The document, with a line end."""
    from entrysem import __version__  # noqa: PLC0415

    document = {
        "schema_version": _VERSION,
        "entrysem": __version__,
        "exit_code": code,
        "totals": Totals.of(results)._asdict(),
        "files": [_file(result) for result in results],
    }
    return json.dumps(document, indent=2) + "\n"


def _file(result: FileResult) -> dict[str, Any]:
    return {
        "file": stored(result.place.name),
        "path": stored(result.place.shown),
        "findings": [_finding(each) for each in result.problems],
        "error": _error(result.rejection) if result.rejection is not None else None,
        "ignored": [
            {**each._asdict(), "reason": stored(each.reason) or None} for each in result.ignored
        ],
        "known": result.known,
        "expectations": {
            "kept": result.kept,
            "unmet": sum(each.expected is not None for each in result.problems),
            "unknown": result.unknown,
        },
        "fixed": [{**each._asdict(), "sentence": stored(each.sentence)} for each in result.mended],
    }


def _finding(each: Problem) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "name": each.title,
        "severity": each.severity,
        "message": stored(each.message),
        **_place(each.span),
        "stage": each.stage,
        "fingerprint": each.fingerprint,
        **_argv("argv", each.argv),
        "expected": None if each.expected is None else stored(each.expected),
        "observed": None if each.observed is None else stored(each.observed),
        "fix": None if each.fix is None else _fix(each.fix, each.fixed_argv),
    }


def _argv(name: str, words: Words) -> dict[str, Any]:
    """The words, null when not all are known; and the template."""
    return {name: template(words) if is_known(words) else None, f"{name}_template": template(words)}


def _fix(fix: Fix, fixed: Words) -> dict[str, Any]:
    return {
        "sentence": stored(fix.sentence),
        "changes_argv": fix.changes_argv,
        **_argv("argv", fixed),
        "edits": [
            {"start": edit.start, "end": edit.end, "text": edit.text.decode("utf-8", "replace")}
            for edit in fix.edits
        ],
    }


def _place(span: Span | None) -> dict[str, int | None]:
    line, column, end_line, end_column = span or (None, None, None, None)
    return {"line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _error(rejection: Rejection) -> dict[str, Any]:
    span = rejection.span
    return {
        "phase": rejection.phase,
        "code": rejection.code,
        "message": stored(rejection.message),
        "line": span.line if span else None,
        "column": span.column if span else None,
        "rule": rejection.rule,
        "hint": stored(rejection.hint) if rejection.hint else None,
    }
