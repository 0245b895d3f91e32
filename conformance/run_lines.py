"""Command lines for the real programs, and what these make of them.

`lines` makes lines out of the options of one version: with and without values, in one word or two, in
bundles, quoted in every way. `run_script` has a real shell of the lab run them. `Recorder` is a Docker
daemon that starts nothing: it writes down what it is asked to create, so that the real `docker` says by
its request which word it took for the image and which for the command.
"""

from __future__ import annotations

import json
import random
import shutil
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from conformance import lab
from conformance.lab import Places
from entrysem.inputs.runline.flags import Option, OptionSet

__all__ = ["Discovery", "Line", "Outcome", "Recorder", "lines", "probes", "run_script", "workspace"]

#: Values that every version takes, where not any text will do.
VALUES: Mapping[str, Sequence[str]] = {
    "add-host": ("a:10.0.0.1",),
    "annotation": ("k=v", "k=-it"),
    "attach": ("stdout", "STDERR"),
    "blkio-weight": ("100",),
    "blkio-weight-device": ("/dev/sda:100",),
    "cpu-shares": ("2", "0x10"),
    "cpus": ("0.5",),
    "device-cgroup-rule": ("c 1:3 mr",),
    "dns": ("10.0.0.1",),
    "env": ("A=1", "B=x y", "C=", "D=$x'\"\\", "E=--rm"),
    "expose": ("80", "81/udp"),
    "health-interval": ("1m30s", "2s"),
    "health-retries": ("3",),
    "hostname": ("h", "host-1"),
    "label": ("a=b", "c", "d=-p 80:80"),
    "log-opt": ("max-size=1m",),
    "memory": ("64m",),
    "memory-swappiness": ("1",),
    "name": ("n1", "web_2"),
    "oom-score-adj": ("-5", "5"),
    "pids-limit": ("-1", "10"),
    "publish": ("8080:80", "80", "127.0.0.1:81:80/udp"),
    "restart": ("no", "always"),
    "shm-size": ("64m",),
    "stop-signal": ("SIGINT",),
    "stop-timeout": ("-1", "1"),
    "sysctl": ("net.a=b",),
    "tmpfs": ("/t",),
    "ulimit": ("nofile=10",),
    "user": ("1000", "a:b", "-x"),
    "volume": ("/v", "/a:/b:ro"),
    "workdir": ("/w", "/w x"),
}
#: Options that change no more than themselves, for which any of these will do.
_PLAIN = ("cgroup-parent", "domainname", "cap-add", "cap-drop", "group-add", "dns-search", "ipc")
_BOOLEANS = (
    "init",
    "interactive",
    "tty",
    "read-only",
    "no-healthcheck",
    "privileged",
    "publish-all",
)
_TEXTS = (
    "a",
    "b c",
    "",
    "-",
    "--",
    "-x",
    "--rm",
    "$HOME",
    "it's",
    '"q"',
    "\\",
    "é",
    "*",
    "#c",
    "~",
    "=",
)


class Line(NamedTuple):
    """A line for a shell, and the words it is made of."""

    text: str
    words: tuple[str, ...]


def lines(
    program: str, options: OptionSet, images: Sequence[str], count: int, seed: int
) -> list[Line]:
    """`count` lines for `docker create` or its kin, always the same for a seed."""
    dice = random.Random(seed)  # noqa: S311  # no secret
    return [_line(dice, program, options, images) for _ in range(count)]


def _line(dice: random.Random, program: str, options: OptionSet, images: Sequence[str]) -> Line:
    words = program.split()
    usable = [
        option
        for option in options.names.values()
        if option.name in VALUES or option.name in _PLAIN or option.name in _BOOLEANS
    ]
    for _ in range(dice.randrange(5)):
        words += _option(dice, dice.choice(usable), options)
    if dice.random() < 0.4:
        words += ["--entrypoint", dice.choice(["sh", "", "a b", "-c"])]
    if dice.random() < 0.1:
        words.append(f"--entrypoint={dice.choice(['', 'x', '=y'])}")
    kind = dice.random()
    if kind < 0.05:
        words.append(dice.choice(["--nosuch", "-Z", "--rm=maybe", "---rm", "--=x", "-iZ"]))
    if dice.random() < 0.1:
        words.append("--")
    if kind < 0.92:
        words.append(dice.choice(images))
        words += [dice.choice(_TEXTS) for _ in range(dice.choice([0, 0, 1, 2, 4]))]
    elif kind < 0.97:
        words.append("--name")
    text = "".join(
        (dice.choice([" ", " ", "  ", "\t", " \\\n "]) if index else "") + _quoted(dice, word)
        for index, word in enumerate(words)
    )
    return Line(text, tuple(words))


def _option(dice: random.Random, option: Option, options: OptionSet) -> list[str]:
    if not option.takes_word:
        letters = [letter for letter in "itP" if letter in options.letters]
        if option.letter and dice.random() < 0.6:
            bundle = dice.sample(letters, dice.randrange(1, len(letters) + 1))
            if dice.random() < 0.3:
                return ["-" + "".join(bundle) + "e", dice.choice(["A=1", "E=--rm"])]
            if dice.random() < 0.2:
                return ["-" + "".join(bundle) + "=" + dice.choice(["true", "0"])]
            return ["-" + "".join(bundle)]
        return [f"--{option.name}" + dice.choice(["", "", "=true", "=0", "=F"])]
    value = dice.choice(VALUES.get(option.meant) or VALUES.get(option.name) or ("x", "--rm", "a=b"))
    forms = [[f"--{option.name}", value], [f"--{option.name}={value}"]]
    if option.letter:
        forms += [[f"-{option.letter}", value], [f"-{option.letter}={value}"]]
        if value and not value.startswith("="):
            forms.append([f"-{option.letter}{value}"])
    return dice.choice(forms)


def _quoted(dice: random.Random, word: str) -> str:
    """The word for a shell, in one of the ways to write it."""
    safe = word and all(char.isalnum() or char in "-_=/:.," for char in word) and word.isascii()
    way = dice.randrange(6)
    if safe and way < 4:
        return word
    if way % 3 == 0:
        return "'" + word.replace("'", "'\\''") + "'"
    if way % 3 == 1 or not word:
        return '"' + "".join("\\" + char if char in '$`"\\' else char for char in word) + '"'
    parts = [char if char.isalnum() else "\\" + char for char in word]
    return "\\\n".join(parts) if dice.random() < 0.1 else "".join(parts)


def probes(options: OptionSet) -> list[tuple[str, Option]]:
    """The last word of a line for every option: what the program complains about says whether a word
    must follow.
    """
    found = [(f"--{option.name}", option) for option in options.names.values()]
    return found + [(f"-{letter}", option) for letter, option in options.letters.items()]


class Outcome(NamedTuple):
    """How one line ended: its exit code, and what it printed, both streams."""

    code: int
    output: str


def run_script(suite: str, folder: Path, texts: Sequence[str], prelude: str = "") -> list[Outcome]:
    """Has the suite's shell run the lines, one after the other, with nothing to read."""
    mark = "\x01run-line "
    body = [prelude]
    for text in texts:
        body += [f"exec 2>&1 </dev/null\n{text}\n", f"printf '%s%s\\n' '{mark}' \"$?\""]
    script = folder / "script.sh"
    script.write_text("\n".join(body) + "\n", encoding="utf-8")
    wrapper = Places.here().wrapper("in", suite)
    command = [str(wrapper), "lab-command", "bash", "--posix", "+B", str(script)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=folder, timeout=900)
    output = done.stdout.decode("utf-8", "surrogateescape")
    found = []
    while mark in output:
        text, _, rest = output.partition(mark)
        code, _, output = rest.partition("\n")
        found.append(Outcome(int(code), text))
    assert len(found) == len(texts), (len(found), len(texts), output[-500:], done.stderr[-500:])
    return found


@contextmanager
def workspace(suite: str) -> Iterator[Path]:
    """A folder that the suite sees, removed at the end."""
    lab.ensure(f"docker-{suite}-classic")
    folder = Path(tempfile.mkdtemp(prefix="run-line-", dir=Places.here().work(suite)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def _answer(self, value: object, code: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer({"ApiVersion": "1.41", "Os": "linux", "OSType": "linux", "Arch": "amd64"})

    do_HEAD = do_GET  # noqa: N815  # its name in the base class

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts.path.endswith("/containers/create"):
            request = json.loads(body)
            request["name"] = parse_qs(parts.query).get("name", [""])[0]
            self.server.requests.append(request)
            self._answer({"Id": "0" * 64, "Warnings": []}, 201)
        else:
            self._answer({"message": "this daemon starts nothing"}, 500)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name in the base class
        pass

    def address_string(self) -> str:
        return "client"


class Recorder(socketserver.ThreadingUnixStreamServer):
    """A daemon on a Unix socket that answers as far as `docker create` needs it.

    Attributes:
        requests: the bodies of POST /containers/create, in order, with the container's `name`.
    """

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.requests: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Cluster(BaseHTTPRequestHandler):
    ANSWERS: Mapping[str, object] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
        "/api/v1": {
            "kind": "APIResourceList",
            "groupVersion": "v1",
            "resources": [
                {
                    "name": "pods",
                    "singularName": "pod",
                    "namespaced": True,
                    "kind": "Pod",
                    "verbs": ["create", "get"],
                }
            ],
        },
    }

    def do_GET(self) -> None:
        answer = self.ANSWERS.get(urlsplit(self.path).path)
        body = json.dumps(answer or {"kind": "Status", "status": "Failure", "code": 404}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name in the base class
        pass


class Discovery(ThreadingHTTPServer):
    """A cluster that knows what a pod is and nothing else: what `kubectl --dry-run` asks for.

    Attributes:
        url: where it is.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Cluster)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self.shutdown()
        self.server_close()
        self._thread.join()
