"""`entrysem table`: the truth tables, printed, or checked where they stand in a document.

`--check` does not know any table: it reads from a marked block what to compute, computes it as the
command itself would, and compares. How blocks are found is in `entrysem.cli.marked`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Optional, cast

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("table", epilog="Example: entrysem table --preset docs --view argv --format rst")(
        table
    )


def table(
    ctx: typer.Context,
    preset: Annotated[
        str, typer.Option(metavar="lecture|docs|docs-2016|kubernetes", help="Whose table it is.")
    ] = "lecture",
    view: Annotated[
        str,
        typer.Option(
            metavar="published|effective|argv",
            help="published: as the preset's document prints it; effective: without the words that a "
            "shell script ignores; argv: exact lists.",
        ),
    ] = "published",
    output: Annotated[
        str,
        typer.Option(
            "--format", metavar="github|grid|html|latex|rst|plain|csv|json", help="Output format."
        ),
    ] = "github",
    cmd_words: Annotated[
        str | None,
        typer.Option(metavar="WORDS|JSON", help="Your own words for CMD, e.g. 'nginx -g'."),
    ] = None,
    entry_words: Annotated[
        str | None, typer.Option(metavar="WORDS|JSON", help="Your own words for ENTRYPOINT.")
    ] = None,
    shell: Annotated[
        Optional[list[str]],  # noqa: UP045 - read at run time by Typer
        typer.Option(metavar="WORDS|JSON", help="A SHELL instruction; each makes a block."),
    ] = None,
    args: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="WORDS|JSON", help="What is typed after the image; each makes a block."
        ),
    ] = None,
    entrypoint: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(metavar="VALUE", help="--entrypoint as typed; each makes a block."),
    ] = None,
    builder: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Who builds, e.g. buildah.")
    ] = "buildkit",
    runtime: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[@VERSION]", help="Who runs, e.g. podman; the preset's own by default."
        ),
    ] = None,
    check: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            metavar="FILE",
            help="Check the tables in a document: each stands between a line with 'entrysem:table "
            "OPTIONS' and one with 'entrysem:end', in the document's comment syntax. - is stdin.",
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="With --check: replace the tables that differ.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the schema of --format json.")
    ] = False,
) -> None:
    """Print the truth table of CMD and ENTRYPOINT, every cell computed."""
    del preset, view, output, cmd_words, entry_words, shell, args, entrypoint, builder, runtime
    if schema:
        from entrysem.data import read_text

        sys.stdout.write(read_text("schema/table.schema.json"))
        return
    from entrysem.errors import InputError

    if check:
        _alone(ctx)
        if write and "-" in check:
            raise typer.BadParameter("standard input cannot be rewritten", param_hint="--write")
        from entrysem.cli.marked import check_documents

        raise typer.Exit(check_documents(check, lambda typed: _marked(ctx, typed), write=write))
    if write:
        raise typer.BadParameter("it needs --check FILE", param_hint="--write")
    try:
        text = _text(ctx.params)
    except InputError as error:
        message = f"{error.message} ({error.hint})" if error.hint else error.message
        raise typer.BadParameter(message, param_hint=error.where) from None
    sys.stdout.write(text)


def _alone(ctx: typer.Context) -> None:
    """A document's markers say what to compute; an option that seems to is refused."""
    for name in ctx.params:
        source = ctx.get_parameter_source(name)
        if name not in ("check", "write") and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"with --check, the options of a table stand in its marker, not {_option(name)}",
                param_hint="--check",
            )


def _option(name: str) -> str:
    return "--format" if name == "output" else f"--{name.replace('_', '-')}"


def _text(params: Mapping[str, Any]) -> str:
    """The table that the options ask for.

    Raises:
        InputError: an option's value does not make sense; `where` is the option.
    """
    from entrysem.presets import PRESETS, Phrase
    from entrysem.render.table import FORMATS, VIEWS, render
    from entrysem.table import compute

    _one_of(params["preset"], PRESETS, "--preset")
    _one_of(params["output"], FORMATS, "--format")
    _one_of(params["view"], VIEWS, "--view")
    preset = PRESETS[params["preset"]]
    given = {
        key: Phrase.parse(params[key], _option(key))
        for key in ("cmd_words", "entry_words")
        if params[key] is not None
    }
    computed = compute(
        preset,
        cmd_words=given.get("cmd_words"),
        entry_words=given.get("entry_words"),
        shells=[Phrase.parse(text, "--shell") for text in params["shell"] or ()],
        arguments=[Phrase.parse(text, "--args") for text in params["args"] or ()],
        overrides=params["entrypoint"] or (),
        builder=params["builder"],
        runtime=params["runtime"],
    )
    return render(computed, params["output"], params["view"])


def _one_of(value: str, known: Any, option: str) -> None:
    from entrysem.errors import InputError

    if value not in known:
        raise InputError(
            "unknown-value", f"{value!r} is not one of {', '.join(known)}", where=option
        )


def _marked(ctx: typer.Context, typed: list[str]) -> tuple[str, bool]:
    """What a marker asks for: the table, and whether its format wants blank lines around it.

    The command's own parser reads the marker, so that whatever can be typed can be marked.

    Raises:
        InputError: what is typed is not what the command takes.
    """
    from entrysem.errors import InputError

    refused = {*ctx.help_option_names, "--check", "--write", "--schema"}
    for word in typed:
        if word.partition("=")[0] in refused:
            raise InputError("bad-marker", f"{word} cannot stand in a marker", where=word)
    # Typer exports BadParameter, and not the class of all usage errors that it derives from.
    usage_error = cast("type[Exception]", typer.BadParameter.__mro__[1])
    try:
        params = ctx.command.make_context("entrysem table", list(typed)).params
    except usage_error as error:
        message = getattr(error, "message", str(error))
        raise InputError("bad-marker", message, where="marker") from None
    return _text(params), params["output"] in ("github", "grid", "rst")
