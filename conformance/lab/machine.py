"""What the lab needs of the machine, checked before anything is done."""

from __future__ import annotations

import os
import platform
import shutil
import sys

from conformance.lab.errors import LabError

__all__ = ["PATH", "TOOLS", "check", "environment", "missing_tools"]

#: Command -> Debian package. All of these but apt are essential packages of Debian.
TOOLS = {
    "apt-get": "apt",
    "dpkg": "dpkg",
    "dpkg-deb": "dpkg",
    "tar": "tar",
    "ldconfig": "libc-bin",
    "chroot": "coreutils",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """The environment of the tools: they answer in English, ask nothing, and see `sbin` as well."""
    return os.environ | {"PATH": PATH, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def missing_tools(path: str = PATH) -> dict[str, str]:
    """The tools that are not there, and the packages that have them."""
    return {tool: package for tool, package in TOOLS.items() if not shutil.which(tool, path=path)}


def check() -> None:
    """Nothing, when a lab can be brought up here.

    Raises:
        LabError: it cannot; the message says why.
    """
    if sys.platform != "linux":
        raise LabError(f"the lab needs Linux, and this is {platform.system()}")
    if os.geteuid() != 0:
        raise LabError(
            "the lab needs root (it makes namespaces and control groups for its engines):"
            " run it as root or with sudo"
        )
    if missing := missing_tools():
        tools, names = ", ".join(missing), " ".join(sorted(set(missing.values())))
        raise LabError(f"the lab needs {tools}: apt-get install {names}")
