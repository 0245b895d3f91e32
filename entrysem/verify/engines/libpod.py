"""Podman's own REST API ("libpod") over a unix socket: what need not go through its command line.

A call costs some milliseconds where a command costs fifty. Used for what does not depend on how input
is typed: inspecting, preparing and removing containers, putting a file into one, exporting an image;
and for the one input that cannot be typed, an empty list of arguments. The paths are those of API
3.0.0, which every podman from 3.0 to 5.8 serves.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from entrysem.verify.engines.process import Commands, stop, text
from entrysem.verify.protocol import HarnessError

__all__ = ["Answer", "Libpod", "Service", "decoded"]

_BASE = "/v3.0.0/libpod"
_LONGEST_PATH = 107  # bytes of a unix socket's address


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("podman", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Opens the unix socket in place of a TCP connection."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Answer:
    """A response: `status`, `body`, and what is in it."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.status < 300 or self.status == 304

    def json(self) -> Any:
        """The decoded body.

        Raises:
            HarnessError: it is no JSON.
        """
        return decoded(self.body)

    @property
    def message(self) -> str:
        """The error in the words of podman."""
        try:
            document = self.json()
        except HarnessError:
            document = None
        if isinstance(document, dict) and document.get("message"):
            return str(document["message"])
        return self.body.decode("utf-8", "replace").strip() or f"status {self.status}"


def decoded(data: bytes) -> Any:
    """JSON whose strings may hold bytes that are no UTF-8; these become lone surrogates.

    Raises:
        HarnessError: it is no JSON.
    """
    try:
        return json.loads(data.decode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise HarnessError(f"podman answered what is no JSON: {data[:200]!r}") from error


class Libpod:
    """A client of one socket; threads may share it, as every call has its own connection."""

    def __init__(self, path: Path, timeout: float) -> None:
        if len(str(path).encode()) > _LONGEST_PATH:
            raise HarnessError(
                f"{path} is too long for a socket's address: name a shorter workspace=DIR"
            )
        self.path = path
        self._timeout = timeout

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        tar: bytes | None = None,
    ) -> Answer:
        """One request.

        Args:
            path: below `/libpod`.
            body: sent as JSON.
            tar: sent as it is.

        Raises:
            HarnessError: no answer, or not in time.
        """
        headers: dict[str, str] = {}
        data = tar
        if tar is not None:
            headers["Content-Type"] = "application/x-tar"
        elif body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogateescape")
        target = f"{_BASE}{quote(path, safe='/')}" + (f"?{urlencode(query)}" if query else "")
        connection = _Connection(str(self.path), self._timeout)
        try:
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except TimeoutError as error:
            raise HarnessError(
                f"podman did not answer {method} {path} within {self._timeout:g} s"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise HarnessError(f"podman's socket {self.path} does not answer: {error!r}") from error
        finally:
            connection.close()

    def alive(self) -> bool:
        """Whether somebody answers."""
        try:
            return self.call("GET", "/_ping").ok
        except HarnessError:
            return False


class Service:
    """`podman system service` for a store of our own; started when needed, again when it has ended.

    It ends by itself some minutes after the last call, so that a killed session leaves none.
    """

    _IDLE = "300"
    _START = 15.0

    def __init__(self, commands: Commands, prefix: Sequence[str], folder: Path) -> None:
        self._commands = commands
        self._command = [*prefix, "system", "service", "--time", self._IDLE]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.libpod = Libpod(folder / "s", commands.timeout)

    def api(self) -> Libpod:
        """A client that is answered.

        Raises:
            HarnessError: the service does not start.
        """
        if self._process is not None and self._process.poll() is None:
            return self.libpod
        self.libpod.path.unlink(missing_ok=True)
        log = self._folder / "service.log"
        self._process = self._commands.service([*self._command, f"unix://{self.libpod.path}"], log)
        deadline = time.monotonic() + self._START
        while not self.libpod.alive():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = text(log.read_bytes())[-300:] or "it said nothing"
                raise HarnessError(f"`podman system service` does not start: {said}")
            time.sleep(0.02)
        return self.libpod

    def stop(self) -> None:
        """Ends it."""
        if self._process is not None:
            stop(self._process)
