"""A manifest's values, read as the API server reads them.

The API server decodes JSON into Go structs, so a number is no text: `args: [8080]` is refused, and so
is `yes`, which YAML 1.1 makes a boolean before. `null` is the absence of a value: for a field as if it
were not there, for an item of a list the empty text. The messages are the server's own.

Source: kubernetes-sigs/json 0626a4a internal/golang/encoding/json/decode.go (UnmarshalTypeError;
literalStore: null leaves the zero value); the whole message as reported in falcosecurity/charts#454.
"""

from __future__ import annotations

from collections.abc import Iterator

from entrysem.errors import InputError
from entrysem.inputs.yaml import Document, Node

__all__ = ["Object", "Value"]

_HINTS = {
    "number": 'quote it: "8080"; args, command and the values of env are texts',
    "bool": 'quote it: "yes"; YAML reads yes, no, on, off, y and n as booleans',
    "string": "write a list, one word an item; nothing here splits a text into words",
}


class Object:
    """One API object: a document, or an item of a List.

    Attributes:
        document: the YAML document that it stands in.
        kind: `Deployment`.
        version: `apps/v1`.
        root: its mapping.
    """

    def __init__(
        self, document: Document, path: tuple[str | int, ...], kind: str, version: str
    ) -> None:
        self.document = document
        self.kind = kind
        self.version = version
        self._path = path
        node = document.node(path)
        assert node is not None
        self.root = Value(self, node, (), "")

    def where(self, path: tuple[str | int, ...]) -> str:
        """`pod.yaml:12`."""
        return self.document.where_of((*self._path, *path))


class Value:
    """A value of an object, and the Go struct whose field it is.

    Attributes:
        owner: the object.
        path: from the object's root.
    """

    __slots__ = ("_node", "_struct", "owner", "path")

    def __init__(self, owner: Object, node: Node, path: tuple[str | int, ...], struct: str) -> None:
        self.owner = owner
        self.path = path
        self._node = node
        self._struct = struct

    @property
    def where(self) -> str:
        """The file and line of its key."""
        return self.owner.where(self.path)

    @property
    def spelled(self) -> str:
        """`spec.containers[0].args`."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def get(self, key: str, struct: str = "") -> Value | None:
        """A field; None when it is absent or null.

        Raises:
            InputError: this is no object.
        """
        value = self._node.value
        if not isinstance(value, dict):
            raise self._refused(self._struct_type())
        node = value.get(key)
        if node is None or node.value is None:
            return None
        return Value(self.owner, node, (*self.path, key), struct)

    def at(self, *keys: str) -> Value | None:
        """A field of a field; None when any on the way is absent or null.

        Raises:
            InputError: one on the way is no object.
        """
        value: Value | None = self
        for key in keys:
            if value is None:
                return None
            value = value.get(key)
        return value

    def keys(self) -> tuple[str, ...]:
        """The names of its fields.

        Raises:
            InputError: this is no object.
        """
        if not isinstance(self._node.value, dict):
            raise self._refused(self._struct_type())
        return tuple(self._node.value)

    def items(self, struct: str) -> Iterator[Value]:
        """The objects of a list of `struct`s.

        Raises:
            InputError: this is no list.
        """
        if not isinstance(self._node.value, tuple):
            raise self._refused(f"[]v1.{struct}")
        for at, node in enumerate(self._node.value):
            yield Value(self.owner, node, (*self.path, at), struct)

    def text(self, struct: str) -> str:
        """The text.

        Raises:
            InputError: it is something else.
        """
        if not isinstance(self._node.value, str):
            raise self._refused("string", struct)
        return str(self._node.value)

    def flag(self, struct: str) -> bool:
        """The boolean.

        Raises:
            InputError: it is something else.
        """
        if not isinstance(self._node.value, bool):
            raise self._refused("bool", struct)
        return self._node.value

    def texts(self, struct: str) -> tuple[str, ...]:
        """A list of texts; an item that is null is the empty text.

        Raises:
            InputError: this is no list, or an item is no text.
        """
        if not isinstance(self._node.value, tuple):
            raise self._refused("[]string", struct)
        words = []
        for at, node in enumerate(self._node.value):
            if node.value is None:
                words.append("")
            else:
                words.append(Value(self.owner, node, (*self.path, at), struct).text(struct))
        return tuple(words)

    def nulls(self) -> tuple[int, ...]:
        """Which items of a list are null."""
        items = self._node.value if isinstance(self._node.value, tuple) else ()
        return tuple(at for at, node in enumerate(items) if node.value is None)

    def missing(self, key: str) -> InputError:
        """The error that a required field is not there."""
        path = f"{self.spelled}.{key}" if self.path else key
        return InputError(
            "missing-field",
            f"{self.owner.kind} is invalid: {path}: Required value",
            where=self.where,
            hint=f"add {key}",
        )

    def _struct_type(self) -> str:
        return f"v1.{self._struct or self.owner.kind}"

    def _refused(self, wanted: str, struct: str = "") -> InputError:
        field = ".".join(part for part in self.path if isinstance(part, str))
        found = _json_type(self._node)
        if struct or self._struct:
            target = f"Go struct field {struct or self._struct}.{field} of type {wanted}"
        elif self.path:
            target = f"Go struct field {self.owner.kind}.{field} of type {wanted}"
        else:
            target = f"Go value of type {wanted}"
        version = self.owner.version.rpartition("/")[2]
        kind = self.owner.kind
        return InputError(
            "wrong-type",
            f'{kind} in version "{version}" cannot be handled as a {kind}: '
            f"json: cannot unmarshal {found} into {target}",
            where=self.where,
            hint=_HINTS.get(found) if wanted in {"string", "[]string"} else None,
        )


def _json_type(node: Node) -> str:
    value = node.value
    if isinstance(value, tuple):
        return "array"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "null" if value is None else "number"
