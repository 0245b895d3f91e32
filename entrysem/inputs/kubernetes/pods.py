"""A pod's subjects: its containers, in the order in which they start, each with its probes and hooks.

A container with `restartPolicy: Always` among the init containers is a sidecar. Ephemeral containers are
added to a running pod; a manifest that was read back from a cluster has them.

Source: kubernetes/api core/v1/types.go (Container, Probe, Lifecycle); kubernetes/kubernetes
pkg/kubelet/prober/prober.go (runProbe), pkg/kubelet/lifecycle/handlers.go (Run).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrysem.inputs.kubernetes.environment import Environment, literal_values
from entrysem.inputs.kubernetes.fields import Value
from entrysem.inputs.subject import Note, Subject
from entrysem.merge import expand_references
from entrysem.model import RunOptions

__all__ = ["subjects_of"]

_LISTS = (
    ("initContainers", "init container", "Container"),
    ("containers", "container", "Container"),
    ("ephemeralContainers", "ephemeral container", "EphemeralContainer"),
)
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_HOOKS = ("postStart", "preStop")
#: What people write who have Docker's words in mind.
_NOT_FIELDS = {"cmd": "args", "entrypoint": "command", "arg": "args", "arguments": "args"}
_PROBE_SOURCE = (
    "openshift/kubernetes@825439353caca985eda4a1a535de09c18749aeb5 pkg/kubelet/prober/prober.go"
    " (runProbe); kubernetes/kubernetes#42273"
)
_HOOK_SOURCE = (
    "yuanwang04/kubernetes@068a603ef9d18139aece4204e52b0fb045cca8c9"
    " pkg/kubelet/lifecycle/handlers.go (Run); kubernetes/kubernetes#129502"
)
_DECODER = (
    "kubernetes-sigs/json@0626a4a21788dc231f382e03f4f0d0b81202fb76"
    " internal/golang/encoding/json/decode.go (literalStore)"
)


def subjects_of(
    spec: Value, name: str, known: Mapping[str, str], notes: tuple[Note, ...]
) -> Iterator[Subject]:
    """The subjects of a pod.

    Args:
        spec: the PodSpec.
        name: what to call the pod: `Deployment/web`.
        known: values of variables that the manifest does not tell.
        notes: what is told with every container.

    Raises:
        InputError: the API server would refuse the object.
    """
    links = spec.get("enableServiceLinks")
    service_links = links is None or links.flag("PodSpec")
    platform = _platform(spec)
    if platform is not None and platform.startswith("windows/"):
        notes = (*notes, _WINDOWS._replace(where=spec.where))
    found = False
    for key, role, struct in _LISTS:
        listed = spec.get(key)
        for container in listed.items(struct) if listed is not None else ():
            found = True
            called = f"{name}: {_role(container, role)} {_name(container, struct)}"
            environment = Environment(container, service_links=service_links, known=known)
            yield Subject(
                called,
                image=_image(container, struct),
                run=_run(container, struct, environment),
                runtime="cri",
                platform=platform,
                notes=(*notes, *_notes(container, struct, role, environment)),
            )
            yield from _probes(container, called)
            yield from _hooks(container, called)
    if not found:
        raise spec.missing("containers")


def _role(container: Value, role: str) -> str:
    policy = container.get("restartPolicy") if role == "init container" else None
    return "sidecar" if policy is not None and policy.text("Container") == "Always" else role


def _name(container: Value, struct: str) -> str:
    name = container.get("name")
    if name is None:
        raise container.missing("name")
    return name.text(struct)


def _image(container: Value, struct: str) -> str:
    image = container.get("image")
    if image is None or not image.text(struct):
        raise container.missing("image")
    return image.text(struct)


def _run(container: Value, struct: str, environment: Environment) -> RunOptions:
    command, args = container.get("command"), container.get("args")
    return RunOptions(
        args=None if args is None else args.texts(struct),
        entrypoint=None if command is None else command.texts(struct),
        env=environment.values,
    )


def _notes(container: Value, struct: str, role: str, environment: Environment) -> Iterator[Note]:
    if role == "ephemeral container":
        yield Note(
            "ephemeral",
            "an ephemeral container is added to a running pod, by kubectl debug; a manifest that is "
            "created with one is refused",
            where=container.where,
            source="kubernetes/api@3fed8b5a8558cb508dd58c8cfb228d04cc9a52a5 core/v1/types.go (PodSpec)",
            status="source-read",
        )
    yield from environment.notes
    for key in ("command", "args"):
        value = container.get(key)
        if value is None:
            continue
        words = value.texts(struct)
        yield from environment.notes_on(words, value.where, key)
        yield from _null_notes(value, key)
        if key == "command":
            yield from _blank_notes(words, value)
    for key in container.keys():  # noqa: SIM118  # no mapping
        if key in _NOT_FIELDS:
            yield Note(
                "unknown-field",
                f"{key} is no field of a container: kubectl refuses the manifest, and an API server that "
                f"is not asked to be strict drops it; the field is {_NOT_FIELDS[key]}",
                where=container.owner.where((*container.path, key)),
                warning=True,
                source="Kubernetes' documentation, API concepts, Field validation",
                status="source-read",
            )


def _null_notes(value: Value, key: str) -> Iterator[Note]:
    for at in value.nulls():
        yield Note(
            "null-item",
            f"item {at} of {key} is null, which the API server decodes to the empty word",
            where=value.where,
            warning=True,
            source=_DECODER,
            status="source-read",
        )


def _blank_notes(words: tuple[str, ...], value: Value) -> Iterator[Note]:
    if words and " " in words[0].strip() and len(words) == 1:
        yield Note(
            "blanks-in-program",
            f"the program is called {words[0]!r}, blanks included: nothing splits it into words",
            where=value.where,
            warning=True,
        )


def _probes(container: Value, called: str) -> Iterator[Subject]:
    for key in _PROBES:
        command = container.at(key, "exec", "command")
        if command is None:
            continue
        words = command.texts("ExecAction")
        values, sources = literal_values(container)
        lookup = _Asked(values)
        after = tuple(expand_references(word, lookup) for word in words)
        notes = [Note("probe", _PROBE, command.where, source=_PROBE_SOURCE, status="source-read")]
        for name in lookup.asked:
            if name in sources:
                told = f"$({name}) is the empty text in a probe: {sources[name]} is not looked up for it"
                notes.append(
                    Note(
                        "probe-variable",
                        told,
                        command.where,
                        warning=True,
                        source=_PROBE_SOURCE,
                        status="source-read",
                    )
                )
        notes += _null_notes(command, f"{key}.exec.command")
        notes += _blank_notes(words, command)
        yield Subject(f"{called}, {key}", argv=after, runtime="cri", notes=tuple(notes))


class _Asked(Mapping[str, str]):
    """Variables, and which of them were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        value = self._values[name]
        self.asked[name] = None
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _hooks(container: Value, called: str) -> Iterator[Subject]:
    for key in _HOOKS:
        command = container.at("lifecycle", key, "exec", "command")
        if command is None:
            continue
        words = command.texts("ExecAction")
        notes = [Note("hook", _HOOK, command.where, source=_HOOK_SOURCE, status="source-read")]
        if any("$(" in word for word in words):
            told = "$(NAME) stays as it is in a hook: nothing is replaced there"
            notes.append(
                Note(
                    "hook-variable",
                    told,
                    command.where,
                    warning=True,
                    source=_HOOK_SOURCE,
                    status="source-read",
                )
            )
        notes += _null_notes(command, f"lifecycle.{key}.exec.command")
        notes += _blank_notes(words, command)
        yield Subject(f"{called}, {key}", argv=words, runtime="cri", notes=tuple(notes))


def _platform(spec: Value) -> str | None:
    """`os/architecture` as far as the pod asks for one."""
    named = spec.at("os", "name") or spec.at("nodeSelector", "kubernetes.io/os")
    arch = spec.at("nodeSelector", "kubernetes.io/arch")
    if named is None and arch is None:
        return None
    system = named.text("PodOS") if named is not None else "linux"
    return f"{system}/{arch.text('PodSpec') if arch is not None else 'amd64'}"


_PROBE = (
    "executed in the running container, by no shell and with nothing of the image before it; $(NAME) is "
    "replaced from the values of env as they are written"
)
_HOOK = "executed in the running container, by no shell and with nothing of the image before it"
_WINDOWS = Note(
    "windows",
    "a Windows pod: its runtime makes one command line of these words, and the program splits it again",
    source="containerd/containerd@4546edfa182ae66780a7f05f9e5ea8d2e11c092b "
    "internal/cri/opts/spec_windows_opts.go (WithProcessCommandLineOrArgsForWindows)",
    status="source-read",
)
