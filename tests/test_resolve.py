"""The one function, its steps and its rules."""

from __future__ import annotations

import pytest

from entrysem import (
    RULES,
    DockerfileError,
    ImageConfig,
    InputError,
    Profile,
    RunOptions,
    build_image,
    parse_dockerfile,
    resolve,
)
from entrysem.rules import get_rule
from entrysem.trace import spell

TEXT = 'FROM scratch AS a\nCMD ["c"]\nFROM a\nENTRYPOINT ["e"]\n'


def test_the_documented_example() -> None:
    """The oracle's example in the design."""
    image = build_image(TEXT)
    assert image.config == ImageConfig(entrypoint=("e",), args_escaped=True)
    assert image.run().argv == ("e",)
    assert image.run(RunOptions(args=("x",))).argv == ("e", "x")
    error = image.run(RunOptions(entrypoint="")).error
    assert error is not None
    assert (error.phase, error.code) == ("create", "no-command-specified")
    assert image.run(RunOptions(entrypoint=("f", "g"))).argv == ("f", "g")
    assert {"BUILD-02", "MERGE-01"} <= set(image.run().rules)


def test_steps_tell_before_and_after() -> None:
    steps = {step.rule: step for step in resolve(TEXT).steps}
    reset = steps["BUILD-02"]
    assert (reset.field, reset.before, reset.after) == ("Cmd", ("c",), None)
    assert reset.span is not None
    assert (reset.span.line, reset.stage, reset.instruction) == (4, 1, 'ENTRYPOINT ["e"]')
    assert '["c"]' in reset.sentence
    assert steps["BUILD-07"].config == (None, ("c",), None)


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("\ufeffFROM scratch\nCMD a\n", {"FORM-01"}),
        ("FROM scratch\nCMD a\r\n", {"FORM-01"}),
        ("# escape=`\nFROM scratch\nCMD a\n", {"FORM-03"}),
        ("FROM scratch\nCMD a \\\n# c\n b\n", {"FORM-04", "FORM-05"}),
        ("FROM scratch\ncmd a\n", {"FORM-06"}),
        ("FROM scratch\nCMD -- a\n", {"FORM-07"}),
        ('FROM scratch\nCMD ["a", "b"]\n', {"FORM-08"}),
        ("FROM scratch\nCMD []\n", {"FORM-08", "BUILD-14"}),
        ("FROM scratch\nCMD a $X\n", {"FORM-09", "FORM-14"}),
        ('FROM scratch\nCMD ["a"] x\n', {"FORM-09", "FORM-11"}),
        ('FROM scratch\nCMD ["\\u0041"]\n', {"FORM-08", "FORM-12"}),
        ("FROM scratch\nCMD cat <<E\n", {"FORM-13"}),
        ("FROM scratch\nCMD\n", {"FORM-15"}),
        ('FROM scratch\nSHELL ["a"]\nCMD b\n', {"BUILD-05", "BUILD-04"}),
        ("FROM scratch\nONBUILD CMD a\nCMD b\n", {"BUILD-11"}),
        ("ARG X=scratch\nFROM $X\nCMD b\n", {"BUILD-10"}),
    ],
)
def test_reading_is_told(text: str, rules: set[str]) -> None:
    assert rules <= set(resolve(text).rules)


def test_dropped_text_is_told() -> None:
    answer = resolve('FROM scratch\nCMD ["a"] x\n', profile=Profile.parse("buildkit@0.14"))
    assert answer.argv == ("a",)
    assert any(step.rule == "FORM-11" and "x" in step.sentence for step in answer.steps)


def test_a_trigger_has_no_span() -> None:
    answer = resolve("FROM b\n", bases={"b": ImageConfig(onbuild=('CMD ["t"]',))})
    step = next(step for step in answer.steps if step.rule == "BUILD-01")
    assert step.span is None
    assert step.instruction == 'CMD ["t"]'


def test_a_target_is_told() -> None:
    assert "BUILD-13" in resolve(TEXT, target="a").rules


def test_a_parsed_file_is_read_again_for_another_grammar() -> None:
    parsed = parse_dockerfile('FROM scratch\nCMD ["a"] x\n')
    assert resolve(parsed).argv == ("/bin/sh", "-c", '["a"] x')
    assert resolve(parsed, profile=Profile.parse("buildkit@0.13")).argv == ("a",)


@pytest.mark.parametrize(
    ("syntax", "builder", "exec_form"),
    [
        ("docker/dockerfile:1.4", "buildkit", True),
        ("docker/dockerfile:1.8.1@sha256:00", "buildkit", True),
        ("docker/dockerfile:1.9", "buildkit", False),
        ("docker/dockerfile:1", "buildkit@0.8", False),
        ("docker/dockerfile", "buildkit@0.8", False),
        ("example.com:5000/docker/dockerfile:1.9-labs", "buildkit@0.8", False),
        ("docker/dockerfile:1.4", "classic", False),
        ("acme/frontend:1.4", "buildkit", False),
    ],
)
def test_syntax_hands_the_file_to_another_frontend(
    syntax: str, builder: str, exec_form: bool
) -> None:
    text = f'# syntax={syntax}\nFROM scratch\nCMD ["a"] x\n'
    answer = resolve(text, profile=Profile.parse(builder))
    assert answer.argv == (("a",) if exec_form else ("/bin/sh", "-c", '["a"] x'))
    told = [step.sentence for step in answer.steps if "frontend" in step.sentence]
    assert bool(told) is (builder != "classic")
    assert bool(answer.assumptions) is syntax.startswith("acme")


def test_no_directive_is_no_frontend() -> None:
    assert resolve("# a comment\nFROM scratch\nCMD a\n").argv == ("/bin/sh", "-c", "a")


def test_bases_as_mapping_and_function() -> None:
    known = ImageConfig(cmd=("c",))
    assert resolve("FROM b\n", bases={"b": known}).argv == ("c",)
    assert resolve("FROM other\n", bases={"b": known}).argv is None


def test_assumptions_are_told_where_they_matter() -> None:
    text = 'FROM acme/x\nENTRYPOINT ["e"]\n'
    assert resolve(text).assumptions
    assert not resolve(text, RunOptions(args=("x",))).assumptions
    assert not resolve(text, RunOptions(entrypoint="f")).assumptions
    assert not resolve(ImageConfig(("e",))).assumptions


def test_steps_of_an_image_config_are_those_of_the_run() -> None:
    assert resolve(ImageConfig(("e",))).rules == ("MERGE-01", "SHELL-05")


def test_reprs() -> None:
    assert repr(resolve(ImageConfig(("e",)))) == "<Resolution: ('e',)>"
    assert "no-command" in repr(resolve(ImageConfig()))
    assert repr(parse_dockerfile("FROM a\nCMD b\n")) == "<Dockerfile: 1 stages, 2 instructions>"


def test_spelling() -> None:
    assert spell(None) == "nothing"
    assert spell(()) == "[]"
    assert spell(("a", "\n")) == '["a", "\\n"]'


def test_rules() -> None:
    assert get_rule("build-02").id == "BUILD-02"
    assert RULES["SHELL-01"].document == "shell.md"
    with pytest.raises(InputError, match="no rule"):
        get_rule("BUILD-99")


def test_no_shell_view_without_an_argv() -> None:
    assert resolve("FROM acme/x\n").shell is None
    assert resolve(ImageConfig()).shell is None
    assert resolve(ImageConfig(("/bin/sh", "-c", "x"))).shell is not None


def test_errors_are_errors() -> None:
    with pytest.raises(DockerfileError):
        resolve("FOO\n")
