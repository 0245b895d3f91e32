"""The GitHub Action, the hooks for pre-commit, and the jobs of examples/ci, as far as they run here.

`action.yml` is judged by the published schema (as the package check-jsonschema has it) and its step is
run as a runner would: the step's own `env` resolved from the inputs, GitHub's files given by variables.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.cli.running import ROOT
from tests.cli.test_diff import NEW, OLD, Repo

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found is not None, f"pip install {name}"
    return found


class Step(NamedTuple):
    """What the action's step came to."""

    code: int
    out: str
    err: str
    summary: str
    outputs: dict[str, str]


def act(repo: Repo, base: str = "", **inputs: str) -> Step:
    """Runs the action's only step in `repo`, with this event's base."""
    (step,) = ACTION["runs"]["steps"]
    given = {**{k: v["default"] for k, v in ACTION["inputs"].items()}, **inputs}
    assert set(given) == set(ACTION["inputs"])
    folder = repo.path.parent / "runner"
    folder.mkdir(exist_ok=True)
    command = folder / "entrysem"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m entrysem "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)

    def value(text: str) -> str:
        (expression,) = re.findall(r"\A\$\{\{ (.*) \}\}\Z", text)
        if expression == "github.action_path":
            return str(ROOT)
        if expression.startswith("github.event"):
            return base
        return str(given[expression.removeprefix("inputs.")])

    env = {key: value(text) for key, text in step["env"].items()}
    summary, output = folder / "summary", folder / "output"
    for path in (summary, output):
        path.unlink(missing_ok=True)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=repo.path,
        env={
            **os.environ,
            **env,
            "PYTHONPATH": str(ROOT),
            "ENTRYSEM": str(command),
            "RUNNER_TEMP": str(folder),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(output),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    pairs = output.read_text().splitlines() if output.exists() else []
    return Step(
        done.returncode,
        done.stdout,
        done.stderr,
        summary.read_text() if summary.exists() else "",
        dict(line.split("=", 1) for line in pairs),
    )


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


def test_action_and_hooks_have_their_published_schemas() -> None:
    schema = ("--builtin-schema", "vendor.github-actions")
    subprocess.run([tool("check-jsonschema"), *schema, ROOT / "action.yml"], check=True)
    subprocess.run(
        [tool("pre-commit"), "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=True
    )
    for name, kind in (("check-github.yml", "github-workflows"), ("check-gitlab.yml", "gitlab-ci")):
        path = ROOT / "examples" / "ci" / name
        subprocess.run(
            [tool("check-jsonschema"), "--builtin-schema", f"vendor.{kind}", path], check=True
        )


def test_no_input_is_part_of_a_script() -> None:
    """docs.github.com, "Secure use reference": an expression in `run` is code of whoever wrote it."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_scripts_are_sound() -> None:
    for name in ("action.sh", "examples/ci/check.sh"):
        subprocess.run([tool("shellcheck"), ROOT / name], check=True)


def test_nothing_to_tell(repo: Repo) -> None:
    first = repo.commit(Dockerfile=OLD)
    repo.commit(Dockerfile=b"# why\n" + OLD)
    step = act(repo, first)
    assert (step.code, step.outputs["check"], step.outputs["diff"]) == (0, "0", "0")
    assert "Nothing that runs changes in `Dockerfile`" in step.summary


def test_a_change_is_told_and_fails_the_job_only_when_asked(repo: Repo) -> None:
    first = repo.commit(web__Dockerfile=OLD)
    repo.commit(web__Dockerfile=NEW)
    step = act(repo, first)
    assert (step.code, step.outputs["diff"]) == (0, "1")
    assert "::notice file=web/Dockerfile,line=3,title=entrysem diff::" in step.out
    assert '`["e", "old"]` | `["e", "new"]`' in step.summary
    assert Path(step.outputs["markdown"]).read_text() in step.summary
    assert act(repo, first, **{"fail-on-change": "true"}).code == 1
    assert act(repo, "", **{"diff-base": "HEAD~1", "fail-on-change": "true"}).code == 1
    assert act(repo, first, **{"diff-base": "none"}).outputs["diff"] == ""


def test_findings_are_annotated_and_fail_the_job(repo: Repo) -> None:
    """`CMD ["a",]` is no JSON and runs a shell (docs.docker.com/reference/dockerfile, exec form)."""
    repo.commit(Dockerfile=b'FROM scratch\nCMD ["a",]\n')
    step = act(repo)
    assert (step.code, step.outputs["check"]) == (1, "1")
    assert re.search(r"^::error file=Dockerfile,line=2,", step.out, re.MULTILINE)
    assert "ES004" in step.summary
    assert act(repo, threshold="none").code == 0
    assert act(repo, paths="nothing-there").code == 3
    assert act(repo, threshold="nonsense").code == 2


def test_a_report_is_kept(repo: Repo) -> None:
    repo.commit(Dockerfile=OLD)
    step = act(repo, format="sarif", report="found.sarif")
    assert step.code == 0
    assert yaml.safe_load((repo.path / "found.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize("base", ["0" * 40, ""])
def test_a_new_branch_has_nothing_to_compare_with(repo: Repo, base: str) -> None:
    repo.commit(Dockerfile=OLD)
    step = act(repo, base)
    assert (step.code, step.outputs["diff"], step.outputs["markdown"]) == (0, "", "")


def test_a_base_that_was_not_fetched(repo: Repo) -> None:
    """That of the event is a warning, for the checkout may be shallow; one that is asked for must be."""
    repo.commit(Dockerfile=OLD)
    step = act(repo, "1" * 40)
    assert (step.code, step.outputs["diff"]) == (0, "3")
    assert "::warning title=entrysem::" in step.out
    assert "fetch-depth: 0" in step.out
    step = act(repo, "", **{"diff-base": "origin/nope"})
    assert (step.code, "::error title=entrysem::" in step.out) == (3, True)


def test_hostile_inputs_are_words_and_no_code(repo: Repo) -> None:
    repo.commit(**{"a b; touch pwned/Dockerfile": OLD, "-x": OLD, "Dockerfile": OLD})
    step = act(
        repo,
        "--output=pwned",
        paths="a b; touch pwned\n$(touch pwned)\n\n-x\n`touch pwned`\n",
        report="$(touch pwned)",
    )
    assert step.code == 3
    assert not (repo.path / "pwned").exists()


def test_options_go_to_both_commands(repo: Repo) -> None:
    first = repo.commit(Dockerfile=b"FROM acme/base\nLABEL a=b\n")
    repo.write("base.json", b'{"Entrypoint": ["e"], "Cmd": ["c"]}')
    repo.commit(Dockerfile=b'FROM acme/base\nCMD ["new"]\n')
    step = act(repo, first, args="--base-config=acme/base=base.json\n")
    assert '`["e", "c"]` | `["e", "new"]`' in step.summary


def test_the_plain_script(repo: Repo) -> None:
    """check.sh as a job calls it; GitLab's report is a list (docs.gitlab.com, code quality format)."""
    first = repo.commit(Dockerfile=OLD)
    repo.commit(Dockerfile=NEW)

    def script(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "ENTRYSEM": f"{sys.executable} -m entrysem"}
        return subprocess.run(
            ["sh", ROOT / "examples/ci/check.sh", *words],
            cwd=repo.path,
            env={**env, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    told = script(BASE=first)
    assert told.returncode == 0
    assert '+ ["e", "new"]' in told.stdout
    assert yaml.safe_load((repo.path / "entrysem-results/codequality.json").read_text()) == []
    assert "#### `Dockerfile`" in (repo.path / "entrysem-results/diff.md").read_text()
    assert script(BASE=first, FAIL_ON_CHANGE="1").returncode == 1
    assert script(BASE="1" * 40).returncode == 3
    repo.write("Dockerfile", b'FROM scratch\nCMD ["a",]\n')
    assert script().returncode == 1
    assert script("--failure-threshold=none").returncode == 0
    assert "ES004" in (repo.path / "entrysem-results/codequality.json").read_text()


# --- pre-commit --------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_files_that_a_hook_takes(hook: dict[str, Any]) -> None:
    taken = ["Dockerfile", "a/Dockerfile.prod", "Dockerfile-dev", "web.dockerfile", "Containerfile",
             "x/web.Containerfile", "dockerfile"]  # fmt: skip
    left = ["Dockerfile.j2", "Dockerfile.md", "MyDockerfile", "docker/file", ".dockerignore",
            "Dockerfile.dockerignore", "Dockerfiles/x"]  # fmt: skip

    def takes(name: str) -> bool:
        return bool(re.search(hook["files"], name)) and not re.search(hook["exclude"], name)

    assert [name for name in taken if not takes(name)] == []
    assert [name for name in left if takes(name)] == []


def test_the_hooks_run_under_pre_commit(repo: Repo, tmp_path: Path) -> None:
    """The real program installs this checkout into an environment of its own, and runs both hooks."""
    repo.commit(Dockerfile_dev=b'FROM scratch\nCMD ["a",]\n', Dockerfile_j2=b"FROM {{x}}\n")
    repo.git("mv", "Dockerfile_dev", "Dockerfile-dev")
    repo.git("mv", "Dockerfile_j2", "Dockerfile.j2")
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    revision = Repo(source).commit()
    hooks = [{"id": hook["id"]} for hook in HOOKS]
    config = {"repos": [{"repo": str(source), "rev": revision, "hooks": hooks}]}
    repo.commit(_pre_commit_config=yaml.safe_dump(config).encode())
    repo.git("mv", "_pre_commit_config", ".pre-commit-config.yaml")

    def hook(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tool("pre-commit"), "run", name, "--all-files", "--verbose"],
            cwd=repo.path,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

    checked = hook("entrysem-check")
    assert checked.returncode == 1, checked.stdout
    assert "Dockerfile-dev:2:9: error ES004" in checked.stdout
    assert "j2" not in checked.stdout
    mended = hook("entrysem-check-fix")
    assert "files were modified by this hook" in mended.stdout
    assert (repo.path / "Dockerfile-dev").read_text() == 'FROM scratch\nCMD ["a"]\n'
    assert hook("entrysem-check").returncode == 0
