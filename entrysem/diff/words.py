"""Whether two answers are the same argv, also where words of them are not known.

`Inherited("Cmd", "acme/base")` stands for zero or more words, the same ones wherever it stands. Two lists
of words and such parts are therefore two sides of an equation over strings, and there are three cases:
equal whatever the parts are, different whatever they are, or it depends.

What is equal at the start or the end of both sides is taken off first; words form a free monoid, in which
that changes nothing. What is left is equal when nothing is left, and different when both sides begin or
end with different words, or one side has a word that the other has no part left to hold. Anything else is
`undecided`: that may be said of a pair that more thought would find different, never of one that is known
to be equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from entrysem.model import Inherited, StartError, Word, Words

__all__ = ["Verdict", "judge"]

Verdict = Literal["same", "undecided", "changes"]


def judge(
    old: Words, old_error: StartError | None, new: Words, new_error: StartError | None
) -> Verdict:
    """Compares two answers.

    Args:
        old, new: argv with `Inherited` where it is not known; None when no container is created.
        old_error, new_error: why it does not start, or None.
    """
    if old is None and new is None:
        return "same" if _code(old_error) == _code(new_error) else "changes"
    if old is None or new is None:
        there = new if old is None else old
        assert there is not None
        # Unknown words may be none at all, and a container without words is not created.
        return "undecided" if all(isinstance(word, Inherited) for word in there) else "changes"
    verdict = _equation(old, new)
    if verdict == "same" and _code(old_error) != _code(new_error):
        return "changes"
    return verdict


def _code(error: StartError | None) -> tuple[str, str] | None:
    return None if error is None else (error.phase, error.code)


def _equation(old: Sequence[Word], new: Sequence[Word]) -> Verdict:
    start = 0
    shorter = min(len(old), len(new))
    while start < shorter and old[start] == new[start]:
        start += 1
    end = 0
    while end < shorter - start and old[-1 - end] == new[-1 - end]:
        end += 1
    left, right = old[start : len(old) - end], new[start : len(new) - end]
    if not left and not right:
        return "same"
    if left and right and (_differ(left[0], right[0]) or _differ(left[-1], right[-1])):
        return "changes"
    # A word that one side has more often needs an unknown part on the other side to hold it.
    unmatched = Counter(_known(left)) - Counter(_known(right))
    unmatched_right = Counter(_known(right)) - Counter(_known(left))
    parts = Counter(_parts(left)) - Counter(_parts(right))
    parts_right = Counter(_parts(right)) - Counter(_parts(left))
    if (unmatched and not parts_right) or (unmatched_right and not parts):
        return "changes"
    if not _parts(left) and not _parts(right):
        return "changes"
    return "undecided"


def _differ(one: Word, other: Word) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one != other


def _parts(words: Sequence[Word]) -> list[Inherited]:
    return [word for word in words if isinstance(word, Inherited)]


def _known(words: Sequence[Word]) -> list[str]:
    return [word for word in words if isinstance(word, str)]
