"""Reading stored configs out of what builders and engines hand over, and an archive made of one."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from entrysem.verify.engines.images import (
    config_of_archive,
    config_of_blob,
    config_of_json,
    config_of_layout,
    docker_archive,
)
from entrysem.verify.protocol import HarnessError

CONFIG: Mapping[str, list[str] | None] = {"Entrypoint": ["e", ""], "Cmd": None, "OnBuild": []}


def blob(config: Any = CONFIG, **more: Any) -> bytes:
    document = {"architecture": "amd64", "os": "linux", "config": config, "rootfs": {}, **more}
    return json.dumps(document).encode()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def write_layout(folder: Path, images: Any) -> Path:
    """`images`: (annotations, platform, config blob) of each; returns the folder."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> dict[str, Any]:
        (blobs / digest(data).partition(":")[2]).write_bytes(data)
        return {"digest": digest(data), "size": len(data)}

    entries = []
    for annotations, platform, data in images:
        manifest: dict[str, Any] = {"schemaVersion": 2, "config": put(data), "layers": []}
        entry = put(json.dumps(manifest).encode())
        entries.append({**entry, "annotations": annotations, "platform": platform})
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return folder


def tar_of(files: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return output.getvalue()


def saved(*images: tuple[list[str] | None, bytes]) -> bytes:
    files = {}
    manifest = []
    for tags, data in images:
        name = digest(data).partition(":")[2] + ".json"
        files[name] = data
        manifest.append({"Config": name, "RepoTags": tags, "Layers": []})
    return tar_of({**files, "manifest.json": json.dumps(manifest).encode()})


def test_null_empty_and_absent_are_kept_apart() -> None:
    assert config_of_blob(blob(), where="x") == CONFIG
    assert config_of_blob(blob(None), where="x") == {}
    assert config_of_blob(blob({"Env": ["A=b"], "ArgsEscaped": True}), where="x") == {}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no JSON"),
        (b"[]", "no image config"),
        (b"{}", "no image config"),
        (b"[" * 100_000, "no JSON"),
        (blob([]), "the config is no object"),
        (blob({"Cmd": "x"}), "Cmd is neither null nor a list of strings"),
        (blob({"Cmd": [1]}), "Cmd is neither null nor a list of strings"),
    ],
)
def test_what_is_no_config_blob(data: bytes, problem: str) -> None:
    with pytest.raises(HarnessError, match=problem):
        config_of_blob(data, where="x")


@pytest.mark.parametrize(
    "document",
    [
        [{"Id": "sha256:0", "Config": CONFIG}],
        {"Config": CONFIG},
        json.loads(blob()),
        {"Type": "buildah 0.0.1", "Docker": json.loads(blob()), "OCIv1": {}},
        CONFIG,
    ],
)
def test_what_tools_print(document: Any) -> None:
    assert config_of_json(json.dumps(document).encode(), where="x") == CONFIG


def test_an_image_without_a_config_sets_nothing() -> None:
    assert config_of_json(b'{"rootfs": {"type": "layers"}}', where="x") == {}
    assert config_of_json(b'[{"Config": null}]', where="x") == {}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "0 images"),
        ([{}, {}], "2 images"),
        ({}, "no image config"),
        (["Cmd"], "no image config"),
        ({"entrypoint": ["e"]}, "no image config"),
    ],
)
def test_what_tools_print_and_does_not_help(document: Any, problem: str) -> None:
    with pytest.raises(HarnessError, match=problem):
        config_of_json(json.dumps(document).encode(), where="x")


class TestLayout:
    def test_the_only_image_counts_whatever_its_name(self, tmp_path: Path) -> None:
        folder = write_layout(tmp_path, [({}, None, blob())])
        assert config_of_layout(folder, name="t") == CONFIG

    def test_the_name_decides(self, tmp_path: Path) -> None:
        key = "org.opencontainers.image.ref.name"
        images = [({key: "a"}, None, blob({})), ({key: "reg/b:latest"}, None, blob())]
        folder = write_layout(tmp_path, images)
        assert config_of_layout(folder, name="b") == CONFIG
        assert config_of_layout(folder, name="a") == {}

    def test_the_platform_decides(self, tmp_path: Path) -> None:
        amd, arm = ({"os": "linux", "architecture": arch} for arch in ("amd64", "arm64"))
        unknown = {"os": "unknown", "architecture": "unknown"}
        images: Any = [({}, amd, blob({})), ({}, arm, blob()), ({}, unknown, blob({"Cmd": ["x"]}))]
        folder = write_layout(tmp_path, images)
        assert config_of_layout(folder, platform="linux/arm64") == CONFIG
        with pytest.raises(HarnessError, match="2 images"):
            config_of_layout(folder)

    def test_an_index_in_the_index(self, tmp_path: Path) -> None:
        folder = write_layout(tmp_path, [({}, None, blob())])
        inner = (folder / "index.json").read_bytes()
        (folder / "blobs" / "sha256" / digest(inner)[7:]).write_bytes(inner)
        (folder / "index.json").write_text(json.dumps({"manifests": [{"digest": digest(inner)}]}))
        assert config_of_layout(folder) == CONFIG

    def test_a_blob_that_was_changed(self, tmp_path: Path) -> None:
        folder = write_layout(tmp_path, [({}, None, blob())])
        (folder / "blobs" / "sha256" / digest(blob())[7:]).write_bytes(blob({}))
        with pytest.raises(HarnessError, match="another digest"):
            config_of_layout(folder)

    def test_a_blob_that_is_not_there(self, tmp_path: Path) -> None:
        folder = write_layout(tmp_path, [({}, None, blob())])
        (folder / "blobs" / "sha256" / digest(blob())[7:]).unlink()
        with pytest.raises(HarnessError, match="does not hold the blob"):
            config_of_layout(folder)

    @pytest.mark.parametrize(
        ("index", "problem"),
        [
            ("{}", "0 images"),
            ("[]", "0 images"),
            ('{"manifests": [{"digest": "sha256:../../x"}]}', "no digest"),
            ("{", "no JSON"),
        ],
    )
    def test_a_broken_index(self, tmp_path: Path, index: str, problem: str) -> None:
        (tmp_path / "index.json").write_text(index)
        with pytest.raises(HarnessError, match=problem):
            config_of_layout(tmp_path)

    def test_no_layout(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match=r"holds no index\.json"):
            config_of_layout(tmp_path / "none")


class TestArchive:
    def test_the_only_image(self, tmp_path: Path) -> None:
        path = tmp_path / "image.tar"
        path.write_bytes(saved((None, blob())))
        assert config_of_archive(path, name="whatever") == CONFIG

    def test_the_name_decides(self) -> None:
        archive = saved((["localhost/a:latest"], blob({})), (["b:1"], blob()))
        assert config_of_archive(archive, name="a") == {}
        assert config_of_archive(archive, name="b:1") == CONFIG
        with pytest.raises(HarnessError, match="0 images called c"):
            config_of_archive(archive, name="c")
        with pytest.raises(HarnessError, match="2 images, one is expected"):
            config_of_archive(archive)

    def test_an_oci_layout_in_a_tar(self, tmp_path: Path) -> None:
        folder = write_layout(tmp_path / "layout", [({}, None, blob())])
        path = tmp_path / "image.tar"
        with tarfile.open(path, "w") as tar:
            tar.add(folder, arcname=".")
        assert config_of_archive(path) == CONFIG

    @pytest.mark.parametrize(
        ("archive", "problem"),
        [
            (b"", "cannot be read as a tar"),
            (b"x" * 2000, "cannot be read as a tar"),
            (tar_of({"a": b""}), "no image archive"),
            (tar_of({"manifest.json": b"{}"}), "no list of images"),
            (tar_of({"manifest.json": b'[{"Config": "x.json"}]'}), "does not hold the config"),
        ],
    )
    def test_what_is_none(self, archive: bytes, problem: str) -> None:
        with pytest.raises(HarnessError, match=problem):
            config_of_archive(archive)

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(HarnessError, match=r"none\.tar cannot be read"):
            config_of_archive(tmp_path / "none.tar")


def test_an_archive_made_from_a_config_gives_it_back() -> None:
    archive, image = docker_archive(
        CONFIG, tag="t:latest", labels={"a": "b"}, platform="linux/arm64/v8"
    )
    assert config_of_archive(archive, name="t") == CONFIG
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        stream = tar.extractfile(f"{image}.json")
        assert stream is not None
        stored = stream.read()
    assert hashlib.sha256(stored).hexdigest() == image
    document = json.loads(stored)
    assert document["config"]["Labels"] == {"a": "b"}
    assert (document["os"], document["architecture"], document["variant"]) == (
        "linux",
        "arm64",
        "v8",
    )
