"""Whole Dockerfiles: stages, their bases, and how the text is laid out.

Content is drawn first, as one line an instruction; then each line is laid out (case, blanks,
continuation lines, comments). So both shrink by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, NamedTuple

from hypothesis import strategies as st

from entrysem.errors import DockerfileError
from entrysem.hypothesis.forms import FEATURES, Feature, instructions, refused, seldom, weighted
from entrysem.model import ImageConfig
from entrysem.resolve import build_image

__all__ = ["Limits", "dockerfiles", "drafts", "fragments"]

_STAGE_NAMES = ("one", "two", "on-e.2", "s_3", "stage")
#: Pieces of Dockerfiles. Joined at random they reach most corners of the grammar.
_PIECES = (
    # line ends, blanks, comments, directives
    *("\n", "\n\n", "\\\n", "\\ \t\n", "`\n", "\\\\\n", "\r\n", " ", "  ", "\t", "\v"),
    *("\u00a0", "\x85", "\u2028", "\x1c", "#", " # ", "# escape=`\n", "#escape=\\\n"),
    *("# syntax=x\n", "# check=skip=all\n", "\ufeff"),
    # instructions
    *("FROM", "from", "Run", "RUN ", "CMD ", "cmd\t", "ENTRYPOINT ", "SHELL ", "ONBUILD "),
    *("onbuild ", "ENV ", "LABEL ", "ARG ", "COPY ", "ADD ", "HEALTHCHECK ", "HEALTHCHECK CMD "),
    *("EXPOSE ", "VOLUME ", "USER ", "WORKDIR ", "STOPSIGNAL ", "MAINTAINER ", "FOO "),
    # flags
    *("--", "--x", "--from=a ", '--x="a b" ', "-- ", "--é=\u00a0x "),
    # arrays
    *("[", '["a"', '["a", "b"]', '"', "'", "[]", ",", "]", '["a"] ', "1", "null", "1e999"),
    *('{"a":1}', "\\u0041", "\\ud83d", "\\x", '"a\tb"'),
    # words
    *("$X", "${X:-y}", "${X:=y}", "${X#y}", "${X", "$", "{", "}", "=", "a=b ", "a ", "b", "é"),
    *("scratch", " AS ", "a", "b\n", "\\", "`", "x\\y", '\\"', "à ", "ï"),
    # heredocs
    *("<<EOF", "<<-EOF", '<<"EOF"', "<<'E F'", "<< EOF", "EOF\n", "\nEOF\n", "\tEOF\n"),
    *("3<<A", "\nA\n", "<"),
)


def fragments(*, max_pieces: int = 14) -> st.SearchStrategy[str]:
    """Pieces of Dockerfiles in any order, half of the time after a FROM: nearly Dockerfiles, to try a
    parser on. Most are rejected; FROM may name any image, so do not build them where images are
    pulled.
    """
    pieces = st.lists(st.sampled_from(_PIECES), max_size=max_pieces).map("".join)
    return st.builds(str.__add__, st.sampled_from(["", "FROM a\n"]), pieces)


class Draft(NamedTuple):
    """A Dockerfile, with what options can refer to."""

    text: str
    stages: tuple[str, ...]
    has_arg: bool


class Limits(NamedTuple):
    """The parameters of `dockerfiles`."""

    features: frozenset[Feature]
    bases: tuple[str, ...]
    max_stages: int
    max_instructions: int
    rejected: bool


class _Layout(NamedTuple):
    """How one instruction is written; the default is plain.

    Attributes:
        spell: turns the keyword into other letters.
        before: comment and empty lines before it.
        indent, blank, tail: what stands before the keyword, after it, and at the line's end.
        joint: a line end in the middle, to stand after an escape character; or empty.
        at: where, counted in characters of what follows the keyword (and from its start again).
    """

    spell: Callable[[str], str] = str
    before: str = ""
    indent: str = ""
    blank: str = " "
    tail: str = ""
    joint: str = ""
    at: int = 0


_PLAIN = _Layout()
_DIRECTIVES = st.sampled_from(("# escape=`", "#escape = `", "# Escape=`"))
_VARIABLES = st.sampled_from(("$BASE", "${BASE}", "${BASE:-scratch}"))
_HEREDOC_LINES = st.sampled_from(("b", "CMD b", 'ENTRYPOINT ["b"]', "SHELL b"))
_SPELLINGS = st.sampled_from((str.lower, str.title, str.swapcase))
_COMMENT_LINES = st.sampled_from(("# c\n", "#\n", "  # CMD c\n", "# escape=`\n", "#CMD c \\\n"))
_INDENTS, _BLANKS = st.sampled_from(("", " ", "\t")), st.sampled_from((" ", "  ", "\t", " \t "))
_JOINTS = st.sampled_from(("\n", " \n", "\n\n", "\n# c\n", "\n  # c\n\n"))


def _layouts(features: frozenset[Feature]) -> st.SearchStrategy[_Layout]:
    """Mostly plain, sometimes one oddity, seldom several."""
    parts: dict[str, st.SearchStrategy[Any]] = {}
    single: list[st.SearchStrategy[_Layout]] = []
    if "case" in features:
        parts["spell"] = _SPELLINGS
        single.append(_SPELLINGS.map(lambda spell: _Layout(spell=spell)))
    if "whitespace" in features:
        parts |= {"indent": _INDENTS, "blank": _BLANKS, "tail": _INDENTS}
        single.append(_layout({"indent": _INDENTS, "blank": _BLANKS, "tail": _INDENTS}))
        single.append(st.just(_Layout(before="\n")))
    if "comments" in features:
        parts["before"] = _COMMENT_LINES
        single.append(_COMMENT_LINES.map(lambda before: _Layout(before=before)))
    if "continuation" in features:
        parts |= {"joint": _JOINTS, "at": st.integers(0, 20)}
        single.append(_layout({"joint": _JOINTS, "at": st.integers(0, 20)}))
    if not parts:
        return st.just(_PLAIN)
    return weighted((8, st.just(_PLAIN)), (3, st.one_of(single)), (1, _layout(parts)))


def _layout(parts: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[_Layout]:
    # Not `builds`, which draws the fields that are not named, too.
    return st.fixed_dictionaries(parts).map(lambda drawn: _Layout(**drawn))


def _laid_out(line: str, layout: _Layout, escape: str) -> str:
    if "<<" in line:
        return line
    keyword, blank, rest = line.partition(" ")
    rest += layout.tail if rest else ""
    if layout.joint and rest:
        # Anywhere in what only becomes words of the argv; not inside a name that FROM looks up.
        whole = keyword in ("FROM", "ARG")
        at = 0 if whole else layout.at % (len(rest) + 1)
        rest = rest[:at] + escape + layout.joint + rest[at:]
    blank = layout.blank if blank else ""
    return layout.before + layout.indent + layout.spell(keyword) + blank + rest


class _Pieces(NamedTuple):
    """The strategies that a file is drawn from; made once, because making them is slow."""

    layout: st.SearchStrategy[_Layout]
    body: st.SearchStrategy[list[tuple[str, _Layout]]]
    refused: st.SearchStrategy[str]
    heredoc: st.SearchStrategy[str]


@lru_cache(maxsize=64)
def _pieces(limits: Limits) -> _Pieces:
    layout = _layouts(limits.features)
    # A line and its layout are drawn together and from few choices, so that one can be deleted.
    line = st.tuples(instructions(features=limits.features, rejected=False), layout)
    heredocs = _HEREDOC_LINES.map(lambda inside: f"COPY <<EOF /f\n{inside}\nEOF")
    return _Pieces(
        layout,
        st.lists(line, max_size=limits.max_instructions),
        refused(limits.features),
        weighted((9, st.just("")), (1, heredocs)) if "heredoc" in limits.features else st.just(""),
    )


@st.composite
def drafts(draw: st.DrawFn, limits: Limits) -> Draft:
    """The text of a Dockerfile, the names of its stages, and whether it has the argument BASE."""
    features, pieces = limits.features, _pieces(limits)
    images = st.sampled_from(("scratch", *limits.bases))
    escape, head = "\\", ""
    if "escape" in features and draw(seldom(6)):
        escape, head = "`", draw(_DIRECTIVES) + "\n"
    lines: list[tuple[str, _Layout]] = []
    has_arg = "arg" in features and draw(seldom(4))
    if has_arg:
        lines.append((f"ARG BASE={draw(images)}", draw(pieces.layout)))
    stages: list[str] = []
    count = draw(st.integers(1, limits.max_stages)) if "stages" in features else 1
    for _ in range(count):
        base = draw(_VARIABLES) if has_arg and draw(seldom(2)) else ""
        base = base or _referred(draw, images, stages, features)
        name = ""
        if count > 1:
            name = _stage_name(draw, stages, features)
            stages.append(name)
        lines.append((f"FROM {base}" + (f" AS {name}" if name else ""), draw(pieces.layout)))
        lines += draw(pieces.body)
        if heredoc := draw(pieces.heredoc):
            lines.append((heredoc, _PLAIN))
    if limits.rejected and draw(seldom(6)):
        lines.append((draw(pieces.refused), _PLAIN))
    text = "\n".join([_laid_out(line, layout, escape) for line, layout in lines])
    return Draft(f"{head}{text}\n", tuple(stages), has_arg)


def _stage_name(draw: st.DrawFn, stages: list[str], features: frozenset[Feature]) -> str:
    name = _STAGE_NAMES[len(stages) % len(_STAGE_NAMES)]
    if stages and "stage-twice" in features and draw(seldom(10)):
        return stages[-1]
    return name.upper() if "stage-case" in features and draw(seldom(10)) else name


def _referred(
    draw: st.DrawFn, images: st.SearchStrategy[str], stages: list[str], features: frozenset[Feature]
) -> str:
    """What FROM names: an image, or mostly a stage before, when there is one."""
    if not stages or draw(seldom(4)):
        return draw(images)
    if "stage-index" in features and draw(seldom(16)):
        return str(draw(st.integers(0, len(stages) - 1)))
    name = draw(st.sampled_from(stages[::-1]))
    if "stage-case" not in features:
        return name
    return draw(_SPELLINGS)(name) if draw(seldom(10)) else name.lower()


def dockerfiles(
    *,
    features: Collection[Feature] = FEATURES,
    bases: Collection[str] = (),
    max_stages: int = 3,
    max_instructions: int = 5,
    rejected: bool = True,
) -> st.SearchStrategy[str]:
    r"""Dockerfiles: text that UTF-8 can hold, ending in a line end, whose images are `scratch`, stages
    of the file, and `bases`.

    Args:
        features: what may occur; see `FEATURES`. None of them: one stage of CMD and ENTRYPOINT, plain.
        bases: names of images that FROM may ask for, besides `scratch`.
        max_stages: FROM instructions, at least 1; one without the feature `stages`.
        max_instructions: after each FROM.
        rejected: whether files come too that the reference builder rejects.
    """
    limits = Limits(frozenset(features), tuple(bases), max_stages, max_instructions, rejected)
    texts = drafts(limits).map(lambda draft: draft.text)
    if rejected:
        return texts
    names = frozenset(bases)
    return texts.filter(lambda text: _accepted(text, names))


def _accepted(text: str, bases: Collection[str]) -> bool:
    try:
        build_image(text, bases={name: ImageConfig() for name in bases})
    except DockerfileError:
        return False
    return True
