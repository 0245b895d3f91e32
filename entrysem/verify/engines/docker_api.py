"""The way to a Docker engine's HTTP API, and what its failures mean.

docker-py finds the engine (contexts, DOCKER_HOST, TLS, ssh, named pipes) and gives a `requests`
session that reaches it; the requests themselves are written here, because a judge needs what the SDK
hides: which builder to take, null against an empty list, an answer byte by byte. Each thread has a
session of its own.

A failure is one of three things and never mixed up:

* `Refused`: the engine answers, and says no. That is an observation.
* `Dropped`: the connection broke in the middle and the engine answers again. Go's HTTP server does
  so when a request makes it panic: an observation too, when the same request does it twice.
* `EngineDied` (a `HarnessError`): it does not answer any more.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from entrysem.verify.engines import EngineDied
from entrysem.verify.protocol import HarnessError

if TYPE_CHECKING:
    import requests
    from docker import APIClient

__all__ = ["Api", "Dropped", "Refused", "quoted"]

#: How long an engine that broke a connection may take to answer again: one that is restarted by
#: systemd does within these seconds.
_REVIVAL = 5.0
_MOST = 64 * 1024 * 1024  # bytes that a container may print


class Refused(Exception):  # noqa: N818  # an answer, no error of this program
    """The engine says no: `status` is HTTP's, `message` its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Dropped(Exception):  # noqa: N818
    """The connection broke in the middle of an answer, and the engine answers again."""


class Api:
    """Requests to one engine, from several threads at once.

    Args:
        context: a Docker context's name; `host`: a URL as in DOCKER_HOST. Neither: what the
            `docker` command would take.
        timeout: seconds without a byte after which an answer counts as missing.
    """

    def __init__(self, *, context: str | None, host: str | None, timeout: float) -> None:
        self.timeout = timeout
        self._context, self._host = context, host
        self._parameters: dict[str, Any] = {}
        self._version = ""
        self._local = threading.local()
        self._clients: list[APIClient] = []
        self._lock = threading.Lock()
        self._closed = False

    @property
    def address(self) -> str:
        """The URL of the engine, for messages and for `docker -H`."""
        return str(self._parameters.get("base_url") or "the default socket")

    def connect(self) -> dict[str, Any]:
        """Finds the engine; what it answers to `/version`.

        Raises:
            HarnessError: no such context, nobody there, not allowed, no SDK.
        """
        try:
            import docker  # noqa: PLC0415, F401  # an optional dependency, and slow to import
        except ImportError as error:
            raise HarnessError(
                "the Docker SDK for Python is not installed: pip install 'entrysem[verify]'"
            ) from error
        self._parameters = self._find()
        self._version = "auto"
        answer: dict[str, Any] = self.json("GET", "/version")
        return answer

    def _find(self) -> dict[str, Any]:
        from docker import ContextAPI  # noqa: PLC0415
        from docker.errors import DockerException  # noqa: PLC0415
        from docker.utils import kwargs_from_env  # noqa: PLC0415

        try:
            if self._host:
                return {"base_url": self._host, **_tls(self._host)}
            if self._context is None and os.environ.get("DOCKER_HOST"):
                return dict(kwargs_from_env())
            name = self._context or os.environ.get("DOCKER_CONTEXT")
            context = ContextAPI.get_context(name)
            if context is None:
                raise HarnessError(
                    f"there is no Docker context {name!r}; `docker context ls` lists them"
                )
            found: dict[str, Any] = {"base_url": context.Host}
            if context.TLSConfig is not None:
                found["tls"] = context.TLSConfig
        except DockerException as error:
            raise HarnessError(f"the way to the Docker engine is wrong: {error}") from error
        return found

    def _client(self) -> APIClient:
        client: APIClient | None = getattr(self._local, "client", None)
        if client is not None:
            return client
        import requests  # noqa: PLC0415
        from docker import APIClient  # noqa: PLC0415
        from docker.errors import DockerException  # noqa: PLC0415

        if self._closed:
            raise HarnessError("the engine has been let go")
        try:
            self._knock()
            client = APIClient(
                **self._parameters,
                version=self._version,
                timeout=max(1, round(self.timeout)),
                use_ssh_client=True,
            )
        except (DockerException, requests.RequestException, OSError) as error:
            raise EngineDied(
                f"no Docker engine answers at {self.address}: {_why(error)}. Does it run, and may "
                "you use it (`docker version`)? `--engine docker:context=NAME` or "
                "`--engine docker:host=URL` names another."
            ) from error
        if str(client.base_url).startswith("http+docker:"):
            # No proxy for a socket: looking for one costs as much as the request.
            client.trust_env = False
            # docker-py has a pool of connections for each path, and over ssh one for each request,
            # so that hardly a connection (and its ssh process) would be used twice.
            adapter: Any = client.get_adapter(str(client.base_url))
            pool = adapter.get_connection(str(client.base_url))
            adapter.get_connection_with_tls_context = lambda *_, **__: pool
        self._version = client.api_version
        self._local.client = client
        with self._lock:
            self._clients.append(client)
        return client

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        data: bytes | None = None,
    ) -> bytes:
        """One request; the whole answer.

        Args:
            path: what follows the version, with its words quoted (`quoted`).
            params: the query; None leaves a word out.
            body: to be sent as JSON.
            data: a tar, in place of `body`.

        Raises:
            Refused, Dropped, EngineDied, HarnessError: see above; the last when time is over.
        """
        with self.open(method, path, params=params, body=body, data=data) as answer:
            return self.read(answer)

    def json(self, method: str, path: str, **more: Any) -> Any:
        """One request whose answer is JSON; see `call`."""
        answer = self.call(method, path, **more)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise HarnessError(
                f"{self.address} does not answer as Docker does to {path}: {answer[:80]!r}"
            ) from error

    def open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        data: bytes | None = None,
    ) -> requests.Response:
        """One request whose answer is read later: `read`, `lines`, or its `raw`; close it.

        Raises:
            as `call` does.
        """
        import requests  # noqa: PLC0415

        client = self._client()
        headers = {"Content-Type": "application/x-tar"} if data is not None else {}
        try:
            answer = client.request(
                method,
                f"{client.base_url}/v{client.api_version}{path}",
                params=params,
                json=body,
                data=data,
                headers=headers,
                timeout=self.timeout,
                stream=True,
            )
        except (requests.RequestException, OSError) as error:
            raise self.broken(error) from error
        if answer.status_code >= 400:
            with answer:
                words = self.read(answer)
            raise Refused(answer.status_code, _message(words))
        return answer

    def read(self, answer: requests.Response) -> bytes:
        """All of an answer, until the engine ends it.

        Raises:
            Dropped, EngineDied, HarnessError: it broke.
        """
        import requests  # noqa: PLC0415

        try:
            return answer.content
        except (requests.RequestException, OSError) as error:
            raise self.broken(error) from error

    def lines(self, answer: requests.Response, seconds: float) -> Iterator[dict[str, Any]]:
        """An answer's JSON messages as they come.

        Args:
            seconds: the time that all of it may take.

        Raises:
            Dropped, EngineDied, HarnessError: it broke, or time is over.
        """
        import requests  # noqa: PLC0415

        end = time.monotonic() + seconds
        try:
            for line in answer.iter_lines(chunk_size=None):
                if time.monotonic() > end:
                    raise HarnessError(f"{self.address} was not done after {seconds:g} s")
                if line.strip():
                    message = json.loads(line)
                    if isinstance(message, dict):
                        yield message
        except (requests.RequestException, OSError) as error:
            raise self.broken(error) from error
        except ValueError as error:
            raise HarnessError(f"{self.address} does not answer as Docker does: {error}") from error

    def read_raw(self, answer: requests.Response, end: float) -> bytes:
        """All bytes of an answer without a length, until the engine closes it.

        Args:
            end: the time (`time.monotonic`) after which it counts as hanging.

        Raises:
            Dropped, EngineDied, HarnessError: it broke, or time is over.
        """
        import requests  # noqa: PLC0415
        import urllib3  # noqa: PLC0415

        data = bytearray()
        try:
            while chunk := answer.raw.read1(1 << 16):
                data += chunk
                if time.monotonic() > end or len(data) > _MOST:
                    raise HarnessError(f"a container did not end within {self.timeout:g} s")
        except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
            if isinstance(error, urllib3.exceptions.ReadTimeoutError | TimeoutError):
                raise HarnessError(f"a container did not end within {self.timeout:g} s") from error
            raise self.broken(error) from error
        return bytes(data)

    def broken(self, error: Exception) -> Exception:
        """What a broken connection means: asks the engine whether it lives."""
        import requests  # noqa: PLC0415

        words = _why(error)
        if isinstance(error, requests.Timeout) or "timed out" in words.lower():
            return HarnessError(f"{self.address} did not answer within {self.timeout:g} s")
        if self.answers(_REVIVAL):
            return Dropped(words)
        return EngineDied(f"the engine at {self.address} does not answer any more: {words}")

    def answers(self, seconds: float) -> bool:
        """Whether the engine answers to a ping within so many seconds, and again a moment later.

        A daemon in the middle of its death may have answered once.
        """
        end = time.monotonic() + seconds
        good = 0
        while True:
            good = good + 1 if self._ping() else 0
            if good == 2:
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.2)

    def _ping(self) -> bool:
        import requests  # noqa: PLC0415

        try:
            self._knock()
            client = self._client()
            answer = client.get(f"{client.base_url}/_ping", timeout=3)
        except (requests.RequestException, OSError, HarnessError):
            return False
        return answer.status_code == 200

    def _knock(self) -> None:
        """Connects to a local socket and hangs up.

        docker-py leaves a socket unclosed when nobody answers, which Python may warn about.

        Raises:
            OSError: nobody answers.
        """
        scheme, _, path = self.address.partition("://")
        if scheme in {"unix", "http+unix"} and hasattr(socket, "AF_UNIX"):
            with socket.socket(socket.AF_UNIX) as knocking:
                knocking.settimeout(self.timeout)
                knocking.connect(f"/{path.lstrip('/')}")

    def close(self) -> None:
        """Lets go of all connections."""
        with self._lock:
            self._closed = True
            clients, self._clients = self._clients, []
        for client in clients:
            client.close()


def quoted(words: str) -> str:
    """A name as a part of a path."""
    return quote(words, safe="")


def _tls(host: str) -> dict[str, Any]:
    """TLS for a host that was named, as the environment has it for DOCKER_HOST."""
    if not host.startswith(("tcp://", "https://")):
        return {}
    from docker.utils import kwargs_from_env  # noqa: PLC0415

    found = kwargs_from_env({**os.environ, "DOCKER_HOST": host})
    return {"tls": found["tls"]} if "tls" in found else {}


def _message(words: bytes) -> str:
    text = words.decode("utf-8", "replace").strip()
    try:
        message = json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        return text or "(no reason given)"
    return str(message).strip()


def _why(error: BaseException) -> str:
    """The system's reason where there is one, without the names of the layers that handed it on."""
    inner: BaseException | None = error
    while inner is not None:
        if type(inner).__module__ == "builtins" and isinstance(inner, OSError):
            return str(inner)
        inner = inner.__cause__ or inner.__context__
    if "IncompleteRead" in str(error) or "InvalidChunkLength" in str(error):
        return "the answer ends in the middle"
    return str(error) or type(error).__name__
