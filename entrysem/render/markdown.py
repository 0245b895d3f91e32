"""`explain --format markdown`: an answer to paste into a review."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from entrysem.render.text import answer_line
from entrysem.render.visible import visible
from entrysem.resolve import Resolution

__all__ = ["code", "explanation", "plain"]

Variants = Sequence[tuple[str, list[tuple[str, str]]]]


def explanation(resolution: Resolution, name: str, variants: Variants) -> str:
    """A section for one file and one run."""
    profile = resolution.image.profile
    lines = [
        f"### {plain(name)}",
        "",
        f"argv: {code(answer_line(resolution))}",
        "",
        f"<sub>{profile.builder}, {profile.runtime}</sub>",
        "",
    ]
    lines += [
        f"- unknown: {part.key}, inherited from {code(part.image)}" for part in resolution.unknown
    ]
    lines += [f"- assumes that {plain(sentence)}" for sentence in resolution.assumptions]
    if resolution.unknown or resolution.assumptions:
        lines.append("")
    lines += ["| line | instruction | what happens | rule |", "|---|---|---|---|"]
    for step in resolution.steps:
        line = "" if step.span is None else str(step.span.line)
        instruction = _cell(step.instruction) if step.instruction else ""
        lines.append(f"| {line} | {instruction} | {plain(step.sentence)} | {step.rule} |")
    view = resolution.shell
    if view is not None and view.script is not None:
        lines += ["", f"{code(view.shell)} runs the script {code(view.script)}; {view.sigterm}."]
    for title, rows in variants:
        lines += ["", f"**{title}**", ""]
        if rows:
            lines += ["| | argv |", "|---|---|"]
            lines += [f"| {_cell(label)} | {_cell(answer)} |" for label, answer in rows]
    return "\n".join(lines) + "\n\n"


def code(text: str) -> str:
    """A code span that survives backticks and Markdown's own characters."""
    shown = visible(text)
    ticks = "`"
    while ticks in shown:
        ticks += "`"
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _cell(text: str) -> str:
    """A code span inside a table, where a pipe takes a backslash, and one behind it none at all."""
    if "\\|" not in visible(text):
        return code(text).replace("|", "\\|")
    inner = re.sub(r"[^A-Za-z0-9 ]", lambda match: f"&#{ord(match.group())};", visible(text))
    return f"<code>{inner}</code>"


def plain(text: str) -> str:
    """Text in which nothing means anything to Markdown or HTML."""
    escaped = html.escape(visible(text), quote=False)
    return re.sub(r"[\\`*_\[\]|~$#]", r"\\\g<0>", escaped)
