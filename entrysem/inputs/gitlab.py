"""GitLab CI: what the runner's Docker executor starts for a job, and for its services.

    image: {name: acme/app, entrypoint: [""]}
    -> docker create with Entrypoint [""] and Cmd ["sh", "-c", SCRIPT]

SCRIPT is the runner's: it looks for bash, then for sh, and replaces itself by what it finds. The lines
of `script:` are no part of argv: the runner writes them to that shell's standard input. So an image
whose ENTRYPOINT does not run its arguments never gets to them; `entrypoint: [""]` takes it away. An
empty list overrides nothing. A service gets its `entrypoint` and `command` as a container gets them
over the API.

Followed inside the file: `extends`, `default`, `inherit:default`, the old top-level `image` and
`services`, `!reference`. Not followed: `include`. A job without an image runs in the one that the
runner's configuration names, which no file says.

Source: gitlabhq/gitlab-runner d79f3e7b89abceace75e2425bfe92b84ea059933 shells/bash.go 21-40 and
476-495, executors/docker/docker.go 708-718, 1022-1035, 1370-1380, executors/docker/docker_command.go
207-220; gitlabhq/gitlabhq lib/gitlab/ci/config/entry/imageable.rb, service.rb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from entrysem.errors import InputError
from entrysem.inputs.nodes import Field, only_document
from entrysem.inputs.subject import Note, Subject
from entrysem.inputs.yaml import Node, read_yaml
from entrysem.model import RunOptions

__all__ = ["RUNNER_COMMAND", "read_gitlab"]

_SHELLS = (
    "/usr/local/bin/bash",
    "/usr/bin/bash",
    "/bin/bash",
    "/usr/local/bin/sh",
    "/usr/bin/sh",
    "/bin/sh",
    "/busybox/sh",
)
#: The command of every job's container: a branch for each shell, the first that is there.
RUNNER_COMMAND: tuple[str, ...] = (
    "sh",
    "-c",
    "el".join(f"if [ -x {shell} ]; then\n\texec {shell} \n" for shell in _SHELLS)
    + "else\n\techo shell not found\n\texit 1\nfi\n\n",
)
_RUNNER = "gitlabhq/gitlab-runner@d79f3e7b89abceace75e2425bfe92b84ea059933"
_RESERVED = frozenset(
    "after_script before_script cache default image include pages_deploy services spec stages types "
    "variables workflow".split()
)
_INIT = "FF_USE_INIT_WITH_DOCKER_EXECUTOR"
_REFERENCE = "!reference"
#: GitLab's own limits: how deep `extends` and `!reference` may go.
_DEEPEST = 10


def read_gitlab(data: bytes, *, where: str) -> tuple[Subject, ...]:
    """The container of each job that names an image, and of each of its services.

    Args:
        data: the CI file.
        where: what to call it.

    Raises:
        InputError: it is no YAML, names no image or service, or GitLab would refuse it.
    """
    documents = read_yaml(data, where=where, tags=(_REFERENCE,))
    root = only_document(documents, where, "GitLab CI file")
    reader = _Reader(root)
    subjects: list[Subject] = []
    imageless = []
    for name in root.keys():  # noqa: SIM118  # no mapping
        if name.startswith(".") or name in _RESERVED or not root.get(name).is_map:
            continue
        job = reader.job(name)
        if job.get("trigger") or not (job.get("script") or job.get("run")):
            continue
        found = list(reader.subjects(job, f"{where}: job {name}"))
        if not found or found[0].name != f"{where}: job {name}":
            imageless.append(name)
        subjects += found
    if not subjects:
        told = "no job names an image" if imageless else "there is no job with a script"
        hint = "files behind include are not read; give the merged file that GitLab's editor shows"
        raise InputError("no-containers", told, where=where, hint=hint)
    if imageless:
        note = Note(
            "no-image",
            f"without an image here: {', '.join(imageless)}; they run in the image that the runner's "
            "configuration, or an included file, names",
            where=where,
        )
        subjects[0] = subjects[0]._replace(notes=(note, *subjects[0].notes))
    return tuple(subjects)


class _Reader:
    """Jobs with what they inherit."""

    def __init__(self, root: Field) -> None:
        self._root = root
        self._document = root.document
        self._known: dict[str, Node] = {}

    def job(self, name: str) -> Field:
        """A job with what it extends.

        Raises:
            InputError: `extends` names no job, goes in a circle, or too deep.
        """
        return Field(self._document, (name,), self._extended(name, ()))

    def _extended(self, name: str, through: tuple[str, ...]) -> Node:
        field = self._root.get(name)
        if field.node is None or not field.is_map:
            place = self._root.get(through[-1], "extends").where
            told = f"{through[-1]}: unknown keys in `extends` ({name})"
            raise InputError(
                "unknown-job", told, where=place, hint="files behind include are not read"
            )
        if name in through:
            told = f"{name}: circular dependency detected in `extends`"
            raise InputError("circular-extends", told, where=field.where)
        if len(through) > _DEEPEST:
            raise InputError(
                "deep-extends", f"{name}: nesting too deep in `extends`", where=field.where
            )
        if name in self._known:
            return self._known[name]
        extends = field.get("extends")
        names = (extends.text(),) if extends.is_text else extends.texts() or ()
        merged: Node | None = None
        for base in names:
            above = self._extended(base, (*through, name))
            merged = above if merged is None else _merged(merged, above)
        own = _part_of(field.node)
        self._known[name] = own if merged is None else _merged(merged, own)
        return self._known[name]

    def subjects(self, job: Field, name: str) -> Iterator[Subject]:
        """The job's container, when it names an image, then its services'."""
        init = self._has_init(job)
        image = self._inherited(job, "image")
        if image:
            yield self._image(image, name, init=init)
        for at, service in enumerate(self._inherited(job, "services").items()):
            yield self._service(self._followed(service), f"{name}, service", at, init=init)

    def _image(self, image: Field, name: str, *, init: bool) -> Subject:
        reference, entrypoint = _reference(image), self._words(image, "entrypoint")
        notes = [
            Note(
                "gitlab-script",
                "the job's script is no part of argv: the runner writes it to the standard input of the "
                "shell that its own script finds (Docker executor; that of Kubernetes ignores the "
                "image's ENTRYPOINT unless FF_KUBERNETES_HONOR_ENTRYPOINT is on)",
                where=image.where,
                source=f"{_RUNNER} shells/bash.go 476-495, executors/docker/docker.go 1022-1035",
                status="source-read",
            ),
            *_reference_notes(reference, image),
            *_empty_notes(image, entrypoint),
        ]
        run = RunOptions(args=RUNNER_COMMAND, entrypoint=entrypoint or None, init=init)
        return Subject(name, image=reference, run=run, runtime="docker", notes=tuple(notes))

    def _service(self, service: Field, name: str, at: int, *, init: bool) -> Subject:
        reference = _reference(service)
        entrypoint, command = (self._words(service, key) for key in ("entrypoint", "command"))
        alias = service.get("alias").text() if service.is_map else ""
        note = Note(
            "gitlab-service",
            "a service is started as it is, with entrypoint and command as the Docker API takes them",
            where=service.where,
            source=f"{_RUNNER} executors/docker/docker.go 708-718",
            status="source-read",
        )
        notes = (note, *_reference_notes(reference, service), *_empty_notes(service, entrypoint))
        run = RunOptions(args=command or None, entrypoint=entrypoint or None, init=init)
        called = f"{name} {alias or reference or at}"
        return Subject(called, image=reference, run=run, runtime="docker", notes=notes)

    def _inherited(self, job: Field, key: str) -> Field:
        if job.get(key):
            return self._followed(job.get(key))
        inherit = job.get("inherit", "default")
        if inherit.node is not None and inherit.node.value is False:
            return Field(self._document, (), None)
        if inherit.is_list and key not in (inherit.texts() or ()):
            return Field(self._document, (), None)
        default = self._root.get("default", key)
        return self._followed(default or self._root.get(key))

    def _has_init(self, job: Field) -> bool:
        value = job.get("variables", _INIT) or self._root.get("variables", _INIT)
        return (value.get("value") if value.is_map else value).scalar().lower() in {"true", "1"}

    def _words(self, field: Field, key: str) -> tuple[str, ...] | None:
        return self._followed(field.get(key)).texts() if field.is_map else None

    def _followed(self, field: Field) -> Field:
        """The value, or what its `!reference` names.

        Raises:
            InputError: it names nothing, or goes too deep.
        """
        for _ in range(_DEEPEST):
            if field.node is None or field.node.tag != _REFERENCE:
                return field
            path = tuple(item.scalar() for item in field.items())
            target = self._root.get(*path)
            if target.node is None:
                told = f'!reference ["{path[0] if path else ""}"] could not be found'
                raise InputError("unknown-reference", told, where=field.where)
            field = target
        raise InputError("deep-reference", "!reference is nested too deep", where=field.where)


def _reference(image: Field) -> str:
    name = image.get("name") if image.is_map else image
    if not name:
        raise InputError(
            "missing-field", f"{image.spelled}: name can't be blank", where=image.where
        )
    return name.text()


def _reference_notes(reference: str, image: Field) -> Iterator[Note]:
    if "$" in reference:
        told = f"{reference} has variables, which only the pipeline knows"
        yield Note("variable-image", told, where=image.where)


def _empty_notes(image: Field, entrypoint: tuple[str, ...] | None) -> Iterator[Note]:
    if entrypoint == ():
        yield Note(
            "empty-overrides-nothing",
            'entrypoint: [] overrides nothing; entrypoint: [""] takes the image\'s away',
            where=image.where,
            warning=True,
            source=f"{_RUNNER} executors/docker/docker.go 1370-1380",
            status="source-read",
        )


#: What is looked at of a job; the rest is not worth merging.
_LOOKED_AT: Mapping[str, frozenset[str]] = {
    "image": frozenset({"name", "entrypoint"}),
    "variables": frozenset({_INIT}),
    **dict.fromkeys(("services", "script", "run", "trigger", "inherit"), frozenset()),
}


def _part_of(job: Node) -> Node:
    """A job with what is looked at."""
    fields = job.value if isinstance(job.value, dict) else {}
    kept: dict[str, Node] = {}
    for key, names in _LOOKED_AT.items():
        node = fields.get(key)
        if node is None:
            continue
        if names and isinstance(node.value, dict) and not node.tag:
            inside = {name: node.value[name] for name in names if name in node.value}
            node = Node(inside, node.place, keys=node.keys)
        kept[key] = node
    return Node(kept, job.place, keys=job.keys)


def _merged(base: Node, over: Node) -> Node:
    """Ruby's deep_merge: mappings are merged, anything else is replaced."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict) or over.tag:
        return over
    values: dict[str, Node] = dict(base.value)
    for key, value in over.value.items():
        values[key] = _merged(values[key], value) if key in values else value
    keys: Mapping[str, Node] = {**base.keys, **over.keys}
    return Node(values, over.place, keys=keys)
