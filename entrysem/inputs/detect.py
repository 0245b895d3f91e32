"""Which kind of input a file is: by its name first, then by how it begins.

Nothing is parsed for it: it is asked of every file of a folder, most of which are something else. A
name that a program looks for decides (`.gitlab-ci.yml`); any other YAML or JSON is judged by its
top-level keys. A stack is a Compose file to look at, so only its name tells: `stack.yml`,
`docker-stack.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from entrysem.inputs.compose.detect import is_compose
from entrysem.late import late

__all__ = ["InputKind", "detect"]

InputKind = Literal[
    "dockerfile",
    "compose",
    "stack",
    "kubernetes",
    "gitlab",
    "action",
    "workflow",
    "devcontainer",
    "quadlet",
]

_BY_NAME: tuple[tuple[InputKind, str], ...] = (
    ("gitlab", r"(?:.*/)?(?:[^/]*[.\-_])?\.?gitlab-ci\.ya?ml"),
    ("workflow", r"(?:.*/)?\.github/workflows/[^/]+\.ya?ml"),
    ("action", r"(?:.*/)?action\.ya?ml"),
    ("devcontainer", r"(?:.*/)?\.?devcontainer\.json"),
    ("quadlet", r"(?:.*/)?[^/]+\.container"),
    ("stack", r"(?:.*/)?(?:[^/]*[.\-_])?stack(?:[.\-_][^/]*)?\.ya?ml"),
    (
        "dockerfile",
        r"(?:.*/)?(?:(?:Docker|Container)file(?:[.\-_][^/]*)?|[^/]+\.(?:Docker|Container)file)",
    ),
)
_NAMES = tuple((kind, late(pattern, re.IGNORECASE | re.DOTALL)) for kind, pattern in _BY_NAME)
_NO_DOCKERFILE = late(
    r".*\.(?:dockerignore|md|sh|py|json|ya?ml|j2|tmpl|bak|orig|swp)", re.IGNORECASE
)
_DATA = late(r".*\.(?:ya?ml|json)", re.IGNORECASE | re.DOTALL)
#: A key at the start of a line, plain, quoted, or the first of a JSON object.
_KEY = late(rb"^(?:---[ \t]+)?[\"']?([A-Za-z]+)[\"']?[ \t]*:", re.MULTILINE)
_JSON_KEY = late(rb"[{,]\s*\"(apiVersion|kind)\"\s*:\s*\"")
_COMMENT = late(rb"(?:[ \t\r]*(?:#[^\n]*)?\n)*")
_UNIT = late(rb"^\[Container\][ \t\r]*$", re.MULTILINE)
_FROM = late(rb"^[ \t]*FROM[ \t]+[^ \t\r\n]", re.MULTILINE | re.IGNORECASE)
_ARG = late(rb"(?:FROM|ARG)[ \t]+[^ \t\r\n]", re.IGNORECASE)
#: How much of a file is looked at.
_LOOKED_AT = 64 * 1024
_BY_KEYS: Mapping[InputKind, frozenset[bytes]] = {
    "kubernetes": frozenset({b"apiVersion", b"kind"}),
    "action": frozenset({b"name", b"runs"}),
    "workflow": frozenset({b"on", b"jobs"}),
}


def detect(path: str, data: bytes) -> InputKind | None:
    """What kind of input a file is; None when it is none that is read here.

    Args:
        path: its name, as far as it is known: that of a workflow is told by its folder; `-` for standard
            input.
        data: how it begins, or all of it.
    """
    name = path.replace("\\", "/")
    start = data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf")
    for kind, pattern in _NAMES:
        if pattern.fullmatch(name) and not (
            kind == "dockerfile" and _NO_DOCKERFILE.fullmatch(name)
        ):
            return kind
    if path == "-" or _DATA.fullmatch(name):
        keys = set(_KEY.findall(start)) | set(_JSON_KEY.findall(start))
        for kind, wanted in _BY_KEYS.items():
            if wanted <= keys:
                return kind
        if is_compose(path, start):
            return "compose"
        if b"stages" in keys and b"services" not in keys:
            return "gitlab"
    return _of_text(start) if path == "-" else None


def _of_text(start: bytes) -> InputKind | None:
    if _UNIT.search(start):
        return "quadlet"
    comments = _COMMENT.match(start)
    first = start[comments.end() if comments else 0 :].lstrip()
    if _ARG.match(first) and _FROM.search(first):
        return "dockerfile"
    return None
