"""The oracle's answers, and that its schemas say exactly what it takes and gives."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from entrysem.errors import InputError
from entrysem.oracle import MAX_LINE, answer, answer_line, serve
from entrysem.vectors import cases
from tests.cli.running import assert_valid, validator
from tests.strategies import dockerfiles, json_values, texts

#: The request and the response of DESIGN.md, section 5.
_REQUEST: dict[str, Any] = {
    "id": "1",
    "dockerfile": 'FROM scratch AS a\nCMD ["c"]\nFROM a\nENTRYPOINT ["e"]\n',
    "target": None,
    "build_args": {},
    "base_configs": {},
    "builder": "buildkit",
    "runtime": "docker",
    "runs": [
        {"args": []},
        {"args": ["x"]},
        {"entrypoint": "", "args": []},
        {"entrypoint": ["f", "g"], "args": []},
    ],
}


def ask(**request: Any) -> Any:
    """The answer to a request, held against both schemas."""
    assert_valid("oracle-request", request)
    response = answer_line(json.dumps(request).encode())
    assert_valid("oracle-response", response)
    assert response["error"] is None or response["error"]["phase"] != "request", response
    return response


def argvs(**request: Any) -> list[list[str] | None]:
    return [result["argv"] for result in ask(**request)["results"]]


def test_documented_request_gets_the_documented_response() -> None:
    response = ask(**_REQUEST)
    assert response["id"] == "1"
    assert set(response["profile"]) == {"builder", "runtime"}
    assert response["profile"]["builder"].startswith("buildkit@")
    assert response["profile"]["runtime"].startswith("docker@")
    assert response["config"] == {"Entrypoint": ["e"], "Cmd": None, "Shell": None, "OnBuild": None}
    assert (response["error"], response["unknown"]) == (None, [])
    results = response["results"]
    assert [result["argv"] for result in results] == [["e"], ["e", "x"], None, ["f", "g"]]
    assert [result["error"] for result in results] == [
        None,
        None,
        {"phase": "create", "code": "no-command-specified", "message": "no command specified"},
        None,
    ]
    assert {"BUILD-02", "MERGE-01"} <= set(results[0]["rules"])


def test_versioned_profile_comes_back() -> None:
    response = ask(dockerfile="FROM scratch\n", builder="docker@26.1", runtime="podman@5.4")
    assert response["profile"] == {"builder": "buildkit@0.13", "runtime": "podman@5.4"}


def test_rejected_dockerfile() -> None:
    response = ask(id=3, dockerfile="FROM scratch\nCMD [1]\n")
    assert (response["id"], response["config"], response["results"]) == (3, None, [])
    error = response["error"]
    assert (error["phase"], error["code"], error["line"]) == ("parse", "array-of-non-strings", 2)
    assert error["message"]
    built = ask(dockerfile="FROM scratch\n", target="nope")["error"]
    assert (built["phase"], built["code"]) == ("build", "unknown-target")


def test_unknown_base_gives_a_template() -> None:
    response = ask(dockerfile='FROM acme/base\nCMD ["c"]\n', runs=[{}, {"entrypoint": "x"}])
    assert response["unknown"] == [{"image": "acme/base", "keys": ["Entrypoint"]}]
    inherited, known = response["results"]
    assert (inherited["argv"], inherited["error"]) == (None, None)
    assert inherited["argv_template"] == [{"inherited": "Entrypoint", "from": "acme/base"}, "c"]
    assert (known["argv"], "argv_template" in known) == (["x"], False)


def test_assumption_about_an_unknown_base_is_said() -> None:
    response = ask(dockerfile='FROM acme/base\nENTRYPOINT ["e"]\n')
    assert "acme/base" in " ".join(response["assumptions"])


def test_base_configs_and_catalogue() -> None:
    known = {"acme/base": {"Entrypoint": ["e"], "Cmd": []}}
    assert argvs(dockerfile="FROM acme/base\n", base_configs=known) == [["e"]]
    assert argvs(dockerfile="FROM python:3.12\n") == [None]
    # docker-library/python: CMD ["python3"].
    assert argvs(dockerfile="FROM python:3.12\n", catalogue=True) == [["python3"]]


@pytest.mark.parametrize(
    "config",
    [
        {"Entrypoint": ["e"]},
        {"Entrypoint": "e", "Env": ["a=b"]},
        {"Config": {"Entrypoint": ["e"]}},
        [{"Config": {"Entrypoint": ["e"]}, "Id": "x"}],
        {"config": {"Entrypoint": ["e"]}, "architecture": "amd64", "os": "linux"},
    ],
)
def test_config_in_place_of_a_dockerfile(config: Any) -> None:
    assert argvs(config=config, runs=[{}, {"args": ["x"]}]) == [["e"], ["e", "x"]]


def test_null_is_as_a_key_that_is_not_there() -> None:
    keys = ("id", "config", "target", "build_args", "base_configs", "builder", "runtime")
    nulls: dict[str, Any] = dict.fromkeys((*keys, "platform", "catalogue", "runs"))
    plain = ask(dockerfile='FROM scratch\nCMD ["c"]\n')
    assert ask(dockerfile='FROM scratch\nCMD ["c"]\n', **nulls) == plain
    run = dict.fromkeys(("args", "entrypoint", "init", "env"))
    assert argvs(config={"Cmd": ["c"]}, dockerfile=None, runs=[run]) == [["c"]]


def test_platform_build_args_and_target() -> None:
    source = "ARG S=a\nFROM scratch AS a\nCMD x\nFROM scratch AS b\nCMD y\nFROM $S\n"
    assert argvs(dockerfile=source, build_args={"S": "b"}) == [["/bin/sh", "-c", "y"]]
    assert argvs(dockerfile=source, target="a") == [["/bin/sh", "-c", "x"]]
    # moby/buildkit frontend/dockerfile/dockerfile2llb/defaultshell.go
    windows = argvs(dockerfile=source, target="a", platform="windows/amd64")
    assert windows == [["cmd", "/S", "/C", "x"]]


def test_kubernetes_environment() -> None:
    run = {"args": ["$(A)", "$$(A)"], "env": {"A": "1"}}
    assert argvs(config={"Entrypoint": ["e"]}, runtime="cri", runs=[run]) == [["e", "1", "$(A)"]]


def test_runs_are_answered_in_order_and_none_is_one() -> None:
    assert argvs(config={"Cmd": ["c"]}) == [["c"]]
    assert argvs(config={"Cmd": ["c"]}, runs=[]) == []
    many = [{"args": [str(number)]} for number in range(50)]
    assert argvs(config={}, runs=many) == [run["args"] for run in many]


def test_a_run_that_cannot_be_typed_is_named() -> None:
    with pytest.raises(InputError) as caught:
        answer({"config": {"Cmd": ["c"]}, "runtime": "cri", "runs": [{}, {"init": True}]})
    assert "runs[1]" in caught.value.where


def test_words_that_are_no_text_come_back_as_docker_stores_them() -> None:
    # Go's encoding/json writes U+FFFD for what is not UTF-8.
    line = rb'{"dockerfile": "FROM scratch\nCMD [\"e\"]\n", "runs": [{"args": ["\ud800"]}]}'
    assert answer_line(line)["results"][0]["argv"] == ["\ufffd"]


def test_longest_line_that_is_read() -> None:
    short = b'{"dockerfile": "FROM scratch\\nCMD a"}'
    for length, code in ((MAX_LINE, None), (MAX_LINE + 1, "line-too-long")):
        sink = io.BytesIO()
        serve(io.BytesIO(short + b" " * (length - len(short)) + b"\n" + short), sink)
        first, second = (json.loads(line) for line in sink.getvalue().splitlines())
        assert (first["error"] and first["error"]["code"]) == code
        assert second["error"] is None


def test_a_defect_of_ours_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("\udcff")

    monkeypatch.setattr("entrysem.oracle.build_image", broken)
    response = answer_line(b'{"id": 5, "dockerfile": "FROM scratch"}')
    assert_valid("oracle-response", response)
    assert (response["id"], response["error"]["code"]) == (5, "internal-error")


# --- the schemas are the truth ------------------------------------------------------------------------

_words = st.lists(st.text(max_size=4), max_size=3)
_config = st.fixed_dictionaries(
    {},
    optional={
        "Entrypoint": st.none() | _words | st.sampled_from(["a", "a b", ""]),
        "Cmd": st.none() | _words | st.text(max_size=3),
        "Shell": st.none() | _words,
        "OnBuild": st.none()
        | st.lists(st.sampled_from(["CMD a", "ENTRYPOINT b", "x"]), max_size=2),
        "ArgsEscaped": st.none() | st.booleans(),
        "Env": st.just([]),
    },
)
_run = st.fixed_dictionaries(
    {},
    optional={
        "args": st.none() | _words,
        "entrypoint": st.none() | st.text(alphabet="ab", max_size=4) | _words,
        "init": st.none() | st.booleans(),
        "env": st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    },
)
_rest = st.fixed_dictionaries(
    {},
    optional={
        "id": st.none() | st.text(max_size=5) | st.integers() | st.floats(allow_nan=False),
        "target": st.none() | st.sampled_from(["a", "0", ""]),
        "build_args": st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
        "base_configs": st.none() | st.dictionaries(st.sampled_from(["a", "b"]), _config),
        "builder": st.none()
        | st.sampled_from(["buildkit", "classic@20.10", "buildah", "docker@28", "podman@4", "x@1"]),
        "runtime": st.none() | st.sampled_from(["docker", "podman@4.3", "compose", "docker@v1-x"]),
        "platform": st.none() | st.sampled_from(["linux/amd64", "windows/amd64", "x"]),
        "catalogue": st.none() | st.booleans(),
        "runs": st.none() | st.lists(_run, max_size=3),
    },
)
_source = st.fixed_dictionaries({"dockerfile": dockerfiles}) | st.fixed_dictionaries(
    {"config": _config}
)
_requests = st.builds(lambda source, rest: {**source, **rest}, _source, _rest)

_KEYS = (
    *("id", "dockerfile", "config", "target", "build_args", "base_configs", "builder", "runtime"),
    *("platform", "catalogue", "runs", "args", "entrypoint", "init", "env", "Cmd", "Entrypoint"),
    *("cmd", "OnBuild", "x"),
)


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A request with one thing changed somewhere: a key added, dropped, renamed, a value replaced."""
    request = copy.deepcopy(draw(_requests))
    places: list[Any] = [request]
    for place in places:
        children = place.values() if isinstance(place, dict) else place
        places += [child for child in children if isinstance(child, (dict, list))]
    place = draw(st.sampled_from(places))
    value: Any = draw(json_values | st.just([]) | st.just({}) | st.just([""]) | st.just([1]))
    if isinstance(place, list):
        place.insert(draw(st.integers(0, len(place))), value)
    elif place and draw(st.booleans()):
        del place[draw(st.sampled_from(sorted(place)))]
    else:
        place[draw(st.sampled_from(_KEYS))] = value
    return request


def _refused_by_the_shape(response: Any) -> bool:
    """Whether the request was refused for its shape (and not for what the runtime cannot do)."""
    error = response["error"]
    if error is None or error["phase"] != "request":
        return False
    return error["code"] not in ("no-init", "bad-command-line")


@settings(max_examples=300)
@given(_requests | _mutated())
@example({"config": None, "dockerfile": "FROM a"})
@example({"config": {"Env": [], "foo": 1}})
@example({"config": {"foo": 1}})
@example({"config": {"cMd": []}})
@example({"dockerfile": "FROM a", "builder": "buildkit@"})
@example({"dockerfile": "FROM a", "builder": "buildkit@1.2.3.4.5"})
@example({"dockerfile": "FROM a", "id": 1.0})
@example({"dockerfile": "FROM a", "id": 1.5})
@example({"dockerfile": "FROM a", "id": False})
def test_schema_of_requests_accepts_what_the_oracle_accepts(request_: Any) -> None:
    response = answer_line(json.dumps(request_).encode())
    assert_valid("oracle-response", response)
    assert (response["error"] or {}).get("code") != "internal-error", response
    problems = list(validator("oracle-request").iter_errors(request_))
    assert bool(problems) == _refused_by_the_shape(response), (response, problems)


@given(texts | st.binary(max_size=50).map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_any_dockerfile_gets_an_answer(source: str) -> None:
    line = json.dumps({"dockerfile": source, "runs": [{}, {"args": ["x"]}]}).encode()
    response = answer_line(line)
    assert_valid("oracle-response", response)
    assert response["error"] is None or response["error"]["phase"] in ("parse", "build")


@given(st.binary(max_size=80))
def test_any_line_gets_an_answer(line: bytes) -> None:
    assert_valid("oracle-response", answer_line(line))


@pytest.mark.parametrize("case", list(cases())[::40], ids=lambda case: case["id"])
def test_vectors_through_the_oracle(case: Any) -> None:
    if "dockerfile" not in case or "bases" in case:
        pytest.skip("bases of vectors are Dockerfiles, and the oracle takes text")
    for expected in case["expect"]:
        keys = ("dockerfile", "target", "build_args", "platform")
        request = {key: case[key] for key in keys if key in case}
        request |= {"builder": expected["builders"][0], "runs": []}
        for run in expected.get("runs", []):
            options = {key: run[key] for key in ("args", "entrypoint", "init", "env") if key in run}
            asked = {**request, "runtime": run["runtimes"][0], "runs": [options]}
            assert argvs(**asked) == [run["argv"]]
        response = ask(**request)
        assert ("rejected" in expected) == (response["error"] is not None)
        for key, value in expected.get("config", {}).items():
            assert response["config"][key] == value
