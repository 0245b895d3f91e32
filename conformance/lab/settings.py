"""The settings files that every suite's engines get, and the commands that its daemons are.

Everything that differs from an engine's own defaults is here, with the reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.lab.catalogue import SUITES
from conformance.lab.places import Places

__all__ = ["DAEMONS", "PAUSE_IMAGE", "Daemon", "daemon_command", "files"]


@dataclass(frozen=True, slots=True)
class Daemon:
    """One of a suite's daemons.

    Attributes:
        groups: whose processes end when it is started anew: its own, and those of its containers.
        suites: where it is.
        http: whether it answers HTTP on its socket.
    """

    groups: tuple[str, ...]
    suites: tuple[str, ...] = SUITES
    http: bool = True


#: Containerd by itself is there for its Kubernetes interface; before 1.7 it was another one.
DAEMONS: Mapping[str, Daemon] = {
    "docker": Daemon(("lab-docker", "docker")),
    "podman": Daemon(("lab-podman",)),
    "containerd": Daemon(("lab-containerd", "pods"), suites=("trixie", "sid"), http=False),
}

_PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_GROUP = "root:x:0:\ndaemon:x:1:\ntty:x:5:\nnogroup:x:65534:\n"

# No ulimits: Podman's defaults are above what a process without CAP_SYS_RESOURCE may ask for.
# No pids limit unless asked for: in a container the machine may not let us limit anything.
# Cgroupfs: there is no systemd in a suite. No network: there is none to configure.
_CONTAINERS = """\
[containers]
default_ulimits=[]
pids_limit=0
netns="none"
cgroupns="host"
log_driver="k8s-file"
[engine]
runtime="crun"
cgroup_manager="cgroupfs"
events_logger="file"
init_path="/usr/bin/catatonit"
"""

#: What holds a pod's namespaces; the lab makes it (`cri`), as there is no registry to take it from.
PAUSE_IMAGE = "localhost/entrysem-verify/pause:latest"

# Version 2 is read by containerd 1.7 and 2. Native: the layers are tiny, and nothing is mounted. The
# OOM score of a pod is below that of a process without CAP_SYS_RESOURCE, which may only raise it.
_CONTAINERD = """\
version = 2
root = "{data}"
state = "/run/containerd-{start}"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
"""


def files(places: Places, suite: str) -> dict[str, str]:
    """Path below the root -> content."""
    settings = {
        "passwd": _PASSWD,
        "group": _GROUP,
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "resolv.conf": "",
        "containers/policy.json": json.dumps({"default": [{"type": "insecureAcceptAnything"}]}),
        "containers/registries.conf": "unqualified-search-registries=[]\n",
        "containers/containers.conf": _CONTAINERS,
        "containers/storage.conf": _storage(places, suite, "podman"),
        "containers/storage-buildah.conf": _storage(places, suite, "buildah"),
    }
    # Without any settings for Docker's clients, old imagebuilders give up.
    home = {"root/.docker/config.json": "{}\n"}
    return {f"etc/{name}": text for name, text in settings.items()} | home


def _storage(places: Places, suite: str, name: str) -> str:
    """A store for each of Podman and Buildah: they take turns on one, and it slows as it fills.

    The driver is named because by default one takes vfs and the other overlay; an image here is a file
    or two, for which vfs is as good.
    """
    return (
        f'[storage]\ndriver="vfs"\nrunroot="/run/{name}-storage"\n'
        f'graphroot="{places.suite(suite) / name}"\n'
    )


def daemon_command(places: Places, suite: str, name: str) -> list[str]:
    """What is run inside the suite."""
    socket = f"unix://{places.socket(suite, name)}"
    if name == "containerd":
        # The script writes its settings anew at each start, see below about the folder of its state.
        settings = _CONTAINERD.format(
            data=places.suite(suite) / name,
            start=time.monotonic_ns(),
            socket=places.socket(suite, name),
            pause=PAUSE_IMAGE,
        )
        path = "/run/containerd.toml"
        script = f'printf %s "$1" >{path} && exec containerd --config {path}'
        return ["bash", "-c", script, "bash", settings]
    if name == "podman":
        return ["podman", "system", "service", "--time", "0", socket]
    return [
        "dockerd",
        f"--host={socket}",
        f"--data-root={places.suite(suite) / 'docker'}",
        # Anew at each start: one that was killed leaves process ids there, of processes that may be
        # zombies for a while, and that the next one takes for alive.
        f"--exec-root=/run/docker-{time.monotonic_ns()}",
        "--pidfile=",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--exec-opt=native.cgroupdriver=cgroupfs",
        "--add-runtime=crun=/usr/bin/crun",
    ]
