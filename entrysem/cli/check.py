"""`entrysem check`: findings and expectations over Dockerfiles, as a linter is run.

Without `from __future__ import annotations`, for the same reason as `explain`.
"""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from entrysem.cli.explain import _ARGS, _colour, _Command, _pairs

if TYPE_CHECKING:
    from entrysem.check.config import Config
    from entrysem.check.session import Outcome
    from entrysem.check.settings import Typed

__all__ = ["register"]

_FORMATS = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")
_THRESHOLDS = ("error", "warning", "info", "none")


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command(
        "check",
        cls=_Command,
        epilog="Example: entrysem check . --failure-threshold error --format github",
    )(check)


def check(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH|GLOB|-]... [-- ARG...]",
            help="Dockerfiles, folders, globs, or - for standard input; the current folder when none is "
            "given. What follows -- goes with --expect-argv: what you would type after the image.",
        ),
    ] = None,
    config: Annotated[str, typer.Option(metavar="FILE", help="Configuration for all files.")] = "",
    no_config: Annotated[bool, typer.Option("--no-config", help="Read no configuration.")] = False,
    threshold: Annotated[
        str,
        typer.Option(
            "--failure-threshold",
            "-t",
            metavar="error|warning|info|none",
            help="Exit 1 from this severity on; warning by default.",
        ),
    ] = "",
    no_fail: Annotated[
        bool, typer.Option("--no-fail", help="Exit 0 in place of 1: only report.")
    ] = False,
    output: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(_FORMATS), help="Output format.")
    ] = "text",
    file: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write the report there.")
    ] = "",
    disable: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Leave out a kind of finding, by id or name; repeatable."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Look for no other kind of finding; repeatable."),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what has one right answer, and report the rest.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print what --fix would change; write nothing.")
    ] = False,
    keep_argv: Annotated[
        bool,
        typer.Option("--keep-argv", help="With --fix or --diff: only what leaves argv as it is."),
    ] = False,
    expect_argv: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="The argv that every file must give, a JSON list."),
    ] = None,
    expect_error: Annotated[
        str, typer.Option(metavar="CODE", help="The error that every file must give, by its code.")
    ] = "",
    entrypoint: Annotated[
        str | None, typer.Option(metavar="VALUE", help="--entrypoint, for what is expected.")
    ] = None,
    supports: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BUILDER,RUNTIME",
            help="Should run the same there: podman, kaniko,cri, docker@20.10; repeatable.",
        ),
    ] = None,
    target: Annotated[
        str, typer.Option(metavar="STAGE", help="Stage to build; the last by default.")
    ] = "",
    build_arg: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Value of an ARG; repeatable.")
    ] = None,
    base_config: Annotated[
        list[str] | None,
        typer.Option(metavar="IMAGE=FILE", help="Config of a base image, as in explain."),
    ] = None,
    base_from: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="Where base images are looked up, as in explain."),
    ] = None,
    builder: Annotated[str, typer.Option(metavar="NAME[@VERSION]", help="Who builds.")] = "",
    runtime: Annotated[str, typer.Option(metavar="NAME[@VERSION]", help="Who runs.")] = "",
    platform: Annotated[str, typer.Option(metavar="OS[/ARCH]", help="Target platform.")] = "",
    catalogue: Annotated[
        bool | None,
        typer.Option(
            "--catalogue/--no-catalogue", help="Look base images up in the bundled catalogue."
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit 4 when whether an expectation holds is not known."),
    ] = False,
    require_reason: Annotated[
        bool, typer.Option("--require-reason", help="Tell of ignoring comments without a reason.")
    ] = False,
    baseline: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="A JSON report: what is in it is known and not reported."
        ),
    ] = "",
    no_gitignore: Annotated[
        bool, typer.Option("--no-gitignore", help="Check what Git ignores as well.")
    ] = False,
    force_exclude: Annotated[
        bool,
        typer.Option("--force-exclude", help="Leave out excluded files even when they are named."),
    ] = False,
    stdin_filename: Annotated[
        str, typer.Option(metavar="NAME", help="What standard input is called.")
    ] = "",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", metavar="N", min=0, help="Processes; 0 chooses.")
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary.")] = False,
    list_kinds: Annotated[
        bool, typer.Option("--list", help="List the kinds of findings, and end.")
    ] = False,
    show: Annotated[
        str, typer.Option(metavar="ID", help="Print the page of a kind of finding, and end.")
    ] = "",
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the schema of --format json.")
    ] = False,
) -> None:
    """Find what is worth telling about CMD, ENTRYPOINT and SHELL; hold argv against what is expected."""
    if schema or list_kinds or show:
        _informed(show, schema=schema, list_kinds=list_kinds)
        return
    _one_of("--format", output, _FORMATS)
    if threshold:
        _one_of("--failure-threshold", threshold, _THRESHOLDS)
    names = paths or []
    if (diff or keep_argv) and fix is diff:
        _refused("--diff", "goes without --fix; --keep-argv with one of them")
    if diff and output != "text":
        _refused("--diff", "prints the change and no report; leave out --format")
    if (fix or diff) and "-" in names and len(names) > 1:
        _refused("--fix", "of standard input goes with no other file")
    if config and no_config:
        _refused("--config", "and --no-config exclude each other")
    from entrysem.errors import InputError

    values: dict[str, Any] = {
        "failure-threshold": threshold,
        "disable": disable,
        "profiles": supports,
        "target": target,
        "build-args": _pairs(build_arg or []),
        "base-from": base_from,
        "builder": builder,
        "runtime": runtime,
        "platform": platform,
        "strict": strict,
        "require-reason": require_reason,
    }
    values = {key: value for key, value in values.items() if value}
    if catalogue is not None:
        values["catalogue"] = catalogue
    try:
        expected = _expected(expect_argv, expect_error, entrypoint, ctx.meta[_ARGS])
        typed = _typed(values, base_config or [], only or [], expected)
        known = _known(baseline)
        fixed = _config(config, no_config=no_config)
        from entrysem.check.one import Wish
        from entrysem.check.session import Session

        mend = "no" if not (fix or diff) else "same" if keep_argv else "all"
        session = Session(
            typed,
            Wish(mend, diff, known),  # type: ignore[arg-type]
            config=fixed,
            gitignore=not no_gitignore,
            force_exclude=force_exclude,
            stdin_name=stdin_filename,
            jobs=jobs,
        )
        outcome = session.run(names)
    except InputError as error:
        _failed(error)
    code = 0 if no_fail and outcome.code == 1 else outcome.code
    filtered = fix and names == ["-"]
    _report(outcome, code, output, file, diff=diff, aside=filtered)
    if filtered:
        _print_fixed(outcome)
    if not quiet:
        _summary(outcome, mending=fix)
    raise typer.Exit(code)


def _informed(show: str, *, schema: bool, list_kinds: bool) -> None:
    """What is asked about the command itself."""
    from entrysem.errors import InputError

    if schema:
        from entrysem.data import read_text

        sys.stdout.write(read_text("schema/check.schema.json"))
        return
    from entrysem.check.kinds import all_kinds, kind_of, page

    if list_kinds:
        for kind in all_kinds().values():
            fixable = "fix" if kind.fixable else ""
            line = f"{kind.id}  {kind.severity:<8} {fixable:<4} {kind.name:<36} {kind.title}"
            sys.stdout.write(f"{line}\n")
        return
    try:
        sys.stdout.write(page(kind_of(show, "--show")))
    except InputError as error:
        _failed(error)


def _expected(
    argv: str | None, error: str, entrypoint: str | None, args: list[str]
) -> dict[str, Any] | None:
    """What --expect-argv or --expect-error wants, in the words of the configuration; None without one."""
    if argv is None and not error:
        if entrypoint is not None or args:
            _refused("--expect-argv", "is needed with --entrypoint and with what follows --")
        return None
    made: dict[str, Any] = {"args": args}
    if entrypoint is not None:
        made["entrypoint"] = entrypoint
    if argv is None:
        return {**made, "error": error}
    if error:
        _refused("--expect-argv", "and --expect-error exclude each other")
    import json

    try:
        words = json.loads(argv)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        _refused("--expect-argv", """must be a JSON list of strings, such as '["nginx", "-g"]'""")
    return {**made, "argv": words}


def _typed(
    values: dict[str, Any], base_config: list[str], only: list[str], expected: dict[str, Any] | None
) -> "Typed":
    from entrysem.check.settings import Typed, profile_of
    from entrysem.profiles import Profile

    if "builder" in values or "runtime" in values:
        Profile.parse(values.get("builder", "buildkit"), values.get("runtime", "docker"))
    for text in values.get("profiles", ()):
        profile_of(text, "--supports")
    if base_config or "base-from" in values:
        from entrysem.bases.open import open_bases

        platform = values.get("platform", "linux/amd64")
        open_bases(base_config, values.get("base-from", ()), catalogue=False, platform=platform)
        pairs = (option.partition("=") for option in base_config)
        values["base-config"] = {image: file for image, _, file in pairs}
    kinds: frozenset[str] = frozenset()
    if only or "disable" in values:
        from entrysem.check.kinds import kind_of

        kinds = frozenset(kind_of(name, "--only").id for name in only)
        values["disable"] = [kind_of(name, "--disable").id for name in values.get("disable", ())]
    if expected is not None and (expected["args"] or "entrypoint" in expected):
        _check_run(values, expected)
    return Typed(values, kinds, expected)


def _check_run(values: dict[str, Any], expected: dict[str, Any]) -> None:
    """Whether the run can be typed at all at that runtime; raises InputError."""
    from entrysem.model import ImageConfig, RunOptions
    from entrysem.profiles import Profile
    from entrysem.resolve import resolve

    options = RunOptions(
        args=tuple(expected["args"]) or None, entrypoint=expected.get("entrypoint")
    )
    profile = Profile.parse(runtime=values.get("runtime", "docker"))
    resolve(ImageConfig(cmd=("x",)), options, profile=profile)


def _known(path: str) -> frozenset[str]:
    if not path:
        return frozenset()
    from entrysem.check.baseline import read_baseline

    return read_baseline(path)


def _config(path: str, *, no_config: bool) -> "Config | None":
    """The configuration that counts for all files; None when each has its own."""
    if not path and not no_config:
        return None
    from entrysem.check.config import Config, read_config
    from entrysem.errors import InputError

    if no_config:
        return Config("", os.path.abspath(""), {})  # noqa: PTH100 - keeps links as they are named
    found = read_config(path)
    if found is None:
        raise InputError("bad-config", "there is no [tool.entrysem] in it", where=path)
    return found


def _report(
    outcome: "Outcome", code: int, output: str, file: str, *, diff: bool, aside: bool
) -> None:
    from entrysem.check.report import render

    if diff:
        _print_diff(outcome)
        return
    stream = sys.stderr if aside else sys.stdout
    if output == "text":
        from entrysem.check.report import text as shown
        from entrysem.render.text import Style

        text = shown.render(outcome.results, code, Style(colour=not file and _colour(stream)))
    else:
        text = render(outcome.results, output, code)
    if not file:
        stream.write(text)
    else:
        _write(file, text, "w")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if output == "github" and summary:
        _write(summary, render(outcome.results, "markdown", code), "a")


def _write(path: str, text: str, mode: str) -> None:
    from entrysem.errors import InputError

    try:
        with open(path, mode, encoding="utf-8", newline="\n") as file:  # noqa: PTH123
            file.write(text)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        _failed(InputError("unwritable", f"the report cannot be written: {reason}", where=path))


def _print_diff(outcome: "Outcome") -> None:
    """The change: as it is for a program, made visible for a person."""
    from entrysem.check.fixing import unified_diff
    from entrysem.render.text import Style, problem
    from entrysem.render.visible import visible

    for result in outcome.results:
        name = result.place.name
        if result.rejection is not None:
            error = result.rejection.error(name)
            sys.stderr.write(problem(error, name, Style(colour=_colour(sys.stderr))))
        if result.before is None or result.after is None:
            continue
        data = unified_diff(name, result.before, result.after)
        if sys.stdout.isatty():
            text = data.decode("utf-8", "surrogateescape")
            sys.stdout.write("\n".join(visible(line) for line in text.split("\n")))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def _print_fixed(outcome: "Outcome") -> None:
    """Standard input with its fixes; as it was when nothing was mended."""
    for result in outcome.results:
        data = result.after if result.after is not None else result.text
        if data is not None:
            sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _summary(outcome: "Outcome", *, mending: bool) -> None:
    from entrysem.check.model import Totals
    from entrysem.check.report.text import summary

    sys.stdout.flush()
    for sentence in outcome.told:
        sys.stderr.write(f"{sentence}\n")
    if outcome.results:
        sys.stderr.write(f"{summary(Totals.of(outcome.results), mending=mending)}\n")


def _one_of(option: str, value: str, names: tuple[str, ...]) -> None:
    if value not in names:
        _refused(option, f"{value!r} is not one of {', '.join(names)}")


def _refused(option: str, message: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint=option)


def _failed(error: Exception) -> NoReturn:
    """Ends with what is wrong: 3 when something cannot be read or written, else 2."""
    from entrysem.errors import InputError
    from entrysem.render import text

    assert isinstance(error, InputError)
    sys.stdout.flush()
    sys.stderr.write(text.problem(error, "", text.Style(colour=_colour(sys.stderr))))
    broken = ("bad-base-config", "unreadable", "unwritable", "bad-baseline", "process-died")
    raise typer.Exit(3 if error.code in broken else 2)
