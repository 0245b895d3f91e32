"""What `explain` prints for a person: the answer first, then the file with what each line did.

Colour only when the caller says so. Nothing here decides anything; every string that comes from
outside goes through `visible`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from entrysem.dockerfile import Dockerfile, Instruction
from entrysem.errors import DockerfileError, EntrysemError, InputError
from entrysem.model import ImageConfig, Step, Words
from entrysem.reading import not_exec
from entrysem.render.visible import markers, shown_words, visible
from entrysem.resolve import Resolution
from entrysem.shell import ShellView

#: Characters of a source line that are shown.
_SHOWN = 500

#: How a sentence about the origin begins, where its note does not tell.
_ORIGINS = {"catalogue": "the ", "registry": "the registry's "}

__all__ = ["Style", "answer_line", "explanation", "problem", "trace_table", "variants_table"]


class Style:
    """ANSI colours, or none."""

    def __init__(self, *, colour: bool) -> None:
        self._on = colour

    def strong(self, text: str) -> str:
        """The answer."""
        return self._wrap("1", text)

    def faint(self, text: str) -> str:
        """What can be read over."""
        return self._wrap("2", text)

    def bad(self, text: str) -> str:
        """The word error."""
        return self._wrap("1;31", text)

    def mark(self, text: str) -> str:
        """The marker under a line."""
        return self._wrap("33", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on else text


def answer_line(resolution: Resolution) -> str:
    """The argv as one line of JSON, or why there is none."""
    error = resolution.error
    if error is not None and error.phase == "create":
        return f"error at create: {visible(error.message)}"
    line = shown_words(resolution.words)
    if error is not None:
        line += f"  error at start: {visible(error.message)}"
    return line


def explanation(resolution: Resolution, name: str, style: Style) -> str:
    """The whole answer for one file and one run."""
    lines = [style.strong(answer_line(resolution))]
    lines += [f"  {line}" for line in _notes(resolution)]
    image = resolution.image
    if image.dockerfile is not None:
        lines += ["", style.faint(f"{visible(name)}  ({image.profile.builder})")]
        lines += _listing(image.dockerfile, resolution.steps, style)
    elif image.base is not None:
        lines += ["", style.faint(f"{visible(name)}  ({image.base.origin})")]
        lines += [f"    {_config_line(image.config)}"]
    lines += ["", style.faint(f"{_command(resolution)}  ({image.profile.runtime})")]
    lines += [
        _step_line(step, style) for step in resolution.steps if step.stage is None and _is_run(step)
    ]
    view = resolution.shell
    if view is not None:
        lines += ["", *_shell_lines(view, style)]
    elif resolution.argv and resolution.error is None:
        told = "passes SIGTERM on" if resolution.options.init else "docker stop signals it directly"
        program = visible(resolution.argv[0])
        lines += ["", f"PID 1 is {program}; {told}  {style.faint('SHELL-05')}"]
    return "\n".join(lines) + "\n"


def _is_run(step: Step) -> bool:
    return step.rule.startswith("MERGE-")


def _notes(resolution: Resolution) -> list[str]:
    """What the answer rests on, and what would settle it."""
    notes: list[str] = []
    effective = resolution.effective
    if effective is not None and resolution.argv is not None and effective != resolution.argv:
        notes.append(f"effective: {shown_words(effective)} (the script ignores the words after it)")
    keys: dict[str, list[str]] = {}
    for part in resolution.unknown:
        keys.setdefault(visible(part.image), []).append(part.key)
    for image, unknown in keys.items():
        quoted = _quote(image)
        notes.append(f"unknown: {_and(unknown)}, inherited from {image}")
        notes.append(f"to settle it: docker image inspect {quoted} > base.json")
        notes.append(f"              and explain again with --base-config {quoted}=base.json")
    built, base = resolution.image.built, resolution.image.base
    origin, note = (None, "") if built is None else (built.origin, built.origin_note)
    if base is not None:
        origin, note = base.origin, base.note
    if note and origin not in {"given", "unknown"} and not resolution.unknown:
        notes.append(f"rests on {_ORIGINS.get(origin or '', '')}{visible(note)}")
    notes += [f"assumes that {visible(sentence)}" for sentence in resolution.assumptions]
    read_only = [
        item for item in resolution.image.profile.deviations if item.status == "source-read"
    ]
    applied = set(resolution.rules)
    for item in read_only:
        if item.rule in applied:
            notes.append(f"{item.id} was read in the source, not seen on an engine: {item.what}")
    return notes


def _config_line(config: ImageConfig) -> str:
    """`Entrypoint ["e"], no Cmd, no Shell`."""
    values = (("Entrypoint", config.entrypoint), ("Cmd", config.cmd), ("Shell", config.shell))
    parts = [
        f"no {key}" if words is None else f"{key} {shown_words(words)}" for key, words in values
    ]
    if config.onbuild:
        parts.append(f"OnBuild {shown_words(config.onbuild)}, which only a build on it runs")
    return ", ".join(parts)


def _quote(text: str) -> str:
    import shlex  # noqa: PLC0415  # slow to import, and most answers quote nothing

    return shlex.quote(text)


def _command(resolution: Resolution) -> str:
    """The run as one would type it."""
    options = resolution.options
    parts = ["run"]
    if options.init:
        parts.append("--init")
    if isinstance(options.entrypoint, str):
        parts.append("--entrypoint " + _quote(visible(options.entrypoint)))
    elif options.entrypoint is not None:
        parts.append("entrypoint " + shown_words(options.entrypoint))
    parts.append("IMAGE")
    parts += [_quote(visible(arg)) for arg in options.args or ()]
    return " ".join(parts)


def _listing(dockerfile: Dockerfile, steps: Sequence[Step], style: Style) -> list[str]:
    """The lines that did something, each with its steps below it."""
    width = len(str(len(dockerfile.source.splitlines()) or 1))
    by_line = {item.start_line: item for item in dockerfile.instructions}
    # A line stands once, also when its last step (the choice of the target) comes at the end.
    groups: dict[tuple[int, str], list[str]] = {}
    place = (0, "")
    for step in steps:
        if _is_run(step):
            continue
        if step.span is not None:
            place = (step.span.line, step.instruction)
            if place not in groups:
                groups[place] = _source(dockerfile, by_line.get(step.span.line), step, width, style)
        told = _step_line(step, style)
        groups.setdefault(place, []).append(f"  {'':{width}} {told}")
    return [line for lines in groups.values() for line in lines]


def _source(
    dockerfile: Dockerfile, instruction: Instruction | None, step: Step, width: int, style: Style
) -> list[str]:
    assert step.span is not None
    numbers = range(step.span.line, step.span.end_line + 1)
    lines = [
        f"  {style.faint(f'{number:>{width}} |')} {_shortened(dockerfile.line(number))}"
        for number in numbers
    ]
    why = not_exec(instruction, dockerfile) if instruction is not None else None
    if instruction is not None and why is not None:
        offset = instruction.original.find(instruction.text) + why.offset
        span = dockerfile.locate(instruction, max(offset, 0))
        _, under = markers(dockerfile.line(span.line), span.column, span.end_column)
        at = 1 + span.line - step.span.line
        if span.column <= _SHOWN:
            lines.insert(at, f"  {style.faint(f'{chr(32):>{width}} |')} {style.mark(under)}")
    return lines


def _shortened(line: str) -> str:
    """The source line; of an endless one the beginning, since the steps below say what counts."""
    rest = len(line) - _SHOWN
    return visible(line) if rest <= 0 else f"{visible(line[:_SHOWN])} ... ({rest} more)"


def _step_line(step: Step, style: Style) -> str:
    return f"    {style.faint(f'{step.rule:<8}')} {visible(step.sentence)}"


def _shell_lines(view: ShellView, style: Style) -> list[str]:
    shell = visible(view.shell)
    if view.script is None:
        return [f"{shell} gets -c and no script, and fails  {style.faint('SHELL-03')}"]
    lines = [f"{shell} runs one script: {visible(view.script)}  {style.faint('SHELL-01')}"]
    if view.zero is not None:
        words = [f"$0={visible(view.zero)}"]
        words += [f"${number}={visible(word)}" for number, word in enumerate(view.parameters, 1)]
        verb, rule = ("uses", "SHELL-01") if view.uses_parameters else ("ignores", "SHELL-02")
        lines.append(f"  {' '.join(words)}: the script {verb} them  {style.faint(rule)}")
    if view.kind is not None and view.pid1:
        role = "PID 1" if view.init is None else "child of the init"
        lines.append(f"  {view.kind.sentence}; {role}: {_pid1(view)}  {style.faint('SHELL-04')}")
    elif view.kind is not None:
        lines.append(f"  {view.kind.sentence}; who is PID 1 was not measured with this shell")
    if view.pid1 or view.init is not None:
        lines.append(f"  {visible(view.sigterm)}  {style.faint('SHELL-05')}")
    return lines


def _pid1(view: ShellView) -> str:
    who = {entry.who for entry in view.pid1}
    if len(who) == 1:
        word = "the shell" if who == {"shell"} else "the program"
        return f"{word}, with {_and(entry.shell for entry in view.pid1)}"
    return ", ".join(
        f"the {side} with {_and(e.shell for e in view.pid1 if e.who == side)}"
        for side in ("program", "shell")
    )


def _and(names: Iterable[str]) -> str:
    found = list(names)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]


def trace_table(resolution: Resolution, style: Style) -> str:
    """Entrypoint, Cmd and Shell after each instruction that touched one of them."""
    state: dict[str, Words] = {"Entrypoint": None, "Cmd": None, "Shell": None}
    lines: list[str] = []
    for step in resolution.steps:
        if step.rule == "BUILD-07":
            state = dict(zip(state, step.config or (None, None, None), strict=True))
        elif step.rule in ("BUILD-01", "BUILD-02", "BUILD-03", "BUILD-05"):
            state[step.field] = step.after
        else:
            continue
        where = f"line {step.span.line}" if step.span else "trigger"
        values = "  ".join(f"{key} {shown_words(value)}" for key, value in state.items())
        text = f"{where:<9} {visible(step.instruction)}"
        if lines and lines[-2] == text:
            lines[-1] = style.faint(f"          {values}")
        else:
            lines += [text, style.faint(f"          {values}")]
    return "\n".join(lines) + "\n" if lines else ""


def variants_table(rows: Sequence[tuple[str, str]], title: str, style: Style) -> str:
    """`title`, then rows of a name and an answer, the names padded."""
    width = max((len(name) for name, _ in rows), default=0)
    body = [f"  {visible(name):<{width}}  {answer}" for name, answer in rows]
    return "\n".join([style.faint(title), *body]) + "\n"


def problem(error: EntrysemError, name: str, style: Style) -> str:
    """What is wrong, where, the text with a marker, why, and what to do."""
    lines = [f"{style.bad('error')}: {visible(error.message)}"]
    if isinstance(error, DockerfileError):
        span = error.span
        place = f":{span.line}:{span.column}" if span else ""
        lines.append(f"  --> {visible(name)}{place}")
        if span is not None and error.excerpt is not None:
            end = span.end_column if span.end_line == span.line else len(error.excerpt)
            # Of an endless line, the part that holds the place.
            start = max(span.column - _SHOWN // 2, 0) if span.column > _SHOWN else 0
            excerpt = error.excerpt[start : start + _SHOWN]
            end = min(end - start, len(excerpt))
            text, under = markers(excerpt, span.column - start, max(end, span.column - start))
            gutter = str(span.line)
            lines.append(f"  {style.faint(gutter + ' |')} {text}")
            lines.append(f"  {style.faint(' ' * len(gutter) + ' |')} {style.mark(under)}")
        lines.append(f"  rule: {error.rule} ({error.code}, at {error.phase})")
    elif isinstance(error, InputError):
        lines.append(f"  --> {visible(error.where)}")
    if error.hint:
        lines.append(f"  help: {visible(error.hint)}")
    return "\n".join(lines) + "\n"
