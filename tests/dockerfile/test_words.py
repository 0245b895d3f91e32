"""BUILD-10 and FORM-17: the frontend's lexer, by BuildKit's own tables.

Most cases are those of moby/buildkit v0.27.1 frontend/dockerfile/shell/{envVarTest,lex_test.go}.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.dockerfile.words import MODIFIERS, ExpansionError, expand, parse_words, split

VARIABLES = {"PWD": "/home", "SHELL": "bash", "KOREAN": "한국어", "NULL": ""}
OLD = frozenset({":-", ":+", ":?", "?"})

# A word and its expansion a line, as in envVarTest.
EXPANSIONS = r"""
hello                     |     hello
he'll'o                   |     hello
he'llo                    |     error
he\'llo                   |     he'llo
he\\'llo                  |     error
abc\tdef                  |     abctdef
"abc\tdef"                |     abc\tdef
"abc\\tdef"               |     abc\tdef
'abc\tdef'                |     abc\tdef
hello\                    |     hello
hello\\                   |     hello\
"hello                    |     error
"hello\"                  |     error
"hel'lo"                  |     hel'lo
'hello                    |     error
'hello\'                  |     hello\
"''"                      |     ''
$.                        |     $.
he$1x                     |     hex
he$.x                     |     he$.x
he$pwd.                   |     he.
he$PWD                    |     he/home
he\$PWD                   |     he$PWD
he\\$PWD                  |     he\/home
"he\$PWD"                 |     he$PWD
"he\\$PWD"                |     he\/home
\${}                      |     ${}
${}                       |     error
he${}xx                   |     error
he${hi}xx                 |     hexx
he${PWD}                  |     he/home
he${.}                    |     error
he${XXX:-000}xx           |     he000xx
he${PWD:-000}xx           |     he/homexx
he${XXX:-$PWD}xx          |     he/homexx
he${XXX:-${PWD:-yyy}}xx   |     he/homexx
he${XXX:-${YYY:-yyy}}xx   |     heyyyxx
he${XXX:YYY}              |     error
he${XXX?}                 |     error
he${XXX:?}                |     error
he${PWD?}                 |     he/home
he${PWD:?}                |     he/home
he${NULL?}                |     he
he${NULL:?}               |     error
he${XXX:+${PWD}}xx        |     hexx
he${PWD:+${SHELL}}xx      |     hebashxx
he${PWD:+000}xx           |     he000xx
'he${XX}'                 |     he${XX}
"he${PWD}"                |     he/home
"he'$PWD'"                |     he'/home'
'\$PWD'                   |     \$PWD
'"hello"'                 |     "hello"
he${PWD                   |     error
he${                      |     error
he${PWD:=000}xx           |     error
he${PWD:+${PWD}:}xx       |     he/home:xx
he${XXX:-\$PWD:}xx        |     he$PWD:xx
he${XXX:-\${PWD}z}xx      |     he${PWDz}xx
안\\'녕하세요               |     error
안녕\t하세요               |     안녕t하세요
안녕$KOREAN               |     안녕한국어
${{aaa}                   |     error
${aaa}}                   |     }
${aaa:-bbb}}              |     bbb}
${aaa:-bbb                |     error
${aaa:-bbb ${foo}         |     error
${aaa:-"bbb}              |     error
${aaa:-'bbb}              |     error
${aaa:-${}}               |     error
${aaa:-bbb {foo}          |     bbb {foo
${:}                      |     error
${:-bbb}                  |     error
$999aaa                   |     aaa
${001:-bbb}aaa            |     bbbaaa
$@@@                      |     @@
${@:-bbb}aaa              |     bbbaaa
${#}                      |
${-:-bbb}                 |     bbb
$$                        |
<<x                       |     <<x
a<b                       |     a<b
"""


def cases() -> list[tuple[str, str | None]]:
    rows = [row.split("|") for row in EXPANSIONS.strip().splitlines()]
    return [(w.rstrip(), None if e.strip() == "error" else e.strip()) for w, e in rows]


@pytest.mark.parametrize(("word", "expected"), cases())
def test_expansion(word: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ExpansionError):
            expand(word, VARIABLES, escape="\\", modifiers=MODIFIERS)
    else:
        assert expand(word, VARIABLES, escape="\\", modifiers=MODIFIERS) == expected


# Most are TestProcessWithMatches in lex_test.go.
@pytest.mark.parametrize(
    ("word", "variables", "expected"),
    [
        ("${FOO-aaa} ${BAR-bbb} ${BAZ-ccc}", {"FOO": "xxx", "BAR": ""}, "xxx  ccc"),
        ("${FOO:-aaa} ${BAR:-bbb} ${BAZ:-ccc}", {"FOO": "xxx", "BAR": ""}, "xxx bbb ccc"),
        ("${FOO+aaa} ${BAR+bbb} ${BAZ+ccc}", {"FOO": "xxx", "BAR": ""}, "aaa bbb "),
        ("${FOO:+aaa} ${BAR:+bbb} ${BAZ:+ccc}", {"FOO": "xxx", "BAR": ""}, "aaa  "),
        ("${FOO#()[]{\\}^$.\\*\\?|\\\\}", {"FOO": "()[]{}^$.*?|\\x"}, "x"),
        ("${FOO%%\\**}", {"FOO": "xx**"}, "xx"),
        ("${FOO#*x*y}", {"FOO": "xxyy"}, "y"),
        ("${FOO#*}", {"FOO": "xxyy"}, "xxyy"),
        ("${FOO#$BAR}", {"FOO": "xxyy", "BAR": "x"}, "xyy"),
        ("${FOO#}", {"FOO": "xxyy"}, "xxyy"),
        ("${FOO##*x}", {"FOO": "xxyy"}, "yy"),
        ("${FOO##}", {"FOO": "xxyy"}, "xxyy"),
        ("${FOO#?\\?}", {"FOO": "???y"}, "?y"),
        ("${ABC:-.}${FOO%x}${ABC:-.}", {"FOO": "xxyy"}, ".xxyy."),
        ("${FOO%%\\**\\*}", {"FOO": "a***yy*"}, "a"),
        ("${FOO%}", {"FOO": "xxyy"}, "xxyy"),
        ("${FOO/$X/.}", {"FOO": "/foo*/*/*.txt", "X": "\\*/"}, "/foo.*/*.txt"),
        ("${FOO//$X/.}", {"FOO": "/foo*/*/*.txt", "X": "\\*/"}, "/foo..*.txt"),
        ("${FOO/$X/} - ${FOO//$X/}", {"FOO": "/tmp/tmp/bar.txt", "X": "/tmp"}, "/tmp/bar.txt - /bar.txt"),
        ("${FOO//$X/$Y}", {"FOO": "/a/foo/b/c.txt", "X": "/?/", "Y": "/"}, "/foo/c.txt"),
        ("${FOO//\\//\\/}", {"FOO": "/tmp/foo.txt"}, "\\/tmp\\/foo.txt"),
        ("${FOO/$BAR/ww}", {"FOO": "xxyy", "BAR": ""}, "wwxxyy"),
        ("${FOO///}", {"FOO": "xxyy"}, "xxyy"),
        ("${FOO///}", {}, ""),
        # an unset name is empty, and the pattern still counts
        ("${FOO#a}${FOO%a}", {}, ""),
        # Go's regexp.ReplaceAllString: `$0` is the match, another reference is empty, `$$` a dollar,
        # and an empty match right after a match is none
        ("${FOO//\\*/x}", {"FOO": "a*b*"}, "axbx"),
        ("${FOO//*/y}", {"FOO": "abc"}, "y"),
        ("${FOO//?/<$X>}", {"FOO": "ab", "X": "$0"}, "<a><b>"),
        ("${FOO//?/<$X>}", {"FOO": "ab", "X": "${0}$1${n}$$"}, "<a$><b$>"),
        ("${FOO//$X/-}", {"FOO": "ab", "X": ""}, "-a-b-"),
        ("${FOO/?/<$X>}", {"FOO": "ab", "X": "$0"}, "<$0>b"),
    ],
)  # fmt: skip
def test_modifiers(word: str, variables: dict[str, str], expected: str) -> None:
    assert expand(word, variables, escape="\\", modifiers=MODIFIERS) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("${FOO=aaa}", "unsupported modifier (=) in substitution"),
        ("${FOO:#}", "unsupported modifier (:#) in substitution"),
        ("${FOO:%%}", "unsupported modifier (:%) in substitution"),
        ("${FOO//ww}", "syntax error: missing '/' in ${}"),
        ("${FOO/a/b", "syntax error: missing '}'"),
        ("${FOO", "unsupported modifier () in substitution"),
        ("${", "syntax error: missing '}'"),
        ("${}", "syntax error: bad substitution"),
        ("${A?}", "A: is not allowed to be unset"),
        ("${A?no $PWD}", "A: no /home"),
        ("${NULL:?}", "NULL: is not allowed to be empty"),
        ("${PWD#a\\b}", "invalid pattern (a\\b) in substitution: invalid escape '\\b'"),
        ("${PWD/$X/}", "invalid pattern (\\) in substitution: invalid escape '\\'"),
        ("'", "unexpected end of statement while looking for matching single-quote"),
        ('"', "unexpected end of statement while looking for matching double-quote"),
        ('"a\\', "unexpected end of statement while looking for matching double-quote"),
    ],
)
def test_messages(word: str, message: str) -> None:
    with pytest.raises(ExpansionError) as caught:
        expand(word, {**VARIABLES, "X": "\\"}, escape="\\", modifiers=MODIFIERS)
    assert str(caught.value) == message


class TestVersions:
    """The modifiers are the grammar's."""

    def test_before_buildkit_0_12_a_colon_was_missing(self) -> None:
        with pytest.raises(ExpansionError, match="missing ':' in substitution"):
            expand("${X-w}", {}, escape="\\", modifiers=OLD)
        assert expand("${X:-w}", {}, escape="\\", modifiers=OLD) == "w"
        with pytest.raises(ExpansionError, match=r"unsupported modifier \(:=\)"):
            expand("${X:=w}", {}, escape="\\", modifiers=OLD)

    def test_between_0_13_and_0_16_a_colon_meant_nothing_to_a_pattern(self) -> None:
        modifiers = MODIFIERS | {":#", ":%"}
        assert expand("${X:#a}${X:%b}", {"X": "ab"}, escape="\\", modifiers=modifiers) == "ba"

    def test_imagebuilder_takes_the_message_as_value(self) -> None:
        assert expand("${X:?w}", {}, escape="\\", modifiers=OLD, required="value") == "w"
        with pytest.raises(ExpansionError):
            expand("${X:?}", {}, escape="\\", modifiers=OLD, required="value")

    def test_the_escape_is_the_directive_s(self) -> None:
        assert expand("a\\b`$X", {"X": "x"}, escape="`", modifiers=MODIFIERS) == "a\\b$X"
        assert expand('"`$X\\"', {"X": "x"}, escape="`", modifiers=MODIFIERS) == "$X\\"

    def test_a_bom_before_the_word_is_dropped(self) -> None:
        """Go's text/scanner does so."""
        assert expand("\ufeff$X", {"X": "x"}, escape="\\", modifiers=MODIFIERS) == "x"


class TestSplit:
    """Words with `$NAME` kept as written."""

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("hello there", ["hello", "there"]),
            ("  a \t b  ", ["a", "b"]),
            ('hello" there  "', ['hello" there  "']),
            ("hello\\ there", ["hello\\ there"]),
            ("a '' b", ["a", "''", "b"]),
            ("a << EOF b", ["a", "<< EOF", "b"]),
            ("a < b", ["a", "<", "b"]),
            ("$X ${Y} ${Z:-w} ${V/a/b}", ["$X", "${Y}", "${Z:-w}", "${V/a/b}"]),
            ("${X:=y} ${X:0:3}", ["${X:=y}", "${X:0:3}"]),
            ('"a\\"b" c', ['"a\\"b"', "c"]),
            ('"a$X"', ['"a$X"']),
            ("a\\", ["a\\"]),
        ],
    )
    def test_keeps_quotes_and_escapes(self, line: str, expected: list[str]) -> None:
        assert split(line, keep_quotes=True, keep_escapes=True) == expected

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            # wordsTest
            ('hello" there  "', ["hello there  "]),
            ("hello\\ there", ["hello there"]),
            ('hello\\" there', ['hello"', "there"]),
            ('hello"\\\\there"', ["hello\\there"]),
            ('hello"\\there"', ["hello\\there"]),
            ("hello'\\\\there'", ["hello\\\\there"]),
            ("hello'$there'", ["hello$there"]),
            ("a '' b", ["a", "b"]),
            ("a\\", ["a"]),
        ],
    )
    def test_removes_them(self, line: str, expected: list[str]) -> None:
        assert split(line, keep_quotes=False, keep_escapes=False) == expected

    @pytest.mark.parametrize("line", ["'", '"', "${", "${X", "${X=y}", "${X:#y}", "${X:-y", "${}"])
    def test_rejects(self, line: str) -> None:
        with pytest.raises(ExpansionError):
            split(line, keep_quotes=True, keep_escapes=True)

    def test_what_stands_before_a_default_is_lost_with_a_shared_buffer(self) -> None:
        assert split("a${X:-y}b", keep_quotes=True, keep_escapes=True) == ["${X:-y}b"]
        kept = split("a${X:-y}b", keep_quotes=True, keep_escapes=True, shared_buffer=False)
        assert kept == ["a${X:-y}b"]

    def test_without_joining_a_marker_is_parted_from_its_word(self) -> None:
        assert split("<< E", keep_quotes=True, keep_escapes=True, join_heredoc=False) == ["<<", "E"]

    def test_a_colon_and_a_pattern_before_buildkit_0_13(self) -> None:
        """`#` after a colon was a modifier like every other: unknown, and unnoticed."""
        modifiers = frozenset({":-", ":+", ":?", "-", "+", "?"})
        assert split("${X:#y}", keep_quotes=True, keep_escapes=True, modifiers=modifiers)
        with pytest.raises(ExpansionError):
            split("${X#y}", keep_quotes=True, keep_escapes=True, modifiers=modifiers)
        with pytest.raises(ExpansionError):
            split("${X:=y}", keep_quotes=True, keep_escapes=True, modifiers=OLD)

    @given(st.lists(st.text(alphabet="abc,;:=+-/.", min_size=1), max_size=5))
    def test_plain_words_are_parted_at_blanks(self, words: list[str]) -> None:
        assert split(" ".join(words), keep_quotes=True, keep_escapes=True) == words


class TestParseWords:
    """ENV, LABEL, ARG: words divided by blanks, quotes and escapes kept as written."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a=b c='d e' f=\"g h\"", ["a=b", "c='d e'", 'f="g h"']),
            ("a=b\\ c d", ["a=b\\ c", "d"]),
            ('a="b\\" c" \'d\\\' e', ['a="b\\" c"', "'d\\'", "e"]),
            ('a="b c', ['a="b c']),
            ("a='b c", ["a='b c"]),
            ("a\\", ["a"]),
            ("\\", []),
            ("a \\", ["a"]),
            ("a\\\\", ["a\\\\"]),
            ('"a\\', ['"a']),
            ("'a\\", ["'a\\"]),
            ("\"a\"'b'\\", ["\"a\"'b'"]),
            ("", []),
            ("a\u00a0b\u2003c", ["a", "b", "c"]),
        ],
    )
    def test_words(self, text: str, expected: list[str]) -> None:
        assert parse_words(text, "\\") == expected

    def test_backtick(self) -> None:
        assert parse_words("a` b c\\ d", "`") == ["a` b", "c\\", "d"]


@given(st.text(alphabet="a$X{}:-+?#%/\\'\"< \t*", max_size=20))
def test_terminates_with_a_result_or_an_expansion_error(text: str) -> None:
    parse_words(text, "\\")
    for action in (
        lambda: expand(text, {"X": "a b/aa*"}, escape="\\", modifiers=MODIFIERS),
        lambda: split(text, keep_quotes=True, keep_escapes=True),
    ):
        with contextlib.suppress(ExpansionError):
            action()


@given(st.text(alphabet=st.characters(exclude_characters="$'\"\\`<")))
def test_a_word_without_special_characters_is_itself(word: str) -> None:
    assert expand(word, {}, escape="\\", modifiers=MODIFIERS) == word
