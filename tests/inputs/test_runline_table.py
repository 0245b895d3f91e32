"""The table of options: its shape, and what release notes and references say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from entrysem.inputs.runline.tables import known_versions, option_set
from entrysem.versions import in_range, parse_version

TABLE = Path(__file__).parents[2] / "entrysem" / "inputs" / "runline" / "options.json"
COMMANDS = json.loads(TABLE.read_text(encoding="utf-8"))["commands"]


@pytest.mark.parametrize("command", COMMANDS)
def test_rows_are_whole(command: str) -> None:
    table = COMMANDS[command]
    assert set(table) == {"source", "options"}
    assert table["source"]["tags"] > 10
    seen: dict[str, list[str]] = {}
    for row in table["options"]:
        assert set(row) <= {"name", "letter", "kind", "of", "versions"}
        assert row["kind"] in {"bool", "optional", "int", "uint", "duration", "float", "text"}
        assert len(row.get("letter", "x")) == 1
        for each in row.get("versions", ()):
            in_range(parse_version("1"), each)
        seen.setdefault(row["name"], []).extend(row.get("versions", [""]))
    for ranges in seen.values():
        for version in ("1.22.0", "2.0.0", "3.4.0", "4.3.1", "5.8.2", "20.10.5", "29.7.2"):
            assert sum(in_range(parse_version(version), each) for each in ranges) <= 1


@pytest.mark.parametrize("command", [name for name in COMMANDS if not name.endswith("*")])
def test_every_end_of_the_versions_has_options(command: str) -> None:
    for version in (*[tag.removeprefix("v") for tag in known_versions(command)], None):
        options = option_set(command, version)
        letters = [option.letter for option in options.names.values() if option.letter]
        assert len(letters) == len(set(letters))
        assert len(options.names) >= 10


# docs.docker.com reference/cli/docker/container/run and release notes; docs.podman.io podman-run(1)
# and release notes; docs.docker.com reference/cli/docker/compose/run; kubectl reference, run.
@pytest.mark.parametrize(
    ("command", "version", "name", "letter", "takes_word"),
    [
        ("docker run", None, "publish", "p", True),
        ("docker run", None, "publish-all", "P", False),
        ("docker run", None, "hostname", "h", True),
        ("docker run", None, "init", "", False),
        ("docker run", "25.0", "health-start-interval", "", True),
        ("docker run", "24.0", "health-start-interval", None, True),
        ("docker create", None, "detach", None, False),
        ("docker run", "28", "use-api-socket", "", False),
        ("docker", None, "host", "H", True),
        ("podman run", None, "tz", "", True),
        ("podman run", "3.4", "passwd", None, False),
        ("podman run", "4.0", "passwd", "", False),
        ("podman run", None, "tls-verify", "", False),
        ("podman create", None, "entrypoint", "", True),
        ("podman create", None, "rootfs", "", False),
        ("compose run", None, "no-deps", "", False),
        ("compose run", "2.40.3", "no-TTY", "T", False),
        ("compose run", None, "entrypoint", "", True),
        ("kubectl run", None, "dry-run", "", False),
        ("kubectl run", None, "command", "", False),
        ("kubectl run", None, "labels", "l", True),
        ("kubectl run", None, "namespace", "n", True),
    ],
)
def test_options_that_are_documented(
    command: str, version: str | None, name: str, letter: str | None, takes_word: bool
) -> None:
    option = option_set(command, version).named(name)
    if letter is None:  # the version has no such option
        assert option is None
        return
    assert option is not None
    assert (option.letter, option.takes_word) == (letter, takes_word)


def test_other_spellings() -> None:
    """cmd/podman/utils/alias.go; for kubectl `_` is `-` (component-base WordSepNormalizeFunc)."""
    podman = option_set("podman run", None).named("net")
    assert podman is not None
    assert (podman.meant, podman.takes_word) == ("network", True)
    kubectl = option_set("kubectl run", None).named("image_pull_policy")
    assert kubectl is not None
    assert kubectl.name == "image-pull-policy"
