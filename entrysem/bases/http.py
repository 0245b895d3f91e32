"""One request to a registry, with everything bounded and no credential where it does not belong.

`requests` does the HTTP: connections, TLS, proxies, compression. What is decided here, because it is
what goes wrong:

* Redirects are followed one by one. `Authorization` is sent on only to the same scheme, host and port; a
  blob usually lies on another host, at an address that needs none. From https never to http.
* `.netrc` has no say: `requests` would send what it finds there to any host that matches, in place of the
  token.
* What is read is bounded in size and, as a whole, in time: a peer that sends a byte now and then would
  never run into a timeout. The work is done in a thread that is given up at the deadline.
* An exception's text can hold a whole address with its signature; errors here are written anew, and name
  a host and a reason.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import urljoin, urlsplit

from entrysem.errors import InputError

__all__ = ["Answer", "Http", "is_loopback", "within"]

_T = TypeVar("_T")
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_PIECE = 65536


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: the HTTP status.
        headers: by name, in any case.
        body: empty after HEAD.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """A session with registries.

    Args:
        timeout: seconds without a byte.

    Raises:
        InputError: `missing-extra`, `requests` is not installed.
    """

    def __init__(self, timeout: float = 10.0) -> None:
        try:
            import requests  # noqa: PLC0415  # of the extra
        except ImportError:
            raise InputError(
                "missing-extra",
                "reading from a registry needs the package requests",
                where="--base-from registry",
                hint="pip install 'entrysem[registry]'",
            ) from None
        self._requests = requests
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "entrysem"
        self._timeout = timeout

    def send(
        self,
        method: str,
        url: str,
        *,
        authorization: str = "",
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        limit: int,
    ) -> Answer:
        """Sends a request and follows where it leads.

        Args:
            authorization: the value of the header, for the host of `url` alone.
            form: sent as a form.
            limit: bytes that the answer may have.

        Raises:
            InputError: `unreachable`, `untrusted` (TLS), `bad-registry`.
        """
        origin = _origin(url)
        for _ in range(_REDIRECTS + 1):
            sent = authorization if _origin(url) == origin else ""
            answer = self._once(method, url, sent, headers or {}, form, limit)
            target = answer.headers.get("Location")
            if answer.status not in _MOVED or not target:
                return answer
            before, url = url, urljoin(url, target)
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
                _fail("bad-registry", "it redirects to something that is no web address", before)
            if urlsplit(before).scheme == "https" and urlsplit(url).scheme != "https":
                _fail("bad-registry", "it redirects from https to http", before)
            # A form holds a token.
            if form is not None and _origin(url) != origin:
                _fail("bad-registry", "it redirects a request for a token to another host", before)
        raise _error("bad-registry", f"it redirects more than {_REDIRECTS} times", url)

    def _once(
        self,
        method: str,
        url: str,
        authorization: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        limit: int,
    ) -> Answer:
        errors = self._requests.exceptions

        def authorize(request: Any) -> Any:
            if authorization:
                request.headers["Authorization"] = authorization
            return request

        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                data=form,
                # Also where there is nothing to send: without it .netrc is asked.
                auth=authorize,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                verify=_authority(url),
            ) as response:
                # A registry's cookies are of no use, and must not reach another host of its domain.
                self._session.cookies.clear()
                body = b"" if method == "HEAD" else self._body(response, limit, url)
                return Answer(response.status_code, response.headers, body)
        except errors.SSLError:
            _fail("untrusted", "its certificate is not trusted, or is for another host", url, _CA)
        except (errors.Timeout, TimeoutError):
            _fail("unreachable", f"no answer within {self._timeout:g} s", url, _LEAVE)
        except errors.ProxyError:
            _fail("unreachable", "the proxy does not let it through", url, "look at HTTPS_PROXY")
        except (errors.ConnectionError, errors.ChunkedEncodingError) as error:
            if "timed out" in str(error).lower():
                _fail("unreachable", f"no answer within {self._timeout:g} s", url, _LEAVE)
            _fail("unreachable", f"cannot be reached: {_reason(error)}", url, _LEAVE)
        except (errors.RequestException, UnicodeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            _fail("bad-registry", "what it answers is no proper HTTP", url)

    @staticmethod
    def _body(response: Any, limit: int, url: str) -> bytes:
        pieces, size = [], 0
        for piece in response.iter_content(_PIECE):
            size += len(piece)
            if size > limit:
                _fail("bad-registry", f"it sends more than {limit} bytes where few belong", url)
            pieces.append(piece)
        return b"".join(pieces)


_LEAVE = "try again, or leave out --base-from registry and give configs by --base-config IMAGE=FILE"
_CA = "point REQUESTS_CA_BUNDLE at the registry's CA, or put it where Docker has it"


def within(seconds: float, work: Callable[[], _T], where: str) -> _T:
    """What `work` returns or raises, or an error when that takes longer.

    Raises:
        InputError: `unreachable`, the time is over. The work goes on until its own timeouts end it.
    """
    outcome: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            outcome.append((True, work()))
        except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
            outcome.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise InputError("unreachable", f"not done within {seconds:g} s", where=where, hint=_LEAVE)
    worked, value = outcome[0]
    if worked:
        return value  # type: ignore[no-any-return]
    raise value


def is_loopback(host: str) -> bool:
    """Whether a host, with or without port, is this machine, which Docker trusts without TLS."""
    name = urlsplit(f"//{host}").hostname or ""
    return name in {"localhost", "::1"} or name.startswith("127.")


def _authority(url: str) -> bool | str:
    """The CA file that Docker has for a host, or True for the system's."""
    host = urlsplit(url).netloc
    folders = ["/etc/docker/certs.d", str(Path.home() / ".config/docker/certs.d")]
    for folder in folders if "/" not in host else ():
        path = os.path.join(folder, host, "ca.crt")  # noqa: PTH118
        if os.access(path, os.R_OK):
            return path
    return True


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _reason(error: BaseException) -> str:
    """What the system says, without addresses."""
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            break
        name = type(seen).__name__
        if name == "NameResolutionError":
            return "the name is not known"
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        inner = [item for item in seen.args if isinstance(item, BaseException)]
        reason = getattr(seen, "reason", None)
        seen = (
            reason
            if isinstance(reason, BaseException)
            else inner[0]
            if inner
            else seen.__cause__ or seen.__context__
        )
    return "the connection broke"


def _fail(code: str, message: str, url: str, hint: str | None = None) -> NoReturn:
    raise _error(code, message, url, hint) from None


def _error(code: str, message: str, url: str, hint: str | None = None) -> InputError:
    host = urlsplit(url).netloc.rpartition("@")[2]
    return InputError(code, message, where=f"registry {host}", hint=hint)
