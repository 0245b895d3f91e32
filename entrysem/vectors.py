"""The vectors: language-neutral cases with expected values from outside.

A vector file under `spec/vectors/` is one JSON document in the shape of
`spec/schema/vectors.schema.json`: cases, each a Dockerfile (or an image config) with base images,
options and, for each profile it speaks about, the expected config or rejection and the expected
outcome of each run. `evidence` says where the expected values come from.

`check` compares entrysem with a case; other programs bring their own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from entrysem.bases.config import read_config_object
from entrysem.build import BaseLookup
from entrysem.data import spec_folder
from entrysem.errors import DockerfileError
from entrysem.model import Base, ImageConfig, RunOptions
from entrysem.profiles import Profile
from entrysem.render.documents import config_document
from entrysem.resolve import Image, build_image

__all__ = [
    "bases_of",
    "cases",
    "check",
    "config_of",
    "dockerfile_of",
    "image_of",
    "options_of",
    "with_runtime",
]

Case = Mapping[str, Any]


def cases() -> Iterator[dict[str, Any]]:
    """Every case of every file, in the order of file names; each has its file's stem as `suite`."""
    for path in sorted((spec_folder() / "vectors").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for case in document["cases"]:
            yield {"suite": path.stem, **case}


def dockerfile_of(case: Case) -> bytes:
    """The case's Dockerfile, byte for byte."""
    if "dockerfile_base64" in case:
        return base64.b64decode(case["dockerfile_base64"])
    if "dockerfile_parts" in case:
        return "".join([text * count for text, count in case["dockerfile_parts"]]).encode()
    text: str = case["dockerfile"]
    return text.encode()


def image_of(case: Case, profile: Profile) -> Image:
    """Builds the case's image for one profile.

    Raises:
        DockerfileError: it is rejected.
    """
    source: bytes | ImageConfig = (
        config_of(case["config"], where=case["id"]) if "config" in case else dockerfile_of(case)
    )
    return build_image(
        source,
        profile=profile,
        target=case.get("target"),
        build_args=case.get("build_args", {}),
        bases=bases_of(case.get("bases", {}), profile),
        platform=case.get("platform", "linux/amd64"),
    )


def bases_of(bases: Case, profile: Profile) -> BaseLookup:
    """The lookup of a case's base images: each a Dockerfile (text or bytes), built with the same
    profile, or an image config.

    Raises:
        DockerfileError: when asked for a base that is rejected.
    """

    def lookup(image: str) -> Base | None:
        base = bases.get(image)
        if base is None:
            return None
        if isinstance(base, str | bytes):
            return Base(build_image(base, profile=profile).config)
        return Base(config_of(base, where=image))

    return lookup


def config_of(config: Mapping[str, Sequence[str] | None], *, where: str) -> ImageConfig:
    """The image config of a case or of a job of `entrysem.verify`.

    Raises:
        InputError: it is no image config.
    """
    document = {key: None if words is None else list(words) for key, words in config.items()}
    return read_config_object(document, where=where)


def options_of(run: Case) -> RunOptions:
    """The run options of one expected run."""
    entrypoint = run.get("entrypoint")
    args = run.get("args")
    return RunOptions(
        args=None if args is None else tuple(args),
        entrypoint=tuple(entrypoint) if isinstance(entrypoint, list) else entrypoint,
        init=run.get("init", False),
        env=run.get("env", {}),
    )


def check(case: Case) -> list[str]:
    """Where entrysem differs from the case: one sentence a difference, none when it agrees."""
    found: list[str] = []
    for expected in case["expect"]:
        for builder in expected["builders"]:
            found += _check_builder(case, builder, expected)
    return found


def _check_builder(case: Case, builder: str, expected: Case) -> list[str]:
    where = f"{case['id']} with {builder}"
    try:
        image = image_of(case, Profile.parse(builder))
    except DockerfileError as error:
        rejection = expected.get("rejected")
        if rejection is None:
            return [f"{where}: rejected ({error.code}), but the builder accepts it"]
        return [
            f"{where}: {key} is {getattr(error, key)!r}, not {value!r}"
            for key, value in rejection.items()
            if key in ("phase", "code", "line") and getattr(error, key) != value
        ]
    if "rejected" in expected:
        return [f"{where}: accepted, but the builder rejects it"]
    if "asks_for_image" in expected:
        asks = _asks_for_image(image, case.get("bases", {}))
        return [] if asks else [f"{where}: does not ask for an image, but the builder does"]
    found = _check_config(where, image, expected)
    for run in expected.get("runs", []):
        for runtime in run.get("runtimes", ["docker"]):
            found += _check_run(f"{where} and {runtime}", with_runtime(image, runtime), run)
    return found


def _asks_for_image(image: Image, given: Case) -> bool:
    """Whether the build stands on an image that is not known, or copies from one."""
    if image.built is None or image.dockerfile is None or image.built.origin == "unknown":
        return True
    stages = image.dockerfile.stages[: image.built.stage.number + 1]
    for stage in stages:
        names = {earlier.key for earlier in stages[: stage.number]}
        for source in stage.sources:
            # A number beyond the stages is an image's name for a builder that did not reject it.
            numbered = source.isdecimal() and int(source[:9]) < len(stages)
            if not numbered and source.lower() not in names and source not in given:
                return True
    return False


def with_runtime(image: Image, runtime: str) -> Image:
    """The same image on another runtime; nothing is built again."""
    engine = Profile.parse(runtime=runtime).runtime
    profile = Profile(image.profile.builder, engine)
    return Image(profile, image.config, image.dockerfile, image.built)


def _check_config(where: str, image: Image, expected: Case) -> list[str]:
    got = config_document(image.config)
    return [
        f"{where}: {key} is {got[key]!r}, not {value!r}"
        for key, value in expected.get("config", {}).items()
        if got[key] != value
    ]


def _check_run(where: str, image: Image, run: Case) -> list[str]:
    result = image.run(options_of(run))
    options = {key: run[key] for key in ("args", "entrypoint", "init", "env") if key in run}
    where = f"{where}, run {json.dumps(options)}"
    error = result.error
    expected_error = run.get("error")
    found: list[str] = []
    # An expectation without `error` was seen at the creation of the container, not at its start.
    unseen = "error" not in run and error is not None and error.phase == "start"
    if (error is None) != (expected_error is None) and not unseen:
        found.append(f"{where}: error is {error!r}, not {expected_error!r}")
    elif error is not None and expected_error is not None:
        found += [
            f"{where}: error {key} is {getattr(error, key)!r}, not {value!r}"
            for key, value in expected_error.items()
            if getattr(error, key) != value
        ]
    argv = None if result.argv is None else list(result.argv)
    if "argv" in run and argv != run["argv"]:
        found.append(f"{where}: argv is {argv!r}, not {run['argv']!r}")
    return found
