"""Image configs as builders store and hand them over, and an archive of an image made from a config.

What counts is the *stored* config, in which null, `[]` and an absent key are three things. It lies in

* a blob `{"architecture": ..., "config": {...}}`, whose SHA-256 is the image's id: in a
  containers/storage folder, in the blobs of an OCI layout, in the archives of `docker save`;
* what `docker image inspect` prints, `[{"Config": {...}}]`: Docker's own view, where older engines
  fill in null for what is not stored. It is the last resort, and the only one for some tools.

An OCI layout and a saved archive may hold several images; the one wanted is found by its name, then
by the platform, and two that are left are an error rather than a guess.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from entrysem.verify.protocol import Config, HarnessError

__all__ = [
    "KEYS",
    "config_of_archive",
    "config_of_blob",
    "config_of_json",
    "config_of_layout",
    "docker_archive",
    "tar_of",
]

#: The keys of an image config that decide argv.
KEYS = ("Entrypoint", "Cmd", "Shell", "OnBuild")

_INDEXES = ("image.index.v1+json", "manifest.list.v2+json")

#: Reads a file of an image by its name inside the layout or archive; None when it is not there.
_Read = Callable[[str], bytes | None]


def config_of_blob(data: bytes, *, where: str) -> Config:
    """The four keys of an image config blob, as stored.

    Raises:
        HarnessError: it is none.
    """
    document = _parsed(data, where)
    if not isinstance(document, dict) or not {"config", "rootfs"} & document.keys():
        raise HarnessError(f"{where} is no image config")
    return _picked(document.get("config"), where)


def config_of_json(data: bytes, *, where: str) -> Config:
    """The same out of what a tool prints: an image config, an inspect document or a list of one.

    Args:
        data: `[{"Config": {...}}]` or its element, a config blob, or what `buildah inspect` prints
            (its stored config under `Docker`).

    Raises:
        HarnessError: no image config is in it.
    """
    document = _parsed(data, where)
    if isinstance(document, list):
        if len(document) != 1:
            raise HarnessError(f"{where}: {len(document)} images where one is expected")
        document = document[0]
    if isinstance(document, dict) and isinstance(document.get("Docker"), dict):
        document = document["Docker"]
    if isinstance(document, dict):
        for key in ("Config", "config"):
            if key in document:
                return _picked(document[key], where)
        if "rootfs" in document or "RootFS" in document:
            return _picked(None, where)
        if set(document) & set(KEYS):
            return _picked(document, where)
    raise HarnessError(
        f'{where} is no image config: {{"config": {{...}}}}, {{"Entrypoint": [...]}} or '
        '[{"Config": {...}}] is expected'
    )


def config_of_layout(folder: Path, *, name: str | None = None, platform: str = "") -> Config:
    """The stored config of an image in an OCI layout.

    Args:
        folder: with `index.json` and `blobs/`.
        name: the image's name or tag, where the layout holds more than one.
        platform: `OS/ARCH[/VARIANT]`, where the image is for more than one.

    Raises:
        HarnessError: no layout, or not exactly one such image in it.
    """

    def read(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise HarnessError(f"{folder / path} cannot be read: {error.strerror}") from error

    if read("index.json") is None:
        raise HarnessError(f"{folder} is no OCI layout: it holds no index.json")
    return _config_of_layout(read, name, platform, str(folder))


def config_of_archive(
    archive: Path | bytes, *, name: str | None = None, platform: str = ""
) -> Config:
    """The stored config of an image in a tar of `docker save` (docker-archive) or an OCI layout's.

    An archive with both, as Docker 25 and later write it, is read as a docker-archive.

    Raises:
        HarnessError: no such archive, or not exactly one such image in it.
    """
    where = str(archive) if isinstance(archive, Path) else "the archive"
    try:
        with _opened(archive) as tar:
            # `./manifest.json` and `manifest.json` are one file.
            members = {member.name.removeprefix("./"): member for member in tar if member.isfile()}

            def read(path: str) -> bytes | None:
                member = members.get(path)
                stream = None if member is None else tar.extractfile(member)
                return None if stream is None else stream.read()

            if (manifest := read("manifest.json")) is not None:
                return _config_of_saved(read, manifest, name, where)
            if read("index.json") is not None:
                return _config_of_layout(read, name, platform, where)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise HarnessError(f"{where} cannot be read as a tar archive: {error}") from error
    raise HarnessError(f"{where} holds neither manifest.json nor index.json: no image archive")


def _opened(archive: Path | bytes) -> tarfile.TarFile:
    if isinstance(archive, bytes):
        return tarfile.open(fileobj=io.BytesIO(archive))
    return tarfile.open(archive)


def docker_archive(
    config: Config, *, tag: str, labels: Mapping[str, str], platform: str = "linux/amd64"
) -> tuple[bytes, str]:
    """An archive for `docker load` and its kin: an image with this config and without a file.

    Args:
        config: stored as it is given, key by key.
        tag: the image's name.
        labels: added to the config.

    Returns:
        the tar, and the image's id (64 hexadecimal digits).
    """
    operating_system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    # One empty layer: some engines refuse an image without any.
    layer = tar_of({})
    stored: dict[str, Any] = {**config, "Labels": dict(labels)}
    document = {
        "architecture": architecture,
        **({"variant": variant} if variant else {}),
        "os": operating_system,
        "created": "1970-01-01T00:00:00Z",
        "config": stored,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "entrysem"}],
    }
    blob = json.dumps(document).encode()
    image = hashlib.sha256(blob).hexdigest()
    layer_name = f"{hashlib.sha256(layer).hexdigest()}.tar"
    manifest = [{"Config": f"{image}.json", "RepoTags": [tag], "Layers": [layer_name]}]
    files = {
        f"{image}.json": blob,
        layer_name: layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
    return tar_of(files), image


def tar_of(files: Mapping[str, bytes], mode: int = 0o644) -> bytes:
    """A tar archive of these files; a byte of a name that is no UTF-8 is a lone surrogate."""
    output = io.BytesIO()
    # GNU's format takes names of any bytes.
    with tarfile.open(
        fileobj=output,
        mode="w",
        format=tarfile.GNU_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
    ) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
    return output.getvalue()


def _config_of_saved(read: _Read, manifest: bytes, name: str | None, where: str) -> Config:
    """`manifest.json`: `[{"Config": FILE, "RepoTags": [...], "Layers": [...]}]`."""
    images = _parsed(manifest, f"{where}: manifest.json")
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        raise HarnessError(f"{where}: manifest.json is no list of images")
    if len(images) > 1 and name is not None:
        images = [image for image in images if _named(image.get("RepoTags") or (), name)]
    if len(images) != 1:
        raise HarnessError(f"{where} holds {len(images)} images{_called(name)}, one is expected")
    path = images[0].get("Config")
    blob = read(path) if isinstance(path, str) else None
    if blob is None:
        raise HarnessError(f"{where} does not hold the config {path!r} that manifest.json names")
    return config_of_blob(blob, where=f"{where}: {path}")


def _config_of_layout(read: _Read, name: str | None, platform: str, where: str) -> Config:
    index = _parsed(read("index.json") or b"", f"{where}: index.json")
    entries = _manifests(index)
    if len(entries) > 1 and name is not None:
        named = [e for e in entries if _named((e.get("annotations") or {}).values(), name)]
        entries = named or entries
    for _ in range(4):  # an index of an index of a manifest; a cycle ends here
        entries = [entry for entry in entries if not _is_attestation(entry)]
        if len(entries) > 1 and platform:
            entries = [e for e in entries if _platform(e) == platform] or entries
        if len(entries) != 1:
            raise HarnessError(
                f"{where} holds {len(entries)} images{_called(name)}, one is expected"
            )
        data = _blob(read, entries[0], where)
        document = _parsed(data, f"{where}: {entries[0].get('digest')}")
        if not isinstance(document, dict):
            break
        media_type = str(document.get("mediaType") or entries[0].get("mediaType") or "")
        if media_type.endswith(_INDEXES) or "manifests" in document:
            entries = _manifests(document)
            continue
        if isinstance(document.get("config"), dict) and "digest" in document["config"]:
            blob = _blob(read, document["config"], where)
            return config_of_blob(blob, where=f"{where}: {document['config']['digest']}")
        break
    raise HarnessError(f"{where}: no image manifest where index.json points")


def _manifests(document: object) -> list[dict[str, Any]]:
    found = document.get("manifests") if isinstance(document, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _is_attestation(entry: Mapping[str, Any]) -> bool:
    """BuildKit lists its provenance beside the image, for the platform unknown/unknown."""
    kind = (entry.get("annotations") or {}).get("vnd.docker.reference.type")
    return kind == "attestation-manifest" or _platform(entry) == "unknown/unknown"


def _platform(entry: Mapping[str, Any]) -> str:
    platform = entry.get("platform")
    if not isinstance(platform, dict):
        return ""
    parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return "/".join([part for part in parts if part])


def _blob(read: _Read, descriptor: Mapping[str, Any], where: str) -> bytes:
    digest = descriptor.get("digest")
    algorithm, _, value = str(digest).partition(":")
    if not algorithm.isalnum() or not value.isalnum():
        raise HarnessError(f"{where}: {digest!r} is no digest")
    data = read(f"blobs/{algorithm}/{value}")
    if data is None:
        raise HarnessError(f"{where} does not hold the blob {digest}")
    if algorithm == "sha256" and hashlib.sha256(data).hexdigest() != value:
        raise HarnessError(f"{where}: the blob {digest} has another digest")
    return data


def _named(names: Any, wanted: str) -> bool:
    """Whether one of an image's names is the wanted one, with or without `:latest` and what is
    prefixed to a bare name.
    """
    short = wanted.removesuffix(":latest")
    return any(
        isinstance(name, str)
        and (
            f"/{name.removesuffix(':latest')}".endswith(f"/{short}")
            or name == wanted.rpartition(":")[2]
        )
        for name in names
    )


def _called(name: str | None) -> str:
    return "" if name is None else f" called {name}"


def _parsed(data: bytes, where: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HarnessError(f"{where} is no JSON: {error}") from error


def _picked(config: object, where: str) -> Config:
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise HarnessError(f"{where}: the config is no object")
    picked: dict[str, list[str] | None] = {}
    for key in KEYS:
        if key not in config:
            continue
        value = config[key]
        if value is not None and not (
            isinstance(value, list) and all(isinstance(word, str) for word in value)
        ):
            raise HarnessError(f"{where}: {key} is neither null nor a list of strings")
        picked[key] = value
    return picked
