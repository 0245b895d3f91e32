"""`entrysem explain`: exit codes, streams, formats, and what hostile input does to them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrysem.rules import RULES
from tests.cli.running import (
    NASTY,
    ROOT,
    SCHEMAS,
    Ran,
    assert_harmless,
    assert_valid,
    environment,
    real,
    run,
)
from tests.strategies import sources

DATA = ROOT / "tests" / "bases" / "data"
FORMATS = ("text", "json", "markdown")

#: DESIGN's example, for every CMD form: https://docs.docker.com/reference/dockerfile/, "Understand how
#: CMD and ENTRYPOINT interact".
SHELL_ENTRY = b'FROM scratch\nENTRYPOINT exec_entry p1_entry\nCMD ["exec_cmd", "p1_cmd"]\n'
SHELL_ENTRY_ARGV = ["/bin/sh", "-c", "exec_entry p1_entry", "exec_cmd", "p1_cmd"]
PLAIN = b'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n'
UNKNOWN = b"FROM acme/base\nLABEL a=b\n"
REJECTED = b"FROM scratch\nCMD [1]\n"
STAGES = b'FROM scratch AS web\nCMD ["w"]\nFROM scratch AS db\nCMD ["d"]\n'


def explained(source: bytes, *words: str) -> Ran:
    """`explain - WORDS...` with the Dockerfile on standard input."""
    return run("explain", "-", *words, stdin=source)


def answer(source: bytes, *words: str) -> Any:
    ran = explained(source, "--format", "json", *words)
    assert_valid("explain", ran.json)
    return ran.json


def folder(tmp_path: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


# --- exit codes and streams --------------------------------------------------------------------------


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("source", "words", "code"),
    [
        (PLAIN, (), 0),
        (b"FROM scratch\nLABEL a=b\n", (), 0),  # no command: the build succeeds, the run does not
        (UNKNOWN, (), 0),
        (UNKNOWN, ("--strict",), 4),
        (PLAIN, ("--strict",), 0),
        (b"FROM acme/base\nENTRYPOINT []\nCMD []\n", ("--strict", "--entrypoint", "x"), 0),
        (REJECTED, (), 3),
        (REJECTED, ("--strict",), 3),
        (b"", (), 3),
        (b"# only\n# comments\n", (), 3),
        (b"\x00\x01\x02\xff\xfe binary \x80", (), 3),
        (STAGES, ("--target", "nope"), 3),
        (PLAIN, ("--runtime", "nope"), 2),
        (PLAIN, ("--builder", "buildkit@x"), 2),
        (PLAIN, ("--builder", "nope"), 2),
        (PLAIN, ("--nope",), 2),
        (PLAIN, ("--runtime", "cri", "--init"), 2),
        (PLAIN, ("--base-config", "no-equals"), 2),
        (PLAIN, ("--base-config", "a=/nowhere/at/all"), 3),
    ],
)
def test_exit_code_is_the_same_in_every_format(
    source: bytes, words: tuple[str, ...], code: int, output: str
) -> None:
    ran = explained(source, "--format", output, *words)
    assert ran.code == code
    assert_harmless(ran.out, ran.err)
    if code in (0, 4):
        assert (bool(ran.out), ran.err) == (True, "")
    elif code == 2 or output != "json":
        assert (ran.out, bool(ran.err)) == ("", True)
    if output == "json" and ran.out:
        assert_valid("explain", ran.json)


def test_unknown_format() -> None:
    ran = explained(PLAIN, "--format", "yaml")
    assert ran.code == 2
    assert "text, json, markdown" in ran.err


def test_rejected_file_tells_place_marker_rule_and_remedy() -> None:
    ran = explained(REJECTED)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.splitlines()[1:4] == ["  --> -:2:6", "  2 | CMD [1]", "    |      ^"]
    assert "FORM-10" in ran.err
    assert "\n  help: " in ran.err
    error = answer(REJECTED)["error"]
    assert (error["phase"], error["code"], error["line"], error["column"]) == (
        *("parse", "array-of-non-strings"),
        *(2, 6),
    )


def test_a_rejected_file_outweighs_an_unknown_base(tmp_path: Path) -> None:
    root = folder(tmp_path, Dockerfile=UNKNOWN, **{"Dockerfile.bad": REJECTED})
    for files in (["Dockerfile", "Dockerfile.bad"], ["Dockerfile.bad", "Dockerfile"]):
        ran = run("explain", "--strict", *(str(root / name) for name in files))
        assert ran.code == 3
        assert len(ran.out.splitlines()) == 2


@pytest.mark.parametrize("output", FORMATS)
def test_missing_file_and_folder_without_dockerfile(tmp_path: Path, output: str) -> None:
    (tmp_path / "README.md").write_text("Dockerfile")
    for name, word in ((tmp_path / "nope", "No such file"), (tmp_path, "no Dockerfile")):
        ran = run("explain", str(name), "--format", output)
        assert ran.code == 3
        assert word in (ran.out if output == "json" else ran.err)
        assert str(name) in ran.out + ran.err
        if output == "json":
            assert_valid("explain", ran.json)


def test_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"#" * (17 * 1024 * 1024))
    ran = run("explain", str(path))
    assert (ran.code, ran.out) == (3, "")
    assert "larger than 16 MiB" in ran.err


def test_line_of_a_megabyte(tmp_path: Path) -> None:
    # BuildKit's scanner takes lines below 64 KiB, imagebuilder's since 1.33 below 2 MiB.
    source = b"FROM scratch\nCMD echo " + b"x" * 1_000_000 + b"\n"
    ran = explained(source)
    assert ran.code == 3
    assert len(ran.err) < 2000
    old = answer(source, "--builder", "buildah@1.43")
    assert old["argv"] == ["/bin/sh", "-c", "echo " + "x" * 1_000_000]
    assert explained(source, "--builder", "buildah@1.43").out.startswith(
        '["/bin/sh", "-c", "echo x'
    )


def test_marker_in_an_endless_line() -> None:
    ran = explained(b"FROM scratch\nCMD [" + b'"a", ' * 1000 + b"1]\n")
    line, under = (part[6:] for part in ran.err.splitlines()[2:4])
    assert line[under.index("^")] == "1"
    assert len(line) <= 500


def test_stages_in_a_circle() -> None:
    source = b"FROM scratch AS a\nCOPY --from=b x x\nFROM scratch AS b\nCOPY --from=a x x\n"
    assert answer(source)["error"]["code"] == "stage-circle"
    assert explained(b"FROM a AS a\nCMD x\n").code == 0  # the image a, not the stage


def test_closed_output_is_no_error() -> None:
    command = f"{sys.executable} -m entrysem"
    for words in ("explain - --trace --what-if", "vectors export", "oracle", "rules", "--help"):
        done = subprocess.run(
            ["/bin/bash", "-c", f"{command} {words} | head -0; exit ${{PIPESTATUS[0]}}"],
            input=PLAIN,
            capture_output=True,
            check=False,
            cwd=ROOT,
            env=environment(),
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), words


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_full_disk_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "entrysem", "rules"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=environment(),
        )
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_stream_that_is_closed_from_the_start(closed: str) -> None:
    done = subprocess.run(
        ["/bin/bash", "-c", f"{sys.executable} -m entrysem explain - {closed}"],
        input=PLAIN,
        capture_output=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == (3 if closed == "<&-" else 0)
    assert b"Traceback" not in done.stderr


def test_output_encoding_that_lacks_the_characters(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM scratch\nCMD ["é😀"]\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "entrysem", "explain"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, b"")


# --- what is asked -----------------------------------------------------------------------------------


def test_answer_comes_first() -> None:
    ran = explained(SHELL_ENTRY)
    assert json.loads(ran.out.splitlines()[0]) == SHELL_ENTRY_ARGV
    assert answer(SHELL_ENTRY)["argv"] == SHELL_ENTRY_ARGV
    assert answer(SHELL_ENTRY)["effective"] == SHELL_ENTRY_ARGV[:3]
    markdown = explained(SHELL_ENTRY, "--format", "markdown").out.splitlines()
    assert markdown[:3] == ["### -", "", f"argv: `{json.dumps(SHELL_ENTRY_ARGV)}`"]


@pytest.mark.parametrize(
    "after",
    [
        *([], ["x"], [""], ["--"], ["-x"], ["--help"], ["--format", "json"], ["x", "--", "y"]),
        *(["--", "--"], ["", ""], ["a b", "c'd"], ["Dockerfile"], ["-"]),
    ],
)
@pytest.mark.parametrize("before", [[], ["--entrypoint", "--"], ["--entrypoint=--"]])
def test_what_follows_two_dashes_is_the_arguments(before: list[str], after: list[str]) -> None:
    found = answer(PLAIN, *before, "--", *after)
    program = ["--"] if before else ["e"]
    assert found["argv"] == program + (after or ([] if before else ["c"]))


def test_default_file_is_dockerfile(tmp_path: Path) -> None:
    folder(tmp_path, Dockerfile=PLAIN)
    assert real("explain", "--brief", cwd=tmp_path) == Ran(0, 'Dockerfile: ["e", "c"]\n', "")
    ran = real("explain", "--brief", "--", "x", cwd=tmp_path)
    assert ran == Ran(0, 'Dockerfile: ["e", "x"]\n', "")


def test_target() -> None:
    assert answer(STAGES)["argv"] == ["d"]
    assert answer(STAGES, "--target", "web")["argv"] == ["w"]
    ran = explained(STAGES, "--target", "nope")
    assert re.search(r"help: .*\bdb, web\b|help: .*\bweb, db\b", ran.err)


def test_build_args(monkeypatch: pytest.MonkeyPatch) -> None:
    source = b"ARG WHICH=web\n" + STAGES + b"FROM $WHICH\n"
    assert answer(source)["argv"] == ["w"]
    assert answer(source, "--build-arg", "WHICH=db")["argv"] == ["d"]
    # docker build --build-arg NAME takes the value from the environment, and nothing without one.
    monkeypatch.setenv("WHICH", "db")
    assert answer(source, "--build-arg", "WHICH")["argv"] == ["d"]
    monkeypatch.delenv("WHICH")
    assert answer(source, "--build-arg", "WHICH")["argv"] == ["w"]


@pytest.mark.parametrize(
    ("file", "keeps_shell"),
    [
        ("docker-28.5-inspect.json", True),
        ("docker-20.10-inspect.json", True),
        ("docker-28.5-inspect-config.json", True),
        ("podman-5.8-inspect.json", False),
        ("podman-3.0-inspect.json", False),
        ("skopeo-1.22-inspect-config-raw.json", True),
        ("skopeo-1.22-inspect-config.json", False),
    ],
)
def test_base_config_as_real_tools_print_it(file: str, keeps_shell: bool) -> None:
    option = ("--base-config", f"acme/base={DATA / file}", "--strict")
    found = answer(UNKNOWN, *option)
    # The image that was inspected: tests/bases/data/README.md.
    assert found["argv"] == ["docker-entrypoint.sh", "python3", "-q"]
    assert found["base"] == {"image": "acme/base", "origin": "given", "note": str(DATA / file)}
    shell = ["/bin/bash", "-o", "pipefail", "-c"] if keeps_shell else ["/bin/sh", "-c"]
    assert answer(UNKNOWN + b"CMD a b\n", *option)["argv"] == [
        "docker-entrypoint.sh",
        *shell,
        "a b",
    ]


@pytest.mark.parametrize(
    "file",
    [
        "docker-28.5-inspect-container.json",
        "docker-28.5-inspect-nothing.json",
        "podman-3.0-inspect-container.json",
        "skopeo-1.22-inspect-raw.json",
        "skopeo-1.22-inspect.json",
        "buildah-1.43-inspect.json",
        "README.md",
    ],
)
def test_base_config_that_says_something_else(file: str) -> None:
    ran = explained(UNKNOWN, "--base-config", f"acme/base={DATA / file}")
    assert (ran.code, ran.out) == (3, "")
    assert file in ran.err
    assert "help: " in ran.err


def test_base_config_given_twice() -> None:
    option = ("--base-config", f"acme/base={DATA / 'podman-5.8-inspect.json'}")
    assert explained(UNKNOWN, *option, *option).code == 2


def test_unknown_base_says_how_to_settle_it() -> None:
    out = explained(UNKNOWN + b"CMD a\n").out
    assert out.startswith('[<Entrypoint of acme/base>, <Shell of acme/base>, "a"]\n')
    assert "docker image inspect acme/base" in out
    assert "--base-config acme/base=" in out
    # A trigger of the base could set CMD after the base's own ENTRYPOINT.
    assert "ONBUILD" in explained(UNKNOWN + b"ENTRYPOINT a\n").out
    found = answer(UNKNOWN)
    assert found["argv"] is None
    assert found["unknown"] == [{"image": "acme/base", "keys": ["Entrypoint", "Cmd"]}]
    assert found["argv_template"] == [
        {"inherited": "Entrypoint", "from": "acme/base"},
        {"inherited": "Cmd", "from": "acme/base"},
    ]


def test_catalogue_can_be_left_out() -> None:
    # docker-library/python: CMD ["python3"] and no ENTRYPOINT, in every variant.
    source = b"FROM python:3.12\n"
    assert answer(source, "--strict")["argv"] == ["python3"]
    assert answer(source)["base"]["origin"] == "catalogue"
    ran = explained(source, "--strict", "--no-catalogue")
    assert ran.code == 4
    assert ran.out.startswith("[<Entrypoint of python:3.12>, <Cmd of python:3.12>]\n")


def test_entrypoint_and_init() -> None:
    # docker/cli: --entrypoint is one word, drops the image's CMD, and "" resets.
    assert answer(PLAIN, "--entrypoint", "a b")["argv"] == ["a b"]
    assert answer(PLAIN, "--entrypoint", "", "--", "x")["argv"] == ["x"]
    assert answer(PLAIN, "--entrypoint", "")["error"] == {
        "phase": "create",
        "code": "no-command-specified",
        "message": "no command specified",
    }
    assert explained(PLAIN, "--entrypoint", "").out.startswith("error at create: no command")
    # moby/moby daemon/oci_linux.go (withCommonOptions); containers/podman pkg/specgen/generate/oci.go
    assert answer(PLAIN, "--init")["argv"] == ["/sbin/docker-init", "--", "e", "c"]
    podman = answer(PLAIN, "--init", "--runtime", "podman")
    assert podman["argv"] == ["/run/podman-init", "--", "e", "c"]


@pytest.mark.parametrize("source", [PLAIN, b"FROM scratch\nCMD sleep 9 | cat\n"])
def test_with_init_the_program_is_not_pid_1(source: bytes) -> None:
    out = explained(source, "--init").out
    assert "/sbin/docker-init" in out.splitlines()[-1]
    assert "PID 1 is e" not in out
    assert "; PID 1: " not in out


def test_several_files_get_a_line_each(tmp_path: Path) -> None:
    root = folder(
        tmp_path,
        Dockerfile=PLAIN,
        Containerfile=STAGES,
        web__Dockerfile=UNKNOWN,
        **{
            "Dockerfile.bad": REJECTED,
            "api.Dockerfile": PLAIN,
            "Dockerfile.md": PLAIN,
            "Dockerfile.dockerignore": b"x",
            "node_modules__Dockerfile": PLAIN,
            ".git__Dockerfile": PLAIN,
            "other": PLAIN,
        },
    )
    ran = run("explain", str(root), "--format", "json")
    assert_valid("explain", ran.json)
    names = [Path(item["file"]).relative_to(root).as_posix() for item in ran.json]
    expected = ["Containerfile", "Dockerfile", "Dockerfile.bad", "api.Dockerfile", "web/Dockerfile"]
    assert names == expected
    assert [item["argv"] for item in ran.json] == [["d"], ["e", "c"], None, ["e", "c"], None]
    text = run("explain", str(root))
    assert (text.code, text.err) == (3, "")
    assert [line.partition(": ")[0] for line in text.out.splitlines()] == [
        item["file"] for item in ran.json
    ]
    assert "Dockerfile.bad: rejected: line 2: " in text.out
    assert run("explain", str(root), "--format", "markdown").out.count("### ") == 4


def test_shape_of_the_json_does_not_depend_on_what_a_folder_holds(tmp_path: Path) -> None:
    path = str(folder(tmp_path, Dockerfile=PLAIN) / "Dockerfile")
    assert isinstance(run("explain", path, "--format", "json").json, dict)
    for words in ([str(tmp_path)], [path, path], [str(tmp_path), path]):
        found = run("explain", *words, "--format", "json").json
        assert isinstance(found, list)
        assert_valid("explain", found)


def test_a_folder_without_dockerfile_beside_others_is_no_success(tmp_path: Path) -> None:
    root = folder(tmp_path, a__Dockerfile=PLAIN, b__readme=b"")
    ran = run("explain", str(root / "a"), str(root / "b"))
    assert ran.code == 3
    assert ran.out.splitlines()[1].startswith(f"{root / 'b'}: error: ")


def test_brief() -> None:
    assert explained(PLAIN, "--brief") == Ran(0, '-: ["e", "c"]\n', "")
    assert explained(REJECTED, "--brief").out.startswith("-: rejected: line 2: ")


def test_trace_shows_the_state_after_each_instruction() -> None:
    source = b'FROM scratch AS a\nCMD ["x"]\nFROM a\nSHELL ["s"]\nENTRYPOINT e f\nCMD ["y"]\n'
    lines = explained(source, "--trace").out.splitlines()
    at = {line: lines[i + 1].split("  ")[-3:] for i, line in enumerate(lines[:-1])}
    state = ["Entrypoint null", 'Cmd ["x"]', 'Shell ["s"]']
    assert at['line 4    SHELL ["s"]'] == [word.strip() and word for word in state]
    # ENTRYPOINT empties the inherited Cmd at once (moby/buildkit dispatchEntrypoint).
    assert at["line 5    ENTRYPOINT e f"] == ['Entrypoint ["s", "e f"]', "Cmd null", 'Shell ["s"]']


def test_what_if_tells_other_runs_and_where_it_differs() -> None:
    source = b'FROM scratch\nSHELL ["z"]\nCMD x y\n'
    out = explained(source, "--what-if").out
    # openshift/imagebuilder ignores SHELL for CMD; observed on Buildah 1.28.2.
    assert re.search(r'buildah@\S+.* \["/bin/sh", "-c", "x y"\]', out)
    assert "run --entrypoint '' IMAGE " in out
    found = answer(source, "--what-if")["variants"]
    assert {"run": "run IMAGE x y", "answer": '["x", "y"]'} in found["runs"]
    assert any("buildah@1.43" in item["profiles"] for item in found["profiles"])
    same = answer(PLAIN, "--what-if")["variants"]
    assert [item for item in same["profiles"] if "cri" not in str(item)] == []
    assert "every other profile gives the same" in explained(PLAIN, "--what-if").out
    assert "| " in explained(source, "--what-if", "--format", "markdown").out


def test_schema_is_printed() -> None:
    ran = run("explain", "--schema")
    assert ran == Ran(0, (SCHEMAS / "explain.schema.json").read_text(encoding="utf-8"), "")


def test_colour_only_on_a_terminal_that_wants_it() -> None:
    def coloured(env: dict[str, str], *, terminal: bool) -> bool:
        ran = run("explain", "-", stdin=PLAIN, env={"TERM": "xterm", **env}, terminal=terminal)
        return "\x1b[" in ran.out

    assert coloured({"NO_COLOR": ""}, terminal=True)  # no-color.org: present and not empty
    assert not coloured({"NO_COLOR": "1"}, terminal=True)
    assert not coloured({"NO_COLOR": "", "TERM": "dumb"}, terminal=True)
    assert not coloured({"NO_COLOR": ""}, terminal=False)


# --- hostile input ---------------------------------------------------------------------------------

_NASTY_BYTES = NASTY.encode("utf-8", "surrogateescape")
_HOSTILE = [
    b'FROM scratch\nCMD ["' + json.dumps(NASTY)[1:-1].encode() + b'", "x"]\n',
    b"FROM scratch\nCMD " + _NASTY_BYTES + b"\n",
    b"FROM scratch AS " + _NASTY_BYTES + b"\nCMD a\n",
    b"FROM acme/" + _NASTY_BYTES + b"\nCMD a\n",
    b"ARG X=" + _NASTY_BYTES + b"\nFROM ${X}\nCMD a\n",
    b"ARG X=" + _NASTY_BYTES + b"\nFROM ${X:?" + _NASTY_BYTES + b"}\nCMD a\n",
    b"FROM scratch\n" + _NASTY_BYTES + b" x\n",
    b"FROM scratch\nCMD --" + _NASTY_BYTES + b"=1 x\n",
    b"FROM scratch\nCOPY --from=" + _NASTY_BYTES + b" x y\nCMD a\n",
    b"FROM scratch\nONBUILD CMD " + _NASTY_BYTES + b"\nCMD a\n",
    b"FROM scratch\nSHELL [" + _NASTY_BYTES + b"]\n",
    b"# escape=" + _NASTY_BYTES + b"\nFROM scratch\nCMD a\n",
    b"FROM --platform=" + _NASTY_BYTES + b" scratch\nCMD a\n",
]


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("source", _HOSTILE)
def test_hostile_dockerfile_cannot_act_on_the_reader(source: bytes, output: str) -> None:
    for words in ((), ("--brief",), ("--trace", "--what-if"), ("--target", NASTY)):
        ran = explained(source, "--format", output, *words)
        assert ran.code in (0, 3)
        assert_harmless(ran.out, ran.err)
        if output == "json":
            assert ran.out.isascii()
            assert_valid("explain", ran.json)


@pytest.mark.parametrize("output", FORMATS)
def test_hostile_words_cannot_act_on_the_reader(output: str) -> None:
    form = ("--format", output)
    for words in (
        ("-", "--entrypoint", NASTY),
        ("-", "--", NASTY),
        (NASTY,),
        ("-", NASTY),
        ("-", "--target", NASTY),
        ("-", "--builder", NASTY),
        ("-", "--runtime", NASTY),
        ("-", "--builder", f"buildkit@{NASTY}"),
        ("-", "--base-config", NASTY),
        ("-", "--base-config", f"a={NASTY}"),
        ("-", "--base-config", f"{NASTY}=a"),
        ("-", "--build-arg", NASTY),
        ("-", "--platform", NASTY),
        ("-", "--format", NASTY),
        ("-", f"--{NASTY}"),
        ("-", f"-{NASTY}"),
        ("-", "--runtime", "compose", "--entrypoint", f'"{NASTY}'),
    ):
        ran = run("explain", *form, *words, stdin=PLAIN)
        assert ran.code in (0, 2, 3), words
        assert_harmless(ran.out, ran.err)


def test_hostile_file_name_and_base_config(tmp_path: Path) -> None:
    name = "Dockerfile.\x1b[31m\u202e"
    (tmp_path / name).write_bytes(PLAIN)
    (tmp_path / "b.json").write_text(json.dumps({"Cmd": [NASTY.replace("\udcff", "")], "User": ""}))
    for words in ([str(tmp_path / name)], [str(tmp_path)]):
        for output in FORMATS:
            ran = run("explain", *words, "--format", output)
            assert ran.code == 0
            assert_harmless(ran.out, ran.err)
    ran = explained(UNKNOWN, "--base-config", f"acme/base={tmp_path / 'b.json'}")
    assert ran.code == 0
    assert_harmless(ran.out)
    (tmp_path / "c.json").write_text(json.dumps({"Cmd": "x", NASTY: 1, "cmd": [NASTY]}))
    ran = explained(UNKNOWN, "--base-config", f"acme/base={tmp_path / 'c.json'}")
    assert ran.code == 3
    assert_harmless(ran.err)


def test_colours_are_the_only_escapes_on_a_terminal() -> None:
    for source in _HOSTILE:
        ran = run("explain", "-", "--trace", stdin=source, env={"TERM": "xterm"}, terminal=True)
        plain = re.sub(r"\x1b\[(?:0|1|2|33|1;31)m", "", ran.out + ran.err)
        assert_harmless(plain)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--brief",),
        ("--format", "json"),
        ("--format", "markdown", "--what-if"),
        ("--trace", "--what-if", "--builder", "classic@20.10", "--runtime", "podman"),
    ],
)
@settings(max_examples=25)
@given(
    source=sources, args=st.lists(st.text(max_size=5).filter(lambda t: "\0" not in t), max_size=2)
)
@example(source=b"", args=[])
@example(source=b"FROM a\nCMD \xed\xa0\x80", args=["\ud800"])
def test_any_bytes(words: tuple[str, ...], source: bytes, args: list[str]) -> None:
    ran = explained(source, *words, "--", *args)
    assert ran.code in (0, 3)
    assert_harmless(ran.out, ran.err)
    if "json" in words:
        assert_valid("explain", ran.json)
        assert ran.json["argv"] is None or "rules" in ran.json


@pytest.mark.parametrize("source", [*_HOSTILE[:3], PLAIN, REJECTED, b"", b"\xff\x00", UNKNOWN])
def test_real_process_never_shows_a_traceback(source: bytes) -> None:
    ran = real("explain", "-", "--trace", "--", _NASTY_BYTES.replace(b"\0", b""), stdin=source)
    assert ran.code in (0, 3)
    assert_harmless(ran.out, ran.err)


def test_every_rule_in_the_output_exists() -> None:
    out = explained(SHELL_ENTRY, "--what-if", "--trace").out
    found = set(re.findall(r"\b[A-Z]+-\d\d\b", out))
    assert found == set(answer(SHELL_ENTRY)["rules"]) <= set(RULES)


# --- help ------------------------------------------------------------------------------------------

COMMANDS = [
    *((), ("explain",), ("check",), ("diff",), ("emit",), ("emit", "structure-test"), ("scan",)),
    *(("table",), ("oracle",), ("rules",), ("claims",)),
    *(("vectors",), ("vectors", "list"), ("vectors", "export")),
    *(("verify",), ("verify", "report"), ("verify", "diff")),
]


def test_every_command_is_known_here() -> None:
    for command in COMMANDS:
        listed = re.search(r"\nCommands:\n(.*?)\n\n", run(*command, "--help").out, re.DOTALL)
        for name in re.findall(r"^  (\w+)", listed[1], re.MULTILINE) if listed else []:
            assert (*command, name) in COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example_that_works(command: tuple[str, ...], tmp_path: Path) -> None:
    ran = run(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Usage: entrysem" in ran.out
    text = re.search(r"\n\n  Example: ((?:.*\n)+)\Z", ran.out)
    assert text is not None
    typed = " ".join(text[1].split())
    assert " ".join(("entrysem", *command[:1])) in typed
    folder(tmp_path, Dockerfile=STAGES)
    script = f'entrysem() {{ {sys.executable} -m entrysem "$@"; }}\n{typed}'
    done = subprocess.run(
        ["/bin/bash", "-eo", "pipefail", "-c", script],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env=environment() | {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
    )
    if command[:1] == ("verify",):
        # There is no engine and no journal here: it is understood, and says what it lacks.
        assert done.returncode == 3
        assert re.search(rb"no Docker engine answers|ndjson", done.stdout + done.stderr)
        assert b"Traceback" not in done.stderr
        return
    if command[:1] == ("diff",):
        # There is no repository here: likewise.
        assert (done.returncode, b"Traceback" in done.stderr) == (3, False)
        return
    talks = command[:1] in (("check",), ("scan",))
    assert (done.returncode, b"" if talks else done.stderr) == (0, b"")
    files = [path for path in tmp_path.iterdir() if path.name != "Dockerfile"]
    assert done.stdout or all(path.stat().st_size for path in files)
