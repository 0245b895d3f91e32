"""What imagebuilder reads otherwise, where no engine was asked and its source says it."""

from __future__ import annotations

import pytest

from entrysem import DockerfileError, Profile, build_image

BUILDAH = Profile.parse("buildah")


@pytest.mark.parametrize("value", ["0", "+0", "0s", "-1s"])
def test_healthcheck_takes_positive_durations_only(value: str) -> None:
    """openshift/imagebuilder 035359d internals.go 78-94 (parseOptInterval)."""
    source = f'FROM scratch\nHEALTHCHECK --interval={value} CMD x\nCMD ["a"]\n'
    with pytest.raises(DockerfileError, match="must be positive") as caught:
        build_image(source, profile=BUILDAH)
    assert caught.value.code == "bad-flag-value"
    if value in ("0", "+0", "0s"):
        assert build_image(source).config.cmd == ("a",)


def test_a_single_quote_that_nothing_closes_is_rejected() -> None:
    """openshift/imagebuilder ef90edb shell_parser.go 167-186 (processSingleQuote)."""
    for builder in ("buildah@1.19.6", "buildkit"):
        with pytest.raises(DockerfileError, match="single-quote"):
            build_image('FROM \'scratch\nCMD ["a"]\n', profile=Profile.parse(builder))


def test_copies_of_earlier_stages_are_all_that_most_files_have() -> None:
    """BUILD-16: a stage before, by its name and by its number."""
    source = "FROM scratch AS a\nFROM scratch\nCOPY --from=a /x /x\nCOPY --from=0 /x /y\nCMD x\n"
    assert build_image(source).config.cmd == ("/bin/sh", "-c", "x")
