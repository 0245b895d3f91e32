"""What is asked about every file of a scan: small, immutable, and fit to be sent to another process."""

from __future__ import annotations

from typing import Any, NamedTuple

from entrysem.model import ImageConfig
from entrysem.render.documents import config_document

__all__ = ["Settings"]


class Settings(NamedTuple):
    """How files are read, built and run.

    Attributes:
        builder, runtime: `NAME` or `NAME@VERSION`, as for `Profile.parse`.
        target: the stage to build, or None for the last.
        build_args: `--build-arg` names and values.
        bases: images whose config is given.
        catalogue: whether the bundled catalogue of official images is asked.
        platform: `os/architecture`.
        findings: whether findings are looked for.
        timings: whether records say how long they took; without, equal inputs give equal bytes.
        max_bytes: a larger file is not read.
        text_field, id_field: names of the fields or columns that hold a Dockerfile and its identity.
    """

    builder: str = "buildkit"
    runtime: str = "docker"
    target: str | None = None
    build_args: tuple[tuple[str, str], ...] = ()
    bases: tuple[tuple[str, ImageConfig], ...] = ()
    catalogue: bool = True
    platform: str = "linux/amd64"
    findings: bool = True
    timings: bool = True
    max_bytes: int = 16 * 1024 * 1024
    text_field: str = "dockerfile"
    id_field: str = "id"

    def document(self) -> dict[str, Any]:
        """The settings as JSON has them, to be compared when a run is resumed."""
        document = self._asdict()
        document["build_args"] = [list(pair) for pair in self.build_args]
        document["bases"] = [[image, config_document(config)] for image, config in self.bases]
        return document
