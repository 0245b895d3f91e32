"""The Typer application: its commands, each made when it is asked for.

Each command is a module of its own and imports what it needs inside its function, and only the
module of the command that was typed is imported, so that the start of one command does not pay for
the others.

Like `explain`, without `from __future__ import annotations`, for Typer's sake.
"""

import sys
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group

__all__ = ["USAGE_ERROR", "app"]

#: Command -> the module of this package that registers it, in the order of the help.
_COMMANDS = {
    "explain": "explain",
    "check": "check",
    "diff": "diff",
    "emit": "emit",
    "scan": "scan",
    "table": "table",
    "oracle": "oracle",
    "rules": "rules",
    "claims": "rules",
    "vectors": "vectors",
    "verify": "verify",
}


class _Commands(TyperGroup):
    """Makes a command when it is asked for: Typer takes milliseconds for each."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in self.commands:
            # For a name that is not there all are made: Typer then says which one may be meant.
            for name in (cmd_name,) if cmd_name in _COMMANDS else _COMMANDS:
                part = typer.Typer(rich_markup_mode=None)
                import_module(f"entrysem.cli.{_COMMANDS[name]}").register(part)
                self.commands.update(get_group(part).commands)
        return self.commands.get(cmd_name)


app = typer.Typer(
    name="entrysem",
    cls=_Commands,
    help="Which argv a container gets from CMD, ENTRYPOINT, SHELL and the command line, and why.",
    epilog="Example: entrysem explain Dockerfile -- --help",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


# Typer exports BadParameter, and not the class of all its errors that this derives from.
USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[2])


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
