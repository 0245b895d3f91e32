"""What is told, and what is not.

The files are the smallest that show a mistake that was reported (threads are named) or published,
and beside each the nearest that is right.
"""

from __future__ import annotations

from typing import Any

import pytest

from entrysem import DockerfileError, ImageConfig, Inherited, Profile, parse_dockerfile
from entrysem.findings import find

BASE = {
    "acme/web": ImageConfig(("/docker-entrypoint.sh",), ("nginx", "-g", "daemon off;")),
    "acme/plain": ImageConfig(None, ("/bin/sh",)),
    "acme/none": ImageConfig(),
    "acme/sh": ImageConfig(("/bin/sh", "-c", "run"), None),
}


def told(text: str, **options: Any) -> list[str]:
    """The ids, with the severity where it is not the kind's."""
    options.setdefault("bases", BASE)
    return [finding.kind for finding in find(text.encode("utf-8", "surrogateescape"), **options)]


def severities(text: str, **options: Any) -> list[tuple[str, str]]:
    options.setdefault("bases", BASE)
    return [(finding.kind, finding.severity) for finding in find(text.encode(), **options)]


TOLD = [
    # moby/moby#25774: "CMD is ignored" under a shell ENTRYPOINT
    ('FROM scratch\nENTRYPOINT x p1\nCMD ["a", "b"]\n', ["ES001"]),
    ("FROM scratch\nCMD a\nENTRYPOINT x p1\n", ["ES001"]),
    ('FROM scratch\nENTRYPOINT ["/bin/bash", "-c", "/run.sh"]\nCMD ["a"]\n', ["ES001"]),
    ('FROM acme/sh\nCMD ["a"]\n', ["ES001"]),
    ('FROM scratch\nENTRYPOINT x "$@"\nCMD ["a", "b"]\n', []),
    ('FROM scratch\nENTRYPOINT x $0 $1\nCMD ["a", "b"]\n', []),
    ('FROM scratch\nENTRYPOINT x $*\nCMD ["a"]\n', []),
    ('FROM scratch\nENTRYPOINT ["java", "-jar", "a.jar"]\nCMD -p 1\n', ["ES002"]),
    ('FROM scratch\nENTRYPOINT ["/docker-entrypoint.sh"]\nCMD nginx\n', []),
    ('FROM scratch\nENTRYPOINT ["bundle", "exec"]\nCMD nginx\n', []),
    # moby/buildkit#6506: the inherited CMD is gone
    ('FROM acme/web\nENTRYPOINT ["/docker-entrypoint.sh"]\n', ["ES003"]),
    ('FROM acme/web\nENTRYPOINT ["tini", "--"]\n', ["ES003"]),
    ("FROM acme/web\nENTRYPOINT []\n", ["ES003"]),
    ('FROM acme/web\nENTRYPOINT ["nginx"]\n', []),
    ('FROM acme/web\nENTRYPOINT ["/docker-entrypoint.sh"]\nCMD ["x"]\n', []),
    ('FROM acme/web\nCMD ["x"]\nENTRYPOINT ["/docker-entrypoint.sh"]\n', []),
    ('FROM acme/web\nENTRYPOINT ["/app"]\n', []),
    ('FROM unknown\nENTRYPOINT ["tini", "--"]\n', []),
    ('FROM scratch AS a\nCMD ["serve"]\nFROM a\nENTRYPOINT ["tini", "--"]\n', ["ES003"]),
    ("FROM scratch\nCMD ['a']\n", ["ES004"]),
    ("FROM scratch\nCMD [a]\n", ["ES004"]),
    ('FROM scratch\nCMD ["a",]\n', ["ES004"]),
    ('FROM scratch\nCMD ["a" "b"]\n', ["ES004"]),
    ('FROM scratch\nCMD ["a", "b"\n', ["ES004"]),
    ('FROM scratch\nCMD "a", "b"]\n', ["ES004"]),
    ('FROM scratch\nCMD ["a", "b]\n', ["ES004"]),
    ('FROM scratch\nCMD ["c:\\windows\\x"]\n', ["ES004"]),
    ('FROM scratch\nCMD ["a\tb"]\n', ["ES004"]),
    ("FROM scratch\nCMD [\u201ca\u201d]\n", ["ES004"]),
    ('FROM scratch\nCMD ["a", $X]\n', ["ES004"]),
    ("FROM scratch\nCMD [ -f x ] && a\n", []),
    ('FROM scratch\nCMD [ "$X" = y ] && a\n', []),
    ("FROM scratch\nCMD [[ -n $X ]] && a\n", []),
    ("FROM scratch\nONBUILD CMD ['a']\nCMD [\"b\"]\n", ["ES004"]),
    ("FROM scratch AS t\nCMD ['a']\nFROM scratch\nCMD [\"b\"]\n", ["ES004"]),
    ('FROM scratch\nCMD ["x", "y"] # c\n', ["ES005"]),
    # grafana/loki and others: the port is not expanded
    ('FROM scratch\nCMD ["serve", "$PORT"]\n', ["ES006"]),
    ('FROM scratch\nCMD ["sh", "-c", "serve $PORT"]\n', []),
    ('FROM scratch\nENTRYPOINT ["tini", "--", "sh", "-c"]\nCMD ["serve $PORT"]\n', []),
    ('FROM scratch\nCMD ["serve", "$5", "a$"]\n', []),
    ('FROM scratch\nCMD ["npm start"]\n', ["ES007"]),
    ('FROM scratch\nENTRYPOINT ["npm start"]\n', ["ES007"]),
    ('FROM scratch\nENTRYPOINT ["serve"]\nCMD ["--port 80"]\n', ["ES007"]),
    ('FROM scratch\nENTRYPOINT ["serve"]\nCMD ["a b"]\n', []),
    ('FROM scratch\nENTRYPOINT ["/opt/Plex Media Server"]\n', []),
    ('FROM scratch\nENTRYPOINT [""]\nCMD ["a"]\n', ["ES008"]),
    ('FROM scratch\nENTRYPOINT ["", "a"]\n', []),
    ('FROM scratch\nENTRYPOINT ["a"]\nCMD [""]\n', ["ES008"]),
    ("FROM scratch\nCMD a | b\n", ["ES009"]),
    ("FROM scratch\nCMD while true; do a; done\n", ["ES009"]),
    ("FROM scratch\nCMD a & b & wait\n", ["ES009"]),
    ('FROM scratch\nCMD ["bash", "-c", "a > b"]\n', ["ES009"]),
    ("FROM scratch\nCMD trap 'kill 0' TERM; a & wait\n", []),
    ("FROM scratch\nCMD a\n", []),
    ("FROM scratch\nCMD a && b\n", []),
    # bash 5.2.15 and busybox ash 1.35.0 make way for c, dash 0.5.12 does not
    ("FROM scratch\nCMD a | b && c\n", []),
    ("FROM scratch\nCMD a & b\n", []),
    ('FROM scratch\nCMD ["bash", "-c", "a & b"]\n', ["ES009"]),
    ('FROM scratch\nCMD echo "a | b"\n', []),
    ("FROM scratch\nCMD a\nCMD b\n", ["ES010"]),
    ('FROM scratch\nENTRYPOINT ["a"]\nENTRYPOINT ["b"]\n', ["ES010"]),
    ('FROM scratch\nSHELL ["a"]\nSHELL ["/bin/sh", "-c"]\nCMD b\n', ["ES010"]),
    ('FROM scratch\nSHELL ["a"]\nRUN x\nSHELL ["/bin/sh", "-c"]\nCMD b\n', []),
    ("FROM scratch AS a\nCMD b\nFROM a\nCMD c\n", []),
    ("FROM scratch AS a\nCMD b\nCMD c\nFROM scratch\nCMD d\n", ["ES010"]),
    # openshift/imagebuilder#154
    ('FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD a b\n', ["ES011"]),
    ('FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD ["a"]\n', []),
    # railwayapp/nixpacks#748: bash runs npm, and run and start are $0 and $1
    (
        'FROM scratch\nENTRYPOINT ["/bin/bash", "-l", "-c"]\nCMD ["npm", "run", "start"]\n',
        ["ES012"],
    ),
    ('FROM scratch\nCMD ["sh", "-c", "npm", "start"]\n', ["ES012"]),
    ('FROM scratch\nCMD ["sh", "-c", "npm \\"$@\\"", "--", "start"]\n', []),
    ('FROM scratch\nCMD ["sh", "-c", "npm", "--"]\n', []),
    ("FROM scratch\nLABEL a=b\n", ["ES013"]),
    ("FROM acme/none\n", ["ES013"]),
    ("FROM unknown\n", []),
    ('FROM scratch\nCMD\nENTRYPOINT ["a"]\n', ["ES014"]),
    ('FROM scratch\nCMD ["a"]\n', []),
]


@pytest.mark.parametrize(("text", "kinds"), TOLD)
def test_told(text: str, kinds: list[str]) -> None:
    assert told(text) == kinds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch\nENTRYPOINT x\n", [("ES001", "info")]),
        ('FROM unknown\nENTRYPOINT x\nCMD ["a"]\n', [("ES001", "info")]),
        ('FROM acme/web\nENTRYPOINT ["/our.sh"]\n', [("ES003", "info")]),
        ("FROM acme/plain\nENTRYPOINT []\n", [("ES003", "info")]),
        ('FROM unknown\nCMD ["a", "$X"]\n', [("ES006", "info")]),
        ('FROM unknown\nCMD ["npm start"]\n', [("ES007", "info")]),
        ("FROM unknown\nCMD ['a']\n", [("ES004", "error")]),
    ],
)
def test_what_rests_on_an_unknown_base_is_an_info(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert severities(text) == expected


def test_a_message_names_the_unknown_base() -> None:
    (finding,) = find(b'FROM unknown\nCMD ["npm start"]\n')
    assert "unless unknown, which is not known, brings an ENTRYPOINT" in finding.message
    assert finding.argv == (Inherited("Entrypoint", "unknown"), "npm start")


def test_the_place_is_the_character_that_is_wrong() -> None:
    (finding,) = find(b'FROM scratch\n  CMD ["a", \\\n# c\n   b\']\n')
    assert finding.kind == "ES004"
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (4, 4)
    assert finding.stage == 0


def test_a_finding_in_another_stage_has_that_stages_argv() -> None:
    text = b"FROM scratch AS a\nCMD ['x']\nFROM scratch\nCMD [\"y\"]\n"
    (finding,) = find(text)
    assert finding.argv == ("/bin/sh", "-c", "['x']")
    assert finding.fixed_argv == ("x",)
    assert finding.stage == 0


def test_only_the_target_counts() -> None:
    text = 'FROM scratch AS a\nCMD ["npm start"]\nFROM scratch\nCMD ["y"]\n'
    assert told(text) == []
    assert told(text, target="a") == ["ES007"]


def test_a_parsed_file_is_the_same_as_its_text() -> None:
    text = b"\xef\xbb\xbfFROM scratch\r\nCMD ['a']\r\n"
    assert find(parse_dockerfile(text)) == find(text)


def test_in_file_order() -> None:
    text = "FROM scratch\nCMD a\nENTRYPOINT ['x']\nCMD [\"\"]\n"
    assert told(text) == ["ES010", "ES004", "ES008"]


@pytest.mark.parametrize(
    ("text", "builder", "kinds"),
    [
        ('FROM scratch\nSHELL ["/bin/bash", "-c"]\nCMD a\n', "buildah", ["ES011", "ES015"]),
        ('FROM scratch\nCMD ["a"]\n', "buildah", []),
        ('FROM scratch\nCMD ["a"]\nCOPY <<E /x\nE\n', "classic", ["ES015"]),
        ('FROM scratch\nCMD ["a"] x\n', "buildkit@0.14", ["ES015", "ES005"]),
    ],
)
def test_profiles_that_are_to_be_supported(text: str, builder: str, kinds: list[str]) -> None:
    assert told(text, also=[Profile.parse(builder)]) == kinds


def test_a_runtime_that_is_to_be_supported() -> None:
    text = 'FROM scratch\nENTRYPOINT [""]\nCMD ["a"]\n'
    assert told(text, also=[Profile.parse(runtime="podman")]) == ["ES008"]
    found = find(b"FROM scratch\nLABEL a=b\n", also=[Profile.parse(runtime="podman")])
    assert [finding.kind for finding in found] == ["ES013", "ES015"]
    assert "podman" in found[1].message


def test_text_that_an_old_builder_drops() -> None:
    old = Profile.parse("buildkit@0.14")
    (finding,) = find(b'FROM scratch\nCMD ["x"] # c\n', profile=old)
    assert finding.kind == "ES005"
    assert finding.argv == ("x",)
    assert finding.fix is not None
    assert not finding.fix.changes_argv


def test_a_rejected_file() -> None:
    with pytest.raises(DockerfileError):
        find(b"FROM scratch\nCMD [1]\n")
    with pytest.raises(DockerfileError):
        find(b"")


def test_characters_that_act_on_a_terminal_are_spelled_out() -> None:
    (finding,) = find(b'FROM scratch\nENTRYPOINT x\nCMD ["\\u001b[2J\xff\xe2\x80\xae"]\n')
    assert finding.kind == "ES001"
    assert "\\u001b[2J" in finding.message
    assert finding.message.isprintable()
