"""For any Dockerfile: findings are well formed, and fixes keep their promises."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrysem import DockerfileError, ImageConfig
from entrysem.bases.catalogue import Catalogue
from entrysem.build import BaseLookup
from entrysem.findings import find
from entrysem.findings.fix import apply, fix_all, prove
from entrysem.findings.kinds import KINDS
from entrysem.findings.model import SEVERITIES
from entrysem.hypothesis import dockerfiles
from entrysem.render.visible import visible
from tests.strategies import sources

BASES = {"b": ImageConfig(("tini", "--"), ("serve", "x"))}
CORPUS = Path(
    os.environ.get("ENTRYSEM_CORPUS", Path(__file__).parent.parent.parent / ".cache" / "corpus")
)


def _hold(source: bytes, bases: BaseLookup | Mapping[str, ImageConfig]) -> None:
    """What must be true of one file."""
    try:
        found = find(source, bases=bases)
    except DockerfileError:
        return
    assert found == find(source, bases=bases)
    for finding in found:
        assert finding.kind in KINDS
        assert SEVERITIES.index(finding.severity) >= SEVERITIES.index(KINDS[finding.kind].severity)
        assert visible(finding.message) == finding.message
        if finding.fix is not None:
            assert KINDS[finding.kind].fixable
            after = apply(source, [finding.fix])
            assert after != source
            prove(source, after, [finding.fix], bases=bases)
    fixed = fix_all(source, bases=bases)
    assert bool(fixed.mended) == (fixed.data != source)
    assert fix_all(fixed.data, bases=bases).data == fixed.data
    if not any(finding.fix for finding in found):
        assert fixed.data is source


@settings(max_examples=400, deadline=None)
@given(dockerfiles(bases=["b", "unknown"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_dockerfile(text: str, end: str, bom: bool) -> None:
    _hold((("\ufeff" if bom else "") + text.replace("\n", end)).encode(), BASES)


@settings(max_examples=200, deadline=None)
@given(sources)
def test_any_bytes(source: bytes) -> None:
    _hold(b"FROM b\n" + source, BASES)


@lru_cache(maxsize=1)
def _files() -> tuple[Path, ...]:
    return tuple(
        path for path in sorted(CORPUS.rglob("*")) if path.is_file() and path.name != ".complete"
    )


def test_every_file_of_the_corpus() -> None:
    if not _files() and "CI" not in os.environ:
        pytest.skip(f"no corpus in {CORPUS}: python tools/corpus.py .cache/corpus fetches it")
    assert len(_files()) >= 1000
    for path in _files():
        _hold(path.read_bytes(), Catalogue.load().lookup)
