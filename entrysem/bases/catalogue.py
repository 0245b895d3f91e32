"""What the common base images contribute, without a daemon and without a registry.

`catalogue.json` beside this module holds, for every image, an ordered list of rules. A rule is a
few globs over tags, the config of the images under these tags, and the pinned file that says so.
The first rule that has a matching glob answers; only `*` is special in a glob. Three kinds of
"don't know" are kept apart:

* the rule's config is null, or no image or rule matches: the image is unknown, `lookup` gives None;
* a key is absent from the config: that key alone is unknown, and becomes `Inherited`;
* a key is null: it is known that the image does not set it.

An image that is pinned by digest alone is unknown too, since the digest stands for content that
nobody has looked at.

The data is derived from the build definitions that docker-library/official-images lists, as
`docs/catalogue.md` tells; `tools/make_catalogue.py` writes it. It says nothing of ONBUILD: no
triggers are recorded, and none of the files read has one that sets CMD, ENTRYPOINT or SHELL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from entrysem.bases.lookup import Reference, parse_reference
from entrysem.model import Base, ConfigKey, ImageConfig, Inherited, Words

__all__ = ["Catalogue", "matches"]

#: Where a rule's file was read -> what a person should know about it; nothing for `manifest`, the
#: exact commit that the list of official images names.
_READING = {
    "manifest": "",
    "head": "extrapolated from an older commit than the listed one",
    "near": "extrapolated from the neighbours of the listed commit, which is gone",
    "index": "extrapolated from an index of files",
}


if TYPE_CHECKING:

    class _Rule(TypedDict):
        tags: list[str]
        config: dict[ConfigKey, list[str] | None] | None
        source: NotRequired[str]
        read: NotRequired[str]
        of: NotRequired[str]
        inherited: NotRequired[dict[ConfigKey, str]]


class Catalogue:
    """The bundled facts about common images; `lookup` is a `BaseLookup`.

    Attributes:
        date: the day of the snapshot, `YYYY-MM-DD`.
        commit: the commit of docker-library/official-images that it rests on.
        platform: the platform that it is true for.
    """

    __slots__ = ("_images", "_unsupported_tags", "commit", "date", "platform")

    def __init__(self, document: str | bytes) -> None:
        """Takes the JSON text of a catalogue that satisfies `spec/schema/catalogue.schema.json`."""
        data = json.loads(document)
        self.date: str = data["snapshot"]["date"]
        self.commit: str = data["snapshot"]["commit"]
        self.platform: str = data["platform"]
        self._unsupported_tags: list[str] = data["unsupported_tags"]
        self._images: Mapping[str, list[_Rule]] = data["images"]

    @staticmethod
    @cache
    def load() -> Catalogue:
        """The bundled catalogue, read at the first call."""
        # Not by importlib.resources: importing it takes ten times as long as all the rest.
        return Catalogue(Path(__file__).with_name("catalogue.json").read_bytes())

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the images that have rules, sorted."""
        return tuple(sorted(self._images))

    def lookup(self, image: str) -> Base | None:
        """What `FROM image` brings, or None when that is not known. Never raises."""
        reference = parse_reference(image)
        if reference is None or reference.tag is None:
            return None
        rule = self._rule(reference.name, reference.tag)
        if rule is None or rule["config"] is None:
            return None
        facts = rule["config"]

        def words(key: ConfigKey) -> Words:
            if key not in facts:
                return (Inherited(key, image),)
            value = facts[key]
            return None if value is None else tuple(value)

        config = ImageConfig(words("Entrypoint"), words("Cmd"), words("Shell"))
        return Base(config, "catalogue", self._note(rule, reference))

    def _rule(self, name: str, tag: str) -> _Rule | None:
        if any(matches(glob, tag) for glob in self._unsupported_tags):
            return None
        for rule in self._images.get(name, ()):
            if any(matches(glob, tag) for glob in rule["tags"]):
                return rule
        return None

    def _note(self, rule: _Rule, reference: Reference) -> str:
        source = _short(rule.get("source", ""))
        # A rule speaks for many tags, and its file was read for one of them.
        of = rule.get("of", reference.tag)
        if of != reference.tag:
            source += f" (of {reference.name}:{of})"
        parts = [f"catalogue of {self.date}: {source}"]
        parts += [
            f"{key} from {_short(source)}" for key, source in rule.get("inherited", {}).items()
        ]
        parts.append(_READING[rule.get("read", "manifest")])
        if reference.host is not None:
            parts.append(f"taken for the official image {reference.name}")
        if reference.digest is not None:
            parts.append("the tag answers, the digest was not checked")
        return "; ".join(part for part in parts if part)


def _short(source: str) -> str:
    """`repo@commit:path` with 12 digits of the commit."""
    repo, _, rest = source.partition("@")
    commit, _, path = rest.partition(":")
    return f"{repo}@{commit[:12]}:{path}"


def matches(glob: str, tag: str) -> bool:
    """Whether `glob` matches the whole of `tag`. `*` is any text, all else itself."""
    first, *others = glob.split("*")
    if not others:
        return glob == tag
    if not tag.startswith(first):
        return False
    at = len(first)
    *middle, last = others
    for piece in middle:
        found = tag.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(tag) - at >= len(last) and tag.endswith(last)
