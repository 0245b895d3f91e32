"""Kubernetes' semantics on a real runtime: containerd, driven over its CRI socket as the kubelet does.

The kubelet gives a container's `command` and `args` to the runtime, and the runtime decides with the
image config what argv becomes. Here the CRI is spoken directly (`cri_api`), so that what is observed is
the runtime's part alone: `$(NAME)`, which the kubelet expands, stays as it is.

The engine builds nothing: it is given image configs (`Job.config`), imported as OCI archives. A session
has one pod, without network and with a pause image of the lab's own, and each run is a container in it.

* CREATE: the argv in the runtime spec that containerd has made for a created container.
* PROCESS: a second container, with the probe mounted read-only where its program is looked for, is
  started; what the probe prints is in the container's log, a file whose format the CRI defines.

The CRI has no command line and no `--init`; its strings are UTF-8; and it cannot tell a list that is not
given from one that is empty. Runs that need these are skipped, with the reason.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import posixpath
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc

from conformance import lab
from conformance.lab import oci, pause
from conformance.lab.cri_api import METHODS, decode, encode
from conformance.lab.settings import PAUSE_IMAGE
from entrysem.verify import probe
from entrysem.verify import session as sessions
from entrysem.verify.protocol import (
    Config,
    HarnessError,
    Implementation,
    Job,
    Level,
    Observation,
    Run,
    RunObservation,
)

__all__ = ["SUITES", "Cri", "log_output", "place_of"]

#: The suites whose containerd is driven.
SUITES = ("trixie", "sid")

_LABEL = "entrysem.session"
_IMAGE = "localhost/entrysem-verify/cri"
_MEMORY = 64 * 1024 * 1024
_NODE, _CONTAINER = 2, 1  # modes of namespaces
_EXITED = 2
#: Errors of the engine, and not of what it was asked to run.
_BROKEN = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
)


class _RefusedError(Exception):
    """The runtime refuses; the message is its own."""


class Cri:
    """The harness of a suite's containerd.

    Args:
        suite: `trixie` or `sid`.
        session: the name of this session.
        timeout: seconds that one step may take.
    """

    def __init__(self, *, suite: str, session: str, timeout: float = 120.0) -> None:
        self._suite = suite
        self._session = session
        self._timeout = timeout
        self._places = lab.Places.here()
        self._folder = self._places.work(suite) / f"cri-{session}"
        self._channel: grpc.Channel | None = None
        self._calls: dict[str, Callable[..., Any]] = {}
        self._pod = ""
        self._count = itertools.count()
        self._lock = threading.Lock()
        self._images: dict[str, str] = {}
        self._probe: Path | None = None

    def start(self) -> Implementation:
        """Brings the suite up if need be, and starts this session's pod.

        Raises:
            HarnessError: containerd does not come up, or runs no pods.
        """
        try:
            lab.ensure_daemon(self._suite, "containerd")
        except lab.LabError as error:
            raise HarnessError(str(error)) from error
        self._channel = grpc.insecure_channel(
            f"unix://{self._places.socket(self._suite, 'containerd')}",
            options=[("grpc.max_receive_message_length", 64 << 20)],
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            answer = self._call("Version", wait_for_ready=True)
            # The lab's own image, shared by all sessions: it goes with the lab.
            self._import(PAUSE_IMAGE, {"Entrypoint": ["/pause"]}, {"pause": pause.program()})
            self._pod = self._call("RunPodSandbox", config=self._pod_config())["pod_sandbox_id"]
        except _RefusedError as error:
            raise HarnessError(f"containerd of {self._suite} runs no pod: {error}") from error
        version = str(answer["runtime_version"]).partition("~")[0].partition("+")[0].lstrip("v")
        return Implementation(
            name=f"cri-{version}",
            version=version,
            runtime=f"cri@{version}",
            levels=("CREATE", "PROCESS"),
            platform=f"linux/{probe.machine_architecture()}",
            details={"runtime": str(answer["runtime_name"])},
        )

    def sweep(self) -> int:
        """Removes pods and images of sessions that are no longer alive; how many."""
        return self._remove(lambda session: sessions.alive(session) is False)

    def observe(self, job: Job) -> Observation:
        """Imports the job's image config and makes its runs.

        Raises:
            HarnessError: containerd broke, or did not answer in time.
        """
        if job.config is None:
            reason = "a CRI runtime builds nothing: it is given image configs"
            return Observation(job.id, "skipped", message=reason)
        image = self._image(job.config)
        runs = tuple(self._run(image, run, job.level) for run in job.runs)
        return Observation(job.id, "built", config=job.config, runs=runs)

    def close(self) -> None:
        """Removes this session's pod, images and folder."""
        if self._channel is None:
            return
        try:
            with suppress(HarnessError):
                self._remove(lambda session: session == self._session)
        finally:
            self._channel.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    # --- the engine

    def _call(self, method: str, *, wait_for_ready: bool = False, **values: Any) -> dict[str, Any]:
        service, request, response = METHODS[method]
        with self._lock:
            if method not in self._calls:
                assert self._channel is not None, "start comes first"
                self._calls[method] = self._channel.unary_unary(f"/runtime.v1.{service}/{method}")
        data = encode(request, values)
        try:
            answer = self._calls[method](data, timeout=self._timeout, wait_for_ready=wait_for_ready)
        except grpc.RpcError as error:
            if error.code() in _BROKEN:
                raise HarnessError(f"containerd, {method}: {error.details()}") from error
            raise _RefusedError(error.details()) from error
        return decode(response, answer)

    def _remove(self, wanted: Callable[[str], bool]) -> int:
        removed = 0
        for pod in self._call("ListPodSandbox")["items"]:
            if wanted(pod["labels"].get(_LABEL, "")):
                for method in ("StopPodSandbox", "RemovePodSandbox"):
                    with suppress(_RefusedError):
                        self._call(method, pod_sandbox_id=pod["id"])
                removed += 1
        for image in self._call("ListImages")["images"]:
            for tag in image["repo_tags"]:
                name, _, rest = tag.rpartition(":")
                if name == _IMAGE and wanted(rest.rpartition("-")[0]):
                    with suppress(_RefusedError):
                        self._call("RemoveImage", image={"image": tag})
                    removed += 1
        return removed

    def _pod_config(self) -> dict[str, Any]:
        namespaces = {"network": _NODE, "pid": _CONTAINER, "ipc": 0}
        return {
            "metadata": {"name": "entrysem", "uid": self._session, "namespace": self._session},
            "log_directory": str(self._folder),
            "labels": {_LABEL: self._session},
            "linux": {
                "cgroup_parent": "/pods",
                "security_context": {"namespace_options": namespaces, "readonly_rootfs": 1},
            },
        }

    # --- images

    def _image(self, config: Config) -> str:
        """The name of an image with this config, imported once a session."""
        key = hashlib.sha256(json.dumps(dict(config), default=list).encode()).hexdigest()[:12]
        with self._lock:
            known = self._images.get(key)
        if known is None:
            known = f"{_IMAGE}:{self._session}-{key}"
            # The name makes the image one of its own: two names of one image would vanish together.
            labels = {_LABEL: self._session, "entrysem.name": known}
            self._import(known, {**config, "Labels": labels}, {})
            with self._lock:
                self._images[key] = known
        return known

    def _import(self, name: str, config: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        architecture = probe.machine_architecture()
        image = oci.image(config, name=name, files=files, architecture=architecture)
        path = self._folder / f"{next(self._count)}.tar"
        path.write_bytes(oci.archive(image))
        command = [
            str(self._places.wrapper("ctr", self._suite)),
            f"--address={self._places.socket(self._suite, 'containerd')}",
            *("--namespace", "k8s.io", "images", "import", "--no-unpack", str(path)),
        ]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HarnessError(f"an image cannot be imported: {error}") from error
        finally:
            path.unlink(missing_ok=True)
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise HarnessError(f"an image cannot be imported: {words}")
        # The CRI hears of it a moment later.
        end = time.monotonic() + self._timeout
        while not self._call("ImageStatus", image={"image": name})["image"]:
            if time.monotonic() > end:
                raise HarnessError(f"containerd does not show its CRI the imported image {name}")
            time.sleep(0.01)

    # --- runs

    def _run(self, image: str, run: Run, level: Level) -> RunObservation:
        if isinstance(run.entrypoint, str):
            return RunObservation(skipped="the CRI has no command line: its command is a list")
        if run.init:
            return RunObservation(skipped="the CRI has no --init")
        try:
            container = self._create(image, run, "")
        except UnicodeEncodeError:
            return RunObservation(skipped="the CRI takes words of UTF-8 only")
        except _RefusedError as error:
            return RunObservation(error=str(error), phase="create")
        try:
            argv = self._argv(container)
        finally:
            self._discard(container)
        return RunObservation(argv=argv) if level != "PROCESS" else self._process(image, run, argv)

    def _create(self, image: str, run: Run, place: str, log: str = "") -> str:
        assert not isinstance(run.entrypoint, str)
        mounts = []
        if place:
            mounts = [
                {"container_path": place, "host_path": str(self._probe_file()), "readonly": 1}
            ]
        security = {
            "capabilities": {"drop_capabilities": ["ALL"]},
            "namespace_options": {"network": _NODE, "pid": _CONTAINER},
            "readonly_rootfs": 1,
            "no_new_privs": 1,
        }
        config = {
            "metadata": {"name": f"run-{next(self._count)}"},
            "image": {"image": image},
            "command": run.entrypoint or (),
            "args": run.args or (),
            "mounts": mounts,
            "labels": {_LABEL: self._session},
            "log_path": log,
            "linux": {
                "resources": {"memory_limit_in_bytes": _MEMORY},
                "security_context": security,
            },
        }
        answer = self._call(
            "CreateContainer",
            pod_sandbox_id=self._pod,
            config=config,
            sandbox_config=self._pod_config(),
        )
        return str(answer["container_id"])

    def _argv(self, container: str) -> tuple[str, ...]:
        status = self._call("ContainerStatus", container_id=container, verbose=1)
        try:
            spec = json.loads(status["info"]["info"])["runtimeSpec"]
        except (KeyError, ValueError) as error:
            raise HarnessError("containerd shows no runtime spec of a container") from error
        return tuple(spec["process"].get("args") or ())

    def _process(self, image: str, run: Run, created: tuple[str, ...]) -> RunObservation:
        log = f"{next(self._count)}.log"
        path = self._folder / log
        try:
            container = self._create(image, run, place_of(created[0]), log)
        except _RefusedError as error:
            raise HarnessError(f"a container with the probe is refused: {error}") from error
        try:
            self._call("StartContainer", container_id=container)
            report = self._report(container, path)
        except _RefusedError as error:
            return RunObservation(error=str(error), phase="start", level="PROCESS", created=created)
        finally:
            self._discard(container)
            path.unlink(missing_ok=True)
        return RunObservation(argv=report.argv, level="PROCESS", pid=report.pid, created=created)

    def _report(self, container: str, path: Path) -> probe.Report:
        end = time.monotonic() + self._timeout
        while True:
            status = self._call("ContainerStatus", container_id=container)["status"]
            # The log is written by another thread than the one that sees the process end.
            with suppress(FileNotFoundError):
                if report := probe.read(log_output(path.read_bytes())):
                    return report
            if time.monotonic() > end:
                ended = "ended" if status["state"] == _EXITED else "runs on"
                raise HarnessError(
                    f"a container's process has not reported its argv after {self._timeout:.0f} s"
                    f" (it {ended}, {status['reason']} {status['message']})"
                )
            time.sleep(0.01)

    def _discard(self, container: str) -> None:
        with suppress(_RefusedError, HarnessError):
            self._call("RemoveContainer", container_id=container)

    def _probe_file(self) -> Path:
        with self._lock:
            if self._probe is None:
                self._probe = probe.build(self._folder, probe.machine_architecture())
            return self._probe


def place_of(program: str) -> str:
    """Where a container without PATH looks for its program first; empty where no file can be put."""
    if not program or posixpath.basename(program) in {"", ".", ".."}:
        return ""
    if any(len(part.encode(errors="surrogateescape")) > 255 for part in program.split("/")):
        return ""
    place = posixpath.normpath(
        posixpath.join("/" if "/" in program else "/usr/local/sbin", program)
    )
    special = re.match(r"/+(?:proc|sys|dev)(?:/|\Z)", place)
    return "" if special else place


def log_output(data: bytes) -> bytes:
    """What a container printed, out of the CRI's log.

    A line is `TIME stdout|stderr F|P[:TAG...] TEXT`; after `P` the line goes on in the next one.
    """
    output = bytearray()
    for line in data.split(b"\n"):
        fields = line.split(b" ", 3)
        if len(fields) == 4 and fields[1] == b"stdout":
            output += fields[3]
            if not fields[2].startswith(b"P"):
                output += b"\n"
    return bytes(output)
