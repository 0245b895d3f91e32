"""A real podman or buildah against what was recorded of it.

    ENTRYSEM_TEST_ENGINE=podman[:cli=PATH][,host=unix://SOCKET][,workspace=DIR] pytest conformance

The vectors say what these engines do with Dockerfiles; here is what the way to them must not lose:
bytes, empty words, null against empty, one word against two, whose fault it is, and what is left.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from entrysem.errors import InputError
from entrysem.verify import session
from entrysem.verify.engines.buildah import Buildah
from entrysem.verify.engines.podman import Podman
from entrysem.verify.protocol import Harness, HarnessError, Implementation, Job, Run
from entrysem.versions import in_range, parse_version

TEXT = os.environ.get("ENTRYSEM_TEST_ENGINE", "")
NAME, _, REST = TEXT.partition(":")
OPTIONS = dict(option.split("=", 1) for option in REST.split(",") if option)

pytestmark = pytest.mark.skipif(
    NAME not in {"podman", "buildah"},
    reason="ENTRYSEM_TEST_ENGINE names neither podman nor buildah",
)
needs_podman = pytest.mark.skipif(NAME != "podman", reason="buildah starts no container")

TIMEOUT = 90.0


def new_engine(timeout: float = TIMEOUT) -> Harness:
    name = session.new()
    if NAME == "podman":
        return Podman(session=name, timeout=timeout, reuse=False, **OPTIONS)
    return Buildah(session=name, timeout=timeout, **OPTIONS)


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[Harness, Implementation]]:
    engine = new_engine()
    found = engine.start()
    yield engine, found
    engine.close()


@pytest.fixture
def engine(started: tuple[Harness, Implementation]) -> Harness:
    return started[0]


@pytest.fixture
def version(started: tuple[Harness, Implementation]) -> str:
    return started[1].version


def job(dockerfile: str, *runs: Run, level: str = "CREATE") -> Job:
    return Job("job", dockerfile=dockerfile.encode(), runs=runs, level=level)  # type: ignore[arg-type]


EXEC = 'FROM scratch\nENTRYPOINT ["/usr/bin/e", "a b"]\nCMD ["c"]\n'


def test_who_answers(started: tuple[Harness, Implementation]) -> None:
    found = started[1]
    assert found.builder is not None
    assert found.builder.startswith(("buildah@", "buildah-docker@"))
    assert found.platform.startswith("linux/")
    assert found.runtime == (f"podman@{found.version}" if NAME == "podman" else None)


def test_the_config_is_the_stored_one(engine: Harness) -> None:
    seen = engine.observe(job("FROM scratch\nCMD []\n", level="CONFIG"))
    assert seen.outcome == "built"
    assert seen.config is not None
    assert "Cmd" in seen.config or "Entrypoint" not in seen.config


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"Entrypoint": None, "Cmd": []},
        {"Entrypoint": [""], "Cmd": None, "Shell": [], "OnBuild": ["CMD x"]},
    ],
)
def test_a_config_is_stored_key_by_key(
    engine: Harness, config: dict[str, list[str] | None]
) -> None:
    seen = engine.observe(Job("job", config=config, level="CONFIG"))
    assert seen.config == config


def test_a_base_may_be_a_dockerfile_or_a_config(engine: Harness) -> None:
    for base in (b'FROM scratch\nENTRYPOINT ["b"]\n', {"Entrypoint": ["b"]}):
        one = replace(
            job('FROM base-of-it\nCMD ["c"]\n', level="CONFIG"), bases={"base-of-it": base}
        )
        seen = engine.observe(one)
        assert seen.config is not None
        assert (seen.config["Entrypoint"], seen.config["Cmd"]) == (["b"], ["c"])
    # The base of one job is not there for the next.
    assert engine.observe(job("FROM base-of-it\n")).outcome == "missing-image"


@pytest.mark.parametrize(
    ("dockerfile", "outcome"),
    [
        ("FROM scratch\nSHELL x\n", "rejected"),
        ("FROM scratch\nFOO x\n", "rejected"),
        ("FROM SCRATCH\n", "rejected"),
        ("", "rejected"),
        ("FROM entrysem-has-no-such-image\n", "missing-image"),
        ("FROM abcdef0\n", "missing-image"),
    ],
)
def test_whose_fault_it_is(engine: Harness, dockerfile: str, outcome: str) -> None:
    seen = engine.observe(job(dockerfile))
    assert (seen.outcome, seen.config) == (outcome, None)
    assert seen.message


def test_options_reach_the_build(engine: Harness) -> None:
    text = 'ARG X\nFROM ${X} AS a\nCMD ["a"]\nFROM a\nCMD ["b"]\n'
    seen = engine.observe(
        replace(job(text, level="CONFIG"), target="a", build_args={"X": "scratch"})
    )
    assert seen.config is not None
    assert seen.config["Cmd"] == ["a"]


def test_jobs_at_once_do_not_meet(engine: Harness) -> None:
    def one(number: int) -> object:
        base = f'FROM scratch\nENTRYPOINT ["{number}"]\n'.encode()
        seen = engine.observe(
            replace(job("FROM base-of-it\n", level="CONFIG"), bases={"base-of-it": base})
        )
        return seen.config and seen.config["Entrypoint"]

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, range(6))) == [[str(number)] for number in range(6)]


@needs_podman
@pytest.mark.parametrize("level", ["CREATE", "PROCESS"])
@pytest.mark.parametrize(
    ("run", "argv"),
    [
        (Run(), ("/usr/bin/e", "a b", "c")),
        (Run(args=("--x", "", "é\n", "$A")), ("/usr/bin/e", "a b", "--x", "", "é\n", "$A")),
        (Run(args=()), ("/usr/bin/e", "a b", "c")),
        (Run(entrypoint="f"), ("f",)),
        (Run(entrypoint="f", args=("f",)), ("f", "f")),
        (Run(entrypoint="./f g"), ("./f g",)),
        (Run(entrypoint="-f", args=("-g",)), ("-f", "-g")),
        (Run(entrypoint='["p", "q"]'), ("p", "q")),
        (Run(entrypoint=("p", "q")), ("p", "q")),
        (Run(entrypoint=()), ("c",)),
        (Run(entrypoint=(), args=("x",)), ("x",)),
        (Run(args=("x" * 100_000,)), ("/usr/bin/e", "a b", "x" * 100_000)),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_argv(engine: Harness, level: str, run: Run, argv: tuple[str, ...]) -> None:
    (seen,) = engine.observe(job(EXEC, run, level=level)).runs
    assert (seen.argv, seen.error, seen.skipped) == (argv, None, None)
    assert seen.level == level
    if level == "PROCESS":
        assert seen.pid == 1
        assert seen.created == argv


@needs_podman
def test_init(engine: Harness) -> None:
    for level in ("CREATE", "PROCESS"):
        (seen,) = engine.observe(job(EXEC, Run(init=True), level=level)).runs
        if seen.skipped:
            pytest.skip(seen.skipped)
        assert seen.argv is not None
        assert seen.argv[0] in {"/run/podman-init", "/dev/init"}
        assert seen.argv[1:] == ("--", "/usr/bin/e", "a b", "c")


@needs_podman
def test_a_program_that_is_nowhere(engine: Harness) -> None:
    (seen,) = engine.observe(job(EXEC, Run(entrypoint="/dev/none"), level="PROCESS")).runs
    assert (seen.phase, seen.pid, seen.created) == ("start", None, ("/dev/none",))
    assert seen.error


@needs_podman
def test_nothing_to_run(engine: Harness, version: str) -> None:
    (seen,) = engine.observe(job("FROM scratch\nLABEL a=b\n", Run())).runs
    if in_range(parse_version(version), ">=5.0"):
        assert seen.argv == ("",)
    else:
        assert (seen.argv, seen.phase) == (None, "create")


@needs_podman
def test_words_that_cannot_be_typed_are_skipped(engine: Harness) -> None:
    runs = (Run(args=("\0",)), Run(args=("x" * (1 << 20),)), Run(entrypoint="f", args=()))
    for seen in engine.observe(job(EXEC, *runs)).runs:
        assert seen.skipped
        assert seen.argv is None


def test_nothing_is_left(tmp_path: Path) -> None:
    parent = Path(OPTIONS.get("workspace") or tmp_path)
    before = set(parent.iterdir())
    engine = new_engine()
    engine.start()
    engine.observe(job(EXEC, Run(), level="CREATE"))
    engine.close()
    assert set(parent.iterdir()) - before == set()


KILLED = """
import sys
from conformance.test_podman_engine import EXEC, Run, job, new_engine
engine = new_engine()
engine.start()
print("started", flush=True)
while True:
    engine.observe(job(EXEC, Run()))
    print("observed", flush=True)
"""


def test_what_a_killed_session_left_is_removed_by_the_next() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            if line == "observed\n":
                break
        child.send_signal(signal.SIGKILL)
        child.wait()
    time.sleep(1)  # the command that it was waiting for ends by itself
    engine = new_engine()
    engine.start()
    try:
        if "host" not in OPTIONS:  # whether an image lay there at that moment is chance
            assert engine.sweep() > 0
        engine.sweep()
        assert engine.sweep() == 0
    finally:
        engine.close()


def test_no_answer_in_time_breaks_one_job_only() -> None:
    engine = new_engine()
    engine.start()
    try:
        engine._commands.timeout = 0.01  # type: ignore[attr-defined]
        with pytest.raises(HarnessError, match=r"did not end within 0\.01 s"):
            engine.observe(job(EXEC))
        engine._commands.timeout = TIMEOUT  # type: ignore[attr-defined]
        assert engine.observe(job(EXEC)).outcome == "built"
    finally:
        engine.close()


@needs_podman
def test_closing_ends_a_container_that_waits() -> None:
    engine = new_engine()
    engine.start()
    if "host" in OPTIONS:
        engine.close()
        pytest.skip("a store of the user's is not emptied")
    store = engine._pool._make()  # type: ignore[attr-defined]
    built = store.make(job(EXEC))
    container = store._create(built.image, Run())
    store._put(container, "/usr/bin/e", store._get_probe())
    answer = store._api.call("POST", f"/containers/{container}/init")
    assert answer.ok, answer.message
    pid = store._inspected(container)["State"]["Pid"]
    assert Path(f"/proc/{pid}").exists()
    engine.close()
    assert not store.folder.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_an_unknown_option_is_refused() -> None:
    make = Podman if NAME == "podman" else Buildah
    wrong = {"host": "tcp://there"} if NAME == "podman" else {"format": "tar"}
    with pytest.raises(InputError):
        make(session="s", **wrong)  # type: ignore[arg-type]


def test_a_command_that_is_not_podman(tmp_path: Path) -> None:
    path = tmp_path / "cli"
    path.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} --no-such-option\n")
    path.chmod(0o755)
    make = Podman if NAME == "podman" else Buildah
    with pytest.raises(HarnessError, match="does not work here"):
        make(session=session.new(), cli=str(path), workspace=str(tmp_path)).start()
    assert list(tmp_path.iterdir()) == [path]
