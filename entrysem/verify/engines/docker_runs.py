"""Containers on a Docker engine: what was decided at creation, and what the first process received.

**CREATE**: a container is created, `Path` and `Args` of its inspect document are read, and it is removed.
Docker does not show the init that `--init` puts before them; so such a run is only seen at PROCESS.

**PROCESS**: a second container is created the same way, with the probe where the engine looks for the
program that CREATE has shown, and started: no network, no capabilities, no new privileges, memory and
processes limited. How the probe gets there is tried once a session: a read-only bind mount in a read-only
root when the engine sees our files, else an upload into the created container, whose root then stays
writable. The output is read by attaching before the start: what a log driver keeps is not byte-exact, and
came back empty now and then. The end of the output is the end of the process, and a report that is not
whole is asked for once more by another start.

A process is observed once for each distinct (stored config, argv that CREATE shows, init); the next
run that is the same gets the same observation (`reuse`). What differs between such runs, the way from
image and options to that argv, is observed at CREATE for each of them.

**--init**: the argv of process 1, which is the init, as `/proc/1/cmdline` has it; `pid` and the words at
its end are those of the process that the init has started.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from entrysem.verify import probe
from entrysem.verify.engines import LABEL, LIMITS
from entrysem.verify.engines.docker_api import Api, Dropped, Refused
from entrysem.verify.engines.docker_build import Image, Stored
from entrysem.verify.engines.docker_cli import Cli, Typed, translated
from entrysem.verify.engines.images import tar_of
from entrysem.verify.protocol import HarnessError, Level, Run, RunObservation

__all__ = ["Placement", "Runs"]

#: How the probe gets into a container.
Placement = Literal["mount", "upload"]

#: A start that fails for the program's sake names it; anything else is the engine's trouble.
_PROGRAM = re.compile(
    r"exec:|executable file|no such file or directory|is a directory|permission denied"
    r"|file name too long|invalid argument|not a directory|args must not be empty|argument list",
    re.IGNORECASE,
)
_MOUNT = re.compile(r"mount|rootfs|bind source", re.IGNORECASE)
_TRIES = 3  # starts until a whole report has come
#: Where nothing can be mounted, or the runtime mounts itself.
_SPECIAL = ("/proc", "/sys", "/dev")


@dataclass(frozen=True, slots=True)
class _Request:
    """A run as it goes to the engine: by the real command, or as these two lists by the API."""

    typed: bool
    entrypoint: list[str] | None
    args: list[str] | None


class Runs:
    """The containers of one session on one engine, from several threads at once.

    Args:
        cli: the `docker` command; None when there is none.
        program: the probe; None when it cannot be had (then there is no level PROCESS).
        reuse: see above.
    """

    def __init__(
        self, api: Api, *, session: str, cli: Cli | None, program: Path | None, reuse: bool
    ) -> None:
        self._api = api
        self._session = session
        self._cli = cli
        self._program = program
        self._reuse = reuse
        self._seen: dict[str, RunObservation] = {}
        self._keys: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.placement: Placement = "mount"

    def observe(self, image: Image, stored: Stored, run: Run, level: Level) -> RunObservation:
        """One run of an image, as closely as the level says.

        Raises:
            HarnessError: the engine broke, or something did not end in time.
        """
        if run.init and level != "PROCESS":
            reason = "Docker shows the words of an init only in a started container: level PROCESS"
            return RunObservation(skipped=reason)
        try:
            request = self._request(run)
        except Typed as problem:
            return RunObservation(skipped=problem.message)
        created = self._create_only(image, run, request)
        if level != "PROCESS" or created.argv is None:
            return created
        if any("\0" in word for word in created.argv):
            # No process can be given a NUL: what was decided at the creation is all there is.
            return created
        if not self._reuse:
            return self._process(image, stored, run, request, created.argv)
        key = _key(stored, run, created.argv)
        with self._lock:
            lock = self._keys.setdefault(key, threading.Lock())
        with lock:
            if key not in self._seen:
                self._seen[key] = self._process(image, stored, run, request, created.argv)
            return self._seen[key]

    def _request(self, run: Run) -> _Request:
        """How a run is sent.

        Raises:
            Typed: it cannot be sent from here.
        """
        if isinstance(run.entrypoint, str):
            if self._cli is None:
                raise Typed("there is no docker command here that would read what is typed")
            if not self._cli.translates(run):
                if run.args == ():
                    raise Typed("nothing typed after the image is no empty list of words")
                return _Request(typed=True, entrypoint=None, args=None)
            entrypoint, args = translated(run)
            return _Request(typed=False, entrypoint=entrypoint, args=[] if run.args == () else args)
        words = [*(run.entrypoint or ()), *(run.args or ())]
        if any("\ud800" <= c <= "\udfff" for word in words for c in word):
            raise Typed("a word that is no UTF-8 cannot be sent: Docker's API is JSON")
        return _Request(
            typed=False,
            entrypoint=None if run.entrypoint is None else list(run.entrypoint),
            args=None if run.args is None else list(run.args),
        )

    def _create_only(self, image: Image, run: Run, request: _Request) -> RunObservation:
        for attempt in range(2):
            try:
                container = self._create(image, run, request, place=None)
            except (Refused, Typed) as refused:
                return _not_created(refused)
            except Dropped:
                if attempt:
                    raise
                continue
            try:
                return RunObservation(argv=self._argv(container))
            finally:
                self._remove(container)
        raise AssertionError  # pragma: no cover

    def _create(self, image: Image, run: Run, request: _Request, place: str | None) -> str:
        """Creates a container and returns its id.

        Args:
            place: where the probe is to stand in it; None for none.

        Raises:
            Refused, Typed: by the engine, by the command.
            HarnessError: the engine is in trouble.
        """
        mounted = place is not None and self.placement == "mount"
        if request.typed:
            assert self._cli is not None
            options = self._options(run, place if mounted else None, writable=self._writable(place))
            return self._cli.create(image.tag, options, run)
        host: dict[str, Any] = {
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": not self._writable(place),
            "Memory": LIMITS.memory,
            "PidsLimit": LIMITS.pids,
            "LogConfig": {"Type": "none"},
            "Init": run.init,
        }
        if mounted:
            source = str(self._program)
            host["Mounts"] = [{"Type": "bind", "Source": source, "Target": place, "ReadOnly": True}]
        body = {
            "Image": image.tag,
            "Entrypoint": request.entrypoint,
            "Cmd": request.args,
            "Labels": {LABEL: self._session},
            "HostConfig": host,
        }
        answer = self._api.json("POST", "/containers/create", body=body)
        return str(answer["Id"])

    def _writable(self, place: str | None) -> bool:
        return place is not None and self.placement == "upload"

    def _options(self, run: Run, place: str | None, *, writable: bool) -> list[str]:
        """The same for the command line."""
        options = [
            *("--label", f"{LABEL}={self._session}", "--network", "none", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--memory", str(LIMITS.memory)),
            *("--pids-limit", str(LIMITS.pids), "--log-driver", "none"),
        ]
        options += [] if writable else ["--read-only"]
        options += [] if run.init else ["--init=false"]
        if place is not None:
            fields = ("type=bind", f"source={self._program}", f"target={place}", "readonly")
            quoted = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
            options += ["--mount", quoted]
        return options

    def _argv(self, container: str) -> tuple[str, ...]:
        try:
            document = self._api.json("GET", f"/containers/{container}/json")
        except (Refused, Dropped) as problem:
            raise HarnessError(
                f"a container just created cannot be inspected: {problem}"
            ) from problem
        return (document["Path"], *(document["Args"] or ()))

    def _process(
        self, image: Image, stored: Stored, run: Run, request: _Request, created: tuple[str, ...]
    ) -> RunObservation:
        """Starts the container for real."""
        place = _place(created[0], stored.full)
        for _ in range(_TRIES):
            try:
                container = self._create(image, run, request, place)
            except (Refused, Typed) as refused:
                return _not_created(refused)
            try:
                if place is not None and self.placement == "upload":
                    self._upload(container, place)
                output = self._run(container)
            except Refused as refused:
                return self._not_started(refused, created, place)
            except Dropped:
                continue
            finally:
                self._remove(container)
            report = probe.read(output)
            if report is not None:
                return _seen(report, run, created)
        raise HarnessError(
            f"the container of {created!r} was started {_TRIES} times, and the probe at {place!r} has "
            f"not reported; last output: {output[-200:]!r}"
        )

    def _upload(self, container: str, place: str) -> None:
        assert self._program is not None
        archive = tar_of({place.lstrip("/"): self._program.read_bytes()}, mode=0o755)
        try:
            path = f"/containers/{container}/archive"
            self._api.call("PUT", path, params={"path": "/"}, data=archive)
        except Refused as refused:
            raise HarnessError(f"the probe cannot be put at {place!r}: {refused}") from refused

    def _run(self, container: str) -> bytes:
        """Starts a container and returns all that it prints.

        Raises:
            Refused: it does not start.
            HarnessError: it does not end.
        """
        path = f"/containers/{container}"
        params = {"stream": 1, "stdout": 1, "stderr": 1}
        with self._api.open("POST", f"{path}/attach", params=params) as output:
            self._api.call("POST", f"{path}/start")
            end = time.monotonic() + self._api.timeout
            return _frames(self._api.read_raw(output, end))

    def _not_started(
        self, refused: Refused, created: tuple[str, ...], place: str | None
    ) -> RunObservation:
        ours = (
            place is not None and _MOUNT.search(refused.message) and "exec" not in refused.message
        )
        if ours or not _PROGRAM.search(refused.message):
            raise HarnessError(f"the engine cannot start a container: {refused}") from refused
        return RunObservation(
            error=refused.message, phase="start", level="PROCESS", created=created
        )

    def _remove(self, container: str) -> None:
        """Kills and removes; `close` sees to what is left when the engine is in trouble."""
        with contextlib.suppress(Refused, Dropped, HarnessError):
            self._api.call("DELETE", f"/containers/{container}", params={"force": 1, "v": 1})


def _place(program: str, config: Mapping[str, Any]) -> str | None:
    """Where an engine looks for that program first; None when nothing can stand there."""
    if not program or "\0" in program or posixpath.basename(program) in {"", ".", ".."}:
        return None
    if any(len(part.encode(errors="surrogateescape")) > 255 for part in program.split("/")):
        return None
    if "/" in program:
        folder = str(config.get("WorkingDir") or "/")
    else:
        folder = "/usr/local/sbin"
        for entry in config.get("Env") or ():
            name, _, value = str(entry).partition("=")
            if name == "PATH":
                folders = [part for part in value.split(":") if part.startswith("/")]
                folder = folders[0] if folders else folder
    place = posixpath.normpath(posixpath.join("/", folder, program)).replace("//", "/")
    special = any(place == root or place.startswith(f"{root}/") for root in _SPECIAL)
    return None if special or place == "/" else place


def _key(stored: Stored, run: Run, argv: tuple[str, ...]) -> str:
    config = {key: value for key, value in stored.full.items() if key != "Labels"}
    return json.dumps([config, argv, run.init], sort_keys=True)


def _not_created(refused: Refused | Typed) -> RunObservation:
    if isinstance(refused, Typed):
        if refused.skipped:
            return RunObservation(skipped=refused.message)
    elif refused.status in {404, 409} or refused.status >= 500:
        raise HarnessError(f"the engine cannot create a container: {refused}") from refused
    return RunObservation(error=refused.message, phase="create")


def _seen(report: probe.Report, run: Run, created: tuple[str, ...]) -> RunObservation:
    argv = report.argv
    if run.init and report.init is not None and report.init[-len(argv) :] == argv:
        argv = report.init
    return RunObservation(argv=argv, level="PROCESS", pid=report.pid, created=created)


def _frames(data: bytes) -> bytes:
    """The standard output in a stream of frames: a byte that says which, three nulls, a length."""
    output = bytearray()
    place = 0
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "big")
        if data[place] == 1:
            output += data[place + 8 : place + 8 + length]
        place += 8 + length
    return bytes(output)
