"""Every example of the spec holds, one test an example."""

from __future__ import annotations

import pytest

from examples import Example, read_examples, run_example

_DOCUMENTS = ("form.md", "build.md", "merge.md", "shell.md", "lecture.md")
_EXAMPLES = [example for document in _DOCUMENTS for example in read_examples(document)]


@pytest.mark.parametrize(
    "example", _EXAMPLES, ids=lambda example: f"{example.owner}-line-{example.line}"
)
def test_example_holds(example: Example) -> None:
    run_example(example)
