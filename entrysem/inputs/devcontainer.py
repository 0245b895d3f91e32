"""Dev Containers: what starts in the container that an editor works in.

The tools start a shell with a script of their own, whatever the image says:

    docker run RUNARGS --entrypoint /bin/sh IMAGE -c SCRIPT - [the image's ENTRYPOINT and CMD]

The script ends in `exec "$@"`, then a loop that waits. `overrideCommand` decides whether there is
anything behind the `-`: true, the default with an image or a Dockerfile, leaves it empty, so nothing of
the image runs and the loop does; with false the shell replaces itself by the image's ENTRYPOINT and
CMD. With a Compose file the default is false, and the service's entrypoint and command take part; that
file is to be explained.

Source: devcontainers/cli f683c29f64a20109b4453e5149807e390ff65133 src/spec-node/singleContainer.ts
389-421, src/spec-node/dockerCompose.ts 527-556. Not run here.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any

from entrysem.errors import InputError
from entrysem.inputs.flags import last_flags
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.yaml import MAX_BYTES
from entrysem.late import late
from entrysem.model import RunOptions

__all__ = ["DEV_SCRIPT", "read_devcontainer"]

_COMMIT = "f683c29f64a20109b4453e5149807e390ff65133"
_SOURCE = f"devcontainers/cli@{_COMMIT} src/spec-node/singleContainer.ts 389-421"
#: What the shell runs; features add lines before `exec`.
DEV_SCRIPT = """\
echo Container started
trap "exit 0" 15

exec "$@"
while sleep 1 & wait $!; do :; done"""


def read_devcontainer(data: bytes, *, where: str) -> tuple[Subject, ...]:
    """The container of a `devcontainer.json`.

    Args:
        data: JSON with comments.
        where: what to call it; a Dockerfile is looked for beside it.

    Raises:
        InputError: it is no JSON, or names neither an image nor a Dockerfile.
    """
    config = _config(data, where)
    if config.get("dockerComposeFile"):
        raise InputError(
            "devcontainer-compose",
            "the container is a service of a Compose file",
            where=where,
            hint=f"explain that file: {config['dockerComposeFile']}; overrideCommand: true would replace "
            "its process by a shell that waits",
        )
    build = config.get("build")
    build = build if isinstance(build, dict) else {}
    dockerfile = _text(config, "dockerFile", where) or _text(build, "dockerfile", where)
    image = _text(config, "image", where)
    if not dockerfile and not image:
        raise InputError(
            "missing-field",
            "neither image nor build.dockerfile is there",
            where=where,
            hint="name one of them, or a dockerComposeFile",
        )
    override = config.get("overrideCommand")
    _, typed_init = last_flags(_texts(config.get("runArgs"), "runArgs", where))
    init = config.get("init") is True or typed_init
    keeps = override is False
    args = build.get("args")
    return (
        Subject(
            where,
            dockerfile=posixpath.normpath(posixpath.join(posixpath.dirname(where), dockerfile))
            if dockerfile
            else None,
            image=None if dockerfile else image,
            run=RunOptions(init=init)
            if keeps
            else RunOptions(args=("-c", DEV_SCRIPT, "-"), entrypoint="/bin/sh", init=init),
            runtime="docker",
            target=(_text(build, "target", where) or None) if dockerfile else None,
            build_args={key: value for key, value in args.items() if isinstance(value, str)}
            if isinstance(args, dict) and dockerfile
            else {},
            notes=_notes(config, where, keeps=keeps, given=override is not None),
        ),
    )


def _notes(config: dict[str, Any], where: str, *, keeps: bool, given: bool) -> tuple[Note, ...]:
    def note(code: str, told: str) -> Note:
        return Note(code, told, where, source=_SOURCE, status="source-read")

    notes = []
    if keeps:
        notes.append(
            note(
                "override-command",
                "overrideCommand is false: /bin/sh is started first, and replaces itself by this process",
            )
        )
    else:
        why = "overrideCommand is true" if given else "overrideCommand is true when it is not given"
        notes.append(
            note(
                "override-command",
                f"{why}: the image's ENTRYPOINT and CMD do not run; a loop waits",
            )
        )
        if not given:
            told = "an image can bring its own overrideCommand, in its label devcontainer.metadata"
            notes.append(note("image-metadata", told))
    if config.get("features"):
        told = (
            "a feature can add lines to the script before exec, and an overrideCommand of its own"
        )
        notes.append(note("features", told))
    return tuple(notes)


def _config(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise InputError("too-large", "larger than 16 MiB; nothing of it was read", where=where)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            "not-utf-8", "the file is not UTF-8", where=f"{where}:{line}", hint="save it as UTF-8"
        ) from None
    try:
        value = json.loads(_without_comments(text))
    except json.JSONDecodeError as error:
        raise InputError(
            "bad-json", f"no JSON: {error.msg}", where=f"{where}:{error.lineno}:{error.colno}"
        ) from None
    except (RecursionError, ValueError) as error:
        raise InputError("bad-json", f"no JSON: {error}", where=where) from None
    if not isinstance(value, dict):
        raise InputError("wrong-type", "this is no devcontainer.json: no object", where=where)
    return value


_TOKEN = late(r'"(?:[^"\\\n]|\\.)*"?|//[^\n]*|/\*.*?(?:\*/|\Z)|,', 16)  # re.DOTALL
_SKIPPED = late(r"(?:\s|//[^\n]*|/\*.*?\*/)*", 16)


def _without_comments(text: str) -> str:
    """JSON without comments and without commas before a closing bracket; places stay as they are."""
    return _TOKEN.sub(_kept, text)


def _kept(match: re.Match[str]) -> str:
    found = match.group()
    if found[:2] in {"//", "/*"}:
        return "".join(char if char == "\n" else " " for char in found)
    if found == "," and _closes(match.string, match.end()):
        return " "
    return found


def _closes(text: str, at: int) -> bool:
    skipped = _SKIPPED.match(text, at)
    end = skipped.end() if skipped else at
    return text[end : end + 1] in {"}", "]"}


def _text(config: dict[str, Any], key: str, where: str) -> str:
    value = config.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError("wrong-type", f"{key} is not a text", where=where, hint="quote it")
    return value


def _texts(value: Any, key: str, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError("wrong-type", f"{key} is not a list of texts", where=where)
    return value
