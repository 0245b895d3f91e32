"""Version strings and ranges, as engines write them.

Any dotted number with any tail is a version: `0.13`, `v0.8.4-0.20221020`, `20.10.24+dfsg1`. One that
is shorter than another names the newest of its series, so `27` satisfies `>=27.1` and `0.15`
satisfies `>=0.15`. A range is a comma-separated list of `<X` and `>=X`; the empty range is all.
"""

from __future__ import annotations

from entrysem.errors import InputError
from entrysem.late import late

__all__ = ["in_range", "parse_version"]

_VERSION = late(r"v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,3})(?:[-+~.].*)?\Z")
_NEWEST = 10**9


def parse_version(text: str) -> tuple[int, ...]:
    """Four numbers to compare; parts that are not given are the newest.

    Raises:
        InputError: not a version.
    """
    match = _VERSION.match(text)
    if not match:
        raise InputError(
            "bad-version",
            f"{text!r} is not a version",
            where="profile",
            hint="write numbers and dots, such as 0.13 or 28.5.2",
        )
    parts = [int(part) for part in match.group(1).split(".")]
    return tuple(parts + [_NEWEST] * (4 - len(parts)))


def in_range(version: tuple[int, ...], range_text: str) -> bool:
    """Whether `version` (from `parse_version`) lies in the range."""
    for clause in filter(None, range_text.split(",")):
        operator, bound = (">=", clause[2:]) if clause.startswith(">=") else ("<", clause[1:])
        parts = [int(part) for part in bound.split(".")]
        limit = tuple(parts + [0] * (4 - len(parts)))
        if (version >= limit) != (operator == ">="):
            return False
    return True
