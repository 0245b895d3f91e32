"""What comes of putting Entrypoint and Cmd together: ES002, ES003 and ES013."""

from __future__ import annotations

from entrysem.dockerfile import Instruction
from entrysem.dockerfile.text import lower
from entrysem.findings.model import Fix
from entrysem.findings.plain import exec_changes, quoted
from entrysem.findings.scene import Scene, Told, Wiped
from entrysem.late import late
from entrysem.model import Words, is_known
from entrysem.trace import spell

__all__ = ["merging"]

#: Programs that run the command line that they are given.
_RUNS_ARGUMENTS = frozenset(
    (
        "tini tini-static dumb-init docker-init catatonit env gosu su-exec setpriv chpst runuser "
        "sudo nice ionice timeout time stdbuf nohup xvfb-run with-contenv init my_init envconsul "
        "chamber exec npx dockerize confd containerpilot containerbuddy forego run-parts entrykit "
        "codep pid1 go-init s6-setuidgid dbus-run-session strace proot flock unshare nsenter "
        "chroot start-stop-daemon multirun prehook switch reefer parent envplate ep consul- "
        "template vaultenv summon aws-vault systemd-run su gotpl ssh-agent rvm-exec rbenv chdir "
        "wait-for-it wait-for dockerfy tsdb pipework"
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
#: Of these, the ones that do nothing else: without a command they fail.
_ONLY_RUNS = frozenset(
    "tini tini-static dumb-init docker-init catatonit env gosu su-exec pid1 go-init setpriv".split()
)
_STARTS_SOMETHING = late(r"entry|start|run|init|exec|wrap|boot|setup|launch|install|wait")
_INTERACTIVE = frozenset(
    (
        "sh bash ash dash zsh python python2 python3 node irb ghci iex erl R julia php perl jshell scala "
        "groovy groovysh lua pypy pypy3 psql mysql swift dart jruby gradle mvn rebar3 cmd powershell "
        "pwsh java go rust"
    ).split()
)


def merging(scene: Scene) -> None:
    """Tells of a CMD that ENTRYPOINT makes no use of, of one that is gone, and of nothing at all."""
    if scene.cmd is not None and scene.cmd.items is None and scene.cmd.text:
        _shell_words_for_program(scene, scene.cmd)
    if scene.wiped is not None and not scene.config.cmd and _wiped(scene, scene.wiped):
        return
    if scene.error is not None and scene.error.code == "no-command-specified":
        _nothing(scene)


def _shell_words_for_program(scene: Scene, cmd: Instruction) -> None:
    entrypoint = scene.config.entrypoint
    if not entrypoint or not is_known(entrypoint) or scene.view is not None or not cmd.start_line:
        return
    if cmd.start_line in scene.misread:
        return
    words = scene.filled(entrypoint)
    if words == ("",) or _may_run_arguments(words):
        return
    shell = scene.filled(scene.config.cmd)[0]
    place = Told.of(cmd)
    changes = exec_changes(cmd.text)
    fix = None
    if changes is not None and cmd.text.startswith("-"):
        # Other words may as well be a command of its own, which is one answer too many.
        fix = scene.mend("Write CMD in exec form", place, changes)
    scene.tell(
        "ES002",
        f"CMD is shell form, so {quoted(words[0])} gets {quoted(shell)} as an argument, "
        "and the line as one word",
        place,
        fix,
    )


def _may_run_arguments(words: tuple[str, ...]) -> bool:
    """Whether the entrypoint is, or ends in, a program that carries out the arguments it gets."""
    for index, word in enumerate(words):
        name = word.rpartition("/")[2].rpartition("\\")[2]
        if name in _RUNS_ARGUMENTS or _STARTS_SOMETHING.search(lower(name)):
            return True
        if name in _RUNS_BEHIND and _RUNS_BEHIND[name] in ("", *words[index + 1 :]):
            return True
        if name.endswith(_SCRIPT_ENDS) or (
            index == 0 and "." not in name and "/" in word and _is_local(word)
        ):
            return True
    return False


def _is_local(word: str) -> bool:
    """A program of the image's own, of which nothing is known: `/run`, `/app/start`."""
    return not word.startswith(("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"))


def _wiped(scene: Scene, wiped: Wiped) -> bool:
    """Whether something was told of the Cmd that is gone.

    An ENTRYPOINT that is a program of its own is meant to make an inherited command void. It is not where
    it runs what it is given and gets nothing now.
    """
    setter = wiped.by
    if not setter.start_line or not wiped.words or not is_known(wiped.words):
        return False
    if setter.start_line in scene.misread:
        return False
    entrypoint = scene.filled(scene.config.entrypoint)
    program = scene.filled(wiped.words)[0].rpartition("/")[2]
    if any(program in word for word in entrypoint):
        # The new ENTRYPOINT starts the program itself.
        return False
    gone = f"This ENTRYPOINT empties the inherited CMD {spell(wiped.words)}"
    # A shell or an interpreter is what a base starts when nobody says what: seldom missed.
    meant = program not in _INTERACTIVE
    why = ""
    if not "".join(entrypoint):
        why = ", so nothing is left to run"
    elif _only_runs_arguments(entrypoint) or _wraps(
        scene, entrypoint, scene.filled(wiped.entrypoint)
    ):
        why = ", which it is to run"
    if why:
        scene.tell(
            "ES003",
            gone + why,
            Told.of(setter),
            _repeat(scene, wiped) if meant else None,
            severity=None if meant else "info",
        )
        return True
    if scene.view is None and meant and _is_script(entrypoint):
        scene.tell(
            "ES003",
            gone + "; if the script runs its arguments, it has none now",
            Told.of(setter),
            severity="info",
        )
        return True
    return False


def _only_runs_arguments(words: tuple[str, ...]) -> bool:
    """`tini --`, `dumb-init`: with no program of its own."""
    name = words[0].rpartition("/")[2]
    return name in _ONLY_RUNS and all(word.startswith("-") for word in words[1:])


def _wraps(scene: Scene, words: tuple[str, ...], before: tuple[str, ...]) -> bool:
    """Whether the entrypoint ends with the one that the base has, a script that is not replaced here."""
    if not before or words[-len(before) :] != before or not _is_script(before):
        return False
    name = before[-1].rpartition("/")[2]
    return not any(
        item.keyword in ("copy", "add", "run") and name in item.original
        for item in scene.built.stage.instructions
    )


def _is_script(words: tuple[str, ...]) -> bool:
    name = words[-1].rpartition("/")[2]
    return name.endswith(_SCRIPT_ENDS) or "entrypoint" in name


def _repeat(scene: Scene, wiped: Wiped) -> tuple[Fix, Words] | None:
    """CMD again, in a line below ENTRYPOINT."""
    line = scene.places.line_after(wiped.by, f"CMD {spell(wiped.words)}")
    return scene.fix("Repeat CMD below ENTRYPOINT", wiped.by, (line,))


def _nothing(scene: Scene) -> None:
    stage = scene.built.stage
    setter = scene.wiped.by if scene.wiped is not None else scene.entrypoint or scene.cmd
    scene.tell(
        "ES013",
        "The image has no ENTRYPOINT and no CMD: a container needs a command, or is not created",
        Told.of(setter if setter is not None and setter.start_line else stage.instruction),
    )
