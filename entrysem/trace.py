"""Steps while they happen.

Resolving is fast because a step costs one small tuple while it is taken; the `Step` with its
sentence is made when somebody asks. A sentence is a template over `before`, `after` and the note's
own words, so each wording stands at the one place that applies the rule.
"""

from __future__ import annotations

import json

from entrysem.dockerfile import Dockerfile, Instruction
from entrysem.model import Inherited, Step, Words

__all__ = ["Note", "Trace", "spell", "steps"]


#: One step in the making: rule, field, place, before, after, template, words, stage. `place` is the
#: instruction, an option as text, or None; `words` fill the template's `{0}`, `{1}`. A plain tuple,
#: because making one is a tenth of the cost of a class.
Note = tuple[
    str, str, Instruction | str | None, Words, Words, str, tuple[str | Words, ...], int | None
]
Trace = list[Note]


def spell(words: Words) -> str:
    """`words` as a person reads a list: JSON, unknown parts in angle brackets, `nothing` for None."""
    if words is None:
        return "nothing"
    if len(words) == 1 and isinstance(words[0], Inherited):
        return str(words[0])
    inner = (
        str(word) if isinstance(word, Inherited) else json.dumps(word, ensure_ascii=False)
        for word in words
    )
    return "[" + ", ".join(inner) + "]"


def steps(trace: Trace, dockerfile: Dockerfile | None) -> tuple[Step, ...]:
    """The steps of a finished trace, in order."""
    return tuple(_step(note, dockerfile) for note in trace)


def _step(note: Note, dockerfile: Dockerfile | None) -> Step:
    rule, field, place, before, after, template, words, stage = note
    span = None
    text = place if isinstance(place, str) else ""
    if isinstance(place, Instruction):
        text = place.original.strip()
        if dockerfile is not None and place.start_line:
            span = dockerfile.span(place)
    sentence = template.format(
        *[word if isinstance(word, str) else spell(word) for word in words],
        before=spell(before),
        after=spell(after),
    )
    config = tuple(word for word in words if not isinstance(word, str)) or None
    return Step(rule, field, span, text, before, after, sentence, stage, config)
