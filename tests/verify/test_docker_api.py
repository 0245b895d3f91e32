"""The way to an engine, against a small server on a socket that breaks in the ways engines do."""

import http.server
import json
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("docker")

from entrysem.verify.engines import EngineDied
from entrysem.verify.engines.docker_api import Api, Dropped, Refused, quoted
from entrysem.verify.protocol import HarnessError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a unix socket")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        return super().get_request()[0], ("socket", 0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    dead = False

    def do_GET(self) -> None:
        path = re.sub(r"\A/(v[0-9.]+/)?", "", self.path)
        if self.dead or path == "drop":
            self.hang_up()
        elif path == "_ping":
            self.answer(200, b"OK")
        elif self.path == "/version":
            self.answer(200, b'{"ApiVersion": "1.44", "Version": "26.1.5"}')
        elif path == "version":
            self.answer(200, b'{"Version": "26.1.5"}')
        elif path == "no":
            self.answer(400, b'{"message": "no command specified"}')
        elif path == "plain":
            self.answer(500, b"page not found\n")
        elif path == "page":
            self.answer(200, b"<html>")
        elif path == "die":
            type(self).dead = True
            self.hang_up()
        elif path == "half":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b'd\r\n{"stream":"a"\r\n')
            self.wfile.flush()
            self.close_connection = True
        elif path == "messages":
            self.answer(200, b'{"stream":"a"}\r\n\r\n[]\n{"error":"b"}\n')
        elif path == "hang":
            time.sleep(3)
        elif path == "raw":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"x" * 200_000)
            self.close_connection = True

    def hang_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr("entrysem.verify.engines.docker_api._REVIVAL", 0.3)
    Handler.dead = False
    path = tmp_path / "s"
    server = Server(str(path), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    api = Api(context=None, host=f"unix://{path}", timeout=1.0)
    api.connect()
    yield api
    api.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_answer(api: Api) -> None:
    assert api.json("GET", "/version") == {"Version": "26.1.5"}
    assert api.address.startswith("unix://")


def test_a_refusal_has_the_engines_words(api: Api) -> None:
    with pytest.raises(Refused, match="no command specified") as caught:
        api.call("GET", "/no")
    assert caught.value.status == 400
    with pytest.raises(Refused, match="page not found"):
        api.call("GET", "/plain")


def test_a_broken_connection_to_a_living_engine(api: Api) -> None:
    with pytest.raises(Dropped):
        api.call("GET", "/drop")
    with api.open("GET", "/half") as answer, pytest.raises(Dropped, match=r"middle|prematurely"):
        list(api.lines(answer, 5))


def test_a_dying_engine(api: Api) -> None:
    with pytest.raises(EngineDied, match="does not answer any more"):
        api.call("GET", "/die")


def test_no_answer_in_time(api: Api) -> None:
    with pytest.raises(HarnessError, match="within 1 s"):
        api.call("GET", "/hang")


def test_an_answer_that_is_no_json(api: Api) -> None:
    with pytest.raises(HarnessError, match="does not answer as Docker does"):
        api.json("GET", "/page")
    with api.open("GET", "/page") as answer, pytest.raises(HarnessError, match="as Docker does"):
        list(api.lines(answer, 5))


def test_messages_as_they_come(api: Api) -> None:
    with api.open("GET", "/messages") as answer:
        assert list(api.lines(answer, 5)) == [{"stream": "a"}, {"error": "b"}]
    with api.open("GET", "/messages") as answer, pytest.raises(HarnessError, match="not done"):
        list(api.lines(answer, -1))


def test_bytes_until_the_end(api: Api) -> None:
    with api.open("GET", "/raw") as answer:
        assert api.read_raw(answer, time.monotonic() + 5) == b"x" * 200_000


def test_nobody_there(tmp_path: Path) -> None:
    api = Api(context=None, host=f"unix://{tmp_path}/nobody", timeout=1.0)
    with pytest.raises(EngineDied, match="No such file") as caught:
        api.connect()
    assert "docker version" in str(caught.value)
    api.close()
    with pytest.raises(HarnessError, match="let go"):
        api.call("GET", "/version")


def test_a_context_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({}))
    with pytest.raises(HarnessError, match="no Docker context 'nowhere'"):
        Api(context="nowhere", host=None, timeout=1.0).connect()


def test_docker_host_and_contexts_are_found(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    from docker.context.config import get_context_id

    meta = tmp_path / "contexts" / "meta" / get_context_id("mine")
    meta.mkdir(parents=True)
    entry = {"Name": "mine", "Metadata": {}, "Endpoints": {"docker": {"Host": api.address}}}
    (meta / "meta.json").write_text(json.dumps(entry))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    for context, variable in ((None, None), ("mine", None), (None, api.address)):
        if variable is not None:
            monkeypatch.setenv("DOCKER_HOST", variable)
        way = Api(context=context, host=None, timeout=1.0)
        assert way.connect()["Version"] == "26.1.5"
        way.close()


def test_a_name_as_a_part_of_a_path() -> None:
    assert quoted("a/b:c d") == "a%2Fb%3Ac%20d"
