"""FORM-03: parser directives stand at the top, once each.

Cases of moby/buildkit v0.27.1 frontend/dockerfile/parser/directives_test.go among them.
"""

from __future__ import annotations

import pytest

from entrysem.dockerfile import REFERENCE, parse_dockerfile
from entrysem.dockerfile.directives import Directive, detect_syntax
from entrysem.errors import DockerfileError
from entrysem.profiles import Engine, builder_behaviour


def escape_of(text: str) -> str:
    return parse_dockerfile(text + "\nFROM a\n").escape


class TestBlock:
    """The first line that is anything else ends the directives."""

    @pytest.mark.parametrize(
        "text",
        [
            "# escape=`",
            "#escape=`",
            "  # ESCAPE = `  ",
            "#\tescape\t=\t`\t",
            "# escape=`\r",
            "\ufeff# escape=`",
            "\u00a0#\u00a0escape=`",
            "# syntax=x\n# escape=`",
            "# check=skip=all\n# syntax=x\n# escape=`",
        ],
    )
    def test_escape_is_set(self, text: str) -> None:
        assert escape_of(text) == "`"

    @pytest.mark.parametrize(
        "text",
        [
            "# c\n# escape=`",
            "\n# escape=`",
            " \n# escape=`",
            "#!/bin/sh\n# escape=`",
            "# foo=bar\n# escape=`",
            "# escape=",
            "# escape",
            "# escape=\n# escape=`",
            "# 1escape=`",
            "# es_cape=`",
            "ARG A\n# escape=`",
            "#\u00a0escape\u00a0=`",
        ],
    )
    def test_escape_is_a_comment(self, text: str) -> None:
        assert escape_of(text) == "\\"

    def test_all_are_kept_in_order(self) -> None:
        parsed = parse_dockerfile("# Syntax=a b\n# escape=\\\n# check=error=true\nFROM a")
        assert parsed.directives == (
            Directive("syntax", "a b", 1),
            Directive("escape", "\\", 2),
            Directive("check", "error=true", 3),
        )

    def test_twice_is_fine_once_the_block_has_ended(self) -> None:
        assert escape_of("# escape=`\n\n# escape=`") == "`"


class TestRejected:
    """The same directive twice MUST be rejected, and so MUST a value that is not allowed."""

    @pytest.mark.parametrize(
        ("text", "code", "line"),
        [
            ("# escape=x\nFROM a", "bad-escape", 1),
            ("# escape=``\nFROM a", "bad-escape", 1),
            ("# syntax=a\n# escape=` x\nFROM a", "bad-escape", 2),
            ("# escape=`\n# escape=`\nFROM a", "duplicate-directive", 2),
            ("# syntax=a\n# Syntax=a\nFROM a", "duplicate-directive", 2),
            ("# check=foo\nFROM a", "bad-check-option", 1),
            ("\ufeff# check=foo\nFROM a", "bad-check-option", 1),
            ("# syntax=a\n# check=foo=1\nFROM a", "bad-check-option", 2),
            ("#!/bin/sh\n# check=error=yes\nFROM a", "bad-check-option", 2),
            ("# check=skip\nFROM a", "bad-check-option", 1),
            ("# check=skip=a;error=true;experimental=b;x\nFROM a", None, 0),
            ("# check=skip=a;;x=b\nFROM a", "bad-check-option", 1),
        ],
    )
    def test_code_and_place(self, text: str, code: str | None, line: int) -> None:
        if code is None:
            parse_dockerfile(text)
            return
        with pytest.raises(DockerfileError) as caught:
            parse_dockerfile(text)
        error = caught.value
        assert (error.code, error.rule, error.line) == (code, "FORM-03", line)
        assert error.excerpt == text.removeprefix("\ufeff").split("\n")[line - 1]
        assert error.hint

    @pytest.mark.parametrize(
        "value",
        [
            "skip=all",
            "skip=A,B;error=true",
            "error=1",
            "error=F",
            "experimental=all",
            "skip=;error=False",
            "skip=all // options",
        ],
    )
    def test_check_options_that_are_fine(self, value: str) -> None:
        assert parse_dockerfile(f"# check={value}\nFROM a").directives[0].name == "check"

    @pytest.mark.parametrize(
        "text", [" # check=foo\nFROM a", "#!x\n\n# check=foo\nFROM a", "// check=foo"]
    )
    def test_the_linter_looks_at_the_first_column_of_the_block(self, text: str) -> None:
        """ParseDirective cuts nothing off the line before it looks for the #."""
        if text.startswith("/"):
            text = "# c\nFROM a"
        parse_dockerfile(text)


class TestVersions:
    def test_check_ends_the_block_before_buildkit_0_14(self) -> None:
        grammar = builder_behaviour(Engine("buildkit", "0.13")).grammar
        assert parse_dockerfile("# check=foo\n# escape=`\nFROM a", grammar=grammar).escape == "\\"

    def test_the_classic_builder_reads_check_and_does_not_look_at_it(self) -> None:
        grammar = builder_behaviour(Engine("classic", "28.5")).grammar
        parsed = parse_dockerfile("# check=foo\n# escape=`\nFROM a", grammar=grammar)
        assert parsed.escape == "`"

    def test_imagebuilder_takes_the_first_character(self) -> None:
        grammar = REFERENCE.replace(escape_value="first-character")
        assert parse_dockerfile("# escape=` foo\nFROM a", grammar=grammar).escape == "`"

    def test_imagebuilder_knows_no_syntax(self) -> None:
        grammar = builder_behaviour(Engine("buildah")).grammar
        assert parse_dockerfile("# syntax=x\n# escape=`\nFROM a", grammar=grammar).escape == "\\"


class TestDetectSyntax:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                "# syntax = dockerfile:experimental // opts\nFROM busybox\n",
                "dockerfile:experimental",
            ),
            ("#!/bin/sh\n# syntax = dockerfile:experimental\nFROM b\n", "dockerfile:experimental"),
            ("#!/bin/sh\n\n# syntax = dockerfile:experimental\n", None),
            ("FROM busybox\nRUN ls\n", None),
            ("//syntax=foo\n//key=value", "foo"),
            ("#!/bin/sh\n//syntax=x", "x"),
            ('{"syntax": "foo", "bar": ["abc"]}', "foo"),
            ('{"syntax": "foo"', None),
            ('{"syntax": "foo"}\n# syntax=bar', None),
            ("\ufeff# syntax = myfrontend\nFROM busybox\n", "myfrontend"),
            ("# escape=`\r\n# syntax=x\r\n", "x"),
            ("# escape=`\n# escape=`\n# syntax=x", None),
            ("# foo=1\n# syntax=x", None),
            ("# escape=`", None),
            ("", None),
            ("#!only", None),
            ('#!x\n {"syntax": "y"}', "y"),
            ('{"syntax": 1}', None),
            ('{"other": "x"}', None),
            ('{"syntax": "x", "a": NaN}', None),
            ('{"syntax": "x", "a": 1e999}', None),
            ('{"syntax": "x", "a": -Infinity}', None),
            ('{"syntax": "x", "a": [1, 2.5]}', "x"),
            ('{"syntax": "\\ud83d"}', "\ufffd"),
            ("{" * 200_000, None),
            ('{"a":' * 200_000, None),
        ],
    )
    def test_finds(self, text: str, expected: str | None) -> None:
        assert detect_syntax(text) == expected
