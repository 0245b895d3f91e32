"""Debian's docker-registry, started on this machine, for tests of what reads from registries.

    with RealRegistry(binary(), folder, auth="token", tls=True) as registry:
        registry.push("acme/base", "1", image)

It serves 127.0.0.1 at a free port, in each of the ways that registries are met: open, with a name and
password (`basic`), or sending to a token service (`token`), with and without TLS. The token service
is ours, about thirty lines; that its tokens are right is judged by the registry, which checks their
signature, audience and scope.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

import requests

from conformance.lab import LabError, Places
from conformance.lab.fetch import download

__all__ = ["PASSWORD", "REFRESH", "USER", "RealRegistry", "binary", "certificate"]

USER, PASSWORD = "tester", "s3cret-of-tester"
#: `PASSWORD` by bcrypt, the only form that the registry reads.
_HASHED = "$2b$04$g0y6/./4Sz7q9/qazYyyo.W5Cy66j8gen63ze1b78cWRuWgy11Lwu"
#: An identity token that stands for the same user.
REFRESH = "refresh-token-of-tester"
_SUITE = "bookworm"


def binary() -> Path:
    """The program: installed, or out of Debian's package, which is downloaded once.

    Raises:
        LabError: it cannot be had.
    """
    installed = shutil.which("docker-registry")
    if installed is not None:
        return Path(installed)
    places = Places.here()
    place = places.cache / "registry" / "docker-registry"
    with places.lock():
        if not place.exists():
            part = place.with_name("part")
            shutil.rmtree(part, ignore_errors=True)
            debs = download(part, _SUITE, ["docker-registry"])
            (deb,) = [deb for deb in debs if deb.name.startswith("docker-registry_")]
            subprocess.run(["dpkg-deb", "-x", str(deb), str(part / "tree")], check=True)
            (part / "tree/usr/bin/docker-registry").rename(place)
            shutil.rmtree(part)
    return place


def certificate(folder: Path, name: str, hosts: str = "IP:127.0.0.1,DNS:localhost") -> Path:
    """A self-signed certificate, `NAME.crt`, with its key beside it, `NAME.key`."""
    path = folder / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName={hosts}"]
    subprocess.run(command, check=True, capture_output=True)
    return path


class RealRegistry:
    """A running registry.

    Args:
        folder: its files; what is stored there is there again for the next registry.
        enter: words before the command, such as those that lead into another network.

    Attributes:
        host: `127.0.0.1:PORT`.
        ca: the certificate to trust, with TLS.
        issued: scopes that the token service was asked for.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        auth: Literal["", "basic", "token"] = "",
        tls: bool = False,
        enter: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._tls = tls
        self.ca = certificate(folder, "registry") if tls else None
        self.issued: list[str] = []
        self._auth = auth
        self._tokens: _Tokens | None = None
        self.host = f"127.0.0.1:{_free_port()}"
        config: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "storage")},
                "delete": {"enabled": True},
            },
            "http": {"addr": self.host},
        }
        if self.ca is not None:
            key = str(self.ca.with_suffix(".key"))
            config["http"]["tls"] = {"certificate": str(self.ca), "key": key}
        if auth == "basic":
            (folder / "htpasswd").write_text(f"{USER}:{_HASHED}\n")
            config["auth"] = {"htpasswd": {"realm": "a, b", "path": str(folder / "htpasswd")}}
        if auth == "token":
            self._tokens = _Tokens(folder, self.issued, self.ca)
            config["auth"] = {
                "token": {
                    "realm": self._tokens.realm,
                    "service": "test registry",
                    "issuer": "issuer",
                    "rootcertbundle": str(self._tokens.signer),
                }
            }
        (folder / "config.yml").write_text(json.dumps(config))
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*enter, str(program), "serve", str(folder / "config.yml")],
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def __enter__(self) -> Self:
        for _ in range(200):
            if self._process.poll() is not None:
                break
            if self._listens():
                return self
            time.sleep(0.05)
        self.__exit__()
        raise LabError(f"the registry does not start: {(self._folder / 'log').read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        if self._tokens is not None:
            self._tokens.close()

    def _listens(self) -> bool:
        """Whether its port is open, in the network that it is in, which may be another than ours."""
        port = f":{int(self.host.rpartition(':')[2]):04X}"
        table = Path(f"/proc/{self._process.pid}/net/tcp").read_text().splitlines()[1:]
        entries = [line.split()[1:4] for line in table]
        return any(local.endswith(port) and state == "0A" for local, _, state in entries)

    @property
    def url(self) -> str:
        """With its scheme."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def push(self, repository: str, reference: str, document: bytes, media_type: str) -> str:
        """Stores a manifest or index under a tag or digest; its digest."""
        answer = self._send(
            "PUT",
            f"{repository}/manifests/{reference}",
            repository,
            data=document,
            headers={"Content-Type": media_type},
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Docker-Content-Digest"]

    def push_blob(self, repository: str, data: bytes) -> dict[str, Any]:
        """Stores a blob; digest and size of its descriptor."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        started = self._send("POST", f"{repository}/blobs/uploads/", repository)
        assert started.status_code == 202, started.text
        answer = self._send(
            "PUT", started.headers["Location"], repository, params={"digest": digest}, data=data
        )
        assert answer.status_code == 201, answer.text
        return {"digest": digest, "size": len(data)}

    def _send(self, method: str, path: str, repository: str, **options: Any) -> requests.Response:
        url = path if "://" in path else f"{self.url}/v2/{path}"
        headers: Mapping[str, str] = options.pop("headers", {})
        auth = (USER, PASSWORD) if self._auth == "basic" else None
        if self._tokens is not None:
            token = self._tokens.sign(f"repository:{repository}:pull,push")
            headers = {**headers, "Authorization": f"Bearer {token}"}
        return requests.request(
            method,
            url,
            headers=headers,
            auth=auth,
            timeout=20,
            verify=str(self.ca) if self.ca else True,
            **options,
        )


class _Tokens:
    """A token service: `GET ?service&scope` with a name and password, `POST` with an identity token."""

    def __init__(self, folder: Path, issued: list[str], ca: Path | None) -> None:
        self.signer = certificate(folder, "signer")
        tokens = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                fields = parse_qs(urlsplit(self.path).query)
                self._give(fields, self.headers.get("Authorization") == f"Basic {wanted}", "token")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fields = parse_qs(body)
                right = (fields["grant_type"], fields["refresh_token"]) == (
                    ["refresh_token"],
                    [REFRESH],
                )
                self._give(fields, right, "access_token")

            def _give(self, fields: Mapping[str, list[str]], known: bool, key: str) -> None:
                (scope,) = fields["scope"]
                issued.append(scope)
                # Images below `public/` are for everybody.
                if not known and not scope.startswith("repository:public/"):
                    document = {"errors": [{"code": "DENIED", "message": "who are you?"}]}
                    self._answer(403, document)
                else:
                    self._answer(200, {key: tokens.sign(scope)})

            def _answer(self, status: int, document: object) -> None:
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if ca is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(ca, ca.with_suffix(".key"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if ca is None else "https"
        self.realm = f"{scheme}://127.0.0.1:{self._server.server_port}/token?for=all"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """Ends the service."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sign(self, scope: str) -> str:
        """A JSON web token that allows what the scope says."""
        kind, name, actions = scope.split(":")
        now = int(time.time())
        pem = self.signer.read_text().split("-----")[2]
        header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(pem.split())]}
        claims = {
            "iss": "issuer",
            "sub": USER,
            "aud": "test registry",
            "iat": now - 5,
            "nbf": now - 5,
            "exp": now + 300,
            "jti": os.urandom(8).hex(),
            "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
        }
        text = ".".join([_plain(json.dumps(part).encode()) for part in (header, claims)])
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", str(self.signer.with_suffix(".key"))],
            input=text.encode(),
            check=True,
            capture_output=True,
        )
        return f"{text}.{_plain(signed.stdout)}"


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
