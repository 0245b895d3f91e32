"""What errors carry."""

from __future__ import annotations

import pytest

from entrysem.errors import DockerfileError, EntrysemError, InputError, Span


def test_a_dockerfile_error_carries_its_place() -> None:
    span = Span(3, 5, 3, 9)
    error = DockerfileError("bad", "It is bad.", rule="FORM-01", span=span, excerpt="x", hint="y")
    assert isinstance(error, EntrysemError)
    assert isinstance(error, ValueError)
    assert str(error) == "It is bad."
    assert (error.code, error.message, error.hint) == ("bad", "It is bad.", "y")
    assert (error.phase, error.rule, error.span, error.line, error.excerpt) == (
        "parse",
        "FORM-01",
        span,
        3,
        "x",
    )


def test_a_dockerfile_error_may_have_no_place() -> None:
    error = DockerfileError("bad", "m", rule="BUILD-13", span=None, phase="build")
    assert (error.phase, error.line, error.excerpt, error.hint) == ("build", None, None, None)


def test_an_input_error_says_what_was_being_read() -> None:
    with pytest.raises(EntrysemError) as caught:
        raise InputError("bad", "m", where="--builder")
    assert isinstance(caught.value, InputError)
    assert (caught.value.where, caught.value.hint) == ("--builder", None)
