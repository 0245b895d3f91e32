"""Stacks. Expected values: docker/cli 28f756087eea5fa301f3fbf12b01ae62f91521c2 cli/compose (loader, template
and their tests), google/shlex shlex_test.go, moby daemon/cluster/executor/container/container.go 236-246.
"""

from __future__ import annotations

import pytest

from entrysem.errors import InputError
from entrysem.inputs.googleshlex import shlex_split
from entrysem.inputs.subject import Subject
from entrysem.inputs.swarm import read_stack
from entrysem.model import ImageConfig
from entrysem.resolve import resolve

INVALID = ["${", "$}", "${}", "${ }", "${ foo}", "${foo }", "${foo!}"]
CONFIG = ImageConfig(entrypoint=("ep",), cmd=("cmd",))


def read(service: str, **env: str) -> Subject:
    text = f"services:\n  web:\n    image: acme/app\n{service}"
    (subject,) = read_stack(text.encode(), where="stack.yml", env=env)
    return subject


#: google/shlex 17e8327d9658d49da722e7d5628c70cd4b449100 shlex_test.go: the first; the rest by shlex.go, as
#: docker/cli vendors it.
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'one two "three four" "five \\"six\\"" seven#eight # nine # ten\n eleven \'twelve\\\'',
            ("one", "two", "three four", 'five "six"', "seven#eight", "eleven", "twelve\\"),
        ),
        ("", ()),
        ("''", ("",)),
        ('"\\a"', ("a",)),
        ("a;b | c && d", ("a;b", "|", "c", "&&", "d")),
    ],
)
def test_google_shlex(text: str, words: tuple[str, ...]) -> None:
    assert shlex_split(text) == words


@pytest.mark.parametrize("text", ["'a", '"a', "a\\"])
def test_what_google_shlex_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="EOF found"):
        shlex_split(text)


@pytest.mark.parametrize(
    ("service", "argv"),
    [
        ("", ("ep", "cmd")),
        ("    command: a 'b c' # d\n", ("ep", "a", "b c")),
        ("    command: [a, b c]\n", ("ep", "a", "b c")),
        ("    entrypoint: x y\n", ("x", "y")),
        ("    entrypoint: [x]\n    command: z\n", ("x", "z")),
        # container.go: len(Command) > 0, else len(Args) > 0: what is empty changes nothing.
        ("    entrypoint: []\n", ("ep", "cmd")),
        ("    entrypoint: ''\n    command: []\n", ("ep", "cmd")),
        ("    entrypoint: ['']\n", None),
    ],
)
def test_what_runs(service: str, argv: tuple[str, ...] | None) -> None:
    resolution = resolve(CONFIG, read(service).run)
    assert resolution.argv == argv
    if argv is None:
        assert resolution.error is not None


def test_an_empty_override_is_told() -> None:
    codes = [note.code for note in read("    entrypoint: []\n").notes]
    assert codes == ["stack", "empty-overrides-nothing"]


#: docker/cli cli/compose/template/template_test.go, and template.go for the forms without braces.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ok $${foo}", "ok ${foo}"),
        ("ok ${FOO}", "ok first"),
        ("ok ${missing:-def}", "ok def"),
        ("ok ${missing-def}", "ok def"),
        ("ok ${BAR:-def}", "ok def"),
        ("ok ${BAR-def}", "ok "),
        ("ok ${BAR:-/non:-alphanumeric}", "ok /non:-alphanumeric"),
        ("ok $missing", "ok "),
        ("ok ${FOO:?err}", "ok first"),
        ("$missing-def", "def"),
    ],
)
def test_variables(text: str, value: str) -> None:
    subject = read(f"    command: ['{text}']\n", FOO="first", BAR="")
    assert subject.run.args == (value,)


@pytest.mark.parametrize(
    ("service", "code"),
    [
        # template_test.go (TestInvalid, TestMandatoryVariableErrors).
        *[(f"    command: ['{text}']\n", "bad-interpolation") for text in INVALID],
        ("    command: ['${missing:?no}']\n", "missing-variable"),
        ("    command: ['${BAR:?no}']\n", "missing-variable"),
        ("    command: ['${missing?}']\n", "missing-variable"),
        ("    command: ['a $ b']\n", "bad-interpolation"),
        ("    command: ['${']\n", "bad-interpolation"),
        ('    command: "\'a"\n', "bad-words"),
        ("    command: {a: b}\n", "wrong-type"),
        ("    command: [1]\n", "wrong-type"),
    ],
)
def test_bad_services_say_why(service: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(service, BAR="")
    assert caught.value.code == code
    assert caught.value.where == "stack.yml:4"


def test_a_stack_needs_an_image() -> None:
    with pytest.raises(InputError, match="no image specified"):
        read_stack(b"services: {web: {build: .}}", where="stack.yml")
    with pytest.raises(InputError) as caught:
        read_stack(b"services: {}", where="stack.yml")
    assert caught.value.code == "no-containers"
