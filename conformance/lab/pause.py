"""A static program that does nothing until it is killed, made without a compiler.

Kubernetes' runtimes want a "pause" image that holds a pod's namespaces, and there is no registry to
take one from; the lab's own tests use it as the process of a container that stays.
"""

from __future__ import annotations

import platform
import struct
from pathlib import Path

from conformance.lab.errors import LabError

__all__ = ["program", "write"]

_BASE = 0x400000
_HEADERS = 64 + 56
#: `uname -m` -> the machine of an ELF file, and a loop around pause(2), or ppoll(2) without anything.
_CODE = {
    "x86_64": (62, bytes.fromhex("b822000000 0f05 ebf7")),
    "aarch64": (
        183,
        struct.pack(
            "<7I",
            *(0xD2800000 | register for register in range(4)),
            0xD2800928,  # mov x8, #73
            0xD4000001,  # svc #0
            0x17FFFFFA,  # and again
        ),
    ),
}


def program(machine: str = "") -> bytes:
    """The executable for a machine as `uname -m` names it; for this one by default.

    Raises:
        LabError: there is none for it.
    """
    machine = machine or platform.machine()
    if machine not in _CODE:
        raise LabError(f"no pause program for {machine}; there is one for {', '.join(_CODE)}")
    number, code = _CODE[machine]
    size = _HEADERS + len(code)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", ident, 2, number, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + code


def write(path: Path) -> Path:
    """Writes the program for this machine, executable; the path."""
    path.write_bytes(program())
    path.chmod(0o755)
    return path
