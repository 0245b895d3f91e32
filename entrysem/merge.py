"""Image config + what was typed -> argv, or why the container does not start.

The whole of it, as Docker's daemon does it:

    1. no entrypoint given (or an empty list):
           no arguments given (or an empty list)?  the image's Cmd takes their place
           entrypoint not given at all?            the image's Entrypoint takes its place
    2. an entrypoint of exactly one empty string is none
    3. no word at all: the container cannot be created
    4. argv = entrypoint + arguments

Everything else is how the words got into the runtime's hands (`--entrypoint` is text at a command
line and a list in an API) and what it does to the finished list (`--init`, Kubernetes' `$(NAME)`).

Source: moby/moby daemon/commit.go (merge), daemon/create.go, daemon/container.go
(getEntrypointAndArgs); docker/cli cli/command/container/opts.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # py_scanstring or its C twin

from entrysem.behaviour import RuntimeBehaviour
from entrysem.dockerfile.text import stored
from entrysem.errors import InputError
from entrysem.late import late
from entrysem.model import ImageConfig, Inherited, RunOptions, StartError, Words
from entrysem.shellwords import shellwords
from entrysem.trace import Note, Trace

__all__ = ["merge"]


def merge(
    config: ImageConfig, run: RunOptions, behaviour: RuntimeBehaviour, trace: Trace
) -> tuple[Words, StartError | None]:
    """Merges the config with the run's options; appends the steps to `trace`.

    Returns:
        argv, with `Inherited` where it is not known, None when there is an error at create; and why
        the container does not start, or None. With an error at start, argv is there too.

    Raises:
        InputError: what was typed is no legal option value at that runtime's command line.
    """
    given: tuple[str, ...] | None = None
    args: Words = None
    if behaviour.expands and (run.args or run.entrypoint):
        trace.append(_FROM_MANIFEST)
    if run.entrypoint is not None:
        given = _given_entrypoint(run.entrypoint, behaviour, trace)
        if given and behaviour.expands:
            given = _expanded(given, run.env, trace)
    if run.args is not None:
        args = _expanded(run.args, run.env, trace) if behaviour.expands else run.args
        if not args:
            trace.append(_NO_ARGS)
    entrypoint: Words = given
    if not given:
        image_cmd = config.cmd
        if args:
            trace.append(
                (
                    "MERGE-02",
                    "argv",
                    _typed(args),
                    image_cmd,
                    args,
                    "the arguments {after} take the place of Cmd {before}",
                    (),
                    None,
                )
            )
        else:
            args = image_cmd
        if given is None:
            entrypoint = config.entrypoint
        else:
            trace.append(
                (
                    "MERGE-05",
                    "argv",
                    None,
                    config.entrypoint,
                    (),
                    "the empty list clears Entrypoint {before}; Cmd stays",
                    (),
                    None,
                )
            )
    else:
        trace.append(
            (
                "MERGE-03",
                "argv",
                None,
                config.entrypoint,
                given,
                "{after} takes the place of Entrypoint {before}"
                + ("; the image's Cmd is dropped" if config.cmd and not args else ""),
                (),
                None,
            )
        )
    if entrypoint == ("",) and _resets(given, behaviour):
        trace.append(_ONE_EMPTY_WORD)
        entrypoint = None
    words: tuple[str | Inherited, ...] = (entrypoint or ()) + (args or ())
    if not words:
        if behaviour.nothing_to_run == "error":
            trace.append(_NOTHING)
            refused = StartError("create", "no-command-specified", behaviour.no_command, "MERGE-06")
            return None, refused
        trace.append(_NOTHING_BUT_EMPTY)
        words = ("",)
    else:
        trace.append(
            (
                "MERGE-01",
                "argv",
                None,
                None,
                words,
                "argv is Entrypoint {0} followed by {1}"
                if entrypoint and args
                else "argv is Entrypoint {0}, and nothing follows it"
                if entrypoint
                else "argv is {1}: there is no Entrypoint",
                (entrypoint, args),
                None,
            )
        )
    error = None
    if words[0] == "":
        trace.append(_EMPTY_PROGRAM)
        error = StartError(
            "start", "empty-program", 'exec: "": executable file not found in $PATH', "MERGE-09"
        )
    if run.init:
        words = _with_init(words, behaviour, trace)
    return words, error


def _given_entrypoint(
    given: str | tuple[str, ...], behaviour: RuntimeBehaviour, trace: Trace
) -> tuple[str, ...] | None:
    """The override as a list: what the runtime's API, or the engine behind it, is told."""
    if isinstance(given, tuple):
        if not given and behaviour.empty_entrypoint == "absent":
            trace.append(_EMPTY_IS_ABSENT)
            return None
        return given
    words: tuple[str, ...] | None
    if not given:
        words = ("",) if behaviour.typed_empty == "empty-word" else ()
    elif behaviour.typed_entrypoint == "json":
        words = _json_or_word(given)
    elif behaviour.typed_entrypoint == "json-stream":
        words = _json_stream(given)
    elif behaviour.typed_entrypoint == "shellwords":
        words = shellwords(given)
    else:
        words = (given,)
    trace.append(
        (
            "MERGE-07",
            "argv",
            f"--entrypoint {given!r}",
            None,
            words,
            "this runtime reads the text as {after}",
            (),
            None,
        )
    )
    return words


def _json_stream(text: str) -> tuple[str, ...] | None:
    """Old Podman: its decoder reads as it goes, so that of text which is no JSON the strings before the
    error stay, and an empty one where a string should have stood; the text itself follows them.

    Source: json-iterator/go reflect_slice.go; seen on Podman 3.0.1.
    """
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return (*_strings_before_the_error(text), text)
    return _json_or_word(text)


def _strings_before_the_error(text: str) -> tuple[str, ...]:
    at = _after_blanks(text, 0)
    if text[at : at + 1] != "[":
        return ()
    found: list[str] = []
    while True:
        try:
            word, at = scanstring(text, _opening_quote(text, at + 1))
        except ValueError:
            return (*found, "")
        found.append(stored(word))
        at = _after_blanks(text, at)
        if text[at : at + 1] != ",":
            return tuple(found)


def _opening_quote(text: str, at: int) -> int:
    at = _after_blanks(text, at)
    if text[at : at + 1] != '"':
        raise ValueError(text)
    return at + 1


def _after_blanks(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip(" \t\n\r"))


def _json_or_word(text: str) -> tuple[str, ...] | None:
    """Podman: a JSON list of strings; otherwise the text as one word, after whatever strings Go's
    decoder had already stored when it failed.

    Source: containers/podman pkg/specgenutil/specgen.go (FillOutSpecGen).
    """
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return (text,)
    if value is None:
        return None
    if not isinstance(value, list):
        return (text,)
    value = [stored(item) if isinstance(item, str) else item for item in value]
    if all(isinstance(item, str) for item in value):
        return tuple(value)
    if all(item is None or isinstance(item, str) for item in value):
        return tuple(item or "" for item in value)
    return (*(item if isinstance(item, str) else "" for item in value), text)


def _no_constant(name: str) -> None:
    raise ValueError(name)


_REFERENCE = late(r"\$(?:\$|\(([^)]*)\))?")


def _expanded(words: tuple[str, ...], env: Mapping[str, str], trace: Trace) -> tuple[str, ...]:
    after = tuple(expand_references(word, env) for word in words)
    if after != words:
        trace.append(
            (
                "MERGE-12",
                "argv",
                _typed(words),
                words,
                after,
                "$(NAME) is replaced from the container's environment, $$ is one $",
                (),
                None,
            )
        )
    return after


def expand_references(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' `$(NAME)`: replaced when defined, kept when not; `$$` is `$`; not repeated.

    Source: kubernetes third_party/forked/golang/expansion/expand.go.
    """

    def replacement(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$"
        name = match.group(1)
        return match.group() if name is None else env.get(name, match.group())

    return _REFERENCE.sub(replacement, text)


def _resets(given: tuple[str, ...] | None, behaviour: RuntimeBehaviour) -> bool:
    return behaviour.empty_word == "anywhere" or (behaviour.empty_word == "image" and given is None)


def _with_init(
    words: tuple[str | Inherited, ...], behaviour: RuntimeBehaviour, trace: Trace
) -> tuple[str | Inherited, ...]:
    if not behaviour.init_prefix:
        raise InputError(
            "no-init",
            "this runtime has no --init",
            where="--init",
            hint="leave it out, or choose a runtime that has it",
        )
    after = behaviour.init_prefix + words
    trace.append(
        (
            "MERGE-10",
            "argv",
            "--init",
            words,
            after,
            "a small init program becomes PID 1 and starts the rest",
            (),
            None,
        )
    )
    return after


def _typed(words: Words) -> str:
    return " ".join([json.dumps(word, ensure_ascii=False) for word in words or ()])


_NO_ARGS: Note = (
    "MERGE-08",
    "argv",
    None,
    None,
    None,
    "an empty argument list is as none at all",
    (),
    None,
)
_FROM_MANIFEST: Note = (
    "MERGE-11",
    "argv",
    None,
    None,
    None,
    "command in the manifest is the entrypoint, args are the arguments",
    (),
    None,
)
_EMPTY_IS_ABSENT: Note = (
    "MERGE-11",
    "argv",
    None,
    None,
    None,
    "this runtime takes an empty list as not given",
    (),
    None,
)
_ONE_EMPTY_WORD: Note = (
    "MERGE-04",
    "argv",
    None,
    ("",),
    None,
    'an entrypoint of exactly one empty string, [""], is none',
    (),
    None,
)
_NOTHING: Note = (
    "MERGE-06",
    "argv",
    None,
    None,
    None,
    "Entrypoint and Cmd have no word: the container cannot be created",
    (),
    None,
)
_NOTHING_BUT_EMPTY: Note = (
    "MERGE-06",
    "argv",
    None,
    None,
    ("",),
    "Entrypoint and Cmd have no word: this runtime makes argv one empty word",
    (),
    None,
)
_EMPTY_PROGRAM: Note = (
    "MERGE-09",
    "argv",
    None,
    None,
    None,
    "the first word is empty, so no program is found and the start fails",
    (),
    None,
)
