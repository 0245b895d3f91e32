"""Swarm stacks: what `docker stack deploy` makes of a Compose file.

It looks like Compose and differs in three ways that decide argv: texts are split with another library
(`googleshlex`: `#` starts a comment, `;` and `|` are plain); an empty list or text overrides nothing,
so no stack can clear an entrypoint; and variables come from the environment alone, with another grammar
(`$NAME-default` has a default without braces).

    entrypoint -> ContainerSpec.Command -> the container's Entrypoint; with it the image's Cmd is dropped
    command    -> ContainerSpec.Args    -> the container's Cmd

Only read in the source, not run: a swarm would take over the engine that it is tried on.

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
from entrysem.inputs.yaml import read_yaml
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
    image = _replaced(service.get("image"), env)
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
    init = service.get("init")
    return Subject(
        name,
        image=image,
        run=RunOptions(
            args=args or None,
            entrypoint=entrypoint or None,
            init=init.node is not None and init.node.value is True,
        ),
        runtime="docker",
        notes=tuple(notes),
    )


def _words(field: Field, env: Mapping[str, str]) -> tuple[str, ...] | None:
    if not field:
        return None
    if field.is_text:
        try:
            return shlex_split(_replaced(field, env))
        except ValueError as error:
            raise InputError(
                "bad-words",
                f"{field.spelled}: {error}",
                where=field.where,
                hint="close the quote, or write a list of words",
            ) from None
    if not field.is_list:
        raise field.refused("a text or a list of texts")
    return tuple(_replaced(item, env) for item in field.items())


def _replaced(field: Field, env: Mapping[str, str]) -> str:
    """The text with its variables replaced.

    Raises:
        InputError: it is no text, a dollar sign starts nothing, or a required variable has no value.
    """
    text = field.text()

    def replacement(match: re.Match[str]) -> str:
        if match.group("escaped"):
            return "$"
        found = match.group("named") or match.group("braced")
        if not found:
            raise InputError(
                "bad-interpolation",
                f'Invalid interpolation format for {field.spelled}: "{text}". You may need to escape any '
                "$ with another $.",
                where=field.where,
            )
        return _value(found, env, field)

    return _VARIABLE.sub(replacement, text)


def _value(found: str, env: Mapping[str, str], field: Field) -> str:
    for separator, empty_counts in ((":-", False), ("-", True)):
        name, given, default = found.partition(separator)
        if given:
            value = env.get(name)
            return default if value is None or not (value or empty_counts) else value
    for separator, empty_counts in ((":?", False), ("?", True)):
        name, given, message = found.partition(separator)
        if given:
            value = env.get(name)
            if value is None or not (value or empty_counts):
                raise InputError(
                    "missing-variable",
                    f"required variable {name} is missing a value: {message}",
                    where=field.where,
                )
            return value
    return env.get(found, "")
