"""FROM, ARG and --target: which stage stands on which."""

from __future__ import annotations

import pytest

from entrysem import DockerfileError, Profile, build_image, parse_dockerfile
from entrysem.behaviour import BuilderBehaviour
from entrysem.stages import chain_of

ONE_TWO = 'FROM scratch AS one\nCMD ["1"]\nFROM scratch AS two\nCMD ["2"]\n'


def cmd(text: str, builder: str = "buildkit", **options: object) -> object:
    return build_image(text, profile=Profile.parse(builder), **options).config.cmd  # type: ignore[arg-type]


def rejected(text: str, builder: str = "buildkit", **options: object) -> DockerfileError:
    with pytest.raises(DockerfileError) as caught:
        cmd(text, builder, **options)
    assert caught.value.phase == "build"
    return caught.value


@pytest.mark.parametrize(
    ("word", "builder"),
    [
        ("$X", "buildkit"),
        ("${X:-one}", "buildkit"),
        ("${N:-two}", "buildkit"),
        ("${X#x}", "buildkit"),
        ('"two"', "buildkit"),
        ("t$W", "buildkit"),
        ("${X/y/t}", "buildkit"),
        ("$X", "classic"),
    ],
)
def test_from_is_expanded_with_the_args_before_it(word: str, builder: str) -> None:
    head = "ARG X=two\nARG W=wo N\n"
    assert cmd(f"{head}{ONE_TWO}FROM {word}\n", builder) == ("2",)


def test_build_args_count_for_declared_names_only() -> None:
    text = f"ARG X=two\n{ONE_TWO}FROM $X\n"
    assert cmd(text, build_args={"X": "one"}) == ("1",)
    assert cmd(f"{ONE_TWO}FROM ${{X:-two}}\n", build_args={"X": "one"}) == ("2",)


def test_predefined_arguments() -> None:
    text = 'FROM scratch AS linux\nCMD ["1"]\nFROM $TARGETOS\n'
    assert cmd(text) == ("1",)
    assert cmd('FROM scratch AS z\nCMD ["1"]\nFROM $TARGETOS\n', build_args={"TARGETOS": "z"}) == (
        "1",
    )
    assert cmd('FROM scratch AS default\nCMD ["1"]\nFROM $TARGETSTAGE\n') == ("1",)
    assert cmd('FROM scratch AS v7\nCMD ["1"]\nFROM $TARGETVARIANT\n', platform="linux/arm/v7") == (
        "1",
    )
    assert rejected(text, "classic").code == "blank-base"


def test_an_argument_without_a_value() -> None:
    text = f"ARG X=two\nARG X\n{ONE_TWO}FROM ${{X:-one}}\n"
    assert cmd(text) == ("2",)
    assert cmd(text, "buildkit@0.16") == ("1",)
    assert cmd(text, "classic") == ("1",)


def test_a_default_that_cannot_be_expanded() -> None:
    text = "ARG X=${Y?gone}\nFROM scratch\nCMD a\n"
    assert rejected(text).code == "bad-substitution"
    assert cmd(text, "buildkit@0.13") == ("/bin/sh", "-c", "a")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ARG X\n", "no-stages"),
        ("FROM $X\n", "blank-base"),
        ("FROM ${X\n", "bad-substitution"),
        ("FROM Foo\n", "bad-reference"),
        ("FROM a:b:c\n", "bad-reference"),
        ("FROM " + "a" * 64 + "\n", "bad-reference"),
        ("FROM scratch AS Foo\nCMD a\nFROM Foo\n", "bad-reference"),
        ("FROM --platform=$X scratch\n", "blank-platform"),
        ("FROM --platform=a/b/c/d scratch\n", "bad-platform"),
        ("FROM --platform=nonsense scratch AS a\nFROM scratch\n", "bad-platform"),
        ("FROM scratch AS a\nCOPY --from=a /x /x\n", "stage-circle"),
        (
            "FROM scratch AS a\nCOPY --from=1 /x /x\nFROM scratch AS b\nCOPY --from=a /x /x\n",
            "stage-circle",
        ),
        ("FROM scratch AS a\nCOPY --from=b /x /x\nFROM scratch AS b\nFROM a\n", "later-stage"),
        (
            "FROM scratch AS a\nRUN --mount=from=1,target=/x true\nFROM scratch\nFROM a\n",
            "later-stage",
        ),
        ("FROM scratch\nCOPY --from=9 a b\n", "bad-stage-index"),
        ("FROM scratch\nCOPY --from=-1 a b\n", "bad-stage-index"),
        ("FROM scratch\nCOPY --from=$X a b\n", "variable-in-from"),
        ("FROM scratch\nCOPY --from=Foo a b\n", "bad-reference"),
    ],
)
def test_rejections(text: str, code: str) -> None:
    error = rejected(text)
    assert error.code == code
    assert (error.span is None) == (code == "no-stages")


def test_a_reference_with_host_tag_and_digest() -> None:
    reference = "example.com:5000/a/b:1@sha256:" + "0" * 64
    assert build_image(f"FROM {reference}\n").config.unknown[0].image == reference


def test_circles_and_later_copies_of_stages_that_are_not_needed() -> None:
    # Observed on Docker Engine 26.1.5 and 28.5.2: a copy from a later stage is found only where the
    # target needs it, and FROM is no edge of a circle.
    text = 'FROM scratch AS a\nCOPY --from=b / /\nFROM a AS b\nFROM scratch\nCMD ["c"]\n'
    assert cmd(text) == ("c",)
    text = 'FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\nCMD ["2"]\n'
    assert cmd(text, target="b") == ("2",)
    assert (
        cmd("FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\nFROM a\n", "buildkit@0.12")
        is None
    )


def test_a_stage_that_is_needed_twice_is_looked_at_once() -> None:
    text = (
        "FROM scratch AS a\nFROM a AS b\nCOPY --from=a / /\n"
        "FROM scratch AS c\nCOPY --from=d / /\nFROM scratch AS d\n"
        'FROM b\nCOPY --from=a / /\nCOPY --from=b / /\nCMD ["1"]\n'
    )
    assert cmd(text) == ("1",)


def test_copying_from_an_image_or_an_earlier_stage_is_fine() -> None:
    copies = "".join(f"COPY --from={source} / /\n" for source in ("a", "0", "acme/x:1"))
    text = f'FROM scratch AS a\nFROM a AS b\n{copies}CMD ["1"]\n'
    assert cmd(text) == ("1",)


@pytest.mark.parametrize(
    ("builder", "target", "expected"),
    [
        ("buildkit", "ONE", ("1",)),
        ("buildkit", None, ("2",)),
        ("buildkit", "", ("2",)),
        ("classic", "One", ("1",)),
        ("buildah", "one", ("1",)),
        ("buildah", "0", ("1",)),
        ("buildah", "1", ("2",)),
    ],
)
def test_targets(builder: str, target: str | None, expected: tuple[str, ...]) -> None:
    assert cmd(ONE_TWO, builder, target=target) == expected


@pytest.mark.parametrize(
    ("builder", "target"),
    [
        ("buildkit", "0"),
        ("buildkit", "onee"),
        ("buildah", "ONE"),
        ("buildah", "7"),
        ("buildah@1.28", "0"),
        ("classic", "0"),
    ],
)
def test_unknown_targets(builder: str, target: str) -> None:
    error = rejected(ONE_TWO, builder, target=target)
    assert error.code == "unknown-target"
    assert error.hint


def test_stages_after_the_target() -> None:
    text = ONE_TWO + "FROM $X\n"
    assert rejected(text, target="one").code == "blank-base"
    assert cmd(text, "classic", target="one") == ("1",)


@pytest.mark.parametrize(("builder", "expected"), [("buildkit", ("2",)), ("kaniko", ("1",))])
def test_duplicate_names(builder: str, expected: tuple[str, ...]) -> None:
    text = 'FROM scratch AS a\nCMD ["1"]\nFROM scratch AS a\nCMD ["2"]\nFROM a\n'
    assert cmd(text, builder) == expected


def test_a_stage_named_scratch() -> None:
    text = 'FROM scratch AS scratch\nCMD ["1"]\nFROM scratch\nLABEL a=b\n'
    assert cmd(text) == ("1",)
    assert cmd(text, "buildah") is None


def test_a_stage_by_index() -> None:
    text = 'FROM scratch AS a\nCMD ["1"]\nFROM 0\n'
    assert cmd(text, "buildah") == ("1",)
    assert build_image(text).config.unknown
    assert build_image("FROM scratch\nFROM 1\n", profile=Profile.parse("buildah")).config.unknown


def test_a_stage_by_variable() -> None:
    text = f"ARG X=one\n{ONE_TWO}FROM $X\n"
    assert cmd(text, "buildah") == ("1",)
    for builder, args, known in (
        ("buildah@1.28", {}, False),
        ("buildah@1.28", {"X": "two"}, True),
        ("buildah@1.19", {"X": "two"}, False),
    ):
        image = build_image(text, profile=Profile.parse(builder), build_args=args)
        assert (not image.config.unknown) is known


def test_a_platform_is_inherited_by_the_stages_on_it() -> None:
    text = "FROM --platform=windows/amd64 scratch AS a\nFROM a\nCMD x\n"
    assert cmd(text) == ("cmd", "/S", "/C", "x")
    text = "ARG P=linux\nFROM --platform=windows scratch AS a\nFROM --platform=$P scratch\nCMD x\n"
    assert cmd(text) == ("/bin/sh", "-c", "x")


def test_ten_thousand_stages() -> None:
    lines = ["FROM scratch AS s0", 'CMD ["c"]']
    lines += [f"FROM s{number} AS s{number + 1}" for number in range(9_999)]
    assert cmd("\n".join(lines)) == ("c",)


def test_the_last_of_two_equal_names_counts_unless_told_otherwise() -> None:
    """Each question of a behaviour has its own answer, also in combinations that no engine has."""
    parsed = parse_dockerfile(ONE_TWO.replace("two", "ONE") + "FROM one\n")
    for behaviour in (BuilderBehaviour(), BuilderBehaviour(stage_lookup="any-case")):
        chain = chain_of(parsed, behaviour, None, {}, "linux/amd64")
        assert [link.stage.number for link in chain] == [1, 2]
