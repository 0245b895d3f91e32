"""Which recorded deviations make an engine differ from the reference in one part of a case.

The vectors record *that* an engine differs, with the value; `entrysem.deviations` records *why*. The
link is made by experiment: entrysem predicts the part for the engine without one of its deviations at
a time, and those whose absence changes the prediction explain it. Where none alone does (two
deviations with the same effect here), it is those whose presence alone changes what the reference
does. A difference that none explains is one that entrysem has no theory of.

Nothing here decides a verdict: expected values come from the vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from entrysem.behaviour import BuilderBehaviour, RuntimeBehaviour
from entrysem.deviations import DEVIATIONS, Deviation
from entrysem.errors import DockerfileError, InputError
from entrysem.model import RunOptions
from entrysem.profiles import Engine, Profile, builder_with, deviations_of, runtime_with
from entrysem.resolve import Image
from entrysem.vectors import image_of
from entrysem.verify.protocol import Run

__all__ = ["explanation"]

Case = Mapping[str, Any]
Ids = tuple[str, ...]

_BY_ID: Mapping[str, Deviation] = {deviation.id: deviation for deviation in DEVIATIONS}


def explanation(
    case: Case, run: Run | None, engine: tuple[Engine | None, Engine | None]
) -> tuple[str, ...]:
    """Ids of the deviations that explain a difference in what the build (`run` None) or the run
    comes to, in the order in which they are declared; empty when none does.
    """
    builder, runtime = engine
    in_force = (
        *(deviations_of(builder, "builder") if builder else ()),
        *(deviations_of(runtime, "runtime") if runtime and run is not None else ()),
    )
    ours = tuple([deviation.id for deviation in in_force])
    predictions = _Predictions(case, run)
    whole = predictions.of(ours)
    found = [one for one in ours if predictions.of(tuple([x for x in ours if x != one])) != whole]
    if not found:
        reference = predictions.of(())
        found = [one for one in ours if predictions.of((one,)) != reference]
    return tuple(found)


class _Predictions:
    """What entrysem makes of one part under any set of deviations; comparable, and no more."""

    def __init__(self, case: Case, run: Run | None) -> None:
        self.case = case
        self.options = None if run is None else RunOptions(run.args, run.entrypoint, run.init)
        self._images: dict[Ids, Image | str] = {}

    def of(self, deviations: Ids) -> object:
        """The prediction."""
        image = self._image(tuple([one for one in deviations if _BY_ID[one].side == "builder"]))
        if isinstance(image, str):
            return image
        known = image.built is None or image.built.origin != "unknown"
        if self.options is None:
            # Nothing on Linux reads the flag, and no vector looks at it.
            return known, image.config._replace(args_escaped=False)
        runtime = tuple([one for one in deviations if _BY_ID[one].side == "runtime"])
        profile = image.profile.altered(runtime=_runtime(runtime))
        try:
            resolution = Image(profile, image.config, image.dockerfile, image.built).run(
                self.options
            )
        except InputError as error:
            return error.code
        error_code = resolution.error and (resolution.error.phase, resolution.error.code)
        return known, resolution.words, error_code

    def _image(self, deviations: Ids) -> Image | str:
        """The built image, or the code of the rejection."""
        if deviations not in self._images:
            # A profile takes its behaviour from a version; this one is of no version.
            profile = Profile().altered(builder=_builder(deviations))
            try:
                self._images[deviations] = image_of(self.case, profile)
            except DockerfileError as error:
                self._images[deviations] = f"rejected: {error.code}"
        return self._images[deviations]


@lru_cache(maxsize=1024)
def _builder(deviations: Ids) -> BuilderBehaviour:
    return builder_with([_BY_ID[one] for one in deviations])


@lru_cache(maxsize=1024)
def _runtime(deviations: Ids) -> RuntimeBehaviour:
    return runtime_with([_BY_ID[one] for one in deviations])
