"""Stored logins: which one counts for a registry, and that none is shown."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from entrysem.bases.credentials import Credential, Keychain

HOST = "registry.example:5000"
URL = "https://default.example/v1/"
MINE = Credential("me", "s3:cret")


def auth(credential: Credential = MINE) -> dict[str, str]:
    return {"auth": base64.b64encode(":".join(credential).encode()).decode()}


def keychain(home: Path, config: Any, **environment: str) -> Keychain:
    (home / ".docker").mkdir(exist_ok=True)
    text = config if isinstance(config, str) else json.dumps(config)
    (home / ".docker" / "config.json").write_text(text)
    return Keychain({"HOME": str(home), **environment})


def helper(folder: Path, name: str, script: str) -> dict[str, str]:
    """A helper program; the PATH with it."""
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def answer(username: str, secret: str) -> str:
    document = json.dumps({"ServerURL": "x", "Username": username, "Secret": secret})
    return f"cat >/dev/null; echo '{document}'"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (auth(), MINE),
        ({"auth": base64.b64encode(b"me:s3:cret\0\0").decode()}, MINE),
        ({"username": "me", "password": "s3:cret"}, MINE),
        ({**auth(), "identitytoken": "token"}, Credential("", "token")),
        ({"auth": "%%%"}, None),
        ({"auth": base64.b64encode(b"\xff").decode()}, None),
        ({"auth": base64.b64encode(b":only").decode()}, None),
        ({"auth": 3}, None),
        ({}, None),
        ("text", None),
        (None, None),
    ],
)
def test_entries(tmp_path: Path, entry: Any, expected: Credential | None) -> None:
    """docker/cli decodeAuth: the first colon ends the name, NULs at the end are none of the password."""
    assert keychain(tmp_path, {"auths": {HOST: entry}}).find(HOST, "acme/base") == expected


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (HOST, True),
        (f"https://{HOST}", True),
        (f"https://{HOST}/v1/", True),
        (f"http://{HOST}/v2/", True),
        (f"{HOST}/acme", True),
        (f"{HOST}/acme/base", True),
        (f"{HOST}/acme/other", False),
        (f"{HOST}/acm", False),
        ("registry.example", False),
        (f"evil.example/{HOST}", False),
        (f"evil-{HOST}", False),
    ],
)
def test_keys(tmp_path: Path, key: str, found: bool) -> None:
    """Keys are hosts, URLs (docker) or paths of a host (containers-auth.json)."""
    assert (keychain(tmp_path, {"auths": {key: auth()}}).find(HOST, "acme/base") == MINE) is found


def test_the_most_specific_key_counts(tmp_path: Path) -> None:
    auths = {HOST: auth(Credential("host", "p")), f"{HOST}/acme": auth(MINE)}
    chain = keychain(tmp_path, {"auths": auths})
    assert chain.find(HOST, "acme/base") == MINE
    assert chain.find(HOST, "other/base") == Credential("host", "p")


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("DOCKER_CONFIG", "config.json"),
        ("REGISTRY_AUTH_FILE", ""),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("XDG_CONFIG_HOME", "containers/auth.json"),
        ("HOME", ".docker/config.json"),
        ("HOME", ".config/containers/auth.json"),
    ],
)
def test_places(tmp_path: Path, variable: str, name: str) -> None:
    path = tmp_path / "place" / name if name else tmp_path / "auth.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {HOST: auth()}}))
    environment = {"HOME": str(tmp_path / "none")}
    environment[variable] = str(tmp_path / "place") if name else str(path)
    assert Keychain(environment).find(HOST) == MINE


@pytest.mark.parametrize("config", ["", "[1]", "{", "[" * 100_000, '{"auths": []}'])
def test_broken_files_are_no_error(tmp_path: Path, config: str) -> None:
    chain = keychain(tmp_path, config)
    assert chain.find(HOST) is None
    assert len(chain.problems) == (config in {"", "{"} or len(config) > 1000)


@pytest.mark.parametrize(
    "config",
    [
        {"credsStore": "mine"},
        {"credHelpers": {HOST: "mine"}},
        {"credHelpers": {HOST: "mine"}, "credsStore": "other"},
        {"credsStore": "mine", "auths": {HOST: {}}},
        {"credsStore": "mine", "auths": {HOST: auth(Credential("old", "old"))}},
    ],
)
def test_helpers(tmp_path: Path, config: Any) -> None:
    path = helper(tmp_path, "mine", answer(*MINE))
    helper(tmp_path, "other", answer("other", "other"))
    assert keychain(tmp_path, config, **path).find(HOST) == MINE


def test_what_a_helper_is_asked(tmp_path: Path) -> None:
    """The key as it stands in the file, on standard input; once."""
    path = helper(tmp_path, "mine", f'echo "$* $(cat)" >>{tmp_path}/asked; {answer(*MINE)[16:]}')
    config = {"credsStore": "mine", "auths": {URL: {}}}
    chain = keychain(tmp_path, config, **path)
    for _ in range(2):
        assert chain.find("default.example", "library/base") == MINE
    assert (tmp_path / "asked").read_text() == f"get {URL}\n"
    assert chain.index() == URL


def test_an_identity_token_of_a_helper(tmp_path: Path) -> None:
    path = helper(tmp_path, "mine", answer("<token>", "t0ken"))
    assert keychain(tmp_path, {"credsStore": "mine"}, **path).find(HOST) == Credential("", "t0ken")


@pytest.mark.parametrize(
    ("name", "script", "problem"),
    [
        ("mine", "echo credentials not found in native keychain; exit 1", ""),
        ("mine", answer("me", ""), ""),
        ("mine", "echo h1dden; echo h1dden >&2; exit 3", "failed with exit code 3"),
        ("mine", "echo h1dden", "answered something that is no credential"),
        ("mine", "echo '[\"h1dden\"]'", "answered something that is no credential"),
        ("mine", 'echo \'{"Username": 1, "Secret": "h1dden"}\'', "is no credential"),
        ("gone", "", "which is not there"),
        ("../mine", "", "no name of a program"),
        ("-x", "", "no name of a program"),
    ],
)
def test_helpers_that_fail(tmp_path: Path, name: str, script: str, problem: str) -> None:
    """What stands in the file counts then; what the helper wrote is not repeated."""
    path = helper(tmp_path, "mine", f"cat >/dev/null\n{script}")
    config = {"credsStore": name, "auths": {"other.example": auth()}}
    chain = keychain(tmp_path, config, **path)
    assert chain.find(HOST) is None
    told = " ".join(chain.problems)
    assert bool(told) is bool(problem)
    assert problem in told
    assert "h1dden" not in told
    assert chain.find("other.example") == MINE


def test_a_credential_is_never_shown() -> None:
    assert "s3" not in f"{MINE} {MINE!r} {[MINE]} {MINE!s}"
    assert base64.b64encode(b"me:s3:cret").decode() in MINE.secrets


@pytest.mark.parametrize(
    ("auths", "index"),
    [
        ({URL: {}}, URL),
        ({HOST: {}, URL: {}}, URL),
        ({HOST: {}}, None),
        ({"http://a/v1/": {}, "https://b/v2/": {}}, None),
    ],
)
def test_the_default_registry_of_docker(tmp_path: Path, auths: Any, index: str | None) -> None:
    assert keychain(tmp_path, {"auths": auths}).index() == index
