"""Buildah as an engine: it builds, and shows the config that it stores; it runs nothing.

Every job is done in a store of our own (see `builder`); the user's is never opened. `format=oci`, its
default, stores an OCI config, which has no SHELL and no ONBUILD: that engine is `buildah`. With
`format=docker` both stay, and the engine is `buildah-docker`.

The config is read where the store keeps it, checked against its digest. Where the store's files cannot
be read (a rootless store with foreign ids), `buildah push dir:` writes the same bytes to a folder; it
converts nothing, unlike a push to an archive of another format.
"""

from __future__ import annotations

import platform as machine
import re
import shutil
from dataclasses import replace
from pathlib import Path

from entrysem.errors import InputError
from entrysem.verify import probe
from entrysem.verify.engines.builder import StoreBuilder, clean, read_stored
from entrysem.verify.engines.images import config_of_blob
from entrysem.verify.engines.libpod import decoded
from entrysem.verify.engines.process import Commands, text
from entrysem.verify.engines.slots import Pool, Workspace, remove_folder
from entrysem.verify.protocol import (
    Config,
    HarnessError,
    Implementation,
    Job,
    Observation,
    RunObservation,
)
from entrysem.versions import in_range, parse_version

__all__ = ["Buildah"]

_FORMATS = ("oci", "docker")
_RUNS_NOTHING = "buildah builds images and starts no container from one"


class BuildahStore(StoreBuilder):
    """A private store of buildah's.

    Args:
        version: buildah's.
        image_format: `oci` or `docker`.
    """

    def __init__(
        self,
        commands: Commands,
        prefix: list[str],
        folder: Path,
        *,
        session: str,
        platform: str,
        version: str,
        image_format: str,
    ) -> None:
        super().__init__(commands, prefix, folder, session=session, platform=platform)
        self._pull = (
            "--pull=never" if in_range(parse_version(version), ">=1.24") else "--pull-never"
        )
        self._format = image_format

    def build_command(self) -> list[str]:
        """`chroot` needs no OCI runtime; nothing that is built here runs a command."""
        build = [*self.prefix, "bud", "--isolation", "chroot", self._pull]
        return [*build, "--format", self._format]

    def load_command(self, archive: Path) -> list[str]:
        """`buildah pull` reads an archive as a podman would load it."""
        return [*self.prefix, "pull", "--quiet", f"docker-archive:{archive}"]

    def remove(self, image: str) -> None:
        """Removes an image; that it is gone already is no error."""
        self.commands.run([*self.prefix, "rmi", "--force", image])

    def find(self, tag: str) -> str:
        """The id of the image of this name."""
        command = [*self.prefix, "inspect", "--type", "image", "--format", "{{.FromImageID}}", tag]
        done = self.commands.run(command)
        if done.code != 0:
            raise HarnessError(
                f"buildah built {tag} and does not have it: {clean(text(done.stderr))}"
            )
        return text(done.stdout)

    def stored(self, image: str) -> Config:
        """The blob in the store, or the same bytes pushed to a folder."""
        found = read_stored(self.folder / "root", image)
        if found is not None:
            return found
        target = self.folder / "pushed"
        done = self.commands.run([*self.prefix, "push", "--quiet", image, f"dir:{target}"])
        if done.code != 0:
            raise HarnessError(f"image {image[:12]} cannot be read: {clean(text(done.stderr))}")
        try:
            data = (target / image).read_bytes()
        except OSError as error:
            raise HarnessError(f"image {image[:12]} cannot be read: {error.strerror}") from error
        shutil.rmtree(target)
        return config_of_blob(data, where=f"image {image[:12]}")

    def discard(self) -> None:
        """Removes the store and what is in it."""
        remove_folder(self.folder, self.commands, self.prefix[0])


class Buildah:
    """The harness of buildah.

    Args:
        session: the name of this session.
        timeout: seconds that buildah may take for one step.
        format: `oci` or `docker`; empty is `oci`, as for buildah.
        cli: the command, when it is not `buildah` on PATH.
        workspace: a folder that buildah sees under the same path; empty for a temporary one.

    Raises:
        InputError: another format.
    """

    def __init__(
        self,
        *,
        session: str,
        timeout: float = 120.0,
        format: str = "",  # noqa: A002  # as --engine spells it
        cli: str = "",
        workspace: str = "",
    ) -> None:
        self._format = format or "oci"
        if self._format not in _FORMATS:
            raise InputError(
                "bad-engine",
                f"buildah has no format {format!r}",
                where="--engine",
                hint=f"known: {', '.join(_FORMATS)}",
            )
        self._session = session
        self._cli = cli or "buildah"
        self._parent = workspace
        self._commands = Commands(timeout=timeout)
        self._workspace: Workspace | None = None
        self._pool: Pool[BuildahStore] | None = None
        self._implementation: Implementation | None = None

    def start(self) -> Implementation:
        """Asks buildah who it is.

        Raises:
            HarnessError: buildah is not there or does not work.
        """
        try:
            return self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> Implementation:
        self._workspace = Workspace(self._parent, self._session)
        folder = self._workspace.subfolder()
        done = self._commands.run([*self._prefix(folder), "info"])
        if done.code != 0:
            raise HarnessError(f"buildah does not work here: {clean(text(done.stderr))}")
        host = decoded(done.stdout).get("host") or {}
        remove_folder(folder, self._commands, self._cli)
        said = text(self._commands.run([self._cli, "--version"]).stdout)
        match = re.search(r"version (\d\S*)", said)
        if match is None:
            raise HarnessError(f"`{self._cli} --version` names no version: {said[:200]}")
        version = match[1]
        name = "buildah" if self._format == "oci" else "buildah-docker"
        architecture = host.get("arch") or probe.machine_architecture()
        details = {
            "format": self._format,
            "rootless": "yes" if host.get("rootless") else "no",
            "kernel": str(host.get("kernel") or machine.release()),
        }
        self._implementation = Implementation(
            name=name,
            version=version,
            builder=f"{name}@{version}",
            levels=("CONFIG",),
            platform=f"{host.get('os') or 'linux'}/{architecture}",
            details=details,
        )
        self._pool = Pool(self._new_store)
        return self._implementation

    def _prefix(self, folder: Path) -> list[str]:
        store = ["--root", str(folder / "root"), "--runroot", str(folder / "r")]
        return [self._cli, "--storage-driver", "vfs", *store]

    def _new_store(self) -> BuildahStore:
        assert self._workspace is not None
        assert self._implementation is not None
        folder = self._workspace.subfolder()
        return BuildahStore(
            self._commands,
            self._prefix(folder),
            folder,
            session=self._session,
            platform=self._implementation.platform,
            version=self._implementation.version,
            image_format=self._format,
        )

    def observe(self, job: Job) -> Observation:
        """Builds the job's image in a store of its own; its runs are skipped.

        Raises:
            HarnessError: buildah is broken, or did not answer in time.
        """
        assert self._pool is not None, "start comes first"
        with self._pool.slot() as store:
            built = store.make(job)
            if built.image:
                store.remove(built.image)
            observation = built.without_runs(job)
            if built.outcome != "built" or job.level == "CONFIG":
                return observation
            runs = tuple([RunObservation(skipped=_RUNS_NOTHING) for _ in job.runs])
            return replace(observation, runs=runs)

    def sweep(self) -> int:
        """Removes the stores of dead sessions; how many there were."""
        assert self._workspace is not None, "start comes first"
        folders = self._workspace.left_by_the_dead()
        for folder in folders:
            remove_folder(folder, self._commands, self._cli)
        return len(folders)

    def close(self) -> None:
        """Ends what runs and removes the stores of this session."""
        if self._pool is not None:
            self._pool.close()
        self._commands.close()
        if self._workspace is not None:
            remove_folder(self._workspace.folder, Commands(timeout=60), self._cli)
