"""The executable examples of `spec/*.md`: reads and runs them.

The format is defined in `spec/README.md`. An example is one Dockerfile and a list of statements; a
statement sets an option for those below it or asserts one thing. Nothing here knows a rule of the
semantics: it parses, calls `entrysem`, and compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from entrysem import DockerfileError, Image, ImageConfig, InputError, Profile, build_image
from entrysem.model import RunOptions
from entrysem.resolve import Resolution

__all__ = ["SPEC", "Example", "ExampleError", "read_examples", "run_example"]

SPEC = Path(__file__).parents[2] / "spec"

_FENCE = re.compile(r"```(example(?: escaped)?)\s*\Z")
_HEADING = re.compile(r"#{2,3} ([A-Z]+-[0-9]+): ")
_REPEATED = re.compile(r'("(?:[^"\\]|\\.)*")\s*\*\s*([0-9]+)\Z')
_KEYS = {"Entrypoint": "entrypoint", "Cmd": "cmd", "Shell": "shell", "OnBuild": "onbuild"}

_Pair = tuple[Any, Any]


class ExampleError(ValueError):
    """The example is not written as `spec/README.md` says."""


class Example(NamedTuple):
    """One fenced block. `owner`: the rule or claim whose heading it stands under. `statements`:
    the lines below `---`, each with its number in the document."""

    owner: str
    document: str
    line: int
    dockerfile: str
    statements: tuple[tuple[int, str], ...]


def read_examples(document: str) -> Iterator[Example]:
    """The examples of one file under `spec/`, in order."""
    owner = ""
    lines = (SPEC / document).read_text(encoding="utf-8").split("\n")
    at = 0
    while at < len(lines):
        at += 1
        if heading := _HEADING.match(lines[at - 1]):
            owner = heading.group(1)
        fence = _FENCE.match(lines[at - 1])
        if fence is None:
            continue
        start = at
        while at < len(lines) and lines[at] != "```":
            at += 1
        body = lines[start:at]
        if not owner or at == len(lines) or "---" not in body:
            raise ExampleError(f"{document}:{start}: no heading, no end or no ---")
        cut = body.index("---")
        numbered = [(start + 1 + number, text.strip()) for number, text in enumerate(body)]
        statements = tuple(item for item in numbered[cut + 1 :] if item[1])
        dockerfile = _dockerfile(body[:cut], escaped=fence.group(1) == "example escaped")
        yield Example(owner, document, start, dockerfile, statements)


def _dockerfile(lines: list[str], *, escaped: bool) -> str:
    if not escaped:
        return "".join(line + "\n" for line in lines)
    pieces: list[str] = []
    for line in lines:
        repeated = _REPEATED.match(line.strip())
        text = json.loads(repeated.group(1) if repeated else line)
        pieces.append(text * int(repeated.group(2)) if repeated else text)
    return "".join(pieces)


class _Session:
    """The options in force, and what the statements so far have produced."""

    def __init__(self, dockerfile: str) -> None:
        self.dockerfile = dockerfile
        self.profile = Profile()
        self.target: str | None = None
        self.platform = "linux/amd64"
        self.build_args: dict[str, str] = {}
        self.bases: dict[str, ImageConfig] = {}
        self.last: Resolution | None = None
        self.rules: set[str] = set()

    def image(self) -> Image:
        return build_image(
            self.dockerfile,
            profile=self.profile,
            target=self.target,
            build_args=self.build_args,
            bases=self.bases,
            platform=self.platform,
        )

    def run(self, image: Image, options: RunOptions) -> Resolution:
        self.last = image.run(options)
        self.rules.update(self.last.rules)
        return self.last


def run_example(example: Example) -> set[str]:
    """Runs the example, and raises AssertionError where it does not hold; returns the ids of the
    rules that it applied."""
    session = _Session(example.dockerfile)
    asserted = False
    for line, text in example.statements:
        place = f"spec/{example.document}:{line}: {text}"
        left, arrow, expected = text.partition(" => ")
        word, _, rest = left.partition(" ")
        try:
            if not arrow:
                _OPTIONS[word](session, rest)
                continue
            actual, wanted = _ASSERTIONS[word](session, rest, expected)
        except (KeyError, ExampleError, json.JSONDecodeError) as error:
            raise ExampleError(f"{place}: {error!r}") from error
        except DockerfileError as error:
            actual, wanted = f"error {error.phase} {error.code}", expected
            session.rules.add(error.rule)
        asserted = True
        assert actual == wanted, f"{place}\n  got      {actual}\n  expected {wanted}"
    if not asserted:
        raise ExampleError(f"spec/{example.document}:{example.line}: nothing is asserted")
    return session.rules


def _with(session: _Session, rest: str) -> None:
    builder, _, runtime = rest.partition(" ")
    session.profile = Profile.parse(builder, runtime or "docker")


def _base(session: _Session, rest: str) -> None:
    image, _, text = rest.partition(" ")
    given: dict[str, Any] = {_KEYS[key]: tuple(words) for key, words in json.loads(text).items()}
    session.bases[image] = ImageConfig(**given)


_OPTIONS: dict[str, Callable[[_Session, str], None]] = {
    "with": _with,
    "base": _base,
    "build-arg": lambda session, rest: session.build_args.update([_pair(rest)]),
    "target": lambda session, rest: setattr(session, "target", rest),
    "platform": lambda session, rest: setattr(session, "platform", rest),
}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ExampleError("NAME=VALUE is wanted")
    return name, value


def _listed(words: Any) -> Any:
    """Words as JSON has them; an unknown part as the oracle writes it."""
    if words is None or isinstance(words, str):
        return words
    return [w if isinstance(w, str) else {"inherited": w.key, "from": w.image} for w in words]


# Each assertion gives the actual value and the expected one.


def _build(session: _Session, rest: str, expected: str) -> _Pair:
    session.run(session.image(), RunOptions())
    return "ok" + rest, expected


def _config(session: _Session, rest: str, expected: str) -> _Pair:
    image = session.image()
    session.run(image, RunOptions())
    wanted = json.loads(expected)
    actual = {key: _listed(getattr(image.config, _KEYS[key])) for key in wanted}
    if actual.get("OnBuild") == []:
        actual["OnBuild"] = None
    return actual, wanted


def _run(session: _Session, rest: str, expected: str) -> _Pair:
    try:
        resolution = session.run(session.image(), _options(rest))
    except InputError as wrong:
        return f"error usage {wrong.code}", expected
    if (error := resolution.error) is not None:
        message = f" {json.dumps(error.message)}" if '"' in expected else ""
        return f"error {error.phase} {error.code}{message}", expected
    return _listed(resolution.words), json.loads(expected) if expected[0] == "[" else expected


def _options(rest: str) -> RunOptions:
    given: dict[str, Any] = {"env": {}}
    while rest:
        option, _, rest = rest.partition(" ") if rest.startswith("--") else ("args", "", rest)
        if option == "--init":
            given["init"] = True
        elif option == "--env":
            pair, _, rest = rest.partition(" ")
            given["env"].update([_pair(pair)])
        elif option in ("--entrypoint", "--entrypoint-list", "args"):
            value, end = json.JSONDecoder().raw_decode(rest)
            name = option if option == "args" else "entrypoint"
            given[name] = value if isinstance(value, str) else tuple(value)
            rest = rest[end:].lstrip()
        else:
            raise ExampleError(f"{option} is no option of run")
    return RunOptions(**given)


def _of_last(read: Callable[[Resolution], Any]) -> Callable[[_Session, str, str], _Pair]:
    def compare(session: _Session, rest: str, expected: str) -> _Pair:
        if session.last is None or rest:
            raise ExampleError("a run stands before this, and nothing before the arrow")
        return _listed(read(session.last)), json.loads(expected)

    return compare


def _of_shell(name: str) -> Callable[[_Session, str, str], _Pair]:
    return _of_last(lambda last: getattr(last.shell, name, "no shell with -c"))


def _pid1(session: _Session, rest: str, expected: str) -> _Pair:
    view = session.last and session.last.shell
    pid1 = () if not view else view.pid1
    return [who for shell, who in pid1 if rest.lower() in shell.split()], [expected]


_ASSERTIONS: dict[str, Callable[[_Session, str, str], _Pair]] = {
    "build": _build,
    "config": _config,
    "run": _run,
    "pid1": _pid1,
    "effective": _of_last(lambda last: last.effective),
    "script": _of_shell("script"),
    "zero": _of_shell("zero"),
    "parameters": _of_shell("parameters"),
    "unknown": _of_last(lambda last: [f"{part.key} of {part.image}" for part in last.unknown]),
}
