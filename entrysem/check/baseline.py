"""What was known before: the fingerprints in a JSON report of an earlier run.

With a baseline, `check` can be required of a repository that has findings already: only new ones count.
An expectation that does not hold is never known before.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from entrysem.errors import InputError

__all__ = ["read_baseline"]

_LARGEST = 256 * 1024 * 1024


def read_baseline(path: str) -> frozenset[str]:
    """The fingerprints of all findings in the report.

    Raises:
        InputError: `unreadable`; `bad-baseline`, it is no report of `entrysem check --format json`.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError("unreadable", f"cannot be read: {reason}", where=path) from None
    try:
        document: Any = json.loads(data) if len(data) <= _LARGEST else None
        assert document["schema_version"] == 1
        return frozenset(
            str(problem["fingerprint"])
            for file in document["files"]
            for problem in file["findings"]
        )
    except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
        raise InputError(
            "bad-baseline",
            "this is no report of `entrysem check --format json`",
            where=path,
            hint=f"entrysem check --format json --no-fail --output {path}",
        ) from None
