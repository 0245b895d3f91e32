"""A harness that is a program of its own: JSON lines on its standard input and output.

So a builder or runtime in any language can be judged, with no line of Python. The shapes are
`spec/schema/harness-request.schema.json` and `harness-response.schema.json`:

    > {"cmd": "start", "protocol": 1, "session": "..."}
    < {"protocol": 1, "implementation": {"name": ..., "version": ..., "levels": ["CONFIG"], ...}}
    > {"cmd": "observe", "id": 1, "job": {"dockerfile": ..., "runs": [...], ...}}
    < {"id": 1, "observation": {"outcome": "built", "config": {...}, "runs": [...]}}
    > {"cmd": "stop"}

One line a message, one answer a request, in order; standard error is for people. A child does one job
at a time; for several at once, several children run. At `stop`, or at the end of its input, it removes
what it made and ends.

A child can crash, hang, print where it should answer, or answer something else than was asked. All of
that ends here, with a `HarnessError` that says what happened and what the child last wrote to standard
error; the child and whatever it started are killed, and the next job gets a new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import IO, Any

from entrysem.errors import InputError
from entrysem.render.visible import visible
from entrysem.verify.protocol import HarnessError, Implementation, Job, Observation
from entrysem.verify.wire import (
    WireError,
    implementation_from_wire,
    job_to_wire,
    observation_from_wire,
)

__all__ = ["PROTOCOL", "Child"]

#: The version of the protocol.
PROTOCOL = 1

#: A longer answer is no answer. An argv cannot be longer than a few megabytes anywhere.
_MAX_LINE = 64 * 1024 * 1024
_STDERR_LINES = 20
_STDERR_WIDTH = 500
_STOP_SECONDS = 5.0
_START_SECONDS = 60.0


class Child:
    """Harness over children of one program; see `protocol.Harness`.

    Args:
        command: program and arguments, quoted as in a shell.
        session: comes to the child with `start`, for the labels on what it makes.
        timeout: seconds for one build or one run; a job may take as many as it has of these.
    """

    def __init__(self, *, command: str, session: str, timeout: float = 60.0) -> None:
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise _bad_command(command, str(error)) from None
        if not self._command:
            raise _bad_command(command, "there is no program")
        self._session = session
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._implementation: Implementation | None = None
        self._closed = False

    def start(self) -> Implementation:
        """Starts the first child and asks who it is."""
        process, implementation = self._started()
        self._implementation = implementation
        with self._lock:
            self._idle.append(process)
        return implementation

    def sweep(self) -> int:
        """Nothing: what a child leaves behind, only the child knows how to remove."""
        return 0

    def observe(self, job: Job) -> Observation:
        """Has an idle child do the job, or a new one."""
        with self._lock:
            process = self._idle.pop() if self._idle else None
        if process is None:
            process, implementation = self._started()
            if implementation != self._implementation:
                self._drop(process)
                raise HarnessError(
                    f"another {self._command[0]} calls itself {implementation}, the first one "
                    f"{self._implementation}"
                )
        try:
            observation = process.observe(job, self._timeout * (1 + len(job.runs)))
        except BaseException:
            self._drop(process)
            raise
        with self._lock:
            self._idle.append(process)
        return observation

    def revive(self) -> None:
        """Nothing: a child that broke is gone, and the next job gets a new one."""

    def close(self) -> None:
        """Asks idle children to stop; kills those that are at work, or do not stop."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = self._all - set(idle)
        for process in idle:
            process.stop()
        for process in busy:
            process.kill()
        with self._lock:
            self._all.clear()

    def _started(self) -> tuple[_Process, Implementation]:
        if self._closed:
            raise HarnessError("the harness is closed")
        process = _Process(self._command)
        with self._lock:
            self._all.add(process)
        try:
            return process, process.start(self._session, max(self._timeout, _START_SECONDS))
        except BaseException:
            self._drop(process)
            raise

    def _drop(self, process: _Process) -> None:
        process.kill()
        with self._lock:
            self._all.discard(process)


def _bad_command(command: str, why: str) -> InputError:
    return InputError(
        "bad-harness",
        f"{command!r} is no command: {why}",
        where="--engine",
        hint="write harness:PROGRAM ARG..., quoted as in a shell",
    )


class _Process:
    """One child. Its output is read by threads of their own, so that it can never block on a pipe."""

    def __init__(self, command: list[str]) -> None:
        self._name = command[0]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own program
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise HarnessError(
                f"{self._name}: cannot be started: {error.strerror}; name a program that exists and "
                "is executable, ./NAME for one in this folder"
            ) from None
        self._number = 0
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._said: deque[bytes] = deque(maxlen=_STDERR_LINES)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=target, args=(stream,), daemon=True)
            for target, stream in (
                (self._read_answers, self._process.stdout),
                (self._read_talk, self._process.stderr),
            )
        ]
        for reader in self._readers:
            reader.start()

    # --- the two streams -----------------------------------------------------------------------------

    def _read_answers(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_MAX_LINE + 1):
                self._lines.put(line)
        self._lines.put(None)

    def _read_talk(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            # Only the end is kept, of each line and of all, however much is said.
            while line := stream.readline(64 * 1024):
                self._said.append(line[:_STDERR_WIDTH])

    def _broke(self, what: str) -> HarnessError:
        """The error, with the exit code and the last words; the child is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2)
        code = self._process.returncode
        ended = "" if code is None else f" ({_ending(code)})"
        self.kill()
        said = " | ".join(
            [visible(line.decode("utf-8", "replace").rstrip()) for line in self._said]
        )
        talk = f"; it last wrote to standard error: {said}" if said else ""
        return HarnessError(f"{self._name}: {what}{ended}{talk}")

    # --- messages ------------------------------------------------------------------------------------

    def start(self, session: str, timeout: float) -> Implementation:
        """Who it is; raises `HarnessError`."""
        request = {"cmd": "start", "protocol": PROTOCOL, "session": session}
        answer = self._ask(request, timeout)
        if answer.get("protocol") != PROTOCOL:
            raise self._broke(
                f"it answers in version {answer.get('protocol')!r} of the protocol; entrysem speaks "
                f"{PROTOCOL}"
            )
        try:
            return implementation_from_wire(answer.get("implementation"), "implementation")
        except WireError as error:
            raise self._broke(f"its answer to start is wrong: {error}") from None

    def observe(self, job: Job, timeout: float) -> Observation:
        """What it saw; raises `HarnessError`."""
        self._number += 1
        request = {"cmd": "observe", "id": self._number, "job": job_to_wire(job)}
        answer = self._ask(request, timeout)
        if answer.get("id") != self._number:
            raise self._broke(
                f"it answers to request {answer.get('id')!r}, and was asked {self._number}"
            )
        try:
            return observation_from_wire(answer.get("observation"), job.id)
        except WireError as error:
            raise self._broke(f"its answer about {job.id} is wrong: {error}") from None

    def _ask(self, request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        what = request["cmd"]
        try:
            self._send(request)
        except OSError:
            raise self._broke(f"it ended before it could be asked to {what}") from None
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise self._broke(f"no answer to {what} in {timeout:g} seconds") from None
        if line is None:
            raise self._broke(f"it ended instead of answering to {what}")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            shown = visible(line[:200].decode("utf-8", "replace").rstrip("\r\n"))
            raise self._broke(
                f"its answer to {what} is no line of JSON: {shown!r}; standard output is for answers "
                "only, print everything else to standard error"
            ) from None
        if not isinstance(answer, dict):
            raise self._broke(f"its answer to {what} is no JSON object")
        if (error := answer.get("error")) is not None:
            raise HarnessError(f"{self._name}: {visible(str(error))}")
        return answer

    def _send(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    # --- the end -------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Asks it to end, and kills it when it does not."""
        with contextlib.suppress(OSError, ValueError):
            self._send({"cmd": "stop"})
            assert self._process.stdin is not None
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends it and all that it started in its process group. May be called again."""
        if os.name == "posix":
            # The group outlives its leader as long as it has a member, and keeps its number.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.wait()
        deadline = time.monotonic() + 1.0
        for reader in self._readers:
            if reader is not threading.current_thread():
                reader.join(max(0.0, deadline - time.monotonic()))
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None and not any(reader.is_alive() for reader in self._readers):
                with contextlib.suppress(OSError):
                    stream.close()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
