"""Turns raw observations of real engines into vector files.

    python tools/make_vectors.py CASES.ndjson OBSERVATIONS.ndjson [CASES OBSERVATIONS ...]

A case line has `id`, `dockerfile` or `dockerfile_b64`, `bases`, `target`, `build_args`, `runs`. An
observation line has the case's `id`, the `engine`, the stored `config` or the `error`, and for each
run of the case what the engine made of it. Engines that did the same stand together in one
expectation. Expected values are copied from the observations; this program only groups them and gives
error messages their stable codes. The list of rules is an index, computed by entrysem.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from entrysem.errors import DockerfileError
from entrysem.profiles import Profile
from entrysem.vectors import image_of, options_of

Case = dict[str, Any]

#: A longer Dockerfile is folded.
LONG = 20_000
OUT = Path(__file__).parent.parent / "spec" / "vectors"

BUILDKIT_OF = {"20.10.5": "0.8", "20.10.24": "0.8", "26.1.5": "0.13.2", "28.5.2": "0.25.2"}
BUILDAH_OF = {"3.0.1": "1.19.6", "4.3.1": "1.28.2", "5.4.2": "1.39.3", "5.8.6": "1.43.2"}

#: What engines print -> (phase, code). The first pattern found in the message counts.
CODES = [
    (r"arrays must be comprised of strings only", "parse", "array-of-non-strings"),
    (r"parse error.*unknown instruction", "parse", "unknown-instruction"),
    (r"unknown instruction", "", "unknown-instruction"),
    (r"unknown flag", "parse", "unknown-flag"),
    (r"SHELL requires at least one argument", "", "shell-empty"),
    (r"SHELL requires the arguments to be in JSON form", "", "shell-not-json"),
    (r"check option", "parse", "bad-check-option"),
    (r"names can not be blank", "parse", "blank-name"),
    (r"can't find = in", "parse", "missing-equals"),
    (r"must have two arguments", "parse", "missing-value"),
    (
        r"(?<!FROM )requires (exactly one|at least)|takes no arguments|Missing command",
        "parse",
        "wrong-argument-count",
    ),
    (r"Unknown type", "parse", "unknown-healthcheck"),
    (r"[Mm]issing a value on flag", "parse", "missing-flag-value"),
    (r"invalid duration|--retries|invalid syntax", "parse", "bad-flag-value"),
    (r"can not be an empty string", "parse", "blank-volume"),
    (r"circular dependency", "build", "stage-circle"),
    (r"invalid stage index|index out of bounds", "build", "bad-stage-index"),
    (r"cannot copy from stage", "build", "later-stage"),
    (r"unterminated heredoc", "parse", "unterminated-heredoc"),
    (r"as a destination", "parse", "heredoc-destination"),
    (r"lint violation", "", ""),
    (r"FROM requires|no FROM statement|requires a FROM|FROM requires an argument", "", ""),
    (r"isn't allowed", "parse", "forbidden-trigger"),
    (r"ONBUILD requires", "parse", "wrong-argument-count"),
    (r"invalid escape", "parse", "bad-escape"),
    (r"only one escape parser directive", "parse", "duplicate-directive"),
    (r"file with no instructions", "parse", "no-instructions"),
    (r"cannot be empty", "parse", "empty-file"),
    (r"line greater than max allowed size", "parse", "line-too-long"),
    (r"invalid name for build stage", "parse", "bad-stage-name"),
    (r"no build stage in current context", "parse", "before-from"),
    (r"should not be blank", "build", "blank-base"),
    (r"[Ss]ubstitution|nope", "build", "bad-substitution"),
    (r"must be lowercase", "build", "bad-reference"),
    (r"stage name already used", "build", "duplicate-stage"),
    (r"reserved name", "build", "reserved-name"),
    (r"[Tt]arget", "build", "unknown-target"),
    (r"no source files were specified", "build", "heredoc-not-copied"),
    (r"No image was generated", "build", "nothing-built"),
]
ASKS_FOR_IMAGE = re.compile(
    r"not known|found locally|no stage or image found|short-name|source metadata|failed to do request"
    r"|lookup|pull access"
)
#: Outcomes that the lab's own doing explains, or that change from run to run.
LEFT_OUT = re.compile(
    r"HARNESS|SKIPPED|DAEMON DIED|CONNECTION DROPPED|CRASH"
    r"|[Ii]nvalid signal|cache key|COPY failed: (?!no source)|lstat"
    r"|copier: (?:stat|get)|adding sources"
)
UNSTABLE = {("dup names", "buildah"), ("dup names", "podman"), ("dup names target", "buildah"),
            ("dup names target", "podman"), ("stage named scratch", "podman-3.0.1"),
            ("arg from stage", "podman-3.0.1"), ("arg override", "podman-3.0.1"),
    ("C82", "podman-3.0.1"),
}  # fmt: skip


def main(names: list[str]) -> None:
    """Reads pairs of files, writes one vector file a suite."""
    suites: dict[str, list[Case]] = {}
    for cases_file, seen_file in zip(names[::2], names[1::2], strict=True):
        seen: dict[str, list[Case]] = {}
        for line in Path(seen_file).read_text().splitlines():
            row = json.loads(line)
            seen.setdefault(row["id"], []).append(row)
        for line in Path(cases_file).read_text().splitlines():
            case = json.loads(line)
            vector = _vector(case, seen.get(case["id"], []))
            if vector is not None:
                suites.setdefault(_suite(case["id"]), []).append(vector)
    for suite, vectors in suites.items():
        _write(suite, vectors)


def _suite(case_id: str) -> str:
    if re.match(r"L-", case_id):
        return "lecture"
    if re.match(r"P-", case_id):
        return "product"
    return "overrides" if re.match(r"C\d\d|E-", case_id) else "dockerfiles"


def _vector(case: Case, rows: list[Case]) -> Case | None:
    text = (
        base64.b64decode(case["dockerfile_b64"])
        if case.get("dockerfile_b64")
        else case["dockerfile"].encode()
    )
    if len(text) > LONG and not case["id"].startswith("long-6553"):
        return None
    groups: dict[str, Case] = {}
    for row in sorted(rows, key=lambda row: _engine_key(row["engine"])):
        expected = _expected(case, row)
        if expected is None:
            continue
        builder, runtime = _profile(row["engine"])
        outcome = {key: value for key, value in expected.items() if key not in ("runs", "message")}
        key = json.dumps(outcome, sort_keys=True)
        group = groups.setdefault(key, {"builders": [], **expected, "runs": {}})
        group["builders"].append(builder)
        for run in expected.get("runs", []):
            entry = group["runs"].setdefault(
                json.dumps(run, sort_keys=True), {**run, "runtimes": []}
            )
            if runtime not in entry["runtimes"]:
                entry["runtimes"].append(runtime)
    if not groups:
        return None
    expect = []
    for group in groups.values():
        runs = list(group.pop("runs").values())
        group["builders"] = list(dict.fromkeys(group["builders"]))
        expect.append({**group, **({"runs": runs} if runs else {})})
    vector: Case = {"id": _identity(case, text), "title": _title(text), "rules": []}
    try:
        if len(text) > LONG:
            vector["dockerfile_parts"] = _parts(text.decode())
        else:
            vector["dockerfile"] = text.decode()
    except UnicodeDecodeError:
        vector["dockerfile_base64"] = base64.b64encode(text).decode()
    used = {name: base for name, base in (case.get("bases") or {}).items() if name.encode() in text}
    if used:
        vector["bases"] = used
    for key in ("target", "build_args"):
        if case.get(key):
            vector[key] = case[key]
    vector["evidence"] = "observed"
    vector["expect"] = expect
    vector["rules"] = rules_of(vector)
    return vector


def _parts(text: str) -> list[tuple[str, int]]:
    """Runs of one character folded: the text is each part repeated."""
    parts: list[tuple[str, int]] = []
    for match in re.finditer(r"((.)\2{99,})|(?:(?!(.)\3{99,}).)+", text, re.DOTALL):
        run = match.group(1)
        parts.append((run[0], len(run)) if run else (match.group(), 1))
    return parts


def _engine_key(engine: str) -> tuple[int, list[int], str]:
    order = ["docker", "buildah", "podman"].index(engine.partition("-")[0])
    numbers = [-int(part) for part in re.findall(r"\d+", engine)]
    return order, numbers, engine


def _profile(engine: str) -> tuple[str, str]:
    kind, version, *variant = engine.split("-")
    if kind == "docker":
        builder = (
            f"buildkit@{BUILDKIT_OF[version]}" if variant == ["buildkit"] else f"classic@{version}"
        )
        return builder, f"docker@{version}"
    if kind == "buildah":
        return f"buildah{'-docker' if variant == ['docker'] else ''}@{version}", ""
    return f"buildah-docker@{BUILDAH_OF[version]}", f"podman@{version}"


def _expected(case: Case, row: Case) -> Case | None:
    error = row.get("error")
    kind = row["engine"].partition("-")[0]
    if (case["id"], kind) in UNSTABLE or (case["id"], row["engine"]) in UNSTABLE:
        return None
    if not error:
        config = row["config"]
        stored = {key: config.get(key) for key in ("Entrypoint", "Cmd", "Shell", "OnBuild")}
        stored["OnBuild"] = stored["OnBuild"] or None
        runs = [_run(run, seen) for run, seen in zip(case["runs"], row["runs"], strict=False)]
        return {"config": stored, "runs": [run for run in runs if run is not None]}
    if LEFT_OUT.search(error):
        return None
    if ASKS_FOR_IMAGE.search(error):
        return {"asks_for_image": True}
    return {"rejected": rejection_of(error)}


def rejection_of(message: str) -> Case:
    """The phase and the code that an engine's message stands for, as far as it is known."""
    for pattern, phase, code in CODES:
        if re.search(pattern, message, re.IGNORECASE if "unknown" in pattern else 0):
            return _coded(phase, code)
    return {}


def _coded(phase: str, code: str) -> Case:
    return {**({"phase": phase} if phase else {}), **({"code": code} if code else {})}


def _run(run: Case, seen: Case) -> Case | None:
    if run.get("cli_before_image") or run.get("init") or run.get("start"):
        return None
    entry: Case = {key: run[key] for key in ("args", "entrypoint") if run.get(key) is not None}
    if run.get("api") and run.get("args") == []:
        entry["args"] = []
    if seen["argv"] is not None:
        entry["argv"] = seen["argv"]
    elif re.search(r"no command specified|no command or entrypoint", seen["error"], re.IGNORECASE):
        entry["argv"] = None
        entry["error"] = {"phase": "create", "code": "no-command-specified"}
    else:
        return None
    return entry


def _identity(case: Case, text: bytes) -> str:
    """A slug that only the case itself decides, so that it stays when others come."""
    if re.match(r"[LPCE]-?\w", case["id"]) and re.fullmatch(r"[\w-]+", case["id"]):
        return str(case["id"]).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", case["id"].lower().removeprefix("i ")).strip("-")[:32]
    seed = text + json.dumps([case.get("target"), case.get("build_args")]).encode()
    return f"{slug or 'case'}-{hashlib.sha256(seed).hexdigest()[:6]}"


def _title(text: bytes) -> str:
    if not text.strip():
        return "an empty file" if not text else "a file of blank lines"
    shown = text.decode("utf-8", "backslashreplace").removesuffix("\n").replace("\n", " ⏎ ")
    shown = re.sub(
        r"[\x00-\x1f\x7f-\x9f\ufeff\u2028\u2029]",
        lambda match: f"\\x{ord(match.group()):02x}",
        shown,
    )
    return shown if len(shown) <= 110 else shown[:107] + "..."


def rules_of(vector: Case) -> list[str]:
    """The rules that entrysem applies in this vector, in order of first use."""
    found: dict[str, None] = {}
    for expected in vector["expect"]:
        builder = expected["builders"][0]
        try:
            image = image_of(vector, Profile.parse(builder))
        except DockerfileError as error:
            found[error.rule] = None
            continue
        for run in expected.get("runs") or [{}]:
            runtime = (run.get("runtimes") or ["docker"])[0]
            image = image_of(vector, Profile.parse(builder, runtime))
            found.update(dict.fromkeys(image.run(options_of(run)).rules))
    return list(found)


def _write(suite: str, vectors: Iterable[Case]) -> None:
    unique = {vector["id"]: vector for vector in vectors}
    lines = ",\n".join("  " + json.dumps(vector, ensure_ascii=False) for vector in unique.values())
    text = f'{{"suite": {json.dumps(suite)}, "cases": [\n{lines}\n]}}\n'
    (OUT / f"{suite}.json").write_text(text, encoding="utf-8")
    runs = sum(
        len(run.get("runtimes", [1]))
        for v in unique.values()
        for e in v["expect"]
        for run in e.get("runs", [])
    )
    print(f"{suite}: {len(unique)} cases, {runs} runs")


if __name__ == "__main__":
    main(sys.argv[1:])
