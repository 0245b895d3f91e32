"""Which source answers for a base image, in which order, and what a wrong option says.

Engines are stood in for by programs of the test that print what real ones print (`data/`);
`conformance/test_bases.py` asks real engines.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from entrysem.bases.open import Bases, is_image, open_bases, open_image
from entrysem.errors import InputError
from entrysem.model import Base, ImageConfig, Inherited
from tests.bases.images import (
    EXPECTED,
    PLATFORM,
    Store,
    config_bytes,
    digest,
    saved,
    write_folder,
    write_tar,
)

DATA = Path(__file__).parent / "data"
#: What data/README.md says that the image was built from.
BUILT = ImageConfig(
    ("docker-entrypoint.sh",),
    ("python3", "-q"),
    ("/bin/bash", "-o", "pipefail", "-c"),
    ("RUN echo hello",),
)


def opened(configs: list[str], sources: list[str], *, catalogue: bool = False) -> Bases:
    return open_bases(configs, sources, catalogue=catalogue, platform=PLATFORM)


def archive(folder: Path, name: str, *images: str) -> str:
    """A docker-archive in which each image's Cmd is the archive's name."""
    config = config_bytes(Cmd=[name])
    write_tar(folder / name, saved((config, list(images))))
    return f"docker-archive:{folder / name}"


def program(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def refused(code: str, call: Any, *words: Any, **more: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        call(*words, **more)
    assert caught.value.code == code
    return caught.value


# Order.


@pytest.mark.parametrize(
    ("image", "cmd", "origin"),
    [
        ("python:3.12", ("given",), "given"),
        ("acme/both:1", ("first.tar",), "archive"),
        ("acme/second:1", ("second.tar",), "archive"),
        ("redis:7", ("redis-server",), "catalogue"),
        ("acme/none:1", None, ""),
    ],
)
def test_order(tmp_path: Path, image: str, cmd: tuple[str, ...] | None, origin: str) -> None:
    """--base-config, then the sources as typed, then the catalogue."""
    (tmp_path / "given.json").write_bytes(config_bytes(Cmd=["given"]))
    sources = [
        archive(tmp_path, "first.tar", "acme/both:1", "python:3.12"),
        archive(tmp_path, "second.tar", "acme/both:1", "acme/second:1", "python:3.12"),
    ]
    bases = opened([f"python:3.12={tmp_path / 'given.json'}"], sources, catalogue=True)
    assert bases.places == ("--base-config", *sources, "the catalogue")
    base = bases(image)
    if cmd is None:
        assert base is None
    else:
        assert base is not None
        assert (base.config.cmd, base.origin) == (cmd, origin)
    assert opened([], sources)("redis:7") is None


def test_a_source_that_cannot_be_read_does_not_pass_on(tmp_path: Path) -> None:
    """The catalogue knows redis; its answer would look like one of the source that was asked for."""
    refused("unreadable", opened([], [f"oci:{tmp_path}/none"], catalogue=True), "redis:7")


def test_images_in_files_as_configs(tmp_path: Path) -> None:
    store = Store()
    folder = write_folder(tmp_path / "layout", store.files(store.image(config_bytes())))
    saved_as = archive(tmp_path, "a.tar", "other/name:1")
    bases = opened([f"acme/base:1=oci:{folder}", f"acme/two={saved_as}:1"], [])
    for image, cmd in (("acme/base:1", EXPECTED.cmd), ("acme/two", ("a.tar",))):
        base = bases(image)
        assert base is not None
        assert (base.config.cmd, base.origin) == (cmd, "given")
        assert str(tmp_path) in base.note


def test_given_twice(tmp_path: Path) -> None:
    text = archive(tmp_path, "a.tar", "x:1")
    (tmp_path / "a.json").write_bytes(config_bytes())
    for other in (text, str(tmp_path / "a.json")):
        refused("bad-base-option", opened, [f"x:1={text}", f"x:1={other}"], [])


# What is typed wrong.


@pytest.mark.parametrize(
    "source",
    [
        "",
        "dockre",
        "docker-archive",
        "oci:",
        "oci",
        "registry:x",
        "image:x",
        "podman-remote",
        "a\nb",
    ],
)
def test_no_source(source: str) -> None:
    error = refused("bad-base-source", opened, [], [source])
    assert error.where == "--base-from"
    assert "\n" not in error.message
    assert "docker-archive:FILE" in (error.hint or "")


@pytest.mark.parametrize(
    "source",
    ["docker:x", "docker:context", "docker:context=", "docker:connection=x", "podman:context=x",
     "docker:host=a,host=b", "docker:cli=sh,"],
)  # fmt: skip
def test_no_option_of_an_engine(source: str) -> None:
    error = refused("bad-base-source", opened, [], [source])
    assert "options are" in (error.hint or "")


@pytest.mark.parametrize("source", ["docker", "podman", "docker:context=x", "podman:cli=nope"])
def test_no_engine(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    refused("no-engine", opened, [], [source])


@pytest.mark.parametrize(
    "name", ["", "scratch", "Python", "a b", "-x", "x:", "\x1b[31m", "a@sha256:0"]
)
def test_no_image_name(name: str) -> None:
    error = refused(
        "bad-image-name", open_image, f"image:{name}", opened([], []), platform=PLATFORM
    )
    assert error.message.isprintable()


def test_an_image_that_nobody_has(tmp_path: Path) -> None:
    source = archive(tmp_path, "a.tar", "x:1")
    ask = opened([], [source], catalogue=True)
    error = refused("no-such-image", open_image, "image:acme/none", ask, platform=PLATFORM)
    assert error.message == f"not found in {source} and the catalogue"
    # Nobody was asked: then it is unknown, as for a FROM.
    base = open_image("image:acme/none", opened([], [], catalogue=True), platform=PLATFORM)
    assert base.origin == "unknown"
    assert base.config.cmd == (Inherited("Cmd", "acme/none"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image:x", True),
        ("oci:x", True),
        ("docker-archive:x", True),
        ("oci-archive:x", True),
        ("./image:x", False),
        ("Dockerfile", False),
        ("docker://x", False),
    ],
)
def test_is_image(text: str, expected: bool) -> None:
    assert is_image(text) is expected


# Engines.


@pytest.mark.parametrize("data", ["docker-28.5-inspect.json", "docker-20.10-inspect.json"])
def test_docker(tmp_path: Path, data: str) -> None:
    # `--format '{{json .}}'` prints the object alone, the plain command a list of it.
    (printed,) = json.loads((DATA / data).read_text())
    (tmp_path / "printed.json").write_text(json.dumps(printed))
    words = "--context far image inspect --format {{json .}} acme/base:latest"
    script = f'[ "$*" = "{words}" ] && exec cat {tmp_path}/printed.json\n'
    script += "echo; echo 'Error: No such image: x' >&2; exit 1"
    bases = opened([], [f"docker:context=far,cli={program(tmp_path, 'docker', script)}"])
    base = bases("acme/base")
    assert base is not None
    # BuildKit sets a flag of its own, which nothing reads on Linux.
    assert (base.config._replace(args_escaped=False), base.origin) == (BUILT, "docker")
    assert base.note.startswith("docker:context=far: acme/base, sha256:")
    assert bases("acme/none") is None


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_an_engine_that_is_down(tmp_path: Path, name: str) -> None:
    """Asked once: for the next image it is down as well."""
    script = f"echo x >>{tmp_path}/calls\necho 'Cannot connect to the daemon' >&2; exit 125"
    bases = opened([], [f"{name}:cli={program(tmp_path, name, script)}"], catalogue=True)
    for image in ("redis:7", "python:3"):
        error = refused("unreachable", bases, image)
        assert error.message == "Cannot connect to the daemon"
        assert error.where == f"--base-from {name}"
    assert (tmp_path / "calls").read_text() == "x\n"


PODMAN = """\
case "$1 $2" in
'image exists') [ "$3" = acme/base:latest ];;
'image inspect') exec cat {data};;
'info --format') echo '{info}';;
esac
"""


@pytest.mark.parametrize("data", ["podman-5.8-inspect.json", "podman-3.0-inspect.json"])
def test_podman_without_its_store(tmp_path: Path, data: str) -> None:
    """It prints neither Shell nor OnBuild: the shell is not known, which is not none."""
    script = PODMAN.format(data=DATA / data, info="{}")
    bases = opened([], [f"podman:cli={program(tmp_path, 'podman', script)}"])
    base = bases("acme/base")
    assert base is not None
    assert base.config == ImageConfig(
        BUILT.entrypoint, BUILT.cmd, (Inherited("Shell", "acme/base"),)
    )
    assert "podman does not show Shell and OnBuild" in base.note
    assert bases("acme/none") is None


@pytest.mark.parametrize("tampered", [False, True])
def test_podman_with_its_store(tmp_path: Path, tampered: bool) -> None:
    """containers/storage: DRIVER-images/ID/=BASE64(sha256:ID)."""
    config = config_bytes()
    identity = digest(config).removeprefix("sha256:")
    name = "=" + base64.b64encode(digest(config).encode()).decode()
    stored = config.replace(b"python3", b"python4") if tampered else config
    write_folder(tmp_path / f"overlay-images/{identity}", {name: stored})
    printed = json.loads((DATA / "podman-5.8-inspect.json").read_text())
    printed[0]["Id"] = identity
    (tmp_path / "printed.json").write_text(json.dumps(printed))
    info = json.dumps({"store": {"graphRoot": str(tmp_path), "graphDriverName": "overlay"}})
    script = PODMAN.format(data=tmp_path / "printed.json", info=info)
    base = opened([], [f"podman:cli={program(tmp_path, 'podman', script)}"])("acme/base")
    assert base is not None
    if tampered:
        assert base.config.shell == (Inherited("Shell", "acme/base"),)
    else:
        note = f"podman: acme/base, {digest(config)}"
        assert base == Base(EXPECTED, "podman", note)


def test_an_engine_with_another_platform(tmp_path: Path) -> None:
    printed = json.loads((DATA / "docker-28.5-inspect.json").read_text())
    printed[0]["Architecture"] = "arm64"
    (tmp_path / "printed.json").write_text(json.dumps(printed))
    script = f"exec cat {tmp_path}/printed.json"
    base = opened([], [f"docker:cli={program(tmp_path, 'docker', script)}"])("acme/base")
    assert base is not None
    assert base.note.endswith("; for linux/arm64, not linux/amd64")
