"""`entrysem oracle`: newline-delimited JSON on standard input and output."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(
        "oracle",
        epilog="""Example: echo '{"id": "1", "dockerfile": "FROM scratch\\nCMD [\\"c\\"]\\n"}' | """
        "entrysem oracle",
    )(oracle)


def oracle(
    schema: Annotated[
        str, typer.Option(metavar="request|response", help="Print a schema and exit.")
    ] = "",
) -> None:
    """Answer requests: one JSON line in, one JSON line out.

    Answers come in the order of the requests, each as soon as it is ready. A line that is no request
    gets an answer with an error, and the next line is read.
    """
    if schema:
        if schema not in ("request", "response"):
            raise typer.BadParameter("must be request or response", param_hint="--schema")
        from entrysem.data import read_text

        sys.stdout.write(read_text(f"schema/oracle-{schema}.schema.json"))
        return
    from entrysem.oracle import serve

    serve(sys.stdin.buffer, sys.stdout.buffer)
