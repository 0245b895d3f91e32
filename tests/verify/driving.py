"""Runs `entrysem verify` as a user would, on the fake engine, and reads the journal."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from typer.testing import CliRunner

from entrysem.cli.app import app
from entrysem.data import read_text
from entrysem.verify.journal import Journal, parse

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).parent / "fakes" / "harness.py"

#: A few cases with runs and rejections: 31 results, of which no engine deviates in one.
SOME = ("--case", "c0[1-9]", "--case", "form-cmd-0[0-4]-*", "--jobs", "2")
CLASSIC = ("builder=classic@28.5.2", "runtime=docker@28.5.2")
NEWEST = ("builder=buildkit@0.25.2", "runtime=docker@28.5.2")


class Ran(NamedTuple):
    """What one call came to."""

    code: int
    out: str
    err: str


def fake(*behaviours: str) -> str:
    """The `--engine` of a fake that behaves so."""
    return "harness:" + shlex.join([sys.executable, str(FAKE), *behaviours])


def environment(home: Path | None = None) -> dict[str, str]:
    found = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    return {**found, "XDG_STATE_HOME": str(home)} if home else found


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "entrysem", "verify", *words]


def verify(*words: str, home: Path | None = None, preexec: Callable[[], None] | None = None) -> Ran:
    """`entrysem verify WORDS...`, to its end."""
    done = subprocess.run(
        command(*words),
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=environment(home),
        preexec_fn=preexec,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Ran(done.returncode, out, err)


def inside(*words: str) -> Ran:
    """The same in this process, for what ends before any engine is started."""
    ran = CliRunner().invoke(app, ["verify", *words], prog_name="entrysem")
    return Ran(ran.exit_code, ran.stdout, ran.stderr)


def spawn(*words: str) -> subprocess.Popen[bytes]:
    """The same, to be interrupted."""
    return subprocess.Popen(
        command(*words),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def journal_of(path: Path) -> Journal:
    """The journal; every line of it is checked against the schema."""
    data = path.read_bytes()
    found = parse(data, path.name)
    for line in data[: found.size].splitlines():
        assert_valid("journal", json.loads(line))
    return found


def assert_valid(schema: str, document: Any) -> None:
    validator = Draft202012Validator(json.loads(read_text(f"schema/{schema}.schema.json")))
    error = best_match(validator.iter_errors(document))
    assert error is None, f"{error.json_path}: {error.message}" if error else ""
