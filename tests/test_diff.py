"""What a comparison says, against what engines were seen to do, and against every way to fill in what is
unknown. The command line is in `tests/cli/test_diff.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.diff import Comparison, Question, Run, Side, compare
from entrysem.diff.compare import USUAL_RUNS
from entrysem.diff.words import judge
from entrysem.model import Base, ImageConfig, Inherited, RunOptions, StartError, Words
from entrysem.profiles import Profile
from entrysem.vectors import bases_of, cases, dockerfile_of, options_of

ENTRY, CMD = Inherited("Entrypoint", "acme/base"), Inherited("Cmd", "acme/base")
OTHER = Inherited("Cmd", "acme/base:2")


def compared(
    old: str | Base,
    new: str | Base,
    question: Question | None = None,
    *,
    bases: dict[str, ImageConfig] | None = None,
    old_bases: dict[str, ImageConfig] | None = None,
) -> Comparison:
    """The first comparison of two Dockerfiles."""
    known = bases or {}
    before = {**known, **(old_bases or {})}

    def side(source: str | Base, configs: dict[str, ImageConfig]) -> Side:
        text = source.encode() if isinstance(source, str) else source
        return Side("x", text, lambda image: Base(configs[image]) if image in configs else None)

    return compare(side(old, before), side(new, known), question or Question())[0]


def changes(comparison: Comparison) -> dict[str, tuple[str, Words, Words]]:
    """Run -> verdict and both argvs, of the runs that are not the same."""
    return {
        item.run.name: (item.verdict, item.old.words, item.new.words)
        for item in comparison.runs
        if item.verdict != "same"
    }


# --- words -------------------------------------------------------------------------------------------

_WORDS = st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)
_SIDES = st.lists(st.sampled_from(["a", "b", ENTRY, CMD, OTHER]), max_size=4).map(tuple)


@given(_SIDES, _SIDES)
def test_no_way_to_fill_in_the_unknown_contradicts_the_verdict(old: Any, new: Any) -> None:
    """same: equal for all values of the unknown parts; changes: for none; undecided may be any."""
    verdict = judge(old, None, new, None)
    if verdict == "undecided":
        assert ENTRY in old + new or CMD in old + new or OTHER in old + new
        return
    values = [(), ("a",), ("b",), ("a", "b"), ("a", "a")]
    for one, two, three in product(values, repeat=3):
        filled = {ENTRY: one, CMD: two, OTHER: three}
        both = [tuple(w for word in side for w in filled.get(word, (word,))) for side in (old, new)]
        assert (both[0] == both[1]) == (verdict == "same")


@given(_WORDS, _WORDS)
def test_known_words_are_always_decided(old: Any, new: Any) -> None:
    assert judge(old, None, new, None) == ("same" if old == new else "changes")


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ((ENTRY, CMD), (ENTRY, CMD), "same"),
        ((ENTRY, "a"), (ENTRY, "b"), "changes"),
        ((ENTRY, "a"), (ENTRY, "a", "b"), "changes"),
        ((ENTRY, CMD), (ENTRY, OTHER), "undecided"),
        ((ENTRY, CMD), (ENTRY, "a"), "undecided"),
        (("a", CMD), ("a",), "undecided"),
        (("a", "b", CMD), ("a",), "changes"),
        ((CMD, "a"), ("b", CMD), "changes"),
    ],
)
def test_words(old: Words, new: Words, verdict: str) -> None:
    assert judge(old, None, new, None) == verdict
    assert judge(new, None, old, None) == verdict


def test_no_container_is_another_answer_than_a_container() -> None:
    error = StartError("create", "no-command-specified", "no command specified", "MERGE-09")
    assert judge(None, error, None, error) == "same"
    assert judge(None, error, ("a",), None) == "changes"
    # Entrypoint and Cmd of the base may both be empty.
    assert judge((ENTRY, CMD), None, None, error) == "undecided"
    assert judge((ENTRY, CMD, "a"), None, None, error) == "changes"


# --- against engines ---------------------------------------------------------------------------------

_ENGINE = ("buildkit@0.25.2", "docker@28.5.2")


def _observed() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(case, what Docker Engine 28.5.2 was seen to do with its plain run)."""
    for case in cases():
        if case["evidence"] != "observed" or "config" in case or case.get("platform"):
            continue
        for expected in case["expect"]:
            if _ENGINE[0] not in expected["builders"]:
                continue
            for run in expected.get("runs", ()):
                plain = options_of(run) == RunOptions()
                if plain and _ENGINE[1] in run.get("runtimes", ()):
                    yield case, run


def test_two_cases_differ_where_an_engine_ran_them_differently() -> None:
    profile = Profile.parse(*_ENGINE)
    seen = list(_observed())
    assert len(seen) > 200
    verdicts = {"same": 0, "changes": 0}
    for (old, ran), (new, ran_then) in [*pairwise(seen), *pairwise(seen[::7])]:
        sides = [
            Side(case["id"], dockerfile_of(case), bases_of(case.get("bases", {}), profile))
            for case in (old, new)
        ]
        if any(case.get("target") or case.get("build_args") for case in (old, new)):
            continue
        question = Question([profile], [Run("run", RunOptions())])
        (comparison,) = compare(sides[0], sides[1], question)
        same = (ran["argv"], (ran.get("error") or {}).get("code")) == (
            ran_then["argv"],
            (ran_then.get("error") or {}).get("code"),
        )
        assert comparison.verdict == ("same" if same else "changes"), (old["id"], new["id"])
        verdicts["same" if same else "changes"] += 1
    assert min(verdicts.values()) > 20


# --- what changes, and why ---------------------------------------------------------------------------


def test_an_entrypoint_wipes_the_cmd_that_the_base_brings() -> None:
    """docs.docker.com/reference/dockerfile: "If CMD is defined from the base image, setting ENTRYPOINT
    will reset CMD to an empty value."
    """
    bases = {"acme/base": ImageConfig(cmd=("serve",))}
    found = compared(
        "FROM acme/base\n", 'FROM acme/base\nLABEL a=b\nENTRYPOINT ["init"]\n', bases=bases
    )
    assert changes(found) == {
        "run IMAGE": ("changes", ("serve",), ("init",)),
        "run IMAGE x y": ("changes", ("x", "y"), ("init", "x", "y")),
    }
    assert [(cause.side, cause.line, cause.instruction) for cause in found.causes] == [
        ("old", 1, "FROM acme/base"),
        ("new", 3, 'ENTRYPOINT ["init"]'),
    ]
    rules = {rule for rule, _ in found.causes[1].steps}
    assert {"BUILD-02", "BUILD-03"} <= rules


def test_what_every_run_overrides_changes_only_the_plain_run() -> None:
    found = compared('FROM scratch\nCMD ["a"]\n', 'FROM scratch\nCMD ["b"]\n')
    assert changes(found) == {"run IMAGE": ("changes", ("a",), ("b",))}


def test_a_line_that_another_overrides_changes_nothing() -> None:
    found = compared(
        'FROM scratch\nCMD ["a"]\nCMD ["c"]\n', 'FROM scratch\nCMD ["b"]\n# moved\nCMD ["c"]\n'
    )
    assert (found.verdict, found.causes, found.unseen) == ("same", (), ())


def test_swapped_lines_are_the_cause_of_each_other() -> None:
    found = compared('FROM scratch\nCMD ["a"]\nCMD ["b"]\n', 'FROM scratch\nCMD ["b"]\nCMD ["a"]\n')
    assert [(cause.line, cause.instruction) for cause in found.causes] == [
        (3, 'CMD ["b"]'),
        (3, 'CMD ["a"]'),
    ]


def test_a_shell_is_the_cause_of_a_shell_form_that_did_not_change() -> None:
    text = 'FROM scratch\nSHELL ["/bin/{0}", "-c"]\nCMD run\n'
    found = compared(text.format("sh"), text.format("bash"))
    assert changes(found) == {
        "run IMAGE": ("changes", ("/bin/sh", "-c", "run"), ("/bin/bash", "-c", "run"))
    }
    assert ("new", 2, 'SHELL ["/bin/bash", "-c"]') in [cause[:3] for cause in found.causes]
    assert ("new", 3, "CMD run") in [cause[:3] for cause in found.causes]


def test_a_shell_that_nothing_uses_is_no_change_and_is_told() -> None:
    found = compared(
        'FROM scratch\nCMD ["a"]\n', 'FROM scratch\nSHELL ["/bin/ash", "-c"]\nCMD ["a"]\n'
    )
    assert (found.verdict, found.unseen) == ("same", ("Shell",))


def test_the_reading_of_a_line_comes_with_it() -> None:
    """A single-quoted array is no JSON, and so shell form: docs.docker.com/reference/dockerfile, "The
    exec form is parsed as a JSON array, which means that you must use double-quotes".
    """
    found = compared('FROM scratch\nCMD ["a"]\n', "FROM scratch\nCMD ['a']\n")
    assert changes(found)["run IMAGE"][2] == ("/bin/sh", "-c", "['a']")
    assert any(rule.startswith("FORM-") for rule, _ in found.causes[1].steps)


def test_a_base_that_moves_under_the_same_name() -> None:
    text = "FROM acme/base\n"
    old = {"acme/base": ImageConfig(cmd=("serve",))}
    new = {"acme/base": ImageConfig(("init",), ("serve",))}
    found = compared(text, text, bases=new, old_bases=old)
    assert changes(found)["run IMAGE"] == ("changes", ("serve",), ("init", "serve"))
    assert [cause[:3] for cause in found.causes] == [
        ("old", 1, "FROM acme/base"),
        ("new", 1, "FROM acme/base"),
    ]


def test_the_same_unknown_base_is_equal_to_itself() -> None:
    found = compared("FROM acme/base\nLABEL a=b\n", "FROM acme/base\nLABEL a=c\n")
    assert (found.verdict, found.assumptions) == ("same", ())


def test_another_unknown_base_is_undecided_only_where_it_counts() -> None:
    found = compared("FROM acme/base:1\n", "FROM acme/base:2\n")
    assert found.verdict == "undecided"
    assert set(changes(found)) == {"run IMAGE", "run IMAGE x y"}
    assert found.unseen == ()
    covered = 'FROM acme/base:{}\nENTRYPOINT ["e"]\nCMD ["c"]\n'
    found = compared(covered.format(1), covered.format(2))
    assert found.verdict == "same"


def test_a_file_that_is_rejected_on_one_side_changes() -> None:
    good, bad = 'FROM scratch\nCMD ["a"]\n', "FROM scratch\nCMD [1]\n"
    broken = compared(good, bad)
    assert (broken.verdict, broken.runs) == ("changes", ())
    assert [cause[:3] for cause in broken.causes] == [("new", 2, "CMD [1]")]
    mended = compared(bad, good)
    assert (mended.verdict, mended.causes[0].side) == ("changes", "old")
    assert compared(bad, bad).verdict == "rejected"


def test_each_profile_is_asked() -> None:
    """Buildah ignores SHELL for CMD (openshift/imagebuilder#154; observed on 1.19 to 1.43)."""
    text = 'FROM scratch\nSHELL ["/bin/{0}", "-c"]\nCMD run\n'
    profiles = [Profile.parse("buildkit"), Profile.parse("buildah")]
    sides = [Side("x", text.format(shell).encode(), lambda _: None) for shell in ("sh", "bash")]
    found = compare(sides[0], sides[1], Question(profiles))
    assert [item.verdict for item in found] == ["changes", "same"]


def test_every_named_stage_is_asked() -> None:
    old = 'FROM scratch AS web\nCMD ["w"]\nFROM scratch AS gone\nFROM web AS last\n'
    new = 'FROM scratch AS Web\nCMD ["v"]\nFROM scratch AS come\nFROM scratch AS last\nCMD ["w"]\n'
    sides = [Side("x", text.encode(), lambda _: None) for text in (old, new)]
    found = compare(sides[0], sides[1], Question(all_stages=True))
    assert [(item.stage, item.verdict) for item in found] == [
        (None, "same"),
        ("Web", "changes"),
        ("gone", "changes"),
        ("come", "changes"),
    ]
    assert [found[2].new, found[3].old] == [None, None]


def test_a_target_that_is_gone_is_a_change() -> None:
    old, new = "FROM scratch AS web\nFROM scratch\n", "FROM scratch AS db\nFROM scratch\n"
    found = compared(old, new, Question(target="web"))
    assert found.verdict == "changes"
    assert found.causes[0].steps[0][0] == "BUILD-13"


def test_images_are_compared_like_files() -> None:
    old = Base(ImageConfig(("e",), ("c",)))
    found = compared(old, Base(ImageConfig(("e",), ("d",))))
    assert changes(found) == {"run IMAGE": ("changes", ("e", "c"), ("e", "d"))}
    assert found.causes == ()
    assert compared(old, 'FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]\n').verdict == "same"


def test_empty_and_absent_are_told_apart_though_they_run_alike() -> None:
    found = compared(Base(ImageConfig(("e",), None)), Base(ImageConfig(("e",), ())))
    assert (found.verdict, found.unseen) == ("same", ("Cmd",))


def test_the_usual_runs_are_the_five_that_merge_differently() -> None:
    """moby daemon/commit.go (merge): an absent and a given Cmd, each with an entrypoint that is absent,
    set, or reset.
    """
    options = [(run.options.entrypoint, run.options.args is None) for run in USUAL_RUNS]
    assert options == [(None, True), (None, False), ("x", True), ("", True), ("", False)]
