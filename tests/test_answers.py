"""The answers of an engine: data that cannot be misspelt or changed."""

from __future__ import annotations

import pytest

from entrysem.behaviour import BuilderBehaviour, RuntimeBehaviour
from entrysem.dockerfile.grammar import Grammar


@pytest.mark.parametrize("kind", [Grammar, BuilderBehaviour, RuntimeBehaviour])
def test_each_question_has_the_reference_as_its_answer(
    kind: type[Grammar | BuilderBehaviour | RuntimeBehaviour],
) -> None:
    questions = kind.questions()
    assert questions
    assert {name: getattr(kind(), name) for name in questions} == questions
    for name in questions:
        assert f" {name}" in (kind.__doc__ or ""), "each question is told in the docstring"


def test_a_question_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError, match="Grammar has no heredoc"):
        Grammar(heredoc=False)
    with pytest.raises(TypeError, match="Grammar has no heredoc"):
        Grammar().replace(heredoc=False)


def test_replacing_keeps_what_was_replaced_before() -> None:
    first = Grammar(heredocs=False)
    second = first.replace(max_line=7)
    assert (second.heredocs, second.max_line, first.max_line) == (False, 7, Grammar().max_line)


def test_nothing_can_be_changed() -> None:
    with pytest.raises(AttributeError, match="replace makes another"):
        Grammar().heredocs = False
