"""Corpora for the tests, and what has no part in a comparison."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from entrysem.vectors import cases, dockerfile_of

__all__ = ["observed", "parsed", "tar_of", "texts", "write_ndjson"]


def texts(count: int) -> dict[str, bytes]:
    """`count` different Dockerfiles: those of the vectors, each time with another comment below."""
    found = [dockerfile_of(case) for case in cases() if "dockerfile" in case]
    sources = [text.decode() for text in found if text.isascii()]
    return {
        f"{number:06}/Dockerfile": (
            sources[number % len(sources)].rstrip("\n\\ ") + f"\n# {number}\n"
        ).encode()
        for number in range(count)
    }


def write_ndjson(path: Path, files: dict[str, bytes]) -> Path:
    """The files as lines of JSON."""
    lines = [json.dumps({"id": name, "dockerfile": data.decode()}) for name, data in files.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


def tar_of(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    """The files as a tar archive."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def parsed(lines: bytes | str) -> list[dict[str, Any]]:
    """The records; every line is whole."""
    text = lines.decode() if isinstance(lines, bytes) else lines
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def observed() -> list[tuple[dict[str, Any], str, str, dict[str, Any]]]:
    """Case, builder, runtime and run of the vectors that engines were seen to make of a Dockerfile
    without any option.
    """
    found = []
    for case in cases():
        if not {"dockerfile"} <= set(case) or set(case) & {
            "bases",
            "build_args",
            "target",
            "platform",
        }:
            continue
        if case["evidence"] != "observed":
            continue
        for expected in case["expect"]:
            for run in expected.get("runs", []):
                if set(run) <= {"argv", "error", "runtimes"} and "argv" in run:
                    runtime = run.get("runtimes", ["docker"])[0]
                    found.append((case, expected["builders"][0], runtime, run))
    return found
