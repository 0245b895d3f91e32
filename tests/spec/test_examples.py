"""Every example of the spec holds, one test an example."""

from __future__ import annotations

import pytest

from tests.spec.examples import Example, ExampleError, read_examples, run_example

_DOCUMENTS = ("form.md", "build.md", "merge.md", "shell.md", "lecture.md")
_EXAMPLES = [example for document in _DOCUMENTS for example in read_examples(document)]


@pytest.mark.parametrize(
    "example", _EXAMPLES, ids=lambda example: f"{example.owner}-line-{example.line}"
)
def test_example_holds(example: Example) -> None:
    run_example(example)


def _example(*statements: str, dockerfile: str = 'FROM scratch\nCMD ["c"]\n') -> Example:
    return Example("RULE-01", "none.md", 1, dockerfile, tuple(enumerate(statements, 2)))


@pytest.mark.parametrize(
    "statement",
    [
        'run => ["x"]',
        "run => []",
        'run => error create no-command-specified "x"',
        'config => {"Cmd": []}',
        "build => error parse line-too-long",
        'effective => ["c"]',
    ],
)
def test_wrong_statement_is_noticed(statement: str) -> None:
    with pytest.raises((AssertionError, ExampleError), match=r"spec/none\.md:2"):
        run_example(_example(statement))


@pytest.mark.parametrize(
    "statement",
    ["runs => []", "run [ => []", "run --what => []", "base a", 'config => {"User": null}', "x"],
)
def test_malformed_statement_is_an_error_of_the_example(statement: str) -> None:
    with pytest.raises(ExampleError):
        run_example(_example(statement, "build => ok"))


def test_example_that_asserts_nothing_is_an_error() -> None:
    with pytest.raises(ExampleError, match="nothing is asserted"):
        run_example(_example("with classic"))


def test_options_hold_for_the_statements_below_them() -> None:
    applied = run_example(
        _example(
            'run => ["/bin/sh", "-c", "[\\"a\\"] x"]',
            "with buildkit@0.13 podman@4.3.1",
            'run => ["a"]',
            'run --init --entrypoint "[\\"f\\"]" ["x"] => ["/run/podman-init", "--", "f", "x"]',
            dockerfile='FROM scratch\nCMD ["a"] x\n',
        )
    )
    assert {"FORM-11", "MERGE-07", "MERGE-10"} <= applied


def test_a_rejection_can_be_compared_by_any_assertion() -> None:
    example = _example("run => error parse unknown-instruction", dockerfile="FROM scratch\nFOO\n")
    assert run_example(example) == {"FORM-06"}
