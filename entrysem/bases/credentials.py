"""Who the user is at a registry: what `docker login` and `podman login` have stored.

Read are Docker's `config.json` (in DOCKER_CONFIG or ~/.docker) and the `auth.json` of podman and skopeo
(REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR/containers, ~/.config/containers), in that order. Within a file a
helper named for the host (`credHelpers`) goes first, then the general one (`credsStore`), then what
stands in the file itself. A helper `docker-credential-NAME get` reads the host on standard input and
answers JSON; the user name `<token>` marks an identity token.

No credential is ever shown: `Credential` prints without its secret, a helper's output is never repeated
when it could hold one, and `secrets` lists what must be struck out of a message of others.

Sources: docker/cli cli/config/configfile/file.go (GetCredentialsStore, decodeAuth) and
cli/config/credentials/file_store.go (ConvertToHostname); docker/docker-credential-helpers
credentials/credentials.go; containers/image docs/containers-auth.json.5.md.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Credential", "Keychain", "basic"]

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TIMEOUT = 30.0  # seconds
_TOKEN_USER = "<token>"
_MAX_SIZE = 4 * 1024 * 1024


class Credential(NamedTuple):
    """A name and a password, or an identity token, for which `username` is empty."""

    username: str
    secret: str

    def __repr__(self) -> str:
        return "<Credential>"

    @property
    def secrets(self) -> tuple[str, ...]:
        """All forms in which the secret is sent."""
        return (self.secret, basic(self)) if self.username else (self.secret,)


def basic(credential: Credential) -> str:
    """The value behind `Basic `."""
    return base64.b64encode(f"{credential.username}:{credential.secret}".encode()).decode()


class Keychain:
    """The stored credentials. Files are read once; a helper is run at most once for a host."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._configs: list[tuple[str, dict[str, Any]]] | None = None
        self._found: dict[str, Credential | None] = {}
        #: Sentences about what did not work, for an error that it may explain.
        self.problems: list[str] = []

    def find(self, host: str, repository: str = "") -> Credential | None:
        """The credential for a registry, or None. The most specific entry counts: `HOST/PATH`, then
        `HOST`.
        """
        key = f"{host}/{repository}"
        if key not in self._found:
            self._found[key] = self._look(host, repository)
        return self._found[key]

    def index(self) -> str | None:
        """The server whose key in a `config.json` is a URL ending in `/v1/`: so does Docker write its
        own default registry, and no other.
        """
        for _, config in self._read():
            for server in _mapping(config, "auths"):
                if server.startswith("https://") and server.endswith("/v1/"):
                    return server
        return None

    def _look(self, host: str, repository: str) -> Credential | None:
        for name, config in self._read():
            helpers = _mapping(config, "credHelpers")
            server = next((key for key in helpers if _host(key) == host), None)
            store = config.get("credsStore")
            helper = helpers[server] if server is not None else store
            if isinstance(helper, str) and helper:
                auths = _mapping(config, "auths")
                # The default registry is kept under its URL.
                written = next((key for key in auths if _host(key) == host), host)
                found = self._ask(helper, server or written, name)
                if found is not None:
                    return found
            found = self._stored(_mapping(config, "auths"), host, repository, name)
            if found is not None:
                return found
        return None

    def _stored(
        self, auths: Mapping[str, Any], host: str, repository: str, name: str
    ) -> Credential | None:
        parts = repository.split("/") if repository else []
        wanted = ["/".join([host, *parts[:count]]) for count in range(len(parts), 0, -1)]
        keys = [key for key in wanted if key in auths]
        keys += [key for key in auths if _host(key) == host and key not in keys and _whole(key)]
        for key in keys:
            entry = auths[key]
            if not isinstance(entry, dict):
                continue
            token = entry.get("identitytoken")
            if isinstance(token, str) and token:
                return Credential("", token)
            username, password = entry.get("username"), entry.get("password")
            if isinstance(entry.get("auth"), str) and entry["auth"]:
                try:
                    text = base64.b64decode(entry["auth"], validate=True).decode()
                except (binascii.Error, ValueError):
                    self._tell(f"{name}: the auth of {key} is no base64 text")
                    continue
                username, _, password = text.partition(":")
                password = password.strip("\0")
            if isinstance(username, str) and username and isinstance(password, str):
                return Credential(username, password)
        return None

    def _ask(self, helper: str, server: str, name: str) -> Credential | None:
        command = f"docker-credential-{helper}"
        if _HELPER.fullmatch(helper) is None:
            self._tell(f"{name} names a helper that is no name of a program")
            return None
        path = shutil.which(command, path=self._environment.get("PATH"))
        if path is None:
            self._tell(f"{name} names the helper {command}, which is not there")
            return None
        try:
            done = subprocess.run(  # noqa: S603
                [path, "get"],
                input=server.encode(),
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
                env=dict(self._environment),
            )
        except subprocess.TimeoutExpired:
            self._tell(f"the helper {command} did not answer within {_TIMEOUT:.0f} s")
            return None
        except OSError as error:
            self._tell(f"the helper {command} cannot be run: {error.strerror}")
            return None
        if done.returncode != 0:
            # A helper that does not know the server says so on standard output.
            if b"credentials not found" not in done.stdout:
                self._tell(f"the helper {command} failed with exit code {done.returncode}")
            return None
        try:
            answer = json.loads(done.stdout)
            username, secret = answer["Username"], answer["Secret"]
        except (ValueError, KeyError, TypeError, RecursionError):
            username = secret = None
        if not isinstance(username, str) or not isinstance(secret, str):
            self._tell(f"the helper {command} answered something that is no credential")
            return None
        if not secret:
            return None
        return Credential("" if username == _TOKEN_USER else username, secret)

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _read(self) -> Sequence[tuple[str, dict[str, Any]]]:
        if self._configs is None:
            self._configs = []
            for path in self._paths():
                try:
                    with path.open("rb") as file:
                        config = json.loads(file.read(_MAX_SIZE))
                except FileNotFoundError:
                    continue
                except OSError as error:
                    self._tell(f"{path} cannot be read: {error.strerror}")
                    continue
                except (ValueError, RecursionError):
                    # Not what is wrong with it: that would quote it.
                    self._tell(f"{path} is no JSON")
                    continue
                if isinstance(config, dict):
                    self._configs.append((str(path), config))
        return self._configs

    def _paths(self) -> list[Path]:
        env = self._environment
        home = Path(env.get("HOME") or Path.home())
        paths = [Path(env.get("DOCKER_CONFIG") or home / ".docker") / "config.json"]
        if env.get("REGISTRY_AUTH_FILE"):
            paths.append(Path(env["REGISTRY_AUTH_FILE"]))
        if env.get("XDG_RUNTIME_DIR"):
            paths.append(Path(env["XDG_RUNTIME_DIR"]) / "containers" / "auth.json")
        settings = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
        return [*paths, settings / "containers" / "auth.json"]


def _mapping(config: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _host(key: str) -> str:
    """`https://HOST/v1/` -> `HOST`."""
    return re.sub(r"\Ahttps?://", "", key).partition("/")[0]


def _whole(key: str) -> bool:
    """Whether the key is for a whole host, and not for one path of it."""
    path = re.sub(r"\Ahttps?://", "", key).partition("/")[2].rstrip("/")
    return path in {"", "v1", "v2"}
