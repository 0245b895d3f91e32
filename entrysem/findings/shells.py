"""What a shell at the head of argv does with the words: ES001, ES009 and ES012.

A shell takes one word as its script and binds the words after it to `$0`, `$1` and so on. Where the
script uses them, nothing is lost and nothing is told.
"""

from __future__ import annotations

import re

from entrysem.dockerfile import Instruction
from entrysem.findings.edits import Change
from entrysem.findings.model import Fix
from entrysem.findings.plain import exec_changes, plain_words, quoted
from entrysem.findings.scene import Scene, Told
from entrysem.late import late
from entrysem.model import Words
from entrysem.shell import ShellView, script_kind, shell_view

__all__ = ["shells"]

#: What people write for `$0` on purpose.
_ZERO = frozenset({"--", "-", "_", "sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash"})
#: Quoted and substituted text, in which nothing separates commands.
_HIDDEN = late(
    r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`|#[^\n]*|[0-9]*>&[0-9-]?|&>+",
    re.DOTALL,
)
_LIST = late(r"(&&|\|\||;;|;|\n|&)")
_LOOP = late(r"(?:for|while|until)\s.*\bdone$", re.DOTALL)
_PIPE = late(r"\|")
_TRAP = late(r"(?:^|[\s;&|({])trap\s")


def shells(scene: Scene) -> None:
    """Tells of words that a shell ignores, and of a shell that stays in the way of signals."""
    view = scene.view
    if view is None or not view.script:
        return
    # Where in argv the script stands.
    script = len(scene.presumed) - len(view.parameters) - (view.zero is not None) - 1
    setter = scene.entrypoint if script < scene.entry_length else scene.cmd
    if setter is not None and setter.start_line in scene.misread:
        return
    if not view.uses_parameters:
        if script < scene.entry_length:
            _ignoring_entrypoint(scene, view, script)
        elif view.zero is not None and view.zero not in _ZERO:
            _kept_word(scene, view, scene.cmd)
    if setter is not None and setter.start_line:
        _first_process(scene, view, setter)


def _ignoring_entrypoint(scene: Scene, view: ShellView, script: int) -> None:
    """The script comes with ENTRYPOINT and looks at no parameter."""
    setter = scene.entrypoint
    extra = scene.presumed[script + 1 : scene.entry_length]
    if extra and (extra[0] not in _ZERO or len(extra) > 1):
        _kept_word(scene, view, setter)
        return
    cmd = scene.presumed[scene.entry_length :]
    if cmd:
        place = next((item for item in (scene.cmd, setter) if item and item.start_line), None)
        scene.tell(
            "ES001",
            f"The script of ENTRYPOINT uses no parameter, so it ignores CMD, the words from "
            f"{quoted(cmd[0])} on, and the arguments of a run",
            None if place is None else Told.of(place),
            presumed=True,
        )
    elif setter is not None:
        fix = (
            None if setter.items is not None or _has_own_shell(scene) else _exec_form(scene, setter)
        )
        scene.tell(
            "ES001",
            "The script of ENTRYPOINT uses no parameter, so the arguments of a run are ignored",
            Told.of(setter),
            fix,
            severity="info",
            presumed=True,
        )


def _has_own_shell(scene: Scene) -> bool:
    """Whether a SHELL with more than -c does something before the script that would be lost."""
    words = scene.filled(scene.config.entrypoint)
    return scene.built.windows or len(words) != 3 or words[1] != "-c"


def _exec_form(scene: Scene, setter: Instruction) -> tuple[Fix, Words] | None:
    changes = exec_changes(setter.text)
    if changes is None or not setter.start_line:
        return None
    if shell_view(plain_words(setter.text) or ()) is not None:
        # A shell in the shell: as exec form it ignores its arguments all the same.
        return None
    return scene.mend(f"Write {setter.name} in exec form", Told.of(setter), changes)


def _kept_word(scene: Scene, view: ShellView, setter: Instruction | None) -> None:
    """All words but one of a command line are parameters of a script that is its first word."""
    assert view.script is not None
    if setter is None or not setter.start_line:
        return
    rest = (view.zero or "", *view.parameters)
    scene.tell(
        "ES012",
        f"{view.shell} runs the script {quoted(view.script)} alone; {quoted(rest[0])} and what follows "
        "are its parameters, which it does not use",
        Told.of(setter),
        _one_word(scene, setter, view.script, rest),
        presumed=True,
    )


def _one_word(
    scene: Scene, setter: Instruction, script: str, rest: tuple[str, ...]
) -> tuple[Fix, Words] | None:
    """Joins the words, where the shell would read the line as these words again."""
    words = (script, *rest)
    text = setter.text
    if (
        setter.items is None
        or setter.items[-len(words) :] != words
        or plain_words(" ".join(words)) != words
    ):
        return None
    changes: list[Change] = []
    at = len(text)
    for word in reversed(words):
        end = at
        at = text.rfind(f'"{word}"', 0, at)
        if at < 0:
            return None
        if end < len(text):
            start = at + len(word) + 1
            changes.append(Change(start, end + 1, " "))
    changes.reverse()
    return scene.mend("Write the command line as one word", Told.of(setter), changes)


def _first_process(scene: Scene, view: ShellView, setter: Instruction) -> None:
    """The shell starts the program and stays; told only where every shell that it can be does."""
    assert view.script is not None
    kind = view.kind
    if kind is None or kind.name in ("builtin", "empty") or not view.pid1:
        return
    if any(entry.who != "shell" for entry in view.pid1) or _TRAP.search(view.script):
        return
    why = kind.sentence
    if kind.name == "stays":
        named = {entry.shell for entry in view.pid1}
        why = _why_it_stays(view.script, background=not any("busybox" in name for name in named))
        if not why:
            return
    scene.tell(
        "ES009",
        f"{view.shell} stays PID 1, because {why}. It does not pass SIGTERM on, so docker stop waits "
        "for its timeout and kills",
        Told.of(setter),
        _with_exec(scene, view, setter),
        presumed=True,
    )


def _why_it_stays(script: str, *, background: bool) -> str:
    """What about the last command keeps every measured shell; empty when some shell goes.

    `script_kind` is cautious: what it does not recognise stays with the shell. This is told for what
    was seen on dash 0.5.12, bash 5.2.15 and busybox ash 1.35.0, whatever stands before: a pipeline, a
    loop or `wait` at the end; and for `a & b`, after which ash alone makes way.
    """
    tail = _LIST.split(_HIDDEN.sub("_", script).strip())
    last = tail[-1].strip()
    if last.split()[:1] == ["done"] or _LOOP.match(last):
        return "the script ends with a loop"
    if _PIPE.search(last) and not any(char in last for char in "(){}"):
        return "the script ends with a pipeline"
    if last == "wait":
        return "the script waits for what it started"
    if background and len(tail) > 2 and tail[-2] == "&" and last and last[0] not in "({":
        return "the script runs something in the background"
    return ""


def _with_exec(scene: Scene, view: ShellView, setter: Instruction) -> tuple[Fix, Words] | None:
    """`exec` before a script that is one command."""
    script = view.script
    assert script is not None
    if view.kind is None or view.kind.name not in ("simple", "redirected", "trailing-newline"):
        return None
    named = script[:1].isalnum() or script[:1] in "/."
    if not named or script_kind("exec " + script).name != "exec":
        return None
    text = setter.text
    at = 0 if setter.items is None else text.find(f'"{script}"') + 1
    if setter.items is not None and at == 0:
        return None
    return scene.mend("Let exec replace the shell", Told.of(setter), [Change(at, at, "exec ")])
