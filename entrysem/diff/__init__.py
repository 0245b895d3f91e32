"""Does an edit change what runs?

Two versions of a Dockerfile, or two images, are built and run in every way that is asked about, and
the answers are compared (`compare`). Where words are unknown, the comparison is of what they may be:
the same unknown part on both sides is equal to itself, and whether two different ones are equal is
`undecided` (`words`). For what changed, the instruction that had the last word on each side is the
cause (`causes`). `operands` reads what is named on the command line, `git` the revisions; `report` has
a module a format.

`entrysem.verify.diff` is another thing: it compares what two runs of the suite saw.
"""

from __future__ import annotations

from entrysem.diff.causes import Cause
from entrysem.diff.compare import (
    Build,
    Comparison,
    Question,
    Run,
    RunChange,
    Side,
    Verdict,
    compare,
)
from entrysem.diff.files import FileDiff, diff_files

__all__ = [
    "Build",
    "Cause",
    "Comparison",
    "FileDiff",
    "Question",
    "Run",
    "RunChange",
    "Side",
    "Verdict",
    "compare",
    "diff_files",
]
