"""What was named on the command line -> items, in an order that does not change from run to run.

A source that breaks in the middle has given what came before, gives one error item of phase `source`, and
the next source follows.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from entrysem.cli.files import SKIPPED_FOLDERS, is_dockerfile_name
from entrysem.errors import InputError
from entrysem.scan.archives import members
from entrysem.scan.columns import needs_pyarrow, rows
from entrysem.scan.items import Item, failed
from entrysem.scan.lines import json_lines, listed_files
from entrysem.scan.settings import Settings
from entrysem.scan.streams import Meter, needs_zstd, opened_stream, size_of

__all__ = ["KINDS", "Source", "items", "name_test", "sources"]

Kind = Literal["file", "folder", "glob", "tar", "ndjson", "parquet", "list"]
#: What --from can name.
KINDS: tuple[Kind, ...] = ("file", "tar", "ndjson", "parquet", "list")

_BY_NAME: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"\.(?:tar(?:\.(?:gz|xz|bz2|zst))?|tgz|txz|tbz2?|tzst)\Z", re.IGNORECASE), "tar"),
    (re.compile(r"\.(?:ndjson|jsonl)(?:\.(?:gz|xz|bz2|zst))?\Z", re.IGNORECASE), "ndjson"),
    (re.compile(r"\.(?:parquet|pq)\Z", re.IGNORECASE), "parquet"),
)
_ZSTD = re.compile(r"\.(?:zst|tzst)\Z", re.IGNORECASE)
_STREAMED = ("tar", "ndjson", "list")


class Source(NamedTuple):
    """Something to read: a kind of thing, and its name."""

    kind: Kind
    name: str


def sources(names: Iterable[str], forced: Kind | None = None) -> list[Source]:
    """What each name stands for.

    A folder, an archive or a table by its name's end, a pattern when there is no such file, `-` for lines
    of JSON on standard input, else a Dockerfile; `forced` decides for all that is no folder.

    Raises:
        InputError: `needs-extra`; `not-seekable`, Parquet on standard input.
    """
    return [_source(name, forced) for name in names]


def _source(name: str, forced: Kind | None) -> Source:
    if name == "-":
        kind: Kind = forced or "ndjson"
        if kind == "parquet":
            raise InputError(
                "not-seekable",
                "Parquet cannot be read from standard input",
                where="-",
                hint="name the file",
            )
        return Source(kind, name)
    if os.path.isdir(name):  # noqa: PTH112 - False for a name that is no path at all
        return Source("folder", name)
    if glob.has_magic(name) and not os.path.lexists(name):
        return Source("glob", name)
    kind = forced or next((kind for pattern, kind in _BY_NAME if pattern.search(name)), "file")
    if kind == "parquet":
        needs_pyarrow(name)
    elif _ZSTD.search(name):
        needs_zstd(name)
    return Source(kind, name)


def name_test(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is taken for a Dockerfile's: by its last part, or by any pattern given.

    A pattern with a slash is matched against the whole path, any other against the last part.
    """
    if not patterns:
        return lambda path: is_dockerfile_name(path.rpartition("/")[2])
    if "*" in patterns:
        return lambda path: True  # noqa: ARG005
    whole = re.compile("|".join(fnmatch.translate(p) for p in patterns if "/" in p) or r"(?!)")
    last = re.compile("|".join(fnmatch.translate(p) for p in patterns if "/" not in p) or r"(?!)")
    return lambda path: bool(last.match(path.rpartition("/")[2]) or whole.match(path))


def items(
    found: Sequence[Source], settings: Settings, wanted: Callable[[str], bool], meter: Meter
) -> Iterator[Item]:
    """Every item of every source, in order. Nothing is raised for what the sources hold."""
    if found and all(source.kind in ("tar", "ndjson", "parquet") for source in found):
        meter.total = sum(size_of(source.name) for source in found)
        if any(source.name == "-" for source in found):
            meter.total = 0
    for source in found:
        yield from _guarded(source, settings, wanted, meter)


def _guarded(
    source: Source, settings: Settings, wanted: Callable[[str], bool], meter: Meter
) -> Iterator[Item]:
    meter.source = source.name
    try:
        yield from _items(source, settings, wanted, meter)
    except InputError as error:
        yield failed(source.name, error.code, error.message, "source")
    except OSError as error:
        reason = error.strerror or str(error)
        yield failed(source.name, "unreadable", f"cannot be read: {reason}", "source")
    except Exception as error:  # noqa: BLE001 - whatever a hostile archive makes its reader raise
        reason = f"{type(error).__name__}: {error}"
        yield failed(source.name, "broken", f"cannot be read on: {reason}", "source")


def _items(
    source: Source, settings: Settings, wanted: Callable[[str], bool], meter: Meter
) -> Iterator[Item]:
    kind, name = source
    if kind == "file":
        yield _named_file(name, settings.max_bytes)
    elif kind == "folder":
        yield from _below(name, wanted)
    elif kind == "glob":
        yield from _matching(name, settings, wanted, meter)
    elif kind == "parquet":
        yield from rows(name, settings)
        meter.done += size_of(name)
    else:
        with opened_stream(name, meter) as stream:
            if kind == "tar":
                yield from members(stream, name, wanted, settings.max_bytes)
            elif kind == "ndjson":
                yield from json_lines(stream, name, settings.max_bytes)
            else:
                yield from listed_files(stream, name)


def _named_file(name: str, limit: int) -> Item:
    """A name that stands for nothing is a mistake of the call, not of the corpus."""
    if name == "-":
        data = sys.stdin.buffer.read(limit + 1)
        return ("data", name, data) if data else failed(name, "empty", "nothing came", "source")
    if not os.path.lexists(name):
        return failed(name, "not-found", "there is no such file", "source")
    return ("file", name, None)


def _below(folder: str, wanted: Callable[[str], bool]) -> Iterator[Item]:
    """Links to folders are not followed, so none can loop; a folder that is shut is an error."""
    shut: list[OSError] = []
    for root, folders, files in os.walk(folder, onerror=shut.append):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(files):
            path = os.path.join(root, name)  # noqa: PTH118 - os.walk gives strings
            if wanted(path):
                yield ("file", path, None)
        for error in shut:
            yield failed(str(error.filename), "unreadable", f"cannot be read: {error.strerror}")
        shut.clear()
    for error in shut:
        yield failed(str(error.filename), "unreadable", f"cannot be read: {error.strerror}")


def _matching(
    pattern: str, settings: Settings, wanted: Callable[[str], bool], meter: Meter
) -> Iterator[Item]:
    """Files that match; folders do not, for `**` names what is in them as well."""
    names = sorted(name for name in glob.iglob(pattern, recursive=True) if not os.path.isdir(name))  # noqa: PTH112, PTH207
    if not names:
        yield failed(pattern, "no-match", "no file matches this pattern", "source")
    for name in names:
        yield from _guarded(_source(name, None), settings, wanted, meter)
