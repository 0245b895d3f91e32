"""One function for every kind of file that describes containers without building them.

Each kind has a function of its own, and Compose, which reads a project of several files, only that. This
is for who has a file, has asked `detect` what it is, and wants its subjects.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from entrysem.inputs.subject import Subject

__all__ = ["ReadKind", "read_as"]

ReadKind = Literal["stack", "kubernetes", "gitlab", "action", "workflow", "devcontainer", "quadlet"]
_NOTHING: Mapping[str, str] = MappingProxyType({})


def read_as(
    kind: ReadKind, data: bytes, *, where: str, env: Mapping[str, str] = _NOTHING
) -> tuple[Subject, ...]:
    """The subjects of a file.

    Args:
        kind: what the file is.
        data: its bytes.
        where: what to call it; where it names a Dockerfile, that is looked for from here.
        env: variables of the world around it: the environment that a stack is deployed from, what a
            cluster knows. Other kinds have no use for it.

    Raises:
        InputError: it is not of that kind, describes no container, or its program would refuse it.
    """
    if kind == "kubernetes":
        from entrysem.inputs.kubernetes import read_kubernetes  # noqa: PLC0415

        return read_kubernetes(data, where=where, env=env)
    if kind == "stack":
        from entrysem.inputs.swarm import read_stack  # noqa: PLC0415

        return read_stack(data, where=where, env=env)
    if kind == "gitlab":
        from entrysem.inputs.gitlab import read_gitlab as read  # noqa: PLC0415
    elif kind == "action":
        from entrysem.inputs.github import read_action as read  # noqa: PLC0415
    elif kind == "workflow":
        from entrysem.inputs.github import read_workflow as read  # noqa: PLC0415
    elif kind == "devcontainer":
        from entrysem.inputs.devcontainer import read_devcontainer as read  # noqa: PLC0415
    else:
        from entrysem.inputs.quadlet import read_quadlet as read  # noqa: PLC0415
    return read(data, where=where)
