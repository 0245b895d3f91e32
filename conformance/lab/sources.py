"""Where this machine gets its Debian packages from.

The lab needs packages of several Debian suites and finds them on the mirror that the machine's own
apt sources name: it is read at run time and written nowhere else than into the lab's own apt folder.
Both formats are read, `.sources` (deb822) and `.list` (one line a source). Of all entries, the one
taken is the likeliest to be the main archive: binary packages, component `main`, and a URI whose
last part is `debian` (also the `mirror+file:` lists of Debian's cloud images).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from conformance.lab.errors import LabError

__all__ = ["Source", "archive", "read_list", "read_sources"]


@dataclass(frozen=True, slots=True)
class Source:
    """One place that packages come from.

    Attributes:
        uri: as apt takes it.
        suites, components: as written.
        options: further fields in the spelling of deb822 (`Signed-By`, `Trusted`).
    """

    uri: str
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)


#: Options that say how far the mirror is trusted; they go with its URI.
_KEPT = {"signed-by": "Signed-By", "trusted": "Trusted"}


def read_sources(text: str) -> Iterator[Source]:
    """The sources of a deb822 file: enabled ones for binary packages."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in {" ", "\t"}:
                fields[name] = f"{fields.get(name, '')}\n{line}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in {"no", "false", "0", "off"}:
            continue
        for uri in fields.get("uris", "").split():
            yield Source(
                uri,
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                {new: fields[old] for old, new in _KEPT.items() if old in fields},
            )


_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)"
)


def read_list(text: str) -> Iterator[Source]:
    """The sources of a one-line-style file: those for binary packages."""
    for line in text.splitlines():
        match = _LINE.match(line.partition("#")[0].strip())
        if match is None:
            continue
        options = {
            option.partition("=")[0].lower(): option.partition("=")[2]
            for option in (match["options"] or "").split()
        }
        yield Source(
            match["uri"],
            (match["suite"],),
            tuple(match["rest"].split()),
            {new: options[old] for old, new in _KEPT.items() if old in options},
        )


def archive(folder: Path = Path("/etc/apt")) -> Source:
    """The main archive among the sources in an apt folder.

    Raises:
        LabError: none of them looks like it.
    """
    found: list[Source] = []
    parts = folder / "sources.list.d"
    for path in [folder / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            found += read_list(path.read_text(encoding="utf-8", errors="replace"))
    for path in sorted(parts.glob("*.sources")):
        found += read_sources(path.read_text(encoding="utf-8", errors="replace"))
    candidates = [source for source in found if _is_archive(source)]
    if not candidates:
        raise LabError(
            f"no Debian archive among the apt sources in {folder}: the lab reads the mirror's URI"
            " from there; it looks for a line or stanza with component main and a URI ending in /debian"
        )
    return candidates[0]


def _is_archive(source: Source) -> bool:
    if not source.uri.startswith(("http:", "https:", "file:", "copy:", "ftp:", "mirror")):
        return False
    if "main" not in source.components:
        return False
    name = PurePosixPath(source.uri.rstrip("/")).name
    return name in {"debian", "debian.list"} or name.startswith("debian.")
