"""How an instruction's text was read, as steps (`FORM-*`).

Nothing here decides anything: the parser has decided. The notes are made when somebody looks at the
steps, and stand before the first step that the instruction causes. Only instructions that decide
argv are told about: CMD, ENTRYPOINT, SHELL and ONBUILD.
"""

from __future__ import annotations

from collections.abc import Callable

from entrysem.dockerfile import Dockerfile, Instruction
from entrysem.dockerfile.execform import NotExec, Reason, read_array
from entrysem.trace import Note, Trace

__all__ = ["not_exec", "with_reading"]

_TOLD = frozenset({"cmd", "entrypoint", "shell", "onbuild"})


def not_exec(instruction: Instruction, dockerfile: Dockerfile) -> NotExec | None:
    """Why text that starts with `[` is not exec form; None when it is, or does not look like it."""
    if instruction.items is not None or not instruction.text.startswith("["):
        return None
    decision = read_array(instruction.text, dockerfile.grammar.text_after_array)
    return decision if isinstance(decision, NotExec) else None


def with_reading(trace: Trace, dockerfile: Dockerfile) -> Trace:
    """`trace` with the reading of each instruction before its first note."""
    result = _of_file(dockerfile)
    told: set[int] = set()
    for note in trace:
        place = note[2]
        if isinstance(place, Instruction) and place.keyword in _TOLD and id(place) not in told:
            told.add(id(place))
            result.extend(_of_instruction(place, dockerfile, note[7]))
        result.append(note)
    return result


def _note(
    rule: str, place: Instruction | None, stage: int | None, template: str, *words: str
) -> Note:
    return (rule, "form", place, None, None, template, words, stage)


def _of_file(dockerfile: Dockerfile) -> Trace:
    notes: Trace = []
    if dockerfile.source.startswith("\ufeff"):
        notes.append(
            _note("FORM-01", None, None, "a byte order mark opens the file and is dropped")
        )
    for directive in dockerfile.directives:
        notes.append(
            _note(
                "FORM-03",
                None,
                None,
                "line {0}: the directive {1} is {2}",
                str(directive.line),
                directive.name,
                directive.value,
            )
        )
    return notes


def _of_instruction(instruction: Instruction, dockerfile: Dockerfile, stage: int | None) -> Trace:
    notes: Trace = []

    def tell(rule: str, template: str, *words: str) -> None:
        notes.append(_note(rule, instruction, stage, template, *words))

    in_file = instruction.start_line > 0
    if in_file and dockerfile.has_carriage_return(instruction):
        tell("FORM-01", "the line ends with a carriage return, which is dropped")
    if in_file and dockerfile.is_continued(instruction):
        tell(
            "FORM-05",
            "{0} lines are one instruction, joined with nothing between them",
            str(instruction.physical_end - instruction.start_line + 1),
        )
        if dockerfile.has_comment_inside(instruction):
            tell("FORM-04", "comment and blank lines inside it are dropped")
    if not instruction.name.isupper():
        tell(
            "FORM-06",
            "{0} is {1}: names have no case",
            instruction.name,
            instruction.keyword.upper(),
        )
    if _took_flags(instruction):
        tell("FORM-07", "the leading words with two dashes are no part of the command")
    if instruction.keyword == "onbuild":
        return notes
    _tell_form(instruction, dockerfile, tell)
    return notes


def _took_flags(instruction: Instruction) -> bool:
    rest = instruction.original.strip()[len(instruction.name) :].lstrip()
    return rest.startswith("--")


def _tell_form(instruction: Instruction, dockerfile: Dockerfile, tell: Callable[..., None]) -> None:
    name, text, items = instruction.keyword.upper(), instruction.text, instruction.items
    if items is not None:
        count = "no words" if not items else "1 word" if len(items) == 1 else f"{len(items)} words"
        tell("FORM-08", "exec form: a JSON array of {0}", count)
        array = read_array(text, dockerfile.grammar.text_after_array)
        end = getattr(array, "end", len(text))
        if text[end:].strip():
            tell("FORM-11", "this version drops the text after the array: {0}", text[end:].strip())
        if getattr(array, "decoded", False):
            tell("FORM-12", "escapes in the strings are decoded as Go's JSON does")
    elif not text:
        tell("FORM-15", "{0} without arguments", name)
        return
    else:
        why = not_exec(instruction, dockerfile)
        if why is None:
            tell("FORM-09", "shell form: the text is one script, kept as written")
        else:
            span = dockerfile.locate(instruction, _offset(instruction, why.offset))
            tell(
                "FORM-09",
                "shell form, though it starts like exec form: {0} (line {1}, column {2})",
                why.reason,
                str(span.line),
                str(span.column),
            )
            if why.reason == Reason.TEXT_AFTER:
                tell("FORM-11", "text after the array makes the whole line shell form")
        if "<<" in text:
            tell("FORM-13", "<< is text here: {0} reads no heredoc", name)
    if "$" in text:
        tell("FORM-14", "the builder expands no variable here")


def _offset(instruction: Instruction, offset: int) -> int:
    """Where in the instruction's `original` an offset of its `text` stands."""
    original = instruction.original
    return original.rindex(instruction.text) + offset if instruction.text in original else 0
