"""`entrysem rules` and `entrysem claims`: the spec, at the command line."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("rules", epilog="Example: entrysem rules BUILD-02")(rules)
    app.command("claims", epilog="Example: entrysem claims CLAIM-3")(claims)


def rules(
    rule_id: Annotated[str, typer.Argument(metavar="[ID]", help="Rule to print whole.")] = "",
    output: Annotated[
        str, typer.Option("--format", metavar="text|json", help="Output format.")
    ] = "text",
) -> None:
    """List the rules, or print one with its sources and examples."""
    _check_format(output)
    from entrysem.errors import InputError
    from entrysem.render.text import Style, problem
    from entrysem.rules import RULES, get_rule
    from entrysem.spec_text import section

    try:
        chosen = [get_rule(rule_id)] if rule_id else list(RULES.values())
    except InputError as error:
        sys.stderr.write(problem(error, "", Style(colour=False)))
        raise typer.Exit(2) from None
    if output == "json":
        documents = [{"id": rule.id, "title": rule.title, "text": section(rule)} for rule in chosen]
        sys.stdout.write(json.dumps(documents[0] if rule_id else documents, indent=2) + "\n")
    elif rule_id:
        sys.stdout.write(section(chosen[0]))
    else:
        for rule in chosen:
            sys.stdout.write(f"{rule.id:<9} {rule.title}\n")


def _check_format(output: str) -> None:
    if output not in ("text", "json"):
        raise typer.BadParameter(f"{output!r} is not one of text, json", param_hint="--format")


def claims(
    claim_id: Annotated[str, typer.Argument(metavar="[ID]", help="Claim to print.")] = "",
    output: Annotated[
        str, typer.Option("--format", metavar="text|json", help="Output format.")
    ] = "text",
) -> None:
    """List a lecture's claims, each with its verdict."""
    _check_format(output)
    from entrysem.data import read_text

    found = json.loads(read_text("claims.json"))
    if claim_id:
        found = [claim for claim in found if claim["id"] == claim_id.upper()]
        if not found:
            sys.stderr.write(
                f"error: there is no claim {claim_id!r}; `entrysem claims` lists them\n"
            )
            raise typer.Exit(2)
    if output == "json":
        sys.stdout.write(json.dumps(found[0] if claim_id else found, indent=2) + "\n")
        return
    for claim in found:
        sys.stdout.write(f"{claim['id']:<8} {claim['verdict']:<10} {claim['claim']}\n")
        if claim_id:
            sys.stdout.write(f"\n{claim['why']}\nrules: {', '.join(claim['rules'])}\n")
