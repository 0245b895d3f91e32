"""The lab's command line: `python -m conformance.lab --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from conformance import lab
from conformance.lab.catalogue import KINDS
from conformance.lab.settings import DAEMONS
from conformance.lab.suite import Suite


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 2 usage, 3 something could not be brought up or taken down."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.lab", description="private engines from Debian's packages"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("up", "bring engines up, or repair them"), ("down", "take them down")):
        command = commands.add_parser(name, help=text)
        command.add_argument("names", nargs="*", metavar="SUITE|ENGINE", help="all when none")
    commands.add_parser("status", help="what is up; exit code 3 when something of it has died")
    engines = commands.add_parser("engines", help="ids, and the text for `verify --engine`")
    engines.add_argument("--quick", action="store_true", help="those of the quick matrix")
    run = commands.add_parser("run", help="run a command inside a suite")
    run.add_argument("suite", choices=lab.SUITES)
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND ...")
    options = parser.parse_args(arguments)
    try:
        if options.command == "run":
            return _run(parser, options.suite, options.words)
        if options.command == "status":
            return _status()
        if options.command == "engines":
            return _engines(lab.quick() if options.quick else None)
        unknown = _unknown(options.names)
        if unknown:
            parser.error(unknown)
        if options.command == "down":
            lab.down(options.names)
            return 0
        lab.up(options.names, say=lambda line: print(line, file=sys.stderr, flush=True))
    except lab.LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    return 0


def _unknown(names: Sequence[str]) -> str:
    known = {name for engine in lab.engines() for name in (engine.id, engine.key)} | {*lab.SUITES}
    wrong = [name for name in names if name not in known]
    return f"no engine or suite {wrong[0]!r}; see `engines`" if wrong else ""


def _engines(ids: Sequence[str] | None) -> int:
    for engine in lab.engines():
        if ids is None or engine.id in ids:
            print(f"{engine.id}\t{engine.text}")
    return 0


def _status() -> int:
    """A line a suite; the exit code."""
    places = lab.Places.here()
    broken = False
    for name in lab.SUITES:
        suite = Suite(places, name)
        holder = suite.holder()
        if holder is None:
            broken |= suite.folder.exists()
            print(f"{name}: {'broken: `up` repairs it' if suite.folder.exists() else 'down'}")
            continue
        versions = suite.versions()
        words = []
        for kind in KINDS:
            state = "" if kind not in DAEMONS or suite.answers(kind) else " (dead: `up` repairs it)"
            broken |= bool(state) or kind not in versions
            words.append(f"{kind} {versions.get(kind, 'not started')}{state}")
        print(f"{name}: {', '.join(words)}")
    print(f"trees in {places.cache}, running engines in {places.data}")
    return 3 if broken else 0


def _run(parser: argparse.ArgumentParser, suite: str, words: Sequence[str]) -> int:
    words = list(words)[1:] if words[:1] == ["--"] else list(words)
    if not words:
        parser.error("run SUITE COMMAND ...: which command?")
    places = lab.Places.here()
    script = places.wrapper("in", suite)
    if not script.exists():
        raise lab.LabError(f"{suite} is not up: python -m conformance.lab up {suite}")
    os.execv(script, [str(script), "lab-command", *words])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())
