r"""A truth table in the formats that people paste into documents and that programs read.

Two steps. First every heading and cell becomes one line of text (`_sheets`): in a published table's
own notation, or as a JSON list. What does not print is an escape from here on, so no format ever sees
a control character, a line break, or a blank that is not U+0020. Then one function a family
writes the text so that the format gives exactly that text back: it knows what its format would take
for markup. Blanks that a format would swallow (leading, trailing, repeated) are written as its own
hard blank: `&nbsp;`, `\ `, U+00A0; the text itself has none, so nothing is ambiguous.

The bytes depend on the table alone, whichever packages are installed.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from unicodedata import east_asian_width

import tabulate as tabulate_module

from entrysem.late import late
from entrysem.presets import json_list, shown
from entrysem.render.documents import profile_document
from entrysem.table import Cell, Choice, Table

__all__ = ["FORMATS", "VIEWS", "View", "cell_text", "render"]

#: `published`: as the preset's document prints it. `effective`: what is left once a shell has taken its
#: script, in the document's notation. `argv`: the exact list, as JSON.
View = Literal["published", "effective", "argv"]
VIEWS: tuple[View, ...] = ("published", "effective", "argv")


def render(table: Table, output: str, view: View = "published") -> str:
    """The table as text that ends with one line end.

    Raises:
        KeyError: `output` is not one of `FORMATS`.
    """
    return FORMATS[output](table, view).rstrip("\n") + "\n"


def cell_text(table: Table, cell: Cell, view: View) -> str:
    """What a cell says, on one line in which everything prints."""
    error = cell.error
    if error is not None:
        if view != "argv" and error.code == "no-command-specified" and table.preset.no_command:
            return table.preset.no_command
        return shown(f"error: {error.message}")
    if view == "argv":
        return json_list(cell.argv or ())
    published = table.preset.published if view == "published" else "effective"
    return _notation(table, cell.argv if published == "argv" else cell.effective)


def _notation(table: Table, words: Sequence[str] | None) -> str:
    text = shown(" ".join(words or ()))
    return f"[{text}]" if table.preset.columns else text


# --- headings and cells as lines of text ----------------------------------------------------------


class _Sheet(NamedTuple):
    """One grid of text: `title` says what its cells share, and is empty when there is nothing."""

    title: str
    header: list[str]
    rows: list[list[str]]


def _sheets(table: Table, view: View) -> list[_Sheet]:
    sheets = []
    for block in table.blocks:
        if table.preset.columns:
            header = list(table.preset.columns)
            rows = [_listed(table, cell, view) for (cell,) in block.rows]
        else:
            header = ["", *(shown(cell.at[-1].heading) for cell in block.rows[0])]
            rows = [
                [shown(row[0].at[-2].heading), *(cell_text(table, cell, view) for cell in row)]
                for row in block.rows
            ]
        title = ", ".join(shown(choice.heading) for choice in block.fixed)
        sheets.append(_Sheet(title, header, rows))
    return sheets


def _listed(table: Table, cell: Cell, view: View) -> list[str]:
    given = [_given(table, cell.choice(axis), view) for axis in table.preset.columns[:-1]]
    return [*given, cell_text(table, cell, view)]


def _given(table: Table, choice: Choice, view: View) -> str:
    if choice.words is None:
        return "<not set>"
    return json_list(choice.words) if view == "argv" else _notation(table, choice.words)


def _tabulated(sheet: _Sheet, style: str, escape: Callable[[str], str], **options: Any) -> str:
    # tabulate counts display columns if, and only if, wcwidth is installed.
    by_itself = tabulate_module.WIDE_CHARS_MODE
    tabulate_module.WIDE_CHARS_MODE = False
    try:
        text = tabulate_module.tabulate(
            [[_padded(escape(text)) for text in row] for row in sheet.rows],
            headers=[_padded(escape(text)) for text in sheet.header],
            tablefmt=style,
            disable_numparse=True,
            preserve_whitespace=True,
            **options,
        )
    finally:
        tabulate_module.WIDE_CHARS_MODE = by_itself
    return text.replace("\0", "")


def _padded(text: str) -> str:
    """A NUL, which no text has, for the second column of each character that takes two."""
    if text.isascii():
        return text
    # The rule of reStructuredText: a simple table whose columns are counted otherwise is an error.
    return "".join([f"{char}\0" if east_asian_width(char) in "WF" else char for char in text])


def _titled(table: Table, view: View, write: Callable[[_Sheet], tuple[str, str]]) -> str:
    """Each sheet's title line and grid, with blank lines between."""
    parts = [part for sheet in _sheets(table, view) for part in write(sheet) if part]
    return "\n\n".join(parts)


_LOST_BLANK = late(r"^ +| +$|(?<= ) +")


def _hard_blanks(text: str, blank: str) -> str:
    """`text` with each blank that a reader would not see replaced: at the ends, and after another."""
    return _LOST_BLANK.sub(lambda match: blank * len(match.group()), text)


# --- one function a family ------------------------------------------------------------------------


def _plain(style: str) -> Callable[[Table, View], str]:
    """Text for the eye. Nothing is markup, so nothing is escaped."""

    def write(sheet: _Sheet) -> tuple[str, str]:
        return sheet.title, _tabulated(sheet, style, str)

    return lambda table, view: _titled(table, view, write)


# `_` inside a word is text in GitHub's Markdown, and `[` is unless `(` or `[` follows its `]`.
_MARKDOWN = late(r"[\\`*|~<&$]|(?<![^\W_])_|_(?![^\W_])|(?<=\])[(\[]")


def _markdown_escape(text: str) -> str:
    return _hard_blanks(_MARKDOWN.sub(r"\\\g<0>", text), "&nbsp;")


def _markdown(table: Table, view: View) -> str:
    return _titled(
        table,
        view,
        lambda sheet: (
            _markdown_escape(sheet.title),
            _tabulated(sheet, "github", _markdown_escape),
        ),
    )


def _html_escape(text: str) -> str:
    escaped = html.escape(text, quote=False)
    # A style, not &nbsp;: what a reader copies from the page are then blanks.
    lost = _LOST_BLANK.search(text)
    return f'<span style="white-space: pre-wrap">{escaped}</span>' if lost else escaped


def _html(table: Table, view: View) -> str:
    grids = []
    for sheet in _sheets(table, view):
        # tabulate's own "html" pads every cell with blanks when it keeps blanks, and escapes.
        grid = _tabulated(sheet, "unsafehtml", _html_escape, stralign=None)
        if sheet.title:
            caption = f"<table>\n<caption>{_html_escape(sheet.title)}</caption>"
            grid = grid.replace("<table>", caption, 1)
        grids.append(grid)
    return "\n".join(grids)


# For \texttt: two hyphens or two commas are a ligature in some fonts, a straight quote is active with
# some languages of babel (and \textquotedbl is an error in the default encoding).
_LATEX = late(r"-(?=-)|,(?=,)|[\\^~`'\"<>|&%$#_{}]")
_LATEX_SPELLING: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    '"': r"\string" + '"',
    "<": r"\string<",
    ">": r"\string>",
    "|": r"\string|",
    "-": "-{}",
    ",": ",{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def _latex_escape(text: str) -> str:
    # TeX widens the blank after the end of a sentence, and after a colon.
    text = re.sub(r"([.:?!][)\]'\"]*) ", "\\1\0", text)
    escaped = _LATEX.sub(lambda match: _LATEX_SPELLING[match.group()], text)
    escaped = _hard_blanks(escaped, "\0").replace("\0", "\\ ")
    return f"\\texttt{{{escaped}}}" if text else ""


def _latex(table: Table, view: View) -> str:
    return _titled(
        table,
        view,
        lambda sheet: (
            f"\\noindent{_latex_escape(sheet.title)}" if sheet.title else "",
            _tabulated(sheet, "latex_raw", _latex_escape),
        ),
    )


_RST = late(r"[\\`*|]|_(?![^\W_])|(?<=:):$")
# What a line can start with that is no paragraph: a list, an option, a field, a rule, a comment. A
# path of several parts, a bracket and a quote are common and harmless.
_RST_START = late(r"""[^\w\s\\\["</]|([\["<])\1|/(?![\w.-]+/)|(?:\w+|\#)[.)](?:\ |$)""", re.VERBOSE)


def _rst_escape(text: str) -> str:
    escaped = _RST.sub(r"\\\g<0>", text)
    if _RST_START.match(escaped):
        escaped = f"\\{escaped}"
    return _hard_blanks(escaped, "\u00a0")


def _rst(table: Table, view: View) -> str:
    return _titled(
        table, view, lambda sheet: (_rst_escape(sheet.title), _tabulated(sheet, "rst", _rst_escape))
    )


def _csv(table: Table, view: View) -> str:
    """One table whatever the blocks: the axes that set them apart are columns at the left."""
    listed = bool(table.preset.columns)
    outer = [axis.name for axis in table.axes[: 1 if listed else -2] if axis.shown]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for index, (block, sheet) in enumerate(zip(table.blocks, _sheets(table, view), strict=True)):
        if index == 0:
            writer.writerow([*outer, *sheet.header])
        cell = block.rows[0][0]
        fixed = [shown(cell.choice(axis).heading) for axis in outer]
        writer.writerows([*fixed, *row] for row in sheet.rows)
    return buffer.getvalue()


def _json(table: Table, view: View) -> str:
    """The whole truth: `spec/schema/table.schema.json` describes it."""
    document = {
        "schema_version": 1,
        "preset": table.preset.name,
        "view": view,
        "profile": profile_document(table.profile),
        "axes": [
            {"name": axis.name, "choices": [_choice(choice) for choice in axis.choices]}
            for axis in table.axes
            if axis.shown
        ],
        "cells": [_cell(table, cell, view) for cell in table.cells],
    }
    # Escapes go inside strings only, and there is no line end inside a JSON string.
    lines = json.dumps(document, indent=2, ensure_ascii=False).split("\n")
    return "\n".join(shown(line) for line in lines)


def _choice(choice: Choice) -> dict[str, Any]:
    return {"heading": choice.heading, "words": _list(choice.words)}


def _cell(table: Table, cell: Cell, view: View) -> dict[str, Any]:
    typed = cell.options.entrypoint
    return {
        "at": {
            axis.name: axis.choices.index(choice)
            for axis, choice in zip(table.axes, cell.at, strict=True)
            if axis.shown
        },
        "text": cell_text(table, cell, view),
        "dockerfile": cell.dockerfile,
        "run": {
            "entrypoint": typed if isinstance(typed, str) else _list(typed),
            "args": _list(cell.options.args),
        },
        "argv": _list(cell.argv),
        "effective": _list(cell.effective),
        "error": _error(cell),
        "rules": list(cell.rules),
    }


def _list(words: Sequence[str] | None) -> list[str] | None:
    return None if words is None else list(words)


def _error(cell: Cell) -> dict[str, str] | None:
    error = cell.error
    if error is None:
        return None
    return {"phase": error.phase, "code": error.code, "message": error.message}


FORMATS: Mapping[str, Callable[[Table, View], str]] = {
    "github": _markdown,
    "grid": _plain("grid"),
    "html": _html,
    "latex": _latex,
    "rst": _rst,
    "plain": _plain("plain"),
    "csv": _csv,
    "json": _json,
}
