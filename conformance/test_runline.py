"""Command lines, read here and by the real programs: docker, podman, compose, kubectl.

The suites of the quick matrix, or those that ENTRYSEM_RUNLINE_SUITES names; COUNT lines each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import lab
from conformance.run_lines import Discovery, Outcome, Recorder, lines, probes, run_script, workspace
from entrysem import ImageConfig, Profile, resolve
from entrysem.errors import InputError
from entrysem.inputs.runline import RunLine, read_run_line
from entrysem.inputs.runline.tables import option_set

SUITES = os.environ.get("ENTRYSEM_RUNLINE_SUITES", "trixie,sid").split(",")
COUNT = int(os.environ.get("ENTRYSEM_RUNLINE_COUNT", "120"))
SEED = int(os.environ.get("ENTRYSEM_RUNLINE_SEED", "1"))

#: What the programs say when they do not understand the line, whatever the values are.
SYNTAX = re.compile(
    r"unknown (?:shorthand )?flag|flag needs an argument|bad flag syntax|requires at least 1 arg"
    r"|invalid argument \"maybe\"|missing container image|invalid reference format"
)


def version(kind: str, suite: str) -> str:
    name = f"docker-{suite}-classic" if kind == "docker" else f"{kind}-{suite}"
    return lab.ensure(name).version


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(suite: str) -> Iterator[Path]:
    with workspace(suite) as path:
        yield path


def read(text: str, at: str) -> RunLine | InputError:
    try:
        return read_run_line(text, version=at)
    except InputError as error:
        return error


@pytest.mark.parametrize("program", ["docker create", "docker run -d"])
def test_docker_takes_the_words_as_we_do(suite: str, folder: Path, program: str) -> None:
    at = version("docker", suite)
    options = option_set(" ".join(program.split()[:2]), at)
    images = ["acme/web", "acme/web:1", "a", "registry.example/x/y:2"]
    made = lines(program, options, images, COUNT, SEED)
    socket = folder / "docker.sock"
    recorder = Recorder(socket)
    try:
        prelude = f'docker() {{ command docker -H unix://{socket} "$@"; }}'
        seen = run_script(suite, folder, [line.text for line in made], prelude)
    finally:
        recorder.close()
    # `docker run` fails at the start, after it was created: what was recorded is what counts.
    starts_nothing = [outcome.code == 0 or "starts nothing" in outcome.output for outcome in seen]
    assert sum(starts_nothing) == len(recorder.requests)
    requests = iter(recorder.requests)
    values = 0
    for line, outcome, created in zip(made, seen, starts_nothing, strict=True):
        ours = read(line.text, at)
        if not created:
            if not SYNTAX.search(outcome.output):
                values += 1  # a value that this program judges and we do not
                continue
            refused = isinstance(ours, InputError)
            assert refused or _wrong_image(ours), (line.text, outcome)
            continue
        request = next(requests)
        assert isinstance(ours, RunLine), (line.text, ours)
        run = ours.subject.run
        entrypoint = None if run.entrypoint is None else [run.entrypoint]
        given = dict(ours.options)
        assert (ours.image, list(run.args or ()) or None, entrypoint) == (
            request["Image"],
            request.get("Cmd") or None,
            request.get("Entrypoint"),
        ), line.text
        assert tuple(word.text for word in ours.words) == line.words
        assert not ours.depends
        for name, key in (("user", "User"), ("workdir", "WorkingDir"), ("hostname", "Hostname")):
            assert given.get(name, "") == request[key], line.text
        assert given.get("name", "") == request["name"]
        env = [value for name, value in ours.options if name == "env" and "=" in value]
        assert env == (request.get("Env") or []), line.text
        assert run.init == bool(request["HostConfig"].get("Init")), line.text
        assert (given.get("tty") == "true") == request["Tty"], line.text
    print(f"{program} {at}: {len(made)} lines, {len(recorder.requests)} created, {values} by value")
    assert values < COUNT / 5
    assert len(recorder.requests) > COUNT / 2


def _wrong_image(ours: RunLine | InputError) -> bool:
    return isinstance(ours, RunLine) and any(
        note.code == "image-looks-wrong" for note in ours.subject.notes
    )


def test_podman_takes_the_words_as_we_do(suite: str, folder: Path) -> None:
    at = version("podman", suite)
    name = f"localhost/entrysem-run-line-{os.getpid()}:1"
    config = ImageConfig(entrypoint=("/e", "1"), cmd=("/c", "2"))
    (folder / "Dockerfile").write_text('FROM scratch\nENTRYPOINT ["/e","1"]\nCMD ["/c","2"]\n')
    count = COUNT // 2  # a real container each
    made = lines("podman create", option_set("podman create", at), [name], count, SEED)
    # Two containers cannot share a name.
    texts = [
        f"c=$(\n{line.text}\n) && podman container inspect $c && podman rm $c" for line in made
    ]
    try:
        build = [f"podman build -q -t {name} ."]
        assert run_script(suite, folder, build)[0].code == 0
        seen = run_script(suite, folder, texts)
    finally:
        run_script(suite, folder, [f"podman rmi -f {name}"])
    created = values = 0
    profile = Profile.parse(runtime=f"podman@{at}")
    for line, outcome in zip(made, seen, strict=True):
        ours = read(line.text, at)
        if outcome.code:
            if not SYNTAX.search(outcome.output):
                values += 1
                continue
            assert isinstance(ours, InputError) or _wrong_image(ours), (line.text, outcome)
            continue
        created += 1
        assert isinstance(ours, RunLine), (line.text, ours)
        found = _inspected(outcome)
        assert ours.image == name
        argv = resolve(config, ours.subject.run, profile=profile).argv
        argv_seen = [found["Path"], *found["Args"]]
        if len(argv or ()) == 1:
            argv_seen = argv_seen[:1]  # a quirk: one word is both
        assert list(argv or ()) == argv_seen, line.text
        given = dict(ours.options)
        assert given.get("name", found["Name"]) == found["Name"]
        assert given.get("workdir", "/") == found["Config"]["WorkingDir"]
        assert (given.get("tty") == "true") == found["Config"]["Tty"]
    print(f"podman create {at}: {len(made)} lines, {created} created, {values} by value")
    assert created > count / 2


def _inspected(outcome: Outcome) -> dict[str, Any]:
    text = outcome.output
    (found,) = json.loads(text[text.index("[\n") : text.rindex("\n]") + 2])
    assert isinstance(found, dict)
    return found


COMMANDS = ["docker run", "docker create", "podman run", "podman create", "docker", "podman"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_takes_a_word_as_the_table_says(
    suite: str, folder: Path, command: str
) -> None:
    """`docker run --OPTION` and nothing more: the complaint is about the value or about the image."""
    at = version(command.split(maxsplit=1)[0], suite)
    made = probes(option_set(command, at))
    seen = run_script(suite, folder, [f"{command} {word}" for word, _ in made])
    wrong = [
        (word, option, outcome)
        for (word, option), outcome in zip(made, seen, strict=True)
        if option.name not in ("help", "version")
        and ("flag needs an argument" in outcome.output) != option.takes_word
    ]
    unknown = [
        word for (word, _), outcome in zip(made, seen, strict=True) if "unknown" in outcome.output
    ]
    print(f"{command} {at}: {len(made)} spellings")
    assert not wrong
    assert not unknown


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_names_no_option_that_is_not_in_the_table(
    suite: str, folder: Path, command: str
) -> None:
    at = version(command.split(maxsplit=1)[0], suite)
    options = option_set(command, at)
    (shown,) = run_script(suite, folder, [f"{command} --help"])
    listed = re.findall(r"^\s+(?:-(\w), )?--([\w.-]+)", shown.output, re.MULTILINE)
    assert len(listed) > 8
    for letter, name in listed:
        option = options.named(name)
        assert option is not None or name == "help", (letter, name)
        assert option is None or option.letter == letter or name == "help", (letter, name)


@pytest.mark.parametrize("compose_suite", [one for one in SUITES if one in ("trixie", "sid")])
def test_compose_takes_the_options_as_we_do(compose_suite: str) -> None:
    with workspace(compose_suite) as folder:
        (shown,) = run_script(compose_suite, folder, ["docker compose version --short"])
        at = shown.output.strip().partition("-")[0]
        options = option_set("compose run", at)
        (folder / "c.yaml").write_text("services: {}\n")
        made = probes(options)
        texts = [f"docker compose -f c.yaml run {word}" for word, _ in made]
        # A service that is not there: the complaint names the word that was taken for it.
        full = [
            f"docker compose -f c.yaml run {word}{' 1' if option.takes_word else ''} no-such a b"
            for word, option in made
            if option.name not in ("help", "publish", "pull", "volume", "tty", "no-TTY")
            and not option.of
        ]
        seen = run_script(compose_suite, folder, [f"cd {folder}", *texts, *full])[1:]
    for (word, option), outcome in zip(made, seen[: len(made)], strict=True):
        if option.name != "help":
            assert ("flag needs an argument" in outcome.output) == option.takes_word, (
                word,
                outcome,
            )
            assert "unknown" not in outcome.output, (word, outcome)
    for text, outcome in zip(full, seen[len(made) :], strict=True):
        ours = read_run_line(text, version=at)
        assert ours.service == "no-such"
        assert ours.subject.run.args == ("a", "b")
        assert "no such service: no-such" in outcome.output, (text, outcome)
    print(f"compose {at}: {len(made)} spellings, {len(full)} lines")


KUBECTL = sorted(
    {
        *map(str, Path("/usr/lib/google-cloud-sdk/bin").glob("kubectl.1.*")),
        *[
            path
            for path in [shutil.which("kubectl")]
            if path and "cloud" not in os.path.realpath(path)
        ],
    }
)
KUBECTL_LINES = (
    "kubectl -s {url} run web --image=acme/web {tail}",
    "kubectl -s {url} run web --image acme/web {tail} a b",
    "kubectl -s={url} run web --image=acme/web {tail} -- sh -c 'echo hi'",
    "kubectl run --server={url} {tail} --image=acme/web web --command -- sh -c ls",
    "kubectl --server {url} run web {tail} --image=a --command=true --env A=1 --env=B=2 -- -x -- y",
    "kubectl -n x -s {url} run web -l a=b --image=acme/web {tail} x -- y",
    "kubectl run -s{url} web --image=acme/web {tail} -- ''",
    "kubectl -s {url} run web --image_pull_policy=Never --image=acme/web {tail} --command",
    "kubectl -s {url} run web --image=acme/web {tail} --image=other -- a --image=third",
)


@pytest.fixture
def cluster() -> Iterator[Discovery]:
    made = Discovery()
    yield made
    made.close()


@pytest.mark.parametrize("kubectl", KUBECTL or [""], ids=lambda path: Path(path).name)
def test_kubectl_takes_the_words_as_we_do(kubectl: str, tmp_path: Path, cluster: Discovery) -> None:
    """With --dry-run it prints the pod."""
    if not kubectl:
        missing = "there is no kubectl on this machine: put one on PATH"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "KUBECONFIG": "/dev/null"}
        return subprocess.run(
            [kubectl, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=60,
        )

    shown = json.loads(ask("version", "--client", "-o", "json").stdout)
    at = shown["clientVersion"]["gitVersion"].removeprefix("v").partition("-")[0]
    options = option_set("kubectl run", at)
    listed = re.findall(
        r"^ +(?:-(\w), )?--([\w-]+)=(\S*):$",
        ask("run", "--help").stdout + ask("options").stdout,
        re.MULTILINE,
    )
    assert len(listed) > 20
    for letter, name, default in listed:
        option = options.named(name)
        assert option is not None, (at, name)
        assert option.letter == letter
        assert (option.kind == "bool") == (default in ("true", "false")), (at, name)
    for word, option in probes(options):
        complaint = ask("run", "web", word).stderr
        if option.name != "help":
            # kuberc was behind a switch at first.
            assert "unknown" not in complaint or option.name == "kuberc", (word, complaint)
        if option.name not in ("help", "kuberc"):
            assert ("flag needs an argument" in complaint) == option.takes_word, (word, complaint)
    for form in KUBECTL_LINES:
        line = form.format(url=cluster.url, tail="--dry-run=client -o json")
        ours = read_run_line(line, version=at)
        done = ask(*[word.text for word in ours.words[1:]])
        assert done.returncode == 0, done.stderr
        (container,) = json.loads(done.stdout)["spec"]["containers"]
        run = ours.subject.run
        assert container["image"] == ours.image
        assert container.get("args") == (None if run.args is None else list(run.args)), line
        assert container.get("command") == (list(run.entrypoint) if run.entrypoint else None)
        env = {each["name"]: each["value"] for each in container.get("env", ())}
        assert env == dict(run.env)
    print(f"kubectl {at}: {len(listed)} options, {len(KUBECTL_LINES)} lines")
