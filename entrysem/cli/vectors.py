"""`entrysem vectors`: the cases, for test suites in any language."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    group = typer.Typer(
        name="vectors",
        help="List or export the conformance cases.",
        epilog="Example: entrysem vectors list --rule BUILD-02",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list", epilog="Example: entrysem vectors list --rule MERGE-04")(list_cases)
    group.command("export", epilog="Example: entrysem vectors export > cases.ndjson")(export)
    app.add_typer(group)


_Rule = Annotated[str, typer.Option(metavar="ID", help="Only cases that exercise this rule.")]


def list_cases(rule: _Rule = "") -> None:
    """One line a case: id, rules, title."""
    from entrysem.render.visible import visible

    for case in _chosen(rule):
        rules = ",".join(case["rules"])
        sys.stdout.write(f"{case['id']:<40} {rules:<30} {visible(case['title'])}\n")


def export(
    rule: _Rule = "",
    schema: Annotated[bool, typer.Option("--schema", help="Print the schema of a file.")] = False,
) -> None:
    """One JSON object a case, newline-delimited."""
    if schema:
        from entrysem.data import read_text

        sys.stdout.write(read_text("schema/vectors.schema.json"))
        return
    for case in _chosen(rule):
        sys.stdout.write(json.dumps(case) + "\n")


def _chosen(rule: str) -> list[dict[str, Any]]:
    from entrysem.errors import InputError
    from entrysem.render.text import Style, problem
    from entrysem.rules import get_rule
    from entrysem.vectors import cases

    try:
        wanted = get_rule(rule).id if rule else None
    except InputError as error:
        sys.stderr.write(problem(error, "", Style(colour=False)))
        raise typer.Exit(2) from None
    found = [case for case in cases() if wanted is None or wanted in case["rules"]]
    if not found:
        sys.stderr.write(f"error: no case exercises {wanted}\n")
        raise typer.Exit(3)
    return found
