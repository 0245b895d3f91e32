"""`entrysem check`: exit codes, streams, formats, configuration, fixes, and what hostile input does."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import NASTY, Ran, assert_harmless, assert_valid, real, run

FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")

CLEAN = b'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n'
#: ES004, an error with a fix that changes argv: moby/moby#39199.
QUOTES = b"FROM scratch\nCMD ['nginx', '-g']\n"
#: ES010, a warning: the last CMD counts (hadolint DL4003). Which one is meant, nobody knows.
TWICE = b'FROM scratch\nCMD ["a"]\nCMD ["b"]\n'
#: ES010 with a fix that leaves argv as it is.
SAME = b'FROM scratch\nCMD ["a"]\nCMD ["a"]\n'
REJECTED = b"FROM scratch\nCMD [1]\n"
UNKNOWN = b'FROM acme/base\nCMD ["c"]\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has an empty folder of its own, which is the root of a repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / ".git").mkdir()
    return tmp_path


def write(**files: bytes | str) -> None:
    for name, content in files.items():
        path = Path(name.replace("__", "/").replace("_DOT_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def check(*words: str, stdin: bytes = b"", **env: str) -> Ran:
    return run("check", *words, stdin=stdin, env=env)


def report(*words: str, stdin: bytes = b"") -> Any:
    ran = check("--format", "json", *words, stdin=stdin)
    assert_valid("check", ran.json)
    assert ran.json["exit_code"] == ran.code
    return ran.json


def kinds(document: Any) -> list[str]:
    return [each["kind"] for file in document["files"] for each in file["findings"]]


def config(text: str) -> None:
    Path(".entrysem.toml").write_text(text)


# Exit codes


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("source", "words", "code"),
    [
        (CLEAN, (), 0),
        (QUOTES, (), 1),
        (QUOTES, ("--no-fail",), 0),
        (QUOTES, ("--failure-threshold", "none"), 0),
        (TWICE, (), 1),
        (TWICE, ("-t", "error"), 0),
        (REJECTED, (), 3),
        (REJECTED, ("--no-fail",), 3),
        (CLEAN, ("--expect-argv", '["e", "c"]'), 0),
        (CLEAN, ("--expect-argv", '["e"]'), 1),
        (CLEAN, ("--expect-argv", '["e"]', "-t", "none"), 1),
        (CLEAN, ("--expect-argv", '["e", "x y"]', "--", "x y"), 0),
        (CLEAN, ("--expect-argv", '["s"]', "--entrypoint", "s"), 0),
        (b"FROM scratch\n", ("--expect-error", "no-command-specified"), 0),
        (UNKNOWN, ("--expect-argv", '["e", "c"]'), 0),
        (UNKNOWN, ("--expect-argv", '["e", "c"]', "--strict"), 4),
        (REJECTED, ("--expect-error", "array-of-non-strings"), 0),
    ],
)
def test_exit_codes(source: bytes, words: tuple[str, ...], code: int, output: str) -> None:
    write(Dockerfile=source)
    assert check("--format", output, *words).code == code


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "yaml"),
        ("-t", "fatal"),
        ("--expect-argv", "nginx"),
        ("--expect-argv", "[1]"),
        ("--expect-argv", "[]", "--expect-error", "x"),
        ("--entrypoint", "x"),
        ("--", "x"),
        ("--disable", "ES999"),
        ("--only", "nothing-such"),
        ("--builder", "nobody"),
        ("--supports", "nobody,docker"),
        ("--fix", "--diff"),
        ("--keep-argv",),
        ("--diff", "--format", "json"),
        ("--config", "x", "--no-config"),
        ("--show", "ES999"),
        ("--base-config", "nothing"),
        ("--jobs", "-1"),
        ("--fix", "-", "Dockerfile"),
    ],
)
def test_usage(words: tuple[str, ...]) -> None:
    write(Dockerfile=CLEAN)
    ran = check(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err


def test_nothing_to_check_is_no_success() -> None:
    ran = check()
    assert (ran.code, ran.out) == (3, "")
    assert "nothing to check" in ran.err
    write(_DOT_gitignore="Dockerfile\n", Dockerfile=CLEAN)
    ran = check()
    assert ran.code == 3
    assert "1 ignored by Git" in ran.err
    assert check("--no-gitignore").code == 0


@pytest.mark.parametrize("output", FORMATS)
def test_what_cannot_be_read_is_told_and_the_rest_is_checked(output: str) -> None:
    write(Dockerfile=QUOTES, b_DOT_Dockerfile=REJECTED)
    ran = check("--format", output, "gone", "Dockerfile", "b.Dockerfile", "nowhere/*")
    assert ran.code == 3
    for told in ("gone", "nowhere/", "array", "ES004"):
        assert told in ran.out


def test_streams() -> None:
    write(Dockerfile=QUOTES)
    ran = check()
    assert "ES004" in ran.out
    assert "1 error in 1 file" in ran.err
    assert check("--quiet").err == ""
    ran = check("--output", "report.txt")
    assert ran.out == ""
    assert "ES004" in Path("report.txt").read_text()
    assert check("--output", "no/where").code == 3


def test_standard_input() -> None:
    config('[[expect]]\npath = "web/*"\nargv = ["x"]\n')
    assert check("-", stdin=CLEAN).code == 0
    ran = check("-", "--stdin-filename", "web/Dockerfile", stdin=CLEAN)
    assert ran.code == 1
    assert ran.out.startswith("web/Dockerfile:3:1: error ES901")


def test_schema_list_and_show() -> None:
    assert json.loads(check("--schema").out)["title"].startswith("entrysem check")
    listed = check("--list").out
    assert "ES004  error" in listed
    assert "ES905" in listed
    assert check("--show", "es902").out.startswith("# ES902")
    assert check("--show", "looks-like-exec-form").out.startswith("# ES004")


# Configuration


def test_the_nearest_configuration_counts() -> None:
    write(
        Dockerfile=TWICE,
        a__Dockerfile=TWICE,
        a__b__Dockerfile=TWICE,
        a__b__pyproject_DOT_toml='[project]\nname = "x"\n',
        a__pyproject_DOT_toml='[tool.entrysem]\ndisable = ["ES010"]\n',
    )
    config('severity = {overwritten = "error"}\n')
    found = {file["file"]: file["findings"] for file in report()["files"]}
    assert [each["severity"] for each in found["Dockerfile"]] == ["error"]
    assert found["a/Dockerfile"] == []
    assert found["a/b/Dockerfile"] == []
    # A file of its own goes before the table of the project beside it.
    write(a___DOT_entrysem_DOT_toml="")
    found = {file["file"]: file["findings"] for file in report()["files"]}
    assert [each["severity"] for each in found["a/Dockerfile"]] == ["warning"]
    assert kinds(report("--no-config")) == ["ES010"] * 3
    write(other_DOT_toml='disable = ["ES010"]\n')
    assert kinds(report("--config", "other.toml")) == []


def test_nothing_above_the_repository_counts(here: Path) -> None:
    config('disable = ["ES010"]\n')
    inner = here / "inner"
    (inner / ".git").mkdir(parents=True)
    (inner / "Dockerfile").write_bytes(TWICE)
    assert kinds(report("inner")) == ["ES010"]
    (inner / ".git").rmdir()
    assert kinds(report("inner")) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("disable = 'x'", "disable must be a list of strings"),
        ("disable = ['ES999']", "no kind of finding 'ES999'"),
        ("disabel = []", "did you mean disable?"),
        ("severity = {ES001 = 'fatal'}", "severity.ES001 must be one of"),
        ("failure-threshold = 'never'", "failure-threshold must be one of"),
        ("strict = 1", "strict must be true or false"),
        ("builder = 'nobody'", "no builder 'nobody'"),
        ("profiles = ['nobody']", "no builder 'nobody'"),
        ("base-config = {'!' = 'x'}", "base-config must be a table of images"),
        ("files = {}", "files must be a list of tables"),
        ("[[files]]\ntarget = 'x'", "files[1] must have path"),
        ("[[files]]\npath = 'x'\nargv = []", "no key 'files[1].argv'"),
        ("[[expect]]\npath = 'x'", "expect[1] must have one of argv and error"),
        ("[[expect]]\npath = 'x'\nargv = []\nerror = 'x'", "must have one of argv and error"),
        ("[[expect]]\npath = ''\nargv = []", "expect[1].path must be a glob"),
        ("[[expect]]\npath = 'x'\nargv = 'nginx'", "expect[1].argv must be a list of strings"),
        ("x = ", "no TOML"),
        ("x = [" * 5000, "no TOML"),
    ],
)
def test_a_configuration_that_is_wrong(text: str, told: str) -> None:
    write(Dockerfile=CLEAN, a__Dockerfile=QUOTES, a___DOT_entrysem_DOT_toml="")
    config(text)
    ran = check()
    assert ran.code == 3
    assert told in ran.out
    assert "1 file was not checked" in ran.out
    assert "a/Dockerfile:2:6: error ES004" in ran.out
    assert check("--config", ".entrysem.toml").code == 2


def test_the_schema_of_the_configuration_knows_every_key() -> None:
    from entrysem.check import config as module
    from tests.cli.running import validator

    schema: Any = validator("check-config").schema
    assert set(schema["properties"]) == set(module._TOP)
    assert set(schema["properties"]["files"]["items"]["properties"]) == set(module._FILES)
    assert set(schema["properties"]["expect"]["items"]["properties"]) == set(module._EXPECT)


def test_settings_for_some_files() -> None:
    write(
        web__Dockerfile=b'FROM scratch AS prod\nCMD ["a"]\n'
        b'FROM scratch AS last\nENTRYPOINT ["e"]\nCMD b\n',
        base_DOT_json='{"config": {"Entrypoint": ["base"], "Cmd": ["x"]}}',
        db__Dockerfile=b"ARG WHAT=none\nFROM acme/$WHAT\n",
    )
    config("""
        [[files]]
        path = ["web/*", "nowhere"]
        target = "prod"
        [[files]]
        path = "/db/"
        build-args = {WHAT = "base"}
        base-config = {"acme/base" = "base.json"}
        [[expect]]
        path = "db/Dockerfile"
        argv = ["base", "x"]
        [[expect]]
        path = "web/Dockerfile"
        argv = ["a"]
    """)
    found = report("web", "db")
    assert found["exit_code"] == 0
    assert kinds(found) == []
    assert found["totals"]["kept"] == 2
    # Findings are looked for where something is expected, as well.
    with Path(".entrysem.toml").open("a") as file:
        file.write('[[expect]]\npath = "web/*"\ntarget = "last"\nargv = ["e"]\n')
    assert kinds(report("web")) == ["ES002", "ES901"]


def test_an_expectation_without_a_file_is_told() -> None:
    write(Dockerfile=CLEAN, web__Dockerfile=CLEAN)
    config('[[expect]]\npath = "wep/*"\nargv = ["x"]\n')
    assert kinds(report()) == ["ES905"]
    assert check().code == 1
    # Who checks one file does not ask about the others.
    assert kinds(report("Dockerfile")) == []


def test_excluded_files() -> None:
    write(Dockerfile=CLEAN, vendor__Dockerfile=QUOTES)
    config('exclude = ["vendor/"]\n')
    assert kinds(report()) == []
    assert kinds(report("vendor/Dockerfile")) == ["ES004"]
    ran = check("vendor/Dockerfile", "--force-exclude")
    assert ran.code == 0
    assert "1 excluded" in ran.err
    assert check("vendor").code == 3


def test_comments() -> None:
    text = b"# entrysem: ignore-file=ES010 history\n" + TWICE
    write(Dockerfile=text)
    found = report()
    assert kinds(found) == []
    [ignored] = found["files"][0]["ignored"]
    assert (ignored["kind"], ignored["comment"], ignored["reason"]) == ("ES010", 1, "history")
    write(Dockerfile=text + b"# entrysem: ignore-file=ES004\n")
    assert kinds(report()) == ["ES902"]
    assert kinds(report("--require-reason")) == ["ES902", "ES903"]


def test_supported_profiles() -> None:
    # Buildah ignores SHELL in CMD (openshift/imagebuilder#154).
    write(Dockerfile=b'FROM scratch\nSHELL ["/s", "-c"]\nCMD a b\n')
    assert "ES015" not in kinds(report())
    config('profiles = ["podman"]\n')
    assert "ES015" in kinds(report())
    assert "ES015" in kinds(report("--no-config", "--supports", "buildah"))


def test_only_and_disable() -> None:
    write(Dockerfile=QUOTES, b_DOT_Dockerfile=TWICE)
    assert kinds(report("--only", "ES010")) == ["ES010"]
    assert "ES010" not in kinds(report("--disable", "overwritten"))


def test_a_baseline() -> None:
    write(Dockerfile=TWICE)
    check("--format", "json", "-o", "known.json", "--no-fail")
    assert check("--baseline", "known.json").code == 0
    write(Dockerfile=b"# moved\n\n" + TWICE)
    assert check("--baseline", "known.json").code == 0
    write(Dockerfile=TWICE + b'CMD ["c"]\n')
    assert kinds(report("--baseline", "known.json")) == ["ES010"]
    for bad in ("[]", "{", '{"schema_version": 2, "files": []}'):
        Path("bad.json").write_text(bad)
        assert check("--baseline", "bad.json").code == 3


# Fixes


def test_a_diff_is_one_that_git_applies() -> None:
    write(Dockerfile=QUOTES, b_DOT_Dockerfile=SAME.rstrip(), c_DOT_Dockerfile=SAME)
    ran = check("--diff", "--no-config")
    assert ran.code == 1
    assert Path("Dockerfile").read_bytes() == QUOTES
    Path(".git").rmdir()
    done = subprocess.run(["git", "apply", "-"], input=ran.out.encode(), check=False)
    assert done.returncode == 0
    assert Path("Dockerfile").read_bytes() == b'FROM scratch\nCMD ["nginx", "-g"]\n'
    assert check("--diff").out == ""


def test_fixing() -> None:
    write(Dockerfile=QUOTES, b_DOT_Dockerfile=SAME, c_DOT_Dockerfile=REJECTED)
    ran = check("--fix", "--keep-argv", "Dockerfile", "b.Dockerfile")
    assert ran.code == 1
    assert Path("Dockerfile").read_bytes() == QUOTES
    assert Path("b.Dockerfile").read_bytes() == b'FROM scratch\nCMD ["a"]\n'
    ran = check("--fix", "Dockerfile", "c.Dockerfile")
    assert ran.code == 3
    assert "fixed ES004" in ran.out
    assert "argv changes" in ran.out
    assert Path("Dockerfile").read_bytes() == b'FROM scratch\nCMD ["nginx", "-g"]\n'
    assert Path("c.Dockerfile").read_bytes() == REJECTED
    assert check("Dockerfile", "--expect-argv", '["nginx", "-g"]').code == 0


def test_fixing_keeps_mode_and_links() -> None:
    write(real__Dockerfile=QUOTES, hard__Dockerfile=QUOTES)
    Path("real/Dockerfile").chmod(0o751)
    Path("link.Dockerfile").symlink_to("real/Dockerfile")
    os.link("hard/Dockerfile", "twin.Dockerfile")
    assert check("--fix", "link.Dockerfile", "twin.Dockerfile").code == 0
    assert Path("link.Dockerfile").is_symlink()
    assert b'["nginx", "-g"]' in Path("real/Dockerfile").read_bytes()
    assert stat.S_IMODE(Path("real/Dockerfile").stat().st_mode) == 0o751
    assert Path("twin.Dockerfile").samefile("hard/Dockerfile")
    assert b'["nginx", "-g"]' in Path("hard/Dockerfile").read_bytes()
    assert [path.name for path in Path("real").iterdir()] == ["Dockerfile"]


def test_one_file_under_two_names_is_fixed_once() -> None:
    write(real__Dockerfile=QUOTES)
    Path("link.Dockerfile").symlink_to("real/Dockerfile")
    assert check("--fix").code == 0
    assert Path("real/Dockerfile").read_bytes() == b'FROM scratch\nCMD ["nginx", "-g"]\n'


def test_what_a_comment_answers_is_not_fixed() -> None:
    text = b"FROM scratch\n# entrysem: ignore=ES004 on purpose\nCMD ['nginx', '-g']\n"
    write(Dockerfile=text)
    assert check("--fix").code == 0
    assert Path("Dockerfile").read_bytes() == text


def test_standard_input_is_fixed_to_standard_output() -> None:
    ran = check("--fix", "-", stdin=QUOTES)
    assert (ran.code, ran.out) == (0, 'FROM scratch\nCMD ["nginx", "-g"]\n')
    assert "fixed ES004" in ran.err
    assert check("--fix", "-", stdin=REJECTED).out == REJECTED.decode()
    assert check("--fix", "-", stdin=CLEAN).out == CLEAN.decode()
    assert check("--fix", "-", stdin=REJECTED).code == 3


def test_a_file_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    write(Dockerfile=QUOTES)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("entrysem.check.fixing.tempfile.mkstemp", refuse)
    ran = check("--fix")
    assert ran.code == 3
    assert "No space left" in ran.out
    assert Path("Dockerfile").read_bytes() == QUOTES


# Many files, and hostile ones


def test_the_order_does_not_depend_on_the_jobs() -> None:
    for number in range(60):
        source = (CLEAN, QUOTES, TWICE, REJECTED)[number % 4]
        write(**{f"d{number:02}__Dockerfile": source})
    texts = {check("--format", "json", "--jobs", jobs).out for jobs in "124"}
    assert len(texts) == 1
    assert len(json.loads(texts.pop())["files"]) == 60


@pytest.fixture
def hostile() -> None:
    names = [
        b"x\x1b[31m\n\xff.Dockerfile",
        b"a,b:c%0A::error::.Dockerfile",
        "\u202ex.Dockerfile".encode(),
    ]
    text = f"FROM scratch\nCMD ['{NASTY}', 'x']\n".encode("utf-8", "surrogateescape")
    for name in names:
        Path(os.fsdecode(name)).write_bytes(text)
    rejected = b'FROM scratch\nCMD ["\xff", 1]\n'
    Path(os.fsdecode(b"r\x1b.Dockerfile")).write_bytes(rejected)


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.usefixtures("hostile")
def test_nothing_hostile_gets_through(output: str) -> None:
    ran = check("--format", output)
    assert ran.code == 3
    assert_harmless(ran.out, ran.err)
    assert "ES004" in ran.out


@pytest.mark.usefixtures("hostile")
def test_the_schema_holds_for_hostile_files() -> None:
    assert len(report()["files"]) == 4


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\0",
        b"\xff" * 100,
        b"FROM scratch\nCMD " + b"[" * 100_000,
        b"FROM scratch\nCMD ['" + b"x" * 1_000_000 + b"']\n",
        b"FROM scratch\n" + b"# entrysem: ignore=ES004\n" * 1000,
        b"FROM scratch\n# entrysem: ignore=" + b"A," * 100_000 + b"\nCMD x\n",
    ],
)
def test_strange_files_end_in_an_answer(source: bytes) -> None:
    write(Dockerfile=source)
    ran = check("--format", "json")
    assert_valid("check", ran.json)
    assert ran.code in (0, 1, 3)


def test_as_a_process(here: Path) -> None:
    write(Dockerfile=QUOTES, b_DOT_Dockerfile=REJECTED)
    ran = real("check", "--jobs", "2", cwd=here)
    assert ran.code == 3
    assert "ES004" in ran.out
