"""The vectors as tests of pytest, and entrysem's answers as a fixture of other people's tests.

    pytest --entrysem-engine docker                        every case, judged as `entrysem verify` does
    pytest --entrysem-engine 'harness:./my-builder' -k build -n 4 --junitxml report.xml

With `--entrysem-engine` each result of a case is one test: `docker::CASE` for what came of the build and
`docker::CASE/RUN` for a run. Without paths on the command line only these are collected, with paths
they come first. PASS passes, DEVIATES is an expected failure with the recorded deviation as its reason,
SKIP skips, FAIL and STALE fail, ERROR is an error. A harness that fails the first questions, about which
nobody disagrees, is one error, and the cases are skipped.

A case is asked for once, when its first test runs, so tests that are not selected cost nothing. With
pytest-xdist every worker connects to the engine and asks for its own cases; the tests of one case stay
together under `--dist loadgroup`.

Without the option nothing is collected and nothing is imported but this module. The fixture
`entrysem_oracle` needs no engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from entrysem import ImageConfig, Resolution
    from entrysem.verify.parts import Planned
    from entrysem.verify.plan import Plan
    from entrysem.verify.protocol import Harness, Implementation, Observation
    from entrysem.verify.verdict import Result

__all__ = ["Oracle", "entrysem_oracle"]

_ENGINE = "entrysem_engine"
_SUITE = pytest.StashKey["Suite"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("entrysem", "which argv a container gets")
    group.addoption(
        "--entrysem-engine",
        metavar="ENGINE",
        help="Judge this engine by the vectors: docker, podman, buildah, or harness:PROGRAM; with "
        "options as for `entrysem verify --engine`.",
    )
    group.addoption(
        "--entrysem-level",
        default="CREATE",
        choices=("CONFIG", "CREATE", "PROCESS"),
        help="The closest look.",
    )
    group.addoption(
        "--entrysem-rules",
        metavar="GLOB",
        action="append",
        default=[],
        help="Only cases about these rules, as BUILD-*; may stand several times.",
    )
    group.addoption(
        "--entrysem-profile",
        metavar="BUILDER[,RUNTIME]",
        default="",
        help="Whose values are expected; the newest BuildKit and Docker by default.",
    )
    group.addoption(
        "--entrysem-known", metavar="FILE", help="Differences that you know of and expect."
    )
    group.addoption(
        "--entrysem-timeout",
        metavar="SECONDS",
        type=float,
        default=60.0,
        help="For one build or one run.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Without paths on the command line, the vectors are all that is collected."""
    config.addinivalue_line("markers", "entrysem: a case of entrysem's vectors")
    if config.getoption(_ENGINE) and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Puts the vectors before all others, early enough for -k to choose among them."""
    if config.getoption(_ENGINE) is None:
        return
    from entrysem.errors import InputError  # noqa: PLC0415
    from entrysem.verify.protocol import HarnessError  # noqa: PLC0415

    try:
        suite = Suite.opened(config)
    except InputError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        raise pytest.UsageError(f"{error.where}: {error.message}{hint}") from None
    except HarnessError as error:
        raise pytest.UsageError(f"{config.getoption(_ENGINE)}: {error}") from None
    config.stash[_SUITE] = suite
    config.add_cleanup(suite.close)
    items[:0] = suite.items(session)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Who is judged."""
    engine = config.getoption(_ENGINE)
    if engine is None:
        return None
    return f"entrysem: {engine}, level {config.getoption('entrysem_level')}"


class Suite:
    """The engine that is judged, the plan, and what has been observed so far."""

    def __init__(
        self, engine: str, harness: Harness, implementation: Implementation, plan: Plan
    ) -> None:
        self.engine = engine
        self.harness = harness
        self.implementation = implementation
        self.plan = plan
        self._sound: str | None = None
        self._seen: dict[str, tuple[Result, ...]] = {}

    @staticmethod
    def opened(config: pytest.Config) -> Suite:
        """Connects to the engine and plans.

        Raises:
            InputError: an option is wrong.
            HarnessError: the engine cannot be reached.
        """
        from entrysem import vectors  # noqa: PLC0415
        from entrysem.profiles import Profile  # noqa: PLC0415
        from entrysem.verify.known import read_known  # noqa: PLC0415
        from entrysem.verify.plan import make_plan  # noqa: PLC0415
        from entrysem.verify.protocol import HarnessError  # noqa: PLC0415
        from entrysem.verify.select import open_engine  # noqa: PLC0415
        from entrysem.verify.session import new  # noqa: PLC0415

        engine: str = config.getoption(_ENGINE)
        profile = Profile.parse(*filter(None, config.getoption("entrysem_profile").split(",")))
        known_file = config.getoption("entrysem_known")
        known = read_known(Path(known_file)) if known_file else ()
        timeout: float = config.getoption("entrysem_timeout")
        harness = open_engine(engine, session=new(), timeout=timeout)
        try:
            implementation = harness.start()
            with suppress(HarnessError):  # what a dead session left disturbs nobody
                harness.sweep()
            plan = make_plan(
                vectors.cases(),
                implementation,
                reference=profile,
                level=config.getoption("entrysem_level"),
                rules=tuple(config.getoption("entrysem_rules")),
                known=known,
            )
        except BaseException:
            harness.close()
            raise
        return Suite(engine, harness, implementation, plan)

    def items(self, session: pytest.Session) -> Iterator[pytest.Item]:
        """A test for each result, after one for the harness itself."""
        name = self.engine.partition(":")[0]
        parent = _Engine.from_parent(session, name=name, nodeid=name, path=session.path)
        yield _Smoke.from_parent(parent, name="smoke", suite=self)
        for planned in self.plan.cases:
            for at, part in enumerate(planned.parts):
                yield _Part.from_parent(parent, name=part.id, suite=self, planned=planned, at=at)

    def close(self) -> None:
        """Removes what was made on the engine."""
        self.harness.close()

    @property
    def unsound(self) -> str:
        """What is wrong with the harness, or empty; it is asked once."""
        from entrysem.verify.smoke import smoke  # noqa: PLC0415

        if self._sound is None:
            found = smoke(self.harness, self.implementation, self.plan.level)
            self._sound = "" if found is None else found.message
        return self._sound

    def result(self, planned: Planned, at: int) -> Result:
        """The judged part of a case; the case is observed when its first part is asked for."""
        name = planned.case["id"]
        if name not in self._seen:
            self._seen[name] = self._judged(planned)
        return self._seen[name][at]

    def _judged(self, planned: Planned) -> tuple[Result, ...]:
        from entrysem.verify.protocol import HarnessError  # noqa: PLC0415
        from entrysem.verify.verdict import broken, judge, spread  # noqa: PLC0415

        if planned.asked is None:
            return judge(planned, None, self.plan.engine, self.plan.level)
        try:
            observation = self._observed(planned)
        except HarnessError as error:
            return broken(planned, str(error), self.plan.level)
        return judge(planned, spread(planned, observation), self.plan.engine, self.plan.level)

    def _observed(self, planned: Planned) -> Observation:
        from entrysem.verify.protocol import HarnessError  # noqa: PLC0415
        from entrysem.verify.verdict import check_observation  # noqa: PLC0415

        request = planned.request
        try:
            observation = self.harness.observe(request)
        except HarnessError:
            revive = getattr(self.harness, "revive", None)
            if revive is None:
                raise
            revive()
            observation = self.harness.observe(request)
        check_observation(request, observation, self.implementation.levels)
        return observation


class _Engine(pytest.Collector):
    """Stands for the engine in the ids; its tests are made by `Suite.items`."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return []


class _BrokenError(Exception):
    """The engine or the harness broke; the message is for a person."""


class _MismatchError(Exception):
    """FAIL or STALE; the message is for a person."""


class _Item(pytest.Item):
    def __init__(self, *, suite: Suite, **options: Any) -> None:
        super().__init__(**options)
        self.suite = suite
        self.add_marker("entrysem")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone: where Python was when it was raised is of no interest."""
        if isinstance(excinfo.value, (_BrokenError, _MismatchError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class _Smoke(_Item):
    """Whether there is an engine behind the harness at all."""

    def setup(self) -> None:
        """What breaks here is an error, not a failure."""
        if message := self.suite.unsound:
            raise _BrokenError(message)

    def runtest(self) -> None:
        """Nothing is left to be done."""

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test stands."""
        return self.path, None, f"{self.suite.engine}: the harness itself"


class _Part(_Item):
    """One result of a case."""

    def __init__(self, *, planned: Planned, at: int, **options: Any) -> None:
        super().__init__(**options)
        self.planned = planned
        self.at = at
        # The rules are keywords: -k BUILD-02 chooses the cases about it.
        self.extra_keyword_matches.update(planned.case["rules"])
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(planned.case["id"]))

    def setup(self) -> None:
        """Observes; what breaks here is an error, not a failure."""
        if self.suite.unsound:
            pytest.skip("the harness is not sound: see smoke")
        result = self.suite.result(self.planned, self.at)
        if result.verdict == "ERROR":
            raise _BrokenError(result.reason)
        if result.verdict == "SKIP":
            pytest.skip(result.reason)

    def runtest(self) -> None:
        """Tells the verdict."""
        result = self.suite.result(self.planned, self.at)
        self.user_properties += [
            ("verdict", result.verdict),
            ("level", result.level),
            ("rules", ", ".join(self.planned.case["rules"])),
        ]
        if result.verdict == "DEVIATES":
            pytest.xfail(
                ", ".join(result.deviations) or f"recorded from {result.part.recorded_from}"
            )
        if result.verdict != "PASS":
            raise _MismatchError(_told(self.planned, result))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test stands."""
        return self.path, None, f"{self.suite.engine}: {self.name}"


def _told(planned: Planned, result: Result) -> str:
    """A failure for a person: the case, what was expected, what was seen, and why it matters."""
    import json  # noqa: PLC0415

    from entrysem.render.visible import visible  # noqa: PLC0415

    case, part = planned.case, result.part
    lines = [f"{result.verdict}: {case['title']}", f"rules: {', '.join(case['rules'])}"]
    if planned.job.dockerfile is not None:
        lines.append(visible(planned.job.dockerfile.decode("utf-8", "replace")).rstrip("\n"))
    if part.index is not None:
        run = planned.job.runs[part.index]
        lines.append(f"run: entrypoint {run.entrypoint!r}, args {run.args!r}, init {run.init}")
    for name, value in (("expected", part.expected), ("recorded", part.recorded)):
        if value is not None:
            whose = part.expected_from if name == "expected" else part.recorded_from
            lines.append(f"{name}: {json.dumps(value.to_wire())} ({whose})")
    if result.observed is not None:
        lines.append(f"observed: {json.dumps(result.observed.to_wire())} (level {result.level})")
    return "\n".join([*lines, result.reason])


# --- the fixture -------------------------------------------------------------------------------------


class Oracle:
    """What entrysem says of a Dockerfile and a run; the value of the fixture `entrysem_oracle`."""

    def __call__(
        self,
        source: str | bytes | ImageConfig,
        args: tuple[str, ...] | None = None,
        *,
        entrypoint: str | tuple[str, ...] | None = None,
        init: bool = False,
        builder: str = "buildkit",
        runtime: str = "docker",
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        bases: Mapping[str, ImageConfig] | None = None,
    ) -> Resolution:
        """The answer: `.argv`, `.error`, `.effective`, `.rules`, and the config in `.image.config`.

        Args:
            source: a Dockerfile, or an image config.
            args: the words after the image.
            entrypoint: a `str` as typed after `--entrypoint`, a tuple as sent to an API.
            init: `--init`.
            builder, runtime: NAME or NAME@VERSION.
            target, build_args: of the build.
            bases: base image -> config; every image but `scratch` is unknown without it.

        Raises:
            DockerfileError: the builder rejects it.
            InputError: a name or version is unknown, or the options are not legal there.
        """
        from entrysem import Profile, RunOptions, resolve  # noqa: PLC0415

        return resolve(
            source,
            RunOptions(args=args, entrypoint=entrypoint, init=init),
            profile=Profile.parse(builder, runtime),
            target=target,
            build_args=build_args or {},
            bases=bases,
        )


@pytest.fixture(scope="session")
def entrysem_oracle() -> Oracle:
    """Asks entrysem which argv a container gets: `entrysem_oracle(dockerfile, ("x",)).argv`."""
    return Oracle()
