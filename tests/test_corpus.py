"""Over every real Dockerfile of the corpus: read as Go reads it, and never a crash.

`python tools/corpus.py .cache/corpus` fetches the corpus; ENTRYSEM_CORPUS names another folder.
Where CI is set, a missing corpus is a failure; elsewhere these tests are skipped without it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from entrysem import Dockerfile, DockerfileError, Engine, Profile, build_image, parse_dockerfile
from entrysem.deviations import DEVIATIONS
from entrysem.dockerfile import Instruction
from entrysem.profiles import BUILDERS
from tests.dockerfile.go import HAS_WHEEL, differences

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("ENTRYSEM_CORPUS", ROOT / ".cache" / "corpus"))
MINIMUM = 1000
#: Of the older engines, each file meets one in so many, in turn.
SHARE = 4


@lru_cache(maxsize=1)
def corpus() -> tuple[tuple[str, bytes], ...]:
    """Name and content of every file."""
    return tuple(
        (str(path.relative_to(CORPUS)), path.read_bytes())
        for path in sorted(CORPUS.rglob("*"))
        if path.is_file() and path.name != ".complete"
    )


@pytest.fixture(autouse=True)
def _needs_corpus() -> None:
    if not corpus() and "CI" not in os.environ:
        pytest.skip(f"no corpus in {CORPUS}: python tools/corpus.py .cache/corpus fetches it")


def engines() -> Iterator[Engine]:
    """Every builder, at its newest and at each version from which its behaviour is another."""
    for name in BUILDERS:
        yield Engine(name)
    for name in BUILDERS:
        versions = {"0.0"}
        for deviation in DEVIATIONS:
            if deviation.side == "builder":
                versions |= set(re.findall(r"[\d.]+", deviation.engines.get(name, "")))
        for version in sorted(versions):
            yield Engine(name, version)


def test_has_enough_files() -> None:
    assert len(corpus()) >= MINIMUM, (
        f"{len(corpus())} files in {CORPUS}, not {MINIMUM}: python tools/corpus.py .cache/corpus"
    )
    assert len({data for _, data in corpus()}) == len(corpus())


@pytest.mark.skipif(not HAS_WHEEL, reason="the dockerfile wheel is published for x86_64 alone")
def test_reads_every_file_as_go_does() -> None:
    found = {
        name: different
        for name, data in corpus()
        if (different := differences(data.decode("utf-8", "surrogateescape")))
    }
    assert found == {}


def test_every_builder_answers_or_rejects() -> None:
    newest, older = list(engines())[: len(BUILDERS)], list(engines())[len(BUILDERS) :]
    profiles = {engine: Profile(engine) for engine in (*newest, *older)}
    met = set()
    for number, (name, data) in enumerate(corpus()):
        for engine in (*newest, *older[number % SHARE :: SHARE]):
            met.add(engine)
            try:
                image = build_image(data, profile=profiles[engine])
            except DockerfileError:
                continue
            except Exception as error:
                error.add_note(f"{name} with {engine}")
                raise
            assert image.run().rules
    assert met == set(profiles)


def as_crlf(text: str, _: Dockerfile) -> str:
    return text.replace("\n", "\r\n")


def with_bom(text: str, _: Dockerfile) -> str:
    return "\ufeff" + text


def without_final_newline(text: str, _: Dockerfile) -> str:
    return text.removesuffix("\n")


def with_tabs_after_names(text: str, parsed: Dockerfile) -> str:
    lines = text.split("\n")
    for item in parsed.instructions:
        number = item.start_line - 1
        lines[number] = re.sub(rf"^(\s*{re.escape(item.name)}) +", r"\1\t\t", lines[number])
    return "\n".join(lines)


def with_indented_instructions(text: str, parsed: Dockerfile) -> str:
    lines = text.split("\n")
    for item in parsed.instructions:
        lines[item.start_line - 1] = "\t " + lines[item.start_line - 1]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "variant",
    [as_crlf, with_bom, without_final_newline, with_tabs_after_names, with_indented_instructions],
)
def test_harmless_changes_change_nothing(variant: Callable[[str, Dockerfile], str]) -> None:
    changed = 0
    for name, data in corpus():
        text = data.decode("utf-8", "surrogateescape").replace("\r", "").removeprefix("\ufeff")
        try:
            parsed = parse_dockerfile(text)
        except DockerfileError:
            continue
        other = variant(text, parsed)
        changed += other != text
        assert _plain(parse_dockerfile(other)) == _plain(parsed), name
    assert changed > len(corpus()) / 3


def _plain(parsed: Dockerfile) -> list[Instruction]:
    """The instructions apart from what the variants change: their own spelling, bodies' line ends."""
    return [
        item._replace(
            original="",
            heredocs=tuple(
                body._replace(content=body.content.replace("\r", "")) for body in item.heredocs
            ),
            trigger=item.trigger and item.trigger._replace(original=""),
        )
        for item in parsed.instructions
    ]
