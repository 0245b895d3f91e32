"""One engine, from the first word to the footer: what `entrysem verify` does for each `--engine`.

The order is that of trust: who answers (`start`), what is to be asked of them (`plan`), whether the
journal can be written, whether the last session's remains are gone (`sweep`), whether there is anything
behind the harness (`smoke`), and only then the cases. The footer is written before the engine is let
go of, because that can fail too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from entrysem import __version__
from entrysem.errors import InputError
from entrysem.profiles import Profile
from entrysem.verify import journal as journals
from entrysem.verify.interrupts import Interrupted, Interrupts, in_thread
from entrysem.verify.journal import FORMAT, Journal, JournalError, Writer, footer_of, now
from entrysem.verify.known import Known, is_about
from entrysem.verify.plan import Plan, make_plan, profile_of
from entrysem.verify.progress import Progress
from entrysem.verify.protocol import Harness, HarnessError, Implementation, Level
from entrysem.verify.runner import Ended, Settings, Watcher, run_plan
from entrysem.verify.smoke import Unsound, smoke, sound_line, unreachable_line
from entrysem.verify.wire import implementation_to_wire

__all__ = ["Wish", "verify"]

Document = dict[str, Any]

_START_SECONDS = 120.0
_SWEEP_SECONDS = 300.0
_CLOSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants to know.

    Attributes:
        engine: as written.
        cases: of the vectors.
        reference: whose values are expected.
        level: the closest look.
        rules, names: globs.
        known: the known differences, and the file that they come from.
        settings: how to go about it.
    """

    engine: str
    cases: Sequence[Mapping[str, Any]]
    reference: Profile = field(default_factory=Profile)
    level: Level = "CREATE"
    rules: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    known: tuple[Known, ...] = ()
    known_file: str | None = None
    settings: Settings = field(default_factory=Settings)


def verify(
    harness: Harness,
    wish: Wish,
    session: str,
    path: Path,
    noted: Interrupts,
    *,
    resume: bool = False,
    say: Callable[[str], None],
    stream: TextIO | None = None,
) -> Journal:
    """Judges one engine; the journal at `path` is complete, or says why not.

    Args:
        harness: the engine; it is closed at the end.
        wish: what is wanted.
        session: the label on everything that is made.
        path: the journal's file.
        noted: signals that have come.
        resume: go on with the journal that is there.
        say: takes messages for a person, a line each.
        stream: where progress is shown; None for nowhere.

    Raises:
        InputError: the journal cannot be opened or is another run's.
    """
    started = time.monotonic()
    try:
        implementation, unreachable = _introduced(harness, wish, noted)
        plan = make_plan(
            wish.cases,
            implementation,
            reference=wish.reference,
            level=wish.level,
            rules=wish.rules,
            names=wish.names,
            known=wish.known,
        )
        _warn_of_idle_entries(wish, implementation, plan, say)
        header = _header(wish, implementation, plan, session)
        writer, before = _opened(path, header, session, resume=resume, reached=not unreachable)
        with writer:
            talk = _Talk(harness, implementation, plan, writer, wish, noted, say, stream)
            try:
                ended = talk.until_the_end(before, unreachable)
            except JournalError as error:
                ended = Ended("failed", str(error))
            lines = list(talk.lines.values())
            footer = footer_of(
                lines, ended.status, reason=ended.reason, seconds=time.monotonic() - started
            )
            with suppress(JournalError):  # the reason is told, and the exit code is the same
                writer.write(footer)
            return Journal(str(path), before.header if before else header, talk.lines, footer)
    finally:
        _let_go(harness, say)


def _introduced(harness: Harness, wish: Wish, noted: Interrupts) -> tuple[Implementation, str]:
    """Who answers; or a stand-in without a version, and why nobody does."""
    try:
        implementation = in_thread(harness.start, noted, _START_SECONDS, "connecting")
        try:
            profile_of(implementation)
        except InputError as error:
            raise HarnessError(
                f"it calls itself {implementation.builder} and {implementation.runtime}: "
                f"{error.message}; {error.hint}, or leave it out"
            ) from None
    except HarnessError as error:
        return Implementation(wish.engine, levels=("CONFIG",)), str(error) or "no reason is given"
    return implementation, ""


def _warn_of_idle_entries(
    wish: Wish, implementation: Implementation, plan: Plan, say: Callable[[str], None]
) -> None:
    """An entry of the file of known differences that is about this engine and meets no case."""
    if wish.rules or wish.names:
        return
    used = {part.recorded_from for planned in plan.cases for part in planned.parts}
    for entry in wish.known:
        if is_about(entry, implementation) and f"known:{entry.id}" not in used:
            say(
                f"warning: {wish.known_file}: {entry.id} is about no case: look at case, rule and part"
            )


def _header(wish: Wish, implementation: Implementation, plan: Plan, session: str) -> Document:
    return {
        "kind": "header",
        "format": FORMAT,
        "entrysem": __version__,
        "session": session,
        "engine": wish.engine,
        "implementation": implementation_to_wire(implementation),
        "reference": {
            "builder": str(wish.reference.builder),
            "runtime": str(wish.reference.runtime),
        },
        "level": wish.level,
        "options": {"rules": list(wish.rules), "cases": list(wish.names), "known": wish.known_file},
        "plan": {"digest": plan.digest, "jobs": len(plan.cases), "results": plan.results},
        "started": now(),
    }


# --- the journal -------------------------------------------------------------------------------------


def _opened(
    path: Path, header: Document, session: str, *, resume: bool, reached: bool
) -> tuple[Writer, Journal | None]:
    if not resume:
        return journals.create(path, header), None
    writer, before = journals.resume(path)
    try:
        if reached:
            _same_run(before, header)
        line = {"kind": "resumed", "session": session, "started": header["started"]}
        if reached and _has_no_case(before):
            learnt = {key: header[key] for key in ("implementation", "plan")}
            line |= learnt
            before.header.update(learnt)
        writer.write(line)
    except (InputError, JournalError):
        writer.close()
        raise
    return writer, before


def _same_run(before: Journal, header: Document) -> None:
    """Raises `InputError` that says in what the two runs differ."""
    theirs = before.header
    names = ["engine", "reference", "level", *(["options"] if _has_no_case(before) else [])]
    pairs: list[tuple[str, Any, Any]] = [(name, theirs.get(name), header[name]) for name in names]
    if not _has_no_case(before):
        old, new = theirs.get("implementation", {}), header["implementation"]
        pairs += [
            (key, old.get(key), new[key]) for key in ("name", "version", "builder", "runtime")
        ]
        pairs.append(("plan", theirs.get("plan", {}).get("digest"), header["plan"]["digest"]))
    for name, was, is_now in pairs:
        if was != is_now:
            raise InputError(
                "other-run",
                f"the journal is of another run: its {name} is {_told(was)}, and now it is "
                f"{_told(is_now)}",
                where=f"--resume {before.name}",
                hint="give the same options as then, or begin a new journal with --journal",
            )


def _has_no_case(before: Journal) -> bool:
    """Whether nothing was judged yet: then the first session may not have known who answers."""
    return not before.jobs.keys() - {"smoke"}


def _told(value: object) -> str:
    if isinstance(value, dict):
        return " and ".join(str(item) for item in value.values())
    return str(value)


# --- the engine --------------------------------------------------------------------------------------


class _Talk:
    """The conversation with one engine, once the journal is open."""

    def __init__(
        self,
        harness: Harness,
        implementation: Implementation,
        plan: Plan,
        writer: Writer,
        wish: Wish,
        noted: Interrupts,
        say: Callable[[str], None],
        stream: TextIO | None,
    ) -> None:
        self.harness = harness
        self.implementation = implementation
        self.plan = plan
        self.writer = writer
        self.wish = wish
        self.noted = noted
        self.say = say
        self.stream = stream
        self.lines: dict[str, Document] = {}

    def saw(self, line: Document) -> None:
        """Keeps the line for the footer and the reports."""
        self.lines[line["id"]] = line

    def until_the_end(self, before: Journal | None, unreachable: str) -> Ended:
        """Everything after the header; raises `JournalError`."""
        if before is not None:
            self.lines |= before.jobs
        if unreachable:
            return self._not_sound(unreachable_line(unreachable))
        try:
            self._sweep()
            unsound = self._smoke()
        except Interrupted:
            return Ended("interrupted", f"by {self.noted.name}")
        if unsound is not None:
            return self._not_sound(unsound.line)
        if "smoke" in self.lines:
            self._write(sound_line())  # takes the place of the one that says otherwise
        # What broke is asked again.
        done = [name for name, line in self.lines.items() if line["verdict"] != "ERROR"]
        watchers: list[Watcher] = [self]
        if self.stream is None:
            return self._run(done, watchers)
        total = len(self.plan.cases)
        with Progress(self.wish.engine, total, len(done), stream=self.stream) as progress:
            return self._run(done, [*watchers, progress])

    def _run(self, done: Iterable[str], watchers: Sequence[Watcher]) -> Ended:
        return run_plan(
            self.harness,
            self.implementation,
            self.plan,
            self.writer,
            self.wish.settings,
            self.noted,
            done=done,
            watchers=watchers,
        )

    def _write(self, line: Document) -> None:
        self.writer.write(line)
        self.saw(line)

    def _not_sound(self, line: Document) -> Ended:
        self._write(line)
        reason: str = line["results"][0]["reason"]
        return Ended("failed", reason)

    def _sweep(self) -> None:
        try:
            removed = in_thread(self.harness.sweep, self.noted, _SWEEP_SECONDS, "cleaning up")
        except HarnessError as error:
            self.say(f"warning: what earlier sessions left could not be removed: {error}")
            return
        if removed:
            self.say(f"removed {removed} objects that earlier sessions had left on the engine")

    def _smoke(self) -> Unsound | None:
        timeout = self.wish.settings.timeout * 8 + self.wish.settings.grace

        def ask() -> Unsound | None:
            return smoke(self.harness, self.implementation, self.wish.level)

        try:
            return in_thread(ask, self.noted, timeout, "the check of the harness")
        except HarnessError as error:
            line = unreachable_line(str(error))
            return Unsound(line, str(error))


def _let_go(harness: Harness, say: Callable[[str], None]) -> None:
    """Closes the harness, with a bound: a second interrupt must not leave one waiting for ever."""
    try:
        in_thread(harness.close, Interrupts(), _CLOSE_SECONDS, "cleaning up")
    except HarnessError as error:
        say(
            f"warning: what was made on the engine could not all be removed: {error}. The next start "
            "removes it"
        )
