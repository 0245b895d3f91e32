"""`entrysem verify` as a user meets it: fake engines with every defect, journals, signals, exit codes."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from entrysem.verify import journal as journals
from tests.verify.driving import (
    CLASSIC,
    NEWEST,
    SOME,
    assert_valid,
    fake,
    inside,
    journal_of,
    spawn,
    verify,
)

#: A CMD without arguments, which the classic builder stores otherwise.
BARE = ("--case", "cmd-bb1fdd")


def wait_for(process: subprocess.Popen[bytes], path: Path, lines: int) -> None:
    """Until the journal has so many lines."""
    for _ in range(1200):
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("the journal does not grow")


def end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err, err.decode()
    return process.returncode, err.decode()


# --- verdicts ----------------------------------------------------------------------------------------


def test_an_engine_that_does_as_the_reference_passes(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    ran = verify("--engine", fake(*NEWEST), *SOME, "--journal", str(path), "--level", "PROCESS")
    journal = journal_of(path)
    assert (ran.code, journal.status) == (0, "complete")
    assert journal.counts["PASS"] == sum(journal.counts.values()) > 20
    assert {result["level"] for result in journal.results} == {"CONFIG", "CREATE", "PROCESS"}
    assert journal.footer is not None
    assert journal.footer["counts"] == journal.counts
    assert str(path) in ran.err


def test_a_recorded_deviation_is_named_and_is_no_mismatch(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    ran = verify("--engine", fake(*CLASSIC), *BARE, "--journal", str(path))
    journal = journal_of(path)
    assert (ran.code, journal.verdict) == (0, "DEVIATES")
    found = [result for result in journal.results if result["verdict"] == "DEVIATES"]
    assert any(result["deviations"] == ["bare-instruction-no-script"] for result in found)
    assert not any(result["unexplained"] for result in found)
    for result in found:
        assert result["recorded"] != result["expected"]
        assert result["recorded_from"].startswith("classic@28.5.2")


def test_a_deviation_that_is_gone_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    engine = fake(*NEWEST, "says-builder=classic@28.5.2")
    ran = verify("--engine", engine, *BARE, "--journal", str(path))
    journal = journal_of(path)
    assert (ran.code, journal.verdict) == (1, "STALE")
    stale = [result for result in journal.results if result["verdict"] == "STALE"]
    assert "bare-instruction-no-script" in {name for item in stale for name in item["deviations"]}


def test_an_engine_that_lies_about_its_version_fails(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    engine = fake("builder=buildkit@0.8", "runtime=docker@28.5.2", "says-builder=buildkit@0.25.2")
    ran = verify("--engine", engine, "--case", "cmd-a-x-cbb9df", "--journal", str(path))
    assert (ran.code, journal_of(path).verdict) == (1, "FAIL")


def test_a_wrong_answer_fails_and_is_told_with_all_that_one_needs(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    ran = verify("--engine", fake(*NEWEST, "wrong=c04"), *SOME, "--journal", str(path))
    journal = journal_of(path)
    failed = [result for result in journal.results if result["verdict"] == "FAIL"]
    assert ran.code == 1
    assert [result["id"] for result in failed] == ["c04"]
    assert failed[0]["reason"] == 'Cmd is ["wrong"], not ["a", "b"]'
    assert journal.jobs["c04"]["job"]["dockerfile"] == 'FROM scratch\nCMD ["a","b"]\n'
    for text in ("c04", 'CMD ["a","b"]', '["wrong"]', "BUILD-01"):
        assert text in ran.out


def test_the_first_process_must_be_the_first(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    engine = fake(*NEWEST, "pid=17")
    ran = verify("--engine", engine, "--case", "c04", "--level", "PROCESS", "--journal", str(path))
    assert ran.code == 3
    assert '"pid": 17' in journal_of(path).jobs["smoke"]["results"][0]["reason"]


def test_no_closer_look_than_is_wanted_not_even_at_first(tmp_path: Path) -> None:
    words = ("--engine", fake(*NEWEST, "pid=17"), "--case", "c04")
    assert verify(*words, "--journal", str(tmp_path / "j.ndjson")).code == 0


def test_what_an_engine_does_not_offer_is_skipped_and_said(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    engine = fake("builder=buildah@1.43.2", "levels=CONFIG")
    ran = verify("--engine", engine, *SOME, "--journal", str(path))
    skipped = [result for result in journal_of(path).results if result["verdict"] == "SKIP"]
    assert ran.code == 0
    assert {result["part"] for result in skipped} == {"run"}
    assert {result["reason"] for result in skipped} == {
        "this engine only builds: level CREATE is not offered"
    }
    config_only = tmp_path / "c.ndjson"
    verify("--engine", engine, *SOME, "--journal", str(config_only), "--level", "config")
    assert journal_of(config_only).counts["SKIP"] == 0


def test_a_stranger_is_held_to_the_reference_and_to_what_is_known_of_it(tmp_path: Path) -> None:
    path, known = tmp_path / "j.ndjson", tmp_path / "known.json"
    words = ("--engine", fake("wrong=c04"), *SOME)
    assert verify(*words, "--journal", str(path)).code == 1
    observed = next(
        result["observed"] for result in journal_of(path).results if result["id"] == "c04"
    )
    entry = {"id": "k-1", "case": "c04", "engine": "fake", "versions": ">=1,<2"}
    document: dict[str, Any] = {"known": [{**entry, "observed": observed, "url": "urn:bug:1"}]}
    assert_valid("known", document)
    known.write_text(json.dumps(document), encoding="utf-8")
    second = tmp_path / "k.ndjson"
    assert verify(*words, "--known", str(known), "--journal", str(second)).code == 0
    result = next(result for result in journal_of(second).results if result["id"] == "c04")
    assert (result["verdict"], result["recorded_from"]) == ("DEVIATES", "known:k-1")
    assert (result["url"], result["unexplained"]) == ("urn:bug:1", False)
    third = tmp_path / "s.ndjson"
    ran = verify("--engine", fake(), *SOME, "--known", str(known), "--journal", str(third))
    assert (ran.code, journal_of(third).verdict) == (1, "STALE")


def test_a_known_difference_of_no_case_is_told(tmp_path: Path) -> None:
    known = tmp_path / "known.json"
    entry = {"id": "k-1", "case": "c-zero-four", "engine": "fake", "observed": {"rejected": True}}
    known.write_text(json.dumps({"known": [entry]}), encoding="utf-8")
    path = tmp_path / "j.ndjson"
    engine = fake("levels=CONFIG")
    ran = verify(
        "--engine", engine, "--level", "CONFIG", "--known", str(known), "--journal", str(path)
    )
    assert "k-1 is about no case" in ran.err


# --- harnesses that are broken -----------------------------------------------------------------------

_UNSOUND = [
    (("same",), "made up a moment ago"),
    (("crash=smoke-*",), "panic: out of \\x1b[31mcheese"),
    (("hang=smoke-second",), "no answer to observe"),
    (("garbage=*",), "Step 1/2 : FROM scratch"),
    (("error=*",), "the engine is out of order"),
    (("wrong-id=smoke-*",), "it answers to request 2, and was asked 1"),
    (("protocol=2",), "version 2 of the protocol"),
    (("strange",), "there is no builder 'nobody'"),
    (("short",), "shows 1 runs instead of 2"),
    (("level=PROCESS", "levels=CONFIG,CREATE"), "offers CONFIG, CREATE"),
    (("levels=CONFIG,EVERYTHING",), "is none of CONFIG, CREATE, PROCESS"),
    (("wrong=smoke-create", "levels=CONFIG,CREATE", "noise=5000"), ""),
]


@pytest.mark.parametrize(("behaviour", "told"), _UNSOUND, ids=[" ".join(b) for b, _ in _UNSOUND])
def test_an_unsound_harness_is_one_error(
    tmp_path: Path, behaviour: tuple[str, ...], told: str
) -> None:
    path = tmp_path / "j.ndjson"
    words = ("--engine", fake(*NEWEST, *behaviour), *SOME, "--journal", str(path))
    ran = verify(*words, "--timeout", "2")
    journal = journal_of(path)
    if told:
        assert (ran.code, journal.status) == (3, "failed")
        assert journal.counts["ERROR"] == sum(journal.counts.values()) == 1
        assert told in next(journal.results)["reason"]
        assert "\x1b" not in ran.out + ran.err
    else:
        # However much it says on standard error, it gets on.
        assert (ran.code, journal.status) == (0, "complete")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    ran = verify("--engine", "harness:./no-such-program", *SOME, "--journal", str(path))
    assert ran.code == 3
    assert "no-such-program: cannot be started" in next(journal_of(path).results)["reason"]
    # Once it is there, the same journal goes on.
    engine = path.read_text(encoding="utf-8").replace(
        json.dumps("harness:./no-such-program"), json.dumps(fake(*NEWEST))
    )
    path.write_text(engine, encoding="utf-8")
    ran = verify("--resume", str(path))
    journal = journal_of(path)
    assert (ran.code, journal.status) == (0, "complete")
    assert journal.header["implementation"]["version"] == "1.2.3"
    assert journal.jobs["smoke"]["verdict"] == "PASS"


def test_what_dies_once_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    engine = fake(*NEWEST, f"crash-once={tmp_path / 'died'}")
    ran = verify("--engine", engine, *SOME, "--journal", str(path))
    assert (ran.code, (tmp_path / "died").exists()) == (0, True)


def test_what_dies_twice_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    path, log = tmp_path / "j.ndjson", tmp_path / "log"
    engine = fake(*NEWEST, "crash=c04", f"log={log}")
    ran = verify("--engine", engine, *SOME, "--journal", str(path))
    journal = journal_of(path)
    assert (ran.code, journal.status) == (3, "complete")
    assert [job["id"] for job in journal.jobs.values() if job["error"]] == ["c04"]
    assert "exit code 13" in journal.jobs["c04"]["error"]
    assert journal.counts["PASS"] > 15
    assert log.read_text(encoding="utf-8").count("observe c04") == 2
    # What broke is asked again when one resumes, and only that.
    log.unlink()
    path.write_bytes(path.read_bytes().replace(b"crash=c04", b"noise=0.0"[:9]))
    path.write_bytes(path.read_bytes().replace(b"noise=0.0", b"crash=xxx"))
    assert verify("--resume", str(path)).code == 0
    asked = {line for line in log.read_text(encoding="utf-8").split("\n") if "smoke" not in line}
    assert asked == {"start ", "observe c04", "stop ", ""}
    assert journal_of(path).counts["ERROR"] == 0


def test_a_hanging_job_and_all_that_it_started_is_killed(tmp_path: Path) -> None:
    path, orphan = tmp_path / "j.ndjson", tmp_path / "orphan"
    engine = fake(*NEWEST, "hang=c04", f"orphan={orphan}")
    ran = verify("--engine", engine, *SOME, "--journal", str(path), "--timeout", "2")
    journal = journal_of(path)
    assert ran.code == 3
    assert "no answer to observe" in journal.jobs["c04"]["error"]
    assert journal.counts["ERROR"] == 1
    stat = Path(f"/proc/{orphan.read_text(encoding='utf-8')}/stat")
    assert (
        not stat.exists() or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    )


def test_an_engine_that_is_gone_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    ran = verify("--engine", fake(*NEWEST, "error=[!s]*"), *SOME, "--journal", str(path))
    journal = journal_of(path)
    assert (ran.code, journal.status) == (3, "failed")
    assert journal.footer is not None
    assert "5 cases in a row" in journal.footer["reason"]
    assert journal.counts["ERROR"] < 10


def test_fail_fast(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    engine = fake(*NEWEST, "wrong=c0[1-9]", "slow=0.05")
    ran = verify("--engine", engine, *SOME, "--journal", str(path), "--fail-fast")
    journal = journal_of(path)
    assert (ran.code, journal.status) == (1, "interrupted")
    assert journal.counts["FAIL"] > 0
    assert len(journal.jobs) < journal.header["plan"]["jobs"]
    assert "--resume" in ran.err


# --- interruptions -----------------------------------------------------------------------------------

_SLOW = ("--case", "cmd-*", "--jobs", "2")


def slow_engine(log: Path | None = None) -> str:
    return fake(*NEWEST, "slow=0.05", *([f"log={log}"] if log else []))


def resumed(path: Path, log: Path) -> None:
    """Goes on: nothing that was observed is asked again, and the end is complete and right."""
    before = set(journal_of(path).jobs)
    log.unlink()
    ran = verify("--resume", str(path), "--jobs", "2")
    asked = {
        line.split()[1]
        for line in log.read_text(encoding="utf-8").splitlines()
        if line.startswith("observe") and "smoke" not in line
    }
    journal = journal_of(path)
    assert (ran.code, journal.status) == (0, "complete"), ran.err
    assert before
    assert not before & asked
    assert before | asked == set(journal.jobs) - {"smoke"}
    assert len(journal.jobs) == journal.header["plan"]["jobs"]
    assert journal.footer is not None
    assert journal.footer["jobs"] == len(journal.jobs)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_order_and_loses_nothing(tmp_path: Path, number: signal.Signals) -> None:
    path, log = tmp_path / "j.ndjson", tmp_path / "log"
    process = spawn("--engine", slow_engine(log), *_SLOW, "--journal", str(path))
    wait_for(process, path, 6)
    process.send_signal(number)
    code, err = end(process)
    assert code == 128 + number
    journal = journal_of(path)
    assert journal.status == "interrupted"
    assert journal.footer is not None
    assert journal.footer["reason"] == f"by {number.name}"
    assert "--resume" in err
    assert log.read_text(encoding="utf-8").count("stop") >= 1
    resumed(path, log)


def test_a_signal_while_the_engine_hangs(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    process = spawn("--engine", fake(*NEWEST, "hang=c0[2-9]"), *SOME, "--journal", str(path))
    wait_for(process, path, 2)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 128 + signal.SIGTERM
    assert journal_of(path).status == "interrupted"


def test_a_signal_before_anything_was_said(tmp_path: Path) -> None:
    path, log = tmp_path / "j.ndjson", tmp_path / "log"
    process = spawn("--engine", fake("silent", f"log={log}"), *SOME, "--journal", str(path))
    wait_for(process, log, 1)
    process.send_signal(signal.SIGINT)
    assert end(process)[0] == 128 + signal.SIGINT
    assert not path.exists()


def test_kill_9_loses_nothing_that_was_written(tmp_path: Path) -> None:
    path, log = tmp_path / "j.ndjson", tmp_path / "log"
    process = spawn("--engine", slow_engine(log), *_SLOW, "--journal", str(path))
    wait_for(process, path, 6)
    process.kill()
    process.communicate()
    assert journal_of(path).status == "unfinished"
    # The worst that a kill leaves: half a line.
    with path.open("ab") as file:
        file.write(b'{"kind":"job","id":"half')
    assert journal_of(path).truncated
    report = verify("report", str(path), "--format", "json")
    assert report.code == 3
    resumed(path, log)


def test_two_runs_on_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    process = spawn("--engine", slow_engine(), *_SLOW, "--journal", str(path))
    try:
        wait_for(process, path, 3)
        second = verify("--resume", str(path))
        assert second.code == 2
        assert "another run of entrysem verify writes this journal" in second.err
    finally:
        process.send_signal(signal.SIGINT)
        end(process)
    journal_of(path)


def test_a_full_disk(tmp_path: Path) -> None:
    path, log = tmp_path / "j.ndjson", tmp_path / "log"
    limit = 40_000

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ran = verify(
        "--engine",
        fake(*NEWEST, f"log={log}"),
        *(*_SLOW, "--journal", str(path)),
        preexec=small_disk,
    )
    assert ran.code == 3
    assert "cannot be written: File too large" in ran.out + ran.err
    journal = journal_of(path)
    # Half a line is taken back; the footer may have found room where a case did not.
    assert (journal.truncated, journal.status in ("unfinished", "failed")) == (False, True)
    assert limit - 5_000 < path.stat().st_size <= limit
    resumed(path, log)


# --- journals ----------------------------------------------------------------------------------------


def test_a_journal_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    path.write_text("mine\n", encoding="utf-8")
    ran = verify("--engine", fake(), "--case", "c04", "--journal", str(path))
    assert (ran.code, path.read_text(encoding="utf-8")) == (2, "mine\n")
    assert "is not overwritten" in ran.err
    assert verify("--resume", str(path)).code == 3


def test_resume_is_refused_for_another_run(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    words = ("--engine", fake(*NEWEST), "--case", "c04", "--level", "CONFIG")
    assert verify(*words, "--journal", str(path)).code == 0
    before = path.read_bytes()
    for other, told in (
        (("--engine", fake(*NEWEST, "noise=1")), "its engine is"),
        (("--level", "CREATE"), "its level is CONFIG, and now it is CREATE"),
        (("--case", "c05"), "its plan is"),
        (("--profile", "classic"), "its reference is"),
    ):
        ran = verify("--resume", str(path), *other)
        assert ran.code == 2, ran.err
        assert told in ran.err
    assert path.read_bytes() == before
    assert verify("--resume", str(path)).code == 0
    assert journal_of(path).status == "complete"


def test_without_a_name_the_journal_is_kept_all_the_same(tmp_path: Path) -> None:
    ran = verify("--engine", fake(*NEWEST), "--case", "c04", home=tmp_path)
    assert ran.code == 0
    (path,) = (tmp_path / "entrysem").iterdir()
    assert f"journal: {path}" in ran.err
    assert journal_of(path).status == "complete"


def test_several_engines_have_a_journal_each(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    engines = (fake(*NEWEST), fake(*NEWEST, "wrong=c04"))
    words = [word for engine in engines for word in ("--engine", engine)]
    ran = verify(*words, "--case", "c04", "--journal", str(folder))
    assert ran.code == 1
    found = [journals.read(path) for path in sorted(folder.iterdir())]
    assert sorted(journal.verdict for journal in found) == ["FAIL", "PASS"]
    assert verify(*words, "--case", "c04").code == 2


# --- usage and output --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "name an engine"),
        (("--engine", "rkt"), 2, "there is no engine 'rkt'"),
        (("--engine", "docker:colour=red"), 2, "'colour=red' is no option of docker"),
        (("--engine", "harness:'"), 2, "is no command"),
        (("--engine", "harness:"), 2, "there is no program"),
        (("--engine", "docker", "--level", "DEEP"), 2, "is none of CONFIG"),
        (("--engine", "docker", "--format", "pdf"), 2, "is none of text"),
        (("--engine", "docker", "--profile", "nobody"), 2, "there is no builder 'nobody'"),
        (("--engine", "docker", "--rules", "BUILD-99"), 3, "no case matches"),
        (("--engine", "docker", "--case", "nothing-*"), 3, "no case matches"),
        (("--engine", "docker", "--known", "/no/such/file"), 3, "cannot be read"),
        (("--engine", "docker", "--builder", "x"), 2, "is an engine of its own"),
        (("--engine", "docker", "--engine", "docker"), 2, "named twice"),
        (("--resume", "/no/such/file"), 2, "there is no journal"),
        (("--engine", "docker", "--jobs", "0"), 2, "--jobs"),
        (("--schema", "nothing"), 2, "must be one of"),
        (("report", "/no/such/file"), 3, "cannot be read"),
    ],
)
def test_usage(words: tuple[str, ...], code: int, told: str) -> None:
    ran = inside(*words)
    assert (ran.code, ran.out) == (code, "")
    assert told in " ".join(ran.err.replace("│", " ").split())


def test_zero_cases_executed_is_not_success(tmp_path: Path) -> None:
    path = tmp_path / "j.ndjson"
    ran = verify("--engine", fake(*NEWEST), "--case", "windows-*", "--journal", str(path))
    assert (ran.code, journal_of(path).verdict) == (3, "SKIP")


@pytest.mark.parametrize("name", ["journal", "known", "harness-request", "harness-response"])
def test_schemas_are_printed(name: str) -> None:
    ran = inside("--schema", name)
    assert json.loads(ran.out)["$schema"].startswith("https://json-schema.org")


@pytest.mark.parametrize("name", ["text", "markdown", "junit", "json", "html"])
def test_every_format_now_and_later(tmp_path: Path, name: str) -> None:
    path, now, later = tmp_path / "j.ndjson", tmp_path / "now", tmp_path / "later"
    words = ("--engine", fake(*NEWEST, "wrong=c04"), *SOME, "--journal", str(path))
    ran = verify(*words, "--format", name, "--output", str(now))
    assert (ran.code, ran.out) == (1, "")
    ran = verify("report", str(path), "--format", name, "--output", str(later))
    assert ran.code == 1
    assert now.read_bytes() == later.read_bytes() != b""


def test_diff(tmp_path: Path) -> None:
    old, new = tmp_path / "old.ndjson", tmp_path / "new.ndjson"
    verify("--engine", fake(*NEWEST), *SOME, "--journal", str(old))
    verify("--engine", fake(*NEWEST, "wrong=c04"), *SOME, "--journal", str(new))
    ran = verify("diff", str(old), str(new))
    assert ran.code == 1
    assert "c04" in ran.out
    assert verify("diff", str(old), str(old)).code == 0
