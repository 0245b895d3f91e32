"""What is kept of a Compose file, with the place of each value, and how two files become one.

Only the keys that decide a process are kept; whatever else a file holds, today's Compose keys or
tomorrow's, is not looked at. Values are read from YAML, interpolated, and then never changed: merging
makes new ones.

Merging, of `-f a -f b`, documents of a file, and `extends`:

    command, entrypoint    the later takes the earlier's place, also null, which means the image's
    build                  key by key; a text is its context
    args                   by name; written as a list or as a mapping
    profiles, platforms    both, without repetition
    anything else          the later, unless it is null
    !reset                 as if neither file had the key
    !override              the later alone, whatever the key

Source: compose-spec/compose-go v2.9.1 override/merge.go, override/uncity.go, loader/reset.go; observed on
Compose 2.26.1 and 2.40.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from entrysem.errors import InputError
from entrysem.inputs.compose.template import Lookup, interpolate
from entrysem.inputs.yaml import Node, Scalar, Timestamp

__all__ = [
    "BUILD_KEYS",
    "OVERRIDE",
    "RESET",
    "SERVICE_KEYS",
    "Path",
    "Reading",
    "Value",
    "bad",
    "go_text",
    "merged_service",
    "plain",
    "without",
]

RESET, OVERRIDE = "!reset", "!override"
Path = tuple[str, ...]

SERVICE_KEYS = frozenset(
    "build command entrypoint extends image init platform profiles provider pull_policy".split()
)
BUILD_KEYS = frozenset(
    "additional_contexts args context dockerfile dockerfile_inline platforms target".split()
)
_REPLACED = frozenset({"command", "entrypoint"})


class Value(NamedTuple):
    """A value and where it was written.

    Attributes:
        data: a scalar, a tuple of values, or a dict of them.
        where: `compose.yaml:12`.
        unset: variables in its text that had no value.
    """

    data: Scalar | tuple[Value, ...] | dict[str, Value]
    where: str
    unset: tuple[str, ...] = ()


class Reading:
    """Turns the nodes of one YAML document into values.

    Attributes:
        removed: paths that carry `!reset` or `!override`: what earlier files have there is dropped.
    """

    def __init__(self, where: str, lookup: Lookup) -> None:
        self._where = where
        self._lookup = lookup
        self.removed: list[Path] = []

    def place(self, node: Node) -> str:
        """`compose.yaml:12`."""
        return f"{self._where}:{node.place.line}"

    def mapping(self, node: Node, path: Path) -> dict[str, Node]:
        """The entries of a mapping, without those that are reset.

        Raises:
            InputError: it is no mapping, or a key is no text.
        """
        if not isinstance(node.value, dict):
            raise bad(f"{'.'.join(path) or 'the file'} must be a mapping", self.place(node))
        entries: dict[str, Node] = {}
        for name, value in node.value.items():
            if not isinstance(node.keys[name].value, str):
                under = f" in {'.'.join(path)}" if path else ""
                raise bad(
                    f"the key {name}{under} is no text",
                    self.place(node.keys[name]),
                    hint="put it in quotes",
                )
            if value.tag in {RESET, OVERRIDE}:
                self.removed.append((*path, name))
            if value.tag != RESET:
                entries[name] = value
        return entries

    def value(self, node: Node, path: Path, place: str) -> Value:
        """The value of a key that is kept, with all that is in it.

        Raises:
            InputError: a text cannot be interpolated, or a key is no text.
        """
        if isinstance(node.value, tuple):
            items = [item for item in node.value if item.tag != RESET]
            read = [self.value(item, (*path, "[]"), self.place(item)) for item in items]
            return Value(tuple(read), place)
        if isinstance(node.value, dict):
            entries = self.mapping(node, path)
            keep = BUILD_KEYS if path[2:] == ("build",) else entries
            return Value(
                {
                    name: self.value(entry, (*path, name), self.place(node.keys[name]))
                    for name, entry in entries.items()
                    if name in keep
                },
                place,
            )
        if not isinstance(node.value, str) or isinstance(node.value, Timestamp):
            assert not isinstance(node.value, Mapping)
            return Value(node.value, place)
        try:
            text = interpolate(node.value, self._lookup, where=place)
        except InputError as error:
            raise InputError(
                error.code, f"{'.'.join(path)}: {error.message}", where=place, hint=error.hint
            ) from None
        return Value(text.text, place, text.unset)

    def service(self, node: Node, path: Path, place: str) -> Value:
        """What is kept of one service; `null` and what is no mapping stay what they are."""
        if not isinstance(node.value, dict):
            return self.value(node, path, place)
        entries = self.mapping(node, path)
        return Value(
            {
                name: self.value(entry, (*path, name), self.place(node.keys[name]))
                for name, entry in entries.items()
                if name in SERVICE_KEYS
            },
            place,
        )


def without(services: dict[str, Value], removed: list[Path]) -> dict[str, Value]:
    """The services without what stands at these paths, which begin with `services`."""
    for path in removed:
        if path[0] == "services":
            services = _dropped(services, path[1:]) if len(path) > 1 else {}
    return services


def _dropped(entries: dict[str, Value], path: Path) -> dict[str, Value]:
    name, rest = path[0], path[1:]
    if name not in entries:
        return entries
    if not rest:
        return {key: value for key, value in entries.items() if key != name}
    inside = entries[name].data
    if not isinstance(inside, dict):
        return entries
    return entries | {name: entries[name]._replace(data=_dropped(inside, rest))}


def merged_service(base: Value, over: Value) -> Value:
    """One service of two definitions; `over` comes later.

    Raises:
        InputError: a list or mapping is overridden by something else.
    """
    if over.data is None:
        return base
    if not isinstance(base.data, dict):
        return over
    if not isinstance(over.data, dict):
        raise bad("a service must be a mapping", over.where)
    found = dict(base.data)
    for name, value in over.data.items():
        if name not in found or name in _REPLACED:
            found[name] = value
        elif name == "build":
            found[name] = _merged_build(found[name], value)
        else:
            found[name] = _merged(found[name], value, name)
    return Value(found, over.where)


def _merged(base: Value, over: Value, name: str) -> Value:
    if over.data is None:
        return base
    if isinstance(base.data, tuple):
        if not isinstance(over.data, tuple):
            raise bad(f"cannot override {name}", over.where)
        unique = {str(item.data): item for item in (*base.data, *over.data)}
        return Value(tuple(unique.values()), over.where)
    if isinstance(base.data, dict):
        if not isinstance(over.data, dict):
            raise bad(f"cannot override {name}", over.where)
        return Value(base.data | over.data, over.where)
    return over


def _merged_build(base: Value, over: Value) -> Value:
    found = _build_mapping(base)
    for name, value in _build_mapping(over).items():
        if name not in found:
            found[name] = value
        elif name in {"args", "additional_contexts"}:
            found[name] = Value(_assignments(found[name]) + _assignments(value), value.where)
        else:
            found[name] = _merged(found[name], value, f"build.{name}")
    return Value(found, over.where)


def _build_mapping(build: Value) -> dict[str, Value]:
    if isinstance(build.data, dict):
        return dict(build.data)
    return {"context": build} if isinstance(build.data, str) else {}


def _assignments(value: Value) -> tuple[Value, ...]:
    """`NAME=value` texts, of a list or of a mapping."""
    if isinstance(value.data, tuple):
        return value.data
    if isinstance(value.data, dict):
        return tuple(
            entry._replace(data=name if entry.data is None else f"{name}={go_text(entry.data)}")
            for name, entry in sorted(value.data.items())
        )
    return (value,) if isinstance(value.data, str) else ()


def plain(value: Value) -> Any:
    """The value as dicts, tuples and scalars, to compare it."""
    if isinstance(value.data, tuple):
        return tuple(plain(item) for item in value.data)
    if isinstance(value.data, dict):
        return {name: plain(entry) for name, entry in value.data.items()}
    return value.data


def go_text(value: Any) -> str:
    """A scalar as Go's fmt.Sprint writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _go_float(value)
    return str(value)


def _go_float(value: float) -> str:
    """%v: the shortest digits, with an exponent below -4 and from 6 on, as %g."""
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124  # it is NaN
        return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}[repr(value)]
    mantissa, _, power = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0") or "0"
    if digits == "0":
        return sign + "0"
    exponent = point - 1
    if exponent < -4 or exponent >= 6:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    padded = digits.ljust(point, "0")
    return sign + padded[:point] + (f".{padded[point:]}" if padded[point:] else "")


def bad(message: str, where: str, hint: str | None = None) -> InputError:
    """What Compose refuses about the file."""
    return InputError("bad-compose", message, where=where, hint=hint)
