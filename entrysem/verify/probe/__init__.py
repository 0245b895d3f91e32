"""The probe: a static program that is a container's first process and says which argv it got.

An image under test holds no file, so whatever it starts, `/bin/sh` included, must come from outside:
`build` compiles `probe.c` for the engine's architecture with what compiler there is (the `ziglang`
wheel is one, and compiles for every architecture from every machine), and an engine puts the result
where the container looks for its program. `read` finds the report in what the container printed.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from entrysem.verify.protocol import HarnessError

__all__ = ["Report", "build", "machine_architecture", "read"]

_SOURCE = Path(__file__).with_name("probe.c")

#: Architecture as Docker and OCI name it -> the first part of a GNU and of a zig target.
_TARGETS = {
    "amd64": ("x86_64-linux-gnu", "x86_64-linux-musl"),
    "arm64": ("aarch64-linux-gnu", "aarch64-linux-musl"),
    "riscv64": ("riscv64-linux-gnu", "riscv64-linux-musl"),
    "arm": ("arm-linux-gnueabihf", "arm-linux-musleabihf"),
    "386": ("i686-linux-gnu", "x86-linux-musl"),
    "ppc64le": ("powerpc64le-linux-gnu", "powerpc64le-linux-musl"),
    "s390x": ("s390x-linux-gnu", "s390x-linux-musl"),
}
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}
#: Those for which probe.c brings its own system calls.
_FREESTANDING = frozenset({"amd64", "arm64", "riscv64"})
_FLAGS = ("-Os", "-s", "-static", "-fno-stack-protector", "-fno-builtin", "-fno-pie")
_WITHOUT_LIBC = (
    "-ffreestanding",
    "-nostdlib",
    "-nostartfiles",
    "-fno-asynchronous-unwind-tables",
    "-Wl,--build-id=none",
)
_COMPILE_SECONDS = 180  # zig builds its C library the first time


@dataclass(frozen=True, slots=True)
class Report:
    """What the first process, or the one that an init started, saw.

    Attributes:
        argv: its words; a byte that is no UTF-8 is a lone surrogate.
        pid: its process id.
        init: the words of process 1 when that is another one (`--init`); None when it is this one,
            or when `/proc` does not say.
    """

    argv: tuple[str, ...]
    pid: int
    init: tuple[str, ...] | None = None


def machine_architecture() -> str:
    """The architecture of this machine as Docker and OCI name it."""
    machine = platform.machine().lower()
    return _MACHINES.get(machine, machine)


def build(folder: Path, architecture: str = "amd64") -> Path:
    """Compiles the probe into `folder`; where it is. An earlier one in the same folder is taken.

    Args:
        architecture: as Docker and OCI name it: amd64, arm64, ...

    Raises:
        HarnessError: no compiler here makes Linux programs for that architecture.
    """
    target = folder / f"probe-{architecture}"
    if target.exists():
        return target
    if architecture not in _TARGETS:
        raise HarnessError(
            f"the probe cannot be compiled for {architecture!r}; known: {', '.join(_TARGETS)}"
        )
    made = folder / f".probe-{architecture}-{os.getpid()}"
    tried: list[str] = []
    for command in _compilers(architecture):
        libc_free = _WITHOUT_LIBC if architecture in _FREESTANDING else ()
        problem = _compile([*command, *_FLAGS, *libc_free, "-o", str(made), str(_SOURCE)])
        problem = problem or _try(made, architecture)
        if problem is None:
            made.chmod(0o755)
            made.replace(target)  # at once: another thread may be about to do the same
            return target
        made.unlink(missing_ok=True)
        tried.append(f"  {shlex.join(command)}: {problem}")
    raise HarnessError(
        f"no C compiler here makes a static Linux program for {architecture}, which level PROCESS "
        "needs as the container's first process. Install gcc or clang, or `pip install ziglang`, "
        "or use --level CREATE." + "".join(f"\n{line}" for line in tried)
    )


def _compilers(architecture: str) -> Iterator[list[str]]:
    """The commands that may be a compiler for it, the likeliest first."""
    gnu, zig = _TARGETS[architecture]
    if sys.platform == "linux" and architecture == machine_architecture():
        given = shlex.split(os.environ.get("CC", ""))
        if given:
            yield given
        for name in ("cc", "gcc", "clang"):
            if shutil.which(name):
                yield [name]
    if shutil.which(f"{gnu}-gcc"):
        yield [f"{gnu}-gcc"]
    if shutil.which("clang") and shutil.which("ld.lld") and architecture in _FREESTANDING:
        yield ["clang", f"--target={gnu}", "-fuse-ld=lld"]
    if importlib.util.find_spec("ziglang"):
        yield [sys.executable, "-m", "ziglang", "cc", "-target", zig]
    elif shutil.which("zig"):
        yield ["zig", "cc", "-target", zig]


def _compile(command: list[str]) -> str | None:
    """What the compiler complains about; None when it made the program."""
    try:
        done = subprocess.run(  # noqa: S603  # the user's own compiler
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMPILE_SECONDS,
            check=False,
        )
    except OSError as error:
        return error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return f"not done after {_COMPILE_SECONDS} s"
    if done.returncode == 0:
        return None
    words = done.stderr.decode(errors="replace").strip().splitlines()
    return words[0] if words else f"exit code {done.returncode}"


def _try(program: Path, architecture: str) -> str | None:
    """Whether the program does its job, where that can be tried: a compiler may come without a libc."""
    if sys.platform != "linux" or architecture != machine_architecture():
        return None
    program.chmod(0o755)
    words = ["", "b\udcff\n"]
    try:
        done = subprocess.run(  # noqa: S603  # just compiled
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"what it makes does not run: {error}"
    report = read(done.stdout)
    if report is None or report.argv != (str(program), *words):
        return "what it makes does not report its words"
    return None


_HEAD = re.compile(rb"entrysem-probe 1\npid ([0-9]+)\nargv ([0-9]+)\n")
_END = re.compile(rb"(?:init ([0-9a-f]*)\n)?end ([0-9]+)\n")


def read(output: bytes) -> Report | None:
    """The report in what a container printed; None when it is not there, or not all of it (yet)."""
    try:
        return _read(output.replace(b"\r\n", b"\n"))  # a terminal may stand in between
    except ValueError:
        return None  # no hex: something else has printed in the middle


def _read(output: bytes) -> Report | None:
    head = _HEAD.search(output)
    if head is None:
        return None
    place = head.end()
    argv: list[str] = []
    for _ in range(int(head[2])):
        stop = output.find(b"\n", place)
        if stop < 0:
            return None
        argv.append(_word(output[place:stop]))
        place = stop + 1
    end = _END.match(output, place)
    if end is None or int(end[2]) != end.start(2) - len(b"end ") - head.start():
        return None
    init = None
    if end[1] is not None:
        init = tuple(_word(end[1]).split("\0")[:-1])  # each word ends with a null byte
    return Report(tuple(argv), int(head[1]), init)


def _word(line: bytes) -> str:
    return bytes.fromhex(line.decode("ascii")).decode(errors="surrogateescape")
