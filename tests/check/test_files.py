"""What is checked, held against Git: `git ls-files --others` says which files it does not ignore."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrysem.check.files import Search, Sought

#: Every file of the tree, all named as Dockerfiles.
TREE = [
    "Dockerfile",
    "a.Dockerfile",
    "web/Dockerfile",
    "web/Dockerfile.dev",
    "web/build/Dockerfile",
    "web/build/keep/Dockerfile",
    "web/src/deep/er/Dockerfile",
    "build/Dockerfile",
    "build/x.Dockerfile",
    "vendor/lib/Dockerfile",
    ".hidden/Dockerfile",
    "with space/Dockerfile",
    "#odd/Dockerfile",
    "!odd/Dockerfile",
]


def git(folder: Path, *words: str) -> bytes:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "core.excludesFile=/dev/null", *words]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env=environment
    ).stdout


def repository(folder: Path, patterns: dict[str, str]) -> Path:
    """A repository with the tree, and these files of patterns."""
    for name in TREE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("FROM scratch\n")
    git(folder, "init", "-q")
    for name, text in patterns.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    return folder


def by_git(folder: Path) -> set[str]:
    listed = git(folder, "ls-files", "--others", "--exclude-standard", "-z").decode().split("\0")
    return {name for name in listed if name in TREE}


def found(folder: Path, *names: str, gitignore: bool = True) -> list[Sought]:
    here = Path.cwd()
    os.chdir(folder)
    try:
        return list(Search(gitignore=gitignore).files(names))
    finally:
        os.chdir(here)


def names_of(folder: Path, *names: str, gitignore: bool = True) -> list[str]:
    return [sought.place.name for sought in found(folder, *names, gitignore=gitignore)]


@pytest.mark.parametrize(
    "patterns",
    [
        {},
        {".gitignore": "build\n"},
        {".gitignore": "build/\n!web/build/\n"},
        {".gitignore": "/build\n"},
        {".gitignore": "*.Dockerfile\n!a.*\n"},
        {".gitignore": "web/**/Dockerfile\n"},
        {".gitignore": "**/build/*\n!**/build/keep\n"},
        {".gitignore": "*\n!*/\n!web/Dockerfile\n"},
        {".gitignore": "*\n!web/Dockerfile\n"},
        {".gitignore": "Dockerfile\n", "web/.gitignore": "!Dockerfile\n"},
        {".gitignore": "!Dockerfile\n", "web/.gitignore": "Dockerfile\n"},
        {"web/.gitignore": "/build\nsrc/deep\n"},
        {".git/info/exclude": "vendor\n"},
        {".git/info/exclude": "vendor\n", ".gitignore": "!vendor\n"},
        {".gitignore": "with\\ space\n\\#odd\n\\!odd\n"},
        {".gitignore": "# build\n\n  \nbuild   \n"},
        {".gitignore": "\ufeffbuild\r\nvendor/\r\n"},
        {".gitignore": "[vw]e*\n"},
        {".gitignore": "we?\n"},
        {".gitignore": "!\nbuild\n/\n[\n"},
        {".gitignore": "web/build/../src\nbuild/\\\n"},
    ],
)
def test_what_git_ignores_is_left_out(tmp_path: Path, patterns: dict[str, str]) -> None:
    folder = repository(tmp_path, patterns)
    assert set(names_of(folder)) == by_git(folder)
    assert set(names_of(folder, gitignore=False)) == set(TREE)


_PART = st.sampled_from(
    "* ** *** ? Dockerfile *.Dockerfile web build src deep keep vendor lib .hidden [a-w]* Docker* "
    "[!b]* [^v]* [[:alpha:]]* [[:punct:]]* [b-]uild [w\\]eb []w]eb [a w\\eb b**d \\ web\\ [z-a]* "
    "?eb we?? **k [[:nope:]]* [w[:digit:]]eb *o*i* \\*".split()
)
_PATTERN = st.builds(
    lambda no, lead, parts, tail: no + lead + "/".join(parts) + tail,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(_PART, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)
_FILE = st.lists(_PATTERN, min_size=1, max_size=5).map("\n".join)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(top=_FILE, below=_FILE)
def test_any_patterns(tmp_path_factory: pytest.TempPathFactory, top: str, below: str) -> None:
    folder = repository(
        tmp_path_factory.mktemp("git"), {".gitignore": top, "web/.gitignore": below}
    )
    assert set(names_of(folder)) == by_git(folder)


def test_a_worktree_has_the_exclude_of_its_repository(tmp_path: Path) -> None:
    main = repository(tmp_path / "main", {".git/info/exclude": "vendor\n"})
    git(main, "add", "-A", "-f")
    git(main, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x")
    git(main, "worktree", "add", "-q", str(tmp_path / "tree"))
    (tmp_path / "tree" / "vendor" / "new.Dockerfile").write_text("FROM scratch\n")
    assert "vendor/new.Dockerfile" not in names_of(tmp_path / "tree")
    assert "web/Dockerfile" in names_of(tmp_path / "tree")


def test_without_a_repository_gitignore_is_a_file_like_any_other(tmp_path: Path) -> None:
    folder = tmp_path / "no"
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".gitignore").write_text("build\n")
    assert names_of(folder) == ["build/Dockerfile"]


def test_what_is_named_is_checked_though_git_ignores_it(tmp_path: Path) -> None:
    folder = repository(tmp_path, {".gitignore": "build/\n"})
    assert names_of(folder, "build/Dockerfile") == ["build/Dockerfile"]
    assert names_of(folder, "build") == ["build/Dockerfile", "build/x.Dockerfile"]
    assert "build/Dockerfile" not in names_of(folder, "**/Dockerfile")


def test_order_and_repetition(tmp_path: Path) -> None:
    folder = repository(tmp_path, {})
    assert names_of(folder, "web", "Dockerfile", ".")[:6] == [
        "web/Dockerfile",
        "web/Dockerfile.dev",
        "web/build/Dockerfile",
        "web/build/keep/Dockerfile",
        "web/src/deep/er/Dockerfile",
        "Dockerfile",
    ]
    listed = names_of(folder, "web", "Dockerfile", ".", "web/../web/Dockerfile")
    assert len(listed) == len(set(listed)) == len(TREE)


def test_globs(tmp_path: Path) -> None:
    folder = repository(tmp_path, {})
    (folder / "web" / "notes.txt").write_text("no Dockerfile")
    assert names_of(folder, "*.Dockerfile") == ["a.Dockerfile"]
    assert names_of(folder, "web/*") == [
        "web/Dockerfile",
        "web/Dockerfile.dev",
        "web/build/Dockerfile",
        "web/build/keep/Dockerfile",
        "web/src/deep/er/Dockerfile",
    ]
    assert names_of(folder, "web/*.txt") == ["web/notes.txt"]
    assert set(names_of(folder, "**")) == set(TREE)
    [nothing] = found(folder, "nowhere/*")
    assert nothing.error is not None
    assert nothing.error.code == "no-match"


def test_places(tmp_path: Path) -> None:
    folder = repository(tmp_path, {})
    [sought] = found(folder / "web", "../build/Dockerfile")
    assert sought.place.name == "../build/Dockerfile"
    assert sought.place.shown == "build/Dockerfile"
    assert sought.named
    [sought] = found(folder / "web", "build")[:1]
    assert sought.place.shown == "web/build/Dockerfile"
    assert not sought.named


def test_links(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "real").mkdir()
    (folder / "real" / "Dockerfile").write_text("FROM scratch\n")
    (folder / "linked.Dockerfile").symlink_to("real/Dockerfile")
    (folder / "gone.Dockerfile").symlink_to("nowhere")
    (folder / "loop").symlink_to(".")
    os.mkfifo(folder / "pipe.Dockerfile")
    # A link to a folder is not entered, a pipe is no file; a link to nowhere is told when it is read.
    assert names_of(folder) == ["gone.Dockerfile", "linked.Dockerfile", "real/Dockerfile"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_cannot_be_entered_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "closed").chmod(0)
    try:
        listed = found(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o755)
    assert [sought.error.code for sought in listed if sought.error] == ["unreadable"]


def test_a_folder_that_os_walk_cannot_list_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listed = found(tmp_path)
    assert [sought.place.name for sought in listed] == ["Dockerfile", "closed"]
    assert listed[1].error is not None
    assert listed[1].error.code == "unreadable"
