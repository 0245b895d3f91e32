"""Mending and writing: what is not proved is not made, what changed meanwhile is not overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrysem.check import fixing
from entrysem.check.fixing import unified_diff, write
from entrysem.check.model import FileResult, Place
from entrysem.check.one import Checker, Task, Wish
from entrysem.check.settings import Settings
from entrysem.errors import InputError
from entrysem.findings.fix import FixError, prove

QUOTES = b"FROM scratch\nCMD ['a', 'b']\n"
MENDED = b'FROM scratch\nCMD ["a", "b"]\n'
BOTH = QUOTES + b"FROM scratch\nCMD ['c', 'd']\nCMD ['c', 'd']\n"


def mended(source: bytes, settings: Settings = Settings(), **wish: object) -> FileResult:  # noqa: B008
    checker = Checker(Wish(**{"mend": "all", **wish}))  # type: ignore[arg-type]
    return checker.check(Task(Place("Dockerfile", None, "Dockerfile"), settings, source))


def test_what_is_mended_and_what_is_left() -> None:
    result = mended(QUOTES)
    assert result.after == MENDED
    assert [(each.kind, each.line, each.changes_argv) for each in result.mended] == [
        ("ES004", 2, True)
    ]
    assert not result.problems
    assert mended(QUOTES, mend="same").after is None
    dry = mended(QUOTES, dry=True)
    assert dry.after == MENDED
    assert [each.kind for each in dry.problems] == ["ES004"]
    assert mended(QUOTES, Settings(disabled=frozenset({"ES004"}))).after is None


def test_mending_goes_on_until_nothing_is_left() -> None:
    result = mended(BOTH)
    assert result.after is not None
    assert mended(result.after).after is None
    assert b"'" not in result.after


def test_what_is_not_proved_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(before: bytes, after: bytes, fixes: object, **_: object) -> None:
        tried.append((before, after))
        raise FixError("fix-changes-argv", "it does")

    monkeypatch.setattr(fixing, "prove", refuse)
    result = mended(QUOTES)
    assert tried
    assert result.after is None
    assert [each.kind for each in result.problems] == ["ES004"]


def test_one_fix_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def picky(before: bytes, after: bytes, fixes: object, **how: object) -> None:
        if b'["c"' in after:
            raise FixError("fix-changes-argv", "it does")
        prove(before, after, fixes, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(fixing, "prove", picky)
    result = mended(QUOTES + b"FROM scratch\nCMD ['c', 'd']\n")
    assert result.after == MENDED + b"FROM scratch\nCMD ['c', 'd']\n"
    assert [each.kind for each in result.problems] == ["ES004"]


def test_writing(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(QUOTES)
    write(str(path), QUOTES, MENDED)
    assert path.read_bytes() == MENDED
    write(str(path), QUOTES, MENDED)  # the same file under another name


def test_what_changed_meanwhile_is_left(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"FROM other\n")
    with pytest.raises(InputError) as caught:
        write(str(path), QUOTES, MENDED)
    assert caught.value.code == "changed-meanwhile"
    assert path.read_bytes() == b"FROM other\n"
    path.unlink()
    with pytest.raises(InputError) as caught:
        write(str(path), QUOTES, MENDED)
    assert caught.value.code == "unwritable"


def test_a_crash_leaves_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(QUOTES)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("entrysem.check.fixing.shutil.copymode", crash)
    with pytest.raises(KeyboardInterrupt):
        write(str(path), QUOTES, MENDED)
    assert path.read_bytes() == QUOTES
    assert [each.name for each in tmp_path.iterdir()] == ["Dockerfile"]


def test_the_diff_of_files_without_a_last_line_end() -> None:
    assert unified_diff("x", b"a\r\nb", b"a\r\nc") == (
        b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\r\n-b\n\\ No newline at end of file\n"
        b"+c\n\\ No newline at end of file\n"
    )
    assert unified_diff("x", b"a\n", b"a\n") == b""
