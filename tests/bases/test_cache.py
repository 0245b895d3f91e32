"""Documents by digest: nothing wrong comes out, and no failure of the cache is an error."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from entrysem.bases import cache as module
from entrysem.bases.cache import Cache
from tests.bases.images import digest

DATA = b'{"a": 1}'


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_put_and_get(tmp_path: Path, algorithm: str) -> None:
    name = f"{algorithm}:{hashlib.new(algorithm, DATA).hexdigest()}"
    Cache(tmp_path).put(name, DATA)
    assert Cache(tmp_path).get(name) == DATA
    (path,) = stored(tmp_path)
    assert path.name == name.replace(":", "-")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_tampered_with_does_not_come_out(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(digest(DATA), DATA)
    (path,) = stored(tmp_path)
    path.write_bytes(b'{"a": 2}')
    assert cache.get(digest(DATA)) is None
    cache.put(digest(DATA), DATA)
    assert cache.get(digest(DATA)) == DATA


@pytest.mark.parametrize(
    "name",
    ["", "sha256:", "sha256:../../x", "md5:" + "0" * 32, "sha256:" + "A" * 64, "/etc/passwd"],
)
def test_what_is_no_digest(tmp_path: Path, name: str) -> None:
    cache = Cache(tmp_path)
    cache.put(name, DATA)
    assert cache.get(name) is None
    assert not stored(tmp_path)


def test_large_documents_are_not_kept(tmp_path: Path) -> None:
    data = b" " * (module._LARGEST + 1)
    cache = Cache(tmp_path)
    cache.put(digest(data), data)
    assert not stored(tmp_path)


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file")
    cache.put(digest(DATA), DATA)
    assert cache.get(digest(DATA)) is None


def test_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 20)
    cache = Cache(tmp_path)
    documents = [str(number).encode() for number in range(21)]
    for number, data in enumerate(documents):
        cache.put(digest(data), data)
        for path in stored(tmp_path):
            if path.name.endswith(digest(data).removeprefix("sha256:")):
                os.utime(path, (number, number))
    kept = [data for data in documents if cache.get(digest(data)) is not None]
    # The newest has the time of now; a tenth is made free.
    assert kept == documents[3:]


def test_the_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Cache().put(digest(DATA), DATA)
    assert [path.parent for path in stored(tmp_path)] == [tmp_path / "entrysem" / "images"]
