"""The configuration: `.entrysem.toml`, or `[tool.entrysem]` of a `pyproject.toml`.

For each file the nearest one counts, upwards from its folder to the repository's root; a
`pyproject.toml` without that table is passed over, and `.entrysem.toml` goes before the
`pyproject.toml` beside it. Nothing is inherited from one further up. Paths and globs in it are seen
from its own folder; globs are those of `.gitignore`.

    failure-threshold = "warning"
    disable = ["ES009", "nothing-to-run"]
    [[files]]                       # settings for some files; later entries go before earlier ones
    path = "web/*"
    target = "production"
    [[expect]]                      # what the container of a file gets
    path = "web/Dockerfile"
    argv = ["nginx", "-g", "daemon off;"]

What is unknown or of the wrong type is an error: a misspelt key would be a check that nobody makes.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from entrysem.check.kinds import kind_of
from entrysem.check.wildmatch import Patterns
from entrysem.errors import InputError
from entrysem.findings.model import SEVERITIES

__all__ = ["THRESHOLDS", "Config", "Configs", "Entry", "read_config"]

NAMES = (".entrysem.toml", "pyproject.toml")
THRESHOLDS = (*SEVERITIES, "none")
_LARGEST = 4 * 1024 * 1024


class Entry(NamedTuple):
    """One `[[files]]` or `[[expect]]`: the globs of its `path`, and its other keys as written."""

    paths: tuple[str, ...]
    values: Mapping[str, Any]


class Config:
    """One file of configuration, checked.

    Attributes:
        path: where it was read, for messages; empty for none at all.
        folder: what its paths are seen from, absolute.
        values: its keys but `files`, `expect` and `exclude`; only those that are written.
        files, expect: the entries, in order.
        exclude: globs of files that are not checked.
    """

    def __init__(self, path: str, folder: str, table: Mapping[str, Any]) -> None:
        self.path = path
        self.folder = folder
        self.values = {key: value for key, value in table.items() if key not in _LISTS}
        self.files = tuple(_entry(each) for each in table.get("files", ()))
        self.expect = tuple(_entry(each) for each in table.get("expect", ()))
        self.exclude: tuple[str, ...] = tuple(table.get("exclude", ()))
        self._specs: dict[tuple[str, ...], Patterns] = {}

    def excludes(self, path: str) -> bool:
        """Whether the absolute path is excluded."""
        return bool(self.exclude) and self.matches(self.exclude, path)

    def matches(self, patterns: tuple[str, ...], path: str) -> bool:
        """Whether the absolute path is one that the globs mean.

        A file outside of the folder is matched by its path from the current folder.
        """
        below = os.path.relpath(path, self.folder)
        if below.startswith(os.pardir + os.sep):
            below = os.path.relpath(path)
        if os.path.isabs(below) or below.startswith(os.pardir):  # noqa: PTH117 - a text
            return False
        if patterns not in self._specs:
            self._specs[patterns] = Patterns(patterns)
        return self._specs[patterns].covers(below.replace(os.sep, "/"))


def read_config(path: str) -> Config | None:
    """The configuration in a file; None for a `pyproject.toml` without `[tool.entrysem]`.

    Raises:
        InputError: `unreadable`; `bad-config`, it is no TOML, or a key or value is wrong.
    """
    import tomllib  # noqa: PLC0415  # many checks have no configuration

    try:
        with open(path, "rb") as file:  # noqa: PTH123 - strings, for speed
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            "unreadable", f"the configuration cannot be read: {reason}", where=path
        ) from None
    if len(data) > _LARGEST:
        raise InputError("bad-config", "this is too large for a configuration", where=path)
    try:
        table: Any = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        told = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError("bad-config", f"this is no TOML: {told}", where=path) from None
    if os.path.basename(path) == "pyproject.toml":  # noqa: PTH119
        tool = table.get("tool")
        if not isinstance(tool, dict) or "entrysem" not in tool:
            return None
        table = tool["entrysem"]
    _Reader(path).table(table, _TOP, "")
    return Config(path, os.path.dirname(os.path.abspath(path)), table)  # noqa: PTH100, PTH120


class Configs:
    """The configuration of each file; every file of configuration is read once.

    Attributes:
        broken: the files of configuration that are wrong, with the error and how many files they are for.
        found: those that are not, in the order found.
    """

    def __init__(self, root_of: Callable[[str], str | None], fixed: Config | None = None) -> None:
        self.broken: dict[str, tuple[InputError, list[str]]] = {}
        self.found: dict[str, Config] = {}
        self._root_of = root_of
        self._none = Config("", os.path.abspath(""), {})  # noqa: PTH100
        self._fixed = fixed
        self._by_folder: dict[str, Config | str] = {}
        if fixed is not None and fixed.path:
            self.found[fixed.path] = fixed

    def of(self, path: str) -> Config | None:
        """The configuration for the file with this absolute path; None when that one is broken."""
        if self._fixed is not None:
            return self._fixed
        folder = os.path.dirname(path)  # noqa: PTH120
        config = self._of_folder(folder)
        if isinstance(config, str):
            self.broken[config][1].append(path)
            return None
        return config

    def _of_folder(self, folder: str) -> Config | str:
        """The configuration; or the path of a broken one."""
        known = self._by_folder.get(folder)
        if known is None:
            known = self._by_folder[folder] = self._look(folder)
        return known

    def _look(self, folder: str) -> Config | str:
        for name in NAMES:
            path = os.path.join(folder, name)  # noqa: PTH118
            if not os.path.isfile(path):  # noqa: PTH113
                continue
            try:
                config = read_config(path)
            except InputError as error:
                self.broken[path] = (error, [])
                return path
            if config is not None:
                self.found[path] = config
                return config
        parent = os.path.dirname(folder)  # noqa: PTH120
        if parent == folder or self._root_of(folder) == folder:
            return self._none
        return self._of_folder(parent)


class _Reader:
    """Checks the values of one file of configuration."""

    def __init__(self, path: str) -> None:
        self.path = path

    def table(self, value: Any, keys: Mapping[str, _Check], at: str) -> None:
        """`at` is the name of the table, empty for the top."""
        if not isinstance(value, dict):
            self.wrong(at or "[tool.entrysem]", "a table", value)
        for key, each in value.items():
            name = f"{at}.{key}" if at else key
            if key not in keys:
                near = difflib.get_close_matches(key, keys, 1)
                raise InputError(
                    "bad-config",
                    f"there is no key {name!a}",
                    where=self.path,
                    hint=f"did you mean {near[0]}?" if near else f"keys are {', '.join(keys)}",
                )
            keys[key](self, name, each)

    def wrong(self, name: str, wanted: str, value: Any) -> NoReturn:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        raise InputError("bad-config", f"{name} must be {wanted}, and is {shown}", where=self.path)


_Check = Callable[[_Reader, str, Any], None]


def _is(kind: type, wanted: str) -> _Check:
    def check(reader: _Reader, name: str, value: Any) -> None:
        if not isinstance(value, kind):
            reader.wrong(name, wanted, value)

    return check


def _strings(reader: _Reader, name: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        reader.wrong(name, "a list of strings", value)


def _paths(reader: _Reader, name: str, value: Any) -> None:
    if not isinstance(value, str):
        _strings(reader, name, value)
    if not value:
        reader.wrong(name, "a glob or a list of globs", value)


def _entrypoint(reader: _Reader, name: str, value: Any) -> None:
    if not isinstance(value, str):
        _strings(reader, name, value)


def _pairs(reader: _Reader, name: str, value: Any) -> None:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        reader.wrong(name, "a table of strings", value)


def _one_of(names: Sequence[str]) -> _Check:
    def check(reader: _Reader, name: str, value: Any) -> None:
        if value not in names:
            reader.wrong(name, f"one of {', '.join(names)}", value)

    return check


def _kinds(reader: _Reader, name: str, value: Any) -> None:
    _strings(reader, name, value)
    for each in value:
        kind_of(each, f"{reader.path}: {name}")


def _severities(reader: _Reader, name: str, value: Any) -> None:
    _pairs(reader, name, value)
    for key, level in value.items():
        kind_of(key, f"{reader.path}: {name}")
        _one_of(SEVERITIES)(reader, f"{name}.{key}", level)


def _profiles(reader: _Reader, name: str, value: Any) -> None:
    from entrysem.check.settings import profile_of  # noqa: PLC0415  # which reads configurations

    _strings(reader, name, value)
    for each in value:
        profile_of(each, f"{reader.path}: {name}")


def _engine(side: str) -> _Check:
    def check(reader: _Reader, name: str, value: Any) -> None:
        from entrysem.profiles import Profile  # noqa: PLC0415

        _TEXT(reader, name, value)
        try:
            Profile.parse(**{side: value})
        except InputError as error:
            where = f"{reader.path}: {name}"
            raise InputError(error.code, error.message, where=where, hint=error.hint) from None

    return check


def _images(reader: _Reader, name: str, value: Any) -> None:
    from entrysem.bases.lookup import parse_reference  # noqa: PLC0415

    _pairs(reader, name, value)
    for image in value:
        if parse_reference(image) is None:
            reader.wrong(name, "a table of images and files", image)


def _entries(keys: Mapping[str, _Check], needed: Sequence[tuple[str, ...]]) -> _Check:
    """A list of tables; of each tuple of `needed`, exactly one key must be there."""

    def check(reader: _Reader, name: str, value: Any) -> None:
        if not isinstance(value, list):
            reader.wrong(name, "a list of tables", value)
        for number, each in enumerate(value, 1):
            at = f"{name}[{number}]"
            reader.table(each, keys, at)
            for group in needed:
                if sum(key in each for key in group) != 1:
                    wanted = group[0] if len(group) == 1 else f"one of {' and '.join(group)}"
                    raise InputError("bad-config", f"{at} must have {wanted}", where=reader.path)

    return check


_TEXT = _is(str, "a string")
_FLAG = _is(bool, "true or false")
_BUILD: Mapping[str, _Check] = {
    "build-args": _pairs,
    "base-config": _images,
    "base-from": _strings,
    "catalogue": _FLAG,
    "platform": _TEXT,
    "builder": _engine("builder"),
    "runtime": _engine("runtime"),
}
_JUDGE: Mapping[str, _Check] = {
    "profiles": _profiles,
    "disable": _kinds,
    "severity": _severities,
    "failure-threshold": _one_of(THRESHOLDS),
    "require-reason": _FLAG,
    "strict": _FLAG,
}
_FILES: Mapping[str, _Check] = {"path": _paths, "target": _TEXT, **_BUILD, **_JUDGE}
_EXPECT: Mapping[str, _Check] = {
    "path": _paths,
    "target": _TEXT,
    **_BUILD,
    "args": _strings,
    "entrypoint": _entrypoint,
    "init": _FLAG,
    "argv": _strings,
    "error": _TEXT,
}
_LISTS = ("files", "expect", "exclude")
_TOP: Mapping[str, _Check] = {
    **_BUILD,
    **_JUDGE,
    "exclude": _strings,
    "files": _entries(_FILES, [("path",)]),
    "expect": _entries(_EXPECT, [("path",), ("argv", "error")]),
}


def _entry(table: Mapping[str, Any]) -> Entry:
    path = table["path"]
    return Entry(
        (path,) if isinstance(path, str) else tuple(path),
        {key: value for key, value in table.items() if key != "path"},
    )
