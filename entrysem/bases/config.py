"""What image tools print about an image -> `ImageConfig`.

The same five facts (Entrypoint, Cmd, Shell, OnBuild, ArgsEscaped) arrive in four wrappings:

    docker image inspect, podman image inspect   [{"Config": {...}}]
    skopeo inspect --config, crane config,
    an OCI or Docker image config blob           {"config": {...}, "architecture": ...}
    docker inspect --format '{{json .Config}}',
    or typed by hand                             {"Entrypoint": [...], "Cmd": [...]}
    very old docker inspect                      [{"Config": null, "ContainerConfig": {...}}]

Much else looks similar and says something else: a container's inspect output holds what was typed
at run time, a manifest only points at the config. Such a file is refused with a word on what to
give instead, because a wrong base config makes every answer wrong without a sign.

Inside the wrapping null and an absent key are "not given", `[]` is "given and empty". One string in
place of a list means what Docker's Go type makes of it, where the file is of that type, and is
refused where another tool prints the same string with another meaning.

Shell and OnBuild are Docker's own and no part of OCI's config: `podman inspect`, and `skopeo
inspect --config` without `--raw`, leave them out even where the image has them (seen with podman
3.0 and 5.8, skopeo 1.2 and 1.22). Such a file cannot be told from one of an image without them, and
is read as that; the hints here name commands that print all.

Sources: opencontainers/image-spec config.md; moby/moby api/types/container/config.go (Config) and
api/types/strslice/strslice.go (StrSlice.UnmarshalJSON); containers/podman
libpod/define/container_inspect.go (InspectContainerConfig: Entrypoint was one joined string).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from entrysem.errors import InputError
from entrysem.late import late
from entrysem.model import ImageConfig

__all__ = ["MAX_SIZE", "read_base_config", "read_config_object"]

#: Bytes (characters, for text) of the largest file that is looked at. Real ones have kilobytes;
#: registries and engines refuse configs from 4 to 8 MiB on.
MAX_SIZE = 8 * 1024 * 1024

_WANTED = ("Entrypoint", "Cmd", "Shell", "OnBuild", "ArgsEscaped")
_SPELLING = {key.lower(): key for key in _WANTED}

#: Keys by which an object is known as a config without wrapping: the wanted ones and their
#: neighbours in OCI's config and in Docker's container.Config.
_NEIGHBOURS = frozenset(
    (
        "AttachStderr AttachStdin AttachStdout Domainname Env ExposedPorts Healthcheck "
        "Hostname Labels MacAddress NetworkDisabled OpenStdin StdinOnce StopSignal "
        "StopTimeout Tty User Volumes WorkingDir"
    ).split()
)

_SURROGATE = late("[\ud800-\udfff]")
_BLANK = late(r"\s")

#: Characters of a key that a message shows.
_SHOWN = 40

#: What the classic builder ran to commit an instruction that runs nothing.
_NOP = "#(nop)"

_INSPECT = "give what `docker image inspect IMAGE` or `skopeo inspect --config --raw` prints"
_FETCH_CONFIG = "`skopeo inspect --config --raw` or `crane config` prints the config itself"
_TYPED = 'or write {"Entrypoint": [...], "Cmd": [...]}, {} for an image that sets neither'


class _ProblemError(Exception):
    """What is wrong, before it is known where the text came from."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def read_base_config(data: bytes | str, *, where: str) -> ImageConfig:
    """Reads an image's config from the output of an image tool.

    Args:
        data: what `docker image inspect`, `podman image inspect`, `skopeo inspect --config` or
            `crane config` printed for one image; an OCI image config; or a config object alone.
            Bytes are UTF-8, or UTF-16 with a byte order mark (as PowerShell's `>` writes it).
        where: what is being read, for the error: a file name.

    Returns:
        the config. A null or absent Entrypoint, Cmd or Shell is None, `[]` is ().

    Raises:
        InputError: `bad-base-config`, for everything else.
    """
    try:
        return _config(_parsed(_text(data)))
    except _ProblemError as problem:
        raise _input_error(problem, where) from None


def read_config_object(document: object, *, where: str) -> ImageConfig:
    """Reads an image's config from a decoded JSON value, in any of the shapes of
    `read_base_config`.

    Raises:
        InputError: `bad-base-config`.
    """
    try:
        return _config(document)
    except _ProblemError as problem:
        raise _input_error(problem, where) from None


def _input_error(problem: _ProblemError, where: str) -> InputError:
    return InputError("bad-base-config", problem.message, where=where, hint=problem.hint)


def _config(document: object) -> ImageConfig:
    config, path, docker_type = _unwrapped(document)
    _check_spelling(config, path)
    return ImageConfig(
        entrypoint=_words(config, "Entrypoint", path, one_string=docker_type),
        cmd=_words(config, "Cmd", path, one_string=docker_type),
        shell=_words(config, "Shell", path, one_string=docker_type),
        onbuild=_words(config, "OnBuild", path, one_string=False) or (),
        args_escaped=_flag(config, "ArgsEscaped", path),
    )


def _text(data: bytes | str) -> str:
    if len(data) > MAX_SIZE:
        _fail(f"the file is larger than {MAX_SIZE // 1024 // 1024} MiB", _INSPECT)
    if isinstance(data, str):
        text = data
    else:
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        try:
            text = data.decode("utf-16" if wide else "utf-8")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
            _fail(f"not {'UTF-16' if wide else 'UTF-8'} text at line {line}, byte {column}")
    text = text.removeprefix("\ufeff")
    if not text.strip():
        _fail("the file is empty", f"{_INSPECT}; {_TYPED}")
    if (stray := _SURROGATE.search(text)) is not None:
        line, column = _place(text, stray.start())
        _fail(f"not UTF-8 text at line {line}, column {column}")
    return text


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _parsed(text: str) -> object:
    """The document. Stricter than Python's `json`: no key twice, no NaN."""
    try:
        # Numbers are never used; float() takes any number of digits, int() does not.
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=float
        )
    except json.JSONDecodeError as error:
        hint = _INSPECT
        if text.lstrip().startswith(("map[", "{[", "{map[", "&{")):
            hint = "a --format template needs json: --format '{{json .Config}}'"
        elif error.msg == "Extra data":
            hint = "one JSON document is expected, for one image"
        _fail(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}", hint)
    except RecursionError:
        _fail("nested too deeply for an image config", _INSPECT)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                _fail(
                    f"the key {_quoted(key)} stands twice in one object", "keep the one that counts"
                )
            seen.add(key)
    return result


def _no_constant(name: str) -> NoReturn:
    _fail(f"not JSON: {name} is not a JSON value")


_INDEX_TYPES = ("image.index.v1+json", "manifest.list.v2+json")
_MANIFEST_TYPES = ("image.manifest.v1+json", "distribution.manifest.v2+json")


def _media_type(document: dict[str, Any]) -> str:
    value = document.get("mediaType")
    return value if isinstance(value, str) else ""


class _Other(NamedTuple):
    """A document that is easily taken for an image's config: its marks, and what to do."""

    is_it: Callable[[dict[str, Any]], bool]
    message: str
    hint: str


_OTHERS = (
    _Other(
        lambda d: {"Path", "Args"} <= d.keys() or {"State", "HostConfig"} <= d.keys(),
        "this describes a container, whose Config also holds what was typed when it was created",
        "inspect the image that it was created from: `docker image inspect IMAGE`",
    ),
    _Other(
        lambda d: "ociVersion" in d or isinstance(d.get("process"), dict),
        "this is a runtime's config.json, which describes a container",
        _INSPECT,
    ),
    _Other(
        lambda d: isinstance(d.get("manifests"), list) or _media_type(d).endswith(_INDEX_TYPES),
        "this is an image index, which lists the manifests of several platforms",
        f"{_FETCH_CONFIG} of one platform (--override-arch, --platform)",
    ),
    _Other(
        lambda d: (
            bool({"fsLayers", "SchemaV2Manifest", "OCIManifest"} & d.keys())
            or (isinstance(d.get("layers"), list) and isinstance(d.get("config", {}), dict))
            or (isinstance(d.get("config"), dict) and {"digest", "mediaType"} <= d["config"].keys())
            or _media_type(d).endswith(_MANIFEST_TYPES)
        ),
        "this is an image manifest, which only points at the config",
        _FETCH_CONFIG,
    ),
    _Other(
        lambda d: isinstance(d.get("Config"), str) and isinstance(d.get("Layers"), list),
        "this is the manifest.json of a saved image, which only names the config's file",
        "give the file of the same archive that stands under Config",
    ),
    _Other(
        lambda d: {"Digest", "Layers"} <= d.keys() and not {"Config", "config"} & d.keys(),
        "this summary of an image does not hold its config",
        "`skopeo inspect` needs --config --raw",
    ),
    _Other(
        lambda d: "OCIv1" in d,
        "this is buildah's own description of an image",
        "`buildah inspect --type image --format '{{json .Docker}}' IMAGE` prints the config",
    ),
    _Other(
        lambda d: bool(d) and all("/" in k and isinstance(v, dict) for k, v in d.items()),
        "this holds the configs of several platforms",
        "give the object of one platform",
    ),
)


def _unwrapped(document: object) -> tuple[dict[str, Any], str, bool]:
    """The config object, its JSON path, and whether Docker's own Go type reads it."""
    found, path = document, "$"
    if isinstance(found, list):
        if not found:
            _fail(
                "the list holds no image",
                "`docker inspect` prints [] when it does not have the image",
            )
        if all(isinstance(item, str) for item in found):
            _fail("this is a list of words, not a config", _TYPED.removeprefix("or "))
        if len(found) > 1:
            _fail(f"the list holds {len(found)} images", "inspect one image at a time")
        found, path = found[0], "$[0]"
    if not isinstance(found, dict):
        _fail(f"{path}: an object is expected, not {_kind(found)}", f"{_INSPECT}; {_TYPED}")
    for other in _OTHERS:
        if other.is_it(found):
            _fail(other.message, other.hint)
    if {"Config", "ContainerConfig"} & found.keys():
        return *_docker_config(found, path), True
    if {"config", "rootfs"} & found.keys() or {"architecture", "os"} <= found.keys():
        return _section(found, "config", path), f"{path}.config", False
    if found and not any(key in _NEIGHBOURS or key.lower() in _SPELLING for key in found):
        _fail("no image config is in this object", f"{_INSPECT}; {_TYPED}")
    return found, path, True


def _docker_config(image: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """`Config`, or `ContainerConfig` where only that one is filled."""
    if image.get("Config") is not None or image.get("ContainerConfig") is None:
        return _section(image, "Config", path), f"{path}.Config"
    config = _section(image, "ContainerConfig", path)
    cmd = config.get("Cmd")
    if isinstance(cmd, list) and any(isinstance(word, str) and _NOP in word for word in cmd):
        _fail(
            f"{path}.ContainerConfig is the builder's own container, and there is no Config",
            "inspect the image with an engine that prints Config",
        )
    return config, f"{path}.ContainerConfig"


def _section(owner: dict[str, Any], key: str, path: str) -> dict[str, Any]:
    value = owner.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        _fail(f"{path}.{key}: an object is expected, not {_kind(value)}")
    return value


def _check_spelling(config: dict[str, Any], path: str) -> None:
    """Refuses `entrypoint` and `CMD`: dropping them silently would be a wrong answer."""
    for key in config:
        wanted = _SPELLING.get(key.lower())
        if wanted is not None and key != wanted:
            _fail(f"{path}: the key {_quoted(key)} is spelled {wanted}", f"write {wanted}")


def _words(
    config: dict[str, Any], key: str, path: str, *, one_string: bool
) -> tuple[str, ...] | None:
    value, path = config.get(key), f"{path}.{key}"
    if value is None:
        return None
    if isinstance(value, str) and one_string:
        # A list of one to Docker; but podman joined the words of a container's Entrypoint with
        # blanks, and printed "" for none. Without a blank the two agree.
        if key == "Entrypoint" and (not value or _BLANK.search(value)):
            _fail(
                f"{path} is one string: nobody can tell whether it is one word or several",
                'write it as a list, such as ["nginx", "-g", "daemon off;"] or ["my program"]; '
                "older podman prints it so for a container: inspect the image",
            )
        return (_word(value, path),)
    if not isinstance(value, list):
        _fail(
            f"{path}: a list of strings is expected, not {_kind(value)}",
            'write it as a list, such as ["python3", "-q"]' if isinstance(value, str) else None,
        )
    return tuple([_word(item, f"{path}[{index}]") for index, item in enumerate(value)])


def _word(value: object, path: str) -> str:
    if not isinstance(value, str):
        _fail(f"{path}: a string is expected, not {_kind(value)}")
    if _SURROGATE.search(value):
        _fail(f"{path}: half a surrogate pair is no character", "write the character itself")
    return value


def _flag(config: dict[str, Any], key: str, path: str) -> bool:
    value = config.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        _fail(f"{path}.{key}: true or false is expected, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return kinds.get(type(value), "an object")


def _quoted(text: str) -> str:
    """`text` for a message: on one line, in ASCII, not endless."""
    return json.dumps(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _fail(message: str, hint: str | None = None) -> NoReturn:
    raise _ProblemError(message, hint)
