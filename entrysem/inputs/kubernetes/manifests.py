"""Manifests: which pods are in a file.

kubectl reads a file as JSON when it starts with a brace and as YAML 1.1 otherwise, a document an
object, and takes `List`s apart. A pod stands in an object itself, in its template, or in the template
of a template. An object of another kind (a Service, a ConfigMap) starts no process; one that is not
Kubernetes' own and has a pod template where a Deployment has it (a Rollout, a Knative Service) is read
as one, and the reader is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from entrysem.errors import InputError
from entrysem.inputs.kubernetes.fields import Object, Value
from entrysem.inputs.kubernetes.pods import subjects_of
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.yaml import MAX_DEPTH, Document, Node, Place, read_yaml

__all__ = ["read_kubernetes"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_POD_AT: Mapping[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_TEMPLATE = ("spec", "template", "spec")


def read_kubernetes(
    data: bytes, *, where: str, env: Mapping[str, str] = _NOTHING
) -> tuple[Subject, ...]:
    """The containers, probes and hooks of all pods in a file, in its order.

    Args:
        data: YAML with one or several documents, or JSON.
        where: what to call the file.
        env: values of variables that only the cluster knows: from Secrets, ConfigMaps and Services.
            A value that the manifest has wins.

    Raises:
        InputError: the file is not YAML, has no object with a pod, or has an object that the API server
            would refuse.
    """
    found: list[Subject] = []
    kinds: list[str] = []
    for document in _documents(data, where):
        for each in _objects(document, (), kinds):
            found += _subjects(each, env)
    if not found:
        listed = ", ".join(dict.fromkeys(kinds))
        told = (
            f"there are only: {listed}" if kinds else "there is no object with apiVersion and kind"
        )
        raise InputError(
            "no-containers",
            f"no pod is described here; {told}",
            where=where,
            hint=f"read are {', '.join(_POD_AT)}, Lists of them, and other kinds with spec.template.spec",
        )
    return tuple(found)


def _documents(data: bytes, where: str) -> list[Document]:
    try:
        return read_yaml(data, where=where, dialect="yaml-1.1")
    except InputError as error:
        if error.code == "bad-yaml":
            if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
                document = _from_json(data, where)
                if document is not None:
                    return [document]
            if b"{{" in data:
                error.hint = "render templates first: helm template, kustomize build"
        raise


def _from_json(data: bytes, where: str) -> Document | None:
    """JSON that is no YAML: two escapes for one character, for one. Its places are not known."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return Document(_node(value, where, 0), where)


def _node(value: Any, where: str, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise InputError("too-deep", f"is more than {MAX_DEPTH} levels deep", where=where)
    place = Place(1, 1)
    if isinstance(value, dict):
        inside = {key: _node(item, where, depth + 1) for key, item in value.items()}
        keys = {key: Node(key, place, text=key) for key in inside}
        return Node(inside, place, keys=keys)
    if isinstance(value, list):
        return Node(tuple(_node(item, where, depth + 1) for item in value), place)
    return Node(value, place, text=str(value))


def _objects(document: Document, path: tuple[str | int, ...], kinds: list[str]) -> Iterator[Object]:
    node = document.node(path)
    if node is None or node.value is None:
        return
    fields = node.value if isinstance(node.value, dict) else {}
    kind, version = (fields.get(key) for key in ("kind", "apiVersion"))
    if kind is None or version is None:
        return
    for key, field in (("kind", kind), ("apiVersion", version)):
        if not isinstance(field.value, str):
            raise InputError(
                "wrong-type", f"{key} is no text", where=document.where_of((*path, key))
            )
    kinds.append(str(kind.value))
    items = fields.get("items")
    if items is not None and isinstance(items.value, tuple) and str(kind.value).endswith("List"):
        for at in range(len(items.value)):
            yield from _objects(document, (*path, "items", at), kinds)
        return
    yield Object(document, path, str(kind.value), str(version.value))


def _subjects(each: Object, env: Mapping[str, str]) -> Iterator[Subject]:
    path = _POD_AT.get(each.kind)
    notes: tuple[Note, ...] = ()
    if path is None or not _is_builtin(each):
        spec = _foreign_template(each)
        if spec is None:
            return
        told = f"{each.kind} of {each.version} is not Kubernetes' own; its pod template is read as usual"
        notes = (Note("foreign-kind", told, where=spec.where),)
    else:
        spec = each.root.at(*path)
        if spec is None:
            raise each.root.missing(".".join(path))
    yield from subjects_of(spec, _called(each), env, notes)


def _is_builtin(each: Object) -> bool:
    return each.version.partition("/")[0] in {"v1", "apps", "batch", "extensions"}


def _foreign_template(each: Object) -> Value | None:
    """The pod template of a kind that is not Kubernetes' own; None when it has none."""
    try:
        spec = each.root.at(*_TEMPLATE)
        return spec if spec is not None and "containers" in spec.keys() else None  # noqa: SIM118
    except InputError:
        return None


def _called(each: Object) -> str:
    for key, tail in (("name", ""), ("generateName", "*")):
        name = each.root.at("metadata", key)
        if name is not None:
            return f"{each.kind}/{name.text('ObjectMeta')}{tail}"
    return each.kind
