"""`entrysem scan`: a record for each of many Dockerfiles; `scan report` shows what records say.

Like `explain`, without `from __future__ import annotations`, for Typer's sake.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.main import get_command

if TYPE_CHECKING:
    from entrysem.errors import EntrysemError
    from entrysem.scan.run import Ended, Plan
    from entrysem.scan.settings import Settings

__all__ = ["register"]

_SCHEMAS = ("record", "run", "summary")
_FORMATS = ("text", "json", "html")


class _Command(TyperCommand):
    """Takes `report` as the first word for the other command."""

    def make_context(
        self, info_name: Any, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the command that was meant."""
        if args[:1] == ["report"]:
            part = typer.Typer(rich_markup_mode=None)
            part.command(
                "report", epilog="Example: entrysem scan report --format html records.ndjson"
            )(report)
            command = get_command(part)
            return command.make_context(f"{info_name} report", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("scan", cls=_Command, epilog="Example: entrysem scan . --output records.ndjson")(
        scan
    )


def scan(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="Dockerfiles, folders, 'patterns/**', tar archives, newline-delimited JSON, Parquet; "
            "- is lines of JSON on standard input. Compressed ones are read as they are. "
            "The word report stands for the other command: scan report --help.",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where records go; Parquet when it ends so."
        ),
    ] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with FILE where an earlier run stopped.")
    ] = False,
    kind: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="file|tar|ndjson|parquet|list",
            help="What the sources are, whatever they are called; a list has a path a line.",
        ),
    ] = "",
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Names that count as Dockerfiles in folders and archives; repeatable; '*' for all.",
        ),
    ] = None,
    field: Annotated[
        str, typer.Option(metavar="NAME", help="Field or column with the Dockerfile's text.")
    ] = "dockerfile",
    id_field: Annotated[
        str, typer.Option("--id", metavar="NAME", help="Field or column with its identity.")
    ] = "id",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, metavar="N", help="Processes; 0 is one a core.")
    ] = 0,
    dask: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Use the Dask cluster of this scheduler.")
    ] = "",
    findings: Annotated[
        bool, typer.Option("--findings/--no-findings", help="Look for findings as well.")
    ] = True,
    timings: Annotated[
        bool,
        typer.Option(
            "--timings/--no-timings",
            help="Say how long each took; without, records repeat exactly.",
        ),
    ] = True,
    target: Annotated[
        str, typer.Option(metavar="STAGE", help="Stage to build; the last by default.")
    ] = "",
    build_arg: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Value of an ARG; repeatable.")
    ] = None,
    base_config: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE=FILE", help="Config of a base image; repeatable."),
    ] = None,
    catalogue: Annotated[
        bool,
        typer.Option(
            "--catalogue/--no-catalogue",
            help="Look base images up in the bundled catalogue of official images.",
        ),
    ] = True,
    builder: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Who builds, e.g. buildkit@0.13, buildah.")
    ] = "buildkit",
    runtime: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Who runs, e.g. docker@26.1, podman, cri.")
    ] = "docker",
    platform: Annotated[
        str, typer.Option(metavar="OS[/ARCH]", help="Target platform.")
    ] = "linux/amd64",
    max_bytes: Annotated[
        int, typer.Option(min=1, metavar="N", help="A larger file is not read.")
    ] = 16 * 1024 * 1024,
    schema: Annotated[
        str, typer.Option(metavar="|".join(_SCHEMAS), help="Print a schema and exit.")
    ] = "",
) -> None:
    """Make one flat record for each of many Dockerfiles.

    What cannot be read, or is rejected, has a record too. Exit code: 0 when files were read; 2 usage;
    3 when none was, or a source could not be read to its end.
    """
    if schema:
        _print_schema(schema)
        return
    from entrysem.errors import InputError
    from entrysem.scan.engines import cores
    from entrysem.scan.run import Plan
    from entrysem.scan.settings import Settings
    from entrysem.scan.sources import KINDS, sources

    if not paths:
        raise typer.BadParameter("name what to read: files, folders, archives", param_hint="SOURCE")
    forced = next((one for one in KINDS if one == kind), None)
    if kind and forced is None:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(KINDS)}", param_hint="--from")
    if resume and not output:
        raise typer.BadParameter(
            "name the file to go on with: --output FILE", param_hint="--resume"
        )
    if paths.count("-") > 1:
        raise typer.BadParameter("standard input can be read once", param_hint="SOURCE")
    try:
        settings = Settings(
            builder=builder,
            runtime=runtime,
            target=target or None,
            build_args=_pairs(build_arg or []),
            bases=_bases(base_config or []),
            catalogue=catalogue,
            platform=platform if "/" in platform else f"{platform}/amd64",
            findings=findings,
            timings=timings,
            max_bytes=max_bytes,
            text_field=field,
            id_field=id_field,
        )
        _check(settings)
        found = sources(paths, forced)
    except InputError as error:
        _usage(error)
    raise typer.Exit(
        _run(
            Plan(
                sources=found,
                settings=settings,
                patterns=include or [],
                jobs=jobs or cores(),
                dask=dask,
                output=Path(output) if output else None,
                resume=resume,
            )
        )
    )


def report(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RECORDS...", help="Records: NDJSON or Parquet; - is NDJSON."),
    ],
    output_format: Annotated[
        str, typer.Option("--format", metavar="|".join(_FORMATS), help="Output format.")
    ] = "text",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = "",
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Rows of a long table.")] = 20,
) -> None:
    """Show what the records of scans say: forms, findings, bases, errors, by share."""
    if output_format not in _FORMATS:
        raise typer.BadParameter(
            f"{output_format!r} is none of {', '.join(_FORMATS)}", param_hint="--format"
        )
    from entrysem.errors import InputError
    from entrysem.scan.report.summary import summarise

    try:
        summary = summarise(names)
        text = _rendered(summary, output_format, top)
    except InputError as error:
        raise typer.Exit(_tell(error)) from None
    if output:
        Path(output).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    raise typer.Exit(0 if summary.files else 3)


def _rendered(summary: Any, output_format: str, top: int) -> str:
    if output_format == "html":
        from entrysem.scan.report.html import render

        return render(summary, top)
    if output_format == "json":
        import json

        return json.dumps(summary.document(), indent=2) + "\n"
    from entrysem.scan.report.text import render as as_text

    return as_text(summary, top)


def _run(plan: "Plan") -> int:
    from entrysem.errors import InputError
    from entrysem.scan.run import scan as run_scan

    try:
        ended = run_scan(plan, sys.stdout.buffer, sys.stderr)
    except InputError as error:
        if error.code in ("output-exists", "resume-differs"):
            _usage(error)
        return _tell(error)
    _say(ended, plan)
    return ended.exit_code


def _say(ended: "Ended", plan: "Plan") -> None:
    import signal

    parts = [f"{ended.records:,} records, {ended.errors:,} of them errors"]
    if ended.before:
        parts.append(f"{ended.before:,} were there already")
    if ended.broken:
        parts.append(f"{ended.broken:,} sources could not be read to their end")
    if not ended.records:
        parts.append(
            "nothing is named like a Dockerfile: --include '*' takes every file"
            if any(source.kind in ("folder", "tar") for source in plan.sources)
            else "nothing was there to read"
        )
    sys.stderr.write(f"scan: {'; '.join(parts)}\n")
    if ended.signal is not None:
        name = signal.Signals(ended.signal).name
        hint = f"; go on with --output {plan.output} --resume" if plan.output else ""
        sys.stderr.write(f"scan: stopped by {name}{hint}\n")


def _pairs(values: list[str]) -> tuple[tuple[str, str], ...]:
    import os

    pairs: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if equals:
            pairs[name] = text
        elif name in os.environ:
            pairs[name] = os.environ[name]
    return tuple(pairs.items())


def _bases(options: list[str]) -> tuple[tuple[str, Any], ...]:
    from entrysem.bases.lookup import read_base_options

    configs, _ = read_base_options(options)
    return tuple(configs.items())


def _check(settings: "Settings") -> None:
    """Whether the settings are legal, before anything is read; raises InputError."""
    from entrysem.scan.record import failure

    failure("", "input", "none", "", settings)


def _print_schema(name: str) -> None:
    if name not in _SCHEMAS:
        raise typer.BadParameter(f"must be one of {', '.join(_SCHEMAS)}", param_hint="--schema")
    from entrysem.data import read_text

    sys.stdout.write(read_text(f"schema/scan-{name}.schema.json"))


def _usage(error: "EntrysemError") -> NoReturn:
    _tell(error)
    raise typer.Exit(2) from None


def _tell(error: "EntrysemError") -> int:
    from entrysem.errors import InputError
    from entrysem.render import text

    assert isinstance(error, InputError)
    sys.stderr.write(text.problem(error, error.where, text.Style(colour=False)))
    return 3
