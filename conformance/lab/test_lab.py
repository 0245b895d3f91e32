"""The lab with real engines: what it brings up works, and what it takes down is gone.

Needs root and the machine's Debian mirror; run it as `pytest conformance/lab`. It uses the checkout's
unpacked trees with a data folder of its own, so that a lab that is up stays up.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import lab
from conformance.lab import cgroups, pause
from conformance.lab.__main__ import main
from conformance.lab.places import ROOT, Places
from conformance.lab.settings import DAEMONS, daemon_command
from conformance.lab.suite import Suite

DATA = f"/dev/shm/entrysem-lab-test-{os.getpid()}"
ISOLATION = (
    *("--network", "none", "--read-only", "--cap-drop", "ALL", "--pids-limit", "64"),
    *("--memory", "64m", "--security-opt", "no-new-privileges"),
)
WORDS = ["", "two words", '$HOME "q" `x`', "-x", "A=b"]


@pytest.fixture(scope="module", autouse=True)
def _own_lab() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENTRYSEM_LAB_DATA", DATA)
        lab.down()
        yield
        lab.down()
        assert_nothing_left()


def assert_nothing_left() -> None:
    name = Path(DATA).name
    assert not Path(DATA).exists()
    assert not [h.mount / name for h in cgroups.hierarchies() if (h.mount / name).exists()]
    assert name not in Path("/proc/self/mountinfo").read_text()
    for _ in range(100):  # the machine's first process may take a moment to reap
        left = [
            path.parent.name
            for path in Path("/proc").glob("[0-9]*/cgroup")
            if name in read(path) or name in read(path.with_name("cmdline"))
        ]
        if not left:
            return
        time.sleep(0.1)
    pytest.fail(f"processes are left: {left}")


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def wrapper(command: str, suite: str, *arguments: str) -> str:
    path = Places.here().wrapper(command, suite)
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def context(suite: str) -> str:
    folder = Places.here().work(suite) / "pause"
    folder.mkdir(exist_ok=True)
    pause.write(folder / "pause")
    (folder / "Dockerfile").write_text('FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n')
    return str(folder)


def start_up(*names: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "conformance.lab", "up", *names],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_daemon(suite: str, daemon: str) -> None:
    for pid in cgroups.pids(f"{Path(DATA).name}/{suite}/{DAEMONS[daemon][0]}"):
        os.kill(pid, signal.SIGKILL)


def test_every_engine_comes_up_and_says_its_version() -> None:
    lab.up()
    for engine in lab.engines():
        assert engine.version
        assert engine.id == "-".join(filter(None, (engine.kind, engine.version, engine.builder)))
        assert lab.alive(engine.id)
        assert engine == lab.engine(engine.key)


@pytest.mark.parametrize("suite", lab.SUITES)
@pytest.mark.parametrize("command", ["docker", "podman"])
def test_a_confined_container_really_starts_and_gets_every_word(suite: str, command: str) -> None:
    lab.up([suite])
    wrapper(command, suite, "build", "-t", "localhost/pause", context(suite))
    container = wrapper(command, suite, "run", "-d", *ISOLATION, "localhost/pause", *WORDS)
    (state,) = json.loads(wrapper(command, suite, "inspect", container))
    argv = Path(f"/proc/{state['State']['Pid']}/cmdline").read_bytes().decode().split("\0")[:-1]
    assert argv == ["/pause", *WORDS]
    wrapper(command, suite, "kill", container)
    wrapper(command, suite, "rm", "-f", container)


@pytest.mark.parametrize("builder", ["0", "1"])
@pytest.mark.parametrize("suite", lab.SUITES)
def test_docker_builds_with_either_builder(
    suite: str, builder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.up([suite])
    monkeypatch.setenv("DOCKER_BUILDKIT", builder)
    wrapper("docker", suite, "build", "-t", f"built{builder}", context(suite))
    (image,) = json.loads(wrapper("docker", suite, "image", "inspect", f"built{builder}"))
    assert image["Config"]["Entrypoint"] == ["/pause"]


@pytest.mark.parametrize("suite", lab.SUITES)
def test_buildah_builds(suite: str) -> None:
    lab.up([suite])
    folder = context(suite)
    wrapper("buildah", suite, "bud", "--isolation", "chroot", "-t", "localhost/b", folder)
    image = json.loads(wrapper("buildah", suite, "inspect", "--type", "image", "localhost/b"))
    assert image["OCIv1"]["config"]["Entrypoint"] == ["/pause"]


def test_a_suite_has_no_network_but_a_loopback() -> None:
    lab.up(["sid"])
    routes = wrapper("in", "sid", "lab-command", "cat", "/proc/net/dev")
    assert [line.split(":")[0].strip() for line in routes.splitlines()[2:]] == ["lo"]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_killed_daemon_is_up_again_after_ensure(daemon: str) -> None:
    key = f"{daemon}-sid-classic".removesuffix("-classic" if daemon == "podman" else "")
    lab.up(["sid"])
    wrapper(daemon, "sid", "build", "-t", "localhost/kept", context("sid"))
    wrapper(daemon, "sid", "run", "-d", *ISOLATION, "localhost/kept")
    kill_daemon("sid", daemon)
    for _ in range(100):
        if not lab.alive(key):
            break
        time.sleep(0.05)
    assert main(["status"]) == 3
    assert lab.ensure(key).key == key
    assert lab.alive(key)
    assert main(["status"]) == 0
    assert "kept" in wrapper(daemon, "sid", "images")


def test_the_panic_of_an_old_docker_is_repaired() -> None:
    engine = lab.ensure("docker-bookworm-buildkit")
    folder = Places.here().work("bookworm") / "panic"
    folder.mkdir()
    (folder / "Dockerfile").write_text("ARG a=b\n")
    path = Places.here().wrapper("docker", "bookworm")
    environment = os.environ | {"DOCKER_BUILDKIT": "1"}
    subprocess.run(
        [path, "build", folder], env=environment, capture_output=True, check=False, timeout=60
    )
    assert not lab.alive(engine.id)
    assert lab.ensure(engine.id) == engine
    assert lab.alive(engine.id)


def test_a_killed_holder_is_repaired_with_all_it_held() -> None:
    lab.up(["sid"])
    holder = Suite(Places.here(), "sid").holder()
    assert holder is not None
    os.kill(holder[0], signal.SIGKILL)
    while Suite(Places.here(), "sid").holder():
        time.sleep(0.02)
    done = subprocess.run(
        [Places.here().wrapper("docker", "sid"), "info"], capture_output=True, check=False
    )
    assert done.returncode == 125
    lab.up(["sid"])
    assert lab.alive("podman-sid")


def test_down_ends_containers_too_and_leaves_nothing() -> None:
    lab.up(["sid", "bullseye"])
    for suite in ("sid", "bullseye"):
        for command in ("docker", "podman"):
            wrapper(command, suite, "build", "-t", "localhost/pause", context(suite))
            wrapper(command, suite, "run", "-d", *ISOLATION, "localhost/pause")
        kill_daemon(suite, "docker")
    lab.down()
    assert_nothing_left()
    lab.down()


@pytest.mark.parametrize("seconds", [0.2, 0.3, 0.4, 0.6, 0.9, 1.3])
def test_an_up_that_was_killed_is_taken_down_or_finished(seconds: float) -> None:
    for repair in (lab.down, lab.up):
        process = start_up("sid", "trixie")
        time.sleep(seconds)
        process.kill()
        process.wait()
        repair(["sid", "trixie"])
        if repair is lab.down:
            assert_nothing_left()
        else:
            assert lab.alive("docker-sid-classic")
            lab.down()


def test_two_at_once_do_not_collide() -> None:
    lab.down()
    both = [start_up("sid"), start_up("sid", "trixie"), start_up("trixie")]
    assert [process.wait() for process in both] == [0, 0, 0]
    assert lab.alive("podman-trixie")


def test_an_engine_that_does_not_start_is_named_with_its_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(places: Places, suite: str, name: str) -> list[str]:
        more = ["--storage-driver=nonesuch"] if name == "docker" else []
        return daemon_command(places, suite, name) + more

    lab.down(["sid"])
    monkeypatch.setattr("conformance.lab.suite.daemon_command", broken)
    assert main(["up", "sid"]) == 3
    error = capsys.readouterr().err
    assert "sid: docker ended at its start" in error
    assert "nonesuch" in error.splitlines()[-1]
    assert lab.alive("podman-sid")
    assert not lab.alive("docker-sid-classic")
    monkeypatch.undo()
    assert main(["up", "sid"]) == 0
