"""The process that keeps a suite's namespaces open. It is run as a program of its own.

    python -I holder.py DESCRIPTOR < JSON

It enters the suite's control group, leaves the machine's mounts, network and view of control groups,
makes a new root from the unpacked tree, and becomes `sleep`. On DESCRIPTOR it writes its process id, or
what went wrong; when nobody reads it any more, it ends. In the new root:

* a tmpfs that vanishes with the namespace; in it the tree's /usr, read-only, so that the cache stays
  as it was unpacked, a copy of its /etc, and everything else empty;
* the suite's data folder at the very path that it has outside;
* a /dev of its own;
* /proc and /sys of the machine, without /sys/kernel/security, so that no engine loads AppArmor
  profiles into the machine's kernel;
* control groups from the suite's group down;
* a network that has only a loopback: engines cannot make bridges or firewall rules on the machine,
  and an image that is not there is reported as such at once.

Everything is done with calls of the C library, because the shell's way, `unshare` and `mount`, reports
a failure without saying of what.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import sys
from pathlib import Path
from typing import Any

# From the kernel's sched.h, mount.h and the tables of system calls.
_CLONE_NEWNS, _CLONE_NEWCGROUP = 0x00020000, 0x02000000
_CLONE_NEWIPC, _CLONE_NEWNET = 0x08000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _REC, _PRIVATE = 1 << 12, 1 << 14, 1 << 18
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "i686": 217, "armv7l": 218, "ppc64le": 203, "s390x": 217}
_PIVOT_ROOT_ELSEWHERE = 41  # the architectures since aarch64 share one table
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

_libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    _call(
        f"mount {kind or source} on {target}",
        _libc.mount(
            source.encode(), bytes(target), kind.encode(), ctypes.c_ulong(flags), data.encode()
        ),
    )


def _bind(source: Path, target: Path, *, recursive: bool = False) -> None:
    _mount(str(source), target, flags=_BIND | (_REC if recursive else 0))


def _tmpfs(target: Path, mode: str = "755") -> None:
    _mount("tmpfs", target, "tmpfs", _NOSUID, f"mode={mode}")


def _unshare(what: str, flags: int) -> None:
    _call(f"unshare {what}", _libc.unshare(flags))


def _enter(files: list[str]) -> None:
    for name in files:
        Path(name).write_text("0", encoding="ascii")  # 0: who writes


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        # struct ifreq: a name, and IFF_UP in the flags; SIOCSIFFLAGS
        fcntl.ioctl(control, 0x8914, struct.pack("16sh22x", b"lo", 1))


def _etc(tree: Path, root: Path, files: dict[str, str]) -> None:
    shutil.copytree(tree / "etc", root / "etc", symlinks=True)
    for name, text in files.items():
        path = root / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="utf-8")


def _dev(root: Path) -> None:
    dev = root / "dev"
    _tmpfs(dev)
    for name in _DEVICES:
        (dev / name).touch()
        _bind(Path("/dev", name), dev / name)
    for name, mode in (("pts", "755"), ("shm", "1777"), ("mqueue", "755")):
        (dev / name).mkdir(mode=int(mode, 8))
    _mount("devpts", dev / "pts", "devpts", _NOSUID | _NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    _tmpfs(dev / "shm", "1777")
    _mount("mqueue", dev / "mqueue", "mqueue", _NOSUID | _NODEV | _NOEXEC)
    links = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd"}
    links |= {"stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
    for name, target in links.items():
        (dev / name).symlink_to(target)


def _cgroups(root: Path, hierarchies: list[dict[str, str]]) -> None:
    folder = root / "sys/fs/cgroup"
    if not hierarchies:
        return
    if not hierarchies[0]["options"]:
        _mount("cgroup2", folder, "cgroup2", _NOSUID | _NODEV | _NOEXEC)
        return
    _tmpfs(folder)
    for hierarchy in hierarchies:
        options = hierarchy["options"]
        name = options.partition("name=")[2] or options
        (folder / name).mkdir()
        _mount("cgroup", folder / name, "cgroup", _NOSUID | _NODEV | _NOEXEC, options)
        if "," in name:
            for controller in name.split(","):
                (folder / controller).symlink_to(name)


def _to_real_root() -> None:
    """Makes the namespace's root ours: in a chroot our root is a mere folder, and only a mount can be
    made private or be replaced. To enter the namespace that one is in already does that.
    """
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    _call("setns", _libc.setns(own, _CLONE_NEWNS))


def _keep_mounts_private() -> None:
    """What is mounted from here on is seen by nobody else; the root stays what it was."""
    root = os.open("/", os.O_RDONLY)
    _to_real_root()
    _mount("none", Path("/"), flags=_REC | _PRIVATE)
    os.fchdir(root)
    os.chroot(".")
    os.chdir("/")


def _new_root(plan: dict[str, Any]) -> None:
    tree, data, root = Path(plan["tree"]), Path(plan["data"]), Path(plan["staging"])
    _keep_mounts_private()
    _mount("tmpfs", root, "tmpfs", 0, "mode=755")
    for path in tree.iterdir():
        if path.is_symlink():
            (root / path.name).symlink_to(path.readlink())
    for name in ("usr", "opt"):
        if (tree / name).is_dir():
            (root / name).mkdir()
            _bind(tree / name, root / name)
            _mount("none", root / name, flags=_REMOUNT | _BIND | _RDONLY)
    folders = {"root": "700", "tmp": "1777", "run/lock": "755", "var/lib": "755", "var/log": "755"}
    folders |= {"var/cache": "755", "var/tmp": "1777", "proc": "555", "sys": "555", "dev": "755"}
    for name, mode in folders.items():
        (root / name).mkdir(parents=True)
        (root / name).chmod(int(mode, 8))
    (root / "var/run").symlink_to("/run")
    _etc(tree, root, plan["etc"])
    _bind(Path("/proc"), root / "proc", recursive=True)
    _bind(Path("/sys"), root / "sys")
    _cgroups(root, plan["hierarchies"])
    _dev(root)
    inside = root / data.relative_to("/")
    inside.mkdir(parents=True, exist_ok=True)
    _bind(data, inside)
    _enter_root(root)


def _enter_root(root: Path) -> None:
    """Makes a folder the root, and lets go of everything that was mounted on the machine."""
    new = os.open(root, os.O_RDONLY)
    _to_real_root()
    os.fchdir(new)
    number = _PIVOT_ROOT.get(os.uname().machine, _PIVOT_ROOT_ELSEWHERE)
    _call("pivot_root", _libc.syscall(ctypes.c_long(number), b".", b"."))
    # The old root now lies on the new one.
    _call("umount of the old root", _libc.umount2(b".", _DETACH))
    os.chdir("/")


def main() -> None:
    """Becomes the holder, or says why it cannot."""
    descriptor = int(sys.argv[1])
    os.set_inheritable(descriptor, False)
    try:
        plan = json.load(sys.stdin)
        _enter(plan["enter"])
        _unshare("control groups", _CLONE_NEWCGROUP)
        _enter(plan["leaf"])
        _unshare("mounts, network, IPC", _CLONE_NEWNS | _CLONE_NEWNET | _CLONE_NEWIPC)
        _loopback_up()
        _new_root(plan)
        os.write(descriptor, str(os.getpid()).encode())
        os.execv("/usr/bin/sleep", [plan["name"], "infinity"])  # noqa: S606
    except (OSError, ValueError, KeyError) as error:
        os.write(descriptor, str(error).encode())
        sys.exit(1)


if __name__ == "__main__":
    main()
