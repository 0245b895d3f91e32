"""`visible`: no character of the input acts on a terminal or a reader, and nothing else changes."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.model import Inherited
from entrysem.render.visible import markers, shown_words, visible
from tests.cli.running import assert_harmless


def test_every_character_is_either_harmless_or_escaped() -> None:
    """Cc, Cf, Cs, Zl and Zp are escaped, but for signs that are part of a script's writing."""
    whole = "".join(map(chr, range(sys.maxunicode + 1)))
    assert_harmless(visible(whole))


def test_what_is_harmless_stays() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char)[0] in "LMNPS" or char in (" ", "\u00a0", "\u3000"):
            assert visible(char) == char


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a\\nb", "a\\nb"),
        ("\n\t\r\x1b", "\\n\\t\\r\\x1b"),
        ("\x00\x07\x7f\x85\x9b", "\\x00\\x07\\x7f\\x85\\x9b"),
        ("\u202e\u2066\u200b\ufeff", "\\u202e\\u2066\\u200b\\ufeff"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\xff"),  # a byte that is not UTF-8
        ("\ud800", "\\ud800"),
        ("é漢😀", "é漢😀"),
    ],
)
def test_spelling(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_visible_text_can_be_printed_and_shown_again(text: str) -> None:
    shown = visible(text)
    assert_harmless(shown)
    assert shown.encode().decode() == shown
    assert visible(shown) == shown


@given(st.none() | st.lists(st.text()))
def test_words_are_shown_as_json(words: list[str] | None) -> None:
    shown = shown_words(words)
    assert_harmless(shown)
    if words is None or all(word.isprintable() for word in words):
        assert json.loads(shown) == words


def test_unknown_words_are_no_json() -> None:
    words = ("a", Inherited("Cmd", "x\x1b"), "b")
    assert shown_words(words) == '["a", <Cmd of x\\x1b>, "b"]'
    assert shown_words(()) == "[]"


@given(st.text(min_size=1), st.data())
def test_marker_stands_under_what_it_marks(line: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(line)))
    end = data.draw(st.integers(column, len(line)))
    text, under = markers(line, column, end)
    assert text == visible(line)
    start = under.index("^")
    assert under == " " * start + "^" + "~" * (len(under) - start - 1)
    assert text[start : len(under)] == visible(line[column - 1 : end])


def test_marker_behind_the_end_of_the_line() -> None:
    assert markers("CMD", 4, 4) == ("CMD ", "   ^")
