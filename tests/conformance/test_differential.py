"""The comparison, the product and the fuzzer, on engines that are right, wrong and breaking."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.differential import compare, predict
from conformance.fuzz import fuzz
from conformance.product import CMD, ENTRYPOINT, INHERITED, RUNS, SHELL, dockerfiles, jobs
from entrysem import Profile
from entrysem.verify.protocol import Job, Observation, Run
from tests.conformance.fake import Fake, with_config

PROFILES = [
    ("buildkit@0.25.2", "docker@28.5.2"),
    ("classic@20.10.24", "docker@20.10.24"),
    ("buildah-docker@1.28.2", "podman@4.3.1"),
    ("buildah-docker@1.43.2", "podman@5.8.6"),
    ("buildah@1.43.2", None),
]


@pytest.mark.parametrize(("builder", "runtime"), PROFILES)
@pytest.mark.parametrize("level", ["CREATE", "PROCESS"])
def test_a_right_engine_has_no_differences(builder: str, runtime: str | None, level: str) -> None:
    fake = Fake(builder, runtime)
    slice_ = jobs("PROCESS" if level == "PROCESS" else "CREATE", every=17)
    found = list(compare(fake, fake.start(), slice_))
    assert [one.differences for one in found if one.differences] == []
    assert len(found) == len(range(0, 860, 17))
    assert sum(one.compared for one in found) > 5 * len(found)


def test_comparisons_come_in_order() -> None:
    fake = Fake()
    wanted = [job.id for job in jobs(every=9)]
    assert [one.job.id for one in compare(fake, fake.start(), jobs(every=9), threads=3)] == wanted


def test_one_profile_does_not_pass_for_another() -> None:
    fake = Fake("classic@28.5.2", "docker@28.5.2")
    fake.implementation = replace(fake.implementation, builder="buildkit@0.25.2")
    found = list(compare(fake, fake.implementation, jobs()))
    kinds = Counter(one.kind for each in found for one in each.differences)
    assert kinds["Cmd"] > 100
    assert kinds["argv"] > 100


def test_differences_tell_what_is_wrong() -> None:
    def lie(job: Job, seen: Observation) -> Observation:
        del job
        return with_config(seen, {"Cmd": ("wrong",)})

    fake = Fake(lie=lie)
    job = Job("j", b'FROM scratch\nCMD ["c"]\n', runs=(Run(),))
    (found,) = compare(fake, fake.start(), [job])
    (difference,) = found.differences
    assert (difference.what, difference.kind) == ("build", "Cmd")
    document = difference.document()
    assert document["predicted"]["config"]["Cmd"] == ["c"]
    assert document["observed"]["config"]["Cmd"] == ["wrong"]


def test_a_broken_engine_is_an_error_and_no_difference() -> None:
    fake = Fake(breaks="CMD c d")
    found = list(compare(fake, fake.start(), jobs(every=3)))
    broken = [one for one in found if one.observation is None]
    assert broken
    assert {one.error for one in broken} == {"it broke"}
    assert not any(one.differences for one in found)


def test_skipped_parts_are_counted_with_their_reasons() -> None:
    def skip(job: Job, seen: Observation) -> Observation:
        del job
        return replace(seen, runs=tuple([replace(run, skipped="no API") for run in seen.runs]))

    fake = Fake(lie=skip)
    (found,) = compare(fake, fake.start(), [Job("j", b"FROM scratch\nCMD a\n", runs=(Run(),))])
    assert (found.compared, found.skipped) == (1, ("no API",))


def test_an_image_config_and_bases_are_predicted() -> None:
    job = Job("j", config={"Entrypoint": ["e"]}, runs=(Run(("x",)),))
    assert predict(job, Profile()).runs[0].argv == ("e", "x")
    job = Job("j", b"FROM b\n", bases={"b": b"FROM scratch\nCMD c\n"}, runs=(Run(),))
    assert predict(job, Profile()).runs[0].argv == ("/bin/sh", "-c", "c")
    assert predict(replace(job, bases={}), Profile()).build.outcome == "missing-image"


# --- the product -------------------------------------------------------------------------------------


def test_product_is_large_and_without_repetition() -> None:
    images = list(dockerfiles())
    assert 300 <= len(images) <= 900
    assert len({text for _, text in images}) == len({name for name, _ in images}) == len(images)
    assert sum(len(job.runs) for job in jobs()) == len(images) * len(RUNS)


def test_product_has_every_pair_of_instruction_and_state() -> None:
    seen = {tuple(name.split("/")[:3]) for name, _ in dockerfiles()}
    assert seen == {(i, c, e) for i in INHERITED for c in CMD for e in ENTRYPOINT}
    assert {name.split("/")[4] for name, _ in dockerfiles()} == set(SHELL)


def test_product_can_be_cut() -> None:
    assert all(not job.runs for job in jobs("CONFIG", every=50))
    assert all(not isinstance(run.entrypoint, tuple) for run in next(jobs(lists=False)).runs)


# --- fuzzing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("builder", "runtime"), PROFILES)
def test_fuzzing_a_right_engine_finds_nothing(builder: str, runtime: str | None) -> None:
    fake = Fake(builder, runtime)
    report = fuzz(fake, fake.start(), examples=60, seed=3)
    assert report.findings == []
    assert report.errors == []
    assert report.examples == len({job.id for job in fake.jobs})
    assert report.parts > report.runs > 15


def test_fuzzing_is_repeatable() -> None:
    fakes = [Fake(), Fake(), Fake()]
    for fake, seed in zip(fakes, (5, 5, 6), strict=True):
        fuzz(fake, fake.start(), examples=40, seed=seed)
    drawn = [{job.id for job in fake.jobs} for fake in fakes]
    assert drawn[0] == drawn[1] != drawn[2]


def test_fuzzing_shrinks_every_kind_to_a_minimal_file() -> None:
    """The engine reads text after an array as Docker 20.10 did, and loses ONBUILD."""

    def lie(job: Job, seen: Observation) -> Observation:
        old = predict(job, Profile.parse("buildkit@0.14"))
        if seen.outcome == "built" == old.build.outcome:
            seen = with_config(seen, {"Cmd": old.build.config["Cmd"], "OnBuild": None})
        return seen

    fake = Fake(lie=lie)
    report = fuzz(fake, fake.start(), examples=250, seed=2)
    found = {one.kind: (one.comparison.job.dockerfile or b"").decode() for one in report.findings}
    assert {"Cmd", "OnBuild"} <= found.keys(), report.kinds
    assert found["OnBuild"] == 'FROM scratch\nONBUILD CMD ["a"]\n'
    assert found["Cmd"] == "FROM scratch\nCMD [] b\n"
    assert report.kinds["Cmd"] > 0
    document = report.document()
    assert document["findings"][0]["dockerfile"]
    assert document["differing"] > 0


def test_fuzzing_remembers_failures(tmp_path: Path) -> None:
    def lie(job: Job, seen: Observation) -> Observation:
        return with_config(seen, {"Shell": None}) if b"SHELL" in (job.dockerfile or b"") else seen

    fake = Fake(lie=lie)
    first = fuzz(fake, fake.start(), examples=150, seed=1, database=tmp_path)
    assert first.findings
    again = Fake(lie=lie)
    second = fuzz(again, again.start(), examples=1, seed=9, database=tmp_path)
    assert [one.kind for one in second.findings] == ["Shell"]


def test_fuzzing_survives_a_breaking_engine() -> None:
    fake = Fake(breaks="SHELL")
    report = fuzz(fake, fake.start(), examples=80, seed=4)
    assert report.errors
    assert report.findings == []
    assert report.document()["errors"][0]["message"] == "it broke"
