"""What the `docker` command makes of what is typed, and how to know that without running it each time.

`docker create --entrypoint TEXT IMAGE ARG...` is a program that turns words into one API request. It
takes 30 to 60 ms to start, five times what the engine needs for the request. So `Translator` runs the
real one on a set of typed words that have every trait that could matter, against a listener of its own
that takes the request down instead of an engine. When each request is what `translated` says, the rest
of the session's words are translated here and sent directly; when one differs, or when a run holds bytes
that JSON cannot hold, the real command is used for it. `always` uses the real command for each.
"""

from __future__ import annotations

import http.server
import json
import re
import secrets
import shutil
import socketserver
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from entrysem.verify.engines.process import Commands, TooLongError, text
from entrysem.verify.protocol import HarnessError, Run

__all__ = ["Cli", "Typed"]

#: Typed words with every trait that a command line could stumble over: (entrypoint, args, init).
_SAMPLES: tuple[tuple[str | None, tuple[str, ...] | None, bool], ...] = (
    (None, None, False),
    (None, ("x", "-y", "--", "--entrypoint", "z"), False),
    (None, ("", " ", "a b", "é\n\t'\"\\"), True),
    ("", None, False),
    ("", ("", "x"), False),
    ("e", None, False),
    ("/bin/sh", ("-c", "echo $HOME"), False),
    ("e f", ("--help",), False),
    ('["e","f"]', ("x",), False),
    (" -e=é\n'\"\\$X{} ", ("x",), True),
)


_UNREACHED = re.compile(r"Cannot connect|error during connect|permission denied while trying")


class Typed(Exception):  # noqa: N818  # an answer
    """The command itself refuses: its words, or None in `message` when they cannot be passed to it."""

    def __init__(self, message: str, *, skipped: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.skipped = skipped


class Cli:
    """The `docker` command of one session.

    Args:
        command: the command, several words for a wrapper.
        engine: words that point it at the engine: `-H URL`, `--context NAME` or none.
        commands: runs it.
        folder: the command sees it too; for the listener's socket.
        api_version: the engine's, which the listener claims too.
        always: never translate.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        engine: Sequence[str],
        commands: Commands,
        folder: Path,
        api_version: str,
        always: bool,
    ) -> None:
        self._command = list(command)
        self._engine = list(engine)
        self._commands = commands
        self._folder = folder
        self._api_version = api_version
        self._always = always
        self._lock = threading.Lock()
        self._sound: bool | None = None
        #: Why words are not translated; empty when they are.
        self.reason = "asked for" if always else ""

    @property
    def available(self) -> bool:
        """Whether there is such a command."""
        return shutil.which(self._command[0]) is not None

    def version(self) -> str:
        """The command's version, empty when it does not say."""
        try:
            done = self._commands.run([*self._command, "--version"], timeout=20)
        except HarnessError:
            return ""
        found = re.search(r"\d+\.\d+\S*", text(done.stdout))
        return found[0].rstrip(",") if found else ""

    def translates(self, run: Run) -> bool:
        """Whether the request for this run is known without running the command.

        Raises:
            HarnessError: the command cannot be run at all.
        """
        words = [run.entrypoint or "", *(run.args or ())]
        if self._always or any("\ud800" <= c <= "\udfff" or c == "\0" for w in words for c in w):
            return False
        with self._lock:
            if self._sound is None:
                self._sound = self._try()
            return self._sound

    def _try(self) -> bool:
        """Compares the command's requests for the samples with ours."""
        # Beside the session's folder, whose name is long: the path of a socket may have 107 bytes.
        path = self._folder.parent / f"{secrets.token_hex(4)}.sock"
        try:
            listening = _Listener(path, self._api_version)
        except OSError as error:
            self.reason = f"no socket at {path}: {error}"
            return False
        with listening as listener:
            for entrypoint, args, init in _SAMPLES:
                run = Run(args=args, entrypoint=entrypoint, init=init)
                command = self._create(["-H", listener.address], "image", [], run)
                done = self._commands.run(command)
                if done.code != 0 and _UNREACHED.search(text(done.stderr)):
                    self.reason = f"the command does not reach {path}"
                    return False
                if done.code != 0:
                    raise HarnessError(
                        f"{' '.join(self._command)} create does not work: {text(done.stderr)}"
                    )
                sent = listener.requests.pop() if listener.requests else {}
                seen = (sent.get("Entrypoint"), sent.get("Cmd") or None)
                seen_init = bool((sent.get("HostConfig") or {}).get("Init"))
                if (*seen, seen_init) != (*translated(run), init):
                    self.reason = (
                        f"for --entrypoint {entrypoint!r} and {args!r} the command sends {seen!r}, "
                        f"not {translated(run)!r}"
                    )
                    return False
        return True

    def create(self, image: str, options: Sequence[str], run: Run) -> str:
        """Creates a container by the real command; its id.

        Args:
            options: words before the image, beside the entrypoint.

        Raises:
            Typed: the command or the engine refuses.
            HarnessError: the command cannot reach the engine, or does not end.
        """
        try:
            done = self._commands.run(self._create(self._engine, image, options, run))
        except TooLongError as problem:
            raise Typed(str(problem), skipped=True) from problem
        if done.code == 0:
            return text(done.stdout).splitlines()[-1].strip()
        words = text(done.stderr)
        if _UNREACHED.search(words):
            raise HarnessError(f"the docker command does not reach the engine: {words}")
        kept = [line for line in words.splitlines() if not re.match(r"(Run|See) 'docker ", line)]
        message = "\n".join(line for line in kept if line.strip())
        raise Typed(re.sub(r"\A(?:docker: )?Error response from daemon: ", "", message))

    def _create(
        self, engine: Sequence[str], image: str, options: Sequence[str], run: Run
    ) -> list[str]:
        assert run.entrypoint is None or isinstance(run.entrypoint, str)
        entrypoint = [] if run.entrypoint is None else ["--entrypoint", run.entrypoint]
        init = ["--init"] if run.init else []
        words = [*init, *options, *entrypoint, image, *(run.args or ())]
        return [*self._command, *engine, "create", *words]


def translated(run: Run) -> tuple[list[str] | None, list[str] | None]:
    """`Entrypoint` and `Cmd` of the request that the command sends for what is typed.

    An empty `--entrypoint` is the list of one empty word; no words after the image are null.
    """
    assert run.entrypoint is None or isinstance(run.entrypoint, str)
    entrypoint = None if run.entrypoint is None else [run.entrypoint]
    return entrypoint, list(run.args) if run.args else None


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Listener:
    """Answers as much of the API as `docker create` asks, and takes the requests down.

    It listens on a socket in a folder and not on a port: the command may be in a network of its own.
    """

    def __init__(self, path: Path, api_version: str) -> None:
        self.requests: list[dict[str, Any]] = []
        requests = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # the library's name
                self._answer(200, b"OK" if self.path.endswith("/_ping") else b"{}")

            do_HEAD = do_GET  # noqa: N815

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if "/containers/create" in self.path:
                    requests.append(json.loads(body))
                    self._answer(201, json.dumps({"Id": "0" * 64, "Warnings": []}).encode())
                else:
                    self._answer(200, b"{}")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Api-Version", api_version)
                self.send_header("Ostype", "linux")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

            def address_string(self) -> str:
                """A peer on such a socket has no address."""
                return ""

        self._path = path
        self.address = f"unix://{path}"
        self._server = _Server(str(path), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._path.unlink(missing_ok=True)
