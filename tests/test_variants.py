"""What --what-if tells: the usual runs, and only the profiles that answer otherwise."""

from __future__ import annotations

import pytest

from entrysem import Profile, Resolution, RunOptions, resolve
from entrysem.variants import other_profiles, other_runs
from tests.cli.running import NASTY, assert_harmless


def elsewhere(
    source: str | bytes, profile: Profile | None = None, run: RunOptions | None = None
) -> dict[str, str]:
    """Profile -> its answer, for those that differ."""
    options = run or RunOptions()

    def there(other: Profile) -> Resolution:
        return resolve(source, options, profile=other)

    found = other_profiles(there(profile or Profile()), there)
    return {name: answer for names, answer in found for name in names.split(", ")}


def test_usual_runs() -> None:
    found = dict(other_runs(resolve('FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n')))
    # docker/cli and moby/moby daemon/commit.go (merge).
    assert found == {
        "run IMAGE x y": '["e", "x", "y"]',
        "run --entrypoint x IMAGE": '["x"]',
        "run --entrypoint '' IMAGE": "error at create: no command specified",
        "run --entrypoint '' IMAGE x": '["x"]',
    }


def test_the_run_that_was_asked_about_is_left_out() -> None:
    for name, run in (
        ("run IMAGE", RunOptions()),
        ("run IMAGE x y", RunOptions(args=("x", "y"))),
        ("run --entrypoint '' IMAGE", RunOptions(entrypoint="")),
    ):
        names = [other for other, _ in other_runs(resolve("FROM scratch\nCMD a\n", run))]
        assert len(names) == 4
        assert name not in names


def test_same_everywhere() -> None:
    assert elsewhere('FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n') == {}


def test_builders_that_differ() -> None:
    # Observed on 20.10.24, 26.1.5, 28.5.2 and Buildah 1.28.2: spec/vectors.
    found = elsewhere('FROM scratch\nCMD ["a"] x\n')
    assert {name.partition(" ")[0] for name in found} == {
        *("buildkit@0.14", "buildkit@0.8", "classic@20.10", "buildah@1.43", "buildah-docker@1.43")
    }
    assert set(found.values()) == {'["a"]'}
    back = elsewhere('FROM scratch\nCMD ["a"] x\n', Profile.parse("buildah"))
    assert back.keys() >= {"buildkit@0.32", "classic@28.5"}
    assert not any(name.startswith("buildah") for name in back)


def test_runtimes_that_differ() -> None:
    found = elsewhere('FROM scratch\nENTRYPOINT [""]\n')
    assert found["podman@5.8"].startswith('[""]')
    assert "docker@24.0" in found  # the message had a capital letter before 25.0
    assert "No command specified" in found["docker@24.0"]


def test_rejection_elsewhere_is_an_answer() -> None:
    # moby/buildkit 259fba7d4: RUN --network is known since 0.9; nobody ran it here.
    found = elsewhere("FROM scratch\nRUN --network=none true\nCMD a\n")
    (name,) = (name for name in found if name.startswith("buildkit@0.8"))
    assert found[name].startswith("rejected: ")


def test_what_nobody_has_seen_says_so() -> None:
    # kaniko lower-cases nothing: only a CMD in capitals counts; read in its source, not run.
    found = elsewhere('FROM scratch\ncmd ["a"]\nENTRYPOINT ["b"]\n')
    assert found == {"kaniko@1.24 (source-read)": '["b"]'}


@pytest.mark.parametrize(
    "source",
    [f"FROM x{NASTY}\nCMD a\n", f"FROM scratch\nCMD {NASTY}\n", f"FROM a\nRUN --{NASTY} x\n"],
)
def test_nothing_raw_in_the_answers(source: str) -> None:
    try:
        resolution = resolve(source)
    except ValueError:
        return
    found = other_profiles(resolution, lambda profile: resolve(source, profile=profile))
    assert_harmless(*(text for row in [*found, *other_runs(resolution)] for text in row))
