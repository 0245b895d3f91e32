"""A builder known by its command line: templates, outcomes, and what is left behind."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.verify import session
from entrysem.verify.engines.command import Command
from entrysem.verify.protocol import HarnessError, Job, Observation, Run

#: `mybuilder build` writes a docker-archive to --output, or keeps the config by its tag.
BUILDER = """#!{python}
import hashlib, io, json, os, pathlib, signal, sys, tarfile, time
words = sys.argv[1:]
home = pathlib.Path(__file__).parent / "images"
home.mkdir(exist_ok=True)
if words[0] == "show":
    print((home / words[1].replace("/", "_")).read_text())
    sys.exit()
text = pathlib.Path(words[words.index("-f") + 1]).read_text()
for line in text.splitlines():
    order, _, rest = line.partition(" ")
    if order == "EXIT":
        code, _, message = rest.partition(" ")
        print(message, file=sys.stderr)
        sys.exit(int(code))
    if order == "DIE":
        os.kill(os.getpid(), signal.SIGTERM)
    if order == "HANG":
        time.sleep(60)
    if order == "FROM" and rest != "scratch" and not (home / rest).exists():
        print("manifest unknown", file=sys.stderr)
        sys.exit(1)
config = json.dumps({{"config": {{"Cmd": words, "Shell": None}}, "rootfs": {{}}}})
(home / words[words.index("-t") + 1].replace("/", "_")).write_text(config)
if "--output" in words:
    with tarfile.open(words[words.index("--output") + 1], "w") as tar:
        for name, data in (
            ("c.json", config),
            ("manifest.json", json.dumps([{{"Config": "c.json", "RepoTags": None}}])),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data.encode())
            tar.addfile(member, io.BytesIO(data.encode()))
"""

#: Images by name, as files; a name that starts with "keep" is the user's.
DOCKER = """#!{python}
import json, pathlib, sys
home = pathlib.Path(__file__).parent / "images"
home.mkdir(exist_ok=True)
words = sys.argv[1:]
assert words[0] == "image"
path = home / words[-1].replace("/", "_")
if words[1] == "rm":
    path.unlink(missing_ok=True)
elif words[1] == "save" or not path.exists():
    print("empty export - not implemented", file=sys.stderr)
    sys.exit(1)
elif "--format" in words:
    print("sha256:" + path.name)
else:
    print(json.dumps([{{"Config": json.loads(path.read_text())["config"]}}]))
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("mybuilder", BUILDER), ("docker", DOCKER)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(python=sys.executable))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    (tmp_path / "work").mkdir()
    return tmp_path / "bin"


BUILD = "mybuilder build -f {dockerfile} -t {tag} {context}"
SHOW = "mybuilder show {tag}"


@pytest.fixture
def start(program: Path, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    started = []

    def make(builder: str = BUILD, inspect: str = SHOW, timeout: Any = 20) -> Command:
        engine = Command(
            session=session.new(),
            timeout=timeout,
            builder=builder,
            inspect=inspect,
            workspace=str(tmp_path / "work"),
        )
        started.append(engine)
        engine.start()
        return engine

    yield make
    for engine in started:
        engine.close()
    assert list((tmp_path / "work").iterdir()) == []


def words_of(seen: Observation) -> list[str]:
    """The words that the fake builder was called with, as it stored them."""
    assert seen.config is not None
    words = seen.config["Cmd"]
    assert words is not None
    return list(words)


def test_who_it_is(program: Path, tmp_path: Path) -> None:
    engine = Command(session="s", builder=BUILD, inspect=SHOW, workspace=str(tmp_path / "work"))
    found = engine.start()
    engine.close()
    assert found.name == "mybuilder"
    assert (found.builder, found.runtime, found.levels) == (None, None, ("CONFIG",))
    assert found.details["inspect"] == SHOW


@pytest.mark.parametrize(
    ("inspect", "more"), [(SHOW, ""), ("docker", ""), ("docker-archive", " --output {output}")]
)
def test_the_config_in_three_ways(start: Callable[..., Command], inspect: str, more: str) -> None:
    engine = start(BUILD + more, inspect)
    seen = engine.observe(Job("1", dockerfile=b"FROM scratch\n", level="CONFIG"))
    assert seen.outcome == "built"
    assert seen.config is not None
    assert seen.config["Shell"] is None
    words = words_of(seen)
    assert words[0] == "build"
    assert words[2] == f"{words[5]}/Dockerfile"
    assert words[4].startswith("entrysem-verify/job-")


def test_runs_are_skipped(start: Callable[..., Command]) -> None:
    seen = start().observe(Job("1", dockerfile=b"FROM scratch\n", runs=(Run(), Run())))
    assert [run.skipped for run in seen.runs] == [
        "a builder's command line starts no container"
    ] * 2


def test_options_are_left_out_or_repeated(start: Callable[..., Command]) -> None:
    engine = start(
        BUILD + " --target {target} --build-arg {build_args} --os={platform} --label {label} end"
    )
    seen = engine.observe(Job("1", dockerfile=b"FROM scratch\n"))
    label = f"entrysem.session={engine._session}"
    assert words_of(seen)[6:] == ["--label", label, "end"]
    job = Job(
        "2",
        dockerfile=b"FROM scratch\n",
        target="t",
        build_args={"A": "{tag}", "B": "x y"},
        platform="linux/s390x",
    )
    assert words_of(engine.observe(job))[6:] == [
        *("--target", "t", "--build-arg", "A={tag}", "--build-arg", "B=x y"),
        *("--os=linux/s390x", "--label", label, "end"),
    ]


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"target": "t"}, "target"),
        ({"build_args": {"A": "b"}}, "build_args"),
        ({"platform": "linux/s390x"}, "platform"),
    ],
)
def test_what_the_template_cannot_pass_is_skipped(
    start: Callable[..., Command], options: dict[str, Any], place: str
) -> None:
    seen = start().observe(Job("1", dockerfile=b"FROM scratch\n", **options))
    assert seen.outcome == "skipped"
    assert seen.message == f"the template has no {{{place}}}, which this case needs"


def test_a_config_is_skipped(start: Callable[..., Command]) -> None:
    engine = start()
    for job in (Job("1", config={}), Job("2", dockerfile=b"FROM a\n", bases={"a": {}})):
        assert engine.observe(job).message == "a builder's command line takes no image config"


@pytest.mark.parametrize(
    ("line", "outcome", "message"),
    [
        ("EXIT 1 Error: unknown instruction: FOO", "rejected", "Error: unknown instruction: FOO"),
        ("EXIT 2", "rejected", "exit code 2"),
        ("FROM nope", "missing-image", "manifest unknown"),
    ],
)
def test_failures(start: Callable[..., Command], line: str, outcome: str, message: str) -> None:
    seen = start().observe(Job("1", dockerfile=line.encode()))
    assert (seen.outcome, seen.message, seen.config) == (outcome, message, None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("EXIT 127 sh: x: not found", "exit code 127: sh: x: not found"),
        ("EXIT 137 ", "exit code 137"),
        ("EXIT 1 no space left on device", "no space left"),
        ("DIE", "ended by SIGTERM"),
        ("HANG", "did not end within 2 s"),
    ],
)
def test_breakage(start: Callable[..., Command], line: str, problem: str) -> None:
    with pytest.raises(HarnessError, match=problem):
        start(timeout=2).observe(Job("1", dockerfile=line.encode()))


def test_what_inspects_fails(start: Callable[..., Command]) -> None:
    with pytest.raises(HarnessError, match=r"the image is built, and `false .*` fails"):
        start(inspect="false {tag}").observe(Job("1", dockerfile=b"FROM scratch\n"))
    with pytest.raises(HarnessError, match="is no JSON"):
        start(inspect="echo {tag}").observe(Job("1", dockerfile=b"FROM scratch\n"))
    engine = start(BUILD + " --put {output}", "docker-archive")
    with pytest.raises(HarnessError, match="cannot be read"):
        engine.observe(Job("1", dockerfile=b"FROM scratch\n"))


def test_bases_are_built_under_their_names_and_removed(
    start: Callable[..., Command], program: Path
) -> None:
    engine = start(inspect="docker")
    job = Job("1", dockerfile=b"FROM b\n", bases={"b": b"FROM scratch\n"})
    assert engine.observe(job).outcome == "built"
    assert list((program / "images").iterdir()) == []


def test_a_name_that_is_taken_is_left_alone(start: Callable[..., Command], program: Path) -> None:
    (program / "images").mkdir()
    mine = program / "images" / "b"
    mine.write_text("mine")
    engine = start(inspect="docker")
    job = Job("1", dockerfile=b"FROM b\n", bases={"b": b"FROM scratch\n"})
    seen = engine.observe(job)
    assert (seen.outcome, seen.message) == (
        "skipped",
        "there is an image b already, which is left alone",
    )
    assert mine.read_text() == "mine"


def test_a_base_that_is_rejected(start: Callable[..., Command], program: Path) -> None:
    bases = {"a": b"FROM scratch\n", "b": b"EXIT 1 no\n"}
    seen = start(inspect="docker").observe(Job("1", dockerfile=b"FROM b\n", bases=bases))
    assert (seen.outcome, seen.message) == ("skipped", "its base b is rejected: no")
    assert list((program / "images").iterdir()) == []


def test_the_sweep_removes_what_a_dead_session_noted(
    start: Callable[..., Command], program: Path, tmp_path: Path
) -> None:
    code = "from entrysem.verify import session; print(session.new())"
    dead = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    left = tmp_path / "work" / "es-dead"
    left.mkdir()
    (left / "session").write_text(dead)
    (left / "images").write_text("ours\tsha256:ours\nother\tsha256:ours\ngone\tsha256:gone\n")
    (program / "images").mkdir()
    for name in ("ours", "other", "user"):
        (program / "images" / name).write_text(json.dumps({"config": {}}))
    assert start(inspect="docker").sweep() == 2
    assert not left.exists()
    assert sorted(path.name for path in (program / "images").iterdir()) == ["other", "user"]


@pytest.mark.parametrize(
    ("builder", "inspect", "problem"),
    [
        ("", SHOW, "the template is empty"),
        ("b 'x", SHOW, "cannot be split into words: No closing quotation"),
        ("b {tag}", SHOW, r"neither \{dockerfile\} nor \{context\}"),
        ("b {context}", SHOW, r"no \{tag\}"),
        ("b {context}", "docker", r"no \{tag\}"),
        ("b {context} {tag}", "oci-layout", r"no \{output\}"),
        ("b {context} {tag}", "docker-archive", r"no \{output\}"),
        ("b {context} {tag}", "show", r"neither \{tag\} nor \{output\}"),
        ("b {context} {tag}", "show {output}", r"no \{output\}"),
        ("b {context} {tag} {traget}", SHOW, r"there is no \{traget\}"),
    ],
)
def test_templates_that_cannot_work(builder: str, inspect: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        Command(session="s", builder=builder, inspect=inspect)
    assert caught.value.code == "bad-builder"
    assert caught.value.hint


def test_a_program_that_is_not_there(program: Path) -> None:
    for builder, inspect in (("none-such {context} {tag}", SHOW), (BUILD, "none-such {tag}")):
        engine = Command(session="s", builder=builder, inspect=inspect)
        with pytest.raises(HarnessError, match="no program 'none-such' on PATH"):
            engine.start()
