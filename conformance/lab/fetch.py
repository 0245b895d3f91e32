"""Debian packages unpacked into a tree a suite, without touching the machine's own packages.

apt works on lists, a cache and an empty package status of its own, downloads the packages and what
they depend on, and every .deb is unpacked over the others: no maintainer script runs, nothing is
installed. The machine's apt settings count (a proxy, credentials), but not its hooks, which would act
on the machine.

A tree is made beside its place and renamed when it is whole, so that there is never half a tree. A
stamp in it says what it was made from; a tree with another stamp is made anew.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import BoundedSemaphore

from conformance.lab.catalogue import packages
from conformance.lab.errors import LabError
from conformance.lab.machine import environment
from conformance.lab.places import Places, write_atomically
from conformance.lab.sources import Source, archive

__all__ = [
    "apt_conf",
    "download",
    "fetch",
    "is_fetched",
    "run",
    "source_stanza",
    "stamp",
    "sweep_parts",
]

STAMP = ".entrysem-lab.json"
#: Changes when trees are to be made anew although the package lists are the same.
_REVISION = 1
_KEYRINGS = tuple(
    Path("/usr/share/keyrings") / f"debian-archive-keyring.{kind}" for kind in ("pgp", "gpg")
)
#: Unpacking keeps a core busy; downloading does not.
_UNPACKING = BoundedSemaphore(2)


def stamp(suite: str, architecture: str) -> dict[str, object]:
    """What a tree is made from."""
    return {
        "revision": _REVISION,
        "suite": suite,
        "architecture": architecture,
        "packages": sorted(packages(suite)),
    }


def is_fetched(places: Places, suite: str) -> bool:
    """Whether the tree is there and made from what it would be made from today."""
    try:
        found = json.loads((places.tree(suite) / STAMP).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found == stamp(suite, _architecture())


def fetch(places: Places, suite: str) -> None:
    """Makes the tree of a suite. The caller holds the lab's lock.

    Raises:
        LabError: the packages cannot be had.
    """
    part = places.cache / f"{suite}.part"
    shutil.rmtree(part, ignore_errors=True)
    debs = download(part / "apt", suite, packages(suite))
    tree = part / "tree"
    with _UNPACKING:
        _unpack(debs, tree)
    shutil.rmtree(part / "apt")
    text = json.dumps(stamp(suite, _architecture()), indent=1)
    write_atomically(tree / STAMP, text + "\n")
    shutil.rmtree(places.tree(suite), ignore_errors=True)
    tree.rename(places.tree(suite))
    part.rmdir()


def sweep_parts(places: Places) -> None:
    """Removes what an interrupted `fetch` left. The caller holds the lab's lock."""
    for part in places.cache.glob("*.part"):
        shutil.rmtree(part, ignore_errors=True)


def _architecture() -> str:
    return run("dpkg", "--print-architecture").strip()


def apt_conf(folder: Path, architecture: str) -> str:
    """Settings that keep apt within a folder; they are read after the machine's own."""
    cleared = (
        "APT::Update::Pre-Invoke",
        "APT::Update::Post-Invoke",
        "APT::Update::Post-Invoke-Success",
        "DPkg::Pre-Install-Pkgs",
        "DPkg::Pre-Invoke",
        "DPkg::Post-Invoke",
        "APT::Architectures",
        "APT::Default-Release",
    )
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": f"{folder}/sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": f"{folder}/state",
        "Dir::State::lists": f"{folder}/state/lists",
        "Dir::State::status": f"{folder}/state/status",
        "Dir::State::extended_states": f"{folder}/state/extended_states",
        "Dir::Cache": f"{folder}/cache",
        "Dir::Cache::archives": f"{folder}/cache/archives",
        "Dir::Log": f"{folder}/log",
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",  # the folder may be one that nobody else can enter
        "APT::Get::Assume-Yes": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    lines = [f"#clear {name};" for name in cleared]
    lines += [f'{name} "{value}";' for name, value in settings.items()]
    return "\n".join(lines) + "\n"


def source_stanza(source: Source, suite: str, architecture: str, keyrings: tuple[Path, ...]) -> str:
    """The deb822 source of a suite on the same mirror.

    The machine's entry may name the keys of its own release only, so Debian's keyring of all releases
    goes beside them.
    """
    signed = source.options.get("Signed-By", "")
    if "BEGIN PGP" not in signed:
        names = [*signed.replace(",", " ").split(), *(str(path) for path in keyrings)]
        signed = " ".join(dict.fromkeys(names))
    fields: Mapping[str, str] = {
        "Types": "deb",
        "URIs": source.uri,
        "Suites": suite,
        "Components": "main",
        "Architectures": architecture,
        "Targets": "Packages",
        "Signed-By": signed,
        "Trusted": source.options.get("Trusted", ""),
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def download(folder: Path, suite: str, names: Sequence[str]) -> list[Path]:
    """Downloads packages of a suite and what they depend on into an empty folder: the .deb files.

    Raises:
        LabError: they cannot be had.
    """
    for name in ("sources", "state/lists/partial", "cache/archives/partial", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "state/status").touch()
    architecture = _architecture()
    keyring = [path for path in _KEYRINGS if path.is_file()][:1]
    stanza = source_stanza(archive(), suite, architecture, tuple(keyring))
    (folder / "sources" / "lab.sources").write_text(stanza, encoding="utf-8")
    conf = folder / "apt.conf"
    conf.write_text(apt_conf(folder, architecture), encoding="utf-8")
    run("apt-get", "-qq", "-c", str(conf), "update")
    run("apt-get", "-qq", "-c", str(conf), "--download-only", "install", *names)
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def _unpack(debs: list[Path], tree: Path) -> None:
    # The packages of some suites bring /bin and the like as folders: with the links made first and
    # kept, their contents come to lie in /usr, as on an installed system.
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for deb in debs:
        with subprocess.Popen(
            _owned("dpkg-deb", "--fsys-tarfile", str(deb)),
            stdout=subprocess.PIPE,
            env=environment(),
        ) as tarfile:
            unpacking = subprocess.run(
                _owned("tar", "-x", "--keep-directory-symlink", "-C", str(tree)),
                stdin=tarfile.stdout,
                capture_output=True,
                env=environment(),
                check=False,
            )
        if unpacking.returncode or tarfile.returncode:
            message = unpacking.stderr.decode(errors="replace").strip()
            raise LabError(f"{deb.name} cannot be unpacked into {tree}: {message}")
    for name in ("proc", "sys", "dev", "run", "tmp", "root", "etc", "var", "mnt"):
        (tree / name).mkdir(exist_ok=True)
    run("ldconfig", "-r", str(tree))


def _owned(*command: str) -> list[str]:
    """A command that does not outlive this process, even when that is killed."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *command]


def run(*command: str) -> str:
    """What a command of the machine prints.

    Raises:
        LabError: it fails; with its words.
    """
    done = subprocess.run(
        _owned(*command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip()
        raise LabError(f"{' '.join(command[:6])} ... failed with {done.returncode}:\n{words}")
    return done.stdout
