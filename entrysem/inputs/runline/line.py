"""A command line -> the role of every word, and the subject to explain.

The first command of the text that starts a container is the one that is read. What stands before it
(a prompt, `sudo`, assignments) is set aside; what the shell does after it is told in a note.

Sources: docker/cli cli/command/container/run.go, create.go; containers/podman
cmd/podman/containers/create.go (`--rootfs`); docker/compose cmd/compose/run.go; kubernetes/kubectl
pkg/cmd/run/run.go and pkg/generate/versioned/run.go (`--command`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from entrysem.errors import InputError
from entrysem.inputs.runline import mistakes
from entrysem.inputs.runline.flags import Given, Parsed, parse
from entrysem.inputs.runline.programs import PROGRAMS, Found, after_prefixes, find
from entrysem.inputs.runline.shellsplit import ShellCommand, ShellWord, commands
from entrysem.inputs.runline.tables import option_set
from entrysem.inputs.subject import Subject
from entrysem.late import late
from entrysem.merge import expand_references
from entrysem.model import RunOptions

__all__ = ["LineWord", "Role", "RunLine", "read_run_line"]

Role = Literal[
    "prefix", "program", "option", "value", "end", "image", "service", "rootfs", "name", "command"
]


class LineWord(NamedTuple):
    """A word of the line.

    Attributes:
        text: the word as the program gets it; what the shell replaces stands in it as typed.
        role: `prefix` (`sudo`, an assignment), `program` (`docker`, `run`), `option`, `value` (of the
            option before it), `end` (`--`), `image`, `service` (Compose), `rootfs` (Podman), `name`
            (Kubernetes), `command` (what the container gets).
        start, end: where it stands in the text.
        options: for an option, the long names of what it holds: `("interactive", "tty")` for `-it`;
            for a value, the option that it belongs to.
        replaced: pieces that the shell replaces, as typed.
        splits: whether the shell may make several words of it, or none.
    """

    text: str
    role: Role
    start: int
    end: int
    options: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    splits: bool = False


class RunLine(NamedTuple):
    """A command line, read.

    Attributes:
        text: what was read, with plain line ends.
        program: `docker run`, `docker create`, `podman run`, `docker compose run`, `kubectl run`, ...
            `docker container run` is `docker run`.
        version: the version whose options were used; None is the newest known.
        words: the words of the command, in order.
        image: the image's reference; None for a service or a root file system.
        service: Compose's service; None elsewhere.
        rootfs: the folder that Podman's `--rootfs` takes in the image's place; None elsewhere.
        options: (name, value) of every option that was given, the program's own first, in order.
        subject: what to explain. Its image is None where `image` is.
    """

    text: str
    program: str
    version: str | None
    words: tuple[LineWord, ...]
    image: str | None
    service: str | None
    rootfs: str | None
    options: tuple[tuple[str, str], ...]
    subject: Subject

    @property
    def depends(self) -> tuple[LineWord, ...]:
        """The words that decide argv and that only the shell knows: the image, the command, the
        entrypoint, and before the image whatever may become several words. Empty: argv is certain.
        """
        return tuple(
            [
                word
                for word in self.words
                if word.replaced and (word.splits or mistakes.decides(self.program, word))
            ]
        )


#: `$ `, `% `, `user@host:~/x$ `, and root's `# ` where a program follows.
_PROMPT = late(
    r"\s*(?:[$%]|[\w.-]{1,64}@[\w.-]{1,64}[^\s$#]{0,64}[ ]?[^\s$#]{0,64}[$#]"
    r"|#(?=[ ](?:sudo |docker|podman|kubectl)))[ ]"
)
_CONTINUED = late(r"(?<=\\\n)> ")


def read_run_line(text: str, *, version: str | None = None) -> RunLine:
    """Reads a command line.

    Args:
        text: what one types at a shell; several lines when they are continued.
        version: the version of docker, podman, Compose or kubectl whose options count; None for the
            newest known.

    Raises:
        InputError: `not-a-run-line` (nothing in it starts a container), `missing-image`,
            `missing-service`, `unknown-option`, `option-needs-value`, `bad-option-value`,
            `help-asked`, `unclosed-quote`, `shell-syntax`, `nul-byte`, `bad-version`, `bad-env`.
    """
    if "\0" in text:
        raise InputError("nul-byte", "a command line holds no NUL", where="run line")
    text = text.replace("\r\n", "\n")
    plain = text
    prompt = _PROMPT.match(text)
    if prompt:
        plain = " " * prompt.end() + text[prompt.end() :]
        plain = _CONTINUED.sub("  ", plain)
    reasons: list[str] = []
    before: list[ShellCommand] = []
    for command in commands(plain):
        texts = [word.text for word in command.words]
        begin = after_prefixes(texts)
        found = find(texts, begin, version, reasons)
        if found is not None:
            return _read(plain, text, command, before, begin, found, version)
        if texts:
            before.append(command)
    raise InputError(
        "not-a-run-line",
        reasons[0] if reasons else "no command in this line starts a container",
        where="run line",
        hint=f"it is one of {', '.join(PROGRAMS)}",
    )


def _read(
    plain: str,
    text: str,
    command: ShellCommand,
    before: Sequence[ShellCommand],
    begin: int,
    found: Found,
    version: str | None,
) -> RunLine:
    texts = [word.text for word in command.words]
    options = option_set(found.table, version)
    kubernetes = found.table == "kubectl run"
    parsed = parse(texts, found.begin, options, interspersed=kubernetes)
    given = found.given + parsed.given
    last = {each.option.meant: each.value for each in given}
    rootfs = last.get("rootfs") == "true" and found.table.startswith("podman ")
    first: Role = "name" if kubernetes else "rootfs" if rootfs else "image"
    if found.table == "compose run":
        first = "service"
    if not parsed.arguments or (kubernetes and parsed.before_dash == 0):
        raise _missing(found.program, first, parsed, texts, command.redirections)
    subject_word, *rest = parsed.arguments
    words = _words(command.words, begin, found, parsed, first)
    args = tuple(texts[index] for index in rest) or None
    image = texts[subject_word] if first == "image" else None
    run = RunOptions(args=args, entrypoint=last.get("entrypoint"), init=last.get("init") == "true")
    if kubernetes:
        image = last.get("image")
        if not image:
            raise InputError(
                "missing-image",
                "kubectl run: --image is required",
                where="run line",
                hint="write --image=IMAGE before the --",
            )
        run = _in_a_pod(args, given, last)
    elif found.table == "compose run":
        run = run._replace(init=False)
    known = mistakes.Known(
        program=found.program,
        options=options,
        given=given,
        words=words,
        image=image,
        first=first,
        operator=command.operator,
        following=plain[command.end : command.end + 500],
        redirections=command.redirections,
        before=tuple([" ".join([word.text for word in each.words]) for each in before]),
    )
    subject = Subject(
        name=f"{found.program} {texts[subject_word]}",
        image=image,
        run=run,
        runtime=_RUNTIMES[found.table.split(" ")[0]],
        platform=_platform(last),
        notes=mistakes.notes(known),
    )
    return RunLine(
        text=text,
        program=found.program,
        version=version,
        words=words,
        image=image,
        service=texts[subject_word] if first == "service" else None,
        rootfs=texts[subject_word] if first == "rootfs" else None,
        options=tuple([(each.option.meant, each.value) for each in given]),
        subject=subject,
    )


_RUNTIMES = {"docker": "docker", "podman": "podman", "compose": "compose", "kubectl": "cri"}


def _in_a_pod(
    args: tuple[str, ...] | None, given: Sequence[Given], last: dict[str, str]
) -> RunOptions:
    """The words of kubectl are the container's `args`, or with --command its `command`."""
    env: dict[str, str] = {}
    for each in given:
        if each.option.meant == "env":
            name, equals, value = each.value.partition("=")
            if not equals or not name:
                raise InputError(
                    "bad-env",
                    f"kubectl run: invalid env: {each.value}",
                    where=f"run line, word {each.word + 1}",
                    hint="write --env NAME=VALUE",
                )
            # The kubelet replaces $(NAME) in a value by what stands before it.
            env[name] = expand_references(value, env)
    if last.get("command") == "true":
        return RunOptions(entrypoint=args, env=env)
    return RunOptions(args=args, env=env)


def _platform(last: dict[str, str]) -> str | None:
    if last.get("platform"):
        return last["platform"]
    if last.get("arch") or last.get("os"):
        return f"{last.get('os') or 'linux'}/{last.get('arch') or 'amd64'}"
    return None


def _words(
    words: Sequence[ShellWord], begin: int, found: Found, parsed: Parsed, first: Role
) -> tuple[LineWord, ...]:
    roles: list[Role] = ["option"] * len(words)
    roles[:begin] = ["prefix"] * begin
    names: list[tuple[str, ...]] = [()] * len(words)
    for index in found.program_words:
        roles[index] = "program"
    for each in found.given + parsed.given:
        names[each.word] += (each.option.meant,)
        if each.value_word is not None:
            roles[each.value_word] = "value"
            names[each.value_word] = (each.option.meant,)
    if parsed.dash is not None:
        roles[parsed.dash] = "end"
    for number, index in enumerate(parsed.arguments):
        roles[index] = "command" if number else first
    if first == "name":
        for index, of in enumerate(names):
            if of == ("image",) and roles[index] == "value":
                roles[index] = "image"
    return tuple(
        [
            LineWord(word.text, role, word.start, word.end, options, word.replaced, word.splits)
            for word, role, options in zip(words, roles, names, strict=True)
        ]
    )


def _missing(
    program: str, first: Role, parsed: Parsed, texts: Sequence[str], redirections: Sequence[str]
) -> InputError:
    what = {"service": "service", "name": "name", "rootfs": "folder"}.get(first, "image")
    hint = f"write {program} [OPTIONS] {what.upper()} [COMMAND...]"
    if parsed.given and parsed.given[-1].value_word == len(texts) - 1:
        last = parsed.given[-1]
        hint = f"{texts[-1]!r} is the value of {texts[last.word]}; {hint}"
    elif redirections:
        hint = f"a shell takes {redirections[0]!r} for a file to read or write; {hint}"
    return InputError(
        f"missing-{what}", f"{program}: there is no {what}", where="run line", hint=hint
    )
