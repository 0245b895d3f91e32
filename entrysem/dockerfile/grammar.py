"""What differs between the Dockerfile parsers of different builders, as data.

A `Grammar` is one parser: the reference is the newest BuildKit frontend, and every other parser is
the reference with some fields replaced. Which engine version has which value is declared in
`entrysem.profiles`, never here; the parser asks the grammar and knows no engine's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from entrysem.answers import Answers
from entrysem.dockerfile.words import MODIFIERS

__all__ = ["REFERENCE", "Grammar"]

_REFERENCE_FLAGS: Mapping[str, Mapping[str, str]] = {
    "add": {
        "chown": "string",
        "chmod": "string",
        "link": "bool",
        "keep-git-dir": "bool",
        "checksum": "string",
        "unpack": "bool",
        "exclude": "strings",
    },
    "copy": {
        "chown": "string",
        "from": "string",
        "chmod": "string",
        "link": "bool",
        "exclude": "strings",
        "parents": "bool",
    },
    "from": {"platform": "string"},
    "healthcheck": {
        "interval": "string",
        "timeout": "string",
        "start-period": "string",
        "start-interval": "string",
        "retries": "string",
    },
    "run": {"mount": "strings", "network": "string", "security": "string", "device": "strings"},
}


class Grammar(Answers):
    """One Dockerfile parser. Compared by identity: `profiles` makes one object a behaviour.

    Attributes:
        text_after_array: what `CMD ["a"] x` is: `shell-form`, or exec form with the text `dropped`.
        directives: names that are parser directives; any other name ends the directive block.
        directive_order: `any-number` of known directives may open the file.
        escape_value: `exact` demands one backslash or backtick; `first-character` takes the first.
        heredocs: whether RUN, COPY and ADD read `<<WORD` bodies.
        heredoc_blank: whether blanks may stand between `<<` and the word.
        heredoc_prefix: whether a word that holds `${NAME:-word}` keeps what stands before it
            when markers are looked for: `kept`, or `lost` (so `<<EOF${X:-y}` opens nothing).
        doubled_escape: whether a doubled escape at a line's end is `literal` or `continues` it.
        max_line: longest physical line in bytes, without its LF.
        long_line: a longer line is `rejected`, or silently `ends-file`: it and all after it is dropped.
        flag_escape: escape character inside flags: the `directive`'s, or always a `backslash`.
        stray_flags: what `CMD --x` is: `rejected`, or the flag is `dropped`.
        checks: whether an unknown instruction or a wrong argument count is found in `all-stages` or
            only in `reached-stages`.
        modifiers: what may follow the name in `${NAME...}`, as spelled: `:-`, `-`, `#` ...
        required: whether `${NAME:?text}` of an unset name is an `error`, or `text` is its `value`.
        check_options: whether the options of `# check=` are `validated` or `ignored`.
        bare_arg: what `ARG X` before FROM does to a value that X has: it `keeps` it, `empties` it,
            or `unsets` it. (Without a value X stays unset, but is empty where it `empties`.)
        bad_default: a default of a global ARG that cannot be expanded is `rejected` or `empty`.
        empty_entrypoint: ENTRYPOINT without words is `accepted` or `rejected`.
        lacks: flags that are not known, as `copy --link`.
        flags: instruction keyword -> flag name -> `bool`, `string` or `strings` (repeatable).
        unterminated: a double quote or `${` in FROM that nothing closes is `rejected`, or `ends` with
            the word.
        replacement: `${X/a}`, without a second slash, is `rejected`, or replaces by `nothing`.
        blank_names: ENV, LABEL or ARG with a blank name is `rejected` or `accepted`.
        intervals: which durations HEALTHCHECK takes: zero or at least a `millisecond`, or those that are
            `positive`.
        heredoc_destination: COPY to a heredoc is `rejected` or `accepted`.
        trigger_heredoc: the body of a heredoc in ONBUILD is `kept` with the trigger, or `dropped`.
        from_flags: flags of FROM are `checked`, or `ignored` but for --platform=.
        multiple_args: whether one ARG instruction may declare several names.
        stage_name: `checked` against BuildKit's pattern, or `free`.
        before_from: whether an instruction other than ARG before FROM is `rejected` or `ignored`.
    """

    text_after_array: Literal["shell-form", "dropped"] = "shell-form"
    directives: frozenset[str] = frozenset({"syntax", "escape", "check"})
    escape_value: Literal["exact", "first-character"] = "exact"
    heredocs: bool = True
    heredoc_blank: bool = True
    heredoc_prefix: Literal["kept", "lost"] = "lost"
    doubled_escape: Literal["literal", "continues"] = "literal"
    max_line: int = 65_535
    long_line: Literal["rejected", "ends-file"] = "rejected"
    flag_escape: Literal["directive", "backslash"] = "directive"
    stray_flags: Literal["rejected", "dropped"] = "rejected"
    checks: Literal["all-stages", "reached-stages"] = "all-stages"
    modifiers: frozenset[str] = MODIFIERS
    required: Literal["error", "value"] = "error"
    check_options: Literal["validated", "ignored"] = "validated"
    bare_arg: Literal["keeps", "empties", "unsets"] = "keeps"
    bad_default: Literal["rejected", "empty"] = "rejected"
    empty_entrypoint: Literal["accepted", "rejected"] = "accepted"
    lacks: frozenset[str] = frozenset()
    flags: Mapping[str, Mapping[str, str]] = _REFERENCE_FLAGS
    unterminated: Literal["rejected", "ends"] = "rejected"
    replacement: Literal["rejected", "nothing"] = "rejected"
    blank_names: Literal["rejected", "accepted"] = "rejected"
    intervals: Literal["millisecond", "positive"] = "millisecond"
    heredoc_destination: Literal["rejected", "accepted"] = "rejected"
    trigger_heredoc: Literal["kept", "dropped"] = "kept"
    from_flags: Literal["checked", "ignored"] = "checked"
    multiple_args: bool = True
    stage_name: Literal["checked", "free"] = "checked"
    before_from: Literal["rejected", "ignored"] = "rejected"


REFERENCE = Grammar()
