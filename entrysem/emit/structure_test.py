"""A test for container-structure-test: that an image's Entrypoint and Cmd are these.

Only `metadataTest` is written. What that tool does with it was read in its source and seen with version
1.19.1 on archives of `docker save`:

* a key that is absent (or null) is not compared; a list is compared in length and word by word;
* `[]` demands no words, and an image passes alike whether its config holds null or `[]`;
* a file that tests nothing makes the tool fail, so a config of which nothing is known is refused here;
* unknown keys are errors, and the file's name has to end in `.yaml` or `.yml`.

A word is written as a double-quoted YAML scalar, with an escape for all that acts on a terminal or
that YAML forbids.

Source: GoogleContainerTools/container-structure-test @63ee63e15fae pkg/types/v2/metadata.go
(MetadataTest, IsEmpty, Run), pkg/types/v2/structure.go (RunMetadataTests),
cmd/container-structure-test/app/cmd/test/util.go (Parse, ProcessResults).
"""

from __future__ import annotations

import json
import re

from entrysem.dockerfile.text import stored
from entrysem.errors import InputError
from entrysem.late import late
from entrysem.model import ImageConfig, Inherited, Words, is_known
from entrysem.render.visible import visible

__all__ = ["structure_test"]

#: What JSON leaves as it is, and YAML forbids or a terminal acts on.
_ESCAPED = late(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


def structure_test(config: ImageConfig, *, name: str, profile: str, notes: tuple[str, ...]) -> str:
    """The YAML file.

    Args:
        config: what the image should be.
        name: what it was made from, for the comment on top.
        profile: who builds, for the comment.
        notes: sentences for the comment: what the answer rests on.

    Raises:
        InputError: `nothing-known`, neither Entrypoint nor Cmd is wholly known.
    """
    keys = (("entrypoint", config.entrypoint), ("cmd", config.cmd))
    if not any(is_known(words) for _, words in keys):
        images = dict.fromkeys(part.image for part in config.unknown)
        raise InputError(
            "nothing-known",
            f"neither Entrypoint nor Cmd is known: they hang on {', '.join(images)}",
            where=name,
            hint=f"show it: --base-config {next(iter(images))}=FILE, or --base-from docker",
        )
    lines = [
        f"# The Entrypoint and Cmd that {visible(name)} gives an image.",
        f"# {visible(profile)}. Written by `entrysem emit structure-test`.",
        *(f"# Assumes that {visible(note)}." for note in notes),
        'schemaVersion: "2.0.0"',
        "metadataTest:",
    ]
    for key, words in keys:
        if is_known(words):
            listed = ", ".join(_scalar(word) for word in words or () if isinstance(word, str))
            lines.append(f"  {key}: [{listed}]")
        else:
            lines.append(f"  # {key}: not known, for it hangs on {visible(_unknown(words))}")
    return "\n".join(lines) + "\n"


def _unknown(words: Words) -> str:
    return " and ".join(
        dict.fromkeys(str(word) for word in words or () if isinstance(word, Inherited))
    )


def _scalar(word: str) -> str:
    return _ESCAPED.sub(_escape, json.dumps(stored(word), ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
