"""`entrysem diff`: operands, Git, exit codes, formats, and what hostile input does to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.cli.running import NASTY, Ran, assert_harmless, assert_valid, environment, real, run

FORMATS = ("text", "markdown", "json", "github")
OLD = b'FROM scratch\nENTRYPOINT ["e"]\nCMD ["old"]\n'
NEW = b'FROM scratch\nENTRYPOINT ["e"]\nCMD ["new"]\n'
#: What Docker runs of these: Entrypoint followed by Cmd (docs.docker.com/reference/dockerfile, table
#: "Understand how CMD and ENTRYPOINT interact").
OLD_ARGV, NEW_ARGV = ["e", "old"], ["e", "new"]
REJECTED = b"FROM scratch\nCMD [1]\n"


def files(folder: Path, **contents: bytes) -> list[str]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in contents]


def documents(ran: Ran) -> list[dict[str, Any]]:
    assert_valid("diff", ran.json)
    found: list[dict[str, Any]] = ran.json["files"]
    return found


# --- a repository ------------------------------------------------------------------------------------


class Repo:
    """A work tree made for a test, with an identity and a configuration of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str | bytes) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=self.path,
            capture_output=True,
            check=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        )
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def commit(self, **contents: bytes) -> str:
        for name, content in contents.items():
            self.write(name.replace("__", "/"), content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    made = Repo(tmp_path / "repo")
    monkeypatch.chdir(made.path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return made


# --- two operands ------------------------------------------------------------------------------------


def test_a_change_exits_1_and_shows_both_argvs_and_the_lines(tmp_path: Path) -> None:
    ran = run("diff", *files(tmp_path, old=OLD, new=NEW))
    assert ran.code == 1
    for line in ('- ["e", "old"]', '+ ["e", "new"]', '- 3 | CMD ["old"]', '+ 3 | CMD ["new"]'):
        assert line in ran.out
    assert "same: run IMAGE x y" in ran.out
    assert ran.err == ""


def test_nothing_that_runs_changes(tmp_path: Path) -> None:
    ran = run("diff", *files(tmp_path, old=OLD, new=b"# why\n" + OLD))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("nothing that runs changes\n")


def test_json(tmp_path: Path) -> None:
    (document,) = documents(run("diff", "--format", "json", *files(tmp_path, old=OLD, new=NEW)))
    (comparison,) = document["comparisons"]
    plain = comparison["runs"][0]
    assert (plain["name"], plain["verdict"]) == ("run IMAGE", "changes")
    assert (plain["old"]["argv"], plain["new"]["argv"]) == (OLD_ARGV, NEW_ARGV)
    assert [item["verdict"] for item in comparison["runs"][1:]] == ["same"] * 4
    assert [(item["side"], item["line"]) for item in comparison["causes"]] == [
        ("old", 3),
        ("new", 3),
    ]


def test_the_schema_is_printed() -> None:
    assert run("diff", "--schema").json["title"] == "Diff"


def test_standard_input_is_one_side(tmp_path: Path) -> None:
    (old,) = files(tmp_path, old=OLD)
    ran = run("diff", old, "-", stdin=NEW)
    assert (ran.code, '+ ["e", "new"]' in ran.out) == (1, True)
    assert run("diff", "-", "-").code == 2


def test_an_image_config_is_one_side(tmp_path: Path) -> None:
    config = json.dumps([{"Config": {"Entrypoint": ["e"], "Cmd": ["old"]}}])
    old, new, image = files(tmp_path, old=OLD, new=NEW, image=config.encode())
    assert run("diff", image, old).code == 0
    assert run("diff", image, new).code == 1
    (wide,) = files(tmp_path, wide=config.encode("utf-16"))
    assert run("diff", wide, old).code == 0


def test_an_image_is_one_side(tmp_path: Path) -> None:
    (config,) = files(tmp_path, config=b'{"Entrypoint": ["e"], "Cmd": ["old"]}')
    (old,) = files(tmp_path, old=OLD)
    known = f"--base-config=acme/web={config}"
    assert run("diff", "image:acme/web", old, known).code == 0
    unknown = run("diff", "image:acme/web", old)
    assert (unknown.code, "unknown base" in unknown.out) == (1, True)
    assert run("diff", "image:acme/web", old, "--strict").code == 4


def test_a_base_that_was_bumped(tmp_path: Path) -> None:
    (text,) = files(tmp_path, Dockerfile=b"FROM acme/base\n")
    before, after = files(tmp_path, before=b'{"Cmd": ["a"]}', after=b'{"Cmd": ["b"]}')
    common = ("diff", text, text)
    assert run(*common).code == 0
    ran = run(
        *common, f"--old-base-config=acme/base={before}", f"--new-base-config=acme/base={after}"
    )
    assert (ran.code, '- ["a"]' in ran.out, '+ ["b"]' in ran.out) == (1, True, True)
    # What is said of one side goes before what is said of both, however the image is spelled.
    ran = run(
        *common, f"--base-config=acme/base={before}", f"--new-base-config=acme/base:latest={after}"
    )
    assert ran.code == 1
    assert run(*common, f"--base-config=acme/base={before}").code == 0


def test_the_run_that_is_typed_comes_first_and_alone_with_only(tmp_path: Path) -> None:
    both = files(tmp_path, old=OLD, new=NEW)
    (document,) = documents(run("diff", "--format", "json", *both, "--", "-v"))
    names = [item["name"] for item in document["comparisons"][0]["runs"]]
    assert (names[0], len(names)) == ("run IMAGE -v", 6)
    # Words behind the image replace Cmd, so this run does not change.
    assert run("diff", "--only", *both, "--", "-v").code == 0
    assert run("diff", "--only", "--init", *both).code == 1
    assert run("diff", "--only", *both, "--run", "docker run --rm acme/web ls").code == 0
    assert run("diff", "--only", *both, "--run", "docker run --rm acme/web").code == 1
    assert run("diff", "--only", *both).code == 2


def test_a_line_of_another_program_decides_the_runtime(tmp_path: Path) -> None:
    both = files(tmp_path, old=OLD, new=NEW)
    line = ("--run", "podman run --rm acme/web")
    (document,) = documents(run("diff", "--format", "json", *both, *line))
    assert document["comparisons"][0]["profile"]["runtime"].startswith("podman@")
    assert run("diff", *both, *line, "--runtime", "docker").code == 2


def test_every_builder_with_every_runtime(tmp_path: Path) -> None:
    both = files(tmp_path, old=OLD, new=NEW)
    words = ("--builder=buildkit", "--builder=buildah", "--runtime=docker", "--runtime=cri")
    (document,) = documents(run("diff", "--format", "json", *both, *words))
    assert len(document["comparisons"]) == 4
    # What is the same under all is told once.
    assert run("diff", *both, *words).out.count('+ ["e", "new"]') == 1


@pytest.mark.parametrize("output", FORMATS)
def test_exit_codes_are_the_same_in_every_format(tmp_path: Path, output: str) -> None:
    old, new, bad = files(tmp_path, old=OLD, new=NEW, bad=REJECTED)
    base1, base2 = files(tmp_path, base1=b"FROM acme/b:1\n", base2=b"FROM acme/b:2\n")
    chosen = ("--format", output)

    def code(*words: str) -> int:
        return run("diff", *chosen, *words).code

    assert code(old, old) == 0
    assert code(old, new) == 1
    assert code(old, bad) == code(bad, old) == 1
    assert code(bad, bad) == 3
    assert code(old, str(tmp_path / "missing")) == 3
    assert code(str(tmp_path), old) == 3
    assert code(base1, base2) == 1
    assert code(base1, base2, "--strict") == 4
    assert code(base1, base1, "--strict") == 0
    assert code(old, new, "--strict") == 1
    assert code(old) == 2
    assert code(old, new, old) == 2
    assert code(old, new, "--builder", "nobody") == 2
    assert code(old, new, "--base-config", "x") == 2


def test_an_unknown_format_is_usage() -> None:
    assert run("diff", "a", "b", "--format", "sarif").code == 2


# --- Git ---------------------------------------------------------------------------------------------


def test_a_file_at_a_revision_in_the_index_and_on_disk(repo: Repo) -> None:
    repo.commit(web__Dockerfile=OLD)
    repo.write("web/Dockerfile", NEW)
    assert run("diff", "HEAD:web/Dockerfile", "web/Dockerfile").code == 1
    assert run("diff", "HEAD:web/Dockerfile", ":web/Dockerfile").code == 0
    repo.git("add", "--all")
    assert run("diff", "HEAD:web/Dockerfile", ":web/Dockerfile").code == 1
    assert run("diff", ":web/Dockerfile", "web/Dockerfile").code == 0


def test_a_path_that_starts_with_a_dot_is_relative(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit(web__Dockerfile=OLD, Dockerfile=NEW)
    monkeypatch.chdir(repo.path / "web")
    assert run("diff", "HEAD:./Dockerfile", "HEAD:web/Dockerfile").code == 0
    assert run("diff", "HEAD:./Dockerfile", "HEAD:../Dockerfile").code == 1
    assert run("diff", "HEAD:./Dockerfile", "HEAD:../../Dockerfile").code == 3


@pytest.mark.parametrize(
    "words",
    [
        ("HEAD~1", "HEAD"),
        ("--git", "HEAD~1"),
        ("--git", "HEAD~1..HEAD"),
        ("--git", "HEAD~1.."),
        ("--git", "HEAD~1...HEAD"),
    ],
)
def test_every_dockerfile_between_two_revisions(repo: Repo, words: tuple[str, ...]) -> None:
    long = b"".join(b"LABEL l%d=x\n" % number for number in range(20))
    repo.commit(
        same__Dockerfile=OLD,
        web__Dockerfile=OLD,
        comment__Containerfile=OLD,
        gone__Dockerfile=OLD,
        moved__Dockerfile=OLD + long,
        README=OLD,
    )
    repo.git("rm", "--quiet", "gone/Dockerfile")
    repo.git("mv", "moved", "to")
    repo.commit(
        web__Dockerfile=NEW,
        comment__Containerfile=b"# why\n" + OLD,
        come__app_Dockerfile=b"FROM acme/other\nRUN something else\n",
        to__Dockerfile=NEW + long,
        README=NEW,
    )
    repo.git("mv", "come/app_Dockerfile", "come/app.Dockerfile")
    repo.git("commit", "--quiet", "--amend", "--no-edit")
    ran = run("diff", "--format", "json", *words)
    assert ran.code == 1
    found = {(i["status"], i["old"], i["new"]): i["verdict"] for i in documents(ran)}
    assert found == {
        ("added", None, "come/app.Dockerfile"): "changes",
        ("compared", "comment/Containerfile", "comment/Containerfile"): "same",
        ("removed", "gone/Dockerfile", None): "changes",
        ("renamed", "moved/Dockerfile", "to/Dockerfile"): "changes",
        ("compared", "web/Dockerfile", "web/Dockerfile"): "changes",
    }
    text = run("diff", *words).out
    assert "what runs changes in 4 of 5 Dockerfiles" in text
    assert "come/app.Dockerfile: added" in text
    assert "moved/Dockerfile -> to/Dockerfile: what runs changes" in text


def test_paths_narrow_it_down(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit(web__Dockerfile=OLD, db__Dockerfile=OLD, web__build_df=OLD)
    repo.commit(web__Dockerfile=NEW, db__Dockerfile=NEW, web__build_df=NEW)

    def names(*words: str) -> list[str]:
        return [item["new"] for item in documents(run("diff", "--format", "json", *words))]

    assert names("--git", "HEAD~1", "web") == ["web/Dockerfile"]
    assert names("HEAD~1", "HEAD", "web/Dockerfile") == ["web/Dockerfile"]
    # Whoever names a file means it, whatever it is called.
    assert names("--git", "HEAD~1", "web/build_df") == ["web/build_df"]
    monkeypatch.chdir(repo.path / "db")
    assert names("--git", "HEAD~1", ".") == ["db/Dockerfile"]
    assert names("--git", "HEAD~1", "../web") == ["web/Dockerfile"]


def test_no_dockerfile_changed(repo: Repo) -> None:
    repo.commit(Dockerfile=OLD, other=b"1")
    repo.commit(other=b"2")
    ran = run("diff", "HEAD~1", "HEAD")
    assert (ran.code, ran.out) == (0, "no Dockerfile changed\n")
    assert "no Dockerfile changed" in run("diff", "HEAD~1", "HEAD", "--format", "markdown").out


def test_three_dots_leave_out_what_the_base_did_since(repo: Repo) -> None:
    repo.commit(Dockerfile=OLD, db__Dockerfile=OLD)
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.commit(Dockerfile=NEW)
    repo.git("checkout", "--quiet", "main")
    repo.commit(db__Dockerfile=NEW)
    two = documents(run("diff", "--format", "json", "--git", "main..topic"))
    three = documents(run("diff", "--format", "json", "--git", "main...topic"))
    assert [item["new"] for item in two] == ["Dockerfile", "db/Dockerfile"]
    assert [item["new"] for item in three] == ["Dockerfile"]


HOSTILE = (
    "-f",
    "a b",
    "é",
    "new\nline",
    "tab\t",
    "\x1b[31m",
    "*",
    ":(top)x",
    "--output=pwned",
    "\udcff",
)


@pytest.mark.parametrize("folder", HOSTILE, ids=ascii)
def test_hostile_names(repo: Repo, folder: str) -> None:
    repo.commit(**{f"{folder}/Dockerfile": OLD})
    repo.commit(**{f"{folder}/Dockerfile": NEW})
    for output in FORMATS:
        ran = run("diff", "--git", "HEAD~1", "--format", output)
        assert ran.code == 1
        assert_harmless(ran.out, ran.err)
    name = f"{folder}/Dockerfile"
    assert run("diff", f"HEAD~1:{name}", f"HEAD:{name}").code == 1
    assert {path.name for path in repo.path.iterdir()} == {".git", folder}


@pytest.mark.parametrize(
    "revision", ["--output=pwned", "-h", "--help", "HEAD\nHEAD", "\x00", "@{", ""]
)
def test_hostile_revisions(repo: Repo, revision: str) -> None:
    repo.commit(Dockerfile=OLD)
    for words in (
        ("--git=" + (revision or "nope"),),
        (f"--git={revision or 'nope'}...HEAD",),
        ("HEAD:Dockerfile", "./" + revision + ":Dockerfile"),
        (f"--git=HEAD..{revision or 'nope'}",),
    ):
        ran = run("diff", *words)
        assert (ran.code, ran.out.count("\n") <= 2) == (3, True), words
        assert_harmless(ran.out, ran.err)
    assert {path.name for path in repo.path.iterdir()} == {".git", "Dockerfile"}


def test_a_revision_that_begins_with_a_dash(repo: Repo) -> None:
    """Git lets one be made; it is found as a revision, and no option."""
    first = repo.commit(Dockerfile=OLD)
    repo.git("update-ref", "refs/tags/-n", first)
    repo.commit(Dockerfile=NEW)
    ran = run("diff", "--git=-n..HEAD")
    assert ran.code == 1, ran.err
    assert '+ ["e", "new"]' in ran.out


def test_a_bare_repository(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit(Dockerfile=OLD)
    repo.commit(Dockerfile=NEW)
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(tmp_path / "bare"))
    monkeypatch.chdir(tmp_path / "bare")
    assert run("diff", "--git", "main~1..main").code == 1
    assert run("diff", "main~1:Dockerfile", "main:Dockerfile").code == 1


def test_a_shallow_clone_says_to_fetch(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = repo.commit(Dockerfile=OLD)
    repo.commit(Dockerfile=NEW)
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    for words in (
        ("--git", first),
        ("--git", f"{first}...HEAD"),
        (f"{first}:Dockerfile", "Dockerfile"),
    ):
        ran = run("diff", *words)
        assert ran.code == 3
        assert "git fetch --unshallow" in ran.err
        assert "fetch-depth: 0" in ran.err
    repo_there = Repo(tmp_path / "shallow")
    repo_there.git("fetch", "--quiet", "--unshallow")
    assert run("diff", "--git", first).code == 1


def test_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    ran = run("diff", "--git", "HEAD~1")
    assert (ran.code, "not a git repository" in ran.err) == (3, True)
    ran = run("diff", "HEAD:Dockerfile", "Dockerfile")
    assert (ran.code, "not a git repository" in ran.err) == (3, True)


def test_without_git(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit(Dockerfile=OLD)
    monkeypatch.setenv("PATH", "")
    ran = run("diff", "--git", "HEAD")
    assert (ran.code, "there is no program git" in ran.err) == (3, True)
    # Files need none.
    assert run("diff", "Dockerfile", "Dockerfile").code == 0


def test_links_are_followed_inside_the_repository_only(repo: Repo) -> None:
    repo.commit(web__real=OLD)
    links = {"link": "web/real", "out": "/etc/passwd", "dangling": "nowhere", "loop": "loop"}
    for name, to in links.items():
        (repo.path / name).mkdir()
        (repo.path / name / "Dockerfile").symlink_to(f"../{to}" if to != "loop" else "Dockerfile")
    repo.commit()
    assert run("diff", "HEAD:link/Dockerfile", "web/real").code == 0
    for name, why in (("out", "leads out"), ("dangling", "not there"), ("loop", "back to itself")):
        if name == "out":
            (repo.path / name / "Dockerfile").unlink()
            (repo.path / name / "Dockerfile").symlink_to("/etc/passwd")
            repo.commit()
        ran = run("diff", f"HEAD:{name}/Dockerfile", "web/real")
        assert (ran.code, why in ran.err) == (3, True), ran.err
    assert run("diff", "HEAD:web", "web/real").code == 3
    assert run("diff", "HEAD:web/real/x", "web/real").code == 3
    assert "no such file" in run("diff", "HEAD:nope", "web/real").err


def test_a_file_that_cannot_be_read_leaves_the_others(repo: Repo) -> None:
    repo.commit(a__Dockerfile=OLD, b__Dockerfile=OLD)
    repo.commit(a__Dockerfile=b"FROM scratch\n" + b"#" * (17 * 2**20), b__Dockerfile=NEW)
    ran = run("diff", "--git", "HEAD~1")
    assert ran.code == 3
    assert "larger than 16 MiB" in ran.err
    assert '+ ["e", "new"]' in ran.out
    found = documents(run("diff", "--git", "HEAD~1", "--format", "json"))
    assert [item["verdict"] for item in found] == ["unreadable", "changes"]


def test_the_repositorys_configuration_runs_nothing(repo: Repo) -> None:
    """A repository's own configuration may name programs for `git diff`; none of them is started."""
    repo.write(".gitattributes", b"* diff=evil\n")
    repo.commit(Dockerfile=OLD)
    repo.commit(Dockerfile=NEW)
    for key in (
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.fsmonitor",
        "core.pager",
    ):
        repo.git("config", key, f"touch {repo.path}/pwned; false")
    assert run("diff", "--git", "HEAD~1").code == 1
    assert not (repo.path / "pwned").exists()


def test_a_submodule_of_that_name_is_no_file(repo: Repo) -> None:
    first = repo.commit(other=b"1")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{first},Dockerfile")
    repo.git("commit", "--quiet", "-m", "x")
    assert run("diff", "HEAD~1", "HEAD").out == "no Dockerfile changed\n"


# --- what it looks like ------------------------------------------------------------------------------


@pytest.mark.parametrize("output", FORMATS)
def test_nothing_of_the_input_acts_on_a_reader(tmp_path: Path, output: str) -> None:
    nasty = NASTY.replace("\r", "").encode("utf-8", "surrogateescape")
    shown = b"<script>|`**[a](b)` ::error::x %0A\n"
    old, new = files(
        tmp_path,
        old=b"FROM scratch\nCMD " + nasty + b"\n",
        new=b"FROM scratch\nCMD " + nasty + shown,
    )
    ran = run("diff", old, new, "--format", output, "--", "<b>|`x")
    assert ran.code == 1
    assert_harmless(ran.out, ran.err)
    if output == "markdown":
        page = MarkdownIt("gfm-like", {"linkify": False}).render(ran.out)
        assert "<script>" not in page
        assert 'href="b"' not in page
        assert page.count("<table>") == 1
        # before, after and the run's name in each row
        for row in page.split("<tr>")[1:]:
            assert row.count("<td") + row.count("<th") == 3
    if output == "github":
        assert ran.out.count("\n") == 1
        assert "\n::error" not in ran.out


def test_markdown_fits_a_comment(repo: Repo) -> None:
    """GitHub refuses comments of more than 65,536 characters."""
    words = {f"d{number}__Dockerfile": OLD for number in range(300)}
    repo.commit(**words)
    repo.commit(**dict.fromkeys(words, NEW))
    ran = run("diff", "--git", "HEAD~1", "--format", "markdown")
    assert len(ran.out) < 65_536
    assert "what runs changes in 300 of 300 Dockerfiles" in ran.out
    assert "more files do not fit here" in ran.out


def test_an_annotation_stands_at_the_line(repo: Repo) -> None:
    """The form: docs.github.com, "Workflow commands for GitHub Actions", "Setting a notice message"."""
    repo.commit(web__Dockerfile=OLD, bad__Dockerfile=REJECTED)
    repo.commit(web__Dockerfile=NEW, bad__Dockerfile=REJECTED + b"# more\n")
    ran = run("diff", "--git", "HEAD~1", "--format", "github")
    assert ran.code == 3
    bad, web = ran.out.splitlines()
    assert bad.startswith("::error file=bad/Dockerfile,line=2,title=entrysem diff::")
    assert web.startswith("::notice file=web/Dockerfile,line=3,title=entrysem diff::")
    assert web.endswith('%0A- ["e", "old"]%0A+ ["e", "new"]')


def test_brief_is_one_line_a_file(repo: Repo) -> None:
    repo.commit(web__Dockerfile=OLD, db__Dockerfile=OLD)
    repo.commit(web__Dockerfile=NEW, db__Dockerfile=b"# x\n" + OLD)
    assert run("diff", "--git", "HEAD~1", "--brief").out.splitlines() == [
        "db/Dockerfile: nothing that runs changes",
        "web/Dockerfile: what runs changes",
        "",
        "what runs changes in 1 of 2 Dockerfiles",
    ]


def test_a_process_with_real_streams(repo: Repo) -> None:
    repo.commit(Dockerfile=OLD)
    repo.write("Dockerfile", NEW)
    ran = real("diff", "HEAD:Dockerfile", "Dockerfile", cwd=repo.path)
    assert (ran.code, ran.err) == (1, "")


def test_explain_starts_without_any_of_it() -> None:
    code = (
        "import sys, entrysem.cli.app, entrysem.cli.explain;"
        "print([n for n in sys.modules if n.startswith(('entrysem.diff', 'entrysem.emit'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout == "[]\n"
