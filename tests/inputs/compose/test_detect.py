"""Which files are Compose files. Names: compose-spec/compose-go v2.9.1 cli/options.go."""

import pytest

from entrysem.inputs.compose import is_compose


@pytest.mark.parametrize(
    "name",
    [
        "compose.yaml", "compose.yml", "docker-compose.yml", "a/docker-compose.yaml",
        "compose.override.yml", "docker-compose.prod.yml", "compose-dev.yaml", "C:\\a\\compose.yaml",
    ],
)  # fmt: skip
def test_by_name(name: str) -> None:
    assert is_compose(name, b"anything: 1\n")


@pytest.mark.parametrize(
    "name", ["Dockerfile", "compose", "compose.yaml.bak", "mycompose.yaml", "compose.json"]
)
def test_not_by_these_names(name: str) -> None:
    assert not is_compose(name, b"anything: 1\n")


@pytest.mark.parametrize(
    "data",
    [
        b"services:\n  web:\n    image: a\n",
        b"version: '3'\nservices: # mine\n  web:\n    build: .\n",
        b"services: {web: {image: a}}\n",
        b'"services":\r\n  web:\r\n    extends: b\r\n',
    ],
)
def test_by_content(data: bytes) -> None:
    assert is_compose("stack.yaml", data)
    assert is_compose("-", data)
    assert not is_compose("stack.txt", data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"services: 5\n",
        b"image: a\nservices:\n  - postgres\n",
        b"apiVersion: v1\nkind: X\nservices:\n  a:\n    image: b\n",
        b"a:\n  services:\n    web:\n      image: b\n",
        b"services:\n  web:\n    port: 80\n",
        b"\x00\xff" * 1000,
    ],
)
def test_not_by_content(data: bytes) -> None:
    assert not is_compose("stack.yaml", data)
