"""One Dockerfile, one record."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.model import ImageConfig
from entrysem.scan import Settings, scan_one
from entrysem.scan.record import COLUMNS, failure, identity_text
from tests.cli.running import SCHEMAS, assert_valid
from tests.scan.corpora import observed

ROOT = Path(__file__).parents[2]
_OBSERVED = observed()


def test_there_are_observations_to_compare_with() -> None:
    assert len(_OBSERVED) > 400


@pytest.mark.parametrize(
    ("case", "builder", "runtime", "run"),
    _OBSERVED,
    ids=[f"{case['id']}-{builder}-{runtime}" for case, builder, runtime, _ in _OBSERVED],
)
def test_says_what_engines_ran(case: Any, builder: Any, runtime: Any, run: Any) -> None:
    settings = Settings(builder=builder, runtime=runtime, catalogue=False)
    record = scan_one(case["dockerfile"].encode("utf-8", "surrogateescape"), case["id"], settings)
    assert_valid("scan-record", record)
    assert record["error_phase"] is None
    assert record["argv"] == run["argv"]
    if run.get("error"):
        assert record["start_error"] == run["error"]["code"]
    elif run["argv"][0]:
        # What was created was not always started.
        assert record["start_error"] is None


def test_columns_are_those_of_the_schema_and_of_the_page() -> None:
    schema = json.loads((SCHEMAS / "scan-record.schema.json").read_text())
    assert list(schema["properties"]) == list(COLUMNS)
    page = (ROOT / "docs" / "scan.md").read_text()
    told = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)))
    assert told == list(COLUMNS)
    assert list(scan_one(b"FROM scratch\n", "x")) == list(COLUMNS)


def test_hash_and_size_are_of_the_bytes() -> None:
    data = b"FROM scratch\r\nCMD caf\xe9\r\n"
    record = scan_one(data, "x")
    assert record["sha256"] == hashlib.sha256(data).hexdigest()
    assert record["size"] == len(data)
    # A builder takes it and stores U+FFFD: docs of Go's encoding/json, appendString.
    assert record["utf8"] is False
    assert record["argv"] == ["/bin/sh", "-c", "caf�"]
    assert_valid("scan-record", record)


def test_forms_are_those_of_the_target_stage() -> None:
    text = b'FROM scratch AS a\nENTRYPOINT e\nFROM a\nCMD ["x"]\nCMD y\nFROM scratch\nCMD\n'
    last = scan_one(text, "x")
    assert (last["entrypoint_form"], last["cmd_form"]) == (None, "bare")
    inner = scan_one(text.replace(b"FROM a\n", b"FROM a AS b\n"), "x", Settings(target="b"))
    assert (inner["entrypoint_form"], inner["cmd_form"]) == (None, "shell")
    assert (inner["cmd_count"], inner["entrypoint_count"]) == (2, 0)
    assert inner["stages"] == 3


def test_an_unknown_base_leaves_a_template() -> None:
    record = scan_one(b'FROM acme/base\nCMD ["x"]\n', "x")
    assert record["argv"] is record["effective"] is None
    assert json.loads(record["argv_template"]) == [
        {"inherited": "Entrypoint", "from": "acme/base"},
        "x",
    ]
    assert (record["base"], record["base_origin"]) == ("acme/base", "unknown")
    assert record["unknown"] == ["Entrypoint"]
    known = Settings(bases=(("acme/base", ImageConfig(entrypoint=("/e",))),))
    record = scan_one(b'FROM acme/base\nCMD ["x"]\n', "x", known)
    assert (record["argv"], record["base_origin"]) == (["/e", "x"], "given")


def test_a_rejected_file_has_a_record() -> None:
    record = scan_one(b"FROM scratch\n\nFROG x\n", "x")
    assert (record["error_phase"], record["error_line"]) == ("parse", 3)
    assert record["error_code"] == "unknown-instruction"
    assert record["error_rule"]
    assert_valid("scan-record", record)


def test_findings_have_their_lines_and_can_be_left_out() -> None:
    text = b"FROM scratch\nENTRYPOINT run it\nCMD x\n"
    record = scan_one(text, "x")
    # ES001: BuildKit's documentation, "The shell form prevents any CMD from being used".
    assert record["findings"] == ["ES001"]
    assert record["finding_lines"] == [3]  # the CMD that does nothing
    without = scan_one(text, "x", Settings(findings=False))
    assert without["findings"] is without["finding_lines"] is without["findings_micros"] is None


def test_without_timings_records_repeat() -> None:
    settings = Settings(timings=False)
    assert scan_one(b"FROM a\n", "x", settings) == scan_one(b"FROM a\n", "x", settings)
    assert scan_one(b"FROM a\n", "x", settings)["micros"] is None
    assert scan_one(b"FROM a\n", "x")["micros"] is not None


def test_too_large_is_not_looked_at() -> None:
    record = scan_one(b"FROM scratch\n" * 10, "x", Settings(max_bytes=100))
    assert (record["error_phase"], record["error_code"]) == ("input", "too-large")
    assert record["sha256"] is None


def test_a_defect_of_ours_is_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("deep inside")

    monkeypatch.setattr("entrysem.scan.record.build_image", broken)
    record = scan_one(b"FROM scratch\n", "x")
    assert (record["error_phase"], record["error_code"]) == ("internal", "defect")
    assert record["error_message"] == "RuntimeError: deep inside"
    assert_valid("scan-record", record)


def test_settings_that_mean_nothing_are_an_error() -> None:
    with pytest.raises(InputError, match="no builder"):
        scan_one(b"FROM scratch\n", "x", Settings(builder="nobody"))


def test_long_messages_are_cut() -> None:
    assert len(failure("x", "input", "c", "m" * 10_000)["error_message"]) == 500


@pytest.mark.parametrize(
    ("identity", "text"),
    [("a/b", "a/b"), ("é", "é"), ("a\udcff", "a\\xff"), ("a\ud800", "a\\xed\\xa0\\x80")],
)
def test_every_identity_can_be_written(identity: str, text: str) -> None:
    assert identity_text(identity) == text
    assert text.encode()
