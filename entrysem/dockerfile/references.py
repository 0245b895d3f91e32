"""Image references, as far as a build rejects a malformed one.

`PLAIN` matches the spelling of nearly every reference in nearly every file, at a fraction of the cost
of the whole grammar. What it does not match may still be a reference.

Source: distribution/reference regexp.go; moby/buildkit
frontend/dockerfile/dockerfile2llb/convert.go (toDispatchState).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrysem.late import late

if TYPE_CHECKING:
    from entrysem.dockerfile.parser import Dockerfile, Stage

__all__ = ["check_reference", "is_plain"]

_PLAIN = late(r"[a-z0-9]+(?:[._/-][a-z0-9]+)*(?::\w[\w.-]{0,127})?\Z", re.ASCII)
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = (
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
    r"(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
)
_REFERENCE = (
    rf"(?:{_HOST}/)?{_PATH}(?:/{_PATH})*(?::[\w][\w.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?\Z"
)
#: Text of this length may be an image's id, which is no reference.
_ID_LENGTH = 64
_ID = r"[a-f0-9]{64}\Z"


def is_plain(text: str) -> bool:
    """Whether `text` is surely a reference: a plain name, without a variable in it."""
    return _PLAIN.match(text) is not None and len(text) != _ID_LENGTH


def check_reference(text: str, stage: Stage, dockerfile: Dockerfile) -> None:
    """Looks at an image that `stage` stands on or copies from.

    Raises:
        DockerfileError: it is not an image reference.
    """
    # Compiled at the first use, because few files need it; `re` keeps it from then on.
    if re.match(_REFERENCE, text, re.ASCII) and not re.match(_ID, text):
        return
    path = text.partition("@")[0].rpartition("/")[2].partition(":")[0]
    message = "invalid reference format"
    hint = "write NAME, NAME:TAG or NAME@DIGEST"
    if path != path.lower():
        message += f": repository name ({text}) must be lowercase"
        hint = "an image name is lower case"
        if stage.base == text and any(other.key == text.lower() for other in dockerfile.stages):
            hint = f"a stage name is looked up in lower case: write FROM {text.lower()}"
    raise dockerfile.rejection(
        stage.instruction,
        "bad-reference",
        f'failed to parse stage name "{text}": {message}',
        "BUILD-09",
        hint,
    )
