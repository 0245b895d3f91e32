"""The page: it loads nothing, its links lead somewhere, and nothing from outside becomes markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from entrysem.rules import RULES
from entrysem.spec_text import section
from entrysem.verify.journal import Journal
from entrysem.verify.report import render
from tests.cli.running import assert_harmless
from tests.verify.journals import HOSTILE, every_verdict, hostile, journal, line, result

_TAGS = frozenset(
    """a article b body br code dd details div dl dt fieldset h1 h2 h3 head header html input label
    legend li link main meta nav p pre section small span strong style summary table tbody td tfoot
    th thead title tr ul""".split()
)
_VOID = frozenset("br input link meta".split())


class Page(HTMLParser):
    """The elements of a page, and whether every one is closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


def many(engines: int, results: int) -> Iterator[Journal]:
    """Journals with every verdict, some of them alike on several engines."""
    verdicts = (
        "PASS",
        "PASS",
        "PASS",
        "DEVIATES",
        "SKIP",
        "FAIL",
        "PASS",
        "STALE",
        "PASS",
        "ERROR",
    )
    rules = list(RULES)
    for engine in range(engines):
        lines = []
        for number in range(results):
            verdict = verdicts[(number + engine % 3) % 10]
            made = result(
                f"case-{number}",
                verdict,
                deviations=["text-after-array-dropped"] if verdict == "DEVIATES" else (),
                observed={"config": {"Cmd": [f"other {number}"]}} if verdict == "FAIL" else None,
                reason="the engine's connection broke" if verdict == "ERROR" else "",
            )
            source = f'FROM scratch\nENTRYPOINT ["/bin/{number}", "--first"]\nCMD ["x", "y"]\n'
            wanted = [rules[(number + step) % len(rules)] for step in range(8)]
            lines.append(
                line(f"case-{number}", [made], rules=wanted, dockerfile=source, title=source)
            )
        yield journal(*lines, version=f"{engine}.0", builder=f"classic@{engine}.0", check=False)


@pytest.mark.parametrize(
    "journals",
    [
        [every_verdict()],
        [every_verdict(), every_verdict(builder="classic@28.5.2"), journal(status="unfinished")],
        [hostile(), every_verdict()],
        [journal()],
    ],
    ids=["one", "three", "hostile", "empty"],
)
def test_the_page_is_sound(journals: list[Journal]) -> None:
    text = render(journals, "html")
    assert_harmless(text)
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= _TAGS
    assert not [name for _, attributes in page.elements for name in attributes if name[:2] == "on"]
    assert page.values("src") == []
    assert not re.search(r"url\(|@import", text)
    ids = Counter(page.values("id"))
    assert max(ids.values()) == 1
    links = set(page.values("href"))
    assert links - {"data:,"} <= {f"#{name}" for name in ids}


def test_what_leads_into_a_fold_leads_to_something_inside_of_it() -> None:
    """A browser opens a fold for a target inside of it, not for the fold itself."""
    for tag, attributes in Page(render([every_verdict()], "html")).elements:
        assert not (tag == "details" and "id" in attributes)


def test_policy_forbids_everything_that_is_not_in_the_page() -> None:
    text = render([journal()], "html")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text


def test_a_cell_leads_to_its_results_and_they_to_the_case() -> None:
    page = render([every_verdict()], "html")
    assert '<td class="DEVIATES"><a href="#FORM-11-e0"' in page
    group = page[page.index('id="FORM-11-e0"') :]
    anchor = re.search(r'href="#(c\d+)">deviates<', group)
    assert anchor is not None
    case = page[page.index(f'id="{anchor.group(1)}"') :]
    case = case[: case.index("</article>")]
    for part in (
        "<pre>FROM scratch\nCMD [&#34;a&#34;] x</pre>",
        "[&#34;/bin/sh&#34;, &#34;-c&#34;, &#34;[\\&#34;a\\&#34;] x&#34;]",
        "expected (buildkit@0.25.2)",
        "recorded (classic@20.10.24)",
        "observed",
        'href="#d-text-after-array-dropped"',
        'href="#FORM-11"',
        "changed by moby/buildkit 80518e257",
    ):
        assert part in case, part


def test_a_rule_is_there_with_its_normative_sentence() -> None:
    page = "".join(Page(render([every_verdict()], "html")).text)
    first = section(RULES["FORM-11"]).split("\n\n")[1]
    assert re.sub(r"\s+", " ", first.replace("`", "")) in re.sub(r"\s+", " ", page)


def test_text_from_outside_is_text() -> None:
    page = Page(render([hostile()], "html"))
    text = "".join(page.text)
    assert "{{ 7 * 7 }} {% raw %} &amp; | `a` ``` ~~~ **b**" in text
    assert "\\x1b[31mred\\x07" in text
    assert HOSTILE not in text


def test_alike_outcomes_stand_once_with_their_engines() -> None:
    journals = [every_verdict(version=f"{number}.0") for number in range(7)]
    page = render(journals, "html")
    assert page.count("all 7 engines") >= 9
    # In the list of what is wrong, in the case, and for each engine in the two rules it counts for.
    assert page.count("the process received other words") == 1 + 1 + 7 * 2


def test_one_that_differs_stands_before_the_others() -> None:
    good, bad = line("c", [result("c")]), line("c", [result("c", "FAIL")])
    page = render([*[journal(good) for _ in range(6)], journal(bad)], "html")
    case = page[page.index("<article") :]
    assert case.index("docker 28.5.2") < case.index("the other 6 engines")


def test_twenty_engines_with_twenty_thousand_results_make_a_page_that_opens() -> None:
    page = render(list(many(20, 1000)), "html")
    assert len(page.encode()) < 15_000_000
    assert page.count("<article") == 1000


def test_many_different_cases_make_a_page_that_opens() -> None:
    page = render(list(many(1, 4000)), "html")
    assert len(page.encode()) < 4000 * 1500
