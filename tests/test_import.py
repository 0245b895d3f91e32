"""What importing brings in: the core is pure, and the command line starts without it all."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.running import ROOT, environment

#: Everything of ours that reads files or talks to somebody.
_OUTSIDE = {"cli", "bases", "data", "vectors", "oracle", "spec_text", "render", "variants"}
_CORE = [
    *("model", "errors", "dockerfile", "build", "merge", "shell", "resolve", "profiles", "rules"),
    *("stages", "reading", "trace", "versions", "behaviour", "deviations"),
]


def loaded_by(statement: str) -> list[str]:
    """The modules that the statement loads in a fresh interpreter."""
    program = f"import sys\nbefore = set(sys.modules)\n{statement}\nimport json\n"
    program += "print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=environment(),
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_importing_entrysem_loads_only_the_standard_library() -> None:
    roots = {name.partition(".")[0] for name in loaded_by("import entrysem")}
    assert roots - sys.stdlib_module_names == {"entrysem"}


@pytest.mark.parametrize("module", ["", *(f".{name}" for name in _CORE)])
def test_the_core_loads_nothing_that_does_io(module: str) -> None:
    loaded = loaded_by(f"import entrysem{module}")
    ours = {name.split(".")[1] for name in loaded if name.startswith("entrysem.")}
    assert ours & _OUTSIDE == set()
    assert {"socket", "subprocess", "urllib.request", "http.client"} & set(loaded) == set()


def test_resolving_opens_no_file() -> None:
    program = (
        "import sys, entrysem\n"
        "seen = []\n"
        "sys.addaudithook(lambda name, args: seen.append(name))\n"
        "entrysem.resolve('FROM x AS a\\nCMD c\\nFROM a\\n').steps\n"
        "assert not {name for name in seen if name.startswith(('open', 'socket', 'subprocess'))}, seen"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=environment())


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["--version"], {"entrysem.table", "entrysem.data", "tabulate", "rich", "pydantic"}),
        (["rules"], {"entrysem.table", "entrysem.bases", "tabulate", "rich", "pydantic"}),
        (["explain", "--schema"], {"entrysem.table", "entrysem.bases", "tabulate", "rich"}),
        (["oracle"], {"entrysem.table", "tabulate", "rich"}),
    ],
)
def test_a_command_does_not_pay_for_the_others(words: list[str], absent: set[str]) -> None:
    call = (
        f"sys.argv = ['entrysem', *{words!r}]\n"
        "import io\n"
        "out, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO())\n"
        "from entrysem.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    sys.stdout = out"
    )
    assert absent & set(loaded_by(call)) == set()


def test_public_names_are_there_and_documented() -> None:
    import entrysem

    assert list(entrysem.__all__) == sorted(
        entrysem.__all__, key=lambda name: (name != "RULES", name)
    )
    for name in entrysem.__all__:
        assert getattr(entrysem, name).__doc__
