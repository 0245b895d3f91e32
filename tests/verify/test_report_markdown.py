"""The Markdown reports, read by a Markdown parser: tables keep their shape, nothing gets out."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from entrysem.render.visible import visible
from entrysem.verify import diff
from entrysem.verify.report import render
from entrysem.verify.report.docs import page
from entrysem.verify.report.markdown import code, html_code, text
from tests.cli.running import assert_harmless
from tests.verify.journals import HOSTILE, every_verdict, hostile, journal, line, result

_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_KNOWN = frozenset(
    """b br code details em h1 h2 h3 hr li ol p pre s strong summary table tbody td th thead tr
    ul a""".split()
)
NASTY = st.text(
    st.one_of(st.sampled_from("`|\\*_[]()<>&~$#@!:/.- \n\t{}w\"'"), st.characters()), max_size=40
)


def tags(shown: str) -> set[str]:
    return set(re.findall(r"<([a-zA-Z!?][a-zA-Z0-9]*)", shown))


def cell(markdown: str) -> str:
    """What a cell of a table becomes."""
    shown = _PARSER.render(f"| a | b |\n|---|---|\n| {markdown} | end |\n")
    cells: list[str] = re.findall(r"<td>(.*?)</td>", shown, re.DOTALL)
    assert len(cells) == 2, shown
    assert cells[1] == "end"
    return cells[0]


@given(NASTY)
def test_text_survives_in_a_cell(value: str) -> None:
    shown = cell(text(value))
    assert not tags(shown)
    assert html.unescape(shown).strip() == visible(value).strip()


@given(NASTY)
def test_code_survives_in_a_cell(value: str) -> None:
    shown = cell(code(value))
    assert tags(shown) == {"code"}
    inner = shown.removeprefix("<code>").removesuffix("</code>")
    assert html.unescape(inner) == visible(value)


@given(NASTY)
def test_code_survives_in_a_summary(value: str) -> None:
    shown = _PARSER.render(f"<details><summary>{html_code(value)}</summary>\n\nx\n\n</details>\n")
    assert tags(shown) == {"details", "summary", "code", "p"}
    inner = shown[shown.index("<code>") + 6 : shown.index("</code>")]
    assert html.unescape(inner) == visible(value)


@pytest.mark.parametrize(
    "made",
    [
        lambda: render([every_verdict()], "markdown"),
        lambda: render([hostile(), every_verdict()], "markdown"),
        lambda: page([every_verdict(), journal(status="unfinished")]),
        lambda: page([hostile(), every_verdict()]),
        lambda: diff.render(diff.compare(hostile(), hostile("other")), "markdown"),
    ],
    ids=["report", "hostile", "page", "hostile-page", "hostile-diff"],
)
def test_a_report_is_sound(made: Callable[[], str]) -> None:
    report = made()
    assert_harmless(report)
    shown = _PARSER.render(report)
    assert tags(shown) <= _KNOWN
    for tag in ("details", "summary", "table"):
        assert shown.count(f"<{tag}") == shown.count(f"</{tag}>")
    for table in re.findall(r"<table>.*?</table>", shown, re.DOTALL):
        widths = {row.count("<t") - 1 for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}
        assert len(widths) == 1, table
    for target in re.findall(r'href="([^"]*)"', shown):
        assert target.startswith("#")


def test_the_first_line_counts_the_verdicts() -> None:
    first = render([every_verdict()], "markdown").splitlines()[0]
    assert first == (
        "## entrysem verify: **1 ERROR** · **1 FAIL** · **1 STALE** · 1 DEVIATES · 1 SKIP · 4 PASS"
    )


def test_what_is_wrong_is_folded_and_whole() -> None:
    report = render([every_verdict()], "markdown")
    block = report[report.index("<b>FAIL</b>") :]
    block = block[: block.index("</details>")]
    for part in (
        "<code>fails/run</code> on docker",
        '```dockerfile\nFROM scratch\nCMD ["\\xff"]\n```',
        '| observed | `["\\xff"]` |',
        "| because | `the process received other words` |",
        "| rules | FORM-12, MERGE-01 |",
    ):
        assert part in block, part
    assert "| `text-after-array-dropped` | FORM-11 |" in report
    order = [report.index(f"<b>{verdict}</b>") for verdict in ("ERROR", "FAIL", "STALE")]
    assert order == sorted(order)


def test_a_fence_in_the_dockerfile_does_not_end_the_block() -> None:
    made = line("c", [result("c", "FAIL")], dockerfile="FROM scratch\n````\n</details>\n")
    shown = _PARSER.render(render([journal(made)], "markdown"))
    assert '<pre><code class="language-dockerfile">FROM scratch\n````\n&lt;/details&gt;' in shown


def test_a_summary_stays_below_the_limit_of_github() -> None:
    source = "FROM scratch\n" + "CMD a very long line\n" * 90
    lines = [
        line(f"c{number}", [result(f"c{number}", "FAIL")], dockerfile=source)
        for number in range(1500)
    ]
    report = render([journal(*lines, check=False)], "markdown")
    assert len(report.encode()) < 1_048_576
    left = re.search(r"\n(\d+) more; the journal and the html report have them\.\n\Z", report)
    assert left is not None
    assert report.count("<b>FAIL</b>") + int(left.group(1)) == 1500


def test_the_same_failure_on_several_engines_stands_once() -> None:
    report = render([every_verdict(version=f"{number}.0") for number in range(9)], "markdown")
    assert report.count("<b>FAIL</b>") == 1
    assert "<code>fails/run</code> on all 9</summary>" in report


def test_the_page_shows_each_deviation() -> None:
    shown = page([every_verdict(), every_verdict(version="20.10.24", builder="classic@20.10.24")])
    block = shown[shown.index("### text-after-array-dropped") :]
    block = block[: block.index("\n## ")]
    for part in (
        "Rule FORM-11",
        '```dockerfile\nFROM scratch\nCMD ["a"] x\n```',
        '| observed | `Cmd ["a"]` |',
        "Evidence: observed on Docker Engine 20.10.24",
        "`docker 20.10.24 classic@20.10.24` 1",
    ):
        assert part in block, part
    assert "| docker 20.10.24 | `classic@20.10.24` |" in shown
    assert "## Not as expected" in shown
    unseen = shown[shown.index("## Recorded, and shown by no result here") :]
    assert (
        "| no-command-capital |" not in unseen
    )  # its range ends before 28.5.2 and 20.10 has no runtime here
    assert "| classic-args | BUILD-10 |" in unseen
    assert "no --init on this engine" in shown
    assert page([every_verdict()]) == page([every_verdict()])
    assert HOSTILE not in shown


def test_the_page_has_no_message_of_an_engine() -> None:
    error = {"phase": "create", "code": None, "message": "at host.example"}
    made = [
        result("a", "FAIL", observed={"asks_for_image": True, "message": "at host.example"}),
        result(
            "a/run",
            "DEVIATES",
            part="run",
            run=0,
            level="CREATE",
            observed={"argv": None, "error": error},
            deviations=["no-heredocs"],
        ),
    ]
    shown = page([journal(line("a", made, runs=[{}]))])
    assert "host.example" not in shown
    assert "`asks for an image`" in shown
    assert "`error at create: unknown message`" in shown
