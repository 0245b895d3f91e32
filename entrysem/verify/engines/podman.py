"""Podman as an engine: builds with the Buildah inside it, creates and starts containers.

Two ways to it:

* the local command. Everything happens in stores of our own, one for each job at a time (see
  `builder`), below a temporary folder or `workspace`; the user's own store is never opened.
* `host=unix://SOCKET`, a service of the user's, with `podman --remote` as its command line. What is
  made there carries the session's label and is found by it again. A base image under a name that
  the user has an image of is not made, and a Dockerfile that names an image of the user's is not
  built: such jobs are skipped, with that reason. One job at a time, as base images are shared.

As a builder it is `buildah-docker` at the version of the Buildah inside, which podman itself names
(`host.buildahVersion`), and its table in `entrysem.profiles` is the answer where it does not.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from entrysem.errors import InputError
from entrysem.profiles import Profile
from entrysem.verify import probe
from entrysem.verify import session as sessions
from entrysem.verify.engines import LABEL
from entrysem.verify.engines.builder import Built, clean, external_images
from entrysem.verify.engines.libpod import Libpod, Service, decoded
from entrysem.verify.engines.podman_store import PodmanStore, Starts, remove_store, runroot_of
from entrysem.verify.engines.process import Commands, text
from entrysem.verify.engines.slots import Pool, Workspace, remove_folder
from entrysem.verify.protocol import HarnessError, Implementation, Job, Observation

__all__ = ["Podman"]

_ENVIRONMENT = {"PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}


class Podman:
    """The harness of podman.

    Args:
        session: the name of this session.
        timeout: seconds that podman may take for one step.
        cli: the command, when it is not `podman` on PATH.
        host: `unix://SOCKET` of a service; empty for the local command.
        workspace: a folder that podman sees under the same path; empty for a temporary one.
        reuse: whether a process is started once for all runs that come to the same (`Starts`).

    Raises:
        InputError: a host that is no unix socket.
    """

    def __init__(
        self,
        *,
        session: str,
        timeout: float = 120.0,
        cli: str = "",
        host: str = "",
        workspace: str = "",
        reuse: bool = True,
    ) -> None:
        if host and not host.startswith("unix://"):
            raise InputError(
                "bad-engine",
                f"podman cannot be reached at {host!r}",
                where="--engine",
                hint="host=unix://SOCKET names the socket of `podman system service`",
            )
        self._session = session
        self._cli = cli or "podman"
        self._host = host
        self._parent = workspace
        self._commands = Commands(timeout=timeout, environment=_ENVIRONMENT)
        self._remote = Libpod(Path(host.removeprefix("unix://")), timeout) if self._host else None
        self._workspace: Workspace | None = None
        self._pool: Pool[PodmanStore] | None = None
        self._probe_lock = threading.Lock()
        self._implementation: Implementation | None = None
        self._limits = True
        self._starts = Starts(reuse=reuse)

    def start(self) -> Implementation:
        """Asks podman who it is, in a store that is then used.

        Raises:
            HarnessError: podman is not there or does not work.
        """
        try:
            return self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> Implementation:
        self._workspace = Workspace(self._parent, self._session)
        info = self._info()
        host, version = info["host"], str((info.get("version") or {}).get("Version") or "")
        buildah = str(host.get("buildahVersion") or "")
        if not buildah:
            buildah = Profile.parse(f"podman@{version}").builder.version or ""
        security = host.get("security") or {}
        rootless = bool(security.get("rootless") or host.get("rootless"))
        controllers = host.get("cgroupControllers") or []
        # A rootless podman limits only what the system has delegated to the user.
        self._limits = not rootless or {"memory", "pids"} <= set(controllers)
        details = {
            "buildah": buildah,
            "runtime": _runtime(host),
            "rootless": "yes" if rootless else "no",
            "cgroups": str(host.get("cgroupVersion") or ""),
            "distribution": _distribution(host),
        }
        if not self._limits:
            details["limits"] = "no memory and process limits: not delegated to this user"
        if self._host:
            details["client"] = text(self._commands.run([self._cli, "--version"]).stdout)
        self._implementation = Implementation(
            name="podman",
            version=version,
            builder=f"buildah-docker@{buildah}",
            runtime=f"podman@{version}",
            platform=f"{host.get('os') or 'linux'}/{host.get('arch') or 'amd64'}",
            details={key: value for key, value in details.items() if value},
        )
        self._pool = Pool(self._new_store, limit=1 if self._host else None)
        return self._implementation

    def _info(self) -> dict[str, Any]:
        if self._remote is not None:
            answer = self._remote.call("GET", "/info")
            if not answer.ok:
                raise HarnessError(f"podman at {self._host} does not work: {answer.message}")
            info: dict[str, Any] = answer.json()
            return info
        assert self._workspace is not None
        folder = self._workspace.subfolder()
        done = self._commands.run([*self._prefix(folder), "info", "--format", "json"])
        if done.code != 0:
            message = clean(text(done.stderr))
            if "runroot is longer" in message:
                message += f" ({folder}). Name a shorter folder with workspace=DIR"
            raise HarnessError(f"podman does not work here: {message}")
        info = decoded(done.stdout)
        remove_store(self._prefix(folder), folder)
        if info["host"].get("serviceIsRemote"):
            raise HarnessError(
                "this podman is a client of a service elsewhere. Name the service's socket: "
                "--engine podman:host=unix://SOCKET (`podman machine inspect` shows it)"
            )
        return info

    def _prefix(self, folder: Path) -> list[str]:
        store = ["--root", str(folder / "root"), "--runroot", str(runroot_of(folder))]
        return [self._cli, "--storage-driver", "vfs", *store]

    def _new_store(self) -> PodmanStore:
        assert self._workspace is not None
        assert self._implementation is not None
        folder = self._workspace.subfolder()
        service = None
        prefix = [self._cli, "--remote", "--url", self._host]
        if self._remote is None:
            prefix = self._prefix(folder)
            service = Service(self._commands, prefix, folder)
        return PodmanStore(
            self._commands,
            prefix,
            folder,
            session=self._session,
            platform=self._implementation.platform,
            version=self._implementation.version,
            limits=self._limits,
            get_probe=self._probe,
            service=service,
            remote=self._remote,
            starts=self._starts,
        )

    def _probe(self) -> Path:
        assert self._workspace is not None
        assert self._implementation is not None
        with self._probe_lock:
            architecture = self._implementation.platform.partition("/")[2].partition("/")[0]
            return probe.build(self._workspace.folder, architecture)

    def observe(self, job: Job) -> Observation:
        """Does the job in a store of its own.

        Raises:
            HarnessError: podman is broken, or did not answer in time.
        """
        assert self._pool is not None, "start comes first"
        with self._pool.slot() as store:
            reason = self._not_here(store, job)
            built = Built("skipped", reason) if reason else store.make(job)
            observation = built.without_runs(job)
            if built.outcome != "built":
                return observation
            if job.level != "CONFIG":
                runs = tuple([store.run(built.image, run, job.level) for run in job.runs])
                observation = replace(observation, runs=runs)
            store.remove(built.image)
            return observation

    def _not_here(self, store: PodmanStore, job: Job) -> str:
        """Why this job cannot be done among a user's images; empty when it can."""
        if self._remote is None:
            return ""
        for name in (*job.bases, *external_images(job.dockerfile or b"")):
            if "$" not in name and store.has_foreign(name):
                return f"this engine has an image {name} of its own, which is left alone"
        return ""

    def sweep(self) -> int:
        """Removes the stores (or, in a user's, the containers and images) of dead sessions."""
        if self._remote is not None:
            return self._remove_labelled(self._remote, dead=True)
        assert self._workspace is not None, "start comes first"
        removed = 0
        for folder in self._workspace.left_by_the_dead():
            for store in sorted(path for path in folder.iterdir() if path.is_dir()):
                remove_store(self._prefix(store), store)
                removed += 1
            remove_folder(folder, self._commands, self._cli)
        return removed

    def _remove_labelled(self, api: Libpod, *, dead: bool) -> int:
        """What carries the label of dead sessions, or of this one."""
        removed = 0
        for kind in ("containers", "images"):
            filters = json.dumps({"label": [LABEL]})
            answer = api.call("GET", f"/{kind}/json", query={"all": "true", "filters": filters})
            if not answer.ok:
                raise HarnessError(f"podman does not list its {kind}: {answer.message}")
            for item in answer.json() or []:
                name = (item.get("Labels") or {}).get(LABEL, "")
                if (sessions.alive(name) is False) if dead else name == self._session:
                    path = f"/{kind}/{item['Id']}"
                    removed += api.call("DELETE", path, query={"force": "true"}).ok
        return removed

    def close(self) -> None:
        """Ends what runs and removes what this session made."""
        if self._pool is not None:
            self._pool.close()
        self._commands.close()
        if self._remote is not None and self._implementation is not None:
            with contextlib.suppress(HarnessError):
                self._remove_labelled(self._remote, dead=False)
        if self._workspace is not None and self._workspace.folder.exists():
            for store in [path for path in self._workspace.folder.iterdir() if path.is_dir()]:
                remove_store(self._prefix(store), store)
            remove_folder(self._workspace.folder, Commands(timeout=60), self._cli)


def _runtime(host: Mapping[str, Any]) -> str:
    runtime = host.get("ociRuntime") or {}
    lines = str(runtime.get("version") or "").splitlines()
    return lines[0] if lines else str(runtime.get("name") or "")


def _distribution(host: Mapping[str, Any]) -> str:
    found = host.get("distribution") or {}
    return f"{found.get('distribution', '')} {found.get('version', '')}".strip()
