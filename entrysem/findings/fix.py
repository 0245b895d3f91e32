"""Carries fixes out, and proves that they do what they promise.

A fix is a set of edits of bytes. Before the file is written, the promise is proved by resolving both
texts: what is left must build, the findings that carried the fixes must be gone, and unless a fix says
that it changes argv, the same argv must come out of every probing run: without arguments, with some, and
with `--entrypoint`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, NotRequired, TypedDict, Unpack

from entrysem.build import BaseLookup
from entrysem.dockerfile import parse_dockerfile
from entrysem.errors import DockerfileError, EntrysemError
from entrysem.findings.model import Edit, Finding, Fix
from entrysem.model import ImageConfig, RunOptions, Words
from entrysem.profiles import Profile
from entrysem.resolve import build_image

__all__ = ["PROBES", "FixError", "Fixed", "How", "applied", "apply", "fix_all", "prove"]

#: The runs that must not change.
PROBES = (
    RunOptions(),
    RunOptions(args=("x", "y")),
    RunOptions(entrypoint="x"),
    RunOptions(entrypoint="", args=("x",)),
    RunOptions(entrypoint=()),
)
#: Mending one thing shows the next seldom, and never often.
_ROUNDS = 8


class How(TypedDict):
    """The options of `find`."""

    profile: NotRequired[Profile]
    also: NotRequired[Sequence[Profile]]
    target: NotRequired[str | None]
    build_args: NotRequired[Mapping[str, str]]
    bases: NotRequired[BaseLookup | Mapping[str, ImageConfig] | None]
    platform: NotRequired[str]


class FixError(EntrysemError):
    """A fix does not keep its promise, which is a mistake of entrysem and not of the file.

    Codes: `fixes-overlap`, `fix-breaks-file`, `fix-changes-argv`, `fix-leaves-finding`.
    """


class Fixed(NamedTuple):
    """The file after its fixes: `data`, and the findings that are mended, in the order of mending."""

    data: bytes
    mended: tuple[Finding, ...]


def apply(source: bytes, fixes: Iterable[Fix]) -> bytes:
    """The file with all edits of these fixes made; `source` itself when there is none.

    Raises:
        FixError: `fixes-overlap`, two of them change the same bytes. `fix_all` makes these in turn.
    """
    return applied(source, [edit for fix in fixes for edit in fix.edits])


def applied(source: bytes, edits: Iterable[Edit]) -> bytes:
    """The file with these edits made. Raises as `apply`."""
    pieces: list[bytes] = []
    at = 0
    previous: Edit | None = None
    for edit in sorted(edits):
        if previous is not None and (edit.start < at or edit.start == previous.start):
            raise FixError(
                "fixes-overlap",
                f"two fixes change byte {edit.start}",
                hint="make one after the other",
            )
        pieces += (source[at : edit.start], edit.text)
        at = edit.end
        previous = edit
    if previous is None:
        return source
    return b"".join((*pieces, source[at:]))


def prove(before: bytes, after: bytes, fixes: Iterable[Fix], **context: Unpack[How]) -> None:
    """Proves that `after` is what these fixes promise to make of `before`.

    Args:
        before, after: the two texts.
        fixes: what was applied, of findings of `before`.
        context: the options of `find`.

    Raises:
        FixError: `fix-breaks-file`, the builder rejects `after`; `fix-changes-argv`, a fix that promises
            the same argv changes that of a probing run; `fix-leaves-finding`, what it was to mend is
            still there.
        DockerfileError: the builder rejects `before`.
    """
    from entrysem.findings.finder import find  # noqa: PLC0415  # find makes fixes with this module

    fixes = tuple(fixes)
    try:
        left = find(after, **context)
    except DockerfileError as error:
        raise FixError("fix-breaks-file", f"the fixed file is rejected: {error.message}") from None
    found = find(before, **context)
    for fix in fixes:
        if not fix.changes_argv:
            _prove_same(before, apply(before, (fix,)), fix.sentence, context)
    if not any(fix.changes_argv for fix in fixes):
        _prove_same(before, after, "all fixes together", context)
    mended = [finding.kind for finding in found if finding.fix in fixes]
    for kind in set(mended):
        still = sum(finding.kind == kind for finding in left)
        was = sum(finding.kind == kind for finding in found)
        if still > was - mended.count(kind):
            raise FixError("fix-leaves-finding", f"{kind} is still there after its fix")


def fix_all(source: bytes, kinds: Iterable[str] | None = None, **context: Unpack[How]) -> Fixed:
    """Makes and proves every fix that there is, again until nothing is left to mend.

    Args:
        source: the file.
        kinds: ids of the kinds to mend, or None for all.
        context: the options of `find`.

    Raises:
        DockerfileError: the builder rejects `source`.
        FixError: as `prove`; then nothing should be written.
    """
    from entrysem.findings.finder import find  # noqa: PLC0415

    wanted = None if kinds is None else frozenset(kinds)
    mended: list[Finding] = []
    for _ in range(_ROUNDS):
        chosen = _without_overlap(
            finding
            for finding in find(source, **context)
            if finding.fix is not None and (wanted is None or finding.kind in wanted)
        )
        if not chosen:
            break
        fixes = [finding.fix for finding in chosen if finding.fix is not None]
        after = apply(source, fixes)
        prove(source, after, fixes, **context)
        source = after
        mended += chosen
    return Fixed(source, tuple(mended))


def _without_overlap(findings: Iterable[Finding]) -> list[Finding]:
    """The findings whose fixes can be made together, the earlier ones first."""
    chosen: list[Finding] = []
    taken: list[Edit] = []
    for finding in findings:
        assert finding.fix is not None
        edits = finding.fix.edits
        if not any(_meet(edit, other) for edit in edits for other in taken):
            chosen.append(finding)
            taken += edits
    return chosen


def _meet(one: Edit, other: Edit) -> bool:
    return one.start == other.start or (one.start < other.end and other.start < one.end)


def _prove_same(before: bytes, after: bytes, what: str, context: How) -> None:
    for target in (context.get("target"), *_targets(before, context)):
        old, new = _answers(before, target, context), _answers(after, target, context)
        if old != new:
            name = f" of stage {target}" if target else ""
            raise FixError(
                "fix-changes-argv", f"`{what}` promises the same argv{name}, and changes it"
            )


def _answers(source: bytes, target: str | None, context: How) -> list[tuple[Words, object]] | str:
    """What each probing run comes to; the code of the error when there is no image."""
    try:
        image = build_image(
            source,
            profile=context.get("profile", Profile()),
            target=target,
            build_args=context.get("build_args", {}),
            bases=context.get("bases"),
            platform=context.get("platform", "linux/amd64"),
        )
    except DockerfileError as error:
        return error.code
    results = [image.run(run) for run in PROBES]
    return [(result.words, result.error) for result in results]


def _targets(source: bytes, context: How) -> tuple[str, ...]:
    """Names of the stages, each of which somebody may build."""
    grammar = context.get("profile", Profile()).builder_behaviour.grammar
    stages = parse_dockerfile(source, grammar=grammar).stages
    return tuple(stage.name for stage in stages if stage.name)
