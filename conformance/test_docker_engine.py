"""The Docker engine's harness against a real one, named by ENTRYSEM_TEST_ENGINE as for `--engine`.

For example `docker`, or `docker:host=unix:///run/docker.sock,builder=classic`. Whatever is made carries
the session's mark; each test ends with nothing of it on the engine.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from entrysem.verify import session as sessions
from entrysem.verify.engines import LABEL, REPOSITORY
from entrysem.verify.engines.docker import Docker
from entrysem.verify.engines.docker_api import Api, Refused
from entrysem.verify.engines.docker_runs import Placement
from entrysem.verify.protocol import HarnessError, Implementation, Job, Observation, Run

ENGINE = os.environ.get("ENTRYSEM_TEST_ENGINE", "")

pytestmark = pytest.mark.skipif(
    not ENGINE.startswith("docker"), reason="ENTRYSEM_TEST_ENGINE names no Docker engine"
)


def options() -> dict[str, Any]:
    _, _, rest = ENGINE.partition(":")
    return dict(pair.split("=", 1) for pair in rest.split(",") if pair)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """Another way to the engine, for looking at it and for playing the user."""
    given = options()
    way = Api(context=given.get("context"), host=given.get("host"), timeout=60)
    way.connect()
    yield way
    way.close()


def ours(api: Api, session: str) -> list[str]:
    """What a session has on the engine."""
    containers = api.json("GET", "/containers/json", params={"all": 1})
    found = [c["Id"] for c in containers if c["Labels"].get(LABEL) == session]
    for image in api.json("GET", "/images/json", params={"all": 1}):
        names = image.get("RepoTags") or []
        marked = (image.get("Labels") or {}).get(LABEL) == session
        if marked or any(name.startswith(f"{REPOSITORY}/{session}:") for name in names):
            found.append(image["Id"])
    return found


def everything(api: Api) -> set[str]:
    """All images, the intermediate ones too, and all containers."""
    images = api.json("GET", "/images/json", params={"all": 1})
    containers = api.json("GET", "/containers/json", params={"all": 1})
    return {entry["Id"] for entry in [*images, *containers]}


class Started:
    """A harness and what it says about itself."""

    def __init__(self, **more: Any) -> None:
        self.session = sessions.new()
        self.docker = Docker(session=self.session, **{"timeout": 60.0, **options(), **more})
        self.who: Implementation = self.docker.start()

    def observe(self, dockerfile: str, *runs: Run, **more: Any) -> Observation:
        level = more.pop("level", "CREATE")
        job = Job("1", dockerfile.encode(), level=level, runs=runs or (Run(),), **more)
        return self.docker.observe(job)


@pytest.fixture(scope="module")
def engine(api: Api) -> Iterator[Started]:
    started = Started()
    before = everything(api) - set(ours(api, started.session))
    yield started
    started.docker.close()
    assert ours(api, started.session) == []
    assert everything(api) - before == set()


def test_it_says_who_it_is(engine: Started) -> None:
    who = engine.who
    assert who.version
    assert who.levels[:2] == ("CONFIG", "CREATE")
    assert who.runtime == f"docker@{who.version}"
    assert (who.builder or "").split("@")[0] in {"classic", "buildkit"}
    assert who.details["config"] in {"folder", "save", "inspect"}


def test_the_stored_config_and_the_argv(engine: Started) -> None:
    seen = engine.observe(
        'FROM scratch\nSHELL ["/s","-x"]\nENTRYPOINT ["e"]\nCMD c d\n',
        Run(),
        Run(args=("x", "")),
        Run(args=()),
        Run(entrypoint=("f", "g"), args=("h",)),
        Run(entrypoint=()),
    )
    assert seen.outcome == "built"
    assert seen.config is not None
    assert seen.config["Entrypoint"] == ["e"]
    assert seen.config["Cmd"] == ["/s", "-x", "c d"]
    assert seen.config["Shell"] == ["/s", "-x"]
    assert [run.argv for run in seen.runs] == [
        ("e", "/s", "-x", "c d"),
        ("e", "x", ""),
        ("e", "/s", "-x", "c d"),
        ("f", "g", "h"),
        ("/s", "-x", "c d"),
    ]


def test_what_is_typed(engine: Started) -> None:
    if engine.who.details["cli"].startswith("none"):
        pytest.skip("no docker command")
    runs = (
        Run(entrypoint="", args=("x",)),
        Run(entrypoint=""),
        Run(entrypoint='["e","f"]', args=("-y",)),
        Run(entrypoint=" e f", args=("", "é")),
    )
    seen = engine.observe('FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n', *runs)
    assert [run.argv for run in seen.runs] == [("x",), None, ('["e","f"]', "-y"), (" e f", "", "é")]
    assert seen.runs[1].phase == "create"
    assert "no command specified" in (seen.runs[1].error or "").lower()
    assert seen == always(runs)


def always(runs: tuple[Run, ...]) -> Observation:
    """The same by the real command, each time."""
    started = Started(translate=False)
    try:
        return started.observe('FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n', *runs)
    finally:
        started.docker.close()


def test_words_that_json_cannot_hold(engine: Started) -> None:
    seen = engine.observe("FROM scratch\n LABEL a=b\n", Run(args=("a\udcff",)))
    assert seen.runs[0].skipped is not None


def test_a_rejected_dockerfile_and_a_missing_image(engine: Started) -> None:
    seen = engine.observe("FROM scratch\nFOO bar\n")
    assert seen.outcome == "rejected"
    assert "unknown instruction" in seen.message
    assert engine.observe("FROM entrysem-verify-no-such-image\nCMD a\n").outcome == "missing-image"
    assert engine.observe("FROM scratch\nCMD [1]\n").outcome == "rejected"


def test_a_target_and_build_args(engine: Started) -> None:
    text = 'ARG A=scratch\nFROM ${A} AS a\nCMD ["1"]\nFROM scratch AS b\nCMD ["2"]\n'
    seen = engine.observe(text, target="a", build_args={"A": "scratch"})
    assert seen.config is not None
    assert seen.config["Cmd"] == ["1"]


def test_a_config_in_place_of_a_dockerfile(engine: Started) -> None:
    config: Mapping[str, Any] = {"Entrypoint": ["e"], "Cmd": ["c"], "OnBuild": None}
    job = Job("1", config=config, level="CREATE", runs=(Run(), Run(args=("x",))))
    seen = engine.docker.observe(job)
    assert [run.argv for run in seen.runs] == [("e", "c"), ("e", "x")]
    if engine.who.details["config"] != "inspect":
        assert seen.config == config


def test_bases_of_both_kinds(engine: Started) -> None:
    name = f"entrysem-test-{os.getpid()}"
    text = f'FROM {name}\nENTRYPOINT ["e"]\n'
    seen = engine.observe(text, bases={name: b'FROM scratch\nCMD ["base"]\n'})
    assert seen.runs[0].argv == ("e",)
    seen = engine.observe(
        f'FROM {name}\nCMD ["c"]\n', bases={name: {"Entrypoint": ["other"], "Cmd": ["b"]}}
    )
    assert seen.runs[0].argv == ("other", "c")
    assert engine.observe(text).outcome == "missing-image"


def test_an_image_of_the_user_is_left_alone(engine: Started, api: Api) -> None:
    name = f"entrysem-user-{os.getpid()}"
    mine = engine.docker._images.build(b'FROM scratch\nCMD ["user"]\n')
    api.call("POST", f"/images/{mine.id}/tag", params={"repo": name, "tag": "latest"})
    try:
        seen = engine.observe(f"FROM {name}\n", bases={name: b'FROM scratch\nCMD ["base"]\n'})
        assert seen.outcome == "skipped"
        assert name in seen.message
        engine.docker._images.remove(mine)
        assert api.json("GET", f"/images/{name}/json")["Config"]["Cmd"] == ["user"]
    finally:
        api.call("DELETE", f"/images/{name}")


def test_many_threads_with_bases_of_one_name(engine: Started) -> None:
    name = f"entrysem-many-{os.getpid()}"

    def one(number: int) -> tuple[int, Observation]:
        bases = {name: f'FROM scratch\nCMD ["{number % 3}"]\n'.encode()} if number % 4 else {}
        return number, engine.observe(f"FROM {name}\nLABEL n={number}\n", bases=bases)

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(one, range(16)))
    for number, observation in seen:
        if number % 4:
            assert observation.runs[0].argv == (str(number % 3),)
        else:
            assert observation.outcome == "missing-image"


def test_a_name_that_could_be_the_beginning_of_an_id(engine: Started) -> None:
    seen = engine.observe("FROM scratch\nCMD x\nFROM a\nCMD y\n")
    assert seen.outcome in {"missing-image", "skipped"}
    seen = engine.observe('FROM scratch AS a\nCMD ["x"]\nFROM a\nENTRYPOINT ["y"]\n')
    assert seen.runs[0].argv == ("y",)


@pytest.mark.parametrize("placement", ["mount", "upload"])
def test_the_first_process(engine: Started, placement: Placement) -> None:
    if "PROCESS" not in engine.who.levels:
        pytest.skip(engine.who.details["probe"])
    runs = engine.docker._runs
    before, runs.placement = runs.placement, placement
    if placement == "mount" and before == "upload":
        runs.placement = before
        pytest.skip("the engine does not see the files of this machine")
    try:
        seen = engine.observe(
            f'FROM scratch\nWORKDIR /w\nENV PATH=/p/{placement}:/q\nENTRYPOINT ["e"]\nCMD c $x\n',
            Run(),
            Run(args=("\n", "", "é", "x" * 100_000)),
            Run(entrypoint=("./a b", "\\")),
            Run(entrypoint=("/bin/sh", "-c"), args=("exit 3",)),
            level="PROCESS",
        )
    finally:
        runs.placement = before
    assert [run.argv for run in seen.runs] == [
        ("e", "/bin/sh", "-c", "c $x"),
        ("e", "\n", "", "é", "x" * 100_000),
        ("./a b", "\\"),
        ("/bin/sh", "-c", "exit 3"),
    ]
    assert all(run.pid == 1 and run.created == run.argv for run in seen.runs)
    assert {run.level for run in seen.runs} == {"PROCESS"}


def test_a_start_that_fails(engine: Started) -> None:
    if "PROCESS" not in engine.who.levels:
        pytest.skip(engine.who.details["probe"])
    runs = (Run(entrypoint=("",), args=("x",)), Run(entrypoint=("", "x")), Run(entrypoint=("/",)))
    seen = engine.observe('FROM scratch\nCMD ["c"]\n', *runs, level="PROCESS")
    assert seen.runs[0].argv == ("x",)
    assert [run.phase for run in seen.runs[1:]] == ["start", "start"]
    assert seen.runs[1].created == ("", "x")


def test_an_init_comes_first(engine: Started) -> None:
    if "PROCESS" not in engine.who.levels:
        pytest.skip(engine.who.details["probe"])
    text = 'FROM scratch\nENTRYPOINT ["e"]\n'
    seen = engine.observe(text, Run(init=True, args=("x",)), level="PROCESS").runs[0]
    assert seen.argv is not None
    assert seen.argv == ("/sbin/docker-init", "--", "e", "x")
    assert seen.created == ("e", "x")
    assert seen.pid != 1
    assert engine.observe(text, Run(init=True)).runs[0].skipped is not None


def test_a_process_that_does_not_end_is_killed(api: Api, tmp_path: Path) -> None:
    source = tmp_path / "spin.c"
    source.write_text("void _start(void) { for (;;) ; }\n")
    command = ["cc", "-static", "-nostdlib", "-o", str(tmp_path / "spin"), str(source)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("no C compiler")
    started = Started()
    try:
        if started.who.details["probe"] != "mount":
            pytest.skip("needs a program of this machine in the container")
        image = started.docker._images.build(b'FROM scratch\nENTRYPOINT ["e"]\n')
        runs = started.docker._runs
        assert runs._program is not None
        runs._program.unlink()  # not written in place: the engine may still hold it
        runs._program.write_bytes((tmp_path / "spin").read_bytes())
        runs._program.chmod(0o755)
        runs._api.timeout = 3.0
        with pytest.raises(HarnessError, match="did not end within 3 s"):
            runs.observe(image, started.docker._images.stored(image), Run(), "PROCESS")
        runs._api.timeout = 60.0
        containers = api.json("GET", "/containers/json", params={"all": 1})
        assert not [c for c in containers if c["Labels"].get(LABEL) == started.session]
    finally:
        started.docker.close()
    assert ours(api, started.session) == []


_DIES = """
import json, os, signal, sys, threading
from entrysem.verify import session
from entrysem.verify.engines.docker import Docker
from entrysem.verify.protocol import Job, Run
options, name = json.loads(sys.argv[1]), sys.argv[2]
docker = Docker(session=session.new(), **options)
docker.start()
base = b'FROM scratch\\nCMD ["base"]\\n'
job = Job("1", b'FROM %s\\nLABEL a=b\\n' % name.encode(), bases={name: base}, runs=(Run(),))
assert docker.observe(job).outcome == "built"
docker._images.build(b'FROM scratch\\nCMD ["x"]\\n')
docker._images.load({"Cmd": ["y"]})
print(docker._session, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_session_left_is_swept(engine: Started, api: Api) -> None:
    name = f"entrysem-swept-{os.getpid()}"
    done = subprocess.run(
        [sys.executable, "-c", _DIES, json.dumps(options()), name],
        capture_output=True,
        text=True,
        check=False,
    )
    session = done.stdout.strip()
    assert session, done.stderr
    assert len(ours(api, session)) >= 3
    assert engine.docker._folder is not None
    parent = engine.docker._folder.parent
    assert list(parent.glob(f"*{session}*"))
    assert engine.docker.sweep() >= 4
    assert not list(parent.glob(f"*{session}*"))
    assert ours(api, session) == []
    with pytest.raises(Refused):
        api.json("GET", f"/images/{name}/json")


def test_what_a_living_session_has_is_not_swept(engine: Started, api: Api) -> None:
    other = Started()
    try:
        image = other.docker._images.build(b'FROM scratch\nCMD ["x"]\n')
        engine.docker.sweep()
        assert ours(api, other.session)
        other.docker._images.remove(image)
    finally:
        other.docker.close()


def test_closing_twice_and_from_a_thread() -> None:
    started = Started()
    threads = [threading.Thread(target=started.docker.close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_dockerfile_without_a_stage(engine: Started) -> None:
    seen = engine.observe("ARG a=b\n")
    assert seen.outcome in {"rejected", "skipped"}
    assert engine.observe("FROM scratch\nCMD x\n").outcome == "built"
