"""The registry of kinds: what is told, how bad it is by default, and where it is explained.

A kind is declared here and nowhere else. Ids are never reused or renumbered, and a kind's meaning does
not widen: what is told additionally gets an id of its own, so that a new release does not fail a build
that an old one let through. Each has a page `docs/findings/ID.md`; a test holds the two together.

The severities follow from how often a kind was right on 95,698 Dockerfiles that people published (the
pages have the counts): `error` where the container cannot do what the line says, `warning` where it most
probably does something else than the author means, `info` where the line is true to its author's wish
as often as not and the reader should know its price. A finding that rests on an unknown base image is
`info` whatever its kind, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from entrysem.errors import InputError
from entrysem.findings.model import Kind

__all__ = ["KINDS", "get_kind"]

_DECLARED = (
    Kind(
        "ES001",
        "shell-entrypoint-ignores-arguments",
        "A shell-form ENTRYPOINT ignores CMD and arguments",
        "warning",
        ("BUILD-04", "SHELL-01", "SHELL-02"),
        hadolint="DL3025",
        buildkit="JSONArgsRecommended",
        fixable=True,
    ),
    Kind(
        "ES002",
        "shell-cmd-under-exec-entrypoint",
        "A shell-form CMD hands the words of a shell to ENTRYPOINT",
        "warning",
        ("BUILD-04", "MERGE-01"),
        hadolint="DL3025",
        buildkit="JSONArgsRecommended",
        fixable=True,
    ),
    Kind(
        "ES003",
        "inherited-cmd-wiped",
        "ENTRYPOINT empties the inherited CMD",
        "warning",
        ("BUILD-02",),
        fixable=True,
    ),
    Kind(
        "ES004",
        "looks-like-exec-form",
        "Looks like exec form and is shell form",
        "error",
        ("FORM-08", "FORM-09"),
        hadolint="DL3025",
        buildkit="JSONArgsRecommended",
        fixable=True,
    ),
    Kind(
        "ES005",
        "text-after-array",
        "Text follows the array",
        "error",
        ("FORM-11",),
        hadolint="DL1000",
        buildkit="JSONArgsRecommended",
        fixable=True,
    ),
    Kind(
        "ES006",
        "literal-variable",
        "A variable in exec form stays as it is written",
        "warning",
        ("FORM-14",),
    ),
    Kind(
        "ES007",
        "command-line-in-one-word",
        "One word holds a whole command line",
        "error",
        ("FORM-08", "MERGE-09"),
        fixable=True,
    ),
    Kind(
        "ES008",
        "one-empty-word",
        "One empty word is not the same everywhere",
        "warning",
        ("MERGE-04", "MERGE-09"),
        fixable=True,
    ),
    Kind(
        "ES009",
        "shell-is-pid-1",
        "PID 1 is a shell that does not pass SIGTERM on",
        "info",
        ("SHELL-04", "SHELL-05"),
        fixable=True,
    ),
    Kind(
        "ES010",
        "overwritten",
        "A later instruction of the stage replaces this one",
        "warning",
        ("BUILD-01", "BUILD-03", "BUILD-05"),
        hadolint="DL4003, DL4004",
        buildkit="MultipleInstructionsDisallowed",
        fixable=True,
    ),
    Kind(
        "ES011",
        "shell-not-portable",
        "Some builders ignore SHELL in CMD and ENTRYPOINT",
        "info",
        ("BUILD-04", "BUILD-05", "BUILD-06"),
        fixable=True,
    ),
    Kind(
        "ES012",
        "shell-keeps-one-word",
        "The shell runs one word and takes the rest as parameters",
        "error",
        ("SHELL-01", "SHELL-02"),
        fixable=True,
    ),
    Kind("ES013", "nothing-to-run", "There is nothing to run", "info", ("MERGE-06",)),
    Kind(
        "ES014",
        "no-arguments",
        "CMD or ENTRYPOINT without arguments",
        "warning",
        ("FORM-15",),
        hadolint="DL1000",
        fixable=True,
    ),
    Kind(
        "ES015",
        "differs-elsewhere",
        "A builder or runtime that is to be supported runs something else",
        "warning",
        ("BUILD-01", "MERGE-01"),
    ),
)

#: By id, in order.
KINDS: Mapping[str, Kind] = MappingProxyType({kind.id: kind for kind in _DECLARED})
_BY_NAME = {kind.name: kind for kind in _DECLARED}


def get_kind(text: str) -> Kind:
    """The kind with this id (in any case) or name.

    Raises:
        InputError: `unknown-finding`, there is none.
    """
    kind = KINDS.get(text.upper()) or _BY_NAME.get(text.lower())
    if kind is None:
        raise InputError(
            "unknown-finding",
            f"there is no finding {text!a}",
            where="finding id",
            hint=f"the ids are {_DECLARED[0].id} to {_DECLARED[-1].id}; docs/findings lists them",
        )
    return kind
