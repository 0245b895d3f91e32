"""Versions and ranges, by the sentences of `entrysem.versions`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.errors import InputError
from entrysem.versions import in_range, parse_version

NEWEST = 10**9
numbers = st.lists(st.integers(0, 99), min_size=1, max_size=4)


class TestParseVersion:
    """Any dotted number with any tail is a version."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("0.13", (0, 13, NEWEST, NEWEST)),
            ("v0.8.4-0.20221020", (0, 8, 4, NEWEST)),
            ("20.10.24+dfsg1", (20, 10, 24, NEWEST)),
            ("28", (28, NEWEST, NEWEST, NEWEST)),
            ("1.2.3.4", (1, 2, 3, 4)),
            ("1.0.0~rc1", (1, 0, 0, NEWEST)),
            ("1.2.3.4.5", (1, 2, 3, 4)),
        ],
    )
    def test_is_a_version(self, text: str, expected: tuple[int, ...]) -> None:
        assert parse_version(text) == expected

    @pytest.mark.parametrize("text", ["", "x", "1x", ".1", "v", " 1", "1 ", "-1", "1" * 10])
    def test_is_none(self, text: str) -> None:
        with pytest.raises(InputError) as caught:
            parse_version(text)
        assert (caught.value.code, caught.value.where) == ("bad-version", "profile")
        assert caught.value.hint


class TestInRange:
    """A range is a comma-separated list of `<X` and `>=X`; the empty range is all."""

    @pytest.mark.parametrize(
        ("version", "range_text", "expected"),
        [
            ("27", ">=27.1", True),
            ("0.15", ">=0.15", True),
            ("0.14", ">=0.15", False),
            ("0.14.9", "<0.15", True),
            ("0.15", "<0.15", False),
            ("0.15.0", "<0.15.1", True),
            ("0.9", "<0.10", True),
            ("1", "", True),
            ("0.14", ">=0.13,<0.16", True),
            ("0.16", ">=0.13,<0.16", False),
            ("0.12.5", ">=0.13,<0.16", False),
        ],
    )
    def test_boundaries(self, version: str, range_text: str, expected: bool) -> None:
        assert in_range(parse_version(version), range_text) is expected

    @given(numbers, numbers)
    def test_below_and_from_divide_all_versions(self, version: list[int], bound: list[int]) -> None:
        """Every version is in exactly one of `<X` and `>=X`."""
        parsed = parse_version(".".join(map(str, version)))
        limit = ".".join(map(str, bound))
        assert in_range(parsed, f"<{limit}") != in_range(parsed, f">={limit}")

    @given(numbers, numbers)
    def test_a_shorter_version_is_the_newest_of_its_series(
        self, series: list[int], tail: list[int]
    ) -> None:
        """One that is shorter than another names the newest of its series."""
        longer = [*series, *tail][:4]
        assert parse_version(".".join(map(str, series))) >= parse_version(
            ".".join(map(str, longer))
        )
