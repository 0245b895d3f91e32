"""How one CMD or ENTRYPOINT is written: ES004, ES005, ES008 and ES014.

These look at the last CMD and the last ENTRYPOINT of every stage, also of one that the target does not
need: somebody wrote it to be built. An instruction that a later one overwrites is told as that.
"""

from __future__ import annotations

from entrysem.dockerfile import Instruction
from entrysem.dockerfile.execform import ExecArray, NotExec, Reason, read_array
from entrysem.findings.edits import Change
from entrysem.findings.model import Fix
from entrysem.findings.repair import is_test_command, repaired
from entrysem.findings.scene import Scene, Told
from entrysem.model import Words

__all__ = ["forms"]

_LOOKS_QUOTED = ('"', "'", "\u2018", "\u201c", "\u201d")
#: What stays of a slip of the hand behind the bracket.
_STRAY = frozenset(";,.]\"'} ")


def forms(scene: Scene) -> None:
    """Tells of instructions whose text is not what it looks like."""
    for stage in scene.dockerfile.stages:
        if not stage.config:
            continue
        last = {
            item.keyword: item for item in stage.config if item.keyword in ("cmd", "entrypoint")
        }
        for item in stage.config:
            inner = item.trigger if item.keyword == "onbuild" else item
            if inner is None or inner.keyword not in ("cmd", "entrypoint"):
                continue
            if last.get(item.keyword, item) is item:
                _form(scene, item, inner)


def _form(scene: Scene, outer: Instruction, inner: Instruction) -> None:
    text, items = inner.text, inner.items
    if not text:
        _bare(scene, outer, inner)
    elif items is None:
        if text[0] == "[" or (text[0] in _LOOKS_QUOTED and text[-1] == "]"):
            _near(scene, outer, inner)
    elif text[-1] != "]":
        _after(scene, outer, inner)
    elif items == ("",):
        _empty_word(scene, outer, inner)


def _near(scene: Scene, outer: Instruction, inner: Instruction) -> None:
    text = inner.text
    place = Told(outer, text)
    changes = repaired(text)
    if text[0] == "[":
        why = read_array(text, scene.dockerfile.grammar.text_after_array)
        if not isinstance(why, NotExec) or is_test_command(text):
            return
        if why.reason == Reason.TEXT_AFTER:
            _after(scene, outer, inner)
            return
        reason, offset = why
    elif changes is None:
        return
    else:
        reason, offset = "the opening [ is missing", 0
    scene.misread.add(outer.start_line)
    fix = None
    if changes is not None:
        fix = scene.mend(
            f"Write {inner.keyword.upper()} as the array it looks like", place, changes
        )
    scene.tell(
        "ES004",
        f"This {inner.keyword.upper()} looks like exec form, but {reason}. A shell gets the whole "
        "text as its script",
        place,
        fix,
        span=scene.places.span(outer, text, offset, offset + 1),
    )


def _after(scene: Scene, outer: Instruction, inner: Instruction) -> None:
    text = inner.text
    place = Told(outer, text)
    array = read_array(text, "dropped")
    if not isinstance(array, ExecArray):
        return
    scene.misread.add(outer.start_line)
    rest = text[array.end :].strip()
    dropped = inner.items is not None
    what = (
        "This builder drops the text after the array; newer ones take the whole line for a shell script"
        if dropped
        else "Text follows the array, so the whole line is a shell script; builders before BuildKit 0.15 "
        "drop the text"
    )
    start = text.index(rest, array.end)
    scene.tell(
        "ES005",
        what,
        place,
        _without_rest(scene, place, array.end, start),
        span=scene.places.span(outer, text, start, len(text)),
    )


def _without_rest(scene: Scene, place: Told, end: int, start: int) -> tuple[Fix, Words] | None:
    """A comment moves above the instruction, a slip of the hand goes; all else has several answers."""
    text = place.text
    rest = text[start:]
    edits = scene.places.edits(place.outer, text, [Change(end, len(text), "")])
    if rest.startswith("#"):
        if len(edits) != 1:
            return None
        above = scene.places.line_before(place.outer, rest)
        return scene.fix("Move the comment to a line of its own", place.outer, (above, *edits))
    if set(rest) <= _STRAY:
        return scene.fix("Remove what follows the array", place.outer, edits)
    return None


def _bare(scene: Scene, outer: Instruction, inner: Instruction) -> None:
    name = inner.keyword.upper()
    scene.tell(
        "ES014",
        f"{name} has no arguments. Builders disagree: an empty script for the shell, the shell alone, or "
        "nothing",
        Told(outer, inner.text),
        scene.fix(f"Write {name} []", outer, (scene.places.end_of(outer, " []"),)),
    )


def _empty_word(scene: Scene, outer: Instruction, inner: Instruction) -> None:
    text = inner.text
    place = Told(outer, text)
    name = inner.keyword.upper()
    start = text.index('"')
    if name == "ENTRYPOINT":
        message = (
            'ENTRYPOINT [""] is one empty word. Docker takes it for none; other runtimes try to start a '
            "program without a name"
        )
    else:
        message = 'CMD [""] is one empty word, which ENTRYPOINT gets as an argument; CMD [] is none'
    changes = [Change(start, start + 2, "")]
    scene.tell(
        "ES008",
        message,
        place,
        scene.mend(f"Write {name} []", place, changes, keeps=name == "ENTRYPOINT"),
    )
