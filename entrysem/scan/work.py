"""A batch of items -> the finished lines of their records. This is what runs in another process."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from typing import NamedTuple

from entrysem import __version__
from entrysem.errors import InputError
from entrysem.scan.items import Failed, Item, opened
from entrysem.scan.record import failure, scanner
from entrysem.scan.settings import Settings

__all__ = ["Done", "as_line", "scan_batch", "settle"]

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
#: Objects between two garbage collections. What is left of a rejected file is a circle of some thirty
#: objects and the file's text; everything else dies by its reference count.
_COLLECT_AFTER = 10_000


class Done(NamedTuple):
    """What came of a batch.

    Attributes:
        lines: a line of JSON for each item, in order, line ends included.
        records: how many.
        errors: how many of them are error records.
        broken: how many of these say that a whole source could not be read on.
    """

    lines: bytes
    records: int
    errors: int
    broken: int


def settle() -> None:
    """Prepares a process that will do nothing but this."""
    gc.set_threshold(_COLLECT_AFTER)
    gc.collect()
    gc.freeze()


def scan_batch(items: Sequence[Item], settings: Settings, version: str = __version__) -> Done:
    """The records of these items.

    Raises:
        InputError: `version-differs`, the caller runs another release of entrysem; and for the settings,
            as `scan_one`.
    """
    if version != __version__:
        raise InputError(
            "version-differs",
            f"the caller is entrysem {version}, and here is {__version__}",
            where="a worker",
            hint="install the same release on every machine",
        )
    scan = scanner(settings)
    lines: list[str] = []
    errors = broken = 0
    for item in items:
        identity, data = opened(item, settings)
        if isinstance(data, Failed):
            record = failure(identity, *data, settings=settings)
            broken += data.phase == "source"
        else:
            record = scan(data, identity)
        errors += record["error_phase"] is not None
        lines.append(_encode(record))
    lines.append("")
    return Done("\n".join(lines).encode("ascii"), len(items), errors, broken)


def as_line(identity: str, problem: Failed, settings: Settings) -> Done:
    """What came of one item that nobody could work on."""
    line = _encode(failure(identity, *problem, settings=settings)) + "\n"
    return Done(line.encode("ascii"), 1, 1, 0)
