"""Results of real files, with everything that a report can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrysem.check.model import FileResult
from entrysem.check.one import Wish
from entrysem.check.session import Session
from entrysem.check.settings import Typed

__all__ = ["FILES", "every_case"]

#: A finding of each severity and a fix of each kind; an expectation that fails; rejected; unreadable.
FILES = {
    "error.Dockerfile": b"FROM scratch\n\nCMD ['nginx', '-g']\n",
    "same.Dockerfile": b'\xef\xbb\xbfFROM scratch\nCMD ["a"]\nCMD ["a"]\n',
    "multi.Dockerfile": "FROM scratch\nLABEL ä=ö\nCMD ['ü', \\\n # comment\n 'ß€', '😀']\n".encode(),
    "twice.Dockerfile": b'FROM scratch\nCMD ["b"]\nCMD ["b"]\nCMD ["b"]\n',
    "info.Dockerfile": b"FROM scratch\nLABEL a=b\n",
    "clean.Dockerfile": b'FROM scratch\nCMD ["c"]\n',
    "no utf-8 100%.Dockerfile": b"FROM scratch\nCMD ['\xff', 'x']\n",
    "rejected.Dockerfile": b"FROM scratch\nCMD [1]\n",
}
_CONFIG = """
[[expect]]
path = "clean.*"
argv = ["d"]
"""


def every_case(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FileResult, ...]:
    """The results of checking the files and one that is not there, in a repository in `folder`."""
    (folder / ".git").mkdir(parents=True)
    (folder / "in").mkdir()
    for name, data in FILES.items():
        (folder / "in" / name).write_bytes(data)
    (folder / "in" / ".entrysem.toml").write_text(_CONFIG)
    monkeypatch.chdir(folder / "in")
    return Session(Typed(), Wish()).run([".", "gone"]).results
