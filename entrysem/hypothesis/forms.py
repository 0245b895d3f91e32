"""Words and the forms of one instruction, and the list of features.

Every choice names its plainest alternative first, because Hypothesis shrinks towards it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache
from typing import Literal, TypeVar, get_args

from hypothesis import strategies as st

__all__ = [
    "FEATURES",
    "Feature",
    "exec_forms",
    "instructions",
    "near_exec_forms",
    "refused",
    "seldom",
    "shell_forms",
    "weighted",
    "words",
]

Feature = Literal[
    "near-json",  # what begins like an array and is none: a quote too few, single quotes, a comma
    "text-after",  # text after the closing bracket
    "bare",  # CMD and ENTRYPOINT without arguments
    "empty-array",  # CMD [] and ENTRYPOINT []
    "flags",  # CMD --flag
    "odd-words",  # any characters in words, the empty word too
    "shell",  # SHELL
    "stages",  # more than one FROM
    "stage-case",  # a stage referred to in other letters than it was named in
    "stage-twice",  # two stages of one name
    "stage-index",  # FROM 0
    "arg",  # ARG before FROM, variables in FROM
    "onbuild",  # ONBUILD
    "case",  # instruction names in any case
    "whitespace",  # tabs and runs of blanks between words, blank lines, indentation
    "continuation",  # an instruction over several lines, empty lines and comments inside
    "escape",  # the directive # escape=`
    "comments",  # comment lines
    "heredoc",  # COPY <<EOF with instructions in its body
    "other",  # ENV, LABEL, ARG, WORKDIR, EXPOSE, USER, STOPSIGNAL, HEALTHCHECK
]
FEATURES: frozenset[Feature] = frozenset(get_args(Feature))
_T = TypeVar("_T")

_WORDS = ("a", "b", "c d", "-x", "$X", "/bin/sh", "é")
_ODD_WORDS = ("", " ", '"', "\\", "'", "`", "#", "]", "$(X)", "a\nb", "\t", "\u2028", "😀")
_SCRIPTS = (
    *("a", "exec a", "a b", "a; b", "a && b", 'a "$@"', "a $X ${Y:-z}", "a 'b c'", "a # b"),
    *("a | b", "é  a", "'a'", "a \\b", "a ] b", "1", "- a", "a [b]", "(a)"),
)
#: Begin like an array, and are read as shell form.
_NEAR_JSON = (
    *('["a"', "['a']", '["a",]', "[a]", "[", '["a" "b"]', '["a]', "[ -f a ] && b", '["\\x"]'),
    *('["a\tb"]', "[,]", "]", '"a"', '{"a": "b"}', '["a", NaN]', "null", "[1e999]"),
)
#: Arrays with something that is no string: a builder rejects them.
_NOT_STRINGS = ('["a", 1]', "[null]", "[true]", '[["a"]]', '["a", {}]')
_AFTER = (" b", "b", " # b", ' ["b"]', "]", ",", " \\b", "\u00a0b")
_PLAIN = (
    *('CMD ["a"]', "CMD a", 'ENTRYPOINT ["a"]', "ENTRYPOINT a"),
    *('CMD ["a", "b"]', "CMD a b", 'ENTRYPOINT ["a", "b"]', "ENTRYPOINT a b"),
)
_SHELLS = (
    *('["s"]', '["/bin/bash", "-c"]', '["/bin/sh", "-ec"]', '["s", "-o", "pipefail", "-c"]'),
    *('["a", "b", "c", "d", "e"]', '["powershell", "-command"]', '["", "-c"]'),
)
_OTHER = (
    *("LABEL a=b", "ENV X=y", "ENV X y z", "ARG X=y", "ARG X", "EXPOSE 1", "USER 0", "WORKDIR /w"),
    *("STOPSIGNAL SIGTERM", 'HEALTHCHECK CMD ["h"]', "HEALTHCHECK CMD h", "HEALTHCHECK NONE"),
    *('LABEL a="CMD b"', 'VOLUME ["/v"]'),
)
_FLAGS = ("--a", "--a b", '--a ["b"]', "--a=b c")
_REJECTED = (
    *("FOO a", "SHELL a", "SHELL", "SHELL []", "ENV", "LABEL a", "EXPOSE", "WORKDIR"),
    *("ONBUILD FROM scratch", "ONBUILD ONBUILD CMD a", "ONBUILD"),
)


def weighted(*choices: tuple[int, st.SearchStrategy[_T]]) -> st.SearchStrategy[_T]:
    """One of the strategies, each as often as its weight says; the first is the plainest.

    (`one_of` counts a strategy that is named twice once.)
    """
    chosen = [strategy for weight, strategy in choices for _ in range(weight)]
    return st.sampled_from(range(len(chosen))).flatmap(chosen.__getitem__)


@cache
def seldom(one_in: int) -> st.SearchStrategy[bool]:
    """True once in so many times, and False when it shrinks."""
    return st.sampled_from((*[False] * (one_in - 1), True))


@cache
def words(*, odd: bool = True) -> st.SearchStrategy[str]:
    """One word of an argv: short and plain first; with `odd`, the empty word and any characters (no
    NUL, which no argv can hold, and no lone surrogate).
    """
    plain = st.sampled_from(_WORDS)
    if not odd:
        return plain
    anything = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
    )
    return weighted((4, plain), (1, st.sampled_from(_ODD_WORDS)), (1, anything))


@cache
def exec_forms(*, min_size: int = 0, max_size: int = 4, odd: bool = True) -> st.SearchStrategy[str]:
    """The text of a JSON array of strings, as it stands after CMD: `["a", "b"]`, in plain or, with
    `odd`, in other spelling (blanks around the items, escapes). One line.
    """
    items = st.lists(words(odd=odd), min_size=min_size, max_size=max_size)
    plain = items.map(lambda drawn: json.dumps(drawn, ensure_ascii=False))
    if not odd:
        return plain
    return weighted((2, plain), (1, st.builds(_spelled, items, st.booleans(), _ARRAY_BLANKS)))


_ARRAY_BLANKS = st.sampled_from(((" ", ""), ("", " "), ("  ", "\t"), ("\t", "  ")))


def _spelled(items: list[str], ascii_only: bool, blanks: tuple[str, str]) -> str:
    before, after = blanks
    texts = [f"{before}{json.dumps(item, ensure_ascii=ascii_only)}{after}" for item in items]
    return f"[{','.join(texts) or before}]"


@cache
def shell_forms(*, odd: bool = True) -> st.SearchStrategy[str]:
    """A script as it stands after CMD: never empty, no array. One line; variables, quotes, comments."""
    scripts = st.sampled_from(_SCRIPTS)
    if not odd:
        return scripts
    anything = st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=6
    )
    return weighted((4, scripts), (1, anything.map("a ".__add__)))


def near_exec_forms(
    *, after: bool = True, near: bool = True, rejected: bool = True
) -> st.SearchStrategy[str]:
    """What begins like an array: with text after it (`after`), or with a mistake that makes it shell
    form (`near`), or with an element that is no string, which makes a builder reject it (`rejected`).
    """
    kinds: list[st.SearchStrategy[str]] = []
    if after:
        array = exec_forms(max_size=2, odd=False)
        kinds.append(st.builds(str.__add__, array, st.sampled_from(_AFTER)))
    if near:
        kinds.append(st.sampled_from(_NEAR_JSON))
    if rejected:
        kinds.append(st.sampled_from(_NOT_STRINGS))
    return st.one_of(kinds) if kinds else st.nothing()


def _forms(features: Collection[Feature]) -> st.SearchStrategy[str]:
    """The arguments of a CMD or ENTRYPOINT that no builder rejects, without the blank before them."""
    odd = "odd-words" in features
    exec_form, shell_form = exec_forms(min_size=1, odd=odd), shell_forms(odd=odd)
    kinds = [(3, exec_form), (3, shell_form)]
    after, near = "text-after" in features, "near-json" in features
    if after or near:
        kinds.append((1, near_exec_forms(after=after, near=near, rejected=False)))
    if "bare" in features:
        kinds.append((1, st.sampled_from(("", "", " "))))
    if "empty-array" in features:
        kinds.append((1, st.sampled_from(("[]", "[ ]"))))
    return weighted(*kinds)


def instructions(
    *, features: Collection[Feature] = FEATURES, rejected: bool = True
) -> st.SearchStrategy[str]:
    """One instruction that may follow a FROM, on one line, without decoration: CMD and ENTRYPOINT in
    every form, SHELL, ONBUILD with a trigger, and others; with `rejected`, one that some builder refuses.
    """
    cmd, entrypoint = (
        _forms(features).map(f"{name} ".__add__).map(_bare) for name in ("CMD", "ENTRYPOINT")
    )
    # The plain ones are one choice each: what takes few choices can be deleted when it shrinks.
    kinds = [(6, st.sampled_from(_PLAIN)), (5, cmd), (5, entrypoint)]
    if "shell" in features:
        kinds.append((3, st.sampled_from(_SHELLS).map("SHELL ".__add__)))
    if "other" in features:
        kinds.append((2, st.sampled_from(_OTHER)))
    if "onbuild" in features:
        kinds.append((2, weighted(*kinds).map("ONBUILD ".__add__)))
    if rejected:
        kinds.append((1, refused(features)))
    return weighted(*kinds)


def refused(features: Collection[Feature]) -> st.SearchStrategy[str]:
    """An instruction that some builder refuses, where it stands in a reached stage."""
    arguments = list(_NOT_STRINGS) if "near-json" in features else []
    if "flags" in features:
        arguments += _FLAGS * 2
    names = st.sampled_from(("CMD ", "ENTRYPOINT "))
    kinds = [st.sampled_from([text for text in _REJECTED if _possible(text, features)])]
    if arguments:
        kinds.insert(0, st.builds(str.__add__, names, st.sampled_from(arguments)))
    return st.one_of(kinds)


def _possible(text: str, features: Collection[Feature]) -> bool:
    first = text.partition(" ")[0].lower()
    needed = first if first in ("shell", "onbuild") else "other"
    return needed in features or text.startswith("FOO")


def _bare(text: str) -> str:
    """`CMD ` without arguments loses its blank (a blank that was drawn stays)."""
    return text[:-1] if text.endswith(" ") and text.count(" ") == 1 else text
