"""Stacks. Expected values: docker/cli 28f756087eea5fa301f3fbf12b01ae62f91521c2 cli/compose (loader,
template and their tests), google/shlex shlex_test.go, moby
daemon/cluster/executor/container/container.go 236-246.
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


#: google/shlex 17e8327d9658d49da722e7d5628c70cd4b449100 shlex_test.go: the first; the rest by shlex.go,
#: as docker/cli vendors it.
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


#: What `docker stack config` of Docker 26.1.5 and 28.5.2 prints; `conformance/test_inputs.py` asks it
#: again.
SEEN_WORDS = [
    ("\"a 'b c' # d\"", ("a", "b c")),
    ("'a;b | c \"\\a\" $$X ${Y:-def} $Z-def q'", ("a;b", "|", "c", "a", "$X", "def", "def", "q")),
    ('["a b", "$$c"]', ("a b", "$c")),
    ("\"a # b\\n c '' d#e\"", ("a", "c", "", "d#e")),
    ("''", ()),
    ("[]", ()),
    # The error of the first is forgotten at the second.
    ('"${A:?no} ${B}"', ()),
    ('"x $ ${B:-c}"', ("x", "c")),
]
INTERPOLATION = "invalid interpolation format for services.web.command: "
ESCAPE = "; you may need to escape any $ with another $"
SEEN_ERRORS = [
    ("'$${A:?no} $ $$'", f'{INTERPOLATION}"$${{A:?no}} $ $$"{ESCAPE}'),
    (
        "'${B:-c} ${A:?no} $$'",
        f'{INTERPOLATION}"required variable A is missing a value: no"{ESCAPE}',
    ),
    ("[null]", "services.web.command.0 must be a string"),
    ("[1]", "services.web.command.0 must be a string"),
    ("1", "services.web.command must be a string"),
    ("null", "services.web.command must be a string"),
    ("{a: b}", "services.web.command must be a string"),
]


@pytest.mark.parametrize(("command", "words"), SEEN_WORDS)
def test_words_are_those_of_docker_stack_config(command: str, words: tuple[str, ...]) -> None:
    assert (read(f"    command: {command}\n").run.args or ()) == words


@pytest.mark.parametrize(("command", "message"), SEEN_ERRORS)
def test_errors_are_those_of_docker_stack_config(command: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(f"    command: {command}\n")
    assert caught.value.message == message
    assert caught.value.where == "stack.yml:4"


@pytest.mark.parametrize(
    ("service", "code"),
    [
        # template_test.go (TestInvalid, TestMandatoryVariableErrors).
        *[(f"    command: '{text}'\n", "bad-interpolation") for text in INVALID],
        ("    command: '${missing:?no}'\n", "missing-variable"),
        ("    command: '${BAR:?no}'\n", "missing-variable"),
        ("    command: '${missing?}'\n", "missing-variable"),
        ('    command: "\'a"\n', "bad-words"),
        ("    command: 2001-01-01\n", "wrong-type"),
        ("    entrypoint: null\n", "wrong-type"),
        ("    init: null\n", "wrong-type"),
    ],
)
def test_bad_services_say_why(service: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(service, BAR="")
    assert caught.value.code == code


def test_a_stack_needs_an_image() -> None:
    with pytest.raises(InputError, match="no image specified"):
        read_stack(b"services: {web: {build: .}}", where="stack.yml")
    with pytest.raises(InputError) as caught:
        read_stack(b"services: {}", where="stack.yml")
    assert caught.value.code == "no-containers"
