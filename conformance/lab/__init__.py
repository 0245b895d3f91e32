"""The lab: private real engines from Debian's packages, for the conformance suite and for anybody.

    python -m conformance.lab up            every engine; `up trixie`, `up podman-sid`: some of them
    python -m conformance.lab engines       their ids, and what `entrysem verify --engine` takes
    python -m conformance.lab run sid docker info
    python -m conformance.lab down          and nothing is left

Each Debian suite is a tree of unpacked packages (`fetch`) in namespaces of its own (`holder`), with
its own control group (`cgroups`), a Docker daemon and a Podman service (`suite`), and scripts that run
its commands from outside (`wrappers`). Nothing is installed, and nothing of the machine is changed:
an engine that already runs there, its images, /run and /var/lib are out of sight. It needs root.

The functions below are what the suite uses; each may be called at any time, from several processes.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from conformance.lab import cgroups, machine
from conformance.lab.catalogue import QUICK, SUITES, LabEngine, suites_of, table
from conformance.lab.errors import EngineStartError, LabError
from conformance.lab.fetch import sweep_parts
from conformance.lab.places import Places
from conformance.lab.suite import Suite

__all__ = [
    "SUITES",
    "EngineStartError",
    "LabEngine",
    "LabError",
    "Places",
    "alive",
    "down",
    "engine",
    "engines",
    "ensure",
    "quick",
    "up",
]


def engines() -> tuple[LabEngine, ...]:
    """Every engine, whether it is up or not; ids have versions for suites that are up."""
    places = Places.here()
    return table(places, {suite: Suite(places, suite).versions() for suite in SUITES})


def engine(name: str) -> LabEngine:
    """The engine with that id or key.

    Raises:
        LabError: there is none.
    """
    found = engines()
    for one in found:
        if name in {one.id, one.key}:
            return one
    raise LabError(f"no engine {name!r}; there are {', '.join(one.id for one in found)}")


def quick() -> tuple[str, ...]:
    """The ids of the quick matrix."""
    return tuple(engine(key).id for key in QUICK)


def up(names: Iterable[str] = (), *, say: Callable[[str], None] = lambda _: None) -> None:
    """Brings up suites, or the suites of engines; all when none is named. What is up stays as it is.

    Args:
        names: suites, ids, keys.
        say: is told what is happening, a line at a time.

    Raises:
        EngineStartError: engines do not start; the message names each; the others are up.
        LabError: it cannot be done here, or the packages cannot be had.
    """
    wanted = suites_of(names, engines())
    machine.check()
    places = Places.here()
    with places.lock(), ThreadPoolExecutor(len(SUITES)) as pool:
        sweep_parts(places)
        tasks = {suite: pool.submit(Suite(places, suite).up, say) for suite in wanted}
        failures = [error for task in tasks.values() if (error := task.exception())]
    for error in failures:
        if not isinstance(error, LabError):
            raise error
    if failures:
        kind = (
            EngineStartError if all(isinstance(e, EngineStartError) for e in failures) else LabError
        )
        raise kind("\n".join(map(str, failures)))


def down(names: Iterable[str] = ()) -> None:
    """Takes suites down, or all; the unpacked trees stay.

    Raises:
        LabError: something does not go away.
    """
    wanted = suites_of(names, engines())
    machine.check()
    places = Places.here()
    with places.lock():
        sweep_parts(places)
        for suite in wanted:
            Suite(places, suite).down()
        if not any(places.suite(suite).exists() for suite in SUITES):
            cgroups.remove(places.name)
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(places.data)


def alive(name: str) -> bool:
    """Whether an engine can be used now."""
    one = engine(name)
    return Suite(Places.here(), one.suite).alive(one.kind)


def ensure(name: str) -> LabEngine:
    """Brings an engine up when it is not, or has died, and says how it is reached now.

    Raises:
        LabError: it does not come up.
    """
    key = engine(name).key
    if not alive(key):
        up([key])
    return engine(key)
