"""`entrysem diff`: does this change what runs?

Without `from __future__ import annotations`, for Typer's sake; see `explain`.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from entrysem.cli.explain import _ARGS, _colour, _Command, _pairs

if TYPE_CHECKING:
    from entrysem.build import BaseLookup
    from entrysem.diff import FileDiff, Question, Run, Side
    from entrysem.diff.git import Repository
    from entrysem.errors import EntrysemError

__all__ = ["register", "stop"]

_FORMATS = ("text", "markdown", "json", "github")


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(
        "diff",
        cls=_Command,
        epilog="Example: entrysem diff HEAD~1:Dockerfile Dockerfile -- --port 80",
    )(diff)


def diff(
    ctx: typer.Context,
    operands: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[OLD NEW] [PATH]... [-- ARG...]",
            help="Two files, files at a revision (HEAD~1:Dockerfile), images (image:NAME, oci:DIR[:TAG], "
            "docker-archive:FILE[:TAG]) or image configs (JSON); - is standard input. Two revisions, or "
            "--git, compare every Dockerfile that changed between them, or those below PATH.",
        ),
    ] = None,
    git: Annotated[
        str,
        typer.Option(
            metavar="BASE[..HEAD]",
            help="Every Dockerfile that changed from BASE to HEAD; with three dots since they parted.",
        ),
    ] = "",
    target: Annotated[
        str, typer.Option(metavar="STAGE", help="Stage to build; the last by default.")
    ] = "",
    all_stages: Annotated[
        bool, typer.Option("--all-stages", help="Compare every named stage as well.")
    ] = False,
    build_arg: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Value of an ARG; repeatable.")
    ] = None,
    base_config: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE=FILE", help="Config of a base image, as explain; repeatable."),
    ] = None,
    old_base_config: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE=FILE", help="The same, as it was before; repeatable."),
    ] = None,
    new_base_config: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE=FILE", help="The same, as it is after; repeatable."),
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
        list[str] | None,
        typer.Option(metavar="NAME[@VERSION]", help="Who builds; repeatable. buildkit by default."),
    ] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[@VERSION]", help="Who runs; repeatable. docker by default."),
    ] = None,
    platform: Annotated[
        str, typer.Option(metavar="OS[/ARCH]", help="Target platform.")
    ] = "linux/amd64",
    entrypoint: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="--entrypoint as typed at the runtime's command line."),
    ] = None,
    run_line: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="LINE",
            help="A whole command line: 'docker run -it --rm web sh'; repeatable.",
        ),
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="Run with --init.")] = False,
    only: Annotated[
        bool, typer.Option("--only", help="Compare the runs given here, and not the usual ones.")
    ] = False,
    catalogue: Annotated[
        bool,
        typer.Option(
            "--catalogue/--no-catalogue",
            help="Look base images up in the bundled catalogue of official images.",
        ),
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 4, not 1, where an unknown base decides on it.")
    ] = False,
    brief: Annotated[bool, typer.Option("--brief", help="One line a file.")] = False,
    output: Annotated[
        str, typer.Option("--format", metavar="text|markdown|json|github", help="Output format.")
    ] = "text",
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the schema of --format json.")
    ] = False,
) -> None:
    """Say whether an edit changes what runs, in which runs, and which line does it."""
    if schema:
        from entrysem.data import read_text

        sys.stdout.write(read_text("schema/diff.schema.json"))
        return
    if output not in _FORMATS:
        raise typer.BadParameter(
            f"{output!r} is not one of {', '.join(_FORMATS)}", param_hint="--format"
        )
    from entrysem.cli.operands import open_side_bases
    from entrysem.diff.files import exit_code
    from entrysem.errors import InputError

    platform = platform if "/" in platform else f"{platform}/amd64"
    try:
        runs, runtimes = _runs(
            ctx.meta[_ARGS], entrypoint, run_line or [], runtime or [], init=init, only=only
        )
        question = _question(
            builder or ["buildkit"],
            runtimes,
            runs,
            target=target,
            all_stages=all_stages,
            build_args=_pairs(build_arg or []),
            platform=platform,
        )
        bases = [
            open_side_bases(
                base_config or [], own, base_from or [], catalogue=catalogue, platform=platform
            )
            for own in (old_base_config or [], new_base_config or [])
        ]
        found = _found(operands or [], git, question, bases[0], bases[1])
    except InputError as error:
        stop(error)
    _print(found, output, brief=brief)
    raise typer.Exit(exit_code(found, strict=strict))


def _runs(
    args: Sequence[str],
    entrypoint: str | None,
    lines: Sequence[str],
    runtimes: list[str],
    *,
    init: bool,
    only: bool,
) -> "tuple[list[Run], list[str]]":
    """The runs to compare, those that were given first, and the runtimes.

    Raises:
        InputError: a line cannot be read, or names another program than the runtime.
    """
    from entrysem.diff.compare import USUAL_RUNS, Run
    from entrysem.errors import InputError
    from entrysem.model import RunOptions

    given: list[Run] = []
    if args or entrypoint is not None or init:
        options = RunOptions(tuple(args) if args else None, entrypoint, init)
        given.append(Run(_typed(options), options))
    if lines:
        from entrysem.inputs.runline import read_run_line

        for line in lines:
            subject = read_run_line(line).subject
            given.append(Run(line, subject.run))
            if subject.runtime is not None and subject.runtime not in {
                name.partition("@")[0] for name in runtimes
            }:
                if runtimes:
                    raise InputError(
                        "options-do-not-fit",
                        f"this line starts a container with {subject.runtime}, not {runtimes[0]}",
                        where=f"--run {line}",
                        hint=f"compare it alone, or leave --runtime {runtimes[0]} out",
                    )
                runtimes = [subject.runtime]
    if only and not given:
        raise InputError(
            "options-do-not-fit",
            "--only compares the runs that are given, and there is none",
            where="--only",
            hint="give --run LINE, --entrypoint VALUE, or words behind --",
        )
    known = [run.options for run in given]
    usual = [] if only else [run for run in USUAL_RUNS if run.options not in known]
    return [*given, *usual], runtimes or ["docker"]


def _typed(options: object) -> str:
    """The run as one would type it."""
    import shlex

    from entrysem.model import RunOptions

    assert isinstance(options, RunOptions)
    words = ["run", *(["--init"] if options.init else [])]
    if isinstance(options.entrypoint, str):
        words += ["--entrypoint", options.entrypoint]
    return shlex.join([*words, "IMAGE", *(options.args or ())])


def _question(
    builders: Sequence[str],
    runtimes: Sequence[str],
    runs: "Sequence[Run]",
    *,
    target: str,
    all_stages: bool,
    build_args: dict[str, str],
    platform: str,
) -> "Question":
    """What is asked, under each builder with each runtime.

    Raises:
        InputError: an unknown engine, or a run that cannot be typed at that runtime.
    """
    from entrysem.diff.compare import Question
    from entrysem.model import ImageConfig
    from entrysem.profiles import Profile
    from entrysem.resolve import resolve

    profiles = [
        Profile.parse(builder, runtime)
        for builder in dict.fromkeys(builders)
        for runtime in dict.fromkeys(runtimes)
    ]
    for profile in profiles:
        for run in runs:
            resolve(ImageConfig(cmd=("x",)), run.options, profile=profile)
    return Question(profiles, runs, target or None, all_stages, build_args, platform)


def _found(
    operands: Sequence[str],
    git: str,
    question: "Question",
    old_bases: "BaseLookup",
    new_bases: "BaseLookup",
) -> "list[FileDiff]":
    """What became of the two that are named, or of every file between two revisions.

    Raises:
        InputError: the operands are none, or the repository or a revision cannot be read.
    """
    from entrysem.cli.operands import repository

    if git:
        from entrysem.diff.git import split_range

        repo = repository()
        old, new, parted = split_range(git)
        base = repo.merge_base(old, new) if parted else old
        return _between(repo, base, new, operands, question, old_bases, new_bases)
    if len(operands) < 2:
        raise typer.BadParameter(
            "two are needed, OLD and NEW, or --git BASE[..HEAD]", param_hint="OLD NEW"
        )
    old, new, *paths = operands
    repo = repository()
    if all(_may_be_revision(text) for text in (old, new)) and (
        paths or (repo.is_commit(old) and repo.is_commit(new))
    ):
        return _between(repo, old, new, paths, question, old_bases, new_bases)
    if paths:
        raise typer.BadParameter(
            "two are compared; paths follow two revisions only", param_hint="OLD NEW"
        )
    if old == new == "-":
        raise typer.BadParameter("standard input can be read once", param_hint="OLD NEW")
    return [_pair(old, new, question, old_bases, new_bases)]


def _may_be_revision(text: str) -> bool:
    from entrysem.bases.open import is_image
    from entrysem.cli.operands import is_file

    return not is_image(text) and not is_file(text) and ":" not in text


def _pair(
    old: str, new: str, question: "Question", old_bases: "BaseLookup", new_bases: "BaseLookup"
) -> "FileDiff":
    from entrysem.cli.operands import read_operand
    from entrysem.diff.compare import Side
    from entrysem.diff.files import diff_files

    def before() -> "Side":
        return Side(old, read_operand(old, old_bases, question.platform), old_bases)

    def after() -> "Side":
        return Side(new, read_operand(new, new_bases, question.platform), new_bases)

    return diff_files("compared", (old, before), (new, after), question)


def _between(
    repo: "Repository",
    old: str,
    new: str,
    paths: Sequence[str],
    question: "Question",
    old_bases: "BaseLookup",
    new_bases: "BaseLookup",
) -> "list[FileDiff]":
    """Every Dockerfile that is not the same at the two revisions.

    Raises:
        InputError: as `Repository.changed`.
    """
    from collections.abc import Callable

    from entrysem.diff.compare import Side
    from entrysem.diff.files import Status, diff_files

    before, after = repo.commit(old), repo.commit(new)
    statuses: dict[str, Status] = {"added": "added", "removed": "removed", "renamed": "renamed"}

    def reader(
        commit: str, path: str | None, bases: "BaseLookup"
    ) -> "tuple[str, Callable[[], Side]] | None":
        if path is None:
            return None
        return path, lambda: Side(path, repo.read(commit, path), bases)

    return [
        diff_files(
            statuses.get(item.status, "compared"),
            reader(before, item.old, old_bases),
            reader(after, item.new, new_bases),
            question,
        )
        for item in repo.changed(before, after, paths)
    ]


def _print(found: "list[FileDiff]", output: str, *, brief: bool) -> None:
    if output == "json":
        import json

        from entrysem.diff.report.json import document

        sys.stdout.write(json.dumps(document(found), indent=2) + "\n")
        return
    if output == "markdown":
        from entrysem.diff.report import markdown

        sys.stdout.write(markdown.render(found))
        return
    if output == "github":
        from entrysem.diff.report import github

        sys.stdout.write(github.render(found))
        return
    from entrysem.diff.report import text
    from entrysem.render.text import Style, problem

    sys.stdout.write(text.render(found, Style(colour=_colour(sys.stdout)), brief=brief))
    sys.stdout.flush()
    for item in found:
        if item.problem is not None:
            name = item.new or item.old or ""
            sys.stderr.write(problem(item.problem, name, Style(colour=_colour(sys.stderr))))


#: Errors of what was to be read; any other is of what was typed.
_UNREADABLE = frozenset(
    (
        "unreadable too-large no-dockerfile no-git no-repository unknown-revision no-merge-base "
        "bad-base-config bad-image not-an-image missing-image no-such-image no-such-platform "
        "which-image no-engine unreachable denied busy nothing-known"
    ).split()
)


def stop(error: "EntrysemError", name: str = "", code: int = 0) -> NoReturn:
    """Shows the error and ends: with `code`, or with 2 where something was asked for wrongly and 3 where
    it could not be read or built.
    """
    from entrysem.errors import DockerfileError
    from entrysem.render.text import Style, problem

    sys.stderr.write(problem(error, name, Style(colour=_colour(sys.stderr))))
    unreadable = isinstance(error, DockerfileError) or error.code in _UNREADABLE
    raise typer.Exit(code or (3 if unreadable else 2))
