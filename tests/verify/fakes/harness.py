"""A harness as a child program, with any defect one asks for: `python harness.py BEHAVIOUR...`.

It answers what entrysem predicts for the engine it plays (`builder=`, `runtime=`), which judges nothing
about entrysem and everything about the runner. Behaviours:

    builder=X runtime=Y   the engine that it behaves as          says-builder=X says-runtime=Y
    levels=A,B            what it says it offers                 platform=P
    same                  the same answer to everything          silent     never answers
    crash=GLOB            dies at such a job                     crash-once=FILE  dies, unless FILE exists
    hang=GLOB             never answers to such a job            garbage=GLOB prints something else
    error=GLOB            says that it cannot                    wrong-id=GLOB answers another request
    wrong=GLOB            observes something else                protocol=N  speaks another version
    noise=N               says so many lines on standard error   slow=SECONDS for each job
    pid=N                 the process id that it says it saw     log=FILE   a line for each request
    strange               calls itself an engine nobody knows    orphan=F   hangs, with a child
    short                 forgets the last run                   level=L    shows runs at this level
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from entrysem.errors import DockerfileError, InputError
from entrysem.model import ImageConfig, RunOptions
from entrysem.profiles import Profile
from entrysem.resolve import Image, build_image
from entrysem.vectors import bases_of, config_of
from entrysem.verify.protocol import Job, Observation, Run, RunObservation
from entrysem.verify.wire import job_from_wire, observation_to_wire


def observe(job: Job, profile: Profile) -> Observation:
    """What entrysem predicts, in an engine's words."""
    try:
        image = _image(job, profile)
    except DockerfileError as error:
        return Observation(job.id, "rejected", message=error.message)
    if image.built is not None and image.built.origin == "unknown":
        return Observation(job.id, "missing-image", message="no such image")
    runs = tuple([_run(image, run, job.level) for run in job.runs])
    return Observation(job.id, "built", config=_config(image.config), runs=runs)


def _image(job: Job, profile: Profile) -> Image:
    return build_image(
        job.dockerfile if job.dockerfile is not None else config_of(job.config or {}, where=job.id),
        profile=profile,
        target=job.target,
        build_args=job.build_args,
        bases=bases_of(job.bases, profile),
        platform=job.platform or "linux/amd64",
    )


def _config(config: ImageConfig) -> dict[str, Any]:
    found = {"Entrypoint": config.entrypoint, "Cmd": config.cmd, "OnBuild": config.onbuild}
    return {**found, **({"Shell": config.shell} if config.shell is not None else {})}


def _run(image: Image, run: Run, level: str) -> RunObservation:
    try:
        result = image.run(RunOptions(run.args, run.entrypoint, run.init))
    except InputError as error:
        return RunObservation(skipped=error.message)
    if result.error is not None and result.error.phase == "create":
        return RunObservation(error=f"Error: {result.error.message}", phase="create")
    if result.error is not None and level == "PROCESS":
        return RunObservation(created=result.argv, error=result.error.message, phase="start")
    if level == "PROCESS" and result.argv is not None:
        argv = result.argv[2:] if run.init else result.argv
        return RunObservation(argv, level="PROCESS", pid=7 if run.init else 1, created=argv)
    return RunObservation(result.argv)


class Fake:
    """The program."""

    def __init__(self, words: list[str]) -> None:
        self.options = dict(word.partition("=")[::2] for word in words)
        self.profile = Profile.parse(
            self.options.get("builder", "buildkit"), self.options.get("runtime", "docker")
        )

    def about(self, behaviour: str, job: str) -> bool:
        return fnmatchcase(job, self.options.get(behaviour, ""))

    def answer(self, request: dict[str, Any]) -> str | None:
        """The line to answer with; None for none."""
        if log := self.options.get("log"):
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"{request['cmd']} {request.get('job', {}).get('id', '')}\n")
        for number in range(int(self.options.get("noise", 0))):
            sys.stderr.write(f"noise {number} " + "\x1b[2J" * 100 + "\n")
        if "silent" in self.options:
            time.sleep(600)
        if request["cmd"] == "start":
            return json.dumps(self.introduction())
        if request["cmd"] == "stop":
            return None
        return self.observation(request["id"], job_from_wire(request["job"]))

    def introduction(self) -> dict[str, Any]:
        builder = self.options.get("builder")
        runtime = self.options.get("runtime")
        return {
            "protocol": int(self.options.get("protocol", 1)),
            "implementation": {
                "name": "fake",
                "version": "1.2.3",
                "builder": "nobody@1"
                if "strange" in self.options
                else self.options.get("says-builder", builder) or None,
                "runtime": self.options.get("says-runtime", runtime) or None,
                "levels": self.options.get("levels", "CONFIG,CREATE,PROCESS").split(","),
                "platform": self.options.get("platform", "linux/amd64"),
                "details": {"language": "Python"},
            },
        }

    def observation(self, number: int, job: Job) -> str:
        time.sleep(float(self.options.get("slow", 0)))
        if self.about("crash", job.id):
            sys.stderr.write("panic: out of \x1b[31mcheese\n")
            sys.stderr.flush()
            os._exit(13)
        once = self.options.get("crash-once")
        if once and not job.id.startswith("smoke-") and not Path(once).exists():
            Path(once).touch()
            os._exit(14)
        if self.about("hang", job.id):
            if "orphan" in self.options:
                orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                Path(self.options["orphan"]).write_text(str(orphan.pid), encoding="utf-8")
            time.sleep(600)
        if self.about("garbage", job.id):
            return "Step 1/2 : FROM scratch"
        if self.about("error", job.id):
            return json.dumps({"id": number, "error": "the engine is out of order"})
        seen = observe(job, self.profile)
        if "same" in self.options:
            seen = Observation(job.id, "built", config={"Cmd": ("x",)})
        if self.about("wrong", job.id) and seen.config is not None:
            seen = dataclasses.replace(seen, config={**seen.config, "Cmd": ("wrong",)})
        if "short" in self.options:
            seen = dataclasses.replace(seen, runs=seen.runs[:-1])
        document = observation_to_wire(seen)
        for run in document["runs"]:
            if run["pid"] == 1 and "pid" in self.options:
                run["pid"] = int(self.options["pid"])
            if "level" in self.options:
                run["level"] = self.options["level"]
        if self.about("wrong-id", job.id):
            number += 1
        return json.dumps({"id": number, "observation": document})


def main() -> None:
    fake = Fake(sys.argv[1:])
    for line in sys.stdin.buffer:
        answer = fake.answer(json.loads(line))
        if answer is None:
            return
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
