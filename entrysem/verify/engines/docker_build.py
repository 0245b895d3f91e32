"""Images on a Docker engine: built, loaded, read back as stored, and removed.

**Builders.** `POST /build` with `version=1` is the classic builder, `version=2` BuildKit inside the
daemon, on every engine that has it; the body is a tar that holds the Dockerfile and nothing else.
Nothing is cached: the classic builder's cache changes its results.

**Marks.** BuildKit's images carry the label of the session, and one more that makes each image's id
its own: without it two builds of the same Dockerfile are one image, and removing one removes both. The
classic builder is given no label, because for it a label is one more instruction: `FROM scratch` alone,
which it refuses, would pass. Its images are known by their tag, as all others are.

**The stored config.** Which of null, `[]` and nothing at all is stored matters, and no API call shows
it. `docker inspect` has null for what is absent, and from 28.0 also for `[]`; `docker save` has the
bytes, but refuses an image without layers ("empty export - not implemented") unless images lie in
containerd's store. So it is read from, in this order: the engine's own folder, when it is on this
machine and may be read (exact, free); the saved archive, when the engine writes one (exact);
inspect. Which one it is, is settled once and told in `Implementation.details`.

**What remains.** Removing a tag removes its image and what it was made of. The classic builder also
leaves the stages before the last, and what a build had made when it failed: those are read off its
output, and removed when no name points to them. BuildKit keeps records of its steps in its build cache,
as after any build; nothing here prunes it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entrysem.verify.engines import LABEL, REPOSITORY
from entrysem.verify.engines.docker_api import Api, Dropped, Refused, quoted
from entrysem.verify.engines.images import KEYS, config_of_archive, docker_archive, tar_of
from entrysem.verify.protocol import Config, HarnessError, Outcome

__all__ = ["Image", "Images", "NotBuilt", "Stored", "base_mark"]

#: The builder asks for an image: it tries to pull one, or a registry does not have it.
_MISSING = re.compile(
    r"pull access denied|repository does not exist|failed to resolve source metadata"
    r"|failed to resolve reference|failed to do request|dial tcp|no such host|TLS handshake"
    r"|i/o timeout|manifest unknown|manifest for \S+ not found|no matching manifest"
    r"|toomanyrequests|unexpected status|unauthorized"
    r"|Get \"?https?://|error getting credentials|\S+/\S+[:@]\S+: not found\s*\Z"
    r"|no such image",
    re.IGNORECASE,
)
#: Concurrent classic builds lose each other's layers now and then; in containerd's store the last of
#: these is what a removal at the same time looks like.
_RACE = re.compile(
    r"unable to find image|unknown parent image|layer does not exist"
    r"|unexpected media type\s+for\s*:",
    re.IGNORECASE,
)
#: The engine is in trouble, whatever the Dockerfile says.
_TROUBLE = re.compile(
    r"no space left on device|too many open files|read-only file system|transport is closing"
    r"|code = Unavailable|no active sessions?|database not open|input/output error",
    re.IGNORECASE,
)
_RACES = 4  # attempts
_ARROW = re.compile(r" ---> ([0-9a-f]{12})?\s*\Z")
_STEP_FROM = re.compile(r"Step \d+/\d+ : FROM\b", re.IGNORECASE)


class NotBuilt(Exception):  # noqa: N818  # an outcome
    """No image came of it: `outcome` says in which way, the message in whose words."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.message = message


@dataclass(slots=True)
class Image:
    """An image of ours on the engine.

    Attributes:
        tag: its name, ours alone.
        id: as the engine calls it; empty when it did not say.
        others: names of other images that came along, to be removed with it.
        names: further tags that were put on it.
    """

    tag: str
    id: str = ""
    others: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stored:
    """An image's config.

    Attributes:
        config: the four keys, as they are stored.
        full: all keys, for where programs are looked for (`Env`, `WorkingDir`).
    """

    config: Config
    full: Mapping[str, Any]


def base_mark(name: str) -> str:
    """The beginning of our own tag of a base image, which says under which name it also stands."""
    full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    return f"base-{hashlib.sha256(full.encode()).hexdigest()[:16]}"


class Images:
    """The images of one session on one engine, from several threads at once.

    Args:
        builder: `buildkit` or `classic`.
        platform: the engine's own, `OS/ARCH`.
        folder: where the engine keeps image configs, when that may be readable here.
    """

    def __init__(
        self,
        api: Api,
        *,
        session: str,
        builder: str,
        platform: str,
        folder: Path | None,
        timeout: float,
    ) -> None:
        self._api = api
        self._session = session
        self._builder = builder
        self._platform = platform
        self._folder = folder
        self._timeout = timeout
        self._numbers = itertools.count()
        #: How the stored config is read: `folder`, `save` or `inspect`; None until it is settled.
        self.source: str | None = None

    def tag(self, mark: str = "image") -> str:
        """A name that no other image has."""
        return f"{REPOSITORY}/{self._session}:{mark}-{next(self._numbers)}"

    def build(
        self,
        dockerfile: bytes,
        *,
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        platform: str = "",
        mark: str = "image",
        fatal: bool = False,
    ) -> Image:
        """Builds one image.

        Args:
            fatal: the engine may die of it; then it is tried once only.

        Raises:
            NotBuilt: rejected, or an image is missing.
            HarnessError: the engine is in trouble.
        """
        for attempt in range(_RACES):
            image = Image(self.tag(mark))
            try:
                return self._build(image, dockerfile, target, build_args or {}, platform)
            except NotBuilt as problem:
                self.remove(image)
                if _RACE.search(problem.message):
                    if attempt + 1 < _RACES:
                        continue
                    raise HarnessError(
                        f"the builder lost its own layers {_RACES} times: {problem.message}"
                    ) from problem
                raise
            except Dropped as problem:
                # Another request may have brought it down: who does it twice is the one.
                if attempt or fatal:
                    words = "the daemon panicked: the connection broke in the middle of the build"
                    raise NotBuilt("rejected", f"{words} ({problem})") from problem
            except HarnessError:
                self.remove(image, quietly=True)
                raise
        raise AssertionError  # pragma: no cover  # the last attempt returns or raises

    def _build(
        self,
        image: Image,
        dockerfile: bytes,
        target: str | None,
        build_args: Mapping[str, str],
        platform: str,
    ) -> Image:
        buildkit = self._builder == "buildkit"
        labels = {LABEL: self._session, "entrysem.image": image.tag.rpartition(":")[2]}
        params = {
            "version": 2 if buildkit else 1,
            "t": image.tag,
            "nocache": 1,
            "rm": 1,
            "forcerm": 1,
            "networkmode": "none",
            "labels": json.dumps(labels) if buildkit else None,
            "target": target,
            "buildargs": json.dumps(dict(build_args)) if build_args else None,
            "platform": platform if platform not in {"", self._platform} else None,
        }
        body = tar_of({"Dockerfile": dockerfile})
        try:
            with self._api.open("POST", "/build", params=params, data=body) as answer:
                error = self._follow(image, self._api.lines(answer, self._timeout))
        except Refused as refused:
            error = refused.message
        if error is not None:
            raise _judged(error)
        if not image.id:
            raise HarnessError(
                "the engine says neither which image it has built nor why it has not"
            )
        return image

    def _follow(self, image: Image, messages: Iterable[dict[str, Any]]) -> str | None:
        """Reads a build's messages: fills in the image, and returns the error."""
        error: str | None = None
        base_next = False
        stage = ""
        for message in messages:
            detail = message.get("errorDetail")
            if isinstance(detail, dict) or "error" in message:
                error = str((detail or {}).get("message") or message.get("error"))
            aux = message.get("aux")
            if isinstance(aux, dict) and "ID" in aux:
                image.id = str(aux["ID"])
            text = message.get("stream")
            if not isinstance(text, str):
                continue
            if _STEP_FROM.match(text):
                base_next = True
                image.others += [stage] if stage else []
                stage = ""
            elif arrow := _ARROW.match(text):
                # The first after FROM is the base: not ours.
                if arrow[1] and not base_next:
                    stage = arrow[1]
                base_next = False
        if stage and not (error is None and image.id.startswith(f"sha256:{stage}")):
            image.others.append(stage)
        return error

    def load(self, config: Config, *, platform: str = "", mark: str = "image") -> Image:
        """Makes an image out of a config: what is stored is what is given.

        Raises:
            NotBuilt: the engine does not take it.
            HarnessError: the engine is in trouble.
        """
        image = Image(self.tag(mark))
        archive, identity = docker_archive(
            config,
            tag=image.tag,
            labels={LABEL: self._session, "entrysem.image": image.tag.rpartition(":")[2]},
            platform=platform or self._platform,
        )
        try:
            with self._api.open(
                "POST", "/images/load", params={"quiet": 1}, data=archive
            ) as answer:
                error = self._follow(image, self._api.lines(answer, self._timeout))
        except Refused as refused:
            error = refused.message
        if error is not None:
            raise NotBuilt("rejected", error)
        image.id = f"sha256:{identity}"
        return image

    def stored(self, image: Image) -> Stored:
        """The image's stored config.

        Raises:
            HarnessError: it cannot be read.
        """
        if self.source is not None:
            found = self._read(self.source, image)
            if found is None:
                raise HarnessError(f"the config of {image.tag} cannot be read back ({self.source})")
            return found
        for source in ("folder", "save", "inspect"):
            found = self._read(source, image)
            if found is not None:
                self.source = source
                return found
        raise HarnessError(f"the config of {image.tag} cannot be read back")

    def _read(self, source: str, image: Image) -> Stored | None:
        if source == "folder":
            if self._folder is None:
                return None
            try:
                blob = (self._folder / image.id.removeprefix("sha256:")).read_bytes()
            except OSError:
                return None
            full = json.loads(blob).get("config") or {}
            return Stored(_picked(full), full)
        path = f"/images/{quoted(image.tag)}"
        try:
            shown = self._api.json("GET", f"{path}/json").get("Config") or {}
            if source == "inspect":
                return Stored(_picked(shown), shown)
            archive = self._api.call("GET", f"{path}/get")
        except Refused:
            return None
        return Stored(config_of_archive(archive, platform=self._platform), shown)

    def name(self, image: Image, name: str) -> None:
        """Puts a further name on the image.

        Raises:
            NotBuilt: an image of that name is there (it is not ours), or it is no name.
        """
        try:
            self._api.call("GET", f"/images/{quoted(name)}/json")
        except Refused as refused:
            if refused.status != 404:
                raise NotBuilt("skipped", f"no image can be named {name!r}: {refused}") from refused
        else:
            raise NotBuilt(
                "skipped", f"the engine has an image {name!r} that is not ours; it stays as it is"
            )
        repository, _, tag = (
            name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
        )
        try:
            self._api.call(
                "POST",
                f"/images/{quoted(image.tag)}/tag",
                params={"repo": repository, "tag": tag or "latest"},
            )
        except Refused as refused:
            raise NotBuilt("skipped", f"no image can be named {name!r}: {refused}") from refused
        image.names.append(name)

    def ids(self) -> list[str]:
        """The ids of all images on the engine, the classic builder's intermediate ones included."""
        found = self._api.json("GET", "/images/json", params={"all": 1})
        return [str(entry["Id"]).removeprefix("sha256:") for entry in found]

    def remove(self, image: Image, *, quietly: bool = False) -> None:
        """Takes our names off the image; the engine removes what nobody else names.

        Raises:
            HarnessError: the engine is in trouble; not when `quietly`, then `close` will see to it.
        """
        try:
            for name in [*image.names, *([image.tag] if image.id else [])]:
                self._delete(name)
            for other in reversed(image.others):
                self._remove_unnamed(other)
        except HarnessError:
            if not quietly:
                raise

    def _delete(self, name: str) -> bool:
        for _ in range(3):
            try:
                self._api.call("DELETE", f"/images/{quoted(name)}")
            except Refused as refused:
                if refused.status in {404, 409}:
                    return False  # gone, or still in use: by a later stage, or by somebody else
                raise HarnessError(f"the image {name} cannot be removed: {refused}") from refused
            except Dropped:
                continue
            return True
        return False

    def _remove_unnamed(self, image: str) -> None:
        """Removes an intermediate image, unless it turns out to have a name."""
        try:
            document = self._api.json("GET", f"/images/{image}/json")
        except Refused:
            return
        if not document.get("RepoTags") and not document.get("RepoDigests"):
            self._delete(image)


def _picked(config: Mapping[str, Any]) -> Config:
    return {key: config[key] for key in KEYS if key in config}


def _judged(error: str) -> Exception:
    """What a build's error means."""
    if _RACE.search(error):
        return NotBuilt("rejected", error)  # tried again by the caller
    if _MISSING.search(error):
        return NotBuilt("missing-image", error)
    if _TROUBLE.search(error):
        return HarnessError(f"the engine is in trouble: {error}")
    return NotBuilt("rejected", error)
