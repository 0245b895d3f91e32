"""The registry client against a server of the test, which misbehaves as registries and proxies do.

`conformance/test_bases.py` has the same against a real registry. The protocol: opencontainers/
distribution-spec spec.md; distribution/distribution docs/content/spec/auth/token.md.
"""

from __future__ import annotations

import base64
import http.server
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from entrysem.bases.cache import Cache
from entrysem.bases.credentials import Keychain
from entrysem.bases.http import Http
from entrysem.bases.registry import Registry
from entrysem.errors import InputError
from entrysem.model import Base
from tests.bases.images import EXPECTED, OCI, PLATFORM, Store, config_bytes, digest

USER, PASSWORD, TOKEN = "tester", "s3cret-word", "t0ken-of-tester"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
IMAGE = "/v2/acme/base/manifests/1"


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Request(NamedTuple):
    method: str
    path: str
    authorization: str | None
    body: bytes


class Server:
    """Answers by path; what it was asked is kept."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | Callable[[Request], Reply]] = {}
        self.asked: list[Request] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(self.command, self.path, self.headers.get("Authorization"), body)
                outer.asked.append(request)
                reply = outer.replies.get(self.path.partition("?")[0], Reply(404, UNKNOWN, JSON))
                if callable(reply):
                    reply = reply(request)
                self.send_response(reply.status)
                for name, value in (
                    {"Content-Length": str(len(reply.body))} | dict(reply.headers)
                ).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                # A client that gave up has closed its end.
                assert isinstance(sys.exc_info()[1], OSError)

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, store: Store, root: Mapping[str, Any], repository: str = "acme/base") -> None:
        """An image under the tag 1, and all of its documents under their digests."""
        for name, data in store.blobs.items():
            for kind in ("manifests", "blobs"):
                self.replies[f"/v2/{repository}/{kind}/{name}"] = Reply(200, data)
        headers = {"Content-Type": root["mediaType"], "Docker-Content-Digest": root["digest"]}
        data = store.blobs[root["digest"]]
        self.replies[f"/v2/{repository}/manifests/1"] = Reply(200, data, headers)

    def guard(self, challenge: str, authorization: str) -> None:
        """Asks for a login at all that it has."""

        def guarded(reply: Any) -> Callable[[Request], Reply]:
            refusal = Reply(401, DENIED, {**JSON, "WWW-Authenticate": challenge})
            return lambda asked: reply if asked.authorization == authorization else refusal

        self.replies = {path: guarded(reply) for path, reply in self.replies.items()}


JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
UNKNOWN = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
DENIED = b'{"errors":[{"code":"DENIED","message":"requested access is denied"}]}'


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "ENTRYSEM_REGISTRY", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    store = Store()
    found.serve(store, store.image(config_bytes()))
    yield found
    found.close()


@pytest.fixture
def other() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


class Asker:
    """Asks with a login for one host, and an empty cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.auths: dict[str, Any] = {}

    def __call__(self, image: str, platform: str = PLATFORM, **options: Any) -> Base | None:
        docker = self.folder / "config.json"
        docker.write_text(json.dumps({"auths": self.auths}))
        keychain = Keychain({"DOCKER_CONFIG": str(self.folder), "HOME": str(self.folder)})
        options = {"cache": Cache(self.folder), "keychain": keychain, **options}
        return Registry(platform, **options)(image)

    def refused(self, image: str, *codes: str, **options: Any) -> InputError:
        """The error, in which no secret may stand."""
        with pytest.raises(InputError) as caught:
            self(image, **options)
        error = caught.value
        assert error.code in codes
        told = f"{error} {error.message} {error.hint} {error.where}"
        for secret in (PASSWORD, TOKEN, BASIC):
            assert secret not in told
        return error


@pytest.fixture
def ask(tmp_path: Path) -> Asker:
    return Asker(tmp_path)


def bearer(realm_host: str, path: str = "/token") -> str:
    return f'Bearer realm="http://{realm_host}{path}",service="a, b",scope="repository:x:pull"'


# What is there.


def test_an_image(server: Server, ask: Asker) -> None:
    base = ask(f"{server.host}/acme/base:1")
    assert base is not None
    assert (base.config, base.origin) == (EXPECTED, "registry")
    assert base.note.startswith(f"{server.host}/acme/base@sha256:")
    assert {asked.authorization for asked in server.asked} == {None}
    # No layer, no listing, no ping.
    assert len(server.asked) == 2


@pytest.mark.parametrize("body", [UNKNOWN, b"", b'{"errors":[{"code":"NAME_UNKNOWN"}]}', b"nope"])
def test_not_there(server: Server, ask: Asker, body: bytes) -> None:
    server.replies[IMAGE] = Reply(404, body, JSON if body else {})
    assert ask(f"{server.host}/acme/base:1") is None


def test_a_platform(server: Server, ask: Asker) -> None:
    store = Store()
    server.serve(store, store.platforms("linux/amd64", "linux/arm64/v8"))
    base = ask(f"{server.host}/acme/base:1", "linux/arm64")
    assert base is not None
    assert base.config.cmd == ("linux/arm64/v8",)
    ask.refused(f"{server.host}/acme/base:1", "no-such-platform", platform="linux/s390x")


def test_pinned_is_fetched_once(server: Server, ask: Asker) -> None:
    store = Store()
    root = store.image(config_bytes())
    image = f"{server.host}/acme/base@{root['digest']}"
    assert ask(image) == ask(image)
    assert len(server.asked) == 2
    # A tag is asked each time.
    for _ in range(2):
        assert ask(f"{server.host}/acme/base:1") is not None
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("default", "image", "repository"),
    [
        ("{}", "base:1", "library/base"),
        ("{}", "acme/base:1", "acme/base"),
        ("http://{}/mirror/", "base:1", "mirror/library/base"),
        ("http://{}/v1/", "acme/base:1", "acme/base"),
    ],
)
def test_the_default_registry(
    server: Server, ask: Asker, default: str, image: str, repository: str
) -> None:
    store = Store()
    server.serve(store, store.image(config_bytes()), repository)
    base = ask(image, default=default.format(server.host))
    assert base is not None
    assert base.config == EXPECTED


def test_no_default_registry(ask: Asker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    error = ask.refused("base:1", "no-default-registry")
    assert "ENTRYSEM_REGISTRY" in (error.hint or "")


@pytest.mark.parametrize(
    "default", ["", "ftp://a", f"http://{USER}:{PASSWORD}@a.example", "a b", "a.example:port", "//"]
)
def test_what_is_no_default_registry(ask: Asker, default: str) -> None:
    ask.refused("base:1", "bad-base-source", default=default)


# Logging in.


@pytest.mark.parametrize("key", ["token", "access_token"])
@pytest.mark.parametrize("login", [True, False])
def test_tokens(server: Server, other: Server, ask: Asker, key: str, login: bool) -> None:
    server.guard(bearer(other.host, "/token?for=all"), f"Bearer {TOKEN}")
    other.replies["/token"] = Reply(200, json.dumps({key: TOKEN}).encode(), JSON)
    if login:
        ask.auths = {server.host: {"auth": BASIC}}
    assert ask(f"{server.host}/acme/base:1") is not None
    (asked,) = other.asked
    assert asked.path == "/token?for=all&scope=repository%3Aacme%2Fbase%3Apull&service=a%2C+b"
    # The password goes to who gives tokens, and never to the registry itself.
    assert asked.authorization == (f"Basic {BASIC}" if login else None)
    assert {request.authorization for request in server.asked} == {None, f"Bearer {TOKEN}"}


def test_an_identity_token(server: Server, other: Server, ask: Asker) -> None:
    server.guard(bearer(other.host), f"Bearer {TOKEN}")
    other.replies["/token"] = Reply(200, json.dumps({"access_token": TOKEN}).encode(), JSON)
    ask.auths = {server.host: {"identitytoken": PASSWORD}}
    assert ask(f"{server.host}/acme/base:1") is not None
    (asked,) = other.asked
    assert (asked.method, asked.authorization) == ("POST", None)
    assert f"refresh_token={PASSWORD}".encode() in asked.body


def test_basic(server: Server, ask: Asker) -> None:
    server.guard('Basic realm="x"', f"Basic {BASIC}")
    error = ask.refused(f"{server.host}/acme/base:1", "denied")
    assert f"docker login {server.host}" in (error.hint or "")
    ask.auths = {server.host: {"auth": BASIC}}
    assert ask(f"{server.host}/acme/base:1") is not None


def test_a_login_for_another_host_is_not_sent(server: Server, ask: Asker) -> None:
    server.guard('Basic realm="x"', f"Basic {BASIC}")
    ask.auths = {"registry.example": {"auth": BASIC}}
    ask.refused(f"{server.host}/acme/base:1", "denied")
    assert {asked.authorization for asked in server.asked} == {None}


def test_netrc_has_no_say(server: Server, ask: Asker, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    netrc = tmp_path / "home" / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    netrc.chmod(0o600)
    assert ask(f"{server.host}/acme/base:1") is not None
    assert {asked.authorization for asked in server.asked} == {None}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, DENIED, JSON),
        Reply(403, DENIED, JSON),
        Reply(403, b"<html>Forbidden</html>", HTML),
        Reply(400, DENIED, JSON),
    ],
)
def test_refused(server: Server, ask: Asker, reply: Reply) -> None:
    server.replies[IMAGE] = reply
    error = ask.refused(f"{server.host}/acme/base:1", "denied")
    assert "private or does not exist" in error.message


@pytest.mark.parametrize(
    ("realm", "code"),
    [
        ("/token", "bad-registry"),
        ("file:///etc/passwd", "bad-registry"),
        ("http://user:pw@a.example/token", "bad-registry"),
        ("", "bad-registry"),
    ],
)
def test_tokens_from_nowhere(server: Server, ask: Asker, realm: str, code: str) -> None:
    server.guard(f'Bearer realm="{realm}"', f"Bearer {TOKEN}")
    ask.auths = {server.host: {"auth": BASIC}}
    ask.refused(f"{server.host}/acme/base:1", code)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(401, DENIED, JSON), "denied"),
        (Reply(500, b"", {}), "bad-registry"),
        (Reply(200, b"{}", JSON), "bad-registry"),
        (Reply(200, b"[]", JSON), "bad-registry"),
        (Reply(200, b'{"token": "a\\nb"}', JSON), "bad-registry"),
        (Reply(200, b"<html>", HTML), "bad-image"),
    ],
)
def test_tokens_that_are_none(
    server: Server, other: Server, ask: Asker, reply: Reply, code: str
) -> None:
    server.guard(bearer(other.host), f"Bearer {TOKEN}")
    other.replies["/token"] = reply
    ask.auths = {server.host: {"auth": BASIC}}
    ask.refused(f"{server.host}/acme/base:1", code)


def test_a_registry_that_repeats_secrets(server: Server, other: Server, ask: Asker) -> None:
    told = f"no, {PASSWORD} {BASIC} {TOKEN} is wrong"
    refusal = json.dumps({"errors": [{"code": "DENIED", "message": told}]}).encode()
    other.replies["/token"] = Reply(200, json.dumps({"token": TOKEN}).encode(), JSON)
    ask.auths = {server.host: {"auth": BASIC}}
    for challenge in (bearer(other.host), 'Basic realm="x"'):
        headers = {**JSON, "WWW-Authenticate": challenge}
        server.replies[IMAGE] = Reply(401, refusal, headers)
        if "Bearer" in challenge:
            assert "*** *** ***" in ask.refused(f"{server.host}/acme/base:1", "denied").message
    other.replies["/token"] = Reply(403, refusal.replace(TOKEN.encode(), b""), JSON)
    server.replies[IMAGE] = Reply(401, b"", {"WWW-Authenticate": bearer(other.host)})
    ask.refused(f"{server.host}/acme/base:1", "denied")


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_do_not_follow_to_another_host(
    server: Server, other: Server, ask: Asker, status: int
) -> None:
    path = f"/v2/acme/base/blobs/{digest(config_bytes())}"
    server.replies[path] = Reply(status, b"", {"Location": f"http://{other.host}/blob?signed=1"})
    server.guard('Basic realm="x"', f"Basic {BASIC}")
    other.replies["/blob"] = Reply(200, config_bytes())
    ask.auths = {server.host: {"auth": BASIC}, other.host: {"auth": BASIC}}
    assert ask(f"{server.host}/acme/base:1") is not None
    (asked,) = other.asked
    assert asked.authorization is None
    assert server.asked[-1].authorization == f"Basic {BASIC}"


def test_credentials_follow_on_the_same_host(server: Server, ask: Asker) -> None:
    server.replies["/elsewhere"] = server.replies[IMAGE]
    server.replies[IMAGE] = Reply(307, b"", {"Location": "/elsewhere"})
    server.guard('Basic realm="x"', f"Basic {BASIC}")
    ask.auths = {server.host: {"auth": BASIC}}
    assert ask(f"{server.host}/acme/base:1") is not None


@pytest.mark.parametrize("location", [IMAGE, "file:///etc/passwd", "gopher://a/", "http://"])
def test_redirects_to_nowhere(server: Server, ask: Asker, location: str) -> None:
    server.replies[IMAGE] = Reply(302, b"", {"Location": location})
    ask.refused(f"{server.host}/acme/base:1", "bad-registry")


def test_an_identity_token_does_not_follow(server: Server, other: Server, ask: Asker) -> None:
    server.replies["/token"] = Reply(307, b"", {"Location": f"http://{other.host}/token"})
    reply = Reply(401, b"", {"WWW-Authenticate": bearer(server.host)})
    server.replies[IMAGE] = reply
    ask.auths = {server.host: {"identitytoken": PASSWORD}}
    ask.refused(f"{server.host}/acme/base:1", "bad-registry")
    assert not other.asked


# What is wrong.


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        (Reply(200, b"<html>log in</html>", HTML), "bad-image", "not a JSON document"),
        (Reply(200, b"", JSON), "bad-image", "not a JSON document"),
        (Reply(200, b"[]", JSON), "bad-image", "no image manifest"),
        (Reply(200, b'{"schemaVersion":1,"fsLayers":[]}', JSON), "bad-image", "schema 1"),
        (Reply(200, b"[" * 100_000, JSON), "bad-image", "not a JSON document"),
        (Reply(404, b"<html>", HTML), "bad-registry", "a web server, not a registry"),
        (Reply(429, b"", {}), "busy", "enough requests"),
        (
            Reply(500, b'{"errors":[{"message":"a\\n\\tb"}]}', JSON),
            "bad-registry",
            "500 for acme/base: a b",
        ),
        (Reply(503, b"", {}), "bad-registry", "answers 503"),
        (Reply(200, b" " * (9 * 1024 * 1024), JSON), "bad-registry", "more than"),
        (Reply(200, b"{}", {"Content-Encoding": "gzip"}), "bad-registry", "no proper HTTP"),
        (Reply(200, b"{}", {"Content-Length": "100"}), "unreachable", "broke"),
    ],
)
def test_answers_that_are_wrong(
    server: Server, ask: Asker, reply: Reply, code: str, message: str
) -> None:
    server.replies[IMAGE] = reply
    error = ask.refused(f"{server.host}/acme/base:1", code)
    assert message in error.message


@pytest.mark.parametrize("kind", ["manifest", "blob", "named", "missing"])
def test_digests_that_lie(server: Server, ask: Asker, kind: str) -> None:
    store = Store()
    root = store.image(config_bytes())
    blob = f"/v2/acme/base/blobs/{digest(config_bytes())}"
    image = f"{server.host}/acme/base:1"
    if kind == "manifest":
        image = f"{server.host}/acme/base@{root['digest']}"
        pinned = f"/v2/acme/base/manifests/{root['digest']}"
        server.replies[pinned] = Reply(200, store.blobs[root["digest"]] + b" ")
    elif kind == "blob":
        server.replies[blob] = Reply(200, config_bytes().replace(b"python3", b"python4"))
    elif kind == "missing":
        del server.replies[blob]
    else:
        headers = {"Docker-Content-Digest": f"sha256:{'0' * 64}"}
        server.replies[IMAGE] = Reply(200, store.blobs[root["digest"]], headers)
    error = ask.refused(image, "bad-image")
    assert ("does not have" if kind == "missing" else "another digest") in error.message


def test_an_artifact(server: Server, ask: Asker) -> None:
    store = Store()
    config = store.add(b"{}", "application/vnd.cncf.helm.config.v1+json")
    manifest = {"schemaVersion": 2, "config": config, "layers": []}
    server.serve(store, store.add(json.dumps(manifest).encode(), f"{OCI}manifest.v1+json"))
    ask.refused(f"{server.host}/acme/base:1", "not-an-image")


def test_down(ask: Asker) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = ask.refused(f"127.0.0.1:{taken.getsockname()[1]}/acme/base:1", "unreachable")
    assert "Connection refused" in error.message


def test_what_is_down_is_not_asked_again(server: Server, tmp_path: Path) -> None:
    """A repository with a hundred Dockerfiles must not wait a hundred times."""
    server.replies[IMAGE] = Reply(200, b"{}", {"Content-Length": "100"})
    registry = Registry(PLATFORM, cache=Cache(tmp_path), keychain=Keychain({}))
    for _ in range(2):
        with pytest.raises(InputError):
            registry(f"{server.host}/acme/base:1")
    asked = len(server.asked)
    with pytest.raises(InputError):
        registry(f"{server.host}/acme/other:1")
    assert len(server.asked) == asked


@pytest.mark.parametrize("limit", ["silence", "all"])
def test_slow(server: Server, ask: Asker, limit: str) -> None:
    """A peer that is silent, and one that would take too long as a whole."""
    released = threading.Event()

    def wait(_: Request) -> Reply:
        released.wait(60)
        return Reply(404)

    server.replies[IMAGE] = wait
    options = {"http": Http(timeout=0.2)} if limit == "silence" else {"seconds": 0.2}
    try:
        error = ask.refused(f"{server.host}/acme/base:1", "unreachable", **options)
        assert "within 0.2 s" in error.message
    finally:
        released.set()
