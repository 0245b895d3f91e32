"""What the lab offers beside Docker, Podman and Buildah: a CRI runtime, umoci, imagebuilder.

Needs root and the machine's Debian mirror; run it as `pytest conformance/lab`. It uses the lab of this
checkout, and leaves it up: whoever brought it up may still need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conformance import lab
from conformance.lab.cri import SUITES as CRI_SUITES
from conformance.lab.cri import Cri
from conformance.lab.umoci import Umoci
from entrysem.verify import session as sessions
from entrysem.verify.engines.command import Command
from entrysem.verify.protocol import Harness, Job, Run

BOTH = {"Entrypoint": ["e", "x y"], "Cmd": ["c", ""]}


@pytest.fixture(scope="module", params=CRI_SUITES)
def cri(request: pytest.FixtureRequest) -> Iterator[Harness]:
    harness = Cri(suite=request.param, session=sessions.new(), timeout=60)
    who = harness.start()
    assert who.builder is None
    assert who.runtime == f"cri@{who.version}"
    yield harness
    harness.close()


@pytest.mark.parametrize(
    ("config", "run", "argv"),
    [
        (BOTH, Run(), ("e", "x y", "c", "")),
        (BOTH, Run(args=("x", "")), ("e", "x y", "x", "")),
        (BOTH, Run(entrypoint=("f",)), ("f",)),
        (BOTH, Run(entrypoint=("f",), args=("g", "$(A)\n")), ("f", "g", "$(A)\n")),
        (BOTH, Run(args=("x" * 100_000,)), ("e", "x y", "x" * 100_000)),
        ({"Cmd": ["/bin/sh", "-c", "a  b"]}, Run(), ("/bin/sh", "-c", "a  b")),
        ({"Entrypoint": ["e"], "Cmd": None}, Run(), ("e",)),
        ({}, Run(args=("x",)), ("x",)),
    ],
)
def test_process_1_gets_what_the_runtime_decided(
    cri: Harness, config: dict[str, Any], run: Run, argv: tuple[str, ...]
) -> None:
    observation = cri.observe(Job("a", config=config, level="PROCESS", runs=(run,)))
    (seen,) = observation.runs
    assert (seen.argv, seen.created, seen.pid, seen.level) == (argv, argv, 1, "PROCESS")


def test_an_image_without_a_command_is_an_error_of_creation(cri: Harness) -> None:
    (seen,) = cri.observe(Job("a", config={}, level="PROCESS", runs=(Run(),))).runs
    assert (seen.argv, seen.phase) == (None, "create")
    assert "no command specified" in (seen.error or "")


def test_a_program_that_cannot_be_is_an_error_of_the_start(cri: Harness) -> None:
    run = Run(entrypoint=("/proc/none",))
    (seen,) = cri.observe(Job("a", config={}, level="PROCESS", runs=(run,))).runs
    assert (seen.created, seen.phase) == (("/proc/none",), "start")


@pytest.mark.parametrize("run", [Run(entrypoint="x"), Run(init=True), Run(args=("\udcff",))])
def test_what_the_cri_cannot_be_given_is_skipped(cri: Harness, run: Run) -> None:
    (seen,) = cri.observe(Job("a", config=BOTH, runs=(run,))).runs
    assert seen.skipped
    assert cri.observe(Job("b", dockerfile=b"FROM scratch\n")).outcome == "skipped"


def test_what_a_dead_session_left_is_swept() -> None:
    living = sessions.new()
    host, _, rest = living.partition("-")
    dead = Cri(suite="sid", session=f"{host}-999999999-{rest.split('-', 1)[1]}", timeout=60)
    dead.start()
    dead.observe(Job("a", config=BOTH, runs=(Run(),)))
    harness = Cri(suite="sid", session=living, timeout=60)
    harness.start()
    assert harness.sweep() == 2, "a pod and an image"
    assert harness.sweep() == 0
    harness.close()
    dead.close()


@pytest.mark.parametrize("suite", lab.SUITES)
def test_umoci_joins_entrypoint_and_cmd(suite: str) -> None:
    harness = Umoci(suite=suite, session=sessions.new(), timeout=60)
    assert harness.start().version
    runs = (Run(), Run(args=("x",)), Run(entrypoint=("f",)))
    seen = harness.observe(Job("a", config=BOTH, runs=runs)).runs
    assert seen[0].argv == ("e", "x y", "c", "")
    assert [bool(run.skipped) for run in seen] == [False, True, True]
    harness.close()


@pytest.mark.parametrize("builder", lab.builders(), ids=lambda builder: builder.key)
def test_imagebuilder_builds_by_its_command_line(builder: lab.LabBuilder) -> None:
    lab.up([builder.suite])
    harness = Command(
        session=sessions.new(),
        timeout=60,
        builder=builder.builder,
        inspect=builder.inspect,
        workspace=builder.workspace,
    )
    harness.start()
    source = b'FROM scratch AS a\nCMD ["c"]\nFROM base\nARG B\nCMD x\nENTRYPOINT ["e"]\n'
    job = Job("a", dockerfile=source, bases={"base": b'FROM scratch\nCMD ["b"]\n'})
    observation = harness.observe(job)
    assert observation.outcome == "built", observation.message
    assert observation.config is not None
    assert observation.config["Entrypoint"] == ["e"]
    assert observation.config["Cmd"] == ["/bin/sh", "-c", "x"]
    missing = harness.observe(Job("b", dockerfile=b"FROM entrysem-none\nCMD x\n"))
    assert missing.outcome == "missing-image", missing.message
    harness.close()
