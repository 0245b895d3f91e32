"""The oracle: one JSON request a line in, one JSON response a line out.

For test suites in any language. A request is answered from itself alone: no file, no network, no
catalogue unless it asks for it. A bad line gets an error response and the next line is read; nothing
is kept between requests, so memory does not grow.

The shapes are in `spec/schema/oracle-request.schema.json` and `oracle-response.schema.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from entrysem.bases.config import read_config_object
from entrysem.dockerfile.text import stored
from entrysem.errors import DockerfileError, InputError
from entrysem.model import Base, ImageConfig, RunOptions
from entrysem.profiles import Profile
from entrysem.render.documents import (
    config_document,
    error_document,
    profile_document,
    result_document,
    unknown_document,
)
from entrysem.resolve import Image, Resolution, build_image

__all__ = ["answer", "serve"]

#: A request line longer than this many bytes is refused unread.
MAX_LINE = 64 * 1024 * 1024

_KEYS = frozenset(
    [
        "id",
        "dockerfile",
        "config",
        "target",
        "build_args",
        "base_configs",
        "builder",
        "runtime",
        "platform",
        "catalogue",
        "runs",
    ]
)
_RUN_KEYS = frozenset({"args", "entrypoint", "init", "env"})

Document = dict[str, Any]


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answers every line of `source` on `sink`, in order, flushed after each, until its end."""
    number = 0
    while line := source.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE and not line.endswith(b"\n"):
            _skip_line(source)
            document = _refused(None, "line-too-long", f"longer than {MAX_LINE} bytes", number)
        elif not line.strip():
            continue
        else:
            document = answer_line(line, number)
        sink.write(json.dumps(document, separators=(", ", ": ")).encode() + b"\n")
        sink.flush()


def _skip_line(source: IO[bytes]) -> None:
    while (more := source.readline(1 << 20)) and not more.endswith(b"\n"):
        pass


def answer_line(line: bytes, number: int = 1) -> Document:
    """The response to one request line; never raises for what the line holds."""
    try:
        request = json.loads(line.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        return _refused(None, "not-json", "not JSON: nested too deeply", number)
    except ValueError as error:
        return _refused(None, "not-json", f"not JSON: {error}", number)
    if not isinstance(request, dict):
        return _refused(None, "not-an-object", "a request is a JSON object", number)
    try:
        return answer(request)
    except InputError as error:
        message = f"{error.where}: {error.message}"
        return _refused(request.get("id"), error.code, message, number)
    except Exception as error:  # noqa: BLE001 - a defect here must not end a suite's oracle
        message = f"a defect in entrysem: {type(error).__name__}: {error}"
        return _refused(request.get("id"), "internal-error", message, number)


def _object(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return value is None or (isinstance(value, (str, int)) and not isinstance(value, bool))


def _refused(request_id: object, code: str, message: str, number: int) -> Document:
    return {
        "id": request_id if _is_id(request_id) else None,
        "profile": None,
        "config": None,
        "error": {"phase": "request", "code": code, "message": stored(message), "line": number},
        "unknown": [],
        "results": [],
    }


def answer(request: Mapping[str, Any]) -> Document:
    """The response to one decoded request. A key with null is as one that is not there.

    Raises:
        InputError: the request does not have the documented shape.
    """
    for key in request:
        if key not in _KEYS:
            raise _bad(str(key), "is no key of a request")
    if not _is_id(request.get("id")):
        raise _bad("id", "must be a string or an integer")
    profile = Profile.parse(
        _string(request, "builder", "buildkit"), _string(request, "runtime", "docker")
    )
    response: Document = {"id": request.get("id"), "profile": profile_document(profile)}
    runs = _runs(request)
    try:
        image = _image(request, profile)
    except DockerfileError as error:
        return {
            **response,
            "config": None,
            "error": error_document(error),
            "unknown": [],
            "results": [],
        }
    results = [_result(image, run, f"runs[{index}]") for index, run in enumerate(runs)]
    unknown = {part: None for result in results for part in result.unknown}
    response["config"] = config_document(image.config)
    response["error"] = None
    response["unknown"] = unknown_document(tuple(unknown))
    assumptions = (
        image.built.cmd_assumptions + image.built.reading_assumptions
        if image.built is not None
        else ()
    )
    if assumptions:
        response["assumptions"] = [stored(sentence) for sentence in assumptions]
    response["results"] = [result_document(result) for result in results]
    return response


def _result(image: Image, run: RunOptions, where: str) -> Resolution:
    try:
        return image.run(run)
    except InputError as error:
        raise InputError(
            error.code, error.message, where=f"{where}, {error.where}", hint=error.hint
        ) from None


def _image(request: Mapping[str, Any], profile: Profile) -> Image:
    source: ImageConfig | str
    if (request.get("dockerfile") is None) == (request.get("config") is None):
        raise _bad("dockerfile", "give exactly one of dockerfile and config")
    if request.get("config") is not None:
        source = read_config_object(request["config"], where="config")
    else:
        source = _string(request, "dockerfile", "")
    given = {
        image: read_config_object(config, where=f"base_configs[{image!r}]")
        for image, config in _mapping(request, "base_configs", "base_configs").items()
    }

    asks_catalogue = _flag(request, "catalogue", "catalogue")

    def lookup(image: str) -> Base | None:
        return Base(given[image]) if image in given else catalogue(image)

    def catalogue(image: str) -> Base | None:
        if not asks_catalogue:
            return None
        from entrysem.bases.catalogue import Catalogue

        return Catalogue.load().lookup(image)

    return build_image(
        source,
        profile=profile,
        target=_optional_string(request, "target"),
        build_args={
            name: _text(value, "build_args")
            for name, value in _mapping(request, "build_args", "build_args").items()
        },
        bases=lookup,
        platform=_string(request, "platform", "linux/amd64"),
    )


def _runs(request: Mapping[str, Any]) -> list[RunOptions]:
    runs = request.get("runs")
    if runs is None:
        runs = [{}]
    if not isinstance(runs, list):
        raise _bad("runs", "must be a list of objects")
    return [_run(run, f"runs[{index}]") for index, run in enumerate(runs)]


def _run(run: object, where: str) -> RunOptions:
    if not isinstance(run, dict):
        raise _bad(where, "must be an object")
    for key in run:
        if key not in _RUN_KEYS:
            raise _bad(f"{where}.{key}", "is no key of a run")
    entrypoint = run.get("entrypoint")
    if entrypoint is not None and not isinstance(entrypoint, str):
        entrypoint = _words(entrypoint, f"{where}.entrypoint")
    args = run.get("args")
    return RunOptions(
        args=None if args is None else _words(args, f"{where}.args"),
        entrypoint=entrypoint,
        init=_flag(run, "init", f"{where}.init"),
        env={
            name: _text(value, f"{where}.env")
            for name, value in _mapping(run, "env", f"{where}.env").items()
        },
    )


def _words(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _bad(where, "must be a list of strings")
    return tuple([_text(item, where) for item in value])


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _bad(where, "must hold strings only")
    return value


def _string(request: Mapping[str, Any], key: str, default: str) -> str:
    value = request.get(key)
    return default if value is None else _text(value, key)


def _optional_string(request: Mapping[str, Any], key: str) -> str | None:
    value = request.get(key)
    return None if value is None else _text(value, key)


def _mapping(owner: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = owner.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _bad(where, "must be an object")
    return value


def _flag(owner: Mapping[str, Any], key: str, where: str) -> bool:
    value = owner.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _bad(where, "must be true or false")
    return value


def _bad(where: str, message: str) -> InputError:
    return InputError("bad-request", message, where=where)
