"""Properties of the merge. The docstring of each class is the sentence that it tests."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entrysem import ImageConfig, Inherited, InputError, Profile, RunOptions, resolve
from entrysem.merge import expand_references
from entrysem.shellwords import shellwords

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
WORDS = st.lists(WORD, max_size=3).map(tuple)
SOME = st.lists(WORD, min_size=1, max_size=3).map(tuple)
IMAGE = st.builds(
    ImageConfig,
    entrypoint=st.none() | WORDS,
    cmd=st.none() | WORDS,
    shell=st.just(("never", "used")),
    onbuild=st.just(()),
    args_escaped=st.booleans(),
)


def argv(
    image: ImageConfig,
    args: tuple[str, ...] | None = None,
    entrypoint: str | tuple[str, ...] | None = None,
    runtime: str = "docker",
    **options: object,
) -> tuple[str, ...] | str | None:
    run = RunOptions(args, entrypoint, **options)  # type: ignore[arg-type]
    answer = resolve(image, run, profile=Profile.parse(runtime=runtime))
    if answer.error is not None and answer.error.phase == "create":
        assert answer.argv is None
        return answer.error.code
    return answer.argv


def expected(words: tuple[str, ...]) -> tuple[str, ...] | str:
    return words or "no-command-specified"


class TestArgv:
    """argv is Entrypoint followed by Cmd; without any word there is nothing to run (MERGE-01, -06)."""

    @given(IMAGE)
    def test_defaults(self, image: ImageConfig) -> None:
        assume(image.entrypoint != ("",))
        entrypoint, cmd = image.entrypoint or (), image.cmd or ()
        assert argv(image) == expected(tuple(map(str, entrypoint + cmd)))

    @given(IMAGE, SOME)
    def test_arguments_replace_cmd(self, image: ImageConfig, args: tuple[str, ...]) -> None:
        assume(image.entrypoint != ("",))
        assert argv(image, args) == tuple(map(str, image.entrypoint or ())) + args


class TestOverride:
    """An entrypoint override replaces Entrypoint and drops the image's Cmd (MERGE-03)."""

    @given(IMAGE, SOME, st.none() | WORDS)
    def test_list(
        self, image: ImageConfig, entrypoint: tuple[str, ...], args: tuple[str, ...] | None
    ) -> None:
        assume(entrypoint != ("",))
        assert argv(image, args, entrypoint) == entrypoint + (args or ())

    @given(IMAGE, WORD.filter(bool), st.none() | WORDS)
    def test_typed_is_one_word(
        self, image: ImageConfig, typed: str, args: tuple[str, ...] | None
    ) -> None:
        assert argv(image, args, typed) == (typed, *(args or ()))


class TestEmptyWord:
    """An entrypoint of exactly one empty string is none (MERGE-04)."""

    @given(st.none() | WORDS)
    def test_in_the_image(self, cmd: tuple[str, ...] | None) -> None:
        assert argv(ImageConfig(("",), cmd)) == expected(cmd or ())

    @given(IMAGE, WORDS)
    def test_typed(self, image: ImageConfig, args: tuple[str, ...]) -> None:
        assert argv(image, args, "") == expected(args)
        assert argv(image, args, ("",)) == expected(args)

    def test_two_empty_strings_are_words(self) -> None:
        answer = resolve(ImageConfig(), RunOptions(entrypoint=("", "")))
        assert answer.argv == ("", "")
        assert answer.error is not None
        assert (answer.error.phase, answer.error.code) == ("start", "empty-program")


class TestEmptyLists:
    """An empty list as entrypoint clears it and keeps Cmd; an empty argument list is none
    (MERGE-05, -08)."""

    @given(IMAGE)
    def test_cleared(self, image: ImageConfig) -> None:
        assert argv(image, None, ()) == expected(tuple(map(str, image.cmd or ())))

    @given(IMAGE, st.none() | WORDS)
    def test_no_arguments(self, image: ImageConfig, entrypoint: tuple[str, ...] | None) -> None:
        assert argv(image, (), entrypoint) == argv(image, None, entrypoint)


class TestInit:
    """--init puts a program before argv (MERGE-10)."""

    @given(IMAGE, SOME)
    def test_prefix(self, image: ImageConfig, args: tuple[str, ...]) -> None:
        without = argv(image, args)
        assert isinstance(without, tuple)
        assert argv(image, args, init=True) == ("/sbin/docker-init", "--", *without)

    def test_kubernetes_has_none(self) -> None:
        with pytest.raises(InputError, match="no --init"):
            argv(ImageConfig(cmd=("c",)), init=True, runtime="cri")


class TestPodman:
    """Podman reads --entrypoint as JSON first (MERGE-07); observed on Podman 3.0 to 5.8."""

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ('["p","q"]', ("p", "q")),
            ("a b", ("a b",)),
            ("[]", ("c",)),
            ("null", ("e", "c")),
            ('["a",1]', ("a", "", '["a",1]')),
            ("[null]", "empty"),
            ('"p"', ('"p"',)),
            ('{"a":1}', ('{"a":1}',)),
            ('["p"] x', ('["p"] x',)),
            ("[NaN]", ("[NaN]",)),
            ("[" * 5000, ("[" * 5000,)),
        ],
    )
    def test_typed(self, typed: str, words: tuple[str, ...] | str) -> None:
        got = argv(ImageConfig(("e",), ("c",)), None, typed, "podman")
        assert got == (("",) if words == "empty" else words)

    def test_nothing_to_run(self) -> None:
        assert argv(ImageConfig(), runtime="podman@4.9") == "no-command-specified"
        answer = resolve(ImageConfig(), profile=Profile.parse(runtime="podman"))
        assert answer.argv == ("",)
        assert answer.error is not None
        assert answer.error.phase == "start"

    def test_an_empty_text(self) -> None:
        image = ImageConfig(("e",), ("c",))
        assert argv(image, None, "", "podman@3.0") == ("c",)
        assert argv(image, ("x",), "", "podman") == ("x",)


class TestKubernetes:
    """command is the entrypoint and args are the arguments; $(NAME) is expanded (MERGE-11, -12)."""

    @pytest.mark.parametrize(
        ("command", "args", "words"),
        [
            (None, None, ("/ep-1", "foo", "bar")),
            (("/ep-2",), None, ("/ep-2",)),
            (None, ("zoo", "boo"), ("/ep-1", "zoo", "boo")),
            (("/ep-2",), ("zoo", "boo"), ("/ep-2", "zoo", "boo")),
            ((), (), ("/ep-1", "foo", "bar")),
        ],
    )
    def test_the_documented_table(
        self, command: tuple[str, ...] | None, args: tuple[str, ...] | None, words: tuple[str, ...]
    ) -> None:
        image = ImageConfig(("/ep-1",), ("foo", "bar"))
        assert argv(image, args, command, "cri") == words

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("$(A)", "1"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$(Z)", "$(Z)"),
            ("$A", "$A"),
            ("$(A", "$(A"),
            ("$", "$"),
            ("x$(A)$(A)", "x11"),
        ],
    )
    def test_expansion(self, text: str, value: str) -> None:
        assert expand_references(text, {"A": "1"}) == value
        image = ImageConfig(("e", text))
        assert argv(image, (text,), None, "cri", env={"A": "1"}) == ("e", text, value)
        assert argv(image, None, ("f", text), "cri", env={"A": "1"}) == ("f", value)

    def test_an_empty_word_of_the_image_is_none(self) -> None:
        image = ImageConfig(("",), ("c",))
        assert argv(image, runtime="cri") == ("c",)
        assert argv(image, ("x",), ("",), "cri") == ("", "x")


class TestUnknown:
    """Unknown words stay where they would stand (BUILD-15)."""

    def test_template(self) -> None:
        answer = resolve("FROM acme/x\n", RunOptions(args=("a",)))
        assert answer.words == (Inherited("Entrypoint", "acme/x"), "a")
        assert answer.argv is None
        assert answer.effective is None
        assert answer.unknown == (Inherited("Entrypoint", "acme/x"),)

    def test_an_override_settles_it(self) -> None:
        answer = resolve("FROM acme/x\n", RunOptions(args=("a",), entrypoint="f"))
        assert answer.argv == ("f", "a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p q", ("p", "q")),
        ("p 'q r' \"s t\"", ("p", "q r", "s t")),
        ("x && y", ("x",)),
        ("echo 2>f", ("echo",)),
        ("echo a2>f", ("echo", "a2")),
        ('a\\nb c\\\\d \\"e', ("anb", "c\\d", '"e')),
        ("'a\\nb'", ("a\\nb",)),
        ("a `b c` d", ("a", "`b c`", "d")),
        ("a $(b c) d", ("a", "$(b c)", "d")),
        ("`a\\`b`", ("`a`b`",)),
        ("$(a\\) b)\\n c", ("$(a) b)n", "c")),
        ("echo 2a>f", ("echo",)),
        ("'2'>f", ()),
        ("a ) b ) c", ("a", ") b )", "c")),
        (")>|e|)>f", (")>|e|)",)),
        ('`a"`"b` c', ("`a`b`", "c")),
        ("a)'b`\\)c)", ("a)'b`)c)",)),
        ("a '' b", ("a", "", "b")),
        (" \t\n", ()),
        ("$HOME", ("$HOME",)),
    ],
)
def test_compose_splits(text: str, words: tuple[str, ...]) -> None:
    """Observed on Compose 2.26.1 and 2.40.3, or by the source of go-shellwords."""
    assert shellwords(text) == words


@pytest.mark.parametrize("text", ["(a)", "a)", "'a", '"a', "a\\", "`a", "$(a", "$(a(b))", '`a"`'])
def test_compose_refuses(text: str) -> None:
    with pytest.raises(InputError) as caught:
        shellwords(text)
    assert caught.value.hint


def test_compose_run_with_an_empty_entrypoint_keeps_the_image_cmd() -> None:
    image = ImageConfig(("e",), ("c",))
    assert argv(image, None, "", "compose") == ("c",)
    assert argv(image, ("x",), "p q", "compose") == ("p", "q", "x")
