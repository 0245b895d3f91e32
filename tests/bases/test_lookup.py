"""Which known image a FROM means; the option that names one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given as fuzz
from hypothesis import strategies as st

from entrysem import Base, ImageConfig, InputError, resolve
from entrysem.bases.catalogue import Catalogue
from entrysem.bases.lookup import (
    Reference,
    chain,
    given,
    parse_base_option,
    parse_reference,
    read_base_options,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4
CONFIG = ImageConfig(("e",), ("c",))
OTHER = ImageConfig(("other",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python", Reference("python", "latest", None, None)),
        ("python:3.7", Reference("python", "3.7", None, None)),
        ("library/python", Reference("python", "latest", None, None)),
        ("a.b/library/python:3", Reference("python", "3", None, "a.b")),
        ("a:5000/library/python", Reference("python", "latest", None, "a:5000")),
        ("[::1]:5000/library/python", Reference("python", "latest", None, "[::1]:5000")),
        ("localhost/library/python", Reference("python", "latest", None, "localhost")),
        ("HOST/library/python", Reference("python", "latest", None, "HOST")),
        ("a.b/python", Reference("a.b/python", "latest", None, "a.b")),
        ("a.b/x/library/python", Reference("a.b/x/library/python", "latest", None, "a.b")),
        ("library/a/b", Reference("library/a/b", "latest", None, None)),
        ("rocket.chat", Reference("rocket.chat", "latest", None, None)),
        ("me/app:1", Reference("me/app", "1", None, None)),
        (f"python@{DIGEST}", Reference("python", None, DIGEST, None)),
        (f"python:3@{DIGEST}", Reference("python", "3", DIGEST, None)),
        ("", None),
        ("Python", None),
        ("python:", None),
        ("python:a b", None),
        ("python@sha256:12", None),
        ("a//b", None),
        ("a/", None),
        ("/a", None),
        ("python\n", None),
    ],
)
def test_parse_reference(text: str, expected: Reference | None) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    ("option", "image"),
    [
        ("app:1", "app:1"),
        ("python", "python:latest"),
        ("python:latest", "python"),
        ("python", "library/python"),
        ("library/python:3", "python:3"),
        ("python:3", "registry.example.com/library/python:3"),
        ("registry.example.com/library/python:3", "python:3"),
        ("registry.example.com/me/app", "registry.example.com/me/app:latest"),
        (f"python@{DIGEST}", f"library/python@{DIGEST}"),
        (f"python:3@{DIGEST}", f"python:3@{DIGEST}"),
        # Not a reference, and found all the same when the text is equal.
        ("Not A Reference", "Not A Reference"),
    ],
)
def test_given_is_found(option: str, image: str) -> None:
    base = given({option: CONFIG}, {option: "file.json"})(image)
    assert base == Base(CONFIG, "given", "file.json")


@pytest.mark.parametrize(
    ("option", "image"),
    [
        ("python:3", "python:3.1"),
        ("python:3", "python"),
        ("python:3", f"python:3@{DIGEST}"),
        ("python", f"python@{DIGEST}"),
        ("python", "me/python"),
        ("python", "registry.example.com/python"),
        ("registry.example.com/me/app", "me/app"),
        ("registry.example.com/me/app", "other.example.com/me/app"),
        ("python", "PYTHON"),
    ],
)
def test_given_is_another_image(option: str, image: str) -> None:
    assert given({option: CONFIG})(image) is None


def test_given_two_spellings() -> None:
    assert given({"python": CONFIG, "python:latest": CONFIG})("library/python") == Base(CONFIG)
    with pytest.raises(InputError) as caught:
        given({"python": CONFIG, "library/python": OTHER})
    assert (caught.value.code, caught.value.where) == ("bad-base-option", "--base-config")


def test_chain_asks_in_order() -> None:
    asked: list[str] = []

    def never(image: str) -> Base | None:
        asked.append(image)
        return None

    look_up = chain(never, given({"python:3.7-alpine": OTHER}), Catalogue.load().lookup)
    mine, known = look_up("python:3.7-alpine"), look_up("httpd")
    assert mine is not None
    assert mine.config is OTHER
    assert known is not None
    assert known.origin == "catalogue"
    assert look_up("nobody/knows") is None
    assert chain()("httpd") is None
    assert asked == ["python:3.7-alpine", "httpd", "nobody/knows"]


def test_in_a_build() -> None:
    """The lecture's image: its python3 goes when the stage sets ENTRYPOINT, and stays otherwise."""
    bases = Catalogue.load().lookup
    assert resolve("FROM python:3.7-alpine", bases=bases).argv == ("python3",)
    assert resolve('FROM python:3.7-alpine\nENTRYPOINT ["e"]', bases=bases).argv == ("e",)
    # The ubi variant's Shell was not verified: only what uses it is unknown.
    ubi = "FROM mariadb:10.11-ubi\n"
    assert resolve(ubi, bases=bases).argv == ("docker-entrypoint.sh", "mariadbd")
    assert resolve(ubi + "CMD x", bases=bases).argv is None


@pytest.mark.parametrize(
    ("text", "image", "file"),
    [
        ("python:3.12=python.json", "python:3.12", "python.json"),
        ("app=a=b.json", "app", "a=b.json"),
        ("localhost:5000/app:1=-", "localhost:5000/app:1", "-"),
        (f"app@{DIGEST}=/tmp/x y.json", f"app@{DIGEST}", "/tmp/x y.json"),
    ],
)
def test_parse_base_option(text: str, image: str, file: str) -> None:
    assert parse_base_option(text) == (image, Path(file))


@pytest.mark.parametrize("text", ["", "=", "python", "python=", "=x.json", "P y=x.json", "a:=x"])
def test_malformed_base_option(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_base_option(text)
    assert caught.value.code == "bad-base-option"
    assert caught.value.hint is not None
    assert "IMAGE=FILE" in caught.value.hint


def test_read_base_options(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"Entrypoint": ["e"], "Cmd": ["c"]}')
    configs, notes = read_base_options([f"app:1={file}"])
    assert configs == {"app:1": CONFIG}
    assert notes == {"app:1": str(file)}
    assert read_base_options([]) == ({}, {})


def test_read_base_options_refuses(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("{")
    for options, code, where in (
        ([f"app={tmp_path / 'none.json'}"], "unreadable", str(tmp_path / "none.json")),
        ([f"app={tmp_path}"], "unreadable", str(tmp_path)),
        (["app=\0"], "unreadable", "\0"),
        ([f"app={file}"], "bad-base-config", str(file)),
        (["app"], "bad-base-option", "--base-config"),
    ):
        with pytest.raises(InputError) as caught:
            read_base_options(options)
        assert (caught.value.code, caught.value.where) == (code, where)
    file.write_text("{}")
    with pytest.raises(InputError, match="given twice"):
        read_base_options([f"app={file}", f"app={file}"])


@fuzz(st.text())
def test_parse_base_option_raises_nothing_else(text: str) -> None:
    try:
        image, _ = parse_base_option(text)
    except InputError as error:
        assert error.message.isascii()  # noqa: PT017 - both ends are right
    else:
        assert parse_reference(image) is not None


@fuzz(st.text(alphabet="ab/:@.-_Z\n"))
def test_a_reference_is_stable(text: str) -> None:
    """Writing a reference out and reading it again gives the same image."""
    reference = parse_reference(text)
    if reference is not None:
        tag = f":{reference.tag}" if reference.tag is not None else ""
        again = parse_reference(f"{reference.name}{tag}")
        assert again is not None
        assert (again.name, again.tag) == (reference.name, reference.tag or "latest")
