"""What a shell makes of an argv.

The PID 1 table was measured on dash 0.5.12-2, bash 5.2.15 and busybox ash 1.35.0 (Debian 12): "s" the
shell stays PID 1 and forks, "p" the program takes its place.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem import RunOptions, effective, resolve, shell, shell_view
from entrysem.shell import ScriptKind, script_kind, uses_parameters

MEASURED = [
    ("P", "spp"),
    ('"P"', "spp"),
    ("$X P", "spp"),
    ("command P", "spp"),
    ("exec P", "ppp"),
    ("exec P; true", "ppp"),
    ("exec P || true", "ppp"),
    ("{ exec P; }", "ppp"),
    ("if true; then exec P; fi", "ppp"),
    ("command exec P", "ppp"),
    ("X=1 P", "spp"),
    ("P >f", "ssp"),
    ("P 2>f", "ssp"),
    ("true; P", "spp"),
    ("cd /; P", "spp"),
    ("true && P", "spp"),
    ("false || P", "spp"),
    ("P # c", "spp"),
    ("P\n", "sps"),
    ("( P )", "ssp"),
    ("{ P; }", "ssp"),
    ("if true; then P; fi", "ssp"),
    ("case a in a) P;; esac", "ssp"),
    ("P; true", "sss"),
    ("! P", "sss"),
    ("P | P", "sss"),
    ("P & wait", "sss"),
    ("for i in a; do P; done", "sss"),
    ("f() { P; }; f", "sss"),
    ("eval P", "sss"),
    ("time P", "sss"),
    ('trap "x" EXIT; P', "sss"),
    ('trap "" TERM; P', "spp"),
]


@pytest.mark.parametrize(("script", "whos"), MEASURED)
def test_pid1(script: str, whos: str) -> None:
    view = shell_view(["/bin/sh", "-c", script])
    assert view is not None
    assert "".join(entry.who[0] for entry in view.pid1) == whos


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("", shell.EMPTY),
        # Observed on dash 0.5.12, bash 5.2.15 and busybox ash 1.35.0 in containers.
        ("eval exec P", shell.EXEC),
        ("eval P", shell.STAYS),
        ("  \n", shell.EMPTY),
        ("# only", shell.EMPTY),
        ("echo hi", shell.BUILTIN),
        ("X=1", shell.BUILTIN),
        ("cd /; echo a", shell.BUILTIN),
        (">f", shell.BUILTIN),
        ("P; echo a", shell.STAYS),
        ("exec", shell.BUILTIN),
        ("exec >f", shell.BUILTIN),
        ("( exec P )", shell.COMPOUND),
        ("( P ); Q )", shell.STAYS),
        ("( P ); Q", shell.LAST),
        ("a; b; P", shell.LAST),
        ("true | true && P", shell.LAST),
        ("true & P", shell.BACKGROUND),
        ("true & P >f", shell.STAYS),
        ("for i in 1; do true; done; P", shell.LAST),
        ("case a in a) true;; esac; P", shell.LAST),
        ("case a in (a) true;; esac; P", shell.LAST),
        ("if a; then b & fi; P", shell.BACKGROUND),
        ("f() { true; }; f; P", shell.LAST),
        ("f() { P; }; true && f", shell.STAYS),
        ("! true; P", shell.LAST),
        ("X=$(true); P", shell.LAST),
        ("true | true; exec P", shell.EXEC),
        ("exec P & wait", shell.STAYS),
        ("a; b | c", shell.STAYS),
        ("(P) && (Q)", shell.STAYS),
        ("P a#b", shell.SIMPLE),
        ("P; { Q; }", shell.STAYS),
        ("P; if Q; then R; fi", shell.STAYS),
        ("command", shell.SIMPLE),
        ("P 'unclosed", shell.SIMPLE),
        ("P \\", shell.SIMPLE),
    ],
)
def test_kinds(script: str, kind: ScriptKind) -> None:
    assert script_kind(script) is kind


@pytest.mark.parametrize(
    "script",
    [
        "echo $1", 'exec "$0" "$@"', "echo $#", "echo ${1:-x}", "echo ${#}", "shift; x", "getopts a b",
        "for i; do echo; done", "for i do echo; done", "echo \"'$1'\"", "eval 'echo \"$1\"'",
        "trap 'kill $1' TERM; x", "echo ${@}", "echo $*",
    ],
)  # fmt: skip
def test_uses_parameters(script: str) -> None:
    assert uses_parameters(script)


@pytest.mark.parametrize(
    "script",
    [
        "echo '$1'",
        "echo \\$1",
        "awk '{print $1}' f",
        'awk "{print \\$1}"',
        "echo $HOME",
        "for i in a; do x; done",
        "unshift",
    ],
)
def test_uses_no_parameter(script: str) -> None:
    assert not uses_parameters(script)


def test_parameters() -> None:
    """`$0` is the first word after the script, `$1` the next (POSIX sh -c)."""
    view = shell_view(["/bin/sh", "-c", 'echo "0=$0 n=$# $@"', "c1", "c2"])
    assert view is not None
    assert (view.script, view.zero, view.parameters) == ('echo "0=$0 n=$# $@"', "c1", ("c2",))
    assert view.uses_parameters
    assert view.rules == ("SHELL-01", "SHELL-04", "SHELL-05")


@pytest.mark.parametrize(
    ("argv", "options", "script"),
    [
        (["/bin/bash", "-e", "-o", "pipefail", "-c", "s"], ("-e", "-o", "pipefail", "-c"), "s"),
        (["bash", "-lc", "s"], ("-lc",), "s"),
        (["bash", "--login", "-c", "s"], ("--login", "-c"), "s"),
        (["bash", "--rcfile", "f", "-c", "s"], ("--rcfile", "f", "-c"), "s"),
        (["sh", "-c", "--", "s"], ("-c", "--"), "s"),
        (["sh", "-c", "-e", "s"], ("-c", "-e"), "s"),
        (["sh", "+x", "-c", "s"], ("+x", "-c"), "s"),
        (["busybox", "sh", "-c", "s"], ("sh", "-c"), "s"),
        (["zsh", "-c", "s"], ("-c",), "s"),
    ],
)
def test_options(argv: list[str], options: tuple[str, ...], script: str) -> None:
    view = shell_view(argv)
    assert view is not None
    assert (view.options, view.script) == (options, script)


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nginx", "-c", "f"],
        ["sh"],
        ["sh", "script"],
        ["busybox"],
        ["busybox", "ls"],
        ["sh", "-e", "f"],
        ["bash", "-o"],
    ],
)
def test_no_script(argv: list[str]) -> None:
    assert shell_view(argv) is None


def test_no_operand() -> None:
    """`sh -c` without an operand fails (exit 2 with dash, bash and busybox ash)."""
    view = shell_view(["/bin/sh", "-c"])
    assert view is not None
    assert view.script is None
    assert view.rules == ("SHELL-03", "SHELL-05")
    assert "the shell" in view.sigterm


def test_who_gets_sigterm() -> None:
    def sigterm(*argv: str) -> str:
        view = shell_view(argv)
        assert view is not None
        return view.sigterm

    assert "the program itself" in sigterm("bash", "-c", "P")
    assert "waits for its timeout" in sigterm("dash", "-c", "P")
    assert "depends on the shell" in sigterm("sh", "-c", "P")
    assert sigterm("sh", "-c", "echo a") == "docker stop signals the shell"
    assert sigterm("sh", "-c", "") == "docker stop signals the shell"


class TestEffective:
    """A script that uses no parameter ignores the words after it (SHELL-02)."""

    @given(st.lists(st.text(max_size=4), max_size=4))
    def test_ignored(self, words: list[str]) -> None:
        assert effective(("/bin/sh", "-c", "exec_entry p1_entry", *words)) == (
            "/bin/sh",
            "-c",
            "exec_entry p1_entry",
        )

    @given(st.lists(st.text(max_size=4), max_size=4))
    def test_used(self, words: list[str]) -> None:
        argv = ("/bin/sh", "-c", 'exec p "$@"', *words)
        assert effective(argv) == argv

    @given(st.lists(st.text(max_size=4), max_size=4))
    def test_no_shell(self, words: list[str]) -> None:
        assert effective(("p", *words)) == ("p", *words)

    def test_init(self) -> None:
        text = 'FROM scratch\nENTRYPOINT P\nCMD ["c"]\n'
        answer = resolve(text, RunOptions(init=True))
        assert answer.effective == ("/sbin/docker-init", "--", "/bin/sh", "-c", "P")
        assert answer.shell is not None
        assert answer.shell.sigterm.startswith("/sbin/docker-init is PID 1")


@given(st.text("ab $'\"\\;&|(){}<>#\n!=-", max_size=14))
def test_any_script_has_a_kind(script: str) -> None:
    assert isinstance(script_kind(script), ScriptKind)
    assert isinstance(uses_parameters(script), bool)
