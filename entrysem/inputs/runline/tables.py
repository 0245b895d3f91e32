"""The options of each command, of each version: `options.json`, which `tools/make_run_options.py` writes.

A version that is older than the oldest known counts as that one; a newer one as the newest.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from entrysem.inputs.runline.flags import Option, OptionSet
from entrysem.versions import in_range, parse_version

__all__ = ["known_versions", "option_set", "table_sources"]

#: What no version is newer than.
_NEWEST = "999999999"


@cache
def _tables() -> dict[str, Any]:
    path = Path(__file__).with_name("options.json")
    commands: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["commands"]
    return commands


def table_sources() -> dict[str, dict[str, Any]]:
    """Command -> where its options were read: repository, files, first and last tag, how many tags."""
    return {command: table["source"] for command, table in _tables().items()}


def known_versions(command: str) -> tuple[str, str]:
    """The oldest and the newest release whose definitions were read: `("v19.03.0", "v29.7.2")`."""
    source = _tables()[command]["source"]
    return source["first"], source["last"]


@cache
def option_set(command: str, version: str | None) -> OptionSet:
    """The options of `docker run`, ... at a version (None is the newest), with those that the programs
    above it hand down.

    Raises:
        InputError: `version` is no version.
    """
    numbers = parse_version(version or _NEWEST)
    oldest = parse_version(_from_tag(known_versions(command)[0]))
    numbers = max(numbers, oldest)
    options: dict[str, Option] = {}
    elsewhere: dict[str, str] = {}
    program = command.split(" ", maxsplit=1)[0]
    for name in (f"{program} *", command):
        for row in _tables().get(name, {}).get("options", ()):
            ranges = row.get("versions", ())
            if not ranges or any(in_range(numbers, each) for each in ranges):
                option = Option(row["name"], row.get("letter", ""), row["kind"], row.get("of", ""))
                options[option.name] = option
            else:
                elsewhere[row["name"]] = " and ".join(ranges)
    return OptionSet(command, tuple(options.values()), elsewhere, underscores=program == "kubectl")


def _from_tag(tag: str) -> str:
    """Kubernetes' libraries are v0.N where kubectl is 1.N."""
    return f"1{tag[2:]}" if tag.startswith("v0.") else tag.removeprefix("v")
