"""What a base brings, read from real parts: a registry, and the lab's engines.

The registry is Debian's docker-registry (`conformance.registry`). The engines are the lab's: those that
are up, and under CI every one, brought up where it is not. What is expected is what the Dockerfile or
config of each image says.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.lab import LabEngine, Places, alive, engines, ensure
from conformance.registry import PASSWORD, REFRESH, USER, RealRegistry, binary
from entrysem.bases.cache import Cache
from entrysem.bases.credentials import Keychain
from entrysem.bases.open import open_bases, open_image
from entrysem.bases.registry import Registry
from entrysem.errors import InputError
from entrysem.model import Base, ImageConfig

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
CONFIG = {"Entrypoint": ["e", "é"], "Cmd": ["c"], "Shell": ["/bin/bash", "-c"]}
EXPECTED = ImageConfig(("e", "é"), ("c",), ("/bin/bash", "-c"))
PLATFORM = "linux/amd64"


@pytest.fixture(scope="module")
def program() -> Path:
    return binary()


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the user's logins nor the user's cache."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "registry"
    path.mkdir()
    return path


def push_image(
    registry: RealRegistry,
    repository: str,
    tag: str,
    config: Mapping[str, Any],
    architecture: str = "amd64",
    *,
    docker: bool = False,
) -> str:
    stored = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    blob = registry.push_blob(repository, json.dumps(stored, ensure_ascii=False).encode())
    kind = f"{DOCKER}container.image.v1+json" if docker else f"{OCI}config.v1+json"
    media_type = f"{DOCKER}distribution.manifest.v2+json" if docker else f"{OCI}manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {"mediaType": kind, **blob},
        "layers": [],
    }
    return registry.push(repository, tag, json.dumps(manifest).encode(), media_type)


def push_index(registry: RealRegistry, repository: str, tag: str, *, docker: bool) -> str:
    """An image for three platforms, and provenance."""
    entries = []
    for machine, variant in (("arm64", "v8"), ("amd64", ""), ("arm", "v7")):
        config = {**CONFIG, "Cmd": [machine]}
        digest = push_image(
            registry, repository, f"{tag}-{machine}", config, machine, docker=docker
        )
        platform = {"os": "linux", "architecture": machine}
        if variant:
            platform["variant"] = variant
        entries.append((digest, platform))
    digest = push_image(registry, repository, f"{tag}-provenance", {}, "unknown", docker=docker)
    entries.insert(0, (digest, {"os": "unknown", "architecture": "unknown"}))
    kind = f"{DOCKER}distribution.manifest.v2+json" if docker else f"{OCI}manifest.v1+json"
    media_type = f"{DOCKER}distribution.manifest.list.v2+json" if docker else f"{OCI}index.v1+json"
    size = len(
        registry._send(
            "GET", f"{repository}/manifests/{digest}", repository, headers={"Accept": kind}
        ).content
    )
    manifests = []
    for digest, platform in entries:
        got = registry._send(
            "GET", f"{repository}/manifests/{digest}", repository, headers={"Accept": kind}
        )
        size = len(got.content)
        manifests.append({"mediaType": kind, "digest": digest, "size": size, "platform": platform})
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
    return registry.push(repository, tag, json.dumps(index).encode(), media_type)


def write_login(home: Path, host: str, entry: Mapping[str, Any] | None = None) -> None:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (home / ".docker").mkdir(parents=True)
    config = {"auths": {host: {"auth": auth} if entry is None else entry}}
    (home / ".docker" / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_open_registry(program: Path, folder: Path, docker: bool) -> None:
    with RealRegistry(program, folder) as registry:
        digest = push_image(registry, "acme/base", "1", CONFIG, docker=docker)
        bases = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        note = f"{registry.host}/acme/base@{digest}"
        assert bases(f"{registry.host}/acme/base:1") == Base(EXPECTED, "registry", note)
        assert bases(f"{registry.host}/acme/base:1@{digest}") == Base(EXPECTED, "registry", note)
        assert bases(f"{registry.host}/acme/base:2") is None
        assert bases(f"{registry.host}/acme/none") is None
        assert bases(f"{registry.host}/acme/base@sha256:{'0' * 64}") is None


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_platforms(program: Path, folder: Path, docker: bool) -> None:
    with RealRegistry(program, folder) as registry:
        index = push_index(registry, "acme/base", "1", docker=docker)
        image = f"{registry.host}/acme/base:1"
        for platform, cmd in (
            ("linux/amd64", "amd64"),
            ("linux/arm64", "arm64"),
            ("linux/arm64/v8", "arm64"),
            ("linux/arm", "arm"),
        ):
            bases = open_bases([], ["registry"], catalogue=False, platform=platform)
            for spelling in (image, f"{registry.host}/acme/base@{index}"):
                base = bases(spelling)
                assert base is not None
                assert base.config.cmd == (cmd,)
        bases = open_bases([], ["registry"], catalogue=False, platform="linux/s390x")
        with pytest.raises(InputError) as caught:
            bases(image)
        assert caught.value.code == "no-such-platform"
        assert "linux/arm64/v8, linux/amd64, linux/arm/v7" in caught.value.message


def test_the_default_registry(program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RealRegistry(program, folder) as registry:
        push_image(registry, "library/base", "latest", CONFIG)
        push_image(registry, "mirror/acme/base", "1", CONFIG)
        monkeypatch.setenv("ENTRYSEM_REGISTRY", registry.host)
        bases = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        base = bases("base")
        assert base is not None
        assert base.config == EXPECTED
        monkeypatch.setenv("ENTRYSEM_REGISTRY", f"{registry.url}/mirror")
        bases = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        assert bases("acme/base:1") is not None
        assert bases("acme/base:2") is None


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("auth", ["basic", "token"])
def test_login(
    program: Path,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    auth: Any,
    tls: bool,
) -> None:
    with RealRegistry(program, folder, auth=auth, tls=tls) as registry:
        if registry.ca is not None:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(registry.ca))
        digest = push_image(registry, "acme/base", "1", CONFIG)
        image = f"{registry.host}/acme/base:1"
        ask = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        with pytest.raises(InputError) as caught:
            ask(image)
        assert (caught.value.code, caught.value.where) == ("denied", f"registry {registry.host}")
        assert f"docker login {registry.host}" in (caught.value.hint or "")
        write_login(tmp_path / "home", registry.host)
        ask = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        note = f"{registry.host}/acme/base@{digest}"
        assert ask(image) == Base(EXPECTED, "registry", note)
        assert ask(f"{registry.host}/acme/base:none") is None
        if auth == "token":
            assert set(registry.issued) == {"repository:acme/base:pull"}


def test_wrong_password(program: Path, folder: Path, tmp_path: Path) -> None:
    with RealRegistry(program, folder, auth="basic") as registry:
        push_image(registry, "acme/base", "1", CONFIG)
        wrong = base64.b64encode(b"tester:wr0ng-password").decode()
        write_login(tmp_path / "home", registry.host, {"auth": wrong})
        ask = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        with pytest.raises(InputError) as caught:
            ask(f"{registry.host}/acme/base:1")
        told = f"{caught.value.message} {caught.value.hint} {caught.value.where}"
        assert caught.value.code == "denied"
        assert "may have expired" in told
        assert "wr0ng" not in told
        assert wrong not in told


def test_tokens_for_nobody_and_by_identity(program: Path, folder: Path, tmp_path: Path) -> None:
    with RealRegistry(program, folder, auth="token") as registry:
        push_image(registry, "public/base", "1", CONFIG)
        push_image(registry, "acme/base", "1", CONFIG)
        ask = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        assert ask(f"{registry.host}/public/base:1") is not None
        write_login(tmp_path / "home", registry.host, {"identitytoken": REFRESH})
        ask = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
        assert ask(f"{registry.host}/acme/base:1") is not None


def test_a_credential_helper(
    program: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helper as docker-credential-helpers' protocol has it: the server on stdin, JSON on stdout."""
    with RealRegistry(program, folder, auth="basic") as registry:
        push_image(registry, "acme/base", "1", CONFIG)
        helper = tmp_path / "bin" / "docker-credential-mine"
        helper.parent.mkdir()
        answer = json.dumps({"ServerURL": registry.host, "Username": USER, "Secret": PASSWORD})
        helper.write_text(
            f'#!/bin/sh\nread server\n[ "$1 $server" = "get {registry.host}" ] || '
            f"{{ echo credentials not found in native keychain; exit 1; }}\necho '{answer}'\n"
        )
        helper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{helper.parent}:/usr/bin:/bin")
        docker = tmp_path / "home" / ".docker" / "config.json"
        docker.parent.mkdir(parents=True)
        for config in ({"credsStore": "mine"}, {"credHelpers": {registry.host: "mine"}}):
            docker.write_text(json.dumps(config))
            ask = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)
            assert ask(f"{registry.host}/acme/base:1") is not None


def test_untrusted_certificate(program: Path, folder: Path) -> None:
    """Only this machine is spoken to without TLS; and here a certificate that nobody trusts."""
    with RealRegistry(program, folder, tls=True) as registry:
        push_image(registry, "acme/base", "1", CONFIG)
        ask = Registry(PLATFORM, default=registry.url)
        with pytest.raises(InputError) as caught:
            ask("acme/base:1")
        assert caught.value.code == "untrusted"
        assert "REQUESTS_CA_BUNDLE" in (caught.value.hint or "")


def test_a_pinned_image_needs_no_network_twice(program: Path, folder: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    with RealRegistry(program, folder) as registry:
        digest = push_index(registry, "acme/base", "1", docker=False)
        pinned = f"{registry.host}/acme/base@{digest}"
        first = Registry(PLATFORM, cache=cache)(pinned)
        assert first is not None
    again = Registry(PLATFORM, cache=cache, keychain=Keychain({}))
    assert again(pinned) == first
    with pytest.raises(InputError) as caught:
        again(f"{registry.host}/acme/base:1")
    assert caught.value.code == "unreachable"
    assert "Connection refused" in caught.value.message


# Engines.

DOCKERFILE = """\
FROM scratch
COPY Dockerfile /
SHELL ["/bin/bash", "-c"]
ENTRYPOINT ["e", "é"]
CMD []
ONBUILD CMD ["triggered"]
"""
BUILT = ImageConfig(("e", "é"), (), ("/bin/bash", "-c"), ('CMD ["triggered"]',))
NAME = "entrysem-test/bases:1"


def plain(config: ImageConfig) -> ImageConfig:
    """`CMD []` is stored as null by some engines and as [] by others, which comes to the same; and
    BuildKit sets a flag that nothing reads on Linux.
    """
    return config._replace(cmd=config.cmd or (), args_escaped=False)


def _engines(kind: str) -> list[LabEngine]:
    found: dict[str, LabEngine] = {}
    for engine in engines():
        if engine.kind == kind and (os.environ.get("CI") or alive(engine.id)):
            found.setdefault(engine.suite, engine)
    return list(found.values())


@pytest.fixture(params=_engines("docker") + _engines("podman"), ids=lambda engine: engine.id)
def engine(request: pytest.FixtureRequest) -> Iterator[tuple[str, Path]]:
    """A running engine with an image: `--base-from` for it, and its command."""
    found: LabEngine = ensure(request.param.id)
    places = Places.here()
    command = places.wrapper(found.kind, found.suite)
    context = places.work(found.suite) / "test-bases"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(DOCKERFILE)
    words = ["build", "-q", "-t", NAME]
    words += ["--format", "docker"] if found.kind == "podman" else []
    subprocess.run([command, *words, str(context)], check=True, capture_output=True, timeout=120)
    yield f"{found.kind}:cli={command}", context
    subprocess.run([command, "rmi", "-f", NAME], check=True, capture_output=True, timeout=120)
    shutil.rmtree(context)


def test_engine_and_what_it_saves(engine: tuple[str, Path]) -> None:
    source, context = engine
    command = source.partition("cli=")[2]
    bases = open_bases([], [source], catalogue=False, platform=PLATFORM)
    base = bases(NAME)
    assert base is not None
    assert (plain(base.config), base.origin) == (BUILT, source.partition(":")[0])
    assert bases("entrysem-test/none:1") is None
    # The beginning of an id is no name.
    identity = base.note.rpartition("sha256:")[2][:12]
    assert bases(identity) is None

    archive = context / "saved.tar"
    with archive.open("wb") as file:
        subprocess.run([command, "save", NAME], check=True, stdout=file, timeout=120)
    saved = open_image(f"docker-archive:{archive}", bases, platform=PLATFORM)
    assert plain(saved.config) == BUILT
    assert saved.origin == "archive"
    named = open_bases([], [f"docker-archive:{archive}"], catalogue=False, platform=PLATFORM)(NAME)
    assert named is not None
    assert named.config == saved.config


def test_what_an_engine_pushes(engine: tuple[str, Path], program: Path, folder: Path) -> None:
    """An engine has a network of its own: the registry is in there for the push, and outside after it."""
    source, context = engine
    kind, _, command = source.partition(":cli=")
    pid, _ = Places.here().read_state(context.parent.parent.name)["holder"]
    enter = ["nsenter", "--target", str(pid), "--net", "--"]
    with RealRegistry(program, folder, enter=enter) as registry:
        image = f"{registry.host}/entrysem-test/bases:1"
        insecure = ["--tls-verify=false"] if kind == "podman" else []
        try:
            for words in (["tag", NAME, image], ["push", *insecure, image]):
                subprocess.run([command, *words], check=True, capture_output=True, timeout=120)
        finally:
            subprocess.run([command, "rmi", image], check=False, capture_output=True, timeout=120)
    with RealRegistry(program, folder) as registry:
        image = f"{registry.host}/entrysem-test/bases:1"
        base = open_bases([], ["registry"], catalogue=False, platform=PLATFORM)(image)
        assert base is not None
        assert (plain(base.config), base.origin) == (BUILT, "registry")


@pytest.mark.parametrize("engine", _engines("podman"), indirect=True, ids=lambda engine: engine.id)
def test_layouts_of_podman(engine: tuple[str, Path]) -> None:
    """OCI's format keeps what podman converts to it: neither Shell nor OnBuild."""
    source, context = engine
    command = source.partition(":cli=")[2]
    for form, prefix, path in (
        ("oci-dir", "oci:", context / "layout"),
        ("oci-archive", "oci-archive:", context / "layout.tar"),
    ):
        words = [command, "save", "--format", form, "-o", str(path), NAME]
        subprocess.run(words, check=True, capture_output=True, timeout=120)
        bases = open_bases([], [f"{prefix}{path}"], catalogue=False, platform=PLATFORM)
        for base in (
            open_image(f"{prefix}{path}", bases, platform=PLATFORM),
            open_image(f"{prefix}{path}:1", bases, platform=PLATFORM),
            bases(NAME),
        ):
            assert base is not None
            assert plain(base.config) == ImageConfig(("e", "é"), ())
        with pytest.raises(InputError, match="no image is called 2 here"):
            open_image(f"{prefix}{path}:2", bases, platform=PLATFORM)


def test_engine_on_the_command_line(engine: tuple[str, Path]) -> None:
    source, _ = engine
    words = [sys.executable, "-m", "entrysem", "explain", f"image:{NAME}", "--base-from", source]
    done = subprocess.run(
        [*words, "--format", "json", "--", "x"], capture_output=True, check=True, timeout=120
    )
    found = json.loads(done.stdout)
    assert found["argv"] == ["e", "é", "x"]
    assert found["base"]["image"] == NAME
    assert found["base"]["origin"] == source.partition(":")[0]
