"""`entrysem explain`: the argv of a Dockerfile's container, and why.

Without `from __future__ import annotations`: Typer would evaluate each text of an annotation twice at
every start, which takes as long as all the rest that it does for this command.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from entrysem.cli.subjects import Asked, asked_of, is_uncertain, source_of

if TYPE_CHECKING:
    from entrysem.build import BaseLookup
    from entrysem.cli.subjects import Found
    from entrysem.inputs.runline import RunLine
    from entrysem.inputs.subject import Note, Subject
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
            metavar="[FILE|DIR|IMAGE|-]... [-- ARG...]",
            help="Dockerfiles, Compose files, manifests, folders, images (image:NAME, oci:DIR[:TAG], "
            "docker-archive:FILE[:TAG]), or - for standard input; ./Dockerfile when none is given. "
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
        str,
        typer.Option(
            metavar="NAME[@VERSION]",
            help="Who runs, e.g. docker@26.1, podman, cri; docker, or what the file or line says.",
        ),
    ] = "",
    platform: Annotated[
        str, typer.Option(metavar="OS[/ARCH]", help="Target platform.")
    ] = "linux/amd64",
    entrypoint: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="--entrypoint as typed at the runtime's command line."),
    ] = None,
    run_line: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="LINE",
            help="A whole command line instead: 'docker run -it --rm web sh'; also docker create, "
            "podman run, docker compose run, kubectl run.",
        ),
    ] = None,
    kubernetes: Annotated[
        bool, typer.Option("-k", "--kubernetes", help="Read the files as Kubernetes manifests.")
    ] = False,
    service: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Of a Compose file: only this service; repeatable."),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "-f", "--file", metavar="FILE", help="A Compose file that is laid over; repeatable."
        ),
    ] = None,
    compose_profile: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="An active Compose profile; repeatable."),
    ] = None,
    env_file: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="For Compose, in place of .env; repeatable."),
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
        bool,
        typer.Option("--strict", help="Exit 4 when the answer rests on an unknown base or value."),
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

    args = ctx.meta[_ARGS]
    platform = platform if "/" in platform else f"{platform}/amd64"
    try:
        line = _line(run_line, args, entrypoint, init=init)
        run = RunOptions(tuple(args) if args else None, entrypoint, init)
        asked = Asked(
            paths or [],
            run if line is None else line.subject.run,
            line,
            kubernetes=kubernetes,
            files=file or [],
            services=service or [],
            profiles=compose_profile or [],
            env_files=env_file or [],
        )
        if not runtime and line is not None:
            runtime = line.subject.runtime or ""
        request = _Request(
            profile=Profile.parse(builder, runtime or "docker"),
            runtime_given=bool(runtime),
            target=target or None,
            build_args=_pairs(build_arg or []),
            bases=_bases(base_config or [], base_from or [], catalogue, platform),
            platform=platform,
        )
        request.check(asked.run)
        found = list(asked_of(asked))
    except InputError as error:
        _usage(error)
    view = _View(
        output,
        brief=brief or (len(found) > 1 and output == "text"),
        trace=trace,
        what_if=what_if,
        strict=strict,
    )
    code = 0
    documents = []
    for one in found:
        outcome, document = _one(one, request, view, line)
        code = _worse(code, outcome)
        documents += document
    if output == "json":
        # A list also for a folder that holds one file: the shape must not depend on what is found.
        alone = len(found) == 1 and (not paths or [found[0].name] == paths)
        _print_json(documents[0] if alone else documents)
    raise typer.Exit(code)


def _line(
    text: str | None, args: list[str], entrypoint: str | None, *, init: bool
) -> "RunLine | None":
    """The run line, read.

    Raises:
        InputError: it cannot be read, or the run was given in another way as well.
    """
    if text is None:
        return None
    from entrysem.errors import InputError
    from entrysem.inputs.runline import read_run_line

    if args or entrypoint is not None or init:
        raise InputError(
            "options-do-not-fit",
            "--run says all of the run: it goes with no other words, --entrypoint or --init",
            where="--run",
            hint="write them into the line",
        )
    return read_run_line(text)


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
        runtime_given: bool,
    ) -> None:
        self.profile = profile
        self.runtime_given = runtime_given
        self.target = target
        self.build_args = build_args
        self.bases = bases
        self.platform = platform

    def check(self, run: "RunOptions") -> None:
        """Whether the run can be typed at all at that runtime.

        Raises:
            InputError: it cannot.
        """
        from entrysem.model import ImageConfig
        from entrysem.resolve import resolve

        resolve(ImageConfig(cmd=("x",)), run, profile=self.profile)

    def profile_of(self, subject: "Subject") -> "Profile":
        """What the user says, or the input where it decides who runs."""
        from entrysem.profiles import Profile

        if subject.runtime is None or self.runtime_given:
            return self.profile
        return Profile(self.profile.builder, Profile.parse(runtime=subject.runtime).runtime)

    def resolve(
        self, source: "bytes | Base", subject: "Subject", profile: "Profile | None" = None
    ) -> "Resolution":
        from entrysem.resolve import resolve

        return resolve(
            source,
            subject.run,
            profile=profile or self.profile_of(subject),
            target=self.target or subject.target,
            build_args={**subject.build_args, **self.build_args},
            bases=self.bases,
            platform=subject.platform or self.platform,
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


def _one(
    found: "Found", request: _Request, view: _View, line: "RunLine | None"
) -> tuple[int, list[dict[str, object]]]:
    """Explains one subject: its exit code, and its document for the JSON format."""
    from entrysem.errors import EntrysemError

    name, subject = found.name, found.subject
    try:
        if found.error is not None:
            raise found.error
        assert subject is not None
        if subject.argv is not None:
            uncertain = view.strict and is_uncertain(subject.notes)
            return (4 if uncertain else 0), _executed(name, subject, view)
        source = source_of(subject, request.bases, subject.platform or request.platform)
        resolution = request.resolve(source, subject)
    except EntrysemError as error:
        return 3, _rejected(name, error, request, view)
    notes = subject.notes
    rests = resolution.unknown or resolution.assumptions or (line is not None and line.depends)
    code = 4 if view.strict and (rests or is_uncertain(notes)) else 0
    if line is not None:
        notes = (*[note for note in notes if note not in line.subject.notes], *line.subject.notes)
    variants = _variants(source, subject, resolution, request, view)
    if view.output == "json":
        from entrysem.render.json import explanation as document

        described = document(resolution, name, variants, notes)
        if line is not None:
            from entrysem.inputs.runline import words_document

            described["run_line"] = words_document(line)
        return code, [described]
    if view.output == "markdown":
        from entrysem.render.markdown import explanation as markdown
        from entrysem.render.notes import markdown_notes

        sys.stdout.write(markdown(resolution, name, variants) + markdown_notes(notes))
        return code, []
    _print_text(name, resolution, variants, view)
    _print_notes(notes, view, line)
    return code, []


def _executed(name: str, subject: "Subject", view: _View) -> list[dict[str, object]]:
    """A probe or a hook: its words are executed as they stand."""
    from entrysem.render.notes import executed_document, markdown_executed, text_executed

    if view.output == "json":
        return [executed_document(name, subject)]
    show = markdown_executed if view.output == "markdown" else text_executed
    sys.stdout.write(show(name, subject, brief=view.brief))
    return []


def _print_text(
    name: str,
    resolution: "Resolution",
    variants: list[tuple[str, list[tuple[str, str]]]],
    view: _View,
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
    for title, rows in variants:
        sys.stdout.write("\n" + text.variants_table(rows, title, style))


def _print_notes(notes: "tuple[Note, ...]", view: _View, line: "RunLine | None") -> None:
    if line is not None and not view.brief:
        from entrysem.inputs.runline import explain_words

        sys.stdout.write("\n" + explain_words(line))
        notes = tuple([note for note in notes if note not in line.subject.notes])
    if notes:
        from entrysem.render.notes import text_notes

        sys.stdout.write(text_notes(notes, brief=view.brief))


def _variants(
    source: "bytes | Base",
    subject: "Subject",
    resolution: "Resolution",
    request: _Request,
    view: _View,
) -> list[tuple[str, list[tuple[str, str]]]]:
    if not view.what_if:
        return []
    from entrysem.variants import other_profiles, other_runs

    found = [("other runs of this image", other_runs(resolution))]
    elsewhere = other_profiles(
        resolution, lambda profile: request.resolve(source, subject, profile)
    )
    title = "where it differs" if elsewhere else "every other profile gives the same"
    found.append((title, elsewhere))
    return found


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
