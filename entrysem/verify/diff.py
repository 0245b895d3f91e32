"""What changed between two journals: of one engine before and after an update, or of two engines.

Results are matched by their ids. A result got worse or better when its verdict did, in the order
ERROR, FAIL, STALE, SKIP, DEVIATES, PASS: here a SKIP stands below DEVIATES, because what was known
before and is not looked at any more is a loss. It *changed* when the verdict is the same and something
else was observed. An engine's messages are not compared, for they hold names and times, and a config
that lacks a key is equal to one where it is null. What only one of the journals has is new or gone.

Only what got worse, or is new and wrong, makes an exit code of 1. What is gone does not, because
cases are taken out on purpose; it is shown, together with what explains it: another plan, or a
journal that was cut short.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from entrysem.errors import InputError
from entrysem.render.visible import visible
from entrysem.verify.journal import VERDICTS, Journal, Verdict
from entrysem.verify.report import words
from entrysem.verify.report.markdown import code, text
from entrysem.verify.report.matrix import BAD, Column, Result, matrix

__all__ = ["FORMATS", "KINDS", "Change", "Difference", "compare", "render"]

Kind = Literal["worse", "better", "changed", "new", "gone"]
#: In the order in which they are shown, with what each says.
KINDS: Mapping[Kind, str] = {
    "worse": "got worse",
    "better": "got better",
    "changed": "the same verdict, but another value",
    "new": "only in the new journal",
    "gone": "only in the old journal",
}
FORMATS = ("text", "markdown", "json")

_ORDER: tuple[Verdict, ...] = ("ERROR", "FAIL", "STALE", "SKIP", "DEVIATES", "PASS")
#: So many changes of a kind are written out; the JSON has all.
_WRITTEN = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One result that is not the same in both journals.

    Attributes:
        kind: one of KINDS.
        old, new: the result there, or None; not both None.
    """

    kind: Kind
    old: Result | None
    new: Result | None

    @property
    def result(self) -> Result:
        """The new one, or what there was."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def is_worse(self) -> bool:
        """Whether somebody should look: worse than before, or new and wrong."""
        return self.kind == "worse" or (self.kind == "new" and self.result.verdict in BAD)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two journals, compared.

    Attributes:
        old, new: what was compared, as columns of a report.
        changes: in the order of KINDS, within a kind the worst verdict first, then as in the journal.
        same: how many results are the same in both.
    """

    old: Column
    new: Column
    changes: tuple[Change, ...]
    same: int

    @property
    def counts(self) -> Counter[Kind]:
        """Kind -> how many changes."""
        return Counter(change.kind for change in self.changes)

    @property
    def exit_code(self) -> Literal[0, 1, 3]:
        """1 when something got worse; 3 when the journals have no result in common."""
        if any(change.is_worse for change in self.changes):
            return 1
        counts = self.counts
        return 0 if self.same + counts["better"] + counts["changed"] else 3

    @property
    def notes(self) -> list[str]:
        """What a reader should know before the list: sentences."""
        old, new = self.old.journal, self.new.journal
        found = []
        if old.header["plan"]["digest"] != new.header["plan"]["digest"]:
            found.append("the plans differ: other cases, other expected values, or another level")
        for name, column in (("old", self.old), ("new", self.new)):
            if column.ending:
                found.append(f"the {name} journal is not complete: {column.ending}")
        if not self.same and not {"worse", "better", "changed"} & set(self.counts):
            found.append("the journals have no result in common")
        return [words.message_text(note) for note in found]


def compare(old: Journal, new: Journal) -> Difference:
    """Compares two journals, result by result."""
    columns = [matrix([journal]).columns[0] for journal in (old, new)]
    before, after = ({r.id: r for r in column.cell.results} for column in columns)
    changes = []
    same = 0
    for name, result in after.items():
        kind = _kind(before.get(name), result)
        if kind is None:
            same += 1
        else:
            changes.append(Change(kind, before.get(name), result))
    changes += [
        Change("gone", result, None) for name, result in before.items() if name not in after
    ]
    kinds = list(KINDS)
    changes.sort(key=lambda c: (kinds.index(c.kind), VERDICTS.index(c.result.verdict)))
    return Difference(columns[0], columns[1], tuple(changes), same)


def _kind(old: Result | None, new: Result) -> Kind | None:
    if old is None:
        return "new"
    if old.verdict != new.verdict:
        return "worse" if _ORDER.index(new.verdict) < _ORDER.index(old.verdict) else "better"
    return "changed" if _compared(old) != _compared(new) else None


def _compared(result: Result) -> Any:
    """What was observed, without the engine's own words; a key that is null is not there."""
    return _plain(result.document["observed"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _plain(item)
            for key, item in value.items()
            if key != "message" and item is not None
        }
    return value


# --- showing it --------------------------------------------------------------------------------------


def render(
    difference: Difference,
    format: str,  # noqa: A002 - named as the option
) -> str:
    """The difference in one of FORMATS, ending with a newline.

    Raises:
        InputError: an unknown format.
    """
    if format == "text":
        return "\n".join(_text(difference)) + "\n"
    if format == "markdown":
        return "\n".join(_markdown(difference)) + "\n"
    if format == "json":
        return json.dumps(document(difference), indent=1) + "\n"
    raise InputError(
        "unknown-format",
        f"there is no format {format!r}",
        where="--format",
        hint=f"known: {', '.join(FORMATS)}",
    )


def _summary(difference: Difference) -> str:
    counts = difference.counts
    told = [f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]]
    return ", ".join([*told, f"{difference.same} the same"])


def _groups(difference: Difference) -> Iterator[tuple[Kind, list[Change]]]:
    for kind in KINDS:
        found = [change for change in difference.changes if change.kind == kind]
        if found:
            yield kind, found


def _verdicts(change: Change) -> str:
    old, new = change.old, change.new
    if old is None or new is None or old.verdict == new.verdict:
        return change.result.verdict
    return f"{old.verdict} -> {new.verdict}"


def _values(change: Change) -> list[tuple[str, str]]:
    found = []
    for name, result in (("before", change.old), ("now", change.new)):
        if result is None:
            continue
        value = words.value_text(result.document["observed"])
        why = f"; {words.message_text(result.reason)}" if result.reason else ""
        found.append((name, value + why))
    return found


def _text(difference: Difference) -> Iterator[str]:
    yield f"old  {visible(difference.old.label)}, {difference.old.journal.header['started']}"
    yield f"new  {visible(difference.new.label)}, {difference.new.journal.header['started']}"
    yield from (f"note {note}" for note in difference.notes)
    for kind, changes in _groups(difference):
        yield ""
        yield f"{kind}: {len(changes)}, {KINDS[kind]}"
        for change in changes[:_WRITTEN]:
            about = words.what(change.result)
            yield f"  {_verdicts(change)}  {visible(change.result.id)}  {about}"
            if kind not in ("new", "gone"):
                expected = words.value_text(change.result.document["expected"])
                yield f"    expected: {expected}"
            yield from (f"    {name}: {value}" for name, value in _values(change))
        if len(changes) > _WRITTEN:
            yield f"  and {len(changes) - _WRITTEN} more"
    yield ""
    yield _summary(difference)


def _markdown(difference: Difference) -> Iterator[str]:
    yield f"## entrysem verify diff: {_summary(difference)}"
    yield ""
    yield f"old: {text(difference.old.label)}, {text(difference.old.journal.header['started'])}<br>"
    yield f"new: {text(difference.new.label)}, {text(difference.new.journal.header['started'])}"
    yield ""
    for note in difference.notes:
        yield f"- note: {text(note)}"
    if difference.notes:
        yield ""
    for kind, changes in _groups(difference):
        opened = " open" if any(change.is_worse for change in changes) else ""
        yield f"<details{opened}><summary><b>{kind}</b>: {len(changes)}, {KINDS[kind]}</summary>"
        yield ""
        yield "| verdict | result | what | expected | before | now |"
        yield "|---|---|---|---|---|---|"
        for change in changes[:_WRITTEN]:
            values = dict(_values(change))
            expected = words.value_text(change.result.document["expected"])
            cells = (
                text(_verdicts(change)),
                code(change.result.id),
                code(words.what(change.result)),
                *(
                    code(words.shorten(value, 500)) if value else ""
                    for value in (expected, values.get("before", ""), values.get("now", ""))
                ),
            )
            yield "| " + " | ".join(cells) + " |"
        if len(changes) > _WRITTEN:
            yield f"\nAnd {len(changes) - _WRITTEN} more."
        yield ""
        yield "</details>"
        yield ""


def document(difference: Difference) -> dict[str, Any]:
    """The difference as in `spec/schema/verify-diff.schema.json`."""
    counts = difference.counts
    return {
        "schema_version": 1,
        "old": _side(difference.old),
        "new": _side(difference.new),
        "notes": difference.notes,
        "counts": {**{kind: counts[kind] for kind in KINDS}, "same": difference.same},
        "exit_code": difference.exit_code,
        "changes": [
            {
                "kind": change.kind,
                "worse": change.is_worse,
                "id": change.result.id,
                "case": change.result.case,
                "rules": [row for row in change.result.rows if row != "-"],
                "old": _result(change.old),
                "new": _result(change.new),
            }
            for change in difference.changes
        ],
    }


def _side(column: Column) -> dict[str, Any]:
    header = column.journal.header
    keys = ("engine", "implementation", "entrysem", "session", "plan", "started")
    return {
        "label": column.label,
        **{key: header[key] for key in keys},
        "status": column.journal.status,
    }


def _result(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    keys = ("level", "verdict", "expected", "observed", "deviations", "reason")
    return {key: result.document[key] for key in keys}
