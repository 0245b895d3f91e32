"""The tutorial's harness and the CI recipes: what the pages show is what is there, and it runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.running import ROOT, assert_valid, environment, validator

Document = dict[str, Any]

HARNESS = ROOT / "examples" / "harness"
RECIPES = ROOT / "examples" / "ci"
TUTORIAL = (ROOT / "docs" / "harness.md").read_text(encoding="utf-8")


def _has_perl() -> bool:
    try:
        return not subprocess.run(["perl", "-MJSON::PP", "-e", "1"], check=False).returncode
    except FileNotFoundError:
        return False


perl = pytest.mark.skipif(not _has_perl(), reason="needs perl with JSON::PP (Debian: perl)")


def entrysem(*words: str, cwd: Path = HARNESS, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "entrysem", *words],
        cwd=cwd,
        env={**environment(), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def conversation(program: str, *requests: Document) -> list[Any]:
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(
        ["perl", HARNESS / program], input=lines, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def observe(number: int, dockerfile: str | Document | None = None, **more: Any) -> Document:
    job = {
        "id": "x",
        "dockerfile": dockerfile,
        "config": None,
        "bases": {},
        "target": None,
        "build_args": {},
        "platform": "",
        "level": "CREATE",
        "runs": [],
        **more,
    }
    return {"cmd": "observe", "id": number, "job": job}


START = {"cmd": "start", "protocol": 1, "session": "host-1-2-abc"}


# --- the tutorial ------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", re.findall(r"```perl\n(.*?)```", TUTORIAL, re.DOTALL))
def test_what_the_tutorial_shows_is_in_the_programs(block: str) -> None:
    programs = [path.read_text(encoding="utf-8") for path in sorted(HARNESS.glob("*.pl"))]
    assert any(block in program for program in programs)


def test_what_the_tutorial_shows_of_known_json_is_there() -> None:
    [block] = re.findall(r"```json\n(.*?)```", TUTORIAL, re.DOTALL)
    text = (HARNESS / "known.json").read_text(encoding="utf-8")
    assert block in text
    assert_valid("known", json.loads(text))


@perl
@pytest.mark.parametrize(
    ("command", "shown"), re.findall(r"<!-- run: (.*?) -->\n```text\n(.*?)```", TUTORIAL, re.DOTALL)
)
def test_what_the_tutorial_prints_is_printed(command: str, shown: str, tmp_path: Path) -> None:
    done = entrysem(*shlex.split(command), "--journal", str(tmp_path / "j.ndjson"))
    for block in re.split(r"\n\n", shown.strip()):
        lines = [line.rstrip() for line in block.splitlines()]
        printed = [line.rstrip() for line in done.stdout.splitlines()]
        places = [printed.index(line) for line in lines if line in printed]
        assert len(places) == len(lines), (lines, done.stdout, done.stderr)


@perl
def test_the_smallest_harness_says_what_the_tutorial_says() -> None:
    started, observed = conversation(
        "first.pl", START, observe(7, 'FROM scratch\nCMD ["a"]\n'), {"cmd": "stop"}
    )
    answers = [json.loads(line) for line in re.findall(r"(?m)^< (.*)$", TUTORIAL)]
    assert started == answers[0]
    assert {**observed, "id": 1} == answers[1]
    assert observed == {
        "id": 7,
        "observation": {"outcome": "built", "config": {"Cmd": ["a"], "Entrypoint": None}},
    }


@perl
def test_answers_have_the_documented_shape() -> None:
    run = {"args": [{"base64": "/w=="}], "entrypoint": "e", "init": False}
    requests = [
        START,
        observe(1, {"base64": "RlJPTSBzY3JhdGNoCkNNRCBh/wo="}, runs=[run, {**run, "init": True}]),
        observe(2, "FROM scratch\nNOSUCH x\n"),
        observe(3, "FROM nowhere\n"),
        observe(4, None, config={"Cmd": None}, runs=[{**run, "args": None, "entrypoint": None}]),
        observe(
            5,
            'ARG B=base\nFROM $B AS a\nENTRYPOINT e\nFROM a\nCMD ["x"]\n',
            bases={"base": {"dockerfile": 'FROM scratch\nSHELL ["/s"]\nCMD c\n'}},
            runs=[{"args": None, "entrypoint": None, "init": False}],
        ),
        {"cmd": "stop"},
    ]
    for request in requests:
        assert not list(validator("harness-request").iter_errors(request)), request
    answers = conversation("mini.pl", *requests)
    for answer in answers:
        assert_valid("harness-response", answer)
    first, rejected, missing, nothing, staged = (answer["observation"] for answer in answers[1:])
    assert first["config"]["Cmd"] == ["/bin/sh", "-c", {"base64": "Yf8="}]
    assert first["runs"][0]["argv"] == ["e", {"base64": "/w=="}]
    assert first["runs"][1] == {"skipped": "mini has no --init"}
    assert rejected["outcome"] == "rejected"
    assert missing["outcome"] == "missing-image"
    assert nothing["runs"] == [{"error": "no command specified", "phase": "create"}]
    assert staged["runs"][0]["argv"] == ["/s", "e", "x"]


@perl
def test_the_harness_is_sound_and_most_of_it_is_right(tmp_path: Path) -> None:
    journal, report = tmp_path / "mini.ndjson", tmp_path / "mini.json"
    done = entrysem(
        "verify", "--engine", "harness:perl mini.pl", "--rules", "BUILD-0[1-5],MERGE-*",
        "--journal", str(journal), "--format", "json", "--output", str(report),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    document = json.loads(report.read_text(encoding="utf-8"))
    assert_valid("verify-report", document)
    counts = document["counts"]
    assert counts["ERROR"] == 0
    assert counts["PASS"] > 9 * counts["FAIL"] > 0
    [engine] = document["engines"]
    assert engine["rules"]["MERGE-05"]["FAIL"] == 0


@perl
def test_known_differences_are_no_failure(tmp_path: Path) -> None:
    words = ["verify", "--engine", "harness:perl mini.pl", "--rules", "BUILD-16"]
    first, second = (str(tmp_path / name) for name in ("a.ndjson", "b.ndjson"))
    assert entrysem(*words, "--journal", first).returncode == 1
    assert entrysem(*words, "--journal", second, "--known", "known.json").returncode == 0
    done = entrysem("verify", "diff", first, second)
    assert done.returncode == 0
    assert "3 better, 0 the same" in done.stdout
    assert entrysem("verify", "diff", second, first).returncode == 1


# --- the recipes -------------------------------------------------------------------------------------


def recipe(tmp_path: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", RECIPES / "verify.sh", *words],
        cwd=HARNESS,
        env={
            **environment(),
            "ENTRYSEM": f"{sys.executable} -m entrysem",
            "ENGINE": "harness:perl mini.pl",
            "OUT": str(tmp_path / "out"),
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@perl
def test_the_script_leaves_every_report_and_the_code_of_the_run(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = recipe(tmp_path, "--rules", "BUILD-16", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1, done.stderr
    assert "mini 1.0: 3 FAIL" in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "journal.ndjson", "report.txt", "report.md", "report.xml", "report.json", "report.html",
    }  # fmt: skip
    assert summary.read_text(encoding="utf-8").startswith("## entrysem verify: **3 FAIL**")


@perl
def test_the_script_compares_with_a_journal(tmp_path: Path) -> None:
    base = tmp_path / "base.ndjson"
    good = ["--rules", "BUILD-16", "--known", "known.json"]
    entrysem("verify", "--engine", "harness:perl mini.pl", *good, "--journal", str(base))
    done = recipe(tmp_path, "--rules", "BUILD-16", KNOWN="known.json", BASELINE=str(base))
    assert done.returncode == 0, done.stderr
    assert "3 the same" in done.stdout
    done = recipe(tmp_path, "--rules", "BUILD-13", BASELINE=str(base), OUT=str(tmp_path / "2"))
    assert done.returncode == 3  # nothing in common
    assert (tmp_path / "2" / "diff.md").exists()


@perl
def test_the_script_goes_on_with_a_journal(tmp_path: Path) -> None:
    assert recipe(tmp_path, "--rules", "BUILD-16", KNOWN="known.json").returncode == 0
    journal = tmp_path / "out" / "journal.ndjson"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    done = recipe(tmp_path, KNOWN="known.json")
    assert done.returncode == 0, done.stderr
    assert "mini 1.0: 3 DEVIATES" in done.stdout


def test_the_script_tells_a_usage_error(tmp_path: Path) -> None:
    done = recipe(tmp_path, ENGINE="nosuch")
    assert done.returncode == 2
    assert "there is no engine 'nosuch'" in done.stderr


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_the_jobs_are_yaml_and_their_scripts_are_shell(name: str) -> None:
    document = yaml.safe_load((RECIPES / name).read_text(encoding="utf-8"))
    if name == "github.yml":
        [job] = document["jobs"].values()
        scripts = [step["run"] for step in job["steps"] if "run" in step]
        assert {entry["level"] for entry in job["strategy"]["matrix"]["include"]} <= {
            "CONFIG", "CREATE", "PROCESS",
        }  # fmt: skip
        kept = [step["with"]["path"] for step in job["steps"] if "upload" in step.get("uses", "")]
        assert kept == [step["env"]["OUT"] for step in job["steps"] if "env" in step]
    else:
        job = document["entrysem"]
        scripts = [*job["before_script"], *job["script"]]
        assert job["artifacts"]["reports"]["junit"] == f"{job['variables']['OUT']}/report.xml"
    assert any("verify.sh" in script for script in scripts)
    for script in scripts:
        plain = re.sub(r"\$\{\{.*?\}\}", "x", script)
        subprocess.run(["sh", "-n"], input=plain, text=True, check=True)


def test_the_script_is_one_for_every_shell() -> None:
    subprocess.run(["sh", "-n", RECIPES / "verify.sh"], check=True)
    assert os.access(RECIPES / "verify.sh", os.R_OK)
