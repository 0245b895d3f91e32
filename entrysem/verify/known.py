"""The file of known differences: what a user expects of an engine of their own.

A builder that is not in the vectors, or a patched one, differs somewhere on purpose. `--known FILE`
records that with the exact value, as the vectors do: then it is DEVIATES and not FAIL, and STALE as
soon as the difference is gone. The shape is `spec/schema/known.schema.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from entrysem.errors import InputError
from entrysem.verify.protocol import Implementation
from entrysem.verify.values import BuildValue, RunValue, StartFailure, Value
from entrysem.verify.wire import WireError, config_from_wire, words_from_wire
from entrysem.versions import in_range, parse_version

__all__ = ["Known", "read_known", "recorded_by"]

_BOUND = r"(?:>=|<)[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}"
_RANGE = re.compile(rf"(?:{_BOUND}(?:,{_BOUND})*)?\Z")
_KEYS = {"id", "case", "rule", "part", "engine", "versions", "observed", "url", "note"}


@dataclass(frozen=True, slots=True)
class Known:
    """One known difference.

    Attributes:
        id: names it in reports.
        case: glob over case ids; `*` when `rule` is given alone.
        rule: id of a rule that the case is about, or empty for any.
        part: glob over the ids of parts (`CASE`, `CASE/RUN`), or empty for all that the kind of
            value fits.
        engine: glob over the implementation's name, and over the names it has as builder or runtime.
        versions: range of the implementation's version; empty for all.
        observed: the exact value.
        url: where it is reported or explained; may be empty.
    """

    id: str
    case: str
    rule: str
    part: str
    engine: str
    versions: str
    observed: Value
    url: str


def read_known(path: Path) -> tuple[Known, ...]:
    """Reads the file.

    Raises:
        InputError: it cannot be read or has another shape; where and why.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"is no JSON: {error}") from None
    entries = document.get("known") if isinstance(document, dict) else None
    if not isinstance(entries, list) or set(document) != {"known"}:
        raise _bad(path, 'is no object {"known": [...]}')
    found: dict[str, Known] = {}
    for number, entry in enumerate(entries):
        known = _known(path, entry, f"known[{number}]")
        if known.id in found:
            raise _bad(path, f"known[{number}].id: {known.id!r} stands twice")
        found[known.id] = known
    return tuple(found.values())


def _known(path: Path, entry: object, where: str) -> Known:
    if not isinstance(entry, dict):
        raise _bad(path, f"{where} is no object")
    for key, value in entry.items():
        if key not in _KEYS:
            raise _bad(path, f"{where}.{key}: not known here; known: {', '.join(sorted(_KEYS))}")
        if key != "observed" and not isinstance(value, str):
            raise _bad(path, f"{where}.{key}: {value!r:.100} is no string")
    for key in ("id", "engine", "observed"):
        if not entry.get(key):
            raise _bad(path, f"{where}.{key}: missing")
    if not entry.get("case") and not entry.get("rule"):
        raise _bad(path, f"{where}: needs case or rule, to say what it is about")
    versions = entry.get("versions", "")
    if not _RANGE.match(versions):
        raise _bad(path, f"{where}.versions: {versions!r} is no range such as >=1.2,<2")
    return Known(
        entry["id"],
        entry.get("case") or "*",
        entry.get("rule", ""),
        entry.get("part", ""),
        entry["engine"],
        versions,
        _value(path, entry["observed"], f"{where}.observed"),
        entry.get("url", ""),
    )


def _value(path: Path, value: Any, where: str) -> Value:
    """The journal's `value`, so that one can copy it from there; messages are ignored."""
    try:
        if isinstance(value, dict):
            keys = set(value) - {"message"}
            if keys == {"config"}:
                return BuildValue("built", config_from_wire(value["config"], f"{where}.config"))
            if keys == {"rejected"} and value["rejected"] is True:
                return BuildValue("rejected")
            if keys == {"asks_for_image"} and value["asks_for_image"] is True:
                return BuildValue("missing-image")
            if "argv" in keys and keys <= {"argv", "error"}:
                argv = words_from_wire(value["argv"], f"{where}.argv")
                return RunValue(argv, *_error(path, value, where))
    except WireError as error:
        raise _bad(path, str(error)) from None
    raise _bad(
        path,
        f"{where}: is none of config, rejected, asks_for_image, argv with error; copy the value that "
        "the journal has under observed",
    )


def _error(path: Path, value: Mapping[str, Any], where: str) -> tuple[StartFailure | None, bool]:
    error = value.get("error")
    if error is None:
        return None, "error" in value
    phase = error.get("phase") if isinstance(error, dict) else None
    if phase not in ("create", "start"):
        raise _bad(path, f"{where}.error.phase: is none of create, start")
    code = error.get("code")
    if code is not None and not isinstance(code, str):
        raise _bad(path, f"{where}.error.code: is neither a string nor null")
    return StartFailure(phase, code), True


def _bad(path: Path, why: str) -> InputError:
    return InputError(
        "bad-known",
        why,
        where=str(path),
        hint="the shape is printed by `entrysem verify --schema known`",
    )


def recorded_by(
    known: Sequence[Known], implementation: Implementation, case: Mapping[str, Any], part: str
) -> Known | None:
    """The first known difference of this engine that is about this part of the case."""
    for entry in known:
        if (
            fnmatchcase(case["id"], entry.case)
            and (not entry.rule or any(fnmatchcase(rule, entry.rule) for rule in case["rules"]))
            and _fits(entry, part)
            and is_about(entry, implementation)
        ):
            return entry
    return None


def _fits(entry: Known, part: str) -> bool:
    if entry.part:
        return fnmatchcase(part, entry.part)
    return isinstance(entry.observed, RunValue) == ("/" in part)


def is_about(entry: Known, implementation: Implementation) -> bool:
    """Whether the entry names this engine, at this version."""
    names = {
        text.partition("@")[0]
        for text in (implementation.name, implementation.builder, implementation.runtime)
        if text
    }
    if not any(fnmatchcase(name, entry.engine) for name in names):
        return False
    if not entry.versions:
        return True
    try:
        return in_range(parse_version(implementation.version), entry.versions)
    except InputError:
        return False  # it does not say which version it is
