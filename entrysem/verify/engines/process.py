"""Other people's command lines: run with a time limit, an output limit and nothing left behind.

A builder's CLI may start children, hang, print without end, or die. Each runs in a process group of
its own, so that all of it can be killed, and so that a Ctrl-C at the terminal reaches entrysem alone,
which then ends what it started in its own order. Programs that outlive their parent (a container's
monitor) may keep the pipes open: once the command itself has ended, what it has written is complete.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from entrysem.verify.protocol import HarnessError

__all__ = ["Commands", "Done", "TooLongError", "text"]

_LIMIT = 64 * 1024 * 1024  # bytes of output; an argv of 2 MB is 4 MB of a probe's report
_GRACE = 2.0  # seconds between SIGTERM and SIGKILL
_QUIET = 0.3  # seconds without output after the end of the command
_PEEK = 0.2  # seconds between two looks at the clock


class TooLongError(Exception):
    """The words cannot be given to a program: too many bytes, or a null byte in one of them."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended. `code` is negative after a signal, as in `subprocess`."""

    code: int
    stdout: bytes
    stderr: bytes


def text(data: bytes) -> str:
    """What a tool printed, for a message."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").strip()


class Commands:
    """Runs commands, from several threads at once; `close` kills those that still run.

    Args:
        timeout: seconds that a command may take.
        environment: added to this process's own.
    """

    def __init__(self, *, timeout: float, environment: Mapping[str, str] | None = None) -> None:
        self.timeout = timeout
        self._environment = {**os.environ, **(environment or {})}
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(
        self, command: Sequence[str], *, timeout: float | None = None, folder: Path | None = None
    ) -> Done:
        """Runs a command to its end; its standard input is empty.

        Args:
            command: words; lone surrogates stand for bytes that are no UTF-8.
            timeout: seconds, in place of the usual limit.
            folder: where to run it.

        Raises:
            TooLongError: the words cannot be passed.
            HarnessError: no such program, no end in time, output without end, killed by a signal.
        """
        limit = self.timeout if timeout is None else timeout
        process = self._spawn(command, folder)
        try:
            stdout, stderr = _collect(process, command[0], time.monotonic() + limit, limit)
        except BaseException:
            stop(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        if process.returncode < 0:
            name = signal.Signals(-process.returncode).name
            raise HarnessError(f"{_shown(command)} was ended by {name}: {_last(stderr)}")
        return Done(process.returncode, stdout, stderr)

    def _spawn(self, command: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise HarnessError("the engine has been let go")
            try:
                process = subprocess.Popen(  # noqa: S603  # the user's own engine
                    [os.fsencode(word) for word in command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=folder,
                    env=self._environment,
                    start_new_session=True,
                )
            except ValueError as error:
                raise TooLongError("a null byte cannot stand in a command line") from error
            except OSError as error:
                if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError):
                    raise HarnessError(
                        f"{command[0]} cannot be run: {error.strerror}. Is it installed and on PATH?"
                    ) from error
                if error.errno == 7:  # E2BIG
                    raise TooLongError("too long for a command line") from error
                raise HarnessError(f"{_shown(command)} cannot be run: {error.strerror}") from error
            self._running.add(process)
            return process

    def service(self, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Starts a program that goes on running; `stop` ends it, as does `close`.

        Raises:
            HarnessError: no such program.
        """
        with self._lock:
            if self._closed:
                raise HarnessError("the engine has been let go")
            try:
                with log.open("ab") as output:
                    process = subprocess.Popen(  # noqa: S603  # the user's own engine
                        list(command),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        env=self._environment,
                        start_new_session=True,
                    )
            except OSError as error:
                raise HarnessError(f"{command[0]} cannot be run: {error.strerror}") from error
            self._running.add(process)
            return process

    def close(self) -> None:
        """Ends what still runs; nothing can be started afterwards."""
        with self._lock:
            self._closed = True
            running = list(self._running)
            self._running.clear()
        for process in running:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and its group: politely, then at once."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, wanted)
        try:
            process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            continue
        if wanted is signal.SIGTERM:
            continue  # its children may still be there
        return


def _collect(
    process: subprocess.Popen[bytes], name: str, deadline: float, limit: float
) -> tuple[bytes, bytes]:
    """All that it prints until it has ended."""
    assert process.stdout is not None
    assert process.stderr is not None
    got = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    quiet_since: float | None = None
    with selectors.DefaultSelector() as selector:
        for number in got:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() > deadline:
                last = _last(bytes(got[process.stderr.fileno()]))
                raise HarnessError(f"{name} did not end within {limit:g} s: {last}")
            for number, data in _ready(selector):
                if not data:
                    selector.unregister(number)
                    continue
                quiet_since = None
                got[number] += data
                if len(got[number]) > _LIMIT:
                    raise HarnessError(f"{name} printed more than {_LIMIT} bytes")
            if process.poll() is not None:
                now = time.monotonic()
                quiet_since = quiet_since or now
                if now - quiet_since > _QUIET:
                    break
        while process.poll() is None:  # it has closed its output and goes on
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise HarnessError(f"{name} did not end within {limit:g} s") from None
    stdout, stderr = got.values()
    return bytes(stdout), bytes(stderr)


def _ready(selector: selectors.BaseSelector) -> Iterator[tuple[int, bytes]]:
    for key, _ in selector.select(_PEEK):
        yield key.fd, os.read(key.fd, 1 << 16)


def _shown(command: Sequence[str]) -> str:
    return " ".join(command[:3]) + (" ..." if len(command) > 3 else "")


def _last(stderr: bytes) -> str:
    """The last words of what it printed, as far as a message takes them."""
    return text(stderr)[-300:] or "it printed nothing"
