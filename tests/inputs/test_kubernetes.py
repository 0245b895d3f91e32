"""Manifests into subjects. Expected values are Kubernetes' own: its tests, its documentation, its source.

EXPANSIONS: kubernetes/kubernetes 490ffa432a878f5a75e5b5906d820d06e672556e
third_party/forked/golang/expansion/expand_test.go (doExpansionTest, TestMapReference).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.inputs.kubernetes import read_kubernetes
from entrysem.inputs.subject import Subject
from entrysem.model import ImageConfig
from entrysem.profiles import Profile
from entrysem.resolve import resolve

CRI = Profile.parse("buildkit", "cri")
IMAGE = ImageConfig(entrypoint=("/ep-1",), cmd=("foo", "bar"))


def pod(container: dict[str, Any], **spec: Any) -> bytes:
    app = {"name": "app", "image": "acme/app", **container}
    return manifest("Pod", {"containers": [app], **spec})


def manifest(kind: str, spec: dict[str, Any], version: str = "v1") -> bytes:
    head = {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}}
    return json.dumps({**head, "spec": spec}).encode()


def read(data: bytes | str, **known: Any) -> tuple[Subject, ...]:
    return read_kubernetes(
        data.encode() if isinstance(data, str) else data, where="pod.yaml", **known
    )


def argv(subject: Subject) -> tuple[str, ...] | None:
    return subject.argv or resolve(IMAGE, subject.run, profile=CRI).argv


def codes(subject: Subject) -> list[str]:
    return [note.code for note in subject.notes]


EXPANSIONS = [
    ("$(VAR_A)", "A"),
    ("$(VAR_A)-$(VAR_A)", "A-A"),
    ("___$(VAR_B)___", "___B___"),
    ("$(VAR_A)_$(VAR_B)_$(VAR_C)", "A_B_C"),
    ("$$(VAR_B)_$(VAR_A)", "$(VAR_B)_A"),
    ("f000-$$VAR_A", "f000-$VAR_A"),
    ("foo\\$(VAR_C)bar", "foo\\Cbar"),
    ("$(VAR_A$(VAR_B))", "$(VAR_A$(VAR_B))"),
    ("$(VAR_A$(VAR_B)", "$(VAR_A$(VAR_B)"),
    ("$(VAR_REF)", "$(VAR_A)"),
    ("%%$(VAR_REF)--$(VAR_REF)%%", "%%$(VAR_A)--$(VAR_A)%%"),
    ("foo$(VAR_EMPTY)bar", "foobar"),
    ("foo$(VAR_Awhoops!", "foo$(VAR_Awhoops!"),
    ("$?_boo_$!", "$?_boo_$!"),
    ("$VAR_A", "$VAR_A"),
    ("$(VAR_DNE)", "$(VAR_DNE)"),
    ("$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"),
    ("$$$$$$(VAR_A)", "$$$(VAR_A)"),
    ("$$$$$$$(GOOD_ODDS)", "$$$$(GOOD_ODDS)"),
    ("$$$$$$$(VAR_A)", "$$$A"),
    ("${VAR_A}", "${VAR_A}"),
    ("$(VAR_C)_______$(", "C_______$("),
    ("$(VAR_A)foobarzab$", "Afoobarzab$"),
    ("$($($($($--foo$(", "$($($($($--foo$("),
    ("$(foo$$var)", "$(foo$$var)"),
]
ENV = [
    {"name": "VAR_A", "value": "A"},
    {"name": "VAR_B", "value": "B"},
    {"name": "VAR_C", "value": "C"},
    # In a pod a reference in a value is replaced as well; what their mapping holds is escaped here.
    {"name": "VAR_REF", "value": "$$(VAR_A)"},
    {"name": "VAR_EMPTY", "value": ""},
]


@pytest.mark.parametrize(("word", "expected"), EXPANSIONS)
def test_references_are_replaced_as_kubernetes_tests_say(word: str, expected: str) -> None:
    for key in ("command", "args"):
        (subject,) = read(pod({key: [word], "env": ENV}, enableServiceLinks=False))
        found = argv(subject)
        assert found is not None
        assert found[-1] == expected


def test_a_value_sees_the_variables_above_it() -> None:
    """kubernetes expand_test.go (TestMapReference)."""
    env = [
        {"name": "FOO", "value": "bar"},
        {"name": "ZOO", "value": "$(FOO)-1"},
        {"name": "BLU", "value": "$(ZOO)-2"},
    ]
    (subject,) = read(pod({"args": ["$(FOO)", "$(ZOO)", "$(BLU)"], "env": env}))
    assert argv(subject) == ("/ep-1", "bar", "bar-1", "bar-1-2")


def test_the_documentations_dependent_variables() -> None:
    """kubernetes/website 024396a0b4561ad7f44d257eaa326827c328d45d
    content/en/docs/tasks/inject-data-application/define-interdependent-environment-variables.md, and the
    manifest dependent-envars.yaml that it shows: the three lines of the pod's log.
    """
    address = "$(PROTOCOL)://$(SERVICE_IP):$(SERVICE_PORT)"
    env = [
        {"name": "SERVICE_PORT", "value": "80"},
        {"name": "SERVICE_IP", "value": "172.17.0.1"},
        {"name": "UNCHANGED_REFERENCE", "value": address},
        {"name": "PROTOCOL", "value": "https"},
        {"name": "SERVICE_ADDRESS", "value": address},
        {"name": "ESCAPED_REFERENCE", "value": "$" + address},
    ]
    args = ["$(UNCHANGED_REFERENCE)", "$(SERVICE_ADDRESS)", "$(ESCAPED_REFERENCE)"]
    (subject,) = read(pod({"args": args, "env": env}))
    assert argv(subject) == (
        "/ep-1",
        "$(PROTOCOL)://172.17.0.1:80",
        "https://172.17.0.1:80",
        "$(PROTOCOL)://172.17.0.1:80",
    )
    (note,) = [note for note in subject.notes if note.code == "reference-order"]
    assert "PROTOCOL is declared below it" in note.text


def test_what_is_looked_up_is_not_guessed() -> None:
    """kubernetes/kubernetes aba588cd14e0d3654e02402cc9acb114190f7769 pkg/kubelet/kubelet_pods_test.go
    (TestMakeEnvironmentVariables, "env expansion"): the pod's name is known to the kubelet, not to us.
    """
    env = [
        {"name": "TEST_LITERAL", "value": "test-test-test"},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "OUT_OF_ORDER_TEST", "value": "$(OUT_OF_ORDER_TARGET)"},
        {"name": "OUT_OF_ORDER_TARGET", "value": "FOO"},
        {"name": "EMPTY_VAR"},
        {"name": "EMPTY_TEST", "value": "foo-$(EMPTY_VAR)"},
        {"name": "POD_NAME_TEST2", "value": "test2-$(POD_NAME)"},
        {"name": "POD_NAME_TEST3", "value": "$(POD_NAME_TEST2)-3"},
        {"name": "LITERAL_TEST", "value": "literal-$(TEST_LITERAL)"},
    ]
    names = ["OUT_OF_ORDER_TEST", "EMPTY_TEST", "POD_NAME_TEST3", "LITERAL_TEST"]
    data = pod({"command": [f"$({name})" for name in names], "env": env})
    (subject,) = read(data)
    assert argv(subject) == (
        "$(OUT_OF_ORDER_TARGET)",
        "foo-",
        "test2-$(POD_NAME)-3",
        "literal-test-test-test",
    )
    (note,) = [note for note in subject.notes if note.code == "unknown-variable"]
    assert note.text.startswith("$(POD_NAME) in command stands for the pod's field metadata.name")
    assert note.status == "source-read"
    (told,) = read(data, env={"POD_NAME": "dapi-test-pod-name"})
    assert argv(told) is not None
    assert (argv(told) or ())[2] == "test2-dapi-test-pod-name-3"
    assert "unknown-variable" not in codes(told)


@pytest.mark.parametrize(
    ("container", "spec", "word", "reason"),
    [
        (
            {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "db", "key": "pw"}}}]},
            {},
            "$(X)",
            "stands for the Secret db, key pw;",
        ),
        (
            {
                "env": [
                    {
                        "name": "X",
                        "valueFrom": {
                            "configMapKeyRef": {"name": "c", "key": "k", "optional": True}
                        },
                    }
                ]
            },
            {},
            "$(X)",
            "stands for the ConfigMap c, key k, if there is such a key;",
        ),
        (
            {"envFrom": [{"prefix": "P_", "configMapRef": {"name": "cfg"}}]},
            {},
            "$(P_URL)",
            "stands for the ConfigMap cfg, key URL, if there is such a key;",
        ),
        ({}, {}, "$(DB_SERVICE_HOST)", "stands for a Service of the namespace,"),
        (
            {},
            {"enableServiceLinks": False},
            "$(KUBERNETES_SERVICE_HOST)",
            "stands for the address of the cluster's API server;",
        ),
    ],
)
def test_every_source_of_a_value_is_named(
    container: dict[str, Any], spec: dict[str, Any], word: str, reason: str
) -> None:
    (subject,) = read(pod({**container, "args": [word]}, **spec))
    assert argv(subject) == ("/ep-1", word)
    (note,) = subject.notes
    assert note.code == "unknown-variable"
    assert reason in note.text


@pytest.mark.parametrize(
    ("container", "spec", "word"),
    [
        ({}, {}, "$(NOT_THERE)"),
        ({"envFrom": [{"prefix": "P_", "secretRef": {"name": "s"}}]}, {}, "$(OTHER)"),
        ({}, {"enableServiceLinks": False}, "$(DB_SERVICE_HOST)"),
    ],
)
def test_a_reference_to_nothing_is_a_probable_mistake(
    container: dict[str, Any], spec: dict[str, Any], word: str
) -> None:
    (subject,) = read(pod({**container, "args": [word]}, **spec))
    assert argv(subject) == ("/ep-1", word)
    (note,) = subject.notes
    assert (note.code, note.warning) == ("undefined-variable", True)


def test_env_wins_over_env_from() -> None:
    """kubelet_pods.go (makeEnvironmentVariables): "Env will override EnvFrom variables"."""
    container = {
        "envFrom": [{"configMapRef": {"name": "cfg"}}],
        "env": [{"name": "X", "value": "mine"}],
        "args": ["$(X)"],
    }
    (subject,) = read(pod(container))
    assert argv(subject) == ("/ep-1", "mine")
    assert not subject.notes


#: kubernetes/website, content/en/docs/tasks/inject-data-application/define-command-argument-container.md
#: up to release 1.22, which prints a program without its slash.
@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({}, ("/ep-1", "foo", "bar")),
        ({"command": ["/ep-2"]}, ("/ep-2",)),
        ({"args": ["zoo", "boo"]}, ("/ep-1", "zoo", "boo")),
        ({"command": ["/ep-2"], "args": ["zoo", "boo"]}, ("/ep-2", "zoo", "boo")),
        # helpers.go (ExpandContainerCommandAndArgs): a list without items stays nil.
        ({"command": [], "args": []}, ("/ep-1", "foo", "bar")),
        ({"command": None, "args": None}, ("/ep-1", "foo", "bar")),
    ],
)
def test_command_and_args(container: dict[str, Any], expected: tuple[str, ...]) -> None:
    (subject,) = read(pod(container))
    assert argv(subject) == expected
    assert subject.runtime == "cri"


def test_null_and_an_empty_list_are_kept_apart() -> None:
    (null,), (empty,) = read(pod({"command": None})), read(pod({"command": []}))
    assert (null.run.entrypoint, empty.run.entrypoint) == (None, ())


PROBE_ENV = """
    env:
    - {name: A, value: a}
    - {name: B, value: "$(A)-b"}
    - {name: C, valueFrom: {secretKeyRef: {name: s, key: k}}}
"""


def test_probes_replace_from_what_is_written_and_hooks_replace_nothing() -> None:
    """kubernetes helpers.go (ExpandContainerCommandOnlyStatic), prober.go (runProbe), handlers.go (Run);
    kubernetes/kubernetes#42273, #129502.
    """
    data = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  containers:
  - name: app
    image: acme/app
{PROBE_ENV}
    livenessProbe: {{exec: {{command: [check, "$(A)", "$(B)", "[$(C)]", "$(D)"]}}}}
    readinessProbe: {{httpGet: {{port: 80}}}}
    lifecycle:
      postStart: {{exec: {{command: [hook, "$(A)"]}}}}
      preStop: {{exec: {{command: [hook, "plain"]}}}}
"""
    app, liveness, post_start, pre_stop = read(data)
    assert liveness.name == "Pod/web: container app, livenessProbe"
    assert liveness.argv == ("check", "a", "$(A)-b", "[]", "$(D)")
    assert codes(liveness) == ["probe", "probe-variable"]
    assert post_start.argv == ("hook", "$(A)")
    assert codes(post_start) == ["hook", "hook-variable"]
    assert codes(pre_stop) == ["hook"]
    assert app.image == "acme/app"


TEMPLATE = {"spec": {"containers": [{"name": "app", "image": "acme/app"}]}}


@pytest.mark.parametrize(
    ("kind", "version", "body"),
    [
        ("Pod", "v1", {"spec": TEMPLATE["spec"]}),
        ("PodTemplate", "v1", {"template": TEMPLATE}),
        ("ReplicationController", "v1", {"spec": {"template": TEMPLATE}}),
        ("Deployment", "apps/v1", {"spec": {"template": TEMPLATE}}),
        ("Deployment", "extensions/v1beta1", {"spec": {"template": TEMPLATE}}),
        ("StatefulSet", "apps/v1", {"spec": {"template": TEMPLATE}}),
        ("DaemonSet", "apps/v1", {"spec": {"template": TEMPLATE}}),
        ("ReplicaSet", "apps/v1", {"spec": {"template": TEMPLATE}}),
        ("Job", "batch/v1", {"spec": {"template": TEMPLATE}}),
        ("CronJob", "batch/v1", {"spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}}),
    ],
)
def test_every_kind_that_has_a_pod(kind: str, version: str, body: dict[str, Any]) -> None:
    document = {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **body}
    (subject,) = read(json.dumps(document))
    assert subject.name == f"{kind}/web: container app"
    assert not subject.notes
    # The same in a List, and as the second document.
    listed = {"apiVersion": "v1", "kind": "List", "items": [document, document]}
    service = '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}'
    found = read(service + "\n---\n" + json.dumps(listed) + "\n---\n")
    assert [each.image for each in found] == ["acme/app", "acme/app"]


def test_a_foreign_kind_with_a_pod_template_is_read_and_told() -> None:
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "spec": {"template": TEMPLATE},
    }
    (subject,) = read(json.dumps(document))
    assert subject.name == "Rollout: container app"
    assert codes(subject) == ["foreign-kind"]


def test_containers_come_in_the_order_in_which_they_start() -> None:
    spec = {
        "containers": [{"name": "app", "image": "a"}],
        "initContainers": [
            {"name": "mig", "image": "m"},
            {"name": "proxy", "image": "p", "restartPolicy": "Always"},
        ],
        "ephemeralContainers": [{"name": "dbg", "image": "d"}],
    }
    found = read(manifest("Pod", spec))
    assert [each.name.removeprefix("Pod/web: ") for each in found] == [
        "init container mig",
        "sidecar proxy",
        "container app",
        "ephemeral container dbg",
    ]
    assert codes(found[3]) == ["ephemeral"]


def test_windows_pods_are_told() -> None:
    (by_os,) = read(pod({}, os={"name": "windows"}))
    (by_node,) = read(pod({}, nodeSelector={"kubernetes.io/os": "windows"}))
    assert by_os.platform == by_node.platform == "windows/amd64"
    assert codes(by_os) == codes(by_node) == ["windows"]
    (arm,) = read(pod({}, nodeSelector={"kubernetes.io/arch": "arm64"}))
    assert arm.platform == "linux/arm64"


#: The message as reported in falcosecurity/charts#454; the types by encoding/json (UnmarshalTypeError).
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            "[8080]",
            "cannot unmarshal number into Go struct field Container.spec.containers.args of type string",
        ),
        (
            "[yes]",
            "cannot unmarshal bool into Go struct field Container.spec.containers.args of type string",
        ),
        (
            "[[a]]",
            "cannot unmarshal array into Go struct field Container.spec.containers.args of type string",
        ),
        (
            "a b",
            (
                "cannot unmarshal string into Go struct field Container.spec.containers.args "
                "of type []string"
            ),
        ),
    ],
)
def test_what_is_no_text_is_refused_as_the_api_server_does(args: str, message: str) -> None:
    data = (
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: app\n    image: a\n"
        f"    args: {args}\n"
    )
    with pytest.raises(InputError) as caught:
        read(data)
    assert caught.value.message == (
        f'Pod in version "v1" cannot be handled as a Pod: json: {message}'
    )
    assert caught.value.code == "wrong-type"
    assert caught.value.where == "pod.yaml:7"


def test_the_path_of_the_message_is_the_objects() -> None:
    spec = {"template": {"spec": {"containers": [{"name": "a", "image": "b", "args": [1]}]}}}
    with pytest.raises(InputError) as caught:
        read(manifest("Deployment", spec, "apps/v1"))
    assert caught.value.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal number '
        "into Go struct field Container.spec.template.spec.containers.args of type string"
    )


def test_a_null_item_is_the_empty_word() -> None:
    """kubernetes-sigs/json decode.go (literalStore): null leaves a string as it is, which is empty."""
    (subject,) = read(pod({"args": ["a", None]}))
    assert subject.run.args == ("a", "")
    assert codes(subject) == ["null-item"]


@pytest.mark.parametrize(
    ("container", "code"),
    [
        ({"cmd": ["x"]}, "unknown-field"),
        ({"entrypoint": ["x"]}, "unknown-field"),
        ({"command": ["sh -c x"]}, "blanks-in-program"),
    ],
)
def test_common_mistakes_are_told(container: dict[str, Any], code: str) -> None:
    (subject,) = read(pod(container))
    (note,) = subject.notes
    assert (note.code, note.warning) == (code, True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no-containers"),
        (b"a: 1", "no-containers"),
        (b"apiVersion: v1\nkind: Service\n", "no-containers"),
        (b"apiVersion: v1\nkind: Pod\nspec: {}\n", "missing-field"),
        (b"apiVersion: v1\nkind: Pod\n", "missing-field"),
        (b"apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}\n", "missing-field"),
        (b"apiVersion: v1\nkind: Pod\nspec: {containers: {}}\n", "wrong-type"),
        (b"apiVersion: v1\nkind: Pod\nspec: []\n", "wrong-type"),
        (b"apiVersion: 1\nkind: Pod\n", "wrong-type"),
        (
            b"apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: b, env: [{}]}]}\n",
            "missing-field",
        ),
        (b"a: {{ .Values.x }}\nb: {{- y }}", "bad-yaml"),
        (b"\xff\xfe", "not-utf-8"),
        (b"a: &a [*a]", "yaml-cycle"),
        (b"[" * 150, "yaml-bomb"),
    ],
)
def test_bad_files_say_why(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(data)
    assert caught.value.code == code
    assert caught.value.where.startswith("pod.yaml")


def test_templates_are_to_be_rendered_first() -> None:
    with pytest.raises(InputError) as caught:
        read("kind: {{ .Values.kind }}\nx: {{- y }}\n")
    assert "helm template" in (caught.value.hint or "")


def test_json_that_is_no_yaml_is_read() -> None:
    data = pod({"args": ["\U0001f600"]})
    assert b"\\ud83d" in data
    (subject,) = read(data)
    assert subject.run.args == ("\U0001f600",)


def test_notes_say_where() -> None:
    data = (
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: app\n    image: a\n"
        "    args:\n    - $(X)\n"
    )
    (subject,) = read(data)
    assert [note.where for note in subject.notes] == ["pod.yaml:7"]
