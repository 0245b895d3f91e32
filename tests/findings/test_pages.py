"""The registry and its pages. What a page computes is computed again, and must be what it says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from entrysem.errors import InputError
from entrysem.findings.kinds import KINDS, get_kind
from entrysem.findings.model import SEVERITIES, Kind
from entrysem.rules import RULES

ROOT = Path(__file__).parent.parent.parent
PAGES = ROOT / "docs" / "findings"


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_findings", ROOT / "tools/make_findings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date() -> None:
    wanted = _tool().wanted()
    assert {name: (PAGES / name).read_text(encoding="utf-8") for name in wanted} == wanted
    assert {path.name for path in PAGES.iterdir()} == set(wanted)


def test_ids_count_up_and_names_are_unique() -> None:
    assert list(KINDS) == [f"ES{number:03}" for number in range(1, len(KINDS) + 1)]
    assert len({kind.name for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.id)
def test_a_kind_is_well_formed(kind: Kind) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.name)
    assert kind.severity in SEVERITIES
    assert kind.rules
    assert set(kind.rules) <= set(RULES)
    assert (ROOT / kind.document).exists()


@pytest.mark.parametrize("text", ["ES004", "es004", "looks-like-exec-form", "Looks-Like-Exec-Form"])
def test_a_kind_is_found_by_id_and_name(text: str) -> None:
    assert get_kind(text).id == "ES004"


@pytest.mark.parametrize("text", ["", "ES999", "ES4", "\x1b[2J"])
def test_an_unknown_kind_is_an_error_that_can_be_shown(text: str) -> None:
    with pytest.raises(InputError) as caught:
        get_kind(text)
    assert caught.value.code == "unknown-finding"
    assert caught.value.message.isprintable()
