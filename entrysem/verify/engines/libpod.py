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
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from entrysem.verify.protocol import HarnessError

__all__ = ["Answer", "Libpod", "decoded"]

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
