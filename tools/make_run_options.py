"""Writes `entrysem/inputs/runline/options.json`: the options of every `run` command, by version.

    python tools/make_run_options.py FOLDER            # FOLDER/docker-cli, podman, compose, ...: git
    python tools/make_run_options.py --check FOLDER    # writes nothing; exit 1 on a difference

The definitions are read out of the command lines' own Go sources, at every released tag: each call
that defines a flag (`flags.StringVarP(&x, "publish", "p", ...)`) says the name, the letter, and by its
method whether a word follows. `conformance/test_runline.py` compares the result with the programs
themselves. A row is a flag as long as its letter and kind stay the same, with the range of versions
that have it, so that a release that adds one option adds one line. The clones are bare or not, with
their tags: docker/cli, containers/podman, docker/compose, kubernetes/kubectl, kubernetes/cli-runtime.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "entrysem" / "inputs" / "runline" / "options.json"


class Flag(NamedTuple):
    """One flag as the source defines it.

    `kind` is `bool`, `optional` (a value only after `=`), `int`, `uint`, `duration`, `float` or
    `text`; `of` is the flag that this name is another spelling of.
    """

    name: str
    letter: str
    kind: str
    of: str = ""


@dataclass(frozen=True)
class Command:
    """Where the flags of one command stand.

    Attributes:
        program: the key in the table.
        repository: whose source it is.
        folder: the clone, in the folder that is given.
        files: globs of paths, of any version; those that a version lacks are passed over.
        entries: functions to read, and what they call; every function of the files for none.
        persistent: None for all flags; True or False for those that subcommands (do not) inherit.
        aliases: a file and a function that spells names otherwise.
        since: the oldest version.
        tag: prefix of the tags that count, in place of which stands `v1` for Kubernetes.
        beside: a clone whose files belong to it, at the same tags.
        extra: flags that another library adds.
        without: flags of the files that other commands define with the same functions.
    """

    program: str
    repository: str
    folder: str
    files: tuple[str, ...]
    entries: tuple[str, ...] = ()
    persistent: bool | None = None
    aliases: tuple[str, str] | None = None
    since: tuple[int, ...] = (0,)
    tag: str = "v"
    beside: str = ""
    extra: tuple[Flag, ...] = ()
    without: frozenset[str] = frozenset()


_DOCKER = (
    "cli/command/container/opts.go",
    "cli/command/container/run.go",
    "cli/command/container/create.go",
    "cli/command/utils.go",
    "cli/command/trust.go",
)
_PODMAN = (
    "cmd/podman/common/create.go",
    "cmd/podman/common/netflags.go",
    "cmd/podman/containers/run.go",
    "cmd/podman/containers/create.go",
)
_KUBECTL = (
    "pkg/cmd/run/run.go",
    "pkg/cmd/util/helpers.go",
    "pkg/cmd/util/override_options.go",
    "pkg/cmd/delete/delete_flags.go",
    "pkg/genericclioptions/*_flags.go",
)
_KUBECTL_ROOT = (
    "pkg/cmd/cmd.go",
    "pkg/cmd/profiling.go",
    "pkg/kuberc/kuberc.go",
    "pkg/cmd/util/kubectl_match_version.go",
    "pkg/genericclioptions/config_flags.go",
)
#: klog's, which kubectl takes over from a library (component-base logs, klog InitFlags).
_KLOG = (
    Flag("log-flush-frequency", "", "duration"),
    Flag("v", "v", "int"),
    Flag("vmodule", "", "text"),
)
#: What `kubectl delete` has and `kubectl run`, which can delete its pod, has not (NewDeleteFlags).
_OF_DELETE = frozenset(
    "all all-namespaces field-selector ignore-not-found interactive local now raw selector".split()
)

COMMANDS = (
    Command(
        "docker",
        "docker/cli",
        "docker-cli",
        ("cli/flags/*.go", "cli/cobra.go", "cmd/docker/docker.go"),
        since=(19, 3),
    ),
    Command(
        "docker run",
        "docker/cli",
        "docker-cli",
        _DOCKER,
        ("NewRunCommand", "newRunCommand"),
        since=(19, 3),
    ),
    Command(
        "docker create",
        "docker/cli",
        "docker-cli",
        _DOCKER,
        ("NewCreateCommand", "newCreateCommand"),
        since=(19, 3),
    ),
    Command(
        "podman",
        "containers/podman",
        "podman",
        ("cmd/podman/root.go",),
        persistent=False,
        since=(3,),
        extra=(Flag("version", "v", "bool"),),  # cobra's own
    ),
    Command(
        "podman *",
        "containers/podman",
        "podman",
        ("cmd/podman/root.go",),
        persistent=True,
        since=(3,),
    ),
    Command(
        "podman run",
        "containers/podman",
        "podman",
        _PODMAN,
        ("runFlags",),
        aliases=("cmd/podman/utils/alias.go", "AliasFlags"),
        since=(3,),
    ),
    Command(
        "podman create",
        "containers/podman",
        "podman",
        _PODMAN,
        ("createFlags",),
        aliases=("cmd/podman/utils/alias.go", "AliasFlags"),
        since=(3,),
    ),
    Command(
        "compose",
        "docker/compose",
        "compose",
        ("cmd/compose/compose.go",),
        persistent=False,
        since=(2,),
    ),
    Command(
        "compose *",
        "docker/compose",
        "compose",
        ("cmd/compose/compose.go",),
        persistent=True,
        since=(2,),
    ),
    Command(
        "compose run",
        "docker/compose",
        "compose",
        ("cmd/compose/run.go",),
        aliases=("cmd/compose/run.go", "normalizeRunFlags"),
        since=(2,),
    ),
    Command(
        "kubectl *",
        "kubernetes/kubectl",
        "kubectl",
        _KUBECTL_ROOT,
        since=(1, 22),
        tag="v0.",
        beside="cli-runtime",
        extra=_KLOG,
    ),
    Command(
        "kubectl run",
        "kubernetes/kubectl",
        "kubectl",
        _KUBECTL,
        ("NewCmdRun",),
        since=(1, 22),
        tag="v0.",
        beside="cli-runtime",
        without=_OF_DELETE,
    ),
)

_KINDS = {
    "Bool": "bool",
    "Count": "optional",
    "Int": "int",
    "Int16": "int",
    "Int32": "int",
    "Int64": "int",
    "Uint": "uint",
    "Uint16": "uint",
    "Uint32": "uint",
    "Uint64": "uint",
    "Duration": "duration",
    "Float64": "float",
    "String": "text",
    "StringSlice": "text",
    "StringArray": "text",
    "UintSlice": "text",
    "StringToString": "text",
    "": "text",
}
_CALL = re.compile(
    r"([\w.]+(?:\(\))?)\s*\.\s*(" + "|".join(_KINDS) + r")(Var)?(P|PF)?\(|(\bOptionalBoolFlag)\("
)
_FUNCTION = re.compile(
    r"^func (?:\([^)]*\) )?(\w+)(?:\[[^\]]*\])?\(.*?^}", re.MULTILINE | re.DOTALL
)
_NAMED = re.compile(
    r'^\s*(?:const |var )?(\w+)\s*(?::=|=|string =)\s*"([^"\n]*)"\s*$', re.MULTILINE
)
_MODE = re.compile(
    r"^(\t+)if ([^\n]*\bmode\b[^\n]*|!?isInfra) \{\n(.*?)^\1\}(?: else \{\n(.*?)^\1\})?",
    re.MULTILINE | re.DOTALL,
)
_NO_VALUE = re.compile(r'(?:Lookup\(([^)]*)\)|(\w+))\.NoOptDefVal = ("[^"]*"|\w+)')


def flags_of(sources: Sequence[str], command: Command) -> list[Flag]:
    """The flags that the functions of these Go texts define."""
    functions: dict[str, str] = {}
    names: dict[str, str] = {}
    for source in sources:
        text = _without_comments(source)
        names.update(_NAMED.findall(text))
        for match in _FUNCTION.finditer(text):
            functions[match[1]] = functions.get(match[1], "") + _of_create(match[0])
    found: dict[str, Flag] = {}
    for name in _reached(functions, command.entries):
        for flag in _defined(functions[name], names, command.persistent):
            if flag.name not in command.without:
                found.setdefault(flag.name, flag)
    return [*found.values(), *command.extra]


def _without_comments(text: str) -> str:
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


def _of_create(body: str) -> str:
    """The body without the branches that another command than create and run takes."""

    def branch(match: re.Match[str]) -> str:
        condition = match[2].replace("!isInfra", "True").replace("isInfra", "False")
        condition = re.sub(r"mode == entities\.CreateMode", "True", condition)
        condition = re.sub(r"mode != entities\.(?!Create)\w+", "True", condition)
        condition = re.sub(r"mode [!=]= entities\.\w+", "False", condition)
        condition = condition.replace("||", " or ").replace("&&", " and ")
        if not re.fullmatch(r"[()\s]*(?:(?:True|False|or|and)[()\s]*)+", condition):
            return match[0]
        taken = eval(condition, {"__builtins__": {}})  # noqa: S307  # True, False, and, or
        return _of_create(match[3] if taken else match[4] or "")

    return _MODE.sub(branch, body)


def _reached(functions: Mapping[str, str], entries: Sequence[str]) -> list[str]:
    """The functions to read: the entries and what they hand their flags to."""
    if not entries:
        return list(functions)
    queue = [name for name in entries if name in functions]
    for name in queue:
        for called, rest in re.findall(r"\b(\w+)\(([^\n]*)", functions[name]):
            hands = re.search(r"\b(flags|cmd|createFlags|netFlags|c)\b", rest)
            # AddFlags is many types' method; all of the listed files' are wanted.
            if called in functions and called not in queue and (hands or called == "AddFlags"):
                queue.append(called)
    return queue


def _defined(body: str, names: Mapping[str, str], persistent: bool | None) -> Iterator[Flag]:
    local = dict(names)
    assignments = [(found.start(), found[1], found[2]) for found in _NAMED.finditer(body)]
    local |= {name: value for _, name, value in assignments}
    without = {}
    for looked, variable, value in _NO_VALUE.findall(body):
        without[_text(looked.strip(), local) if looked else variable] = value != '""'
    inherits = {"pFlags"} | set(re.findall(r"(\w+) := \w+\.PersistentFlags\(\)", body))
    for match in _CALL.finditer(body):
        receiver, method, var, letter, optional = match.groups()
        arguments = _arguments(body, match.end())
        # The same variable may name one flag after another.
        local |= {name: value for start, name, value in assignments if start < match.start()}
        if optional:
            kind, name, short = "bool", _text(arguments[2], local), ""
        else:
            if method == "" and not var:
                continue
            shift = 1 if var else 0
            if len(arguments) < shift + 2:
                continue  # a conversion or a getter, which defines nothing
            kind = _KINDS[method]
            name = _text(arguments[shift], local)
            short = _text(arguments[shift + 1], local) if letter else ""
            inherited = receiver in inherits or receiver.endswith("PersistentFlags()")
            if persistent is not None and inherited != persistent:
                continue
            if not re.search(r"(?i)flags|^fs$|^f$|^flagset$", receiver):
                continue
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
            raise SystemExit(f"no flag name in {match[0]}{', '.join(arguments[:3])}")
        assigned = re.search(r"(\w+) := $", body[: match.start()])
        if without.get(name) or (assigned and without.get(assigned[1])):
            kind = "bool" if kind == "bool" else "optional"
        yield Flag(name, short, kind)


def _text(argument: str, names: Mapping[str, str]) -> str:
    """The string that a Go expression is: a literal, or a name for one."""
    if argument[:1] in '"`':
        return argument[1:-1]
    return names.get(argument.rpartition(".")[2], "?")


def _arguments(text: str, start: int) -> list[str]:
    """The arguments of a call whose opening bracket ends at `start`."""
    found, depth, quote, begin = [], 0, "", start
    index = start
    while index < len(text):
        char = text[index]
        if quote:
            if char == "\\" and quote != "`":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "\"`'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}" and depth:
            depth -= 1
        elif char == "," and not depth:
            found.append(text[begin:index].strip())
            begin = index + 1
        elif char == ")":
            found.append(text[begin:index].strip())
            return [argument for argument in found if argument]
        index += 1
    raise SystemExit("a call without end")


def aliases_of(source: str, function: str) -> list[tuple[str, str]]:
    """(another spelling, name) for each that a normalising function knows."""
    bodies = [m[0] for m in _FUNCTION.finditer(_without_comments(source)) if m[1] == function]
    text = "\n".join(bodies)
    cases = re.findall(r'case ((?:"[^"]+"(?:, )?)+):\s*name = "([^"]+)"', text)
    cases += re.findall(r'if name == ("[^"]+") \{\s*name = "([^"]+)"', text)
    return [(other, name) for others, name in cases for other in re.findall(r'"([^"]+)"', others)]


@dataclass
class Clone:
    """A clone and its released tags, oldest first."""

    folder: Path
    prefix: str
    tags: list[tuple[tuple[int, ...], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        pattern = re.compile(re.escape(self.prefix) + r"(\d+(?:\.\d+)+)")
        for tag in self.git("tag").split():
            match = pattern.fullmatch(tag)
            if match:
                numbers = tuple(int(part) for part in match[1].split("."))
                self.tags.append(((1, *numbers) if self.prefix == "v0." else numbers, tag))
        self.tags.sort()

    def git(self, *words: str) -> str:
        """What git prints."""
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def texts(self, tag: str, globs: Sequence[str]) -> list[str]:
        """The files at a tag; each blob is read once, because most tags change none of them."""
        listed = self.git("ls-tree", "-r", tag, *sorted({_root(glob) for glob in globs}))
        found = []
        for line in listed.splitlines():
            meta, _, path = line.partition("\t")
            if path.endswith("_test.go") or not any(Path(path).match(glob) for glob in globs):
                continue
            blob = meta.split()[2]
            if blob not in _BLOBS:
                _BLOBS[blob] = self.git("cat-file", "blob", blob)
            found.append(_BLOBS[blob])
        return found


_BLOBS: dict[str, str] = {}


def _root(glob: str) -> str:
    return glob if "*" not in glob else glob.rpartition("/")[0] + "/"


def rows_of(command: Command, folder: Path) -> dict[str, Any]:
    """The table of one command: where it is from, and a row a flag."""
    clone = Clone(folder / command.folder, command.tag)
    beside = Clone(folder / command.beside, command.tag) if command.beside else None
    beside_tags = {tag for _, tag in beside.tags} if beside else set()
    tags = [
        (v, t) for v, t in clone.tags if v >= command.since and (not beside or t in beside_tags)
    ]
    seen: dict[Flag, set[int]] = {}
    read: dict[tuple[str, ...], list[Flag]] = {}
    for index, (_, tag) in enumerate(tags):
        texts = clone.texts(tag, command.files)
        if beside:
            texts += beside.texts(tag, command.files)
        key = tuple(texts)
        if key not in read:
            read[key] = flags_of(texts, command)
        flags = list(read[key])
        if command.aliases:
            path, function = command.aliases
            known = {flag.name: flag for flag in flags}
            for text in clone.texts(tag, [path]):
                for other, name in aliases_of(text, function):
                    if name in known and other not in known:
                        flags.append(known[name]._replace(name=other, letter="", of=name))
        for flag in flags:
            seen.setdefault(flag, set()).add(index)
    versions = [version for version, _ in tags]
    rows = [
        {
            "name": flag.name,
            **({"letter": flag.letter} if flag.letter else {}),
            "kind": flag.kind,
            **({"of": flag.of} if flag.of else {}),
            **({"versions": ranges} if (ranges := _ranges(present, versions)) else {}),
        }
        for flag, present in sorted(seen.items())
    ]
    source = {
        "repository": command.repository,
        "files": list(command.files),
        "first": tags[0][1],
        "last": tags[-1][1],
        "tags": len(tags),
    }
    return {"source": source, "options": rows}


def _ranges(present: set[int], versions: Sequence[tuple[int, ...]]) -> list[str]:
    """Where a flag is, as ranges; empty for everywhere."""
    found = []
    for index in sorted(present):
        if index - 1 in present:
            continue
        end = index
        while end + 1 in present:
            end += 1
        lower = f">={_dotted(versions[index])}" if index else ""
        upper = f"<{_dotted(versions[end + 1])}" if end + 1 < len(versions) else ""
        found.append(",".join(filter(None, (lower, upper))))
    return [] if found == [""] else found


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)


def document(folder: Path) -> str:
    """The text of the table: one flag a line."""
    lines = ["{", ' "version": 1,', ' "commands": {']
    for number, command in enumerate(COMMANDS):
        table = rows_of(command, folder)
        lines.append(f"  {json.dumps(command.program)}: {{")
        lines.append(f'   "source": {json.dumps(table["source"])},')
        lines.append('   "options": [')
        lines.append(",\n".join(f"    {json.dumps(row)}" for row in table["options"]))
        lines.append("   ]")
        lines.append("  }," if number + 1 < len(COMMANDS) else "  }")
    return "\n".join([*lines, " }", "}", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="write the table of the run commands' options")
    parser.add_argument("folder", type=Path, help="the folder with the clones")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if they differ")
    options = parser.parse_args(arguments)
    text = document(options.folder)
    same = TABLE.exists() and TABLE.read_text(encoding="utf-8") == text
    if not same:
        print(f"{TABLE.relative_to(ROOT)}: {'differs' if options.check else 'written'}")
        if not options.check:
            TABLE.write_text(text, encoding="utf-8")
    return 1 if options.check and not same else 0


if __name__ == "__main__":
    sys.exit(main())
