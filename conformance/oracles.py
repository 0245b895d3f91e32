"""The engines beside the matrix: what else says which argv an image gets, or builds one.

* containerd's CRI, as the kubelet speaks it, and `umoci raw runtime-config` start from an image config.
  They are asked about every config that the exhaustive product leads to, with every override that their
  interface can be given.
* OpenShift's imagebuilder, the library inside Buildah and Podman, has a command of its own. It builds the
  product's Dockerfiles, and is held against the profile of the Buildah of its Debian suite.

As in the product, entrysem is the one that is tried: what differs is a mistake in its model, or news.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from conformance import lab, product
from conformance.differential import predict
from conformance.lab import LabBuilder
from conformance.lab.cri import SUITES as CRI_SUITES
from conformance.lab.cri import Cri
from conformance.lab.umoci import Umoci
from entrysem.profiles import Profile
from entrysem.verify.engines.command import Command
from entrysem.verify.protocol import Harness, HarnessError, Job, Observation, Run
from entrysem.verify.session import new

__all__ = ["Oracle", "config_jobs", "oracles"]

_TIMEOUT = 120.0
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Oracle:
    """One of them.

    Attributes:
        key: `cri-sid`, `umoci-bookworm`, `imagebuilder-trixie`.
        suite: the Debian suite that it is from.
        open: connects; the harness is not started.
        jobs: what it is asked.
        profile: what it is held against; None for what it calls itself.
    """

    key: str
    suite: str
    open: Callable[[], Harness]
    jobs: Callable[[], Iterator[Job]]
    profile: Profile | None = None

    @contextmanager
    def opened(self) -> Iterator[Harness]:
        """Its harness, closed at the end."""
        harness = self.open()
        try:
            yield harness
        finally:
            harness.close()


#: What can be sent without a command line.
_LISTS = tuple(
    [run for run in product.RUNS.values() if not run.init and not isinstance(run.entrypoint, str)]
)


def config_jobs(runs: Iterable[Run] = _LISTS, *, literal: bool = False) -> Iterator[Job]:
    """Every distinct image config that the product comes to with the newest BuildKit, as a job.

    Args:
        runs: how each is started.
        literal: leave out the entrypoint of one empty word, which is none for an engine, and a word like
            any other for a tool that only joins the two lists.
    """
    found: dict[str, None] = {}
    for job in product.jobs("CONFIG"):
        build = predict(job, Profile()).build
        if build.outcome == "built":
            found[json.dumps(dict(build.config), sort_keys=True)] = None
    for number, text in enumerate(found):
        config = {key: words for key, words in json.loads(text).items() if words is not None}
        if not (literal and config.get("Entrypoint") == [""]):
            yield Job(f"config/{number}", config=config, level="CREATE", runs=tuple(runs))


def _cri(suite: str) -> Oracle:
    return Oracle(
        f"cri-{suite}",
        suite,
        lambda: Cri(suite=suite, session=new(), timeout=_TIMEOUT),
        config_jobs,
    )


def _umoci(suite: str) -> Oracle:
    return Oracle(
        f"umoci-{suite}",
        suite,
        lambda: Umoci(suite=suite, session=new(), timeout=_TIMEOUT),
        lambda: config_jobs([Run()], literal=True),
    )


class _Imagebuilder(Command):
    """It commits through Docker, which stores a list without words as empty or as none, as its version
    and the state before have it; no run can tell the two apart.
    """

    def observe(self, job: Job) -> Observation:
        """The job's image, with no list that is empty."""
        seen = super().observe(job)
        tries = 1
        while "commit" in seen.message and "invalid reference format" in seen.message:
            # One build in some thirty loses the name of its own image.
            if tries == _TRIES:
                raise HarnessError(seen.message)
            seen = super().observe(job)
            tries += 1
        if seen.config is None:
            return seen
        return replace(seen, config={key: words or None for key, words in seen.config.items()})


def _imagebuilder(builder: LabBuilder) -> Oracle:
    def opened() -> Harness:
        return _Imagebuilder(
            session=new(),
            timeout=_TIMEOUT,
            builder=builder.builder,
            inspect=builder.inspect,
            workspace=builder.workspace,
        )

    version = lab.engine(f"buildah-{builder.suite}-docker").version
    profile = Profile.parse(f"buildah-docker@{version}")
    behaviour = profile.builder_behaviour.replace(unset_lists="absent", empty_cmd="absent")
    return Oracle(
        builder.key,
        builder.suite,
        opened,
        lambda: product.jobs("CONFIG"),
        profile.altered(builder=behaviour),
    )


def oracles() -> tuple[Oracle, ...]:
    """All of them, from the oldest suite."""
    return (*map(_umoci, lab.SUITES), *map(_cri, CRI_SUITES), *map(_imagebuilder, lab.builders()))
