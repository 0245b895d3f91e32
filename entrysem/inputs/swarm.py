"""Swarm stacks: what `docker stack deploy` makes of a Compose file.

It looks like Compose and differs in three ways that decide argv: texts are split with another library
(`googleshlex`: `#` starts a comment, `;` and `|` are plain); an empty list or text overrides nothing,
so no stack can clear an entrypoint; and variables come from the environment alone, with another grammar
(`$NAME-default` has a default without braces).

    entrypoint -> ContainerSpec.Command -> the container's Entrypoint; with it the image's Cmd is dropped
    command    -> ContainerSpec.Args    -> the container's Cmd

What the file comes to is seen with `docker stack config` of Docker 26.1.5 and 28.5.2 (`yes` is a text
since YAML 1.2 is read, in 28; before, it is refused). What the engine makes of it is read in the
source: a swarm would take over the engine that it is tried on.

Source: docker/cli 28f756087eea5fa301f3fbf12b01ae62f91521c2 cli/compose/loader/loader.go 878-883,
cli/compose/convert/service.go 129-132 and 151, cli/compose/template/template.go; moby/moby
b985e2313a8676e18072b442911fc8f64f17d440 daemon/cluster/executor/container/container.go 236-246.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from entrysem.errors import InputError
from entrysem.inputs.googleshlex import shlex_split
from entrysem.inputs.nodes import Field, only_document
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.yaml import Timestamp, read_yaml
from entrysem.late import late
from entrysem.model import RunOptions

__all__ = ["read_stack"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_CONVERT = (
    "docker/cli@28f756087eea5fa301f3fbf12b01ae62f91521c2 cli/compose/convert/service.go 129-132; "
    "moby/moby@b985e2313a8676e18072b442911fc8f64f17d440 "
    "daemon/cluster/executor/container/container.go 236-246"
)
_SUBST = r"[_a-z][_a-z0-9]*(?::?[-?][^}]*)?"
_VARIABLE = late(
    rf"\$(?:(?P<escaped>\$)|(?P<named>{_SUBST})|\{{(?P<braced>{_SUBST})\}}|(?P<invalid>))",
    re.IGNORECASE,
)


def read_stack(
    data: bytes, *, where: str, env: Mapping[str, str] = _NOTHING
) -> tuple[Subject, ...]:
    """The services of a stack file, in its order.

    Args:
        data: the Compose file.
        where: what to call it.
        env: the environment that `docker stack deploy` runs in, for `$NAME` in the file.

    Raises:
        InputError: it is no YAML, has no services, or `docker stack deploy` refuses it.
    """
    root = only_document(read_yaml(data, where=where), where, "stack file")
    services = root.get("services")
    names = [name for name in services.keys() if services.get(name)]  # noqa: SIM118  # no mapping
    if not names:
        raise InputError("no-containers", "there are no services", where=where)
    return tuple(_service(services.get(name), f"{where}: {name}", env) for name in names)


def _service(service: Field, name: str, env: Mapping[str, str]) -> Subject:
    notes = [
        Note(
            "stack",
            "docker stack deploy: entrypoint and command override only when they have a word",
            where=service.where,
            source=_CONVERT,
            status="source-read",
        )
    ]
    reference = service.get("image")
    image = _replaced(reference, env) if reference.node is not None else ""
    if not image:
        raise InputError(
            "missing-field",
            f"invalid image reference for service {service.path[-1]}: no image specified",
            where=service.where,
            hint="a stack does not build: push the image and name it",
        )
    entrypoint = _words(service.get("entrypoint"), env)
    args = _words(service.get("command"), env)
    for key, words in (("entrypoint", entrypoint), ("command", args)):
        if words == ():
            notes.append(
                Note(
                    "empty-overrides-nothing",
                    f"{key} is empty, which changes nothing in a stack; Compose would clear it",
                    where=service.get(key).where,
                    warning=True,
                    source=_CONVERT,
                    status="source-read",
                )
            )
    return Subject(
        name,
        image=image,
        run=RunOptions(
            args=args or None, entrypoint=entrypoint or None, init=_flag(service.get("init"))
        ),
        runtime="docker",
        notes=tuple(notes),
    )


def _words(field: Field, env: Mapping[str, str]) -> tuple[str, ...] | None:
    if field.node is None:
        return None
    if field.is_list:
        return tuple(_replaced(item, env) for item in field.items())
    text = _replaced(field, env)
    try:
        return shlex_split(text)
    except ValueError as error:
        raise InputError(
            "bad-words",
            f"{field.spelled}: {error}",
            where=field.where,
            hint="close the quote, or write a list of words",
        ) from None


def _must_be(field: Field, what: str) -> InputError:
    hint = "quote it" if what == "string" else None
    return InputError(
        "wrong-type", f"{field.spelled} must be a {what}", where=field.where, hint=hint
    )


def _flag(field: Field) -> bool:
    if field.node is None:
        return False
    if not isinstance(field.node.value, bool):
        raise _must_be(field, "boolean")
    return field.node.value


def _replaced(field: Field, env: Mapping[str, str]) -> str:
    """The text with its variables replaced. As in the original, an error counts only when no variable
    follows that has none.

    Raises:
        InputError: it is no text, a dollar sign starts nothing, or a required variable has no value.
    """
    if not field.is_text or isinstance(field.node.value if field.node else None, Timestamp):
        raise _must_be(field, "string")
    text = field.text()
    error: tuple[str, str] | None = None

    def replacement(match: re.Match[str]) -> str:
        nonlocal error
        if match.group("escaped"):
            return "$"
        found = match.group("named") or match.group("braced")
        if not found:
            error = ("bad-interpolation", text)
            return ""
        error = None
        value, missing = _value(found, env)
        if missing:
            error = ("missing-variable", missing)
        return value

    after = _VARIABLE.sub(replacement, text)
    if error is not None:
        code, told = error
        raise InputError(
            code,
            f'invalid interpolation format for {field.spelled}: "{told}"; you may need to escape any $ '
            "with another $",
            where=field.where,
        )
    return after


def _value(found: str, env: Mapping[str, str]) -> tuple[str, str]:
    """The value, and what to say when a required one is missing."""
    for separator, empty_counts in ((":-", False), ("-", True)):
        name, given, default = found.partition(separator)
        if given:
            value = env.get(name)
            return (default if value is None or not (value or empty_counts) else value), ""
    for separator, empty_counts in ((":?", False), ("?", True)):
        name, given, message = found.partition(separator)
        if given:
            value = env.get(name)
            if value is None or not (value or empty_counts):
                return "", f"required variable {name} is missing a value: {message}"
            return value, ""
    return env.get(found, ""), ""
