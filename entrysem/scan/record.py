"""One Dockerfile -> one flat record.

A record has the same columns for every file, and each column one type (`COLUMNS`), so that records can be
lines of JSON and rows of Parquet alike. What is not there is null: a list that is empty and a list that is
not known are different values. The only nested thing, an argv with holes, is JSON text.

A file that nobody could read, that the builder rejects, or that breaks entrysem itself, has a record too,
with `error_phase` and its kin. See `docs/scan.md` for what each column says.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from time import perf_counter_ns
from typing import Any

from entrysem.bases.catalogue import Catalogue
from entrysem.bases.lookup import chain, given
from entrysem.build import BaseLookup, Built
from entrysem.dockerfile.text import stored
from entrysem.errors import DockerfileError, EntrysemError
from entrysem.model import is_known
from entrysem.profiles import Profile
from entrysem.render.documents import template
from entrysem.resolve import Resolution, build_image
from entrysem.scan.settings import Settings

__all__ = ["COLUMNS", "PHASES", "failure", "identity_text", "scan_one"]

Record = dict[str, Any]

#: Column -> its type, in the order of a record.
COLUMNS: dict[str, str] = {
    "id": "string",
    "sha256": "string",
    "size": "integer",
    "utf8": "boolean",
    "builder": "string",
    "runtime": "string",
    "stages": "integer",
    "base": "string",
    "base_origin": "string",
    "cmd_form": "string",
    "cmd_count": "integer",
    "entrypoint_form": "string",
    "entrypoint_count": "integer",
    "shell": "strings",
    "onbuild": "strings",
    "argv": "strings",
    "argv_template": "string",
    "effective": "strings",
    "unknown": "strings",
    "assumptions": "strings",
    "start_error": "string",
    "findings": "strings",
    "finding_lines": "integers",
    "error_phase": "string",
    "error_code": "string",
    "error_message": "string",
    "error_line": "integer",
    "error_rule": "string",
    "micros": "integer",
    "findings_micros": "integer",
}

#: Where it went wrong: a whole source could not be read on; one file of it could not be read; the builder
#: rejects the text; the builder rejects what the text asks for; entrysem itself broke.
PHASES = ("source", "input", "parse", "build", "internal")

_EMPTY: Record = dict.fromkeys(COLUMNS)
_DEFAULT = Settings()
#: A message may quote a line of any length.
_MAX_MESSAGE = 500


def scan_one(data: bytes, identity: str, settings: Settings = _DEFAULT) -> Record:
    """What there is to know about one Dockerfile.

    Args:
        data: the file. It need not be UTF-8, nor a Dockerfile.
        identity: what the record is called: a path, a number.
        settings: what is asked.

    Returns:
        a record with the keys of `COLUMNS`, in the shape of `spec/schema/scan-record.schema.json`. A file
        that is rejected gives a record with `error_phase`; so does one larger than `settings.max_bytes`.

    Raises:
        InputError: the settings name an unknown builder, runtime or version, or bases that contradict.
    """
    return _scanner(settings).scan(data, identity)


def failure(
    identity: str, phase: str, code: str, message: str, settings: Settings = _DEFAULT
) -> Record:
    """The record of something that could not be read."""
    record = _EMPTY.copy()
    record["id"] = identity_text(identity)
    profile = _scanner(settings).names
    record["builder"], record["runtime"] = profile
    record["error_phase"], record["error_code"] = phase, code
    record["error_message"] = _short(message)
    return record


def identity_text(identity: str) -> str:
    """`identity` as text that every encoding can hold: a byte that is not UTF-8 is written `\\xff`."""
    if identity.isascii():
        return identity
    data = identity.encode("utf-8", "surrogateescape" if _has_bytes(identity) else "surrogatepass")
    return data.decode("utf-8", "backslashreplace")


def _has_bytes(text: str) -> bool:
    """Whether its lone surrogates, if any, all stand for bytes of a file name."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


class _Scanner:
    """Settings made ready: what does not change from file to file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.profile = Profile.parse(settings.builder, settings.runtime)
        self.names = (str(self.profile.builder), str(self.profile.runtime))
        self.build_args = dict(settings.build_args)
        # Corpora name the same few thousand images again and again.
        self.bases: BaseLookup = lru_cache(maxsize=16_384)(_bases(settings))
        self.find: Any = None
        if settings.findings:
            from entrysem.findings import find  # noqa: PLC0415 - a scan can do without

            self.find = find

    def scan(self, data: bytes, identity: str) -> Record:
        record = _EMPTY.copy()
        record["id"] = identity_text(identity)
        record["size"] = len(data)
        record["builder"], record["runtime"] = self.names
        if len(data) > self.settings.max_bytes:
            record["error_phase"], record["error_code"] = "input", "too-large"
            record["error_message"] = f"larger than {self.settings.max_bytes} bytes"
            return record
        record["sha256"] = hashlib.sha256(data).hexdigest()
        record["utf8"] = _is_utf8(data)
        started = perf_counter_ns()
        try:
            self._fill(record, data, started)
        except DockerfileError as error:
            _reject(record, error)
        except EntrysemError as error:
            record["error_phase"], record["error_code"] = "input", error.code
            record["error_message"] = _short(error.message)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not end a scan of millions
            record["error_phase"], record["error_code"] = "internal", "defect"
            record["error_message"] = _short(f"{type(error).__name__}: {error}")
        if record["error_phase"] is not None and self.settings.timings:
            record["micros"] = (perf_counter_ns() - started) // 1000
        return record

    def _fill(self, record: Record, data: bytes, started: int) -> None:
        image = build_image(
            data,
            profile=self.profile,
            target=self.settings.target,
            build_args=self.build_args,
            bases=self.bases,
            platform=self.settings.platform,
        )
        _answer(record, image.run())
        assert image.built is not None
        assert image.dockerfile is not None
        _source(record, image.built)
        record["stages"] = len(image.dockerfile.stages)
        resolved = perf_counter_ns()
        if self.find is not None:
            found = self.find(
                image.dockerfile,
                profile=self.profile,
                target=self.settings.target,
                build_args=self.build_args,
                bases=self.bases,
                platform=self.settings.platform,
            )
            record["findings"] = [finding.kind for finding in found]
            record["finding_lines"] = [
                None if finding.span is None else finding.span.line for finding in found
            ]
        if self.settings.timings:
            record["micros"] = (resolved - started) // 1000
            if self.find is not None:
                record["findings_micros"] = (perf_counter_ns() - resolved) // 1000


@lru_cache(maxsize=8)
def _scanner(settings: Settings) -> _Scanner:
    return _Scanner(settings)


def _bases(settings: Settings) -> BaseLookup:
    lookups: list[BaseLookup] = []
    if settings.bases:
        lookups.append(given(dict(settings.bases)))
    if settings.catalogue:
        lookups.append(Catalogue.load().lookup)
    return chain(*lookups)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _answer(record: Record, resolution: Resolution) -> None:
    words = resolution.words
    if words is not None and not is_known(words):
        record["argv_template"] = json.dumps(template(words))
        record["unknown"] = list(dict.fromkeys(part.key for part in resolution.unknown))
    else:
        record["argv"] = template(words)
        record["effective"] = template(resolution.effective)
        record["unknown"] = []
    record["assumptions"] = [stored(sentence) for sentence in resolution.assumptions]
    if resolution.error is not None:
        record["start_error"] = resolution.error.code


def _source(record: Record, built: Built) -> None:
    """What stands in the file: the base, and how the target stage writes its process down."""
    base = built.base
    record["base"] = "scratch" if base is None else stored(base)
    record["base_origin"] = "scratch" if base is None else built.origin
    cmds = entrypoints = 0
    for instruction in built.stage.config:
        keyword = instruction.keyword
        if keyword == "cmd":
            cmds += 1
            record["cmd_form"] = instruction.form or "bare"
        elif keyword == "entrypoint":
            entrypoints += 1
            record["entrypoint_form"] = instruction.form or "bare"
    record["cmd_count"], record["entrypoint_count"] = cmds, entrypoints
    shell = built.config.shell
    record["shell"] = template(shell) if is_known(shell) else None
    record["onbuild"] = [stored(trigger) for trigger in built.config.onbuild]


def _reject(record: Record, error: DockerfileError) -> None:
    record["error_phase"], record["error_code"] = error.phase, error.code
    record["error_message"] = _short(error.message)
    record["error_line"] = error.line
    record["error_rule"] = error.rule


def _short(message: str) -> str:
    text = stored(message)
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"
