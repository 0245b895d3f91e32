"""What is told about a project: places of errors and notes, and hostile input."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from entrysem.errors import InputError
from entrysem.inputs.compose import read_compose
from entrysem.inputs.subject import Subject


def read(
    folder: Path, files: Mapping[str, str | bytes], named: tuple[str, ...] = (), **options: object
) -> dict[str, Subject]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    paths = [str(folder / name) for name in named or ("compose.yaml",)]
    found = read_compose(paths, environment={}, **options)  # type: ignore[arg-type]
    return {subject.name.rpartition(": ")[2]: subject for subject in found}


def refused(
    folder: Path, files: Mapping[str, str | bytes], named: tuple[str, ...] = (), **options: object
) -> tuple[str, str, str]:
    """Code, place below the folder, and message."""
    with pytest.raises(InputError) as caught:
        read(folder, files, named, **options)
    return caught.value.code, caught.value.where.removeprefix(f"{folder}/"), caught.value.message


def codes(subject: Subject) -> set[str]:
    return {note.code for note in subject.notes}


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("image: a\n    command: [a,\n      1]", "bad-compose", 5),
        ("image: a\n    command: echo 'a", "bad-command-line", 4),
        ("image: a\n    command: ${A:?no}", "required-variable", 4),
        ("image: a\n    entrypoint: ['${}']", "bad-interpolation", 4),
        ("image: a\n    init: maybe", "bad-compose", 4),
        ("command: a", "bad-compose", 2),
        ("image: a\n    image: b", "duplicate-key", 4),
        ("image: a\n    extends: no", "bad-compose", 4),
        ("build:\n      args:\n        A: [b]", "bad-compose", 5),
    ],
)
def test_an_error_says_where(tmp_path: Path, body: str, code: str, line: int) -> None:
    found = refused(tmp_path, {"compose.yaml": f"services:\n  web:\n    {body}\n"})
    assert found[0] == code
    assert found[1].split(":")[:2] == ["compose.yaml", str(line)]


def test_an_error_in_another_file_names_that_file(tmp_path: Path) -> None:
    files = {
        "compose.yaml": "services: {a: {extends: {service: b, file: sub/b.yaml}}}\n",
        "sub/b.yaml": "services:\n  b:\n    image: b\n    command: [1]\n",
    }
    assert refused(tmp_path, files)[1] == "sub/b.yaml:4"


def test_notes(tmp_path: Path) -> None:
    text = """
services:
  a: {image: a, command: $NO}
  b: {image: b, build: ., profiles: [p, q]}
  c: {build: 'https://example.com/acme/c.git', command: [c]}
  d: {build: {dockerfile_inline: 'FROM base', additional_contexts: {base: 'service:b'}}}
  e: {provider: {type: model}}
  f: {command: x, profiles: [p]}
"""
    found = read(tmp_path, {"compose.yaml": text, "compose.override.yaml": "services: {}"})
    assert list(found) == ["a", "b", "c", "d"]
    assert codes(found["a"]) == {
        "variable-not-set", "override-not-read", "provider", "service-left-out",
    }  # fmt: skip
    assert codes(found["b"]) == {"image-and-build", "no-dockerfile", "inactive-profile"}
    assert codes(found["c"]) == {"remote-context"}
    assert codes(found["d"]) == {"additional-context"}
    assert found["c"].image == "https://example.com/acme/c.git"
    assert (found["d"].text, found["d"].image) == (b"FROM base", None)
    note = next(note for note in found["a"].notes if note.code == "variable-not-set")
    assert note.where == f"{tmp_path}/compose.yaml:3"
    assert note.warning


def test_a_service_that_is_asked_for_has_its_profile(tmp_path: Path) -> None:
    files = {"compose.yaml": "services: {a: {image: a, profiles: [p]}}"}
    assert codes(read(tmp_path, files)["a"]) == {"inactive-profile"}
    assert codes(read(tmp_path, files, services=["a"])["a"]) == set()
    assert codes(read(tmp_path, files, profiles=["p"])["a"]) == set()
    assert refused(tmp_path, files, services=["b"])[0] == "no-such-service"


def test_a_folder_is_what_compose_finds_in_it(tmp_path: Path) -> None:
    files = {
        "compose.yml": "services: {a: {image: a}}",
        "compose.override.yaml": "services: {a: {command: [over]}}",
        "deep/er/x": "",
    }
    read(tmp_path, files, ("compose.yml",))
    for folder in (tmp_path, tmp_path / "deep" / "er"):
        (subject,) = read_compose([str(folder)], environment={})
        assert subject.run.args == ("over",)


def test_unknown_keys_do_no_harm(tmp_path: Path) -> None:
    text = "future: {x: 1}\nservices: {a: {image: a, tomorrow: [1, {2: 3}], ports: ['${X}']}}"
    assert read(tmp_path, {"compose.yaml": text})["a"].image == "a"


def test_many_services_extend_one_another(tmp_path: Path) -> None:
    lines = ["services:", "  s0: {image: a}"]
    lines += [f"  s{n}: {{extends: s{n - 1}}}" for n in range(1, 3000)]
    found = read(tmp_path, {"compose.yaml": "\n".join(lines)})
    assert found["s2999"].image == "a"
    backwards = [lines[0], *reversed(lines[1:])]
    assert refused(tmp_path, {"compose.yaml": "\n".join(backwards)})[0] == "bad-compose"


def test_files_that_include_one_another_without_end(tmp_path: Path) -> None:
    """Each file includes the next one twice: 2^20 readings."""
    files = {
        f"f{n}.yaml": f"include: [f{n + 1}.yaml, ./f{n + 1}.yaml]\nservices: {{}}\n"
        for n in range(20)
    }
    files["f20.yaml"] = "services: {a: {image: a}}\n"
    assert refused(tmp_path, files, ("f0.yaml",))[0] == "bad-compose"


@pytest.mark.parametrize("nested", ["${A:-" * 100 + "}" * 100, "${A:-" * 20000])
def test_nested_variables(tmp_path: Path, nested: str) -> None:
    text = f"services: {{a: {{image: a, command: '{nested}'}}}}"
    assert refused(tmp_path, {"compose.yaml": text})[0] == "bad-interpolation"


def test_many_variables_on_a_line(tmp_path: Path) -> None:
    text = "services: {a: {image: a, command: ['" + "${A:-x}" * 100_000 + "']}}"
    assert read(tmp_path, {"compose.yaml": text})["a"].run.args == ("x" * 100_000,)


def test_pipes_and_devices_that_a_file_names_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for key in ("extends: {service: b, file: pipe}", "extends: {service: b, file: /dev/zero}"):
        found = refused(tmp_path, {"compose.yaml": f"services: {{a: {{image: a, {key}}}}}"})
        assert found[0] == "unreadable"
    found = refused(tmp_path, {"compose.yaml": "include: [pipe]"})
    assert found[0] == "unreadable"


def test_links_in_a_circle_and_hostile_names(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    text = "services: {a: {image: a, extends: {service: b, file: loop.yaml}}}"
    assert refused(tmp_path, {"compose.yaml": text})[0] == "unreadable"
    nul = 'services: {a: {image: a, extends: {service: b, file: "x\\0y"}}}'
    assert refused(tmp_path, {"compose.yaml": nul})[0] == "unreadable"
    found = read(tmp_path, {"compose.yaml": 'services: {a: {build: "x\\0y"}}'})
    assert codes(found["a"]) == {"no-dockerfile"}


@pytest.mark.parametrize(
    "path", ["https://example.com/c.yaml", "git@example.com:a/b.git", "oci://r/a"]
)
def test_nothing_is_downloaded(tmp_path: Path, path: str) -> None:
    assert refused(tmp_path, {"compose.yaml": f"include: ['{path}']"})[0] == "remote-file"
    text = f"services: {{a: {{image: a, extends: {{service: b, file: '{path}'}}}}}}"
    assert refused(tmp_path, {"compose.yaml": text})[0] == "remote-file"
