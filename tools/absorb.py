"""Takes into the vectors what engines were seen to do where no case says so yet.

    python tools/absorb.py JOURNAL...

A case lists the engines that somebody looked at. Where a journal has an observation of an engine that the
case does not list, the engine joins the expectation that is the same as what was seen, or gets one of its
own. Nothing that a case says is changed, and nothing is taken from entrysem: what disagrees with it then
fails `tests/test_vectors.py`, and is a defect or a deviation to write down.

Left out: cases whose evidence is a source; runs with --init, whose first words depend on the machine;
builds that failed for something that the lab did not give them; and failures of a run whose message has
no stable code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from make_vectors import BUILDKIT_OF, LEFT_OUT, OUT, rejection_of, rules_of

from entrysem.verify.journal import Journal, read
from entrysem.verify.parts import key_of

__all__ = ["absorb"]

Case = dict[str, Any]
#: (beginning of an id, of a builder) -> the answer changes from run to run: which of two equal stage
#: names counts in Buildah.
_CHANGES = (("dup-names", "buildah"),)
_KEYS = ("Entrypoint", "Cmd", "Shell", "OnBuild")


def absorb(case: Case, line: Mapping[str, Any], builder: str | None, runtime: str | None) -> int:
    """Adds to the case what a line of a journal saw; how many values were new.

    Args:
        case: a case of the vectors; it is changed.
        line: the journal's line of the same case.
        builder, runtime: which engines were observed, as `NAME@VERSION`.
    """
    if case["evidence"] != "observed" or builder is None or line["observation"] is None:
        return 0
    if any(case["id"].startswith(what) and builder.startswith(who) for what, who in _CHANGES):
        return 0
    built = next((result for result in line["results"] if result["part"] == "build"), None)
    if built is None or built["observed"] is None:
        return 0
    outcome = _outcome(built["observed"])
    if outcome is None:
        return 0
    expectation = _own(case, builder)
    new = 0
    if expectation is None:
        expectation = _same(case, outcome)
        expectation["builders"].append(builder)
        new += 1
    elif any(expectation.get(key) != value for key, value in outcome.items() if key == "config"):
        return 0
    if runtime is not None and "config" in outcome:
        new += sum(_add_run(case, expectation, run, runtime) for run in _runs(line))
    return new


def _outcome(seen: Mapping[str, Any]) -> Case | None:
    """What came of the build, as the vectors spell it; None when it has words that are no text."""
    if "config" in seen:
        config = {key: seen["config"].get(key) for key in _KEYS}
        config["OnBuild"] = config["OnBuild"] or None
        return {"config": config} if _is_text(config) else None
    if "rejected" in seen:
        message = seen.get("message", "")
        if not isinstance(message, str):
            return {"rejected": {}}
        return None if LEFT_OUT.search(message) else {"rejected": rejection_of(message)}
    return {"asks_for_image": True}


def _is_text(value: object) -> bool:
    return '{"base64"' not in json.dumps(value)


def _own(case: Case, builder: str) -> Case | None:
    found = [item for item in case["expect"] if builder in item["builders"]]
    return found[0] if found else None


def _same(case: Case, outcome: Case) -> Case:
    """The expectation with this outcome, made when there is none."""
    for item in case["expect"]:
        if {key: item[key] for key in ("config", "rejected", "asks_for_image") if key in item} == (
            outcome
        ):
            found: Case = item
            return found
    made: Case = {"builders": [], **outcome}
    case["expect"].append(made)
    return made


def _runs(line: Mapping[str, Any]) -> Iterable[Case]:
    for result in line["results"]:
        seen = result["observed"]
        if result["part"] != "run" or seen is None:
            continue
        asked = line["job"]["runs"][result["run"]]
        error = seen.get("error")
        if asked["init"] or not _is_text(seen) or (error and error["phase"] != "create"):
            continue
        if error and error["code"] is None:
            continue
        run = {key: asked[key] for key in ("args", "entrypoint") if asked[key] is not None}
        run["argv"] = seen["argv"]
        if error:
            run["error"] = {"phase": error["phase"], "code": error["code"]}
        yield run


def _add_run(case: Case, expectation: Case, run: Case, runtime: str) -> bool:
    key = key_of(run)
    everywhere = [r for item in case["expect"] for r in item.get("runs", []) if key_of(r) == key]
    if not everywhere:
        return False
    own = expectation.setdefault("runs", [])
    alike = [item for item in own if key_of(item) == key]
    if any(runtime in item.get("runtimes", []) for item in alike):
        return False
    for item in alike:
        if all(item.get(name) == run.get(name) for name in ("argv", "error")):
            item["runtimes"].append(runtime)
            return True
    own.append({**run, "runtimes": [runtime]})
    return True


def _engines(journal: Journal) -> tuple[str | None, str | None]:
    """As the vectors spell them: an engine names its BuildKit by two numbers, and has one of three."""
    found = journal.header["implementation"]
    builder: str | None = found["builder"]
    if builder is not None and builder.startswith("buildkit@"):
        builder = f"buildkit@{BUILDKIT_OF.get(found['version'], builder.partition('@')[2])}"
    return builder, found["runtime"]


def main(names: Sequence[str]) -> None:
    """Absorbs the journals into `spec/vectors/`."""
    suites = {path: json.loads(path.read_text("utf-8")) for path in sorted(OUT.glob("*.json"))}
    found = [read(Path(name)) for name in names]
    for path, suite in suites.items():
        new = 0
        for case in suite["cases"]:
            before = new
            for journal in found:
                if case["id"] in journal.jobs:
                    new += absorb(case, journal.jobs[case["id"]], *_engines(journal))
            if new != before:
                case["rules"] = rules_of(case)
        if new:
            lines = ",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in suite["cases"])
            head = json.dumps(suite["suite"])
            path.write_text(f'{{"suite": {head}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")
        print(f"{path.stem}: {new} values were new")


if __name__ == "__main__":
    main(sys.argv[1:])
