"""Which jobs may be on one engine at the same time, and whose base images are there.

Jobs come from several threads, and an engine has one name space of images. Two jobs are kept apart

* when both bring a base image of the same name with different contents;
* when one brings a base that the other's Dockerfile names and does not bring: it expects to be refused;
* when one must be alone: because it may bring the engine down, or because every other image in the
  store might change its outcome (`FROM a` is also the beginning of an image id).

A base stays after its job, for the next one with the same base, until a job comes that it would
disturb.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from entrysem.verify.protocol import Job

__all__ = ["Gate", "mentions"]

_ANY_FROM = re.compile(rb"(?i)from[^\n]*\$")

#: What a base is made of, comparable.
_Content = Any


def mentions(job: Job, name: str) -> bool:
    """Whether the job's Dockerfile may ask for an image of that name; in doubt, yes."""
    text = job.dockerfile or b""
    if _ANY_FROM.search(text):
        return True
    bare = name.removesuffix(":latest")
    # What stands before and after must not make it a part of another name; a registry or a tag may.
    found = re.search(rb"(?i)(?<![\w.-])" + re.escape(bare.encode()) + rb"(?![\w./-])", text)
    return found is not None


class Gate:
    """Admits jobs and keeps the table of bases.

    Args:
        make: puts a base on the engine under its name; what it returns is kept for `drop`.
        drop: takes it off again.
    """

    def __init__(
        self, make: Callable[[str, bytes | Mapping[str, Any]], Any], drop: Callable[[Any], None]
    ) -> None:
        self._make, self._drop = make, drop
        self._changed = threading.Condition()
        self._active: list[tuple[Job, bool]] = []
        self._waiting_alone = 0
        self._names: dict[str, threading.Lock] = {}
        self._bases: dict[str, tuple[_Content, Any]] = {}

    @contextmanager
    def admitted(self, job: Job, *, alone: bool) -> Iterator[None]:
        """Waits until the job disturbs nobody; inside, exactly the bases that it brings are there.

        Raises:
            whatever `make` raises.
        """
        with self._changed:
            self._waiting_alone += alone
            try:
                self._changed.wait_for(lambda: self._may_start(job, alone=alone))
            finally:
                self._waiting_alone -= alone
            entry = (job, alone)
            self._active.append(entry)
        try:
            self._settle(job, alone=alone)
            yield
        finally:
            with self._changed:
                self._active.remove(entry)
                self._changed.notify_all()

    def _may_start(self, job: Job, *, alone: bool) -> bool:
        if alone:
            return not self._active
        # Whoever wants to be alone must not wait for ever.
        if self._waiting_alone and self._active:
            return False
        return not any(
            other_alone or _disturb(job, other) or _disturb(other, job)
            for other, other_alone in self._active
        )

    def _settle(self, job: Job, *, alone: bool) -> None:
        with self._changed:
            known = set(self._bases)
        for name in known - job.bases.keys():
            if alone or mentions(job, name):
                with self._lock_of(name):
                    self._forget(name)
        for name, base in job.bases.items():
            if not mentions(job, name):
                continue
            content = base if isinstance(base, bytes) else _frozen(base)
            with self._lock_of(name):
                there = self._bases.get(name)
                if there is not None and there[0] == content:
                    continue
                self._forget(name)
                self._bases[name] = (content, self._make(name, base))

    def _lock_of(self, name: str) -> threading.Lock:
        with self._changed:
            return self._names.setdefault(name, threading.Lock())

    def _forget(self, name: str) -> None:
        there = self._bases.pop(name, None)
        if there is not None:
            self._drop(there[1])

    def clear(self) -> None:
        """Takes off all bases; for the end, when no job is active."""
        for name in list(self._bases):
            with self._lock_of(name):
                self._forget(name)


def _disturb(one: Job, other: Job) -> bool:
    """Whether a base of `one` would change what `other` sees."""
    for name, base in one.bases.items():
        if name in other.bases:
            if other.bases[name] != base:
                return True
        elif mentions(other, name):
            return True
    return False


def _frozen(config: Mapping[str, Any]) -> _Content:
    return tuple(
        (key, value if value is None else tuple(value)) for key, value in sorted(config.items())
    )
