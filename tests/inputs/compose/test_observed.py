"""Every project of `conformance.compose_projects`, read as the real Compose was seen to read it.

The expected values are the output of `docker compose config` of Compose 2.26.1 and 2.40.3, in
`observed.json`; `python -m conformance.compose_projects` asks them again.
"""

import json
from pathlib import Path

import pytest

from conformance.compose_projects import OBSERVED, PROJECTS, moved
from conformance.composed import NAME, read_here

SEEN = json.loads(OBSERVED.read_text())
OLDER, NEWEST = sorted(SEEN)

#: Where 2.26.1 differs: `$A` in a second --env-file has the first file's value; a last line of .env
#: without line end fails; names of build arguments may end in a space; a date is a build argument, and
#: infinity is none.
ONLY_SINCE = {
    "env-file",
    "dotenv-last-line",
    "build-args-space",
    "build-args-date",
    "build-args-infinity",
}


def read(name: str, folder: Path) -> object:
    place = folder / NAME
    place.mkdir()
    PROJECTS[name].write(place)
    return moved(read_here(PROJECTS[name], place).services, place)


def test_the_observations_are_of_these_projects() -> None:
    assert (OLDER, NEWEST) == ("2.26.1-4", "2.40.3-3")
    for seen in SEEN.values():
        assert seen.keys() == PROJECTS.keys()
    assert sum(len(services or {}) for services in SEEN[NEWEST].values()) > 150
    assert sum(services is None for services in SEEN[NEWEST].values()) > 50


@pytest.mark.parametrize("name", PROJECTS)
def test_reads_a_project_as_compose_does(name: str, tmp_path: Path) -> None:
    assert read(name, tmp_path) == SEEN[NEWEST][name]


def test_the_older_compose_differs_only_where_it_is_known_to() -> None:
    differ = {name for name in PROJECTS if SEEN[OLDER][name] != SEEN[NEWEST][name]}
    assert differ == ONLY_SINCE
