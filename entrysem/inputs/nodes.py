"""Getting at the values of a YAML document whose shape is somebody else's.

Programs differ in what they refuse; a reader says what it wants at a path and how to call the error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from entrysem.errors import InputError
from entrysem.inputs.yaml import Document, Node

__all__ = ["Field", "only_document"]


class Field(NamedTuple):
    """A value and the path to it.

    Attributes:
        document: what it stands in.
        path: its keys and indices.
        node: the value, or None when there is none.
    """

    document: Document
    path: tuple[str | int, ...]
    node: Node | None

    @staticmethod
    def root(document: Document) -> Field:
        """The document itself."""
        return Field(document, (), document.root)

    def __bool__(self) -> bool:
        """Whether there is a value; null is none."""
        return self.node is not None and self.node.value is not None

    def get(self, *keys: str) -> Field:
        """The value behind keys; without a value when one is missing or null, or stands in no mapping."""
        node = self.node
        for key in keys:
            value = node.value if node is not None else None
            node = value.get(key) if isinstance(value, dict) else None
        return Field(self.document, (*self.path, *keys), node)

    @property
    def where(self) -> str:
        """`FILE:LINE` of its key; of the value itself where it was brought here from elsewhere."""
        if self.node is None or self.document.node(self.path) is self.node:
            return self.document.where_of(self.path)
        return f"{self.document.where}:{self.node.place.line}"

    @property
    def spelled(self) -> str:
        """`services.web.command`."""
        return ".".join(map(str, self.path))

    @property
    def is_map(self) -> bool:
        """Whether it is a mapping."""
        return self.node is not None and isinstance(self.node.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return self.node is not None and isinstance(self.node.value, tuple)

    @property
    def is_text(self) -> bool:
        """Whether it is a text."""
        return self.node is not None and isinstance(self.node.value, str)

    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping; none for anything else."""
        value = self.node.value if self.node is not None else None
        return tuple(value) if isinstance(value, dict) else ()

    def items(self) -> Iterator[Field]:
        """The items of a list; none for anything else."""
        value = self.node.value if self.node is not None else None
        for at, node in enumerate(value if isinstance(value, tuple) else ()):
            yield Field(self.document, (*self.path, at), node)

    def text(self) -> str:
        """The text; empty when there is no value.

        Raises:
            InputError: it is a list, a mapping, a number or a boolean.
        """
        if not self:
            return ""
        if not self.is_text:
            raise self.refused("a text")
        assert self.node is not None
        return str(self.node.value)

    def scalar(self) -> str:
        """The characters of a text, number or boolean; empty when there is no value.

        Raises:
            InputError: it is a list or a mapping.
        """
        if not self:
            return ""
        if self.is_map or self.is_list:
            raise self.refused("a text")
        assert self.node is not None
        return self.node.text

    def texts(self) -> tuple[str, ...] | None:
        """A list of texts; None when there is no value.

        Raises:
            InputError: it is no list, or an item is no text.
        """
        if not self:
            return None
        if not self.is_list:
            raise self.refused("a list of texts")
        words = []
        for item in self.items():
            if not item.is_text:
                raise item.refused("a text")
            words.append(item.text())
        return tuple(words)

    def refused(self, wanted: str, hint: str | None = None) -> InputError:
        """The error that this is not what is wanted."""
        if hint is None and wanted == "a text":
            hint = "quote it"
        return InputError(
            "wrong-type", f"{self.spelled} is not {wanted}", where=self.where, hint=hint
        )


def only_document(documents: Sequence[Document], where: str, what: str) -> Field:
    """The mapping of a file that holds one document, or that of its last, for a reader that takes one.

    Raises:
        InputError: there is none, or it is no mapping.
    """
    root = Field.root(documents[-1]) if documents else None
    if root is None or not root.is_map:
        raise InputError("wrong-type", f"this is no {what}: there is no mapping", where=where)
    return root
