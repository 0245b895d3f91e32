"""Records -> counts. What is kept grows with the number of different images, not with that of files."""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

from entrysem.errors import InputError
from entrysem.scan.columns import records_of

__all__ = ["FORMS", "Summary", "summarise"]

Record = dict[str, Any]

#: How CMD and ENTRYPOINT are written in the target stage; None is not at all.
FORMS = ("exec", "shell", "bare", None)
#: More different values than this are not told apart, so that no corpus can fill the memory.
_MOST = 1_000_000
_OTHERS = "(others)"
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|a|z|k)?sh\Z")


class Spread(NamedTuple):
    """Of many numbers, in the unit they were counted in."""

    half: int
    most: int
    nearly_all: int
    largest: int


class Summary:
    """What was counted.

    Attributes:
        records: all of them, errors included.
        files: those that are answers.
        profiles: `builder, runtime` -> records.
        errors: (phase, code) -> records.
        forms: (ENTRYPOINT's form, CMD's form) -> files.
        answers: `known`, `unknown`, `nothing runs` -> files.
        programs: first word of a known argv -> files; that of the script where it is a shell's.
        origins: how the base's config is known -> files.
        bases: base image without its tag -> files.
        unknown_bases: the same, of those whose answer is not known.
        findings: kind -> files that have one.
        finding_total: kind -> findings.
        with_findings: files with at least one.
        looked: files where findings were looked for.
        several_cmd, several_entrypoint, multi_stage, not_utf8, assumed: files.
        sizes, micros: size of files and time taken, in steps of powers of two's quarters.
    """

    def __init__(self) -> None:
        self.records = self.files = 0
        self.profiles: Counter[str] = Counter()
        self.errors: Counter[tuple[str, str]] = Counter()
        self.forms: Counter[tuple[str | None, str | None]] = Counter()
        self.answers: Counter[str] = Counter()
        self.programs: Counter[str] = Counter()
        self.origins: Counter[str] = Counter()
        self.bases: Counter[str] = Counter()
        self.unknown_bases: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.finding_total: Counter[str] = Counter()
        self.with_findings = self.looked = 0
        self.several_cmd = self.several_entrypoint = 0
        self.multi_stage = self.not_utf8 = self.assumed = self.onbuild = self.with_shell = 0
        self.sizes: Counter[int] = Counter()
        self.micros: Counter[int] = Counter()

    def add(self, record: Record) -> None:
        """Counts one record.

        Raises:
            KeyError, TypeError, AttributeError: it is no record.
        """
        self.records += 1
        self.profiles[f"{record['builder']}, {record['runtime']}"] += 1
        if record["error_phase"] is not None:
            self.errors[record["error_phase"], record["error_code"]] += 1
            return
        self.files += 1
        self.forms[record["entrypoint_form"], record["cmd_form"]] += 1
        self.origins[record["base_origin"]] += 1
        base = _image_name(record["base"])
        _count(self.bases, base)
        self._answer(record, base)
        self.several_cmd += record["cmd_count"] > 1
        self.several_entrypoint += record["entrypoint_count"] > 1
        self.multi_stage += record["stages"] > 1
        self.not_utf8 += not record["utf8"]
        self.assumed += bool(record["assumptions"])
        self.onbuild += bool(record["onbuild"])
        self.with_shell += record["shell"] is not None
        self.sizes[_step(record["size"])] += 1
        if record["micros"] is not None:
            self.micros[_step(record["micros"] + (record["findings_micros"] or 0))] += 1
        kinds = record["findings"]
        if kinds is not None:
            self.looked += 1
            self.with_findings += bool(kinds)
            self.finding_total.update(kinds)
            self.findings.update(set(kinds))

    def _answer(self, record: Record, base: str) -> None:
        if record["argv"] is not None:
            self.answers["known"] += 1
            if record["effective"]:
                _count(self.programs, _program(record["effective"]))
        elif record["argv_template"] is not None:
            self.answers["unknown"] += 1
            _count(self.unknown_bases, base)
        else:
            self.answers["nothing runs"] += 1

    def document(self) -> dict[str, Any]:
        """The counts in the shape of `spec/schema/scan-summary.schema.json`."""
        return {
            "schema_version": 1,
            "records": self.records,
            "files": self.files,
            "profiles": _document(self.profiles),
            "errors": [
                {"phase": phase, "code": code, "count": count}
                for (phase, code), count in _sorted(self.errors)
            ],
            "forms": [
                {"entrypoint": entrypoint, "cmd": cmd, "count": count}
                for (entrypoint, cmd), count in _sorted(self.forms)
            ],
            "answers": _document(self.answers),
            "programs": _document(self.programs),
            "base_origins": _document(self.origins),
            "bases": _document(self.bases),
            "unknown_bases": _document(self.unknown_bases),
            "findings_looked_for": self.looked,
            "files_with_findings": self.with_findings,
            "findings": [
                {"kind": kind, "files": files, "findings": self.finding_total[kind]}
                for kind, files in _sorted(self.findings)
            ],
            "several_cmd": self.several_cmd,
            "several_entrypoint": self.several_entrypoint,
            "multi_stage": self.multi_stage,
            "with_shell": self.with_shell,
            "with_onbuild": self.onbuild,
            "not_utf8": self.not_utf8,
            "with_assumptions": self.assumed,
            "bytes": _spread_document(self.sizes),
            "micros": _spread_document(self.micros),
        }


def summarise(names: Iterable[str]) -> Summary:
    """Counts the records in these files: NDJSON, also compressed with gzip, or Parquet; `-` is NDJSON.

    A last line without its end is what a killed scan had half written, and is left out.

    Raises:
        InputError: `unreadable`, a file cannot be read; `no-records`, it holds something else.
    """
    summary = Summary()
    for name in names:
        number = 0
        try:
            for record in _records(name):
                number += 1
                summary.add(record)
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                "no-records",
                f"near record {max(number, 1)} is something that `entrysem scan` does not write",
                where=name,
                hint="name the file that --output made",
            ) from None
        except (OSError, EOFError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            raise InputError("unreadable", f"cannot be read: {reason}", where=name) from None
    return summary


def _records(name: str) -> Iterator[Record]:
    if name.lower().endswith((".parquet", ".pq")):
        yield from records_of(name)
    elif name == "-":
        yield from _lines(sys.stdin.buffer)
    else:
        opener: Any = gzip.open if name.lower().endswith(".gz") else open
        with opener(name, "rb") as file:
            yield from _lines(file)


def _lines(file: IO[bytes]) -> Iterator[Record]:
    for line in file:
        if line.endswith(b"\n"):
            yield json.loads(line)


def _count(counter: Counter[str], key: str) -> None:
    if key not in counter and len(counter) >= _MOST:
        key = _OTHERS
    counter[key] += 1


def _image_name(image: str) -> str:
    """Without digest and tag; a colon before a slash is a port."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _program(argv: list[str]) -> str:
    """The program that the words are about: the script's first word where a shell runs one."""
    name = argv[0]
    if len(argv) > 2 and argv[1] == "-c" and _SHELL.match(name):
        words = argv[2].split()
        if words[:1] == ["exec"]:
            del words[0]
        name = f"sh -c {words[0]}" if words else "sh -c"
    return name.rpartition("/")[2] if not name.startswith("sh -c ") else name


def _step(number: int) -> int:
    """The number, rounded up to two binary digits and a half: at most a quarter too high."""
    if number < 8:
        return number
    shift = number.bit_length() - 3
    return -(-number >> shift) << shift


def spread(steps: Counter[int]) -> Spread | None:
    """Half of the numbers, 95 and 99 of 100 of them, and all, are at most so large; None without any."""
    total = steps.total()
    if not total:
        return None
    found = []
    for share in (0.5, 0.95, 0.99, 1.0):
        seen = 0
        for step in sorted(steps):
            seen += steps[step]
            if seen >= share * total:
                found.append(step)
                break
    return Spread(*found)


def _spread_document(steps: Counter[int]) -> dict[str, int] | None:
    found = spread(steps)
    if found is None:
        return None
    return dict(zip(("p50", "p95", "p99", "max"), found, strict=True))


def _sorted(counter: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], str(item[0])))


def _document(counter: Counter[str]) -> dict[str, int]:
    return dict(_sorted(counter))
