"""GitHub Actions: container actions, and the containers of a workflow's jobs.

The runner writes a command line for `docker` and .NET splits it (`dotnet`):

    action.yml, using: docker     docker run ... [--entrypoint "ENTRYPOINT"] IMAGE "ARG" "ARG"
    uses: docker://IMAGE          the same; `with: args` is pasted as it is, so its blanks separate words
    jobs.JOB.container            docker create OPTIONS --entrypoint "tail" IMAGE "-f" "/dev/null"
    jobs.JOB.services.NAME        docker create OPTIONS [--entrypoint "ENTRYPOINT"] IMAGE COMMAND

Of an ARG only double quotes are escaped, so a backslash at its end takes the closing quote with it. The
image of a job's container never gets to run: each step is started in it with `docker exec`. An
entrypoint that is empty is not given at all.

`${{ ... }}` is replaced while the workflow runs; what stands there is shown as it is written.

Source: actions/runner 258d6c857db3519913f7deb6004b60172f8043ae
src/Runner.Worker/Handlers/ContainerActionHandler.cs 54-158,
src/Runner.Worker/Container/DockerCommandManager.cs 110-262,
src/Runner.Worker/ContainerOperationProvider.cs 322-326, src/Runner.Worker/ActionManager.cs 1454-1480.
Not run here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from entrysem.errors import InputError
from entrysem.inputs.dotnet import dotnet_words
from entrysem.inputs.flags import last_flags
from entrysem.inputs.nodes import Field, only_document
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.yaml import read_yaml
from entrysem.late import late
from entrysem.model import RunOptions

__all__ = ["read_action", "read_workflow"]

_RUNNER = "actions/runner@258d6c857db3519913f7deb6004b60172f8043ae src/Runner.Worker/"
_ACTION = f"{_RUNNER}Handlers/ContainerActionHandler.cs 103-158"
_CREATE = f"{_RUNNER}Container/DockerCommandManager.cs 110-192"
_JOB = f"{_RUNNER}ContainerOperationProvider.cs 322-326"
_EXPRESSION = late(r"\$\{\{.*?\}\}", 16)  # re.DOTALL
_DOCKER = "docker://"
#: Stands for an expression while the words around it are split: a character that nobody writes.
_MARK = "\ue000"


def read_action(data: bytes, *, where: str) -> tuple[Subject, ...]:
    """The containers of a Docker action: for pre-entrypoint, entrypoint and post-entrypoint.

    Args:
        data: the `action.yml`.
        where: what to call it; a Dockerfile is looked for beside it.

    Raises:
        InputError: it is no YAML, no Docker action, or the runner refuses it.
    """
    root = only_document(read_yaml(data, where=where), where, "action")
    runs = root.get("runs")
    using = runs.get("using")
    if using.scalar().lower() != "docker":
        told = f"using: {using.scalar()} starts no container" if using else "there is no runs.using"
        raise InputError(
            "no-containers", told, where=using.where, hint="a container action has using: docker"
        )
    image = runs.get("image").text()
    is_dockerfile = not image.lower().startswith(_DOCKER) and _is_dockerfile(image)
    if not is_dockerfile and not image.lower().startswith(_DOCKER):
        told = f"'{image}' should be either '[path]/Dockerfile' or 'docker://image[:tag]'."
        raise InputError("bad-image", told, where=runs.get("image").where)
    args = runs.get("args").texts()
    words = None if args is None else _quoted_words(args)
    found = []
    for key, role in (("pre-entrypoint", "pre"), ("entrypoint", ""), ("post-entrypoint", "post")):
        given = runs.get(key).text()
        if role and not given:
            continue
        notes = [*_argument_notes(runs, root), *_input_notes(runs, key)]
        found.append(
            Subject(
                f"{where}: {role}".rstrip(": ") if role else where,
                dockerfile=posixpath.join(posixpath.dirname(where), image)
                if is_dockerfile
                else None,
                image=None if is_dockerfile else image[len(_DOCKER) :],
                run=RunOptions(args=words or None, entrypoint=_entrypoint(runs.get(key))),
                runtime="docker",
                notes=tuple(notes),
            )
        )
    return tuple(found)


def read_workflow(data: bytes, *, where: str) -> tuple[Subject, ...]:
    """The containers and services of a workflow's jobs, and its steps with `uses: docker://`.

    Args:
        data: the workflow.
        where: what to call it.

    Raises:
        InputError: it is no YAML, has no container, or the runner refuses it.
    """
    root = only_document(read_yaml(data, where=where), where, "workflow")
    found: list[Subject] = []
    jobs = root.get("jobs")
    for name in jobs.keys():  # noqa: SIM118  # no mapping
        found += _job(jobs.get(name), f"{where}: job {name}")
    if not found:
        raise InputError(
            "no-containers",
            "no job has a container, a service or a step with uses: docker://",
            where=where,
            hint="the steps of such a workflow run on the runner itself",
        )
    return tuple(found)


def _job(job: Field, name: str) -> Iterator[Subject]:
    container = job.get("container")
    image = _image(container)
    if image:
        _, init = last_flags(_options(container))
        note = Note(
            "actions-job",
            "the image's own process never runs: tail keeps the container up, and each step is started "
            "in it with docker exec; an --entrypoint among the options is overridden",
            where=container.where,
            source=_JOB,
            status="source-read",
        )
        yield Subject(
            f"{name}, container",
            image=image,
            run=RunOptions(args=("-f", "/dev/null"), entrypoint="tail", init=init),
            runtime="docker",
            notes=(note, *_expression_notes(image, container)),
        )
    services = job.get("services")
    for key in services.keys():  # noqa: SIM118  # no mapping
        service = services.get(key)
        if _image(service):
            yield _service(service, f"{name}, service {key}")
    for at, step in enumerate(job.get("steps").items()):
        uses = step.get("uses").text()
        if uses.lower().startswith(_DOCKER):
            called = step.get("name") or step.get("id")
            yield _step(step, uses[len(_DOCKER) :], f"{name}, step {called.scalar() or at + 1}")


def _service(service: Field, name: str) -> Subject:
    image = _image(service)
    typed, init = last_flags(_options(service))
    words = _pasted_words(service.get("command").text())
    note = Note(
        "actions-service",
        "a service is created with the options, entrypoint and command as they are pasted into a line",
        where=service.where,
        source=_CREATE,
        status="source-read",
    )
    return Subject(
        name,
        image=image,
        run=RunOptions(
            args=words or None,
            entrypoint=_entrypoint(service.get("entrypoint")) or typed,
            init=init,
        ),
        runtime="docker",
        notes=(note, *_expression_notes(image, service)),
    )


def _step(step: Field, image: str, name: str) -> Subject:
    given = {key.lower(): step.get("with", key) for key in step.get("with").keys()}  # noqa: SIM118
    nothing = Field(step.document, step.path, None)
    args = given.get("args", nothing)
    note = Note(
        "actions-step",
        "with: args is one text, pasted after the image; double quotes group, single ones do not",
        where=step.where,
        source=_ACTION,
        status="source-read",
    )
    return Subject(
        name,
        image=image,
        run=RunOptions(
            args=_pasted_words(args.scalar()) or None,
            entrypoint=_entrypoint(given.get("entrypoint", nothing)),
        ),
        runtime="docker",
        notes=(note, *_expression_notes(args.scalar(), args)),
    )


def _image(container: Field) -> str:
    image = container.get("image") if container.is_map else container
    return image.text()


def _options(container: Field) -> tuple[str, ...]:
    return _pasted_words(container.get("options").text()) if container.is_map else ()


def _entrypoint(field: Field) -> str | None:
    """What docker gets behind --entrypoint; None when it is not given, or empty.

    Raises:
        InputError: its quotes break the runner's command line.
    """
    text = field.scalar()
    if not text:
        return None
    words = _split(f'"{text}" end')
    if len(words) != 2 or words[1] != "end":
        raise InputError(
            "bad-entrypoint",
            f"{field.spelled} is {text!r}, and the runner puts it between double quotes unescaped: the "
            "command line for docker falls apart",
            where=field.where,
            hint="name a program, without double quotes and without a backslash at the end",
        )
    return words[0]


def _quoted_words(args: tuple[str, ...]) -> tuple[str, ...]:
    """The words that an action's args become."""
    return _split("".join(' "' + arg.replace('"', '\\"') + '"' for arg in args))


def _pasted_words(text: str) -> tuple[str, ...]:
    return _split(text)


def _split(text: str) -> tuple[str, ...]:
    """The words of a command line, an expression being a part of a word."""
    expressions = _EXPRESSION.findall(text)
    left = iter(expressions)
    words = dotnet_words(_EXPRESSION.sub(_MARK, text.replace(_MARK, "\ufffd")))
    return tuple(_filled(word, left) for word in words)


def _filled(word: str, expressions: Iterator[str]) -> str:
    return "".join(next(expressions) if char == _MARK else char for char in word)


def _argument_notes(runs: Field, root: Field) -> Iterator[Note]:
    args = runs.get("args").texts()
    if args is None:
        yield Note(
            "actions-with-args",
            "without args here, a caller's `with: args` is used, if there is one",
            where=runs.where,
            source=_ACTION,
            status="source-read",
        )
    for arg in dict.fromkeys(args or ()):
        for expression in dict.fromkeys(_EXPRESSION.findall(arg)):
            name = expression[3:-2].strip().removeprefix("inputs.")
            default = root.get("inputs", name, "default")
            told = f"{expression} is replaced by the caller's input"
            told += f", {default.scalar()!r} when it is not given" if default else ""
            yield Note("expression", told, where=runs.get("args").where)
        if arg.endswith("\\"):
            yield Note(
                "actions-backslash",
                f"{arg!r} ends in a backslash, which takes the closing quote of the runner's command "
                "line with it: the words after it are joined",
                where=runs.get("args").where,
                warning=True,
                source=_ACTION,
                status="source-read",
            )


def _input_notes(runs: Field, key: str) -> Iterator[Note]:
    if key == "entrypoint" and not runs.get(key):
        yield Note(
            "actions-with-entrypoint",
            "without entrypoint here, a caller's `with: entrypoint` is used, if there is one",
            where=runs.where,
            source=_ACTION,
            status="source-read",
        )


def _expression_notes(text: str, field: Field) -> Iterator[Note]:
    for expression in dict.fromkeys(_EXPRESSION.findall(text)):
        yield Note(
            "expression", f"{expression} is replaced while the workflow runs", where=field.where
        )


def _is_dockerfile(image: str) -> bool:
    name = image.rpartition("/")[2].lower()
    return name.startswith("dockerfile.") or name.endswith("dockerfile")
