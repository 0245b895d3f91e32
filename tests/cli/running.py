"""Runs the command line: inside this process (fast), or as a user would (real streams and exit)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from entrysem.cli import main

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "spec" / "schema"

#: Arabic signs that stand before a number: formally invisible, in truth letters.
_LETTERS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd")
_ALLOWED = _LETTERS | {"\n", "\U000110cd"} | {chr(code) for code in range(0x13430, 0x13440)}

#: What must never reach a terminal: ESC and its kin, bidirectional marks, what hides, what is no text.
NASTY = "\x1b[31mred\x07\x08\r\x9b2J\u202eabc\u2066\u200b\ufeff\u2028\x7f\x85\udcff"


class Ran(NamedTuple):
    """What one call came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(
    *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, terminal: bool = False
) -> Ran:
    """`entrysem WORDS...`, in this process."""
    kind = Terminal if terminal else io.TextIOWrapper
    out, err = (kind(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: Any = None
    with (
        patch.object(sys, "argv", ["entrysem", *words]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8")),
        patch.object(sys, "stdout", out),
        patch.object(sys, "stderr", err),
        patch.dict("os.environ", env or {}),
    ):
        try:
            main()
        except SystemExit as error:
            code = error.code
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    assert "Traceback" not in texts[1]
    return Ran(0 if code is None else code, *texts)


def real(*words: str | bytes, stdin: bytes = b"", cwd: Path | None = None) -> Ran:
    """`python -m entrysem WORDS...`, as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "entrysem", *words],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd or ROOT,
        env=environment(),
    )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ran.err, ran.err
    return ran


def environment() -> dict[str, str]:
    """An environment in which Python finds this checkout."""
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of `spec/schema/NAME.schema.json`."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def assert_valid(name: str, document: object) -> None:
    """Fails with the places where the document breaks its schema."""
    problem = best_match(validator(name).iter_errors(document))
    assert problem is None, f"{problem.json_path}: {problem.message[:500]}"


def assert_harmless(*texts: str) -> None:
    """No character acts on a terminal, hides, or reorders what is read."""
    for text in texts:
        found = {char for char in set(text) - _ALLOWED if unicodedata.category(char) in _BAD}
        assert not found, (found, text)


_BAD = ("Cc", "Cf", "Cs", "Zl", "Zp")
