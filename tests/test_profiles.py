"""Profiles: what a version string picks, and that every recorded deviation shows in its own example."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem import DockerfileError, Engine, InputError, Profile, RunOptions, build_image
from entrysem import profiles as module
from entrysem.behaviour import BuilderBehaviour, RuntimeBehaviour
from entrysem.data import read_text
from entrysem.deviations import DEVIATIONS, Deviation
from entrysem.dockerfile.grammar import Grammar
from entrysem.profiles import BUILDERS, RUNTIMES, runtime_behaviour
from entrysem.rules import RULES
from entrysem.versions import in_range, parse_version
from tests.cli.running import assert_valid

_EACH = pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: deviation.id)


# --- names and versions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "picked"),
    [
        # Until 20.10 `docker build` is the classic builder; since 23.0 it is BuildKit
        # (Docker Engine 23.0 release notes). vendor.mod of moby/moby names the BuildKit inside.
        ("docker@19.03", "classic@19.03"),
        ("docker@20.10", "classic@20.10"),
        ("docker@20.10.24+dfsg1", "classic@20.10.24+dfsg1"),
        ("docker@23.0", "buildkit@0.10"),
        ("docker@24.0.9", "buildkit@0.11"),
        ("docker@25.0", "buildkit@0.12"),
        ("docker@26.1.5", "buildkit@0.13"),
        ("docker@27.0", "buildkit@0.14"),
        ("docker@27.1.1", "buildkit@0.15"),
        ("docker@28.5", "buildkit@0.25"),
        ("docker", f"buildkit@{BUILDERS['buildkit']}"),
        # go.mod of containers/podman.
        ("podman@3.0.1", "buildah@1.19"),
        ("podman@4.3.1", "buildah@1.28"),
        ("podman@5.4", "buildah@1.39"),
        ("podman@5.8.6", "buildah@1.43"),
        ("podman", f"buildah@{BUILDERS['buildah']}"),
        *((f"{name}@1.2.3-rc1", f"{name}@1.2.3-rc1") for name in BUILDERS),
        *((name, f"{name}@{newest}") for name, newest in BUILDERS.items()),
    ],
)
def test_builder(typed: str, picked: str) -> None:
    assert str(Profile.parse(typed).builder) == picked


@pytest.mark.parametrize(("name", "newest"), RUNTIMES.items())
def test_runtime(name: str, newest: str) -> None:
    assert str(Profile.parse(runtime=name).runtime) == f"{name}@{newest}"
    assert str(Profile.parse(runtime=f"{name}@1").runtime) == f"{name}@1"
    assert Profile.parse(runtime=f"{name}@{newest}").runtime_behaviour is (
        runtime_behaviour(Engine(name, newest))
    )


@pytest.mark.parametrize(
    ("typed", "code", "hint"),
    [
        (("nope", "docker"), "unknown-builder", "buildkit"),
        (("", "docker"), "unknown-builder", "buildkit"),
        (("cri", "docker"), "unknown-builder", "buildkit"),
        (("BuildKit", "docker"), "unknown-builder", "buildkit"),
        (("buildkit", "nope"), "unknown-runtime", "docker"),
        (("buildkit", "buildah"), "unknown-runtime", "docker"),
        (("buildkit@x", "docker"), "bad-version", "0.13"),
        (("buildkit@1x", "docker"), "bad-version", "0.13"),
        (("docker@latest", "docker"), "bad-version", "28"),
        (("podman@-1", "docker"), "bad-version", "28"),
        (("buildkit", "docker@ 1"), "bad-version", "28"),
    ],
)
def test_what_is_no_profile_says_what_is(typed: tuple[str, str], code: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        Profile.parse(*typed)
    assert caught.value.code == code
    assert hint in (caught.value.hint or "")


def test_the_version_picks_the_behaviour() -> None:
    # moby/buildkit 80518e257 is in 0.15 and Docker Engine 27.1; observed on 26.1.5 and 28.5.2.
    source = b'FROM scratch\nCMD ["a"] x\n'
    shell = ("/bin/sh", "-c", '["a"] x')
    for typed, argv in (
        ("buildkit@0.14.1", ("a",)),
        ("buildkit@0.15.0", shell),
        ("buildkit@0.15.0-rc1", shell),
        ("buildkit", shell),
        ("classic@27.0.3", ("a",)),
        ("classic@27.1.0", shell),
        ("classic@27", shell),
        ("docker@26", ("a",)),
        ("docker@28", shell),
        ("buildah", ("a",)),
    ):
        assert build_image(source, profile=Profile.parse(typed)).run().argv == argv, typed


def test_newest_is_the_default_and_the_reference() -> None:
    assert Profile() == Profile.parse()
    assert Profile().deviations == ()
    for name, newest in BUILDERS.items():
        there = module.deviations_of(Engine(name), "builder")
        assert there == module.deviations_of(Engine(name, newest), "builder")


_number = st.integers(0, 40)
_versions = st.builds(
    lambda parts: ".".join(map(str, parts)), st.lists(_number, min_size=1, max_size=4)
)


@given(_versions, st.sampled_from(["", "-rc1", "+dfsg1", "~deb12", "-0.20221020"]), _versions)
def test_a_version_is_below_or_not_below_a_bound(version: str, tail: str, bound: str) -> None:
    found = parse_version("v" + version + tail)
    assert in_range(found, f"<{bound}") != in_range(found, f">={bound}")
    assert in_range(found, f">={version}")
    assert in_range(found, "")
    assert in_range(found, f">={bound},<{bound}") is False


# --- the deviations ----------------------------------------------------------------------------------


def test_deviations_are_published_as_they_are() -> None:
    document = json.loads(read_text("deviations.json"))
    assert_valid("deviations", document)
    assert [item["id"] for item in document] == [deviation.id for deviation in DEVIATIONS]
    for item, deviation in zip(document, DEVIATIONS, strict=True):
        for key in ("side", "rule", "what", "example", "source", "status"):
            assert item[key] == getattr(deviation, key)
        assert item["engines"] == dict(deviation.engines)


def test_ids_are_unique_slugs() -> None:
    ids = [deviation.id for deviation in DEVIATIONS]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


@_EACH
def test_deviation_is_well_formed(deviation: Deviation) -> None:
    known = BUILDERS if deviation.side == "builder" else RUNTIMES
    assert deviation.engines.keys() <= known.keys()
    assert deviation.rule in RULES
    assert deviation.source
    assert ("observed" in deviation.source) or deviation.status == "source-read"
    behaviour = BuilderBehaviour if deviation.side == "builder" else RuntimeBehaviour
    assert deviation.sets.keys() <= behaviour.questions().keys()
    assert deviation.grammar.keys() <= Grammar.questions().keys()
    assert not deviation.grammar or deviation.side == "builder"
    assert deviation.sets or deviation.grammar or deviation.lacks
    for clause in ",".join(deviation.engines.values()).split(","):
        assert re.fullmatch(r"(?:(?:<|>=)\d+(?:\.\d+){0,3})?", clause)


def _in_force(deviation: Deviation) -> Iterator[Profile]:
    """Profiles at the edges of the deviation's ranges in which it is in force."""
    for name, range_text in deviation.engines.items():
        versions: list[str | None] = [None]
        for clause in filter(None, range_text.split(",")):
            bound = clause.lstrip("<>=")
            versions += [bound, _below(bound)]
        for version in versions:
            engine = Engine(name, version)
            if deviation in module.deviations_of(engine, deviation.side):
                yield Profile(engine) if deviation.side == "builder" else Profile(runtime=engine)


def _below(bound: str) -> str:
    """The newest version before `bound`: 0.14 for 0.15, 4 for 5.0, 0.8.0 for 0.8.1."""
    parts = [int(part) for part in re.sub(r"(\.0)+\Z", "", bound).split(".")]
    return ".".join(map(str, [*parts[:-1], parts[-1] - 1]))


def _asked(deviation: Deviation) -> tuple[str, RunOptions, str | None]:
    """The example: Dockerfile, run and target. What is no Dockerfile stands in a last comment."""
    text, _, note = deviation.example.partition("\n# ")
    if not note or deviation.side == "builder":
        long = re.sub(r"\(([\d,]+) times a\)", _repeated, deviation.example)
        target = "0" if deviation.rule == "BUILD-13" else None
        return long, RunOptions(), target
    if note.startswith("command: "):
        return text, RunOptions(entrypoint=tuple(json.loads(note[9:]))), None
    words = shlex.split(note.partition(" run ")[2])
    given_entrypoint = words[words.index("--entrypoint") + 1] if "--entrypoint" in words else None
    return text, RunOptions(entrypoint=given_entrypoint, init="--init" in words), None


def _repeated(match: re.Match[str]) -> str:
    return "a" * int(match[1].replace(",", ""))


def _outcome(deviation: Deviation, profile: Profile) -> Any:
    source, options, target = _asked(deviation)
    profile = Profile(profile.builder, profile.runtime)  # looks the behaviour up anew
    try:
        image = build_image(source, profile=profile, target=target)
        resolution = image.run(options)
    except (DockerfileError, InputError) as error:
        return "rejected", error.code, error.message
    assert image.built is not None
    refused = resolution.error
    known = (image.built.base, image.built.origin)
    return image.config, resolution.words, refused and (refused.code, refused.message), known


def _forget() -> None:
    for cached in (module.deviations_of, module.builder_behaviour, module.runtime_behaviour):
        cached.cache_clear()


@_EACH
def test_example_shows_the_deviation(deviation: Deviation) -> None:
    """The same engine with and without the deviation treats its example differently."""
    seen = [(profile, _outcome(deviation, profile)) for profile in _in_force(deviation)]
    assert seen, "no version is in its range"
    others = tuple(item for item in DEVIATIONS if item is not deviation)
    try:
        with patch("entrysem.deviations.DEVIATIONS", others):
            _forget()
            without = [_outcome(deviation, profile) for profile, _ in seen]
    finally:
        _forget()
    assert any(outcome != bare for (_, outcome), bare in zip(seen, without, strict=True))


def test_profiles_are_equal_by_value() -> None:
    one, two = Profile.parse("classic@20.10"), Profile.parse("classic@20.10")
    assert one == two
    assert hash(one) == hash(two)
    assert one != Profile.parse("classic@28.5")
    assert one != "classic@20.10"
    assert repr(Engine("buildah", "1.43")) in repr(Profile.parse("buildah@1.43"))
