"""Expectations: held, missed, or not decided; `fits` against an independent matcher."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.check.expectations import Verdict, fits, judge
from entrysem.check.settings import Context, Expectation
from entrysem.model import Inherited, RunOptions
from entrysem.profiles import Profile
from entrysem.resolve import Image, build_image

HOLE = Inherited("Cmd", "acme/base")

#: moby/moby and docs.docker.com, "Understand how CMD and ENTRYPOINT interact".
EXEC = 'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n'


def verdict(
    text: str, argv: Sequence[str] | None = None, *, error: str | None = None, **more: Any
) -> Verdict:
    run = RunOptions(args=more.pop("args", None), entrypoint=more.pop("entrypoint", None))
    context = Context(**more)
    expected = None if argv is None else tuple(argv)
    expectation = Expectation("x", 0, context, run, expected, error)

    def build(asked: Context) -> Image:
        args: Mapping[str, str] = dict(asked.build_args)
        profile = Profile.parse(asked.builder, asked.runtime)
        return build_image(text, profile=profile, target=asked.target, build_args=args)

    return judge(expectation, build, strict=False)


@pytest.mark.parametrize(
    ("text", "argv", "more"),
    [
        (EXEC, ["e", "c"], {}),
        (EXEC, ["e", "x"], {"args": ("x",)}),
        (EXEC, ["s"], {"entrypoint": "s"}),
        ('FROM scratch AS a\nCMD ["a"]\nFROM scratch\nCMD ["b"]\n', ["a"], {"target": "a"}),
        ("FROM scratch\nCMD a b\n", ["/bin/sh", "-c", "a b"], {}),
    ],
)
def test_an_argv_that_is_held(text: str, argv: list[str], more: dict[str, Any]) -> None:
    assert verdict(text, argv, **more).answer == "kept"
    missed = verdict(text, [*argv, "more"], **more)
    assert missed.answer == "unmet"
    assert missed.message.startswith("Expected is")


def test_the_message_names_build_and_run() -> None:
    text = 'FROM scratch AS a\nENTRYPOINT ["e"]\n'
    found = verdict(text, ["x"], target="a", args=("q",))
    assert found.message == (
        'Expected is ["x"], and the container gets ["e", "q"] of stage a with the arguments ["q"].'
    )
    assert found.span is not None
    assert found.span.line == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FROM scratch\n", "no-command-specified"),
        ('FROM scratch\nENTRYPOINT [""]\n', "no-command-specified"),
        ("FROM scratch\nCMD [1]\n", "array-of-non-strings"),
    ],
)
def test_an_error_that_is_held(text: str, code: str) -> None:
    assert verdict(text, error=code).answer == "kept"
    assert verdict(text, error="another").answer == "unmet"
    assert verdict(text, ["x"]).answer == "unmet"


def test_an_error_where_there_is_none() -> None:
    found = verdict(EXEC, error="no-command-specified")
    assert (found.answer, found.observed) == ("unmet", '["e", "c"]')


def test_an_unknown_base() -> None:
    text = 'FROM acme/base\nENTRYPOINT ["e"]\n'
    assert verdict(text, ["e"]).answer == "kept"  # ENTRYPOINT empties the inherited Cmd
    text = 'FROM acme/base\nCMD ["c"]\n'
    found = verdict(text, ["e", "c"])
    assert found.answer == "unknown"
    assert "acme/base" in found.message
    # Whatever the base has, c comes last.
    assert verdict(text, ["e"]).answer == "unmet"
    assert verdict("FROM acme/base\n", error="no-command-specified").answer == "unknown"
    assert verdict(text, error="no-command-specified").answer == "unmet"


@pytest.mark.parametrize(
    ("expected", "words", "answer"),
    [
        ("a b", ("a", "b"), True),
        ("a b", ("a",), False),
        ("", (HOLE,), True),
        ("a", (HOLE, "a"), True),
        ("a", ("a", HOLE, "a"), False),
        ("a a", ("a", HOLE, "a"), True),
        ("a b c d", (HOLE, "b", HOLE, "d"), True),
        ("a b c d", (HOLE, "c", HOLE, "b", HOLE), False),
        ("", (), True),
        ("a", None, False),
    ],
)
def test_fits(expected: str, words: tuple[str | Inherited, ...] | None, answer: bool) -> None:
    assert fits(expected.split(), words) is answer


@given(st.text("ab", max_size=7), st.lists(st.sampled_from(["a", "b", HOLE]), max_size=6))
def test_fits_is_a_glob_of_letters(expected: str, words: list[str | Inherited]) -> None:
    pattern = "".join("*" if isinstance(word, Inherited) else word for word in words)
    assert fits(list(expected), tuple(words)) is fnmatch.fnmatchcase(expected, pattern)
