"""What `check` itself has to tell, beside the findings: expectations and comments that do not hold.

Their ids are from ES901 on. `all_kinds` has both, for `--list`, for configuration and for reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from entrysem.errors import InputError
from entrysem.findings.kinds import KINDS
from entrysem.findings.model import Kind

__all__ = ["OWN", "TEXTS", "all_kinds", "kind_of", "page"]

REJECTED, UNMET, UNUSED, NO_REASON, UNKNOWN, NO_FILE = (f"ES90{number}" for number in range(6))

_DECLARED = (
    Kind(REJECTED, "rejected", "The file cannot be read or a builder rejects it", "error", ()),
    Kind(
        UNMET,
        "not-as-expected",
        "The container does not get the argv that is expected",
        "error",
        (),
    ),
    Kind(UNUSED, "unused-ignore", "A comment ignores nothing", "warning", ()),
    Kind(NO_REASON, "ignore-without-reason", "A comment ignores without a reason", "warning", ()),
    Kind(UNKNOWN, "expectation-unknown", "Whether the expectation holds is not known", "info", ()),
    Kind(NO_FILE, "expectation-without-file", "An expectation fits no file", "warning", ()),
)
_TEXTS = {
    REJECTED: (
        "Nothing can be said about a file that does not build. The exit code is 3, whatever the "
        "threshold; the other files are checked all the same."
    ),
    UNMET: (
        "An expectation, of the configuration or of `--expect-argv`, does not hold. The exit code "
        "is 1, whatever the threshold. `entrysem explain` says which line decides; if the change "
        "is wanted, write the new argv into the expectation."
    ),
    UNUSED: (
        "No finding of this kind stands where the comment `entrysem: ignore=` or `ignore-file=` "
        "says. The cause is gone, the id is misspelt, or the comment does not stand directly "
        "above its instruction. Take it out, so that it does not hide what comes later."
    ),
    NO_REASON: (
        "The configuration has `require-reason`, and this comment gives none. Write it behind the "
        "ids: `# entrysem: ignore=ES009 the script execs its last command`."
    ),
    UNKNOWN: (
        "The argv depends on a base image that nobody has shown. With `--strict` the exit code is "
        "4. Give its config: `base-config` in the configuration, `--base-config IMAGE=FILE`, or "
        "`--base-from docker`."
    ),
    NO_FILE: (
        "All files below the configuration were checked, and none has the path of this "
        "expectation: the file was renamed, or the glob is misspelt. Until that is mended nothing "
        "is expected of anything."
    ),
}

#: By id, in order.
OWN: Mapping[str, Kind] = MappingProxyType({kind.id: kind for kind in _DECLARED})
#: The page of each, as one paragraph.
TEXTS: Mapping[str, str] = MappingProxyType(_TEXTS)


def all_kinds() -> dict[str, Kind]:
    """Every kind that can be reported, by id, in order."""
    return {**KINDS, **OWN}


def kind_of(text: str, where: str) -> Kind:
    """The kind with this id, in any case, or this name.

    Raises:
        InputError: `unknown-finding`; `where` says where it is written.
    """
    kinds = all_kinds()
    wanted = text.strip()
    kind = kinds.get(wanted.upper())
    if kind is None:
        kind = next((kind for kind in kinds.values() if kind.name == wanted.lower()), None)
    if kind is None:
        raise InputError(
            "unknown-finding",
            f"there is no kind of finding {text!a}",
            where=where,
            hint="`entrysem check --list` has ids and names",
        )
    return kind


def page(kind: Kind) -> str:
    """The page of a kind as Markdown, with a line end.

    Raises:
        InputError: `no-page`, the installation is incomplete.
    """
    if kind.id in TEXTS:
        return f"# {kind.id}: {kind.title}\n\n{TEXTS[kind.id]}\n"
    from entrysem.check.pages import read_page  # noqa: PLC0415  # only --show reads one

    return read_page(kind)
