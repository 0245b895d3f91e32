"""Building with the tools of containers/storage (podman, buildah): what the two have in common.

A private store. Each job is done in a storage folder (`--root`, `--runroot`) that entrysem has made and
that nobody else uses: the user's images and containers are out of reach, two jobs at once cannot see
each other's base images, and what a killed build leaves lies in a folder with the session's name. The
driver is vfs, which works on every file system; images here hold no files, so that it costs nothing.

`--layers=false`: an image is committed once, with no cache and no image per instruction. Of some 600
Dockerfiles on four versions of podman, the config was the same with layers and without for all but
four on 3.0.1, whose answer varies with layers.

Chance. Two things make one Dockerfile give different images from run to run:

* `FROM a` is also looked up as the beginning of an image's *id*. Such a name (all hexadecimal, or
  with a variable in it) is built again until two outcomes agree; that one counts.
* Two stages of one name race in buildah, which builds stages at the same time. Such a Dockerfile is
  built three times, and an answer that varies is no answer: the job is skipped with what was seen.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from entrysem.verify.engines import LABEL, REPOSITORY
from entrysem.verify.engines.images import config_of_blob, docker_archive
from entrysem.verify.engines.process import Commands, Done, text
from entrysem.verify.protocol import Config, HarnessError, Job, Observation, Outcome

__all__ = ["Built", "StoreBuilder", "clean", "external_images", "outcome_of_failure", "read_stored"]

_TAG = f"localhost/{REPOSITORY}/job"
_TRIES = 3

_FROM = re.compile(rb"(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?")
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,64}\Z")
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})\Z")

#: How podman and buildah from 1.19 to 1.43 say that nobody gave them an image.
_MISSING = re.compile(
    r"image not known|could not be found locally|short-name .* did not resolve|"
    r"image not found|no such image|no stage or image found"
)
#: A RUN that ran: the images of the cases hold no program that it could run.
_RAN = re.compile(
    r'building at STEP "RUN .*": (?:exit status|error while running runtime)', re.DOTALL
)
#: What no Dockerfile can be blamed for.
_BROKEN = re.compile(
    r"no space left on device|disk quota exceeded|input/output error|cannot allocate memory|"
    r"too many open files|database is locked|(?:unable|cannot) to connect to Podman|"
    r"connection refused|permission denied|operation not permitted|read-only file system|"
    r"resource temporarily unavailable|unknown flag|unknown shorthand",
    re.IGNORECASE,
)
#: Buildah 1.39 keeps the body of every heredoc under one name for all builds of the machine.
_RACED = re.compile(r'(?:reading "|sources under ")/var/tmp["/]')
_LOG = re.compile(r'time="[^"]*" level=(?:warning|info|debug)')
_ERROR = re.compile(r'(?:Error|error|ERROR)\b|time="[^"]*" level=(?:error|fatal)')


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a Dockerfile. `image` is an id, empty unless built."""

    outcome: Outcome
    message: str = ""
    image: str = ""
    config: Config | None = None

    def without_runs(self, job: Job) -> Observation:
        """The observation when there is nothing to run."""
        return Observation(job.id, self.outcome, config=self.config, message=self.message)


def clean(stderr: str) -> str:
    """The error itself out of what a CLI printed: no log lines, no progress, no exit status."""
    lines = [line.rstrip() for line in stderr.replace("\r", "\n").split("\n") if line.strip()]
    lines = [line for line in lines if not _LOG.match(line)]
    for line in lines:
        if line.startswith(("panic:", "fatal error:")):
            return f"the builder crashed: {line}"
    starts = [index for index, line in enumerate(lines) if _ERROR.match(line)]
    lines = lines[starts[-1] :] if starts else lines[-1:]
    kept = [line for line in lines if not re.match(r"exit status \d+\Z", line)]
    return "\n".join(kept or lines)


def outcome_of_failure(code: int, message: str, *, what: str) -> Built:
    """Whose fault a failed build is: the Dockerfile's, a missing image's, or nobody's here.

    Raises:
        HarnessError: the tool or the machine is broken.
    """
    if code == 127 or _BROKEN.search(message):  # a shell's "not found"
        raise HarnessError(f"{what} does not work here: {message}")
    if _MISSING.search(message):
        return Built("missing-image", message)
    if _RAN.search(message):
        return Built("skipped", f"RUN needs a program that is not there: {message}")
    return Built("rejected", message or f"exit code {code}")


def _stages(dockerfile: bytes) -> list[tuple[str, str | None]]:
    """(image, stage name) of each FROM, as far as a look at the lines tells."""
    return [
        (text(match[1]), text(match[2]) if match[2] else None)
        for match in _FROM.finditer(dockerfile)
    ]


def external_images(dockerfile: bytes) -> list[str]:
    """The images that a Dockerfile names and does not make itself, `scratch` apart."""
    own: set[str] = set()
    found: list[str] = []
    for image, name in _stages(dockerfile):
        if image != "scratch" and image.lower() not in own:
            found.append(image)
        if name is not None:
            own.add(name.lower())
    return found


def _same_stage_names(dockerfile: bytes) -> bool:
    names = [name.lower() for _, name in _stages(dockerfile) if name]
    return len(names) != len(set(names))


def _like_ids(dockerfile: bytes) -> list[str]:
    """The names in FROM that may be taken for the beginning of an image's id."""
    return [image for image, _ in _stages(dockerfile) if "$" in image or _HEXADECIMAL.match(image)]


class StoreBuilder(ABC):
    """One store, used by one job at a time.

    Attributes:
        folder: holds the store and the build context; visible to the tool under the same path.
        prefix: the tool's command with the options that name the store.
    """

    def __init__(
        self,
        commands: Commands,
        prefix: Sequence[str],
        folder: Path,
        *,
        session: str,
        platform: str,
    ) -> None:
        self.commands = commands
        self.prefix = list(prefix)
        self.folder = folder
        self.session = session
        self.platform = platform
        self._bases: dict[str, tuple[str, str]] = {}  # name -> what it was made of, image id
        self._context = folder / "context"
        self._context.mkdir()

    # What the two tools do differently.

    @abstractmethod
    def build_command(self) -> list[str]:
        """The command of a build, up to the options that both share."""

    @abstractmethod
    def load_command(self, archive: Path) -> list[str]:
        """The command that brings a docker-archive into the store."""

    @abstractmethod
    def remove(self, image: str) -> None:
        """Removes an image of this store by its id."""

    @abstractmethod
    def find(self, tag: str) -> str:
        """The id of the image of this name.

        Raises:
            HarnessError: there is none.
        """

    @abstractmethod
    def stored(self, image: str) -> Config:
        """The stored config of an image of this store."""

    # What they share.

    def make(self, job: Job) -> Built:
        """Makes the job's image, its bases first.

        Raises:
            HarnessError: the tool is broken.
        """
        problem = self._make_bases(job)
        if problem is not None:
            return Built("skipped", problem)
        if job.config is not None:
            image = self._load(job.config, f"{_TAG}:latest", job)
            return Built("built", image=image, config=self.stored(image))
        source = job.dockerfile or b""
        if _same_stage_names(source):
            return self._agreed(job, source, unanimous=True)
        if _like_ids(source):
            return self._agreed(job, source, unanimous=False)
        if b"<<" not in source:
            return self._build(source, f"{_TAG}:latest", job)
        with _alone():
            for _ in range(_TRIES):
                built = self._build(source, f"{_TAG}:latest", job)
                if not _RACED.search(built.message):
                    return built
        return Built("skipped", f"another build took its heredoc away: {built.message}")

    def _agreed(self, job: Job, source: bytes, *, unanimous: bool) -> Built:
        """Builds several times: all must agree, or two, whose answer counts."""
        tries: list[Built] = []
        for _ in range(_TRIES):
            built = self._build(source, f"{_TAG}:latest", job)
            alike = [one for one in tries if _answer(one) == _answer(built)]
            tries.append(built)
            if not unanimous and alike:
                break
            if len(tries) < _TRIES and built.image:
                self.remove(built.image)
        answers = {_answer(one): one for one in tries}
        if len(answers) > 1 and (unanimous or len(answers) == len(tries)):
            if tries[-1].image:
                self.remove(tries[-1].image)
            seen = " / ".join(
                one.message or json.dumps(dict(one.config or {})) for one in answers.values()
            )
            return Built("skipped", f"the engine's answer varies from run to run: {seen}")
        return tries[-1]

    def _make_bases(self, job: Job) -> str | None:
        """Puts exactly the job's bases into the store; why that cannot be done, or None."""
        names = _like_ids(job.dockerfile or b"")
        wanted = {name: f"{job.platform} {_source(base)}" for name, base in job.bases.items()}
        for name in [n for n in self._bases if self._bases[n][0] != wanted.get(n)]:
            self.remove(self._bases.pop(name)[1])
        for name, base in job.bases.items():
            for _ in range(_TRIES):
                if name not in self._bases:
                    if isinstance(base, bytes):
                        built = self._build(base, name, job, is_base=True)
                        if built.outcome != "built":
                            return f"its base image {name} is {built.outcome}: {built.message}"
                        image = built.image
                    else:
                        image = self._load(base, name, job)
                    self._bases[name] = (wanted[name], image)
                image = self._bases[name][1]
                if not any(image.startswith(one) for one in names) or not isinstance(base, bytes):
                    break
                self.remove(self._bases.pop(name)[1])  # it would be found by its id: another one
        return None

    def _build(self, source: bytes, tag: str, job: Job, *, is_base: bool = False) -> Built:
        dockerfile = self._context / "Dockerfile"
        dockerfile.write_bytes(source)
        command = [*self.build_command(), "--layers=false", "--label", f"{LABEL}={self.session}"]
        if job.platform and job.platform != self.platform:
            command += ["--platform", job.platform]
        if not is_base:
            if job.target is not None:
                command += ["--target", job.target]
            for name, value in job.build_args.items():
                command += ["--build-arg", f"{name}={value}"]
        done = self.commands.run([*command, "-t", tag, "-f", str(dockerfile), str(self._context)])
        if done.code != 0:
            message = clean(text(done.stderr) or text(done.stdout))
            message = message.replace(str(dockerfile), "Dockerfile")
            return outcome_of_failure(done.code, message, what=" ".join(self.prefix[:1]))
        image = _image_id(done) or self.find(tag)
        return Built("built", image=image, config=None if is_base else self.stored(image))

    def _load(self, config: Config, tag: str, job: Job) -> str:
        """Makes an image from a config; its id."""
        data, image = docker_archive(
            config,
            tag=f"localhost/{REPOSITORY}/loaded:latest",
            labels={LABEL: self.session, "entrysem.name": tag},
            platform=job.platform or self.platform,
        )
        archive = self.folder / "image.tar"
        archive.write_bytes(data)
        for command in (self.load_command(archive), [*self.prefix, "tag", image, tag]):
            done = self.commands.run(command)
            if done.code != 0:
                raise HarnessError(f"an image cannot be loaded: {clean(text(done.stderr))}")
        archive.unlink()
        return image


def read_stored(root: Path, image: str) -> Config | None:
    """The config blob as it lies in a store, which is checked against the id; None when it cannot
    be read there (another file system, other permissions).
    """
    name = "=" + base64.b64encode(f"sha256:{image}".encode()).decode()
    try:
        data = (root / "vfs-images" / image / name).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != image:
        return None
    return config_of_blob(data, where=f"image {image[:12]}")


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Waits for every other session of this user on this machine that builds a heredoc."""
    place = Path(tempfile.gettempdir()) / f"entrysem-heredocs-{os.geteuid()}.lock"
    with place.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _source(base: bytes | Config) -> str:
    return repr(base) if isinstance(base, bytes) else json.dumps(dict(base), default=list)


def _answer(built: Built) -> str:
    """What has to agree: the words of an error need not."""
    return json.dumps([built.outcome, dict(built.config) if built.config is not None else None])


def _image_id(done: Done) -> str | None:
    """The id that podman and buildah print last; a remote podman 3 prints only its beginning."""
    for line in reversed(text(done.stdout).splitlines()):
        match = _ID.match(line.strip())
        if match is not None:
            return match[1]
    return None
