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

_VARIABLE = late(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*[^}]*\})", re.ASCII)
#: Programs that read `$` themselves; what they get is code or a pattern of theirs.
_READS_DOLLAR = frozenset(
    (
        "awk gawk mawk sed perl php ruby envsubst grep egrep find expect tclsh make cmd powershell pwsh "
        "python python2 python3 node deno sh ash bash dash ksh zsh busybox supervisord confd "
        "dockerize consul-template envconsul jq nginx cmd.exe powershell.exe pwsh.exe eval"
    ).split()
)
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
    found: list[str] = []
    for index, item in enumerate(items, start):
        if index not in read and (match := _VARIABLE.search(item)):
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


def _command_line(scene: Scene, setter: Instruction, items: tuple[str, ...]) -> None:
    word = items[0]
    if setter is scene.cmd and scene.entry_length:
        # The first argument of a program: only an option with its value is surely one word too few.
        if not _OPTION_AND_VALUE.match(word) or shell_view(scene.presumed) is not None:
            return
        message = f"{quoted(word)} is one argument, with a blank in it; the program does not split it"
    else:
        if scene.presumed[:1] != (word,) or _is_path_with_blanks(word):
            return
        message = (
            f"{quoted(word)} is one word, the name of a program with a blank in it; no such program is found"
        )
    place = Told.of(setter)
    fix = None
    changes = _split(setter.text, word)
    if changes is not None:
        fix = scene.mend("Write each word as a string of its own", place, changes)
    scene.tell("ES007", message, place, fix, presumed=setter is scene.cmd)


def _is_path_with_blanks(word: str) -> bool:
    """`/opt/My App/run`, `C:\\Program Files\\x.exe`: the blank is followed by more of the path."""
    first, _, rest = word.partition(" ")
    return first[1:3] == ":\\" or (first.startswith("/") and "/" in rest.split(" ")[0].lstrip("/") and not rest.startswith(("-", "/")) and not rest.endswith((".sh", ".py", ".js", ".jar")))


def _split(text: str, word: str) -> list[Change] | None:
    """Ends a string and begins the next at each run of blanks, where that is all a shell would do."""
    start = text.find('"' + word + '"')
    if start < 0 or _META.search(word) or plain_words(word) is None or word != word.strip(" "):
        return None
    changes: list[Change] = []
    for run in re.finditer(r" +", word):
        at = start + 1 + run.start()
        changes.append(Change(at, at + len(run.group()), '", "'))
    return changes
