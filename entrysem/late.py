"""Regular expressions that are compiled when they are first used.

Compiling a pattern costs more than most files cost to read, and one run of the program uses few of
the patterns that it has. `late` is `re.compile` for a pattern that stands in a module.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

__all__ = ["late"]

if TYPE_CHECKING:
    late = re.compile
else:

    class late:  # noqa: N801  # used as re.compile is
        """A pattern; its methods are those of `re.Pattern`."""

        def __init__(self, pattern: str, flags: int = 0) -> None:
            self._source = (pattern, flags)

        def __getattr__(self, name: str) -> Any:
            found = getattr(re.compile(*self._source), name)
            # From now on it is an attribute of its own, found without coming here.
            setattr(self, name, found)
            return found
