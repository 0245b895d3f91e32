"""`entrysem scan` and `entrysem scan report`, as they are typed."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from entrysem.scan.progress import Progress
from entrysem.scan.record import COLUMNS
from entrysem.scan.report.summary import Summary, _program, _step, spread
from entrysem.scan.streams import Meter
from tests.cli.running import NASTY, ROOT, assert_harmless, assert_valid, real, run
from tests.scan.corpora import parsed, tar_of, texts, write_ndjson

CORPUS = str(ROOT / "examples" / "scan" / "corpus.ndjson")


def test_records_go_to_standard_output() -> None:
    ran = run("scan", CORPUS, "--jobs", "1")
    assert ran.code == 0
    records = parsed(ran.out)
    for record in records:
        assert_valid("scan-record", record)
    assert [record["id"] for record in records] == ["web", "worker", "tool", "child", "typo"]
    # docs.docker.com, "Understand how CMD and ENTRYPOINT interact".
    assert records[1]["argv"] == ["/worker", "--queue", "default"]
    assert ran.err == "scan: 5 records, 1 of them errors\n"


def test_standard_input_is_lines_of_json() -> None:
    line = b'{"id": "a", "text": "FROM scratch\\nCMD [\\"x\\"]"}\n'
    ran = run("scan", "-", "--field", "text", stdin=line)
    assert parsed(ran.out)[0]["argv"] == ["x"]
    assert parsed(run("scan", "-", "--from", "file", stdin=b"FROM scratch\nCMD y").out)[0][
        "argv"
    ] == ["/bin/sh", "-c", "y"]


def test_exit_codes(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"FROM scratch\n")
    bad.write_bytes(b"FROG\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("scan", str(good), str(bad)).code == 0
    assert run("scan", str(bad)).code == 3
    nothing = run("scan", str(empty))
    assert (nothing.code, nothing.out) == (3, "")
    assert "--include" in nothing.err
    missing = run("scan", str(good), str(tmp_path / "no.tar"))
    assert missing.code == 3
    assert len(parsed(missing.out)) == 2
    archive = tar_of(tmp_path / "c.tar.gz", texts(500), "w:gz")
    archive.write_bytes(archive.read_bytes()[:-3000])
    broken = run("scan", str(archive), str(good), "--jobs", "1")
    assert broken.code == 3
    assert parsed(broken.out)[-1]["id"] == str(good)
    assert "1 sources could not be read to their end" in broken.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name what to read"),
        ((CORPUS, "--from", "zip"), "none of file, tar"),
        ((CORPUS, "--resume"), "--output FILE"),
        ((CORPUS, "--builder", "nobody"), "there is no builder 'nobody'"),
        (("-", "-"), "read once"),
        ((CORPUS, "--schema", "x"), "must be one of"),
        ((CORPUS, "--base-config", "x"), "there is no ="),
        (("-", "--from", "parquet"), "standard input"),
        (("report", CORPUS, "--format", "pdf"), "none of text"),
    ],
)
def test_usage(words: tuple[str, ...], told: str) -> None:
    ran = run("scan", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_an_output_that_is_there_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "out.ndjson"
    assert run("scan", CORPUS, "-o", str(output)).code == 0
    before = output.read_bytes()
    ran = run("scan", CORPUS, "-o", str(output))
    assert ran.code == 2
    assert "--resume" in ran.err
    again = run("scan", CORPUS, "-o", str(output), "--resume")
    assert again.code == 0
    assert "5 were there already" in again.err
    assert output.read_bytes() == before


def test_parquet_out_is_the_same_and_can_be_resumed(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    output = tmp_path / "out.parquet"
    path = write_ndjson(tmp_path / "c.ndjson", texts(600))
    with path.open("a") as file:
        file.write("{oops\n")
    words = ("scan", str(path), "--no-timings", "--jobs", "1")
    assert run(*words, "-o", str(output)).code == 0
    table = pq.read_table(output)
    assert table.column_names == list(COLUMNS)
    assert table.to_pylist() == parsed(run(*words).out)
    assert not output.with_name("out.parquet.ndjson").exists()
    assert run(*words, "-o", str(output), "--resume").code == 0
    text = run("scan", "report", str(output)).out
    assert "601 records" in text


def test_without_pyarrow_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ran = run("scan", CORPUS, "-o", str(tmp_path / "out.parquet"))
    assert ran.code == 3
    assert "pip install 'entrysem[scan]'" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_schemas() -> None:
    for name in ("record", "run", "summary"):
        assert run("scan", "--schema", name).json["$schema"]


def test_the_start_of_explain_pays_nothing() -> None:
    code = (
        "import sys; from entrysem.cli.app import app\n"
        "try: app(['explain', 'examples/lecture/Dockerfile'], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith(('entrysem.scan', 'pyarrow', 'rich.progress'))])"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# --- the report --------------------------------------------------------------------------------------


def test_report(tmp_path: Path) -> None:
    output = tmp_path / "out.ndjson.gz"
    output.write_bytes(gzip.compress(run("scan", CORPUS).out.encode() + b'{"id":"half'))
    ran = run("scan", "report", str(output))
    assert ran.code == 0
    # Counted by hand: examples/scan/corpus.ndjson.
    assert ran.out.startswith("5 records, of them 4 answers and 1 errors")
    assert re.search(r"no ENTRYPOINT +1 \(25\.0 %\) +0 \(0 %\) +1 \(25\.0 %\)", ran.out)
    assert re.search(r"parse: unknown-instruction +1 +20\.0 %", ran.out)
    assert re.search(r"acme/base +2 +50\.0 %", ran.out)
    document = run("scan", "report", str(output), "--format", "json").json
    assert_valid("scan-summary", document)
    assert document["answers"] == {"known": 3, "unknown": 1}
    assert sum(form["count"] for form in document["forms"]) == 4


def test_report_of_nothing_and_of_something_else(tmp_path: Path) -> None:
    assert run("scan", "report", "-", stdin=b"").code == 3
    assert run("scan", "report", str(tmp_path / "no")).code == 3
    for text in ("{}\n", "no\n", "[1]\n", '{"builder": 1}\n', "[" * 100_000 + "\n"):
        (tmp_path / "x").write_text(text)
        ran = run("scan", "report", str(tmp_path / "x"))
        assert (ran.code, ran.out) == (3, "")
        assert "something that `entrysem scan` does not write" in ran.err


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "data", "action"):
                self.loaded.append(value or "")


def test_the_page_stands_alone_and_nothing_in_it_acts(tmp_path: Path) -> None:
    evil = f"{NASTY}<script>alert(1)</script>\"'&"
    lines = [
        json.dumps({"id": evil, "dockerfile": f"FROM scratch\nCMD {json.dumps([evil])}\n"}),
        json.dumps({"id": "b", "dockerfile": "FROM acme/<b>\nCMD x\n"}),
        json.dumps({"id": "c", "dockerfile": "FROM acme/c\nENTRYPOINT x\nCMD y\n"}),
    ]
    ran = run("scan", "-", stdin="\n".join(lines).encode("utf-8", "surrogatepass"))
    (tmp_path / "r.ndjson").write_text(ran.out)
    for output_format in ("text", "html"):
        assert_harmless(
            run("scan", "report", str(tmp_path / "r.ndjson"), "--format", output_format).out
        )
    target = tmp_path / "r.html"
    assert (
        run(
            "scan", "report", str(tmp_path / "r.ndjson"), "--format", "html", "-o", str(target)
        ).code
        == 0
    )
    text = target.read_text()
    page = _Page()
    page.feed(text)
    assert "script" not in page.tags
    assert page.tags.count("svg") >= 4
    assert [one for one in page.loaded if not one.startswith(("data:", "#"))] == []
    assert (
        re.findall(
            r"""(?:url\(|@import|//)[^\s"')]*""",
            text.replace("http://www.w3.org/2000/svg", "").replace(
                "http://www.w3.org/1999/xlink", ""
            ),
        )
        == []
    )


def test_what_a_program_is() -> None:
    assert _program(["/usr/bin/env", "x"]) == "env"
    assert _program(["/bin/sh", "-c", "exec java -jar x"]) == "sh -c java"
    assert _program(["/bin/sh", "-c", ""]) == "sh -c"
    assert _program(["bash", "x"]) == "bash"


def test_spread() -> None:
    summary = Summary()
    for number in range(1, 1001):
        summary.sizes[_step(number)] += 1
    found = spread(summary.sizes)
    assert found is not None
    for told, true in zip(found, (500, 950, 990, 1000), strict=True):
        assert true <= told <= true * 1.25
    assert spread(summary.micros) is None


# --- progress ----------------------------------------------------------------------------------------


def test_a_line_a_minute_where_nobody_watches() -> None:
    now = [0.0]
    meter = Meter()
    meter.source, meter.total, meter.done = "c.tar\x1b", 1000, 250
    stream = io.StringIO()
    with Progress(meter, 100, stream, lambda: now[0]) as progress:
        for _ in range(130):
            now[0] += 1
            progress.saw(100 + int(now[0]) * 10, 3)
    first, second = stream.getvalue().splitlines()
    assert first == (
        "scan: 700 files, 3 errors, 10 a second; at c.tar\\x1b, 25% read, about 3 min left"
    )
    assert second.startswith("scan: 1,300 files")


def test_a_bar_on_a_terminal() -> None:
    ran = run("scan", CORPUS, terminal=True)
    assert parsed(ran.out.replace("\r\n", "\n"))
    assert "\x1b[" in ran.err


def test_as_a_process(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "c.tar", texts(600))
    ran = real("scan", str(path), "--jobs", "2", "--no-timings")
    assert ran.code == 0
    assert ran.out == real("scan", str(path), "--jobs", "1", "--no-timings").out


def test_the_example_of_the_page_is_what_a_scan_gives() -> None:
    made = run("scan", CORPUS, "--no-timings").out
    assert made == (ROOT / "examples" / "scan" / "records.ndjson").read_text()


def test_the_python_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "scan.md").read_text(), re.DOTALL)
    exec(compile(code, "docs/scan.md", "exec"), {})
