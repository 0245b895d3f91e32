"""Checks one file: reads it, finds, sorts out what is answered, judges the expectations, mends.

A `Checker` belongs to one process. It keeps the base images that it has looked up, so that thousands of
files ask for `python:3.12` once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from entrysem.build import BaseLookup
from entrysem.check.expectations import judge
from entrysem.check.ignores import Sorted, comments_in, may_hold_comments, sort_out
from entrysem.check.kinds import UNKNOWN, UNMET, all_kinds
from entrysem.check.model import FileResult, Place, Problem, Rejection, fingerprint
from entrysem.check.settings import Context, Settings, profile_of
from entrysem.errors import DockerfileError, EntrysemError, InputError, Span
from entrysem.findings import find
from entrysem.findings.kinds import KINDS
from entrysem.findings.model import SEVERITIES, Finding
from entrysem.profiles import Profile
from entrysem.resolve import Image, build_image

if TYPE_CHECKING:
    from entrysem.findings.fix import How

__all__ = ["Checker", "Task", "Wish", "code_of"]

_EXCERPT = 4096
_FIRST = Span(1, 1, 1, 1)


class Wish(NamedTuple):
    """What is wanted of every file.

    Attributes:
        mend: `no`; `all` fixes; or those that leave argv as it is, `same`.
        dry: only say what would be mended, and report the file as it is.
        known: fingerprints of the baseline.
    """

    mend: Literal["no", "all", "same"] = "no"
    dry: bool = False
    known: frozenset[str] = frozenset()


class Task(NamedTuple):
    """A file to check; `source` is its text where that was read already."""

    place: Place
    settings: Settings
    source: bytes | None = None


class Look(NamedTuple):
    """What all contexts together find in a text."""

    found: Sorted
    hows: tuple[How, ...]


class Checker:
    """Checks files, one after the other."""

    def __init__(self, wish: Wish = Wish()) -> None:  # noqa: B008 - never changed
        self._wish = wish
        self._kinds = all_kinds()
        self._bases: dict[tuple[object, ...], BaseLookup] = {}
        self._hows: dict[tuple[object, ...], How] = {}

    def check(self, task: Task) -> FileResult:
        """The result; what is wrong with the file is part of it, and no exception."""
        try:
            return self._check(task)
        except EntrysemError as error:
            return FileResult(task.place, rejection=Rejection.of(error))
        except RecursionError:
            deep = InputError("too-deep", "this is nested too deeply", where=task.place.name)
            return FileResult(task.place, rejection=Rejection.of(deep))

    def _check(self, task: Task) -> FileResult:
        from entrysem.cli.files import read_source  # noqa: PLC0415

        place, settings = task.place, task.settings
        source = read_source(place.path or "-") if task.source is None else task.source
        result = FileResult(place)
        rejection: DockerfileError | None = None
        try:
            look = self.look(source, settings)
            if self._wish.mend != "no":
                from entrysem.check.fixing import mend  # noqa: PLC0415

                after, mended = mend(self, source, settings, look, self._wish.mend)
                if mended:
                    result = result._replace(before=source, after=after, mended=mended)
                    if not self._wish.dry:
                        source = after
                        look = self.look(source, settings)
        except DockerfileError as error:
            look, rejection = Look(Sorted((), (), ()), ()), error
        problems, kept, unknown = self._expected(source, settings, rejection)
        lines = source.split(b"\n")
        problems += self._problems(look.found, settings)
        problems = _marked(problems, lines, place.shown)
        fresh = [
            each
            for each in problems
            if each.kind == UNMET or each.fingerprint not in self._wish.known
        ]
        refused = None
        if rejection is not None and not _is_expected(rejection, settings):
            refused = Rejection.of(rejection)
        return result._replace(
            problems=tuple(fresh),
            rejection=refused,
            ignored=look.found.ignored,
            known=len(problems) - len(fresh),
            kept=kept,
            unknown=unknown,
            used=tuple((each.where, each.number) for each in settings.expectations),
            text=source if place.path is None or any(each.fix for each in fresh) else None,
        )

    def look(self, source: bytes, settings: Settings) -> Look:
        """What is found in a text with these settings, disabled kinds left out.

        Raises:
            DockerfileError: the builder rejects it.
            InputError: a source of base images cannot be reached.
        """
        findings: list[Finding] = []
        hows = []
        for number, context in enumerate(_contexts(settings)):
            how = self.how(context, settings.profiles)
            try:
                found = find(source, **how)
            except DockerfileError:
                if number:
                    continue  # of an expectation, which says so itself
                raise
            hows.append(how)
            findings += [each for each in found if each.kind not in settings.disabled]
        if len(hows) > 1:
            findings = _distinct(findings)
        if not may_hold_comments(source):
            return Look(Sorted(tuple(findings), (), ()), tuple(hows))
        image = self.build(source, settings.context)
        assert image.dockerfile is not None
        sorted_out = sort_out(
            findings,
            list(comments_in(image.dockerfile)),
            disabled=settings.disabled,
            require_reason=settings.require_reason,
        )
        return Look(sorted_out, tuple(hows))

    def build(self, source: bytes, context: Context) -> Image:
        """The image of a text. Raises DockerfileError and InputError, as `look`."""
        how = self.how(context, ())
        return build_image(
            source,
            profile=how["profile"],
            target=how["target"],
            build_args=how["build_args"],
            bases=how["bases"],
            platform=how["platform"],
        )

    def how(self, context: Context, profiles: tuple[str, ...]) -> How:
        """The options of `find` for a context."""
        key = (context, profiles)
        how = self._hows.get(key)
        if how is None:
            how = self._hows[key] = {
                "profile": Profile.parse(context.builder, context.runtime),
                "also": tuple(profile_of(name) for name in profiles),
                "target": context.target,
                "build_args": dict(context.build_args),
                "bases": self._lookup(context),
                "platform": context.platform,
            }
        return how

    def _lookup(self, context: Context) -> BaseLookup:
        key = (context.base_config, context.base_from, context.catalogue, context.platform)
        if key not in self._bases:
            from entrysem.bases.open import open_bases  # noqa: PLC0415

            self._bases[key] = open_bases(
                [f"{image}={file}" for image, file in context.base_config],
                context.base_from,
                catalogue=context.catalogue,
                platform=context.platform,
            )
        return self._bases[key]

    def _problems(self, found: Sorted, settings: Settings) -> list[Problem]:
        levels = dict(settings.severity)
        problems = []
        for one in found.left:
            severity = one.severity
            if one.kind in levels and severity == KINDS[one.kind].severity:
                # What rests on an unknown base is less than its kind and stays so.
                severity = levels[one.kind]  # type: ignore[assignment]
            problems.append(
                Problem(
                    one.kind,
                    KINDS[one.kind].name,
                    severity,
                    one.message,
                    one.span,
                    stage=one.stage,
                    argv=one.argv,
                    fixed_argv=one.fixed_argv,
                    fix=one.fix,
                )
            )
        for kind, text, span in found.told:
            if kind not in settings.disabled:
                severity = levels.get(kind, self._kinds[kind].severity)  # type: ignore[assignment]
                problems.append(Problem(kind, self._kinds[kind].name, severity, text, span))
        return problems

    def _expected(
        self, source: bytes, settings: Settings, rejection: DockerfileError | None
    ) -> tuple[list[Problem], int, int]:
        """What the expectations come to: problems, how many are kept, how many not known."""
        problems: list[Problem] = []
        kept = unknown = 0
        for expectation in settings.expectations:
            if rejection is not None and expectation.error is None:
                continue  # the rejection itself is told
            verdict = judge(
                expectation, lambda context: self.build(source, context), strict=settings.strict
            )
            if verdict.answer == "kept":
                kept += 1
                continue
            unknown += verdict.answer == "unknown"
            kind = self._kinds[UNKNOWN if verdict.answer == "unknown" else UNMET]
            problems.append(
                Problem(
                    kind.id,
                    kind.name,
                    kind.severity,
                    verdict.message,
                    verdict.span or _FIRST,
                    argv=verdict.argv,
                    expected=verdict.expected if kind.id == UNMET else None,
                    observed=verdict.observed if kind.id == UNMET else None,
                )
            )
        return problems, kept, unknown


def code_of(result: FileResult, settings: Settings) -> int:
    """The exit code that this file alone would give: 3, 1, 4 or 0."""
    if result.rejection is not None:
        return 3
    names = (*SEVERITIES, "none")
    levels = SEVERITIES[: (names.index(settings.threshold) + 1) % len(names)]
    if any(each.kind == UNMET or each.severity in levels for each in result.problems):
        return 1
    return 4 if settings.strict and result.unknown else 0


def _is_expected(rejection: DockerfileError, settings: Settings) -> bool:
    return any(
        each.error == rejection.code and each.context == settings.context
        for each in settings.expectations
    )


def _contexts(settings: Settings) -> Sequence[Context]:
    if not settings.expectations:
        return (settings.context,)
    return tuple(
        dict.fromkeys([settings.context, *[each.context for each in settings.expectations]])
    )


def _distinct(findings: Sequence[Finding]) -> list[Finding]:
    """Each once, in the order of the file: contexts that share an instruction find the same there."""
    once: dict[object, Finding] = {}
    for each in findings:
        once.setdefault((each.kind, each.span, None if each.span else each.message), each)
    return sorted(once.values(), key=lambda each: (each.span is None, each.span or (), each.kind))


def _marked(problems: Sequence[Problem], lines: Sequence[bytes], shown: str) -> list[Problem]:
    """The problems in the order of the file, with excerpt and fingerprint."""
    return list(_each_marked(sorted(problems, key=_order), lines, shown))


def _each_marked(
    problems: Sequence[Problem], lines: Sequence[bytes], shown: str
) -> Iterator[Problem]:
    seen: Counter[tuple[str, str]] = Counter()
    for each in problems:
        span = each.span
        words = excerpt = ""
        if span is not None and span.line <= len(lines):
            part = b" ".join(lines[span.line - 1 : span.end_line])
            words = part.decode("utf-8", "surrogateescape")
            excerpt = lines[span.line - 1][: _EXCERPT * 4].decode("utf-8", "surrogateescape")
            excerpt = excerpt.rstrip("\r")[:_EXCERPT]
        if each.expected is not None:
            words = each.expected
        key = (each.kind, " ".join(words.split()))
        yield each._replace(
            excerpt=excerpt, fingerprint=fingerprint(each.kind, shown, words, seen[key])
        )
        seen[key] += 1


def _order(problem: Problem) -> tuple[bool, tuple[int, ...], str]:
    return problem.span is None, tuple(problem.span or ()), problem.kind
