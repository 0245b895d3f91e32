"""Writes images as tools store them: OCI layouts as folders or tars, and what `docker save` writes.

The forms are those of opencontainers/image-spec (image-layout.md, manifest.md, image-index.md) and of
moby/moby image/tarexport/save.go; `conformance/test_bases.py` reads what real tools wrote.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from entrysem.model import ImageConfig

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
CONFIG = {
    "Entrypoint": ["docker-entrypoint.sh"],
    "Cmd": ["python3", "-q"],
    "Shell": ["/bin/bash", "-c"],
    "OnBuild": ["RUN echo hello"],
}
EXPECTED = ImageConfig(
    ("docker-entrypoint.sh",), ("python3", "-q"), ("/bin/bash", "-c"), ("RUN echo hello",)
)
PLATFORM = "linux/amd64"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config_bytes(machine: str = "amd64", variant: str = "", **config: Any) -> bytes:
    document = {"architecture": machine, "os": "linux", "config": {**CONFIG, **config}}
    return json.dumps(document | ({"variant": variant} if variant else {})).encode()


def descriptor(data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


class Store:
    """Blobs by digest, as a layout and a registry have them."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        self.blobs[digest(data)] = data
        return descriptor(data, media_type, **more)

    def image(self, config: bytes, *, docker: bool = False, **more: Any) -> dict[str, Any]:
        kind = f"{DOCKER}container.image.v1+json" if docker else f"{OCI}config.v1+json"
        media_type = (
            f"{DOCKER}distribution.manifest.v2+json" if docker else f"{OCI}manifest.v1+json"
        )
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": self.add(config, kind),
            "layers": [],
        }
        return self.add(json.dumps(manifest).encode(), media_type, **more)

    def index(self, entries: Iterable[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
        media_type = f"{OCI}index.v1+json"
        document = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(entries)}
        return self.add(json.dumps(document).encode(), media_type, **more)

    def platforms(self, *platforms: str, **more: Any) -> dict[str, Any]:
        """An index of one image for each platform, whose Cmd names it, and BuildKit's provenance."""
        entries = []
        for text in platforms:
            os, machine, *variant = text.split("/")
            platform = {"os": os, "architecture": machine}
            platform |= {"variant": variant[0]} if variant else {}
            entries.append(self.image(config_bytes(machine, Cmd=[text]), platform=platform))
        nowhere = {"os": "unknown", "architecture": "unknown"}
        entries.insert(0, self.image(config_bytes("unknown"), platform=nowhere))
        return self.index(entries, **more)

    def files(self, *entries: Mapping[str, Any]) -> dict[str, bytes]:
        """The files of a layout whose index.json has these entries."""
        index = {"schemaVersion": 2, "manifests": list(entries)}
        return {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            "index.json": json.dumps(index).encode(),
            **{f"blobs/{name.replace(':', '/')}": data for name, data in self.blobs.items()},
        }


def named(name: str, key: str = "org.opencontainers.image.ref.name") -> dict[str, Any]:
    return {"annotations": {key: name}}


def saved(*images: tuple[bytes, list[str] | None]) -> dict[str, bytes]:
    """What `docker save` wrote before 25.0: configs as HEX.json, named by manifest.json."""
    entries, files = [], {}
    for config, tags in images:
        path = f"{digest(config).removeprefix('sha256:')}.json"
        files[path] = config
        entries.append({"Config": path, "RepoTags": tags, "Layers": []})
    return {**files, "manifest.json": json.dumps(entries).encode()}


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def write_tar(path: Path, files: Mapping[str, bytes], mode: str = "w", prefix: str = "") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path
