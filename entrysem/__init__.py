r"""entrysem: which argv a container gets, and why.

The reference engine for CMD, ENTRYPOINT and SHELL: text -> image config -> argv, with every rule
that was applied on the way. Pure Python, standard library only, no I/O.

    >>> from entrysem import resolve
    >>> resolve('FROM scratch\nENTRYPOINT ["e"]\nCMD ["c"]').argv
    ('e', 'c')
"""

from __future__ import annotations

from entrysem.dockerfile import Dockerfile, parse_dockerfile
from entrysem.errors import DockerfileError, EntrysemError, InputError, Span
from entrysem.model import Base, ImageConfig, Inherited, RunOptions, StartError, Step
from entrysem.profiles import Engine, Profile
from entrysem.resolve import Image, Resolution, build_image, resolve
from entrysem.rules import RULES, Rule
from entrysem.shell import ShellView, effective, shell_view

__version__ = "0.1.0"

__all__ = [
    "RULES",
    "Base",
    "Dockerfile",
    "DockerfileError",
    "Engine",
    "EntrysemError",
    "Image",
    "ImageConfig",
    "Inherited",
    "InputError",
    "Profile",
    "Resolution",
    "Rule",
    "RunOptions",
    "ShellView",
    "Span",
    "StartError",
    "Step",
    "build_image",
    "effective",
    "parse_dockerfile",
    "resolve",
    "shell_view",
]
