"""Containers with real shells: one start, what it printed, and what came of `docker stop`.

It talks to a Docker engine over its API. Containers get no network, no capabilities, a read-only root,
and limits; everything made carries the session's label and is removed at the end.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import docker
from docker.errors import APIError, DockerException, NotFound

from conformance.lab import LabEngine, LabError, Places
from conformance.rootfs import archive_of, rootfs
from entrysem.verify.session import new

__all__ = ["Sandbox", "Seen", "Started"]

#: Seconds that `docker stop` waits before it kills. Docker's own default is 10.
STOP = 1
_READY_SECONDS = 10.0
_REPORT = re.compile(
    r"^(?P<name>.+) pid=(?P<pid>\d+) ppid=\d+ (?P<argv>\[.*\]) one=(?P<one>\[.*\])$", re.MULTILINE
)
_PRELUDE = "ADD root /\nENV PATH=/bin WAIT={wait}\n"


@dataclass(frozen=True, slots=True)
class Started:
    """What a program said: its name, process id and words, and the words of process 1."""

    name: str
    pid: int
    argv: tuple[str, ...]
    one: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One container.

    Attributes:
        created: Path and Args as the engine decided them.
        programs: what P and Q said, in the order in which they said it.
        output: everything that was printed.
        exit: the exit code.
        ended: whether it ended by itself, before it was stopped.
        seconds: how long `docker stop` took; 0 when it had ended.
        error: why it was not created or started, or empty; the rest is empty then.
    """

    created: tuple[str, ...] = ()
    programs: tuple[Started, ...] = ()
    output: str = ""
    exit: int = 0
    ended: bool = False
    seconds: float = 0.0
    error: str = ""

    @property
    def program(self) -> Started | None:
        """The first that was started; Q stands at the other end of a pipe and is none."""
        return next((one for one in self.programs if one.name != "Q"), None)

    @property
    def pid1(self) -> str:
        """`program` when that one is process 1, else `shell`."""
        return "program" if self.program is not None and self.program.pid == 1 else "shell"

    @property
    def signalled(self) -> bool:
        """Whether P got SIGTERM."""
        return self.program is not None and f"{self.program.name} TERM\n" in self.output

    @property
    def killed(self) -> bool:
        """Whether `docker stop` had to wait for its timeout and kill."""
        return not self.ended and self.exit == 137

    def document(self) -> dict[str, Any]:
        """For a report."""
        return {
            "created": list(self.created),
            "programs": [
                {"name": one.name, "pid": one.pid, "argv": list(one.argv), "one": list(one.one)}
                for one in self.programs
            ],
            "output": self.output,
            "exit": self.exit,
            "ended": self.ended,
            "seconds": round(self.seconds, 2),
            "error": self.error,
        }


class Sandbox:
    """Images with real shells on one Docker engine of the lab; a context manager."""

    def __init__(self, engine: LabEngine) -> None:
        options = dict(
            item.partition("=")[::2] for item in engine.text.partition(":")[2].split(",")
        )
        if "host" not in options:
            raise LabError(f"{engine.id} has no address to talk to")
        self.engine = engine
        self.client = docker.APIClient(base_url=options["host"], version="auto", timeout=60)
        self.root = rootfs(Places.here())
        self.labels = {"entrysem.session": new()}
        self._images: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for image in dict.fromkeys(self._images.values()):
            try:
                self.client.remove_image(image, force=True)
            except NotFound:
                continue
        self.client.close()

    def image(self, dockerfile: str, *, sh: str = "dash", wait: bool = True) -> str:
        """The image of this Dockerfile, with the files added after its first line, FROM scratch.

        Args:
            sh: which shell `/bin/sh` is.
            wait: whether programs wait for SIGTERM.

        Raises:
            LabError: the engine rejects it.
        """
        first, _, rest = dockerfile.partition("\n")
        text = f"{first}\n{_PRELUDE.format(wait=int(wait))}{rest}"
        key = (text, sh)
        if key not in self._images:
            self._images[key] = self._built(archive_of(self.root, text, sh))
        return self._images[key]

    def config(self, image: str) -> dict[str, Any]:
        """The stored config of an image."""
        found: dict[str, Any] = self.client.inspect_image(image)["Config"]  # type: ignore[no-untyped-call]
        return found

    def _built(self, context: bytes) -> str:
        found = ""
        answer = self.client.build(
            fileobj=io.BytesIO(context),
            custom_context=True,
            rm=True,
            forcerm=True,
            decode=True,
            labels=self.labels,
            network_mode="none",
        )
        try:
            for line in answer:
                if "error" in line:
                    raise LabError(f"{self.engine.id} rejects the image: {line['error']}")
                found = line.get("aux", {}).get("ID", found)
        except APIError as error:
            raise LabError(f"{self.engine.id} rejects the image: {error.explanation}") from error
        if not found:
            raise LabError(f"{self.engine.id} names no image")
        return found

    def run(
        self,
        image: str,
        args: Sequence[str] | None = None,
        *,
        entrypoint: Sequence[str] | None = None,
        init: bool = False,
        stop: bool = True,
    ) -> Seen:
        """Starts a container, waits until P says that it runs (or the container ends), stops it.

        Args:
            stop: False kills it at once, for who does not want to know what SIGTERM does.

        Raises:
            LabError: the engine broke.
        """
        try:
            container = self._created(image, args, entrypoint, init=init)
        except APIError as error:
            return Seen(error=str(error.explanation))
        try:
            details = self.client.inspect_container(container)
            created = (details["Path"], *details["Args"])
            try:
                self.client.start(container)
            except APIError as error:
                return Seen(created, error=str(error.explanation))
            return self._observed(container, created, stop=stop)
        except DockerException as error:
            raise LabError(f"{self.engine.id}: {error}") from error
        finally:
            self.client.remove_container(container, force=True, v=True)

    def _created(
        self,
        image: str,
        args: Sequence[str] | None,
        entrypoint: Sequence[str] | None,
        *,
        init: bool,
    ) -> str:
        limits = self.client.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            read_only=True,
            pids_limit=64,
            mem_limit=64 << 20,
            init=init or None,
        )
        answer = self.client.create_container(
            image,
            command=None if args is None else list(args),
            entrypoint=None if entrypoint is None else list(entrypoint),
            labels=self.labels,
            host_config=limits,
        )
        return str(answer["Id"])

    def _observed(self, container: str, created: tuple[str, ...], *, stop: bool) -> Seen:
        until = time.monotonic() + _READY_SECONDS
        ended = False
        while not _REPORT.search(self._logs(container)):
            ended = not self.client.inspect_container(container)["State"]["Running"]
            if ended:
                break
            if time.monotonic() > until:
                output = self._logs(container)
                raise LabError(f"{created!r} neither says anything nor ends: {output!r}")
            time.sleep(0.05)
        time.sleep(0.05)  # a moment for what runs beside P
        if not ended:
            ended = not self.client.inspect_container(container)["State"]["Running"]
        began = time.monotonic()
        if not ended:
            if stop:
                self.client.stop(container, timeout=STOP)
            else:
                self.client.kill(container)
        seconds = 0.0 if ended else time.monotonic() - began
        code = int(self.client.wait(container)["StatusCode"])
        output = self._logs(container)
        programs = [
            Started(
                found["name"],
                int(found["pid"]),
                tuple(json.loads(found["argv"])),
                tuple(json.loads(found["one"])),
            )
            for found in _REPORT.finditer(output)
        ]
        return Seen(created, tuple(programs), output, code, ended, seconds)

    def _logs(self, container: str) -> str:
        logs: bytes = self.client.logs(container, stdout=True, stderr=True)
        return logs.decode("utf-8", "replace")
