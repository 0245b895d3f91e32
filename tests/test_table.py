"""The computed tables against the published ones.

The literals are the documents', not the program's. Where a document is wrong, the test says in what.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrysem import InputError, resolve
from entrysem.errors import DockerfileError
from entrysem.model import RunOptions, StartError
from entrysem.presets import PRESETS, Phrase, json_list, shown
from entrysem.profiles import Profile
from entrysem.render.table import cell_text
from entrysem.table import Table, compute

# Docker's documentation from moby/moby 37869b237ccd (merge of #25774, 2016-09-15), in
# docs/reference/builder.md, until moby/buildkit b959f7b56fe4 (2022-09-07). Bold and italics left out.
LECTURE = """
| | No ENTRYPOINT | ENTRYPOINT exec_entry p1_entry | ENTRYPOINT ["exec_entry", "p1_entry"] |
| No CMD | error, not allowed | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry |
| CMD ["exec_cmd", "p1_cmd"] | exec_cmd p1_cmd | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry exec_cmd p1_cmd |
| CMD ["p1_cmd", "p2_cmd"] | p1_cmd p2_cmd | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry p1_cmd p2_cmd |
| CMD exec_cmd p1_cmd | /bin/sh -c exec_cmd p1_cmd | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry /bin/sh -c exec_cmd p1_cmd |
"""  # noqa: E501

# moby/buildkit 73ed6825c4b7 (2026-08-21), frontend/dockerfile/docs/reference.md.
DOCS = """
| | No ENTRYPOINT | ENTRYPOINT exec_entry p1_entry | ENTRYPOINT ["exec_entry", "p1_entry"] |
| No CMD | error, not allowed | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry |
| CMD ["exec_cmd", "p1_cmd"] | exec_cmd p1_cmd | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry exec_cmd p1_cmd |
| CMD exec_cmd p1_cmd | /bin/sh -c exec_cmd p1_cmd | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry /bin/sh -c exec_cmd p1_cmd |
"""  # noqa: E501

# moby/moby 1ed84770c52b (2016-02-24), merged as 0f01b21702db (#20630), docs/reference/builder.md.
DOCS_2016 = """
| | No ENTRYPOINT | ENTRYPOINT exec_entry p1_entry | ENTRYPOINT ["exec_entry", "p1_entry"] |
| No CMD | error, not allowed | /bin/sh -c exec_entry p1_entry | exec_entry p1_entry |
| CMD ["exec_cmd", "p1_cmd"] | exec_cmd p1_cmd | /bin/sh -c exec_entry p1_entry exec_cmd p1_cmd | exec_entry p1_entry exec_cmd p1_cmd |
| CMD ["p1_cmd", "p2_cmd"] | p1_cmd p2_cmd | /bin/sh -c exec_entry p1_entry p1_cmd p2_cmd | exec_entry p1_entry p1_cmd p2_cmd |
| CMD exec_cmd p1_cmd | /bin/sh -c exec_cmd p1_cmd | /bin/sh -c exec_entry p1_entry /bin/sh -c exec_cmd p1_cmd | exec_entry p1_entry /bin/sh -c exec_cmd p1_cmd |
"""  # noqa: E501

# kubernetes/website 0a59de21d836, content/id/docs/tasks/inject-data-application/
# define-command-argument-container.md (the table is the same in every language; it left the English
# page with 1.23). Backticks left out, &lt; and &gt; decoded.
KUBERNETES = """
| Image Entrypoint | Image Cmd | Container command | Container args | Command run |
| [/ep-1] | [foo bar] | <not set> | <not set> | [ep-1 foo bar] |
| [/ep-1] | [foo bar] | [/ep-2] | <not set> | [ep-2] |
| [/ep-1] | [foo bar] | <not set> | [zoo boo] | [ep-1 zoo boo] |
| [/ep-1] | [foo bar] | [/ep-2] | [zoo boo] | [ep-2 zoo boo] |
"""


def literal(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.strip().split("\n")]


def printed(table: Table) -> list[list[str]]:
    (block,) = table.blocks
    heading = [choice.at[-1].heading for choice in block.rows[0]]
    return [
        ["", *heading],
        *(
            [row[0].at[-2].heading, *(cell_text(table, cell, "published") for cell in row)]
            for row in block.rows
        ),
    ]


@pytest.mark.parametrize(
    ("preset", "document"), [("lecture", LECTURE), ("docs", DOCS), ("docs-2016", DOCS_2016)]
)
def test_docker_presets_are_the_documents(preset: str, document: str) -> None:
    assert printed(compute(PRESETS[preset])) == literal(document)


def test_the_kubernetes_document_drops_a_slash() -> None:
    """An image entrypoint /ep-1 runs /ep-1; the document prints ep-1. All else is as printed."""
    document = literal(KUBERNETES)
    table = compute(PRESETS["kubernetes"])
    assert list(table.preset.columns) == document[0]
    (block,) = table.blocks
    ours = [cell_text(table, cell, "published") for (cell,) in block.rows]
    assert [text.replace("[/", "[", 1) for text in ours] == [row[-1] for row in document[1:]]
    assert all(text.startswith("[/ep-") for text in ours)
    notation = [
        [
            f"[{' '.join(choice.words)}]" if choice.words is not None else "<not set>"
            for choice in map(cell.choice, document[0][:-1])
        ]
        for (cell,) in block.rows
    ]
    assert notation == [row[:-1] for row in document[1:]]


def test_argv_view_of_the_shell_entrypoint_keeps_cmd() -> None:
    table = compute(PRESETS["lecture"])
    texts = [cell_text(table, cell, "argv") for cell in table.cells]
    assert texts[0] == "error: no command specified"
    assert texts[4] == '["/bin/sh", "-c", "exec_entry p1_entry", "exec_cmd", "p1_cmd"]'
    assert texts[10] == (
        '["/bin/sh", "-c", "exec_entry p1_entry", "/bin/sh", "-c", "exec_cmd p1_cmd"]'
    )


def test_effective_view_of_docs_2016_is_the_lecture() -> None:
    old, lecture = compute(PRESETS["docs-2016"]), compute(PRESETS["lecture"])
    assert [cell_text(old, cell, "effective") for cell in old.cells] == [
        cell_text(lecture, cell, "published") for cell in lecture.cells
    ]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("builder", ["buildkit", "classic", "buildah", "kaniko"])
def test_every_cell_is_what_resolve_says(preset: str, builder: str) -> None:
    table = compute(
        PRESETS[preset],
        shells=[Phrase.parse('["/bin/bash","-e","-c"]', "")],
        arguments=[Phrase.parse("x", "")],
        overrides=["", "sh"],
        builder=builder,
    )
    for cell in table.cells:
        answer = resolve(cell.dockerfile, cell.options, profile=table.profile)
        assert cell.argv == answer.argv
        assert cell.effective == answer.effective
        assert cell.error == answer.error
        assert cell.rules == answer.rules


def test_cells_are_the_product_of_the_axes() -> None:
    table = compute(
        PRESETS["docs"],
        shells=[Phrase.parse("/bin/bash -c", ""), Phrase.parse("/bin/ash -c", "")],
        arguments=[Phrase.parse("x y", ""), Phrase.parse("[]", "")],
        overrides=["a", "b"],
    )
    assert [cell.at for cell in table.cells] == list(product(*[a.choices for a in table.axes]))
    assert len(table.blocks) == 8
    first = table.blocks[0]
    assert [choice.heading for choice in first.fixed] == [
        'SHELL ["/bin/bash", "-c"]',
        "--entrypoint a",
        'args ["x", "y"]',
    ]
    assert first.rows[1][2].dockerfile == (
        "FROM scratch\n"
        'SHELL ["/bin/bash", "-c"]\n'
        'ENTRYPOINT ["exec_entry", "p1_entry"]\n'
        'CMD ["exec_cmd", "p1_cmd"]\n'
    )
    assert first.rows[1][2].options == RunOptions(args=("x", "y"), entrypoint="a")
    assert table.blocks[1].rows[0][0].options == RunOptions(args=(), entrypoint="a")


def test_shell_axis_shows_who_ignores_shell() -> None:
    """buildah runs shell form with /bin/sh whatever SHELL says (BUILD-04)."""
    shells = [Phrase.parse('["/bin/bash","-c"]', "")]
    by_builder = {
        builder: compute(PRESETS["docs"], shells=shells, builder=builder).cells[6].argv
        for builder in ("buildkit", "buildah")
    }
    assert by_builder == {
        "buildkit": ("/bin/bash", "-c", "exec_cmd p1_cmd"),
        "buildah": ("/bin/sh", "-c", "exec_cmd p1_cmd"),
    }


def test_a_script_that_uses_its_parameters_keeps_them() -> None:
    table = compute(PRESETS["docs"], entry_words=Phrase.parse('exec app "$@"', ""))
    cell = table.cells[4]
    assert cell.effective == cell.argv == ("/bin/sh", "-c", 'exec app "$@"', "exec_cmd", "p1_cmd")


def test_own_words_stand_in_headings_and_cells() -> None:
    table = compute(
        PRESETS["docs"],
        cmd_words=Phrase.parse("-g 'daemon off;'", "--cmd-words"),
        entry_words=Phrase.parse('["nginx"]', "--entry-words"),
    )
    assert [row[0].at[-2].heading for row in table.blocks[0].rows] == [
        "No CMD",
        'CMD ["-g", "daemon off;"]',
        "CMD -g 'daemon off;'",
    ]
    assert table.cells[5].argv == ("nginx", "-g", "daemon off;")
    assert table.cells[4].argv == ("/bin/sh", "-c", "nginx", "-g", "daemon off;")


def test_a_cell_that_the_builder_rejects_says_so() -> None:
    """CMD --help is a flag to the builder (FORM-07): only that row fails."""
    table = compute(PRESETS["docs"], cmd_words=Phrase.parse("--help", ""))
    *others, last = table.blocks[0].rows
    assert all(isinstance(cell.error, DockerfileError) for cell in last)
    assert {cell_text(table, cell, "argv") for cell in last} == {"error: unknown flag: --help"}
    assert {cell.rules for cell in last} == {("FORM-07",)}
    assert not any(isinstance(cell.error, DockerfileError) for row in others for cell in row)


def test_an_error_at_start_has_an_argv_too() -> None:
    table = compute(PRESETS["docs"], runtime="podman@5.0")
    cell = table.cells[0]
    assert isinstance(cell.error, StartError)
    assert cell.argv == ("",)
    assert cell_text(table, cell, "published").startswith("error: ")


def test_kubernetes_takes_own_values_for_the_pod() -> None:
    table = compute(
        PRESETS["kubernetes"],
        cmd_words=Phrase.parse("serve", ""),
        entry_words=Phrase.parse("/app", ""),
        arguments=[Phrase.parse("", ""), Phrase.parse('["a b"]', "")],
        overrides=['["/bin/sh","-c"]'],
    )
    # Arguments that are the empty list are as none (MERGE-08).
    assert [cell.argv for cell in table.cells] == [
        ("/app", "serve"),
        ("/bin/sh", "-c"),
        ("/app", "serve"),
        ("/bin/sh", "-c"),
        ("/app", "a b"),
        ("/bin/sh", "-c", "a b"),
    ]


def test_the_preset_decides_the_runtime_unless_one_is_given() -> None:
    assert compute(PRESETS["kubernetes"]).profile == Profile.parse("buildkit", "cri")
    assert compute(PRESETS["kubernetes"], runtime="docker").profile == Profile()
    assert compute(PRESETS["lecture"]).profile == Profile()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", ("a", "b")),
        (' a  "b c" ', ("a", "b c")),
        ('["a b", ""]', ("a b", "")),
        ("[]", ()),
        ("", ()),
        ("[ -f x ]", ("[", "-f", "x", "]")),
    ],
)
def test_phrase(text: str, words: tuple[str, ...]) -> None:
    assert Phrase.parse(text, "--args").words == words


@pytest.mark.parametrize("text", ['["a",]', "['a']", '["a", 1]', "'a", "[/bin/sh,-c]", '["a"] b'])
def test_phrase_rejects(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Phrase.parse(text, "--args")
    assert caught.value.where == "--args"


@pytest.mark.parametrize(
    ("option", "text"), [("cmd_words", '["a\\nb"]'), ("cmd_words", ""), ("entry_words", "[]")]
)
def test_words_that_no_form_can_hold(option: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        compute(PRESETS["lecture"], **{option: Phrase.parse(text, "")})  # type: ignore[arg-type]
    assert caught.value.where == f"--{option.replace('_', '-')}"


def test_shell_needs_a_word() -> None:
    with pytest.raises(InputError):
        compute(PRESETS["lecture"], shells=[Phrase.parse("[]", "")])


@given(st.lists(st.text(), min_size=1))
def test_exec_form_carries_any_word(words: list[str]) -> None:
    """What a JSON list shows is what a container gets, in the Dockerfile and in a cell."""
    table = compute(PRESETS["kubernetes"], cmd_words=Phrase("", tuple(words)))
    assert table.cells[0].argv == ("/ep-1", *words)
    assert json_list(words).isprintable()
    assert resolve(f"FROM scratch\nCMD {json_list(words)}\n").image.config.cmd == tuple(words)


@given(st.text(st.characters(exclude_categories=[])))
def test_shown_leaves_nothing_unseen(text: str) -> None:
    assert shown(text).isprintable()
    assert shown(shown(text)) == shown(text)
