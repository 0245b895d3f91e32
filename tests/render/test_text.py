"""The text for a person: the answer first, then why, with file and line, then who gets SIGTERM."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from entrysem import ImageConfig, InputError, Profile, Resolution, RunOptions, resolve
from entrysem.errors import EntrysemError
from entrysem.render import text
from entrysem.render.text import Style
from tests.cli.running import NASTY, assert_harmless

PLAIN = Style(colour=False)
COLOUR = Style(colour=True)


def shown(
    source: str | ImageConfig,
    *args: str,
    style: Style = PLAIN,
    entrypoint: str | None = None,
    init: bool = False,
    builder: str = "buildkit",
    target: str | None = None,
) -> str:
    run = RunOptions(args=args or None, entrypoint=entrypoint, init=init)
    resolution = resolve(source, run, profile=Profile.parse(builder), target=target)
    return text.explanation(resolution, "Dockerfile", style)


def problem(source: str, name: str = "Dockerfile", style: Style = PLAIN) -> str:
    with pytest.raises(EntrysemError) as caught:
        resolve(source)
    return text.problem(caught.value, name, style)


LECTURE = 'FROM scratch\nENTRYPOINT exec_entry p1_entry\nCMD ["exec_cmd", "p1_cmd"]\n'


def test_first_line_is_the_argv_as_json() -> None:
    first, second = shown(LECTURE).splitlines()[:2]
    assert json.loads(first) == ["/bin/sh", "-c", "exec_entry p1_entry", "exec_cmd", "p1_cmd"]
    # The other view, DESIGN.md section 1.
    assert second.startswith('  effective: ["/bin/sh", "-c", "exec_entry p1_entry"]')


def test_each_applied_rule_stands_below_its_line() -> None:
    resolution = resolve(LECTURE)
    out = text.explanation(resolution, "Dockerfile", PLAIN)
    assert set(re.findall(r"[A-Z]+-\d\d", out)) == set(resolution.rules)
    at: dict[str, list[str]] = {}
    line = ""
    for row in out.splitlines():
        if match := re.match(r"  (\d) \| (.*)", row):
            line = match[2]
        at.setdefault(line, []).extend(re.findall(r"^ {8}([A-Z]+-\d\d) ", row))
    for step in resolution.steps:
        if step.span is not None:
            assert step.rule in at[step.instruction]


def test_parts_stand_in_order() -> None:
    out = shown(LECTURE, "x")
    places = [
        *(out.index("Dockerfile  (buildkit@"), out.index("  1 | FROM scratch")),
        *(
            out.index("  2 | ENTRYPOINT"),
            out.index("  3 | CMD"),
            out.index("run IMAGE x  (docker@"),
        ),
        *(out.index("MERGE-01"), out.index("SHELL-01"), out.index("SHELL-05")),
    ]
    assert places == sorted(places)


def test_lines_without_effect_are_left_out() -> None:
    out = shown('FROM scratch\n\n# note\nRUN true\nENV A=b\nCMD ["c"]\n')
    assert re.findall(r"^  (\d) \|", out, re.MULTILINE) == ["1", "6"]


def test_continued_instruction_is_shown_whole_and_once() -> None:
    out = shown('FROM scratch\nCMD ["a", \\\n# why\n  "b"]\n')
    assert '  2 | CMD ["a", \\\n  3 | # why\n  4 |   "b"]\n' in out


def test_a_line_stands_once() -> None:
    out = shown("FROM scratch AS web\nCMD a\nFROM web\nCMD b\n", target="web")
    assert out.count(" | FROM scratch AS web") == 1
    assert "BUILD-13" in out.partition(" | CMD a")[0]


def test_array_that_is_none_is_marked() -> None:
    out = shown("FROM scratch\nCMD ['a', \"b\"]\n")
    line, under = _marked(out)
    assert line[under.index("^")] == "'"
    assert "double quotes" in out


def _marked(out: str) -> tuple[str, str]:
    rows = out.splitlines()
    at = next(index for index, row in enumerate(rows) if row.rstrip().endswith("^"))
    return rows[at - 1][6:], rows[at][6:]


def test_endless_source_line_is_cut() -> None:
    out = shown("FROM scratch\nCMD echo " + "x" * 20_000 + "\n")
    row = next(line for line in out.splitlines() if line.startswith("  2 | CMD echo"))
    assert len(row) < 600
    assert "more)" in row
    assert json.loads(out.splitlines()[0])[2] == "echo " + "x" * 20_000


@pytest.mark.parametrize(
    ("more", "typed"),
    [
        ({}, "run IMAGE"),
        ({"init": True}, "run --init IMAGE"),
        ({"entrypoint": "a b"}, "run --entrypoint 'a b' IMAGE"),
        ({"entrypoint": ""}, "run --entrypoint '' IMAGE"),
    ],
)
def test_run_as_one_would_type_it(more: dict[str, Any], typed: str) -> None:
    assert f"\n{typed}  (docker@" in shown(LECTURE, **more)
    assert f"\n{typed} '' \"it's\" x  (docker@" in shown(LECTURE, "", "it's", "x", **more).replace(
        "'it'\"'\"'s'", '"it\'s"'
    )


def test_list_as_entrypoint() -> None:
    out = text.explanation(resolve(LECTURE, RunOptions(entrypoint=("a", "b"))), "x", PLAIN)
    assert '\nrun entrypoint ["a", "b"] IMAGE  (docker@' in out


def test_image_config_has_no_file() -> None:
    out = shown(ImageConfig(entrypoint=("e",), cmd=("c",)))
    assert out.startswith('["e", "c"]\n\nrun IMAGE  (docker@')


def test_no_command_and_no_program() -> None:
    assert shown("FROM scratch\nLABEL a=b\n").startswith("error at create: no command specified\n")
    first = shown('FROM scratch\nCMD ["", "x"]\n').splitlines()[0]
    assert first.startswith('["", "x"]  error at start: ')
    assert "PID 1" not in shown('FROM scratch\nCMD ["", "x"]\n')


def test_unknown_parts_are_named_once_an_image() -> None:
    out = shown("FROM acme/base\nLABEL a=b\n")
    assert "  unknown: Entrypoint and Cmd, inherited from acme/base\n" in out
    assert out.count("docker image inspect acme/base") == 1


def test_words_for_the_shell() -> None:
    ignored = shown(LECTURE)
    assert "$0=exec_cmd $1=p1_cmd: the script ignores them  SHELL-02" in ignored
    # Observed with dash, bash and busybox ash: prints c1.
    used = shown('FROM scratch\nENTRYPOINT echo $0\nCMD ["c1"]\n')
    assert "$0=c1: the script uses them" in used
    assert "SHELL-02" not in used


@pytest.mark.parametrize(
    ("shell", "script", "told"),
    [
        # Measured on Debian 12 (semantics.md): dash stays, bash and ash let the program take over.
        ("/bin/dash", "sleep 9", "PID 1: the shell, with dash"),
        ("/bin/bash", "sleep 9", "PID 1: the program, with bash"),
        ("/bin/bash", "sleep 9 | cat", "PID 1: the shell, with bash"),
        ("/bin/sh", "exec sleep 9", "PID 1: the program, with "),
        ("/bin/sh", "sleep 9", "PID 1: the program with "),
        ("/bin/zsh", "sleep 9", "was not measured with this shell"),
    ],
)
def test_who_is_pid_1(shell: str, script: str, told: str) -> None:
    out = shown(f'FROM scratch\nCMD ["{shell}", "-c", "{script}"]\n')
    assert told in out
    assert ("SHELL-05" in out) == (shell != "/bin/zsh")
    assert "child of the init" in shown(ImageConfig(cmd=("/bin/bash", "-c", script)), init=True)


def test_program_without_shell_is_pid_1() -> None:
    assert "\nPID 1 is c; docker stop signals it directly  SHELL-05\n" in shown(
        'FROM scratch\nCMD ["c"]\n'
    )
    assert "\nPID 1 is /sbin/docker-init; " in shown('FROM scratch\nCMD ["c"]\n', init=True)


def test_shell_without_script() -> None:
    out = shown("FROM scratch\nCMD\n", builder="classic")
    assert "no script, and fails  SHELL-03" in out


def test_what_was_only_read_in_a_source_says_so() -> None:
    source = 'FROM scratch\nSHELL ["a","b","c"]\nCMD x\nENTRYPOINT y\n'
    assert "not seen on an engine" in shown(source, builder="kaniko")
    assert "not seen on an engine" not in shown(source)


def test_colour_adds_nothing_but_colour() -> None:
    for source in (LECTURE, "FROM acme/base\n", "FROM scratch\nCMD ['a']\n"):
        coloured = shown(source, style=COLOUR)
        assert "\x1b[1m" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == shown(source)
    bad = "FROM scratch\nCMD [1]\n"
    assert re.sub(r"\x1b\[[0-9;]*m", "", problem(bad, style=COLOUR)) == problem(bad)


def test_problem_tells_where_what_why_and_what_to_do() -> None:
    lines = problem("FROM scratch\nCMD [1]\n", "a/Dockerfile").splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1:4] == ["  --> a/Dockerfile:2:6", "  2 | CMD [1]", "    |      ^"]
    assert lines[4].startswith("  rule: FORM-10 (array-of-non-strings, at parse)")
    assert lines[5].startswith("  help: ")


def test_problem_without_a_place() -> None:
    lines = problem("").splitlines()
    assert lines[1] == "  --> Dockerfile"
    assert "BUILD-08" in lines[2]
    other = text.problem(InputError("x", "wrong", where="file.json", hint=None), "", PLAIN)
    assert other == "error: wrong\n  --> file.json\n"


def test_problem_in_an_endless_line() -> None:
    for before in ("", '"' + "a" * 3000 + '", ', '"a", ' * 700):
        lines = problem(f"FROM scratch\nCMD [{before}1{' ' * 3000}]\n").splitlines()
        assert len(lines[2]) <= 510
        assert lines[2][lines[3].index("^")] == "1"


def test_trace_has_the_state_after_each_instruction() -> None:
    source = 'FROM scratch AS a\nONBUILD CMD ["t"]\nFROM a\nENTRYPOINT ["e"]\n'
    rows = text.trace_table(resolve(source), PLAIN).splitlines()
    states = dict(zip(rows[::2], rows[1::2], strict=True))
    assert states["line 3    FROM a"].split("  ")[-3:] == [
        "Entrypoint null",
        "Cmd null",
        "Shell null",
    ]
    # The trigger runs first in the child, so its CMD is the stage's own and survives ENTRYPOINT.
    (trigger,) = (row for row in states if row.startswith("trigger"))
    assert 'Cmd ["t"]' in states[trigger]
    assert 'Entrypoint ["e"]  Cmd ["t"]' in states['line 4    ENTRYPOINT ["e"]']
    assert text.trace_table(resolve(ImageConfig()), PLAIN) == ""


def test_variants_are_padded() -> None:
    rows = [("a", "[1]"), ("bbb", "[2]")]
    assert text.variants_table(rows, "title", PLAIN) == "title\n  a    [1]\n  bbb  [2]\n"
    assert text.variants_table([], "title", PLAIN) == "title\n"


def test_nothing_raw() -> None:
    nasty = NASTY.replace("\r", "")
    for source in (
        f"FROM {nasty}\nCMD a\n",
        f"FROM scratch\nCMD {nasty}\nENTRYPOINT {nasty}\n",
        f"FROM scratch\nONBUILD CMD {nasty}\nSHELL [{json.dumps(nasty)}]\nCMD a\n",
        f"FROM scratch\nCMD ['{nasty}']\n",
    ):
        try:
            found: Resolution = resolve(source, RunOptions(args=(nasty,), entrypoint=None))
        except EntrysemError as error:
            assert_harmless(text.problem(error, nasty, PLAIN))
            continue
        assert_harmless(text.explanation(found, nasty, PLAIN), text.trace_table(found, PLAIN))
