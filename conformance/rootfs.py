"""The files of an image with real shells, from Debian's packages.

The shells are those that the table in `spec/shell.md` was measured on (Debian bookworm's dash, bash and
busybox ash) and further ones to compare with. Those of Debian that are static are; dash and mksh bring
their C library along. The packages are downloaded with apt settings of their own, as the lab does, and
unpacked; nothing is installed.

Beside them stands `P`, the program of the scripts: it tells who it is and then waits for SIGTERM
(`waiter.c`), and the same under the names that the lecture's table and claims use.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.lab.errors import LabError
from conformance.lab.fetch import download, run
from conformance.lab.places import Places

__all__ = ["PROGRAMS", "SHELLS", "Shell", "archive_of", "rootfs", "versions"]

#: The release whose shells `entrysem.shell` was measured on.
SUITE = "bookworm"


@dataclass(frozen=True, slots=True)
class Shell:
    """One shell of the image.

    Attributes:
        name: how it is called in argv: `/bin/NAME`.
        package: the Debian package.
        files: path in the package -> path in the image.
        command: the words that start it, before `-c`.
    """

    name: str
    package: str
    files: Mapping[str, str]
    command: tuple[str, ...]


SHELLS: tuple[Shell, ...] = (
    Shell("dash", "dash", {"bin/dash": "bin/dash"}, ("/bin/dash",)),
    Shell("bash", "bash-static", {"bin/bash-static": "bin/bash"}, ("/bin/bash",)),
    Shell("ash", "busybox-static", {"bin/busybox": "bin/busybox"}, ("/bin/ash",)),
    Shell("busybox sh", "busybox-static", {"bin/busybox": "bin/busybox"}, ("/bin/busybox", "sh")),
    Shell("zsh", "zsh-static", {"bin/zsh-static": "bin/zsh"}, ("/bin/zsh",)),
    Shell("mksh", "mksh", {"bin/mksh": "bin/mksh"}, ("/bin/mksh",)),
    Shell("sash", "sash", {"bin/sash": "bin/sash"}, ("/bin/sash",)),
)
#: The waiter's names; the first is its own.
PROGRAMS = (
    *("P", "Q", "exec_entry", "exec_cmd", "p1_cmd"),
    *("a", "c", "e", "f", "x", "curl", "nginx", "-s", "f g"),
)
_LIBRARIES = ("libc6",)
_SOURCE = Path(__file__).with_name("waiter.c")


def rootfs(places: Places) -> Path:
    """The folder with the image's files; made once.

    Raises:
        LabError: the packages cannot be had, or there is no compiler.
    """
    folder = places.cache / "shells"
    done = folder / ".done"
    wanted = "\n".join(
        [SUITE, *(shell.package for shell in SHELLS), *PROGRAMS, _SOURCE.read_text("utf-8")]
    )
    if done.is_file() and done.read_text("utf-8") == wanted:
        return folder / "root"
    shutil.rmtree(folder, ignore_errors=True)
    packages = _unpacked(folder)
    root = folder / "root"
    for name in ("bin", "lib64", "lib", "dev", "proc", "sys", "tmp", "etc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for shell in SHELLS:
        for source, target in shell.files.items():
            shutil.copy2(packages / source, root / target)
    (root / "bin/ash").unlink(missing_ok=True)
    (root / "bin/ash").hardlink_to(root / "bin/busybox")
    _copy_libraries(packages, root)
    _compile(root / "bin/P")
    for name in PROGRAMS[1:]:
        (root / "bin" / name).hardlink_to(root / "bin/P")
    done.write_text(wanted, encoding="utf-8")
    return root


def versions(places: Places) -> dict[str, str]:
    """Package -> version."""
    debs = (places.cache / "shells" / "cache" / "archives").glob("*.deb")
    fields = [run("dpkg-deb", "-f", str(deb), "Package", "Version") for deb in debs]
    pairs = [
        dict(line.split(": ", 1) for line in text.splitlines() if ": " in line) for text in fields
    ]
    return {pair["Package"]: pair["Version"] for pair in pairs}


def archive_of(root: Path, dockerfile: str, sh: str) -> bytes:
    """A build context: the Dockerfile and the files, with `/bin/sh` as one of the shells."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        data = dockerfile.encode()
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
        tar.add(root, arcname="root")
        link = tarfile.TarInfo("root/bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, sh
        tar.addfile(link)
    return output.getvalue()


def _unpacked(folder: Path) -> Path:
    names = sorted({shell.package for shell in SHELLS} | set(_LIBRARIES))
    unpacked = folder / "packages"
    for deb in download(folder, SUITE, names):
        if deb.name.partition("_")[0] in names:
            run("dpkg-deb", "-x", str(deb), str(unpacked))
        else:
            deb.unlink()
    return unpacked


def _copy_libraries(packages: Path, root: Path) -> None:
    """The C library and its loader, which dash and mksh are linked to."""
    libraries = sorted(packages.rglob("lib/*-linux-gnu/libc.so.6"))
    loaders = sorted(packages.rglob("lib/*-linux-gnu/ld-linux*.so.*"))
    if not loaders or not libraries:
        raise LabError("the package libc6 holds no C library where it was looked for")
    target = root / "lib" / libraries[0].parent.name
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(libraries[0], target / "libc.so.6")
    for loader in loaders:
        for folder in (
            root / "lib64",
            root / "lib",
        ):  # where programs of either architecture ask for it
            shutil.copy2(loader, folder / loader.name)


def _compile(target: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        raise LabError("no C compiler: install gcc and libc6-dev, the waiter program is compiled")
    run(compiler, "-Os", "-s", "-static", "-Wall", "-o", str(target), str(_SOURCE))
