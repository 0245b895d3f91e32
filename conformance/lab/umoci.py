"""umoci as an oracle: the argv that an independent tool makes of an image config.

`umoci raw runtime-config` turns an OCI image into a config for an OCI runtime, without any engine:
`process.args` is Entrypoint and Cmd, as the OCI image specification says. It takes no overrides, so that
only a run as the image is can be observed. Of an image with neither it makes `["sh"]`, a default of its
own that says nothing about the image: that is skipped.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess

from conformance import lab
from conformance.lab import oci
from conformance.lab.catalogue import plain_version
from entrysem.verify.protocol import (
    HarnessError,
    Implementation,
    Job,
    Observation,
    Run,
    RunObservation,
)

__all__ = ["Umoci"]


class Umoci:
    """The harness of a suite's umoci.

    Args:
        suite: the Debian suite.
        session: the name of this session.
        timeout: seconds that one call may take.
    """

    def __init__(self, *, suite: str, session: str, timeout: float = 120.0) -> None:
        self._suite = suite
        self._timeout = timeout
        places = lab.Places.here()
        self._wrapper = places.wrapper("umoci", suite)
        self._folder = places.work(suite) / f"umoci-{session}"
        self._count = itertools.count()

    def start(self) -> Implementation:
        """Brings the suite up if need be, and asks umoci for its version.

        Raises:
            HarnessError: the suite does not come up.
        """
        try:
            lab.ensure(f"buildah-{self._suite}-oci")
        except lab.LabError as error:
            raise HarnessError(str(error)) from error
        self._folder.mkdir(parents=True, exist_ok=True)
        version = plain_version(self._umoci("--version"))
        return Implementation(name=f"umoci-{version}", version=version, levels=("CREATE",))

    def sweep(self) -> int:
        """Nothing is ever left but files in the lab's own folder, which go with the lab."""
        return 0

    def observe(self, job: Job) -> Observation:
        """The argv of an image config.

        Raises:
            HarnessError: umoci does not do it.
        """
        if job.config is None:
            return Observation(job.id, "skipped", message="umoci builds nothing from Dockerfiles")
        folder = self._folder / str(next(self._count))
        try:
            oci.layout(oci.image(job.config, name="latest"), folder)
            result = folder / "config.json"
            self._umoci("raw", "runtime-config", "--image", f"{folder}:latest", str(result))
            argv = tuple(json.loads(result.read_bytes())["process"].get("args") or ())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        empty = not job.config.get("Entrypoint") and not job.config.get("Cmd")
        runs = tuple(_observed(run, argv, empty=empty) for run in job.runs)
        return Observation(job.id, "built", config=job.config, runs=runs)

    def close(self) -> None:
        """Removes this session's folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _umoci(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [self._wrapper, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HarnessError(f"umoci of {self._suite}: {error}") from error
        if done.returncode:
            raise HarnessError(f"umoci of {self._suite}: {done.stderr.strip()}")
        return done.stdout


def _observed(run: Run, argv: tuple[str, ...], *, empty: bool) -> RunObservation:
    if empty:
        return RunObservation(skipped="umoci has a default of its own for an image without either")
    if run.args or run.entrypoint is not None or run.init:
        return RunObservation(skipped="umoci takes an image as it is, without overrides")
    return RunObservation(argv=argv)
