"""YAML from strangers, read safely and with the place of every key.

The programs whose files are read here are written in Go and read YAML with ports of libyaml: Compose
with yaml.v3, Kubernetes with sigs.k8s.io/yaml, which is yaml.v2. PyYAML's parser is libyaml itself, so
what is text, key or error is decided by the same scanner; it is taken only up to its events. What a
plain scalar means is decided here, because it is where these programs differ from PyYAML and from one
another:

    scalar          `core` (yaml.v3)       `yaml-1.1` (sigs.k8s.io/yaml)
    yes on y        text                   true
    0o10 010 1_000  8, 8, 1000             8, 8, 1000
    08              8.0                    8.0
    2001-01-01      a Timestamp            text
    1:30            text                   text
    <<: *a          merged, keys of the mapping first, then of the merged ones in order

(ruamel.yaml also knows places, but its scanner is a fork for YAML 1.2 that none of these programs has,
and it builds values while it reads, when a bomb has gone off already.)

Refused, with line and column: what is not UTF-8, control characters, duplicate and composite keys,
aliases that hold themselves, tags that were not asked for, more than `MAX_BYTES` bytes, `MAX_DEPTH`
levels or `MAX_NODES` values, where an alias counts for all that it stands for.

Source: go-yaml/yaml v3 resolve.go, decode.go (merge); yaml.v2 resolve.go; kubernetes-sigs/yaml yaml.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

from entrysem.errors import InputError
from entrysem.inputs.yaml_scalars import Dialect, Scalar, Timestamp, resolved
from entrysem.late import late

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "Document",
    "Node",
    "Place",
    "Scalar",
    "Timestamp",
    "read_yaml",
]

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 500_000


class Place(NamedTuple):
    """Where something stands. Both count from 1; columns count characters."""

    line: int
    column: int


class Node:
    """A value and where it stands. Never changed once it is read: aliases share it.

    Attributes:
        value: a scalar, a tuple of nodes, or a mapping of texts to nodes, in the order of the file.
            The key of a mapping is its text, also when it is a number or `on`.
        place: of the value; behind an alias, where the anchor stands.
        keys: the key's node for each key of a mapping; its `value` tells `1` from `"1"`.
        tag: a tag that was asked for: `!reset`; else empty.
        text: a scalar's characters before they were given a meaning; else empty.
        size: how many values it holds, itself included.
        depth: how many levels it has.
    """

    __slots__ = ("depth", "keys", "place", "size", "tag", "text", "value")

    def __init__(
        self,
        value: Scalar | tuple[Node, ...] | Mapping[str, Node],
        place: Place,
        *,
        keys: Mapping[str, Node] | None = None,
        tag: str = "",
        text: str = "",
    ) -> None:
        self.value = value
        self.place = place
        self.keys: Mapping[str, Node] = keys or {}
        self.tag = tag
        self.text = text
        inside: Collection[Node] = ()
        if isinstance(value, tuple):
            inside = value
        elif isinstance(value, dict):
            inside = value.values()
        self.size: int = 1 + sum([node.size for node in inside])
        self.depth: int = 1 + max([node.depth for node in inside], default=0)

    def plain(self) -> Any:
        """The value as dicts, lists and scalars, all of them new."""
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return self.value


class Document:
    """One document of a YAML file.

    Attributes:
        root: its value, with places.
        where: what the file is called.
    """

    def __init__(self, root: Node, where: str) -> None:
        self.root = root
        self.where = where

    @cached_property
    def value(self) -> Any:
        """The value as dicts, lists and scalars. Keys are texts."""
        return self.root.plain()

    def node(self, path: Sequence[str | int]) -> Node | None:
        """What stands at a path such as `("services", "web", "command", 0)`; None for nothing."""
        node = self.root
        for part in path:
            inside: Any = node.value
            if isinstance(inside, tuple):
                found = isinstance(part, int) and 0 <= part < len(inside)
            else:
                found = isinstance(inside, dict) and part in inside
            if not found:
                return None
            node = inside[part]
        return node

    def place(self, path: Sequence[str | int]) -> Place | None:
        """Where the key at the end of the path stands (of a list, the item); None for nothing."""
        node = self.node(path)
        if node is None:
            return None
        if not path:
            return node.place
        above = self.node(path[:-1])
        assert above is not None
        key = above.keys.get(str(path[-1]))
        return node.place if key is None else key.place

    def where_of(self, path: Sequence[str | int]) -> str:
        """`compose.yaml:12` for the key at the end of the path, or of the nearest above it."""
        for end in range(len(path), -1, -1):
            place = self.place(path[:end])
            if place is not None:
                return f"{self.where}:{place.line}"
        return self.where


def read_yaml(
    data: bytes, *, where: str, dialect: Dialect = "core", tags: Collection[str] | None = ()
) -> list[Document]:
    """The documents of a file; none for a file without content.

    Args:
        data: the file. Read one byte more than `MAX_BYTES` of a larger one, and no more.
        where: what to call it in errors.
        dialect: `core` as yaml.v3 reads, `yaml-1.1` as Kubernetes does.
        tags: local tags that are accepted (`!reset`) and kept in `Node.tag`; None for any tag, as yaml.v3
            has it. A scalar with one is text.

    Raises:
        InputError: it is not YAML, or is refused; `where` then ends in `:LINE:COLUMN`.
    """
    text = _text(data, where)
    return list(
        _Reader(text, where, dialect, None if tags is None else frozenset(tags)).documents()
    )


_NOT_ALLOWED = late("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(data: bytes, where: str) -> str:
    if len(data) > MAX_BYTES:
        raise InputError(
            "too-large",
            f"larger than {MAX_BYTES // 2**20} MiB; nothing of it was read",
            where=where,
            hint="name the file that describes the containers",
        )
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise InputError("not-utf-8", "UTF-16 text", where=f"{where}:1:1", hint="save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        _refuse(
            "not-utf-8",
            f"byte 0x{data[error.start]:02x} is not UTF-8",
            where,
            _place_after(before),
            hint="save it as UTF-8",
        )
    found = _NOT_ALLOWED.search(text)
    if found is not None:
        _refuse(
            "bad-yaml",
            f"the control character U+{ord(found.group()):04X} is not allowed",
            where,
            _place_after(text[: found.start()]),
            hint="in a double-quoted text, write it as an escape: \\x1b",
        )
    return text


def _place_after(before: str) -> Place:
    line = before.count("\n") + 1
    return Place(line, len(before) - before.rfind("\n"))


def _refuse(code: str, message: str, where: str, place: Place, hint: str | None = None) -> NoReturn:
    raise InputError(code, message, where=f"{where}:{place.line}:{place.column}", hint=hint)


class _Merge(str):
    """A plain `<<`: as a key it merges."""

    __slots__ = ()


class _Open:
    """A list or mapping whose end has not been read."""

    __slots__ = ("anchor", "depth", "is_map", "items", "place", "size", "tag")

    def __init__(self, event: Any, place: Place, tag: str, *, is_map: bool, depth: int) -> None:
        self.anchor: str | None = event.anchor
        self.place = place
        self.tag = tag
        self.is_map = is_map
        self.items: list[Node] = []
        self.depth = depth
        self.size = 1


class _Reader:
    """Events in, documents out, with a stack of its own: depth costs no recursion."""

    def __init__(
        self, text: str, where: str, dialect: Dialect, tags: frozenset[str] | None
    ) -> None:
        self._text = text
        self._where = where
        self._tags = tags
        self._dialect = dialect
        self._anchors: dict[str, Node | None] = {}
        self._read = 0

    def documents(self) -> Iterator[Document]:
        """The documents, each with its own anchors."""
        events = self._yaml().events
        stack: list[_Open] = []
        for event in self._events():
            place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, events.DocumentStartEvent):
                self._anchors = {}
                self._read = 0
                continue
            if isinstance(event, (events.SequenceStartEvent, events.MappingStartEvent)):
                is_map = isinstance(event, events.MappingStartEvent)
                tag = self._collection_tag(event.tag, place, is_map=is_map)
                if len(stack) == MAX_DEPTH:
                    self._too_deep(place)
                if event.anchor is not None:
                    self._anchors[event.anchor] = None
                stack.append(_Open(event, place, tag, is_map=is_map, depth=len(stack)))
                continue
            if isinstance(event, events.ScalarEvent):
                node = self._scalar(event, place)
                anchor = event.anchor
            elif isinstance(event, events.AliasEvent):
                node = self._alias(event.anchor, place)
                anchor = None
            elif isinstance(event, (events.SequenceEndEvent, events.MappingEndEvent)):
                closed = stack.pop()
                node = self._mapping(closed) if closed.is_map else self._sequence(closed)
                anchor = closed.anchor
            else:
                continue
            if anchor is not None:
                self._anchors[anchor] = node
            if not stack:
                yield Document(node, self._where)
                continue
            above = stack[-1]
            above.items.append(node)
            above.size += node.size
            self._read += 1
            if max(self._read, above.size) > MAX_NODES:
                self._too_many(place)
            if above.depth + 1 + node.depth > MAX_DEPTH + 1:
                self._too_deep(place)

    def _yaml(self) -> Any:
        """PyYAML, which is an extra, and slow to import."""
        try:
            import yaml  # noqa: PLC0415
        except ImportError:
            raise InputError(
                "no-yaml",
                "reading YAML needs PyYAML, which is not installed",
                where=self._where,
                hint="pip install 'pyyaml>=6'",
            ) from None
        return yaml

    def _events(self) -> Iterator[Any]:
        yaml = self._yaml()
        try:
            reader: Any = _parser()(self._text)
            while (event := reader.get_event()) is not None:
                yield event
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
            about = f" {error.context}" if error.context else ""
            _refuse("bad-yaml", f"not YAML: {error.problem}{about}", self._where, place)
        except yaml.YAMLError as error:
            _refuse("bad-yaml", f"not YAML: {error}", self._where, Place(1, 1))

    def _scalar(self, event: Any, place: Place) -> Node:
        text: str = event.value
        tag: str | None = event.tag
        if self._kept(tag):
            return Node(text, place, tag=str(tag), text=text)
        plain = tag is None and event.implicit[0]
        value: Scalar
        if plain:
            value = _Merge(text) if text == "<<" else resolved(text, self._dialect)
        elif tag in {None, "!", _CORE_TAG + "str"}:
            value = text
        else:
            value = self._tagged(text, tag or "", place)
        return Node(value, place, text=text)

    def _tagged(self, text: str, tag: str, place: Place) -> Scalar:
        value = resolved(text, self._dialect)
        if tag == _CORE_TAG + "float" and type(value) is int:
            return float(value)
        types = _TAGGED.get(tag.removeprefix(_CORE_TAG) if tag.startswith(_CORE_TAG) else "")
        if types is None:
            self._bad_tag(tag, place)
        if type(value) is not types:
            _refuse(
                "bad-yaml",
                f"{text!r} is no {tag.removeprefix(_CORE_TAG)}, which its tag says",
                self._where,
                place,
            )
        return value

    def _collection_tag(self, tag: str | None, place: Place, *, is_map: bool) -> str:
        if self._kept(tag):
            return str(tag)
        if tag not in {None, "!", _CORE_TAG + ("map" if is_map else "seq")}:
            self._bad_tag(str(tag), place)
        return ""

    def _kept(self, tag: str | None) -> bool:
        """Whether it is a tag that the caller asked for."""
        if tag is None or tag == "!":
            return False
        if self._tags is not None:
            return tag in self._tags
        core = tag.startswith(_CORE_TAG) and tag.removeprefix(_CORE_TAG) in _CORE_NAMES
        return not core

    def _bad_tag(self, tag: str, place: Place) -> NoReturn:
        shown = "!!" + tag.removeprefix(_CORE_TAG) if tag.startswith(_CORE_TAG) else tag
        _refuse(
            "unknown-tag",
            f"the tag {shown} has no meaning here",
            self._where,
            place,
            hint=f"understood are {', '.join(sorted(self._tags))}" if self._tags else "take it out",
        )

    def _alias(self, anchor: str | None, place: Place) -> Node:
        if anchor is None or anchor not in self._anchors:
            _refuse("bad-yaml", f"the anchor &{anchor} is not defined before", self._where, place)
        node = self._anchors[anchor]
        if node is None:
            _refuse("yaml-cycle", f"what &{anchor} names would hold itself", self._where, place)
        return node

    def _sequence(self, closed: _Open) -> Node:
        return Node(tuple(closed.items), closed.place, tag=closed.tag)

    def _mapping(self, closed: _Open) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Node] = {}
        merged: Node | None = None
        for key, value in zip(closed.items[::2], closed.items[1::2], strict=True):
            if not isinstance(key.value, (str, int, float, type(None))):
                _refuse("bad-yaml", "a key is a list or a mapping", self._where, key.place)
            if key.text in keys:
                first = keys[key.text].place
                _refuse(
                    "duplicate-key",
                    f"the key {key.text!r} stands on line {first.line} already",
                    self._where,
                    key.place,
                    hint="keep one of the two",
                )
            keys[key.text] = key
            if isinstance(key.value, _Merge):
                merged = value
            else:
                values[key.text] = value
        if merged is not None:
            del keys["<<"]
            self._merge(merged, values, keys)
        return Node(values, closed.place, keys=keys, tag=closed.tag)

    def _merge(self, merged: Node, values: dict[str, Node], keys: dict[str, Node]) -> None:
        sources = merged.value if isinstance(merged.value, tuple) else (merged,)
        for source in sources:
            if not isinstance(source.value, dict):
                _refuse(
                    "bad-yaml",
                    "<< takes a mapping or a list of mappings",
                    self._where,
                    source.place,
                )
            self._read += len(source.value)
            if self._read > MAX_NODES:
                self._too_many(source.place)
            for key, value in source.value.items():
                if key not in values:
                    values[key] = value
                    keys[key] = source.keys[key]

    def _too_many(self, place: Place) -> NoReturn:
        _refuse(
            "yaml-bomb",
            f"holds more than {MAX_NODES} values, what aliases stand for included",
            self._where,
            place,
        )

    def _too_deep(self, place: Place) -> NoReturn:
        _refuse("yaml-bomb", f"is more than {MAX_DEPTH} levels deep", self._where, place)


def _parser() -> Any:
    """PyYAML's binding of libyaml, or its parser in Python, forty times slower, where it has none."""
    try:
        from yaml._yaml import CParser  # noqa: PLC0415
    except ImportError:
        return _python_parser()
    return CParser


def _python_parser() -> Any:
    from yaml.parser import Parser  # noqa: PLC0415
    from yaml.reader import Reader  # noqa: PLC0415
    from yaml.scanner import Scanner  # noqa: PLC0415

    class PythonParser(Reader, Scanner, Parser):
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)

    return PythonParser


_CORE_TAG = "tag:yaml.org,2002:"
_TAGGED: Mapping[str, type] = {
    "bool": bool,
    "int": int,
    "float": float,
    "null": type(None),
    "timestamp": Timestamp,
}
_CORE_NAMES = frozenset({*_TAGGED, "str", "map", "seq"})
