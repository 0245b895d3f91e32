"""Looks at one Dockerfile with every detector.

A detector is a function of a `Scene`; it tells what it finds and returns nothing. The file is read and
built once, and nearly every file has nothing to tell, so a detector's first lines decide cheaply that it
has no business here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from entrysem.build import BaseLookup
from entrysem.dockerfile import Dockerfile
from entrysem.findings.forms import forms
from entrysem.findings.merging import merging
from entrysem.findings.model import Finding
from entrysem.findings.overwritten import overwritten
from entrysem.findings.portable import portable
from entrysem.findings.scene import Context, Scene
from entrysem.findings.shells import shells
from entrysem.findings.words import words
from entrysem.model import ImageConfig
from entrysem.profiles import Profile

__all__ = ["find"]

_NO_ARGS: Mapping[str, str] = MappingProxyType({})
_DEFAULT = Profile()
_DETECTORS = (overwritten, forms, words, shells, merging, portable)


def find(
    source: bytes | Dockerfile,
    *,
    profile: Profile = _DEFAULT,
    also: Sequence[Profile] = (),
    target: str | None = None,
    build_args: Mapping[str, str] = _NO_ARGS,
    bases: BaseLookup | Mapping[str, ImageConfig] | None = None,
    platform: str = "linux/amd64",
) -> tuple[Finding, ...]:
    """What is worth telling the author about this file.

    Args:
        source: the file, or what came of reading it with the profile's grammar.
        profile: whose answers are looked at.
        also: other builders and runtimes that should run the same.
        target, build_args, bases, platform: as in `build_image`.

    Returns:
        the findings in file order, those about the file as a whole last; empty when there is nothing.

    Raises:
        DockerfileError: the profile's builder rejects the file.
    """
    scene = Scene(source, Context(profile, tuple(also), target, build_args, bases, platform))
    for detect in _DETECTORS:
        detect(scene)
    found = scene.findings
    if len(found) > 1:
        found.sort(key=_order)
    return tuple(found)


def _order(finding: Finding) -> tuple[bool, tuple[int, ...], str]:
    return finding.span is None, tuple(finding.span or ()), finding.kind
