"""A harness that is a child program: the protocol, and every way in which a program can break it."""

from __future__ import annotations

import json
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from entrysem.errors import InputError
from entrysem.verify import child
from entrysem.verify.child import Child
from entrysem.verify.protocol import HarnessError, Implementation, Job, Observation, Run
from entrysem.verify.wire import WireError, job_from_wire, job_to_wire
from tests.verify.driving import assert_valid, fake

JOB = Job(
    "one",
    dockerfile=b'FROM b\nCMD ["x"]\n',
    bases={"b": b'FROM scratch\nENTRYPOINT ["e"]\n', "c": {"Cmd": None, "Entrypoint": ()}},
    build_args={"A": "1"},
    target=None,
    level="CREATE",
    runs=(Run(), Run(args=()), Run(entrypoint="", args=("y",)), Run(entrypoint=("a", "b"))),
)


@contextmanager
def running(*behaviours: str, timeout: float = 20.0) -> Iterator[tuple[Child, Implementation]]:
    command = fake(*behaviours).removeprefix("harness:")
    harness = Child(command=command, session="session", timeout=timeout)
    try:
        yield harness, harness.start()
    finally:
        harness.close()


def program(text: str) -> str:
    """A harness that is a line of Python; `answer` takes a document, `asked` is the request."""
    head = (
        "import json, sys\n"
        "def answer(d): print(json.dumps(d)); sys.stdout.flush()\n"
        'ok = {"protocol": 1, "implementation": {"name": "n", "levels": ["CONFIG"]}}\n'
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
    )
    return shlex.join([sys.executable, "-c", head + text])


def test_it_says_who_it_is_and_does_jobs() -> None:
    with running("builder=buildkit@0.25.2", "runtime=docker@28.5.2") as (harness, who):
        assert (who.name, who.version, who.builder) == ("fake", "1.2.3", "buildkit@0.25.2")
        assert harness.sweep() == 0
        seen = harness.observe(JOB)
        assert (seen.job, seen.outcome, (seen.config or {})["Entrypoint"]) == (
            "one",
            "built",
            ("e",),
        )
        assert [run.argv for run in seen.runs] == [("e", "x"), ("e", "x"), ("y",), ("a", "b")]


def test_words_that_are_no_utf_8_go_there_and_back() -> None:
    echo = (
        "    if asked['cmd'] == 'start': answer(ok)\n"
        "    elif asked['cmd'] == 'observe':\n"
        "        run = asked['job']['runs'][0]\n"
        "        seen = {'argv': [*run['entrypoint'], *run['args']]}\n"
        "        answer({'id': asked['id'], 'observation':"
        " {'outcome': 'built', 'config': {}, 'runs': [seen]}})\n"
        "    else: break\n"
    )
    words = ("\udcff", "a\udc80\u00e9", "\n", "", "\u2028")
    harness = Child(command=program(echo), session="s")
    try:
        harness.start()
        job = Job("x", dockerfile=b"\xff", runs=(Run(args=words, entrypoint=("e\udcfe",)),))
        assert harness.observe(job).runs[0].argv == ("e\udcfe", *words)
    finally:
        harness.close()


def test_requests_and_answers_are_as_their_schemas_say() -> None:
    request = {"cmd": "observe", "id": 1, "job": job_to_wire(JOB)}
    assert_valid("harness-request", request)
    assert_valid("harness-request", {"cmd": "start", "protocol": 1, "session": "s"})
    assert_valid("harness-request", {"cmd": "stop"})
    assert job_from_wire(json.loads(json.dumps(request["job"]))) == JOB
    assert_valid("harness-response", {"id": 1, "observation": {"outcome": "rejected"}})
    assert_valid("harness-response", {"error": "out of order"})
    run = {"argv": [{"base64": "/w=="}], "level": "PROCESS", "pid": 1}
    seen = {"outcome": "built", "config": {"Cmd": None}, "runs": [run]}
    assert_valid("harness-response", {"id": 1, "observation": seen})


def test_several_jobs_at_once_have_a_child_each(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running("slow=0.3", f"log={log}") as (harness, _):
        seen: list[Observation] = []
        threads = [
            threading.Thread(target=lambda: seen.append(harness.observe(JOB))) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 3
    # Every child was told to stop.
    lines = log.read_text(encoding="utf-8").split("\n")
    assert lines.count("start ") == lines.count("stop ") > 1


def test_after_a_crash_the_next_job_has_a_new_child() -> None:
    with running("crash=bad") as (harness, _):
        with pytest.raises(HarnessError, match=r"exit code 13.*panic: out of \\x1b\[31mcheese"):
            harness.observe(Job("bad", dockerfile=b"FROM scratch\n", level="CONFIG"))
        assert harness.observe(JOB).outcome == "built"


def test_a_harness_that_says_nothing_at_all(tmp_path: Path) -> None:
    harness = Child(command=fake("silent").removeprefix("harness:"), session="s", timeout=0.2)
    with (
        patch.object(child, "_START_SECONDS", 0.2),
        pytest.raises(HarnessError, match="no answer to start in"),
    ):
        harness.start()
    harness.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("    sys.exit(3)", "ended instead of answering to start.*exit code 3"),
        ("    import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("    answer([1])", "is no JSON object"),
        ("    print('x' * 500); sys.stdout.flush()", "no line of JSON: 'xxx"),
        ("    answer({'protocol': 1})", "implementation: None is no object"),
        ("    answer({'protocol': None})", "version None"),
        ("    answer({'error': 'no engine \x1b[2J'})", r"no engine \\x1b"),
        (
            "    answer({'protocol': 1, 'implementation': {'name': 'n', 'levels': []}})",
            "levels: empty",
        ),
        (
            "    answer({'protocol': 1, 'implementation': {'name': 1, 'levels': ['CONFIG']}})",
            "name: 1 is no string",
        ),
    ],
)
def test_bad_introductions(text: str, told: str) -> None:
    harness = Child(command=program(text), session="s", timeout=20)
    with pytest.raises(HarnessError, match=told):
        harness.start()
    harness.close()


@pytest.mark.parametrize(
    ("observation", "told"),
    [
        ({}, "outcome: missing"),
        ({"outcome": "fine"}, "'fine' is none of built"),
        ({"outcome": "built"}, "config: missing"),
        ({"outcome": "built", "config": {"cmd": []}}, "config.cmd: not known here"),
        ({"outcome": "built", "config": {"Cmd": "x"}}, "is no list of words"),
        ({"outcome": "built", "config": {"Cmd": [1]}}, r"Cmd\[0\]: 1 is no string"),
        ({"outcome": "built", "config": {"Cmd": [{"base64": "?"}]}}, "is not base64"),
        ({"outcome": "built", "config": {"Cmd": ["\ud800"]}}, "a lone surrogate"),
        ({"outcome": "built", "config": {}, "runs": [{}]}, "neither argv nor error"),
        ({"outcome": "built", "config": {}, "runs": [{"error": "x"}]}, "come together"),
        ({"outcome": "built", "config": {}, "runs": [{"argv": [], "pid": "1"}]}, "no number"),
        ({"outcome": "built", "config": {}, "runs": [{"argv": [], "phase": "x"}]}, "phase"),
        ({"outcome": "built", "config": {}, "runs": {}}, "is no list"),
        (None, "is no object"),
    ],
)
def test_bad_observations(observation: object, told: str) -> None:
    text = (
        "    answer(ok if asked['cmd'] == 'start' else "
        f"{{'id': asked['id'], 'observation': json.loads({json.dumps(observation)!r})}})"
    )
    harness = Child(command=program(text), session="s", timeout=20)
    try:
        harness.start()
        with pytest.raises(HarnessError, match=told):
            harness.observe(JOB)
    finally:
        harness.close()


def test_children_of_two_minds() -> None:
    text = (
        "    import os\n"
        "    ok['implementation']['version'] = str(os.getpid())\n"
        "    if asked['cmd'] == 'start': answer(ok)\n"
        "    else: sys.exit(1)\n"
    )
    harness = Child(command=program(text), session="s", timeout=20)
    try:
        harness.start()
        with pytest.raises(HarnessError, match="ended instead of answering to observe"):
            harness.observe(JOB)
        with pytest.raises(HarnessError, match="calls itself"):
            harness.observe(JOB)
    finally:
        harness.close()


def test_a_closed_harness_starts_nothing() -> None:
    with running() as (harness, _):
        harness.close()
        with pytest.raises(HarnessError, match="is closed"):
            harness.observe(JOB)


def test_a_child_that_does_not_stop_is_killed() -> None:
    text = (
        "    if asked['cmd'] == 'start': answer(ok)\n"
        "    elif asked['cmd'] == 'stop': import time; time.sleep(600)\n"
    )
    harness = Child(command=program(text), session="s", timeout=20)
    harness.start()
    with patch.object(child, "_STOP_SECONDS", 0.2):
        harness.close()


@pytest.mark.parametrize("command", ["", "'", "  "])
def test_no_command(command: str) -> None:
    with pytest.raises(InputError, match="is no command"):
        Child(command=command, session="s")


@pytest.mark.parametrize("value", [None, [], {"id": 1, "level": "CONFIG"}, {"id": "x"}])
def test_a_job_that_is_none(value: object) -> None:
    with pytest.raises(WireError):
        job_from_wire(value)
