"""FORM-01, 02, 04, 05, BUILD-08: from text to instructions and stages, and what no text can break."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import entrysem.dockerfile as package
from entrysem.dockerfile import (
    Dockerfile,
    Grammar,
    Instruction,
    parse_dockerfile,
    read_instructions,
)
from entrysem.dockerfile.parser import read_trigger
from entrysem.dockerfile.text import SPACE, decode
from entrysem.errors import DockerfileError, Span
from entrysem.profiles import BUILDERS, Engine, builder_behaviour
from entrysem.rules import RULES
from tests.strategies import dockerfiles, sources, texts

GRAMMARS = [builder_behaviour(Engine(name)).grammar for name in BUILDERS] + [
    builder_behaviour(Engine(name, version)).grammar
    for name, version in (("buildkit", "0.8.0"), ("buildkit", "0.12"), ("buildah", "1.28"))
]
BUILDAH = builder_behaviour(Engine("buildah")).grammar


def rejected(source: str | bytes, grammar: Grammar = package.REFERENCE) -> DockerfileError:
    with pytest.raises(DockerfileError) as caught:
        parse_dockerfile(source, grammar=grammar)
    return caught.value


def scripts(source: str | bytes) -> list[str]:
    return [item.text for item in read_instructions(source)]


class TestLines:
    """A physical line MUST end at LF or at the end of the file, and nowhere else."""

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("CMD a\nCMD b", ["a", "b"]),
            ("CMD a\r\nCMD b\r\r\n", ["a", "b"]),
            ("CMD a\rCMD b", ["a\rCMD b"]),
            ("CMD a\u2028b\x85c\x0bd\x1ce", ["a\u2028b\x85c\x0bd\x1ce"]),
            ("\ufeffCMD a", ["a"]),
            (b"\xef\xbb\xbfCMD a", ["a"]),
            ("CMD \ufeffa", ["\ufeffa"]),
            (" \t\u00a0CMD a \u00a0\t", ["a"]),
            ("CMD a\0b", ["a\0b"]),
            (b"CMD a\xff", ["a\udcff"]),
        ],
    )
    def test_ends_and_blanks(self, source: str | bytes, expected: list[str]) -> None:
        assert scripts(source) == expected

    def test_a_later_mark_is_part_of_the_name(self) -> None:
        error = rejected("FROM a\n\ufeffCMD a")
        assert (error.code, error.line) == ("unknown-instruction", 2)

    def test_cr_alone_ends_no_line(self) -> None:
        assert rejected("FROM a\rCMD b\r").code == "from-arguments"


class TestLongLines:
    """A physical line of more than 65,535 bytes MUST be rejected; its LF is not counted."""

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("FROM a\nCMD " + "a" * 65_531, None),
            ("FROM a\nCMD " + "a" * 65_532, 2),
            ("FROM a\nCMD " + "a" * 65_531 + "\r", 2),
            ("FROM a\nCMD " + "é" * 32_765, None),
            ("FROM a\nCMD " + "é" * 32_766, 2),
            ("\ufeffFROM " + "a" * 65_527, None),
            ("\ufeffFROM " + "a" * 65_528 + "\nFROM b", 1),
            ("FROM a\nCMD " + "a" * 65_530 + "\\\n" + "b" * 65_535, None),
            ("FROM a\nCMD a\\\n" + "b" * 65_536, 3),
            ("FROM a\n# " + "b" * 65_536 + "\nCMD x", 2),
            ("FROM a\nCMD b\nRUN " + "c" * 1_000_000 + "\n", 3),
        ],
    )
    def test_limit(self, text: str, line: int | None) -> None:
        if line is None:
            assert parse_dockerfile(text).stages
            return
        if line == 1:  # what comes before a long line is read first, and here nothing does
            assert rejected(text).code == "no-instructions"
            return
        error = rejected(text)
        assert (error.code, error.rule, error.phase) == ("line-too-long", "FORM-02", "parse")
        assert error.span == (line, 1, line, 1)
        assert error.excerpt
        assert len(error.excerpt) <= 80
        assert error.hint

    def test_buildah_allows_more(self) -> None:
        text = "FROM a\nCMD " + "a" * 100_000
        assert parse_dockerfile(text, grammar=BUILDAH).instructions[1].text == "a" * 100_000

    def test_a_builder_may_end_the_file_there(self) -> None:
        grammar = Grammar(max_line=10, long_line="ends-file")
        parsed = parse_dockerfile("FROM a\nCMD b\nCMD 12345678\nCMD c\n", grammar=grammar)
        assert [item.text for item in parsed.instructions] == ["a", "b"]


class TestContinuation:
    """The escape character and the blanks after it are dropped and nothing is put in their place."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("CMD a\\\nb", ["ab"]),
            ("CMD a \\ \t \n   b", ["a    b"]),
            ("CMD a\\\r\nb\r\n", ["ab"]),
            ("CMD a\\ \\\nb", ["a\\ b"]),
            ("CMD a\\\\\nCMD b", ["a\\\\", "b"]),
            ("CMD a\\\\\\\nCMD b", ["a\\\\\\", "b"]),
            ("CMD a\\", ["a"]),
            ("CMD a\\\n", ["a"]),
            ("CMD a\\\n\n# c\\\n \t\n b", ["a b"]),
            ("CMD a\\\n  # c", ["a"]),
            ("CMD a\\\n\\\nb", ["ab"]),
            ("CMD a\\\nb\\\\\nCMD c", ["ab\\\\", "c"]),
            ("\\\nCMD a", ["a"]),
            ("  \\\nCMD a", ["a"]),
            ("C\\\nMD a", ["a"]),
            ("CMD a\\\x0b\nCMD b", ["a\\", "b"]),
            ("CMD a\\\u00a0\nCMD b", ["a\\", "b"]),
            ("CMD a # b\\\n c", ["a # b c"]),
            ("# escape=`\nCMD a\\\nCMD b`\n c", ["a\\", "b c"]),
        ],
    )
    def test_joined(self, text: str, expected: list[str]) -> None:
        assert scripts(text) == expected

    def test_imagebuilder_continues_after_a_doubled_escape(self) -> None:
        found = read_instructions("CMD a\\\\\nb\\\\\nc", BUILDAH)
        assert [item.text for item in found] == ["a\\b\\c"]

    @given(st.lists(st.text(alphabet="ab \t'\"[],$", min_size=1), min_size=1, max_size=6))
    def test_joining_puts_nothing_between(self, parts: list[str]) -> None:
        assume(all(part.strip() for part in parts[1:]))
        parsed = read_instructions("CMD x" + "\\\n".join(parts))
        assert [item.text for item in parsed] == [("x" + "".join(parts)).strip(SPACE)]
        assert parsed[0].original == "CMD x" + "".join(parts)
        assert (parsed[0].start_line, parsed[0].end_line) == (1, len(parts))

    @given(st.lists(st.sampled_from(["", "  ", "# c", "\t#\\", "# d\\ "]), max_size=5))
    def test_comments_and_blank_lines_inside_leave_no_trace(self, inside: list[str]) -> None:
        text = "\n".join(["CMD a\\", *inside, "b"])
        assert scripts(text) == ["ab"]


class TestStructure:
    """A Dockerfile needs a stage, and instructions belong to one."""

    @pytest.mark.parametrize(
        ("source", "code", "span"),
        [
            ("", "empty-file", None),
            (b"", "empty-file", None),
            ("\ufeff", "no-instructions", (1, 1, 1, 1)),
            ("\n\n", "no-instructions", (2, 1, 2, 1)),
            ("# a\n#b", "no-instructions", (2, 1, 2, 1)),
            ("CMD a\nFROM b", "before-from", (1, 1, 1, 5)),
            ("ARG a\n\n  CMD a \\\n b \nFROM b", "before-from", (3, 3, 4, 2)),
        ],
    )
    def test_rejected(
        self, source: str | bytes, code: str, span: tuple[int, int, int, int] | None
    ) -> None:
        error = rejected(source)
        assert (error.code, error.rule, error.span) == (code, "BUILD-08", span)
        assert (error.excerpt is None) == (span is None)
        assert error.hint

    def test_stages(self) -> None:
        parsed = parse_dockerfile(
            "ARG A=b\nFROM --platform=$P $A AS One\nCMD a\nWORKDIR /\nFROM one\n"
            "COPY --from=one --chown=x a b\nCOPY a b\nRUN --mount=type=bind,from=x,source=/ y\n"
            "ADD --link a b\nONBUILD CMD x\n"
        )
        one, two = parsed.stages
        assert (one.number, one.base, one.name, one.platform) == (0, "$A", "One", "$P")
        assert [item.keyword for item in one.instructions] == ["cmd", "workdir"]
        assert [item.keyword for item in one.config] == ["cmd"]
        assert (two.number, two.base, two.name, two.platform) == (1, "one", None, None)
        assert [item.keyword for item in two.config] == ["onbuild"]
        assert two.sources == ("one", "x")
        assert [(arg.name, arg.default) for arg in parsed.global_args] == [("A", "b")]
        assert one.instruction.keyword == "from"
        assert len(parsed.instructions) == 10
        assert repr(parsed) == "<Dockerfile: 2 stages, 10 instructions>"

    def test_without_a_stage(self) -> None:
        """The text alone is fine; there is nothing to build."""
        assert parse_dockerfile("ARG a=b").stages == ()

    def test_imagebuilder_ignores_what_stands_before_from(self) -> None:
        parsed = parse_dockerfile("CMD a\nFROM b", grammar=Grammar(before_from="ignored"))
        assert (len(parsed.stages), parsed.global_args) == (1, ())

    def test_the_first_pass_comes_first(self) -> None:
        """The first line that the first pass rejects, then the first of the second pass."""
        assert rejected("FOO\nFROM a\nCMD [1]").code == "array-of-non-strings"
        assert rejected("FROM a\nFOO\nWORKDIR").code == "unknown-instruction"

    def test_imagebuilder_finds_a_problem_in_the_stage_that_has_it(self) -> None:
        text = "FROM a\nFOO\nWORKDIR\nFROM b\nCMD x\nFROM c\nUSER"
        parsed = parse_dockerfile(text, grammar=Grammar(checks="reached-stages"))
        assert [stage.problem.code if stage.problem else None for stage in parsed.stages] == [
            "unknown-instruction",
            None,
            "wrong-argument-count",
        ]
        assert rejected("FROM\nFOO", Grammar(checks="reached-stages")).code == "from-arguments"


class TestTrigger:
    """A stored trigger MUST parse to exactly one instruction."""

    def test_is_read_with_a_backslash(self) -> None:
        instruction, escape = read_trigger("CMD dir c:\\", package.REFERENCE)
        assert (instruction.text, escape) == ("dir c:", "\\")

    @pytest.mark.parametrize("text", ["CMD a\nCMD b", "FROM a", "from a"])
    def test_not_single(self, text: str) -> None:
        with pytest.raises(DockerfileError) as caught:
            read_trigger(text, package.REFERENCE)
        assert (caught.value.code, caught.value.rule) == ("trigger-not-single", "BUILD-12")

    @pytest.mark.parametrize(
        ("text", "code"),
        [("# x", "no-instructions"), ("FOO", "unknown-instruction"), ("", "empty-file")],
    )
    def test_rejected(self, text: str, code: str) -> None:
        with pytest.raises(DockerfileError) as caught:
            read_trigger(text, package.REFERENCE)
        assert caught.value.code == code


def places(parsed: Dockerfile, instruction: Instruction) -> list[str]:
    """The character that `locate` points at, for each offset of `original`."""
    found = []
    for offset in range(len(instruction.original)):
        line, column, end_line, end_column = parsed.locate(instruction, offset)
        assert (line, column) == (end_line, end_column)
        found.append(parsed.line(line)[column - 1])
    return found


class TestPlaces:
    """Lines and columns count from 1; columns count characters."""

    def test_span(self) -> None:
        parsed = parse_dockerfile("FROM a\n\n  CMD a \\\n# c\n   b  \r\nRUN <<E\nx\nE\n")
        spans = [parsed.span(item) for item in parsed.instructions]
        assert spans == [Span(1, 1, 1, 6), Span(3, 3, 5, 4), Span(6, 1, 6, 7)]

    def test_a_line_has_no_line_end(self) -> None:
        parsed = parse_dockerfile("\ufeffFROM a\r\nCMD b")
        assert (parsed.line(1), parsed.line(2)) == ("FROM a", "CMD b")

    def test_locate(self) -> None:
        parsed = parse_dockerfile("FROM a\n  CMD a\\ \n# c\n\n  b\\\n\\\nc")
        cmd = parsed.instructions[1]
        assert cmd.original == "CMD a  bc"
        assert "".join(places(parsed, cmd)) == cmd.original
        assert parsed.locate(cmd, 4) == (2, 7, 2, 7)
        assert parsed.locate(cmd, 7) == (5, 3, 5, 3)
        assert parsed.locate(cmd, 8) == (7, 1, 7, 1)

    def test_an_offset_past_the_end_stays_in_the_instruction(self) -> None:
        parsed = parse_dockerfile("FROM a\nCMD a\\\n# c\n")
        assert parsed.locate(parsed.instructions[1], 5) == (3, 1, 3, 1)

    def test_what_the_lines_of_an_instruction_hold(self) -> None:
        parsed = parse_dockerfile("FROM a\nCMD a\\\r\n# c\nb\nCMD b\\\nc\n")
        first, second = parsed.instructions[1:]
        assert parsed.is_continued(first)
        assert parsed.has_carriage_return(first)
        assert parsed.has_comment_inside(first)
        assert parsed.is_continued(second)
        assert not parsed.has_carriage_return(second)
        assert not parsed.has_comment_inside(second)
        assert not parsed.is_continued(parsed.instructions[0])

    @given(dockerfiles)
    def test_locate_round_trips(self, text: str) -> None:
        """Every character of `original` stands where `locate` says."""
        parsed = _parsed(text)
        for item in parsed.instructions:
            assert "".join(places(parsed, item)) == item.original

    @given(dockerfiles)
    def test_every_span_starts_and_ends_at_text(self, text: str) -> None:
        parsed = _parsed(text)
        after = 0
        for item in parsed.instructions:
            span = parsed.span(item)
            assert after < span.line <= span.end_line <= item.end_line
            first = parsed.line(span.line)
            assert not first[: span.column - 1].strip(SPACE)
            assert first[span.column - 1 :][:1] not in SPACE
            assert item.name == "" or first[span.column - 1] in (item.name[0], parsed.escape)
            after = item.end_line


def _parsed(text: str) -> Dockerfile:
    """With a grammar that keeps problems for later, so that most texts pass."""
    try:
        return parse_dockerfile(
            text, grammar=Grammar(checks="reached-stages", before_from="ignored")
        )
    except DockerfileError:
        assume(False)
        raise


class TestAnyInput:
    """The parser accepts or rejects, and never does anything else."""

    @given(st.one_of(texts, sources), st.sampled_from(GRAMMARS))
    def test_raises_nothing_but_dockerfile_errors(
        self, source: str | bytes, grammar: Grammar
    ) -> None:
        lines = decode(source).removeprefix("\ufeff").split("\n")
        try:
            parsed = parse_dockerfile(source, grammar=grammar)
        except DockerfileError as caught:
            error = caught
        else:
            assert parsed.source == decode(source)
            return
        assert error.rule in RULES
        assert error.phase == "parse"
        if error.span is None:
            assert (error.code, error.excerpt, error.line) == ("empty-file", None, None)
            return
        assert 1 <= error.span.line <= error.span.end_line <= len(lines)
        assert error.excerpt == lines[error.span.line - 1].rstrip("\r") or not error.excerpt

    @given(texts)
    def test_text_and_its_bytes_are_read_alike(self, text: str) -> None:
        data = decode(text).encode("utf-8", "surrogateescape")
        assert _outcome(text) == _outcome(data.decode("utf-8", "surrogateescape")) == _outcome(data)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("CMD ['a", None),
            ('CMD ["a', None),
            ("CMD [", None),
            ('CMD ["a"', None),
            ("CMD ${a", None),
            ("ENV a='b", None),
            ('ENV a="b\\', None),
            ('COPY --from="a b c', "wrong-argument-count"),
            ("RUN <<A '\nb", "unknown-instruction"),
            ("RUN <<A", "unterminated-heredoc"),
            ("CMD a \\", None),
            ("\\", "unknown-instruction"),
            ("# escape=", None),
            ("ONBUILD", "wrong-argument-count"),
            ('HEALTHCHECK CMD ["a', None),
        ],
    )
    def test_unterminated(self, text: str, code: str | None) -> None:
        found = _outcome(f"FROM a\n{text}")
        assert found == code if code else isinstance(found, tuple)

    @pytest.mark.parametrize("size", [10_000])
    def test_many_stages(self, size: int) -> None:
        text = "".join(f"FROM a AS s{number}\nCMD x\n" for number in range(size))
        assert len(parse_dockerfile(text).stages) == size

    def test_many_instructions(self) -> None:
        parsed = parse_dockerfile("FROM a\n" + 'CMD ["a"]\nENV a=b\n' * 50_000)
        assert len(parsed.instructions) == 100_001
        assert len(parsed.stages[0].config) == 50_000

    def test_many_continued_lines(self) -> None:
        parsed = parse_dockerfile("FROM a\nCMD a" + "\\\n# c\nb" * 100_000)
        assert len(parsed.instructions[1].text) == 100_001
        assert parsed.instructions[1].end_line == 200_002

    def test_deep_json(self) -> None:
        text = "FROM a\nCMD " + "[" * 30_000 + "]" * 30_000
        assert parse_dockerfile(text).instructions[1].form == "shell"
        assert rejected("FROM a\nCMD " + "[" * 9_000 + "]" * 9_000).code == "array-of-non-strings"

    def test_a_large_heredoc(self) -> None:
        body = "CMD x\n" * 200_000
        parsed = parse_dockerfile(f"FROM a\nRUN <<E\n{body}E\nCMD y")
        run, cmd = parsed.instructions[1:]
        assert run.heredocs[0].content == body
        assert cmd.start_line == 200_004

    @pytest.mark.parametrize(
        "piece",
        [
            "a\\",
            '"',
            "'",
            '\\"',
            "${a:-",
            "$",
            "<<",
            "a=b ",
            "--x ",
            '--x="',
            "[",
            "{",
            '["a",',
            "`",
        ],
    )
    @pytest.mark.parametrize("keyword", ["CMD", "ENV", "RUN", "COPY", "HEALTHCHECK CMD", "ARG"])
    def test_no_repetition_takes_long(self, keyword: str, piece: str) -> None:
        """No pattern backtracks for ever; what comes out does not matter here."""
        assert _outcome(f"FROM a\n{keyword} {piece * 3_000}") is not None


def _outcome(source: str | bytes) -> object:
    try:
        return parse_dockerfile(source).instructions
    except DockerfileError as error:
        return error.code
