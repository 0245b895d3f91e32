"""Compose projects, read by the real `docker compose` of the lab and by entrysem, side by side.

`docker compose config` prints what Compose makes of its files; no engine is asked for that. Many
projects are read in one go, because entering the suite costs as much as a reading.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance import lab
from entrysem.errors import InputError
from entrysem.inputs.compose import read_compose
from entrysem.inputs.subject import Subject

__all__ = ["NAME", "Compose", "Project", "Reading", "read_here"]


#: Of each project's folder, which gives the project its name.
NAME = "project"


@dataclass(frozen=True)
class Project:
    """Files, and how Compose is called on them.

    Attributes:
        files: path -> text.
        named: what follows `-f`, each.
        environment: of the call.
        options: `--profile x`, `--env-file y`, `--project-directory z`.
        services: named behind `config`.
    """

    files: Mapping[str, str]
    named: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Makes the files."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", errors="surrogateescape"))


@dataclass(frozen=True)
class Reading:
    """What was made of a project: services by name, or why it is refused."""

    services: Mapping[str, Mapping[str, Any]] | None
    error: str = ""


class Compose:
    """`docker compose` of one suite of the lab.

    Args:
        suite: `sid` or `trixie`.

    Raises:
        LabError: the lab cannot be brought up.
    """

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self._places = lab.Places.here()
        lab.ensure(f"docker-{suite}-buildkit")
        self.version = self.run(("docker", "compose", "version", "--short")).stdout.strip()

    def run(
        self, words: Sequence[str], *, folder: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """A command inside the suite."""
        script = self._places.wrapper("in", self.suite)
        return subprocess.run(
            [str(script), "lab-command", *words],
            cwd=folder or self._places.work(self.suite),
            check=check,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=600,
        )

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder that the suite sees; it is removed."""
        path = Path(tempfile.mkdtemp(prefix="composed-", dir=self._places.work(self.suite)))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def read(self, projects: Sequence[Project], folder: Path) -> list[Reading]:
        """What Compose makes of the projects, which are written below `folder`."""
        for number, project in enumerate(projects):
            place = folder / f"p{number}" / NAME
            place.mkdir(parents=True)
            project.write(place)
            options = [word for name in project.named for word in ("-f", name)]
            words = [
                *("env", "-i", "PATH=/usr/bin:/bin", "HOME=/nowhere"),
                *(f"{name}={value}" for name, value in project.environment.items()),
                *("docker", "compose", *options, *project.options),
                *("config", "--format", "json", *project.services),
            ]
            out = f"../../p{number}"
            script = f"{shlex.join(words)} >{out}.out 2>{out}.err\necho $? >{out}.rc\n"
            (folder / f"p{number}.sh").write_text(script)
        # Three at a time; the suite has a shell and not much else.
        loop = (
            "n=0; for s in p*.sh; do (cd ${s%.sh}/project; bash ../../$s) & n=$((n+1));"
            " [ $((n%3)) = 0 ] && wait; done; wait"
        )
        self.run(("bash", "-c", loop), folder=folder)
        return [self._reading(folder, number) for number in range(len(projects))]

    def _reading(self, folder: Path, number: int) -> Reading:
        base = folder / f"p{number}"
        code = base.with_suffix(".rc").read_text().strip()
        if code != "0":
            return Reading(None, base.with_suffix(".err").read_text(errors="replace"))
        model = json.loads(base.with_suffix(".out").read_text(errors="replace"))
        services = {
            name: of_compose(service, base / NAME)
            for name, service in (model["services"] or {}).items()
        }
        return Reading(services)


def of_compose(service: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What decides the process, of a service in the output of `docker compose config`."""
    found: dict[str, Any] = {
        "entrypoint": _unescaped(service.get("entrypoint")),
        "command": _unescaped(service.get("command")),
        "init": bool(service.get("init")),
        "platform": service.get("platform"),
    }
    build = service.get("build")
    if build is None:
        found["image"] = _unescaped(service.get("image"))
        return found
    build = _unescaped(build)
    inline = build.get("dockerfile_inline")
    context = build.get("context", "")
    remote = "://" in context or context.startswith("git@")
    if inline is None and remote:
        return found | {"image": context}
    return found | {
        "args": build.get("args") or {},
        "target": build.get("target"),
        "inline": inline,
        "dockerfile": None
        if inline is not None
        else os.path.normpath(folder / context / (build.get("dockerfile") or "Dockerfile")),
    }


def of_entrysem(subject: Subject, folder: Path) -> dict[str, Any]:
    """The same of a subject."""
    assert isinstance(subject.run.entrypoint, tuple | None)
    found: dict[str, Any] = {
        "entrypoint": _list(subject.run.entrypoint),
        "command": _list(subject.run.args),
        "init": subject.run.init,
        "platform": subject.platform,
    }
    if subject.dockerfile is None:
        return found | {"image": subject.image}
    return found | {
        "args": dict(subject.build_args),
        "target": subject.target,
        "inline": None if subject.text is None else subject.text.decode(),
        "dockerfile": None
        if subject.text is not None
        else os.path.normpath(folder / subject.dockerfile),
    }


def read_here(project: Project, folder: Path) -> Reading:
    """What entrysem makes of a project that is written in `folder`."""
    options = list(project.options)
    taken: dict[str, list[str]] = {"--profile": [], "--env-file": [], "--project-directory": []}
    while options:
        name = options.pop(0)
        taken[name].append(options.pop(0))
    with contextlib.chdir(folder):
        try:
            subjects = read_compose(
                project.named,
                services=project.services,
                profiles=taken["--profile"],
                environment={"PWD": str(folder), "HOME": "/nowhere", **project.environment},
                env_files=taken["--env-file"],
                project_directory=next(iter(taken["--project-directory"]), None),
            )
        except InputError as error:
            if error.code == "nothing-to-run":
                return Reading({})
            return Reading(None, f"{error.where}: {error.message} ({error.code})")
    return Reading(
        {
            subject.name.rpartition(": ")[2]: of_entrysem(subject, folder)
            for subject in subjects
            if all(note.code != "inactive-profile" for note in subject.notes)
        }
    )


def _list(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else list(words)


def _unescaped(value: Any) -> Any:
    """Compose escapes each dollar sign of its output, so that it can be read again."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    if isinstance(value, dict):
        return {_unescaped(name): _unescaped(entry) for name, entry in value.items()}
    return value
