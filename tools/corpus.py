"""Fetches the corpus: more than 1,000 Dockerfiles that people wrote, out of published archives.

    python tools/corpus.py TARGET [--cache DIR]

The manifest `corpus.json`, beside this file, names each archive with its sha256: wheels, which pip
downloads, and upstream source archives of Debian, which apt's helper downloads. Where the registries
are is pip's and apt's own setting. Nothing of a package is run or installed.

From each archive come the regular files that have a Dockerfile's name and a FROM, and are no template
of another language. Equal contents count once. TARGET is replaced as a whole, and ends with a stamp
of the manifest and the count; when that still fits, the next call ends at once without the network.
Exit 0 with 1,000 files or more, else 1 and the reasons.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email import message_from_string
from pathlib import Path, PurePosixPath
from typing import NamedTuple

MANIFEST = Path(__file__).with_name("corpus.json")
CACHE = Path(__file__).parent.parent / ".cache" / "archives"
STAMP = ".complete"
#: Fewer files than this are no corpus.
MINIMUM = 1000
#: In bytes: a larger file is no Dockerfile; a larger archive, unpacked, is none of ours.
MAX_FILE, MAX_ARCHIVE = 256 * 1024, 4 * 1024**3
#: An archive that could not be had is asked for again after so many seconds.
RETRY = 24 * 3600

_NAME = re.compile(
    r"(?:^|/)(?![^/]*\.(?i:pyc?|j2|jinja2?|md|rst|json|tmpl|tpl|template|m4|in|erb|ejs|mustache|[jt]s"
    r"|svg|ya?ml|go|sh|patch|dockerignore|txt)\Z)"
    r"(?:Dockerfile[^/]*|[^/]*\.[Dd]ockerfile|Containerfile[^/]*)\Z"
)
_FROM = re.compile(rb"^[ \t]*FROM[ \t]+\S", re.IGNORECASE | re.MULTILINE)
_NO_TEXT = re.compile(  # of a Dockerfile, but of a binary or a template
    rb"\0|^[ \t]*(?:\{%|<%|%YAML|#set\(|\{\{)|^\s*FROM[^\n]*(?:\{\{|\{%|<%|@\w+@)",
    re.IGNORECASE | re.MULTILINE,
)
_SUITES = frozenset("bullseye bookworm trixie forky sid oldstable stable testing unstable".split())
_ONE_LINE = re.compile(
    r"^deb(?:-src)?[ \t]+(?:\[([^\]]*)\][ \t]+)?(\S+)[ \t]+(\S+)[ \t]+(.*)$", re.MULTILINE
)
_KEYRING = "/usr/share/keyrings/debian-archive-keyring"


class Archive(NamedTuple):
    """One entry of the manifest. `suite` is the Debian release, empty for a wheel."""

    registry: str
    name: str
    version: str
    filename: str
    sha256: str
    size: int
    license: str
    suite: str = ""


def main(arguments: Sequence[str]) -> int:
    """Fetches and unpacks; prints the summary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=Path)
    parser.add_argument("--cache", type=Path, default=CACHE, help="keep the archives here")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    manifest = MANIFEST.read_bytes()
    archives = [Archive(**entry) for entry in json.loads(manifest)]
    fingerprint = hashlib.sha256(manifest).hexdigest()
    target: Path = options.target
    cache: Path = options.cache.absolute()
    problems: list[str] = []
    count = _complete(target, fingerprint)
    if count is None:
        if target.exists() and any(target.iterdir()) and not (target / STAMP).is_file():
            print(f"error: {target} is not empty and no corpus", file=sys.stderr)
            return 1
        cache.mkdir(parents=True, exist_ok=True)
        problems = fetch(archives, cache)
        count = _unpack_all(archives, cache, target, fingerprint, problems)
    for problem in problems:
        print(f"{'warning' if count >= MINIMUM else 'error'}: {problem}", file=sys.stderr)
    seconds = time.monotonic() - start
    print(f"corpus: {count} real Dockerfiles from {len(archives)} archives, {seconds:.1f} s")
    return 0 if count >= MINIMUM else 1


def _complete(target: Path, fingerprint: str) -> int | None:
    """How many files TARGET has, or None when it must be made."""
    try:
        stamp = json.loads((target / STAMP).read_text())
    except (OSError, ValueError):
        return None
    count = sum(1 for path in target.rglob("*") if path.is_file() and path.name != STAMP)
    if stamp["manifest"] != fingerprint or stamp["files"] != count or count < MINIMUM:
        return None
    return count if not stamp["missing"] or time.time() < stamp["time"] + RETRY else None


def _unpack_all(
    archives: Sequence[Archive], cache: Path, target: Path, fingerprint: str, problems: list[str]
) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".corpus-") as temporary:
        fresh = Path(temporary, "corpus")
        fresh.mkdir()
        seen: set[str] = set()
        there = [archive for archive in archives if _is_whole(cache / archive.filename, archive)]
        for archive in there:
            try:
                for name, data in dockerfiles(cache / archive.filename):
                    _keep(fresh / archive.filename, name, data, seen)
            except (OSError, ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
                problems.append(f"{archive.filename}: {error}")
        stamp = {"manifest": fingerprint, "files": len(seen), "time": time.time()}
        stamp["missing"] = len(archives) - len(there)
        (fresh / STAMP).write_text(json.dumps(stamp) + "\n")
        if len(seen) >= MINIMUM or not (target / STAMP).exists():
            if target.exists():
                shutil.rmtree(target)
            fresh.rename(target)
    return len(seen)


def dockerfiles(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each Dockerfile in an archive; ValueError when that is a bomb."""
    for name, data in _zip_members(path) if path.suffix == ".whl" else _tar_members(path):
        if len(data) <= MAX_FILE and _FROM.search(data) and not _NO_TEXT.search(data):
            yield name, data


def _zip_members(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if _NAME.search(member.filename):
                with archive.open(member) as file:
                    yield member.filename, file.read(MAX_FILE + 1)


def _tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    left = MAX_ARCHIVE
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            left -= member.size
            if left < 0:
                raise ValueError("too large when unpacked")
            if member.isreg() and _NAME.search(member.name):
                file = archive.extractfile(member)
                yield member.name, file.read(MAX_FILE + 1) if file else b""


def _keep(folder: Path, name: str, data: bytes, seen: set[str]) -> None:
    """Writes a content that is new, under a path that cannot leave `folder`."""
    digest = hashlib.sha256(data).hexdigest()
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != "/"]
    if digest in seen or any(part == ".." or ":" in part or len(part) > 200 for part in parts):
        return
    path = folder.joinpath(*parts)
    with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        seen.add(digest)


def _is_whole(path: Path, archive: Archive) -> bool:
    if not path.is_file() or path.stat().st_size != archive.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == archive.sha256


def fetch(archives: Sequence[Archive], cache: Path) -> list[str]:
    """Downloads what `cache` has not yet; the sentences say what could not be had, and why."""
    wanted = [archive for archive in archives if not _is_whole(cache / archive.filename, archive)]
    for archive in wanted:
        (cache / archive.filename).unlink(missing_ok=True)
    wheels = [archive for archive in wanted if archive.registry == "pypi"]
    sources = [archive for archive in wanted if archive.registry == "debian"]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(_from_pypi, wheels, cache), pool.submit(_from_debian, sources, cache)]
        return [problem for half in both for problem in half.result()]


def _from_pypi(archives: Sequence[Archive], cache: Path) -> list[str]:
    options = "--no-deps --only-binary :all: --require-hashes --ignore-requires-python --no-input"
    command = [sys.executable, "-m", "pip", "download", *options.split(), "--quiet"]
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requirements.txt")
        for item in archives:
            wanted.write_text(f"{item.name}=={item.version} --hash=sha256:{item.sha256}\n")
            places = ["--dest", str(cache), "--requirement", str(wanted)]
            problems += _failure(item.filename, [*command, *places])
    return problems


def _from_debian(archives: Sequence[Archive], cache: Path) -> list[str]:
    """Through an apt of its own: this machine's mirror and keys, other suites, other lists."""
    if not archives:
        return []
    helper = "/usr/lib/apt/apt-helper"
    mirror = debian_mirror(Path("/etc/apt"))
    if mirror is None or not Path(helper).exists():
        return ["Debian's archives: no apt here, or no Debian mirror in its settings"]
    with tempfile.TemporaryDirectory() as temporary:
        options = _apt_options(Path(temporary), *mirror, {archive.suite for archive in archives})
        problems = _failure("apt-get update", ["apt-get", *options, "-qq", "update"])
        ask = ["apt-cache", *options, "showsrc", *{archive.name for archive in archives}]
        shown = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
        # Found by name and sha256, so that a new Debian revision of the same upstream is no change.
        folders = {
            (name, digest): folder
            for paragraph in shown.split("\n\n")
            for folder in re.findall(r"^Directory: (\S+)", paragraph, re.MULTILINE)
            for digest, name in re.findall(r"^ ([0-9a-f]{64}) \d+ (\S+)$", paragraph, re.MULTILINE)
        }

        def one(archive: Archive) -> list[str]:
            folder = folders.get((archive.filename, archive.sha256))
            if folder is None:
                return [f"{archive.filename}: no longer in Debian's {archive.suite}"]
            source = f"{mirror[0].rstrip('/')}/{folder}/{archive.filename}"
            place = str(cache / archive.filename)
            command = [helper, *options, "download-file", source, place, f"SHA256:{archive.sha256}"]
            return _failure(archive.filename, command)

        with ThreadPoolExecutor(4) as pool:
            return sum(pool.map(one, archives), problems)


def _apt_options(folder: Path, mirror: str, key: str, suites: set[str]) -> list[str]:
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "cache/archives/partial").mkdir(parents=True)
    (folder / "corpus.sources").write_text(
        f"Types: deb-src\nURIs: {mirror}\nSuites: {' '.join(sorted(suites))}\nComponents: main\n"
        + (f"Signed-By: {key}\n" if key else "")
    )
    settings = (
        f"Dir::Etc::sourcelist={folder}/corpus.sources Dir::Etc::sourceparts=/dev/null "
        f"Dir::State::lists={folder}/lists Dir::Cache={folder}/cache Acquire::Languages=none "
        + ("APT::Sandbox::User=root" if os.geteuid() == 0 else "")
    )
    return [word for setting in settings.split() for word in ("-o", setting)]


def debian_mirror(folder: Path) -> tuple[str, str] | None:
    """The address of the Debian mirror in apt's settings, and its keyring; one-line and deb822."""
    for file in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if not file.is_file() or file.suffix not in (".list", ".sources"):
            continue
        text = re.sub(r"^[ \t]*#.*\n?", "", file.read_text(errors="replace"), flags=re.MULTILINE)
        for address, key, suites, components in _sources(text, file.suffix):
            if _SUITES.isdisjoint(suites.split()) or "main" not in components.split():
                continue
            listed = address.removeprefix("mirror+file:")  # the cloud images' way
            mirror = address if listed == address else Path(listed).read_text().split()[0]
            rings = [key, f"{_KEYRING}.pgp", f"{_KEYRING}.gpg"]
            return mirror, next((ring for ring in rings if Path(ring).is_file()), "")
    return None


def _sources(text: str, suffix: str) -> Iterator[tuple[str, str, str, str]]:
    """Address, keyring, suites and components of each source."""
    if suffix == ".list":
        for options, address, suite, components in _ONE_LINE.findall(text):
            yield address, options.partition("signed-by=")[2].partition(" ")[0], suite, components
        return
    for stanza in re.split(r"\n\s*\n", text):
        fields = message_from_string(stanza.strip())
        rest = [str(fields.get(name, "")) for name in ("Signed-By", "Suites", "Components")]
        for address in str(fields.get("URIs", "")).split():
            yield address, rest[0], rest[1], rest[2]


def _failure(what: str, command: Sequence[str]) -> list[str]:
    """Runs the command: what failed. Addresses are not repeated, for they may hold secrets."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = re.sub(r"\b\w+://\S+/", "", done.stderr.strip()[-300:])
    return [f"{what}: {' '.join(said.split())}"] if done.returncode else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
