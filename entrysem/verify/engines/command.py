"""Any builder at all, by its command line: `--builder TEMPLATE --inspect HOW`.

TEMPLATE is split into words as a shell would, without running one; then places are filled in:

    {dockerfile}  the Dockerfile's path, in the folder {context}, which holds nothing else
    {tag}         the image's name
    {output}      a path that does not exist: where --inspect oci-layout or docker-archive reads
    {target}      the stage that is asked for
    {build_args}  NAME=VALUE of a build argument
    {platform}    OS/ARCH
    {label}       NAME=VALUE of a label by which what a killed session has left can be told

`{target}`, `{build_args}`, `{platform}` and `{label}` are options. The word with such a place, and the
word before it if that begins with a dash and holds no `=`, are left out where the job asks for nothing
of the kind, and repeated for each build argument:
`--target {target} --build-arg {build_args} --platform={platform}`.
A job that needs one which the template lacks is skipped, with that reason.

HOW says where the stored config is:

    docker          the image is in the Docker engine: what `docker image save {tag}` writes, or,
                    for an image without a layer, `docker image inspect {tag}` shows
    oci-layout      an OCI layout in the folder {output}
    docker-archive  a tar as of `docker save` (an OCI layout in a tar will do too) at {output}
    COMMAND         a template that prints an image config, or what an inspect prints

Base images are built first, by the same template, under their own names: with `docker` a name that is
taken already is left alone, and the job skipped. An image config cannot be given to a builder.

What is built is removed from Docker. Another builder's images stay where its template leaves them, under
`entrysem-verify/...` and the names of base images: give it a store of its own.

Outcomes. Exit code 0 is built. Ended by a signal, not found (127), not executable (126) or no end in time
is a broken harness, as is a full disk. Anything else is a rejection, unless the message has the words
by which builders say that an image is not to be had (`_MISSING`): a guess by wording, as there is no
other way to tell.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from entrysem.errors import InputError
from entrysem.verify.engines import LABEL, REPOSITORY
from entrysem.verify.engines.builder import Built, clean
from entrysem.verify.engines.images import config_of_archive, config_of_json, config_of_layout
from entrysem.verify.engines.process import Commands, Done, TooLongError, text
from entrysem.verify.engines.slots import Workspace
from entrysem.verify.probe import machine_architecture
from entrysem.verify.protocol import (
    Config,
    HarnessError,
    Implementation,
    Job,
    Observation,
    RunObservation,
)

__all__ = ["Command"]

_VALUES = ("dockerfile", "context", "tag", "output")
_OPTIONS = ("target", "build_args", "platform", "label")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_BY_OUTPUT = ("oci-layout", "docker-archive")
_INSPECTS = ("docker", *_BY_OUTPUT)
_PLATFORM = f"linux/{machine_architecture()}"

#: BuildKit, classic Docker, buildah and podman, kaniko, crane: an image that nobody has.
_MISSING = re.compile(
    r"pull access denied|manifest unknown|MANIFEST_UNKNOWN|NAME_UNKNOWN|image not known|"
    r"could not be found locally|failed to resolve source metadata|no such image|not found: manifest|"
    r"short-name .* did not resolve|repository does not exist|name unknown|"
    r"(?:lookup|dial tcp|dial unix) .*(?:no such host|refused|timeout|unreachable|misbehaving)|"
    r"unable to (?:find|pull) image|error (?:getting|pulling|retrieving) (?:source )?image|"
    r"requested access to the resource is denied|UNAUTHORIZED|401 Unauthorized",
    re.IGNORECASE,
)
#: No Dockerfile is to blame for these.
_BROKEN = re.compile(
    r"no space left on device|disk quota exceeded|cannot allocate memory|too many open files|"
    r"cannot connect to the docker daemon|is the docker daemon running",
    re.IGNORECASE,
)
#: What a shell says for: not executable, not found, ended by ABRT, KILL, SEGV, TERM.
_NOT_RUN = (126, 127, 134, 137, 139, 143)
_DOCKER_INSPECT = ("docker", "image", "inspect", "{tag}")
_RUNS_NOTHING = "a builder's command line starts no container"


class Command:
    """The harness of a builder that is known by its command line only.

    Args:
        session: the name of this session.
        timeout: seconds that a build may take.
        builder: the template of a build.
        inspect: where the config is: `docker`, `oci-layout`, `docker-archive` or a template.
        workspace: a folder that the builder sees under the same path; empty for a temporary one.

    Raises:
        InputError: `bad-builder`, for a template that cannot work.
    """

    def __init__(
        self,
        *,
        session: str,
        timeout: float = 120.0,
        builder: str,
        inspect: str,
        workspace: str = "",
    ) -> None:
        self._words = _split(builder, "--builder")
        self._inspect = inspect.strip()
        self._inspect_words = [] if self._inspect in _INSPECTS else _split(inspect, "--inspect")
        self._check()
        self._session = session
        self._parent = workspace
        self._commands = Commands(timeout=timeout)
        self._workspace: Workspace | None = None
        self._lock = threading.Lock()  # base images have names that all jobs share

    def _check(self) -> None:
        places, inspect_places = _places(self._words), _places(self._inspect_words)
        for unknown in sorted((places | inspect_places) - {*_VALUES, *_OPTIONS}):
            known = ", ".join(f"{{{place}}}" for place in (*_VALUES, *_OPTIONS))
            raise _bad("--builder", f"there is no {{{unknown}}}", f"known: {known}")
        if not places & {"dockerfile", "context"}:
            hint = "one of the two tells the builder what to build"
            raise _bad("--builder", "the template has neither {dockerfile} nor {context}", hint)
        wanted = {"output"} if self._inspect in _BY_OUTPUT else {"tag"}
        if self._inspect_words:
            wanted = inspect_places & {"tag", "output"}
            if not wanted:
                hint = "one of the two tells which image"
                raise _bad("--inspect", "the template has neither {tag} nor {output}", hint)
        for missing in sorted(wanted - places):
            hint = f"--inspect {self._inspect} looks for the image by it"
            raise _bad("--builder", f"the template has no {{{missing}}}", hint)

    def start(self) -> Implementation:
        """Looks whether the program is there; nothing is run.

        Raises:
            HarnessError: it is not.
        """
        programs = [self._words[0], *self._inspect_words[:1]]
        if self._inspect == "docker":
            programs.append("docker")
        for program in programs:
            if shutil.which(program) is None:
                raise HarnessError(f"there is no program {program!r} on PATH")
        self._workspace = Workspace(self._parent, self._session)
        return Implementation(
            name=Path(self._words[0]).name,
            levels=("CONFIG",),
            platform=_PLATFORM,
            details={"command": shlex.join(self._words), "inspect": self._inspect},
        )

    def observe(self, job: Job) -> Observation:
        """Builds the job's image and reads its config; its runs are skipped.

        Raises:
            HarnessError: the builder or the reading of its images is broken.
        """
        reason = self._not_possible(job)
        if reason is not None:
            return Observation(job.id, "skipped", message=reason)
        if not job.bases:
            built = self._built(job.dockerfile or b"", None, job)
        else:
            with self._lock:
                built = self._with_bases(job)
        observation = built.without_runs(job)
        if built.outcome != "built" or job.level == "CONFIG":
            return observation
        runs = tuple([RunObservation(skipped=_RUNS_NOTHING) for _ in job.runs])
        return Observation(job.id, "built", config=built.config, runs=runs)

    def _not_possible(self, job: Job) -> str | None:
        if job.dockerfile is None or not all(isinstance(b, bytes) for b in job.bases.values()):
            return "a builder's command line takes no image config"
        places = _places(self._words)
        wanted = {"target": job.target, "build_args": job.build_args, "platform": job.platform}
        if job.platform == _PLATFORM:
            wanted["platform"] = ""
        for place, value in wanted.items():
            if value and place not in places:
                return f"the template has no {{{place}}}, which this case needs"
        if job.bases and "tag" not in places:
            return "the template has no {tag}, under which a base image could be found again"
        return None

    def _with_bases(self, job: Job) -> Built:
        made: list[str] = []
        try:
            for name, base in job.bases.items():
                if self._inspect == "docker" and self._id(name):
                    return Built(
                        "skipped", f"there is an image {name} already, which is left alone"
                    )
                assert isinstance(base, bytes)
                built = self._built(base, name, Job(job.id, platform=job.platform))
                if built.outcome != "built":
                    return Built("skipped", f"its base {name} is {built.outcome}: {built.message}")
                made.append(name)
            return self._built(job.dockerfile or b"", None, job)
        finally:
            if self._inspect == "docker":
                for name in made:
                    self._commands.run(["docker", "image", "rm", "--force", name])

    def _built(self, source: bytes, base: str | None, job: Job) -> Built:
        """One build, of a base image under that name or of the job's image."""
        assert self._workspace is not None, "start comes first"
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._workspace.folder))
        tag = base or f"{REPOSITORY}/{folder.name.lower().replace('_', '-')}"
        context = folder / "context"
        context.mkdir()
        (context / "Dockerfile").write_bytes(source)
        values = {
            "dockerfile": str(context / "Dockerfile"),
            "context": str(context),
            "tag": tag,
            "output": str(folder / "output"),
        }
        options = {
            "target": [job.target] if job.target is not None else [],
            "build_args": [f"{name}={value}" for name, value in job.build_args.items()],
            "platform": [job.platform] if job.platform else [],
            "label": [f"{LABEL}={self._session}"],
        }
        try:
            done = self._commands.run(_filled(self._words, values, options), folder=folder)
            if done.code != 0:
                return _failed(done, self._words[0], values)
            if self._inspect == "docker":
                self._note(tag)
            return Built("built", config=None if base else self._config(values))
        except TooLongError as error:
            return Built("skipped", f"a build argument cannot be passed: {error}")
        finally:
            if base is None and self._inspect == "docker":
                self._commands.run(["docker", "image", "rm", "--force", tag])
            shutil.rmtree(folder, ignore_errors=True)

    def _config(self, values: Mapping[str, str]) -> Config:
        if self._inspect == "oci-layout":
            return config_of_layout(Path(values["output"]), name=values["tag"])
        if self._inspect == "docker-archive":
            return config_of_archive(Path(values["output"]), name=values["tag"])
        if self._inspect == "docker":
            done = self._commands.run(["docker", "image", "save", values["tag"]])
            if done.code == 0:
                return config_of_archive(done.stdout)
        # Docker does not save an image without a layer ("empty export").
        command = _filled(self._inspect_words or _DOCKER_INSPECT, values, {})
        done = self._commands.run(command)
        shown = shlex.join(command)
        if done.code != 0:
            message = clean(text(done.stderr))
            raise HarnessError(f"the image is built, and `{shown}` fails: {message}")
        return config_of_json(done.stdout, where=f"what `{shown}` prints")

    def _id(self, name: str) -> str:
        """The id of an image in the Docker engine, or nothing."""
        done = self._commands.run(["docker", "image", "inspect", "--format", "{{.Id}}", name])
        return text(done.stdout) if done.code == 0 else ""

    def _note(self, name: str) -> None:
        """Writes down what has been made, for the one who comes after a killed session."""
        assert self._workspace is not None
        with (self._workspace.folder / "images").open("a", encoding="utf-8") as file:
            file.write(f"{name}\t{self._id(name)}\n")

    def sweep(self) -> int:
        """Removes the folders of dead sessions, and from Docker the images that they name."""
        assert self._workspace is not None, "start comes first"
        removed = 0
        for folder in self._workspace.left_by_the_dead():
            if self._inspect == "docker" and (folder / "images").exists():
                lines = (folder / "images").read_text(encoding="utf-8").splitlines()
                for name, _, image in [line.partition("\t") for line in lines]:
                    # The name may have become another image's since.
                    if image and self._id(name) == image:
                        done = self._commands.run(["docker", "image", "rm", "--force", name])
                        removed += done.code == 0
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        return removed

    def close(self) -> None:
        """Ends what runs and removes the folders of this session."""
        self._commands.close()
        if self._workspace is not None:
            shutil.rmtree(self._workspace.folder, ignore_errors=True)


def _bad(where: str, message: str, hint: str) -> InputError:
    return InputError("bad-builder", message, where=where, hint=hint)


def _split(template: str, where: str) -> list[str]:
    """The words of a template, as a POSIX shell splits them."""
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise _bad(
            where, f"the template cannot be split into words: {error}", "quote it"
        ) from error
    if not words:
        raise _bad(where, "the template is empty", "it is a command with places such as {tag}")
    return words


def _places(words: Sequence[str]) -> set[str]:
    return {match for word in words for match in _PLACE.findall(word)}


def _filled(
    words: Sequence[str], values: Mapping[str, str], options: Mapping[str, Sequence[str]]
) -> list[str]:
    """The command: values in their places; a word with an option as often as that is given."""
    command: list[str] = []
    for word in words:
        found = [place for place in _PLACE.findall(word) if place in options]
        if not found:
            command.append(_PLACE.sub(lambda match: values[match[1]], word))
            continue
        name = command.pop() if _is_option_name(command) else None
        for value in options[found[0]]:
            if name is not None:
                command.append(name)
            given = {**values, found[0]: value}
            command.append(_PLACE.sub(lambda match, given=given: given[match[1]], word))  # type: ignore[misc]
    return command


def _is_option_name(command: Sequence[str]) -> bool:
    """Whether the last word is an option that waits for its value."""
    return len(command) > 1 and command[-1].startswith("-") and "=" not in command[-1]


def _failed(done: Done, program: str, values: Mapping[str, str]) -> Built:
    """What a build that ended with another code than 0 means."""
    message = clean(text(done.stderr) or text(done.stdout))
    whole = text(done.stderr) + text(done.stdout)
    if done.code in _NOT_RUN or _BROKEN.search(whole):
        raise HarnessError(f"{program} ended with exit code {done.code}: {message}")
    message = message.replace(values["dockerfile"], "Dockerfile") or f"exit code {done.code}"
    return Built("missing-image" if _MISSING.search(whole) else "rejected", message)
