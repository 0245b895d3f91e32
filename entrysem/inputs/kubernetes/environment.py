"""The environment that the kubelet gives a container, and what `$(NAME)` becomes with it.

    1. envFrom: all keys of ConfigMaps and Secrets
    2. env, in order: references in a value are replaced from what there is so far (1, the variables
       above, the Services' variables); `valueFrom` is looked up
    3. the Services' variables, for names that are not there yet
    4. references in command and args are replaced from all of it, once

So a reference to a variable further down, or to the variable itself, stays as it is written; so does
one to a variable of the image, which the kubelet does not know. What only the cluster knows stays as it
is written too, and the reader is told.

A probe is different: references in its command are replaced from `env` alone, by the values as they are
written, and a variable with `valueFrom` is the empty text. In a hook (`postStart`, `preStop`) nothing
is replaced.

Source: kubernetes/kubernetes 001a80e pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables); 5a3a5ff
pkg/kubelet/container/helpers.go (ExpandContainerCommandAndArgs, ExpandContainerCommandOnlyStatic);
kubernetes/kubernetes#42273 (probes, 1.6), #129502 (hooks).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from entrysem.inputs.kubernetes.fields import Value
from entrysem.inputs.subject import Note
from entrysem.late import late
from entrysem.merge import expand_references

__all__ = ["ENV_SOURCE", "Environment", "literal_values"]

ENV_SOURCE = (
    "kubernetes/kubernetes@001a80e975bb880d0fe60b304d30950fe661f278 pkg/kubelet/kubelet_pods.go"
    " (makeEnvironmentVariables)"
)
_SERVICE = late(
    r"[A-Z_][A-Z0-9_]*_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)\Z"
)
_SOURCES = {
    "configMapKeyRef": "the ConfigMap {name}, key {key}",
    "secretKeyRef": "the Secret {name}, key {key}",
    "fieldRef": "the pod's field {fieldPath}",
    "resourceFieldRef": "the container's {resource}",
    "fileKeyRef": "the file {path}, key {key}",
}


class _Why(NamedTuple):
    """Why it is not known what stands for a reference."""

    name: str
    reason: str


class _Text(NamedTuple):
    """A text in which what is not known stays as written, and what that is."""

    text: str
    unknown: tuple[_Why, ...]
    #: References that certainly stay as they are.
    undefined: tuple[str, ...]


class Environment:
    """What is known of a container's environment.

    Args:
        container: the container.
        service_links: whether the Services of the namespace are in it.
        known: what the user knows of the cluster: values of variables that the manifest does not tell.

    Attributes:
        notes: what is worth telling about `env` itself.

    Raises:
        InputError: `env` or `envFrom` are not as the API has them.
    """

    def __init__(self, container: Value, *, service_links: bool, known: Mapping[str, str]) -> None:
        self._service_links = service_links
        self._known = known
        self._values: dict[str, _Text] = {}
        self._looked_up: dict[str, str] = {}
        self._from = _bulk_sources(container)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._from})
        notes: list[Note] = []
        declared = list(_declared(container))
        last = {name: at for at, (name, _, _) in enumerate(declared)}
        for at, (name, value, entry) in enumerate(declared):
            text = value.text("EnvVar") if value is not None else ""
            source = None if text else entry.get("valueFrom")
            if source is not None and name not in known:
                self._values.pop(name, None)
                self._looked_up[name] = _source_of(source)
                continue
            self._looked_up.pop(name, None)
            found = self._replaced(text) if source is None else _Text(known[name], (), ())
            self._values[name] = found
            for other in found.undefined:
                is_later = last.get(other, -1) > at
                notes.append(_order_note(name, other, entry, is_later=is_later))
        self.notes = tuple(notes)

    @property
    def values(self) -> Mapping[str, str]:
        """Every variable whose value is known, at least in part."""
        return {**self._known, **{name: value.text for name, value in self._values.items()}}

    def notes_on(self, words: tuple[str, ...], where: str, field: str) -> Iterator[Note]:
        """What is to be told about the references in `words`, each once."""
        seen: set[_Why | str] = set()
        for word in words:
            found = self._replaced(word)
            for why in found.unknown:
                if why not in seen:
                    seen.add(why)
                    yield Note(
                        "unknown-variable",
                        f"$({why.name}) in {field} {why.reason}; it is shown as it is written",
                        where=where,
                        source=ENV_SOURCE,
                        status="source-read",
                    )
            for name in found.undefined:
                if name not in seen:
                    seen.add(name)
                    yield Note(
                        "undefined-variable",
                        f"$({name}) in {field} stays as it is: no variable of this container has that "
                        "name, and the kubelet does not know those of the image",
                        where=where,
                        warning=True,
                        source=ENV_SOURCE,
                        status="source-read",
                    )

    def _replaced(self, text: str) -> _Text:
        lookup = _Lookup(self)
        return _Text(
            expand_references(text, lookup), tuple(lookup.unknown), tuple(lookup.undefined)
        )

    def value_of(self, name: str) -> _Text | _Why | None:
        """The value of a variable so far; why it is not known; None when there is certainly none."""
        if name in self._values:
            return self._values[name]
        if name in self._looked_up:
            return _Why(name, f"stands for {self._looked_up[name]}")
        if name in self._known:
            return _Text(self._known[name], (), ())
        found = [
            (*self._from[name[:length]], length)
            for length in self._prefix_lengths
            if length < len(name) and name[:length] in self._from
        ]
        if found:
            _, source, length = max(found)
            told = f"stands for {source}, key {name[length:]}, if there is such a key"
            return _Why(name, told)
        if _SERVICE.match(name):
            if name.startswith(("KUBERNETES_SERVICE_", "KUBERNETES_PORT")):
                return _Why(name, "stands for the address of the cluster's API server")
            if self._service_links:
                return _Why(name, "stands for a Service of the namespace, if there is such a one")
        return None


class _Lookup(Mapping[str, str]):
    """The variables so far, noting what is asked for and not known."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.unknown: list[_Why] = []
        self.undefined: list[str] = []

    def __getitem__(self, name: str) -> str:
        found = self._environment.value_of(name)
        if isinstance(found, _Text):
            self.unknown += found.unknown
            return found.text
        if found is None:
            self.undefined.append(name)
        else:
            self.unknown.append(found)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment.values)

    def __len__(self) -> int:
        return len(self._environment.values)


def literal_values(container: Value) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What a probe's references are replaced from: the values of `env` as they are written, and, of the
    variables for which that is the empty text instead of a value, where the value would come from.

    Raises:
        InputError: `env` is not as the API has it.
    """
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for name, value, entry in _declared(container):
        values[name] = value.text("EnvVar") if value is not None else ""
        source = entry.get("valueFrom")
        sources.pop(name, None)
        if source is not None and not values[name]:
            sources[name] = _source_of(source)
    return values, sources


def _declared(container: Value) -> Iterator[tuple[str, Value | None, Value]]:
    env = container.get("env")
    for entry in env.items("EnvVar") if env is not None else ():
        name = entry.get("name")
        if name is None:
            raise entry.missing("name")
        yield name.text("EnvVar"), entry.get("value"), entry


def _bulk_sources(container: Value) -> Mapping[str, tuple[int, str]]:
    """For each prefix of `envFrom` the last that has it, which wins: its place, and what it is."""
    listed = container.get("envFrom")
    found: dict[str, tuple[int, str]] = {}
    for at, entry in enumerate(listed.items("EnvFromSource") if listed is not None else ()):
        prefix = entry.get("prefix")
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            name = entry.at(key, "name")
            if name is not None:
                described = f"the {kind} {name.text('LocalObjectReference')}"
                found[prefix.text("EnvFromSource") if prefix is not None else ""] = (at, described)
    return found


def _source_of(source: Value) -> str:
    for key in source.keys():  # noqa: SIM118  # no mapping
        if key in _SOURCES:
            reference = source.get(key)
            if reference is not None:
                names = ("name", "key", "fieldPath", "resource", "path")
                fields = {name: reference.get(name) for name in names}
                texts = {k: v.text(key) if v is not None else "?" for k, v in fields.items()}
                optional = reference.get("optional")
                described = _SOURCES[key].format_map(texts)
                if optional is not None and optional.flag(key):
                    described += ", if there is such a key"
                return described
    return "a source of its own"


def _order_note(name: str, other: str, entry: Value, *, is_later: bool) -> Note:
    told = f"$({other}) in the value of {name} stays as it is"
    if other == name:
        told = f"$({name}) in the value of {name} itself stays as it is"
    elif is_later:
        told += f": {other} is declared below it"
    else:
        told += ": there is no such variable"
    return Note(
        "reference-order",
        told,
        where=entry.where,
        warning=True,
        source=ENV_SOURCE,
        status="source-read",
    )
