"""`--base-config`, `--base-from` and the catalogue as one lookup, and an image in place of a Dockerfile.

The order is fixed: the configs that the user gives, then the sources in the order typed, then the
catalogue. The first that knows the image answers, and `Base.origin` and `Base.note` say which it was.

    --base-config IMAGE=FILE            what an inspect prints, or a config
    --base-config IMAGE=oci:DIR[:TAG]   that image of a layout; also docker-archive:FILE[:TAG]
    --base-from docker | podman         a local engine: `docker:context=NAME`, `podman:host=URL`
    --base-from oci:DIR                 an OCI layout, by the names in it
    --base-from docker-archive:FILE     what `docker save` wrote, by the names in it
    --base-from registry                the registry that the reference names

Nothing but what is asked for is opened, and nothing before the first image that needs it; without
`--base-from registry` no network is asked. A source that does not have an image passes it on. One that
was asked for and cannot be reached is an error: an answer from the catalogue in its place would look
right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from entrysem.bases.lookup import given, parse_reference, read_base_options
from entrysem.build import BaseLookup
from entrysem.errors import InputError
from entrysem.model import Base, ImageConfig, Inherited

__all__ = ["IMAGE_PREFIXES", "Bases", "is_image", "open_bases", "open_image"]

_IMAGE = "image:"
_FILES = ("oci:", "docker-archive:", "oci-archive:")
#: What an image is written with, in place of a Dockerfile.
IMAGE_PREFIXES = (_IMAGE, *_FILES)

_SOURCES = "docker, docker:context=NAME, podman, registry, oci:DIR or docker-archive:FILE"
_KEPT = 4096


class _Source(NamedTuple):
    place: str
    lookup: BaseLookup


class Bases:
    """The sources of one call; calling it is a `BaseLookup`.

    Attributes:
        asked: names of the sources that were asked for by `--base-from`.
        places: names of all, in order, for a sentence.
    """

    def __init__(self, sources: Sequence[_Source], asked: Sequence[str]) -> None:
        self._sources = tuple(sources)
        self.asked = tuple(asked)
        self.places = tuple([source.place for source in sources])
        self._known: dict[str, Base | None] = {}

    def __call__(self, image: str) -> Base | None:
        """The first answer, or None. One image is looked up once.

        Raises:
            InputError: a source that was asked for cannot be reached, or what it has cannot be read.
        """
        if image not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[image] = self._look(image)
        return self._known[image]

    def _look(self, image: str) -> Base | None:
        for source in self._sources:
            base = source.lookup(image)
            if base is not None:
                return base
        return None


def open_bases(
    configs: Sequence[str],
    sources: Sequence[str],
    *,
    catalogue: bool,
    platform: str,
    registry: str | None = None,
) -> Bases:
    """The lookup for one call of a command.

    Args:
        configs: values of `--base-config`.
        sources: values of `--base-from`, in the order typed.
        catalogue: whether the bundled catalogue is asked last.
        platform: `os/architecture[/variant]`.
        registry: the default registry, `HOST[:PORT][/PREFIX]`; the environment's ENTRYSEM_REGISTRY
            goes before it.

    Raises:
        InputError: `bad-base-option`, `unreadable`, `bad-base-config`: as `read_base_options`;
            `bad-base-source`, a source is malformed; `no-engine`, `missing-extra`, what it needs is not
            installed. As `Layout.chosen` for an image of `--base-config`.
    """
    opened: list[_Source] = []
    if configs:
        opened.append(_given(configs, platform))
    opened += [_source(text, platform, registry) for text in dict.fromkeys(sources)]
    if catalogue:
        opened.append(_Source("the catalogue", _catalogued))
    return Bases(opened, list(dict.fromkeys(sources)))


def is_image(text: str) -> bool:
    """Whether an argument means an image, and not a Dockerfile; a file of such a name is `./image:x`."""
    return text.startswith(IMAGE_PREFIXES)


def open_image(text: str, bases: BaseLookup, *, platform: str) -> Base:
    """The config of an image that stands in place of a Dockerfile.

    Args:
        text: `image:NAME`, which is looked up in `bases`; `oci:DIR[:TAG]`, `docker-archive:FILE[:TAG]`
            or `oci-archive:FILE[:TAG]`.
        platform: `os/architecture[/variant]`.

    Returns:
        the config and who knew it. For `image:NAME` that nobody knows, when nobody was asked but the
        catalogue and the configs given: `Inherited` for all of it, with the origin `unknown`.

    Raises:
        InputError: `bad-image-name`; `no-such-image`, the sources that were asked do not have it; or
            as `Bases` and `Layout.chosen`.
    """
    for prefix in _FILES:
        if text.startswith(prefix):
            return _of_file(prefix, text.removeprefix(prefix), platform)
    image = text.removeprefix(_IMAGE)
    if parse_reference(image) is None or image == "scratch":
        raise InputError(
            "bad-image-name",
            "scratch is no image, only the name for none"
            if image == "scratch"
            else f"{image!a} is not an image reference",
            where=text,
            hint="such as image:python:3.12, or image:registry.example/acme/base@sha256:...",
        )
    base = bases(image)
    if base is not None:
        return base
    if isinstance(bases, Bases) and bases.asked:
        raise InputError(
            "no-such-image",
            f"not found in {_listed(bases.places)}",
            where=text,
            hint=f"pull or build it, or add --base-config {image}=FILE with what "
            f"`docker image inspect {image}` prints",
        )
    unknown = ImageConfig(
        (Inherited("Entrypoint", image),), (Inherited("Cmd", image),), (Inherited("Shell", image),)
    )
    return Base(unknown, "unknown")


def _given(options: Sequence[str], platform: str) -> _Source:
    """The configs of `--base-config`, from files and from images in files."""
    plain, images = [], {}
    for option in options:
        image, _, file = option.partition("=")
        prefix = next((prefix for prefix in _FILES if file.startswith(prefix)), None)
        if prefix is None or parse_reference(image) is None:
            plain.append(option)
        elif image in images:
            raise InputError(
                "bad-base-option",
                f"{image} is given twice",
                where="--base-config",
                hint="give each image once",
            )
        else:
            images[image] = _of_file(prefix, file.removeprefix(prefix), platform)
    configs, notes = read_base_options(plain)
    for image, base in images.items():
        if image in configs:
            raise InputError(
                "bad-base-option",
                f"{image} is given twice",
                where="--base-config",
                hint="give each image once",
            )
        configs[image], notes[image] = base.config, base.note
    return _Source("--base-config", given(configs, notes))


def _source(text: str, platform: str, registry: str | None) -> _Source:
    kind, _, rest = text.partition(":")
    if kind in {"docker", "podman"}:
        from entrysem.bases.engine import engine  # noqa: PLC0415  # most calls ask no engine

        found = engine(text, platform)
        return _Source(text, found)
    if text == "registry":
        from entrysem.bases.registry import Registry, default_registry  # noqa: PLC0415  # slow

        return _Source(text, Registry(platform, default=default_registry() or registry))
    if f"{kind}:" in _FILES and rest:
        from entrysem.bases.layout import Layout  # noqa: PLC0415

        return _Source(text, Layout(f"{kind}:", rest, platform).named)
    raise InputError(
        "bad-base-source",
        f"{text!a} is no source of base images",
        where="--base-from",
        hint=f"sources are {_SOURCES}",
    )


def _of_file(prefix: str, rest: str, platform: str) -> Base:
    from entrysem.bases.layout import Layout  # noqa: PLC0415

    if not rest:
        raise InputError(
            "bad-image-name",
            "no folder or file is named",
            where=prefix,
            hint="such as oci:DIR:TAG or docker-archive:FILE",
        )
    path, tag = Layout.split(rest)
    return Layout(prefix, path, platform).chosen(tag)


def _catalogued(image: str) -> Base | None:
    from entrysem.bases.catalogue import Catalogue  # noqa: PLC0415  # scratch needs none

    return Catalogue.load().lookup(image)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
