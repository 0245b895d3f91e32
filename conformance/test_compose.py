"""Compose files: the real `docker compose`, of two versions, and entrysem read and start the same.

Reading needs no engine: projects written by hand, and generated ones, are printed by `docker compose
config` and read here, and compared field by field. Starting does: services are created, and what the
engine would execute is compared with what entrysem resolves.
"""

from __future__ import annotations

import contextlib
import json
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
    _ANY_TEXT,
    st.none(),
    st.booleans(),
    st.integers(-9, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
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
    service: dict[str, object] = draw(
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
    if len(others) > 0 and draw(st.booleans()):
        name = draw(st.sampled_from(others))
        service["extends"] = name if draw(st.booleans()) else {"service": name}
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
    max_examples=3,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(_project(), min_size=16, max_size=16))
def test_generated_projects_are_read_alike(compose: Compose, projects: list[Project]) -> None:
    differ: list[object] = []
    with compose.folder() as folder:
        for number, reading in enumerate(compose.read(projects, folder)):
            here = read_here(projects[number], folder / f"p{number}" / NAME)
            if reading.services is None or here.services is None:
                _SEEN["refused"] += 1
                if reading.services is not here.services:
                    differ.append((projects[number].files, reading, here))
                continue
            _SEEN["services"] += len(reading.services)
            differ += [
                (name, service, here.services.get(name), projects[number].files)
                for name, service in reading.services.items()
                if here.services.get(name) != service
            ]
    assert not differ, f"{len(differ)}, the first: {differ[0]}"


def test_enough_generated_services_were_compared() -> None:
    assert _SEEN["services"] >= 300, _SEEN


_FORMS: tuple[object, ...] = (
    None,
    [],
    "",
    [""],
    ["/w"],
    "/w 'x y' z",
    ["/w", "", "a b"],
    "$$A ${A}",
    "a && b",
)
_IMAGE = 'FROM scratch\nCOPY f /\nENTRYPOINT ["/e", "i"]\nCMD ["c", "d"]\n'


def _services(base: str) -> dict[str, dict[str, object]]:
    """Every pair of forms of entrypoint and command, over an image that has both; and builds."""
    services: dict[str, dict[str, object]] = {"base": {"build": "app", "image": base}}
    for i, entrypoint in enumerate(_FORMS):
        for j, command in enumerate(_FORMS):
            services[f"s{i}{j}"] = {
                "image": base,
                "entrypoint": entrypoint,
                "command": command,
                "init": (i + j) % 5 == 0,
                "network_mode": "none",
            }
    services["inline"] = {
        "build": {
            "context": "app",
            "target": "b",
            "dockerfile_inline": "FROM scratch AS b\nCOPY f /\nENTRYPOINT x $$A ${A}\nFROM b\nCMD y\n",
        },
        "network_mode": "none",
    }
    return services


def _here(folder: Path, base: str) -> dict[str, object]:
    """Each service's argv as entrysem resolves it, or the code of the error at create."""
    profile = Profile.parse("buildkit", "compose")
    found: dict[str, object] = {}
    with contextlib.chdir(folder):
        for subject in read_compose((), environment={}):
            if subject.text is not None:
                source = subject.text
            else:
                assert subject.image in {None, base}
                source = Path("app/Dockerfile").read_bytes()
            image = build_image(
                source, profile=profile, target=subject.target, build_args=subject.build_args
            )
            result = image.run(subject.run)
            created = result.error is None or result.error.phase != "create"
            name = subject.name.rpartition(": ")[2]
            found[name] = list(result.argv or ()) if created else result.error
    return found


def test_the_engine_is_told_what_entrysem_resolves(compose: Compose) -> None:
    project = f"composed-{compose.suite}"
    base = f"{project}-acme"
    docker = ("docker", "compose")
    services = _services(base)
    with compose.folder() as folder, contextlib.ExitStack() as stack:
        (folder / "app").mkdir()
        (folder / "app" / "f").write_text("f")
        (folder / "app" / "Dockerfile").write_text(_IMAGE)
        (folder / "compose.yaml").write_text(json.dumps({"name": project, "services": services}))
        (folder / ".env").write_text("A='p q'\n")
        stack.callback(
            compose.run, (*docker, "down", "--rmi", "all", "-t", "0"), folder=folder, check=False
        )
        here = _here(folder, base)
        refused = [name for name, value in here.items() if not isinstance(value, list)]
        assert here.keys() == services.keys()
        assert len(here) > 80
        assert refused
        compose.run((*docker, "build", "-q", "base", "inline"), folder=folder)
        created = [name for name in here if name not in refused]
        compose.run((*docker, "create", "--no-build", *created), folder=folder)
        names = [f"{project}-{name}-1" for name in created]
        seen = compose.run(("docker", "inspect", *names), folder=folder)
        for name, state in zip(created, json.loads(seen.stdout), strict=True):
            init = ["/sbin/docker-init", "--"] if state["HostConfig"].get("Init") else []
            assert here[name] == [*init, state["Path"], *state["Args"]], name
        for name in refused:
            made = compose.run((*docker, "create", "--no-build", name), folder=folder, check=False)
            assert made.returncode, name
            assert "no command specified" in made.stderr.lower(), (name, made.stderr)


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
