"""Which session made something on an engine, and whether that session still lives.

What entrysem makes on an engine carries the name of the session that made it: `HOST-PID-START-RANDOM`.
HOST is this machine's name with a fingerprint of the machine and its process ids' namespace, because
process ids mean nothing elsewhere, and two machines (or containers) may bear one name. START tells a
process from a later one that was given the same id: ticks since the boot, from `/proc`, or the time
that `ps` says. So a session that was killed with no chance to clean up is known by its name alone, and
the next one can do it.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from socket import gethostname

__all__ = ["alive", "new"]

_SESSION = re.compile(r"(?P<host>.+)-(?P<pid>[0-9]+)-(?P<start>[0-9a-z]+)-[0-9a-f]+\Z")


def new() -> str:
    """A name that no session had: `HOST-PID-START-RANDOM`, of `[a-z0-9.-]` as labels and tags take it."""
    pid = os.getpid()
    return f"{_host()}-{pid}-{_start(pid) or '0'}-{secrets.token_hex(4)}"


def alive(session: str) -> bool | None:
    """Whether the process that made this session runs.

    None when that cannot be known: it is another machine's, or no session's name.
    """
    match = _SESSION.match(session)
    if match is None or match["host"] != _host():
        return None
    start = _start(int(match["pid"]))
    return start is not None and match["start"] in {start, "0"}


@cache
def _host() -> str:
    name = re.sub(r"[^a-z0-9]+", "-", gethostname().lower())[:40].strip("-") or "host"
    # Inside a container another process 17 is meant than outside.
    parts = [gethostname(), _text("/etc/machine-id"), _link("/proc/self/ns/pid")]
    return f"{name}.{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:8]}"


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    """When that process started, in `[0-9a-z]+`; None when there is none (a zombie is none)."""
    if Path("/proc/self/stat").exists():
        try:
            # The name of a program may hold blanks and parentheses: what follows the last ")" counts.
            stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if stat[0] in {b"Z", b"X"} else stat[19].decode()
    ps = shutil.which("ps")
    if ps is None or sys.platform == "win32":
        return "0"  # unknown: taken for alive, so that nothing in use is removed
    done = subprocess.run(  # noqa: S603  # fixed words and a number
        [ps, "-o", "lstart=", "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return re.sub(r"[^0-9a-z]", "", done.stdout.lower()) or None
