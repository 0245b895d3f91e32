"""The results that are kept: journals of whole runs, packed, and the page made from them.

`python -m conformance.results rejudge FOLDER` judges the journals of a folder again, by the vectors of
today; `pack FOLDER` takes them and the numbers of the folder into `conformance/results/`; `page` writes
`docs/conformance.md` from what is there, and `page --check` says whether it is still the same.

A journal is kept whole but for what engines say about the machine that they ran on: where a look-up of an
image led to, which differs from run to run and proves nothing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from conformance.rejudge import rejudge
from entrysem.verify.journal import Journal, read

__all__ = ["journals", "pack", "page"]

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "conformance.md"

#: Whatever an engine says of addresses when an image is not there.
_ADDRESS = re.compile(
    r"(?:https?://|\b)(?:[a-z0-9-]+\.)+(?:io|com|org|net|dev)(?::\d+)?(?:/[^\s\"':]*)?"
    r"|\[?::1\]?:\d+|127\.0\.0\.1:\d+"
)
_ABOUT_PLACES = frozenset({"address", "config", "system", "storage"})


def pack(folder: Path) -> list[Path]:
    """Packs every journal and every file of numbers of the folder; what was written."""
    written = []
    RESULTS.mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.ndjson")):
        lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
        text = "".join(json.dumps(_cleaned(line), ensure_ascii=False) + "\n" for line in lines)
        target = RESULTS / f"{path.name}.gz"
        # No time in it: equal results are equal files.
        target.write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))
        written.append(target)
    for path in sorted(folder.glob("*.json")):
        document = _cleaned(json.loads(path.read_text(encoding="utf-8")))
        target = RESULTS / path.name
        target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        written.append(target)
    return written


def _cleaned(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {
            name: _cleaned(item, name)
            for name, item in value.items()
            if not (key == "details" and name in _ABOUT_PLACES)
        }
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, str) and key in ("message", "reason", "error"):
        return _ADDRESS.sub("...", value)
    return value


def journals() -> list[Journal]:
    """The packed journals, read."""
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        for packed in sorted(RESULTS.glob("*.ndjson.gz")):
            path = Path(temporary) / packed.name.removesuffix(".gz")
            path.write_bytes(gzip.decompress(packed.read_bytes()))
            found.append(read(path))
    return found


def page() -> str:
    """The text of `docs/conformance.md`."""
    from entrysem.verify.report.docs import page as rendered  # noqa: PLC0415  # needs the extra

    found = journals()
    return rendered(found) + _slices(found) + _others(sorted(RESULTS.glob("*.json")))


def _slices(found: Sequence[Journal]) -> str:
    """Which engines were asked fewer cases than others: the counts alone do not tell."""
    most = max((len(journal.jobs) for journal in found), default=0)
    fewer = []
    for journal in found:
        asked = len(journal.jobs)
        # Two or three fewer are cases that came later.
        if asked < 0.9 * most:
            engine = Path(journal.name).name.removesuffix(".ndjson").removesuffix("-process")
            fewer.append(f"| {engine} | {journal.header['level']} | {asked} |")
    if not fewer:
        return ""
    head = (
        f"\n## Asked in slices\n\nOf {most} cases these engines were asked every third, and "
        "all of the lecture's, because they build and start slowly.\n\n"
        "| engine | level | cases |\n|---|---|--:|\n"
    )
    return head + "\n".join(fewer) + "\n"


def _others(paths: Iterable[Path]) -> str:
    """What stands beside the vectors: products, fuzzing, lecture, shells."""
    rows = []
    for path in paths:
        document = json.loads(path.read_text(encoding="utf-8"))
        engine, _, part = path.stem.rpartition("-")
        rows.append(f"| {part} | {engine} | {_numbers(part, document)} |")
    if not rows:
        return ""
    head = "\n## Beside the vectors\n\n| part | engine | seen |\n|---|---|---|\n"
    return head + "\n".join(sorted(rows)) + "\n"


def _numbers(part: str, document: Any) -> str:
    if part in ("product", "oracle"):
        differ, errors = len(document["differences"]), len(document["errors"])
        return (
            f"{document['images']:,} images, {document['parts']:,} parts compared, "
            f"{differ} images differ, {errors} errors"
        )
    if part == "fuzz":
        return (
            f"{document['examples']:,} random Dockerfiles, {document['runs']:,} runs, "
            f"{document['differing']} differ"
        )
    wrong = sum(1 for row in document if row.get("wrong") or row.get("right") is False)
    return f"{len(document):,} looked at, {wrong} not as predicted"


def main(words: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.results", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("rejudge", "pack"):
        commands.add_parser(name).add_argument("folder", type=Path)
    commands.add_parser("page").add_argument("--check", action="store_true")
    options = parser.parse_args(words)
    if options.command == "rejudge":
        for path in sorted(options.folder.glob("*.ndjson")):
            counts = {verdict: n for verdict, n in rejudge(path).counts.items() if n}
            sys.stdout.write(f"{path}: {counts}\n")
        return 0
    if options.command == "pack":
        for path in pack(options.folder):
            sys.stdout.write(f"{path}\n")
        return 0
    text = page()
    if options.check:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{PAGE} is not what the results say: {__spec__.name} page\n")
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
