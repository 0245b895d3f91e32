"""What of the lab can be tried without an engine, root or network."""

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest

from conformance import lab
from conformance.lab import cgroups, machine
from conformance.lab.catalogue import (
    QUICK,
    SUITES,
    engine,
    packages,
    plain_version,
    suites_of,
    table,
)
from conformance.lab.errors import LabError
from conformance.lab.fetch import apt_conf, source_stanza, stamp
from conformance.lab.places import Places, start_time, write_atomically
from conformance.lab.settings import DAEMONS, daemon_command, files
from conformance.lab.sources import Source
from conformance.lab.suite import Suite, ask
from conformance.lab.wrappers import command_script, suite_script

HERE = Places(Path("/cache"), Path("/data"))


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setenv("ENTRYSEM_LAB", str(tmp_path / "cache"))
    monkeypatch.setenv("ENTRYSEM_LAB_DATA", str(tmp_path / "data"))
    return Places.here()


# --- ids and texts


def test_an_id_has_the_reported_version_and_before_that_the_suite() -> None:
    unknown = engine(HERE, "docker", "sid", "classic")
    known = engine(HERE, "docker", "sid", "classic", "28.5.2")
    assert (unknown.id, known.id) == ("docker-sid-classic", "docker-28.5.2-classic")
    assert unknown.key == known.key == "docker-sid-classic"


@pytest.mark.parametrize(
    ("kind", "builder", "text"),
    [
        (
            "docker",
            "buildkit",
            (
                "docker:host=unix:///data/sid/docker.sock,builder=buildkit,cli=/data/bin/docker-sid,"
                "workspace=/data/sid/work"
            ),
        ),
        ("podman", "", ("podman:cli=/data/bin/podman-sid,workspace=/data/sid/work")),
        ("buildah", "oci", "buildah:format=oci,cli=/data/bin/buildah-sid,workspace=/data/sid/work"),
    ],
)
def test_an_engine_is_named_as_verify_takes_it(kind: str, builder: str, text: str) -> None:
    assert engine(HERE, kind, "sid", builder).text == text


def test_there_are_twenty_engines_with_different_ids_and_keys() -> None:
    engines = table(HERE, {"sid": {"docker": "28.5.2"}})
    assert len({one.id for one in engines}) == len({one.key for one in engines}) == 20


def test_a_suite_a_key_and_an_id_name_suites() -> None:
    engines = table(HERE, {"trixie": {"podman": "5.4.2"}})
    assert suites_of([], engines) == SUITES
    assert suites_of(["podman-5.4.2", "sid"], engines) == ("trixie", "sid")
    assert suites_of(["podman-trixie"], engines) == ("trixie",)
    with pytest.raises(LabError, match="podman-9"):
        suites_of(["podman-9"], engines)


def test_the_quick_matrix_is_of_known_engines_and_needs_two_suites() -> None:
    engines = table(HERE, {})
    assert suites_of(QUICK, engines) == ("trixie", "sid")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("20.10.24+dfsg1", "20.10.24"),
        ("buildah version 1.43.2 (image-spec 1.1.1)", "1.43.2"),
        ("28.5.2", "28.5.2"),
        ("unknown", ""),
    ],
)
def test_of_a_version_the_numbers_count(text: str, version: str) -> None:
    assert plain_version(text) == version


# --- trees


def test_a_stamp_changes_with_the_package_list(monkeypatch: pytest.MonkeyPatch) -> None:
    before = stamp("sid", "amd64")
    assert before["packages"] == sorted(packages("sid"))
    assert stamp("sid", "arm64") != before
    monkeypatch.setattr("conformance.lab.fetch.packages", lambda _: ("other",))
    assert stamp("sid", "amd64") != before
    assert json.loads(json.dumps(before)) == before


def test_the_source_has_the_machines_mirror_and_keys_of_every_release() -> None:
    source = Source("http://m.test/debian", ("trixie",), ("main",), {"Signed-By": "/keys/a.gpg"})
    stanza = source_stanza(source, "sid", "amd64", (Path("/keys/all.pgp"),))
    assert "URIs: http://m.test/debian\nSuites: sid\n" in stanza
    assert "Signed-By: /keys/a.gpg /keys/all.pgp\n" in stanza
    assert "Trusted" not in stanza


def test_apt_keeps_within_the_folder_and_runs_no_hook() -> None:
    text = apt_conf(Path("/w"), "amd64")
    assert "#clear APT::Update::Post-Invoke;" in text
    paths = [line.split('"')[1] for line in text.splitlines() if line.startswith("Dir::")]
    assert all(path.startswith("/w/") or path == "/dev/null" for path in paths)


# --- places


def test_each_cache_has_a_lab_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTRYSEM_LAB_DATA", raising=False)
    names = set()
    for name in ("a", "b"):
        monkeypatch.setenv("ENTRYSEM_LAB", str(tmp_path / name))
        names.add(Places.here().name)
    assert len(names) == 2
    assert all(name.startswith("entrysem-conformance-") for name in names)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_broken_state_is_none(places: Places, content: bytes) -> None:
    places.suite("sid").mkdir(parents=True)
    (places.suite("sid") / "state.json").write_bytes(content)
    assert places.read_state("sid") == {}


def test_the_lock_keeps_others_out(places: Places) -> None:
    with places.lock():
        other = os.open(places.cache / "lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "one")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "a", "\ud800")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["one"]


def test_a_process_is_known_by_its_start_until_it_ends() -> None:
    child = subprocess.Popen(["sleep", "60"])
    start = start_time(child.pid)
    assert start is not None
    assert start.isdecimal()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(child.pid) is None, "a zombie"
    child.wait()
    assert start_time(child.pid) is None


# --- control groups

HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
35 31 0:31 / /mnt/again rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/a,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
"""


def test_hierarchies_are_read_from_the_mounts() -> None:
    found = cgroups.read_mounts(HYBRID)
    assert [(str(one.mount), one.options, one.version) for one in found] == [
        ("/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct", 1),
        ("/sys/fs/cgroup/memory", "memory", 1),
        ("/sys/fs/cgroup/systemd", "none,name=systemd", 1),
        ("/sys/fs/cgroup/unified", "", 2),
    ]
    (only,) = cgroups.read_mounts("30 23 0:26 / /sys/fs/cg\\040x rw - cgroup2 cgroup2 rw\n")
    assert (str(only.mount), only.version) == ("/sys/fs/cg x", 2)


def test_without_control_groups_the_lab_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "hierarchies", lambda: ())
    with pytest.raises(LabError, match="no control groups"):
        cgroups.make("a/b")


def test_controllers_are_handed_on_and_groups_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids hugetlb\n")
    (tmp_path / "cgroup.subtree_control").write_text("memory\n")
    monkeypatch.setattr(cgroups, "hierarchies", lambda: (cgroups.Hierarchy(tmp_path),))
    cgroups.make("lab/sid", ["lab-holder"])
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+pids"
    assert (tmp_path / "lab/sid/lab-holder").is_dir()
    inner = tmp_path / "lab/sid"
    (inner / "cgroup.controllers").write_text("memory\n")
    (inner / "cgroup.subtree_control").write_text("\n")
    cgroups.hand_on("lab/sid")
    assert (inner / "cgroup.subtree_control").read_text() == "+memory"


def test_a_cpuset_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hierarchy = cgroups.Hierarchy(tmp_path, "cpuset")
    monkeypatch.setattr(cgroups, "hierarchies", lambda: (hierarchy,))
    for name, value in (("cpus", "0-1"), ("mems", "0")):
        (tmp_path / f"cpuset.{name}").write_text(value)
        (tmp_path / "lab").mkdir(exist_ok=True)
        (tmp_path / "lab" / f"cpuset.{name}").write_text("\n")
    cgroups.make("lab")
    assert (tmp_path / "lab" / "cpuset.cpus").read_text() == "0-1"


# --- scripts


def run_script(
    tmp_path: Path, script: str, *arguments: str | bytes, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs a suite's script with an `nsenter` that only shows what it was given."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    nsenter = tmp_path / "bin" / "nsenter"
    nsenter.write_text(
        '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n', encoding="utf-8"
    )
    nsenter.chmod(0o755)
    path = tmp_path / "in"
    path.write_text(script)
    path.chmod(0o755)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"} | variables
    return subprocess.run(
        [path, *arguments], capture_output=True, env=environment, cwd=tmp_path, check=False
    )


def script_for(tmp_path: Path, start: str | None = None) -> str:
    (tmp_path / "group with space" / "lab-command").mkdir(parents=True, exist_ok=True)
    return suite_script(
        "sid",
        holder=(os.getpid(), start or start_time(os.getpid()) or ""),
        groups=[tmp_path / "group with space"],
        work=tmp_path,
        environment={"PATH": "/usr/bin:/bin", "DOCKER_HOST": "unix:///s ock"},
    )


def test_arguments_go_through_byte_for_byte(tmp_path: Path) -> None:
    words = [b"a\xff", b"", b"$HOME `x` \"q\" 'r' \\", b"two\nlines", b"-x", b"--", b"A=b", b"*"]
    show = "import sys,os; print([os.fsencode(a) for a in sys.argv[1:]])"
    done = run_script(tmp_path, script_for(tmp_path), "lab-command", "python3", "-c", show, *words)
    assert done.stdout.decode().strip() == str(words), done.stderr


def test_the_environment_is_the_suites_and_what_is_kept(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        script_for(tmp_path),
        "lab-command",
        "env",
        DOCKER_BUILDKIT="0",
        DOCKER_HOST="tcp://elsewhere",
        DOCKER_CONTEXT="elsewhere",
        HOME="/home/x",
    )
    assert sorted(done.stdout.decode().splitlines()) == [
        "CONTAINERS_STORAGE_CONF=/etc/containers/storage.conf",
        "DOCKER_BUILDKIT=0",
        "DOCKER_HOST=unix:///s ock",
        "PATH=/usr/bin:/bin",
    ]


def test_the_exit_code_and_the_group_and_the_folder_are_kept(tmp_path: Path) -> None:
    done = run_script(tmp_path, script_for(tmp_path), "lab-command", "sh", "-c", "pwd; exit 77")
    assert (done.returncode, done.stdout.decode().strip()) == (77, str(tmp_path))
    entered = tmp_path / "group with space" / "lab-command" / "cgroup.procs"
    assert entered.read_text() == "0\n"


def test_another_process_with_the_holders_id_is_not_entered(tmp_path: Path) -> None:
    done = run_script(tmp_path, script_for(tmp_path, start="424242424242"), "lab-command", "true")
    assert done.returncode == 125
    assert b"conformance.lab up sid" in done.stderr


def test_a_command_runs_in_the_commands_group() -> None:
    assert command_script("docker", Path("/d ata/bin/in-sid")) == (
        "#!/bin/sh\nexec '/d ata/bin/in-sid' lab-command docker \"$@\"\n"
    )


# --- the rest


def test_no_two_groups_of_a_suite_meet() -> None:
    groups = [group for daemon in DAEMONS.values() for group in daemon.groups]
    assert len({*groups, "lab-command", "lab-holder"}) == len(groups) + 2


def test_daemons_keep_their_data_in_the_suite() -> None:
    command = daemon_command(HERE, "sid", "docker")
    assert "--data-root=/data/sid/docker" in command
    assert daemon_command(HERE, "sid", "podman")[-1] == "unix:///data/sid/podman.sock"
    assert "/data/sid/buildah" in files(HERE, "sid")["etc/containers/storage-buildah.conf"]


def test_who_does_not_answer_answers_none(tmp_path: Path) -> None:
    assert ask(tmp_path / "none.sock", "/_ping") is None


def test_a_missing_tool_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine.missing_tools(str(tmp_path)) == machine.TOOLS
    monkeypatch.setattr(machine, "missing_tools", lambda: {"nsenter": "util-linux"})
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(LabError, match="apt-get install util-linux"):
        machine.check()


def test_without_root_the_lab_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="root"):
        machine.check()


def test_nothing_is_alive_before_up(places: Places) -> None:
    assert Suite(places, "sid").holder() is None
    assert not lab.alive("docker-sid-classic")
    assert lab.quick() == QUICK
    with pytest.raises(LabError, match="no engine"):
        lab.engine("docker-1")
