"""What comes of putting Entrypoint and Cmd together: ES002, ES003 and ES013."""

from __future__ import annotations

from entrysem.dockerfile import Instruction
from entrysem.dockerfile.text import lower
from entrysem.findings.plain import exec_changes, quoted
from entrysem.findings.scene import Scene, Told
from entrysem.model import Words, is_known
from entrysem.trace import spell

__all__ = ["merging"]

#: Programs that run the command line that they are given.
_RUNS_ARGUMENTS = frozenset(
    (
        "tini tini-static dumb-init docker-init catatonit env gosu su-exec setpriv chpst runuser sudo nice "
        "ionice timeout time stdbuf nohup xvfb-run with-contenv init my_init envconsul chamber exec npx "
        "dockerize confd containerpilot containerbuddy forego run-parts entrykit codep pid1 go-init "
        "s6-setuidgid dbus-run-session strace proot flock unshare nsenter chroot start-stop-daemon "
        "multirun prehook switch envplate ep consul-template vaultenv summon aws-vault systemd-run "
        "su gotpl ssh-agent rvm-exec rbenv chdir wait-for-it wait-for dockerfy tsdb pipework"
    ).split()
)
#: These take a command line behind a word of their own.
_RUNS_BEHIND = {
    "bundle": "exec",
    "pipenv": "run",
    "poetry": "run",
    "conda": "run",
    "npm": "exec",
    "rvm": "do",
    "scl": "enable",
    "uv": "run",
    "envdir": "",
    "docker": "run",
}
#: Their name says a script, which may well run its arguments.
_SCRIPT_ENDS = (".sh", ".bash", ".py", ".rb", ".pl", ".js")
_INTERACTIVE = frozenset(
    (
        "sh bash ash dash zsh python python2 python3 node irb ghci iex erl R julia php perl jshell scala "
        "groovy groovysh lua pypy pypy3 psql mysql swift dart jruby gradle mvn rebar3 cmd powershell pwsh "
        "java go rust"
    ).split()
)


def merging(scene: Scene) -> None:
    """Tells of a CMD that ENTRYPOINT makes no use of, of one that is gone, and of nothing at all."""
    if scene.cmd is not None and scene.cmd.items is None and scene.cmd.text:
        _shell_words_for_program(scene, scene.cmd)
    if scene.wiped is not None and not scene.config.cmd:
        _wiped(scene, *scene.wiped)
    if scene.error is not None and scene.error.code == "no-command-specified":
        _nothing(scene)


def _shell_words_for_program(scene: Scene, cmd: Instruction) -> None:
    entrypoint = scene.config.entrypoint
    if not entrypoint or not is_known(entrypoint) or scene.view is not None or not cmd.start_line:
        return
    words = scene.filled(entrypoint)
    if words == ("",) or _may_run_arguments(words):
        return
    shell = scene.filled(scene.config.cmd)[0]
    place = Told.of(cmd)
    changes = exec_changes(cmd.text)
    fix = None
    if changes is not None:
        fix = scene.mend("Write CMD in exec form", place, changes)
    scene.tell(
        "ES002",
        f"CMD is shell form, so {quoted(words[0])} gets {quoted(shell)} as an argument, and the line as one word",
        place,
        fix,
    )


def _may_run_arguments(words: tuple[str, ...]) -> bool:
    """Whether the entrypoint is, or ends in, a program that carries out the arguments it gets."""
    for index, word in enumerate(words):
        name = word.rpartition("/")[2].rpartition("\\")[2]
        if name in _RUNS_ARGUMENTS or "entrypoint" in lower(name) or "entry" in lower(name):
            return True
        if name in _RUNS_BEHIND and _RUNS_BEHIND[name] in ("", *words[index + 1 :]):
            return True
        if name.endswith(_SCRIPT_ENDS) or (index == 0 and "." not in name and "/" in word and _is_local(word)):
            return True
    return False


def _is_local(word: str) -> bool:
    """A program of the image's own, of which nothing is known: `/run`, `/app/start`."""
    return not word.startswith(("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"))


def _wiped(scene: Scene, setter: Instruction, before: Words) -> None:
    if not setter.start_line or not before or not is_known(before):
        return
    entrypoint = scene.filled(scene.config.entrypoint)
    cmd = scene.filled(before)
    program = cmd[0].rpartition("/")[2]
    if any(program in word for word in entrypoint):
        # The new ENTRYPOINT starts the program itself.
        return
    if entrypoint and not _needs_command(scene, entrypoint, program):
        return
    base = scene.dockerfile.stages[scene.stage_of(setter) or 0].base
    scene.tell(
        "ES003",
        f"This ENTRYPOINT empties the CMD {spell(before)} that comes from {base}; repeat CMD in this stage to keep it",
        Told.of(setter),
    )


def _needs_command(scene: Scene, entrypoint: tuple[str, ...], program: str) -> bool:
    return _may_run_arguments(entrypoint) and program not in _INTERACTIVE


def _nothing(scene: Scene) -> None:
    stage = scene.built.stage
    setter = scene.wiped[0] if scene.wiped is not None else scene.entrypoint or scene.cmd
    scene.tell(
        "ES013",
        "The image has no ENTRYPOINT and no CMD: a container needs a command, or is not created",
        Told.of(setter if setter is not None and setter.start_line else stage.instruction),
    )
