"""Quadlet units. SEEN is what the generators of Podman 5.4.2 and 5.8.6 (Debian trixie and sid) write
behind `podman run` and the image; `conformance/test_inputs.py` asks them again.
"""

from __future__ import annotations

import pytest

from entrysem.errors import InputError
from entrysem.inputs.quadlet import read_quadlet
from entrysem.inputs.subject import Subject
from entrysem.inputs.systemd import split_words, started

#: Lines of the unit, the words that the generator puts after the image.
SEEN: list[tuple[str, tuple[str, ...]]] = [
    ("Exec=a \"b c\" 'd e' \\x41 \\\n  f\\tg", ("a", "b c", "d e", "A", "f\tg")),
    ("Exec=a\\q b", ()),
    ('Exec=a "b\\q c', ()),
    ("Exec=x\\101y \\0 z", ()),
    ("Exec=a\\", ("a",)),
    ('Exec=\u00e9 "\u00fc x" \\u00e9 \\xe9', ("\u00e9", "\u00fc x", "\u00e9", "\u00e9")),
    ("Exec=a'b c'd \"x'y\" 'x\"y'", ("ab cd", "x'y", 'x"y')),
    ('Exec=a "" b', ("a",)),
    ("Exec=''", ()),
    ("Exec=   ", ()),
    ("Exec=first\nExec=", ()),
    ("Exec=a # b\n# comment\nExec=c \\\n# inside\n; too\n  d", ("c", "d")),
    ('Exec=a\\sb \\t"\\"" "a\\"b" \\\\ "\\\\"', ("a b", '\t"', 'a"b', "\\", "\\")),
    ('Exec="a"b c""d', ("ab", "cd")),
    ('Exec="unbalanced', ("unbalanced",)),
]
#: Lines, what 5.8.6 writes as --entrypoint, whether it writes --init.
SEEN_OPTIONS = [
    ('Entrypoint=["sh", "-c"]', '["sh", "-c"]', False),
    ('Entrypoint="a" "b"', 'a" "b', False),
    ("Entrypoint='a'", "'a'", False),
    ('Entrypoint="["sh","-c"]"', '["sh","-c"]', False),
    ('Entrypoint=["sh","-c"]   ', '["sh","-c"]', False),
    ("Entrypoint=sh -c", "sh -c", False),
    ("Entrypoint=", "", False),
    ("PodmanArgs=--entrypoint x\nPodmanArgs=--init", "x", True),
    ("RunInit=no", None, False),
    ("RunInit=yes", None, True),
]


def read(text: str) -> Subject:
    (subject,) = read_quadlet(f"[Container]\nImage=x/y\n{text}\n".encode(), where="a.container")
    return subject


@pytest.mark.parametrize(("text", "words"), SEEN)
def test_exec_is_split_as_the_generator_does(text: str, words: tuple[str, ...]) -> None:
    assert (read(text).run.args or ()) == words


@pytest.mark.parametrize(("text", "entrypoint", "init"), SEEN_OPTIONS)
def test_options(text: str, entrypoint: str | None, init: bool) -> None:
    subject = read(text)
    assert (subject.run.entrypoint, subject.run.init) == (entrypoint, init)
    assert (subject.image, subject.runtime) == ("x/y", "podman")


#: containers/podman v5.8.2 pkg/systemd/parser/split_test.go (TestCUnescapeOne): what stands behind the
#: backslash, and the character; None where it is refused.
@pytest.mark.parametrize(
    ("escape", "character"),
    [
        ("k", None),
        ("a", "\a"),
        ("v", "\v"),
        ("s", " "),
        ("x1", None),
        ("xzz", None),
        ("xAb1", "\u00ab1"),
        ("x000", None),
        ("u123", None),
        ("u2a00", "\u2a00"),
        ("u0000", None),
        ("U12345678", None),
        ("U1234V678", None),
        ("U0001F51F", "\U0001f51f"),
        ("376", "\u00fe"),
        ("77", None),
        ("758", None),
        ("000", None),
        ("777", None),
    ],
)
def test_escapes(escape: str, character: str | None) -> None:
    assert split_words("\\" + escape) == (None if character is None else (character,))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Exec=a\\q b", "exec-dropped"),
        ('Exec=a "" b', "exec-cut"),
        ("Exec=a ; b", "exec-semicolon"),
        ("Exec=a $HOME", "systemd-variable"),
        ("Exec=a x${HOME}", "systemd-variable"),
        ("Exec=a %n", "specifier"),
        ("Entrypoint=", "empty-entrypoint"),
    ],
)
def test_what_surprises_is_told(text: str, code: str) -> None:
    assert [note.code for note in read(text).notes] == [code]
    assert not read('Exec=a "b c"').notes


def test_what_systemd_replaces() -> None:
    """systemd.service(5), "Command lines": $$ and %% are themselves, $NAME counts as a whole word."""
    found = started(("$$A", "50%%", "a$A", "${A}", "$A", "x", ";", "y"))
    assert found.words == ("$A", "50%", "a$A", "${A}", "$A", "x")
    assert (found.variables, found.lists, found.cut) == (("A",), ("A",), True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no-containers"),
        (b"[Pod]\nPodName=a\n", "no-containers"),
        (b"[Container]\nExec=a\n", "missing-field"),
        (b"[Container]\nRootfs=/x\n", "missing-field"),
        (b"Image=a\n", "bad-unit"),
        (b"[Container]\nnonsense\n", "bad-unit"),
        (b"[Container]\nImage=\xff\n", "not-utf-8"),
    ],
)
def test_bad_units_say_why(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_quadlet(data, where="a.container")
    assert caught.value.code == code


def test_an_image_unit_is_told() -> None:
    (subject,) = read_quadlet(b"[Container]\nImage=web.build\n", where="a.container")
    assert [note.code for note in subject.notes] == ["image-unit"]
