"""How reports spell what was asked and seen: one line of visible characters each.

The texts here hold no character that acts on a terminal or reorders what is read; each format still
has to escape what is special to itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from entrysem.render.visible import shown_words, visible
from entrysem.rules import RULES
from entrysem.spec_text import section
from entrysem.verify.report.matrix import Result
from entrysem.verify.wire import WireError, bytes_from_wire

__all__ = [
    "facts",
    "message_text",
    "normative",
    "options",
    "plain",
    "run_text",
    "shorten",
    "skipped",
    "source_text",
    "value_text",
    "what",
]

Document = Mapping[str, Any]

#: A Dockerfile or value longer than this is shown by its beginning; the journal has it whole.
_LONGEST = 4000


def plain(value: object) -> str:
    """A word or text of the journal as a `str`; bytes that are no UTF-8 are lone surrogates."""
    try:
        return bytes_from_wire(value, "word").decode("utf-8", "surrogateescape")
    except WireError:
        # A string that holds a lone surrogate, or something that is no word: shown, not judged.
        return value if isinstance(value, str) else json.dumps(value)


def shorten(text: str, longest: int = _LONGEST) -> str:
    """`text`, or its beginning and how long it is."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text):,} characters in all)"


def message_text(value: object) -> str:
    """An engine's message or another text from outside, on one line."""
    return shorten(visible(plain(value)))


def _words(value: Sequence[object] | None) -> str:
    return shorten(shown_words(None if value is None else [plain(word) for word in value]))


def value_text(value: Document | None, *, messages: bool = True) -> str:
    """A `value` of the journal: a config, a rejection, an argv or why there is none.

    `messages`: with the engine's own words.
    """
    if value is None:
        return "nothing"
    if not messages:
        value = {key: item for key, item in value.items() if key != "message"}
        if value.get("error"):
            value["error"] = {**value["error"], "message": ""}
    if "config" in value:
        config = value["config"]
        return ", ".join(f"{key} {_words(config[key])}" for key in config) or "an empty config"
    for key, text in (("rejected", "rejected"), ("asks_for_image", "asks for an image")):
        if key in value:
            return f"{text}: {message_text(value['message'])}" if value.get("message") else text
    error = value.get("error")
    if error is None:
        return _words(value["argv"]) if value["argv"] is not None else "no container is created"
    text = f"error at {error['phase']}: {error['code'] or 'unknown message'}"
    if error.get("message"):
        text += f" ({message_text(error['message'])})"
    return text if value["argv"] is None else f"{_words(value['argv'])}, {text}"


def run_text(run: Document) -> str:
    """A run as one would ask for it: `run --init --entrypoint "e" ["x"]`."""
    parts = ["run"]
    if run["init"]:
        parts.append("--init")
    entrypoint = run["entrypoint"]
    if isinstance(entrypoint, list):
        parts.append(f"entrypoint={_words(entrypoint)}")
    elif entrypoint is not None:
        parts.append(f"--entrypoint {_words([entrypoint])[1:-1]}")
    if run["args"] is not None:
        parts.append(_words(run["args"]))
    return " ".join(parts)


def skipped(result: Result) -> str:
    """Why a result was skipped, without the case that the reason names: to count reasons by."""
    reason = re.sub(r":? see [^ ]+\Z", "", message_text(result.reason))
    return reason or "no reason given"


def what(result: Result) -> str:
    """What a result is about: `build`, a run, or the check of the harness."""
    run = result.run
    if run is not None:
        return run_text(run)
    return {"build": "build", "smoke": "check of the harness"}.get(result.document["part"], "run")


def source_text(job: Document) -> str:
    """The Dockerfile line by line, each visible; or the image config that stands in for one."""
    if job["dockerfile"] is None:
        return f"image config: {value_text({'config': job['config'] or {}})}"
    text = plain(job["dockerfile"]).removesuffix("\n")
    return shorten("\n".join([visible(line) for line in text.split("\n")]))


def options(job: Document) -> list[tuple[str, str]]:
    """Whatever else the build was given: (name, value), only what there is."""
    found = [
        (
            f"base {visible(name)}",
            message_text(base["dockerfile"])
            if "dockerfile" in base
            else value_text({"config": base["config"]}),
        )
        for name, base in job["bases"].items()
    ]
    if job["target"]:
        found.append(("target", visible(job["target"])))
    found += [
        (f"build-arg {visible(name)}", message_text(value))
        for name, value in job["build_args"].items()
    ]
    if job["platform"]:
        found.append(("platform", visible(job["platform"])))
    return found


def facts(result: Result) -> list[tuple[str, str]]:
    """What was expected, recorded and observed, and why: (name, value), only what there is."""
    document = result.document
    found = []
    if result.verdict == "PASS":
        found.append(("expected and observed", value_text(document["expected"])))
    else:
        if document["expected"] is not None:
            found.append(_sourced("expected", document["expected"], document["expected_from"]))
        if document["recorded"] is not None:
            found.append(_sourced("recorded", document["recorded"], document["recorded_from"]))
        if document["observed"] is not None or result.verdict != "SKIP":
            found.append(("observed", value_text(document["observed"])))
    if result.reason and result.verdict != "PASS":
        found.append(("because", message_text(result.reason)))
    if document.get("url"):
        found.append(("see", visible(document["url"])))
    return found


def _sourced(name: str, value: Document, source: str | None) -> tuple[str, str]:
    return (f"{name} ({visible(source)})" if source else name, value_text(value))


def normative(rule_id: str) -> list[str]:
    """The normative paragraphs of a rule, in the spec's Markdown; none for what is no rule."""
    rule = RULES.get(rule_id)
    if rule is None:
        return []
    text = section(rule).partition("\nSources:")[0].partition("\n")[2]
    return [re.sub(r"\s*\n\s*", " ", part.strip()) for part in text.split("\n\n") if part.strip()]
