"""What image tools print -> ImageConfig, and everything else -> InputError.

The files under `data/` are real outputs, trimmed; `data/README.md` has the commands. The rest is
typed after the sources that `entrysem.bases.config` names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entrysem import ImageConfig, InputError
from entrysem.bases.config import MAX_SIZE, read_base_config, read_config_object

DATA = Path(__file__).with_name("data")

ENTRYPOINT = ("docker-entrypoint.sh",)
CMD = ("python3", "-q")
SHELL = ("/bin/bash", "-o", "pipefail", "-c")
ONBUILD = ("RUN echo hello",)


def refused(data: bytes | str) -> InputError:
    with pytest.raises(InputError) as caught:
        read_base_config(data, where="base.json")
    assert caught.value.code == "bad-base-config"
    assert caught.value.where == "base.json"
    assert caught.value.message.isprintable()
    return caught.value


def read(document: object) -> ImageConfig:
    return read_base_config(json.dumps(document), where="base.json")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docker-28.5-inspect.json", ImageConfig(ENTRYPOINT, CMD, SHELL, ONBUILD, True)),
        ("docker-28.5-inspect-config.json", ImageConfig(ENTRYPOINT, CMD, SHELL, ONBUILD, True)),
        # The classic builder's: ContainerConfig is there as well, with a Cmd of its own.
        ("docker-20.10-inspect.json", ImageConfig(ENTRYPOINT, CMD, SHELL, ONBUILD)),
        ("skopeo-1.22-inspect-config-raw.json", ImageConfig(ENTRYPOINT, CMD, SHELL, ONBUILD)),
        # These leave out Shell and OnBuild, though the image has them.
        ("podman-5.8-inspect.json", ImageConfig(ENTRYPOINT, CMD)),
        ("podman-3.0-inspect.json", ImageConfig(ENTRYPOINT, CMD)),
        ("skopeo-1.22-inspect-config.json", ImageConfig(ENTRYPOINT, CMD)),
    ],
)
def test_real_outputs(name: str, expected: ImageConfig) -> None:
    assert read_base_config((DATA / name).read_bytes(), where=name) == expected


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("docker-28.5-inspect-container.json", "container", "docker image inspect"),
        ("podman-3.0-inspect-container.json", "container", "docker image inspect"),
        ("docker-28.5-inspect-nothing.json", "holds no image", "does not have the image"),
        ("skopeo-1.22-inspect-raw.json", "manifest", "skopeo inspect --config"),
        ("skopeo-1.22-inspect.json", "summary", "--config"),
        ("buildah-1.43-inspect.json", "buildah", "{{json .Docker}}"),
    ],
)
def test_real_outputs_that_are_no_config(name: str, message: str, hint: str) -> None:
    error = refused((DATA / name).read_bytes())
    assert message in error.message
    assert error.hint is not None
    assert hint in error.hint


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, ImageConfig()),
        ({"Entrypoint": None, "Cmd": None, "Shell": None, "OnBuild": None}, ImageConfig()),
        ({"Entrypoint": [], "Cmd": [], "OnBuild": []}, ImageConfig((), ())),
        ({"Entrypoint": ["e"], "Cmd": ["c", ""]}, ImageConfig(("e",), ("c", ""))),
        ({"Env": ["A=1"]}, ImageConfig()),
        ({"ArgsEscaped": True, "Cmd": ["c"]}, ImageConfig(None, ("c",), args_escaped=True)),
        ({"ArgsEscaped": None}, ImageConfig()),
        ([{"Config": {"Cmd": ["c"]}}], ImageConfig(None, ("c",))),
        ({"Config": {"Cmd": ["c"]}}, ImageConfig(None, ("c",))),
        ([{"Config": None}], ImageConfig()),
        ([{"Config": None, "ContainerConfig": None}], ImageConfig()),
        ([{"ContainerConfig": {"Cmd": ["c"]}}], ImageConfig(None, ("c",))),
        ([{"Config": None, "ContainerConfig": {"Cmd": ["c"]}}], ImageConfig(None, ("c",))),
        ([{"Config": {}, "ContainerConfig": {"Cmd": ["c"]}}], ImageConfig()),
        ({"config": {"Cmd": ["c"]}}, ImageConfig(None, ("c",))),
        ({"architecture": "amd64", "os": "linux"}, ImageConfig()),
        ({"architecture": "amd64", "os": "linux", "config": None}, ImageConfig()),
        ({"config": {}, "rootfs": {"type": "layers"}}, ImageConfig()),
        ({"Cmd": ["héllo \U0001f600", "\x00"]}, ImageConfig(None, ("héllo \U0001f600", "\x00"))),
        # Docker's StrSlice: one string is a list of one.
        ({"Entrypoint": "e", "Cmd": "a b"}, ImageConfig(("e",), ("a b",))),
        ([{"Config": {"Entrypoint": "/e", "Shell": "sh"}}], ImageConfig(("/e",), None, ("sh",))),
    ],
)
def test_shapes(document: object, expected: ImageConfig) -> None:
    assert read(document) == expected
    assert read_config_object(document, where="request") == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    """UTF-8 with and without a byte order mark, and what PowerShell's `>` writes."""
    data = '{"Cmd": ["é"]}\r\n'.encode(encoding)
    assert read_base_config(data, where="x").cmd == ("é",)


def test_text_with_a_byte_order_mark() -> None:
    assert read_base_config('\ufeff{"Cmd": ["c"]}', where="x").cmd == ("c",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "the file is empty"),
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \r\n", "the file is empty"),
        ("{\n  \"Cmd\": ['c']\n}", "not JSON: Expecting value at line 2, column 11"),
        ('{"Cmd": ["c"]} {}', "not JSON: Extra data at line 1, column 16"),
        ('{"Cmd": ["c"', "not JSON: Expecting ',' delimiter at line 1, column 13"),
        (b'{\n"a": "\xff"}', "not UTF-8 text at line 2, byte 7"),
        (b"\xff\xfe{\x00\x00", "not UTF-16 text at line 1, byte 5"),
        ('{"a":\n "\udc80"}', "not UTF-8 text at line 2, column 3"),
        ('{"Cmd": ["\\ud800"]}', "$.Cmd[0]: half a surrogate pair is no character"),
        ('{"Cmd": ["a"], "Cmd": ["b"]}', 'the key "Cmd" stands twice in one object'),
        ('{"Labels": {"a": 1, "a": 1}}', 'the key "a" stands twice in one object'),
        ('{"Cmd": NaN}', "not JSON: NaN is not a JSON value"),
        ('{"Cmd": [-Infinity]}', "not JSON: -Infinity is not a JSON value"),
        ("[" * 200_000, "nested too deeply for an image config"),
        ('{"a":' * 200_000, "nested too deeply for an image config"),
        (" " * (MAX_SIZE + 1), "the file is larger than 8 MiB"),
        ("null", "$: an object is expected, not null"),
        ('"python"', "$: an object is expected, not a string"),
        ("[[]]", "$[0]: an object is expected, not a list"),
        ("9" * 5000, "$: an object is expected, not a number"),
        ("true", "$: an object is expected, not a boolean"),
        ('["python3", "-q"]', "this is a list of words, not a config"),
        ('[{"Config": {}}, {"Config": {}}]', "the list holds 2 images"),
        ('{"image": "python"}', "no image config is in this object"),
        ('{"entrypoint": ["e"]}', '$: the key "entrypoint" is spelled Entrypoint'),
        ('{"config": {"CMD": ["e"]}}', '$.config: the key "CMD" is spelled Cmd'),
        ('[{"Config": []}]', "$[0].Config: an object is expected, not a list"),
        ('[{"Config": 1}]', "$[0].Config: an object is expected, not a number"),
        ('{"config": "x"}', "$.config: an object is expected, not a string"),
        ('{"Cmd": 1}', "$.Cmd: a list of strings is expected, not a number"),
        ('{"Cmd": {}}', "$.Cmd: a list of strings is expected, not an object"),
        ('{"Cmd": ["a", null]}', "$.Cmd[1]: a string is expected, not null"),
        (
            '[{"Config": {"Shell": [1]}}]',
            "$[0].Config.Shell[0]: a string is expected, not a number",
        ),
        ('{"OnBuild": "RUN x"}', "$.OnBuild: a list of strings is expected, not a string"),
        ('{"ArgsEscaped": "yes"}', "$.ArgsEscaped: true or false is expected, not a string"),
        # OCI's type is a plain list; one string is an error to whoever reads it.
        ('{"config": {"Cmd": "c"}}', "$.config.Cmd: a list of strings is expected, not a string"),
    ],
)
def test_refused(data: bytes | str, message: str) -> None:
    assert refused(data).message == message


@pytest.mark.parametrize("entrypoint", ["a b", "", "a\tb", " "])
def test_an_entrypoint_that_podman_may_have_joined(entrypoint: str) -> None:
    """Podman before 5.0 printed a container's Entrypoint joined with blanks, "" for none."""
    error = refused(json.dumps({"Entrypoint": entrypoint, "Cmd": ["c"]}))
    assert error.message.startswith("$.Entrypoint is one string")
    assert error.hint is not None
    assert "podman" in error.hint


@pytest.mark.parametrize(
    ("document", "message", "hint"),
    [
        ({"State": {}, "HostConfig": {}, "Config": {}}, "container", "docker image inspect"),
        ({"ociVersion": "1.0.2", "process": {"args": ["sh"]}}, "container", "image inspect"),
        ({"schemaVersion": 2, "manifests": []}, "index", "--config"),
        (
            {"mediaType": "application/vnd.oci.image.index.v1+json", "schemaVersion": 2},
            "index",
            "--config",
        ),
        ({"config": {"digest": "sha256:1", "mediaType": "x"}, "layers": []}, "manifest", "crane"),
        ({"schemaVersion": 1, "fsLayers": [], "history": []}, "manifest", "--config"),
        ([{"Descriptor": {}, "SchemaV2Manifest": {}}], "manifest", "--config"),
        ([{"Config": "1.json", "RepoTags": [], "Layers": []}], "saved image", "archive"),
        (
            {"linux/amd64": {"config": {}}, "linux/arm64": {"config": {}}},
            "several platforms",
            "one platform",
        ),
        (
            [{"ContainerConfig": {"Cmd": ["/bin/sh", "-c", "#(nop) ", "CMD x"]}}],
            "builder",
            "Config",
        ),
    ],
)
def test_other_documents(document: object, message: str, hint: str) -> None:
    error = refused(json.dumps(document))
    assert message in error.message
    assert error.hint is not None
    assert hint in error.hint


def test_a_template_without_json() -> None:
    error = refused("{[python3] [] map[]}")
    assert error.hint is not None
    assert "{{json .Config}}" in error.hint


def test_control_characters_of_a_key_do_not_reach_the_message() -> None:
    assert '"\\u001b"' in refused('{"\\u001b": 1, "\\u001b": 2}').message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "Config config ContainerConfig Entrypoint Cmd Shell OnBuild ArgsEscaped cmd Path "
                "Args State HostConfig manifests layers Layers Digest mediaType rootfs OCIv1 "
                "architecture os a/b process Env".split()
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def only_input_error(data: Any) -> None:
    try:
        config = read_base_config(data, where="x")
    except InputError as error:
        assert error.code == "bad-base-config"  # noqa: PT017 - both ends are right
    else:
        assert isinstance(config, ImageConfig)


@given(st.binary(max_size=60))
@example(b"\xff\xfe\x00\xd8")
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    only_input_error(data)


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    only_input_error(text)


@given(JSON)
def test_no_json_raises_anything_else(document: object) -> None:
    only_input_error(json.dumps(document))
    only_input_error(json.dumps([document]))


WORDS = st.none() | st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=4)


@given(WORDS, WORDS, WORDS)
def test_every_list_comes_out_as_it_went_in(
    entrypoint: list[str] | None, cmd: list[str] | None, shell: list[str] | None
) -> None:
    """null is None, [] is (), and every word is kept, in each wrapping."""
    config = {"Entrypoint": entrypoint, "Cmd": cmd, "Shell": shell}
    expected = ImageConfig(
        None if entrypoint is None else tuple(entrypoint),
        None if cmd is None else tuple(cmd),
        None if shell is None else tuple(shell),
    )
    for document in (config, {"config": config}, [{"Config": config}]):
        assert read(document) == expected
