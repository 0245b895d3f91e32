"""`entrysem explain`: the argv of a Dockerfile's container, and why.

Without `from __future__ import annotations`: Typer would evaluate each text of an annotation twice at
every start, which takes as long as all the rest that it does for this command.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from entrysem.cli.files import dockerfiles_under, read_source

if TYPE_CHECKING:
    from entrysem.build import BaseLookup
    from entrysem.model import Base, RunOptions
    from entrysem.profiles import Profile
    from entrysem.resolve import Resolution

__all__ = ["register"]

_FORMATS = ("text", "json", "markdown")
_ARGS = "entrysem.args"


class _Command(TyperCommand):
    """Keeps what follows the first `--` apart from the files before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads what stands before `--`; what stands behind it is kept in `ctx.meta`."""
        with_value = {
            name
            for param in self.get_params(ctx)
            if not getattr(param, "is_flag", True)
            for name in param.opts
        }
        at = 0
        while at < len(args) and args[at] != "--":
            at += 2 if args[at] in with_value else 1
        ctx.meta[_ARGS] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(
        "explain",
        cls=_Command,
        epilog="Example: entrysem explain Dockerfile --target web -- --help",
    )(explain)


def explain(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DOCKERFILE|DIR|IMAGE|-]... [-- ARG...]",
            help="Dockerfiles, folders, images (image:NAME, oci:DIR[:TAG], docker-archive:FILE[:TAG]), "
            "or - for standard input; ./Dockerfile when none is given. "
            "What follows -- is what you would type after the image. Several files, or a folder, get "
            "one line each in text, and a list in JSON.",
        ),
    ] = None,
    target: Annotated[
        str, typer.Option(metavar="STAGE", help="Stage to build; the last by default.")
    ] = "",
    build_arg: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Value of an ARG; repeatable.")
    ] = None,
    base_config: Annotated[
        list[str] | None,
        typer.Option(
            metavar="IMAGE=FILE",
            help="Config of a base image: the output of docker inspect or an OCI config, or "
            "oci:DIR[:TAG] or docker-archive:FILE[:TAG]; repeatable.",
        ),
    ] = None,
    base_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="Ask for base images: docker, podman, registry, oci:DIR, docker-archive:FILE; "
            "repeatable, asked in this order.",
        ),
    ] = None,
    builder: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Who builds, e.g. buildkit@0.13, buildah.")
    ] = "buildkit",
    runtime: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Who runs, e.g. docker@26.1, podman, cri.")
    ] = "docker",
    platform: Annotated[
        str, typer.Option(metavar="OS[/ARCH]", help="Target platform.")
    ] = "linux/amd64",
    entrypoint: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="--entrypoint as typed at the runtime's command line."),
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="Run with --init.")] = False,
    catalogue: Annotated[
        bool,
        typer.Option(
            "--catalogue/--no-catalogue",
            help="Look base images up in the bundled catalogue of official images.",
        ),
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 4 when the answer rests on an unknown base.")
    ] = False,
    brief: Annotated[bool, typer.Option("--brief", help="One line a file.")] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Entrypoint, Cmd and Shell after each instruction.")
    ] = False,
    what_if: Annotated[
        bool, typer.Option("--what-if", help="What other runs and other profiles would give.")
    ] = False,
    output: Annotated[
        str, typer.Option("--format", metavar="text|json|markdown", help="Output format.")
    ] = "text",
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the schema of --format json.")
    ] = False,
) -> None:
    """Say which argv a Dockerfile's container gets, and why."""
    if schema:
        from entrysem.data import read_text

        sys.stdout.write(read_text("schema/explain.schema.json"))
        return
    if output not in _FORMATS:
        raise typer.BadParameter(
            f"{output!r} is not one of {', '.join(_FORMATS)}", param_hint="--format"
        )
    from entrysem.errors import InputError
    from entrysem.model import RunOptions
    from entrysem.profiles import Profile

    names, args = paths or [], ctx.meta[_ARGS]
    platform = platform if "/" in platform else f"{platform}/amd64"
    try:
        request = _Request(
            profile=Profile.parse(builder, runtime),
            target=target or None,
            build_args=_pairs(build_arg or []),
            bases=_bases(base_config or [], base_from or [], catalogue, platform),
            platform=platform,
            run=RunOptions(args=tuple(args) if args else None, entrypoint=entrypoint, init=init),
        )
        request.check()
    except InputError as error:
        _usage(error)
    files = _expanded(names)
    view = _View(
        output,
        brief=brief or (len(files) > 1 and output == "text"),
        trace=trace,
        what_if=what_if,
        strict=strict,
    )
    code = 0
    documents = []
    for name in files:
        outcome, document = _one(name, request, view)
        code = _worse(code, outcome)
        documents += document
    if output == "json":
        # A list also for a folder that holds one file: the shape must not depend on what is found.
        _print_json(documents if names and files != names[:1] else documents[0])
    raise typer.Exit(code)


class _Request:
    """What is asked about every file."""

    def __init__(
        self,
        *,
        profile: "Profile",
        target: str | None,
        build_args: dict[str, str],
        bases: "BaseLookup",
        platform: str,
        run: "RunOptions",
    ) -> None:
        self.profile = profile
        self.target = target
        self.build_args = build_args
        self.bases = bases
        self.platform = platform
        self.run = run

    def check(self) -> None:
        """Whether the run can be typed at all at that runtime.

        Raises:
            InputError: it cannot.
        """
        from entrysem.model import ImageConfig
        from entrysem.resolve import resolve

        resolve(ImageConfig(cmd=("x",)), self.run, profile=self.profile)

    def resolve(
        self, source: "bytes | Base", run: "RunOptions", profile: "Profile | None" = None
    ) -> "Resolution":
        from entrysem.resolve import resolve

        return resolve(
            source,
            run,
            profile=profile or self.profile,
            target=self.target,
            build_args=self.build_args,
            bases=self.bases,
            platform=self.platform,
        )


class _View:
    """How the answers are shown."""

    def __init__(
        self, output: str, *, brief: bool, trace: bool, what_if: bool, strict: bool
    ) -> None:
        self.output = output
        self.brief = brief
        self.trace = trace
        self.what_if = what_if
        self.strict = strict


def _expanded(names: list[str]) -> list[str]:
    if not names:
        return ["Dockerfile"]
    found: list[str] = []
    for name in names:
        folder = name != "-" and Path(name).is_dir()
        found += (list(dockerfiles_under(name)) if folder else []) or [name]
    return found


def _pairs(values: list[str]) -> dict[str, str]:
    import os

    pairs: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if equals:
            pairs[name] = text
        elif name in os.environ:
            pairs[name] = os.environ[name]
    return pairs


def _bases(configs: list[str], sources: list[str], catalogue: bool, platform: str) -> "BaseLookup":
    from entrysem.bases.open import open_bases

    return open_bases(configs, sources, catalogue=catalogue, platform=platform)


def _one(name: str, request: _Request, view: _View) -> tuple[int, list[dict[str, object]]]:
    """Explains one file: its exit code, and its document for the JSON format."""
    from entrysem.errors import EntrysemError

    try:
        source = _source(name, request)
        resolution = request.resolve(source, request.run)
    except EntrysemError as error:
        return 3, _rejected(name, error, request, view)
    code = 0
    if view.strict and (resolution.unknown or resolution.assumptions):
        code = 4
    if view.output == "json":
        return code, [_document(name, source, resolution, request, view)]
    if view.output == "markdown":
        from entrysem.render.markdown import explanation as markdown

        sys.stdout.write(markdown(resolution, name, _variants(source, resolution, request, view)))
        return code, []
    _print_text(name, source, resolution, request, view)
    return code, []


def _source(name: str, request: _Request) -> "bytes | Base":
    from entrysem.bases.open import is_image, open_image

    if is_image(name):
        return open_image(name, request.bases, platform=request.platform)
    return read_source(name)


def _print_text(
    name: str, source: "bytes | Base", resolution: "Resolution", request: _Request, view: _View
) -> None:
    from entrysem.render import text
    from entrysem.render.visible import visible

    style = text.Style(colour=_colour(sys.stdout))
    if view.brief:
        sys.stdout.write(f"{visible(name)}: {text.answer_line(resolution)}\n")
        return
    sys.stdout.write(text.explanation(resolution, name, style))
    if view.trace:
        sys.stdout.write("\n" + text.trace_table(resolution, style))
    for title, rows in _variants(source, resolution, request, view):
        sys.stdout.write("\n" + text.variants_table(rows, title, style))


def _variants(
    source: "bytes | Base", resolution: "Resolution", request: _Request, view: _View
) -> list[tuple[str, list[tuple[str, str]]]]:
    if not view.what_if:
        return []
    from entrysem.variants import other_profiles, other_runs

    found = [("other runs of this image", other_runs(resolution))]
    elsewhere = other_profiles(
        resolution, lambda profile: request.resolve(source, request.run, profile)
    )
    title = "where it differs" if elsewhere else "every other profile gives the same"
    found.append((title, elsewhere))
    return found


def _document(
    name: str, source: "bytes | Base", resolution: "Resolution", request: _Request, view: _View
) -> dict[str, object]:
    from entrysem.render.json import explanation as document

    return document(resolution, name, _variants(source, resolution, request, view))


def _rejected(
    name: str, error: Exception, request: _Request, view: _View
) -> list[dict[str, object]]:
    from entrysem.errors import DockerfileError, EntrysemError
    from entrysem.render import text
    from entrysem.render.visible import visible

    assert isinstance(error, EntrysemError)
    if view.output == "json":
        from entrysem.render.json import rejection

        return [rejection(error, name, request.profile)]
    if view.brief:
        line = error.line if isinstance(error, DockerfileError) else None
        place = "" if line is None else f"line {line}: "
        kind = "rejected" if isinstance(error, DockerfileError) else "error"
        sys.stdout.write(f"{visible(name)}: {kind}: {place}{visible(error.message)}\n")
    else:
        sys.stdout.flush()
        style = text.Style(colour=_colour(sys.stderr))
        sys.stderr.write(text.problem(error, name, style))
    return []


def _print_json(value: object) -> None:
    import json

    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _colour(stream: object) -> bool:
    import os

    isatty = getattr(stream, "isatty", None)
    return (
        not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
        and bool(isatty and isatty())
    )


def _worse(one: int, other: int) -> int:
    """The code that the whole call exits with: a rejected file outweighs an unknown base."""
    return 3 if 3 in (one, other) else max(one, other)


def _usage(error: Exception) -> NoReturn:
    from entrysem.errors import InputError
    from entrysem.render import text

    assert isinstance(error, InputError)
    sys.stderr.write(text.problem(error, "", text.Style(colour=_colour(sys.stderr))))
    unreadable = error.code in ("bad-base-config", "unreadable")
    raise typer.Exit(3 if unreadable else 2)
