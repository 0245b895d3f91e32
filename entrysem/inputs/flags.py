"""--entrypoint and --init among options that somebody else adds to `docker create` or `podman run`.

The options come from a list in a file and are not all known here: the last of each counts, as for the
command line itself, and an option's own value is not told from an option.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["last_flags"]

#: What pflag and strconv.ParseBool take for true.
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})


def last_flags(words: Iterable[str]) -> tuple[str | None, bool]:
    """The value of the last --entrypoint, None without one; and whether --init is on."""
    entrypoint: str | None = None
    init = False
    left = iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        if name == "--entrypoint":
            entrypoint = value if equals else next(left, "")
        elif name == "--init":
            init = not equals or value in _TRUE
    return entrypoint, init
