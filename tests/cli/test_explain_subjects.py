"""`entrysem explain` of what is no Dockerfile: run lines, Compose files, manifests, images.

What each input says is the business of `tests/inputs`; here it is that the command finds it, merges it
with what was typed, and shows it in every format. Expected argv are those of the observed merge rules.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import assert_valid, run

DOCKERFILE = 'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n'
COMPOSE = """\
services:
  web:
    build: .
    command: ["serve", "${PORT:-80}"]
  db:
    image: acme/db
    entrypoint: ["f"]
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: acme/app
    env: [{name: A, value: b}]
    command: ["run", "$(A)"]
    livenessProbe:
      exec: {command: ["cat", "x"]}
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("Dockerfile", DOCKERFILE), ("compose.yaml", COMPOSE), ("pod.yaml", POD)):
        Path(name).write_text(text)
    return tmp_path


def argv(*words: str) -> list[object]:
    done = run("explain", *words, "--format", "json")
    assert done.code == 0, done.err
    documents = json.loads(done.out)
    assert_valid("explain", documents)
    return [one["argv"] for one in (documents if isinstance(documents, list) else [documents])]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker run -it --rm -p 8080:80 web", ["e", "c"]),
        ('docker run -it --rm --entrypoint sh web -c "ls"', ["sh", "-c", "ls"]),
        ("docker run web -p 80", ["e", "-p", "80"]),
        ('podman run --entrypoint \'["a", "b"]\' web', ["a", "b"]),
        ("kubectl run x --image=web -- y", ["e", "y"]),
    ],
)
def test_a_run_line_is_the_run(line: str, expected: list[str]) -> None:
    assert argv("Dockerfile", "--run", line) == [expected]


def test_a_run_line_names_the_image_when_nothing_else_does() -> None:
    done = run("explain", "--run", "docker run acme/none x", "--no-catalogue")
    assert done.code == 0
    assert "Entrypoint, inherited from acme/none" in done.out
    assert "image    acme/none" in done.out


def test_the_words_of_a_run_line_are_told() -> None:
    done = run("explain", "Dockerfile", "--run", "docker run web -p 80:80")
    assert "option-after-image" in done.out
    document = json.loads(
        run("explain", "--run", "docker run web x", "Dockerfile", "--format", "json").out
    )
    assert [word["role"] for word in document["run_line"]["words"]] == [
        "program",
        "program",
        "image",
        "command",
    ]


def test_every_service_of_a_compose_file() -> None:
    done = run("explain", "compose.yaml")
    assert done.out.splitlines() == [
        'compose.yaml: web: ["e", "serve", "80"]',
        'compose.yaml: db: ["f"]',
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["compose.yaml", "--service", "web"], [["e", "serve", "80"]]),
        (["--service", "web"], [["e", "serve", "80"]]),
        (["-f", "compose.yaml", "-f", "over.yaml"], [["e", "over"], ["f"]]),
        (["--run", "docker compose run web x"], [["e", "x"]]),
        (["--run", "docker compose run --entrypoint 'a b' web"], [["a", "b"]]),
        (["--run", "docker compose run --entrypoint a web x"], [["a", "x"]]),
        (["--run", "docker compose run --entrypoint '' web"], [["c"]]),
        (["compose.yaml", "--run", "docker compose run db x"], [["f", "x"]]),
    ],
)
def test_services_and_compose_run(words: list[str], expected: list[object]) -> None:
    Path("over.yaml").write_text("services: {web: {command: [over]}}\n")
    assert argv(*words) == expected


def test_containers_and_probes_of_a_manifest() -> None:
    assert argv("pod.yaml") == [["run", "b"], ["cat", "x"]]
    assert argv("-k", "pod.yaml") == [["run", "b"], ["cat", "x"]]
    done = run("explain", "pod.yaml", "--format", "markdown")
    assert "executed in the running container" in done.out


def test_the_runtime_is_the_inputs_unless_it_is_given() -> None:
    def runtime(*words: str) -> str:
        documents = json.loads(run("explain", *words, "--format", "json").out)
        first = documents[0] if isinstance(documents, list) else documents
        return str(first["profile"]["runtime"]).partition("@")[0]

    assert runtime("compose.yaml") == "compose"
    assert runtime("pod.yaml") == "cri"
    assert runtime("pod.yaml", "--runtime", "docker") == "docker"
    assert runtime("Dockerfile", "--run", "podman run x") == "podman"
    assert runtime("Dockerfile") == "docker"


def test_an_image_in_place_of_a_file() -> None:
    Path("web.json").write_text(json.dumps([{"Config": {"Entrypoint": ["x"], "Cmd": ["y"]}}]))
    assert argv("image:acme/web", "--base-config", "acme/web=web.json") == [["x", "y"]]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["compose.yaml", "--service", "nope"], 2, "no such service"),
        (["compose.yaml", "--", "x"], 2, "what is run"),
        (["compose.yaml", "--entrypoint", "x"], 2, "what is run"),
        (["Dockerfile", "--run", "docker run x", "--", "y"], 2, "--run says all"),
        (["Dockerfile", "--run", "ls"], 2, "starts a container"),
        (["Dockerfile", "--run", "docker run --nope x"], 2, "nope"),
        (["nope.yaml"], 3, "No such file"),
        (["other.yaml"], 3, "no Compose file"),
        (["broken.yaml"], 3, "broken.yaml"),
        (["-k", "Dockerfile"], 3, "Dockerfile"),
    ],
)
def test_what_cannot_be_read(words: list[str], code: int, told: str) -> None:
    Path("other.yaml").write_text("a: b\n")
    Path("broken.yaml").write_text("services:\n  web: {image: [\n")
    done = run("explain", *words)
    assert (done.code, told in done.err) == (code, True), done.err


def test_one_broken_file_does_not_hide_the_others() -> None:
    Path("broken.yaml").write_text("services:\n  web: {image: [\n")
    done = run("explain", "broken.yaml", "Dockerfile")
    assert done.code == 3
    assert 'Dockerfile: ["e", "c"]' in done.out
