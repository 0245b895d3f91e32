"""What there is to explain: an image, and how it is started.

A Dockerfile and the words behind `--` are one `Subject`; so is each service of a Compose file, each
container of a pod, each `docker run` line. A module of this package reads one kind of input and returns
subjects, with what it has to tell about them; it never merges and never guesses: that is the engine's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from entrysem.model import RunOptions

__all__ = ["UNCERTAIN", "Note", "Subject"]

#: Codes of notes that say: what runs depends on something that the input does not hold.
UNCERTAIN = frozenset(
    {
        "expression",
        "image-unit",
        "no-image",
        "specifier",
        "systemd-variable",
        "unknown-variable",
        "variable-image",
    }
)

_NOTHING: Mapping[str, str] = MappingProxyType({})
_DEFAULT_RUN = RunOptions()


class Note(NamedTuple):
    """Something to tell the reader about how an input was read.

    Attributes:
        code: stable, kebab-case: `option-after-image`.
        text: one sentence for a person.
        where: the place: `web.yaml:12`, `word 5`, `services.web.command`; empty when there is none.
        warning: whether it is a probable mistake, and not only information.
        source: what says so: a reference into documentation or source code; empty for plain facts.
        status: `observed` on a real program, or only read in its source or documentation.
    """

    code: str
    text: str
    where: str = ""
    warning: bool = False
    source: str = ""
    status: Literal["observed", "source-read"] = "observed"


class Subject(NamedTuple):
    """One process to explain.

    Exactly one of `dockerfile`, `image` and `argv` says what runs.

    Attributes:
        name: what to call it: `compose.yaml: web`, `Deployment/web: container app`.
        dockerfile: path of the Dockerfile that is built, or None.
        image: reference of an image that is not built here, or None.
        argv: words that are executed in a running container (a probe, a hook), or None. No image and
            no runtime has a say in them.
        text: the Dockerfile's bytes where they stand in the input itself (`dockerfile_inline`).
        run: how it is started.
        runtime: who starts it, where the input decides that: `compose`, `cri`, `podman`; None leaves
            it to the user.
        target: the stage to build, or None for the last.
        build_args: values of ARGs.
        platform: `os/architecture`, or None for the user's.
        notes: what is told with the answer.
    """

    name: str
    dockerfile: str | None = None
    image: str | None = None
    argv: tuple[str, ...] | None = None
    text: bytes | None = None
    run: RunOptions = _DEFAULT_RUN
    runtime: str | None = None
    target: str | None = None
    build_args: Mapping[str, str] = _NOTHING
    platform: str | None = None
    notes: tuple[Note, ...] = ()
