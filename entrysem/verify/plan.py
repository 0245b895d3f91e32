"""What is asked of an engine, and what is expected of it: vectors -> jobs with expectations.

A case of the vectors holds, for each builder and runtime that somebody observed or read the source
of, what it does. Two of these voices matter for a verdict. The *reference* is the profile that the
engine is measured with; its value is what is *expected*. The voice of the judged engine itself is what
is *recorded*, where it says something else: a known difference. A file of `known` differences is heard
before the vectors.

The vectors name exact versions, engines have others. Then the listed version of the same engine
speaks for it that differs in the fewest recorded deviations, and of those the nearest; but where one
of these deviations touches a rule that the case is about, nobody has observed what this version does.

A part of a case is what gets a verdict: what came of the build, and each run. Parts that cannot be
asked for are in the plan too, with the reason, so that nothing is left out in silence.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from entrysem.errors import DockerfileError
from entrysem.profiles import Engine, Profile
from entrysem.vectors import dockerfile_of, image_of
from entrysem.verify.known import Known, recorded_by
from entrysem.verify.parts import Part, Planned, key_of, part_id, run_of, value_of
from entrysem.verify.protocol import LEVELS, Implementation, Job, Level
from entrysem.verify.values import BuildValue, Value, differ
from entrysem.verify.voices import Voice, choose, unheard
from entrysem.verify.wire import config_from_wire, job_to_wire

__all__ = ["Plan", "make_plan", "profile_of"]

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it, in the order in which it is asked: what may kill an engine comes last.

    Attributes:
        cases: the cases.
        risky: how many of them, at the end, have killed engines.
        reference: whose values are the expected ones.
        engine: the judged engine, as far as it is one that entrysem knows.
        level: the closest look that is wanted.
    """

    cases: tuple[Planned, ...]
    risky: int
    reference: Profile
    engine: tuple[Engine | None, Engine | None]
    level: Level

    @property
    def digest(self) -> str:
        """Equal for plans that ask the same and expect the same."""
        found = hashlib.sha256(f"{self.reference} {self.level}\n".encode())
        for planned in self.cases:
            parts = [
                (
                    part.id,
                    part.index,
                    part.expected and part.expected.to_wire(),
                    part.recorded and part.recorded.to_wire(),
                    part.recorded_from,
                    part.unobserved,
                    part.skip,
                )
                for part in planned.parts
            ]
            document = [job_to_wire(planned.job), planned.asked, parts]
            found.update(json.dumps(document, sort_keys=True).encode() + b"\n")
        return f"sha256:{found.hexdigest()}"

    @property
    def results(self) -> int:
        """How many verdicts there will be."""
        return sum(len(planned.parts) for planned in self.cases)


def profile_of(implementation: Implementation) -> tuple[Engine | None, Engine | None]:
    """The implementation as a builder and as a runtime that entrysem knows; None for neither.

    Raises:
        InputError: it calls itself an engine that entrysem does not know.
    """
    builder = runtime = None
    if implementation.builder is not None:
        builder = Profile.parse(implementation.builder).builder
    if implementation.runtime is not None:
        runtime = Profile.parse(runtime=implementation.runtime).runtime
    return builder, runtime


def make_plan(
    cases: Iterable[Case],
    implementation: Implementation,
    *,
    reference: Profile,
    level: Level,
    rules: Sequence[str] = (),
    names: Sequence[str] = (),
    known: Sequence[Known] = (),
) -> Plan:
    """Plans all cases that `rules` and `names` (globs) let through; without globs, all.

    Raises:
        InputError: the implementation calls itself an engine that entrysem does not know.
    """
    engine = profile_of(implementation)
    planner = _Planner(implementation, engine, reference, level, known)
    found = [planner.planned(case) for case in cases if _chosen(case, rules, names)]
    risky = [planned for planned in found if _may_kill(planned.case)]
    safe = [planned for planned in found if not _may_kill(planned.case)]
    return Plan((*safe, *risky), len(risky), reference, engine, level)


def _chosen(case: Case, rules: Sequence[str], names: Sequence[str]) -> bool:
    by_rule = not rules or any(fnmatchcase(rule, glob) for glob in rules for rule in case["rules"])
    return by_rule and (not names or any(fnmatchcase(case["id"], glob) for glob in names))


_FROM = re.compile(rb"^[ \t]*FROM\b", re.IGNORECASE | re.MULTILINE)


def _may_kill(case: Case) -> bool:
    """A Dockerfile without FROM: several engines die of some of these."""
    return "config" not in case and not _FROM.search(dockerfile_of(case))


def _deadly(case: Case, builder: Engine | None) -> str:
    """Why this must not be asked for: BuildKit inside a Docker Engine before 27.1 dies of it, and takes
    the whole engine and what its owner runs there with it. A harness that knows its engine knows
    whether it may ask; behind a stranger there may be any.
    """
    if builder is None and _may_kill(case):
        try:
            image_of(case, Profile())
        except DockerfileError as error:
            if error.code == "no-stages":
                return (
                    "a Dockerfile without a stage kills some engines: not asked of an unknown one"
                )
    return ""


class _Planner:
    """Plans one case after the other for one engine."""

    def __init__(
        self,
        implementation: Implementation,
        engine: tuple[Engine | None, Engine | None],
        reference: Profile,
        level: Level,
        known: Sequence[Known],
    ) -> None:
        self.implementation = implementation
        self.builder, self.runtime = engine
        self.reference = reference
        self.level = level
        self.known = known
        offered = max(implementation.levels, key=LEVELS.index)
        self.offered: Level = min(level, offered, key=LEVELS.index)

    def planned(self, case: Case) -> Planned:
        """The case with its parts."""
        runs = self._runs(case) if self.level != "CONFIG" else {}
        build = self._build(case)
        parts = [self._run_part(case, index, key) for index, key in enumerate(runs)]
        if build.expected is None or (build.expected == BuildValue("built") and not parts):
            names = sorted({run for item in case["expect"] for run in _runtimes(item)})
            whose = ", ".join(
                names or sorted({name for e in case["expect"] for name in e["builders"]})
            )
            build = replace(build, skip=build.skip or f"the case speaks of {whose} only")
        if reason := self._impossible(case):
            build = replace(build, skip=reason)
        if build.skip:
            parts = [replace(part, skip=build.skip) for part in parts]
        asked = None
        if not build.skip:
            asked = tuple([index for index, part in enumerate(parts) if not part.skip])
        job = Job(
            id=case["id"],
            dockerfile=None if "config" in case else dockerfile_of(case),
            config=config_from_wire(case["config"], case["id"]) if "config" in case else None,
            bases={
                name: base.encode() if isinstance(base, str) else config_from_wire(base, name)
                for name, base in case.get("bases", {}).items()
            },
            target=case.get("target"),
            build_args=case.get("build_args", {}),
            platform=case.get("platform", ""),
            level=self.offered if runs else "CONFIG",
            runs=tuple([run_of(run) for run in runs.values()]),
        )
        return Planned(case, job, asked, (build, *parts))

    def _impossible(self, case: Case) -> str:
        platform, ours = case.get("platform", ""), self.implementation.platform
        if platform and platform.split("/")[0] != ours.split("/")[0]:
            return f"asks for {platform}, and this engine makes {ours}"
        return _deadly(case, self.builder)

    # --- voices --------------------------------------------------------------------------------------

    def _reference_builder(self, case: Case) -> Voice | None:
        listed = [name for item in case["expect"] for name in item["builders"]]
        return choose(listed, self.reference.builder, "builder", case["rules"])

    def _own_builder(self, case: Case) -> Voice | None:
        if self.builder is None:
            # What only runs images is judged with the reference's.
            return self._reference_builder(case) if self.runtime is not None else None
        listed = [name for item in case["expect"] for name in item["builders"]]
        return choose(listed, self.builder, "builder", case["rules"])

    def _unheard(self, case: Case, builder: Voice | None, runtime: Engine | None) -> str:
        """Why nobody knows what the engine does here, when the case does not list it."""
        said = []
        if builder is None and self.builder is not None:
            said.append(unheard(self.builder, self.reference.builder, "builder", case["rules"]))
        if runtime is not None:
            said.append(unheard(runtime, self.reference.runtime, "runtime", case["rules"]))
        return "; ".join(filter(None, said))

    def _build(self, case: Case) -> Part:
        expected, own = self._reference_builder(case), self._own_builder(case)
        if self.builder is None:
            own = None
        return self._part(
            case,
            Part(
                case["id"],
                unobserved=self._unheard(case, own, None),
                heard=own is not None or self.builder is None,
            ),
            None if expected is None else (_build_value(case, expected), expected),
            None if own is None else (_build_value(case, own), own),
        )

    def _runs(self, case: Case) -> dict[str, Case]:
        """Key -> run, for the runs that the reference or the engine itself says something about."""
        found: dict[str, Case] = {}
        pairs = (
            (self._reference_builder(case), self.reference.runtime),
            (self._own_builder(case), self.runtime),
        )
        for builder, runtime in pairs:
            if builder is None or runtime is None:
                continue
            for run in _expectation(case, builder.name).get("runs", []):
                if any(name.partition("@")[0] == runtime.name for name in run["runtimes"]):
                    found.setdefault(key_of(run), run)
        return found

    def _run_part(self, case: Case, index: int, key: str) -> Part:
        expected = self._run_voice(case, key, self._reference_builder(case), self.reference.runtime)
        own = self._run_voice(case, key, self._own_builder(case), self.runtime)
        voice = self._own_builder(case)
        unobserved = "" if own is not None else self._unheard(case, voice, self.runtime)
        heard = own is not None or (self.builder is None and self.runtime is None)
        part = Part(part_id(case["id"], key), index, unobserved=unobserved, heard=heard)
        part = self._part(case, part, expected, own)
        if (
            "CREATE" not in self.implementation.levels
            and "PROCESS" not in self.implementation.levels
        ):
            return replace(part, skip="this engine only builds: level CREATE is not offered")
        if env := json.loads(key)[3]:
            given = ", ".join(f"{name}={value}" for name, value in env.items())
            return replace(part, skip=f"no engine is given an environment here ({given})")
        return part

    def _run_voice(
        self, case: Case, key: str, builder: Voice | None, runtime: Engine | None
    ) -> tuple[Value, Voice] | None:
        if builder is None or runtime is None:
            return None
        expectation = _expectation(case, builder.name)
        outcome = _build_value(case, builder)
        if outcome.outcome != "built":
            return outcome, builder
        runs = {
            name: run
            for run in expectation.get("runs", [])
            if key_of(run) == key
            for name in run["runtimes"]
        }
        voice = choose(list(runs), runtime, "runtime", case["rules"])
        if voice is None:
            return None
        both = Voice(
            f"{builder.name}+{voice.name}",
            "; ".join(filter(None, (builder.note, voice.note))),
            "; ".join(filter(None, (builder.unobserved, voice.unobserved))),
        )
        return value_of(runs[voice.name]), both

    def _part(
        self,
        case: Case,
        part: Part,
        expected: tuple[Value, Voice] | None,
        own: tuple[Value, Voice] | None,
    ) -> Part:
        """Puts together what is expected and what is recorded."""
        if expected is None and own is not None and not own[1].unobserved:
            # Nobody has written what the reference does: the engine is held to its own record.
            expected, own = own, None
            part = replace(
                part, note=f"the reference says nothing here: judged by {expected[1].name}"
            )
        if expected is not None:
            value, voice = expected
            part = replace(part, expected=value, expected_from=voice.name)
            part = _noted(part, voice)
            if voice.unobserved:
                part = replace(part, unobserved=voice.unobserved)
        found = recorded_by(self.known, self.implementation, case, part.id)
        if found is not None and part.expected is not None:
            return replace(
                part, recorded=found.observed, recorded_from=f"known:{found.id}", url=found.url
            )
        if own is None or part.expected is None:
            return part
        value, voice = own
        if voice.unobserved:
            return replace(part, unobserved=voice.unobserved)
        if differ(value, part.expected):
            part = replace(part, recorded=value, recorded_from=voice.name)
        return _noted(part, voice)


def _noted(part: Part, voice: Voice) -> Part:
    return replace(part, note="; ".join(dict.fromkeys(filter(None, (part.note, voice.note)))))


def _expectation(case: Case, builder: str) -> Case:
    found: Case = next(item for item in case["expect"] if builder in item["builders"])
    return found


def _runtimes(expectation: Case) -> Iterable[str]:
    for run in expectation.get("runs", []):
        for name in run["runtimes"]:
            yield name.partition("@")[0]


def _build_value(case: Case, builder: Voice) -> BuildValue:
    expectation = _expectation(case, builder.name)
    if "rejected" in expectation:
        return BuildValue("rejected")
    if "asks_for_image" in expectation:
        return BuildValue("missing-image")
    return BuildValue("built", config_from_wire(expectation.get("config", {}), case["id"]))
