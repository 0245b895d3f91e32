"""FORM-16, FORM-17, BUILD-09, BUILD-11: the second pass.

Messages and order are those of moby/buildkit v0.27.1 frontend/dockerfile/instructions/{parse,bflag}.go.
"""

from __future__ import annotations

import pytest

from entrysem.dockerfile import Grammar, parse_dockerfile
from entrysem.dockerfile.checks import is_plainly_fine
from entrysem.dockerfile.grammar import REFERENCE
from entrysem.errors import DockerfileError
from entrysem.profiles import Engine, builder_behaviour
from entrysem.rules import RULES

BUILDAH = builder_behaviour(Engine("buildah")).grammar
HINTED = {"unknown-instruction", "unknown-flag", "shell-not-json", "from-arguments"}


def code_of(text: str, grammar: Grammar = REFERENCE) -> str | None:
    error = error_of(text, grammar)
    if error is None:
        return None
    assert error.rule in RULES
    assert error.span is not None
    assert error.excerpt == text.split("\n")[error.span.line - 1]
    assert error.hint or error.code not in HINTED
    return error.code


def error_of(text: str | bytes, grammar: Grammar = REFERENCE) -> DockerfileError | None:
    try:
        parse_dockerfile(text, grammar=grammar)
    except DockerfileError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FOO a", "unknown-instruction"),
        ("CMDD a", "unknown-instruction"),
        ("\\\n\n", "unknown-instruction"),
        ("USER", "wrong-argument-count"),
        ("USER a", None),
        ("USER --x a", "unknown-flag"),
        ("MAINTAINER", "wrong-argument-count"),
        ("WORKDIR", "wrong-argument-count"),
        ("STOPSIGNAL", "wrong-argument-count"),
        ("STOPSIGNAL --x 9", None),  # parseStopSignal does not parse flags
        ("EXPOSE", "wrong-argument-count"),
        ("EXPOSE 1", None),
        ("EXPOSE --x 1", "unknown-flag"),
        ("VOLUME", "wrong-argument-count"),
        ("VOLUME []", "wrong-argument-count"),
        ('VOLUME ["a", " "]', "blank-volume"),
        ('VOLUME ["a"]', None),
        ("VOLUME --x a", "unknown-flag"),
        ("ENV", "wrong-argument-count"),
        ("ENV a=b", None),
        ("ENV =b", "blank-name"),
        ("LABEL a=b =c", "blank-name"),
        ("ENV --x a=b", "unknown-flag"),
        ("ENV --x", "unknown-flag"),
        ("ARG", "wrong-argument-count"),
        ("ARG a b", None),
        ("ARG a =b", "blank-name"),
        ("ARG --x a", None),  # nor does parseArg
        ("COPY a", "wrong-argument-count"),
        ("ADD", "wrong-argument-count"),
        ('COPY ["a"]', "wrong-argument-count"),
        ("COPY a b", None),
        ("COPY a\tb", None),
        ("COPY <<A <<B\nA\nB\n", "heredoc-destination"),
        ('ADD ["a", "<<B"]', "heredoc-destination"),
        ('ADD ["a", "<<\'B"]', None),
        ("COPY a b<c", None),
        ("COPY --x a b", "unknown-flag"),
        ("COPY --from a b", "missing-flag-value"),
        ("COPY --from= a b", None),
        ("COPY --from=x --from=y a b", "duplicate-flag"),
        ("COPY --exclude=x --exclude=y a b", None),
        ("COPY --exclude a b", "missing-flag-value"),
        ("COPY --link a b", None),
        ("COPY --link=True a b", None),
        ("COPY --link=FALSE a b", None),
        ("COPY --link= a b", "missing-flag-value"),
        ("COPY --link=yes a b", "bad-flag-value"),
        ("COPY --link --link a b", "duplicate-flag"),
        ("ADD --keep-git-dir --checksum=x --unpack a b", None),
        ("RUN --mount=a --mount=b --network=none true", None),
        ("RUN --x true", "unknown-flag"),
        ("RUN", None),
        ("CMD", None),
        ("CMD --x", "unknown-flag"),
        ("ENTRYPOINT", None),
        ("ENTRYPOINT []", None),
        ("ENTRYPOINT --x a", "unknown-flag"),
        ("SHELL", "shell-empty"),
        ("SHELL []", "shell-empty"),
        ("SHELL a", "shell-not-json"),
        ('SHELL ["a"] x', "shell-not-json"),
        ('SHELL [""]', None),
        ('SHELL --x ["a"]', "unknown-flag"),
        ("ONBUILD", "wrong-argument-count"),
        ("ONBUILD CMD a", None),
        ("ONBUILD FOO", None),
        ("ONBUILD SHELL a", None),
        ("ONBUILD --x CMD y", "unknown-flag"),
        ("ONBUILD ONBUILD CMD a", "forbidden-trigger"),
        ("ONBUILD from a", "forbidden-trigger"),
        ("ONBUILD Maintainer a", "forbidden-trigger"),
        ("FROM", "from-arguments"),
        ("FROM a b", "from-arguments"),
        ("FROM a is b", "from-arguments"),
        ("FROM a AS", "from-arguments"),
        ("FROM scratch # x", "from-arguments"),
        ("FROM scratch # x y", "from-arguments"),
        ("FROM a as B-1_.", None),
        ("FROM a A\u017f b", None),  # strings.EqualFold: U+017F folds to s
        ("FROM a as b\u0130", None),  # strings.ToLower: U+0130 is i
        ("FROM a as 1b", "bad-stage-name"),
        ("FROM a as b/c", "bad-stage-name"),
        ("FROM a as é", "bad-stage-name"),
        ("FROM --platform=x a", None),
        ("FROM --platform a", "missing-flag-value"),
        ("FROM --x a", "unknown-flag"),
        ("FROM -- a", None),
        ("HEALTHCHECK", "wrong-argument-count"),
        ("HEALTHCHECK none", None),
        ("HEALTHCHECK NONE a", "wrong-argument-count"),
        ("HEALTHCHECK --x NONE", None),  # NONE is looked at before the flags
        ("HEALTHCHECK FOO a", "unknown-healthcheck"),
        ("HEALTHCHECK CMD", "wrong-argument-count"),
        ("HEALTHCHECK CMD []", "wrong-argument-count"),
        ('HEALTHCHECK CMD [""]', None),
        ("HEALTHCHECK CMD a", None),
        ("HEALTHCHECK --x=1 CMD a", "unknown-flag"),
        ("HEALTHCHECK --interval=30s --timeout=1m30s --retries=3 CMD a", None),
    ],
)
def test_instruction(text: str, code: str | None) -> None:
    assert code_of(f"FROM scratch\n{text}\n") == code


@pytest.mark.parametrize(
    ("value", "fine"),
    # Go's time.ParseDuration and parseOptInterval
    [
        ("", True),
        ("0", True),
        ("+0", True),
        ("-0", True),
        ("0s", True),
        ("-0s", True),
        ("30s", True),
        ("1.5h", True),
        (".5s", True),
        ("1.s", True),
        ("1h2m3.4s5ms", True),
        ("1000us", True),
        ("1000µs", False),  # flags are read byte by byte: the unit is Âµs
        ("1ms", True),
        ("1000000ns", True),
        ("+1s", True),
        ("0.1ns", True),  # less than a nanosecond is nothing, and nothing is not given
        ("2562047h", True),
        ("2562048h", False),
        ("99999999999999999999ns", False),
        ("0" * 5_000 + "1s", True),
        ("1." + "0" * 5_000 + "s", True),
        ("-1s", False),
        ("999us", False),
        ("0.9999999ms", False),
        ("1", False),
        ("s", False),
        (".s", False),
        ("1 s", False),
        ("1d", False),
        ("1S", False),
        ("1.2.3s", False),
        ("x", False),
    ],
)
@pytest.mark.parametrize("flag", ["interval", "timeout", "start-period", "start-interval"])
def test_duration(flag: str, value: str, fine: bool) -> None:
    text = f'FROM a\nHEALTHCHECK --{flag}="{value}" CMD x'
    assert code_of(text) == (None if fine else "bad-flag-value")


def test_a_duration_in_latin_1() -> None:
    """In a file that is not UTF-8 the byte B5 is Go's µ."""
    assert error_of(b"FROM a\nHEALTHCHECK --interval=1000\xb5s CMD x") is None
    error = error_of(b"FROM a\nHEALTHCHECK --interval=999\xb5s CMD x")
    assert error is not None
    assert error.code == "bad-flag-value"


@pytest.mark.parametrize(
    ("value", "fine"),
    # strconv.ParseInt(value, 10, 32), and not negative
    [
        ("", True),
        ("0", True),
        ("-0", True),
        ("+3", True),
        ("0000000000003", True),
        ("2147483647", True),
        ("2147483648", False),
        ("9" * 5_000, False),
        ("-1", False),
        ("-2147483649", False),
        ("1.0", False),
        ("x", False),
        ("٣", False),
    ],
)
def test_retries(value: str, fine: bool) -> None:
    assert code_of(f"FROM a\nHEALTHCHECK --retries={value} CMD x") == (
        None if fine else "bad-flag-value"
    )


@pytest.mark.parametrize(
    ("word", "suggested"), [("FORM", "FROM"), ("ENTRYPIONT", "ENTRYPOINT"), ("RUNN", "RUN")]
)
def test_a_misspelled_instruction_gets_a_suggestion(word: str, suggested: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_dockerfile(f"FROM a\n{word} x")
    assert suggested in (caught.value.hint or "")


def test_a_word_like_none_gets_the_usual_cause() -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_dockerfile("FROM a\n&& apt-get update")
    assert "escape character" in (caught.value.hint or "")


@pytest.mark.parametrize("keyword", ["CMD", "ENTRYPOINT"])
def test_a_flag_on_a_command_is_explained(keyword: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_dockerfile(f"FROM a\n{keyword} --port 80")
    assert '["program", "--port"]' in (caught.value.hint or "")


class TestVersions:
    def test_a_flag_that_an_older_builder_lacks(self) -> None:
        grammar = builder_behaviour(Engine("buildkit", "0.9")).grammar
        assert code_of("FROM a\nCOPY --link a b", grammar) == "unknown-flag"
        assert code_of("FROM a\nCOPY --link a b") is None

    def test_imagebuilder_drops_flags_where_there_are_none(self) -> None:
        assert code_of("FROM a\nCMD --x a", BUILDAH) is None

    def test_the_classic_builder_takes_one_arg(self) -> None:
        classic = builder_behaviour(Engine("classic", "20.10.24")).grammar
        if not classic.multiple_args:
            assert code_of("ARG a b\nFROM a", classic) == "wrong-argument-count"
        assert code_of("ARG a\nFROM a", Grammar(multiple_args=False)) is None
        assert code_of("ARG a b\nFROM a", Grammar(multiple_args=False)) == "wrong-argument-count"

    def test_stage_names_are_free_in_imagebuilder(self) -> None:
        assert code_of("FROM a AS 1", Grammar(stage_name="free")) is None

    @pytest.mark.parametrize("text", ["ENTRYPOINT", "ENTRYPOINT []"])
    def test_buildkit_0_8_0_rejected_an_empty_entrypoint(self, text: str) -> None:
        grammar = builder_behaviour(Engine("buildkit", "0.8.0")).grammar
        assert code_of(f"FROM a\n{text}", grammar) == "wrong-argument-count"
        for fine in ("ENTRYPOINT a", 'ENTRYPOINT ["a"]', "ENTRYPOINT ab"):
            assert code_of(f"FROM a\n{fine}", grammar) is None
        later = builder_behaviour(Engine("buildkit", "0.8.1")).grammar
        assert code_of(f"FROM a\n{text}", later) is None


@pytest.mark.parametrize(
    "text",
    [
        *("run x", "cmd x", "cmd ", "entrypoint abc", "user a", "copy a b", "add a b", "expose 1"),
        *("workdir a", "maintainer a", "stopsignal 9"),
    ],
)
def test_what_is_plainly_fine_passes_the_checks(text: str) -> None:
    keyword, _, rest = text.partition(" ")
    assert is_plainly_fine(keyword, rest)
    assert code_of(f"FROM a\n{text}") is None


@pytest.mark.parametrize("text", ["from a", "copy a", "copy <<A /x", "user ", "entrypoint []"])
def test_what_is_not_plainly_fine_is_looked_at(text: str) -> None:
    keyword, _, rest = text.partition(" ")
    assert not is_plainly_fine(keyword, rest)
