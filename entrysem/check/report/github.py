"""Annotations for GitHub: a workflow command each, which the runner turns into a remark at the line.

    ::error file=web/Dockerfile,line=3,col=5,endColumn=20,title=ES004 looks-like-exec-form::message

A value may hold no line end, and a property no `:` or `,`: they are percent-escapes. GitHub shows ten
of each level a step; all are in the job summary (`markdown`), which `check` writes to
GITHUB_STEP_SUMMARY.

Source: actions/runner 079cdb1 src/Runner.Common/ActionCommand.cs (TryParseV2), which reads them; GitHub
Docs, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from collections.abc import Sequence

from entrysem.check.kinds import OWN, REJECTED
from entrysem.check.model import FileResult
from entrysem.errors import Span
from entrysem.findings.model import Severity
from entrysem.render.visible import visible

__all__ = ["render"]

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def render(results: Sequence[FileResult], code: int) -> str:
    """A line a problem; empty when there is none."""
    del code
    lines = []
    for result in results:
        shown = result.place.shown
        refused = result.rejection
        if refused is not None:
            title = f"{REJECTED} {OWN[REJECTED].name}"
            text = refused.message + (f"; {refused.hint}" if refused.hint else "")
            lines.append(_command("error", shown, refused.span, title, text))
        for each in result.problems:
            text = each.message
            if each.fix is not None:
                text += f"\nFix: {each.fix.sentence}"
            title = f"{each.kind} {each.title}"
            lines.append(_command(each.severity, shown, each.span, title, text))
    return "".join(lines)


def _command(severity: Severity, shown: str, span: Span | None, title: str, text: str) -> str:
    properties = {"file": shown}
    if span is not None:
        properties["line"] = str(span.line)
        properties["endLine"] = str(span.end_line)
        if span.line == span.end_line:
            properties["col"] = str(span.column)
            properties["endColumn"] = str(span.end_column)
    properties["title"] = title
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_LEVELS[severity]} {told}::{_data(text)}\n"


def _data(text: str) -> str:
    lines = [visible(line).replace("%", "%25") for line in text.split("\n")]
    return "%0A".join(lines)


def _property(text: str) -> str:
    return visible(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
