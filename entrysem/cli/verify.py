"""`entrysem verify`: real engines against the vectors; `verify report` and `verify diff` on journals."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from entrysem.cli.journals import (
    Format,
    Output,
    check_format,
    diff,
    rendered,
    report,
    say,
    tell,
    usage,
    write,
)

if TYPE_CHECKING:
    from entrysem.profiles import Profile
    from entrysem.verify.drive import Wish
    from entrysem.verify.interrupts import Interrupts
    from entrysem.verify.journal import Journal
    from entrysem.verify.protocol import Harness, Level

__all__ = ["register"]

_SCHEMAS = (
    "journal",
    "known",
    "harness-request",
    "harness-response",
    "verify-report",
    "verify-diff",
)
_LEVELS = ("CONFIG", "CREATE", "PROCESS")


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    group = typer.Typer(
        name="verify",
        help="Judge real builders and runtimes by the vectors.",
        epilog="Example: entrysem verify --engine docker --level CREATE --journal docker.ndjson",
        rich_markup_mode=None,
        invoke_without_command=True,
    )
    group.callback()(verify)
    group.command(
        "report", epilog="Example: entrysem verify report --format html *.ndjson > matrix.html"
    )(report)
    group.command("diff", epilog="Example: entrysem verify diff old.ndjson new.ndjson")(diff)
    app.add_typer(group)


def verify(
    context: typer.Context,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENGINE",
            help="docker, podman or buildah, with options as in docker:context=NAME,builder=classic; "
            "or harness:PROGRAM. Several: --journal is a folder.",
        ),
    ] = None,
    builder: Annotated[
        str,
        typer.Option(
            metavar="COMMAND",
            help="Any builder: a command with {dockerfile}, {tag} and {context} in it.",
        ),
    ] = "",
    inspect: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help="With --builder, how to read its image: docker, oci-layout, docker-archive, or a "
            "command with {tag} in it that prints the config.",
        ),
    ] = "docker",
    level: Annotated[
        str,
        typer.Option(
            metavar="|".join(_LEVELS),
            help="The closest look: the stored config; the argv at a container's creation (the "
            "default); the argv that a started process got.",
        ),
    ] = "",
    rules: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only cases about these rules, as BUILD-*."),
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option("--case", "-k", metavar="GLOB", help="Only these cases.")
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            metavar="BUILDER[,RUNTIME]",
            help="Whose values are expected; buildkit,docker at their newest by default.",
        ),
    ] = "",
    known: Annotated[
        str, typer.Option(metavar="FILE", help="Differences that you know of and expect.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Cases at once.")] = 4,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="For one build or one run.")
    ] = 60.0,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first FAIL, STALE or ERROR.")
    ] = False,
    journal: Annotated[
        str, typer.Option(metavar="FILE", help="Where everything seen is kept, as it is seen.")
    ] = "",
    resume: Annotated[
        str, typer.Option(metavar="FILE", help="Go on with this journal, where it stopped.")
    ] = "",
    output_format: Format = "text",
    output: Output = "",
    schema: Annotated[
        str, typer.Option(metavar="|".join(_SCHEMAS), help="Print a schema and exit.")
    ] = "",
) -> None:
    """Ask real engines for every case of the vectors, and judge the answers.

    Everything that is seen goes to a journal at once; an interrupted run goes on with --resume.
    Exit code: 0 as expected, 1 a mismatch (FAIL, STALE), 2 usage, 3 nothing could be run, or ERROR.
    """
    if context.invoked_subcommand is not None:
        return
    if schema:
        _print_schema(schema)
        return
    asked = _Asked(
        tuple(engine or ()),
        builder,
        inspect,
        level,
        _split(rules),
        tuple(case or ()),
        profile,
        known,
        journal,
        resume,
    )
    from entrysem.errors import InputError
    from entrysem.verify.runner import Settings

    settings = Settings(jobs=jobs, fail_fast=fail_fast, timeout=timeout)
    try:
        check_format(output_format)
        code, journals = _verify(asked, settings)
        if journals:
            write(rendered(journals, output_format, output), output)
    except InputError as error:
        raise typer.Exit(tell(error)) from None
    raise typer.Exit(code)


class _Asked(NamedTuple):
    engines: tuple[str, ...]
    builder: str
    inspect: str
    level: str
    rules: tuple[str, ...]
    names: tuple[str, ...]
    profile: str
    known: str
    journal: str
    resume: str


class _NothingToDo(Exception):  # noqa: N818 - the exit code is 3
    pass


def _verify(asked: _Asked, settings: Any) -> tuple[int, list[Journal]]:
    """The exit code and the journals; raises `InputError` for what the user has to change."""
    from entrysem.verify.interrupts import Interrupted, interrupts

    asked = _from_journal(asked)
    try:
        runs = _runs(asked)
        wishes = [_wish(asked, engine, settings) for engine in runs]
    except _NothingToDo as nothing:
        say(f"error: {nothing}")
        return 3, []
    journals: list[Journal] = []
    code = 0
    with interrupts() as noted:
        for wish, path in zip(wishes, runs.values(), strict=True):
            try:
                found = _one(asked, wish, path, noted)
            except Interrupted:
                break
            journals.append(found)
            code = max(code, found.exit_code)
            if noted.count:
                break
    if noted.signal:
        say(f"interrupted by {noted.name}")
        return 128 + noted.signal, journals
    return code, journals


def _one(asked: _Asked, wish: Wish, path: Path, noted: Interrupts) -> Journal:
    from entrysem.verify import session as sessions
    from entrysem.verify.drive import verify as drive

    session = sessions.new()
    found = drive(
        _harness(asked, wish, session),
        wish,
        session,
        path,
        noted,
        resume=bool(asked.resume) and path.exists(),
        say=say,
        stream=sys.stderr,
    )
    hint = "" if found.status == "complete" else f" (go on with --resume {path})"
    say(f"journal: {path}{hint}")
    return found


def _harness(asked: _Asked, wish: Wish, session: str) -> Harness:
    from entrysem.verify.select import open_command, open_engine

    timeout = wish.settings.timeout
    if asked.builder:
        return open_command(asked.builder, asked.inspect, session=session, timeout=timeout)
    return open_engine(wish.engine, session=session, timeout=timeout)


# --- what was asked ----------------------------------------------------------------------------------


def _from_journal(asked: _Asked) -> _Asked:
    """What --resume leaves open is as it was in the journal."""
    if not asked.resume or not Path(asked.resume).is_file():
        if asked.resume and not Path(asked.resume).is_dir():
            usage("--resume", f"there is no journal {asked.resume}")
        return asked
    from entrysem.verify.journal import read

    if asked.journal and asked.journal != asked.resume:
        usage("--journal", "a run is resumed in its own journal; leave --journal out")
    header = read(Path(asked.resume)).header
    options = header["options"]
    if not asked.engines and not asked.builder:
        asked = asked._replace(engines=(header["engine"],))
    reference = header["reference"]
    return asked._replace(
        level=asked.level or header["level"],
        rules=asked.rules or tuple(options["rules"]),
        names=asked.names or tuple(options["cases"]),
        known=asked.known or options["known"] or "",
        profile=asked.profile or _default_or(f"{reference['builder']},{reference['runtime']}"),
    )


def _default_or(profile: str) -> str:
    """The default as such: its versions are those that this release calls the newest."""
    from entrysem.profiles import Profile

    default = Profile()
    return "" if profile == f"{default.builder},{default.runtime}" else profile


def _runs(asked: _Asked) -> dict[str, Path]:
    """Engine -> its journal."""
    engines = asked.engines
    if asked.builder:
        if engines:
            usage("--builder", "is an engine of its own; leave --engine out")
        engines = (f"{asked.builder} (inspect: {asked.inspect})",)
    if not engines:
        usage("--engine", "name an engine: docker, podman, buildah, harness:PROGRAM; or --builder")
    if len(set(engines)) < len(engines):
        usage("--engine", "the same engine is named twice")
    place = asked.resume or asked.journal
    if len(engines) == 1 and not Path(place or "-").is_dir():
        return {engines[0]: Path(place) if place else _default_journal()}
    if not place:
        usage("--journal", "name a folder for the journals of several engines")
    folder = Path(place)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        usage("--journal", f"{folder} cannot be the folder of several journals: {error.strerror}")
    return {engine: folder / f"{_slug(engine)}.ndjson" for engine in engines}


def _slug(engine: str) -> str:
    """A file name for the engine; the hash tells apart what the rest leaves alike."""
    from hashlib import sha256

    spelled = re.sub(r"[^A-Za-z0-9._]+", "-", engine).strip("-.")
    if spelled == engine:
        return spelled
    return f"{spelled[:80]}-{sha256(engine.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def _default_journal() -> Path:
    """A file that nobody has to think of: what was observed is never only on a screen."""
    from datetime import UTC, datetime

    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(state) / "entrysem"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        usage("--journal", f"name a file; {folder} cannot be made: {error.strerror}")
    return folder / f"verify-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.ndjson"


def _wish(asked: _Asked, engine: str, settings: Any) -> Wish:
    from entrysem.vectors import cases
    from entrysem.verify.drive import Wish
    from entrysem.verify.known import read_known

    found = list(cases())
    for option, globs, texts in (
        ("--rules", asked.rules, {rule for case in found for rule in case["rules"]}),
        ("--case", asked.names, {case["id"] for case in found}),
    ):
        for glob in globs:
            if not any(fnmatchcase(text, glob) for text in texts):
                raise _NothingToDo(f"{option} {glob}: no case matches; `entrysem vectors list`")
    return Wish(
        engine=engine,
        cases=found,
        reference=_profile(asked.profile),
        level=_level(asked.level),
        rules=asked.rules,
        names=asked.names,
        known=read_known(Path(asked.known)) if asked.known else (),
        known_file=asked.known or None,
        settings=settings,
    )


def _profile(text: str) -> Profile:
    from entrysem.profiles import Profile

    builder, _, runtime = text.partition(",")
    return Profile.parse(builder or "buildkit", runtime or "docker")


def _level(text: str) -> Level:
    from entrysem.verify.protocol import LEVELS

    found = [level for level in LEVELS if level == (text or "CREATE").upper()]
    if not found:
        usage("--level", f"{text!r} is none of {', '.join(LEVELS)}")
    return found[0]


def _split(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple([part.strip().upper() for value in values or () for part in value.split(",")])


def _print_schema(name: str) -> None:
    if name not in _SCHEMAS:
        usage("--schema", f"must be one of {', '.join(_SCHEMAS)}")
    from entrysem.data import read_text

    sys.stdout.write(read_text(f"schema/{name}.schema.json"))
