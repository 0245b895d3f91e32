"""Expected, recorded and seen -> verdict; and what counts as the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from entrysem.profiles import Engine, Profile
from entrysem.vectors import cases
from entrysem.verify.explain import explanation
from entrysem.verify.parts import Part, Planned
from entrysem.verify.plan import make_plan
from entrysem.verify.protocol import (
    LEVELS,
    HarnessError,
    Implementation,
    Job,
    Observation,
    Run,
    RunObservation,
)
from entrysem.verify.values import (
    BuildValue,
    RunValue,
    StartFailure,
    Value,
    differ,
    matches,
    run_value,
)
from entrysem.verify.verdict import Result, broken, check_observation, judge, spread

A = BuildValue("built", {"Cmd": ("a",)})
B = BuildValue("built", {"Cmd": ("b",)})
C = BuildValue("built", {"Cmd": ("c",)})
REJECTED = BuildValue("rejected")
NOBODY = (None, None)
CASE: dict[str, Any] = {
    "id": "x",
    "title": "x",
    "rules": ["FORM-08"],
    "evidence": "observed",
    "dockerfile": "FROM scratch\n",
    "expect": [],
}


def planned(*parts: Part, runs: tuple[Run, ...] = ()) -> Planned:
    job = Job("x", dockerfile=b"FROM scratch\n", level="PROCESS" if runs else "CONFIG", runs=runs)
    return Planned(CASE, job, tuple(range(len(runs))), parts)


def seen(value: BuildValue, *runs: RunObservation) -> Observation:
    return Observation("x", value.outcome, value.config or None, "engine's words", runs)


def verdict(part: Part, value: BuildValue) -> Result:
    (result,) = judge(planned(part), seen(value), NOBODY, "CREATE")
    return result


@pytest.mark.parametrize(
    ("expected", "recorded", "unobserved", "observed", "wanted"),
    [
        (A, None, "", A, "PASS"),
        (A, B, "", A, "STALE"),
        (A, B, "", B, "DEVIATES"),
        (A, B, "", C, "FAIL"),
        (A, None, "", B, "FAIL"),
        (A, None, "nobody knows", A, "PASS"),
        (A, None, "nobody knows", B, "SKIP"),
        (None, None, "nobody knows", B, "SKIP"),
        (A, REJECTED, "", REJECTED, "DEVIATES"),
        (REJECTED, None, "", A, "FAIL"),
        (REJECTED, A, "", A, "DEVIATES"),
        (REJECTED, None, "", REJECTED, "PASS"),
        (A, None, "", BuildValue("missing-image"), "FAIL"),
    ],
)
def test_the_table(
    expected: Value | None,
    recorded: Value | None,
    unobserved: str,
    observed: BuildValue,
    wanted: str,
) -> None:
    part = Part("x", None, expected, "r", recorded, "known:k", unobserved=unobserved)
    result = verdict(part, observed)
    assert result.verdict == wanted
    document = result.to_wire()
    assert document["observed"] == observed.to_wire() | (
        {} if observed.outcome == "built" else {"message": "engine's words"}
    )
    assert bool(result.reason) or wanted in ("PASS", "DEVIATES")


def test_what_is_not_asked_for_is_skipped_with_the_reason() -> None:
    part = Part("x", None, A, "r", skip="no time")
    (result,) = judge(planned(part), None, NOBODY, "CREATE")
    assert (result.verdict, result.reason, result.level) == ("SKIP", "no time", "CONFIG")
    part = replace(part, skip="")
    (result,) = judge(planned(part), Observation("x", "skipped", message="no"), NOBODY, "CREATE")
    assert (result.verdict, result.reason) == ("SKIP", "no")


def test_runs_of_an_image_that_was_not_built() -> None:
    plan = planned(Part("x", None, A, "r"), Part("x/run", 0, RunValue(("a",)), "r"), runs=(Run(),))
    build, run = judge(plan, seen(REJECTED), NOBODY, "PROCESS")
    assert (build.verdict, run.verdict, run.level) == ("FAIL", "SKIP", "PROCESS")
    assert run.reason == "there is no image to run: see x"
    build, run = broken(plan, "engine died", "CREATE")
    assert (build.verdict, build.reason, run.verdict) == ("ERROR", "engine died", "SKIP")


# --- what counts as the same -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "stored", "same"),
    [
        ({"Cmd": ("a", "b")}, {"Cmd": ("a", "b")}, True),
        ({"Cmd": ("a", "b")}, {"Cmd": ("b", "a")}, False),
        ({"Cmd": None}, {}, True),
        ({"Cmd": None}, {"Cmd": None}, True),
        ({"Cmd": None}, {"Cmd": ()}, False),
        ({"Cmd": ()}, {"Cmd": None}, False),
        ({"Cmd": ()}, {}, False),
        ({"OnBuild": None}, {"OnBuild": ()}, True),
        ({"OnBuild": None}, {"OnBuild": ("RUN x",)}, False),
        ({}, {"Cmd": ("whatever",)}, True),
        ({"Cmd": ("a",)}, {"Cmd": ("a",), "Entrypoint": ("not looked at",)}, True),
    ],
)
def test_configs(wanted: dict[str, Any], stored: dict[str, Any], same: bool) -> None:
    assert matches(BuildValue("built", wanted), BuildValue("built", stored)) is same


NO_COMMAND = StartFailure("create", "no-command-specified")
EMPTY = StartFailure("start", "empty-program")


@pytest.mark.parametrize(
    ("wanted", "observed", "same"),
    [
        (RunValue(("a",), looked=False), RunValue(("a",)), True),
        (RunValue(("a",), looked=False), RunValue(("a", "")), False),
        (RunValue((), looked=False), RunValue(None), False),
        (RunValue(("a",), looked=False), RunValue(("a",), EMPTY), True),
        (RunValue(("a",)), RunValue(("a",), EMPTY), False),
        (RunValue(None, NO_COMMAND), RunValue(None, NO_COMMAND), True),
        (RunValue(None, NO_COMMAND), RunValue(None, StartFailure("create", None)), False),
        (RunValue(None, NO_COMMAND), RunValue(("",)), False),
        (RunValue(("a",), looked=False), RunValue(None, NO_COMMAND), False),
        (RunValue(("", "y"), EMPTY), RunValue(("", "y"), EMPTY), True),
        # At the creation of the container, the start cannot be seen.
        (RunValue(("", "y"), EMPTY), RunValue(("", "y")), True),
    ],
)
def test_runs(wanted: RunValue, observed: RunValue, same: bool) -> None:
    assert matches(wanted, observed) is same
    assert not matches(wanted, REJECTED)
    assert not matches(A, observed)


@pytest.mark.parametrize(
    "message",
    [
        "Error response from daemon: no command specified",
        "Error response from daemon: No command specified",
        "Error: no command or entrypoint provided, and no CMD or ENTRYPOINT from image",
    ],
)
def test_messages_of_engines_are_codes(message: str) -> None:
    found = run_value(RunObservation(error=message, phase="create"))
    assert found == RunValue(None, NO_COMMAND)


@pytest.mark.parametrize(
    "message",
    [
        (
            "OCI runtime create failed: container_linux.go:377: starting container process "
            'caused: exec: "": executable file not found in $PATH: unknown'
        ),
        'runc create failed: unable to start container process: exec: \\"\\": executable file not found',
        "crun: executable file `` not found in $PATH: No such file or directory",
    ],
)
def test_messages_of_runtimes_are_codes(message: str) -> None:
    found = run_value(RunObservation(created=("", "x"), error=message, phase="start"))
    assert found == RunValue(("", "x"), EMPTY)


def test_a_message_that_nobody_knows() -> None:
    found = run_value(RunObservation(error="computer says no", phase="create"))
    assert found == RunValue(None, StartFailure("create", None))
    assert run_value(RunObservation(skipped="no")) is None


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (A, B, True),
        (A, A, False),
        (A, BuildValue("built", {"Entrypoint": ("a",)}), False),
        (A, REJECTED, True),
        (A, RunValue(("a",)), True),
        (RunValue(("a",), looked=False), RunValue(("a",), EMPTY), False),
        (RunValue(("a",)), RunValue(("a",), EMPTY), True),
        (RunValue(("a",)), RunValue(None, NO_COMMAND), True),
    ],
)
def test_differences(one: Value, other: Value, apart: bool) -> None:
    assert differ(one, other) is differ(other, one) is apart


# --- processes ---------------------------------------------------------------------------------------


def run_verdict(part: Part, run: Run, observation: RunObservation) -> Result:
    plan = planned(Part("x", None, A, "r"), part, runs=(run,))
    return judge(plan, seen(A, observation), NOBODY, "PROCESS")[1]


PART = Part("x/run", 0, RunValue(("a",), looked=False), "r")


def test_a_process_must_be_the_first_of_its_container() -> None:
    right = RunObservation(("a",), level="PROCESS", pid=1, created=("a",))
    assert run_verdict(PART, Run(), right).to_wire()["level"] == "PROCESS"
    assert run_verdict(PART, Run(), right).verdict == "PASS"
    other = run_verdict(PART, Run(), replace(right, pid=8))
    assert (other.verdict, other.reason) == (
        "FAIL",
        "the process is not the container's first: its id is 8, not 1",
    )


def test_a_process_that_received_other_words_than_were_decided_on() -> None:
    result = run_verdict(
        PART, Run(), RunObservation(("b",), level="PROCESS", pid=1, created=("a",))
    )
    assert result.verdict == "FAIL"
    assert result.reason == 'argv is ["b"], not ["a"]; at its creation the container had ["a"]'


def test_a_process_that_did_not_start() -> None:
    failed = RunObservation(created=("a",), error="no such file", phase="start", level="PROCESS")
    result = run_verdict(PART, Run(), failed)
    assert (result.verdict, result.reason) == (
        "PASS",
        "seen at the creation of the container; its process did not start",
    )


@pytest.mark.parametrize(
    ("observed", "wanted"),
    [
        (RunObservation(("/sbin/docker-init", "--", "a")), "STALE"),
        (RunObservation(("/dev/init", "--", "a")), "DEVIATES"),
        # Where the init program cannot be seen, nothing can be said of it.
        (RunObservation(("a",)), "PASS"),
        (RunObservation(("a",), level="PROCESS", pid=7), "PASS"),
        (RunObservation(("b",), level="PROCESS", pid=7), "FAIL"),
        (RunObservation(("/other", "--", "a")), "FAIL"),
    ],
)
def test_the_init_program(observed: RunObservation, wanted: str) -> None:
    part = Part(
        "x/init",
        0,
        RunValue(("/sbin/docker-init", "--", "a"), looked=False),
        "r",
        RunValue(("/dev/init", "--", "a"), looked=False),
        "known:k",
    )
    assert run_verdict(part, Run(init=True), observed).verdict == wanted


# --- answers that are none ---------------------------------------------------------------------------

REQUEST = Job("x", dockerfile=b"", level="CREATE", runs=(Run(),))
GOOD = Observation("x", "built", {"Cmd": None}, runs=(RunObservation(("a",)),))


@pytest.mark.parametrize(
    ("observation", "told"),
    [
        (GOOD, None),
        (Observation("x", "rejected"), None),
        (replace(GOOD, job="y"), "answered about 'y' to 'x'"),
        (replace(GOOD, config=None), "shows no config"),
        (replace(GOOD, runs=()), "shows 0 runs instead of 1"),
        (replace(GOOD, outcome="rejected"), "shows 1 runs instead of 0"),
        (replace(GOOD, runs=(RunObservation(("a",), level="PROCESS", pid=1),)), "asked for CREATE"),
    ],
)
def test_an_answer_must_fit_the_question(observation: Observation, told: str | None) -> None:
    if told is None:
        check_observation(REQUEST, observation, LEVELS)
    else:
        with pytest.raises(HarnessError, match=told):
            check_observation(REQUEST, observation, LEVELS)


def test_a_process_without_an_id() -> None:
    runs = (RunObservation(("a",), level="PROCESS"),)
    with pytest.raises(HarnessError, match="without its process id"):
        check_observation(replace(REQUEST, level="PROCESS"), replace(GOOD, runs=runs), LEVELS)


def test_runs_that_were_not_asked_for_keep_their_place() -> None:
    plan = replace(planned(runs=(Run(), Run(args=("x",)))), asked=(1,))
    runs = spread(plan, replace(GOOD, runs=(RunObservation(("b",)),))).runs
    assert [run.argv for run in runs] == [None, ("b",)]
    assert runs[0].skipped == "not asked for"
    assert plan.request.runs == (Run(args=("x",)),)


# --- why ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dockerfile", "run", "engine", "names"),
    [
        ('FROM scratch\nCMD ["a"] x\n', None, "buildkit@0.13", ["text-after-array-dropped"]),
        ("FROM scratch\nCMD\n", None, "classic@28.5", ["bare-instruction-no-script"]),
        ("FROM scratch\nCMD\n", Run(), "classic@28.5", ["bare-instruction-no-script"]),
        ('FROM scratch\nCMD ["a"]\n', None, "classic@28.5", []),
        ('FROM scratch\nCMD ["a"]\n', Run(), "buildkit@0.8", []),
    ],
)
def test_a_difference_is_explained_by_the_deviations_that_make_it(
    dockerfile: str, run: Run | None, engine: str, names: list[str]
) -> None:
    builder = Profile.parse(engine).builder
    found = explanation(
        {**CASE, "dockerfile": dockerfile}, run, (builder, Engine("docker", "28.5"))
    )
    assert list(found) == names


def test_every_recorded_difference_of_the_vectors_is_explained() -> None:
    unexplained = []
    for builder, runtime in (("classic@20.10.24", "docker@20.10.24"), ("buildah@1.28.2", None)):
        who = Implementation("e", builder=builder, runtime=runtime)
        plan = make_plan(cases(), who, reference=Profile(), level="CREATE")
        unexplained += [
            (part.id, builder)
            for planned in plan.cases
            for part in planned.parts
            if part.recorded is not None
            and not explanation(
                planned.case,
                None if part.index is None else planned.job.runs[part.index],
                plan.engine,
            )
        ]
    assert unexplained == []
