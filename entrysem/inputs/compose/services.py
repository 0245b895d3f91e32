"""One service -> one `Subject`: what is built or run, and what is told about it.

What Compose sends to the engine, and what the engine makes of it, is `entrysem.merge` with the runtime
`compose`; here a list stays a list, a text is split, and null is told from empty.

Source: compose-spec/compose-go v2.9.1 types/command.go, types/mapping.go, loader/normalize.go,
loader/validate.go, schema/compose-spec.json; observed on Compose 2.26.1 and 2.40.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from entrysem.errors import InputError
from entrysem.inputs.compose.files import is_remote, joined
from entrysem.inputs.compose.tree import Value, bad, go_text
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.yaml import Timestamp
from entrysem.model import RunOptions
from entrysem.shellwords import shellwords

__all__ = ["profiles_of", "runs_elsewhere", "subject_of"]

_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "y", "yes", "on"), True),
    **dict.fromkeys(("false", "n", "no", "off"), False),
}
_DOCS = "https://github.com/compose-spec/compose-spec/blob/main/"


def profiles_of(service: Value, name: str) -> tuple[str, ...]:
    """The profiles that start the service; none when it always starts.

    Raises:
        InputError: they are no list of texts.
    """
    value = _entries(service, name).get("profiles")
    if value is None:
        return ()
    if not isinstance(value.data, tuple):
        raise bad(f"services.{name}.profiles must be a list", value.where)
    return tuple([_text(item, f"services.{name}.profiles") for item in value.data])


def runs_elsewhere(service: Value, name: str) -> bool:
    """Whether a `provider` runs the service, and no container."""
    entries = _entries(service, name)
    return "provider" in entries and not {"image", "build"} & entries.keys()


def subject_of(service: Value, name: str, *, file: str, environment: Mapping[str, str]) -> Subject:
    """The subject of a service.

    Args:
        service: merged and resolved.
        name: of the service.
        file: what to call the project's first file.
        environment: for build arguments without a value, and for the platform.

    Raises:
        InputError: Compose would refuse the service.
    """
    entries = _entries(service, name)
    under = f"services.{name}"
    notes = list(_unset(service, under))
    run = RunOptions(
        args=_words(entries.get("command"), f"{under}.command"),
        entrypoint=_words(entries.get("entrypoint"), f"{under}.entrypoint"),
        init=_boolean(entries.get("init"), f"{under}.init"),
    )
    platform = _optional(entries, "platform", under) or environment.get("DOCKER_DEFAULT_PLATFORM")
    subject = Subject(
        name=f"{file}: {name}",
        image=_optional(entries, "image", under) or None,
        run=run,
        runtime="compose",
        platform=platform or None,
    )
    if "build" in entries:
        subject = _built(entries["build"], under, subject, environment, notes)
    elif subject.image is None:
        raise bad(
            f"service {name!r} has neither an image nor a build context specified",
            service.where,
            "give it an image or a build",
        )
    return subject._replace(notes=tuple(notes))


def _built(
    build: Value, under: str, subject: Subject, environment: Mapping[str, str], notes: list[Note]
) -> Subject:
    under += ".build"
    if not isinstance(build.data, dict):
        raise bad(f"{under} must be a text or a mapping", build.where)
    entries = build.data
    context = _optional(entries, "context", under) or ""
    file = _optional(entries, "dockerfile", under)
    inline = _optional(entries, "dockerfile_inline", under)
    if subject.image is not None:
        notes.append(
            Note(
                "image-and-build",
                f"the build is explained; where {subject.image} can be had, `docker compose up` without "
                "--build may run that image instead",
                build.where,
                source=_DOCS + "build.md#using-build-and-image",
                status="source-read",
            )
        )
    if file and inline:
        raise bad(
            f"{under} has both dockerfile and dockerfile_inline",
            entries["dockerfile_inline"].where,
            "keep one of the two",
        )
    notes += _contexts(entries.get("additional_contexts"), under)
    platforms = _list(entries.get("platforms"), f"{under}.platforms")
    subject = subject._replace(
        image=None,
        target=_optional(entries, "target", under) or None,
        build_args=_build_args(entries.get("args"), f"{under}.args", environment),
        platform=subject.platform or (platforms[0] if len(platforms) == 1 else None),
    )
    if inline:
        where = entries["dockerfile_inline"].where
        return subject._replace(dockerfile=where, text=inline.encode(errors="replace"))
    if is_remote(context):
        notes.append(
            Note(
                "remote-context",
                f"the Dockerfile is in {context}, which is not read: what the image has is unknown",
                entries["context"].where,
                warning=True,
            )
        )
        return subject._replace(image=context, target=None, build_args={})
    path = joined(context, file or "Dockerfile")
    if not Path(path).is_file():
        notes.append(
            Note(
                "no-dockerfile",
                f"there is no file {path}: the build fails",
                entries["dockerfile"].where if file else build.where,
                warning=True,
            )
        )
    return subject._replace(dockerfile=path)


def _contexts(value: Value | None, under: str) -> Iterator[Note]:
    """What is told of names that FROM finds outside the Dockerfile and the registries."""
    for name, context, where in _pairs(value, f"{under}.additional_contexts"):
        if context is None:
            continue
        meant = (
            f"the image that service {context.removeprefix('service:')} builds"
            if context.startswith("service:")
            else f"the image {context.removeprefix('docker-image://')}"
            if context.startswith("docker-image://")
            else f"what is in {context}"
        )
        yield Note(
            "additional-context",
            f"FROM {name} means {meant}; name its config with --base-config {name}=FILE",
            where,
            source=_DOCS + "build.md#additional_contexts",
            status="source-read",
        )


def _build_args(value: Value | None, under: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Values of ARGs; one without a value has the environment's, and is left out when it has none."""
    found: dict[str, str] = {}
    for name, text, _ in _pairs(value, under):
        taken = environment.get(name) if text is None else text
        if taken is None:
            found.pop(name, None)
        else:
            found[name] = taken
    return found


def _pairs(value: Value | None, under: str) -> Iterator[tuple[str, str | None, str]]:
    """Name, text and place of each entry of a mapping or of a list of `NAME=text`."""
    if value is None:
        return
    if isinstance(value.data, dict):
        for name, entry in value.data.items():
            if isinstance(entry.data, (tuple, dict, Timestamp)):
                raise bad(f"{under}.{name} must be a text, a number or a boolean", entry.where)
            yield name, None if entry.data is None else go_text(entry.data), entry.where
    elif isinstance(value.data, tuple):
        for item in value.data:
            name, equals, text = _text(item, under).partition("=")
            if name[-1:].isspace():
                raise bad(f"{under}: {name!r} ends in a space", item.where)
            yield name, text if equals else None, item.where
    else:
        raise bad(f"{under} must be a mapping or a list", value.where)


def _entries(service: Value, name: str) -> dict[str, Value]:
    if not isinstance(service.data, dict):
        raise bad(f"services.{name} must be a mapping", service.where)
    return service.data


def _words(value: Value | None, under: str) -> tuple[str, ...] | None:
    """A command or entrypoint: None for null, `()` for an empty text or list."""
    if value is None or value.data is None:
        return None
    if isinstance(value.data, tuple):
        return tuple([_text(item, under) for item in value.data])
    text = _text(value, under)
    try:
        return shellwords(text)
    except InputError as error:
        raise InputError(
            error.code, f"{under}: {error.message}", where=value.where, hint=error.hint
        ) from None


def _boolean(value: Value | None, under: str) -> bool:
    if value is None:
        return False
    if isinstance(value.data, bool):
        return value.data
    if isinstance(value.data, str) and value.data.lower() in _BOOLEANS:
        return _BOOLEANS[value.data.lower()]
    raise bad(f"{under} must be true or false", value.where)


def _optional(entries: Mapping[str, Value], name: str, under: str) -> str | None:
    value = entries.get(name)
    return None if value is None else _text(value, f"{under}.{name}")


def _list(value: Value | None, under: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value.data, tuple):
        raise bad(f"{under} must be a list", value.where)
    return tuple([_text(item, under) for item in value.data])


def _text(value: Value, under: str) -> str:
    if not isinstance(value.data, str) or isinstance(value.data, Timestamp):
        kind = {type(None): "null", tuple: "a list", dict: "a mapping"}.get(type(value.data))
        raise bad(
            f"{under} must be a text, not {kind or go_text(value.data)}",
            value.where,
            "put it in quotes" if kind is None else None,
        )
    return str(value.data)


def _unset(value: Value, under: str) -> Iterator[Note]:
    """A warning for each variable without a value in what is kept of the service."""
    for name in value.unset:
        yield Note(
            "variable-not-set",
            f"{under}: the variable {name} is not set, and stands for a blank text",
            value.where,
            warning=True,
            source="compose-spec/compose-go v2.9.1 template/template.go",
        )
    if isinstance(value.data, tuple):
        for item in value.data:
            yield from _unset(item, under)
    elif isinstance(value.data, dict):
        for name, entry in value.data.items():
            yield from _unset(entry, f"{under}.{name}")
