"""Words that are written as if somebody would still read them: ES006 and ES007.

Exec form hands its strings over as they are. Nobody expands a variable in them and nobody splits them,
unless the program is a shell that takes one of them as its script.
"""

from __future__ import annotations

import re

from entrysem.dockerfile import Instruction
from entrysem.findings.edits import Change
from entrysem.findings.plain import plain_words, quoted
from entrysem.findings.scene import Scene, Told
from entrysem.late import late
from entrysem.shell import shell_view

__all__ = ["words"]

_VARIABLE = late(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*(?::?[-+?=][^}]*)?\})", re.ASCII)
#: Programs that read `$` themselves; what they get is code or a pattern of theirs.
_READS_DOLLAR = frozenset(
    (
        "awk gawk mawk sed perl php ruby envsubst grep egrep find expect tclsh make cmd powershell pwsh "
        "python python2 python3 node deno sh ash bash dash ksh zsh busybox supervisord confd r rscript "
        "npm dockerize consul-template envconsul jq nginx yarn npx pnpm parent cmd.exe powershell.exe "
        "pwsh.exe eval"
    ).split()
)
#: What stands before a piece of code.
_BEFORE_CODE = frozenset({"-e", "-c", "-r", "-ex", "--eval", "--expression", "--command", "-x"})
#: Java frameworks fill `${NAME}` in properties themselves.
_PROPERTY = late(r"(?:--[\w.-]+|-D[\w.-]+)=.*\$\{", re.ASCII)
_META = late(r"&&|\|\||[|;<>`$*?~#(){}\\]")
_OPTION_AND_VALUE = late(r"--?[A-Za-z][\w-]*[ \t]+\S+\Z", re.ASCII)


def words(scene: Scene) -> None:
    """Tells of variables that stay and of command lines in one word."""
    if scene.words is None:
        return
    for setter, offset in ((scene.entrypoint, 0), (scene.cmd, None)):
        items = None if setter is None else setter.items
        if setter is None or not items or not setter.start_line:
            continue
        for item in items:
            if "$" in item:
                _variables(scene, setter, items, offset)
                break
        if " " in items[0] or "\t" in items[0]:
            _command_line(scene, setter, items)


def _variables(
    scene: Scene, setter: Instruction, items: tuple[str, ...], offset: int | None
) -> None:
    start = scene.entry_length if offset is None else offset
    argv = scene.presumed
    read = _read_by_programs(argv)
    if start and start < len(argv) and _is_unknown_script(argv[:start]):
        return
    java = argv[:1] and argv[0].rpartition("/")[2] == "java"
    found: list[str] = []
    for index, item in enumerate(items, start):
        if index not in read and (match := _VARIABLE.search(item)):
            if argv[index - 1] in _BEFORE_CODE or (java and _PROPERTY.match(item)):
                continue
            found.append(match.group())
    if not found:
        return
    text = setter.text
    at = text.find(found[0])
    names = ", ".join(dict.fromkeys(found))
    scene.tell(
        "ES006",
        f"{names} stays as it is written: exec form is not expanded, by the builder or at the start, and "
        "no shell reads it here",
        Told.of(setter),
        span=scene.places.span(setter, text, at, at + len(found[0])) if at >= 0 else None,
        presumed=scene.entrypoint is None,
    )


def _read_by_programs(argv: tuple[str, ...]) -> frozenset[int]:
    """Indices of the words that some program in argv reads as code of its own."""
    for index, word in enumerate(argv):
        name = word.rpartition("/")[2].rpartition("\\")[2].lower()
        if name in _READS_DOLLAR:
            return frozenset(range(index + 1, len(argv)))
    return frozenset()


def _is_unknown_script(words: tuple[str, ...]) -> bool:
    """Whether a script of its own gets the words that follow; it may well evaluate them."""
    name = words[-1].rpartition("/")[2]
    return name.endswith((".sh", ".bash", ".py", ".pl", ".rb")) or "entrypoint" in name


def _command_line(scene: Scene, setter: Instruction, items: tuple[str, ...]) -> None:
    word = items[0]
    if setter is scene.cmd and scene.entry_length:
        # The first argument of a program: only an option with its value is surely one word too few.
        if not _OPTION_AND_VALUE.match(word) or shell_view(scene.presumed) is not None:
            return
        if word[1] != "-" and word[-1].isdigit():
            # getopt takes what follows a letter for its value, and numbers are read past a blank.
            return
        message = (
            f"{quoted(word)} is one argument, with a blank in it; the program does not split it"
        )
    else:
        if scene.presumed[:1] != (word,) or _is_path_with_blanks(word):
            return
        message = (
            f"{quoted(word)} is one word, the name of a program with a blank in it; no such program "
            "is found"
        )
    place = Told.of(setter)
    fix = None
    changes = _split(setter.text, items)
    if changes is not None:
        fix = scene.mend("Write each word as a string of its own", place, changes)
    scene.tell("ES007", message, place, fix, presumed=setter is scene.cmd)


def _is_path_with_blanks(word: str) -> bool:
    r"""`/opt/Plex Media Server`, `C:\\Program Files\\x.exe`: the blank is part of the path."""
    first, *rest = word.split(" ")
    if first[1:3] == ":\\":
        return True
    return first.startswith("/") and all(part[:1].isupper() and part.isalpha() for part in rest)


def _split(text: str, items: tuple[str, ...]) -> list[Change] | None:
    """Ends a string and begins the next at each run of blanks, where that is all a shell would do."""
    changes: list[Change] = []
    at = 0
    for number, word in enumerate(items):
        start = text.find('"' + word + '"', at)
        if start < 0:
            return None
        at = start + len(word) + 2
        if number and not _OPTION_AND_VALUE.match(word):
            continue
        if _META.search(word) or plain_words(word) != tuple(word.split()) or word != word.strip():
            return None
        changes += [
            Change(start + 1 + run.start(), start + 1 + run.end(), '", "')
            for run in re.finditer(r" +", word)
        ]
    return changes
