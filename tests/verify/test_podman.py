"""Our own handling of podman's ways; what podman really does is in `conformance`.

The fake podman serves a container with fixed words at its socket, and can be told to misbehave.
"""

import io
import json
import socketserver
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.verify import session
from entrysem.verify.engines.libpod import Libpod, decoded
from entrysem.verify.engines.podman import Podman
from entrysem.verify.engines.podman_store import place_of
from entrysem.verify.protocol import HarnessError, Job, Level, Run

INFO: dict[str, Any] = {
    "host": {
        "arch": "amd64",
        "os": "linux",
        "buildahVersion": "1.39.3",
        "cgroupControllers": ["memory", "pids"],
        "cgroupVersion": "v2",
        "distribution": {"distribution": "debian", "version": "13"},
        "ociRuntime": {"name": "crun", "version": "crun version 1.21\ncommit: x"},
        "security": {"rootless": True},
        "serviceIsRemote": False,
    },
    "version": {"Version": "5.4.2"},
}

FAKE = """#!{python}
import sys
words = sys.argv[1:]
with open({calls!r}, "a") as calls:
    calls.write(repr(words) + "\\n")
if "info" in words:
    if {fails!r}:
        sys.exit("Error: " + {fails!r})
    print({info!r})
elif "service" in words:
    sys.exit("Error: no service today")
elif "bud" in words or "build" in words:
    print("0" * 64)
elif "create" in words:
    problem = {create!r}
    if problem:
        sys.exit(problem)
    print("c1")
elif "--version" in words:
    print("podman version 5.4.2")
elif "start" in words:
    sys.exit("Error: OCI runtime error: no such thing")
"""


@pytest.fixture
def podman(tmp_path: Path) -> Iterator[Callable[..., Podman]]:
    """Makes a fake podman; its engine uses `tmp_path/work`."""
    (tmp_path / "work").mkdir()
    engines = []

    def make(*, info: Any = None, fails: Any = "", create: str = "", host: Any = "") -> Podman:
        path = tmp_path / "podman"
        printed = json.dumps(INFO if info is None else info) if not isinstance(info, str) else info
        text = FAKE.format(
            python=sys.executable,
            calls=str(tmp_path / "calls"),
            info=printed,
            fails=fails,
            create=create,
        )
        path.write_text(text)
        path.chmod(0o755)
        engine = Podman(
            session=session.new(),
            timeout=20,
            cli=str(path),
            host=host,
            workspace=str(tmp_path / "work"),
        )
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()
    assert list((tmp_path / "work").iterdir()) == []


def changed(**host: Any) -> dict[str, Any]:
    return {**INFO, "host": {**INFO["host"], **host}}


def test_who_it_is(podman: Callable[..., Podman]) -> None:
    found = podman().start()
    assert (found.name, found.version) == ("podman", "5.4.2")
    assert (found.builder, found.runtime) == ("buildah-docker@1.39.3", "podman@5.4.2")
    assert found.platform == "linux/amd64"
    assert found.details == {
        "buildah": "1.39.3",
        "runtime": "crun version 1.21",
        "rootless": "yes",
        "cgroups": "v2",
        "distribution": "debian 13",
    }


def test_the_buildah_inside_when_podman_does_not_say(podman: Callable[..., Podman]) -> None:
    assert podman(info=changed(buildahVersion="")).start().builder == "buildah-docker@1.39"


def test_limits_that_were_not_delegated(podman: Callable[..., Podman]) -> None:
    details = podman(info=changed(cgroupControllers=["cpu"])).start().details
    assert details["limits"].startswith("no memory and process limits")
    details = (
        podman(info=changed(cgroupControllers=[], security={"rootless": False})).start().details
    )
    assert "limits" not in details


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"fails": "cannot open store"}, "does not work here: Error: cannot open store"),
        (
            {"fails": "the specified runroot is longer than 50 characters"},
            "Name a shorter folder with workspace=DIR",
        ),
        (
            {"info": changed(serviceIsRemote=True)},
            "Name the service's socket: --engine podman:host=",
        ),
        ({"info": "no json"}, "no JSON"),
    ],
)
def test_it_does_not_work(
    podman: Callable[..., Podman], arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(HarnessError, match=problem):
        podman(**arguments).start()


def test_a_host_that_is_no_unix_socket() -> None:
    with pytest.raises(InputError, match="cannot be reached at 'ssh://me@there'"):
        Podman(session="s", host="ssh://me@there")


def test_a_service_that_does_not_start(podman: Callable[..., Podman]) -> None:
    engine = podman()
    engine.start()
    with pytest.raises(HarnessError, match="does not start: Error: no service today"):
        engine.observe(Job("1", dockerfile=b"FROM scratch\n", level="CONFIG"))


def test_the_sweep_removes_what_the_dead_have_left(
    podman: Callable[..., Podman], tmp_path: Path
) -> None:
    code = "from entrysem.verify import session; print(session.new())"
    dead = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    left = tmp_path / "work" / "es-dead"
    for number in ("0", "1"):
        (left / number / "root" / "vfs-containers" / "c").mkdir(parents=True)
    (left / "session").write_text(dead)
    # The service's process has ended, and its number belongs to somebody else.
    (left / "0" / "service.pid").write_text("1")
    engine = podman()
    engine.start()
    assert engine.sweep() == 2
    assert not left.exists()
    assert (tmp_path / "calls").read_text().count("'rm', '--all', '--force'") == 2


# The user's own service.


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Service:
    """Answers by (method, path below /libpod); what it does not know is not found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {
            ("GET", "/_ping"): (200, b"OK"),
            ("GET", "/info"): (200, INFO),
        }
        self.asked: list[tuple[str, str, bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                path = self.path.removeprefix("/v3.0.0/libpod")
                service.asked.append((self.command, path, body))
                key = (self.command, path.partition("?")[0])
                status, answer = service.answers.get(key, (404, {"message": "no such thing"}))
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if data:
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # names of the library

            def log_message(self, *args: Any) -> None:
                pass

            def address_string(self) -> str:
                return "unix"

        self.server = Server(str(path), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path / "s")
    yield made
    made.close()


IMAGE = "0" * 64


@pytest.fixture
def remote(podman: Callable[..., Podman], service: Service) -> Callable[..., Podman]:
    """An engine on a service that has the image which the fake podman builds."""
    config = json.dumps({"config": {"Cmd": ["c"]}, "rootfs": {}}).encode()
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        manifest = json.dumps([{"Config": "c.json", "RepoTags": None}]).encode()
        for name, data in (("c.json", config), ("manifest.json", manifest)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    answers: dict[tuple[str, str], tuple[int, Any]] = {
        ("GET", f"/images/{IMAGE}/get"): (200, output.getvalue()),
        ("DELETE", f"/images/{IMAGE}"): (200, []),
        ("DELETE", "/containers/c1"): (204, b""),
        ("GET", "/containers/json"): (200, []),
        ("GET", "/images/json"): (200, None),
    }
    service.answers |= answers

    def make(**more: Any) -> Podman:
        return podman(host=f"unix://{service.path}", **more)

    return make


def job(*runs: Run, level: Level = "CREATE") -> Job:
    return Job("1", dockerfile=b"FROM scratch\n", level=level, runs=runs)


def test_a_service_is_used_as_it_is(
    remote: Callable[..., Podman], service: Service, tmp_path: Path
) -> None:
    service.answers["GET", "/containers/c1/json"] = (200, {"Path": "c", "Args": ["x", "y"]})
    engine = remote()
    assert engine.start().details["client"] == "podman version 5.4.2"
    seen = engine.observe(job(Run(args=("--x", "\udcff"))))
    assert seen.config == {"Cmd": ["c"]}
    assert seen.runs[0].argv == ("c", "x", "y")
    calls = (tmp_path / "calls").read_text()
    assert f"'--remote', '--url', 'unix://{service.path}', 'create'" in calls
    assert f"'{IMAGE}', '--x', '\\udcff']" in calls
    assert ("DELETE", "/containers/c1?force=true&v=true", b"") in service.asked


def test_one_word_cannot_be_told_from_the_same_twice(
    remote: Callable[..., Podman], service: Service
) -> None:
    service.answers["GET", "/containers/c1/json"] = (200, {"Path": "c", "Args": ["c"]})
    engine = remote()
    engine.start()
    (seen,) = engine.observe(job(Run())).runs
    assert seen.argv is None
    assert seen.skipped
    assert "cannot be read from here" in seen.skipped


def test_one_word_by_the_file_for_the_runtime(
    remote: Callable[..., Podman], service: Service, tmp_path: Path
) -> None:
    inspected = {"Path": "c", "Args": ["c"], "StaticDir": str(tmp_path)}
    service.answers["GET", "/containers/c1/json"] = (200, inspected)
    (tmp_path / "config.json").write_bytes(b'{"process": {"args": ["c\xff"]}}')
    engine = remote()
    engine.start()
    assert engine.observe(job(Run())).runs[0].argv == ("c\udcff",)


def test_lists_go_to_the_api(remote: Callable[..., Podman], service: Service) -> None:
    service.answers["POST", "/containers/create"] = (201, {"Id": "c1"})
    service.answers["GET", "/containers/c1/json"] = (200, {"Path": "c", "Args": []})
    engine = remote()
    engine.start()
    engine.observe(
        job(Run(entrypoint=("a", "\udcff")), Run(args=()), Run(entrypoint=(), init=True))
    )
    bodies = [decoded(body) for _, path, body in service.asked if path == "/containers/create"]
    given = [{key: body.get(key) for key in ("entrypoint", "command", "init")} for body in bodies]
    assert given == [
        {"entrypoint": ["a", "\udcff"], "command": None, "init": None},
        {"entrypoint": None, "command": [], "init": None},
        {"entrypoint": [], "command": None, "init": True},
    ]
    assert all(body["labels"] == {"entrysem.session": engine._session} for body in bodies)


@pytest.mark.parametrize(
    ("run", "create", "expected"),
    [
        (Run(), "Error: no command or entrypoint provided", {"phase": "create", "argv": None}),
        (Run(init=True), "Error: container-init binary not found", {"error": None}),
        (Run(entrypoint="e", args=()), "", {"error": None}),
        (Run(args=("\0",)), "", {"error": None}),
        (Run(args=("x" * (1 << 18),)), "", {"error": None}),
    ],
)
def test_what_cannot_be_created(
    remote: Callable[..., Podman], run: Run, create: str, expected: dict[str, Any]
) -> None:
    engine = remote(create=create)
    engine.start()
    (seen,) = engine.observe(job(run)).runs
    assert {key: getattr(seen, key) for key in expected} == expected
    assert (seen.skipped is None) == (seen.error is not None)


def test_a_process_that_does_not_start(
    remote: Callable[..., Podman], service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrysem.verify.probe.build", lambda *_: Path(sys.executable))
    service.answers["GET", "/containers/c1/json"] = (200, {"Path": "c", "Args": ["x", "y"]})
    service.answers["PUT", "/containers/c1/archive"] = (200, b"")
    engine = remote()
    engine.start()
    (seen,) = engine.observe(job(Run(), level="PROCESS")).runs
    assert (seen.phase, seen.level, seen.pid) == ("start", "PROCESS", None)
    assert seen.error == "Error: OCI runtime error: no such thing"
    assert seen.created == ("c", "x", "y")
    (body,) = [body for method, _, body in service.asked if method == "PUT"]
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert [(member.name, member.mode) for member in tar] == [("usr/local/sbin/c", 0o755)]


def test_the_users_own_images_are_left_alone(
    remote: Callable[..., Podman], service: Service
) -> None:
    service.answers["GET", "/images/mine/json"] = (200, {"Id": IMAGE, "Labels": None})
    engine = remote()
    engine.start()
    for one in (
        Job("1", dockerfile=b"FROM mine\n"),
        Job("2", dockerfile=b"FROM scratch\n", bases={"mine": b"FROM scratch\n"}),
    ):
        seen = engine.observe(one)
        assert seen.outcome == "skipped"
        assert seen.message == "this engine has an image mine of its own, which is left alone"
    assert [path for method, path, _ in service.asked if method == "DELETE"] == []


def test_only_what_is_labelled_is_removed(remote: Callable[..., Podman], service: Service) -> None:
    code = "from entrysem.verify import session; print(session.new())"
    dead = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    engine = remote()
    engine.start()
    owners = {"a": dead, "b": engine._session, "c": session.new(), "d": "other-1-2-3", "e": None}
    for kind in ("containers", "images"):
        listed = [
            {"Id": f"{kind}-{key}", "Labels": owner and {"entrysem.session": owner}}
            for key, owner in owners.items()
        ]
        service.answers["GET", f"/{kind}/json"] = (200, listed)
        for key in owners:
            service.answers["DELETE", f"/{kind}/{kind}-{key}"] = (200, b"")

    def removed() -> list[str]:
        found = [path.partition("?")[0] for method, path, _ in service.asked if method == "DELETE"]
        service.asked.clear()
        return found

    assert engine.sweep() == 2
    assert removed() == ["/containers/containers-a", "/images/images-a"]
    engine.close()
    assert removed() == ["/containers/containers-b", "/images/images-b"]


def test_a_service_that_is_not_there(podman: Callable[..., Podman], tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"socket .*/nobody does not answer"):
        podman(host=f"unix://{tmp_path / 'nobody'}").start()


def test_a_socket_with_too_long_a_path() -> None:
    with pytest.raises(HarnessError, match="name a shorter workspace=DIR"):
        Libpod(Path("/" + "x" * 107), 1)


def test_bytes_that_are_no_utf_8_in_an_answer() -> None:
    assert decoded(b'["\xff"]') == ["\udcff"]
    with pytest.raises(HarnessError, match="no JSON"):
        decoded(b"<html>")


def test_nobody_at_a_socket() -> None:
    assert not Libpod(Path("/none"), 1).alive()


@pytest.mark.parametrize(
    ("program", "config", "place"),
    [
        ("/usr/bin/e", {}, "/usr/bin/e"),
        ("e", {}, "/usr/local/sbin/e"),
        ("e", {"Env": ["PATH=/a:/b", "X=y"]}, "/a/e"),
        ("e", {"Env": ["PATH=.::/b"]}, "/b/e"),
        ("./e", {"WorkingDir": "/w"}, "/w/e"),
        ("a/../e", {}, "/e"),
        ("//e", {}, "/e"),
        ("-e", {}, "/usr/local/sbin/-e"),
        ("\udcff", {}, "/usr/local/sbin/\udcff"),
        ("", {}, None),
        (".", {}, None),
        ("..", {}, None),
        ("/", {}, None),
        ("e/", {}, None),
        ("/e/.", {}, None),
        ("/proc/x", {}, None),
        ("/dev/x", {}, None),
        ("e" * 255, {}, f"/usr/local/sbin/{'e' * 255}"),
        ("e" * 256, {}, None),
        ("é" * 128, {}, None),
        ("e", {"Env": ["PATH="]}, None),
    ],
)
def test_where_a_program_is_looked_for(
    program: str, config: dict[str, Any], place: str | None
) -> None:
    assert place_of(program, config) == place
