"""Every format gives back what was put in.

Each test parses the output with a reader of that format and compares with the text of the cells, or
with the argv itself where the format carries it.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from unicodedata import east_asian_width

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrysem.presets import PRESETS, Phrase
from entrysem.render.table import FORMATS, VIEWS, View, cell_text, render
from entrysem.table import Table, compute

SCHEMA = Path(__file__).parents[2] / "spec" / "schema" / "table.schema.json"

# Every character that some format takes for markup, blanks that get lost, and what must not print.
NASTY = (
    "|\\`*_~<>&$#%^{}[]()\"'!:;=+-/., \t\n\r\x00\x1b\x7f\x85\u00a0\u00ad\u202e\u2028\ufeffé漢😀a1"
)
words = st.lists(st.text(st.sampled_from(NASTY), max_size=12) | st.text(), min_size=1, max_size=4)
views = st.sampled_from(VIEWS)

PIPES = ["a|b", "\\|", "||", "|", "\\\\|x\\"]
BLANKS = ["  a  b  ", " ", ""]
CONTROLS = ["a\nb", "\x1b[31mred\x1b[0m", "\r\n", "\u202e", "\x7f", "\u2028"]
MARKUP = ["`x`", "**b**", "_i_", "__", "<b>&amp;</b>", "$1 % # ~ ^ {}", "[a](b)", "![a][b]", "x_"]
RST = ["* item", "- item", "1. item", "--opt", "/V", ".. note:: x", ":f: x", "====", "a::", "x_"]
LATEX = ["--flag", "---", ",,", "''", "``", '"a"', "\\input{x}", "\\\\[1cm]"]


def table_of(given_words: list[str]) -> Table:
    """A table with those words in cells and headings: exec form only, so that any word can stand."""
    phrase = Phrase("", tuple(given_words))
    return compute(
        PRESETS["kubernetes"],
        cmd_words=phrase,
        arguments=[phrase],
        shells=[Phrase("", ("sh", *given_words))],
    )


def grid_of(table: Table, view: View) -> list[list[str]]:
    """What the one grid of `table_of` says, cell by cell, with its heading."""
    reference = render(table, "csv", view)
    rows = list(csv.reader(io.StringIO(reference)))
    return [row[1:] for row in rows]


examples = [PIPES, BLANKS, CONTROLS, MARKUP, RST, LATEX]


def with_examples(test: Callable[[list[str], View], None]) -> Callable[[], None]:
    for values in examples:
        test = example(values, "published")(example(values, "argv")(test))
    # Every example is a whole table, built and run: fewer of them, and no clock.
    return settings(deadline=None, max_examples=40)(given(words, views)(test))


@with_examples
def test_nothing_unseen_is_printed(values: list[str], view: View) -> None:
    table = table_of(values)
    for output in FORMATS:
        text = render(table, output, view)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        # rst has no other way to keep a blank than U+00A0.
        text = text.replace("\n", "").replace("\u00a0", "") if output == "rst" else text
        assert text.replace("\n", "").isprintable(), output
        text.encode("utf-8")


@with_examples
def test_csv(values: list[str], view: View) -> None:
    table = table_of(values)
    header, *rows = csv.reader(io.StringIO(render(table, "csv", view)))
    assert header == ["SHELL", *table.preset.columns]
    assert [row[-1] for row in rows] == [cell_text(table, cell, view) for cell in table.cells]
    if view == "argv":
        assert [tuple(json.loads(row[-1])) for row in rows] == [cell.argv for cell in table.cells]
        assert tuple(json.loads(rows[0][2])) == tuple(values)


@with_examples
def test_json(values: list[str], view: View) -> None:
    table = table_of(values)
    document = json.loads(render(table, "json", view))
    assert document["view"] == view
    for cell, found in zip(table.cells, document["cells"], strict=True):
        assert tuple(found["argv"]) == cell.argv
        assert tuple(found["effective"]) == cell.effective
        assert found["text"] == cell_text(table, cell, view)
        assert found["dockerfile"] == cell.dockerfile
        axes = {axis["name"]: axis["choices"] for axis in document["axes"]}
        for name, index in found["at"].items():
            assert axes[name][index]["heading"] == cell.choice(name).heading


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.caption = ""
        self.styled: set[str] = set()
        self._into = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "span":
            assert attrs == [("style", "white-space: pre-wrap")]
            return
        self._into = tag

    def handle_data(self, data: str) -> None:
        if self._into in ("td", "th"):
            self.rows[-1][-1] += data
        elif self._into == "caption":
            self.caption += data

    def handle_endtag(self, tag: str) -> None:
        if tag != "span":
            self._into = ""


@with_examples
def test_html(values: list[str], view: View) -> None:
    table = table_of(values)
    text = render(table, "html", view)
    parser = _Cells()
    parser.feed(text)
    parser.close()
    assert parser.rows == grid_of(table, view)
    assert parser.caption == render(table, "plain", view).split("\n", 1)[0]
    for line in re.findall(r"<t[dh]>(.*?)</t[dh]>", text):
        if re.search(r"  |^ | $", html.unescape(line)):
            assert line.startswith("<span style="), "a browser would swallow a blank"


def split_github(line: str) -> list[str]:
    """Cells of one line, as GitHub's Markdown splits it: at pipes that no backslash escapes."""
    assert line.startswith("| ")
    assert line.endswith(" |")
    return [cell.strip(" ") for cell in re.findall(r"((?:\\.|[^\\|])*)\|", line[1:])]


def unescape_markdown(cell: str) -> str:
    """The text of a cell without markup: backslash escapes and the one entity that is written."""
    return re.sub(r"\\([!-/:-@\[-`{-~])|&nbsp;", lambda m: m.group(1) or " ", cell)


@with_examples
def test_github(values: list[str], view: View) -> None:
    table = table_of(values)
    title, blank, header, rule, *rows = render(table, "github", view)[:-1].split("\n")
    assert blank == ""
    assert unescape_markdown(title) == render(table, "plain", view).split("\n", 1)[0]
    assert re.fullmatch(r"\|(-+\|){5}", rule)
    found = [[unescape_markdown(cell) for cell in split_github(line)] for line in (header, *rows)]
    assert found == grid_of(table, view)


@with_examples
def test_github_with_a_markdown_parser(values: list[str], view: View) -> None:
    markdown = pytest.importorskip("markdown_it").MarkdownIt("commonmark")
    markdown.enable(["table", "strikethrough"])
    table = table_of(values)
    parser = _Cells()
    parser.feed(markdown.render(render(table, "github", view)))
    found = [[cell.replace("\u00a0", " ") for cell in row] for row in parser.rows]
    assert found == grid_of(table, view)


def in_columns(text: str) -> str:
    """`text` with a NUL for the second column of each wide character."""
    return "".join(f"{char}\0" if east_asian_width(char) in "WF" else char for char in text)


@with_examples
def test_grid(values: list[str], view: View) -> None:
    table = table_of(values)
    lines = [in_columns(line) for line in render(table, "grid", view)[:-1].split("\n")[2:]]
    assert {len(line) for line in lines} == {len(lines[0])}
    borders = [at for at, char in enumerate(lines[0]) if char == "+"]
    found = [
        [line[a + 2 : b - 1] for a, b in pairwise(borders)] for line in lines if line[0] == "|"
    ]
    assert found == [
        [in_columns(cell).ljust(len(box)) for cell, box in zip(row, found[0], strict=True)]
        for row in grid_of(table, view)
    ]


LATEX_TOKENS = {
    r"\textbackslash{}": "\\",
    r"\textasciicircum{}": "^",
    r"\textasciitilde{}": "~",
    r"\textasciigrave{}": "`",
    r"\textquotesingle{}": "'",
    r"\string" + '"': '"',
    r"\string<": "<",
    r"\string>": ">",
    r"\string|": "|",
    "-{}": "-",
    ",{}": ",",
    "\\ ": " ",
    **{f"\\{char}": char for char in "&%$#_{}"},
}
LATEX_TOKEN = re.compile("|".join(map(re.escape, LATEX_TOKENS)))


def unescape_latex(cell: str) -> str:
    """The text of one cell; whatever is left that LaTeX would take for markup is an error."""
    found = re.fullmatch(r"\\texttt\{(.*)\}", cell)
    assert found, cell
    assert not re.search(r"--|,,|^ | $|(?<!\\)  ", found.group(1))
    assert not re.search(r"[\\^~`'\"<>|&%$#_{}]", LATEX_TOKEN.sub("", found.group(1)))
    return LATEX_TOKEN.sub(lambda match: LATEX_TOKENS[match.group()], found.group(1))


@with_examples
def test_latex(values: list[str], view: View) -> None:
    table = table_of(values)
    lines = render(table, "latex", view)[:-1].split("\n")
    assert lines[0].startswith(r"\noindent\texttt{SHELL")
    assert lines[2] == r"\begin{tabular}{lllll}"
    rows = [line for line in lines[3:-1] if line != r"\hline"]
    assert all(row.endswith(r"\\") for row in rows)
    cells = [re.split(r"(?<!\\)&", row.removesuffix("\\\\")) for row in rows]
    found = [[unescape_latex(cell.strip(" ")) for cell in row] for row in cells]
    assert found == grid_of(table, view)


@with_examples
def test_rst_with_docutils(values: list[str], view: View) -> None:
    core = pytest.importorskip("docutils.core")
    nodes = pytest.importorskip("docutils.nodes")
    table = table_of(values)
    document = core.publish_doctree(
        render(table, "rst", view),
        settings_overrides={"report_level": 1, "halt_level": 1, "warning_stream": io.StringIO()},
    )
    found = [
        [entry.astext().replace("\u00a0", " ") for entry in row.findall(nodes.entry)]
        for row in document.findall(nodes.row)
    ]
    assert found == grid_of(table, view)
    title = next(document.findall(nodes.paragraph)).astext().replace("\u00a0", " ")
    assert title == render(table, "plain", view).split("\n", 1)[0]


def test_rst_keeps_an_empty_first_heading() -> None:
    """An empty first cell would continue the line above; .. is the empty comment."""
    lines = render(compute(PRESETS["lecture"]), "rst").split("\n")
    assert lines[1].split("  ")[0] == ".."


@pytest.mark.parametrize("output", FORMATS)
def test_the_bytes_do_not_depend_on_installed_packages(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tabulate counts columns in another way when wcwidth is there."""
    import tabulate

    table = table_of(["漢字", "é"])
    without = render(table, output)
    monkeypatch.setattr(tabulate, "wcwidth", SimpleNamespace(wcswidth=lambda text: 2 * len(text)))
    monkeypatch.setattr(tabulate, "WIDE_CHARS_MODE", True)
    assert render(table, output) == without == render(table_of(["漢字", "é"]), output)
    assert tabulate.WIDE_CHARS_MODE is True


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("options", ["plain", "axes", "rejected", "start"])
def test_json_is_valid_against_its_schema(preset: str, view: View, options: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    table = {
        "plain": lambda: compute(PRESETS[preset]),
        "axes": lambda: compute(
            PRESETS[preset],
            shells=[Phrase.parse("/bin/bash -c", "")],
            arguments=[Phrase.parse("x", ""), Phrase.parse("[]", "")],
            overrides=["", "sh"],
        ),
        "rejected": lambda: compute(PRESETS[preset], cmd_words=Phrase.parse("--help", "")),
        "start": lambda: compute(PRESETS[preset], runtime="podman@5"),
    }[options]()
    document = json.loads(render(table, "json", view))
    jsonschema.Draft202012Validator(schema).validate(document)
    size = 1
    for axis in document["axes"]:
        size *= len(axis["choices"])
    assert len(document["cells"]) == size


def test_the_schema_is_closed() -> None:
    """An object that is described takes no other key."""

    def objects(value: object) -> list[dict[str, object]]:
        if isinstance(value, list):
            return [found for item in value for found in objects(item)]
        if not isinstance(value, dict):
            return []
        inner = [found for item in value.values() for found in objects(item)]
        return [value, *inner] if value.get("type") == "object" else inner

    found = objects(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert found
    assert all("additionalProperties" in item for item in found)


def test_csv_has_a_column_for_each_axis_that_makes_blocks() -> None:
    table = compute(
        PRESETS["docs"],
        shells=[Phrase.parse("/bin/bash -c", ""), Phrase.parse("/bin/ash -c", "")],
        overrides=["x"],
    )
    header, *rows = csv.reader(io.StringIO(render(table, "csv")))
    assert header[:3] == ["SHELL", "--entrypoint", ""]
    assert len(rows) == 6
    assert rows[5][:3] == ['SHELL ["/bin/ash", "-c"]', "--entrypoint x", "CMD exec_cmd p1_cmd"]


def test_blocks_are_set_apart() -> None:
    table = compute(
        PRESETS["docs"], shells=[Phrase.parse("/bin/bash -c", ""), Phrase.parse("/bin/ash -c", "")]
    )
    assert render(table, "html").count("<caption>SHELL [") == 2
    for output in ("github", "grid", "plain", "rst"):
        parts = render(table, output).split("\n\n")
        assert [parts[0], parts[2]] == ['SHELL ["/bin/bash", "-c"]', 'SHELL ["/bin/ash", "-c"]']
        assert len(parts) == 4


def test_a_document_that_is_plain_is_left_plain() -> None:
    """The lecture's table needs no escape in GitHub's Markdown: it can be read where it stands."""
    text = render(compute(PRESETS["lecture"]), "github")
    assert "\\" not in text
    assert "&" not in text
    row = '| CMD ["p1_cmd", "p2_cmd"]   | p1_cmd p2_cmd              | /bin/sh -c exec_entry p1_entry   |'
    assert row in text
