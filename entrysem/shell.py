"""What a shell makes of an argv: the script, `$0` and the parameters, and who ends up as PID 1.

The kernel starts one program with one argv. When that program is a shell with `-c`, the argv is not
what runs: the first operand is a script, the next word is `$0`, the rest are `$1`, `$2` and so on. So
the words that CMD appends to a shell-form ENTRYPOINT are not lost, they are parameters; a script
that never looks at a parameter ignores them. The *effective* command is what is left when they
are taken away: it is what teaching tables print.

Whether the shell stays PID 1 or is replaced by the program is the shell's own optimisation. It is
not decided by any standard, so it is a table here, measured on named versions (`PID1_SHELLS`), for
the kinds of script in `ScriptKind`.

Source: POSIX.1-2017 XCU sh (command_string, command_name); observed on dash 0.5.12-2,
bash 5.2.15 and busybox ash 1.35.0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from entrysem.late import late

__all__ = [
    "PID1_SHELLS",
    "SCRIPT_KINDS",
    "Pid1",
    "ScriptKind",
    "ShellView",
    "effective",
    "shell_view",
]

_POSIX_SHELLS = frozenset({"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "busybox"})
_TAKES_WORD = frozenset({"--rcfile", "--init-file"})

#: The shells that the table below was measured on, as they are named in it.
PID1_SHELLS = ("dash 0.5.12", "bash 5.2.15", "busybox ash 1.35.0")

Who = Literal["shell", "program"]


class ScriptKind(NamedTuple):
    """What a script comes to, as far as it decides who is PID 1.

    Attributes:
        name: stable and machine-readable.
        sentence: the same for a person.
        whos: who is PID 1 with each of `PID1_SHELLS`. `shell` says that the shell stays PID 1 and
            starts the program as a child; `program` that the program takes its place.
    """

    name: str
    sentence: str
    whos: tuple[Who, Who, Who]


EXEC = ScriptKind("exec", "the script execs its program", ("program", "program", "program"))
SIMPLE = ScriptKind("simple", "the script is one simple command", ("shell", "program", "program"))
REDIRECTED = ScriptKind(
    "redirected", "the script is one command with a redirection", ("shell", "shell", "program")
)
LAST = ScriptKind("last", "the script ends with a simple command", ("shell", "program", "program"))
BACKGROUND = ScriptKind(
    "background",
    "the script ends with a simple command and has put another in the background",
    ("shell", "shell", "program"),
)
TRAILING_NEWLINE = ScriptKind(
    "trailing-newline", "the script ends with a newline", ("shell", "program", "shell")
)
COMPOUND = ScriptKind(
    "compound", "the script is one compound command", ("shell", "shell", "program")
)
BUILTIN = ScriptKind(
    "builtin", "the script runs only what the shell does itself", ("shell", "shell", "shell")
)
STAYS = ScriptKind(
    "stays",
    "the script goes on after its program, pipes, loops, traps or runs in the background",
    ("shell", "shell", "shell"),
)
EMPTY = ScriptKind("empty", "the script is empty", ("shell", "shell", "shell"))
SCRIPT_KINDS = (
    EXEC,
    SIMPLE,
    REDIRECTED,
    LAST,
    BACKGROUND,
    TRAILING_NEWLINE,
    COMPOUND,
    BUILTIN,
    STAYS,
    EMPTY,
)


class Pid1(NamedTuple):
    """Who is PID 1 once the script runs, with one measured shell."""

    shell: str
    who: Who


class ShellView(NamedTuple):
    """An argv as the shell that it starts reads it.

    Attributes:
        shell: the program word, `/bin/sh`.
        options: the words between the shell and the script.
        script: the command string; None when `-c` stands last and the shell fails.
        zero: `$0`, or None when no word follows the script (then it is the shell's own name).
        parameters: `$1`, `$2` ...
        uses_parameters: whether the script looks at `$0`, `$1`, `$@`, `$#` or shifts them.
        kind: what decides PID 1; None without a script.
        pid1: one entry a measured shell, or for the shell that argv names if it is one of them.
        init: the program that `--init` puts before the shell, or None. It is PID 1 then, and `pid1`
            says who is its child.
    """

    shell: str
    options: tuple[str, ...]
    script: str | None
    zero: str | None
    parameters: tuple[str, ...]
    uses_parameters: bool
    kind: ScriptKind | None
    pid1: tuple[Pid1, ...]
    init: str | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the rules that this reading rests on."""
        if self.script is None:
            return ("SHELL-03", "SHELL-05")
        ignores = self.zero is not None and not self.uses_parameters
        return ("SHELL-01", *(["SHELL-02"] if ignores else []), "SHELL-04", "SHELL-05")

    @property
    def sigterm(self) -> str:
        """Who gets the SIGTERM of `docker stop`, as a sentence."""
        if self.init is not None:
            return f"{self.init} is PID 1 and passes SIGTERM on to its child"
        whos = {entry.who for entry in self.pid1}
        if whos == {"program"}:
            return "docker stop signals the program itself: it has replaced the shell"
        if self.kind in (BUILTIN, EMPTY) or self.script is None:
            return "docker stop signals the shell"
        stays = (
            "the shell is PID 1, does not pass SIGTERM on and does not end by it, so docker stop "
            "waits for its timeout and kills"
        )
        if whos == {"shell"}:
            return stays
        by_who = {
            who: ", ".join([entry.shell for entry in self.pid1 if entry.who == who])
            for who in ("program", "shell")
        }
        return (
            f"it depends on the shell: with {by_who['program']} the program gets SIGTERM; with "
            f"{by_who['shell']} {stays}"
        )


def shell_view(argv: Sequence[str]) -> ShellView | None:
    """Reads `argv` as a POSIX shell with `-c` would; None when it is not such a call."""
    if not argv:
        return None
    name = argv[0].rpartition("/")[2]
    rest = list(argv[1:])
    if name == "busybox" and rest and rest[0] in ("sh", "ash"):
        name = rest.pop(0)
    if name not in _POSIX_SHELLS:
        return None
    count = _option_words(rest)
    if count is None:
        return None
    options, operands = tuple(argv[1 : len(argv) - len(rest) + count]), rest[count:]
    shells = _candidates(name)
    if not operands:
        return ShellView(argv[0], options, None, None, (), False, None, _pid1(EMPTY, shells))
    script = operands[0]
    kind = script_kind(script)
    return ShellView(
        argv[0],
        options,
        script,
        operands[1] if len(operands) > 1 else None,
        tuple(operands[2:]),
        uses_parameters(script),
        kind,
        _pid1(kind, shells),
    )


def effective(argv: tuple[str, ...]) -> tuple[str, ...]:
    """`argv` without the words that a script ignores; `argv` itself when nothing is ignored."""
    view = shell_view(argv)
    if view is None or view.script is None or view.uses_parameters or view.zero is None:
        return argv
    return argv[: len(argv) - 1 - len(view.parameters)]


def _option_words(words: list[str]) -> int | None:
    """How many words are options, when one of them is -c; None when none is."""
    command = False
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("--", "-"):
            at += 1
            break
        if word.startswith("--"):
            at += 2 if word in _TAKES_WORD else 1
            continue
        if len(word) < 2 or word[0] not in "-+":
            break
        command = command or (word[0] == "-" and "c" in word)
        at += 1 + word.count("o") + (word.count("O") if word[0] in "-+" else 0)
    return min(at, len(words)) if command else None


def _candidates(name: str) -> tuple[int, ...]:
    known = {"dash": (0,), "bash": (1,), "ash": (2,), "busybox": (2,)}
    return known.get(name, (0, 1, 2) if name == "sh" else ())


def _pid1(kind: ScriptKind, shells: tuple[int, ...]) -> tuple[Pid1, ...]:
    return tuple(Pid1(PID1_SHELLS[index], kind.whos[index]) for index in shells)


# --- the script ------------------------------------------------------------------------------------

_TOKEN = late(
    r"(?P<blank>[ \t]+|\\\n)"
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<operator>&&|\|\||;;|<<-?|>>|<&|>&|<>|>\||[;&|()<>\n])"
    r"|(?P<word>(?:\\.|'[^']*(?:'|\Z)|\"(?:\\.|[^\"\\])*(?:\"|\Z)"
    r"|\$\([^()]*(?:\([^()]*\)[^()]*)*\)|\$\{[^}]*\}|`[^`]*`|[^ \t\n;&|()<>\\'\"`]|\\\Z|`)+)",
    re.DOTALL,
)
_SINGLE_QUOTED = late(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_PARAMETER = late(
    r"\$(?:[0-9@*#]|\{[#!]?[0-9@*]|\{#\})|(?:^|[\s;&|(])(?:shift|getopts)\b"
    r"|\bfor\s+\w+\s*(?:;|\n|\bdo\b)"
)
_READS_CODE = late(r"(?:^|[\s;&|({])(?:eval|trap)\s")
_ASSIGNMENT = late(r"[A-Za-z_]\w*\+?=")
_REDIRECTIONS = frozenset({"<", ">", ">>", "<<", "<<-", "<&", ">&", "<>", ">|"})
_BUILTINS = frozenset(
    (
        ": . [ alias bg break cd continue echo eval exec exit export false fg getopts hash "
        "jobs kill printf pwd read readonly return set shift source test times trap true "
        "type ulimit umask unalias unset wait"
    ).split()
)
_SEPARATORS = frozenset({";", "\n", "&&", "||", "(", "{", "then", "else", "do"})
_LISTS = frozenset({";", "\n", "&&", "||", "&"})
_COMPOUND = frozenset({"{", "if", "case"})
_RESERVED = _COMPOUND | {"then", "elif", "else", "fi", "do", "done", "esac", "in"}
_KEEPS = frozenset({"for", "while", "until", "!", "time", "function", "eval"})


def uses_parameters(script: str) -> bool:
    """Whether the script looks at its parameters. What single quotes and backslashes hide is not
    looked at, unless eval or trap may run it; a here-document is taken as code.
    """
    seen = script if _READS_CODE.search(script) else _SINGLE_QUOTED.sub(_visible, script)
    return bool(_PARAMETER.search(seen))


def _visible(match: re.Match[str]) -> str:
    text = match.group()
    if text[0] == '"':
        return re.sub(r"\\.", "", text, flags=re.DOTALL)
    return " " if text[0] == "\\" else "_"


class _Simple:
    def __init__(self, words: list[str], *, redirected: bool, assigned: bool) -> None:
        self.words = words
        self.redirected = redirected
        self.assigned = assigned


def script_kind(script: str) -> ScriptKind:
    """What the script comes to. A cautious reading: whatever is not recognised stays with the
    shell.
    """
    body = _tokens(script)
    trailing_newline = script.endswith("\n")
    while body and body[-1] in ("\n", ";"):
        body.pop()
    if not set(body) - {"\n"}:
        return EMPTY
    if body[:2] == ["eval", "exec"]:
        # Each measured shell makes the program process 1, as without the eval.
        del body[0]
    head, tail = _split_list(body)
    if _is_entangled(tail) or (tail[0] in _functions(head)):
        return STAYS
    if _execs(tail) or (not _is_entangled(head) and _execs(body)):
        return EXEC
    if tail[0] == "(" or tail[0] in _COMPOUND:
        return COMPOUND if not head else STAYS
    background = "&" in head
    if background and (trailing_newline or (ending := _simple(tail)) is None or ending.redirected):
        return STAYS
    commands = [*([head] if _is_entangled(head) or _is_compound(head) else _commands(head)), tail]
    last = _simple(commands[-1]) if commands else None
    if last is None:
        return STAYS
    if _has_word(body, frozenset({"trap"})) and not _ignores_signal(commands):
        return STAYS
    program = last.words[0] if last.words else ""
    if program == "command" and len(last.words) > 1:
        program = last.words[1]
    if program in _BUILTINS or not last.words:
        only = not _is_entangled(head) and all(_is_own(_simple(command)) for command in commands)
        return BUILTIN if only else STAYS
    if trailing_newline:
        return TRAILING_NEWLINE
    if last.redirected:
        return REDIRECTED
    if background:
        return BACKGROUND
    return SIMPLE if len(commands) == 1 else LAST


_CLOSERS = {"(": ")", "{": "}", "if": "fi", "case": "esac", "do": "done"}


def _split_list(body: list[str]) -> tuple[list[str], list[str]]:
    """What stands before the last command of the list that the script is, and that command."""
    open_: list[str] = []
    starts = True
    end = begin = 0
    for at, token in enumerate(body):
        if open_ and token == _CLOSERS[open_[-1]] and (starts or token == ")"):
            open_.pop()
            starts = False
            continue
        if (starts and token in _CLOSERS) or (token == "(" and "case" not in open_[-1:]):
            open_.append(token)
        elif not open_ and token in _LISTS and at + 1 < len(body):
            end, begin = at, at + 1
        starts = token in _SEPARATORS or token in ("&", ";;") or (token == ")" and bool(open_))
    # What stands between two commands of a list and is no `&` says nothing of the head.
    head = body[:begin] if begin and body[end] == "&" else body[:end]
    return head, body[begin:]


def _is_entangled(commands: list[str]) -> bool:
    """Whether there is a pipe, a background, a loop or a function, for which a shell stays at the end."""
    return (
        "|" in commands
        or "&" in commands
        or _has_word(commands, _KEEPS)
        or bool(_functions(commands))
    )


def _is_compound(commands: list[str]) -> bool:
    return bool(commands) and (commands[0] == "(" or commands[0] in _COMPOUND)


def _execs(body: list[str]) -> bool:
    """Whether an exec with a program stands where a command can start, outside a subshell."""
    starts = True
    for at, token in enumerate(body[:-1]):
        if token == "(":
            return False
        if starts and token == "exec" and body[at + 1] not in _SEPARATORS | _REDIRECTIONS:
            return True
        starts = (token in _SEPARATORS) or (starts and token == "command")
    return False


def _tokens(script: str) -> list[str]:
    found: list[str] = []
    for match in _TOKEN.finditer(script):
        if (
            match.lastgroup == "comment"
            and found
            and found[-1]
            and not script[match.start() - 1].isspace()
        ):
            found[-1] += match.group()
        elif match.lastgroup in ("operator", "word"):
            found.append(match.group())
    return found


def _commands(body: list[str]) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    for token in body:
        if token in (";", "\n", "&&", "||"):
            commands.append([])
        else:
            commands[-1].append(token)
    return [command for command in commands if command]


def _simple(tokens: list[str]) -> _Simple | None:
    words: list[str] = []
    redirected = assigned = False
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token in ("(", ")", "{", "}") or (not words and token in _RESERVED):
            return None
        if token in _REDIRECTIONS:
            redirected = True
            if words and words[-1].isdigit():
                words.pop()
            at += 1
        elif not words and _ASSIGNMENT.match(token):
            assigned = True
        else:
            words.append(token)
        at += 1
    return _Simple(words, redirected=redirected, assigned=assigned)


def _is_own(command: _Simple | None) -> bool:
    return command is not None and (not command.words or command.words[0] in _BUILTINS)


def _has_word(body: list[str], words: frozenset[str]) -> bool:
    """Whether one of `words` stands where a command can start."""
    starts = True
    for token in body:
        if starts and token in words:
            return True
        starts = token in _SEPARATORS
    return False


def _functions(body: list[str]) -> set[str]:
    return {
        body[at - 1] for at in range(1, len(body) - 1) if body[at] == "(" and body[at + 1] == ")"
    }


def _ignores_signal(commands: list[list[str]]) -> bool:
    """Whether every trap only ignores or resets signals, which keeps the replacement."""
    traps = [command for command in commands if command[0] == "trap"]
    return all(len(trap) > 2 and trap[1] in ('""', "''", "-") for trap in traps)
