"""What is expected of whom: the reference, an engine's own record, versions nobody observed, filters."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.profiles import Engine, Profile
from entrysem.vectors import cases
from entrysem.verify.known import Known, read_known
from entrysem.verify.parts import Part, Planned
from entrysem.verify.plan import Plan, make_plan
from entrysem.verify.protocol import LEVELS, Implementation, Level
from entrysem.verify.values import BuildValue, RunValue, StartFailure
from entrysem.verify.voices import choose

ALL = list(cases())


def implementation(
    builder: str | None = None,
    runtime: str | None = None,
    levels: tuple[Level, ...] = LEVELS,
    **more: Any,
) -> Implementation:
    return Implementation("e", "1.5", builder, runtime, levels, **more)


def plan(who: Implementation, found: list[dict[str, Any]] | None = None, **options: Any) -> Plan:
    options = {"reference": Profile(), "level": "CREATE", **options}
    return make_plan(ALL if found is None else found, who, **options)


@cache
def whole(builder: str | None, runtime: str | None, level: Level = "CREATE") -> Plan:
    return plan(implementation(builder, runtime), level=level)


def case(*expect: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {"id": "x", "title": "x", "rules": ["FORM-08"], "evidence": "observed"}
    return {**base, "dockerfile": "FROM scratch\n", "expect": list(expect), **more}


def only(found: Plan) -> Planned:
    (planned,) = found.cases
    return planned


def part(planned: Planned, name: str = "x") -> Part:
    (found,) = [part for part in planned.parts if part.id == name]
    return found


CMD = {"Cmd": ["a"]}
OTHER = {"Cmd": ["b"]}
NEWEST = {"builders": ["buildkit@0.25.2"], "config": CMD}

ENGINES = [
    (None, None),
    ("docker@28.5.2", "docker@28.5.2"),
    ("classic@20.10.24+dfsg1", "docker@20.10.24+dfsg1"),
    ("buildkit@0.8", "docker@20.10.5"),
    ("buildah-docker@1.43.2", "podman@5.8.6"),
    ("kaniko@1.24", None),
    (None, "cri@2.1"),
]


@pytest.mark.parametrize(("builder", "runtime"), ENGINES)
def test_every_case_is_in_the_plan_of_every_engine(
    builder: str | None, runtime: str | None
) -> None:
    found = whole(builder, runtime)
    assert {planned.case["id"] for planned in found.cases} == {case["id"] for case in ALL}
    ids = [part.id for planned in found.cases for part in planned.parts]
    assert len(ids) == len(set(ids)) == found.results
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?", ident) for ident in ids)
    for planned in found.cases:
        for item in planned.parts:
            # Nothing is left out in silence, and nothing is asked without an expectation.
            assert item.skip or item.expected is not None or item.unobserved, item
            if item.recorded is not None:
                assert item.recorded_from


def test_no_run_that_the_reference_speaks_of_is_left_out() -> None:
    found = whole("docker@28.5.2", "docker@28.5.2")
    planned = {planned.case["id"]: planned for planned in found.cases}
    for one in ALL:
        runs = {
            repr([run.get("args"), run.get("entrypoint"), run.get("init")])
            for expectation in one["expect"]
            for run in expectation.get("runs", [])
            if {"buildkit", "buildkit@0.25.2"} & set(expectation["builders"])
            and {"docker", "docker@28.5.2"} & set(run["runtimes"])
        }
        assert len(planned[one["id"]].parts) == 1 + len(runs), one["id"]


# --- the reference -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        (["buildkit@0.8", "buildkit@0.25.2", "buildkit@0.13.2"], "buildkit@0.25.2"),
        (["buildkit", "buildkit@0.26"], "buildkit"),
        (["classic@28.5.2", "buildkit@0.8"], "buildkit@0.8"),
        (["classic@28.5.2", "buildkit-x@1"], None),
    ],
)
def test_the_newest_is_the_bare_name_or_the_newest_listed(
    listed: list[str], chosen: str | None
) -> None:
    voice = choose(listed, Engine("buildkit"), "builder", ["FORM-11"])
    assert (voice and voice.name) == chosen
    assert voice is None or (voice.note, voice.unobserved) == ("", "")


def test_another_reference() -> None:
    found = only(
        plan(
            implementation(),
            [case(NEWEST, {"builders": ["classic@28.5.2"], "config": OTHER})],
            reference=Profile.parse("classic"),
        )
    )
    assert part(found).expected == BuildValue("built", {"Cmd": ("b",)})
    assert part(found).expected_from == "classic@28.5.2"


# --- an engine's own record --------------------------------------------------------------------------


def test_a_difference_is_recorded_and_an_agreement_is_not() -> None:
    classic = implementation("classic@28.5.2")
    found = only(plan(classic, [case(NEWEST, {"builders": ["classic@28.5.2"], "config": OTHER})]))
    assert part(found).recorded == BuildValue("built", {"Cmd": ("b",)})
    assert part(found).recorded_from == "classic@28.5.2"
    same = {"builders": ["buildkit@0.25.2", "classic@28.5.2"], "config": CMD}
    assert part(only(plan(classic, [case(same)]))).recorded is None
    assert part(only(plan(implementation(), [case(NEWEST)]))).recorded is None


@pytest.mark.parametrize("version", ["28.5.2", "28.5.2+dfsg4", "v28.5.2"])
def test_a_distributions_version_is_the_version(version: str) -> None:
    voice = choose(["classic@28.5.2"], Engine("classic", version), "builder", ["FORM-11"])
    assert voice == ("classic@28.5.2", "", "")


def test_a_series_is_spoken_for_by_its_members() -> None:
    listed = ["buildkit@0.25.2", "buildkit@0.13.2"]
    assert choose(listed, Engine("buildkit", "0.13"), "builder", ["FORM-11"]) == (
        "buildkit@0.13.2",
        "",
        "",
    )


def test_a_version_that_nobody_observed() -> None:
    listed = ["classic@28.5.2", "classic@20.10.24"]
    # Of what the case is about, 28.0 does as 28.5 does.
    voice = choose(listed, Engine("classic", "28.0.1"), "builder", ["FORM-11"])
    assert voice == ("classic@28.5.2", "as observed on classic@28.5.2", "")
    # 26 drops the text after an array, as 20.10 and not as 28.5.
    voice = choose(listed, Engine("classic", "26.0"), "builder", ["FORM-11"])
    assert voice is not None
    assert voice.name == "classic@20.10.24"
    # Between the two nobody has looked, where they differ in what the case is about.
    voice = choose(["classic@28.5.2"], Engine("classic", "26.0"), "builder", ["FORM-11"])
    assert voice is not None
    assert "nobody has observed classic@26.0" in voice.unobserved
    assert "text-after-array-dropped (FORM-11)" in voice.unobserved


def test_an_engine_that_the_case_does_not_list() -> None:
    one = case(NEWEST, rules=["FORM-11"])
    # Of Buildah it is recorded that it drops the text: what it does in this case, nobody has seen.
    unobserved = part(only(plan(implementation("buildah@1.43.2"), [one]))).unobserved
    assert "nobody has observed buildah@1.43.2 here" in unobserved
    assert "text-after-array-dropped (FORM-11)" in unobserved
    # Of classic nothing is recorded that would make it differ.
    assert part(only(plan(implementation("classic@28.5.2"), [one]))).unobserved == ""
    assert part(only(plan(implementation(), [one]))).unobserved == ""
    run = {"argv": ["a"], "entrypoint": "", "runtimes": ["docker"]}
    one = case({**NEWEST, "runs": [run]}, rules=["MERGE-07"])
    found = only(plan(implementation("buildkit@0.25.2", "podman@5.8.6"), [one]))
    assert part(found).unobserved == ""
    assert "podman" in found.parts[1].unobserved


def test_where_the_reference_says_nothing_an_engine_is_held_to_its_own_record() -> None:
    found = only(
        plan(implementation("kaniko@1.24"), [case({"builders": ["kaniko"], "config": OTHER})])
    )
    assert part(found).expected == BuildValue("built", {"Cmd": ("b",)})
    assert (part(found).expected_from, part(found).recorded) == ("kaniko", None)
    assert "the reference says nothing here" in part(found).note
    nobody = only(plan(implementation(), [case({"builders": ["kaniko"], "config": OTHER})]))
    assert (part(nobody).skip, nobody.asked) == ("the case speaks of kaniko only", None)


def test_a_run_is_judged_by_builder_and_runtime() -> None:
    docker = {"argv": ["a"], "args": ["x"], "runtimes": ["docker@28.5.2"]}
    podman = {"argv": [""], "args": ["x"], "runtimes": ["podman@5.8.6"]}
    failing = {
        "argv": None,
        "error": {"phase": "create", "code": "no-command-specified"},
        "runtimes": ["docker@28.5.2"],
    }
    one = case(
        {**NEWEST, "runs": [docker, failing]},
        {"builders": ["buildah-docker@1.43.2"], "config": CMD, "runs": [podman]},
    )
    found = only(plan(implementation("buildah-docker@1.43.2", "podman@5.8.6"), [one]))
    build, run, plain = found.parts
    assert build.recorded is None
    assert (run.expected, run.expected_from) == (
        RunValue(("a",), looked=False),
        "buildkit@0.25.2+docker@28.5.2",
    )
    assert (run.recorded, run.recorded_from) == (
        RunValue(("",), looked=False),
        "buildah-docker@1.43.2+podman@5.8.6",
    )
    assert run.id.startswith("x/x-")
    assert plain.id == "x/run"
    assert plain.expected == RunValue(None, StartFailure("create", "no-command-specified"))
    assert [run.args for run in found.job.runs] == [("x",), None]


def test_a_run_of_an_image_that_the_reference_rejects() -> None:
    run = {"argv": ["a"], "runtimes": ["docker@28.5.2"]}
    one = case(
        {"builders": ["buildkit@0.25.2"], "rejected": {}},
        {"builders": ["classic@28.5.2"], "config": CMD, "runs": [run]},
    )
    found = only(plan(implementation("classic@28.5.2", "docker@28.5.2"), [one]))
    assert [item.expected for item in found.parts] == [BuildValue("rejected")] * 2
    assert part(found, "x/run").recorded == RunValue(("a",), looked=False)


# --- what cannot be asked ----------------------------------------------------------------------------


def test_another_platform_is_not_asked_for() -> None:
    one = case(NEWEST, platform="windows/amd64")
    assert "asks for windows/amd64" in part(only(plan(implementation(), [one]))).skip
    assert not part(only(plan(implementation(platform="windows/amd64"), [one]))).skip
    assert not part(only(plan(implementation(), [case(NEWEST, platform="linux/arm64")]))).skip


def test_runs_of_what_only_builds_are_planned_and_skipped() -> None:
    run = {"argv": ["a"], "runtimes": ["docker"]}
    builder = implementation(levels=("CONFIG",))
    found = only(plan(builder, [case({**NEWEST, "runs": [run]})]))
    assert part(found, "x/run").skip == "this engine only builds: level CREATE is not offered"
    assert (found.asked, found.request.level, found.request.runs) == ((), "CONFIG", ())
    assert len(only(plan(builder, [case({**NEWEST, "runs": [run]})], level="CONFIG")).parts) == 1


def test_a_run_that_needs_an_environment_is_skipped() -> None:
    runs = [
        {"argv": ["1"], "entrypoint": ["$(A)"], "env": {"A": "1"}, "runtimes": ["cri"]},
        {"argv": ["a"], "runtimes": ["cri"]},
    ]
    one = case({"builders": ["buildkit"], "runs": runs})
    found = only(plan(implementation(None, "cri@2.1"), [one]))
    assert "(A=1)" in found.parts[1].skip
    assert (found.asked, [run.entrypoint for run in found.request.runs]) == ((1,), [None])


def test_what_may_kill_an_engine_comes_last_and_is_not_asked_of_a_stranger() -> None:
    deadly = case({"builders": ["buildkit"], "rejected": {}}, id="d", dockerfile="ARG a=b\n")
    harmless = case({"builders": ["buildkit"], "rejected": {}}, id="h", dockerfile="CMD a\n")
    found = plan(implementation("buildkit@0.25.2"), [deadly, harmless, case(NEWEST)])
    assert [planned.case["id"] for planned in found.cases] == ["x", "d", "h"]
    assert found.risky == 2
    assert all(planned.asked is not None for planned in found.cases)
    stranger = plan(implementation(), [deadly, harmless])
    assert [planned.asked for planned in stranger.cases] == [None, ()]


def test_a_name_that_entrysem_does_not_know() -> None:
    with pytest.raises(InputError, match="there is no builder 'nobody'"):
        plan(implementation("nobody@1"))


# --- filters, known differences, digest --------------------------------------------------------------


def test_filters() -> None:
    by_rule = plan(implementation(), rules=("BUILD-1?", "MERGE-04"))
    for planned in by_rule.cases:
        assert any(
            rule.startswith("BUILD-1") or rule == "MERGE-04" for rule in planned.case["rules"]
        )
    named = plan(implementation(), names=("c0[12]", "c90"))
    assert {planned.case["id"] for planned in named.cases} <= {"c01", "c02", "c90"}
    assert plan(implementation(), rules=("FORM-11",), names=("c01",)).cases == ()


KNOWN = Known("k", "x", "", "", "e", ">=1,<2", BuildValue("rejected"), "urn:x")


@pytest.mark.parametrize(
    ("change", "applies"),
    [
        ({}, True),
        ({"case": "y*"}, False),
        ({"case": "*", "rule": "FORM-*"}, True),
        ({"case": "*", "rule": "FORM-09"}, False),
        ({"engine": "other"}, False),
        ({"engine": "class*"}, True),
        ({"versions": "<1.5"}, False),
        ({"versions": ""}, True),
        ({"part": "x/*"}, False),
        ({"observed": RunValue(("a",))}, False),
    ],
)
def test_a_known_difference_is_heard_first(change: dict[str, Any], applies: bool) -> None:
    known = Known(**{**{name: getattr(KNOWN, name) for name in Known.__slots__}, **change})
    one = case(NEWEST, {"builders": ["classic@28.5.2"], "config": OTHER})
    found = part(only(plan(implementation("classic@28.5.2"), [one], known=(known,))))
    assert (found.recorded_from == "known:k") is applies
    assert found.url == ("urn:x" if applies else "")
    unversioned = Implementation("e", builder="classic@28.5.2")
    found = part(only(plan(unversioned, [one], known=(known,))))
    assert (found.recorded_from == "known:k") is (applies and not known.versions)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[]", "is no object"),
        ('{"known": [], "more": 1}', "is no object"),
        ('{"known": [1]}', r"known\[0\] is no object"),
        ('{"known": [{"id": "a"}]}', "engine: missing"),
        ('{"known": [{"id": "a", "engine": "e", "observed": {"rejected": true}}]}', "needs case"),
        (
            '{"known": [{"id": "a", "engine": "e", "case": "x", "observed": {"rejectd": true}}]}',
            "is none of config",
        ),
        (
            '{"known": [{"id": "a", "engine": "e", "case": "x", "observed": {"config": {"C": 1}}}]}',
            "not known here",
        ),
        (
            (
                '{"known": [{"id": "a", "engine": "e", "case": "x", "observed":'
                ' {"argv": null, "error": {"phase": "later", "code": null}}}]}'
            ),
            "phase",
        ),
        (
            (
                '{"known": [{"id": "a", "engine": "e", "case": "x", "observed":'
                ' {"argv": null, "error": {"phase": "start", "code": 1}}}]}'
            ),
            "code",
        ),
        (
            (
                '{"known": [{"id": "a", "engine": "e", "case": "x", "versions": "1.2",'
                ' "observed": {"rejected": true}}]}'
            ),
            "is no range",
        ),
        (
            (
                '{"known": [{"id": "a", "engine": "e", "case": "x", "colour": "red",'
                ' "observed": {"rejected": true}}]}'
            ),
            "colour: not known here",
        ),
        (
            '{"known": [{"id": "a", "engine": "e", "case": 1, "observed": {"rejected": true}}]}',
            "1 is no string",
        ),
        (
            (
                '{"known": [{"id": "a", "engine": "e", "case": "x", "observed": {"rejected": true}},'
                ' {"id": "a", "engine": "e", "case": "x", "observed": {"rejected": true}}]}'
            ),
            "stands twice",
        ),
    ],
)
def test_a_file_of_known_differences_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "known.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_known(path)


def test_values_of_known_differences(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    values = [
        ('{"asks_for_image": true}', BuildValue("missing-image")),
        ('{"rejected": true, "message": "no"}', BuildValue("rejected")),
        ('{"config": {"Cmd": null}}', BuildValue("built", {"Cmd": None})),
        ('{"argv": ["a"]}', RunValue(("a",), looked=False)),
        ('{"argv": ["a"], "error": null}', RunValue(("a",))),
        (
            '{"argv": null, "error": {"phase": "create", "code": null}}',
            RunValue(None, StartFailure("create", None)),
        ),
    ]
    for text, value in values:
        entry = f'{{"id": "a", "engine": "e", "rule": "FORM-*", "observed": {text}}}'
        path.write_text(f'{{"known": [{entry}]}}', encoding="utf-8")
        (found,) = read_known(path)
        assert (found.observed, found.case, found.rule) == (value, "*", "FORM-*")


def test_the_digest_is_of_what_is_asked_and_expected() -> None:
    one = case(NEWEST, {"builders": ["classic@28.5.2"], "config": OTHER})
    classic = implementation("classic@28.5.2")
    first = plan(classic, [one]).digest
    assert first == plan(classic, [one]).digest
    others = [
        plan(classic, [{**one, "dockerfile": "FROM scratch\n\n"}]),
        plan(classic, [{**one, "target": "t"}]),
        plan(classic, [case(NEWEST)]),
        plan(classic, [one], level="CONFIG"),
        plan(classic, [one], reference=Profile.parse("classic")),
        plan(classic, [one], known=(KNOWN,)),
    ]
    digests = [first, *(other.digest for other in others)]
    assert len(set(digests)) == len(digests)
