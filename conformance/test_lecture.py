"""The lecture's table and claims on every Docker of the lab."""

from __future__ import annotations

import pytest

from conformance import lab
from conformance.lecture import cells, claims, table_of
from conformance.sandbox import Sandbox

_ENGINES = [f"docker-{suite}-classic" for suite in lab.SUITES]


def test_the_table_has_all_cells() -> None:
    """Twelve cells, the same in both views."""
    assert len(table_of("argv")) == 12
    assert table_of("argv").keys() == table_of("effective").keys()


@pytest.mark.parametrize("engine", _ENGINES)
def test_the_lecture_holds(engine: str) -> None:
    """Every cell in both views, and every expectation of every claim."""
    with Sandbox(lab.ensure(engine)) as sandbox:
        table = list(cells(sandbox))
        claimed = list(claims(sandbox))
    assert [one for one in table + claimed if not one.right] == []
    assert len(table) == 24
    assert {one.what.split(" ")[0] for one in claimed} == {f"CLAIM-{n}" for n in range(1, 10)}
