import os
import re
import subprocess
import sys

import pytest

from entrysem.verify import session


def test_a_new_session_lives_and_is_new() -> None:
    first, second = session.new(), session.new()
    assert first != second
    assert session.alive(first) is True
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", first)


def test_a_session_dies_with_its_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from entrysem.verify import session; print(session.new())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert session.alive(done.stdout.strip()) is False


def test_a_later_process_with_the_same_id_is_another() -> None:
    host, pid, start, random = session.new().rsplit("-", 3)
    assert pid == str(os.getpid())
    assert session.alive(f"{host}-{pid}-{int(start) + 1}-{random}") is False


@pytest.mark.parametrize("name", ["", "x", "elsewhere.01234567-1-1-ff", "a-b-c-d", "1-2-3-4"])
def test_of_another_host_nothing_is_known(name: str) -> None:
    assert session.alive(name) is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_zombie_is_dead() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    host = session.new().rsplit("-", 3)[0]
    assert session.alive(f"{host}-{child}-0-ff") is False
    os.waitpid(child, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs ps")
def test_without_proc_ps_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pathlib.Path.exists", lambda _: False)
    name = session.new()
    assert session.alive(name) is True
    host, pid, _, random = name.rsplit("-", 3)
    assert session.alive(f"{host}-{pid}-monjan1000000-{random}") is False
    assert session.alive(f"{host}-999999999-monjan1000000-{random}") is False
