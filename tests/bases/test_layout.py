"""Images in folders and archives: which one a name means, and what is refused."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrysem.bases.layout import Layout
from entrysem.bases.open import open_bases, open_image
from entrysem.errors import InputError
from tests.bases.images import (
    EXPECTED,
    OCI,
    PLATFORM,
    Store,
    config_bytes,
    digest,
    named,
    saved,
    write_folder,
    write_tar,
)

NONE = open_bases([], [], catalogue=False, platform=PLATFORM)


def refused(text: str, platform: str = PLATFORM) -> InputError:
    with pytest.raises(InputError) as caught:
        open_image(text, NONE, platform=platform)
    return caught.value


def simple() -> tuple[Store, dict[str, bytes]]:
    store = Store()
    return store, store.files(store.image(config_bytes(), **named("1.0")))


# Forms.


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_archives(tmp_path: Path, mode: str, prefix: str) -> None:
    """`docker save | gzip` is common; `tar -C DIR -c .` writes `./` before each name."""
    path = write_tar(tmp_path / "a.tar", saved((config_bytes(), ["acme/base:1"])), mode, prefix)
    base = open_image(f"docker-archive:{path}", NONE, platform=PLATFORM)
    assert (base.config, base.origin) == (EXPECTED, "archive")
    assert base.note == f"docker-archive:{path}: acme/base:1, {digest(config_bytes())}"


def test_folder(tmp_path: Path) -> None:
    _, files = simple()
    folder = write_folder(tmp_path, files)
    base = open_image(f"oci:{folder}", NONE, platform=PLATFORM)
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert (base.config, base.origin) == (EXPECTED, "oci")
    assert base.note == f"oci:{folder}: {entry['digest']}"
    assert open_image(f"oci:{folder}:1.0", NONE, platform=PLATFORM) == base


def test_an_archive_of_both_forms(tmp_path: Path) -> None:
    """Docker since 25: manifest.json, whose Config is a blob, beside index.json."""
    store = Store()
    config = config_bytes()
    files = store.files(
        store.image(config, **named("host.example/acme/base:1", "io.containerd.image.name"))
    )
    entry = {"Config": f"blobs/{digest(config).replace(':', '/')}", "RepoTags": ["acme/base:1"]}
    files["manifest.json"] = json.dumps([entry]).encode()
    path = write_tar(tmp_path / "a.tar", files)
    for prefix in ("docker-archive:", "oci-archive:"):
        layout = Layout(prefix, str(path), PLATFORM)
        assert layout.chosen("").config == EXPECTED
        base = layout.named("acme/base:1")
        assert base is not None
        assert base.config == EXPECTED


@pytest.mark.parametrize("media", ["docker", "oci"])
def test_media_types(tmp_path: Path, media: str) -> None:
    store = Store()
    folder = write_folder(
        tmp_path, store.files(store.image(config_bytes(), docker=media == "docker"))
    )
    assert open_image(f"oci:{folder}", NONE, platform=PLATFORM).config == EXPECTED


# Names.


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("acme/base:1", True),
        ("acme/base", False),
        ("acme/base:2", False),
        ("base:1", False),
        ("host.example/acme/base:1", False),
        ("other:1", True),
        ("library/other:1", True),
        ("local:1", True),
        ("localhost/local:1", True),
        ("elsewhere/local:1", False),
        ("twice:1", False),
    ],
)
def test_names_for_a_from(tmp_path: Path, image: str, found: bool) -> None:
    images: list[tuple[bytes, list[str] | None]] = [
        (config_bytes(Cmd=[name]), [name])
        for name in ("acme/base:1", "other:1", "localhost/local:1", "a.b/twice:1", "c.d/twice:1")
    ]
    path = write_tar(tmp_path / "a.tar", saved(*images, (config_bytes(Cmd=["unnamed"]), None)))
    base = Layout("docker-archive:", str(path), PLATFORM).named(image)
    assert (base is not None) is found
    if base is not None:
        assert base.config.cmd is not None
        assert str(base.config.cmd[0]).endswith(image.removeprefix("library/"))


def test_a_digest_for_a_from(tmp_path: Path) -> None:
    store = Store()
    entry = store.image(config_bytes())
    layout = Layout("oci:", str(write_folder(tmp_path, store.files(entry))), PLATFORM)
    assert layout.named(f"acme/base@{entry['digest']}") is not None
    assert layout.named(f"acme/base@sha256:{'0' * 64}") is None


def test_a_tag_alone_is_no_name_for_a_from(tmp_path: Path) -> None:
    """`org.opencontainers.image.ref.name: python` is a tag, not the image python."""
    store = Store()
    folder = write_folder(tmp_path, store.files(store.image(config_bytes(), **named("python"))))
    layout = Layout("oci:", str(folder), PLATFORM)
    assert layout.named("python") is None
    assert layout.chosen("python").config == EXPECTED


def test_which_of_several(tmp_path: Path) -> None:
    store = Store()
    entries = [store.image(config_bytes(Cmd=[tag]), **named(tag)) for tag in ("1", "2")]
    folder = write_folder(tmp_path, store.files(*entries))
    assert open_image(f"oci:{folder}:2", NONE, platform=PLATFORM).config.cmd == ("2",)
    error = refused(f"oci:{folder}")
    assert (error.code, error.hint) == ("which-image", f"name one: oci:{folder}:1")
    error = refused(f"oci:{folder}:3")
    assert error.code == "no-such-image"
    assert "there are 1, 2" in error.message


def test_paths_with_colons(tmp_path: Path) -> None:
    _, files = simple()
    folder = write_folder(tmp_path / "a:b", files)
    for text in (f"oci:{folder}", f"oci:{folder}:1.0"):
        assert open_image(text, NONE, platform=PLATFORM).config == EXPECTED


# Platforms.


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/aarch64", "linux/arm64/v8"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/arm/v8", "linux/arm/v7"),
    ],
)
@pytest.mark.parametrize("depth", [1, 2])
def test_platforms(tmp_path: Path, asked: str, answer: str, depth: int) -> None:
    """As containerd's platforms.Only orders them: arm64 is arm64/v8, arm is arm/v7, newer runs older."""
    store = Store()
    entry = store.platforms("linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "linux/amd64")
    for _ in range(depth - 1):
        entry = store.index([entry])
    folder = write_folder(tmp_path, store.files(entry))
    assert open_image(f"oci:{folder}", NONE, platform=asked).config.cmd == (answer,)


@pytest.mark.parametrize(
    "asked", ["linux/s390x", "windows/amd64", "linux/arm/v5", "linux/amd64/v3"]
)
def test_a_platform_that_is_not_there(tmp_path: Path, asked: str) -> None:
    store = Store()
    folder = write_folder(tmp_path, store.files(store.platforms("linux/amd64", "linux/arm/v7")))
    error = refused(f"oci:{folder}", asked)
    assert error.code == "no-such-platform"
    assert "only for linux/amd64, linux/arm/v7" in error.message


def test_an_archive_for_another_platform_says_so(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", saved((config_bytes("arm64"), ["a/b:1"])))
    base = open_image(f"docker-archive:{path}", NONE, platform=PLATFORM)
    assert base.note.endswith("; for linux/arm64, not linux/amd64")


# What is refused.


def _tamper(files: dict[str, bytes], part: str) -> None:
    """Changes the blob of a layout that holds `part`, and not its name."""
    (path,) = [
        name for name, data in files.items() if name.startswith("blobs/") and part.encode() in data
    ]
    files[path] = files[path].replace(b"2", b"3").replace(b"python3", b"python4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda files: _tamper(files, "python3"), "has another digest"),
        (lambda files: _tamper(files, "schemaVersion"), "has another digest"),
        (
            lambda files: files.pop(max(files, key=lambda name: b"python3" in files[name])),
            "not there",
        ),
        (lambda files: files.update({"index.json": b"[]"}), "an object is expected"),
        (lambda files: files.update({"index.json": b"[" * 100_000}), "not a JSON document"),
        (lambda files: files.update({"index.json": b"\xff"}), "not a JSON document"),
        (lambda files: files.update({"index.json": b"{}"}), "lists no manifests"),
        (
            lambda files: files.update(
                {"index.json": b'{"manifests":[{"digest":"sha256:../.."}]}'}
            ),
            "without a proper digest",
        ),
        (lambda files: files.update({"index.json": b" " * (17 * 1024 * 1024)}), "larger than"),
        (lambda files: files.pop("index.json"), "no image is here"),
    ],
    ids=[
        "config",
        "manifest",
        "missing",
        "list",
        "deep",
        "utf8",
        "empty",
        "climbing",
        "large",
        "none",
    ],
)
@pytest.mark.parametrize("form", ["folder", "tar"])
def test_damaged_layouts(
    tmp_path: Path, change: Callable[[dict[str, bytes]], Any], message: str, form: str
) -> None:
    _, files = simple()
    change(files)
    if form == "folder":
        text = f"oci:{write_folder(tmp_path, files)}"
    else:
        text = f"oci-archive:{write_tar(tmp_path / 'a.tar', files)}"
    error = refused(text)
    assert error.code == "bad-image"
    assert message in error.message
    assert error.where is not None
    assert str(tmp_path) in error.where


def test_a_size_that_lies(tmp_path: Path) -> None:
    store = Store()
    entry = {**store.image(config_bytes()), "size": 3}
    assert (
        "should have 3 bytes"
        in refused(f"oci:{write_folder(tmp_path, store.files(entry))}").message
    )


def test_an_index_inside_itself_ends(tmp_path: Path) -> None:
    store = Store()
    entry = store.image(config_bytes())
    for _ in range(50):
        entry = store.index([entry])
    error = refused(f"oci:{write_folder(tmp_path, store.files(entry))}")
    assert error.code == "bad-image"


def test_a_chart_is_no_image(tmp_path: Path) -> None:
    store = Store()
    config = store.add(b"{}", "application/vnd.cncf.helm.config.v1+json")
    manifest = {"schemaVersion": 2, "config": config, "layers": []}
    entry = store.add(json.dumps(manifest).encode(), f"{OCI}manifest.v1+json")
    error = refused(f"oci:{write_folder(tmp_path, store.files(entry))}")
    assert error.code == "not-an-image"
    assert "helm" in error.message


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (b"{}", "a list of images is expected"),
        (b"[1]", "a list of images is expected"),
        (b'[{"RepoTags":["a:1"]}]', "an image has no Config"),
        (b'[{"Config":"gone.json"}]', "names this config, and it is not there"),
        (b'[{"Config":"../../etc/passwd"}]', "names this config, and it is not there"),
        (b"[]", "there is no image here"),
        (b"nope", "not a JSON document"),
    ],
)
def test_damaged_archives(tmp_path: Path, manifest: bytes, message: str) -> None:
    path = write_tar(tmp_path / "a.tar", {"manifest.json": manifest})
    assert message in refused(f"docker-archive:{path}").message


def test_a_config_whose_name_lies(tmp_path: Path) -> None:
    files = saved((config_bytes(), None))
    path = next(iter(files))
    files[path] = config_bytes(Cmd=["evil"])
    error = refused(f"docker-archive:{write_tar(tmp_path / 'a.tar', files)}")
    assert "has another digest" in error.message


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE],
    ids=["symlink", "hardlink", "fifo", "device", "folder"],
)
def test_members_that_are_no_files(tmp_path: Path, kind: bytes) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps([{"Config": "x"}]))
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.type, member.linkname = kind, str(secret)
        tar.addfile(member)
    error = refused(f"docker-archive:{tmp_path / 'a.tar'}")
    assert (error.code, error.message) == ("bad-image", "not a regular file")


def test_a_member_that_stands_twice(tmp_path: Path) -> None:
    """Which of two manifests counts differs between readers."""
    files = saved((config_bytes(), None))
    path = write_tar(tmp_path / "a.tar", files)
    with tarfile.open(path, "a") as tar:
        member = tarfile.TarInfo("./manifest.json")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"[]"))
    assert "stands twice" in refused(f"docker-archive:{path}").message


def _cut(data: bytes) -> bytes:
    return data[:700]


def _long_header(_: bytes) -> bytes:
    """An extended header that claims to have two gigabytes."""
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 2 * 1024**3
    return member.tobuf() + b"\0" * 2048


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: b"", "not a tar archive, or a damaged one"),
        (lambda _: b"FROM scratch\n" * 100, "not a tar archive, or a damaged one"),
        (lambda _: b"\x1f\x8b" + b"\0" * 2000, "not a tar archive, or a damaged one"),
        (lambda _: b"\xfd7zXZ\x00" + b"\1" * 2000, "not a tar archive, or a damaged one"),
        (lambda _: b"BZh9" + b"\1" * 2000, "not a tar archive, or a damaged one"),
        (lambda _: b"\x28\xb5\x2f\xfd" + b"\1" * 2000, "compressed by zstd"),
        (_long_header, "longer than any real one"),
        (_cut, ""),
    ],
    ids=["empty", "text", "gzip", "xz", "bzip2", "zstd", "header", "cut"],
)
def test_what_is_no_archive(tmp_path: Path, make: Callable[[bytes], bytes], message: str) -> None:
    path = write_tar(tmp_path / "a.tar", saved((config_bytes(), None)))
    path.write_bytes(make(path.read_bytes()))
    error = refused(f"docker-archive:{path}")
    assert error.code == "bad-image"
    assert message in error.message


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_damage_anywhere_in_a_compressed_archive(tmp_path: Path, mode: str) -> None:
    """Never an error of the decompressor: it may notice while listing or while reading."""
    path = write_tar(tmp_path / "a.tar", saved((config_bytes(), ["a/b:1"])), mode)
    data = path.read_bytes()
    codes = []
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        try:
            assert open_image(f"docker-archive:{path}", NONE, platform=PLATFORM).config == EXPECTED
        except InputError as error:
            codes.append(error.code)
    assert set(codes) == {"bad-image"}
    assert len(codes) > len(data) // 2


def test_a_large_layer_is_not_read(tmp_path: Path) -> None:
    """A gigabyte, which is a hole in the file."""
    path = tmp_path / "a.tar"
    layer = tarfile.TarInfo("layer.tar")
    layer.size = 1024**3
    write_tar(path, saved((config_bytes(), None)))
    rest = path.read_bytes()
    with path.open("wb") as file:
        file.write(layer.tobuf())
        file.seek(512 + layer.size)
        file.write(rest)
    tracemalloc.start()
    try:
        assert open_image(f"docker-archive:{path}", NONE, platform=PLATFORM).config == EXPECTED
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb(tmp_path: Path) -> None:
    import gzip

    layer = tarfile.TarInfo("layer.tar")
    layer.size = 1024**4
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(layer.tobuf() + b"\0" * 1024))
    assert "expands to more than" in refused(f"docker-archive:{path}").message


# Files that are not what they are called.


def test_links_in_a_folder(tmp_path: Path) -> None:
    """A link leads where it leads (a deduplicated store has them); one that loops is an error."""
    _, files = simple()
    folder = write_folder(tmp_path / "layout", files)
    (folder / "index.json").rename(tmp_path / "real.json")
    (folder / "index.json").symlink_to(tmp_path / "real.json")
    assert open_image(f"oci:{folder}", NONE, platform=PLATFORM).config == EXPECTED
    (tmp_path / "real.json").unlink()
    (tmp_path / "real.json").symlink_to(folder / "index.json")
    assert refused(f"oci:{folder}").code == "unreadable"


def test_pipes_do_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "index.json")
    assert refused(f"oci:{tmp_path}").message == "not a regular file"
    assert refused(f"docker-archive:{tmp_path / 'index.json'}").code == "unreadable"


@pytest.mark.parametrize("text", ["oci:", "docker-archive:", "oci-archive:"])
def test_nothing_named(text: str) -> None:
    assert refused(text).code == "bad-image-name"


@pytest.mark.parametrize(
    "text",
    ["oci:{}/none", "docker-archive:{}/none", "docker-archive:{}", "oci:{}/file", "oci:a\0b"],
)
def test_what_is_not_there(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").touch()
    assert refused(text.format(tmp_path)).code == "unreadable"


def test_nothing_is_opened_before_it_is_asked(tmp_path: Path) -> None:
    bases = open_bases([], [f"oci:{tmp_path}/none"], catalogue=False, platform=PLATFORM)
    with pytest.raises(InputError):
        bases("acme/base")


def test_config_without_config(tmp_path: Path) -> None:
    """`FROM scratch` with a COPY alone, in OCI's form: `config` may be left out."""
    store = Store()
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {}}).encode()
    folder = write_folder(tmp_path, store.files(store.image(config)))
    config_of = open_image(f"oci:{folder}", NONE, platform=PLATFORM).config
    assert (config_of.entrypoint, config_of.cmd) == (None, None)
