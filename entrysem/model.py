"""The nouns of the project, and nothing else.

Three kinds of "nothing" are kept apart everywhere:

* `None`: not given;
* `()`: given, and empty;
* `Inherited(...)` inside a tuple: words that an image brings whose config nobody has shown us.

An argv is a tuple of strings, never one joined string.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from entrysem.errors import Span

__all__ = [
    "Base",
    "ConfigKey",
    "ImageConfig",
    "Inherited",
    "RunOptions",
    "StartError",
    "Step",
    "Word",
    "Words",
    "is_known",
]

ConfigKey = Literal["Entrypoint", "Cmd", "Shell", "OnBuild"]


class Inherited(NamedTuple):
    """The words that `image` has under `key`: zero or more, unknown."""

    key: ConfigKey
    image: str

    def __str__(self) -> str:
        return f"<{self.key} of {self.image}>"


Word = str | Inherited
Words = tuple[Word, ...] | None


def is_known(words: Words) -> bool:
    """Whether no word of `words` is `Inherited`. None and () are known."""
    return not words or not any(isinstance(word, Inherited) for word in words)


class ImageConfig(NamedTuple):
    """What an image says about its process: the part of the OCI image config that decides argv.

    Attributes:
        entrypoint, cmd: words, or None when the config does not have them.
        shell: the SHELL that shell form uses in builds on top of this image, or None.
        onbuild: stored triggers, in order.
        args_escaped: Windows' flag that `cmd` (or `entrypoint`) is one already escaped command
            line. BuildKit sets it after any CMD; on Linux nothing reads it.
    """

    entrypoint: Words = None
    cmd: Words = None
    shell: Words = None
    onbuild: tuple[str, ...] = ()
    args_escaped: bool = False

    @property
    def unknown(self) -> tuple[Inherited, ...]:
        """What is not known about Entrypoint and Cmd, without repetition."""
        found = [
            word
            for words in (self.entrypoint, self.cmd)
            for word in words or ()
            if isinstance(word, Inherited)
        ]
        return tuple(dict.fromkeys(found))


class Base(NamedTuple):
    """A base image's config and how it is known.

    Attributes:
        config: what it contributes.
        origin: `given` by the user, a local engine (`docker`, `podman`), an OCI layout (`oci`), a saved
            `archive`, a `registry`, or the `catalogue`. `unknown` is an image that nobody knows, which
            stands in place of a Dockerfile.
        note: for a person: which file, which engine's image, which digest, which pinned source.
    """

    config: ImageConfig
    origin: Literal[
        "given", "docker", "podman", "oci", "archive", "registry", "catalogue", "unknown"
    ] = "given"
    note: str = ""


#: For RunOptions.env: one empty mapping serves all, because nobody can change it.
_NO_ENV: Mapping[str, str] = MappingProxyType({})


class RunOptions(NamedTuple):
    """What was typed, sent or written to start a container.

    Attributes:
        args: the words after the image; None when there are none. `()` is an empty list sent to an
            API or written in a manifest.
        entrypoint: None; a `str` as typed at the runtime's command line; a tuple as sent to its API
            or written in its manifest.
        init: `--init`.
        env: the container's environment, where the runtime expands `$(NAME)` (Kubernetes).
    """

    args: tuple[str, ...] | None = None
    entrypoint: str | tuple[str, ...] | None = None
    init: bool = False
    env: Mapping[str, str] = _NO_ENV


class StartError(NamedTuple):
    """The image exists, and this run of it does not start.

    Attributes:
        phase: `create` when the runtime refuses the container, `start` when the program is refused.
        code: `no-command-specified`, `empty-program`.
        message: what the runtime prints, or the heart of it.
        rule: the rule that says so.
    """

    phase: Literal["create", "start"]
    code: str
    message: str
    rule: str


class Step(NamedTuple):
    """One rule, applied at one place.

    Attributes:
        rule: id in `entrysem.rules`.
        field: what changed: `Entrypoint`, `Cmd`, `Shell`, `OnBuild`, `argv`; `form` for a step
            that only reads, `base` for one that only chooses.
        span: the instruction in the Dockerfile, or None for what the run decides.
        instruction: its text, or the option that was typed; empty when nothing was.
        before, after: the value of `field`; both None for a step that only reads or chooses.
        sentence: what happened, for a person.
        stage: index of the stage, or None outside the Dockerfile.
        config: for FROM (BUILD-07), the Entrypoint, Cmd and Shell that the stage starts from.
    """

    rule: str
    field: str
    span: Span | None
    instruction: str
    before: Words
    after: Words
    sentence: str
    stage: int | None = None
    config: tuple[Words, ...] | None = None
