"""The SHELL rules, with every shell and every script, on the newest Docker of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from conformance import lab
from conformance.rootfs import SHELLS, Shell
from conformance.sandbox import Sandbox, Seen
from conformance.shells import OPERANDS, SCRIPTS, Row, Script, observe

_ENGINE = "docker-sid-classic"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Images with shells."""
    with Sandbox(lab.ensure(_ENGINE)) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(sandbox: Sandbox) -> Iterator[dict[tuple[str, str], Future[Row]]]:
    """Every row, all started at once: most of the time is waiting for `docker stop`."""

    def one(shell: Shell, script: Script) -> Row:
        return next(observe(sandbox, shells=[shell], scripts=[script], threads=1))

    sandbox.image("FROM scratch\n")
    with ThreadPoolExecutor(6) as pool:
        yield {
            (shell.name, script.text): pool.submit(one, shell, script)
            for shell in SHELLS
            for script in SCRIPTS
        }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: repr(script.text))
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell.name)
def test_shell_does_what_the_rules_say(
    rows: dict[tuple[str, str], Future[Row]], shell: Shell, script: Script
) -> None:
    """SHELL-01, SHELL-04 and SHELL-05."""
    row = rows[shell.name, script.text].result()
    assert row.wrong == ()


@pytest.mark.parametrize(
    "shell", [one for one in SHELLS if one.name != "sash"], ids=lambda s: s.name
)
def test_a_shell_without_a_script_fails(sandbox: Sandbox, shell: Shell) -> None:
    """SHELL-03: exit code 2, or 1 of shells that are not in its table; an empty script ends with 0."""
    image = sandbox.image("FROM scratch\n")
    without = sandbox.run(image, (*shell.command, "-c"))
    assert without.ended
    assert without.exit == (2 if shell.name in ("dash", "bash", "ash", "busybox sh") else 1)
    assert sandbox.run(image, (*shell.command, "-c", "")).exit == 0


@pytest.mark.parametrize("sh", ["dash", "bash", "ash"])
def test_shell_form_reaches_a_real_shell(sandbox: Sandbox, sh: str) -> None:
    """SHELL-01: what CMD and `docker run` add to a shell-form ENTRYPOINT are its parameters."""
    image = sandbox.image(
        'FROM scratch\nENTRYPOINT exec P "$@"\nCMD ["zero", "one", "two words"]\n', sh=sh
    )
    assert _words(sandbox.run(image)) == ("P", *OPERANDS[1:])
    assert _words(sandbox.run(image, ("x", "y"))) == ("P", "y")


@pytest.mark.parametrize("shell", ["dash", "bash", "ash"])
def test_shell_instruction_chooses_the_shell(sandbox: Sandbox, shell: str) -> None:
    """BUILD-04 with SHELL-04: who is process 1 depends on SHELL."""
    image = sandbox.image(f'FROM scratch\nSHELL ["/bin/{shell}", "-c"]\nCMD true; P\n')
    seen = sandbox.run(image)
    assert seen.created == (f"/bin/{shell}", "-c", "true; P")
    assert seen.pid1 == ("shell" if shell == "dash" else "program")


def test_init_passes_the_signal_on(sandbox: Sandbox) -> None:
    """MERGE-10 with SHELL-05: exec form under --init stops at once, and init is process 1."""
    seen = sandbox.run(sandbox.image('FROM scratch\nCMD ["P"]\n'), init=True)
    assert seen.program is not None
    assert seen.program.one == ("/sbin/docker-init", "--", "P")
    assert seen.signalled
    assert not seen.killed


def _words(seen: Seen) -> tuple[str, ...] | None:
    return None if seen.program is None else seen.program.argv
