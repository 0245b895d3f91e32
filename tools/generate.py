"""Writes the files that other files decide; with --check, says which of them are out of date.

    python tools/generate.py [--check]

* `spec/deviations.json` and `docs/deviations.md` from `entrysem.deviations`;
* the line `Deviations:` of each rule in `spec/*.md`;
* the command outputs of `README.md` and of every page of `docs/`, between `<!-- output: COMMAND -->` and
  `<!-- end -->`: what the command prints, its messages too, in the project's folder;
* the marked tables of `README.md`, `docs/*.md` and `spec/lecture.md` (`entrysem table --check`).
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from entrysem.deviations import DEVIATIONS, Deviation

ROOT = Path(__file__).parent.parent
RULE_FILES = ("form.md", "build.md", "merge.md", "shell.md")
TABLE_FILES = ("README.md", "spec/lecture.md")


def main(arguments: list[str]) -> int:
    """0 when everything is up to date or has been written, 1 when --check finds a difference."""
    check = "--check" in arguments
    wanted = {
        "spec/deviations.json": deviations_json(),
        "docs/deviations.md": deviations_page(),
        "README.md": with_outputs(ROOT / "README.md"),
        **{
            str(path.relative_to(ROOT)): with_outputs(path)
            for path in sorted(ROOT.glob("docs/**/*.md"))
            if "<!-- output:" in path.read_text(encoding="utf-8")
        },
        **{f"spec/{name}": with_deviations(ROOT / "spec" / name) for name in RULE_FILES},
    }
    stale = [name for name, text in wanted.items() if _read(ROOT / name) != text]
    for name in stale:
        if check:
            print(f"{name} is out of date: run ./run python tools/generate.py")
        else:
            (ROOT / name).write_text(wanted[name], encoding="utf-8")
            print(f"wrote {name}")
    command = [sys.executable, "-m", "entrysem", "table"]
    command += [word for name in TABLE_FILES for word in ("--check", name)]
    tables = subprocess.run(
        command if check else [*command, "--write"], cwd=ROOT, check=False
    ).returncode
    return 1 if (check and stale) or tables else 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def deviations_json() -> str:
    """The deviations for programs, in the shape of `spec/schema/deviations.schema.json`."""
    return json.dumps([_document(item) for item in DEVIATIONS], indent=1, ensure_ascii=False) + "\n"


def _document(item: Deviation) -> dict[str, Any]:
    changes: dict[str, Any] = {**item.grammar, **item.sets}
    if item.lacks:
        changes["lacks"] = item.lacks
    return {
        "id": item.id,
        "side": item.side,
        "engines": dict(item.engines),
        "rule": item.rule,
        "what": item.what,
        "example": item.example,
        "source": item.source,
        "status": item.status,
        "changes": {name: _plain(value) for name, value in changes.items()},
    }


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def deviations_page() -> str:
    """The deviations for people."""
    lines = [
        "# Deviations",
        "",
        "Where builders and runtimes differ from the reference, the newest BuildKit and the newest",
        "Docker Engine. Written from `entrysem/deviations.py` by `tools/generate.py`. *observed* was",
        "seen on a real engine of the version that the source names; *source-read* was read in the",
        "engine's source and not seen, and the output of `entrysem explain` says so where it matters.",
    ]
    for side in ("builder", "runtime"):
        lines += ["", f"## {side.capitalize()}s", ""]
        lines += ["| id | who | rule | what | status | source |", "|---|---|---|---|---|---|"]
        lines += [_row(item) for item in DEVIATIONS if item.side == side]
    return "\n".join(lines) + "\n"


def _row(item: Deviation) -> str:
    who = ", ".join(f"{name} {versions}".strip() for name, versions in item.engines.items())
    cells = (item.id, who, item.rule, item.what, item.status, item.source)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text)


def with_deviations(path: Path) -> str:
    """The rule document with each rule's line `Deviations:` as the registry has it."""
    by_rule: dict[str, list[str]] = {}
    for item in DEVIATIONS:
        by_rule.setdefault(item.rule, []).append(f"[{item.id}]")
    sections = re.split(r"(?m)^(?=## )", path.read_text(encoding="utf-8"))
    return "".join(_section(section, by_rule) for section in sections)


def _section(section: str, by_rule: dict[str, list[str]]) -> str:
    heading = re.match(r"## (\S+): ", section)
    if heading is None:
        return section
    section = re.sub(r"(?m)^Deviations:.*\n\n?", "", section)
    ids = by_rule.get(heading.group(1))
    if not ids:
        return section
    line = f"\nDeviations: {', '.join(ids)}\n"
    return re.sub(r"(?m)^(Sources: .*\n)", lambda match: match.group(1) + line, section, count=1)


def with_outputs(path: Path) -> str:
    """The document with each marked output as the command prints it now."""
    return re.sub(
        r"(<!-- output: \./run (.*?) -->\n```text\n).*?(```\n<!-- end -->)",
        lambda match: match.group(1) + _output(match.group(2)) + match.group(3),
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )


def _output(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "entrysem", *shlex.split(command)],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode not in (0, 1, 3, 4) or "Traceback" in done.stdout:
        raise SystemExit(f"entrysem {command} ends with {done.returncode}: {done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
