"""The command line: reads what was typed, calls the engine, prints, exits.

`main` is here, around everything; the commands are in `app`.

Exit codes, the same everywhere: 0 as expected, 1 a mismatch or failed assertion, 2 usage, 3 input
that cannot be read or that the builder rejects, 4 (with --strict) an answer that rests on an unknown
base.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from typing import Any, NoReturn, TextIO

__all__ = ["main"]

#: Objects between two garbage collections. A start makes some ten thousand objects that all live, and
#: looking through them for garbage, as Python does every 700, is a twelfth of the start's time.
_COLLECT_AFTER = 100_000


def main() -> NoReturn:
    """Entry point of the `entrysem` command."""
    gc.set_threshold(_COLLECT_AFTER)
    _prepare_streams()
    from entrysem.cli.app import USAGE_ERROR, app

    stdout = sys.stdout
    try:
        try:
            code = app(prog_name="entrysem", standalone_mode=False)
        finally:
            sys.stdout.flush()
    except USAGE_ERROR as error:
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
