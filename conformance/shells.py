"""What real shells do with an argv: the SHELL rules, in containers.

Every shell of `conformance.rootfs` runs every script of `SCRIPTS`, as in
`SHELL -c SCRIPT zero one "two words"`, and is then stopped. Of each container it is seen who is process
1, what the program was given, who got SIGTERM, how long `docker stop` took and how it ended; and that is
held against what `entrysem.shell` says of that argv: its `$0` and parameters (SHELL-01), who is process 1
with the shells that it has a table for (SHELL-04), and what `docker stop` does (SHELL-05). For shells
without a table only what SHELL-04 says of all shells is held: an exec replaces the shell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from conformance.rootfs import SHELLS, Shell
from conformance.sandbox import STOP, Sandbox, Seen
from entrysem.shell import EXEC, shell_view

__all__ = ["EXCEPTIONS", "OPERANDS", "SCRIPTS", "Row", "Script", "disagreements", "observe"]

#: What follows the script: `$0`, `$1`, `$2`.
OPERANDS = ("zero", "one", "two words")


@dataclass(frozen=True, slots=True)
class Script:
    """One script.

    Attributes:
        text: the script; P is the program.
        argv: what P is given with `OPERANDS`; None when it is not started.
        traps: whether the shell itself does something at SIGTERM, so that it does not wait to be killed.
        quick: whether it belongs to the quick table.
    """

    text: str
    argv: tuple[str, ...] | None = ("P",)
    traps: bool = False
    quick: bool = False


SCRIPTS: tuple[Script, ...] = (
    # one command
    Script("P", quick=True),
    Script("exec P", quick=True),
    Script("P a 'b c'", ("P", "a", "b c")),
    Script("P # c"),
    Script("# c\nP"),
    Script("P\n", quick=True),
    Script("P;"),
    Script("X=1 P", quick=True),
    Script("command P"),
    Script("P >&2", quick=True),
    Script("P </dev/null"),
    Script("exec P >&2"),
    # parameters
    Script('P "$@"', ("P", "one", "two words"), quick=True),
    Script('exec P "$@"', ("P", "one", "two words"), quick=True),
    Script("P $@", ("P", "one", "two", "words")),
    Script('P "$0" $#', ("P", "zero", "2"), quick=True),
    Script('P "$2" "${3-none}"', ("P", "two words", "none")),
    Script('shift; P "$@"', ("P", "two words")),
    Script('set -- x; P "$@"', ("P", "x")),
    Script("P '$1' \\$1", ("P", "$1", "$1")),
    # lists
    Script("P; true", quick=True),
    Script("true; P", quick=True),
    Script("true && P", quick=True),
    Script("P && true"),
    Script("P || true"),
    Script("false || P"),
    Script("cd / && P", quick=True),
    Script("cd / && exec P", quick=True),
    Script("cd /; exec P"),
    Script("set -e; P"),
    Script("export X=1; P"),
    Script("export X=1\nexec P"),
    Script("[ 1 = 1 ] && exec P"),
    # pipes and background
    Script("P >&2 | Q", quick=True),
    Script("true | P"),
    Script("P & wait", quick=True),
    Script("true & P"),
    # a list whose last command follows something else
    Script("true | true && P"),
    Script("for i in 1; do true; done; P"),
    Script("if true; then true; fi && P"),
    Script("case a in a) true;; esac; P"),
    Script("(true); P"),
    Script("{ true; } && P"),
    Script("f() { true; }; f; P"),
    Script("! true; P"),
    Script("X=$(true) && P"),
    Script("true | true; exec P"),
    # traps
    Script("trap 'echo trapped; exit 3' TERM; P"),
    Script("trap 'echo trapped; exit 3' TERM; P & wait", traps=True, quick=True),
    Script("trap '' TERM; P"),
    Script("trap - TERM; P"),
    Script("trap x EXIT; P"),
    # compound commands
    Script("( P )", quick=True),
    Script("(exec P)"),
    Script("{ P; }"),
    Script("if true; then P; fi"),
    Script("if true; then exec P; fi"),
    Script("case a in a) P;; esac"),
    Script("for i in 1; do P; done"),
    Script("! P"),
    Script("f() { P; }; f"),
    Script("eval P"),
    Script("eval exec P"),
    # no program
    Script("", None, quick=True),
    Script("echo hi", None),
    Script(": c", None),
)


#: (shell, script) -> where that shell does otherwise; exactly this has to be seen.
EXCEPTIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    # zsh does not split what an unquoted parameter gives.
    ("zsh", "P $@"): (
        "SHELL-01: P got ('P', 'one', 'two words'), not ('P', 'one', 'two', 'words')",
    ),
    # mksh ends by SIGTERM while it waits for a job, also as process 1, and takes its jobs along.
    ("mksh", "P & wait"): (
        "SHELL-05: P got SIGTERM, though it is not process 1",
        "SHELL-05: the shell ended by SIGTERM with 143",
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One shell with one script, and where entrysem is not right about it."""

    shell: str
    script: str
    kind: str
    seen: Seen
    wrong: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For a report."""
        return {
            "shell": self.shell,
            "script": self.script,
            "kind": self.kind,
            "pid1": self.seen.pid1 if self.seen.program else None,
            "sigterm": self.seen.signalled,
            "killed": self.seen.killed,
            "wrong": list(self.wrong),
            "seen": self.seen.document(),
        }


def observe(
    sandbox: Sandbox,
    *,
    shells: Iterable[Shell] = SHELLS,
    scripts: Iterable[Script] = SCRIPTS,
    threads: int = 6,
) -> Iterator[Row]:
    """Every shell with every script, in order."""
    image = sandbox.image("FROM scratch\n")
    pairs = [(shell, script) for shell in shells for script in scripts]

    def one(pair: tuple[Shell, Script]) -> Row:
        shell, script = pair
        argv = (*shell.command, "-c", script.text, *OPERANDS)
        # sash is no POSIX shell: it takes no word after the script.
        words = argv if shell.name != "sash" else argv[: -len(OPERANDS)]
        seen = sandbox.run(image, words)
        view = shell_view(words)
        kind = view.kind.name if view is not None and view.kind is not None else ""
        wrong = disagreements(words, script, seen)
        known = EXCEPTIONS.get((shell.name, script.text))
        if known is not None:
            # What of it shows depends on who is faster.
            usual = wrong and set(wrong) <= set(known)
            wrong = () if usual else (f"no exception any more: {wrong}",)
        return Row(shell.name, script.text, kind, seen, wrong)

    # Most of the time is spent waiting for `docker stop`.
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(one, pairs)


def disagreements(argv: tuple[str, ...], script: Script, seen: Seen) -> tuple[str, ...]:
    """Where what was seen is not what entrysem says of this argv; a sentence each."""
    found: list[str] = []
    if seen.created != argv:
        found.append(f"the container was created with {seen.created!r}")
    view = shell_view(argv)
    if view is None:
        return tuple(found)
    if view.script != script.text or (view.zero, view.parameters) != (OPERANDS[0], OPERANDS[1:]):
        found.append(f"SHELL-01: read as {view.script!r}, {view.zero!r}, {view.parameters!r}")
    program = seen.program
    if (program is None) != (script.argv is None):
        return (*found, f"P was {'not ' if program is None else ''}started: {seen.output!r}")
    if program is None:
        return tuple(found) if seen.ended else (*found, "it does not end")
    if program.argv != script.argv:
        found.append(f"SHELL-01: P got {program.argv!r}, not {script.argv!r}")
    said = {entry.who for entry in view.pid1}
    if view.kind == EXEC:
        said = {"program"}
    if said and seen.pid1 not in said:
        found.append(
            f"SHELL-04: {seen.pid1} is process 1, not {', '.join(said)} ({view.kind and view.kind.name})"
        )
    found += _stop(script, seen)
    return tuple(found)


def _stop(script: Script, seen: Seen) -> Iterator[str]:
    """SHELL-05, by who really is process 1."""
    if seen.pid1 == "program":
        if not seen.signalled or seen.killed:
            yield f"SHELL-05: P is process 1 and did not end by SIGTERM: {seen.output!r}"
        return
    if seen.signalled:
        yield "SHELL-05: P got SIGTERM, though it is not process 1"
    if not script.traps and not (seen.killed and seen.seconds >= STOP):
        yield f"SHELL-05: the shell ended by SIGTERM with {seen.exit}"
