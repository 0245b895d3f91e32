"""Fills in what the pages of the findings compute; with --check, says which are out of date.

    python tools/make_findings.py [--check]

A page `docs/findings/ID.md` is written by hand but for what stands between markers: the facts of the
registry (`<!-- facts -->`), and below each fenced Dockerfile what `find` says of it and, when there is a
fix, what `fix` makes of it (`<!-- found -->`). Every example must show the finding of its page, but for
those under `## When to ignore it`, which must not. `docs/findings/README.md` is the index, written whole.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from entrysem.bases.catalogue import Catalogue
from entrysem.findings import find
from entrysem.findings.fix import apply
from entrysem.findings.kinds import KINDS
from entrysem.findings.model import Finding, Kind
from entrysem.profiles import Profile
from entrysem.trace import spell

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "findings"

_FACTS = re.compile(r"<!-- facts -->\n.*?<!-- end -->\n", re.DOTALL)
_EXAMPLE = re.compile(
    r"(```dockerfile\n(?P<source>.*?)```\n)(?:\n<!-- found(?P<also>.*?) -->\n.*?<!-- end -->\n)?",
    re.DOTALL,
)


def main(arguments: list[str]) -> int:
    """0 when everything is up to date or has been written, 1 when --check finds a difference."""
    check = "--check" in arguments
    stale = 0
    for name, text in wanted().items():
        path = PAGES / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            print(f"{name} is out of date: run ./run python tools/make_findings.py")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if check and stale else 0


def wanted() -> dict[str, str]:
    """File name -> text of every page and of the index.

    Raises:
        SystemExit: a page is missing, has another heading than the registry, or shows the wrong thing.
    """
    pages = {"README.md": index()}
    for kind in KINDS.values():
        name = f"{kind.id}.md"
        path = PAGES / name
        if not path.exists():
            raise SystemExit(f"{name} is missing")
        pages[name] = page(kind, path.read_text(encoding="utf-8"))
    return pages


def index() -> str:
    """The list of kinds."""
    lines = [
        "# Findings",
        "",
        "What `entrysem` tells about a Dockerfile beside the answer. Written from",
        "`entrysem/findings/kinds.py` by `tools/make_findings.py`; each page has examples with the argv",
        "before and after the fix. A finding that rests on an unknown base image is `info` whatever its",
        "kind, and says so. Some have the id of another linter's rule for the same text, which may look",
        "at more. The ids of hadolint were seen on hadolint 2.15.1.",
        "",
        "| id | name | what | severity | fix | hadolint | BuildKit |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| [{kind.id}]({kind.id}.md) | `{kind.name}` | {kind.title} | {kind.severity} "
        f"| {'some' if kind.fixable else 'none'} | {kind.hadolint} | {kind.buildkit} |"
        for kind in KINDS.values()
    ]
    return "\n".join(lines) + "\n"


def page(kind: Kind, text: str) -> str:
    """The page with its blocks filled in."""
    heading = f"# {kind.id}: {kind.title}\n"
    if not text.startswith(heading):
        raise SystemExit(f"{kind.id}.md must start with: {heading.strip()}")
    text = _FACTS.sub(lambda _: facts(kind), text)
    before, ignore, after = text.partition("\n## When to ignore it\n")
    if not ignore:
        raise SystemExit(f"{kind.id}.md has no section When to ignore it")
    before = _EXAMPLE.sub(lambda match: _example(kind, match, expected=True), before)
    after = _EXAMPLE.sub(lambda match: _example(kind, match, expected=False), after)
    return before + ignore + after


def facts(kind: Kind) -> str:
    """What the registry says."""
    rules = ", ".join(
        f"[{rule}](../../spec/{rule.partition('-')[0].lower()}.md)" for rule in kind.rules
    )
    others = [("hadolint", kind.hadolint), ("BuildKit", kind.buildkit)]
    lines = [
        "<!-- facts -->",
        f"`{kind.name}` · {kind.severity} · rules {rules}",
        "",
        "Elsewhere: "
        + (", ".join(f"{who} {what}" for who, what in others if what) or "nobody tells it"),
        "<!-- end -->",
    ]
    return "\n".join(lines) + "\n"


def _example(kind: Kind, match: re.Match[str], *, expected: bool) -> str:
    source = match["source"].encode()
    also = (match["also"] or "").strip()
    profiles = [Profile.parse(also)] if also else []
    # The profile to compare with is not part of an example without --also.
    all_found = find(source, bases=Catalogue.load().lookup, also=profiles)
    found = [finding for finding in all_found if finding.kind == kind.id]
    if bool(found) is not expected:
        raise SystemExit(
            f"{kind.id}.md: this example has {len(found)} of its findings:\n{match['source']}"
        )
    lines = [f"<!-- found{' ' + also if also else ''} -->", "```text"]
    if not found:
        lines.append(f"no {kind.id}")
    for finding in found:
        lines += _lines(finding)
    lines.append("```")
    fixes = [finding.fix for finding in found if finding.fix is not None]
    if fixes:
        fixed = apply(source, fixes).decode()
        lines += ["", "Fixed:", "", "```Dockerfile", fixed.rstrip("\n"), "```"]
    return match[1] + "\n" + "\n".join([*lines, "<!-- end -->"]) + "\n"


def _lines(finding: Finding) -> list[str]:
    where = f"{finding.span.line}:{finding.span.column}" if finding.span else "file"
    lines = [f"{where} {finding.severity} {finding.kind} {finding.message}"]
    runs = "nothing" if finding.argv is None else spell(finding.argv)
    lines.append(f"  runs        {runs}")
    if finding.fix is not None:
        changed = "" if finding.fix.changes_argv else ", the same argv"
        lines.append(f"  fix         {finding.fix.sentence}{changed}")
        if finding.fix.changes_argv:
            lines.append(f"  runs then   {spell(finding.fixed_argv)}")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
