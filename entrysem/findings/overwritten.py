"""Instructions that a later one of their stage replaces before anything has used them: ES010.

CMD and ENTRYPOINT are used only by the finished stage. SHELL is used by every shell form after it, so it
is overwritten only if none stands in between.
"""

from __future__ import annotations

from entrysem.dockerfile import Instruction, Stage
from entrysem.findings.model import Fix
from entrysem.findings.scene import Scene, Told
from entrysem.model import Words

__all__ = ["overwritten"]

_USES_SHELL = frozenset({"run", "cmd", "entrypoint", "healthcheck", "onbuild"})


def overwritten(scene: Scene) -> None:
    """Tells of every CMD, ENTRYPOINT and SHELL without effect."""
    for stage in scene.dockerfile.stages:
        config = stage.config
        if len(config) < 2:
            continue
        last: dict[str, Instruction] = {}
        for item in config:
            keyword = item.keyword
            if keyword == "onbuild":
                continue
            before = last.get(keyword)
            if before is not None and not (keyword == "shell" and _is_used(stage, before, item)):
                _tell(scene, before, item)
            last[keyword] = item


def _is_used(stage: Stage, shell: Instruction, until: Instruction) -> bool:
    return any(
        item.keyword in _USES_SHELL and shell.start_line < item.start_line < until.start_line
        for item in stage.instructions
    )


def _tell(scene: Scene, before: Instruction, after: Instruction) -> None:
    name = before.keyword.upper()
    scene.tell(
        "ES010",
        f"This {name} has no effect: the {name} in line {after.start_line} replaces it",
        Told.of(before),
        _removal(scene, before, after),
    )


def _removal(scene: Scene, before: Instruction, after: Instruction) -> tuple[Fix, Words] | None:
    """Only what says the same twice, or nothing, is surely not missed by anybody."""
    if (before.items, before.text if before.items is None else "") != (
        after.items,
        after.text if after.items is None else "",
    ) and before.items != ():
        return None
    return scene.fix(f"Remove this {before.name}", before, scene.places.removal(before), keeps=True)
