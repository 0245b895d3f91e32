"""The part of Kubernetes' Container Runtime Interface that the lab speaks, without generated code.

The CRI is gRPC; its messages are protocol buffers. There is no maintained package with its messages
(those on PyPI are of the first drafts, of 2017), and of its hundreds of messages few are needed. So
`_FIELDS` says what those look like (numbers as in `k8s.io/cri-api/pkg/apis/runtime/v1/api.proto`), and
`encode` and `decode` know the few kinds of fields that occur: strings, integers (booleans and enums as
well), maps of strings, messages, and lists of these. Messages are dictionaries here; a field that is not
in one is not sent, and one that is not known here is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["METHODS", "decode", "encode"]

#: Method -> service, request, response.
METHODS: Mapping[str, tuple[str, str, str]] = {
    **{
        name: ("RuntimeService", f"{name}Request", f"{name}Response")
        for name in (
            *("Version", "RunPodSandbox", "StopPodSandbox", "RemovePodSandbox", "ListPodSandbox"),
            *("CreateContainer", "StartContainer", "StopContainer", "RemoveContainer"),
            "ContainerStatus",
        )
    },
    "ImageStatus": ("ImageService", "ImageStatusRequest", "ImageStatusResponse"),
    "ListImages": ("ImageService", "ListImagesRequest", "ListImagesResponse"),
    "RemoveImage": ("ImageService", "RemoveImageRequest", "RemoveImageResponse"),
}

_SANDBOX_ID = {"pod_sandbox_id": (1, "string")}
_CONTAINER_ID = {"container_id": (1, "string")}

#: Message -> field -> its number and kind: `string`, `int`, `map` (of strings to strings) or a message;
#: with `*` a list of them.
_FIELDS: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "VersionRequest": {},
    "VersionResponse": {"runtime_name": (2, "string"), "runtime_version": (3, "string")},
    "PodSandboxMetadata": {"name": (1, "string"), "uid": (2, "string"), "namespace": (3, "string")},
    "NamespaceOption": {"network": (1, "int"), "pid": (2, "int"), "ipc": (3, "int")},
    "LinuxSandboxSecurityContext": {
        "namespace_options": (1, "NamespaceOption"),
        "readonly_rootfs": (4, "int"),
    },
    "LinuxPodSandboxConfig": {
        "cgroup_parent": (1, "string"),
        "security_context": (2, "LinuxSandboxSecurityContext"),
    },
    "PodSandboxConfig": {
        "metadata": (1, "PodSandboxMetadata"),
        "hostname": (2, "string"),
        "log_directory": (3, "string"),
        "labels": (6, "map"),
        "linux": (8, "LinuxPodSandboxConfig"),
    },
    "RunPodSandboxRequest": {"config": (1, "PodSandboxConfig")},
    "RunPodSandboxResponse": _SANDBOX_ID,
    "StopPodSandboxRequest": _SANDBOX_ID,
    "StopPodSandboxResponse": {},
    "RemovePodSandboxRequest": _SANDBOX_ID,
    "RemovePodSandboxResponse": {},
    "ListPodSandboxRequest": {},
    "PodSandbox": {"id": (1, "string"), "labels": (5, "map")},
    "ListPodSandboxResponse": {"items": (1, "PodSandbox*")},
    "ImageSpec": {"image": (1, "string")},
    "Mount": {"container_path": (1, "string"), "host_path": (2, "string"), "readonly": (3, "int")},
    "LinuxContainerResources": {"memory_limit_in_bytes": (4, "int")},
    "Capability": {"drop_capabilities": (2, "string*")},
    "LinuxContainerSecurityContext": {
        "capabilities": (1, "Capability"),
        "namespace_options": (3, "NamespaceOption"),
        "readonly_rootfs": (7, "int"),
        "no_new_privs": (11, "int"),
    },
    "LinuxContainerConfig": {
        "resources": (1, "LinuxContainerResources"),
        "security_context": (2, "LinuxContainerSecurityContext"),
    },
    "ContainerMetadata": {"name": (1, "string")},
    "ContainerConfig": {
        "metadata": (1, "ContainerMetadata"),
        "image": (2, "ImageSpec"),
        "command": (3, "string*"),
        "args": (4, "string*"),
        "mounts": (7, "Mount*"),
        "labels": (9, "map"),
        "log_path": (11, "string"),
        "linux": (15, "LinuxContainerConfig"),
    },
    "CreateContainerRequest": {
        "pod_sandbox_id": (1, "string"),
        "config": (2, "ContainerConfig"),
        "sandbox_config": (3, "PodSandboxConfig"),
    },
    "CreateContainerResponse": _CONTAINER_ID,
    "StartContainerRequest": _CONTAINER_ID,
    "StartContainerResponse": {},
    "StopContainerRequest": _CONTAINER_ID,
    "StopContainerResponse": {},
    "RemoveContainerRequest": _CONTAINER_ID,
    "RemoveContainerResponse": {},
    "ContainerStatusRequest": {"container_id": (1, "string"), "verbose": (2, "int")},
    "ContainerStatusBody": {
        "state": (3, "int"),
        "exit_code": (7, "int"),
        "reason": (10, "string"),
        "message": (11, "string"),
    },
    "ContainerStatusResponse": {"status": (1, "ContainerStatusBody"), "info": (2, "map")},
    "ImageStatusRequest": {"image": (1, "ImageSpec")},
    "ImageStatusResponse": {"image": (1, "Image")},
    "ListImagesRequest": {},
    "Image": {"id": (1, "string"), "repo_tags": (2, "string*")},
    "ListImagesResponse": {"images": (1, "Image*")},
    "RemoveImageRequest": {"image": (1, "ImageSpec")},
    "RemoveImageResponse": {},
    "map": {"key": (1, "string"), "value": (2, "string")},
}


def encode(message: str, values: Mapping[str, Any]) -> bytes:
    """A message as it goes over the wire.

    Raises:
        UnicodeEncodeError: a string with a lone surrogate; the CRI has strings of UTF-8 only.
        KeyError: there is no such field here.
    """
    fields = _FIELDS[message]
    output = bytearray()
    for name, value in values.items():
        number, kind = fields[name]
        if kind == "int":
            output += _varint(number << 3) + _varint(int(value))
            continue
        for item in _items(kind, value):
            plain = kind.rstrip("*")
            data = item.encode() if plain == "string" else encode(plain, item)
            output += _varint(number << 3 | 2) + _varint(len(data)) + data
    return bytes(output)


def _items(kind: str, value: Any) -> Iterator[Any]:
    if kind == "map":
        yield from ({"key": key, "value": one} for key, one in value.items())
    elif kind.endswith("*"):
        yield from value
    else:
        yield value


def decode(message: str, data: bytes) -> dict[str, Any]:
    """A message that came; what was not sent is "", 0, [], or {}."""
    fields = _FIELDS[message]
    names = {number: (name, kind) for name, (number, kind) in fields.items()}
    values: dict[str, Any] = {name: _nothing(kind) for name, (_, kind) in fields.items()}
    for number, wire in _wire_fields(data):
        name, kind = names.get(number, ("", ""))
        if not name:
            continue
        if isinstance(wire, int):
            values[name] = wire
            continue
        plain = kind.rstrip("*")
        item = wire.decode(errors="replace") if plain == "string" else decode(plain, wire)
        if kind == "map" and isinstance(item, dict):
            values[name][item["key"]] = item["value"]
        elif kind.endswith("*"):
            values[name].append(item)
        else:
            values[name] = item
    return values


def _nothing(kind: str) -> Any:
    if kind.endswith("*"):
        return []
    return {"string": "", "int": 0}.get(kind, {})


def _varint(number: int) -> bytes:
    output = bytearray()
    while number > 0x7F:
        output.append(number & 0x7F | 0x80)
        number >>= 7
    output.append(number)
    return bytes(output)


def _wire_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field number and value: an integer, or the bytes of anything else."""
    place = 0

    def varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            byte = data[place]
            place += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    while place < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        length = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield key >> 3, data[place : place + length]
        place += length
