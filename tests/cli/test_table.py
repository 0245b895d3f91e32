"""The command line of `entrysem table`: streams, exit codes, and tables inside documents."""

from __future__ import annotations

import errno
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner, Result

from entrysem.cli.marked import find_marked
from entrysem.cli.table import register
from entrysem.presets import PRESETS
from entrysem.render.table import FORMATS, VIEWS, View, render
from entrysem.table import compute

DOCS = render(compute(PRESETS["docs"]), "github")


def run(*args: str, stdin: bytes | None = None) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    register(app)
    app.callback()(lambda: None)  # keeps `table` a subcommand, as in the application
    return CliRunner().invoke(app, ["table", *args], input=stdin)


def document(tmp_path: Path, text: str, name: str = "page.md") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def block(body: str, options: str = "--preset docs") -> str:
    return f"<!-- entrysem:table {options} -->\n{body}<!-- entrysem:end -->\n"


# --- printing --------------------------------------------------------------------------------------


def test_prints_the_lecture_by_default() -> None:
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == render(compute(PRESETS["lecture"]), "github")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("output", FORMATS)
def test_every_preset_in_every_format(preset: str, output: str) -> None:
    result = run("--preset", preset, "--format", output, "--view", "argv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == render(compute(PRESETS[preset]), output, "argv")


def test_options_reach_the_table() -> None:
    result = run(
        *("--preset", "docs", "--format", "json", "--view", "argv"),
        *("--cmd-words", "run me", "--entry-words", '["/app"]'),
        *("--shell", '["/bin/bash","-c"]', "--shell", "/bin/ash -c"),
        *("--args", '["x y"]', "--entrypoint", "", "--entrypoint", "e"),
        *("--builder", "buildah@1.28", "--runtime", "podman@4.3"),
    )
    found = json.loads(result.stdout)
    assert found["profile"] == {"builder": "buildah@1.28", "runtime": "podman@4.3"}
    assert [axis["name"] for axis in found["axes"]] == [
        "SHELL",
        "--entrypoint",
        "args",
        "CMD",
        "ENTRYPOINT",
    ]
    assert len(found["cells"]) == 2 * 2 * 1 * 3 * 3
    assert found["cells"][-1]["run"] == {"entrypoint": "e", "args": ["x y"]}
    assert found["cells"][-1]["argv"] == ["e", "x y"]
    assert found["cells"][0]["argv"] == ["x y"]


@pytest.mark.parametrize(
    ("args", "option"),
    [
        (["--preset", "nope"], "--preset"),
        (["--format", "nope"], "--format"),
        (["--view", "nope"], "--view"),
        (["--builder", "nope"], "--builder"),
        (["--runtime", "docker@x"], "version"),
        (["--shell", '["/bin/sh",]'], "--shell"),
        (["--shell", ""], "--shell"),
        (["--args", "'"], "--args"),
        (["--cmd-words", ""], "--cmd-words"),
        (["--entry-words", '["a\\nb"]'], "--entry-words"),
        (["--write"], "--check"),
        (["--check", "-", "--write"], "--write"),
        (["--check", "x", "--preset", "docs"], "--preset"),
        (["--nope"], "--nope"),
    ],
)
def test_usage_errors(args: list[str], option: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert option in result.stderr


def test_help_names_all_choices_and_ends_with_an_example_that_works() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for choices in (PRESETS, VIEWS, FORMATS):
        assert "|".join(choices) in result.stdout
    assert get_args(View) == VIEWS
    example = result.stdout.strip().split("\n")[-1].partition("entrysem table ")[2]
    assert run(*example.split()).exit_code == 0


def test_importing_the_command_is_cheap() -> None:
    # The application imports every command; none of them may pay for this one.
    code = "import sys, entrysem.cli.table as t\nprint(*{'tabulate', 'entrysem.table'} & {*sys.modules})"
    alone = [sys.executable, "-c", code]
    found = subprocess.run(alone, capture_output=True, text=True, check=True)
    assert found.stdout == "\n"


# --- checking --------------------------------------------------------------------------------------


def test_check_matches(tmp_path: Path) -> None:
    path = document(tmp_path, f"# Slides\n\n{block(DOCS)}\ntext\n")
    result = run("--check", str(path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{path}:3: matches\n"


def test_check_differs(tmp_path: Path) -> None:
    wrong = DOCS.replace(
        "exec_entry p1_entry exec_cmd p1_cmd ", "exec_cmd p1_cmd exec_entry p1_entry "
    )
    text = f"{block(DOCS)}\n{block(wrong)}"
    path = document(tmp_path, text)
    result = run("--check", str(path))
    assert result.exit_code == 1
    second = len(block(DOCS).split("\n")) + 1
    assert result.stdout == f"{path}:1: matches\n{path}:{second}: differs\n"
    lines = result.stderr.split("\n")
    assert f"--- {path}:{second + 1}" in lines
    assert [line[:24] for line in lines if line[:2] in ("-|", "+|")] == [
        '-| CMD ["exec_cmd", "p1_',
        '+| CMD ["exec_cmd", "p1_',
    ]
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize(
    ("start", "end", "output"),
    [
        ("<!-- entrysem:table {} -->", "<!-- entrysem:end -->", "html"),
        ("% entrysem:table {}", "% entrysem:end", "latex"),
        (".. entrysem:table {}\n", "\n.. entrysem:end", "rst"),
        ("[//]: # (entrysem:table {})\n", "\n[//]: # (entrysem:end)", "github"),
        ("{{# entrysem:table {} #}}", "{{# entrysem:end #}}", "plain"),
        ("/* entrysem:table {} */", "/* entrysem:end */", "json"),
        ("# entrysem:table {}", "# entrysem:end", "csv"),
        ("<!-- entrysem:table {} -->\n```text", "```\n<!-- entrysem:end -->", "grid"),
        ("<!--\nentrysem:table {}\n-->\n", "\n<!--\nentrysem:end\n-->", "html"),
        ("dnl entrysem:table {}", "dnl entrysem:end", "plain"),
        ("@c entrysem:table {}", "@c entrysem:end", "plain"),
    ],
)
def test_check_in_any_comment_syntax(tmp_path: Path, start: str, end: str, output: str) -> None:
    options = f"--preset docs --view argv --format {output} --args '[\"x\"]'"
    opening = start.format(options)
    body = run(
        *("--preset", "docs", "--view", "argv", "--format", output, "--args", '["x"]')
    ).stdout
    path = document(tmp_path, f"before\n{opening}\n{body}{end}\nafter\n")
    result = run("--check", str(path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(": matches\n")
    # What differs is replaced between the author's own lines, and then matches.
    good = path.read_bytes()
    path.write_bytes(good.replace(b"/bin/sh", b"/bin/hs"))
    assert run("--check", str(path)).exit_code == 1
    assert run("--check", str(path), "--write").exit_code == 0
    assert path.read_bytes() == good


def test_write_rewrites_only_what_differs(tmp_path: Path) -> None:
    keep = "\ufeff# T\r\n\r\nodd \x0b\u2028 bytes \r and é\r\n"
    good = DOCS.replace("\n", "\r\n")
    marks = "<!-- entrysem:table --preset docs -->\r\n{}<!-- entrysem:end -->\r\n"
    same = marks.format("\r\n\r\n" + DOCS + "\r\n")  # mixed line ends, and it says the same
    text = keep + same + marks.format("old\r\n") + "no end of line"
    path = document(tmp_path, text)
    result = run("--check", str(path), "--write")
    assert (result.exit_code, result.stderr) == (0, "")
    assert path.read_bytes() == (keep + same + marks.format(good) + "no end of line").encode()
    assert run("--check", str(path)).exit_code == 0
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert run("--check", str(path), "--write").exit_code == 0
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


@pytest.mark.parametrize(("blanks", "output"), [("", "github"), ("\n\n", "github"), ("", "html")])
def test_write_fills_an_empty_block(tmp_path: Path, blanks: str, output: str) -> None:
    options = f"--preset docs --format {output}"
    path = document(tmp_path, block(blanks, options))
    assert run("--check", str(path)).exit_code == 1
    assert run("--check", str(path), "--write").exit_code == 0
    table = render(compute(PRESETS["docs"]), output)
    body = f"\n{table}\n" if output == "github" else table
    assert path.read_text() == block(body, options)
    assert run("--check", str(path)).exit_code == 0


def test_a_block_is_indented_as_its_marker(tmp_path: Path) -> None:
    path = document(
        tmp_path, "  - item\n\n    <!-- entrysem:table -->\n    <!-- entrysem:end -->\n"
    )
    assert run("--check", str(path), "--write").exit_code == 0
    inside = path.read_text().split("\n")[4:10]
    assert all(line.startswith("    |") for line in inside)
    assert run("--check", str(path)).exit_code == 0


def test_write_keeps_mode_and_link(tmp_path: Path) -> None:
    path = document(tmp_path, block("x\n"))
    path.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(path)
    assert run("--check", str(link), "--write").exit_code == 0
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link.md", "page.md"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no table here\n", "nothing to check"),
        ("", "nothing to check"),
        (block(DOCS, "--preset nope"), "malformed marker"),
        (block(DOCS, "--nope"), "malformed marker"),
        (block(DOCS, "'--preset docs"), "malformed marker"),
        (block(DOCS, "--help"), "malformed marker"),
        (block(DOCS, "--check page.md"), "malformed marker"),
        (block(DOCS, "--check=page.md"), "malformed marker"),
        (block(DOCS, "extra"), "malformed marker"),
        ("<!-- entrysem:table -->\n", "without entrysem:end"),
        (f"<!-- entrysem:table -->\n{block(DOCS)}", "without entrysem:end"),
        (f"{block(DOCS)}<!-- entrysem:end -->\n", "without entrysem:table"),
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_nothing_to_check_or_malformed_is_3(
    tmp_path: Path, text: str, message: str, write: bool
) -> None:
    # A block that differs as well: 3 outweighs 1, and nothing is written.
    text += block("old\n") if "nothing" not in message else ""
    path = document(tmp_path, text)
    result = run("--check", str(path), *(["--write"] if write else []))
    assert result.exit_code == 3
    assert message in result.stderr
    assert path.read_bytes() == text.encode()


@pytest.mark.parametrize("kind", ["missing", "folder", "not utf-8", "nul in name"])
def test_unreadable_is_3(tmp_path: Path, kind: str) -> None:
    path = str(tmp_path / "x")
    if kind == "folder":
        path = str(tmp_path)
    elif kind == "not utf-8":
        Path(path).write_bytes(block(DOCS).encode() + b"\xff")
    elif kind == "nul in name":
        path = "a\0b"
    result = run("--check", path)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize("step", ["tempfile.mkstemp", "os.fsync"])
def test_unwritable_is_3(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = document(tmp_path, block("old\n"))
    monkeypatch.setattr(step, full)
    result = run("--check", str(path), "--write")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "cannot be written: No space left on device" in result.stderr
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [
        ("page.md", block("old\n"))
    ]


def test_several_files_and_stdin(tmp_path: Path) -> None:
    good = document(tmp_path, block(DOCS), "good.md")
    bad = document(tmp_path, block("old\n"), "bad.md")
    result = run("--check", str(good), "--check", str(bad))
    assert result.exit_code == 1
    assert result.stdout == f"{good}:1: matches\n{bad}:1: differs\n"
    result = run("--check", "-", stdin=block(DOCS).encode())
    assert (result.exit_code, result.stdout) == (0, "-:1: matches\n")


def test_a_mark_in_prose_is_reported_and_not_taken(tmp_path: Path) -> None:
    text = f"Write `<!-- entrysem:table -->` above it.\nSee entrysem:end below.\n{block(DOCS)}"
    path = document(tmp_path, text)
    result = run("--check", str(path))
    assert result.exit_code == 0
    assert result.stdout == f"{path}:3: matches\n"
    assert [line.split(": ")[0] for line in result.stderr.strip().split("\n")] == [
        f"{path}:1",
        f"{path}:2",
    ]


def test_control_characters_of_a_document_are_not_printed(tmp_path: Path) -> None:
    path = document(tmp_path, block("\x1b[2J\x07 old\n"))
    result = run("--check", str(path))
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr
    assert "\\u001b[2J\\u0007 old" in result.stderr


def test_find_marked_takes_longer_words_for_text() -> None:
    lines = ["<!-- entrysem:tables -->", "<!-- entrysem:end-of-it -->", "<!-- entrysem:table-x -->"]
    assert find_marked(lines) == ([], [], [])


def test_schema_prints_the_schema() -> None:
    result = run("--schema")
    assert (result.exit_code, result.stderr) == (0, "")
    path = Path(__file__).parents[2] / "spec" / "schema" / "table.schema.json"
    assert result.stdout == path.read_text(encoding="utf-8")
