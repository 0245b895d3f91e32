"""The pytest plugin, run by pytest's own tester against a fake engine behind the child protocol."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.running import ROOT

pytest_plugins = ["pytester"]

_FAKE = ROOT / "tests" / "verify" / "fakes" / "harness.py"
_COMMON = ("-p", "no:cacheprovider")


def _run(
    pytester: pytest.Pytester, *words: str, fake: str = "", engine: str | None = None
) -> pytest.RunResult:
    pytester.syspathinsert(ROOT)
    engine = engine or f"harness:{sys.executable} {_FAKE} {fake}"
    return pytester.runpytest_subprocess(*_COMMON, "--entrysem-engine", engine, *words)


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_without_the_option_nothing_is_collected(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass")
    result = pytester.runpytest_subprocess(*_COMMON)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*entrysem:*")


def test_a_right_engine_passes(pytester: pytest.Pytester) -> None:
    result = _run(pytester, "-k", "l-", "-v")
    outcomes = result.parseoutcomes()
    assert result.ret == 0
    assert outcomes["passed"] > 20
    assert "failed" not in outcomes
    result.stdout.fnmatch_lines(["*entrysem: harness:*", "harness::*PASSED*"])


def test_rules_choose_and_are_keywords(pytester: pytest.Pytester) -> None:
    by_option = _run(pytester, "--entrysem-rules", "MERGE-10", "--collect-only", "-q")
    by_word = _run(pytester, "-k", "MERGE-10", "--collect-only", "-q")
    ids = [line for line in by_option.outlines if line.startswith("harness::")]
    assert ids[0] == "harness::smoke"
    assert ids[1:] == [line for line in by_word.outlines if line.startswith("harness::")] != []


def test_a_wrong_engine_fails_and_says_what(pytester: pytest.Pytester) -> None:
    result = _run(pytester, "-k", "l-exec-exec", fake="wrong='l-*'")
    outcomes = result.parseoutcomes()
    assert result.ret == 1
    assert outcomes["failed"] > 0
    result.stdout.fnmatch_lines(["FAIL: *", "rules: *", "FROM *", "expected: *", "observed: *"])


def test_a_recorded_deviation_is_an_expected_failure(pytester: pytest.Pytester) -> None:
    fake = "builder=classic@28.5.2 runtime=docker@28.5.2"
    result = _run(pytester, "--entrysem-rules", "FORM-15", "-rx", fake=fake)
    assert result.ret == 0
    assert result.parseoutcomes()["xfailed"] > 0
    result.stdout.fnmatch_lines(["XFAIL *bare-instruction-no-script*"])


def test_the_expected_profile_can_be_chosen(pytester: pytest.Pytester) -> None:
    fake = "builder=classic@28.5.2 runtime=docker@28.5.2"
    words = ("--entrysem-rules", "FORM-15", "--entrysem-profile", "classic@28.5.2,docker@28.5.2")
    assert "xfailed" not in _run(pytester, *words, fake=fake).parseoutcomes()


def test_what_breaks_is_an_error(pytester: pytest.Pytester) -> None:
    result = _run(pytester, "-k", "l-exec-exec", fake="error='l-*'")
    outcomes = result.parseoutcomes()
    assert result.ret == 1
    assert outcomes["errors"] >= 1
    assert "failed" not in outcomes


def test_an_unsound_harness_is_one_error(pytester: pytest.Pytester) -> None:
    result = _run(pytester, "-k", "smoke or l-", fake="same")
    outcomes = result.parseoutcomes()
    assert outcomes["errors"] == 1
    assert outcomes["skipped"] > 20
    assert not {"passed", "failed"} & outcomes.keys()


def test_usage_errors_are_told(pytester: pytest.Pytester) -> None:
    result = _run(pytester, engine="nobody")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is no engine 'nobody'*"])
    result = _run(pytester, engine="harness:/does/not/exist")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_junit_names_the_verdict(pytester: pytest.Pytester) -> None:
    _run(pytester, "-k", "l-exec-exec", "--junitxml", "out.xml")
    text = (Path(pytester.path) / "out.xml").read_text("utf-8")
    assert 'name="verdict" value="PASS"' in text
    assert 'name="l-exec-exec' in text


def test_own_tests_come_along_when_they_are_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="def test_one(): pass")
    assert "test_own" not in "\n".join(_run(pytester, "--collect-only", "-q").outlines)
    named = _run(pytester, "--collect-only", "-q", "test_own.py")
    assert "test_own.py::test_one" in named.outlines
    assert any(line.startswith("harness::l-") for line in named.outlines)


def test_known_differences_are_read(pytester: pytest.Pytester) -> None:
    pytester.makefile(".json", known="[1]")
    result = _run(pytester, "--entrysem-known", "known.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*known.json*"])


def test_the_oracle_answers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from entrysem import ImageConfig

        def test_oracle(entrysem_oracle):
            text = 'FROM scratch\\nENTRYPOINT ["e"]\\nCMD ["c"]'
            assert entrysem_oracle(text).argv == ("e", "c")
            assert entrysem_oracle(text, ("x",)).argv == ("e", "x")
            assert entrysem_oracle(text, entrypoint="f").argv == ("f",)
            assert entrysem_oracle(text).image.config.cmd == ("c",)
            config = ImageConfig(cmd=("b",))
            assert entrysem_oracle("FROM b", bases={"b": config}).argv == ("b",)
            assert entrysem_oracle("FROM scratch\\nCMD", builder="classic").argv == ("/bin/sh", "-c")
        """
    )
    pytester.runpytest_subprocess(*_COMMON).assert_outcomes(passed=1)
