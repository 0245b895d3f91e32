"""The command line: reads what was typed, calls the engine, prints, exits.

Each command is a module of its own and imports what it needs inside its function, so that the
start of one command does not pay for the others.

Exit codes, the same everywhere: 0 as expected, 1 a mismatch or failed assertion, 2 usage, 3 input
that cannot be read or that the builder rejects, 4 (with --strict) an answer that rests on an unknown
base.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from entrysem.cli import explain, oracle, rules, table, vectors

__all__ = ["app", "main"]

app = typer.Typer(
    name="entrysem",
    help="Which argv a container gets from CMD, ENTRYPOINT, SHELL and the command line, and why.",
    epilog="Example: entrysem explain Dockerfile -- --help",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from entrysem import __version__

        sys.stdout.write(f"entrysem {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version


for module in (explain, table, oracle, rules, vectors):
    module.register(app)


def main() -> None:
    """Entry point of the `entrysem` command."""
    try:
        app()
    except BrokenPipeError:
        # The reader has gone; nothing is left to say, and Python's own flush must not say it either.
        sys.stderr.close()
        raise SystemExit(0) from None
