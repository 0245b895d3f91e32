"""What is worth telling the author about a resolution, and how to mend it.

`model` says what a finding is, `kinds` which there are, `find` finds them, `fix` mends.
"""

from __future__ import annotations

from entrysem.findings.finder import find

__all__ = ["find"]
