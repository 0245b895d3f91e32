"""Texts that look like Dockerfiles, and the pieces that parsers trip over."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from entrysem.hypothesis import fragments

#: A Dockerfile, or nearly one.
dockerfiles = fragments()

#: Texts of any kind: structured, any characters, and what any bytes decode to.
texts = st.one_of(
    dockerfiles,
    st.text(max_size=60),
    st.text(alphabet=st.characters(categories=("Cs", "Cc", "Zs", "Po")), max_size=40),
)
#: The same as bytes, most of them no UTF-8.
sources = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.one_of(fragments(max_pieces=3).map(str.encode), st.binary(max_size=2)), max_size=6
    ).map(b"".join),
)

#: Words of an array, with whatever a string may hold.
words = st.lists(st.text(max_size=12), max_size=5)
json_blanks = st.text(alphabet=" \t\r\n", max_size=3)


@st.composite
def spelled_arrays(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A JSON array of strings in some spelling, and its strings."""
    items = draw(words)
    ascii_only = draw(st.booleans())
    spelled = [json.dumps(item, ensure_ascii=ascii_only) for item in items]
    inner = ",".join(f"{draw(json_blanks)}{item}{draw(json_blanks)}" for item in spelled)
    return f"[{inner or draw(json_blanks)}]", items


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=6,
)

_JSON_PIECES = (
    *("[", "]", "{", "}", ",", ":", '"', '"a"', '""', " ", "\t", "\x0b", "\u00a0", "1", "-", "0"),
    *("1.5", "1e5", "1e999", "-1e999", "01", "NaN", "Infinity", "true", "false", "null", "nul"),
    *("\\", "\\n", "\\u0041", "\\u00", "\\ud83d", "\\ude00", "\x00", "\x1f", "\x7f", "é", "'"),
)
#: Texts that begin with `[` and may or may not be JSON.
array_texts = st.one_of(
    st.lists(st.sampled_from(_JSON_PIECES), max_size=10).map(lambda pieces: "[" + "".join(pieces)),
    st.lists(json_values, max_size=4).map(json.dumps),
    st.text(max_size=20).map("[".__add__),
)


def strict_json(text: str) -> Any:
    """Python's decoder without its extensions; ValueError when the text is not JSON (RFC 8259)."""
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(name)
