"""A Compose project: which files, which environment, which services -> subjects.

As `docker compose -f FILE...` does it: the files that are named, or those of COMPOSE_FILE, or the first
of `compose.yaml`, `compose.yml`, `docker-compose.yml`, `docker-compose.yaml` in the folder or above it,
with its override file. The project's directory is that of the first file. Variables come from the
environment, and after it from `.env` there, or from the `--env-file`s in its place.

Source: docker/compose v2.40.3 cmd/compose/compose.go (toProjectOptions); compose-spec/compose-go v2.9.1
cli/options.go, loader/loader.go (projectName), types/project.go (WithProfiles).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from entrysem.errors import InputError
from entrysem.inputs.compose.files import FILE_NAMES, beside, discovered, joined
from entrysem.inputs.compose.load import Loader, documents, environment_of, project_name
from entrysem.inputs.compose.services import profiles_of, runs_elsewhere, subject_of
from entrysem.inputs.compose.template import interpolate
from entrysem.inputs.compose.tree import Value
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.yaml import Document

__all__ = ["read_compose"]


def read_compose(
    files: Sequence[str],
    *,
    services: Sequence[str] = (),
    profiles: Sequence[str] = (),
    environment: Mapping[str, str],
    env_files: Sequence[str] = (),
    project_directory: str | None = None,
) -> tuple[Subject, ...]:
    """The services of a Compose project, in the order of the files.

    Args:
        files: as after `-f`, merged in order; `-` is standard input. None, or one folder: what Compose
            would find there.
        services: the ones to explain; all when none is named, also those whose profile is not active.
        profiles: active profiles, as after `--profile`; COMPOSE_PROFILES when there is none.
        environment: the process environment: variables, and COMPOSE_FILE and the like.
        env_files: as after `--env-file`; the `.env` of the project's directory when there is none.
        project_directory: as after `--project-directory`; the first file's when None.

    Returns:
        a subject for each service that is a container; at least one.

    Raises:
        InputError: a file cannot be read or Compose would refuse it (exit code 3), or a service that
            is asked for does not exist (code `no-such-service`, exit code 2).
    """
    files, directory, variables = _found(files, environment, env_files, project_directory)
    given = {file: documents(file) for file in dict.fromkeys(files)}
    variables = _with_name(variables, list(given.values()), directory)
    loaded = Loader(given).load(files, directory, variables)
    chosen = _chosen(loaded, services, files[0])
    active = set(profiles or _split(variables.get("COMPOSE_PROFILES", "")))
    for name in services:
        active |= set(profiles_of(loaded[name], name))
    subjects: list[Subject] = []
    told = _told(files)
    for name in chosen:
        service = loaded[name]
        wanted = profiles_of(service, name)
        is_active = not wanted or "*" in active or bool(active & set(wanted))
        if runs_elsewhere(service, name):
            told.append(
                Note(
                    "provider", f"service {name} is no container: a provider runs it", service.where
                )
            )
            continue
        try:
            subject = subject_of(service, name, file=files[0], environment=variables)
        except InputError as error:
            if is_active:
                raise
            # Compose does not look at what it does not start.
            told.append(
                Note(
                    "service-left-out",
                    f"service {name} is not active: {error.message}",
                    error.where,
                )
            )
            continue
        if not is_active:
            note = Note(
                "inactive-profile",
                f"the service only starts with --profile {' or --profile '.join(wanted)}",
                service.where,
            )
            subject = subject._replace(notes=(*subject.notes, note))
        subjects.append(subject)
    if not subjects:
        reason = told[-1].text if told else "there is no service in it"
        raise InputError("nothing-to-run", f"nothing runs in a container: {reason}", where=files[0])
    subjects[0] = subjects[0]._replace(notes=(*told, *subjects[0].notes))
    return tuple(subjects)


def _found(
    files: Sequence[str],
    environment: Mapping[str, str],
    env_files: Sequence[str],
    project_directory: str | None,
) -> tuple[tuple[str, ...], str, dict[str, str]]:
    """The files, the project's directory, and the variables."""
    folder = "."
    if len(files) == 1 and files[0] != "-" and Path(files[0]).is_dir():
        folder, files = files[0], ()
    variables = dict(environment)
    if not env_files:
        env_files = _split(environment.get("COMPOSE_ENV_FILES", ""))
    if not files:
        # COMPOSE_FILE may stand in the .env file of the folder that one is in.
        here = env_files or _default_env(project_directory or folder, environment)
        variables = environment_of(here, variables)
        separator = variables.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
        named = variables.get("COMPOSE_FILE")
        files = (
            discovered(project_directory or folder)
            if named is None
            else [joined(folder, file) if file != "-" else file for file in named.split(separator)]
        )
        if not files:
            raise InputError(
                "no-compose-file",
                f"there is no {', '.join(FILE_NAMES[:-1])} or {FILE_NAMES[-1]}, nor in a folder above",
                where=folder,
                hint="name the Compose file",
            )
    local = next((file for file in files if file != "-"), None)
    directory = project_directory or (str(Path(local).parent) if local is not None else ".")
    variables = environment_of(env_files or _default_env(directory, environment), variables)
    return tuple(files), directory, variables


_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})


def _default_env(directory: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    if environment.get("COMPOSE_DISABLE_ENV_FILE") in _TRUE:
        return ()
    path = joined(directory, ".env")
    return (path,) if Path(path).is_file() else ()


def _with_name(
    variables: dict[str, str], files: list[list[Document]], directory: str
) -> dict[str, str]:
    """The variables with COMPOSE_PROJECT_NAME, which Compose sets for the interpolation."""
    if variables.get("COMPOSE_PROJECT_NAME"):
        return variables
    name = project_name(files)
    if name is None:
        name = Path(os.path.abspath(directory)).name  # noqa: PTH100  # links are not followed
    else:
        name = interpolate(name, variables.get, where="name").text
    kept = "".join(re.findall(r"[a-z0-9_-]", name.lower())).lstrip("_-")
    return variables | {"COMPOSE_PROJECT_NAME": kept}


def _chosen(loaded: Mapping[str, Value], services: Sequence[str], file: str) -> Sequence[str]:
    for name in services:
        if name not in loaded:
            known = ", ".join(list(loaded)[:20]) or "none"
            raise InputError(
                "no-such-service",
                f"no such service: {name}",
                where=file,
                hint=f"the services are {known}",
            )
    return list(dict.fromkeys(services)) or list(loaded)


def _told(files: Sequence[str]) -> list[Note]:
    """A note on the override file that Compose reads when no file is named."""
    if len(files) != 1 or Path(files[0]).name not in FILE_NAMES:
        return []
    return [
        Note(
            "override-not-read",
            f"{path} is not read, because {files[0]} was named alone; `docker compose up` without -f "
            "reads both",
            path,
        )
        for path in beside(files[0])
    ]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
