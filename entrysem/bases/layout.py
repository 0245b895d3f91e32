"""Images in a folder or a file: OCI layouts, and what `docker save` and `podman save` write.

An OCI layout (a folder, or the same in a tar) has an `index.json`; its entries carry their name in an
annotation, a whole reference or only a tag, or no name at all. A docker-archive has a `manifest.json`
with whole references. Docker since 25 writes both into one archive: then `manifest.json` is asked
first, for its names are as people write them, and `index.json` when the image is there for another
platform only.

By which name is an image found?

* as the base of a FROM (`named`): by a whole reference, the same image by the rules of `lookup`. Tools
  write a host where people write none: `localhost/` (podman, for what it built), and Docker's own.
  A reference without a host therefore also finds the only image with that path and tag at any host, and
  the note says which that is. A digest finds the manifest of that digest.
* as `oci:DIR:TAG` (`chosen`): by the name as it stands there, by a reference, or by its tag alone; and
  without `:TAG` when there is just one.

Sources: opencontainers/image-spec image-layout.md and annotations.md; containers/image
docs/containers-transports.5.md; moby/moby image/tarexport/save.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

from entrysem.bases.files import Archive, Files, Folder
from entrysem.bases.lookup import parse_reference
from entrysem.bases.manifest import (
    Descriptor,
    Found,
    config_of_blob,
    descriptors_of,
    find_config,
    is_digest,
    parsed,
    verified,
)
from entrysem.errors import InputError
from entrysem.model import Base, ImageConfig

__all__ = ["PREFIXES", "Layout"]

#: How an image in a file is written: prefix -> its origin in the output.
PREFIXES: dict[str, Literal["oci", "archive"]] = {
    "oci:": "oci",
    "docker-archive:": "archive",
    "oci-archive:": "archive",
}
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_SHOWN = 10
_NOTHING = ImageConfig()


class _Image(NamedTuple):
    names: tuple[str, ...]
    digest: str
    load: Callable[[], Found]


class Layout:
    """The images of one folder or archive. Nothing is opened before something is asked.

    Args:
        prefix: one of `PREFIXES`.
        path: the folder or file.
        platform: `os/architecture[/variant]`.
    """

    def __init__(self, prefix: str, path: str, platform: str) -> None:
        self._prefix = prefix
        self._path = path
        self._platform = platform
        self._families: list[list[_Image]] | None = None
        #: What to call it.
        self.place = f"{prefix}{path}"

    @staticmethod
    def split(rest: str) -> tuple[str, str]:
        """`PATH[:TAG]` -> path and tag, which is empty when there is none. Of several ways to split, the
        one whose path exists.
        """
        at = -1
        while (at := rest.find(":", at + 1)) >= 0:
            if _exists(rest[:at]) and not _exists(rest):
                return rest[:at], rest[at + 1 :]
        if _exists(rest):
            return rest, ""
        path, _, tag = rest.partition(":")
        return path, tag

    def named(self, image: str) -> Base | None:
        """The image of that reference, for a FROM; None when it is not here.

        Raises:
            InputError: the folder or archive, or that image in it, cannot be read.
        """
        best: Base | None = None
        for family in self._images():
            for fits in (_same, _same_elsewhere):
                found = [one for one in family if fits(image, one)]
                # Two hosts have an image of that name: which one is meant, nobody can tell.
                if found and (fits is _same or len(_digests(found)) == 1):
                    base, fits_platform = self._base(found[0])
                    if fits_platform:
                        return base
                    best = best or base
                    break
        return best

    def chosen(self, tag: str) -> Base:
        """The image of that name or tag; the only image for an empty one.

        Raises:
            InputError: `no-such-image`, `which-image`; or as `named`.
        """
        best: Base | None = None
        for family in self._images():
            found = family
            if tag:
                found = [one for one in family if tag in one.names or _same(tag, one)] or [
                    one for one in family if tag in [name.rpartition(":")[2] for name in one.names]
                ]
            if len(_digests(found)) > 1:
                self._which(found, tag)
            if found:
                base, fits_platform = self._base(found[0])
                if fits_platform:
                    return base
                best = best or base
        if best is None:
            self._none(tag)
        return best

    def _base(self, image: _Image) -> tuple[Base, bool]:
        found = image.load()
        mismatch = found.mismatch(self._platform)
        name = next((f"{name}, " for name in image.names if "/" in name or ":" in name), "")
        parts = [f"{self.place}: {name}{found.digest}", mismatch]
        note = "; ".join([part for part in parts if part])
        return Base(found.config, PREFIXES[self._prefix], note), not mismatch

    def _images(self) -> list[list[_Image]]:
        if self._families is None:
            is_folder = self._prefix == "oci:"
            files: Files = (Folder if is_folder else Archive)(Path(self._path))
            manifest = None if is_folder else files.read("manifest.json")
            index = files.read("index.json")
            families = []
            if manifest is not None:
                families.append(_saved(files, manifest))
            if index is not None:
                families.append(_listed(files, index, self._platform))
            if not families:
                raise InputError(
                    "bad-image",
                    "no image is here: there is no index.json"
                    + ("" if is_folder else " and no manifest.json"),
                    where=self.place,
                    hint="an OCI layout is written by `skopeo copy IMAGE oci:DIR`, an archive by "
                    "`docker image save`; what `docker export` writes is a container without config",
                )
            self._families = families
        return self._families

    def _which(self, images: Sequence[_Image], tag: str) -> NoReturn:
        names = [image.names[0] if image.names else image.digest for image in images]
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        raise InputError(
            "which-image",
            f"there are {len(images)} images{f' called {tag}' if tag else ''}: {shown}",
            where=self.place,
            hint=f"name one: {self.place}:{names[0]}",
        )

    def _none(self, tag: str) -> NoReturn:
        names = [name for family in self._images()[:1] for image in family for name in image.names]
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        what = f"no image is called {tag}" if tag else "there is no image"
        raise InputError(
            "no-such-image",
            f"{what} here" + (f"; there are {shown}" if names else ""),
            where=self.place,
            hint=f"name one of them: {self.place}:{names[0]}" if names else None,
        )


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _digests(images: Sequence[_Image]) -> set[str]:
    return {image.digest for image in images}


def _same(image: str, candidate: _Image) -> bool:
    wanted = parse_reference(image)
    if wanted is None:
        return False
    if wanted.digest is not None:
        return wanted.digest == candidate.digest
    return any(
        (found := parse_reference(name)) is not None
        # A name of one component is a tag in an annotation, and an official image elsewhere.
        and (found.name, found.tag) == (wanted.name, wanted.tag)
        and ("/" in name or ":" in name)
        for name in candidate.names
    )


def _same_elsewhere(image: str, candidate: _Image) -> bool:
    """Whether it is that image at some host, when the reference names none."""
    wanted = parse_reference(image)
    if wanted is None or wanted.host is not None or wanted.digest is not None:
        return False
    for name in candidate.names:
        found = parse_reference(name)
        if found is not None and found.host is not None:
            path = found.name.removeprefix(f"{found.host}/")
            if (path, found.tag) == (wanted.name, wanted.tag):
                return True
    return False


def _saved(files: Files, manifest: bytes) -> list[_Image]:
    """`manifest.json`: `[{"Config": FILE, "RepoTags": [...], "Layers": [...]}]`."""
    where = f"{files.where}: manifest.json"
    entries = parsed(manifest, where)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError("bad-image", "a list of images is expected", where=where)
    images = []
    for entry in entries:
        path, tags = entry.get("Config"), entry.get("RepoTags")
        if not isinstance(path, str):
            raise InputError("bad-image", "an image has no Config", where=where)
        names = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
        # The file is named by the digest of its bytes: HEX.json, or blobs/sha256/HEX.
        digest = f"sha256:{path.removesuffix('.json').rpartition('/')[2]}"
        images.append(_Image(tuple(names), digest, lambda path=path: _config(files, path)))  # type: ignore[misc]
    return images


def _config(files: Files, path: str) -> Found:
    where = f"{files.where}: {path}"
    data = files.read(path)
    if data is None:
        raise InputError(
            "bad-image",
            "manifest.json names this config, and it is not there",
            where=where,
            hint="save the image again",
        )
    digest = f"sha256:{path.removesuffix('.json').rpartition('/')[2]}"
    if is_digest(digest):
        verified(data, Descriptor(digest, None, "", "", {}), where)
    return config_of_blob(data, where)


def _listed(files: Files, data: bytes, platform: str) -> list[_Image]:
    """`index.json`, whose entries are manifests, or indexes of several platforms."""
    where = f"{files.where}: index.json"
    index = parsed(data, where)
    if not isinstance(index, dict):
        raise InputError("bad-image", "an object is expected", where=where)

    def read(descriptor: Descriptor, kind: Literal["manifests", "blobs"]) -> bytes:
        del kind
        path = f"blobs/{descriptor.digest.replace(':', '/')}"
        blob = files.read(path)
        if blob is None:
            raise InputError(
                "bad-image",
                f"the blob {descriptor.digest} is not there",
                where=files.where,
                hint="it was not copied for this platform, or not wholly: copy the image again",
            )
        return blob

    def load(descriptor: Descriptor) -> Found:
        blob = read(descriptor, "manifests")
        return find_config(blob, descriptor, read, platform, files.where)

    images: list[_Image] = []
    for entry in _meant(descriptors_of(index, where), platform):
        names = tuple([entry.annotations[key] for key in _NAMES if key in entry.annotations])
        images.append(_Image(names, entry.digest, lambda entry=entry: load(entry)))  # type: ignore[misc]
    return images


def _meant(entries: list[Descriptor], platform: str) -> list[Descriptor]:
    """Without provenance; of one name for several platforms, the one asked for."""
    entries = [
        entry
        for entry in entries
        if entry.annotations.get("vnd.docker.reference.type") != "attestation-manifest"
    ]
    fitting = [
        entry
        for entry in entries
        if entry.platform and not Found(_NOTHING, entry.platform, "").mismatch(platform)
    ]
    names = {tuple(sorted(entry.annotations.items())) for entry in entries}
    return fitting if fitting and len(names) == 1 < len(entries) else entries
