"""ARG before the first FROM, and what FROM makes of it.

The values that FROM can use are the predefined ones, which follow from the platform, and those of the
global ARGs: the `--build-arg` where there is one, else the default, in which the values so far are
expanded. No other variable is known there.

Source: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go (buildMetaArgs),
platform.go (defaultArgs); containerd/platforms platforms.go (Parse).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from entrysem.behaviour import BuilderBehaviour
from entrysem.dockerfile import Dockerfile, Instruction, Stage
from entrysem.dockerfile.words import ExpansionError, expand
from entrysem.errors import DockerfileError
from entrysem.late import late

__all__ = ["expand_word", "global_variables", "platform_of"]

#: A word in which every `$` is a plain name, so that no lexer is needed.
_PLAIN_WORD = late(r"(?:[\w./:@+-]|\$[A-Za-z_]|\$\{[A-Za-z_]\w*\})*\Z", re.ASCII)
_PLAIN_NAME = late(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)
_PLATFORM_PART = r"[A-Za-z0-9_.-]+(?:\([^()]*\))?"
_PLATFORM_WORDS = frozenset(
    (
        "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd "
        "openbsd plan9 solaris wasip1 windows zos 386 amd64 amd64p32 arm armbe arm64 "
        "arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le "
        "ppc riscv riscv64 s390 s390x sparc sparc64 wasm i386 x86_64 x86-64 aarch64 armhf "
        "armel"
    ).split()
)


def global_variables(
    dockerfile: Dockerfile,
    behaviour: BuilderBehaviour,
    target: str | None,
    build_args: Mapping[str, str],
    platform: str,
) -> dict[str, str]:
    """Name -> value of all that FROM can use; a `--build-arg` counts only for a declared name.

    Raises:
        DockerfileError: a default that the builder cannot expand.
    """
    known = behaviour.predefined_args
    values = dict(_of_platform(platform, known))
    if "TARGETSTAGE" in known:
        values["TARGETSTAGE"] = target or dockerfile.stages[-1].key or "default"
    if build_args:
        values.update({name: value for name, value in build_args.items() if name in values})
    predefined = frozenset(values)
    bare = behaviour.grammar.bare_arg
    for arg in dockerfile.global_args:
        name = arg.name
        if name in build_args:
            values[name] = build_args[name]
        elif name in predefined and behaviour.predefined_default == "ignored":
            continue
        elif arg.default is not None:
            values[name] = _default(arg.default, values, arg.instruction, dockerfile)
        elif bare == "empties":
            values[name] = ""
        elif bare == "unsets":
            values.pop(name, None)
    return values


@lru_cache(maxsize=64)
def _of_platform(platform: str, known: frozenset[str]) -> Mapping[str, str]:
    """The predefined ARGs that follow from the platform, as far as they are known."""
    system, _, machine = platform.partition("/")
    machine, _, variant = machine.partition("/")
    parts = {
        "PLATFORM": platform,
        "OS": system,
        "ARCH": machine,
        "VARIANT": variant,
        "OSVERSION": "",
    }
    values = {side + part: text for side in ("BUILD", "TARGET") for part, text in parts.items()}
    return {name: value for name, value in values.items() if name in known}


def _default(
    text: str, values: Mapping[str, str], instruction: Instruction, dockerfile: Dockerfile
) -> str:
    if "$" not in text and _PLAIN_WORD.match(text):
        return text
    try:
        return _expand(text, values, dockerfile)
    except ExpansionError as error:
        if dockerfile.grammar.bad_default == "empty":
            return ""
        raise _expansion_error(error, text, instruction, dockerfile) from None


def expand_word(
    word: str, stage: Stage, dockerfile: Dockerfile, variables: Mapping[str, str]
) -> str:
    """A word of FROM with its variables replaced.

    Raises:
        DockerfileError: the builder cannot expand it.
    """
    try:
        return _expand(word, variables, dockerfile)
    except ExpansionError as error:
        raise _expansion_error(error, word, stage.instruction, dockerfile) from None


def _expand(word: str, variables: Mapping[str, str], dockerfile: Dockerfile) -> str:
    if _PLAIN_WORD.match(word):
        # What `expand` makes of it, several times as fast.
        return _PLAIN_NAME.sub(
            lambda found: variables.get(found.group(1) or found.group(2), ""), word
        )
    grammar = dockerfile.grammar
    return expand(
        word,
        variables,
        escape=dockerfile.escape,
        modifiers=grammar.modifiers,
        required=grammar.required,
        unterminated=grammar.unterminated,
        replacement=grammar.replacement,
    )


def _expansion_error(
    error: ExpansionError, word: str, instruction: Instruction, dockerfile: Dockerfile
) -> DockerfileError:
    return dockerfile.rejection(
        instruction, "bad-substitution", f'failed to process "{word}": {error}', "BUILD-10"
    )


def platform_of(stage: Stage, dockerfile: Dockerfile, variables: Mapping[str, str]) -> str:
    """The stage's `--platform`, expanded and checked.

    Raises:
        DockerfileError: it is blank, or no platform.
    """
    spelled = stage.platform or ""
    value = expand_word(spelled, stage, dockerfile, variables)
    if not value:
        raise dockerfile.rejection(
            stage.instruction,
            "blank-platform",
            f"empty platform value from expression {spelled}",
            "BUILD-10",
            "declare the ARG before the first FROM, or pass --build-arg",
        )
    parts = value.split("/")
    known = len(parts) > 1 or parts[0].lower() in _PLATFORM_WORDS
    if len(parts) > 3 or not known or not all(re.fullmatch(_PLATFORM_PART, part) for part in parts):
        raise dockerfile.rejection(
            stage.instruction,
            "bad-platform",
            f"failed to parse platform {spelled}",
            "BUILD-09",
            "write OS/ARCHITECTURE, such as linux/arm64",
        )
    return value
