"""What a local engine has: `--base-from docker` and `--base-from podman`.

The engine's own command is asked, so that its contexts, DOCKER_HOST, rootless stores and connections
count as they do when one types it. Nothing is pulled: an image that the engine does not have is not
known here.

Docker. `docker image inspect` takes a name or the beginning of an id, and `FROM cafe` means the name: the
tag is written out, which no id has. What it prints holds all five facts.

Podman. `podman image inspect` leaves out Shell and OnBuild, even where the image has them (seen on 3.0
to 5.8). The config as stored lies in podman's own store, in a file named by its digest: that is read, and
its digest compared with the image's id. Where it cannot be (a remote podman, a store of somebody else),
Entrypoint and Cmd are what podman prints and Shell is not known; the note says so.

An engine may have an image for another platform than the one asked for: Docker keeps one by that name.
The answer is then that image, and the note says for which platform it is.

Sources: docker/cli cli/command/image/inspect.go; containers/podman libpod/define/inspect.go (ImageData);
containers/storage images.go (bigDataBaseName).
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from entrysem.bases.config import MAX_SIZE, read_base_config
from entrysem.bases.lookup import parse_reference
from entrysem.bases.manifest import Found, config_of_blob
from entrysem.errors import InputError
from entrysem.model import Base, ImageConfig, Inherited

__all__ = ["Docker", "Podman", "engine"]

#: Seconds for one answer; a context may lead to another machine by ssh.
_TIMEOUT = 60.0
_SHOWN = 300


def engine(text: str, platform: str) -> Docker | Podman:
    """Reads `docker`, `podman`, or either with options: `docker:context=NAME`, `podman:host=URL`,
    `docker:cli=PATH`, several joined by commas.

    Raises:
        InputError: `bad-base-source`, an option is not known; `no-engine`, its command is not there.
    """
    name, _, rest = text.partition(":")
    kind = Docker if name == "docker" else Podman
    options: dict[str, str] = {}
    for option in rest.split(",") if rest else ():
        key, equals, value = option.partition("=")
        if key not in kind.OPTIONS or not equals or not value or key in options:
            raise InputError(
                "bad-base-source",
                f"{option!a} is not an option of {name}",
                where=f"--base-from {text}",
                hint=f"options are {', '.join(f'{key}=...' for key in kind.OPTIONS)}",
            )
        options[key] = value
    command = options.pop("cli", name)
    if shutil.which(command) is None:
        raise InputError(
            "no-engine",
            f"there is no command {command}",
            where=f"--base-from {text}",
            hint=f"install {name}, or give configs by --base-config IMAGE=FILE",
        )
    words = [command]
    for key, value in options.items():
        words += [word.format(value) for word in kind.OPTIONS[key]]
    told = ",".join([f"{key}={value}" for key, value in options.items()])
    return kind(words, f"{name}:{told}" if told else name, platform)


class _Engine:
    """An engine by its command.

    Args:
        command: the words that reach it.
        text: what was typed, for notes and errors.
        platform: `os/architecture[/variant]`.
    """

    def __init__(self, command: Sequence[str], text: str, platform: str) -> None:
        self._command = list(command)
        self._platform = platform
        self.place = text
        self._broken: InputError | None = None

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        if self._broken is not None:
            raise self._broken
        try:
            # No shell; an image name was read as a reference and does not begin with a dash.
            return subprocess.run(  # noqa: S603
                [*self._command, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._fail(f"no answer within {_TIMEOUT:.0f} s")
        except OSError as error:
            self._fail(f"the command cannot be run: {error.strerror}")

    def _fail(self, message: str) -> NoReturn:
        """What holds for every image is not tried again for the next."""
        self._broken = InputError(
            "unreachable",
            message,
            where=f"--base-from {self.place}",
            hint="start the engine, or leave this source out",
        )
        raise self._broken

    def _base(
        self, found: Found, image: str, origin: Literal["docker", "podman"], more: str = ""
    ) -> Base:
        parts = [f"{self.place}: {image}, {found.digest}", found.mismatch(self._platform), more]
        return Base(found.config, origin, "; ".join([part for part in parts if part]))


class Docker(_Engine):
    """A Docker engine; calling it is a `BaseLookup`."""

    OPTIONS: dict[str, tuple[str, ...]] = {  # noqa: RUF012 - never changed
        "context": ("--context", "{}"),
        "host": ("--host", "{}"),
        "cli": (),
    }

    def __call__(self, image: str) -> Base | None:
        """What the engine has under this name; None when it does not have it.

        Raises:
            InputError: `unreachable`, the engine does not answer; `bad-base-config`, not as it should.
        """
        name = _full_name(image)
        if name is None:
            return None
        done = self._run("image", "inspect", "--format", "{{json .}}", name)
        if done.returncode != 0:
            words = _said(done.stderr)
            if "no such image" in words.lower():
                return None
            self._fail(words or f"docker ended with exit code {done.returncode}")
        where = f"{self.place}: {image}"
        config = read_base_config(done.stdout, where=where)
        return self._base(_found(config, done.stdout), image, "docker")


class Podman(_Engine):
    """A podman; calling it is a `BaseLookup`."""

    OPTIONS: dict[str, tuple[str, ...]] = {  # noqa: RUF012 - never changed
        "host": ("--remote", "--url", "{}"),
        "connection": ("--remote", "--connection", "{}"),
        "cli": (),
    }

    _store: tuple[Path, str] | None = None

    def __call__(self, image: str) -> Base | None:
        """What podman has under this name, by its rules for short names; None when it does not have it.

        Raises:
            InputError: as `Docker`.
        """
        name = _full_name(image)
        if name is None:
            return None
        there = self._run("image", "exists", name)
        if there.returncode == 1:
            return None
        if there.returncode != 0:
            self._fail(_said(there.stderr) or f"podman ended with exit code {there.returncode}")
        done = self._run("image", "inspect", name)
        if done.returncode != 0:
            self._fail(_said(done.stderr) or f"podman ended with exit code {done.returncode}")
        where = f"{self.place}: {image}"
        printed = read_base_config(done.stdout, where=where)
        found = _found(printed, done.stdout)
        stored = self._stored(found.digest.removeprefix("sha256:"), where)
        if stored is not None:
            return self._base(stored, image, "podman")
        config = printed._replace(shell=(Inherited("Shell", image),))  # noqa: S604 - no process
        return self._base(
            found._replace(config=config),
            image,
            "podman",
            "podman does not show Shell and OnBuild, and its store cannot be read from here",
        )

    def _stored(self, identity: str, where: str) -> Found | None:
        """The config as it lies in the store; None where that cannot be read."""
        if self._store is None:
            done = self._run("info", "--format", "json")
            try:
                store = json.loads(done.stdout)["store"]
                self._store = Path(store["graphRoot"]), str(store["graphDriverName"])
            except (ValueError, KeyError, TypeError):
                self._store = Path(), ""
        root, driver = self._store
        if not driver or not identity.isalnum():
            return None
        name = "=" + base64.b64encode(f"sha256:{identity}".encode()).decode()
        try:
            with (root / f"{driver}-images" / identity / name).open("rb") as file:
                data = file.read(MAX_SIZE + 1)
        except (OSError, ValueError):
            return None
        if hashlib.sha256(data).hexdigest() != identity:
            return None
        return config_of_blob(data, where)


def _full_name(image: str) -> str | None:
    """The reference with its tag, so that nobody takes it for an id; None when it is none."""
    reference = parse_reference(image)
    if reference is None:
        return None
    if reference.digest is not None:
        # Docker before 20.10 and podman do not take a tag and a digest together.
        name = image.partition("@")[0]
        if reference.tag is not None:
            name = name.rpartition(":")[0]
        return f"{name}@{reference.digest}"
    last = image.rpartition("/")[2]
    return image if ":" in last else f"{image}:latest"


def _found(config: ImageConfig, printed: bytes) -> Found:
    """The config, with the platform and the id that an inspect prints beside it."""
    document: Any = json.loads(printed)
    if isinstance(document, list):
        document = document[0]
    parts = [document.get(key) for key in ("Os", "Architecture", "Variant")]
    platform = "/".join([part for part in parts if isinstance(part, str) and part])
    identity = str(document.get("Id") or "").removeprefix("sha256:")
    return Found(config, platform, f"sha256:{identity}")


def _said(stderr: bytes) -> str:
    """The first line that says something."""
    lines = stderr[: 64 * 1024].decode(errors="replace").splitlines()
    return next((line.strip()[:_SHOWN] for line in lines if line.strip()), "")
