"""Texts that look like Dockerfiles, and the pieces that parsers trip over."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

#: Pieces of Dockerfiles. Joined at random they reach most corners of the grammar.
PIECES = (
    # line ends, blanks, comments, directives
    *("\n", "\n\n", "\\\n", "\\ \t\n", "`\n", "\\\\\n", "\r\n", " ", "  ", "\t", "\v"),
    *("\u00a0", "\x85", "\u2028", "\x1c", "#", " # ", "# escape=`\n", "#escape=\\\n"),
    *("# syntax=x\n", "# check=skip=all\n", "\ufeff"),
    # instructions
    *("FROM", "from", "Run", "RUN ", "CMD ", "cmd\t", "ENTRYPOINT ", "SHELL ", "ONBUILD "),
    *("onbuild ", "ENV ", "LABEL ", "ARG ", "COPY ", "ADD ", "HEALTHCHECK ", "HEALTHCHECK CMD "),
    *("EXPOSE ", "VOLUME ", "USER ", "WORKDIR ", "STOPSIGNAL ", "MAINTAINER ", "FOO "),
    # flags
    *("--", "--x", "--from=a ", '--x="a b" ', "-- ", "--é=\u00a0x "),
    # arrays
    *("[", '["a"', '["a", "b"]', '"', "'", "[]", ",", "]", '["a"] ', "1", "null", "1e999"),
    *('{"a":1}', "\\u0041", "\\ud83d", "\\x", '"a\tb"'),
    # words
    *("$X", "${X:-y}", "${X:=y}", "${X#y}", "${X", "$", "{", "}", "=", "a=b ", "a ", "b", "é"),
    *("scratch", " AS ", "a", "b\n", "\\", "`", "x\\y", '\\"', "à ", "ï"),
    # heredocs
    *("<<EOF", "<<-EOF", '<<"EOF"', "<<'E F'", "<< EOF", "EOF\n", "\nEOF\n", "\tEOF\n"),
    *("3<<A", "\nA\n", "<"),
)

#: A Dockerfile, or nearly one: any order of the pieces, half of the time after a FROM.
dockerfiles = st.builds(
    str.__add__,
    st.sampled_from(["", "FROM a\n"]),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
)

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
        st.one_of(st.sampled_from(PIECES).map(str.encode), st.binary(max_size=2)), max_size=12
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
