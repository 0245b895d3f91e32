"""FORM-06, FORM-07, FORM-09, FORM-17: one logical line."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entrysem.dockerfile import REFERENCE, Instruction, parse_dockerfile, read_instructions
from entrysem.dockerfile.instructions import KEYWORDS, arguments, healthcheck_command
from entrysem.dockerfile.text import SPACE
from entrysem.errors import DockerfileError
from tests.dockerfile.go import GO_GRAMMAR

BLANKS = "\t\v\f\r "


def one(text: str | bytes, *, escape: str = "") -> Instruction:
    prefix = f"# escape={escape}\n" if escape else ""
    source = prefix.encode() + text if isinstance(text, bytes) else prefix + text
    (found,) = read_instructions(source)
    return found


def rejected(text: str) -> DockerfileError:
    with pytest.raises(DockerfileError) as caught:
        read_instructions(text)
    return caught.value


class TestName:
    """The first word, up to the first blank, names the instruction, compared without case."""

    @pytest.mark.parametrize("name", ["CMD", "cmd", "cMd"])
    @pytest.mark.parametrize("blank", [*BLANKS.replace("\r", ""), "  \t", "\r "])
    def test_case_and_blanks(self, name: str, blank: str) -> None:
        found = one(f"{name}{blank}a")
        assert (found.keyword, found.name, found.text) == ("cmd", name, "a")

    @pytest.mark.parametrize("space", ["\u00a0", "\x85", "\u2003", "\x1c"])
    def test_other_white_space_does_not_end_it(self, space: str) -> None:
        assert one(f'CMD{space}["a"]').keyword == f'cmd{space}["a"]'

    def test_letters_that_fold_to_ascii(self) -> None:
        """strings.ToLower maps U+0130 to i and U+212A to k."""
        assert one("ENTRYPO\u0130NT a").keyword == "entrypoint"
        assert one("WOR\u212aDIR a").keyword == "workdir"

    @pytest.mark.parametrize("keyword", sorted(KEYWORDS))
    def test_alone(self, keyword: str) -> None:
        found = one(keyword.upper())
        assert (found.text, found.items, found.flags, found.trigger) == ("", None, (), None)
        assert found.form is None


class TestFlags:
    """Words at the start that begin with `--` MUST be taken as flags, quotes and escapes removed."""

    @pytest.mark.parametrize(
        ("text", "flags", "rest"),
        [
            ("--a", ("--a",), ""),
            ("--a --b=c d", ("--a", "--b=c"), "d"),
            ("--a\t--b \x0b c", ("--a", "--b"), "c"),
            ("-- a", (), "a"),
            ("--", (), ""),
            ("-- --a", (), "--a"),
            ("--a -- --b", ("--a",), "--b"),
            ("-a --b", (), "-a --b"),
            ("- a", (), "- a"),
            ("a --b", (), "a --b"),
            ('--a="b c" d', ("--a=b c",), "d"),
            ("--a='b \"c' d", ('--a=b "c',), "d"),
            ('--a="b \\" c" d', ('--a=b " c',), "d"),
            ("--a=b\\ c d", ("--a=b c",), "d"),
            ("--a\\", ("--a",), ""),
            ('--a="b\\', ("--a=b",), ""),
            ('--a="b', ("--a=b",), ""),
            # a backslash before VT continues no line, and the VT is dropped
            ("--a\\\x0b", ("--a",), ""),
            ('--a="b\\\x0b', ("--a=b",), ""),
            ("--a=à", ("--a=Ã",), ""),
            ("--a=à \u20a0", ("--a=Ã",), "\u20a0"),
            ('--"" a', (), "a"),
            ("--a=b\\", ("--a=b",), ""),
            ('--"', (), ""),
            ('--a""  --b', ("--a", "--b"), ""),
            # byte by byte: é is C3 A9, and A0 in à is a blank
            ("--a=é b", ("--a=Ã©",), "b"),
            ("--a=à b", ("--a=Ã",), "b"),
        ],
    )
    def test_flags(self, text: str, flags: tuple[str, ...], rest: str) -> None:
        found = one(f"RUN {text}")
        assert (found.flags, found.text) == (flags, rest)

    def test_the_escape_is_the_directive_s_since_buildkit_0_21(self) -> None:
        text = '# escape=`\nRUN --a=c:\\x --b=`" y\n'
        assert read_instructions(text)[0].flags == ("--a=c:\\x", '--b="')
        assert read_instructions("# escape=`\nRUN --a=c:\\x y", GO_GRAMMAR)[0].flags == ("--a=c:x",)

    def test_blanks_are_bytes(self) -> None:
        """extractBuilderFlags calls unicode.IsSpace on bytes: a stray 0xA0 before a word is skipped."""
        assert one(b'CMD \xa0["a"]').items == ("a",)
        assert one(b"RUN \x85--a \xa0--b \xa0c").flags == ("--a", "--b")
        assert one(b"RUN \x85--a \xa0--b \xa0c").text == "c"
        assert one(b"RUN --a\xa0c")[:4] == ("run", "RUN", "c", ("--a",))
        assert one("CMD a\u00a0b").text == "a\u00a0b"


class TestShellForm:
    """The arguments with white space removed at both ends and nothing else changed."""

    @given(
        st.text(alphabet=st.characters(exclude_characters="\n\ud800", exclude_categories=["Cs"]))
    )
    def test_verbatim(self, script: str) -> None:
        script = script.strip(SPACE)
        assume(script and not script.startswith(("--", "[")) and not script.endswith("\\"))
        found = one(f"CMD  {script} \t")
        assert (found.text, found.items, found.form) == (script, None, "shell")
        assert arguments(found, "\\") == (script,)

    @pytest.mark.parametrize(
        "script", ['echo   "a  b"  # c', "['a']", '["a",]', '"a"', '{"a":1}', '["a"] # c', "<<EOF"]
    )
    def test_what_looks_like_something_else(self, script: str) -> None:
        assert one(f"CMD {script}").text == script
        assert one(f"CMD {script}").form == "shell"

    def test_only_five_instructions_have_a_form(self) -> None:
        assert one("RUN a").form == "shell"
        assert one('SHELL ["a"]').form == "exec"
        assert one("WORKDIR a").form is None
        assert one("HEALTHCHECK CMD a").form == "shell"
        assert one('HEALTHCHECK CMD ["a"]').form == "exec"


class TestArguments:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('CMD ["a", "b"]', ("a", "b")),
            ("CMD []", ()),
            ("CMD", ()),
            ("FOO a b", ("",)),
            ("FOO", ("",)),
            ("ENV a=b c='d e'", ("a", "b", "c", "'d e'")),
            ("ENV a b=c d", ("a", "b=c d")),
            ("LABEL a=b=c", ("a", "b=c")),
            ("LABEL \\ ", ()),
            ("LABEL \\\x0b", ()),
            ("ENV", ()),
            ("ARG a b=c d", ("a", "b=c", "d")),
            ("COPY a  b\tc", ("a", "b", "c")),
            ("FROM a\u00a0b AS c", ("a\u00a0b", "AS", "c")),
            ("EXPOSE 1 2", ("1", "2")),
            ('VOLUME ["a", "b c"]', ("a", "b c")),
            ("VOLUME a b", ("a", "b")),
            ("USER a b", ("a b",)),
            ("HEALTHCHECK", ()),
            ("HEALTHCHECK NONE", ("NONE",)),
            ("HEALTHCHECK CMD a  b", ("CMD", "a  b")),
            ('HEALTHCHECK cmd ["a", "b"]', ("cmd", "a", "b")),
            ("HEALTHCHECK CMD []", ("CMD",)),
            ("ONBUILD CMD a", ("CMD a",)),
        ],
    )
    def test_arguments(self, text: str, expected: tuple[str, ...]) -> None:
        assert arguments(one(text + "\n"), "\\") == expected

    def test_healthcheck_is_divided_at_bytes(self) -> None:
        """unicode.IsSpace(rune(rest[sep])): the second byte of à is A0."""
        assert healthcheck_command("à x") == ("\udcc3", "x")
        assert healthcheck_command("CMD\u00a0x") == ("CMD\udcc2", "x")


class TestRejected:
    """What the text alone rejects."""

    @pytest.mark.parametrize(
        ("text", "column"),
        [
            ('CMD ["a",1]', 10),
            ('  CMD   ["a", 1]', 15),
            ("RUN --x [1]", 10),
            ('VOLUME [{"a":"b"}]', 9),
            ('HEALTHCHECK CMD ["a",null]', 22),
            ("HEALTHCHECK --x=y CMD  [1]", 25),
            ('ONBUILD CMD ["a",1]', 18),
            ("onbuild\tonbuild  add [[]]  ", 23),
            ("FOO x\\\nCMD [1]", None),
        ],
    )
    def test_an_element_that_is_no_string(self, text: str, column: int | None) -> None:
        if column is None:
            assert read_instructions(text)
            return
        error = rejected(text)
        assert (error.code, error.rule) == ("array-of-non-strings", "FORM-10")
        assert error.span == (1, column, 1, column)
        assert error.excerpt == text
        assert error.hint

    def test_an_element_on_a_continued_line(self) -> None:
        error = rejected('CMD ["a", \\\n# c\n\n  2]\n')
        assert (error.span, error.excerpt) == ((4, 3, 4, 3), "  2]")

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("ENV a", "missing-value"),
            ("ONBUILD ENV a", "missing-value"),
            ("LABEL 'a'", "missing-value"),
            ("ENV a=b c", "missing-equals"),
            ("LABEL a=b 'c d'", "missing-equals"),
            ("ENV 'a b", None),
            ("ENV 'a' b", None),
            ("ENV \\\\", "missing-value"),
            ("ENV a=\\ b", None),
        ],
    )
    def test_names_and_values(self, text: str, code: str | None) -> None:
        if code is None:
            assert read_instructions(text)
            return
        error = rejected(text)
        assert (error.code, error.rule) == (code, "FORM-17")
        assert error.hint


class TestOnbuild:
    def test_stores_an_instruction(self) -> None:
        trigger = one('ONBUILD  cmd -- ["a"]').trigger
        assert trigger is not None
        assert (trigger.keyword, trigger.name, trigger.items) == ("cmd", "cmd", ("a",))

    def test_nested(self) -> None:
        """No nesting exhausts the stack; the second pass rejects every one."""
        text = "ONBUILD " * 7_000 + "CMD a"
        assert one(text).trigger is not None
        with pytest.raises(DockerfileError) as caught:
            parse_dockerfile("FROM a\n" + text)
        assert caught.value.code == "forbidden-trigger"


def test_the_reference_is_the_default() -> None:
    assert read_instructions("CMD a") == read_instructions("CMD a", REFERENCE)
