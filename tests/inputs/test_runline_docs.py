"""What `docs/run-lines.md` shows is what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from entrysem.inputs.runline import explain_words, read_run_line
from entrysem.inputs.runline.tables import known_versions, table_sources

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "run-lines.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("line", "shown"), BLOCKS, ids=range(len(BLOCKS)))
def test_the_outputs_are_true(line: str, shown: str) -> None:
    assert explain_words(read_run_line(line)) == shown


def test_there_are_outputs() -> None:
    assert len(BLOCKS) >= 5


def test_every_code_is_on_the_page_and_none_else() -> None:
    source = (ROOT / "entrysem/inputs/runline/mistakes.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'Note\(\s*"([a-z-]+)"', source))
    (table,) = re.findall(r"\| code \|.*?\n\n", PAGE, re.DOTALL)
    cells = " ".join(row.split("|")[1] for row in table.strip().splitlines()[2:])
    assert codes == set(re.findall(r"`([a-z-]+)`", cells))


@pytest.mark.parametrize("program", ["docker", "podman", "compose", "kubectl"])
def test_the_releases_are_those_of_the_table(program: str) -> None:
    command = f"{program} run"
    first, last = [re.sub("^v0", "1", tag).removeprefix("v") for tag in known_versions(command)]
    row = f"| {program} | {table_sources()[command]['tags']} | {first} | {last} |\n"
    assert row in PAGE
