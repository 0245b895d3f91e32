"""The command line: reads what was typed, calls the engine, prints, exits.

Each command is a module of its own and imports what it needs inside its function, and only the
module of the command that was typed is imported, so that the start of one command does not pay for
the others.

Exit codes, the same everywhere: 0 as expected, 1 a mismatch or failed assertion, 2 usage, 3 input
that cannot be read or that the builder rejects, 4 (with --strict) an answer that rests on an unknown
base.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from importlib import import_module
from typing import Annotated, Any, NoReturn, TextIO, cast

import typer
from typer.core import TyperGroup
from typer.main import get_group

__all__ = ["app", "main"]

#: Command -> the module of this package that registers it, in the order of the help.
_COMMANDS = {
    "explain": "explain",
    "table": "table",
    "oracle": "oracle",
    "rules": "rules",
    "claims": "rules",
    "vectors": "vectors",
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
_USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[2])


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


def main() -> NoReturn:
    """Entry point of the `entrysem` command."""
    _prepare_streams()
    stdout = sys.stdout
    try:
        try:
            code = app(prog_name="entrysem", standalone_mode=False)
        finally:
            sys.stdout.flush()
    except _USAGE_ERROR as error:
        _show(error)
        raise SystemExit(2) from None
    except OSError as error:
        # What is read is looked after where it is read: this is the output.
        _silence(stdout)
        if isinstance(error, BrokenPipeError):
            raise SystemExit(0) from None
        sys.stderr.write(f"error: cannot write: {error.strerror}\n")
        raise SystemExit(3) from None
    except SystemExit:
        # Typer meets a closed pipe with exit code 1 and a stdout that no longer complains.
        if sys.stdout is not stdout:
            _silence(stdout)
            raise SystemExit(0) from None
        raise
    raise SystemExit(code)


def _prepare_streams() -> None:
    """A stream that was closed before the start is empty; what an encoding lacks is an escape."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, io.TextIOWrapper(io.BytesIO()))
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show(error: Any) -> None:
    """Typer's message, which quotes what was typed, without what could act on a terminal."""
    from entrysem.render.visible import visible

    text = io.StringIO()
    error.show(file=text)
    sys.stderr.write("\n".join(visible(line) for line in text.getvalue().split("\n")))


def _silence(stream: TextIO) -> None:
    """Nobody reads any more: Python's last flush must not complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
