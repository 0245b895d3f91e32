"""What the Docker harness decides without an engine."""

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from entrysem.verify import probe
from entrysem.verify.engines.docker import _before, _builder_profile, _stageless
from entrysem.verify.engines.docker_build import Image, Images, NotBuilt, _judged, base_mark
from entrysem.verify.engines.docker_cli import Cli, Typed, translated
from entrysem.verify.engines.docker_gate import Gate, mentions
from entrysem.verify.engines.docker_runs import _frames, _place, _seen
from entrysem.verify.engines.process import Commands
from entrysem.verify.protocol import HarnessError, Job, Run


def job(text: str, **bases: Any) -> Job:
    return Job("1", text.encode(), bases=bases)


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("dockerfile parse error line 2: unknown instruction: FOO", "rejected"),
        ('target stage "b" could not be found', "rejected"),
        ("failed to reach build target b in Dockerfile", "rejected"),
        ("'scratch' is a reserved name", "rejected"),
        ("COPY failed: no source files were specified", "rejected"),
        ('failed to compute cache key: "/x": not found', "rejected"),
        ("No image was generated. Is your Dockerfile empty?", "rejected"),
        (
            "pull access denied for nope, repository does not exist or may require 'docker login'",
            "missing-image",
        ),
        (
            "0: failed to resolve source metadata for docker.io/library/0:latest: failed to do request",
            "missing-image",
        ),
        ("failed to create LLB definition: docker.io/library/a:b: not found", "missing-image"),
        ("manifest for a:b not found: manifest unknown", "missing-image"),
        (
            'Get "https://r/v2/": dial tcp: lookup r on [::1]:53: connection refused',
            "missing-image",
        ),
    ],
)
def test_what_a_builds_error_means(message: str, outcome: str) -> None:
    judged = _judged(message)
    assert isinstance(judged, NotBuilt)
    assert judged.outcome == outcome
    assert judged.message == message


@pytest.mark.parametrize(
    "message",
    [
        "write /x: no space left on device",
        "rpc error: code = Unavailable desc = transport is closing",
    ],
)
def test_an_engine_in_trouble_is_no_verdict_on_the_dockerfile(message: str) -> None:
    assert isinstance(_judged(message), HarnessError)


def test_what_a_classic_build_leaves_is_read_off_its_output() -> None:
    images = Images(
        None,  # type: ignore[arg-type]  # nothing is asked
        session="s",
        builder="classic",
        platform="linux/amd64",
        folder=None,
        timeout=1,
    )
    lines = (
        "Step 1/5 : FROM busybox AS a",
        " ---> aaaaaaaaaaaa\n",  # the user's
        "Step 2/5 : CMD x",
        " ---> Running in cccccccccccc\n",
        " ---> bbbbbbbbbbbb\n",
        "Step 3/5 : FROM scratch",
        " ---> \n",
        "Step 4/5 : CMD y",
        " ---> dddddddddddd\n",
    )
    messages = [{"stream": line} for line in lines]
    image = Image("t")
    assert images._follow(image, [*messages, {"aux": {"ID": "sha256:dddddddddddd00"}}]) is None
    assert (image.id, image.others) == ("sha256:dddddddddddd00", ["bbbbbbbbbbbb"])
    image = Image("t")
    assert images._follow(image, [*messages, {"errorDetail": {"message": "no"}}]) == "no"
    assert (image.id, image.others) == ("", ["bbbbbbbbbbbb", "dddddddddddd"])


def test_a_bases_mark_is_one_for_a_name_and_its_latest() -> None:
    assert base_mark("a") == base_mark("a:latest") != base_mark("a:b")
    assert base_mark("r:5000/a") == base_mark("r:5000/a:latest")


@pytest.mark.parametrize(
    ("program", "config", "place"),
    [
        ("e", {}, "/usr/local/sbin/e"),
        ("e", {"Env": ["A=b", "PATH=rel:/p:/q"]}, "/p/e"),
        ("e", {"Env": ["PATH="]}, "/usr/local/sbin/e"),
        ("/bin/sh", {"WorkingDir": "/w"}, "/bin/sh"),
        ("./e", {"WorkingDir": "/w"}, "/w/e"),
        ("b/../e f", {}, "/e f"),
        ("//e", {}, "/e"),
        ("", {}, None),
        ("/", {}, None),
        ("..", {}, None),
        ("a/", {}, None),
        ("/proc/x", {}, None),
        ("/dev", {}, None),
        ("x" * 256, {}, None),
        ("a\0", {}, None),
    ],
)
def test_where_the_engine_looks_for_a_program(
    program: str, config: dict[str, Any], place: str | None
) -> None:
    assert _place(program, config) == place


def test_the_frames_of_a_stream() -> None:
    def frame(kind: int, data: bytes) -> bytes:
        return bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data

    stream = frame(1, b"ab") + frame(2, b"error") + frame(1, b"c") + frame(1, b"")
    assert _frames(stream) == b"abc"
    assert _frames(stream[:-9]) == b"ab"
    assert _frames(b"") == b""


def test_the_argv_of_an_init_is_that_of_process_1() -> None:
    report = probe.Report(("e", "c"), 7, ("/sbin/docker-init", "--", "e", "c"))
    seen = _seen(report, Run(init=True), ("e", "c"))
    assert seen.argv == ("/sbin/docker-init", "--", "e", "c")
    assert (seen.pid, seen.created) == (7, ("e", "c"))
    assert _seen(report, Run(), ("e", "c")).argv == ("e", "c")
    strange = probe.Report(("e",), 7, ("/init", "--", "f"))
    assert _seen(strange, Run(init=True), ("e",)).argv == ("e",)


def test_versions_and_profiles() -> None:
    assert _before("26.1.5", (27, 1))
    assert not _before("27.1", (27, 1))
    assert not _before("", (27, 1))
    assert _builder_profile("classic", "28.5.2") == "classic@28.5.2"
    assert _builder_profile("buildkit", "28.5.2") == "buildkit@0.25"
    assert _builder_profile("buildkit", "20.10.24") == "buildkit@0.8"
    assert _builder_profile("buildkit", "") is None


def test_a_dockerfile_without_a_stage_is_known() -> None:
    assert _stageless(job("ARG a=b\n"))
    assert not _stageless(job("FROM scratch\n"))
    assert not _stageless(job("FR\\\nOM scratch\n"))
    assert not _stageless(job("CMD a\n"))
    assert not _stageless(job(""))
    assert not _stageless(Job("1", config={}))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("FROM b\n", True),
        ("FROM B AS x\n", True),
        ("FROM b:latest\n", True),
        ("FROM docker.io/library/b\n", True),
        ("FROM scratch\nCOPY --from=b / /\n", True),
        ("ARG A\nFROM ${A}\n", True),
        ("FROM scratch\nCMD $x\n", False),
        ("FROM bb\n", False),
        ("FROM b/c\n", False),
        ("FROM a.b\n", False),
    ],
)
def test_whether_a_dockerfile_may_ask_for_an_image(text: str, named: bool) -> None:
    assert mentions(job(text), "b") is named


class Table:
    """Takes down what a gate makes and drops, and which jobs are inside."""

    def __init__(self) -> None:
        self.there: dict[str, object] = {}
        self.made: list[str] = []
        self.gate = Gate(self.make, self.drop)

    def make(self, name: str, base: object) -> str:
        assert name not in self.there
        self.there[name] = base
        self.made.append(name)
        return name

    def drop(self, name: str) -> None:
        del self.there[name]

    def enter(self, work: Job, *, alone: bool = False) -> tuple[threading.Thread, Any, Any]:
        inside, leave = threading.Event(), threading.Event()

        def run() -> None:
            with self.gate.admitted(work, alone=alone):
                inside.set()
                leave.wait(10)

        thread = threading.Thread(target=run)
        thread.start()
        return thread, inside, leave


def both_inside(first: Job, second: Job, *, alone: bool = False) -> bool:
    table = Table()
    one, _, leave_one = entered = table.enter(first)
    assert entered[1].wait(10)
    two, inside_two, leave_two = table.enter(second, alone=alone)
    together: bool = inside_two.wait(0.15)
    leave_one.set()
    assert inside_two.wait(10)
    leave_two.set()
    one.join()
    two.join()
    table.gate.clear()
    assert table.there == {}
    return together


def test_jobs_that_disturb_nobody_are_together() -> None:
    assert both_inside(job("FROM scratch\n"), job("FROM scratch\n"))
    assert both_inside(job("FROM b\n", b=b"1"), job("FROM b\nCMD x\n", b=b"1"))
    assert both_inside(job("FROM b\n", b=b"1"), job("FROM scratch\n"))
    assert both_inside(job("FROM b\n", b={"Cmd": ["x"]}), job("FROM b\n", b={"Cmd": ["x"]}))


def test_jobs_that_would_disturb_each_other_are_apart() -> None:
    assert not both_inside(job("FROM b\n", b=b"1"), job("FROM b\n", b=b"2"))
    assert not both_inside(job("FROM b\n", b=b"1"), job("FROM b\n"))
    assert not both_inside(job("FROM b\n"), job("FROM b\n", b=b"1"))
    assert not both_inside(job("FROM scratch\n"), job("FROM scratch\n"), alone=True)


def test_a_base_stays_for_the_next_job_and_goes_before_one_that_it_disturbs() -> None:
    table = Table()
    for work, there in (
        (job("FROM b\n", b=b"1"), {"b": b"1"}),
        (job("FROM b\nCMD x\n", b=b"1"), {"b": b"1"}),
        (job("FROM scratch\n"), {"b": b"1"}),
        (job("FROM b\n", b=b"2"), {"b": b"2"}),
        (job("FROM b\n"), {}),
        (job("FROM scratch\n", b=b"3"), {}),  # brought, and not asked for
    ):
        with table.gate.admitted(work, alone=False):
            assert table.there == there
    assert table.made == ["b", "b"]
    with table.gate.admitted(job("FROM b\n", b=b"1"), alone=False):
        pass
    with table.gate.admitted(job("FROM scratch\n"), alone=True):
        assert table.there == {}


def test_a_base_that_cannot_be_made_is_told_and_forgotten() -> None:
    calls: list[str] = []

    def make(name: str, _: object) -> None:
        calls.append(name)
        raise NotBuilt("skipped", "no")

    gate = Gate(make, calls.append)
    for _ in range(2):
        with pytest.raises(NotBuilt), gate.admitted(job("FROM b\n", b=b"1"), alone=False):
            pass
    assert calls == ["b", "b"]


#: A docker command that sends what it is told by its first word.
_COMMAND = """
import http.client, json, socket, sys
way, *words = sys.argv[1:]
if words == ["--version"]:
    print("Docker version 99.1.2, build x")
    raise SystemExit
address = words[1].removeprefix("unix://")
init = "--init" in words[:4]
words = words[4 if init else 3:]
entrypoint = None
if words[0] == "--entrypoint":
    entrypoint, words = words[1], words[2:]
args = words[1:]
body = {"Cmd": args or None, "Entrypoint": None if entrypoint is None else [entrypoint],
        "HostConfig": {"Init": True if init else None}}
if way == "splits" and entrypoint:
    body["Entrypoint"] = entrypoint.split()
if way == "fails":
    sys.exit("unknown command: docker create")
data = json.dumps(body).encode()
engine = http.client.HTTPConnection("engine")
engine.sock = socket.socket(socket.AF_UNIX)
engine.sock.connect(address)
engine.request("POST", "/v1.44/containers/create", data)
assert engine.getresponse().status == 201
print("0" * 64)
"""


def cli(tmp_path: Path, way: str, **more: Any) -> Cli:
    (tmp_path / "docker.py").write_text(_COMMAND)
    return Cli(
        [sys.executable, "-S", str(tmp_path / "docker.py"), way],
        engine=["-H", "unix:///nowhere"],
        commands=Commands(timeout=20),
        folder=tmp_path / "session",
        api_version="1.44",
        **{"always": False, **more},
    )


def test_a_command_that_does_as_expected_is_run_no_more(tmp_path: Path) -> None:
    command = cli(tmp_path, "right")
    assert command.available
    assert command.version() == "99.1.2"
    assert command.translates(Run(entrypoint="e"))
    (tmp_path / "docker.py").unlink()
    assert command.translates(Run(entrypoint="f", args=("x",)))


def test_a_command_that_does_otherwise_is_run_each_time(tmp_path: Path) -> None:
    command = cli(tmp_path, "splits")
    assert not command.translates(Run(entrypoint="e"))
    assert "'e f'" in command.reason


def test_a_command_that_does_not_work_is_no_deviation(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="unknown command"):
        cli(tmp_path, "fails").translates(Run(entrypoint="e"))


def test_always_and_bytes_go_through_the_command(tmp_path: Path) -> None:
    assert not cli(tmp_path, "fails", always=True).translates(Run(entrypoint="e"))
    assert not cli(tmp_path, "fails").translates(Run(entrypoint="\udcff"))


def test_no_such_command(tmp_path: Path) -> None:
    missing = Cli(
        ["/no/such/docker"],
        engine=[],
        commands=Commands(timeout=5),
        folder=tmp_path,
        api_version="1.44",
        always=False,
    )
    assert not missing.available
    assert missing.version() == ""


def test_the_commands_own_words(tmp_path: Path) -> None:
    script = tmp_path / "docker"
    script.write_text("#!/bin/sh\nprintf '%b' \"$MESSAGE\" >&2; exit 125\n")
    script.chmod(0o755)

    def create(message: str) -> None:
        Cli(
            ["env", f"MESSAGE={message}", str(script)],
            engine=[],
            commands=Commands(timeout=5),
            folder=tmp_path,
            api_version="1.44",
            always=True,
        ).create("image", [], Run(entrypoint="e"))

    with pytest.raises(Typed) as caught:
        create("Error response from daemon: no command specified\nSee 'docker create --help'.\n")
    assert caught.value.message == "no command specified"
    assert not caught.value.skipped
    with pytest.raises(HarnessError, match="does not reach the engine"):
        create("Cannot connect to the Docker daemon at unix:///x.\n")


def test_what_is_typed_as_the_request_has_it() -> None:
    assert translated(Run()) == (None, None)
    assert translated(Run(entrypoint="", args=())) == ([""], None)
    assert translated(Run(entrypoint="a b", args=("x",))) == (["a b"], ["x"])
