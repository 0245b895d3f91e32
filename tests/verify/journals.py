"""Journals for the tests of reports: made in memory, each line in the shape of the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from entrysem.verify.journal import Journal, footer_of, worst
from tests.cli.running import NASTY, assert_valid

Document = dict[str, Any]

#: What a page, a table, an XML document and a terminal must survive, beside NASTY.
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> </pre></code></details> "
    "{{ 7 * 7 }} {% raw %} &amp; | `a` ``` ~~~ **b** _c_ [d](https://e.example) ![f](g) ]]> <!-- "
    "@someone #12 www.h.example " + NASTY.replace("\udcff", "") + "\ufffe\uffff\x00"
)


def result(
    name: str,
    verdict: str = "PASS",
    *,
    part: str = "build",
    run: int | None = None,
    level: str = "CONFIG",
    expected: Document | None = None,
    observed: Document | None = None,
    recorded: Document | None = None,
    deviations: Sequence[str] = (),
    reason: str = "",
    url: str | None = None,
) -> Document:
    """One result; what was observed is what was expected unless it is given or cannot be."""
    if expected is None:
        expected = {"config": {"Cmd": ["a"]}} if part == "build" else {"argv": ["a"]}
    if observed is None and verdict not in ("SKIP", "ERROR"):
        observed = dict(expected) if part == "build" else {**expected, "error": None}
    return {
        "id": name,
        "part": part,
        **({} if run is None else {"run": run}),
        "level": level,
        "verdict": verdict,
        "expected": expected,
        "expected_from": "buildkit@0.25.2" if part == "build" else "buildkit@0.25.2+docker@28.5.2",
        "recorded": recorded,
        "recorded_from": None if recorded is None else "classic@20.10.24",
        "observed": observed,
        "deviations": list(deviations),
        "unexplained": verdict == "DEVIATES" and not deviations,
        **({} if url is None else {"url": url}),
        "reason": reason,
    }


def line(
    name: str,
    results: Sequence[Document],
    *,
    rules: Sequence[str] = ("FORM-08", "BUILD-01", "MERGE-01", "SHELL-01"),
    dockerfile: str | Document | None = 'FROM scratch\nCMD ["a"]\n',
    runs: Sequence[Document] = (),
    title: str = "a case",
    **more: Any,
) -> Document:
    """A job line; `more` goes into the job or, for the keys it has there, into the line."""
    job = {
        "id": name,
        "dockerfile": dockerfile,
        "config": None,
        "bases": {},
        "target": None,
        "build_args": {},
        "platform": "",
        "level": "PROCESS",
        "runs": [{"args": None, "entrypoint": None, "init": False, **run} for run in runs],
    }
    document = {
        "kind": "job",
        "id": name,
        "suite": "made",
        "title": title,
        "rules": list(rules),
        "evidence": "observed",
        "source": None,
        "job": job,
        "observation": None,
        "error": None,
        "results": list(results),
        "verdict": worst(item["verdict"] for item in results),
        "ms": 1500,
    }
    for key, value in more.items():
        (job if key in job else document)[key] = value
    return document


def journal(
    *lines: Document,
    name: str = "docker",
    version: str = "28.5.2",
    builder: str | None = "buildkit@0.25.2",
    runtime: str | None = "docker@28.5.2",
    engine: str = "docker",
    status: Any = "complete",
    reason: str = "",
    details: Mapping[str, str] | None = None,
    digest: str = "a",
    check: bool = True,
) -> Journal:
    """A journal of these lines, which fit the schema; status `unfinished` has no footer."""
    header: Document = {
        "kind": "header",
        "format": 1,
        "entrysem": "0.1.0",
        "session": "host-1-2-abc",
        "engine": engine,
        "implementation": {
            "name": name,
            "version": version,
            "builder": builder,
            "runtime": runtime,
            "levels": ["CONFIG", "CREATE", "PROCESS"],
            "platform": "linux/amd64",
            "details": dict(details or {}),
        },
        "reference": {"builder": "buildkit@0.32", "runtime": "docker@28.5"},
        "level": "PROCESS",
        "options": {"rules": [], "cases": [], "known": None},
        "plan": {"digest": "sha256:" + digest * 64, "jobs": len(lines), "results": 0},
        "started": "2026-11-24T22:00:00Z",
    }
    footer = None
    if status != "unfinished":
        footer = footer_of(lines, status, reason=reason, seconds=1.5)
    for document in (header, *lines, *([footer] if footer else [])) if check else ():
        assert_valid("journal", document)
    return Journal("made.ndjson", header, {item["id"]: item for item in lines}, footer)


def every_verdict(**engine: Any) -> Journal:
    """A journal that has each verdict, a run of each kind, and what a builder can be given."""
    return journal(
        line(
            "pass",
            [
                result("pass"),
                result("pass/run", part="run", run=0, level="PROCESS"),
                result("pass/args", part="run", run=1, level="PROCESS"),
            ],
            runs=[{}, {"args": ["x"]}],
        ),
        line(
            "deviates",
            [
                result(
                    "deviates",
                    "DEVIATES",
                    expected={"config": {"Cmd": ["/bin/sh", "-c", '["a"] x']}},
                    recorded={"config": {"Cmd": ["a"]}},
                    observed={"config": {"Cmd": ["a"]}},
                    deviations=["text-after-array-dropped"],
                )
            ],
            rules=["FORM-08", "FORM-11", "BUILD-04"],
            dockerfile='FROM scratch\nCMD ["a"] x\n',
        ),
        line(
            "fails",
            [
                result(
                    "fails/run",
                    "FAIL",
                    part="run",
                    run=0,
                    level="PROCESS",
                    expected={"argv": ["\u00ff"]},
                    observed={"argv": [{"base64": "/w=="}], "error": None},
                    reason="the process received other words",
                )
            ],
            rules=["FORM-12", "MERGE-01"],
            dockerfile={"base64": "RlJPTSBzY3JhdGNoCkNNRCBbIv8iXQo="},
            runs=[{"entrypoint": "e", "init": True}],
            target="web",
            build_args={"A": "1"},
            platform="linux/arm64",
            bases={"b": {"dockerfile": "FROM scratch\n"}, "c": {"config": {"Cmd": None}}},
        ),
        line(
            "stale",
            [
                result(
                    "stale",
                    "STALE",
                    recorded={"rejected": True},
                    deviations=["no-heredocs"],
                    reason="the recorded difference is gone",
                    url="https://example.org/1",
                )
            ],
        ),
        line(
            "error",
            [result("error", "ERROR", expected={"rejected": True})],
            error="the engine's connection broke",
        ),
        line(
            "skip",
            [
                result(
                    "skip/run",
                    "SKIP",
                    part="run",
                    run=0,
                    level="CREATE",
                    expected={"argv": None, "error": {"phase": "create", "code": "no-command"}},
                    reason="no --init on this engine",
                )
            ],
            rules=["MERGE-10"],
            dockerfile=None,
            config={"Entrypoint": ["e"]},
            runs=[{"entrypoint": ["e", "f"], "args": []}],
        ),
        line("smoke", [result("smoke", part="smoke")], rules=[], evidence=None, suite="smoke"),
        **engine,
    )


def hostile(name: str = HOSTILE) -> Journal:
    """A journal in which everything that can be said from outside says HOSTILE.

    Ids do too, which the schema does not allow, but a file that somebody sent may have; `name` is
    another one.
    """
    value = {"argv": [HOSTILE], "error": None}
    return journal(
        line(
            name,
            [
                result(
                    name,
                    "FAIL",
                    part="run",
                    run=0,
                    level="CREATE",
                    expected={"argv": [HOSTILE, {"base64": "/w=="}]},
                    observed=value,
                    reason=HOSTILE,
                    url=HOSTILE,
                ),
                result(
                    name + "2",
                    "DEVIATES",
                    recorded={"rejected": True, "message": HOSTILE},
                    observed={"asks_for_image": True, "message": HOSTILE},
                    deviations=[name],
                ),
                result(name + "3", "SKIP", reason=HOSTILE),
                result(name + "4", "ERROR"),
            ],
            dockerfile="FROM scratch\nCMD " + HOSTILE + "\n```\n~~~\n</pre>\n",
            runs=[{"args": [HOSTILE], "entrypoint": HOSTILE}],
            title=HOSTILE,
            source=HOSTILE,
            error=HOSTILE,
            target=HOSTILE,
            build_args={HOSTILE: HOSTILE},
            bases={HOSTILE: {"dockerfile": HOSTILE}},
        ),
        name=HOSTILE,
        version=HOSTILE,
        builder=HOSTILE,
        runtime=HOSTILE,
        engine=HOSTILE,
        status="failed",
        reason=HOSTILE,
        details={HOSTILE: HOSTILE},
        check=name is not HOSTILE,
    )
