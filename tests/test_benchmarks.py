"""Every benchmark runs, at sizes that take no time; no number is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fuzz
from benchmarks.__main__ import NAMES, main, run
from benchmarks.common import Size, corpus_texts
from benchmarks.linear import chain_text, file_text
from entrysem import ImageConfig, Profile, Resolution, RunOptions, resolve
from entrysem.vectors import cases, dockerfile_of

TINY = Size(
    rounds=1, files=20, largest=10_000, stages=10, starts=1, requests=20, inputs=60, engine_runs=4
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Some Dockerfiles, in the shape of the corpus."""
    sources = [dockerfile_of(case) for case in cases() if "dockerfile" in case][:30]
    for number, source in enumerate(sources):
        (tmp_path / f"{number}.Dockerfile").write_bytes(source)
    (tmp_path / "latin.Dockerfile").write_bytes(b"FROM scratch\nCMD \xe9\n")
    (tmp_path / ".complete").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_runs(name: str, corpus: Path) -> None:
    report = run(name, TINY, corpus)
    assert not report.failed
    assert report.rows
    assert all(len(row) == len(report.header) for row in report.rows)
    assert report.markdown().startswith(f"## {name}: ")


def test_prints_a_table(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", "--quick", "--corpus", str(corpus)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Benchmarks\n")
    assert "| files | resolutions a second, best round |" in printed


def test_refuses_unknown_names() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["speed"])


def test_says_where_the_corpus_comes_from(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"tools/corpus\.py"):
        corpus_texts(tmp_path, 10)


def test_small_corpora_are_repeated(corpus: Path) -> None:
    texts = corpus_texts(corpus, 70)
    assert len(texts) == 70
    assert texts[0] == texts[30]


def test_generated_files_are_accepted_and_of_the_size_asked_for() -> None:
    assert len(file_text(50_000)) == pytest.approx(50_000, rel=0.05)
    words = ("/entry", "--flag", "/bin/sh", "-c", "exec serve --port $PORT")
    assert resolve(file_text(50_000)).argv == words
    last = resolve(chain_text(50), bases={"base": ImageConfig()})
    assert last.argv == ("/bin/sh", "-c", "run 49", "49")
    assert last.image.built is not None
    assert last.image.built.base == "base"


def test_a_crash_is_minimised() -> None:
    item = fuzz.Input("FROM a\nCMD bad\nRUN x\n", Profile(), None, RunOptions(), "linux/amd64")
    small = fuzz.minimised(item, lambda tried: "CMD" in str(tried.source))
    assert small.source == "CMD"
    raw = item._replace(source=b"\0\1\2\3bad")
    assert fuzz.minimised(raw, lambda tried: b"ad" in bytes(tried.source)).source == b"ad"  # type: ignore[arg-type]


def test_a_crash_is_reported(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(source: str | bytes, *_: object, **__: object) -> Resolution:
        if "CMD" in str(source):
            raise IndexError("out of range")
        return resolve("FROM scratch\nENTRYPOINT a")

    monkeypatch.setattr(fuzz, "resolve", broken)
    report = fuzz.run(TINY, corpus)
    assert report.failed
    assert "IndexError" in report.markdown()
    assert "source='CMD'" in report.markdown()
    assert "IndexError: out of range" in capsys.readouterr().err
