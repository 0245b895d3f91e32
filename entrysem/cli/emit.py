"""`entrysem emit`: tests for other tools.

Without `from __future__ import annotations`, for Typer's sake; see `explain`.
"""

import sys
from typing import Annotated

import typer

from entrysem.cli.explain import _pairs

__all__ = ["register"]

_KINDS = ("structure-test",)


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(
        "emit", epilog="Example: entrysem emit structure-test Dockerfile > web.structure-test.yaml"
    )(emit)


def emit(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="structure-test",
            help="What to write: structure-test, a file for container-structure-test.",
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(
            metavar="[DOCKERFILE|IMAGE|-]",
            help="A Dockerfile, also at a revision (HEAD~1:Dockerfile); an image (image:NAME, oci:DIR, "
            "docker-archive:FILE[:TAG]); an image config (JSON); or - for standard input.",
        ),
    ] = "Dockerfile",
    target: Annotated[
        str, typer.Option(metavar="STAGE", help="Stage to build; the last by default.")
    ] = "",
    build_arg: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Value of an ARG; repeatable.")
    ] = None,
    base_config: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE=FILE", help="Config of a base image, as explain; repeatable."),
    ] = None,
    base_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="Ask for base images: docker, podman, registry, oci:DIR, docker-archive:FILE; "
            "repeatable, asked in this order.",
        ),
    ] = None,
    builder: Annotated[
        str, typer.Option(metavar="NAME[@VERSION]", help="Who builds, e.g. buildkit@0.13, buildah.")
    ] = "buildkit",
    platform: Annotated[
        str, typer.Option(metavar="OS[/ARCH]", help="Target platform.")
    ] = "linux/amd64",
    catalogue: Annotated[
        bool,
        typer.Option(
            "--catalogue/--no-catalogue",
            help="Look base images up in the bundled catalogue of official images.",
        ),
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 4 when a part is not known, and write nothing.")
    ] = False,
) -> None:
    """Write a test that an image has the Entrypoint and Cmd that it should have."""
    if kind not in _KINDS:
        raise typer.BadParameter(
            f"{kind!r} is not one of {', '.join(_KINDS)}", param_hint="structure-test"
        )
    from entrysem.cli.diff import stop
    from entrysem.cli.operands import open_side_bases, read_operand
    from entrysem.emit.structure_test import structure_test
    from entrysem.errors import DockerfileError, InputError
    from entrysem.model import is_known
    from entrysem.profiles import Profile
    from entrysem.resolve import build_image

    platform = platform if "/" in platform else f"{platform}/amd64"
    try:
        bases = open_side_bases(
            base_config or [], [], base_from or [], catalogue=catalogue, platform=platform
        )
        image = build_image(
            read_operand(source, bases, platform),
            profile=Profile.parse(builder),
            target=target or None,
            build_args=_pairs(build_arg or []),
            bases=bases,
            platform=platform,
        )
        assumed = () if image.built is None else image.built.cmd_assumptions
        read = () if image.built is None else image.built.reading_assumptions
        told = "" if image.built is None else f"Built by {image.profile.builder}"
        written = structure_test(
            image.config, name=source, profile=told or "Read from an image", notes=assumed + read
        )
    except (InputError, DockerfileError) as error:
        stop(error, source)
    known = is_known(image.config.entrypoint) and is_known(image.config.cmd)
    if strict and (not known or assumed or read):
        unsure = InputError(
            "unknown-base",
            "the test would leave out or assume what hangs on a base image that is not known",
            where=source,
            hint="show its config: --base-config IMAGE=FILE, or --base-from docker",
        )
        stop(unsure, source, 4)
    sys.stdout.write(written)
