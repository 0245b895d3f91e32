"""The public strategies: everything they promise comes out, and shrinks to what a person would write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from entrysem import (
    DockerfileError,
    ImageConfig,
    Profile,
    RunOptions,
    build_image,
    parse_dockerfile,
)
from entrysem import hypothesis as public
from entrysem.hypothesis import (
    FEATURES,
    Case,
    Feature,
    bases,
    cases,
    dockerfiles,
    exec_forms,
    fragments,
    instructions,
    near_exec_forms,
    runs,
    shell_forms,
    words,
)

_SEARCH = settings(max_examples=20_000, derandomize=True, database=None, deadline=None)


def _found(strategy: st.SearchStrategy[Any], condition: Callable[[Any], bool]) -> Any:
    return find(strategy, condition, settings=_SEARCH)


def _lines(text: str) -> list[str]:
    return text.split("\n")


#: Feature -> what shows that it is there, and the smallest Dockerfile that has it.
_SHOWN: dict[Feature, tuple[str, str]] = {
    "near-json": ('CMD ["a"\n', 'FROM scratch\nCMD ["a"\n'),
    "text-after": ('"] b', 'FROM scratch\nCMD ["a"] b\n'),
    "bare": ("ENTRYPOINT\n", "FROM scratch\nENTRYPOINT\n"),
    "empty-array": ("CMD []\n", "FROM scratch\nCMD []\n"),
    "flags": ("CMD --a", "FROM scratch\nCMD --a\n"),
    "odd-words": ('[""]', 'FROM scratch\nCMD [""]\n'),
    "shell": ("\nSHELL ", 'FROM scratch\nSHELL ["s"]\n'),
    "stages": ("FROM one", "FROM scratch AS one\nFROM one AS two\n"),
    "stage-case": ("FROM ONE", "FROM scratch AS one\nFROM ONE AS two\n"),
    "stage-twice": ("AS one\nFROM scratch AS one", "FROM scratch AS one\nFROM scratch AS one\n"),
    "stage-index": ("FROM 0", "FROM scratch AS one\nFROM 0 AS two\n"),
    "arg": ("FROM $BASE", "ARG BASE=scratch\nFROM $BASE\n"),
    "onbuild": ("ONBUILD CMD", 'FROM scratch\nONBUILD CMD ["a"]\n'),
    "case": ("\ncmd", 'FROM scratch\ncmd ["a"]\n'),
    "whitespace": ("\tCMD", 'FROM scratch\n\tCMD ["a"]\n'),
    "continuation": ("CMD \\\n", 'FROM scratch\nCMD \\\n["a"]\n'),
    "escape": ("# escape=`\nFROM", "# escape=`\nFROM scratch\n"),
    "comments": ("# c\nFROM", "# c\nFROM scratch\n"),
    "heredoc": ("<<", "FROM scratch\nCOPY <<EOF /f\nb\nEOF\n"),
    "other": ("LABEL", "FROM scratch\nLABEL a=b\n"),
}


def test_every_feature_is_shown() -> None:
    assert set(_SHOWN) == FEATURES


@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_a_feature_comes_out_and_shrinks_to_a_readable_file(feature: Feature) -> None:
    piece, smallest = _SHOWN[feature]
    stages: set[Feature] = {"stages"} if feature.startswith("stage-") else set()
    some = dockerfiles(features={feature, *stages}, rejected=feature == "flags")
    if feature == "stage-case":  # the reference finds no stage ONE, and an image cannot be named so
        some = dockerfiles(features={feature, *stages})
    assert _found(some, lambda text: piece in text) == smallest


@settings(max_examples=300)
@given(st.data(), st.sampled_from(sorted(FEATURES)))
def test_a_feature_can_be_left_out(data: st.DataObject, feature: Feature) -> None:
    if feature in ("near-json", "odd-words", "shell"):  # ONBUILD and errors may still show theirs
        return
    assert _SHOWN[feature][0] not in data.draw(dockerfiles(features=FEATURES - {feature}))


@given(dockerfiles(features=(), rejected=False))
def test_without_features_a_file_is_one_plain_stage(text: str) -> None:
    lines = _lines(text)
    assert lines[0] == "FROM scratch"
    assert lines[-1] == ""
    assert {line.partition(" ")[0] for line in lines[1:-1]} <= {"CMD", "ENTRYPOINT"}


@given(dockerfiles(bases=("org/base:1",), max_stages=4, max_instructions=3))
def test_a_file_is_text_that_utf8_can_hold(text: str) -> None:
    assert text.encode().decode() == text
    assert "\0" not in text
    assert text.endswith("\n")


@given(dockerfiles(bases=("org/base:1",), features=FEATURES - {"stage-case", "stage-index"}))
def test_no_image_must_be_pulled(text: str) -> None:
    try:
        image = build_image(text, bases={"org/base:1": ImageConfig()})
    except DockerfileError:
        return
    assert image.built is not None
    assert image.built.origin != "unknown"


@given(dockerfiles(rejected=False, bases=("b",)))
def test_rejected_files_can_be_left_out(text: str) -> None:
    build_image(text, bases={"b": ImageConfig()})


def test_rejections_are_few_and_of_many_kinds() -> None:
    codes: Counter[str] = Counter()

    @settings(max_examples=600, derandomize=True, database=None, deadline=None)
    @given(cases())
    def count(case: Case) -> None:
        try:
            case.image()
        except DockerfileError as error:
            codes[error.code] += 1
        else:
            codes["accepted"] += 1

    count()
    assert 0.5 < codes["accepted"] / codes.total() < 0.95
    assert len(codes) > 8


@given(exec_forms())
def test_exec_forms_are_arrays_of_strings(text: str) -> None:
    assert "\n" not in text
    items = json.loads(text)
    assert build_image(f"FROM scratch\nENTRYPOINT {text}\n").config.entrypoint == (
        tuple(items) or None
    )


@given(shell_forms())
def test_shell_forms_are_no_arrays(text: str) -> None:
    image = build_image(f"FROM scratch\nCMD {text}\n")
    assert image.config.cmd is not None
    assert image.config.cmd[:2] == ("/bin/sh", "-c")


@given(near_exec_forms(rejected=False))
def test_near_exec_forms_are_shell_forms(text: str) -> None:
    image = build_image(f"FROM scratch\nCMD {text}\n")
    assert image.config.cmd is not None
    assert image.config.cmd[0] == "/bin/sh"


@given(near_exec_forms(after=False, near=False))
def test_arrays_of_others_than_strings_are_rejected(text: str) -> None:
    with pytest.raises(DockerfileError, match="array"):
        parse_dockerfile(f"FROM scratch\nCMD {text}\n")


@given(instructions(features=FEATURES - {"heredoc"}, rejected=False))
def test_instructions_stand_on_one_line(text: str) -> None:
    assert "\n" not in text
    build_image(f"FROM scratch\n{text}\n")


@given(words())
def test_words_fit_an_argv(word: str) -> None:
    assert "\0" not in word
    word.encode()


@pytest.mark.parametrize(
    ("runtime", "condition"),
    [
        ("docker", lambda run: run.entrypoint == ""),
        ("docker", lambda run: run.entrypoint == ("",)),
        ("docker", lambda run: run.entrypoint == () and run.args),
        ("docker", lambda run: run.args == () and run.init),
        ("docker", lambda run: isinstance(run.entrypoint, tuple) and len(run.entrypoint) == 2),
        ("podman", lambda run: run.entrypoint == '["f", "g"]'),
        ("podman", lambda run: run.entrypoint == "null"),
        ("cri", lambda run: run.env and "$(X)" in (run.args or ())),
        ("cri", lambda run: run.entrypoint == ()),
        ("compose", lambda run: isinstance(run.entrypoint, str) and "'" in run.entrypoint),
    ],
)
def test_runs_reach(runtime: public.Runtime, condition: Callable[[RunOptions], bool]) -> None:
    _found(runs(runtime=runtime), condition)


@given(runs(runtime="docker", typed=True))
def test_typed_runs_hold_what_a_command_line_says(run: RunOptions) -> None:
    assert run.args is None or run.args
    assert run.entrypoint is None or isinstance(run.entrypoint, str)


@pytest.mark.parametrize("runtime", ["docker", "podman", "cri", "compose"])
def test_every_runtime_takes_its_runs(runtime: public.Runtime) -> None:
    profile = Profile.parse(runtime=runtime)

    @settings(max_examples=60)
    @given(cases(runtime=runtime, rejected=False))
    def takes(case: Case) -> None:
        image = case.image(profile)
        for run in case.runs:
            result = image.run(run)
            assert result.words is None or result.argv is not None or result.unknown

    takes()


def test_cases_use_what_they_bring() -> None:
    staged = cases(features={"stages", "arg"})
    assert _found(staged, lambda case: bool(case.target)).target == "one"
    case = _found(staged, lambda case: bool(case.build_args) and bool(case.bases))
    assert set(case.build_args) == {"BASE"}
    with_base = cases(features={"onbuild"})
    triggers = _found(with_base, lambda case: any(base.onbuild for base in case.bases.values()))
    assert triggers.dockerfile.startswith("FROM base-image\n")


@given(cases(max_runs=0))
def test_a_case_knows_every_base(case: Case) -> None:
    try:
        image = case.image()
    except DockerfileError:
        return
    if image.built is not None and image.built.origin == "unknown":
        assert any(
            name.isupper() or name.isdigit() or name.istitle() for name in case.dockerfile.split()
        )
    assert case.runs == ()


@given(bases(odd=False, triggers=False))
def test_bases_can_be_plain(config: ImageConfig) -> None:
    assert config.onbuild == ()


def test_a_wrong_builder_is_shown_a_minimal_file() -> None:
    """One that ignores SHELL, as Buildah does."""
    buildah, reference = Profile.parse("buildah-docker"), Profile()

    def differs(text: str) -> bool:
        try:
            return (
                build_image(text, profile=buildah).config.cmd
                != build_image(text, profile=reference).config.cmd
            )
        except DockerfileError:
            return False

    plain = dockerfiles(features={"shell"}, rejected=False)
    assert _found(plain, differs) == 'FROM scratch\nSHELL ["s"]\nCMD a\n'


def test_fragments_reach_rejections_and_stages() -> None:
    def stages(text: str) -> int:
        try:
            return len(parse_dockerfile(text).stages)
        except DockerfileError:
            return 0

    assert _found(fragments(), lambda text: stages(text) == 1)
    assert _found(fragments(), lambda text: stages(text) == 0) == ""


def test_public_names_are_documented() -> None:
    for name in set(public.__all__) - {"Feature", "Runtime"}:
        assert getattr(public, name).__doc__
