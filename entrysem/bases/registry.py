"""What a registry has: `--base-from registry`, by Docker's Registry API v2, which is OCI's distribution.

    GET /v2/NAME/manifests/TAG       an index, or a manifest
    GET /v2/NAME/manifests/DIGEST    the manifest for the platform
    GET /v2/NAME/blobs/DIGEST        the config; no layer is ever fetched

A request that is answered 401 says how to log in: `Basic`, or `Bearer` with the address (`realm`) that
gives a token for a name and password, or for nobody. A token is asked for pulling this one repository.

Why `requests` alone, and none of the libraries for registries: oras 0.2.43 and python-dxf 12.1.1 were
read. Neither checks what it fetches against a digest or bounds its size or time. oras has to be told
beforehand whether a registry wants Basic or Bearer, knows no identity tokens, tries for a long time, logs
bodies of refused logins, and waits for a helper without end; dxf reads no Docker configuration at all.
What remains of a client is the three requests above, and the rules here.

Not having an image is no error: the next source is asked. Being refused is one, since the registry then
says neither yes nor no, and many (also for images that do not exist) answer just that.

Without a host a reference means the default registry, which is not named in this program. It is taken
from ENTRYSEM_REGISTRY or the caller (`HOST[:PORT][/PREFIX]`; with `http://` before it, without
TLS), or is the one that Docker has: what it stored a login under, or what `docker info` names.

Sources: opencontainers/distribution-spec spec.md; distribution/distribution docs/content/spec/auth/
token.md and oauth.md; distribution/reference normalize.go; moby/moby registry/config.go.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from typing import Literal, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from entrysem.bases.cache import Cache
from entrysem.bases.credentials import Credential, Keychain, basic
from entrysem.bases.http import Answer, Http, is_loopback, within
from entrysem.bases.lookup import Reference, parse_reference
from entrysem.bases.manifest import (
    ACCEPT,
    MAX_SIZE,
    Descriptor,
    find_config,
    is_digest,
    parsed,
    verified,
)
from entrysem.errors import InputError
from entrysem.model import Base

__all__ = ["Registry", "default_registry"]

_CHALLENGE = re.compile(r"(?:\A|,)\s*(Basic|Bearer)(?=\s|,|\Z)", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_UNKNOWN = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", "NAME_INVALID"})
_SHOWN = 300
_SECONDS = 60.0


class _Server(NamedTuple):
    """A registry.

    Attributes:
        host: with its port.
        schemes: that are tried in turn.
        prefix: put before every repository, with a slash at its end, or empty.
    """

    host: str
    schemes: tuple[str, ...]
    prefix: str = ""


class Registry:
    """Registries; calling it is a `BaseLookup`.

    Args:
        platform: `os/architecture[/variant]`.
        default: the default registry as the user wrote it; None to look for it when it is needed.
        seconds: for one image, in all.

    Raises:
        InputError: `missing-extra`; `bad-base-source`, `default` is none.
    """

    def __init__(
        self,
        platform: str,
        *,
        default: str | None = None,
        http: Http | None = None,
        cache: Cache | None = None,
        keychain: Keychain | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        self._platform = platform
        self._http = http or Http()
        try:
            self._cache = cache or Cache()
        except ImportError:
            raise InputError(
                "missing-extra",
                "reading from a registry needs the package platformdirs",
                where="--base-from registry",
                hint="pip install 'entrysem[registry]'",
            ) from None
        self._keychain = keychain or Keychain()
        self._seconds = seconds
        self._default = None if default is None else _server(default)
        #: The authorization that a repository accepted.
        self._accepted: dict[tuple[str, str], str] = {}
        self._secrets: set[str] = set()
        #: What does not answer is not asked for the next image.
        self._broken: dict[str, InputError] = {}
        self.place = "registry"

    def __call__(self, image: str) -> Base | None:
        """What the image's registry has under this reference; None when it does not have it.

        Raises:
            InputError: `no-default-registry`; `unreachable`, `untrusted`, `bad-registry`; `denied`;
                `bad-image`, `no-such-platform`, `not-an-image`.
        """
        reference = parse_reference(image)
        if reference is None:
            return None
        server, repository = self._place(reference)
        if server.host in self._broken:
            raise self._broken[server.host]
        where = f"registry {server.host}"
        try:
            return within(self._seconds, lambda: self._fetch(server, repository, reference), where)
        except InputError as error:
            error.message = self._struck(error.message)
            if error.code in {"unreachable", "untrusted"}:
                self._broken[server.host] = error
            raise

    def _place(self, reference: Reference) -> tuple[_Server, str]:
        """The registry and the repository of a reference."""
        host = reference.host
        if host is None:
            server = self._default_server()
            official = "/" not in reference.name
            return server, server.prefix + ("library/" if official else "") + reference.name
        path = reference.name.removeprefix(f"{host}/")
        if path == reference.name:
            path = f"library/{path}"
        # Docker calls its registry by a domain and serves it at `index.` below that.
        default = self._default
        if default is None and not is_loopback(host):
            found = self._keychain.index()
            default = None if found is None else _server(found)
        if default is not None and default.host == f"index.{host}":
            return default, default.prefix + path
        if default is not None and default.host == host and not default.prefix:
            return default, path
        schemes = ("https", "http") if is_loopback(host) else ("https",)
        return _Server(host, schemes), path

    def _default_server(self) -> _Server:
        if self._default is None:
            found = self._keychain.index() or _of_docker()
            if found is None:
                raise InputError(
                    "no-default-registry",
                    "the image is named without a registry, and which one is the default is not known",
                    where="--base-from registry",
                    hint="set ENTRYSEM_REGISTRY=HOST; without it, `docker login` or a running Docker "
                    "engine says which",
                )
            self._default = _server(found)
        return self._default

    def _fetch(self, server: _Server, repository: str, reference: Reference) -> Base | None:
        where = f"{server.host}/{repository}"
        wanted = reference.digest or reference.tag or "latest"
        if reference.digest is not None and not is_digest(reference.digest):
            return None

        def read(descriptor: Descriptor, kind: Literal["manifests", "blobs"]) -> bytes:
            kept = self._cache.get(descriptor.digest)
            if kept is not None:
                return kept
            answer = self._ask(server, repository, f"{kind}/{descriptor.digest}")
            if answer is None:
                raise InputError(
                    "bad-image",
                    f"the registry does not have {descriptor.digest}, which the image is made of",
                    where=where,
                    hint="push the image again",
                )
            data = verified(answer.body, descriptor, where)
            self._cache.put(descriptor.digest, data)
            return data

        if reference.digest is not None:
            root = Descriptor(reference.digest, None, "", "", {})
            data = self._cache.get(root.digest)
            if data is None:
                answer = self._ask(server, repository, f"manifests/{root.digest}")
                if answer is None:
                    return None
                root = root._replace(media_type=_type(answer))
                data = verified(answer.body, root, where)
                self._cache.put(root.digest, data)
        else:
            answer = self._ask(server, repository, f"manifests/{wanted}")
            if answer is None:
                return None
            data = answer.body
            root = Descriptor(_named(answer), None, _type(answer), "", {})
            self._cache.put(root.digest, verified(data, root, where))
        found = find_config(data, root, read, self._platform, where)
        note = f"{server.host}/{repository}@{found.digest}"
        mismatch = found.mismatch(self._platform)
        return Base(found.config, "registry", f"{note}; {mismatch}" if mismatch else note)

    # Asking, and logging in.

    def _ask(self, server: _Server, repository: str, path: str) -> Answer | None:
        """The answer; None when the registry says that it does not have it."""
        key = (server.host, repository)
        for number, scheme in enumerate(server.schemes, 1):
            url = f"{scheme}://{server.host}/v2/{quote(repository)}/{path}"
            try:
                answer = self._get(url, self._accepted.get(key, ""))
                if answer.status == 401:
                    self._accepted[key] = self._login(server, scheme, repository, answer)
                    answer = self._get(url, self._accepted[key])
            except InputError as error:
                # Docker, too, speaks plain HTTP to this machine when TLS is not spoken there.
                if number < len(server.schemes) and error.code in {"unreachable", "untrusted"}:
                    continue
                raise
            return self._judged(answer, server, repository)
        raise AssertionError("a server has a scheme")

    def _get(self, url: str, authorization: str) -> Answer:
        return self._http.send(
            "GET", url, authorization=authorization, headers={"Accept": ACCEPT}, limit=MAX_SIZE
        )

    def _judged(self, answer: Answer, server: _Server, repository: str) -> Answer | None:
        if answer.status == 200:
            return answer
        codes, said = _errors(answer)
        where = f"registry {server.host}"
        told = self._told(said)
        if answer.status == 404:
            api = answer.headers.get("Docker-Distribution-Api-Version")
            if codes & _UNKNOWN or api or not _is_page(answer):
                return None
            raise InputError("bad-registry", "this is a web server, not a registry", where=where)
        if answer.status in {401, 403} or "DENIED" in codes or "UNAUTHORIZED" in codes:
            raise self._denied(server, repository, told)
        if answer.status == 429:
            raise InputError(
                "busy",
                f"the registry has had enough requests{told}",
                where=where,
                hint="log in, or wait; an image pinned by digest is asked for once and then cached",
            )
        raise InputError(
            "bad-registry",
            f"the registry answers {answer.status} for {repository}{told}",
            where=where,
            hint="try again later, or give the config by --base-config IMAGE=FILE",
        )

    def _login(self, server: _Server, scheme: str, repository: str, answer: Answer) -> str:
        """The authorization for a repository, after a 401."""
        credential = self._keychain.find(server.host, repository)
        if credential is not None:
            self._secrets.update(credential.secrets)
        challenges = _challenges(answer.headers.get("WWW-Authenticate", ""))
        if "bearer" in challenges:
            token = self._token(server, scheme, repository, challenges["bearer"], credential)
            self._secrets.add(token)
            return f"Bearer {token}"
        if "basic" in challenges and credential is not None and credential.username:
            return f"Basic {basic(credential)}"
        _, said = _errors(answer)
        raise self._denied(server, repository, self._told(said))

    def _token(
        self,
        server: _Server,
        scheme: str,
        repository: str,
        challenge: dict[str, str],
        credential: Credential | None,
    ) -> str:
        where = f"registry {server.host}"
        realm = challenge.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise InputError("bad-registry", "it asks for a token from nowhere", where=where)
        if parts.scheme == "http" and scheme == "https":
            raise InputError(
                "bad-registry",
                "it asks for a login without TLS, and gets none",
                where=where,
                hint="the registry's address for tokens (realm) should begin with https",
            )
        fields = {"scope": f"repository:{repository}:pull"}
        if challenge.get("service"):
            fields["service"] = challenge["service"]
        headers = {"Accept": "application/json"}
        if credential is not None and not credential.username:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": credential.secret,
                "client_id": "entrysem",
                **fields,
            }
            answer = self._http.send("POST", realm, headers=headers, form=form, limit=MAX_SIZE)
        else:
            url = realm + ("&" if parts.query else "?") + urlencode(fields)
            authorization = "" if credential is None else f"Basic {basic(credential)}"
            answer = self._http.send(
                "GET", url, authorization=authorization, headers=headers, limit=MAX_SIZE
            )
        if answer.status == 200:
            document = parsed(answer.body, f"the token from {parts.netloc}")
            if isinstance(document, dict):
                token = document.get("token") or document.get("access_token")
                if isinstance(token, str) and token.isascii() and token.isprintable():
                    return token
            raise InputError("bad-registry", f"{parts.netloc} gives no token", where=where)
        _, said = _errors(answer)
        told = self._told(said)
        if answer.status in {400, 401, 403, 404}:
            raise self._denied(server, repository, told)
        raise InputError(
            "bad-registry",
            f"{parts.netloc}, which gives the tokens, answers {answer.status}{told}",
            where=where,
            hint="try again later",
        )

    def _denied(self, server: _Server, repository: str, told: str) -> InputError:
        known = self._keychain.find(server.host, repository) is not None
        if known:
            hint = f"the stored login may have expired: `docker login {server.host}` again"
        else:
            hint = f"`docker login {server.host}` if it is private"
        if self._keychain.problems:
            hint += f"; {'; '.join(self._keychain.problems)}"
        return InputError(
            "denied",
            f"{repository} is private or does not exist"
            + (", or the stored login may not pull it" if known else "")
            + told,
            where=f"registry {server.host}",
            hint=hint,
        )

    def _told(self, said: str) -> str:
        """A registry's own words, to put behind ours: struck first, so that no half of a secret stays."""
        return f": {self._struck(said)[:_SHOWN]}" if said else ""

    def _struck(self, text: str) -> str:
        """The text without any secret that was sent: a registry could say it back."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if secret:
                text = text.replace(secret, "***")
        return text


def default_registry() -> str | None:
    """What ENTRYSEM_REGISTRY says, or None."""
    return os.environ.get("ENTRYSEM_REGISTRY") or None


def _server(text: str) -> _Server:
    scheme, marker, rest = text.partition("://")
    if not marker:
        scheme, rest = "", text
    host, _, path = rest.partition("/")
    # As Docker writes its own, https://HOST/v1/
    prefix = "" if path.strip("/") in {"", "v1", "v2"} else f"{path.strip('/')}/"
    well_formed = parse_reference(f"{host}:1/x") or parse_reference(f"{host}/x")
    if scheme not in {"", "http", "https"} or well_formed is None or not _HOST.fullmatch(host):
        raise InputError(
            "bad-base-source",
            # Not the text: it may hold a password.
            "the default registry is not HOST[:PORT][/PREFIX]",
            where="ENTRYSEM_REGISTRY",
            hint="such as registry.example:5000; log in with `docker login`, not here",
        )
    schemes = (scheme,) if scheme else ("https", "http") if is_loopback(host) else ("https",)
    return _Server(host, schemes, prefix)


_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)


def _of_docker() -> str | None:
    """The default registry of the engine that `docker` reaches, or None."""
    try:
        done = subprocess.run(
            ["docker", "info", "--format", "{{.IndexServerAddress}}"],  # noqa: S607
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = done.stdout.decode(errors="replace").strip()
    return text if done.returncode == 0 and "\n" not in text and text else None


def _challenges(header: str) -> dict[str, dict[str, str]]:
    """`WWW-Authenticate`: scheme in small letters -> its parameters; several may stand in one header."""
    found = list(_CHALLENGE.finditer(header))
    ends = [*[match.start() for match in found], len(header)][1:]
    return {
        match[1].lower(): {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
            for name, quoted, plain in _PARAMETER.findall(header[match.end() : end])
        }
        for match, end in zip(found, ends, strict=True)
    }


def _named(answer: Answer) -> str:
    """The digest that the registry says the manifest has, or the one that it has."""
    named = answer.headers.get("Docker-Content-Digest")
    if is_digest(named):
        assert named is not None
        return named
    return f"sha256:{hashlib.sha256(answer.body).hexdigest()}"


def _type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip()


def _is_page(answer: Answer) -> bool:
    return _type(answer) in {"text/html", "application/xhtml+xml"}


def _errors(answer: Answer) -> tuple[set[str], str]:
    """The codes and the first message of a registry's error, on one line."""
    try:
        document = parsed(answer.body, "")
    except InputError:
        return set(), ""
    entries = document.get("errors") if isinstance(document, dict) else None
    codes: set[str] = set()
    said = ""
    for entry in entries if isinstance(entries, list) else [document]:
        if isinstance(entry, dict):
            code = entry.get("code")
            message = entry.get("message") or entry.get("details") or entry.get("error")
            if isinstance(code, str):
                codes.add(code.upper())
            if isinstance(message, str) and not said:
                said = " ".join(message.split())
    return codes, said
