"""FORM-08 to FORM-12: what is exec form, by the rules of Go's encoding/json."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entrysem.dockerfile.execform import ExecArray, NotExec, NotStrings, Reason, read_array
from tests.strategies import array_texts, spelled_arrays, strict_json


def items(text: str) -> tuple[str, ...] | None:
    found = read_array(text, "shell-form")
    return found.items if isinstance(found, ExecArray) else None


class TestArray:
    """The arguments MUST be exec form when they are a JSON array whose elements are all strings."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        # moby/buildkit frontend/dockerfile/parser/json_test.go (validJSONArraysOfStrings)
        [
            ("[]", ()),
            ('[""]', ("",)),
            ('["a"]', ("a",)),
            ('["a","b"]', ("a", "b")),
            ('[ "a", "b" ]', ("a", "b")),
            ('[\t"a",\t"b"\t]', ("a", "b")),
            (
                r'["abc 123", "♥", "☃", "\" \\ \/ \b \f \n \r \t \u0000"]',
                ("abc 123", "♥", "☃", '" \\ / \b \f \n \r \t \0'),
            ),
            ("[ \t]", ()),
            ("[\n\r]", ()),
            ('["a"] \t\r\n', ("a",)),
            ('["\x7f\u2028"]', ("\x7f\u2028",)),
        ],
    )
    def test_is_exec_form(self, text: str, expected: tuple[str, ...]) -> None:
        assert items(text) == expected

    @given(spelled_arrays())
    def test_any_spelling_of_strings(self, case: tuple[str, list[str]]) -> None:
        text, expected = case
        assert items(text) == tuple(expected)

    @given(array_texts)
    def test_agrees_with_a_strict_json_decoder(self, text: str) -> None:
        """Exec form exactly when the text is JSON (RFC 8259) and its elements are strings."""
        found = read_array(text, "shell-form")
        try:
            value = strict_json(text)
        except (ValueError, RecursionError):
            assert isinstance(found, NotExec)
            return
        if isinstance(found, NotExec):
            assert found.reason == Reason.NUMBER_OVERFLOW
        elif all(isinstance(item, str) for item in value):
            assert isinstance(found, ExecArray)
            assert found.items == tuple(re.sub("[\ud800-\udfff]", "\ufffd", v) for v in value)
            assert found.end <= len(text)
        else:
            assert isinstance(found, NotStrings)
            first = next(item for item in value if not isinstance(item, str))
            kinds = {bool: "boolean", list: "array", dict: "object", type(None): "null"}
            assert found.kind == kinds.get(type(first), "number")

    @given(array_texts)
    def test_a_decision_points_into_the_text(self, text: str) -> None:
        for text_after in ("shell-form", "dropped"):
            found = read_array(text, text_after)
            at = found.end if isinstance(found, ExecArray) else found.offset
            assert 0 < at <= len(text)


class TestNotExec:
    """Arguments that look like an array and are not valid JSON are shell form."""

    @pytest.mark.parametrize(
        ("text", "reason", "offset"),
        [
            ("['a']", Reason.SINGLE_QUOTES, 1),
            ("[\"a\", 'b']", Reason.SINGLE_QUOTES, 6),
            ("[\"a\" 'b']", Reason.SINGLE_QUOTES, 5),
            ("[\u201ca\u201d]", Reason.CURLY_QUOTES, 1),
            ("[\u2018a\u2019]", Reason.CURLY_QUOTES, 1),
            ("[a]", Reason.UNQUOTED, 1),
            ('["a",]', Reason.TRAILING_COMMA, 4),
            ('["a" , ]', Reason.TRAILING_COMMA, 5),
            ('["a" "b"]', Reason.MISSING_COMMA, 5),
            ('["a",,"b"]', Reason.EMPTY_ELEMENT, 5),
            ("[,]", Reason.EMPTY_ELEMENT, 1),
            ('["a', Reason.UNCLOSED_STRING, 1),
            ('["a\\', Reason.UNCLOSED_STRING, 3),
            ("[", Reason.UNCLOSED_ARRAY, 1),
            ('["a"', Reason.UNCLOSED_ARRAY, 4),
            ('["a",', Reason.UNCLOSED_ARRAY, 5),
            ('["a", ', Reason.UNCLOSED_ARRAY, 6),
            ('["c:\\dir"]', Reason.BAD_ESCAPE, 4),
            ('["\\u12g4"]', Reason.BAD_ESCAPE, 2),
            ('["\\u123"]', Reason.BAD_ESCAPE, 2),
            ('["\\\'"]', Reason.BAD_ESCAPE, 2),
            ('["a\tb"]', Reason.CONTROL_CHARACTER, 3),
            ('["a\x00b"]', Reason.CONTROL_CHARACTER, 3),
            ('["\x1f"]', Reason.CONTROL_CHARACTER, 2),
            ('["a",-]', Reason.BAD_NUMBER, 5),
            ('["a",\u0661]', Reason.BAD_NUMBER, 5),
            ('["a",01]', Reason.MISSING_COMMA, 6),
            ('["a",1e999]', Reason.NUMBER_OVERFLOW, 5),
            ('["a",-1e999,1e999]', Reason.NUMBER_OVERFLOW, 5),
            ('["a",[{"b":1e999}]]', Reason.NUMBER_OVERFLOW, 11),
            ('["a",NaN]', Reason.UNQUOTED, 5),
            ('["a",True]', Reason.UNQUOTED, 5),
            ('["a"] x', Reason.TEXT_AFTER, 6),
            ('["a"]]', Reason.TEXT_AFTER, 5),
            ('["a"]\u00a0', Reason.TEXT_AFTER, 5),
            ('[\u00a0"a"]', Reason.UNQUOTED, 1),
            ('["a"}', Reason.MISSING_COMMA, 4),
            ('[{"a"}]', Reason.BAD_SYNTAX, 5),
            ("[{a:1}]", Reason.BAD_SYNTAX, 2),
            ('[{"a":1,}]', Reason.TRAILING_COMMA, 7),
            ('[{"a":', Reason.UNCLOSED_ARRAY, 6),
            ("[{", Reason.UNCLOSED_ARRAY, 2),
            ('[{"a":1', Reason.UNCLOSED_ARRAY, 7),
        ],
    )
    def test_says_why_and_where(self, text: str, reason: str, offset: int) -> None:
        assert read_array(text, "shell-form") == NotExec(reason, offset)

    def test_nesting(self) -> None:
        """encoding/json: maxNestingDepth is 10,000."""
        allowed = read_array("[" * 10_000 + "]" * 10_000, "shell-form")
        assert allowed == NotStrings("array", 1)
        assert read_array("[" * 10_001 + "]" * 10_001, "shell-form") == NotExec(
            Reason.TOO_DEEP, 10_000
        )
        assert read_array("[" * 1_000_000, "shell-form") == NotExec(Reason.TOO_DEEP, 10_000)


class TestNotStrings:
    """An array that holds a number, a boolean, null, an array or an object MUST be rejected."""

    @pytest.mark.parametrize(
        ("text", "kind"),
        # moby/buildkit frontend/dockerfile/parser/json_test.go (invalidJSONArraysOfStrings)
        [
            ('["a",42,"b"]', "number"),
            ('["a",123.456,"b"]', "number"),
            ('["a",-0.1E-7,"b"]', "number"),
            ('["a",1e-999,"b"]', "number"),
            ('["a",{},"b"]', "object"),
            ('["a",{"c": "d"},"b"]', "object"),
            ('["a",{"c" : [1, {"d": {}}] , "e":null},"b"]', "object"),
            ('["a",["c"],"b"]', "array"),
            ('["a",[ ],1]', "array"),
            ('["a",true,"b"]', "boolean"),
            ('["a",false,"b"]', "boolean"),
            ('["a",null,"b"]', "null"),
        ],
    )
    def test_kind_and_place(self, text: str, kind: str) -> None:
        assert read_array(text, "shell-form") == NotStrings(kind, 5)  # type: ignore[arg-type]


class TestTextAfter:
    """Text other than JSON white space after the closing `]`; dropped before BuildKit 0.15."""

    @pytest.mark.parametrize("text", ['["a"] x', '["a"]["b"]', '["a"],', '["a"] # c', '["a"]]'])
    def test_dropped_or_shell_form(self, text: str) -> None:
        assert isinstance(read_array(text, "shell-form"), NotExec)
        dropped = read_array(text, "dropped")
        assert dropped == ExecArray(("a",), 5)

    def test_a_number_is_rejected_before_the_text_after_it_is_dropped(self) -> None:
        assert read_array("[1] x", "dropped") == NotStrings("number", 1)
        assert isinstance(read_array("[1] x", "shell-form"), NotExec)

    @given(st.lists(st.text()), st.text(min_size=1))
    def test_any_text_after(self, words: list[str], after: str) -> None:
        assume(after.strip(" \t\r\n"))
        text = json.dumps(words)
        found = read_array(text + after, "dropped")
        assert isinstance(found, ExecArray)
        assert (found.items, found.end) == (tuple(words), len(text))
        assert isinstance(read_array(text + after, "shell-form"), NotExec)


class TestDecoding:
    """A surrogate without its partner, and each byte that is not UTF-8, MUST become U+FFFD."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('["\\ud83d\\ude00"]', "😀"),
            ('["\\uD83D\\uDE00"]', "😀"),
            ('["\\ud83d"]', "\ufffd"),
            ('["\\udc00\\ud800"]', "\ufffd\ufffd"),
            ('["\\ud83dx"]', "\ufffdx"),
            ('["\\ud83d\\n"]', "\ufffd\n"),
            ('["\\ud83d\\u0041"]', "\ufffdA"),
            ('["\\ud83d\\ud83d\\ude00"]', "\ufffd😀"),
            ('["a\udcff"]', "a\ufffd"),
            ('["\udced\udca0\udcbd"]', "\ufffd\ufffd\ufffd"),
            ('["\\u0000"]', "\0"),
        ],
    )
    def test_surrogates_and_bytes(self, text: str, expected: str) -> None:
        assert read_array(text, "shell-form") == ExecArray((expected,), len(text), decoded=True)

    def test_decoded_tells_whether_an_element_differs_from_its_spelling(self) -> None:
        assert read_array('["a"]', "shell-form") == ExecArray(("a",), 5, decoded=False)
        assert read_array('["\\n"]', "shell-form") == ExecArray(("\n",), 6, decoded=True)

    @given(st.lists(st.integers(0xD800, 0xDFFF), max_size=6))
    def test_surrogate_escapes_are_paired_as_in_utf_16(self, units: list[int]) -> None:
        data = b"".join(unit.to_bytes(2, "little") for unit in units)
        expected: list[str] = []
        while data:  # a pair, or one unit that is replaced
            pair = data[:4].decode("utf-16-le", "replace")
            whole = len(data) >= 4 and pair != "\ufffd" and len(pair) == 1
            expected.append(pair if whole else "\ufffd")
            data = data[4 if whole else 2 :]
        spelled = "".join(f"\\u{unit:04x}" for unit in units)
        assert items(f'["{spelled}"]') == ("".join(expected),)
