"""For GitLab's merge requests: the list of Code Quality violations.

Paths are those of the repository, without `./`; a violation is the same as one of the target branch
when the fingerprints are equal. `info` is GitLab's `info`, a warning `minor`, an error `major`, and
what could not be checked `blocker`.

Source: GitLab Docs, "Code Quality", "Code Quality report format": `description`, `check_name`,
`fingerprint`, `location.path`, `location.lines.begin`, `severity` of info, minor, major, critical,
blocker.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from entrysem.check.kinds import OWN, REJECTED
from entrysem.check.model import FileResult, fingerprint
from entrysem.dockerfile.text import stored
from entrysem.errors import Span
from entrysem.render.visible import visible

__all__ = ["render"]

_LEVELS = {"error": "major", "warning": "minor", "info": "info"}


def render(results: Sequence[FileResult], code: int) -> str:
    """The JSON list, with a line end; `[]` when there is nothing."""
    del code
    found = []
    for result in results:
        shown = result.place.shown
        refused = result.rejection
        if refused is not None:
            mark = fingerprint(REJECTED, shown, refused.code, 0)
            name = f"{REJECTED} {OWN[REJECTED].name}"
            found.append(_violation(name, refused.message, mark, "blocker", shown, refused.span))
        found += [
            _violation(
                f"{each.kind} {each.title}",
                each.message,
                each.fingerprint,
                _LEVELS[each.severity],
                shown,
                each.span,
            )
            for each in result.problems
        ]
    return json.dumps(found, indent=2) + "\n"


def _violation(
    name: str, text: str, mark: str, severity: str, shown: str, span: Span | None
) -> dict[str, Any]:
    return {
        "description": visible(text),
        "check_name": name,
        "fingerprint": mark,
        "severity": severity,
        "location": {
            "path": stored(shown).removeprefix("./"),
            "lines": {"begin": span.line if span else 1},
        },
    }
