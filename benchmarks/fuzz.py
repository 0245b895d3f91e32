"""Inputs that nobody would write: none may raise anything but the documented errors.

Four kinds in turn: real files with cuts, copies and insertions; texts strung together from the
grammar's own pieces; known instructions with such arguments; random bytes. Each is read and resolved
under one of all profiles, with random options. A crash is printed with the smallest input that still
shows it.
"""

from __future__ import annotations

import random
import re
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import Report, Size, corpus_texts
from entrysem import DockerfileError, Engine, InputError, Profile, RunOptions, resolve
from entrysem.deviations import DEVIATIONS
from entrysem.profiles import BUILDERS, RUNTIMES

__all__ = ["Input", "minimised", "run"]

_LONGEST = 6000
_PIECES = (
    "\n|\n|\n|\n|\\\n|\\ \t\n|`\n|\\\\\n|\r\n| |  |\t|\v|\xa0|\x85|#| # |# escape=`\n|#escape=\\\n|"
    "# syntax=x\n|# check=skip=all\n|# check=error=true\n|FROM |from |FROM a\n|FROM b AS a\n|RUN |"
    "CMD |cmd\t|ENTRYPOINT |SHELL |ONBUILD |onbuild |ENV |LABEL |ARG |ARG X=a\n|COPY |ADD |"
    "HEALTHCHECK |HEALTHCHECK CMD |HEALTHCHECK NONE|EXPOSE |VOLUME |USER |WORKDIR |STOPSIGNAL |"
    "MAINTAINER |FOO |--|--x|--from=a |--from=0 |--mount=from=a |--platform=$X |--interval=1s |"
    '--x="a b" |-- |[|["a"|["a", "b"]|"|\'|[]|,|]|["a"] |["sh","-c","x $0"]|1|null|1e999|{"a":1}|'
    "\\u0041|\\ud83d|\\x|$X|${X:-y}|${X|${X#a*}|${X//a/b}|${X:?}|${X?m}|$|{|}|=|a=b |a |b|é|\ufeff|"
    "<<EOF|<<-EOF|<<\"EOF\"|<<'E F'|<< EOF|EOF\n|\nEOF\n|\tEOF\n|3<<A|\nA\n|<|scratch|scratch:1| AS |"
    '\\|`|x\\y|\\"|à |\u2028|\x1c|"a\tb"|\0|\udc80|\ud800|exec |set -e;|&& |: "$@"|'
).split("|")
_OPENINGS = (
    "CMD|CMD|CMD|CMD|ENTRYPOINT|ENTRYPOINT|ENTRYPOINT|RUN|ONBUILD CMD|EXPOSE 1\nCMD|ENV|SHELL|COPY|"
    'FROM|FROM a\nCMD|SHELL ["/bin/bash", "-c"]\nENTRYPOINT'
).split("|")
_TARGETS = ("a", "0", "A", "", "none", "²")
_BASES = ("scratch", "alpine:3", "0", "$X", "${X:-y}:1", "a")
_ENTRYPOINTS = (None, None, "", "x", '["a"]', "[1]", "a 'b", "\0", (), ("",), ("x", "y"))
_ARGS = (None, None, (), ("",), ("x",), ("$(X)", "$$"), ("é\udc80",))


class Input(NamedTuple):
    """One input: what is resolved, and how."""

    source: str | bytes
    profile: Profile
    target: str | None
    options: RunOptions
    platform: str


def run(size: Size, corpus: Path) -> Report:
    """Counts the inputs and prints a crash, if there is one."""
    rng = random.Random(20240229)  # noqa: S311  # the same inputs every time
    start = time.process_time()
    count = rejected = 0
    crash: Input | None = None
    for item in _inputs(rng, corpus_texts(corpus, 2000), size.inputs):
        outcome = _outcome(item, deep=count % 4 == 0)
        count += 1
        if isinstance(outcome, Exception):
            crash = item
            break
        rejected += outcome
    seconds = time.process_time() - start
    notes = ["nothing but DockerfileError and InputError was raised"]
    if crash is not None:
        small = minimised(crash, lambda item: isinstance(_outcome(item, deep=True), Exception))
        error = _outcome(small, deep=True)
        assert isinstance(error, Exception)
        traceback.print_exception(error)
        notes = [f"CRASH: {error!r}", f"`{small!r}`"]
    return Report(
        "fuzz: hostile inputs",
        ["inputs", "rejected", "CPU seconds", "inputs a second"],
        [[f"{count:,}", f"{rejected:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}"]],
        notes,
        crash is not None,
    )


def _outcome(item: Input, *, deep: bool) -> bool | Exception:
    """Whether the input is rejected; an exception that nobody promised is a crash.

    `deep` asks for the steps too, which are made only when somebody asks.
    """
    try:
        resolution = resolve(
            item.source,
            item.options,
            profile=item.profile,
            target=item.target,
            build_args={"X": "value"},
            platform=item.platform,
        )
        if deep:
            assert resolution.steps
            assert resolution.rules
    except (DockerfileError, InputError):
        return True
    except Exception as error:  # noqa: BLE001  # that is what is looked for
        return error
    return False


def _inputs(rng: random.Random, texts: list[str], count: int) -> Iterator[Input]:
    profiles = list(_profiles())
    makers: tuple[Callable[[], str | bytes], ...] = (
        lambda: _mutated(rng, texts),
        lambda: "".join(rng.choices(_PIECES, k=rng.randrange(1, 40))),
        lambda: _structured(rng),
        lambda: rng.randbytes(rng.randrange(200)),
    )
    for number in range(count):
        yield Input(
            makers[number % len(makers)](),
            profiles[rng.randrange(len(profiles))],
            rng.choice(_TARGETS) if rng.random() < 0.1 else None,
            RunOptions(
                args=rng.choice(_ARGS),
                entrypoint=rng.choice(_ENTRYPOINTS),
                init=rng.random() < 0.1,
                env={"X": "y"},
            ),
            "windows/amd64" if rng.random() < 0.05 else "linux/amd64",
        )


def _profiles() -> Iterator[Profile]:
    """Every builder at every version from which it differs, the runtimes in turn likewise."""
    sides = []
    for names, side in ((BUILDERS, "builder"), (RUNTIMES, "runtime")):
        engines = []
        for name in names:
            versions: set[str | None] = {None, "0.0"}
            for deviation in DEVIATIONS:
                if deviation.side == side:
                    versions |= set(re.findall(r"[\d.]+", deviation.engines.get(name, "")))
            engines += [Engine(name, version) for version in versions]
        sides.append(sorted(engines, key=str))
    builders, runtimes = sides
    for number, builder in enumerate(builders * 3):
        yield Profile(builder, runtimes[number % len(runtimes)])


def _structured(rng: random.Random) -> str:
    """A file whose instructions are known, and whose arguments are anything."""
    lines = [
        f"{rng.choice(_OPENINGS)} {''.join(rng.choices(_PIECES, k=rng.randrange(1, 4)))}\n"
        for _ in range(rng.randrange(1, 5))
    ]
    return f"ARG X\nFROM {rng.choice(_BASES)} AS a\n" + "".join(lines)


def _mutated(rng: random.Random, texts: list[str]) -> str:
    text = rng.choice(texts)
    if len(text) > _LONGEST:
        start = rng.randrange(len(text) - _LONGEST)
        text = text[start : start + _LONGEST]
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        length = rng.randrange(1, 30)
        match rng.randrange(4):
            case 0:
                text = text[:at] + text[at + length :]
            case 1:
                text = text[:at] + rng.choice(_PIECES) + text[at:]
            case 2:
                text = text[:at] + chr(rng.randrange(256)) + text[at + 1 :]
            case _:
                other = rng.randrange(len(text) + 1)
                text = text[:at] + text[other : other + 10 * length] + text[at:]
    return text


def minimised(item: Input, crashes: Callable[[Input], bool]) -> Input:
    """A smaller input that still crashes: pieces are left out, halves first, while that holds."""
    source = item.source
    piece = max(len(source) // 2, 1)
    while True:
        at = 0
        while at < len(source):
            shorter = source[:at] + source[at + piece :]  # type: ignore[operator]
            if crashes(item._replace(source=shorter)):
                source = shorter
            else:
                at += piece
        if piece == 1:
            return item._replace(source=source)
        piece //= 2
