"""One suite, up and down.

What is true is asked of the kernel and of the engines themselves each time; the state file only says
who the holder is and which versions were reported. So a lab that was interrupted anywhere, or whose
daemons were killed, is repaired by doing again what is not as it should be.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from conformance.lab import cgroups
from conformance.lab.catalogue import COMMANDS, KINDS, plain_version
from conformance.lab.errors import EngineStartError, LabError
from conformance.lab.fetch import fetch, is_fetched
from conformance.lab.machine import PATH, environment
from conformance.lab.places import Places, start_time, write_atomically
from conformance.lab.settings import DAEMONS, daemon_command, files
from conformance.lab.wrappers import command_script, suite_script

__all__ = ["Suite", "ask", "listens"]

#: A lab of another revision is taken down and brought up anew.
_REVISION = 3
_GROUPS = ("lab-holder", "lab-command", *(daemon.groups[0] for daemon in DAEMONS.values()))
#: How long a daemon may take to answer: about a second on a quiet machine.
_PATIENCE = 60.0


class Suite:
    """One suite of a lab."""

    def __init__(self, places: Places, name: str) -> None:
        self.places = places
        self.name = name
        self.group = f"{places.name}/{name}"
        self.folder = places.suite(name)

    @property
    def daemons(self) -> tuple[str, ...]:
        """The daemons that this suite has."""
        return tuple(name for name, daemon in DAEMONS.items() if self.name in daemon.suites)

    # --- asking

    def holder(self) -> tuple[int, str] | None:
        """Process id and start time of the process that keeps the namespaces; None when it is gone."""
        state = self.places.read_state(self.name)
        if state.get("revision") != _REVISION or state.get("boot") != _boot():
            return None
        pid, start = state.get("holder", [0, ""])
        return (pid, start) if pid and start_time(pid) == start else None

    def answers(self, daemon: str) -> bool:
        """Whether a daemon answers."""
        address = self.places.socket(self.name, daemon)
        return ask(address, "/_ping") is not None if DAEMONS[daemon].http else listens(address)

    def versions(self) -> dict[str, str]:
        """What its engines reported when they came up, by kind; empty when they never did."""
        versions = self.places.read_state(self.name).get("versions", {})
        return {kind: plain_version(text) for kind, text in versions.items()}

    def alive(self, kind: str) -> bool:
        """Whether engines of this kind can be used."""
        if self.holder() is None or kind not in self.versions():
            return False
        return kind not in DAEMONS or self.answers(kind)

    # --- up

    def up(self, say: Callable[[str], None]) -> None:
        """Makes whatever is missing, and says so. The caller holds the lab's lock.

        Raises:
            LabError: the suite's tree or namespaces cannot be made.
            EngineStartError: one of its engines does not start; the others are up.
        """
        if not is_fetched(self.places, self.name):
            self.down()  # its tree is about to go
            say(f"{self.name}: downloading and unpacking its packages")
            fetch(self.places, self.name)
        if self.holder() is None:
            self.down()
            self._hold()
        failures = []
        versions: dict[str, str] = {}
        for daemon in self.daemons:
            try:
                self._serve(daemon)
                versions |= self._served_version(daemon)
            except EngineStartError as error:
                failures.append(str(error))
        for command, arguments in _VERSION_OF.items():
            try:
                versions[command] = self._output(command, *arguments)
            except EngineStartError as error:
                if command in KINDS:
                    failures.append(str(error))
        state = self.places.read_state(self.name)
        if state.get("versions") != versions:
            self.places.write_state(self.name, state | {"versions": versions})
        if failures:
            raise EngineStartError("\n".join(failures))
        say(f"{self.name}: {', '.join(f'{kind} {self.versions()[kind]}' for kind in KINDS)}")

    def _hold(self) -> None:
        tree = self.places.tree(self.name)
        cgroups.make(self.group, _GROUPS)
        for name in ("log", "work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        (self.folder / "work").chmod(0o1777)
        found = cgroups.hierarchies()
        plan = {
            "name": f"{self.places.name}-{self.name}",
            "tree": str(tree),
            "data": str(self.folder),
            "staging": str(self.folder / "root"),
            "files": files(self.places, self.name),
            "enter": [str(path) for path in cgroups.procs_files(self.group)],
            "leaf": [str(path) for path in cgroups.procs_files(f"{self.group}/lab-holder")],
            "hierarchies": [
                {"options": hierarchy.options}
                for hierarchy in found
                if hierarchy.version == 1 or len(found) == 1
            ],
        }
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as answer, self._log("holder") as log:
            program = Path(__file__).with_name("holder.py")
            subprocess.run(
                ["setsid", "--fork", sys.executable, "-I", str(program), str(writing)],
                input=json.dumps(plan).encode(),
                pass_fds=(writing,),
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=environment(),
                cwd="/",
                check=True,
            )
            os.close(writing)
            said = answer.read().decode(errors="replace")
        if not said.isdecimal() or (start := start_time(int(said))) is None:
            raise LabError(f"{self.name}: no namespace for it: {said or self._tail('holder')}")
        pid = int(said)
        holder = [pid, start]
        state = {"revision": _REVISION, "boot": _boot(), "holder": holder}
        cgroups.hand_on(self.group)
        state["mounts"] = str(Path(f"/proc/{pid}/ns/mnt").readlink())
        self._write_scripts((pid, start))
        self.places.write_state(self.name, state)

    def _write_scripts(self, holder: tuple[int, str]) -> None:
        inner = self.places.wrapper("in", self.name)
        script = suite_script(
            self.name,
            holder=holder,
            groups=[path.parent for path in cgroups.procs_files(self.group)],
            work=self.places.work(self.name),
            environment={
                "PATH": PATH,
                "HOME": "/root",
                "DOCKER_HOST": f"unix://{self.places.socket(self.name, 'docker')}",
                "CONTAINERS_CONF": "/etc/containers/containers.conf",
                "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
            },
        )
        write_atomically(inner, script, mode=0o755)
        for command in COMMANDS:
            path = self.places.wrapper(command, self.name)
            write_atomically(path, command_script(command, inner), mode=0o755)

    def _serve(self, daemon: str) -> None:
        """Starts a daemon unless it answers."""
        if self.answers(daemon):
            return
        for group in DAEMONS[daemon].groups:
            cgroups.kill(f"{self.group}/{group}")
        self.places.socket(self.name, daemon).unlink(missing_ok=True)
        self._start(daemon)

    def _served_version(self, daemon: str) -> dict[str, str]:
        """The version that a daemon reports over HTTP."""
        if not DAEMONS[daemon].http:
            return {}
        answer = ask(self.places.socket(self.name, daemon), "/version")
        try:
            return {daemon: str(json.loads(answer or b"")["Version"])}
        except (ValueError, KeyError) as error:
            raise self._failure(daemon, "does not say its version") from error

    def _start(self, daemon: str) -> None:
        command = daemon_command(self.places, self.name, daemon)
        inner = self.places.wrapper("in", self.name)
        group = DAEMONS[daemon].groups[0]
        with self._log(daemon) as log:
            subprocess.run(
                ["setsid", "--fork", str(inner), group, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                cwd="/",
                check=True,
            )
        begin = time.monotonic()
        seen = False
        while not self.answers(daemon):
            waited = time.monotonic() - begin
            there = bool(cgroups.pids(f"{self.group}/{group}"))
            seen |= there
            # On a busy machine it takes its time to enter the group.
            if not there and (seen or waited > _PATIENCE / 6):
                raise self._failure(daemon, "ended at its start")
            if waited > _PATIENCE:
                raise self._failure(daemon, f"does not answer after {_PATIENCE:.0f} s")
            time.sleep(0.05)

    def _output(self, *command: str) -> str:
        done = subprocess.run(
            [str(self.places.wrapper("in", self.name)), "lab-command", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EngineStartError(
                f"{self.name}: {' '.join(command)} failed: {done.stderr.strip()}"
            )
        return done.stdout.strip().partition("\n")[0]

    def _log(self, name: str) -> BinaryIO:
        return self.places.log(self.name, name).open("ab")

    def _tail(self, name: str, lines: int = 12) -> str:
        with suppress(OSError):
            text = self.places.log(self.name, name).read_text(encoding="utf-8", errors="replace")
            return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
        return ""

    def _failure(self, daemon: str, what: str) -> EngineStartError:
        log = self.places.log(self.name, daemon)
        return EngineStartError(
            f"{self.name}: {daemon} {what}; {log} ends with:\n{self._tail(daemon)}"
        )

    # --- down

    def down(self) -> None:
        """Ends every process of the suite and removes its data and groups; nothing when it is down.

        Raises:
            LabError: something of it does not go away.
        """
        mounts = self.places.read_state(self.name).get("mounts")
        cgroups.kill(self.group)
        # Whoever was moved out of the group is still in the namespace, and nobody else is.
        while mounts and (pids := list(_in_namespace(mounts))):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        cgroups.remove(self.group)
        for command in ("in", *COMMANDS):
            self.places.wrapper(command, self.name).unlink(missing_ok=True)
        if self.folder.exists():
            shutil.rmtree(self.folder)


#: What else is asked for its version: command -> arguments.
_VERSION_OF = {
    "buildah": ("--version",),
    "containerd": ("--version",),
    "runc": ("--version",),
    "crun": ("--version",),
    "umoci": ("--version",),
}


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _in_namespace(mounts: str) -> Iterator[int]:
    if mounts == str(Path("/proc/self/ns/mnt").readlink()):
        return
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str((path / "ns/mnt").readlink()) == mounts and start_time(int(path.name)):
                yield int(path.name)


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, address: Path) -> None:
        super().__init__("lab", timeout=10)
        self.address = address

    def connect(self) -> None:
        """Connects to the address."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.address))


def ask(address: Path, path: str) -> bytes | None:
    """What a daemon answers to a GET; None when it is not 200, or there is no answer."""
    connection = _Connection(address)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if response.status == 200 else None


def listens(address: Path) -> bool:
    """Whether somebody takes connections at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        try:
            client.connect(str(address))
        except OSError:
            return False
    return True
