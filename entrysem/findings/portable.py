"""Answers that depend on who builds and who runs: ES011 and ES015."""

from __future__ import annotations

from entrysem.dockerfile import Instruction
from entrysem.errors import DockerfileError, InputError
from entrysem.findings.edits import Change
from entrysem.findings.fix import PROBES
from entrysem.findings.model import Fix
from entrysem.findings.plain import json_piece
from entrysem.findings.scene import Scene, Told
from entrysem.model import RunOptions, Words, is_known
from entrysem.profiles import Profile
from entrysem.resolve import Image, build_image
from entrysem.trace import spell

__all__ = ["portable"]

_DEFAULTS = (("/bin/sh", "-c"), ("cmd", "/S", "/C"))
_ASKED = ("run IMAGE", "run IMAGE x y", "run --entrypoint x IMAGE")


def portable(scene: Scene) -> None:
    """Tells of what is not the same everywhere."""
    for setter, words in (
        (scene.entrypoint, scene.config.entrypoint),
        (scene.cmd, scene.config.cmd),
    ):
        if setter is None or setter.items is not None or not words or not setter.text:
            continue
        if setter.start_line in scene.misread:
            continue
        prefix = words[:-1]
        if setter.start_line and is_known(prefix) and prefix not in _DEFAULTS and prefix:
            _own_shell(scene, setter, scene.filled(prefix))
    for profile in scene.context.also:
        _elsewhere(scene, profile)


def _own_shell(scene: Scene, setter: Instruction, prefix: tuple[str, ...]) -> None:
    scene.tell(
        "ES011",
        f"{setter.keyword.upper()} runs by the SHELL {spell(prefix)}; Buildah and Podman ignore "
        "SHELL here and take /bin/sh -c",
        Told.of(setter),
        _spelled_out(scene, setter, prefix),
    )


def _spelled_out(
    scene: Scene, setter: Instruction, prefix: tuple[str, ...]
) -> tuple[Fix, Words] | None:
    """The same words as exec form, which every builder reads alike."""
    text = setter.text
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        return None
    changes = [Change(0, 0, "[" + ", ".join([f'"{json_piece(word)}"' for word in prefix]) + ', "')]
    changes += [
        Change(index, index + 1, json_piece(char))
        for index, char in enumerate(text)
        if char in '"\\' or char < " "
    ]
    changes.append(Change(len(text), len(text), '"]'))
    return scene.mend(
        f"Write {setter.name} in exec form, with the shell", Told.of(setter), changes, keeps=True
    )


def _elsewhere(scene: Scene, profile: Profile) -> None:
    context = scene.context
    if profile == context.profile:
        return
    who = f"{profile.builder} with {profile.runtime}"
    setter = scene.entrypoint or scene.cmd
    place = Told.of(
        setter if setter is not None and setter.start_line else scene.built.stage.instruction
    )
    grammar = profile.builder_behaviour.grammar
    source = scene.dockerfile
    try:
        image = build_image(
            source if source.grammar is grammar else scene.places.data,
            profile=profile,
            target=context.target,
            build_args=context.build_args,
            bases=context.bases,
            platform=context.platform,
        )
    except DockerfileError as error:
        scene.tell("ES015", f"{who} rejects this file: {error.message}", None, span=error.span)
        return
    for name, run in zip(_ASKED, PROBES, strict=False):
        here, there = _answer(scene.image, run), _answer(image, run)
        if here != there:
            scene.tell("ES015", f"With {who}, {name} starts {there}; here it is {here}", place)
            return


def _answer(image: Image, run: RunOptions) -> str:
    """Argv as text, or why there is none."""
    try:
        result = image.run(run)
    except InputError as error:
        return error.message
    return spell(result.words) if result.error is None else f"nothing ({result.error.code})"
