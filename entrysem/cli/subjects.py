"""What there is to explain: from the words of the command line to subjects, and from those to sources.

A path is a Dockerfile unless its name or its content says otherwise (`inputs.detect`); a folder stands
for the Dockerfiles below it; `image:`, `oci:` and `docker-archive:` name images. A run line (`--run`) is
laid over whatever is asked about: what it typed takes the place of what a Compose service has written.

Nothing of `entrysem.inputs` is imported for a plain Dockerfile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from entrysem.cli.files import dockerfiles_under, read_source
from entrysem.errors import InputError
from entrysem.late import late

if TYPE_CHECKING:
    from entrysem.build import BaseLookup
    from entrysem.inputs.detect import InputKind
    from entrysem.inputs.reading import ReadKind
    from entrysem.inputs.runline import RunLine
    from entrysem.inputs.subject import Note, Subject
    from entrysem.model import Base, RunOptions

__all__ = ["Asked", "Found", "asked_of", "is_uncertain", "source_of"]

#: The endings of everything that is not a Dockerfile and is read all the same.
_DATA = late(r".*\.(?:ya?ml|json|jsonc|container)", re.IGNORECASE | re.DOTALL)
_PREFIXES = ("image:", "oci:", "docker-archive:", "oci-archive:")


class Asked(NamedTuple):
    """What was typed.

    Attributes:
        names: the paths; empty for the default.
        run: from `--` and `--entrypoint`, or the run line's.
        run_line: of `--run`, or None.
        kubernetes: whether every path is a manifest.
        files: further Compose files.
        services, profiles, env_files: of Compose.
    """

    names: Sequence[str]
    run: RunOptions
    run_line: RunLine | None = None
    kubernetes: bool = False
    files: Sequence[str] = ()
    services: Sequence[str] = ()
    profiles: Sequence[str] = ()
    env_files: Sequence[str] = ()

    @property
    def is_plain(self) -> bool:
        """Whether nothing but names and a run was given."""
        return not (self.kubernetes or self.files or self.services or self.profiles)


class Found(NamedTuple):
    """A subject, or why there is none: one of the two is None."""

    name: str
    subject: Subject | None
    error: InputError | None = None


def asked_of(asked: Asked) -> Iterator[Found]:
    """The subjects of all paths, in order; a path that cannot be read gives its error.

    Raises:
        InputError: `no-such-service`, `options-do-not-fit`: what was typed makes no sense (exit code 2).
    """
    for name in _names(asked):
        if name.startswith(_PREFIXES):
            yield Found(name, _subject(name, image=name, run=asked.run))
            continue
        if name != "-" and Path(name).is_dir():
            yield from _of_folder(name, asked)
            continue
        try:
            kind = _kind(name, asked)
            if kind is None or kind == "dockerfile":
                yield Found(name, _subject(name, dockerfile=name, run=asked.run))
                continue
            subjects = _compose(name, asked) if kind == "compose" else _by_kind(kind, name)
        except InputError as error:
            if error.code in ("no-such-service", "options-do-not-fit"):
                raise
            yield Found(name, None, error)
            continue
        for subject in subjects:
            yield Found(subject.name, _with_line(subject, asked))


def source_of(subject: Subject, bases: BaseLookup, platform: str) -> bytes | Base:
    """The Dockerfile's bytes, or the image's config.

    Raises:
        InputError: it cannot be read or is not known.
    """
    if subject.text is not None:
        return subject.text
    if subject.dockerfile is not None:
        return read_source(subject.dockerfile)
    from entrysem.bases.open import is_image, open_image  # no Dockerfile

    image = subject.image or ""
    if not is_image(image):
        image = f"image:{image}"
    return open_image(image, bases, platform=platform)


def is_uncertain(notes: Iterable[Note]) -> bool:
    """Whether what runs depends on something that the input does not hold."""
    if not notes:
        return False
    from entrysem.inputs.subject import UNCERTAIN

    return any(note.code in UNCERTAIN for note in notes)


def _names(asked: Asked) -> Sequence[str]:
    if asked.names:
        return asked.names
    if asked.files or asked.services:
        return [asked.files[0] if asked.files else "."]
    line = asked.run_line
    if line is None:
        return ["Dockerfile"]
    if line.service is not None:
        return ["."]
    return [f"image:{line.image}"] if line.image is not None else ["Dockerfile"]


def _of_folder(name: str, asked: Asked) -> Iterator[Found]:
    line = asked.run_line
    if asked.services or asked.files or (line is not None and line.service is not None):
        for subject in _compose(name, asked):
            yield Found(subject.name, _with_line(subject, asked))
        return
    for path in list(dockerfiles_under(name)) or [name]:
        yield Found(path, _subject(path, dockerfile=path, run=asked.run))


def _subject(
    name: str, *, run: RunOptions, dockerfile: str | None = None, image: str | None = None
) -> Subject:
    from entrysem.inputs.subject import Subject

    return Subject(name, dockerfile=dockerfile, image=image, run=run)


def _kind(name: str, asked: Asked) -> InputKind | None:
    """How a path is read; None for a Dockerfile."""
    if asked.kubernetes:
        return "kubernetes"
    line = asked.run_line
    if asked.services or asked.files or (line is not None and line.service is not None):
        return "compose"
    if name == "-" or not _DATA.fullmatch(name):
        return None
    from entrysem.inputs.detect import detect

    kind = detect(os.path.relpath(name) if name.startswith("/") else name, read_source(name))
    if kind is None:
        raise InputError(
            "unknown-input",
            "it is no Compose file, manifest, pipeline or unit that is known here",
            where=name,
            hint="name a Dockerfile, or a file that says what it is: a Compose file has services, a "
            "manifest apiVersion and kind",
        )
    return kind


def _compose(name: str, asked: Asked) -> Sequence[Subject]:
    from entrysem.inputs.compose import read_compose

    line = asked.run_line
    services = [line.service] if line is not None and line.service else asked.services
    files = [name, *[file for file in asked.files if file != name]]
    return read_compose(
        files,
        services=services,
        profiles=asked.profiles,
        environment=os.environ,
        env_files=asked.env_files,
    )


def _by_kind(kind: ReadKind, name: str) -> Sequence[Subject]:
    from entrysem.inputs.reading import read_as

    # What only a cluster knows is not in this process' environment; what a stack is deployed with is.
    env = os.environ if kind == "stack" else {}
    return read_as(kind, read_source(name), where=name, env=env)


def _with_line(subject: Subject, asked: Asked) -> Subject:
    """What was typed laid over what is written, as `docker compose run` does it: a typed entrypoint drops
    the written command, typed words replace it.

    Source: docker/compose pkg/compose/run.go (applyRunOptions).
    """
    run = asked.run
    if run == run._replace(args=None, entrypoint=None, init=False, env={}) and not run.env:
        return subject
    line = asked.run_line
    if line is None or line.service is None:
        raise InputError(
            "options-do-not-fit",
            "words to run and --entrypoint go with a Dockerfile or an image; here the file itself says "
            "what is run",
            where=subject.name,
            hint="with --run 'docker compose run SERVICE ARG...' a Compose service is run otherwise",
        )
    written = subject.run
    entrypoint, args = written.entrypoint, written.args
    if run.entrypoint is not None:
        entrypoint, args = run.entrypoint, run.args or ()
    elif run.args is not None:
        args = run.args
    return subject._replace(
        run=written._replace(entrypoint=entrypoint, args=args),
        notes=(*subject.notes, *line.subject.notes),
    )
