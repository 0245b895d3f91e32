"""Several Compose files, what they extend and what they include, as one set of services.

In the order of compose-go, for each document of each file: interpolate, apply `extends`, drop what
`!reset` and `!override` name from what was read before, take in what is included, merge. Relative paths
are resolved last, against the project's directory; for a service that is extended from another file or
comes from an included one, against that file's.

Source: compose-spec/compose-go v2.9.1 loader/loader.go (loadYamlModel, loadYamlFile), extends.go,
include.go; observed on Compose 2.26.1 and 2.40.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath

from entrysem.errors import InputError
from entrysem.inputs.compose.dotenv import read_dotenv
from entrysem.inputs.compose.files import is_remote, joined, read
from entrysem.inputs.compose.tree import (
    Path,
    Reading,
    Value,
    bad,
    go_text,
    merged_service,
    plain,
    without,
)
from entrysem.inputs.yaml import MAX_BYTES, Document, read_yaml

__all__ = ["Loader", "documents", "environment_of", "project_name"]

#: How deep files include files and services extend services, and how many files there may be.
_DEEPEST = 50
_MOST_FILES = 1000


class Loader:
    """Reads the files of one project.

    Args:
        given: the documents of the files that the user named, which are read already.
    """

    def __init__(self, given: Mapping[str, Sequence[Document]]) -> None:
        self._given = given
        self._files = 0

    def load(
        self,
        files: Sequence[str],
        directory: str,
        environment: Mapping[str, str],
        *,
        named_by: str = "",
        including: tuple[str, ...] = (),
    ) -> dict[str, Value]:
        """The services of these files, merged; paths are resolved.

        Args:
            files: paths, or `-`.
            directory: the project's directory, for relative paths.
            environment: for interpolation.
            named_by: the place of the `include`; empty for files that the user named.
            including: the files that include these.

        Raises:
            InputError: a file cannot be read, or Compose would refuse it.
        """
        services: dict[str, Value] = {}
        empty = True
        for file in files:
            if file in including or len(including) > _DEEPEST:
                raise bad(f"{file} includes itself", named_by, "take one of the includes out")
            for document in self.documents(file, named_by):
                empty = False
                part = Part(self, document, file, environment)
                part.extend()
                services = without(services, part.removed)
                part.include(directory, including)
                for name, service in part.services.items():
                    before = services.get(name)
                    services[name] = service if before is None else merged_service(before, service)
        if empty:
            raise bad("empty compose file", files[0])
        return {
            name: resolved(service, directory, environment, default=True)
            for name, service in services.items()
        }

    def documents(self, file: str, named_by: str) -> Sequence[Document]:
        """The documents of a file.

        Raises:
            InputError: it cannot be read, or the project has too many files.
        """
        if not named_by:
            return self._given[file]
        self._files += 1
        if self._files > _MOST_FILES:
            raise bad(f"the project reads more than {_MOST_FILES} files", named_by)
        return documents(file, named_by=named_by)


def documents(file: str, *, named_by: str = "") -> list[Document]:
    """The documents of a Compose file; `named_by` as for `files.read`.

    Raises:
        InputError: it cannot be read, or is not YAML.
    """
    return read_yaml(read(file, named_by=named_by), where=file, tags=None)


def environment_of(
    files: Sequence[str], environment: Mapping[str, str], *, named_by: str = ""
) -> dict[str, str]:
    """The environment with the variables of `.env` files that it does not have itself.

    Raises:
        InputError: a file cannot be read or understood.
    """
    found: dict[str, str] = {}
    for file in files:
        data = read(file, named_by=named_by)
        if len(data) > MAX_BYTES:
            raise InputError("too-large", "is too large for an env file", where=file)
        found = read_dotenv(data, environment, where=file, known=found)
    usable = {name: value for name, value in found.items() if name}
    return usable | dict(environment)


def project_name(files: Sequence[Sequence[Document]]) -> str | None:
    """The `name:` that the files give the project, not interpolated; the last one counts."""
    found = None
    for file in files:
        for document in file:
            name = document.node(("name",))
            if name is not None and isinstance(name.value, str) and name.value:
                found = name.value
    return found


class Part:
    """One document: its services, and what it extends and includes."""

    def __init__(
        self, loader: Loader, document: Document, file: str, environment: Mapping[str, str]
    ) -> None:
        self._loader = loader
        self._file = file
        self._folder = str(FilePath(file).parent) if file != "-" else "."
        self._environment = environment
        reading = Reading(file, environment.get)
        top = reading.mapping(document.root, ())
        self.services: dict[str, Value] = {}
        self._includes: Value | None = None
        if "services" in top:
            node = top["services"]
            self.services = {
                name: reading.service(service, ("services", name), reading.place(node.keys[name]))
                for name, service in reading.mapping(node, ("services",)).items()
            }
        if "include" in top:
            place = reading.place(document.root.keys["include"])
            self._includes = reading.value(top["include"], ("include",), place)
        self.removed: list[Path] = reading.removed

    def extend(self) -> None:
        """Puts the extended service under each service that extends one."""
        for name in self.services:
            self.services[name] = self._extended(name, {}, [])

    def _extended(self, name: str, files: dict[str, Part], chain: list[tuple[str, str]]) -> Value:
        service = self.services[name]
        if not isinstance(service.data, dict) or "extends" not in service.data:
            return service
        extends = service.data["extends"]
        if (self._file, name) in chain:
            told = " -> ".join(step for _, step in [*chain, (self._file, name)])
            raise bad(f"circular reference: {told}", extends.where)
        chain = [*chain, (self._file, name)]
        if len(chain) > _DEEPEST:
            raise bad(f"more than {_DEEPEST} services extend one another", extends.where)
        wanted, file = _extends(extends, name)
        part = self if file is None else self._other(file, extends.where, files)
        if wanted not in part.services:
            raise bad(
                f"cannot extend service {name!r}: service {wanted!r} not found in {part._file}",  # noqa: SLF001
                extends.where,
            )
        base = part._extended(wanted, files, chain)  # noqa: SLF001
        own = {key: value for key, value in service.data.items() if key != "extends"}
        if base.data is None:
            return service._replace(data=own)
        if part is not self:
            base = resolved(base, part._folder, self._environment, default=False)  # noqa: SLF001
        cleared = without(
            {name: base}, [path for path in self.removed if path[:2] == ("services", name)]
        )
        result = merged_service(cleared.get(name, base), service._replace(data=own))
        self.services[name] = result
        return result

    def _other(self, file: str, named_by: str, files: dict[str, Part]) -> Part:
        if is_remote(file):
            raise _remote(file, named_by)
        path = joined(self._folder, file)
        if path not in files:
            parts = [
                Part(self._loader, document, path, self._environment)
                for document in self._loader.documents(path, named_by)
            ]
            if not parts:
                raise bad("empty compose file", path)
            files[path] = parts[-1]
            for part in parts[-2::-1]:
                for name, service in part.services.items():
                    later = files[path].services.get(name)
                    merged = service if later is None else merged_service(service, later)
                    files[path].services[name] = merged
        return files[path]

    def include(self, directory: str, including: tuple[str, ...]) -> None:
        """Takes in the services of the files that this document includes.

        Raises:
            InputError: a file cannot be read, or has a service of a name that is taken.
        """
        if self._includes is None or self._includes.data is None:
            return
        if not isinstance(self._includes.data, tuple):
            raise bad("include must be a list", self._includes.where)
        for entry in self._includes.data:
            for name, service in self._include(entry, directory, including).items():
                if name in self.services and plain(self.services[name]) != plain(service):
                    raise bad(
                        f"services.{name} conflicts with the included service of that name",
                        self.services[name].where,
                        "override it in a second file, or give one of them another name",
                    )
                self.services.setdefault(name, service)

    def _include(
        self, entry: Value, directory: str, including: tuple[str, ...]
    ) -> dict[str, Value]:
        data = entry.data if isinstance(entry.data, dict) else {"path": entry}
        paths = [joined(directory, path) for path in _texts(data.get("path"), entry, "path")]
        if not paths:
            raise bad("include has no path", entry.where)
        where = data.get("project_directory")
        folder = (
            str(FilePath(paths[0]).parent)
            if where is None or not where.data
            else joined(directory, _text(where, "include.project_directory"))
        )
        env_files = [
            joined(directory, file) for file in _texts(data.get("env_file"), entry, "env_file")
        ]
        if not env_files and FilePath(joined(folder, ".env")).is_file():
            env_files = [joined(folder, ".env")]
        environment = environment_of(env_files, self._environment, named_by=entry.where)
        return self._loader.load(
            paths, folder, environment, named_by=entry.where, including=(*including, self._file)
        )


def _extends(extends: Value, name: str) -> tuple[str, str | None]:
    """The service that is extended, and the file that it is in; None for the same file."""
    if isinstance(extends.data, str):
        return extends.data, None
    if not isinstance(extends.data, dict):
        raise bad(f"services.{name}.extends must be a text or a mapping", extends.where)
    service = extends.data.get("service")
    if service is None:
        raise bad(f"services.{name}.extends has no service", extends.where)
    file = extends.data.get("file")
    if file is None or file.data is None:
        return _text(service, "extends.service"), None
    return _text(service, "extends.service"), _text(file, "extends.file")


def _text(value: Value, name: str) -> str:
    if type(value.data) is not str:
        raise bad(f"{name} must be a text, not {go_text(value.data)}", value.where)
    return value.data


def _texts(value: Value | None, entry: Value, name: str) -> list[str]:
    """A text or a list of texts that name local files."""
    if value is None or value.data is None:
        return []
    items = value.data if isinstance(value.data, tuple) else (value,)
    found = [_text(item, f"include.{name}") for item in items]
    for path in found:
        if is_remote(path) or path.startswith("oci:"):
            raise _remote(path, entry.where)
    return found


def _remote(path: str, where: str) -> InputError:
    return InputError(
        "remote-file",
        f"{path} is not on this machine, and nothing is downloaded",
        where=where,
        hint="run `docker compose config` and explain what it prints",
    )


def resolved(
    service: Value, directory: str, environment: Mapping[str, str], *, default: bool
) -> Value:
    """The service with its build context as seen from the current directory.

    With `default`, a build without a context has the project's directory as its context. A `~` at the
    start is the home directory, whatever follows it.
    """
    if not isinstance(service.data, dict) or "build" not in service.data:
        return service
    build = service.data["build"]
    if isinstance(build.data, str):
        build = Value({"context": build}, build.where)
    if not isinstance(build.data, dict):
        return service
    entries = dict(build.data)
    context = entries.get("context")
    if context is None:
        if not default:
            return service
        entries["context"] = Value(_Resolved(joined(directory, ".")), build.where)
    elif isinstance(context.data, str) and not isinstance(context.data, _Resolved):
        path = context.data
        if path and not is_remote(path) and not path.startswith("service:"):
            if path.startswith("~") and environment.get("HOME"):
                path = joined(environment["HOME"], path[1:].lstrip("/"))
            entries["context"] = context._replace(data=_Resolved(joined(directory, path)))
    return service._replace(data=service.data | {"build": build._replace(data=entries)})


class _Resolved(str):
    """A path that is resolved: what was extended or included must not be moved again."""

    __slots__ = ()
