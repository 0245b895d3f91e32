"""GitHub Actions. Expected values: actions/runner 258d6c857db3519913f7deb6004b60172f8043ae
(ContainerActionHandler.cs, DockerCommandManager.cs, ContainerOperationProvider.cs) and, for the words of
the command line, .NET's own test.
"""

from __future__ import annotations

import pytest

from entrysem.errors import InputError
from entrysem.inputs.dotnet import dotnet_words
from entrysem.inputs.github import read_action, read_workflow
from entrysem.inputs.subject import Subject


def action(runs: str) -> tuple[Subject, ...]:
    text = f"name: x\ninputs: {{who: {{default: world}}}}\nruns:\n  using: docker\n{runs}"
    return read_action(text.encode(), where="acts/action.yml")


def workflow(job: str) -> dict[str, Subject]:
    text = f"on: push\njobs:\n  build:\n    runs-on: x\n{job}"
    found = read_workflow(text.encode(), where="w.yml")
    return {subject.name.removeprefix("w.yml: job build, "): subject for subject in found}


#: dotnet/runtime 006d71bf4e9d200a4857d16e97166e8b78703314
#: src/libraries/System.Diagnostics.Process/tests/ProcessTests.cs (TestArgumentParsing).
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"abc"      d e', ("abc", "d", "e")),
        ('"abc"\t\td\te', ("abc", "d", "e")),
        (r'a\\b d"e f"g h', (r"a\\b", "de fg", "h")),
        ("\\ \\\\ \\\\\\", ("\\", "\\\\", "\\\\\\")),
        (r"a\\\"b c d", (r"a\"b", "c", "d")),
        (r'a\\\\"b c" d e', (r"a\\b c", "d", "e")),
        ('a"b c"d e"f g"h i"j k"l', ("ab cd", "ef gh", "ij kl")),
        ('a b c"def', ("a", "b", "cdef")),
        (r'"\a\" \\"\\\ b c', (r"\a" + '" ' + "\\\\\\\\", "b", "c")),
        ('"" b ""', ("", "b", "")),
        ('"""" b c', ('"', "b", "c")),
        ('c"""" b ""\\', ('c"', "b", "\\")),
        ('""c ""b"" d"\\', ("c", "b", "d\\")),
        (r"\"\"a\"\" b d", ('""a""', "b", "d")),
    ],
)
def test_dotnet_splits(text: str, words: tuple[str, ...]) -> None:
    assert dotnet_words(text) == words


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("[a, 'b c', '']", ("a", "b c", "")),
        ("['say \"hi\"']", ('say "hi"',)),
        ("[\"it's\", '$HOME', '*']", ("it's", "$HOME", "*")),
        ("['c:\\dir']", ("c:\\dir",)),
        # -> "a\\" "b": the word's own backslash escapes its closing quote, so the two become one.
        ("['a\\', b]", ('a" b',)),
        ("['${{ inputs.who }} x', b]", ("${{ inputs.who }} x", "b")),
        ("[]", None),
    ],
)
def test_args_of_an_action(args: str, words: tuple[str, ...] | None) -> None:
    """ContainerActionHandler.cs 139-154: each between double quotes, of which only those are escaped."""
    (subject,) = action(f"  image: Dockerfile\n  args: {args}\n")
    assert subject.run.args == words


def test_the_entrypoints_of_an_action() -> None:
    """ContainerActionHandler.cs 103-123."""
    found = action(
        "  image: docker://acme/app:1\n  pre-entrypoint: pre.sh\n  entrypoint: main.sh\n"
        "  post-entrypoint: post.sh\n  args: [x]\n"
    )
    assert [(s.name, s.image, s.run.entrypoint, s.run.args) for s in found] == [
        ("acts/action.yml: pre", "acme/app:1", "pre.sh", ("x",)),
        ("acts/action.yml", "acme/app:1", "main.sh", ("x",)),
        ("acts/action.yml: post", "acme/app:1", "post.sh", ("x",)),
    ]
    (bare,) = action("  image: docker://acme/app\n")
    assert (bare.run.entrypoint, bare.run.args) == (None, None)
    assert [n.code for n in bare.notes] == ["actions-with-args", "actions-with-entrypoint"]


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("Dockerfile", "acts/Dockerfile"),
        ("docker/Dockerfile.prod", "acts/docker/Dockerfile.prod"),
        ("my.dockerfile", "acts/my.dockerfile"),
    ],
)
def test_an_action_builds_its_dockerfile(image: str, path: str) -> None:
    """DockerUtil.cs (IsDockerfile)."""
    (subject,) = action(f"  image: {image}\n")
    assert (subject.dockerfile, subject.image) == (path, None)


def test_an_inputs_default_is_told() -> None:
    (subject,) = action("  image: Dockerfile\n  args: ['${{ inputs.who }}']\n")
    texts = [note.text for note in subject.notes if note.code == "expression"]
    assert texts == [
        "${{ inputs.who }} is replaced by the caller's input, 'world' when it is not given"
    ]


def test_a_jobs_container_runs_tail() -> None:
    """ContainerOperationProvider.cs 322-326."""
    for container in ("acme/app", "{image: acme/app, options: --entrypoint x}"):
        subject = workflow(f"    container: {container}\n")["container"]
        assert (subject.image, subject.run.entrypoint, subject.run.args) == (
            "acme/app",
            "tail",
            ("-f", "/dev/null"),
        )
        assert not subject.run.init
    subject = workflow("    container: {image: a, options: --cpus 1 --init}\n")["container"]
    assert subject.run.init


def test_services() -> None:
    """DockerCommandManager.cs 110-192: options, then --entrypoint, image, command."""
    found = workflow("""
    services:
      plain: acme/a
      typed: {image: acme/b, options: '--entrypoint "my prog" --init'}
      given: {image: acme/c, options: --entrypoint x, entrypoint: y, command: 'a "b c" ''d e'''}
      empty: ''
""")
    assert {name: (s.run.entrypoint, s.run.args, s.run.init) for name, s in found.items()} == {
        "service plain": (None, None, False),
        "service typed": ("my prog", None, True),
        "service given": ("y", ("a", "b c", "'d", "e'"), False),
    }


def test_steps_with_an_image() -> None:
    """ContainerActionHandler.cs 112 and 157: with.entrypoint, with.args, pasted as they are."""
    found = workflow("""
    steps:
    - uses: actions/checkout@v4
    - uses: docker://acme/a
      with: {entryPoint: /bin/x, args: 'a "b c"'}
    - {uses: 'docker://acme/b', name: lint}
""")
    assert {n: (s.image, s.run.entrypoint, s.run.args) for n, s in found.items()} == {
        "step 2": ("acme/a", "/bin/x", ("a", "b c")),
        "step lint": ("acme/b", None, None),
    }


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ("  image: acme/app\n", "bad-image"),
        ("  image: Dockerfile\n  args: x\n", "wrong-type"),
        ("  image: Dockerfile\n  entrypoint: 'a\"b'\n", "bad-entrypoint"),
        ("  image: Dockerfile\n  entrypoint: 'a\\'\n", "bad-entrypoint"),
    ],
)
def test_bad_actions_say_why(runs: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        action(runs)
    assert caught.value.code == code


def test_what_starts_no_container() -> None:
    with pytest.raises(InputError, match="node20 starts no container"):
        read_action(b"runs: {using: node20, main: x}", where="action.yml")
    with pytest.raises(InputError) as caught:
        read_workflow(b"on: push\njobs: {a: {steps: [{run: x}]}}", where="w.yml")
    assert caught.value.code == "no-containers"
