"""Differential: this parser, as BuildKit 0.12, and BuildKit 0.12.5's own."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from tests.dockerfile.go import EXCEPTIONS, HAS_WHEEL, differences, known_exception
from tests.strategies import dockerfiles, texts

pytestmark = pytest.mark.skipif(
    not HAS_WHEEL, reason="the dockerfile wheel is published for x86_64 alone"
)


@given(dockerfiles)
@settings(max_examples=2 * settings.get_profile("ci").max_examples)
@example("RUN cat <<EOF ${X:=y}\nx\nEOF\n")
@example("RUN cat <<EOF ${X:0:3}\nx\nEOF\n")
@example("RUN cat <<EOF${X:-y}\nEOF${X:-y}\n")
@example("RUN cat <<EOF ${X=y}\nx\nEOF\n")
@example("RUN cat <<EOF ${X#y}\nx\nEOF\n")
@example("RUN cat <<EOF ${X:#y}\nx\nEOF\n")
@example('RUN cat <<${X:-\\"}\n${X:-"}\n')
@example('ONBUILD RUN ["a"] <<EOF\n')
@example("ONBUILD COPY <<A <<B /x\n1\nA\n2\nB\n")
@example('ENTRYPO\u0130NT ["a"]\n')
@example("RUN --à x\nRUN --a\u20a0b c")
@example("\ufeff# escape=`\nRUN a `\n b\n")
@example("\\\n")
@example("CMD a\\")
@example("CMD a \\\n# b\\\n\n\t\nc\nCMD d")
@example('CMD -- ["a"]\nCMD --\nCMD --x="a b"\\"c ["d"] e')
@example("ENV a b c\nENV a=b\\ c 'd'=\"e f\"\nLABEL \\\nX\n")
@example("RUN 18446744073709551616<<A\nA\n")
def test_agrees_on_structured_texts(text: str) -> None:
    assert differences(text) == []


@given(texts)
def test_agrees_on_any_text(text: str) -> None:
    assert differences(text) == []


@pytest.mark.parametrize("size", [65_534, 65_535, 65_536])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nCMD b\n"])
@pytest.mark.parametrize("start", ["CMD ", "\ufeffCMD ", "FROM x\nRUN <<A\n", "CMD a\\\n"])
def test_agrees_on_the_longest_line(start: str, end: str, size: int) -> None:
    open_line = start.rpartition("\n")[2]
    assert differences(start + "a" * (size - len(open_line.encode())) + end) == []


def test_agrees_on_characters_that_are_several_bytes() -> None:
    assert differences("CMD " + "é" * 32_765 + "\n") == []
    assert differences("CMD " + "é" * 32_766 + "\n") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("FROM a\0\nFOO\n", "nul"),
        ("FROM a\udcff\n", "not-unicode"),
        ("ONBUILD " * 101 + "CMD a", "nested-onbuild"),
        ("RUN --x=é x\n", None),
        ("RUN --à x\n", None),
        ("HEALTHCHECK à CMD x\n", "undecodable-output"),
        ("FROM a\nCMD [1]\n", None),
    ],
)
def test_known_exceptions(text: str, name: str | None) -> None:
    known = known_exception(text)
    assert (known.name if known else None) == name


def test_exceptions_are_named_and_explained() -> None:
    assert len({known.name for known in EXCEPTIONS}) == len(EXCEPTIONS)
    assert all(known.reason for known in EXCEPTIONS)
