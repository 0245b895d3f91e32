"""Bytes and characters, as Go has them."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.dockerfile.text import SPACE, SPACE_CLASS, byte_length, decode, lower, stored


def test_space_is_go_s() -> None:
    """unicode.IsSpace: TAB, LF, VT, FF, CR, NEL and the separators of Unicode."""
    separators = {
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char) in ("Zs", "Zl", "Zp")
    }
    assert set(SPACE) == separators | set("\t\n\v\f\r\x85")
    assert set(re.findall(f"[{SPACE_CLASS}]", "".join(map(chr, range(0x3100))))) == set(SPACE)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "caf\udce9"),
        (b"\xed\xa0\xbd", "\udced\udca0\udcbd"),
        ("café", "café"),
        ("a\udce9", "a\udce9"),
        ("a\udcc3\udca9", "aé"),
        ("\ud83d", "\udced\udca0\udcbd"),
        ("\ud83d\ude00", "\udced\udca0\udcbd\udced\udcb8\udc80"),
    ],
)
def test_decode(source: str | bytes, expected: str) -> None:
    assert decode(source) == expected


@given(st.binary())
def test_decoding_loses_no_byte(data: bytes) -> None:
    text = decode(data)
    assert text.encode("utf-8", "surrogateescape") == data
    assert byte_length(text) == len(data)
    assert decode(text) == text


@given(st.text(alphabet=st.characters(categories=None)))
def test_any_text_can_be_written_to_a_file(text: str) -> None:
    assert byte_length(decode(text)) == len(decode(text).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "a"), ("é", "é"), ("a\udcff", "a\ufffd"), ("\udced\udca0\udcbd", "\ufffd\ufffd\ufffd")],
)
def test_stored(text: str, expected: str) -> None:
    assert stored(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    # Unicode's simple mappings, UnicodeData.txt: 0130 -> 0069, 212A -> 006B
    [("CMD", "cmd"), ("WOR\u212aD\u0130R", "workdir"), ("É", "é")],
)
def test_lower(text: str, expected: str) -> None:
    assert lower(text) == expected
