"""From a manifest, or a list of them, to the config of the image for one platform.

Registries, OCI layouts and newer `docker save` archives hold the same three documents, each named by
the digest of its bytes: an *index* lists manifests by platform, a *manifest* names a config and layers,
and the *config* is what counts here. A caller reads bytes; this module says which ones to read next, and
that they are what the digest says. A digest is trusted only once the bytes were hashed.

What is taken for a config must be declared as one: the same manifests carry charts, signatures and
other artifacts, whose "config" (often `{}`) would read as an image without Entrypoint and Cmd.

Platforms are matched as containerd does: an image for `arm64` is one for `arm64/v8`, `arm` alone is
`arm/v7`, and an older variant runs where a newer is asked for. BuildKit lists its provenance as an image
for `unknown/unknown`, which is never meant.

Sources: opencontainers/image-spec image-index.md, manifest.md, descriptor.md; distribution/distribution
manifest/schema2; containerd/platforms database.go (normalizeArch) and compare.go (platformVector).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, NoReturn

from entrysem.bases.config import MAX_SIZE, read_base_config
from entrysem.errors import InputError
from entrysem.late import late
from entrysem.model import ImageConfig

__all__ = [
    "ACCEPT",
    "MAX_SIZE",
    "Descriptor",
    "Found",
    "Reader",
    "config_of_blob",
    "descriptors_of",
    "find_config",
    "is_digest",
    "parsed",
    "verified",
]

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
#: What a registry is asked for.
ACCEPT = ", ".join(_INDEXES + _MANIFESTS)

#: Lengths in hexadecimal digits, of the algorithms that the image-spec registers and everybody has.
_ALGORITHMS = {"sha256": 64, "sha512": 128}
_HEX = late(r"[0-9a-f]+")
#: An index of an index of a manifest; a cycle ends here.
_DEPTH = 4
_SHOWN = 10

_MACHINES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm/v6",
}
_DEFAULT_VARIANTS = {"arm": "v7", "arm64": "v8"}


class Descriptor(NamedTuple):
    """What points at a document.

    Attributes:
        digest: `sha256:...`, well-formed.
        size: bytes, or None where it is not said.
        media_type: empty where it is not said.
        platform: `os/architecture[/variant]`, empty where it is not said.
        annotations: text to text.
    """

    digest: str
    size: int | None
    media_type: str
    platform: str
    annotations: Mapping[str, str]


class Found(NamedTuple):
    """The config of an image.

    Attributes:
        config: what it says.
        platform: what the image is for, empty where it does not say.
        digest: of the manifest that led here, or of the config where there is no manifest.
    """

    config: ImageConfig
    platform: str
    digest: str

    def mismatch(self, asked: str) -> str:
        """`for linux/arm64, not linux/amd64`; empty when it is for the platform asked for."""
        if not self.platform or _rank(self.platform, asked) is not None:
            return ""
        return f"for {self.platform}, not {asked}"


#: Reads the document of a descriptor: a manifest (or index), or a blob. Bytes need not be checked.
Reader = Callable[[Descriptor, Literal["manifests", "blobs"]], bytes]


def find_config(data: bytes, root: Descriptor, read: Reader, platform: str, where: str) -> Found:
    """Follows an index or a manifest to the config.

    Args:
        data: the index or manifest itself.
        root: what pointed at it.
        read: reads the others.
        platform: `os/architecture[/variant]`.
        where: what is read, for errors.

    Raises:
        InputError: `bad-image`, the documents are not what they should be or not what the digests say;
            `no-such-platform`; `not-an-image`, a chart or other artifact.
    """
    descriptor = root
    for _ in range(_DEPTH):
        data = verified(data, descriptor, where)
        document = parsed(data, f"{where}: {descriptor.digest}")
        if not isinstance(document, dict):
            break
        media_type = document.get("mediaType") or descriptor.media_type
        if media_type in _INDEXES or isinstance(document.get("manifests"), list):
            descriptor = _for_platform(descriptors_of(document, where), platform, where)
            data = read(descriptor, "manifests")
            continue
        if "fsLayers" in document or document.get("schemaVersion") == 1:
            _fail("the manifest is of schema 1, which holds no config", where, _PUSH_AGAIN)
        config = _descriptor(document.get("config"))
        if config is None:
            break
        if config.media_type not in _CONFIGS:
            raise InputError(
                "not-an-image",
                f"this is an artifact of type {config.media_type or 'unknown'!a}, not an image",
                where=where,
                hint="name an image that a container can be started from",
            )
        blob = verified(read(config, "blobs"), config, where)
        return config_of_blob(blob, f"{where}: {config.digest}")._replace(digest=descriptor.digest)
    raise InputError("bad-image", "there is no image manifest where one should be", where=where)


_PUSH_AGAIN = "push the image again with a current tool, or give its config with --base-config"


def config_of_blob(blob: bytes, where: str) -> Found:
    """An image config as it is stored, with its platform and its own digest.

    Raises:
        InputError: `bad-base-config`.
    """
    config = read_base_config(blob, where=where)
    document = parsed(blob, where)
    platform = _platform(document) if isinstance(document, dict) else ""
    return Found(config, platform, f"sha256:{hashlib.sha256(blob).hexdigest()}")


def verified(data: bytes, descriptor: Descriptor, where: str) -> bytes:
    """`data`, when it is what the descriptor points at.

    Raises:
        InputError: `bad-image`, it is not.
    """
    algorithm, _, wanted = descriptor.digest.partition(":")
    if descriptor.size is not None and descriptor.size != len(data):
        _fail(
            f"{descriptor.digest} should have {descriptor.size} bytes and has {len(data)}",
            where,
            _TAMPERED,
        )
    if hashlib.new(algorithm, data).hexdigest() != wanted:
        _fail(f"what is stored as {descriptor.digest} has another digest", where, _TAMPERED)
    return data


_TAMPERED = "it is damaged or was tampered with: do not use the image; fetch or save it again"


def is_digest(text: object) -> bool:
    """Whether this is a digest that can be checked: `sha256:` or `sha512:` and small hex digits."""
    if not isinstance(text, str):
        return False
    algorithm, _, value = text.partition(":")
    return _ALGORITHMS.get(algorithm) == len(value) and _HEX.fullmatch(value) is not None


def descriptors_of(index: Mapping[str, Any], where: str) -> list[Descriptor]:
    """The manifests that an index lists.

    Raises:
        InputError: `bad-image`, one of them is malformed.
    """
    entries = index.get("manifests")
    if not isinstance(entries, list):
        _fail("the index lists no manifests", where)
    found = []
    for entry in entries:
        descriptor = _descriptor(entry)
        if descriptor is None:
            _fail("the index lists something without a proper digest", where)
        found.append(descriptor)
    return found


def parsed(data: bytes, where: str) -> Any:
    """The JSON document.

    Raises:
        InputError: `bad-image`, it is none.
    """
    try:
        # Numbers: float() takes any number of digits, int() does not.
        return json.loads(data, parse_int=float)
    except (ValueError, RecursionError):
        _fail("not a JSON document", where)


def _descriptor(entry: object) -> Descriptor | None:
    if not isinstance(entry, dict) or not is_digest(entry.get("digest")):
        return None
    size, media_type = entry.get("size"), entry.get("mediaType")
    platform, annotations = entry.get("platform"), entry.get("annotations")
    return Descriptor(
        entry["digest"],
        int(size) if isinstance(size, float) and 0 <= size <= MAX_SIZE else None,
        media_type if isinstance(media_type, str) else "",
        _platform(platform) if isinstance(platform, dict) else "",
        {key: value for key, value in annotations.items() if isinstance(value, str)}
        if isinstance(annotations, dict)
        else {},
    )


def _platform(document: Mapping[str, Any]) -> str:
    parts = [document.get(key) for key in ("os", "architecture", "variant")]
    return "/".join([part for part in parts if isinstance(part, str) and part])


def _for_platform(entries: list[Descriptor], platform: str, where: str) -> Descriptor:
    entries = [
        entry
        for entry in entries
        if entry.platform != "unknown/unknown"
        and entry.annotations.get("vnd.docker.reference.type") != "attestation-manifest"
    ]
    ranked = [
        (rank, number, entry)
        for number, entry in enumerate(entries)
        if (rank := _rank(entry.platform, platform)) is not None
    ]
    if ranked:
        return min(ranked)[2]
    if len(entries) == 1 and not entries[0].platform:
        return entries[0]
    names = [entry.platform or "an unnamed platform" for entry in entries]
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    raise InputError(
        "no-such-platform",
        f"the image is not there for {platform}, only for {shown or 'no platform at all'}",
        where=where,
        hint="choose one of them with --platform",
    )


def _rank(offered: str, asked: str) -> int | None:
    """How well a platform serves another: 0 is best, None not at all."""
    (os, machine, variant), (asked_os, asked_machine, asked_variant) = map(_parts, (offered, asked))
    if (os, machine) != (asked_os, asked_machine):
        return None
    if variant == asked_variant:
        return 0
    if machine in _DEFAULT_VARIANTS and variant[1:].isdigit() and asked_variant[1:].isdigit():
        newer_by = int(asked_variant[1:]) - int(variant[1:])
        return newer_by if newer_by > 0 else None
    return None


def _parts(platform: str) -> tuple[str, str, str]:
    os, _, rest = platform.lower().partition("/")
    machine, _, variant = rest.partition("/")
    machine, _, implied = _MACHINES.get(machine, machine).partition("/")
    variant = variant or implied or _DEFAULT_VARIANTS.get(machine, "")
    return os, machine, variant if variant.startswith("v") or not variant else f"v{variant}"


def _fail(message: str, where: str, hint: str | None = None) -> NoReturn:
    raise InputError("bad-image", message, where=where, hint=hint)
