"""Two sides, built and run alike -> what is the same, what changes, what nobody can know.

Everything is asked of both sides under one profile and for one stage: a `Comparison`. A side can be
rejected by the builder, and then no run of it exists; when only one side is, that is a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from entrysem.build import BaseLookup
from entrysem.diff.causes import Cause, Key, changed_keys, find_causes, rejection_cause
from entrysem.diff.words import Verdict, judge
from entrysem.dockerfile import Dockerfile, parse_dockerfile
from entrysem.dockerfile.text import decode, lower
from entrysem.errors import DockerfileError
from entrysem.model import Base, RunOptions, is_known
from entrysem.profiles import Profile
from entrysem.resolve import Image, Resolution, build_image

__all__ = [
    "USUAL_RUNS",
    "Build",
    "Comparison",
    "Question",
    "Run",
    "RunChange",
    "Side",
    "Verdict",
    "compare",
]

_NO_ARGS: Mapping[str, str] = MappingProxyType({})


class Run(NamedTuple):
    """One way to start the image: as a person writes it, and as the runtime gets it."""

    name: str
    options: RunOptions


#: The kinds of run that treat Entrypoint and Cmd differently, each once.
USUAL_RUNS = (
    Run("run IMAGE", RunOptions()),
    Run("run IMAGE x y", RunOptions(args=("x", "y"))),
    Run("run --entrypoint x IMAGE", RunOptions(entrypoint="x")),
    Run("run --entrypoint '' IMAGE", RunOptions(entrypoint="")),
    Run("run --entrypoint '' IMAGE x", RunOptions(entrypoint="", args=("x",))),
)


class Side(NamedTuple):
    """One version of what is compared.

    Attributes:
        name: as it was named: `HEAD~1:Dockerfile`.
        source: a Dockerfile's bytes, or an image.
        bases: what is known of base images on this side.
    """

    name: str
    source: bytes | Base
    bases: BaseLookup


class Question(NamedTuple):
    """What is asked of both sides.

    Attributes:
        profiles: at least one.
        runs: at least one.
        target: the stage to build, or None for the last.
        all_stages: whether every named stage is compared too.
        build_args, platform: as `build_image` takes them.
    """

    profiles: Sequence[Profile] = (Profile(),)
    runs: Sequence[Run] = USUAL_RUNS
    target: str | None = None
    all_stages: bool = False
    build_args: Mapping[str, str] = _NO_ARGS
    platform: str = "linux/amd64"


class Build(NamedTuple):
    """What building one side came to: an image, or why the builder rejects it. One of the two."""

    image: Image | None
    error: DockerfileError | None = None


class RunChange(NamedTuple):
    """One run on both sides.

    Attributes:
        run: what is typed.
        verdict: whether argv is the same.
        old, new: the answers.
        assumptions: sentences that only one of the answers rests on.
    """

    run: Run
    verdict: Verdict
    old: Resolution
    new: Resolution
    assumptions: tuple[str, ...]


class Comparison(NamedTuple):
    """Both sides under one profile, one stage of them.

    Attributes:
        profile: builder and runtime.
        stage: its name, or None for the image that is built without --target.
        old, new: the builds; None on the side that has no such stage.
        verdict: the worst of the runs; `changes` too when only one side builds or has the stage;
            `rejected` when the builder takes neither.
        runs: empty unless both sides build.
        causes: what makes the difference; empty when there is none, or no Dockerfile.
        unseen: keys of the config that differ though no run shows it (a shell for later builds).
    """

    profile: Profile
    stage: str | None
    old: Build | None
    new: Build | None
    verdict: Literal["same", "undecided", "changes", "rejected"]
    runs: tuple[RunChange, ...] = ()
    causes: tuple[Cause, ...] = ()
    unseen: tuple[Key, ...] = ()

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What its runs rest on, one side only, without repetition."""
        return tuple(dict.fromkeys(item for run in self.runs for item in run.assumptions))


def compare(old: Side | None, new: Side | None, question: Question) -> tuple[Comparison, ...]:
    """Compares two sides under every profile, the stages in the order of the new side.

    A side that is None does not exist: a file that was added or removed.

    Raises:
        InputError: a base image's source fails, or a run cannot be typed at that runtime.
    """
    found: list[Comparison] = []
    for profile in question.profiles:
        builds = (
            _build(old, profile, question, question.target),
            _build(new, profile, question, question.target),
        )
        found.append(_judged(profile, question.target, *builds, question.runs))
        if question.all_stages:
            found += _stages(old, new, profile, question, builds)
    return tuple(found)


def _stages(
    old: Side | None,
    new: Side | None,
    profile: Profile,
    question: Question,
    builds: tuple[Build | None, Build | None],
) -> list[Comparison]:
    """A comparison for each named stage, without the one that both sides build anyway."""
    before, after = _stage_names(old, builds[0], profile), _stage_names(new, builds[1], profile)
    if before is None or after is None:
        return []
    last = {_built_stage(build) for build in builds if build is not None}
    already = last.pop() if len(last) == 1 else None
    # Each text is read once, and not once for each of its stages.
    read = [None if b is None or b.image is None else b.image.dockerfile for b in builds]
    found: list[Comparison] = []
    for key, name in {**before, **after}.items():
        if key == already:
            continue
        pair = (
            _build(old, profile, question, before.get(key, ""), read[0]),
            _build(new, profile, question, after.get(key, ""), read[1]),
        )
        found.append(_judged(profile, name, *pair, question.runs))
    return found


def _stage_names(side: Side | None, build: Build | None, profile: Profile) -> dict[str, str] | None:
    """Lower-cased name -> name as written, in order; empty when there is no text or it cannot be read.
    None for an image, which has no stages.
    """
    if side is None:
        return {}
    if isinstance(side.source, Base):
        return None
    dockerfile = None if build is None or build.image is None else build.image.dockerfile
    if dockerfile is None:
        grammar = profile.builder_behaviour.grammar
        try:
            dockerfile = parse_dockerfile(decode(side.source), grammar=grammar)
        except DockerfileError:
            return {}
    return {lower(stage.name): stage.name for stage in dockerfile.stages if stage.name}


def _built_stage(build: Build) -> str | None:
    built = None if build.image is None else build.image.built
    return None if built is None or not built.stage.name else lower(built.stage.name)


def _build(
    side: Side | None,
    profile: Profile,
    question: Question,
    target: str | None,
    read: Dockerfile | None = None,
) -> Build | None:
    """None when there is no such side, or (an empty `target`) no such stage of it. `read` is the side's
    text, when it has been read before.
    """
    if side is None or target == "":
        return None
    try:
        image = build_image(
            side.source if read is None else read,
            profile=profile,
            target=target,
            build_args=question.build_args,
            bases=side.bases,
            platform=question.platform,
        )
    except DockerfileError as error:
        return Build(None, error)
    return Build(image)


def _judged(
    profile: Profile, stage: str | None, old: Build | None, new: Build | None, runs: Sequence[Run]
) -> Comparison:
    before, after = _image(old), _image(new)
    if before is None or after is None:
        return _without_runs(profile, stage, old, new)
    changes = tuple([_run(run, before, after) for run in runs])
    verdicts = {change.verdict for change in changes}
    verdict: Verdict = (
        "changes" if "changes" in verdicts else "undecided" if "undecided" in verdicts else "same"
    )
    keys = _unseen(before, after, verdict)
    causes = find_causes(before, after) if verdict != "same" else ()
    return Comparison(profile, stage, old, new, verdict, changes, causes, keys)


def _unseen(before: Image, after: Image, verdict: Verdict) -> tuple[Key, ...]:
    """Keys that differ though no run here shows it; what is not known of two bases is none of them."""
    keys = changed_keys(before.config, after.config)
    shells = before.config.shell, after.config.shell
    if not all(map(is_known, shells)):
        keys = tuple([key for key in keys if key != "Shell"])
    if verdict != "same":
        return tuple([key for key in keys if key in {"Shell", "OnBuild"}])
    words = before.config.unknown, after.config.unknown
    return keys if words[0] == words[1] else tuple([key for key in keys if key == "OnBuild"])


def _image(build: Build | None) -> Image | None:
    return None if build is None else build.image


def _without_runs(
    profile: Profile, stage: str | None, old: Build | None, new: Build | None
) -> Comparison:
    """One side does not build, or does not have the stage."""
    causes: list[Cause] = []
    if old is not None and old.error is not None:
        causes.append(rejection_cause("old", old.error))
    if new is not None and new.error is not None:
        causes.append(rejection_cause("new", new.error))
    builds = [build for build in (old, new) if build is not None]
    nothing = all(build.image is None for build in builds)
    return Comparison(
        profile, stage, old, new, "rejected" if nothing else "changes", (), tuple(causes)
    )


def _run(run: Run, old: Image, new: Image) -> RunChange:
    before, after = old.run(run.options), new.run(run.options)
    verdict = judge(before.words, before.error, after.words, after.error)
    one, other = set(before.assumptions), set(after.assumptions)
    assumed = tuple(
        [item for item in (*before.assumptions, *after.assumptions) if item in one ^ other]
    )
    return RunChange(run, verdict, before, after, assumed)
