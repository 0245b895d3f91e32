"""Every known divergence is seen again, on the engines of the quick matrix."""

from __future__ import annotations

import pytest

from conformance import lab
from conformance.known import KNOWN, Divergence, seen
from conformance.parts import opened

#: Engine -> divergence -> what was seen of it.
_Ways = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def ways() -> _Ways:
    """What every engine does."""
    found: _Ways = {}
    for name in lab.quick():
        engine = lab.engine(name)
        with opened(engine) as (harness, implementation):
            found[engine.key] = {
                one.name: seen(one, harness.observe(one.job()))
                for one in KNOWN
                if one.run is None or implementation.runtime is not None
            }
    return found


@pytest.mark.parametrize("divergence", KNOWN, ids=lambda one: one.name)
def test_is_seen(ways: _Ways, divergence: Divergence) -> None:
    """Some engine does it in the first way, and none in a third."""
    found = {
        engine: each[divergence.name] for engine, each in ways.items() if divergence.name in each
    }
    assert "one" in found.values(), found
    assert "neither" not in found.values(), found
