"""What sessions have left on a Docker engine: found by their marks, and removed.

A container carries the label `entrysem.session`; an image is tagged `entrysem-verify/SESSION:...`, and
BuildKit's and loaded ones carry the label too. A base image also stands under the name by which
Dockerfiles ask for it; our own tag holds a hash of that name, so that exactly this one of its names is
taken off with it. An image loses our names only: one that a user has named stays, under that name.

What a classic build had made when its client was killed has neither name nor label; it cannot be told
from a user's own and stays, as an image without a name (`docker image prune` is the user's).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from entrysem.verify.engines import LABEL, REPOSITORY
from entrysem.verify.engines.docker_api import Api, Dropped, Refused, quoted
from entrysem.verify.engines.docker_build import base_mark
from entrysem.verify.protocol import HarnessError

__all__ = ["DAY", "remove_all"]

#: What another machine's session has made is taken for dead when it is as old as this.
DAY = 24 * 3600.0


def remove_all(api: Api, gone: Callable[[str, float], bool]) -> int:
    """Removes the containers and images of sessions that are gone; how many that were.

    Args:
        gone: says of a session, and of an object's age in seconds, whether it may be removed.

    Raises:
        HarnessError: the engine is in trouble.
    """
    try:
        return sum(_containers(api, gone)) + sum(_images(api, gone))
    except (Refused, Dropped) as problem:
        raise HarnessError(f"what was made on the engine cannot be removed: {problem}") from problem


def _containers(api: Api, gone: Callable[[str, float], bool]) -> Iterator[int]:
    filters = f'{{"label":["{LABEL}"]}}'
    for entry in api.json("GET", "/containers/json", params={"all": 1, "filters": filters}):
        session = str((entry.get("Labels") or {}).get(LABEL))
        if gone(session, _age(entry)):
            params = {"force": 1, "v": 1}
            yield _delete(api, f"/containers/{entry['Id']}", params)


def _images(api: Api, gone: Callable[[str, float], bool]) -> Iterator[int]:
    for entry in api.json("GET", "/images/json"):
        names = [str(name) for name in entry.get("RepoTags") or () if name != "<none>:<none>"]
        label = (entry.get("Labels") or {}).get(LABEL)
        ours = [name for name in names if name.startswith(f"{REPOSITORY}/")]
        age = _age(entry)
        taken = [name for name in ours if gone(_session(name), age)]
        marks = {name.rpartition(":")[2].rpartition("-")[0] for name in taken}
        bases = [name for name in names if name not in ours and base_mark(name) in marks]
        for name in bases:
            _delete(api, f"/images/{quoted(name)}", {})
        for name in taken:
            yield _delete(api, f"/images/{quoted(name)}", {})
        if not names and label is not None and gone(str(label), age):
            yield _delete(api, f"/images/{entry['Id']}", {})


def _session(name: str) -> str:
    return name.removeprefix(f"{REPOSITORY}/").rpartition(":")[0]


def _age(entry: dict[str, Any]) -> float:
    """Seconds since it was made. An image made from a config says 1970: it counts as new."""
    made = float(entry.get("Created") or 0)
    return max(0.0, time.time() - made) if made > DAY else 0.0


def _delete(api: Api, path: str, params: dict[str, int]) -> int:
    """1 when it is gone; 0 when somebody else was first, or it is in use."""
    try:
        api.call("DELETE", path, params=params)
    except Refused as refused:
        if refused.status in {404, 409}:
            return 0
        raise
    return 1
