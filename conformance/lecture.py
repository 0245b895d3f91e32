"""The lecture's table and its nine claims, with real containers and a real shell.

The expected values stand in the documents, not in this program: the two tables of `spec/lecture.md`, as
they are printed there, and the runs of `spec/claims.json`. The programs of the table (`exec_entry`,
`exec_cmd`, `p1_cmd`) are in the image and tell what they were given. So the argv view is what the engine
created, and the effective view is what the shell made of it: the words that its program really got, with
`/bin/sh -c` before them where a shell was started.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.lab import LabError
from conformance.sandbox import Sandbox, Seen
from entrysem.data import spec_folder

__all__ = ["Result", "cells", "claims", "observe", "table_of"]

_TABLE = re.compile(
    r"<!-- entrysem:table --preset lecture --view (\w+).*?-->\n(.*?)<!-- entrysem:end -->",
    re.DOTALL,
)
_NO_COMMAND = re.compile("no command specified", re.IGNORECASE)
#: The words for "not created" in each view.
_ERRORS = {"effective": "error, not allowed", "argv": "error: no command specified"}


@dataclass(frozen=True, slots=True)
class Result:
    """One cell, or one expectation of a claim: what stands in the documents and what was seen."""

    what: str
    wanted: str
    seen: str

    @property
    def right(self) -> bool:
        """Whether they are the same."""
        return self.wanted == self.seen

    def document(self) -> dict[str, Any]:
        """For a report."""
        return {"what": self.what, "wanted": self.wanted, "seen": self.seen, "right": self.right}


def table_of(view: str) -> dict[tuple[str, str], str]:
    """(CMD row, ENTRYPOINT column) -> cell, as `spec/lecture.md` prints the table."""
    text = (spec_folder() / "lecture.md").read_text(encoding="utf-8")
    found = next(match[2] for match in _TABLE.finditer(text) if match[1] == view)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]
    columns, body = rows[0][1:], rows[2:]
    return {
        (row[0], column): cell
        for row in body
        for column, cell in zip(columns, row[1:], strict=True)
    }


def observe(sandbox: Sandbox) -> Iterator[Result]:
    """The table in both views, then the claims."""
    yield from cells(sandbox)
    yield from claims(sandbox)


def cells(sandbox: Sandbox) -> Iterator[Result]:
    """All cells, each from one container, in the argv and in the effective view."""
    views = {view: table_of(view) for view in _ERRORS}
    for row, column in views["argv"]:
        lines = [line for line in (column, row) if not line.startswith("No ")] or ["LABEL a=b"]
        image = sandbox.image("\n".join(["FROM scratch", *lines]) + "\n", wait=False)
        seen = sandbox.run(image)
        for view, table in views.items():
            wanted = table[row, column]
            yield Result(f"{view}: {row} / {column}", wanted, _shown(view, seen))


def _shown(view: str, seen: Seen) -> str:
    if seen.error:
        return _ERRORS[view] if _NO_COMMAND.search(seen.error) else seen.error
    if view == "argv":
        return json.dumps(list(seen.created))
    if seen.program is None:
        return f"nothing was started: {seen.output}"
    shell = " ".join(seen.created[:2]) + " " if seen.created[0] == "/bin/sh" else ""
    return shell + " ".join(seen.program.argv)


def claims(sandbox: Sandbox) -> Iterator[Result]:
    """Every expectation of every run of every claim."""
    document = json.loads((spec_folder() / "claims.json").read_text(encoding="utf-8"))
    for claim in document:
        for number, run in enumerate(claim["runs"], 1):
            for key, wanted in run["expect"].items():
                what = f"{claim['id']} run {number}: {key}"
                yield from _claim(sandbox, what, key, wanted, run)


def _claim(
    sandbox: Sandbox, what: str, key: str, wanted: Any, run: dict[str, Any]
) -> Iterator[Result]:
    if key == "pid1":
        for shell, who in wanted.items():
            seen = _run(sandbox, run, sh=shell.lower())
            yield Result(f"{what} with {shell.lower()}", who, seen.error or seen.pid1)
        return
    if key == "error" and wanted["phase"] in ("parse", "build"):
        try:
            sandbox.image(run["dockerfile"], wait=False)
        except LabError as error:
            rejected = "rejected" if "rejects the image" in str(error) else str(error)
            yield Result(what, "rejected", rejected)
        else:
            yield Result(what, "rejected", "built")
        return
    if key == "config":
        config = sandbox.config(sandbox.image(run["dockerfile"], wait=False))
        yield Result(
            what, json.dumps(wanted), json.dumps({name: config.get(name) for name in wanted})
        )
        return
    seen = _run(sandbox, run)
    if key == "error":
        created = "no-command-specified" if _NO_COMMAND.search(seen.error) else "created"
        yield Result(what, wanted["code"], created)
    elif key == "effective":
        yield Result(what, " ".join(wanted), _shown("effective", seen))
    else:
        yield Result(what, json.dumps(wanted), json.dumps(list(_argv(seen, run))))


def _argv(seen: Seen, run: dict[str, Any]) -> tuple[str, ...]:
    """What was created; with --init, which is not told there, what process 1 really is."""
    if run["run"].get("init") and seen.program is not None:
        return seen.program.one
    return seen.created


def _run(sandbox: Sandbox, run: dict[str, Any], *, sh: str = "dash") -> Seen:
    options = run["run"]
    entrypoint = options.get("entrypoint")
    return sandbox.run(
        sandbox.image(run["dockerfile"], sh=sh, wait=False),
        options.get("args"),
        entrypoint=None if entrypoint is None else [entrypoint],
        init=options.get("init", False),
    )
