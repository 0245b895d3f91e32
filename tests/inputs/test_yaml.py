"""YAML from strangers.

What scalars mean is taken from the tests of the libraries that the modelled programs use,
go-yaml/yaml v3.0.1 decode_test.go, and from yaml/go-yaml v2.4.4 resolve.go; the rest is what must be
refused, and where.
"""

import math
import sys

import pytest

from entrysem.errors import InputError
from entrysem.inputs.yaml import MAX_BYTES, MAX_NODES, Place, Timestamp, read_yaml


def value(text: str, **options: object) -> object:
    (document,) = read_yaml(text.encode(), where="f.yaml", **options)  # type: ignore[arg-type]
    return document.value


def refused(data: bytes, **options: object) -> InputError:
    with pytest.raises(InputError) as caught:
        read_yaml(data, where="f.yaml", **options)  # type: ignore[arg-type]
    return caught.value


#: go-yaml/yaml v3.0.1 decode_test.go: what each decodes to.
CORE = {
    "hi": "hi",
    "true": True,
    "'10'": "10",
    "10": 10,
    "0b10": 2,
    "0xA": 10,
    "0o10": 8,
    "4294967296": 4294967296,
    "0.1": 0.1,
    ".1": 0.1,
    ".Inf": math.inf,
    "-.Inf": -math.inf,
    "-10": -10,
    "-.1": -0.1,
    "0b1010_0111_0100_1010_1110": 685230,
    "0x_0A_74_AE": 685230,
    "02472256": 685230,
    "+685_230": 685230,
    "685.230_15e+03": 685230.15,
    "685_230.15": 685230.15,
    "190:20:30.15": "190:20:30.15",
    "~": None,
    "null": None,
    "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 18446744073709551616.0,
    "0o": "0o",
    "yes": "yes",
    "on": "on",
    "n": "n",
    "2015-02-24T18:19:39.12Z": Timestamp("2015-02-24T18:19:39.12Z"),
    "2015-01-01": Timestamp("2015-01-01"),
    "2015-2-3 3:4:5": Timestamp("2015-2-3 3:4:5"),
    "!!str 2015-01-01": "2015-01-01",
    "2015-13-01": "2015-13-01",
    "1e999": "1e999",
    "!!float 3": 3.0,
    "! 5": "5",
}


@pytest.mark.parametrize("text", CORE)
def test_core_scalars_are_those_of_yaml_v3(text: str) -> None:
    found = value(f"a: {text}")
    assert isinstance(found, dict)
    assert found["a"] == CORE[text]
    assert type(found["a"]) is type(CORE[text])


#: yaml/go-yaml v2.4.4 resolve.go (resolveMapList), and decode.go: a timestamp stays text.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", True), ("On", True), ("Y", True), ("OFF", False), ("n", False), ("yEs", "yEs"),
        ("2015-01-01", "2015-01-01"), ("0o10", 8), ("010", 8), ("1_000", 1000), ("08", 8.0),
    ],
)  # fmt: skip
def test_kubernetes_scalars_are_those_of_yaml_v2(text: str, expected: object) -> None:
    found = value(text, dialect="yaml-1.1")
    assert found == expected
    assert type(found) is type(expected)


def test_keys_are_their_texts() -> None:
    assert value("on: 1\n1: 2\n~: 3\n") == {"on": 1, "1": 2, "~": 3}


def test_merge_keys() -> None:
    """https://yaml.org/type/merge.html: the mapping's own keys first, then the sources in order."""
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 9}\nd: {'<<': 1}\n"
    found = value(text)
    assert isinstance(found, dict)
    assert found["c"] == {"x": 9, "y": 2, "z": 4}
    assert found["d"] == {"<<": 1}


def test_places_of_keys_and_items() -> None:
    text = "services:\n  web:\n    command:\n      - a\n      - é b\n"
    (document,) = read_yaml(text.encode(), where="compose.yaml")
    assert document.place(("services", "web", "command")) == Place(3, 5)
    assert document.place(("services", "web", "command", 1)) == Place(5, 9)
    assert document.place(()) == Place(1, 1)
    assert document.place(("services", "db")) is None
    assert document.where_of(("services", "web", "command")) == "compose.yaml:3"
    assert document.where_of(("services", "web", "no", "such")) == "compose.yaml:2"


def test_columns_count_characters() -> None:
    (document,) = read_yaml("{é: 1, b: 2}".encode(), where="f")
    assert document.place(("b",)) == Place(1, 8)


def test_documents_and_nothing() -> None:
    assert [document.value for document in read_yaml(b"---\na: 1\n---\n- b\n", where="f")] == [
        {"a": 1},
        ["b"],
    ]
    assert read_yaml(b"", where="f") == []
    assert read_yaml(b"# only this\n", where="f") == []


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (b"a: 1\nb: 2\na: 3\n", "duplicate-key", "3:1"),
        (b'a: 1\n"a": 3\n', "duplicate-key", "2:1"),
        (b"<<: {a: 1}\n<<: {b: 1}\n", "duplicate-key", "2:1"),
        (b"a: &a [*a]\n", "yaml-cycle", "1:8"),
        (b"a: &a {b: {c: *a}}\n", "yaml-cycle", "1:15"),
        (b"a: *b\n", "bad-yaml", "1:4"),
        (b"a: b\x00c\n", "bad-yaml", "1:5"),
        (b"a: 1\nb: \x1b[0m\n", "bad-yaml", "2:4"),
        (b"a: 1\nb\xff: 1\n", "not-utf-8", "2:2"),
        (b"\xff\xfea\x00", "not-utf-8", "1:1"),
        (b"a: [1, 2\n", "bad-yaml", "2:1"),
        (b"a:\n\tb: c\n", "bad-yaml", "2:1"),
        (b"? [a]\n: b\n", "bad-yaml", "1:3"),
        (b"<<: 5\n", "bad-yaml", "1:5"),
        (b"a: !!int x\n", "bad-yaml", "1:4"),
        (b"a: !!python/object:os.system x\n", "unknown-tag", "1:4"),
        (b"a: !reset {}\n", "unknown-tag", "1:4"),
        (b"a: !!set {b}\n", "unknown-tag", "1:4"),
        (b"[" * 200, "yaml-bomb", "1:101"),
        (b"- " * 200, "yaml-bomb", "1:201"),
    ],
)
def test_what_is_refused_and_where(data: bytes, code: str, where: str) -> None:
    error = refused(data)
    assert (error.code, error.where) == (code, f"f.yaml:{where}")


def test_depth_counts_what_aliases_stand_for() -> None:
    text = "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60 + "\n"
    assert refused(text.encode()).code == "yaml-bomb"


def test_an_alias_bomb_is_refused_before_it_is_expanded() -> None:
    """The billion laughs: nine levels of nine."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert refused("\n".join(lines).encode()).code == "yaml-bomb"


def test_merging_the_same_mapping_over_and_over_is_a_bomb() -> None:
    text = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\nb:\n"
    assert refused((text + "- {<<: *a}\n" * (MAX_NODES // 1000 + 1)).encode()).code == "yaml-bomb"


def test_too_large_is_not_read() -> None:
    error = refused(b"a" * (MAX_BYTES + 1))
    assert (error.code, error.where) == ("too-large", "f.yaml")


def test_tags_that_are_asked_for_are_kept() -> None:
    (document,) = read_yaml(
        b"a: !reset null\nb: !override [1]\n", where="f", tags=("!reset", "!override")
    )
    assert document.value == {"a": "null", "b": [1]}
    a, b = document.node(("a",)), document.node(("b",))
    assert a is not None
    assert b is not None
    assert (a.tag, b.tag) == ("!reset", "!override")
    assert refused(b"a: !mine 1", tags=("!reset",)).hint == "understood are !reset"


def test_any_tag_can_be_asked_for() -> None:
    assert value("a: !mine 5\nb: !!int 5\nc: !!mine [1]", tags=None) == {"a": "5", "b": 5, "c": [1]}


def test_without_the_c_parser_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &a {x: [1, 'é', \"\\x41\"]}\nb: {<<: *a, y: |\n  t\n}\n"
    text = text.replace(", y: |\n  t\n", ", y: t")
    expected = value(text)
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    assert value(text) == expected
    assert refused(b"a: [1, 2\n").where == "f.yaml:2:1"


def test_without_pyyaml_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    error = refused(b"a: 1")
    assert error.code == "no-yaml"
    assert "pyyaml" in (error.hint or "")
