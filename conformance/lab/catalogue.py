"""Which engines there are: four Debian suites, and in each Docker, Podman and Buildah.

An engine is named by its suite for as long as nobody has asked it (`docker-trixie-buildkit`), because
suites get newer packages; its id is made from the version that it reports itself
(`docker-26.1.5-buildkit`). Both names are understood wherever an engine is named.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.lab.errors import LabError
from conformance.lab.places import Places

__all__ = [
    "COMMANDS",
    "KINDS",
    "QUICK",
    "SUITES",
    "VARIANTS",
    "LabBuilder",
    "LabEngine",
    "builders",
    "engine",
    "packages",
    "plain_version",
    "suites_of",
    "table",
]

#: Oldest first.
SUITES = ("bullseye", "bookworm", "trixie", "sid")

#: Kind -> what it is tried with: Docker with its two builders, Buildah with its two formats.
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "docker": ("buildkit", "classic"),
    "podman": ("",),
    "buildah": ("oci", "docker"),
}
KINDS = tuple(VARIANTS)

#: What has a wrapper script in each suite.
COMMANDS = ("docker", "podman", "buildah", "umoci", "imagebuilder", "ctr")

#: The quick matrix: Docker before and after BuildKit 0.15 (where text after the closing bracket began
#: to matter), one Podman, one Buildah. It needs two suites.
QUICK = (
    "docker-trixie-buildkit",
    "docker-trixie-classic",
    "docker-sid-buildkit",
    "docker-sid-classic",
    "podman-sid",
    "buildah-sid-oci",
)

_COMMON = (
    "docker.io podman buildah umoci runc crun catatonit conmon containerd tini"
    " bash coreutils libc-bin libseccomp2"
).split()
_ADDED: Mapping[str, tuple[str, ...]] = {
    "bullseye": (),
    "bookworm": ("openshift-imagebuilder",),
    "trixie": ("docker-cli", "docker-buildx", "docker-compose", "openshift-imagebuilder"),
    "sid": ("docker-cli", "docker-buildx", "docker-compose", "openshift-imagebuilder"),
}


def packages(suite: str) -> tuple[str, ...]:
    """The packages whose trees make up a suite, without what they depend on."""
    return (*_COMMON, *_ADDED[suite])


@dataclass(frozen=True, slots=True)
class LabEngine:
    """One engine of the lab.

    Attributes:
        id: `docker-26.1.5-buildkit`, `podman-5.4.2`, `buildah-1.39.3-oci`; while the version is not
            known, the key.
        kind: `docker`, `podman` or `buildah`.
        suite: the Debian suite.
        builder: Docker's builder or Buildah's format; empty for Podman.
        version: as the engine reported it; empty when it was never asked.
        text: what `entrysem verify --engine` takes.
        key: the same with the suite in place of the version: `docker-trixie-buildkit`.
    """

    id: str
    kind: str
    suite: str
    builder: str
    version: str
    text: str
    key: str


def engine(places: Places, kind: str, suite: str, builder: str, version: str = "") -> LabEngine:
    """The engine of that kind."""
    key = "-".join(part for part in (kind, suite, builder) if part)
    name = "-".join(part for part in (kind, version or suite, builder) if part)
    options = {"cli": str(places.wrapper(kind, suite)), "workspace": str(places.work(suite))}
    if kind == "docker":
        options = {"host": f"unix://{places.socket(suite, kind)}", "builder": builder} | options
    elif kind == "buildah":
        options = {"format": builder} | options
    # Podman is given no socket: its remote client reads some of what is typed otherwise.
    text = f"{kind}:" + ",".join(f"{name}={value}" for name, value in options.items())
    return LabEngine(name, kind, suite, builder, version, text, key)


@dataclass(frozen=True, slots=True)
class LabBuilder:
    """A builder that is known by its command line: what `entrysem verify --builder` takes.

    Attributes:
        key: `imagebuilder-sid`.
        suite: the Debian suite.
        builder, inspect: the two templates.
        workspace: the folder for build contexts: the builder sees no other.
    """

    key: str
    suite: str
    builder: str
    inspect: str
    workspace: str


def builders(places: Places) -> tuple[LabBuilder, ...]:
    """OpenShift's imagebuilder in each suite that has it; it commits through the suite's Docker."""
    template = (
        " -allow-pull=false --target {target} --build-arg {build_args}"
        " -f {dockerfile} -t {tag} {context}"
    )
    return tuple(
        LabBuilder(
            key=f"imagebuilder-{suite}",
            suite=suite,
            builder=shlex.quote(str(places.wrapper("imagebuilder", suite))) + template,
            inspect=shlex.quote(str(places.wrapper("docker", suite))) + " image inspect {tag}",
            workspace=str(places.work(suite)),
        )
        for suite in SUITES
        if "openshift-imagebuilder" in packages(suite)
    )


def table(places: Places, versions: Mapping[str, Mapping[str, str]]) -> tuple[LabEngine, ...]:
    """Every engine, by kind and then from the oldest; `versions` is suite -> kind -> version."""
    return tuple(
        engine(places, kind, suite, builder, versions.get(suite, {}).get(kind, ""))
        for kind, builders in VARIANTS.items()
        for suite in SUITES
        for builder in builders
    )


def suites_of(names: Iterable[str], engines: Iterable[LabEngine]) -> tuple[str, ...]:
    """The suites that these engines (ids or keys) or suites need, oldest first; all for none named.

    Raises:
        LabError: there is no such engine or suite.
    """
    engines = tuple(engines)
    wanted = set()
    for name in names:
        if name in SUITES:
            wanted.add(name)
            continue
        found = [engine.suite for engine in engines if name in {engine.id, engine.key}]
        if not found:
            known = ", ".join(engine.id for engine in engines)
            raise LabError(f"no engine or suite {name!r}; there are {', '.join(SUITES)}, {known}")
        wanted.update(found)
    return tuple(suite for suite in SUITES if not wanted or suite in wanted)


def plain_version(text: str) -> str:
    """The numbers in what an engine calls its version: `20.10.24+dfsg1` is `20.10.24`."""
    match = re.search(r"\d+(?:\.\d+)+", text)
    return match[0] if match else ""
