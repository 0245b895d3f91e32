"""Real engines behind the one interface of `protocol.Harness`.

* `docker`: a Docker engine over its HTTP API, with BuildKit or the classic builder;
* `podman`, `buildah`, `command`: what is driven by its command line.

What each makes carries the label `LABEL`, and images are tagged in `REPOSITORY`; nothing else is ever
removed. A container that is started gets `LIMITS`, no network, no capabilities and a root that it
cannot write.
"""

from __future__ import annotations

from typing import NamedTuple

from entrysem.verify.protocol import HarnessError

__all__ = ["LABEL", "LIMITS", "REPOSITORY", "EngineDied", "Limits"]

#: The label whose value is the session.
LABEL = "entrysem.session"
#: Images are tagged `entrysem-verify/<something>`.
REPOSITORY = "entrysem-verify"


class Limits(NamedTuple):
    """What a container under test may use.

    Attributes:
        memory: bytes. The probe needs a few hundred kilobytes, the runtime that starts it some
            megabytes in the same group.
        pids: processes and threads.
    """

    memory: int = 64 * 1024 * 1024
    pids: int = 64


LIMITS = Limits()


class EngineDied(HarnessError):  # noqa: N818  # what a person reads
    """The engine does not answer any more."""
