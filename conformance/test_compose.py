"""Compose files: the real `docker compose`, of two versions, and entrysem read and start the same.

Reading needs no engine: projects written by hand, and generated ones, are printed by `docker compose
config` and read here, and compared field by field. Starting does: services are created, and what the
engine would execute is compared with what entrysem resolves.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conformance.compose_projects import OBSERVED, SUITES, observations
from conformance.composed import NAME, Compose, Project, read_here
from entrysem.errors import InputError
from entrysem.inputs.compose import read_compose
from entrysem.profiles import Profile
from entrysem.resolve import build_image

_WORDS = st.text(alphabet="ab\"'\\ $&;|<>()`{}:-=#\n\té1", max_size=12)
_TEXT = st.one_of(
    _WORDS,
    st.sampled_from(("sh -c 'a b'", "a && b", "$$x", "", 'x "y z"', "yes", "1", "~", "-", "[]")),
)


@st.composite
def _template(draw: st.DrawFn, depth: int = 2) -> str:
    """A text with variables, mostly valid."""
    pieces = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.integers(0, 5))
        name = draw(st.sampled_from(("A", "B", "EMPTY", "UNSET")))
        if kind == 0:
            pieces.append(draw(_TEXT).replace("$", "$$"))
        elif kind == 1:
            pieces.append(draw(st.sampled_from((f"${name}", f"${{{name}}}", "$$", f"$${name}"))))
        else:
            operator = draw(st.sampled_from((":-", "-", ":+", "+", ":?", "?", "-", ":-")))
            if operator.endswith("?"):
                name = draw(st.sampled_from(("A", "B")))
            inner = draw(_template(depth - 1)) if depth else draw(st.sampled_from(("", "d", "a b")))
            pieces.append(f"${{{name}{operator}{inner}}}")
    return draw(st.sampled_from(("", " ", "x "))).join(pieces)


_ANY_TEXT = st.one_of(_template(), _TEXT.map(lambda text: text.replace("$", "$$")))
_SCALAR = st.one_of(
    _ANY_TEXT, st.none(), st.booleans(), st.integers(-9, 10**20), st.floats(allow_nan=False)
)
_COMMAND = st.one_of(st.none(), _ANY_TEXT, st.lists(_ANY_TEXT, max_size=4))
_NAMES = st.sampled_from(("A", "B", "C", "EMPTY", "UNSET", "lower"))
_PATH = st.sampled_from((".", "app", "./app/../b", "../c", "a b", "~x"))
_ARGS = st.one_of(
    st.dictionaries(_NAMES, _SCALAR, max_size=3),
    st.lists(
        st.builds(lambda name, text: f"{name}={text}", _NAMES, _ANY_TEXT) | _NAMES,
        max_size=3,
        unique_by=lambda text: text.partition("=")[0],
    ),
)
_BUILD = st.one_of(
    _PATH,
    st.fixed_dictionaries(
        {}, optional={"context": _PATH, "args": _ARGS, "target": st.sampled_from(("t", "$A", ""))}
    ).flatmap(
        lambda build: st.sampled_from(
            (
                build,
                build | {"dockerfile": "D/$A"},
                build | {"dockerfile_inline": "FROM scratch\nCMD $$A $A\n"},
            )
        )
    ),
)


@st.composite
def _service(draw: st.DrawFn, others: tuple[str, ...], *, whole: bool) -> dict[str, object]:
    service = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "command": _COMMAND,
                "entrypoint": _COMMAND,
                "init": st.one_of(st.booleans(), st.sampled_from(("true", "no", "${UNSET:-on}"))),
                "platform": st.sampled_from(("linux/amd64", "linux/$B")),
                "environment": st.just({"X": "$A"}),
                "build": _BUILD,
            },
        )
    )
    if others and draw(st.booleans()):
        service["extends"] = draw(
            st.sampled_from(others) | st.sampled_from(others).map(lambda name: {"service": name})
        )
    if whole and ("build" not in service or draw(st.booleans())):
        service["image"] = draw(st.sampled_from(("acme/web", "acme/$B:1", "${A:-x}")))
    return service


@st.composite
def _project(draw: st.DrawFn) -> Project:
    names = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    base = {name: draw(_service(names[:at], whole=True)) for at, name in enumerate(names)}
    files = {"compose.yaml": yaml.safe_dump({"services": base}, allow_unicode=True)}
    if draw(st.booleans()):
        over = {
            name: draw(_service((), whole=False)) for name in draw(st.sets(st.sampled_from(names)))
        }
        files["compose.override.yaml"] = yaml.safe_dump({"services": over}, allow_unicode=True)
    if draw(st.booleans()):
        files[".env"] = "A=dot\nB='b ${A}'\nD=$A\n"
    return Project(files, environment={"A": "a b", "B": "b", "EMPTY": ""})


@pytest.fixture(scope="module", params=SUITES)
def compose(request: pytest.FixtureRequest) -> Compose:
    return Compose(request.param)


@pytest.mark.parametrize("suite", SUITES)
def test_compose_still_reads_the_projects_as_recorded(suite: str) -> None:
    version, found = observations(suite)
    recorded = json.loads(OBSERVED.read_text())
    assert version in recorded, f"record what Compose {version} does"
    assert found == recorded[version]


#: How many generated services were compared, and how many projects were refused by both.
_SEEN = {"services": 0, "refused": 0}


@settings(
    max_examples=5,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(_project(), min_size=24, max_size=24))
def test_generated_projects_are_read_alike(compose: Compose, projects: list[Project]) -> None:
    with compose.folder() as folder:
        for number, reading in enumerate(compose.read(projects, folder)):
            here = read_here(projects[number], folder / f"p{number}" / NAME)
            told = f"{projects[number].files}\n{reading.error}\n{here.error}"
            assert (here.services is None) == (reading.services is None), told
            _SEEN["refused"] += reading.services is None
            for name, service in (reading.services or {}).items():
                _SEEN["services"] += 1
                assert here.services is not None
                assert here.services[name] == service, f"{name}: {told}"


def test_enough_generated_services_were_compared() -> None:
    assert _SEEN["services"] >= 300, _SEEN


_FORMS = (None, [], "", [""], ["/w"], "/w 'x y' z", ["/w", "", "a b"], "$$A ${A}", "a && b")
_IMAGE = 'FROM scratch\nCOPY f /\nENTRYPOINT ["/e", "i"]\nCMD ["c", "d"]\n'


def _created() -> dict[str, object]:
    """Every pair of forms of entrypoint and command, over an image that has both."""
    services = {}
    for i, entrypoint in enumerate(_FORMS):
        for j, command in enumerate(_FORMS):
            services[f"s{i}{j}"] = {
                "build": "app",
                "entrypoint": entrypoint,
                "command": command,
                "init": (i + j) % 5 == 0,
            }
    services["inline"] = {
        "build": {
            "context": "app",
            "target": "b",
            "dockerfile_inline": "FROM scratch AS b\nCOPY f /\nENTRYPOINT x $$A ${A}\nFROM b\nCMD y\n",
        }
    }
    return services


@pytest.fixture
def created(compose: Compose) -> Iterator[tuple[Path, dict[str, object]]]:
    """A folder with the project, and each service's Path and Args; an error's text where it has one."""
    project = f"composed-{compose.suite}"
    with compose.folder() as folder, contextlib.ExitStack() as stack:
        (folder / "app").mkdir()
        (folder / "app" / "f").write_text("f")
        (folder / "app" / "Dockerfile").write_text(_IMAGE)
        (folder / "compose.yaml").write_text(json.dumps({"name": project, "services": _created()}))
        (folder / ".env").write_text("A='p q'\n")
        docker = ("docker", "compose")
        stack.callback(
            compose.run, (*docker, "down", "--rmi", "all", "-t", "0"), folder=folder, check=False
        )
        compose.run((*docker, "build", "-q"), folder=folder)
        found: dict[str, object] = {}
        for name in _created():
            made = compose.run((*docker, "create", "--no-build", name), folder=folder, check=False)
            if made.returncode:
                found[name] = made.stderr
                continue
            seen = compose.run(
                ("docker", "inspect", "-f", "{{json .}}", f"{project}-{name}-1"), folder=folder
            )
            state = json.loads(seen.stdout)
            init = ["/sbin/docker-init", "--"] if state["HostConfig"]["Init"] else []
            found[name] = [*init, state["Path"], *state["Args"]]
        yield folder, found


def test_the_engine_is_told_what_entrysem_resolves(created: tuple[Path, dict[str, object]]) -> None:
    folder, found = created
    with contextlib.chdir(folder):
        subjects = read_compose((), environment={})
        here: dict[str, object] = {}
        for subject in subjects:
            source = subject.text or Path(subject.dockerfile or "").read_bytes()
            image = build_image(
                source,
                profile=Profile.parse("buildkit", "compose"),
                target=subject.target,
                build_args=subject.build_args,
            )
            result = image.run(subject.run)
            name = subject.name.rpartition(": ")[2]
            # What no program can be found for is created, and fails when it is started.
            here[name] = list(result.argv) if result.argv is not None else result.error
    assert here.keys() == found.keys()
    assert len(found) > 80
    for name, seen in found.items():
        if isinstance(seen, str):
            assert "no command specified" in seen, (name, seen)
            assert getattr(here[name], "code", None) == "no-command-specified", (name, here[name])
        else:
            assert here[name] == seen, name
    assert any(isinstance(seen, str) for seen in found.values())


def test_an_error_names_the_line(compose: Compose) -> None:
    """Compose names the service and key; entrysem the line too."""
    project = Project({"compose.yaml": "services:\n  web:\n    image: i\n    command: [a, 1]\n"})
    with compose.folder() as folder:
        (reading,) = compose.read([project], folder)
        assert "services.web.command" in reading.error
        with contextlib.chdir(folder / "p0" / NAME), pytest.raises(InputError) as caught:
            read_compose((), environment={})
    assert caught.value.where == "compose.yaml:4"
    assert "services.web.command" in caught.value.message
