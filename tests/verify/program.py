"""`entrysem verify` as a program of its own, for tests that need a process: its exit, its signals."""

from __future__ import annotations

import typer

from entrysem.cli import verify

app = typer.Typer()
verify.register(app)
app.callback()(lambda: None)

if __name__ == "__main__":
    app(prog_name="entrysem")
