"""Our own handling of what buildah and podman may do; what they really do is in `conformance`.

The fake buildah is told by comments in the Dockerfile how to misbehave.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.verify import session
from entrysem.verify.engines.buildah import Buildah
from entrysem.verify.engines.builder import Built, clean, external_images, outcome_of_failure
from entrysem.verify.engines.slots import Pool, Workspace
from entrysem.verify.protocol import HarnessError, Job, Run

FAKE = """#!{python}
import base64, hashlib, json, os, pathlib, re, signal, sys, time
words = sys.argv[1:]
if words == ["--version"]:
    print("buildah version 1.39.3 (image-spec 1.1.0, runtime-spec 1.2.0)")
    sys.exit()
root = pathlib.Path(words[words.index("--root") + 1])
words = words[6:]  # --storage-driver vfs --root ROOT --runroot RUN
root.mkdir(parents=True, exist_ok=True)
with (root.parent.parent / "calls").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")


def store(config):
    blob = json.dumps({{"config": config, "rootfs": {{}}, "created": time.time_ns()}}).encode()
    image = hashlib.sha256(blob).hexdigest()
    folder = root / "vfs-images" / image
    folder.mkdir(parents=True)
    name = "=" + base64.b64encode(b"sha256:" + image.encode()).decode()
    (folder / name).write_bytes(blob)
    return image


if words[0] == "info":
    print('{{"host": {{"arch": "amd64", "os": "linux", "rootless": false}}}}')
elif words[0] == "bud":
    text = pathlib.Path(words[words.index("-f") + 1]).read_text()
    count = root / "count"
    number = int(count.read_text()) if count.exists() else 0
    count.write_text(str(number + 1))
    for order, rest in re.findall(r"# (\\w+) ?(.*)", text):
        if order == "fail":
            print(rest, file=sys.stderr)
            sys.exit(125)
        if order == "hang":
            time.sleep(60)
        if order == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if order == "varies":
            print("STEP 1")
            print(store({{"Cmd": [rest.split()[number % len(rest.split())]]}}))
            sys.exit()
        if order == "silent":
            sys.exit()
        if order == "slow":
            time.sleep(1)
    print("STEP 1\\n" + store({{"Cmd": [text]}}))
elif words[0] == "inspect":
    print("no such image", file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture
def fake(tmp_path: Path) -> str:
    path = tmp_path / "buildah"
    path.write_text(FAKE.format(python=sys.executable))
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def engine(fake: str, tmp_path: Path) -> Iterator[Buildah]:
    made = Buildah(session=session.new(), timeout=20, cli=fake, workspace=str(tmp_path))
    made.start()
    yield made
    made.close()


def calls(tmp_path: Path) -> list[list[str]]:
    (path,) = tmp_path.glob("es-*/calls")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_who_it_is(fake: str, tmp_path: Path) -> None:
    engine = Buildah(
        session=session.new(), format="docker", timeout=20, cli=fake, workspace=str(tmp_path)
    )
    found = engine.start()
    engine.close()
    assert (found.name, found.version) == ("buildah-docker", "1.39.3")
    assert (found.builder, found.runtime) == ("buildah-docker@1.39.3", None)
    assert found.levels == ("CONFIG",)
    assert list(tmp_path.iterdir()) == [tmp_path / "buildah"]


def test_another_format() -> None:
    with pytest.raises(InputError, match="no format 'tar'"):
        Buildah(session="s", format="tar")


def test_it_is_not_there(tmp_path: Path) -> None:
    engine = Buildah(session=session.new(), cli=str(tmp_path / "none"), workspace=str(tmp_path))
    with pytest.raises(HarnessError, match=r"cannot be run.*installed"):
        engine.start()
    assert list(tmp_path.iterdir()) == []


def test_no_folder_for_it(fake: str, tmp_path: Path) -> None:
    engine = Buildah(session=session.new(), cli=fake, workspace=str(tmp_path / "none"))
    with pytest.raises(HarnessError, match="Name another one with workspace=DIR"):
        engine.start()


def test_the_options_of_a_build(engine: Buildah, tmp_path: Path) -> None:
    job = Job(
        "1",
        dockerfile=b"FROM x\n",
        bases={"x": b"FROM scratch\n"},
        target="t",
        build_args={"A": "b c"},
        platform="linux/arm64",
        runs=(Run(),),
    )
    seen = engine.observe(job)
    assert seen.config == {"Cmd": ["FROM x\n"]}
    assert seen.runs[0].skipped == "buildah builds images and starts no container from one"
    base, image = [call for call in calls(tmp_path) if call[0] == "bud"]
    assert "--target" not in base
    assert base[base.index("-t") + 1] == "x"
    for option, value in (
        ("--target", "t"),
        ("--build-arg", "A=b c"),
        ("--platform", "linux/arm64"),
        ("--label", f"entrysem.session={engine._session}"),
        ("--format", "oci"),
    ):
        assert image[image.index(option) + 1] == value
    assert "--pull=never" in image
    assert "--layers=false" in image


def test_a_base_is_made_again_only_when_it_differs(engine: Buildah, tmp_path: Path) -> None:
    one, other = {"x": b"FROM scratch\n"}, {"x": b"FROM scratch\nCMD x\n"}
    for number, bases in enumerate((one, one, other, {}, one)):
        engine.observe(Job(str(number), dockerfile=b"FROM x\n", bases=bases))
    tags = [call[call.index("-t") + 1] for call in calls(tmp_path) if call[0] == "bud"]
    assert tags.count("x") == 3


def test_a_base_that_cannot_be_made(engine: Buildah) -> None:
    bases = {"x": b"FROM scratch\n# fail Error: building at STEP 1: no\n"}
    seen = engine.observe(Job("1", dockerfile=b"FROM x\n", bases=bases))
    assert seen.outcome == "skipped"
    assert seen.message == "its base image x is rejected: Error: building at STEP 1: no"


def test_an_answer_that_varies(engine: Buildah) -> None:
    twice = b"FROM scratch AS a\nFROM scratch AS A\n"
    seen = engine.observe(Job("1", dockerfile=twice + b"# varies x x y\n"))
    assert seen.outcome == "skipped"
    assert seen.message.startswith("the engine's answer varies from run to run: ")
    assert '["x"]' in seen.message
    assert '["y"]' in seen.message
    assert engine.observe(Job("2", dockerfile=twice + b"# varies x\n")).config == {"Cmd": ["x"]}


@pytest.mark.parametrize(
    ("answers", "config"), [(b"x x", "x"), (b"x y x", "x"), (b"x y y", "y"), (b"x y z", None)]
)
@pytest.mark.parametrize("image", [b"a0", b"${X}"])
def test_a_name_like_an_id_has_the_answer_that_comes_twice(
    engine: Buildah, answers: bytes, config: Any, image: bytes
) -> None:
    seen = engine.observe(Job("1", dockerfile=b"FROM " + image + b"\n# varies " + answers + b"\n"))
    assert seen.config == (None if config is None else {"Cmd": [config]})
    assert seen.outcome == ("skipped" if config is None else "built")


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        (b"hang", "did not end within 2 s"),
        (b"die", "ended by SIGKILL"),
        (b"silent", "does not have it"),
        (b"fail Error: write: no space left on device", "does not work here"),
    ],
)
def test_a_broken_build_is_no_answer_and_its_store_is_not_used_again(
    fake: str, tmp_path: Path, order: bytes, problem: str
) -> None:
    engine = Buildah(session=session.new(), timeout=2, cli=fake, workspace=str(tmp_path))
    engine.start()
    try:
        with pytest.raises(HarnessError, match=problem):
            engine.observe(Job("1", dockerfile=b"FROM scratch\n# " + order + b"\n"))
        (folder,) = tmp_path.glob("es-*")
        assert not (folder / "1").exists()
        engine._commands.timeout = 20
        assert engine.observe(Job("2", dockerfile=b"FROM scratch\n")).outcome == "built"
        assert (folder / "2").exists()
    finally:
        engine.close()
    assert not folder.exists()


def test_jobs_at_once_have_a_store_each(engine: Buildah, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=engine.observe, args=(Job(str(n), dockerfile=b"# slow\n"),))
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(tmp_path.glob("es-*/*/root/count"))) == 3


def test_the_sweep_removes_what_the_dead_have_left_and_nothing_else(
    engine: Buildah, tmp_path: Path
) -> None:
    code = "from entrysem.verify import session; print(session.new())"
    dead = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    for name, owner in (("es-dead", dead), ("es-alive", session.new()), ("es-else", "x-1-2-3")):
        (tmp_path / name / "0" / "root").mkdir(parents=True)
        (tmp_path / name / "session").write_text(owner)
    (tmp_path / "es-user").mkdir()
    assert engine.sweep() == 1
    assert not (tmp_path / "es-dead").exists()
    assert {"es-alive", "es-else", "es-user"} <= {path.name for path in tmp_path.iterdir()}
    assert engine.sweep() == 0


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (
            'time="x" level=warning msg="y"\nError: a: image not known\n',
            "Error: a: image not known",
        ),
        ("STEP 1: FROM x\nerror building: y\nexit status 125\n", "error building: y"),
        ("Error: first\nmore\nError: building: z\n  details\n", "Error: building: z\n  details"),
        ("no contents in Dockerfile\n", "no contents in Dockerfile"),
        ("panic: nil map\n\ngoroutine 1 [running]:\n", "the builder crashed: panic: nil map"),
        ("", ""),
    ],
)
def test_the_error_in_what_is_printed(printed: str, message: str) -> None:
    assert clean(printed) == message


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("Error: creating build container: foo: image not known", "missing-image"),
        ('pull policy is "never" but "b" could not be found locally', "missing-image"),
        ('short-name "x" did not resolve to an alias and no unqualified-search', "missing-image"),
        ("Error: creating build container: repository name must be lowercase", "rejected"),
        ('Error: building at STEP "SHELL foo": SHELL requires', "rejected"),
        ("the builder crashed: panic: assignment to entry in nil map", "rejected"),
        ("", "rejected"),
    ],
)
def test_whose_fault_a_failure_is(message: str, outcome: str) -> None:
    assert outcome_of_failure(125, message, what="x").outcome == outcome


@pytest.mark.parametrize(
    ("code", "message"),
    [(127, "sh: not found"), (125, "mkdir: Permission denied"), (125, "database is locked")],
)
def test_nobody_here_is_to_blame(code: int, message: str) -> None:
    with pytest.raises(HarnessError, match="x does not work here"):
        outcome_of_failure(code, message, what="x")


def test_the_images_a_dockerfile_needs_from_elsewhere() -> None:
    text = b"FROM scratch AS One\n  from --platform=x b\nFROM one\nFROM two AS two\nFROM two\n"
    assert external_images(text) == ["b", "two"]


class Slot:
    def __init__(self) -> None:
        self.discarded = False

    def discard(self) -> None:
        self.discarded = True


def test_a_limited_pool_makes_the_second_wait() -> None:
    pool = Pool(Slot, limit=1)
    order = []

    def second() -> None:
        with pool.slot():
            order.append("second")

    with pool.slot() as first:
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    pool.close()
    assert first.discarded
    with pytest.raises(HarnessError, match="let go"), pool.slot():
        pass


def test_a_slot_in_use_is_discarded_when_it_comes_back_to_a_closed_pool() -> None:
    pool = Pool(Slot)
    with pool.slot() as slot:
        pool.close()
        assert not slot.discarded
    assert slot.discarded


def test_an_observation_without_runs() -> None:
    seen = Built("rejected", "why").without_runs(Job("1"))
    assert (seen.job, seen.outcome, seen.message, seen.runs) == ("1", "rejected", "why", ())


def test_workspaces_of_one_parent_are_told_apart(tmp_path: Path) -> None:
    one, two = Workspace(str(tmp_path), "s"), Workspace(str(tmp_path), "s")
    assert one.folder != two.folder
    assert (one.subfolder().name, one.subfolder().name) == ("0", "1")
