"""Manifests and configs that were fetched once, in the user's cache folder.

A document is kept under its digest and hashed again when it is read, so nothing wrong can come out of
the cache, and nothing in it is ever out of date: what a tag means today is always asked. An image that is
pinned by digest needs no network at the second time.

A cache that cannot be read or written is no error; then everything is fetched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from entrysem.bases.manifest import MAX_SIZE, is_digest

__all__ = ["Cache"]

#: Documents that are kept; they have some kilobytes each. The oldest go.
_KEPT = 2000
_LARGEST = 256 * 1024


class Cache:
    """Documents by digest.

    Args:
        folder: where they are; None for `entrysem` in the user's cache folder (`XDG_CACHE_HOME`).
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            import platformdirs  # noqa: PLC0415  # of the extra

            folder = Path(platformdirs.user_cache_dir("entrysem", appauthor=False))
        self._folder = folder / "images"

    def get(self, digest: str) -> bytes | None:
        """The document, or None when it is not there."""
        path = self._path(digest)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                data = file.read(MAX_SIZE + 1)
        except OSError:
            return None
        algorithm, _, value = digest.partition(":")
        return data if hashlib.new(algorithm, data).hexdigest() == value else None

    def put(self, digest: str, data: bytes) -> None:
        """Keeps a document. Its digest has been checked."""
        path = self._path(digest)
        if path is None or len(data) > _LARGEST:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Renamed when it is whole; two processes may do this at once.
            number, name = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(data)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            self._prune(path.parent)

    def _path(self, digest: str) -> Path | None:
        return self._folder / digest.replace(":", "-") if is_digest(digest) else None

    @staticmethod
    def _prune(folder: Path) -> None:
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries]
        if len(found) > _KEPT:
            found.sort(key=lambda path: Path(path).stat().st_mtime)
            for path in found[: len(found) - _KEPT + _KEPT // 10]:
                Path(path).unlink(missing_ok=True)
