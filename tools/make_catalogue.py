"""Writes the bundled catalogue of base images, and the table of it in the docs.

    python tools/make_catalogue.py official-images.json    # catalogue.json and the table
    python tools/make_catalogue.py                         # the table, from catalogue.json
    python tools/make_catalogue.py --check [INPUT]         # writes nothing; exit 1 on a difference

The input is the derived facts about the official images: for each image an ordered list of rules
(tag globs, config, pinned source, how it was read). What the product does not need is dropped:
statistics, and images whose name holds a registry's host. One rule stands on one line, so that a
change of a rule is a change of a line. The same input gives the same bytes. Needs the project on
the path (installed, or PYTHONPATH=.).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from entrysem.bases.catalogue import matches
from entrysem.bases.lookup import parse_reference

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "entrysem" / "bases" / "catalogue.json"
DOCS = ROOT / "docs" / "catalogue.md"
BEGIN = "<!-- begin: written by tools/make_catalogue.py -->\n"
END = "<!-- end: written by tools/make_catalogue.py -->\n"
KEYS = ("Entrypoint", "Cmd", "Shell")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="write the bundled catalogue of base images")
    parser.add_argument("input", nargs="?", type=Path, help="the derived facts, as JSON")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if they differ")
    options = parser.parse_args(arguments)
    if options.input is None:
        catalogue = CATALOGUE.read_text(encoding="utf-8")
    else:
        catalogue = compact(json.loads(options.input.read_text(encoding="utf-8")))
    wanted = {
        CATALOGUE: catalogue,
        DOCS: with_table(DOCS.read_text(encoding="utf-8"), table(json.loads(catalogue))),
    }
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_bytes() != text.encode()
    ]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'differs' if options.check else 'written'}")
        if not options.check:
            path.write_bytes(wanted[path].encode())
    return 1 if stale and options.check else 0


def compact(facts: dict[str, Any]) -> str:
    """The text of `catalogue.json` for the derived facts."""
    snapshot = {key: facts["snapshot"][key] for key in ("date", "repo", "commit")}
    lines = [
        "{",
        ' "version": 1,',
        f' "snapshot": {_line(snapshot)},',
        f' "platform": {_line(facts["platform"])},',
        f' "unsupported_tags": {_line(facts["unsupported_tags"])},',
        ' "images": {',
    ]
    names = sorted(name for name in facts["images"] if not _has_host(name))
    for name in names:
        lines.append(f"  {_line(name)}: [")
        rules = [f"   {_line(_rule(rule))}" for rule in facts["images"][name]["rules"]]
        lines.append(",\n".join(rules))
        lines.append("  ]" if name == names[-1] else "  ],")
    return "\n".join([*lines, " }", "}", ""])


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _has_host(name: str) -> bool:
    reference = parse_reference(name)
    return reference is None or reference.host is not None


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    config = rule["config"]
    if config is None:
        return {"tags": rule["tags"], "config": None}
    source = rule["source"]
    result = {
        "tags": rule["tags"],
        "config": {key: config[key] for key in KEYS if key in config},
        "source": f"{source['repo']}@{source['commit']}:{source['path']}",
        "read": rule["read"],
    }
    if "from_tag" in rule:
        result["of"] = rule["from_tag"]
    if "inherited" in rule:
        result["inherited"] = {
            key: rule["inherited"][key] for key in KEYS if key in rule["inherited"]
        }
    return result


def table(catalogue: dict[str, Any]) -> str:
    """The Markdown table: an image a line, with what its tag `latest` has."""
    images = catalogue["images"]
    count = sum(len(rules) for rules in images.values())
    snapshot = catalogue["snapshot"]
    origin = f"{snapshot['repo']} of {snapshot['date']}, commit `{snapshot['commit']}`"
    lines = [
        f"{len(images)} images, {count} rules; {origin}, {catalogue['platform']}.",
        "",
        "| image | rules | `latest`: Entrypoint | `latest`: Cmd | read from |",
        "|---|---:|---|---|---|",
    ]
    for name, rules in images.items():
        rule = next(rule for rule in rules if any(matches(glob, "latest") for glob in rule["tags"]))
        cells = [_words(rule["config"], "Entrypoint"), _words(rule["config"], "Cmd"), ""]
        if "source" in rule:
            repo, _, rest = rule["source"].partition("@")
            cells[2] = f"{repo}@{rest[:12]}{rest[40:]}"
        lines.append(f"| {name} | {len(rules)} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _words(config: dict[str, Any] | None, key: str) -> str:
    if config is None or key not in config:
        return "not known"
    if config[key] is None:
        return "none"
    return f"`{json.dumps(config[key])}`".replace("|", "\\|")


def with_table(page: str, text: str) -> str:
    """`page` with `text` between its two markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{DOCS.relative_to(ROOT)}: the markers of the table are missing")
    return f"{before}{begin}\n{text}\n{end}{after}"


if __name__ == "__main__":
    sys.exit(main())
