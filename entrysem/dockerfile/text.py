"""Bytes to text, and the blanks that Go and a Dockerfile know.

Go works on bytes and Python on characters. The two meet in `surrogateescape`: a byte that is not
part of valid UTF-8 is one lone surrogate U+DC80..U+DCFF, one for one, which is also how Go counts
an invalid byte. When Docker serialises the image config such a byte becomes U+FFFD (`stored`).

`SPACE` is Go's `unicode.IsSpace`; Python's own notion differs (it includes U+001C..U+001F).

Source: Go src/unicode/graphic.go (IsSpace), src/encoding/json/encode.go (appendString).
"""

from __future__ import annotations

import re

from entrysem.late import late

__all__ = ["BLANK", "SPACE", "SPACE_CLASS", "byte_length", "decode", "lower", "stored"]

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
SPACE_CLASS = "\\t\\n\\v\\f\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
BLANK = "\t\v\f\r "

_SURROGATE = late(r"[\ud800-\udfff]")


def decode(source: str | bytes) -> str:
    """Text of `source`; bytes that are not UTF-8 become `surrogateescape` surrogates.

    A `str` is taken as it would be read from a file: lone surrogates outside U+DC80..U+DCFF are the
    three bytes that encode them, and those inside are one byte each.
    """
    if isinstance(source, bytes):
        return source.decode("utf-8", "surrogateescape")
    if source.isascii() or not _SURROGATE.search(source):
        return source
    data = _SURROGATE.sub(_as_bytes, source).encode("utf-8", "surrogateescape")
    return data.decode("utf-8", "surrogateescape")


def _as_bytes(match: re.Match[str]) -> str:
    char = match.group()
    if "\udc80" <= char <= "\udcff":
        return char
    return char.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def stored(text: str) -> str:
    """`text` as the serialised image config has it: what is not UTF-8 is U+FFFD, byte for byte."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return _SURROGATE.sub("�", text)


def byte_length(text: str) -> int:
    """Length in bytes of `text` as it stood in the file."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def lower(text: str) -> str:
    """Go's `strings.ToLower`: one character for one, so U+0130 is a plain `i` and not two."""
    return text.lower() if text.isascii() else text.replace("\u0130", "i").lower()
