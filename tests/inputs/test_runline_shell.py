"""The words are those that a real shell makes: /bin/sh of this machine is asked."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.errors import InputError
from entrysem.inputs.runline.shellsplit import ShellCommand, commands

SHELLS = [path for path in map(shutil.which, ("sh", "bash")) if path]
PIECES = st.sampled_from(
    [
        "a",
        "b",
        "'",
        '"',
        "\\",
        " ",
        "\t",
        "\\\n",
        "#",
        "-",
        "=",
        "é",
        "''",
        '""',
        "\\'",
        '\\"',
        "\\$",
        "'a b'",
    ]
)


def first(text: str) -> ShellCommand:
    return next(commands(text))


def real_words(shell: str, text: str) -> list[str] | None:
    """What the shell hands to a command; None when it refuses the text."""
    # The first command is all that counts; a text may go on on the next line.
    script = f'f() {{ printf \'%s\\0\' "$#" "$@"; exit 0; }}\nf {text}'
    done = subprocess.run([shell, "-c", script], capture_output=True, check=False)
    if done.returncode:
        return None
    count, *words = done.stdout.decode().split("\0")[:-1]
    assert count == str(len(words)) or (count == "0" and words == [""])
    return words[: int(count)]


@pytest.mark.parametrize("shell", SHELLS)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_words_are_those_of_a_shell(shell: str, text: str) -> None:
    """POSIX Shell Command Language, 2.2 and 2.3."""
    real = real_words(shell, text)
    if real is None:
        with pytest.raises(InputError, match="not closed"):
            first(f"f {text}")
        return
    command = first(f"f {text}")
    assert [word.text for word in command.words[1:]] == real
    assert not any(word.replaced for word in command.words)


# POSIX 2.6 (expansions), 2.13 (patterns); braces are bash's.
@pytest.mark.parametrize(
    ("text", "word", "replaced", "splits"),
    [
        ("$A", "$A", ("$A",), True),
        ('"$A"', "$A", ("$A",), False),
        ("'$A'", "$A", (), False),
        ("\\$A", "$A", (), False),
        ("a$", "a$", (), False),
        ("$", "$", (), False),
        ('"$"', "$", (), False),
        ("${A:-b c}d", "${A:-b c}d", ("${A:-b c}",), True),
        ("${A:-'}'}", "${A:-'}'}", ("${A:-'}'}",), True),
        ("$(a $(b ')'))x", "$(a $(b ')'))x", ("$(a $(b ')'))",), True),
        ('"$(a "b c")"', '$(a "b c")', ('$(a "b c")',), False),
        ("$((1 + (2)))", "$((1 + (2)))", ("$((1 + (2)))",), True),
        ("`a b`", "`a b`", ("`a b`",), True),
        ('"$@"', "$@", ("$@",), True),
        ('"$1"', "$1", ("$1",), False),
        ("*.txt", "*.txt", ("*",), True),
        ("'*'", "*", (), False),
        ("a[bc]?", "a[bc]?", ("[", "?"), True),
        ("~/x", "~/x", ("~",), False),
        ("a~", "a~", (), False),
        ("~me", "~me", ("~me",), False),
        ("'~'/x", "~/x", (), False),
        ("{a,b}", "{a,b}", ("{a,b}",), True),
        ("{a}", "{a}", (), False),
        ("x{1..3}", "x{1..3}", ("{1..3}",), True),
        ("$'a\\'b'", "$'a\\'b'", ("$'a\\'b'",), False),
        ("<(ls)", "<(ls)", ("<(ls)",), False),
    ],
)
def test_what_a_shell_replaces_stays_as_typed(
    text: str, word: str, replaced: tuple[str, ...], splits: bool
) -> None:
    (_, found) = first(f"f {text}").words
    assert (found.text, found.replaced, found.splits) == (word, replaced, splits)


@pytest.mark.parametrize(
    ("text", "words", "operator", "redirections"),
    [
        ("a b&&c", ["a", "b"], "&&", ()),
        ("a b | c", ["a", "b"], "|", ()),
        ("a;b", ["a"], ";", ()),
        ("a & b", ["a"], "&", ()),
        ("a\nb", ["a"], "\n", ()),
        ("a # b\nc", ["a"], "\n", ()),
        ("a#b", ["a#b"], "", ()),
        ("a >f b", ["a", "b"], "", (">f",)),
        ("a 2>&1 3 < f", ["a", "3"], "", ("2>&1", "< f")),
        ("a x2>f", ["a", "x2"], "", (">f",)),
        ("a &>f b", ["a", "b"], "", ("&>f",)),
        ("a <<E b\nc 'd\nE\ne", ["a", "b"], "\n", ("<<E",)),
        ("(a b)", [], "(", ()),
    ],
)
def test_where_a_command_ends(
    text: str, words: list[str], operator: str, redirections: tuple[str, ...]
) -> None:
    found = first(text)
    assert [word.text for word in found.words] == words
    assert (found.operator, found.redirections) == (operator, redirections)


def test_a_here_document_is_passed_over() -> None:
    text = "cat <<-'E' >f\n\tdon't\n\tE\ndocker run web"
    read = [[word.text for word in each.words] for each in commands(text)]
    assert read == [["cat"], ["docker", "run", "web"]]
