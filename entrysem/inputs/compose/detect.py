"""Whether a file is a Compose file: by its name, or by what is in it.

No YAML is parsed for this: it is asked of every file of a folder.
"""

from __future__ import annotations

import re

from entrysem.late import late

__all__ = ["is_compose"]

_NAME = late(r"(?:docker-)?compose(?:[.\-_][\w.\-]+)?\.ya?ml", re.IGNORECASE)
_YAML = late(r".*\.ya?ml", re.IGNORECASE | re.DOTALL)
_SERVICES = late(
    rb"^(?:services|\"services\"|'services')[ \t]*:[ \t]*(?:[#&!{\r\n].*|$)", re.MULTILINE
)
_PART = late(rb"^[ \t]+(?:image|build|extends|provider)[ \t]*:", re.MULTILINE)
_FLOW = late(rb"[{,][ \t]*\"?(?:image|build|extends|provider)\"?[ \t]*:")
_OTHER = late(rb"^(?:apiVersion|kind|stages|on|jobs|image)[ \t]*:", re.MULTILINE)
#: `services` stands within the first kilobytes of any Compose file that people write.
_LOOKED_AT = 64 * 1024


def is_compose(path: str, data: bytes) -> bool:
    """Whether it is a Compose file.

    Args:
        path: its name; `-` for standard input.
        data: how it begins, or all of it.

    Returns:
        True for the names that Compose looks for (`compose.prod.yaml` too), and for other YAML that has
        services with an image, a build or an extends, and is no manifest and no pipeline.
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    if _NAME.fullmatch(name):
        return True
    if path != "-" and not _YAML.fullmatch(name):
        return False
    start = data[:_LOOKED_AT]
    if not _SERVICES.search(start) or _OTHER.search(start):
        return False
    return bool(_PART.search(start) or _FLOW.search(start))
