"""Properties of the build. The docstring of each class is the sentence that it tests."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem import Base, DockerfileError, ImageConfig, Inherited, Profile, build_image
from entrysem.model import is_known

WORDS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), max_size=4
)
SCRIPT = st.from_regex(r"[a-z][a-z $\"']{0,12}[a-z]", fullmatch=True)
BASES = st.builds(
    ImageConfig,
    entrypoint=st.none() | WORDS.map(tuple),
    cmd=st.none() | WORDS.map(tuple),
    shell=st.none() | st.lists(SCRIPT, min_size=1, max_size=3).map(tuple),
    onbuild=st.just(()),
    args_escaped=st.just(False),
)


def exec_form(words: list[str]) -> str:
    return json.dumps(words)


def config(
    text: str, base: ImageConfig | None = None, builder: str = "buildkit", **options: object
) -> ImageConfig:
    bases = {"base": base} if base is not None else None
    return build_image(text, bases=bases, profile=Profile.parse(builder), **options).config  # type: ignore[arg-type]


class TestCmdReplacesCmd:
    """CMD replaces Cmd as a whole; the last one of a stage wins (BUILD-01)."""

    @given(BASES, WORDS, WORDS)
    def test_last_wins(self, base: ImageConfig, first: list[str], last: list[str]) -> None:
        got = config(f"FROM base\nCMD {exec_form(first)}\nCMD {exec_form(last)}\n", base)
        assert got.cmd == (tuple(last) or None)
        assert got.entrypoint == (base.entrypoint or None)


class TestEntrypointEmptiesInheritedCmd:
    """ENTRYPOINT empties a Cmd that its stage has not set, before or after (BUILD-02)."""

    @given(BASES, WORDS)
    def test_without_cmd(self, base: ImageConfig, words: list[str]) -> None:
        got = config(f"FROM base\nENTRYPOINT {exec_form(words)}\n", base)
        assert got.cmd is None
        assert got.entrypoint == (tuple(words) or None)

    @given(BASES, WORDS, WORDS)
    def test_order_does_not_matter(
        self, base: ImageConfig, entrypoint: list[str], cmd: list[str]
    ) -> None:
        lines = [f"ENTRYPOINT {exec_form(entrypoint)}", f"CMD {exec_form(cmd)}"]
        one = config("\n".join(["FROM base", *lines]), base)
        other = config("\n".join(["FROM base", *reversed(lines)]), base)
        assert one == other
        assert one.cmd == (tuple(cmd) or None)

    @given(WORDS.filter(bool), WORDS)
    def test_an_earlier_stage_is_a_base(self, cmd: list[str], entrypoint: list[str]) -> None:
        text = (
            f"FROM scratch AS a\nCMD {exec_form(cmd)}\nFROM a\nENTRYPOINT {exec_form(entrypoint)}\n"
        )
        assert config(text).cmd is None


class TestShellForm:
    """Shell form is the SHELL in force at that line and the text as one word (BUILD-04)."""

    @given(st.lists(SCRIPT, min_size=1, max_size=4), SCRIPT, SCRIPT)
    def test_a_later_shell_changes_nothing(self, shell: list[str], one: str, other: str) -> None:
        text = (
            f'FROM scratch\nSHELL {exec_form(shell)}\nCMD {one}\nSHELL ["z"]\nENTRYPOINT {other}\n'
        )
        got = config(text)
        assert got.cmd == (*shell, one)
        assert got.entrypoint == ("z", other)
        assert got.shell == ("z",)

    @given(BASES, SCRIPT)
    def test_the_base_shell_is_inherited(self, base: ImageConfig, script: str) -> None:
        got = config(f"FROM base\nCMD {script}\n", base)
        assert got.cmd == (*(base.shell or ("/bin/sh", "-c")), script)

    @given(BASES, SCRIPT)
    def test_buildah_uses_bin_sh(self, base: ImageConfig, script: str) -> None:
        got = config(f"FROM base\nCMD {script}\n", base, builder="buildah-docker")
        assert got.cmd == ("/bin/sh", "-c", script)

    def test_bytes_that_are_no_utf8_are_stored_as_replacement_characters(self) -> None:
        image = build_image(b"FROM scratch\nCMD a\xff\xed\xa0\x80b\n")
        assert image.config.cmd == ("/bin/sh", "-c", "a\ufffd\ufffd\ufffd\ufffdb")


class TestUnknownBase:
    """What an unknown base brings stays unknown, and the rest is definite (BUILD-15)."""

    def test_nothing_set(self) -> None:
        got = config("FROM acme/x\n")
        assert got.entrypoint == (Inherited("Entrypoint", "acme/x"),)
        assert got.cmd == (Inherited("Cmd", "acme/x"),)
        assert got.unknown == (Inherited("Entrypoint", "acme/x"), Inherited("Cmd", "acme/x"))

    @given(WORDS, WORDS)
    def test_both_set_is_known(self, entrypoint: list[str], cmd: list[str]) -> None:
        image = build_image(
            f"FROM acme/x\nENTRYPOINT {exec_form(entrypoint)}\nCMD {exec_form(cmd)}\n"
        )
        assert is_known(image.config.entrypoint)
        assert is_known(image.config.cmd)
        assert image.built is not None
        assert not image.built.cmd_assumptions

    def test_entrypoint_alone_assumes_no_triggers(self) -> None:
        image = build_image('FROM acme/x\nENTRYPOINT ["e"]\n')
        assert image.config.cmd is None
        assert image.built is not None
        assert "acme/x" in image.built.cmd_assumptions[0]

    @given(SCRIPT)
    def test_shell_form_needs_the_shell(self, script: str) -> None:
        assert config(f"FROM acme/x\nCMD {script}\n").cmd == (Inherited("Shell", "acme/x"), script)
        assert config(f'FROM acme/x\nSHELL ["s"]\nCMD {script}\n').cmd == ("s", script)


class TestTriggers:
    """A base's triggers run first in the child stage, as part of it (BUILD-12)."""

    def child(self, text: str, *triggers: str, builder: str = "buildkit") -> ImageConfig:
        base = ImageConfig(cmd=("bc",), onbuild=triggers)
        return config(text, base, builder)

    def test_a_triggered_cmd_counts_as_the_stage_s(self) -> None:
        got = self.child('FROM base\nENTRYPOINT ["e"]\n', 'CMD ["t"]')
        assert (got.entrypoint, got.cmd) == (("e",), ("t",))

    def test_a_triggered_entrypoint_empties_the_inherited_cmd(self) -> None:
        got = self.child("FROM base\n", 'ENTRYPOINT ["te"]')
        assert (got.entrypoint, got.cmd) == (("te",), None)

    def test_triggers_are_not_inherited_twice(self) -> None:
        text = 'FROM scratch AS a\nONBUILD CMD ["t"]\nFROM a AS b\nCMD ["own"]\nFROM b\n'
        assert config(text).cmd == ("own",)
        assert config(text).onbuild == ()

    def test_the_stored_text_keeps_case_and_trailing_blanks(self) -> None:
        assert config('FROM scratch\nonbuild   cmd ["a"]  \n').onbuild == ('cmd ["a"]  ',)

    def test_a_heredoc_is_stored_with_its_body(self) -> None:
        assert config("FROM scratch\nONBUILD RUN <<E\nx\nE\n").onbuild == ("RUN <<E\nx\nE",)

    def test_a_trigger_is_read_with_a_backslash_as_escape(self) -> None:
        got = self.child("# escape=`\nFROM base\n", "CMD dir c:\\")
        assert got.cmd == ("/bin/sh", "-c", "dir c:")

    @pytest.mark.parametrize(
        ("trigger", "code"),
        [
            ("FOO x", "unknown-instruction"),
            ("CMD [1]", "array-of-non-strings"),
            ("FROM x", "trigger-not-single"),
            ("# x", "no-instructions"),
            ("CMD a\nCMD b", "trigger-not-single"),
            ("SHELL x", "shell-not-json"),
        ],
    )
    def test_a_bad_trigger_rejects_the_child(self, trigger: str, code: str) -> None:
        with pytest.raises(DockerfileError) as caught:
            self.child("FROM base\n", trigger)
        assert (caught.value.phase, caught.value.code, caught.value.line) == ("build", code, 1)

    def test_a_stored_onbuild_goes_on_to_the_grandchild(self) -> None:
        assert self.child("FROM base\n", "ONBUILD CMD x").onbuild == ("CMD x",)

    def test_a_trigger_that_decides_nothing(self) -> None:
        assert self.child("FROM base\n", "RUN x").cmd == ("bc",)

    def test_the_oci_format_drops_them(self) -> None:
        got = self.child('FROM base\nSHELL ["s"]\nONBUILD CMD x\n', 'CMD ["t"]', builder="buildah")
        assert got == ImageConfig(cmd=("bc",))


class TestClassic:
    """The classic builder's own ways, observed on Docker Engine 20.10 to 28.5."""

    def test_bare_instructions(self) -> None:
        assert config("FROM scratch\nCMD\n", builder="classic").cmd == ("/bin/sh", "-c")
        assert config("FROM scratch\nENTRYPOINT\n", builder="classic").entrypoint is None

    def test_a_bare_cmd_does_not_protect(self) -> None:
        assert config('FROM scratch\nCMD\nENTRYPOINT ["e"]\n', builder="classic").cmd is None

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("FROM scratch\n", "nothing-built"),
            ("FROM scratch:v1\nCMD a\n", "reserved-name"),
            ("FROM scratch AS a\nFROM scratch AS A\nCMD a\n", "duplicate-stage"),
            ("FROM scratch\nCOPY <<E /x\nE\n", "heredoc-not-copied"),
            ("FROM scratch\nRUN --mount=type=tmpfs,target=/x true\n", "needs-buildkit"),
        ],
    )
    def test_rejections(self, text: str, code: str) -> None:
        with pytest.raises(DockerfileError) as caught:
            config(text, builder="classic")
        assert (caught.value.code, caught.value.phase) == (code, "build")

    def test_windows_shell_form_is_one_line(self) -> None:
        got = config("FROM scratch\nCMD a b\n", builder="classic", platform="windows/amd64")
        assert got.cmd == ("cmd /S /C a b",)
        assert got.args_escaped


class TestKaniko:
    """kaniko decides the reset at the stage's end, and shares SHELL's storage (source-read)."""

    def test_lower_case_cmd_is_not_counted(self) -> None:
        got = config('FROM scratch\ncmd ["a"]\nENTRYPOINT ["b"]\n', builder="kaniko")
        assert (got.entrypoint, got.cmd) == (("b",), None)

    def test_nothing_to_reset(self) -> None:
        assert config('FROM scratch\nENTRYPOINT ["b"]\n', builder="kaniko").cmd is None

    @pytest.mark.parametrize("length", [3, 5, 6, 7])
    def test_shared_storage(self, length: int) -> None:
        shell = [f"s{number}" for number in range(length)]
        head = f"FROM scratch\nSHELL {exec_form(shell)}\n"
        got = config(head + "CMD x\nENTRYPOINT y\n", builder="kaniko")
        assert (got.cmd, got.entrypoint) == ((*shell, "y"), (*shell, "y"))
        got = config(head + "ENTRYPOINT y\nCMD x\n", builder="kaniko")
        assert (got.cmd, got.entrypoint) == ((*shell, "x"), (*shell, "x"))

    def test_other_lengths_are_copied(self) -> None:
        got = config('FROM scratch\nSHELL ["a","b"]\nCMD x\nENTRYPOINT y\n', builder="kaniko")
        assert (got.cmd, got.entrypoint) == (("a", "b", "x"), ("a", "b", "y"))


def test_lint_errors_are_an_assumption() -> None:
    image = build_image("# check=error=true\nFROM scratch\nCMD a\n")
    assert image.built is not None
    assert "linter" in image.built.reading_assumptions[0]
    image = build_image("# check=skip=all\nFROM scratch\nCMD a\n")
    assert image.built is not None
    assert not image.built.reading_assumptions


def test_a_catalogue_note_is_kept() -> None:
    base = Base(ImageConfig(cmd=("c",)), "catalogue", "catalogue of today")
    image = build_image("FROM x\n", bases=lambda name: base if name == "x" else None)
    assert image.built is not None
    assert (image.built.origin, image.built.origin_note) == ("catalogue", "catalogue of today")


def test_buildah_checks_a_stage_when_it_is_reached() -> None:
    text = "FROM scratch AS a\nCMD a\nFROM scratch\nFOO\n"
    assert config(text, builder="buildah", target="a").cmd == ("/bin/sh", "-c", "a")
    with pytest.raises(DockerfileError, match="unknown instruction"):
        config(text, builder="buildah")
