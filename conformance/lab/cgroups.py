"""The lab's control groups: how it finds again everything that it started, and ends it.

Each suite has a group `LAB/SUITE` in every hierarchy that the machine has mounted, and the engines see
that group as the root (a cgroup namespace), so that a container's group lies below it as well. What
was started by an engine, a shim or a command, and outlived it, is still in the group: the kernel keeps
the list, not we. Below `LAB/SUITE` each daemon has a group of its own, `holder`, `docker`, ...

There are two layouts. With version 2 alone there is one hierarchy, a group with processes cannot hand
controllers on (so processes stay in the leaves), and controllers must be handed on from group to
group. With version 1 there is a hierarchy for each controller; an additional empty version 2
(`unified`, the hybrid layout) is not shown to the engines, because crun refuses it.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conformance.lab.errors import LabError

__all__ = [
    "Hierarchy",
    "hierarchies",
    "kill",
    "make",
    "pids",
    "procs_files",
    "read_mounts",
    "remove",
]

#: What limits on containers need.
_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted hierarchy.

    Attributes:
        mount: where it is mounted on the machine.
        options: what mounts it (`cpu,cpuacct`, `none,name=systemd`); empty for version 2.
    """

    mount: Path
    options: str = ""

    @property
    def version(self) -> int:
        """1 or 2."""
        return 1 if self.options else 2


def read_mounts(text: str) -> tuple[Hierarchy, ...]:
    """The hierarchies in the text of a `mountinfo`, each once."""
    found: dict[str, Hierarchy] = {}
    for line in text.splitlines():
        front, _, back = line.partition(" - ")
        fields = front.split()
        kind, _, super_options = back.split(" ", 2)
        mount = Path(re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), fields[4]))
        if kind == "cgroup2":
            found.setdefault("2", Hierarchy(mount))
        elif kind == "cgroup":
            known = {"rw", "ro", "relatime", "noprefix", "xattr", "clone_children"}
            words = [word for word in super_options.split(",") if word not in known]
            words = [word for word in words if not word.startswith("release_agent=")]
            if all(word.startswith("name=") for word in words):
                words.insert(0, "none")
            options = ",".join(words)
            found.setdefault(options, Hierarchy(mount, options))
    return tuple(found.values())


def hierarchies() -> tuple[Hierarchy, ...]:
    """Those of this machine."""
    return read_mounts(Path("/proc/self/mountinfo").read_text(encoding="utf-8"))


def make(group: str, leaves: Iterable[str] = ()) -> None:
    """Makes `LAB/SUITE` in every hierarchy, and groups in it, ready for processes.

    What is above it hands controllers on; it does not yet (`hand_on`), so that it can be entered.

    Raises:
        LabError: a hierarchy cannot be written to.
    """
    found = hierarchies()
    if not found:
        raise LabError("no control groups are mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup")
    for hierarchy in found:
        folder = hierarchy.mount
        for part in Path(group).parts:
            if hierarchy.version == 2:
                _hand_on(folder)
            folder /= part
            _make(folder, hierarchy)
        for leaf in leaves:
            _make(folder / leaf, hierarchy)


def _make(folder: Path, hierarchy: Hierarchy) -> None:
    try:
        folder.mkdir(exist_ok=True)
        if "cpuset" in hierarchy.options.split(","):
            _inherit_cpuset(folder)
    except OSError as error:
        raise LabError(
            f"the control group {folder} cannot be made ({error.strerror}): the lab needs a machine,"
            " a virtual machine or a privileged container"
        ) from error


def hand_on(group: str) -> None:
    """Lets the groups in a group be limited. From now on no process can enter it itself."""
    for hierarchy in hierarchies():
        if hierarchy.version == 2:
            _hand_on(hierarchy.mount / group)


def _hand_on(folder: Path) -> None:
    """Lets the groups in a folder limit what can be limited; without it they run unlimited."""
    try:
        there = (folder / "cgroup.controllers").read_text(encoding="ascii").split()
        on = (folder / "cgroup.subtree_control").read_text(encoding="ascii").split()
    except OSError:
        return
    for name in _CONTROLLERS:
        if name in there and name not in on:
            with suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{name}", encoding="ascii")


def _inherit_cpuset(folder: Path) -> None:
    """A new cpuset of version 1 allows nothing at all, not even to be entered."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / name).read_text(encoding="ascii").strip():
            given = (folder.parent / name).read_text(encoding="ascii")
            (folder / name).write_text(given, encoding="ascii")


def procs_files(group: str) -> list[Path]:
    """What a process id is written to, to enter a group."""
    return [hierarchy.mount / group / "cgroup.procs" for hierarchy in hierarchies()]


def _folders(group: str) -> Iterator[Path]:
    """The group and the groups below it, deepest first."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy.mount / group, topdown=False):
            yield Path(folder)


def pids(group: str) -> set[int]:
    """Who is in a group or below it."""
    found: set[int] = set()
    for folder in _folders(group):
        with suppress(OSError):
            found.update(map(int, (folder / "cgroup.procs").read_text(encoding="ascii").split()))
    return found - {0, os.getpid()}


def kill(group: str, *, seconds: float = 20.0) -> None:
    """Ends every process in a group and below it.

    Raises:
        LabError: some do not end.
    """
    end = time.monotonic() + seconds
    while left := pids(group):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end:
            raise LabError(f"processes of {group} do not end: {' '.join(map(str, sorted(left)))}")
        time.sleep(0.02)
        # A frozen process ends when it is thawed.
        for folder in _folders(group):
            for name, value in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
                if (folder / name).exists():
                    with suppress(OSError):
                        (folder / name).write_text(value, encoding="ascii")


def remove(group: str, *, seconds: float = 10.0) -> None:
    """Removes a group without processes, and the groups below it.

    Raises:
        LabError: one of them stays in use.
    """
    end = time.monotonic() + seconds
    while True:
        busy = None
        for folder in _folders(group):
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in {errno.EBUSY, errno.ENOTEMPTY}:
                    raise
                busy = folder
        if busy is None:
            return
        if time.monotonic() > end:
            raise LabError(f"the control group {busy} stays in use")
        time.sleep(0.05)
