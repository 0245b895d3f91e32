"""The scripts through which commands of a suite are run from outside.

`in-SUITE GROUP COMMAND [ARG...]` enters the suite's control group and namespaces and becomes the
command: it execs all the way, so that signals, streams, exit code and every byte of the arguments are
the command's own. `docker-SUITE`, `podman-SUITE`, ... call it. The environment is the suite's; of the
caller's it keeps what is named in `KEPT`, above all DOCKER_BUILDKIT, and never what would lead the
command to another engine. The working folder is kept within the suite's workspace, and is / elsewhere.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["KEPT", "command_script", "suite_script"]

#: Variables that a command sees when its caller has them.
KEPT = (
    "DOCKER_BUILDKIT",
    "DOCKER_API_VERSION",
    "DOCKER_CLI_EXPERIMENTAL",
    "DOCKER_CLI_HINTS",
    "DOCKER_DEFAULT_PLATFORM",
    "BUILDKIT_PROGRESS",
    "BUILDX_NO_DEFAULT_ATTESTATIONS",
    "BUILDAH_FORMAT",
    "BUILDAH_ISOLATION",
    "COMPOSE_PROJECT_NAME",
    "SOURCE_DATE_EPOCH",
    "LANG",
    "LC_ALL",
    "NO_COLOR",
    "TERM",
)

#: What no command in a suite exits with by itself when it is not there.
NOT_RUNNING = 125


def suite_script(
    suite: str,
    *,
    holder: tuple[int, str],
    groups: Sequence[Path],
    work: Path,
    environment: Mapping[str, str],
) -> str:
    """`in-SUITE`.

    Args:
        suite: its name.
        holder: process id and start time of who keeps the namespaces.
        groups: the suite's control group in every hierarchy.
        work: the workspace.
        environment: the suite's own.
    """
    pid, start = holder
    kept = " ".join(f'${{{name}+"{name}=${name}"}}' for name in KEPT)
    given = " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())
    entering = "".join(
        f'echo 0 >{shlex.quote(str(group))}/"$group"/cgroup.procs || exit {NOT_RUNNING}\n'
        for group in groups
    )
    return f"""\
#!/bin/sh
# Runs a command of the lab's {suite}: in-{suite} GROUP COMMAND [ARG...]
group=$1
shift
# The process may be a zombie, or its id another's by now; with the start time it is not.
stat=
IFS= read -r stat 2>/dev/null </proc/{pid}/stat
case $stat in
*') '[!ZX]' '*' {start} '*) ;;
*)
    echo "the lab's {suite} is not running: python -m conformance.lab up {suite}" >&2
    exit {NOT_RUNNING}
    ;;
esac
{entering}case $PWD/ in
{shlex.quote(str(work))}/*) folder=$PWD ;;
*) folder=/ ;;
esac
storage=/etc/containers/storage.conf
case ${{1##*/}} in buildah) storage=/etc/containers/storage-buildah.conf ;; esac
exec nsenter --target {pid} --mount --net --ipc --cgroup -- /usr/bin/env -i -C "$folder" \\
    {given} CONTAINERS_STORAGE_CONF="$storage" \\
    {kept} "$@"
"""


def command_script(command: str, inner: Path) -> str:
    """`COMMAND-SUITE`; `inner` is `in-SUITE`."""
    return f'#!/bin/sh\nexec {shlex.quote(str(inner))} lab-command {shlex.quote(command)} "$@"\n'
