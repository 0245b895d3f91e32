"""Common mistakes are named, and nothing else is."""

from __future__ import annotations

import pytest

from entrysem.inputs.runline import read_run_line


def codes(text: str, *, warning: bool | None = None) -> list[str]:
    notes = read_run_line(text).subject.notes
    return [note.code for note in notes if warning is None or note.warning is warning]


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("docker run web -p 80:80", "option-after-image", "-p 80:80 stands after the image"),
        ("docker run web -p80:80", "option-after-image", "-p80:80 stands"),
        ("docker run web --rm", "option-after-image", "--rm stands after the image"),
        ("docker run web ls -v /a:/b", "option-after-image", "-v /a:/b"),
        ("docker run web bash -it", "option-after-image", "-it"),
        ("docker run web --name x", "option-after-image", "--name x"),
        ("docker run web --publish=80:80", "option-after-image", "--publish=80:80"),
        ("docker compose run web --rm ls", "option-after-image", "after the service"),
        ("podman run web -e A=b", "option-after-image", "podman run hands it"),
        (
            'docker run --entrypoint "python app.py" acme/web',
            "multi-word-entrypoint",
            "Write --entrypoint python and the rest behind the image: acme/web app.py",
        ),
        (
            "podman run --entrypoint 'sh -c \"a b\"' web x",
            "multi-word-entrypoint",
            "Write --entrypoint sh and the rest behind the image: web -c 'a b' x",
        ),
        (
            """docker run --entrypoint '["a","b c"]' web d""",
            "entrypoint-json-docker",
            "Write --entrypoint a and the rest behind the image: web 'b c' d",
        ),
        ("docker run --name --rm web", "option-as-value", "--rm is taken as the value of --name"),
        ("docker run -p -d web", "option-as-value", "-d is taken as the value of -p"),
        ("docker run --rm true web", "image-looks-wrong", "write --rm=true"),
        ("docker run -it 80:80 web", "image-looks-wrong", "write -p 80:80"),
        ("docker run -it ./a:/b web", "image-looks-wrong", "write -v ./a:/b"),
        ("docker run -it A=b web", "image-looks-wrong", "write -e A=b"),
        ("docker run MyWeb", "image-looks-wrong", "lower case, myweb"),
        ("docker run ''", "image-looks-wrong", "an empty word"),
        ("docker run \u2013it web", "typographic-dash", "type the hyphens again"),
        ("docker run -e A=\u201cb\u201d web", "typographic-quote", "type them again"),
        ("docker run -e\u00a0A=b web", "typographic-blank", "type it again"),
        ("kubectl run w --image=i --command", "command-without-words", "changes nothing"),
    ],
)
def test_a_mistake_is_a_warning_that_says_what_to_do(text: str, code: str, says: str) -> None:
    notes = [note for note in read_run_line(text).subject.notes if note.warning]
    assert code in [note.code for note in notes]
    assert says in next(note.text for note in notes if note.code == code)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("docker run web --user me", "option-after-image", "is an option of docker run too"),
        ("docker run web acme/web:1.0", "command-looks-like-image", "web is the image here"),
        ("docker run -d web 'ls -l'", "multi-word-command", "sh -c"),
        ("docker run web cd /a && ls", "shell-operator", "'ls' is your shell's"),
        ("docker run -d web &", "shell-operator", "background"),
        ("docker run web ls > out", "shell-redirection", "> out"),
        ("docker run web ls $A", "argv-depends-on-shell", "$A"),
        ("docker run --entrypoint $A web", "argv-depends-on-shell", "$A"),
        ("docker run $OPTS web", "argv-depends-on-shell", "several words or none"),
        ("docker run -v $(pwd):/a web", "shell-expansion", "$(pwd)"),
        ("kubectl run w --image=i a", "no-dashes", "write -- before them"),
        ("kubectl run w --image=i --overrides '{}'", "overrides-not-read", "not read here"),
        ("docker run web\ndocker ps", "other-commands", "'docker ps'"),
    ],
)
def test_what_is_no_mistake_is_a_note(text: str, code: str, says: str) -> None:
    notes = read_run_line(text).subject.notes
    assert not any(note.warning for note in notes)
    assert says in next(note.text for note in notes if note.code == code)


@pytest.mark.parametrize(
    "text",
    [
        "docker run -it --rm -p 8080:80 --entrypoint sh web -c ls",
        "docker run web ls -l",
        "docker run web pip install -e .",
        "docker run web psql -p 5432 -h db",
        "docker run web -c x",
        "docker run web --help",
        "docker run web docker run -p 80:80 --rm x",
        "docker run --entrypoint tool web --user me",
        "docker run web sh -c 'a b'",
        "docker run web wait-for db:5432",
        'docker run -v "$PWD:/a" -e A="$B" web',
        "docker run 0123456789abcdef:1 x",
        "docker run registry.example/A/web",
        "docker compose run --entrypoint 'sh -c' web x",
        """podman run --entrypoint '["a", "b"]' web""",
        "podman run docker://acme/web",
        "podman run --rootfs /A",
        "kubectl run w --image=i --command -- sh -c ls",
    ],
)
def test_a_good_line_gets_no_note(text: str) -> None:
    if "example/A" in text:  # a capital letter behind the host is none of a reference's
        assert codes(text) == ["image-looks-wrong"]
        return
    assert codes(text) == []


def test_what_depends_on_the_shell() -> None:
    line = read_run_line('docker run -v "$PWD:/a" -e A=$B --entrypoint "$E" "$I" a "$C" \'$D\'')
    assert [word.text for word in line.depends] == ["A=$B", "$E", "$I", "$C"]
    assert line.subject.run.args == ("a", "$C", "$D")
