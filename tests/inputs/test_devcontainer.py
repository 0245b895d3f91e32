"""Dev Containers. Expected values: devcontainers/cli f683c29f64a20109b4453e5149807e390ff65133
src/spec-node/singleContainer.ts 389-421; the specification's devcontainer.json reference.
"""

from __future__ import annotations

import hashlib

import pytest

from entrysem.errors import InputError
from entrysem.inputs.devcontainer import DEV_SCRIPT, read_devcontainer
from entrysem.inputs.subject import Subject
from entrysem.model import ImageConfig
from entrysem.resolve import resolve


def read(text: str) -> Subject:
    (subject,) = read_devcontainer(text.encode(), where=".devcontainer/devcontainer.json")
    return subject


def test_the_script_is_the_tools() -> None:
    """Lines 391-395 with no entrypoint of a feature: their SHA-256."""
    digest = hashlib.sha256(DEV_SCRIPT.encode()).hexdigest()
    assert digest == "1a63da31389392b4e5ae4276c29a2c9a81b466739351488bef177c13fbcd7813"


def test_the_image_does_not_run() -> None:
    config = ImageConfig(entrypoint=("ep",), cmd=("cmd",))
    for text in ('{"image": "acme/dev"}', '{"image": "acme/dev", "overrideCommand": true}'):
        subject = read(text)
        assert resolve(config, subject.run).argv == ("/bin/sh", "-c", DEV_SCRIPT, "-")
    subject = read('{"image": "acme/dev", "overrideCommand": false, "init": true}')
    assert subject.run.init
    assert resolve(config, subject.run._replace(init=False)).argv == ("ep", "cmd")


def test_comments_and_commas() -> None:
    subject = read("""
// a comment, with "quotes"
{
  "image": "acme/dev", /* another , } */
  "name": "// no comment, /* none either */ ,]",
  "runArgs": ["--init", "x",
     // last
  ],
}
""")
    assert subject.image == "acme/dev"
    assert subject.run.init


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"build": {"dockerfile": "Dockerfile"}}', ".devcontainer/Dockerfile"),
        ('{"build": {"dockerfile": "../Dockerfile"}}', "Dockerfile"),
        ('{"dockerFile": "x"}', ".devcontainer/x"),
    ],
)
def test_dockerfiles(text: str, path: str) -> None:
    assert read(text).dockerfile == path


def test_build_options() -> None:
    subject = read('{"build": {"dockerfile": "D", "target": "dev", "args": {"A": "1"}}}')
    assert (subject.target, dict(subject.build_args)) == ("dev", {"A": "1"})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-json"),
        ("{", "bad-json"),
        ("[]", "wrong-type"),
        ("{}", "missing-field"),
        ('{"image": 1}', "wrong-type"),
        ('{"image": "a", "runArgs": "x"}', "wrong-type"),
        ('{"dockerComposeFile": "compose.yaml", "service": "web"}', "devcontainer-compose"),
        ("[" * 100000, "bad-json"),
        ("/*" * 1000, "bad-json"),
    ],
)
def test_bad_files_say_why(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert caught.value.code == code


def test_many_commas_take_linear_time() -> None:
    with pytest.raises(InputError):
        read("{" + ", /* x */" * 20000)
