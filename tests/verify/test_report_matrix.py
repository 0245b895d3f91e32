"""The matrix: which rule a result counts for, how columns are named, and what is counted."""

from __future__ import annotations

from typing import Any

import pytest

from entrysem.verify.report.matrix import NO_RULE, Cell, counts_text, matrix
from tests.verify.journals import Document, every_verdict, hostile, journal, line, result


def rows(*results: Document, **options: Any) -> dict[str, tuple[str, ...]]:
    [column] = matrix([journal(line("c", results, **options))]).columns
    return {item.id: item.rows for item in column.cell.results}


def test_a_build_counts_for_reading_and_building_and_a_run_for_merging() -> None:
    run = result("c/run", part="run", run=0, level="CREATE")
    assert rows(result("c"), run, runs=[{}]) == {
        "c": ("FORM-08", "BUILD-01"),
        "c/run": ("MERGE-01",),
    }


def test_a_run_counts_for_the_build_where_nothing_else_does() -> None:
    run = result("c/run", part="run", run=0, level="CREATE")
    assert rows(run, runs=[{}])["c/run"] == ("FORM-08", "BUILD-01", "MERGE-01")


@pytest.mark.parametrize(
    ("build", "run", "counted"),
    [
        ("FAIL", "FAIL", ("FORM-08", "BUILD-01")),
        ("FAIL", "SKIP", ("FORM-08", "BUILD-01")),
        ("PASS", "FAIL", ("MERGE-01",)),
        ("FAIL", "PASS", ("MERGE-01",)),
        ("DEVIATES", "FAIL", ("MERGE-01",)),
    ],
)
def test_a_run_of_a_wrong_image_says_nothing_against_the_runtime(
    build: str, run: str, counted: tuple[str, ...]
) -> None:
    made = result("c/run", run, part="run", run=0, level="CREATE")
    assert rows(result("c", build), made, runs=[{}])["c/run"] == counted


@pytest.mark.parametrize("verdict", ["DEVIATES", "STALE"])
def test_a_recorded_difference_counts_for_its_own_rule_alone(verdict: str) -> None:
    found = result("c", verdict, deviations=["text-after-array-dropped", "no-heredocs"])
    assert rows(found)["c"] == ("FORM-11", "FORM-13")


def test_a_difference_that_only_the_user_has_recorded_counts_as_any_other() -> None:
    assert rows(result("c", "DEVIATES", deviations=["mine"]))["c"] == ("FORM-08", "BUILD-01")


def test_nothing_is_lost_when_no_rule_fits() -> None:
    assert rows(result("c"), rules=["SHELL-01"])["c"] == (NO_RULE,)
    assert rows(result("c"), rules=["MERGE-01"])["c"] == ("MERGE-01",)
    assert rows(result("c", part="smoke"), rules=[])["c"] == (NO_RULE,)


def test_cells_count_and_name_the_worst() -> None:
    table = matrix([every_verdict(), journal()])
    first, second = table.columns
    assert first.cell.worst == "ERROR"
    assert counts_text(first.cell.counts) == "1 ERROR, 1 FAIL, 1 STALE, 1 DEVIATES, 1 SKIP, 4 PASS"
    assert counts_text(table.counts) == counts_text(first.cell.counts)
    assert second.cell.worst is None
    assert table.cell("FORM-08", second).worst is None
    assert table.cell("FORM-11", first).worst == "DEVIATES"
    rows = ["FORM-08", "FORM-11", "FORM-12", "FORM-13", "BUILD-01", "MERGE-01", "MERGE-10"]
    assert table.rows == (NO_RULE, *rows)
    assert [result.id for _, result in table.results(["FAIL", "STALE"])] == ["fails/run", "stale"]
    assert len(list(table.results())) == 9


def test_a_few_skips_do_not_hide_what_passes() -> None:
    def cell(*verdicts: str) -> Cell:
        lines = [line(f"c{n}", [result(f"c{n}", v)]) for n, v in enumerate(verdicts)]
        return matrix([journal(*lines)]).columns[0].cell

    assert (cell("SKIP", "PASS").worst, cell("SKIP", "PASS").shown) == ("SKIP", "PASS")
    assert cell("SKIP", "SKIP").shown == "SKIP"
    assert cell("SKIP", "PASS", "DEVIATES").shown == "DEVIATES"
    assert cell().shown is None


def test_what_broke_is_the_reason_where_the_result_has_none() -> None:
    [(_, found)] = matrix([every_verdict()]).results(["ERROR"])
    assert found.reason == "the engine's connection broke"


def test_columns_have_names_that_tell_them_apart() -> None:
    journals = [
        journal(),
        journal(builder="classic@28.5.2"),
        journal(engine="docker:context=a"),
        journal(engine="docker:context=a"),
        journal(name="mine", version="", builder=None, runtime=None, engine="harness:./mine"),
        journal(name="buildah", version="1.43.2", builder="buildah@1.43.2", runtime=None),
    ]
    labels = [column.label for column in matrix(journals).columns]
    assert labels == [
        "docker 28.5.2 buildkit@0.25.2 docker",
        "docker 28.5.2 classic@28.5.2",
        "docker 28.5.2 buildkit@0.25.2 docker:context=a",
        "docker 28.5.2 buildkit@0.25.2 docker:context=a #2",
        "mine",
        "buildah 1.43.2",
    ]
    assert len(set(labels)) == len(labels)


def test_an_ending_is_told_when_it_is_not_the_end() -> None:
    endings = [
        column.ending
        for column in matrix(
            [
                journal(),
                journal(status="unfinished"),
                journal(status="interrupted", reason="by a signal"),
            ]
        ).columns
    ]
    assert endings == ["", "unfinished", "interrupted: by a signal"]


def test_hostile_names_are_kept_as_they_are() -> None:
    """Escaping is for the formats; the matrix neither changes nor trips over anything."""
    [column] = matrix([hostile()]).columns
    assert column.cell.worst == "ERROR"
