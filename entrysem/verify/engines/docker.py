"""A Docker engine behind the interface of `protocol.Harness`, at every level.

The parts: `docker_api` speaks to it, `docker_build` makes images and reads their stored config,
`docker_runs` makes containers, `docker_cli` knows what the command line does to what is typed,
`docker_gate` keeps jobs apart that would disturb each other, `docker_sweep` finds leavings. Here they
are put together, and here is what protects the engine and the observation:

* A Dockerfile without a stage (`ARG a=b` alone) makes BuildKit's daemon **die** before Docker 27.1, and
  with it every container of the user. It is skipped there, unless the engine is said to be expendable.
* A stage's image whose name is hexadecimal (`FROM a`) is taken for the beginning of an image id by the
  classic builder. Such a job is alone, is skipped when the user has an image of such an id, and is
  built until it is refused, six times at most: only what never depends on the id counts as built.
* A base image takes a name that the Dockerfile chooses. If the user has an image of that name, the
  job is skipped.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrysem.dockerfile.parser import parse_dockerfile
from entrysem.errors import DockerfileError
from entrysem.profiles import Profile
from entrysem.verify import probe
from entrysem.verify import session as sessions
from entrysem.verify.engines.docker_api import Api, Dropped, Refused
from entrysem.verify.engines.docker_build import Image, Images, NotBuilt, Stored, base_mark
from entrysem.verify.engines.docker_cli import Cli
from entrysem.verify.engines.docker_gate import Gate
from entrysem.verify.engines.docker_runs import Runs
from entrysem.verify.engines.docker_sweep import DAY, remove_all
from entrysem.verify.engines.process import Commands
from entrysem.verify.protocol import (
    LEVELS,
    Config,
    HarnessError,
    Implementation,
    Job,
    Level,
    Observation,
    Run,
)

__all__ = ["Docker"]

_SMOKE = b'FROM scratch\nENTRYPOINT ["/entrysem-probe"]\nCMD ["x", ""]\n'
_FROM = re.compile(
    rb"(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?|--from=(\S+)"
)
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,64}\Z")
_CHANCES = 6
#: How the folder of a session begins; the session follows.
_FOLDER = "entrysem-docker-"


class Docker:
    """A Docker engine.

    Args:
        session: the mark of all that is made, from `entrysem.verify.session.new`.
        timeout: seconds that a build, a start, or an answer may take.
        context: a Docker context; `host`: a URL as in DOCKER_HOST. Neither: as the `docker` command.
        builder: `buildkit` or `classic`; None: what that engine's command line would take.
        cli: the command to use in place of `docker`; several words for a wrapper.
        workspace: a folder that engine and command see under the same path.
        translate: False sends each run that is typed through the real command (see `docker_cli`).
        reuse: False starts a process for each run, however often the same was seen (`docker_runs`).
        expendable: the engine may be killed by what it is given: it is a lab's own.
    """

    def __init__(
        self,
        *,
        session: str,
        timeout: float = 60.0,
        context: str | None = None,
        host: str | None = None,
        builder: str | None = None,
        cli: str | None = None,
        workspace: str | None = None,
        translate: bool = True,
        reuse: bool = True,
        expendable: bool = False,
    ) -> None:
        if builder not in {None, "buildkit", "classic"}:
            raise HarnessError(f"Docker has no builder {builder!r}: it is buildkit or classic")
        self._session = session
        self._timeout = timeout
        self._builder: str | None = builder
        self._context, self._host = context, host
        self._command = shlex.split(cli) if cli else ["docker"]
        self._translate = translate
        self._reuse = reuse
        self._expendable = expendable
        self._workspace = workspace
        self._api = Api(context=context, host=host, timeout=timeout)
        self._commands = Commands(timeout=timeout)
        self._folder: Path | None = None
        self._images: Images
        self._runs: Runs
        self._gate: Gate
        self._platform = ""
        self._fatal = False
        self._closing = threading.Lock()
        self._closed = False

    def start(self) -> Implementation:
        """Connects, tries the ways to an observation once, and says who answers.

        Raises:
            HarnessError: the engine cannot be reached, or it builds and creates nothing.
        """
        answer = self._api.connect()
        try:
            info: Mapping[str, Any] = self._api.json("GET", "/info")
            return self._started(answer, info)
        except (Refused, Dropped, NotBuilt) as problem:
            raise HarnessError(
                f"the engine at {self._api.address} is of no use: {problem}"
            ) from problem

    def _started(self, answer: Mapping[str, Any], info: Mapping[str, Any]) -> Implementation:
        full = str(answer.get("Version") or "")
        numbers = re.match(r"\d+(?:\.\d+)*", full)
        version = numbers[0] if numbers else ""
        if answer.get("Os") not in {None, "linux"}:
            raise HarnessError(f"an engine for Linux containers is needed, not {answer['Os']}")
        self._platform = f"linux/{answer.get('Arch') or 'amd64'}"
        if self._builder is None:
            self._builder = "classic" if _before(version, (23,)) else "buildkit"
        self._fatal = self._builder == "buildkit" and _before(version, (27, 1))
        self._folder = Path(
            tempfile.mkdtemp(prefix=f"{_FOLDER}{self._session}.", dir=self._workspace)
        )
        self._folder.chmod(0o755)
        self._images = Images(
            self._api,
            session=self._session,
            builder=self._builder,
            platform=self._platform,
            folder=self._config_folder(info),
            timeout=self._timeout,
        )
        self._gate = Gate(self._make_base, self._images.remove)
        cli = self._cli(str(answer.get("ApiVersion") or ""))
        levels, why = self._try(cli)
        details = {
            "engine": full,
            "address": self._api.address,
            "builder": self._builder,
            "config": str(self._images.source),
            "storage": str(info.get("Driver") or ""),
            "runtime": str(info.get("DefaultRuntime") or ""),
            "system": str(info.get("OperatingSystem") or ""),
            "cli": cli.version() if cli is not None else "none: what is typed is skipped",
            "probe": why or self._runs.placement,
        }
        return Implementation(
            name="docker",
            version=version,
            builder=_builder_profile(self._builder, version),
            runtime=f"docker@{version}" if version else "docker",
            levels=levels,
            platform=self._platform,
            details=details,
        )

    def _config_folder(self, info: Mapping[str, Any]) -> Path | None:
        """Where the engine keeps image configs, if that can be on this machine."""
        root, driver = info.get("DockerRootDir"), info.get("Driver")
        if not root or not driver or not self._api.address.startswith(("unix:", "http+unix:")):
            return None
        return Path(str(root)) / "image" / str(driver) / "imagedb" / "content" / "sha256"

    def _cli(self, api_version: str) -> Cli | None:
        if self._context is not None:
            engine = ["--context", self._context]
        elif self._host is not None:
            engine = ["-H", self._host]
        else:
            engine = []
        assert self._folder is not None
        cli = Cli(
            self._command,
            engine=engine,
            commands=self._commands,
            folder=self._folder,
            api_version=api_version,
            always=not self._translate,
        )
        return cli if cli.available else None

    def _try(self, cli: Cli | None) -> tuple[tuple[Level, ...], str]:
        """Builds, creates and starts once: the levels, and why one is missing.

        Raises:
            NotBuilt, HarnessError: not even a container can be created.
        """
        assert self._folder is not None
        program: Path | None = None
        why = ""
        try:
            program = probe.build(self._folder, self._platform.partition("/")[2])
        except HarnessError as error:
            why = str(error)
        self._runs = Runs(
            self._api, session=self._session, cli=cli, program=program, reuse=self._reuse
        )
        image = self._images.build(_SMOKE)
        try:
            stored = self._images.stored(image)
            wanted = ("/entrysem-probe", "x", "")
            seen = self._runs.observe(image, stored, Run(), "CREATE")
            if seen.argv != wanted:
                raise HarnessError(
                    f"an engine that makes {seen.argv!r} ({seen.error}) of a Dockerfile that says "
                    f"{wanted!r} is no Docker engine"
                )
            if program is None:
                return LEVELS[:2], why
            reasons: list[str] = []
            for placement in ("mount", "upload"):
                self._runs.placement = placement
                try:
                    seen = self._runs.observe(image, stored, Run(), "PROCESS")
                except HarnessError as error:
                    reasons.append(f"{placement}: {error}")
                    continue
                if seen.argv == wanted and seen.pid == 1:
                    return LEVELS, ""
                reasons.append(f"{placement}: {seen}")
        finally:
            self._images.remove(image, quietly=True)
        return LEVELS[:2], "no container with the probe starts: " + "; ".join(reasons)

    def sweep(self) -> int:
        """Removes what dead sessions left, on the engine and of folders; how many things that were.

        A session of this machine is dead when its process is. Of another machine's nothing is known:
        what it has made is left alone until it is a day old, longer than any session.
        """

        def gone(session: str, age: float) -> bool:
            alive = sessions.alive(session)
            return age > DAY if alive is None else not alive

        folders = 0
        for folder in self._folder.parent.glob(f"{_FOLDER}*") if self._folder else ():
            # The random end of the name has no dot.
            session = folder.name.removeprefix(_FOLDER).rpartition(".")[0]
            if sessions.alive(session) is False:
                shutil.rmtree(folder, ignore_errors=True)
                folders += 1
        return folders + remove_all(self._api, gone)

    def observe(self, job: Job) -> Observation:
        """Does the job; see `protocol.Harness`."""
        names = self._chancy(job)
        stageless = _stageless(job)
        if stageless and self._fatal and not self._expendable:
            return Observation(
                job.id,
                "skipped",
                message="a Dockerfile without a stage kills a Docker daemon before 27.1 with BuildKit",
            )
        if job.level == "PROCESS" and job.platform not in {"", self._platform}:
            reason = f"this engine starts programs for {self._platform}, not for {job.platform}"
            return Observation(job.id, "skipped", message=reason)
        try:
            with self._gate.admitted(job, alone=bool(names) or stageless):
                return self._observe(job, names, fatal=stageless and self._fatal)
        except NotBuilt as outcome:
            return Observation(job.id, outcome.outcome, message=outcome.message)
        except (Refused, Dropped) as problem:
            raise HarnessError(f"the engine at {self._api.address}: {problem}") from problem

    def _observe(self, job: Job, names: list[str], *, fatal: bool) -> Observation:
        image = self._image(job, names, fatal=fatal)
        try:
            stored: Stored = self._images.stored(image)
            runs = () if job.level == "CONFIG" else job.runs
            seen = tuple(self._runs.observe(image, stored, run, job.level) for run in runs)
        except HarnessError:
            self._images.remove(image, quietly=True)
            raise
        self._images.remove(image)
        return Observation(job.id, "built", config=stored.config, runs=seen)

    def _image(self, job: Job, names: list[str], *, fatal: bool) -> Image:
        if job.config is not None:
            return self._images.load(job.config, platform=job.platform)
        assert job.dockerfile is not None
        for name in names:
            if any(identity.startswith(name) for identity in self._images.ids()):
                raise NotBuilt(
                    "skipped",
                    f"the engine has an image whose id begins with {name!r}, which FROM takes",
                )
        for chance in range(_CHANCES if names else 1):
            image = self._images.build(
                job.dockerfile,
                target=job.target,
                build_args=job.build_args,
                platform=job.platform,
                fatal=fatal,
            )
            if chance + 1 < _CHANCES and names:
                self._images.remove(image)
        return image

    def _chancy(self, job: Job) -> list[str]:
        """The names of images in the Dockerfile that the engine could take for an id's beginning."""
        if self._builder != "classic" or job.dockerfile is None:
            return []
        names: list[str] = []
        stages: set[str] = set()
        for image, stage, copied in _FROM.findall(job.dockerfile):
            name = (image or copied).decode(errors="replace")
            if _HEXADECIMAL.match(name) and name not in stages and name not in job.bases:
                names.append(name)
            stages.add(stage.decode(errors="replace").lower())
        return names

    def _make_base(self, name: str, base: bytes | Config) -> Image:
        mark = base_mark(name)
        if isinstance(base, bytes):
            try:
                image = self._images.build(base, mark=mark)
            except NotBuilt as problem:
                raise NotBuilt(
                    "skipped", f"the base image {name!r} is not built: {problem.message}"
                ) from problem
        else:
            image = self._images.load(base, mark=mark)
        try:
            self._images.name(image, name)
        except BaseException:
            self._images.remove(image, quietly=True)
            raise
        return image

    def close(self) -> None:
        """Removes what this session made, and lets go of the engine. An engine that is dead is let go."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._commands.close()
        try:
            with contextlib.suppress(HarnessError):
                remove_all(self._api, lambda session, _: session == self._session)
        finally:
            self._api.close()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)


def _before(version: str, limit: tuple[int, ...]) -> bool:
    """Whether a version is older; one that is not known is not."""
    return bool(version) and tuple(int(part) for part in version.split(".")[: len(limit)]) < limit


def _builder_profile(builder: str, version: str) -> str | None:
    """The builder in the words of `Profile.parse`; None when its version is not known."""
    if not version:
        return None
    if builder == "classic":
        return f"classic@{version}"
    if _before(version, (23,)):
        return "buildkit@0.8"  # what 20.10 has inside; `Profile` takes its default, classic
    return str(Profile.parse(f"docker@{version}").builder)


def _stageless(job: Job) -> bool:
    """Whether the Dockerfile is well-formed and has no FROM."""
    if job.dockerfile is None or re.search(rb"(?im)^[ \t]*FROM[ \t]", job.dockerfile):
        return False
    try:
        return not parse_dockerfile(job.dockerfile).stages
    except DockerfileError:
        return False
