"""OCI images made from nothing but a config, for tools that are given images and not Dockerfiles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrysem.verify.engines.images import tar_of

__all__ = ["archive", "image", "layout"]

_TYPE = "application/vnd.oci.image."
#: Which annotation holds an image's name: `umoci` and `skopeo` read the one, `ctr` the other.
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


def image(
    config: Mapping[str, Any],
    *,
    name: str,
    files: Mapping[str, bytes] | None = None,
    architecture: str = "amd64",
) -> dict[str, bytes]:
    """An image with this config, stored as it is given: path in an OCI layout -> content.

    Args:
        config: the keys `Entrypoint`, `Cmd`, `Labels`, ...; null, `[]` and absent are kept apart.
        name: what the image is called.
        files: executables in its only layer.
        architecture: as OCI names it.
    """
    found: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        found[f"blobs/sha256/{digest}"] = data
        return {"mediaType": _TYPE + kind, "digest": f"sha256:{digest}", "size": len(data)}

    layer = blob(tar_of(files or {}, mode=0o755), "layer.v1.tar")
    stored = {
        "architecture": architecture,
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPE}manifest.v1+json",
        "config": blob(json.dumps(stored).encode(), "config.v1+json"),
        "layers": [layer],
    }
    entry = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    entry["annotations"] = dict.fromkeys(_NAMES, name)
    found["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    found["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    return found


def layout(image: Mapping[str, bytes], folder: Path) -> Path:
    """Writes an image as an OCI layout; the folder."""
    for name, data in image.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def archive(image: Mapping[str, bytes]) -> bytes:
    """An image as a tar of an OCI layout."""
    return tar_of(image)
