"""The report as one page that stands alone: no script, no font, nothing that is loaded.

The charts are SVG by pygal, without its script, in the page itself; beside each stands its table, for
those who cannot see it and for those who want the numbers. The page's own policy forbids everything else,
so that nothing that slipped through the escaping could run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from entrysem.errors import InputError
from entrysem.scan.report.summary import Summary
from entrysem.scan.report.tables import Row, Table, form_matrix, headline, percent, tables

__all__ = ["render"]

_ROW_PIXELS = 26
_COLOURS = ("#9aa5b1", "#2f6fb3", "#d9822b", "#7b4fa3")


def render(summary: Summary, top: int) -> str:
    """The page.

    Raises:
        InputError: `needs-extra`, Jinja or pygal is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra
        from markupsafe import Markup  # noqa: PLC0415
    except ImportError:
        raise _missing() from None
    environment = Environment(
        loader=PackageLoader("entrysem.scan.report", ""), autoescape=True, undefined=StrictUndefined
    )
    first, *rest = headline(summary)
    matrix = form_matrix(summary)
    view = {
        "title": "entrysem scan",
        "summary": first,
        "lines": rest,
        "files": summary.files,
        "forms": [
            (name, [(f"{count:,}", percent(count, summary.files), count) for _, count in cells])
            for name, cells in matrix
        ],
        "form_heads": [name for name, _ in matrix[0][1]],
        "form_chart": Markup(_forms(matrix, summary.files)) if summary.files else "",  # noqa: S704 - pygal escapes
        "tables": [
            {
                "title": table.title,
                "what": table.what,
                "rows": [
                    (row.name, f"{row.number:,}", percent(row.number, row.of)) for row in table.rows
                ],
                "more": table.more,
                "chart": Markup(_bars(table)),  # noqa: S704 - pygal escapes what it writes
            }
            for table in tables(summary, top)
        ],
    }
    return environment.get_template("page.html.jinja").render(view)


def _bars(table: Table) -> str:
    """A horizontal bar a row, the largest on top."""
    rows: Sequence[Row] = table.rows
    largest = max((_share(row.number, row.of) for row in rows), default=0)
    chart = _chart("HorizontalBar", len(rows), largest, [row.name for row in rows])
    # pygal draws from below.
    chart.x_labels = [row.name for row in reversed(rows)]
    chart.add(table.what, [_share(row.number, row.of) for row in reversed(rows)])
    return _svg(chart)


def _forms(matrix: list[tuple[str, list[tuple[str, int]]]], of: int) -> str:
    """A bar for each form of ENTRYPOINT, divided by the forms of CMD."""
    largest = max(_share(sum(count for _, count in cells), of) for _, cells in matrix)
    names = [name for name, _ in matrix]
    chart = _chart("HorizontalStackedBar", len(matrix), largest, names, legend=True)
    chart.x_labels = [name for name, _ in reversed(matrix)]
    for at, (name, _) in enumerate(matrix[0][1]):
        chart.add(name, [_share(cells[at][1], of) for _, cells in reversed(matrix)])
    return _svg(chart)


def _share(count: int, of: int) -> float:
    return 100 * count / of if of else 0.0


def _ticks(largest: float) -> list[float]:
    """Five or fewer round numbers from 0, the last not below `largest`."""
    step = next(step for step in (0.25, 0.5, 1, 2, 5, 10, 20, 25) if step * 4 >= min(largest, 100))
    return [step * number for number in range(5)]


def _chart(
    kind: str, rows: int, largest: float, names: Sequence[str], *, legend: bool = False
) -> Any:
    pygal, styles = _pygal()
    style = styles.Style(
        background="transparent",
        plot_background="transparent",
        foreground="#5b6770",
        foreground_strong="#5b6770",
        foreground_subtle="#8a949c",
        colors=_COLOURS if legend else _COLOURS[1:2],
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        value_font_size=12,
        legend_font_size=13,
        opacity=1,
    )
    longest = max(map(len, names), default=0)
    ticks = _ticks(largest)
    return getattr(pygal, kind)(
        style=style,
        js=(),
        width=760,
        height=70 + _ROW_PIXELS * max(rows, 1) + (80 if legend else 0),
        show_legend=legend,
        legend_at_bottom=True,
        legend_at_bottom_columns=4,
        # A label is cut where it would leave the bars no room.
        truncate_label=min(max(longest, 8), 36),
        value_formatter=lambda share: f"{share:g} %",
        y_labels=ticks,
        range=(0, ticks[-1]),
        show_x_guides=False,
        show_y_guides=True,
        margin=8,
        margin_bottom=40 if legend else 8,
        no_data_text="nothing to show",
        disable_xml_declaration=True,
    )


#: pygal's own style has an address of a font in it for some settings, and a comment with its home page.
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SCRIPT = re.compile(r"<script\b.*?(?:/>|</script>)", re.DOTALL)


def _svg(chart: Any) -> str:
    text: str = chart.render(is_unicode=True)
    return _SCRIPT.sub("", _COMMENT.sub("", text))


def _pygal() -> tuple[Any, Any]:
    """The library and its styles; an extra, and one without types.

    At its import it puts a finder of plugins among Python's own that is not fit for today's Python, which
    every later import would complain about.
    """
    before = list(sys.meta_path)
    try:
        return import_module("pygal"), import_module("pygal.style")
    except ImportError:
        raise _missing() from None
    finally:
        sys.meta_path[:] = before


def _missing() -> InputError:
    return InputError(
        "needs-extra",
        "the page needs Jinja and pygal",
        where="--format html",
        hint="pip install 'entrysem[scan]'",
    )
