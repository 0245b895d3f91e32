"""Base images, runs, and a Dockerfile with both: a case."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from hypothesis import reject
from hypothesis import strategies as st

from entrysem.errors import DockerfileError
from entrysem.hypothesis.files import Limits, drafts
from entrysem.hypothesis.forms import FEATURES, Feature, seldom, weighted, words
from entrysem.model import ImageConfig, RunOptions
from entrysem.profiles import Profile
from entrysem.resolve import Image, build_image

__all__ = ["Case", "Runtime", "bases", "cases", "runs"]

Runtime = Literal["docker", "podman", "cri", "compose"]


@cache
def bases(*, odd: bool = True, triggers: bool = True) -> st.SearchStrategy[ImageConfig]:
    """A base image: Entrypoint, Cmd and Shell set or missing; ONBUILD triggers with `triggers`."""
    some = st.lists(words(odd=odd), min_size=1, max_size=3).map(tuple)
    optional = st.one_of(st.none(), some)
    trigger = st.sampled_from(("CMD b", 'ENTRYPOINT ["b"]', 'SHELL ["s"]', "LABEL a=b"))
    none: st.SearchStrategy[tuple[str, ...]] = st.just(())
    onbuild = weighted((2, none), (1, st.lists(trigger, max_size=2).map(tuple)))
    return st.tuples(
        optional,
        optional,
        st.sampled_from((None, None, ("s",), ("/bin/bash", "-c"))),
        onbuild if triggers else none,
    ).map(lambda drawn: ImageConfig(*drawn))


_configs = bases  # for `cases`, whose parameter has that name
_JSON_TYPED = ('["f"]', '["f", "g"]', "[]", '[""]', '["f"', '["f", 1]', "null", '["f", null]')


@cache
def runs(
    *, runtime: Runtime = "docker", typed: bool = False, init: bool = True, odd: bool = True
) -> st.SearchStrategy[RunOptions]:
    """One start of an image, with what this runtime can be given.

    Args:
        runtime: `docker` and `podman` take words and an `--entrypoint`, as text (Podman: also JSON) or
            as a list (their API); `compose` text or a list; `cri` lists, and an environment for
            `$(NAME)`.
        typed: only what a command line can say: no list as entrypoint, no empty list of words.
        init: whether `--init` may come; never for `cri`, which has none.
        odd: whether words may hold any characters.
    """
    word = words(odd=odd)
    if runtime == "cri":
        word = st.one_of(word, st.sampled_from(("$(X)", "$$(X)", "a$(Y)b", "$", "$(")))
    some = st.lists(word, min_size=1 if typed else 0, max_size=3).map(tuple)
    kinds: list[st.SearchStrategy[Any]] = []
    if runtime != "cri":
        kinds.append(st.sampled_from(("f", "", "f g", "-f", " ")))
    if runtime == "podman":
        kinds.append(st.sampled_from(_JSON_TYPED))
    if runtime == "compose":
        kinds.append(st.sampled_from(("f 'g h'", 'f "g"', "f \\ g")))
    if not typed:
        kinds.append(st.sampled_from(((), ("",), ("", "f"))))
        kinds.append(st.lists(word, min_size=1, max_size=2).map(tuple))
    environments: tuple[Mapping[str, str], ...] = ({}, {"X": "y"})
    return st.builds(
        RunOptions,
        args=st.one_of(st.none(), some),
        entrypoint=weighted((1, st.none()), (1, st.one_of(kinds))),
        init=seldom(6) if init and runtime != "cri" else st.just(value=False),
        env=st.sampled_from(environments) if runtime == "cri" else st.just({}),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A Dockerfile with all that its build and its runs need.

    Attributes:
        dockerfile: its text.
        bases: image -> config, of every image that FROM may ask for besides `scratch`.
        target: the stage to build, or None for the last.
        build_args: `--build-arg` values.
        runs: starts of the image.
    """

    dockerfile: str
    bases: Mapping[str, ImageConfig] = field(default_factory=dict)
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[RunOptions, ...] = ()

    def image(self, profile: Profile | None = None) -> Image:
        """What entrysem says that a builder makes of it; the newest BuildKit and Docker by default.

        Raises:
            DockerfileError: the builder rejects it.
        """
        return build_image(
            self.dockerfile,
            profile=profile or Profile(),
            target=self.target,
            build_args=self.build_args,
            bases=self.bases,
        )


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    features: Collection[Feature] = FEATURES,
    bases: Sequence[str] = ("base-image", "org/other:1"),
    runtime: Runtime = "docker",
    typed: bool = False,
    max_runs: int = 3,
    max_stages: int = 3,
    max_instructions: int = 5,
    rejected: bool = True,
) -> Case:
    """A Dockerfile, configs for the bases, a target and build args where it has any, and runs.

    Args:
        bases: names of base images; each case brings a config for those that its text mentions.
        runtime, typed: as `runs`.
        max_runs: runs a case; 0 for builders.
        features, max_stages, max_instructions, rejected: as `dockerfiles`.
    """
    kept = frozenset(features)
    draft = draw(drafts(Limits(kept, tuple(bases), max_stages, max_instructions, rejected)))
    target = None
    if len(draft.stages) > 0 and draw(seldom(4)):
        target = draw(st.sampled_from(draft.stages))
    build_args = {}
    if draft.has_arg and draw(seldom(3)):
        build_args["BASE"] = draw(st.sampled_from(("scratch", *bases)))
    mentioned = [name for name in bases if name in draft.text or name in build_args.values()]
    odd = "odd-words" in kept
    config = _configs(odd=odd, triggers="onbuild" in kept)
    configs = {name: draw(config) for name in mentioned}
    run = runs(runtime=runtime, typed=typed, odd=odd)
    case = Case(
        draft.text,
        configs,
        target,
        build_args,
        tuple(draw(st.lists(run, min_size=min(1, max_runs), max_size=max_runs))),
    )
    if not rejected:
        try:
            case.image()
        except DockerfileError:
            reject()
    return case
