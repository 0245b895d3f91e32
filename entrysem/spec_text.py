"""Sections of the spec's documents: the text of one rule."""

from __future__ import annotations

import re

from entrysem.data import read_text
from entrysem.rules import Rule

__all__ = ["section"]


def section(rule: Rule) -> str:
    """The Markdown of the rule, from its heading to the next."""
    text = read_text(rule.document)
    match = re.search(rf"^## {re.escape(rule.id)}: .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"spec/{rule.document} has no {rule.id}"
    return match.group().rstrip() + "\n"
