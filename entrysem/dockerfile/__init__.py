"""Dockerfile text -> `Dockerfile`: faithful to BuildKit's grammar, without I/O."""

from __future__ import annotations

from entrysem.dockerfile.grammar import REFERENCE, Grammar
from entrysem.dockerfile.instructions import Heredoc, Instruction
from entrysem.dockerfile.parser import Dockerfile, Stage, parse_dockerfile, read_instructions

__all__ = [
    "REFERENCE",
    "Dockerfile",
    "Grammar",
    "Heredoc",
    "Instruction",
    "Stage",
    "parse_dockerfile",
    "read_instructions",
]
