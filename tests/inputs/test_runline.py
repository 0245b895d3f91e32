"""Which word is what. Expected values are what the programs did: see `conformance/test_runline.py`,
which asks them the same of hundreds of generated lines, and the source named at each table.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from entrysem import ImageConfig, Profile, resolve
from entrysem.errors import InputError
from entrysem.inputs.runline import RunLine, explain_words, read_run_line, words_document
from entrysem.render.visible import visible

SCHEMA = Path(__file__).parents[2] / "spec" / "schema" / "explain.schema.json"


def roles(line: RunLine) -> list[tuple[str, str]]:
    return [(word.text, word.role) for word in line.words]


def error(text: str, version: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        read_run_line(text, version=version)
    return caught.value


# docker/cli cli/command/container/run.go: SetInterspersed(false); the image is args[0].
# The request bodies of docker 20.10.24, 26.1.5 and 28.5.2 say the same.
@pytest.mark.parametrize(
    ("text", "image", "args"),
    [
        ("docker run web", "web", None),
        ('docker run -it --rm -p 8080:80 --entrypoint sh web -c "ls"', "web", ("-c", "ls")),
        ("docker run -p8080:80 web", "web", None),
        ("docker run -p=80 web a", "web", ("a",)),
        ("docker run -itp 80:80 web", "web", None),
        ("docker run -itp80:80 web", "web", None),
        ("docker run -ite=A web", "web", None),
        ("docker run --rm=false web", "web", None),
        ("docker run --rm false web", "false", ("web",)),
        ("docker run -- web -- x", "web", ("--", "x")),
        ("docker run web -- x", "web", ("--", "x")),
        ("docker run web --rm -p 80:80", "web", ("--rm", "-p", "80:80")),
        ("docker run - x", "-", ("x",)),
        ("docker run --name --rm web", "web", None),
        ("docker run -e '' web ''", "web", ("",)),
        ("docker create --net host --dns-opt x web", "web", None),
        ("docker container run --init web", "web", None),
        ("docker -H tcp://x:1 --context c --tls run web", "web", None),
        ("docker --log-level=debug container create web", "web", None),
        ("/usr/bin/docker run web", "web", None),
        ("docker.exe run web", "web", None),
        ("podman run --env-host web ls", "web", ("ls",)),
        ("podman --log-level debug run web", "web", None),
        ("podman run --log-level debug web", "web", None),
        ("podman container create --healthcheck-command x web", "web", None),
        ("podman run docker://acme/web", "docker://acme/web", None),
    ],
)
def test_the_image_and_the_words_after_it(
    text: str, image: str, args: tuple[str, ...] | None
) -> None:
    line = read_run_line(text)
    assert (line.image, line.subject.image, line.subject.run.args) == (image, image, args)
    assert line.subject.runtime == line.program.split()[0]
    assert not line.depends


def test_every_word_has_its_role() -> None:
    line = read_run_line("sudo -u me docker -D run -it -v a:/b --entrypoint=sh -- web -c ls")
    assert roles(line) == [
        ("sudo", "prefix"),
        ("-u", "prefix"),
        ("me", "prefix"),
        ("docker", "program"),
        ("-D", "option"),
        ("run", "program"),
        ("-it", "option"),
        ("-v", "option"),
        ("a:/b", "value"),
        ("--entrypoint=sh", "option"),
        ("--", "end"),
        ("web", "image"),
        ("-c", "command"),
        ("ls", "command"),
    ]
    assert line.words[6].options == ("interactive", "tty")
    assert line.words[8].options == ("volume",)
    assert line.program == "docker run"
    assert line.options == (
        ("debug", "true"),
        ("interactive", "true"),
        ("tty", "true"),
        ("volume", "a:/b"),
        ("entrypoint", "sh"),
    )
    assert all(line.text[word.start : word.end] == word.text for word in line.words)


# docker/cli opts.go: StringVar, so the last one counts; an empty one is not the same as none.
@pytest.mark.parametrize(
    ("options", "entrypoint"),
    [
        ("", None),
        ("--entrypoint a --entrypoint b", "b"),
        ("--entrypoint=", ""),
        ("--entrypoint ''", ""),
        ("--entrypoint=--init", "--init"),
        ("""--entrypoint '["a", "b"]'""", '["a", "b"]'),
    ],
)
def test_the_entrypoint_is_handed_on_as_typed(options: str, entrypoint: str | None) -> None:
    for program in ("docker run", "podman run", "docker compose run"):
        assert read_run_line(f"{program} {options} web").subject.run.entrypoint == entrypoint


@pytest.mark.parametrize(
    ("options", "init"),
    [("--init", True), ("--init=true", True), ("--init=0", False), ("--init --init=false", False)],
)
def test_init(options: str, init: bool) -> None:
    assert read_run_line(f"docker run {options} web").subject.run.init is init


def test_podman_takes_a_folder_for_the_image_with_rootfs() -> None:
    """containers/podman cmd/podman/containers/create.go: `if !cliVals.RootFS`."""
    line = read_run_line("podman run --rootfs /srv/tree /bin/sh -l")
    assert (line.image, line.subject.image, line.rootfs) == (None, None, "/srv/tree")
    assert line.subject.run.args == ("/bin/sh", "-l")
    assert read_run_line("podman run --rootfs=false web").image == "web"


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("docker run --platform linux/arm64 web", "linux/arm64"),
        ("podman run --arch arm64 web", "linux/arm64"),
        ("docker run web", None),
    ],
)
def test_the_platform(text: str, platform: str | None) -> None:
    assert read_run_line(text).subject.platform == platform


# docker/compose cmd/compose/run.go: the service is args[0]; docker-compose: compatibility/convert.go.
@pytest.mark.parametrize(
    "program",
    [
        "docker compose run",
        "docker compose -f x.yaml --project-directory . run --rm -e A=1",
        "docker-compose -f x.yaml run",
        "docker-compose -H tcp://x:1 --verbose run --no-deps -T",
        "docker -c ctx compose --dry-run run --dry-run --volumes /a",
    ],
)
def test_compose_names_a_service(program: str) -> None:
    line = read_run_line(f"{program} web ls -l")
    assert (line.service, line.image, line.subject.image) == ("web", None, None)
    assert (line.subject.runtime, line.subject.run.args) == ("compose", ("ls", "-l"))


# kubernetes/kubectl pkg/generate/versioned/run.go: with --command the words are `command`, else `args`.
@pytest.mark.parametrize(
    ("text", "args", "command"),
    [
        ("kubectl run web --image=acme/web", None, None),
        ("kubectl run web --image acme/web a b", ("a", "b"), None),
        ("kubectl run web --image=acme/web -- -x -- y", ("-x", "--", "y"), None),
        ("kubectl run --image=acme/web web --command -- sh -c ls", None, ("sh", "-c", "ls")),
        ("kubectl -n ns run web --image=acme/web --command=false -- sh", ("sh",), None),
        ("kubectl run web --dry-run -i --image=acme/web --image_pull_policy=Never", None, None),
    ],
)
def test_kubectl(text: str, args: tuple[str, ...] | None, command: tuple[str, ...] | None) -> None:
    line = read_run_line(text)
    assert (line.image, line.subject.runtime) == ("acme/web", "cri")
    assert (line.subject.run.args, line.subject.run.entrypoint) == (args, command)


def test_kubernetes_expands_what_env_says() -> None:
    """The kubelet replaces `$(NAME)` in values by what stands before, then in command and args."""
    line = read_run_line("kubectl run w --image=i --env A=1 --env 'B=$(A)$(C)' -- '$(B)' '$$(A)'")
    assert dict(line.subject.run.env) == {"A": "1", "B": "1$(C)"}
    answer = resolve(
        ImageConfig(entrypoint=("e",)), line.subject.run, profile=Profile.parse(runtime="cri")
    )
    assert answer.argv == ("e", "1$(C)", "$(A)")


@pytest.mark.parametrize(
    ("text", "code", "says", "hint"),
    [
        ("docker run", "missing-image", "no image", "IMAGE"),
        ("docker run -it --name web", "missing-image", "no image", "'web' is the value of --name"),
        ("docker run <image> ls", "missing-image", "no image", "file to read or write"),
        ("podman run --rootfs", "missing-folder", "no folder", "FOLDER"),
        ("docker compose run", "missing-service", "no service", "SERVICE"),
        ("kubectl run --image=x -- web", "missing-name", "no name", "NAME"),
        ("kubectl run web -- sh", "missing-image", "--image is required", "--image=IMAGE"),
        ("kubectl run web --image=x --env A", "bad-env", "invalid env: A", "NAME=VALUE"),
        ("docker run --nmae x web", "unknown-option", "unknown flag: --nmae", "--name"),
        ("docker run -name x web", "unknown-option", "unknown shorthand flag: -n", "--name"),
        ("docker run -itZ web", "unknown-option", "unknown shorthand flag: -Z", ""),
        ("docker run ---rm web", "unknown-option", "bad flag syntax: ---rm", ""),
        ("docker --nope run web", "unknown-option", "unknown flag: --nope", ""),
        ("docker run -D web", "unknown-option", "-D", ""),
        ("docker run web:1 && docker run --x", "", "", ""),
        ("docker run --name", "option-needs-value", "flag needs an argument: --name", "VALUE"),
        ("docker run -itp", "option-needs-value", "flag needs an argument: -p", "VALUE"),
        ("docker run --rm=maybe web", "bad-option-value", "'maybe' is no value for --rm", "true"),
        ("docker run --stop-timeout x web", "bad-option-value", "'x'", "number"),
        ("docker run --health-interval 3 web", "bad-option-value", "'3'", "duration"),
        ("docker run --help", "help-asked", "help", "image"),
        ("docker --version run web", "help-asked", "version", "image"),
        ("docker run\u00a0-it web", "not-a-run-line", "does not break", "docker run"),
        ("docker exec web sh", "not-a-run-line", "docker exec", "docker run"),
        ("docker compose up", "not-a-run-line", "explain the file", "docker run"),
        ("docker build .", "not-a-run-line", "docker build", "docker run"),
        ("ls -l", "not-a-run-line", "no command", "docker run"),
        ("", "not-a-run-line", "no command", "docker run"),
        ("nerdctl run web", "not-a-run-line", "nerdctl", "docker run"),
        ("docker run 'web", "unclosed-quote", "single quote", "quote"),
        ('docker run "web', "unclosed-quote", "double quote", "quote"),
        ("docker run `\nweb", "unclosed-quote", "backquote", "PowerShell"),
        ("docker run $(x web", "unclosed-quote", "`(`", "quote"),
        ("docker run web (a)", "shell-syntax", "bracket", "quote"),
        ("docker run a\0b", "nul-byte", "NUL", ""),
    ],
)
def test_what_cannot_be_read_says_why(text: str, code: str, says: str, hint: str) -> None:
    if not code:  # the first command is the one that is read
        assert read_run_line(text).image == "web:1"
        return
    found = error(text)
    assert found.code == code
    assert says in found.message
    assert hint in (found.hint or "")
    assert found.where.startswith("run line")


def test_an_option_of_another_version_is_named() -> None:
    """`--pull` came with 20.10, `--annotation` with 24.0 (docker docs, release notes)."""
    assert read_run_line("docker run --pull always web", version="20.10.5").image == "web"
    assert ">=20.10.0" in (error("docker run --pull always web", "19.03").hint or "")
    assert ">=24.0.0" in (error("docker run --annotation a=b web", "23.0.6").hint or "")
    assert error("docker run web", "new").code == "bad-version"


def test_a_version_beyond_the_known_ones_is_the_nearest() -> None:
    assert read_run_line("docker run --use-api-socket web", version="99").image == "web"
    assert read_run_line("docker run --link a web", version="1.13").image == "web"


def test_the_first_command_that_starts_a_container_is_read() -> None:
    line = read_run_line("cd app && docker build -t web . && docker run web ls; docker run other")
    assert (line.image, line.subject.run.args) == ("web", ("ls",))
    codes = [note.code for note in line.subject.notes]
    assert codes == ["other-commands", "shell-operator"]


def test_a_pasted_session() -> None:
    text = (
        "me@host:~/app$ docker run -d \\\r\n>   --name web \\\r\n>   acme/web\r\n"
        "Unable to find image 'acme/web:latest' locally\r\nit's"
    )
    line = read_run_line(text)
    assert (line.image, line.subject.run.args) == ("acme/web", None)
    assert read_run_line("# docker run web").image == "web"
    assert read_run_line("  $ A=1 exec time docker run web").image == "web"
    assert read_run_line("# what it does\n\ndocker run web # says\n").subject.run.args is None


def test_the_answer_of_the_engine() -> None:
    """From what is typed to argv: observed on docker 28.5.2 and podman 5.8.6."""
    config = ImageConfig(entrypoint=("e",), cmd=("c",))
    for text, argv in (
        ("docker run web -- x", ("e", "--", "x")),
        ("docker run -- web x", ("e", "x")),
        ("docker run --entrypoint 'a b' web", ("a b",)),
        ("docker run --entrypoint= web x", ("x",)),
        ("""podman run --entrypoint '["p","q"]' web""", ("p", "q")),
    ):
        line = read_run_line(text)
        profile = Profile.parse(runtime=line.subject.runtime or "")
        assert resolve(config, line.subject.run, profile=profile).argv == argv, text


EXAMPLE = 'docker run -it --rm -p 8080:80 --entrypoint sh web -c "ls $HOME" > out'


def test_what_a_person_sees() -> None:
    assert explain_words(read_run_line(EXAMPLE)) == (
        "program  docker run\n"
        "options  -it         --interactive, --tty\n"
        "         --rm\n"
        "         -p 8080:80  --publish\n"
        "         --entrypoint sh\n"
        "image    web\n"
        'command  -c "ls $HOME"\n'
        "note: your shell replaces $HOME before docker run sees it. It stands here as it was typed, as"
        " one word; quote it with ' to hand it to the container [argv-depends-on-shell]\n"
        "note: > out is your shell's: it moves the streams of docker, and is no word of the command"
        " [shell-redirection]\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        "docker run web",
        "podman run --rootfs --init /x",
        "docker compose run web a",
        "kubectl run web --image=x --command -- a",
        "docker run --platform linux/arm64 web -p 80:80",
    ],
)
def test_what_a_program_sees(text: str) -> None:
    explain = json.loads(SCHEMA.read_text(encoding="utf-8"))
    schema = {"$ref": "#/$defs/run_line", "$defs": explain["$defs"]}
    Draft202012Validator.check_schema(schema)
    document = words_document(read_run_line(text))
    Draft202012Validator(schema).validate(document)
    assert json.loads(json.dumps(document)) == document


def test_nothing_acts_on_a_terminal() -> None:
    shown = explain_words(read_run_line("docker run '\x1b[2J' '\x07' '\u202e' -p 80:80 $'\x1b'"))
    assert visible(shown.replace("\n", "")) == shown.replace("\n", "")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for prefix in ("docker run web ", "docker run ", "kubectl run --image=x ", ""):
        try:
            line = read_run_line(prefix + text)
        except InputError:
            continue
        shown = explain_words(line).replace("\n", "")
        assert visible(shown) == shown


@pytest.mark.parametrize(
    "piece", [";", "{,", "'' ", "-p 80:80 ", "a@", "$(", "-", "a/", "\\\n", "<<a\n"]
)
def test_long_lines_end(piece: str) -> None:
    """200,000 characters are read or refused; what is quadratic would take minutes."""
    text = "docker run web " + piece * (200_000 // len(piece))
    for each in (text, piece * (200_000 // len(piece)) + text[:20]):
        try:
            explain_words(read_run_line(each))
        except InputError as refused:
            assert refused.code  # noqa: PT017  # either way: that it ends is what counts
