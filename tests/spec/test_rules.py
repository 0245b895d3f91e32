"""The registry of rules and the documents of the spec say the same, and each rule is complete."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import pytest

from entrysem.deviations import DEVIATIONS
from entrysem.rules import RULES
from tests.spec.examples import SPEC, Example, read_examples, run_example

_DOCUMENTS = ("form.md", "build.md", "merge.md", "shell.md")
_HEADING = re.compile(r"^## (?P<id>[A-Z]+-[0-9]+): (?P<title>.+)$", re.MULTILINE)
_KEYS = re.compile(r"\[([a-z0-9-]+)\]")


class Section(NamedTuple):
    """One rule's part of its document."""

    document: str
    id: str
    title: str
    text: str

    def field(self, name: str) -> str:
        """What stands behind `name:` at the start of a line, up to the next empty line."""
        match = re.search(rf"^{name}: (.*?)(?:\n\n|\Z)", self.text, re.MULTILINE | re.DOTALL)
        return match.group(1) if match else ""

    @property
    def normative(self) -> str:
        return self.text.partition("\nSources: ")[0]


def _sections() -> list[Section]:
    found: list[Section] = []
    for document in _DOCUMENTS:
        text = (SPEC / document).read_text(encoding="utf-8")
        headings = list(_HEADING.finditer(text))
        ends = [heading.start() for heading in headings[1:]] + [len(text)]
        found += [
            Section(document, heading["id"], heading["title"], text[heading.end() : end])
            for heading, end in zip(headings, ends, strict=True)
        ]
    return found


_SECTIONS = _sections()
_EXAMPLES = [example for document in _DOCUMENTS for example in read_examples(document)]
_SOURCES: dict[str, dict[str, Any]] = json.loads((SPEC / "sources.json").read_text("utf-8"))
_EACH = pytest.mark.parametrize("section", _SECTIONS, ids=lambda section: section.id)


def test_headings_are_the_registry_in_its_order() -> None:
    written = [(section.document, section.id, section.title) for section in _SECTIONS]
    assert written == [(rule.document, rule.id, rule.title) for rule in RULES.values()]


@_EACH
def test_rule_is_complete(section: Section) -> None:
    assert re.search(r"\b(?:MUST|SHOULD|MAY|OBSERVED)\b", section.normative)
    keys = _KEYS.findall(section.field("Sources"))
    assert keys
    assert [key for key in keys if key not in _SOURCES] == []
    assert len(set(keys)) == len(keys)
    assert section.field("Rationale").endswith(".")
    assert [example for example in _EXAMPLES if example.owner == section.id]


@_EACH
def test_rule_names_its_deviations(section: Section) -> None:
    recorded = [deviation.id for deviation in DEVIATIONS if deviation.rule == section.id]
    assert _KEYS.findall(section.field("Deviations")) == recorded


@pytest.mark.parametrize(
    "example", _EXAMPLES, ids=lambda example: f"{example.owner}-line-{example.line}"
)
def test_example_applies_its_rule(example: Example) -> None:
    applied = run_example(example)
    assert example.owner in applied, sorted(applied)


def test_every_source_is_cited() -> None:
    documents = (*_DOCUMENTS, "lecture.md")
    lines = [
        line
        for document in documents
        for line in (SPEC / document).read_text(encoding="utf-8").split("\n")
        if line.startswith("Sources: ")
    ]
    cited = {key for line in lines for key in _KEYS.findall(line)}
    assert cited == set(_SOURCES)


def test_line_ranges_are_in_order() -> None:
    for key, source in _SOURCES.items():
        first, _, last = source.get("lines", "1-1").partition("-")
        assert int(first) <= int(last), key


@pytest.mark.parametrize("name", ["sources", "claims"])
def test_document_fits_its_schema(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((SPEC / "schema" / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads((SPEC / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
