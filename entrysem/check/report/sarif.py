"""SARIF 2.1.0, for code scanning and editors.

A result's `partialFingerprints` survive moved lines. Columns are characters (`unicodeCodePoints`), and
the end of a region is the column behind its last character. A fix is given as the replacements of
regions; one whose new text is no UTF-8 cannot be given at all. A file that the builder rejects is a
result; one that cannot be read is a notification, and the invocation is then not successful.

Source: OASIS SARIF 2.1.0, 3.14.17 (columnKind), 3.27.16 (partialFingerprints), 3.30 (region), 3.55 to
3.57 (fix, artifactChange, replacement); GitHub Docs, "SARIF support for code scanning".
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from entrysem.check.kinds import REJECTED, TEXTS, all_kinds, page
from entrysem.check.model import FileResult, Place, Problem, Rejection, fingerprint
from entrysem.errors import InputError, Span
from entrysem.findings.model import Edit, Fix, Kind
from entrysem.render.visible import visible

__all__ = ["SCHEMA", "render"]

#: The schema's name, which is also where it is.
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_ROOT = "%SRCROOT%"
#: The name under which the fingerprint is given; the number is that of the way it is made.
_PRINT = "entrysem/v1"


def render(results: Sequence[FileResult], code: int) -> str:
    """The log, with a line end."""
    from entrysem import __version__  # noqa: PLC0415

    kinds = list(all_kinds().values())
    numbers = {kind.id: number for number, kind in enumerate(kinds)}
    found, notifications = [], []
    for result in results:
        refused = result.rejection
        if refused is not None and refused.phase == "input":
            notifications.append(_notification(result.place, refused))
        elif refused is not None:
            mark = fingerprint(REJECTED, result.place.shown, refused.excerpt or refused.code, 0)
            text = refused.message + (f" ({refused.hint})" if refused.hint else "")
            found.append(
                _result(REJECTED, numbers, "error", text, result.place, refused.span, mark)
            )
        found += [_problem(each, numbers, result) for each in result.problems]
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "entrysem",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(kind) for kind in kinds],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    _ROOT: {"description": {"text": "The root of the repository."}}
                },
                "invocations": [
                    {
                        "executionSuccessful": not notifications,
                        "exitCode": code,
                        "toolExecutionNotifications": notifications,
                    }
                ],
                "results": found,
            }
        ],
    }
    return json.dumps(log, indent=1) + "\n"


def _rule(kind: Kind) -> dict[str, Any]:
    text = TEXTS.get(kind.id, f"{kind.title}.")
    rule: dict[str, Any] = {
        "id": kind.id,
        "name": "".join(part.capitalize() for part in kind.name.split("-")),
        "shortDescription": {"text": f"{kind.title}."},
        "fullDescription": {"text": text},
        "help": {"text": f"{text} `entrysem check --show {kind.id}` prints the page."},
        "defaultConfiguration": {"level": _LEVELS[kind.severity]},
    }
    with contextlib.suppress(InputError):  # without the pages the text has to do
        rule["help"]["markdown"] = page(kind)
    if kind.rules:
        rule["properties"] = {"tags": list(kind.rules)}
    return rule


def _problem(each: Problem, numbers: dict[str, int], result: FileResult) -> dict[str, Any]:
    made = _result(
        each.kind,
        numbers,
        _LEVELS[each.severity],
        each.message,
        result.place,
        each.span,
        each.fingerprint,
    )
    if each.fix is not None:
        fix = _fix(each.fix, result)
        if fix is not None:
            made["fixes"] = [fix]
    return made


def _result(
    kind: str,
    numbers: dict[str, int],
    level: str,
    text: str,
    place: Place,
    span: Span | None,
    mark: str,
) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": _artifact(place)}
    # GitHub shows a result only at a line.
    line, column, end_line, end_column = span or (1, 1, 1, 0)
    location["region"] = {"startLine": line, "endLine": end_line}
    if span is not None:
        location["region"].update(startColumn=column, endColumn=end_column + 1)
    return {
        "ruleId": kind,
        "ruleIndex": numbers[kind],
        "level": level,
        "message": {"text": visible(text)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {_PRINT: mark},
    }


def _artifact(place: Place) -> dict[str, str]:
    path = quote(place.shown.encode("utf-8", "surrogateescape"), safe="/")
    if place.shown.startswith("/"):
        return {"uri": f"file://{path}"}
    return {"uri": path, "uriBaseId": _ROOT}


def _notification(place: Place, refused: Rejection) -> dict[str, Any]:
    text = refused.message + (f" ({refused.hint})" if refused.hint else "")
    return {
        "level": "error",
        "message": {"text": visible(text)},
        "descriptor": {"id": refused.code},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(place)}}],
    }


def _fix(fix: Fix, result: FileResult) -> dict[str, Any] | None:
    assert result.text is not None
    try:
        replacements = [_replacement(edit, result.text) for edit in fix.edits]
    except UnicodeDecodeError:
        return None
    return {
        "description": {"text": visible(fix.sentence)},
        "artifactChanges": [
            {"artifactLocation": _artifact(result.place), "replacements": replacements}
        ],
    }


def _replacement(edit: Edit, source: bytes) -> dict[str, Any]:
    line, column = _position(source, edit.start)
    end_line, end_column = _position(source, edit.end)
    made: dict[str, Any] = {
        "deletedRegion": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        }
    }
    if edit.text:
        made["insertedContent"] = {"text": edit.text.decode()}
    return made


def _position(source: bytes, at: int) -> tuple[int, int]:
    """Line and column of a byte, from 1; a byte order mark is no character."""
    start = source.rfind(b"\n", 0, at) + 1
    text = source[start:at]
    if start == 0:
        text = text.removeprefix(b"\xef\xbb\xbf")
    return source.count(b"\n", 0, at) + 1, len(text.decode("utf-8", "surrogateescape")) + 1
