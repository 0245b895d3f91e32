"""The wheel, built and used from outside the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path, text: str | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment that has the wheel and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("entrysem-*.whl")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    run(programs / "python", "-m", "pip", "--quiet", "install", wheel, cwd=folder)
    return programs


def test_the_program_works(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM python:3.7-alpine\nCMD ["flask", "run"]\n')
    answer = json.loads(run(installed / "entrysem", "explain", "--format", "json", cwd=tmp_path))
    assert answer["argv"] == ["flask", "run"]
    assert answer["base"]["origin"] == "catalogue"


def test_the_spec_is_in_it(installed: Path, tmp_path: Path) -> None:
    assert "BUILD-02" in run(installed / "entrysem", "rules", "BUILD-02", cwd=tmp_path)
    assert "CLAIM-1" in run(installed / "entrysem", "claims", cwd=tmp_path)
    assert run(installed / "entrysem", "vectors", "export", cwd=tmp_path).count("\n") >= 250
    assert json.loads(run(installed / "entrysem", "oracle", "--schema", "request", cwd=tmp_path))
    table = run(installed / "entrysem", "table", "--format", "csv", cwd=tmp_path)
    assert "error, not allowed" in table


def test_the_oracle_answers(installed: Path, tmp_path: Path) -> None:
    request = {"id": "1", "dockerfile": 'FROM scratch\nCMD ["c"]\n'}
    answer = run(installed / "entrysem", "oracle", cwd=tmp_path, text=json.dumps(request) + "\n")
    assert json.loads(answer)["results"][0]["argv"] == ["c"]


def test_it_is_typed_and_stands_on_its_own(installed: Path, tmp_path: Path) -> None:
    program = (
        "import entrysem, pathlib; folder = pathlib.Path(entrysem.__file__).parent;"
        "print((folder / 'py.typed').exists(), (folder / 'spec' / 'form.md').exists(), folder)"
    )
    typed, spec, folder = run(installed / "python", "-c", program, cwd=tmp_path).split(" ", 2)
    assert (typed, spec) == ("True", "True")
    assert not Path(folder.strip()).is_relative_to(ROOT)


def test_every_command_has_what_it_needs(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n')
    (tmp_path / "compose.yaml").write_text("services: {web: {build: ., command: [x]}}\n")
    program = installed / "entrysem"
    assert '["e", "x"]' in run(program, "explain", "compose.yaml", cwd=tmp_path)
    assert '["e", "y"]' in run(
        program, "explain", "Dockerfile", "--run", "docker run web y", cwd=tmp_path
    )
    assert "A shell-form ENTRYPOINT" in run(program, "check", "--show", "ES001", cwd=tmp_path)
    assert run(program, "check", "--format", "sarif", cwd=tmp_path)
    assert "structure-test" in run(program, "emit", "structure-test", cwd=tmp_path)
    assert '"argv"' in run(program, "scan", "Dockerfile", cwd=tmp_path)
