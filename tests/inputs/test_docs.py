"""The pages about inputs show what their examples print."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = re.compile(
    r"<!-- example -->\n```python\n(.*?)```\n```text\n(.*?)```\n<!-- end -->", re.DOTALL
)


@pytest.mark.parametrize("page", ["kubernetes.md", "other-inputs.md"])
def test_examples_print_what_is_shown(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    ((code, shown),) = EXAMPLE.findall(text)
    monkeypatch.chdir(ROOT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, page, "exec"), {})
    assert printed.getvalue() == shown
