"""Manifests and units, read by entrysem and by the programs that they are written for.

    containerd 1.7 and 2.1      command and args of a manifest, over the CRI, as the kubelet does it
    podman kube play 5.4, 5.8   a whole manifest, with its own `$(NAME)`
    Quadlet 5.4, 5.8            `.container` units, by Podman's generator
    docker stack config 26, 28  stacks, as far as the client decides; no engine becomes a swarm

They run in the lab (`conformance.lab`): `pytest conformance/test_inputs.py` brings it up and leaves it
up.
"""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from conformance import lab
from conformance.lab.cri import SUITES as CRI_SUITES
from conformance.lab.cri import Cri
from entrysem.inputs.kubernetes import read_kubernetes
from entrysem.inputs.quadlet import read_quadlet
from entrysem.inputs.subject import Subject
from entrysem.inputs.systemd import split_words
from entrysem.inputs.yaml import read_yaml
from entrysem.model import ImageConfig
from entrysem.profiles import Profile
from entrysem.resolve import resolve
from entrysem.verify import session as sessions
from entrysem.verify.protocol import Harness, Job, Run
from tests.inputs.test_quadlet import SEEN, SEEN_OPTIONS
from tests.inputs.test_swarm import SEEN_ERRORS, SEEN_WORDS

SUITES = ("trixie", "sid")
TIMEOUT = 120


def pod(image: str = "acme/app", **container: Any) -> bytes:
    app = {"name": "app", "image": image, "imagePullPolicy": "Never", **container}
    spec = {"hostNetwork": True, "enableServiceLinks": False, "containers": [app]}
    head = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "entrysem-inputs"}}
    return json.dumps({**head, "spec": spec}).encode()


@pytest.fixture(scope="module", params=CRI_SUITES)
def cri(request: pytest.FixtureRequest) -> Iterator[Harness]:
    harness = Cri(suite=request.param, session=sessions.new(), timeout=60)
    harness.start()
    yield harness
    harness.close()


@pytest.mark.parametrize(
    "container",
    [
        {},
        {"command": ["/ep-2"]},
        {"args": ["zoo", "boo"]},
        {"command": ["/ep-2"], "args": ["zoo", "boo"]},
        {"command": [], "args": []},
        {"command": None, "args": ["", "b c"]},
        {"args": [None]},
    ],
    ids=str,
)
def test_containerd_merges_as_told(cri: Harness, container: dict[str, Any]) -> None:
    config = {"Entrypoint": ["/ep-1"], "Cmd": ["foo", "bar"]}
    (subject,) = read_kubernetes(pod(**container), where="pod.yaml")
    assert not isinstance(subject.run.entrypoint, str)
    run = Run(args=subject.run.args or (), entrypoint=subject.run.entrypoint or ())
    (seen,) = cri.observe(Job("a", config=config, level="CREATE", runs=(run,))).runs
    assert seen.argv == told(subject)


def told(subject: Subject) -> tuple[str, ...] | None:
    image = ImageConfig(("/ep-1",), ("foo", "bar"))
    return resolve(image, subject.run, profile=Profile.parse("buildkit", "cri")).argv


class Podman:
    """Podman of a suite, and a folder that it sees."""

    def __init__(self, suite: str) -> None:
        engine = lab.ensure(f"podman-{suite}")
        places = lab.Places.here()
        self.folder = places.work(suite) / f"inputs-{sessions.new()}"
        self.folder.mkdir(parents=True)
        self.image = f"localhost/entrysem-inputs:{self.folder.name[-8:].lower()}"
        self._podman = str(places.wrapper("podman", suite))
        self._inside = (str(places.wrapper("in", suite)), "lab-command")
        self.key = engine.key

    def run(self, *words: str) -> str:
        return self._called(self._podman, *words)

    def inside(self, *words: str) -> str:
        return self._called(*self._inside, *words)

    def _called(self, *words: str) -> str:
        done = subprocess.run(
            words, cwd=self.folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=SUITES)
def podman(request: pytest.FixtureRequest) -> Iterator[Podman]:
    found = Podman(request.param)
    yield found
    shutil.rmtree(found.folder)


@pytest.fixture(scope="module")
def image(podman: Podman) -> Iterator[str]:
    dockerfile = 'FROM scratch\nENTRYPOINT ["/ep-1"]\nCMD ["foo","bar"]\n'
    (podman.folder / "Dockerfile").write_text(dockerfile)
    podman.run("build", "-q", "-t", podman.image, ".")
    yield podman.image
    podman.run("rmi", podman.image)


def played(podman: Podman, data: bytes) -> tuple[str, ...]:
    path = podman.folder / "pod.yaml"
    path.write_bytes(data)
    podman.run("kube", "play", "--start=false", path.name)
    try:
        shown = podman.run(
            "inspect", "entrysem-inputs-app", "--format", "[{{json .Path}},{{json .Args}}]"
        )
    finally:
        podman.run("kube", "down", path.name)
    program, arguments = json.loads(shown)
    return (program, *(arguments or ()))


ENV = [{"name": "A", "value": "a b"}, {"name": "E", "value": ""}, {"name": "R", "value": "$$(A)"}]


@pytest.mark.parametrize(
    "container",
    [
        {},
        # Two words: Podman shows an argv of one word as it shows the word twice.
        {"command": ["/ep-2", "x"]},
        {"args": ["zoo", "boo"]},
        {"command": ["/ep-2"], "args": ["zoo", "boo"]},
        {"command": [], "args": []},
        {"args": ["$(A)", "x$(A)y", "$(E)", "$(NOPE)", "$A", "${A}", "$"], "env": ENV},
        {"args": ["$$(A)", "$$$(A)", "$$$$(A)", "$(A$(A))", "$(A", "$()"], "env": ENV},
        {"command": ["/$(A)"], "args": ["\\$(A)"], "env": ENV},
    ],
    ids=str,
)
def test_podman_plays_what_is_told(podman: Podman, image: str, container: dict[str, Any]) -> None:
    data = pod(image, **container)
    (subject,) = read_kubernetes(data, where="pod.yaml")
    assert played(podman, data) == told(subject)


def test_podman_leaves_references_in_values_alone(podman: Podman, image: str) -> None:
    """Where it is no kubelet: docs/kubernetes.md says so."""
    env = [{"name": "A", "value": "a"}, {"name": "B", "value": "$(A)-b"}]
    data = pod(image, args=["$(B)"], env=env)
    (subject,) = read_kubernetes(data, where="pod.yaml")
    assert told(subject) == ("/ep-1", "a-b")
    assert played(podman, data) == ("/ep-1", "$(A)-b")


@pytest.fixture(scope="module")
def generated(podman: Podman) -> dict[str, tuple[str, ...]]:
    """The words of ExecStart= behind `podman run`, by the lines of the unit."""
    folder = podman.folder / "units"
    folder.mkdir()
    texts = [text for text, _ in SEEN] + [text for text, _, _ in SEEN_OPTIONS]
    for at, text in enumerate(texts):
        (folder / f"u{at}.container").write_text(f"[Container]\nImage=x/y\n{text}\n")
    quadlet = "/usr/libexec/podman/quadlet"
    output = podman.inside("env", f"QUADLET_UNIT_DIRS={folder}", quadlet, "-dryrun")
    found = {}
    unit = ""
    for line in output.splitlines():
        if line.startswith("---"):
            unit = line.strip("-").removesuffix(".service")
        elif line.startswith("ExecStart="):
            words = split_words(line.removeprefix("ExecStart="))
            assert words is not None
            found[texts[int(unit[1:])]] = words
    assert len(found) == len(texts)
    return found


@pytest.mark.parametrize(("text", "words"), SEEN)
def test_quadlet_splits_as_told(
    generated: dict[str, tuple[str, ...]], text: str, words: tuple[str, ...]
) -> None:
    written = generated[text]
    assert written[written.index("x/y") + 1 :] == words
    assert read(text).run.args == (words or None)


@pytest.mark.parametrize(("text", "entrypoint", "init"), SEEN_OPTIONS)
def test_quadlet_passes_options_as_told(
    podman: Podman,
    generated: dict[str, tuple[str, ...]],
    text: str,
    entrypoint: str | None,
    init: bool,
) -> None:
    options = list(generated[text])
    options = options[: options.index("x/y")]
    line = shlex.join(options)
    # 5.4 writes two words where 5.8 writes one, and leaves an empty value out.
    empty_left_out = podman.key == "podman-trixie" and entrypoint == ""
    if entrypoint is None or empty_left_out:
        assert "--entrypoint" not in line
    else:
        wanted = {f"--entrypoint={entrypoint}", f"--entrypoint\0{entrypoint}"}
        assert wanted & {*options, *map("\0".join, itertools.pairwise(options))}
    assert ("--init" in options) is init
    assert (read(text).run.entrypoint, read(text).run.init) == (entrypoint, init)


def read(text: str) -> Subject:
    data = f"[Container]\nImage=x/y\n{text}\n".encode()
    (subject,) = read_quadlet(data, where="a.container")
    return subject


class Stack:
    """`docker stack config` of a suite."""

    def __init__(self, suite: str) -> None:
        lab.ensure(f"docker-{suite}-buildkit")
        places = lab.Places.here()
        self.folder = places.work(suite) / f"inputs-{sessions.new()}"
        self.folder.mkdir(parents=True)
        self._docker = str(places.wrapper("docker", suite))

    def config(self, command: str) -> subprocess.CompletedProcess[str]:
        text = f'version: "3.8"\nservices:\n  web:\n    image: acme/app\n    command: {command}\n'
        (self.folder / "stack.yml").write_text(text)
        return subprocess.run(
            [self._docker, "stack", "config", "-c", "stack.yml"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )


@pytest.fixture(scope="module", params=SUITES)
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    found = Stack(request.param)
    yield found
    shutil.rmtree(found.folder)


@pytest.mark.parametrize(("command", "words"), SEEN_WORDS)
def test_docker_splits_a_stacks_command_as_told(
    stack: Stack, command: str, words: tuple[str, ...]
) -> None:
    done = stack.config(command)
    assert done.returncode == 0, done.stderr
    (document,) = read_yaml(done.stdout.encode(), where="output")
    assert tuple(document.value["services"]["web"].get("command", ())) == words


@pytest.mark.parametrize(("command", "message"), SEEN_ERRORS)
def test_docker_refuses_a_stacks_command_as_told(stack: Stack, command: str, message: str) -> None:
    done = stack.config(command)
    assert done.returncode == 1
    assert done.stderr.strip() == message
