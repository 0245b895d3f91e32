"""Quadlet: a `.container` unit, which Podman's generator turns into a service that calls `podman run`.

    Image=acme/app
    Entrypoint=["sh","-c"]      --entrypoint=, as it is typed: one word, or a JSON list
    Exec=a "b c"                the words after the image, split as systemd splits (`systemd`)
    PodmanArgs=--init           further options, which come later and so win
    RunInit=yes                 --init

A later `Image=`, `Entrypoint=` or `Exec=` replaces an earlier one, and an empty `Exec=` is none; each
`PodmanArgs=` adds. Drop-in files beside the unit are not read.

Source: containers/podman c6580b4a5219c9efb9ab79a540637d8a58b736f8 pkg/systemd/quadlet/quadlet.go
599-940 (ConvertContainer), pkg/systemd/parser/unitfile.go 382-423 (Parse), 617-628 (Lookup), 838-848
(LookupLastArgs). Seen: the generators of Podman 5.4.2 and 5.8.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from entrysem.errors import InputError
from entrysem.inputs.flags import last_flags
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.systemd import Started, split_words, started
from entrysem.inputs.yaml import MAX_BYTES
from entrysem.model import RunOptions

__all__ = ["read_quadlet"]

_GROUP = "Container"
#: Go's unicode.IsSpace.
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_TRUE = frozenset({"1", "yes", "true", "on"})
_SYSTEMD = (
    "systemd.service(5), Command lines; systemd/systemd src/basic/env-util.c (replace_env_argv)"
)
_SPLIT = "containers/podman@c6580b4a5219c9efb9ab79a540637d8a58b736f8 pkg/systemd/parser/split.go"


class _Setting(NamedTuple):
    value: str
    number: int


def read_quadlet(data: bytes, *, where: str) -> tuple[Subject, ...]:
    """The one container of a `.container` unit.

    Args:
        data: the unit file.
        where: what to call it.

    Raises:
        InputError: it is no unit file, has no `[Container]`, or the generator refuses it.
    """
    unit = _parse(data, where)
    if unit is None:
        raise InputError(
            "no-containers",
            "there is no group [Container]",
            where=where,
            hint="a .container unit starts a process; .pod, .volume, .network, .image and .build units "
            "do not, and a .kube unit names a manifest, which can be explained itself",
        )
    image = _value(unit, "Image")
    if not image:
        told = (
            "Rootfs is a folder without an image config"
            if _value(unit, "Rootfs")
            else ("no Image or Rootfs key specified")
        )
        raise InputError("missing-field", told, where=where, hint="name an image with Image=")
    notes: list[Note] = []
    if image.endswith((".build", ".image")):
        told = f"the image is the one that the unit {image} builds or pulls; its name stands there"
        notes.append(Note("image-unit", told, where=_place(unit, "Image", where)))
    exec_line = _last(unit, "Exec")
    words = split_words(exec_line.value) if exec_line is not None else ()
    place = _place(unit, "Exec", where)
    if exec_line is not None:
        notes += _split_notes(exec_line.value, words, place)
    at_start = started(words or ())
    notes += _start_notes(at_start, place, "Exec")
    entrypoint, init, more = _options(unit, where)
    return (
        Subject(
            f"{where}: {image}",
            image=image,
            run=RunOptions(args=at_start.words or None, entrypoint=entrypoint, init=init),
            runtime="podman",
            notes=(*notes, *more),
        ),
    )


def _options(unit: dict[str, list[_Setting]], where: str) -> tuple[str | None, bool, list[Note]]:
    """--entrypoint and --init, the last of each."""
    notes: list[Note] = []
    given: list[str] = []
    typed = _last(unit, "Entrypoint")
    if typed is not None:
        value = _unquoted(typed.value)
        given.append(f"--entrypoint={value}")
        if not value:
            told = (
                "an empty Entrypoint= becomes --entrypoint=, which clears the image's; the generator "
                "of Podman 5.4.2 leaves it out, that of 5.8.6 does not"
            )
            notes.append(Note("empty-entrypoint", told, where=_place(unit, "Entrypoint", where)))
    run_init = _last(unit, "RunInit")
    if run_init is not None:
        given.append("--init" if _unquoted(run_init.value).lower() in _TRUE else "--init=false")
    for line in unit.get("PodmanArgs", ()):
        given += split_words(line.value) or ()
    at_start = started(tuple(given))
    notes += _start_notes(at_start, where, "the options")
    entrypoint, init = last_flags(at_start.words)
    return entrypoint, init, notes


def _split_notes(text: str, words: tuple[str, ...] | None, where: str) -> Iterator[Note]:
    if words is None:
        told = "Exec= has a backslash before a character that is no escape: Quadlet drops the whole line"
        yield Note("exec-dropped", told, where=where, warning=True, source=_SPLIT)
        return
    rest = split_words(text.replace('""', '"?"').replace("''", "'?'"))
    if rest is not None and len(rest) > len(words):
        told = "an empty word ends Exec= for Quadlet: neither it nor what follows reaches the container"
        yield Note("exec-cut", told, where=where, warning=True, source=_SPLIT)


def _start_notes(found: Started, where: str, field: str) -> Iterator[Note]:
    def note(code: str, told: str, *, warning: bool = False) -> Note:
        return Note(code, told, where, warning, _SYSTEMD, "source-read")

    for name in found.specifiers:
        yield note("specifier", f"{name} in {field} is replaced by systemd; %% is a percent sign")
    for name in found.variables:
        told = f"${{{name}}} in {field} is replaced by systemd from the unit's environment"
        yield note("systemd-variable", f"{told}, not the container's; $$ is a dollar sign")
    for name in found.lists:
        told = (
            f"${name} in {field} is replaced by systemd from the unit's environment, not the "
            "container's: by a word for each word of its value, by none when it is not set; $$ is a "
            "dollar sign"
        )
        yield note("systemd-variable", told)
    if found.cut:
        told = (
            f"a word ; in {field} ends the command for systemd; what follows it is another command"
        )
        yield note("exec-semicolon", told, warning=True)


def _parse(data: bytes, where: str) -> dict[str, list[_Setting]] | None:
    """The lines of `[Container]`, by key; None without the group.

    Raises:
        InputError: a line is neither a group nor a key.
    """
    if len(data) > MAX_BYTES:
        raise InputError("too-large", "larger than 16 MiB; this is no unit file", where=where)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        at = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            "not-utf-8",
            "the unit file is not UTF-8",
            where=f"{where}:{at}",
            hint="save it as UTF-8",
        ) from None
    groups: dict[str, dict[str, list[_Setting]]] = {}
    group: dict[str, list[_Setting]] | None = None
    for line, number in _logical_lines(text):
        name, equals, value = line.partition("=")
        if line[0] == "[" and line.rstrip(" \t").endswith("]"):
            group = groups.setdefault(line[1 : line.index("]")], {})
        elif equals and name and group is not None:
            group.setdefault(name.rstrip(_SPACES), []).append(
                _Setting(value.lstrip(_SPACES), number)
            )
        else:
            told = (
                "a key stands before the first group"
                if equals and name
                else "the line is neither a group, nor KEY=VALUE, nor a comment"
            )
            raise InputError("bad-unit", told, where=f"{where}:{number}")
    return groups.get(_GROUP)


def _logical_lines(text: str) -> Iterator[tuple[str, int]]:
    """Lines with what continues them, trimmed; a comment inside is left out."""
    lines = text.removesuffix("\n").split("\n")
    so_far = ""
    first = 0
    for number, raw in enumerate(lines, 1):
        line = raw.strip(_SPACES)
        if not line or line[0] in "#;":
            continue
        if not so_far:
            first = number
        if line.endswith("\\"):
            line = line[:-1]
            if number < len(lines):
                so_far += line
                continue
        line, so_far = so_far + line, ""
        if line:
            yield line, first


def _last(unit: dict[str, list[_Setting]], key: str) -> _Setting | None:
    lines = unit.get(key)
    return lines[-1] if lines else None


def _value(unit: dict[str, list[_Setting]], key: str) -> str:
    line = _last(unit, key)
    return "" if line is None else _unquoted(line.value)


def _unquoted(value: str) -> str:
    value = value.rstrip(_SPACES)
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if quoted else value


def _place(unit: dict[str, list[_Setting]], key: str, where: str) -> str:
    line = _last(unit, key)
    return where if line is None else f"{where}:{line.number}"
