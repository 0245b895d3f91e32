"""Where the lab keeps things, and who may change them.

There are two places. The *cache* holds the unpacked trees and stays: `.cache/lab` in the checkout, or
ENTRYSEM_LAB. The *data* folder holds everything of running engines and goes with them: a folder in
/dev/shm, because builds are several times faster on a tmpfs, or one in /var/tmp where /dev/shm is too
small (as in most containers). Its name carries a hash of the cache's path, so that each cache has a
lab of its own, and two checkouts on one machine do not meet.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Places", "start_time", "write_atomically"]

#: Free space that makes /dev/shm worth while: four engines and a thousand small images need less.
_ENOUGH = 2 << 30

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Places:
    """The two places of one lab."""

    cache: Path
    data: Path

    @staticmethod
    def here() -> Places:
        """Those of this checkout, or of ENTRYSEM_LAB (and ENTRYSEM_LAB_DATA)."""
        cache = Path(os.environ.get("ENTRYSEM_LAB") or ROOT / ".cache" / "lab").absolute()
        if given := os.environ.get("ENTRYSEM_LAB_DATA"):
            return Places(cache, Path(given).absolute())
        mark = hashlib.sha256(os.fsencode(cache)).hexdigest()[:8]
        name = f"entrysem-conformance-{mark}"
        # A lab that is already there stays where it is, however full the tmpfs is by now.
        places = [Path("/dev/shm") / name, Path("/var/tmp") / name]  # noqa: S108
        for place in places:
            if place.is_dir():
                return Places(cache, place)
        return Places(cache, places[0] if _roomy(places[0].parent) else places[1])

    @property
    def name(self) -> str:
        """The lab's name among the control groups of the machine."""
        return self.data.name

    def tree(self, suite: str) -> Path:
        """The unpacked packages of a suite."""
        return self.cache / suite

    def suite(self, suite: str) -> Path:
        """The folder of a suite's running engines; seen under the same path inside."""
        return self.data / suite

    def work(self, suite: str) -> Path:
        """A folder for build contexts, seen under the same path inside."""
        return self.suite(suite) / "work"

    def log(self, suite: str, name: str) -> Path:
        """The log of one daemon."""
        return self.suite(suite) / "log" / f"{name}.log"

    def socket(self, suite: str, name: str) -> Path:
        """The socket of one daemon."""
        return self.suite(suite) / f"{name}.sock"

    def wrapper(self, command: str, suite: str) -> Path:
        """The script that runs a command of a suite."""
        return self.data / "bin" / f"{command}-{suite}"

    def read_state(self, suite: str) -> dict[str, Any]:
        """What `up` wrote about a suite; empty when there is nothing, or nothing whole."""
        try:
            state = json.loads((self.suite(suite) / "state.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def write_state(self, suite: str, state: dict[str, Any]) -> None:
        """Replaces what is known about a suite."""
        write_atomically(self.suite(suite) / "state.json", json.dumps(state, indent=1) + "\n")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Nobody else brings this lab up or takes it down meanwhile; waits for who does now."""
        self.cache.mkdir(parents=True, exist_ok=True)
        # The kernel lets go of it when this process ends, however it ends.
        descriptor = os.open(self.cache / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _roomy(folder: Path) -> bool:
    try:
        return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ENOUGH
    except OSError:
        return False


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Writes a file that is there wholly or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def start_time(pid: int) -> str | None:
    """When a process started, in the kernel's ticks; None when it is gone or a zombie.

    With the process id it names a process for as long as the machine runs: ids come again, but not
    with the same start.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]
