"""What a plain YAML scalar means to the Go programs whose files are read here.

`yaml` has the table of what differs. yaml.v3 is called `core`, yaml.v2 under sigs.k8s.io/yaml `yaml-1.1`;
neither is the specification of its name.

Source: go-yaml/yaml v3.0.1 resolve.go (resolve, parseTimestamp); yaml/go-yaml v2.4.4 resolve.go, and
decode.go (a timestamp that is decoded into any value stays text).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Literal

from entrysem.late import late

__all__ = ["Dialect", "Scalar", "Timestamp", "resolved"]

Dialect = Literal["core", "yaml-1.1"]


class Timestamp(str):
    """The text of a scalar that yaml.v3 reads as a point in time, not as text."""

    __slots__ = ()


Scalar = str | int | float | bool | None


def _spelled(value: Scalar, words: str) -> dict[str, Scalar]:
    """Each word in small letters, capitalised, and in capitals."""
    return {
        form: value for word in words.split() for form in (word, word.capitalize(), word.upper())
    }


_WORDS: Mapping[str, Scalar] = {
    "": None,
    "~": None,
    **_spelled(None, "null"),
    **_spelled(True, "true"),
    **_spelled(False, "false"),
    **{sign + name: math.inf for sign in ("", "+") for name in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_WORDS_11: Mapping[str, Scalar] = {
    **_WORDS,
    **_spelled(True, "y yes on"),
    **_spelled(False, "n no off"),
}
_FLOAT = late(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INT = late(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_DATE = late(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]| (?!.*(?:Z|[-+][0-9:]+)\Z))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?"
    r"(?P<zone>Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
#: No 64-bit number in any base is longer; Python's own limit must not be met.
_LONGEST_INT = 70


def resolved(text: str, dialect: Dialect) -> Scalar:
    """What a plain scalar means: None, a boolean, a number, a `Timestamp`, or the text itself."""
    words = _WORDS if dialect == "core" else _WORDS_11
    if text in words:
        return words[text]
    first = text[0]
    if first == ".":
        return _float(text) if _FLOAT.fullmatch(text) else text
    if first not in "0123456789+-":
        return text
    if _is_date(text):
        return Timestamp(text) if dialect == "core" else text
    digits = text.replace("_", "")
    match = _INT.fullmatch(digits) if len(digits) <= _LONGEST_INT else None
    if match is not None:
        number = _int(match)
        if number is not None:
            return number
    return _float(digits, text) if _FLOAT.fullmatch(digits) else text


def _int(match: re.Match[str]) -> int | None:
    """A number that fits 64 bits, with a sign or without; None for another."""
    sign, *groups = match.groups()
    for group, base in zip(groups, (16, 2, 8, 10), strict=True):
        if group is not None:
            number = int(group, base)
            if sign == "-" and number <= 2**63:
                return -number
            if number < (2**63 if sign else 2**64):
                return number
    return None


def _float(digits: str, text: str = "") -> Scalar:
    """Go's ParseFloat refuses what is out of range, which leaves the text."""
    number = float(digits)
    return (text or digits) if math.isinf(number) else number


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second, zone = match.groups()
    if hour is not None and ("T" in text or "t" in text) != (zone is not None):
        return False
    try:
        # 2000 for the year 0, which Go has: a leap year as well.
        dt.date(int(year) or 2000, int(month), int(day))
    except ValueError:
        return False
    return int(hour or 0) < 24 and int(minute or 0) < 60 and int(second or 0) < 60
