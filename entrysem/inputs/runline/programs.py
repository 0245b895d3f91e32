"""Which program a command is, and where its own options begin.

`docker -H HOST container run` is `docker run` with an option before it. A program's own options end at
its command, so they are read first, each with the options of its level. What stands before the program
(`sudo`, assignments) is passed over.

Sources: docker/cli cli/cobra.go (HandleGlobalFlags) and cmd/docker/docker.go; containers/podman
cmd/podman/root.go; docker/compose cmd/compose/compose.go and cmd/compatibility/convert.go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from entrysem.inputs.runline.flags import Given, OptionSet, parse
from entrysem.inputs.runline.tables import option_set
from entrysem.late import late

__all__ = ["PROGRAMS", "Found", "after_prefixes", "find"]


class Found(NamedTuple):
    """A command that starts a container.

    Attributes:
        program: `docker run`.
        table: whose options it takes: `docker run`, `podman create`, `compose run`.
        begin: index of the first word behind the last word of the program's name.
        given: the options before that.
        program_words: indexes of the words that make up the program's name.
    """

    program: str
    table: str
    begin: int
    given: tuple[Given, ...]
    program_words: tuple[int, ...]


_ASSIGNMENT = late(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_PREFIXES = frozenset(
    "sudo exec command time nohup env winpty ! if then else elif while do {".split()
)
_NOT_READ = frozenset("nerdctl podman-compose container crictl ctr buildah oc lxc".split())
#: sudo(8)'s options that take a word.
_SUDO_VALUES = frozenset("-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt".split())
PROGRAMS = (
    "docker run",
    "docker create",
    "podman run",
    "podman create",
    "docker compose run",
    "docker-compose run",
    "kubectl run",
)


def after_prefixes(texts: Sequence[str]) -> int:
    """The index of the first word that is neither an assignment nor sudo or its kin."""
    index = 0
    while index < len(texts):
        if texts[index] == "sudo":
            index += 1
            while index < len(texts) and texts[index].startswith("-"):
                index += 2 if texts[index] in _SUDO_VALUES else 1
        elif texts[index] in _PREFIXES or _ASSIGNMENT.match(texts[index]):
            index += 1
        else:
            break
    return index


def find(texts: Sequence[str], begin: int, version: str | None, reasons: list[str]) -> Found | None:
    """What this command starts; None and a reason when it is no container."""
    if begin >= len(texts):
        return None
    program = re.split(r"[/\\]", texts[begin])[-1].removesuffix(".exe")
    found: Found | str
    if program in ("docker", "podman"):
        found = _engine(program, texts, begin)
    elif program == "docker-compose":
        found = _compose(program, texts, [begin], ())
    elif program == "kubectl":
        found = _kubectl(texts, begin, version)
    else:
        if program in _NOT_READ:
            reasons.append(f"{program} is not one of the programs that are read here")
        return None
    if isinstance(found, str):
        reasons.append(found)
        return None
    return found


def _engine(program: str, texts: Sequence[str], begin: int) -> Found | str:
    parsed = parse(texts, begin + 1, option_set(program, None))
    if not parsed.arguments:
        return f"{program} is given no command"
    at = parsed.arguments[0]
    names = [begin, at]
    command = texts[at]
    if command == "compose" and program == "docker":
        return _compose("docker compose", texts, names, parsed.given)
    if command == "container" and at + 1 < len(texts):
        at += 1
        names.append(at)
        command = texts[at]
    if command not in ("run", "create"):
        return _not_run(f"{program} {command}", command)
    name = f"{program} {command}"
    return Found(name, name, at + 1, parsed.given, tuple(names))


def _compose(
    program: str, texts: Sequence[str], names: list[int], given: tuple[Given, ...]
) -> Found | str:
    options = option_set("compose", None)
    if program == "docker-compose":
        # It hands docker's own options on to it (cmd/compatibility/convert.go).
        both = [*option_set("docker", None).names.values(), *options.names.values()]
        options = OptionSet(program, both, {})
    parsed = parse(texts, names[-1] + 1, options)
    if not parsed.arguments:
        return f"{program} is given no command"
    at = parsed.arguments[0]
    if texts[at] != "run":
        return _not_run(f"{program} {texts[at]}", texts[at])
    names = [*names, at]
    return Found(f"{program} run", "compose run", at + 1, given + parsed.given, tuple(names))


def _kubectl(texts: Sequence[str], begin: int, version: str | None) -> Found | str:
    options = option_set("kubectl run", version)
    index = begin + 1
    while index < len(texts) and texts[index].startswith("-") and texts[index] != "--":
        name = texts[index].lstrip("-")
        option = options.named(name) if texts[index].startswith("--") else options.letters.get(name)
        index += 2 if option is not None and option.takes_word else 1
    if index >= len(texts):
        return "kubectl is given no command"
    if texts[index] != "run":
        return _not_run(f"kubectl {texts[index]}", texts[index])
    before = parse(texts[:index], begin + 1, options, interspersed=True)
    return Found("kubectl run", "kubectl run", index + 1, before.given, (begin, index))


def _not_run(name: str, command: str) -> str:
    if "\u00a0" in command:
        return f"{command!r} holds a blank that does not break, which no shell takes for a blank"
    if command == "exec":
        return f"{name} runs its words in a container that is there; the image has no say in them"
    if command == "up":
        return f"{name} starts what the Compose file says: explain the file, with --service NAME"
    if command == "start":
        return f"{name} starts a container that was created before, with the words it got then"
    return f"{name} starts no container from an image"
