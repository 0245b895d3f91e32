"""FORM-13: heredocs belong to RUN, COPY and ADD.

Cases of moby/buildkit v0.27.1 frontend/dockerfile/parser/parser_heredoc_test.go among them.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem.dockerfile import REFERENCE, Heredoc, parse_dockerfile, read_instructions
from entrysem.dockerfile.heredoc import heredoc_of, markers
from entrysem.errors import DockerfileError
from entrysem.profiles import Engine, builder_behaviour
from tests.dockerfile.go import GO_GRAMMAR


def bodies(text: str) -> tuple[Heredoc, ...]:
    return read_instructions(text)[0].heredocs


class TestMarkers:
    """`<<WORD` MUST open a heredoc on RUN, COPY and ADD."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("RUN <<EMPTY\nEMPTY\n", [Heredoc("EMPTY", "", 0, True, False)]),
            ("RUN 3<<EMPTY2\nEMPTY2\n", [Heredoc("EMPTY2", "", 3, True, False)]),
            ('RUN "<<NOHEREDOC"\n', []),
            ("RUN <<A\n\tb\n  c\nA", [Heredoc("A", "\tb\n  c\n", 0, True, False)]),
            ("RUN <<-A\n\tb\n\t\tA\n", [Heredoc("A", "\tb\n", 0, True, True)]),
            ("RUN <<A\n\tA\nA\n", [Heredoc("A", "\tA\n", 0, True, False)]),
            ("RUN <<-'A'\n$X\nA\n", [Heredoc("A", "$X\n", 0, False, True)]),
            ('RUN <<"A"\nA\n', [Heredoc("A", "", 0, False, False)]),
            ("RUN <<A\r\nx\r\nA\r\n", [Heredoc("A", "x\r\n", 0, True, False)]),
            (
                "COPY <<F1 <<F2 /dest\nc1\nF1\nc2\nF2\n",
                [Heredoc("F1", "c1\n", 0, True, False), Heredoc("F2", "c2\n", 0, True, False)],
            ),
            (
                "COPY <<X <<Y /dest\nY\nX\nX\nY\n",
                [Heredoc("X", "Y\n", 0, True, False), Heredoc("Y", "X\n", 0, True, False)],
            ),
            ("RUN --mount=type=cache,target=/f <<M\nx\nM\n", [Heredoc("M", "x\n", 0, True, False)]),
            ("RUN <<eo'f'\neof\n", [Heredoc("eof", "", 0, False, False)]),
            ("RUN <<eo\\'f\neo'f\n", [Heredoc("eo'f", "", 0, True, False)]),
            ("RUN <<'e'o\\'f\neo'f\n", [Heredoc("eo'f", "", 0, False, False)]),
            ("RUN <<'one two'\none two\n", [Heredoc("one two", "", 0, False, False)]),
            ("RUN <<$EOF\n$EOF\n", [Heredoc("$EOF", "", 0, True, False)]),
            ("RUN <<  EOF  > foo\nEOF\n", [Heredoc("EOF", "", 0, True, False)]),
            ("RUN <<A ${X:=y}\nA\n", [Heredoc("A", "", 0, True, False)]),
            ("RUN <<A \\\n# c\n b\nx\nA\n", [Heredoc("A", "x\n", 0, True, False)]),
            ("RUN <<''\n", []),
            ("RUN << \n", []),
            ("RUN a<<b\n", []),
            ("RUN <<<b\n", []),
            ("RUN <<a '\n", []),
            ("ONBUILD RUN <<A\nx\nA\n", [Heredoc("A", "x\n", 0, True, False)]),
            ("ONBUILD ONBUILD RUN <<A\n", []),
            ('RUN ["a"]<<A\n', []),
            ('RUN ["<<A"]\n', []),
            ("USER <<A\n", []),
            ("CMD <<A\n", []),
            ("ENTRYPOINT <<A\n", []),
        ],
    )
    def test_bodies(self, text: str, expected: list[Heredoc]) -> None:
        assert bodies(text) == tuple(expected)

    @pytest.mark.parametrize(
        ("digits", "descriptor"),
        # strconv.ParseUint with its error ignored
        [
            ("", 0),
            ("0", 0),
            ("007", 7),
            ("18446744073709551615", 2**64 - 1),
            ("18446744073709551616", 2**64 - 1),
            ("9" * 30, 2**64 - 1),
            ("0" * 30 + "1", 1),
        ],
    )
    def test_descriptor(self, digits: str, descriptor: int) -> None:
        found = heredoc_of(f"{digits}<<A", REFERENCE)
        assert found is not None
        assert found.descriptor == descriptor

    def test_lines_of_the_body_count(self) -> None:
        run, cmd = read_instructions("RUN a \\\n <<A\nx\nA\nCMD b\n")
        assert (run.start_line, run.physical_end, run.end_line) == (1, 2, 4)
        assert (cmd.start_line, cmd.end_line) == (5, 5)

    @given(st.lists(st.text(alphabet="ab \t#\\'\"[]$<", max_size=8), max_size=5))
    def test_a_body_is_verbatim(self, lines: list[str]) -> None:
        body = "".join(line + "\n" for line in lines)
        run, cmd = read_instructions(f"RUN <<EOF\n{body}EOF\nCMD x")
        assert run.heredocs == (Heredoc("EOF", body, 0, True, False),)
        assert cmd.start_line == len(lines) + 3


class TestRejected:
    """A heredoc that the file does not close MUST be rejected."""

    @pytest.mark.parametrize(
        "text",
        [
            "RUN <<EOF",
            "RUN <<EOF\nCMD a\n",
            "RUN <<EOF\n\tEOF\n",
            "COPY <<A <<B /x\nA\n",
            "RUN <<A\n" + "a" * 65_536 + "\nA\n",
        ],
    )
    def test_unterminated(self, text: str) -> None:
        with pytest.raises(DockerfileError) as caught:
            parse_dockerfile("FROM a\n" + text)
        error = caught.value
        assert (error.code, error.rule, error.line) == ("unterminated-heredoc", "FORM-13", 2)
        assert error.excerpt == text.partition("\n")[0]
        assert error.hint

    def test_a_marker_whose_quotes_do_not_match(self) -> None:
        """`\\"` loses its backslash inside a default, and is then an open quote."""
        grammar = builder_behaviour(Engine("buildkit", "0.13")).grammar
        with pytest.raises(DockerfileError) as caught:
            read_instructions('RUN <<${X:-\\"}\n${X:-"}\n', grammar)
        assert (caught.value.code, caught.value.rule) == ("bad-heredoc", "FORM-13")

    def test_as_destination(self) -> None:
        with pytest.raises(DockerfileError) as caught:
            parse_dockerfile("FROM a\nCOPY x <<EOF\nEOF\n")
        assert caught.value.code == "heredoc-destination"


class TestVersions:
    def test_none_before_buildkit_0_10(self) -> None:
        grammar = builder_behaviour(Engine("classic", "20.10.24")).grammar
        run, cmd = read_instructions("RUN <<A\nCMD b", grammar)
        assert (run.heredocs, cmd.keyword) == ((), "cmd")

    def test_a_blank_after_the_marker_before_buildkit_0_22(self) -> None:
        assert not read_instructions("RUN cat << EOF\n", GO_GRAMMAR)[0].heredocs

    def test_a_word_with_a_default_before_buildkit_0_15(self) -> None:
        text = "RUN cat <<EOF${X:-y}\nEOF${X:-y}\n"
        assert read_instructions(text, GO_GRAMMAR)[0].heredocs[0].name == "EOF${X:-y}"
        assert not read_instructions(text)[0].heredocs

    def test_imagebuilder_finds_them_with_buildkit_s_lexer(self) -> None:
        """Its own lexer knows fewer modifiers."""
        buildah = builder_behaviour(Engine("buildah", "1.35")).grammar
        assert "-" not in buildah.modifiers
        assert read_instructions("RUN <<A ${X-y}\nA\n", buildah)[0].heredocs

    def test_a_pattern_modifier_is_unknown_before_buildkit_0_13(self) -> None:
        assert not markers("RUN <<A ${X#y}", GO_GRAMMAR)
        assert markers("RUN <<A ${X#y}", REFERENCE)


def test_a_word_that_quotes_part_is_no_heredoc_when_it_is_two() -> None:
    """As JSON, a COPY destination may hold blanks. What is inconsistent is none, and no error."""
    assert heredoc_of("<<a b", REFERENCE) is None
    parse_dockerfile('FROM a\nCOPY ["a", "<<\'\' a"]')
