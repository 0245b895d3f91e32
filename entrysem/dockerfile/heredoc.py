"""`<<WORD` on RUN, COPY and ADD: which markers a line has.

Only these three read a body, only in shell form. On CMD and ENTRYPOINT `<<WORD` is text, and the
lines that follow are instructions.

Source: moby/buildkit frontend/dockerfile/parser/parser.go (heredocsFromLine, heredocFromMatch).
"""

from __future__ import annotations

import re

from entrysem.dockerfile.grammar import Grammar
from entrysem.dockerfile.instructions import Heredoc, Instruction
from entrysem.dockerfile.words import MODIFIERS, ExpansionError, split
from entrysem.late import late

__all__ = ["accepts_heredocs", "heredoc_of", "markers"]

_LARGEST = 2**64 - 1
_KEYWORDS = frozenset({"add", "copy", "run"})
_MARKER = late(r"(\d*)<<(-?)[\t\n\f\r ]*([^<]*)\Z", re.ASCII)
_MARKER_UNSPACED = late(r"(\d*)<<(-?)([^<]*)\Z", re.ASCII)


def accepts_heredocs(instruction: Instruction, grammar: Grammar) -> bool:
    """Whether a marker on this instruction, or on the one that it stores, opens a body."""
    inner = instruction.trigger or instruction
    return grammar.heredocs and inner.keyword in _KEYWORDS and inner.items is None


def markers(line: str, grammar: Grammar) -> list[Heredoc]:
    """The heredocs that `line` opens, in order, their content still empty.

    Raises:
        ExpansionError: a marker's word has unbalanced quotes.
    """
    try:
        words = _split(line, grammar, keep_quotes=True, keep_escapes=True)
    except ExpansionError:
        return []
    found = (heredoc_of(word, grammar) for word in words)
    return [heredoc for heredoc in found if heredoc]


def heredoc_of(word: str, grammar: Grammar) -> Heredoc | None:
    """The heredoc that this word opens, or None.

    Raises:
        ExpansionError: the word's quotes are unbalanced.
    """
    match = (_MARKER if grammar.heredoc_blank else _MARKER_UNSPACED).match(word)
    if not match or not match.group(3):
        return None
    spelled = match.group(3)
    unquoted = _split(spelled, grammar, keep_quotes=False)
    if len(unquoted) != 1:
        return None
    as_written = _split(spelled, grammar, keep_quotes=True)
    if len(as_written) != 1:
        raise ExpansionError(f"internal lexing of heredoc produced inconsistent results: {spelled}")
    return Heredoc(
        name=unquoted[0],
        content="",
        descriptor=_descriptor(match.group(1)),
        expand=_quotes(unquoted[0]) == _quotes(as_written[0]),
        chomp=match.group(2) == "-",
    )


def _split(
    line: str, grammar: Grammar, *, keep_quotes: bool, keep_escapes: bool = False
) -> list[str]:
    # imagebuilder, the only one without `?`, substitutes with a lexer of its own and finds markers
    # with BuildKit's.
    return split(
        line,
        keep_quotes=keep_quotes,
        keep_escapes=keep_escapes,
        modifiers=grammar.modifiers if "?" in grammar.modifiers else MODIFIERS,
        join_heredoc=grammar.heredoc_blank,
        shared_buffer=grammar.heredoc_prefix == "lost",
    )


def _descriptor(digits: str) -> int:
    """Go's ParseUint with its error ignored: too large is the largest 64-bit number."""
    significant = digits.lstrip("0")
    return min(int(significant or "0"), _LARGEST) if len(significant) < 21 else _LARGEST


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')
