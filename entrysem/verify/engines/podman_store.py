"""One store of podman's: images are built in it, and containers made and started.

How argv is seen. `podman create` decides it: inspecting the container shows `Path` and `Args`, except
that podman prints a one-word argv as Path P, Args [P], just like P P. Such a container is prepared
(`init`), whereupon podman writes the `config.json` for the OCI runtime, whose `process.args` is argv
itself. Whether the runtime then finds the program does not matter; the file is there.

How a process sees it. The probe is put into the created container at the place where its first word
is looked for (which works through a remote service too, where a bind mount would not), and
`podman start --attach` hands its output through byte for byte, which `podman logs` does not in 3.0.
With `--init` the first process is podman's own, which starts the probe; the probe reads the words of
process 1 as well. A start takes half a second, so a process is observed once for each distinct
(configuration of the container, argv that its inspection shows, init) of a session (`Starts`); the way
from image and options to that argv is looked at for each run.

What is typed goes through the real command line; lists are sent to the API. A list can be typed as well,
`--entrypoint '["a", "b"]'`, with the same outcome in a local podman; a remote one loses an empty list
on the way to its service.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from entrysem.verify import probe
from entrysem.verify.engines import LABEL, LIMITS
from entrysem.verify.engines.builder import StoreBuilder, clean, read_stored
from entrysem.verify.engines.images import config_of_archive, tar_of
from entrysem.verify.engines.libpod import Libpod, Service, decoded
from entrysem.verify.engines.process import Commands, TooLongError, text
from entrysem.verify.engines.slots import end_commands, remove_folder
from entrysem.verify.protocol import Config, HarnessError, Level, Run, RunObservation
from entrysem.versions import in_range, parse_version

__all__ = ["PodmanStore", "Starts", "place_of", "remove_store", "runroot_of"]

_LONGEST_RUNROOT = 50
_REMOVAL = 60.0  # seconds
#: Bytes of one name in a path; the kernel refuses longer ones, so that there is no such program.
_NAME_MAX = 255
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOT_TYPED = "an entrypoint as typed goes with arguments as typed, which cannot be an empty list"
_UNREADABLE = (
    "podman shows an argv of one word like one of the same word twice, and the file that "
    "tells the two apart cannot be read from here"
)


#: What of a container's configuration its process can notice.
_NOTICED = ("Entrypoint", "Cmd", "Env", "WorkingDir", "User")


class Starts:
    """What was observed of processes in this session, for runs that come to the same.

    Args:
        reuse: whether to remember anything at all.
    """

    def __init__(self, *, reuse: bool) -> None:
        self._reuse = reuse
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._seen: dict[str, RunObservation] = {}

    def once(self, key: str, start: Callable[[], RunObservation]) -> RunObservation:
        """What `start` gives, or gave for the same key.

        Raises:
            HarnessError: what `start` raises; nothing is remembered then.
        """
        if not self._reuse:
            return start()
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._seen:
                self._seen[key] = start()
            return self._seen[key]


class PodmanStore(StoreBuilder):
    """A private store with its service, or the user's own behind a service.

    Args:
        version: podman's.
        limits: whether memory and the number of processes can be limited.
        get_probe: compiles the probe, or says where it is.
        service: ours; None for a remote one.
        remote: the user's service; None when it is ours.
        starts: what all stores of the session have seen of processes.
    """

    def __init__(
        self,
        commands: Commands,
        prefix: Sequence[str],
        folder: Path,
        *,
        session: str,
        platform: str,
        version: str,
        limits: bool,
        get_probe: Callable[[], Path],
        service: Service | None,
        remote: Libpod | None,
        starts: Starts,
    ) -> None:
        super().__init__(commands, prefix, folder, session=session, platform=platform)
        self._new = in_range(parse_version(version), ">=4.0")
        self._limits = limits
        self._get_probe = get_probe
        self._service = service
        self._remote = remote
        self._starts = starts

    @property
    def _api(self) -> Libpod:
        if self._remote is not None:
            return self._remote
        assert self._service is not None
        return self._service.api()

    # Building.

    def build_command(self) -> list[str]:
        """Docker's format, which keeps SHELL and ONBUILD."""
        pull = "--pull=never" if self._new else "--pull-never"
        return [*self.prefix, "build", pull, "--no-cache", "--format", "docker"]

    def load_command(self, archive: Path) -> list[str]:
        """`podman load`."""
        return [*self.prefix, "load", "--quiet", "--input", str(archive)]

    def remove(self, image: str) -> None:
        """Removes an image; that it is gone already is no error."""
        self._api.call("DELETE", f"/images/{image}", query={"force": "true"})

    def find(self, tag: str) -> str:
        """The id of the image of this name."""
        answer = self._api.call("GET", f"/images/{tag}/json")
        if not answer.ok:
            raise HarnessError(f"podman built {tag} and does not have it: {answer.message}")
        return str(answer.json()["Id"]).removeprefix("sha256:")

    def stored(self, image: str) -> Config:
        """The blob in the store, or that of an export where the store cannot be read."""
        found = None if self._service is None else read_stored(self.folder / "root", image)
        if found is not None:
            return found
        answer = self._api.call("GET", f"/images/{image}/get", query={"format": "docker-archive"})
        if not answer.ok:
            raise HarnessError(f"image {image[:12]} cannot be exported: {answer.message}")
        return config_of_archive(answer.body)

    def has_foreign(self, image: str) -> bool:
        """Whether there is an image of this name that this session has not made."""
        answer = self._api.call("GET", f"/images/{image}/json")
        if not answer.ok:
            return False
        document = answer.json()
        labels = document.get("Labels") or (document.get("Config") or {}).get("Labels") or {}
        return bool(labels.get(LABEL) != self.session)

    # Running.

    def run(self, image: str, run: Run, level: Level) -> RunObservation:
        """Creates a container, and at level PROCESS starts it.

        Raises:
            HarnessError: podman is broken.
        """
        try:
            container = self._create(image, run)
        except TooLongError as error:
            return RunObservation(skipped=str(error), level=level)
        if isinstance(container, RunObservation):
            return container
        try:
            return self._seen(container, run, level)
        finally:
            query = {"force": "true", "v": "true"}
            self._api.call("DELETE", f"/containers/{container}", query=query)

    def _create(self, image: str, run: Run) -> str | RunObservation:
        if run.args == () and isinstance(run.entrypoint, str):
            return RunObservation(skipped=_NOT_TYPED)
        if run.args == () or isinstance(run.entrypoint, tuple):
            return self._create_by_api(image, run)
        command = [*self.prefix, "create", "--label", f"{LABEL}={self.session}"]
        command += ["--network", "none", "--cap-drop", "all", "--read-only"]
        if self._limits:
            command += ["--memory", str(LIMITS.memory), "--pids-limit", str(LIMITS.pids)]
        if run.init:
            command.append("--init")
        if isinstance(run.entrypoint, str):
            command += ["--entrypoint", run.entrypoint]
        done = self.commands.run([*command, image, *(run.args or ())])
        if done.code != 0:
            return _not_created(clean(text(done.stderr)))
        return text(done.stdout).splitlines()[-1].strip()

    def _create_by_api(self, image: str, run: Run) -> str | RunObservation:
        body: dict[str, Any] = {
            "image": image,
            "labels": {LABEL: self.session},
            "netns": {"nsmode": "none"},
            "cap_drop": ["all"],
            "read_only_filesystem": True,
        }
        if self._limits:
            limits = {"memory": {"limit": LIMITS.memory}, "pids": {"limit": LIMITS.pids}}
            body["resource_limits"] = limits
        if run.args is not None:
            body["command"] = list(run.args)
        if run.entrypoint is not None:
            body["entrypoint"] = list(run.entrypoint)
        if run.init:
            body["init"] = True
        answer = self._api.call("POST", "/containers/create", body=body)
        if not answer.ok:
            return _not_created(answer.message)
        return str(answer.json()["Id"])

    def _seen(self, container: str, run: Run, level: Level) -> RunObservation:
        document = self._inspected(container)
        shown = [document.get("Path") or "", *(document.get("Args") or ())]
        unclear = len(shown) == 2 and shown[0] == shown[1]
        # No process can be given a NUL: what was decided at the creation is all there is.
        if level == "PROCESS" and not any("\0" in word for word in shown):
            if unclear:
                return self._started(container, run, document, None)
            key = _key(document, shown, init=run.init)
            return self._starts.once(
                key, lambda: self._started(container, run, document, tuple(shown))
            )
        if not unclear:
            return RunObservation(argv=tuple(shown))
        prepared = self._api.call("POST", f"/containers/{container}/init")
        argv = self._prepared_argv(document)
        if argv is not None:
            return RunObservation(argv=argv)
        if self._service is None:
            return RunObservation(skipped=_UNREADABLE)
        raise HarnessError(f"podman prepares no container: {prepared.message}")

    def _inspected(self, container: str) -> dict[str, Any]:
        answer = self._api.call("GET", f"/containers/{container}/json")
        if not answer.ok:
            raise HarnessError(f"a container that was just made is gone: {answer.message}")
        document: dict[str, Any] = answer.json()
        return document

    def _prepared_argv(self, document: Mapping[str, Any]) -> tuple[str, ...] | None:
        """`process.args` of the file for the OCI runtime; None when it cannot be read here."""
        if not document.get("StaticDir"):
            return None
        try:
            data = Path(document["StaticDir"], "config.json").read_bytes()
        except OSError:
            return None
        return tuple(decoded(data)["process"].get("args") or ())

    def _started(
        self, container: str, run: Run, document: Mapping[str, Any], created: tuple[str, ...] | None
    ) -> RunObservation:
        words = created or (document.get("Path") or "",)
        program = words[words.index("--") + 1] if run.init and "--" in words[:-1] else words[0]
        place = place_of(program, document.get("Config") or {})
        if place is not None:
            self._put(container, place, self._get_probe())
        done = self.commands.run([*self.prefix, "start", "--attach", container])
        report = probe.read(done.stdout)
        if report is None and done.code == 0:
            # Its output was cut off: what the monitor wrote down is complete.
            logs = self.commands.run([*self.prefix, "logs", container])
            report = probe.read(logs.stdout)
        created = created or self._prepared_argv(document)
        if report is None:
            message = clean(text(done.stderr)) or f"the process ended with exit code {done.code}"
            return RunObservation(
                argv=created, error=message, phase="start", level="PROCESS", created=created
            )
        argv = report.init if run.init else report.argv
        if argv is None:
            return RunObservation(
                skipped="/proc does not tell the words of the init", level="PROCESS"
            )
        return RunObservation(argv=argv, level="PROCESS", pid=report.pid, created=created)

    def _rootfs(self, container: str) -> Path | None:
        """The folder that is a container's root: with vfs a plain one. None when it is out of reach."""
        root = self.folder / "root"
        try:
            listed = json.loads((root / "vfs-containers" / "containers.json").read_bytes())
            (layer,) = [one["layer"] for one in listed if one["id"] == container]
        except (OSError, ValueError, KeyError):
            return None
        folder = root / "vfs" / "dir" / str(layer)
        return folder if folder.is_dir() else None

    def _put(self, container: str, place: str, program: Path) -> None:
        """Puts a program into a container: a write where its root can be reached, which takes no time,
        or through podman, which takes a tenth of a second.
        """
        rootfs = None if self._service is None else self._rootfs(container)
        if rootfs is None or not _written(rootfs, place, program):
            self._copy(container, place, program)

    def _copy(self, container: str, place: str, program: Path) -> None:
        tar = tar_of({place.lstrip("/"): program.read_bytes()}, mode=0o755)
        path = f"/containers/{container}/archive"
        answer = self._api.call("PUT", path, query={"path": "/"}, tar=tar)
        if not answer.ok:
            raise HarnessError(f"the probe cannot be put into a container: {answer.message}")

    def discard(self) -> None:
        """Removes the store and what is in it."""
        if self._service is not None:
            self._service.stop()
            remove_store(self.prefix, self.folder)


def _key(document: Mapping[str, Any], argv: Sequence[str], *, init: bool) -> str:
    config = document.get("Config") or {}
    noticed = {name: config.get(name) for name in _NOTICED}
    # Every container has a host name of its own.
    noticed["Env"] = [one for one in noticed["Env"] or () if not one.startswith("HOSTNAME=")]
    return json.dumps([noticed, argv, init])


def remove_store(prefix: Sequence[str], folder: Path) -> None:
    """Removes a store that is ours alone, and first ends what may still run in it: a container whose
    program hangs, or one that is prepared and waits.
    """
    end_commands(folder)
    commands = Commands(timeout=_REMOVAL)  # the session's own may have been closed
    with contextlib.suppress(HarnessError, OSError):
        if any(path.is_dir() for path in (folder / "root" / "vfs-containers").iterdir()):
            commands.run([*prefix, "rm", "--all", "--force"])
    end_commands(folder, monitors=True)
    remove_folder(runroot_of(folder), commands, prefix[0])
    remove_folder(folder, commands, prefix[0])


def runroot_of(folder: Path) -> Path:
    """The place of a store's `--runroot`: in its folder, or above it, as podman before 5.0 takes no
    path of more than 50 characters.
    """
    found = folder / "r"
    name = f"{folder.parent.name}-{folder.name}"
    for above in folder.parents[1:-1]:
        if len(str(found)) <= _LONGEST_RUNROOT:
            break
        found = above / name
    return found


def _written(rootfs: Path, place: str, program: Path) -> bool:
    """Writes a program below a container's root, never through a link, which may lead outside."""
    target = rootfs
    try:
        for name in place.split("/")[1:-1]:
            target /= name
            if target.is_symlink():
                return False
            target.mkdir(exist_ok=True)
        target /= place.rpartition("/")[2]
        target.unlink(missing_ok=True)
        target.write_bytes(program.read_bytes())
        target.chmod(0o755)
    except OSError:
        return False
    return True


def place_of(program: str, config: Mapping[str, Any]) -> str | None:
    """Where a container looks for a program; None where no file can be put.

    Args:
        config: the container's `Config`: its PATH and its working directory count.
    """
    if "/" in program:
        path = posixpath.join(config.get("WorkingDir") or "/", program)
    else:
        found = [one[5:] for one in config.get("Env") or () if one.startswith("PATH=")]
        folders = [one for one in (found or [_PATH])[-1].split(":") if one.startswith("/")]
        if program in {"", ".", ".."} or not folders:
            return None
        path = posixpath.join(folders[0], program)
    path = posixpath.normpath(path).replace("//", "/")
    names = path.split("/")[1:]
    if path == "/" or names[0] in {"proc", "sys", "dev"} or program.endswith(("/", "/.", "/..")):
        return None
    if any(len(name.encode("utf-8", "surrogateescape")) > _NAME_MAX for name in names):
        return None
    return path


def _not_created(message: str) -> RunObservation:
    """Podman refuses; an init that is not installed is not its answer to the words."""
    if "init binary not found" in message or "catatonit" in message:
        return RunObservation(skipped=f"podman has no init program here: {message}")
    return RunObservation(error=message, phase="create")
