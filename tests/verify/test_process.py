"""Commands are run to their end, or are ended; what they print is complete."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrysem.verify.engines.process import Commands, TooLongError, stop
from entrysem.verify.protocol import HarnessError


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


@pytest.fixture
def commands() -> Iterator[Commands]:
    made = Commands(timeout=30, environment={"ENTRYSEM_TEST": "yes"})
    yield made
    made.close()


def test_what_it_prints_and_how_it_ends(commands: Commands) -> None:
    program = "import os, sys; sys.stdout.buffer.write(os.fsencode(sys.argv[1])); sys.exit(3)"
    done = commands.run([*python(program), "a\udcff\n"])
    assert (done.code, done.stdout, done.stderr) == (3, b"a\xff\n", b"")
    done = commands.run(python("import os; print(os.environ['ENTRYSEM_TEST'])"))
    assert done.stdout == b"yes\n"


def test_more_than_a_pipe_holds_on_both_streams(commands: Commands) -> None:
    program = """
import sys
for _ in range(999):
    sys.stdout.write("o" * 999)
    sys.stderr.write("e" * 999)
"""
    done = commands.run(python(program))
    assert (len(done.stdout), len(done.stderr)) == (999 * 999, 999 * 999)


def test_its_input_is_empty(commands: Commands) -> None:
    assert commands.run(python("import sys; print(repr(sys.stdin.read()))")).stdout == b"''\n"


def test_no_end_in_time(commands: Commands) -> None:
    program = "import sys, time; print('half', file=sys.stderr, flush=True); time.sleep(60)"
    with pytest.raises(HarnessError, match=r"did not end within 1 s: half"):
        commands.run(python(program), timeout=1)


def test_what_it_has_started_ends_with_it(commands: Commands, tmp_path: Path) -> None:
    child = """
import os, sys, time
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
time.sleep(60)
"""
    program = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {child!r}, {str(tmp_path / "pid")!r}])
time.sleep(60)
"""
    with pytest.raises(HarnessError, match="did not end"):
        commands.run(python(program), timeout=3)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z":
            return  # nobody here waits for it
        time.sleep(0.05)
    pytest.fail("the child still runs")


def test_a_child_that_holds_the_pipe_is_not_waited_for(commands: Commands) -> None:
    program = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid)
"""
    done = commands.run(python(program), timeout=20)
    pid = int(done.stdout)
    os.kill(pid, signal.SIGKILL)
    assert done.code == 0


def test_ended_by_a_signal(commands: Commands) -> None:
    program = (
        "import os, sys; print('so long', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"
    )
    with pytest.raises(HarnessError, match="was ended by SIGKILL: so long"):
        commands.run(python(program))


def test_output_closed_before_the_end(commands: Commands) -> None:
    program = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    with pytest.raises(HarnessError, match="did not end within 1 s"):
        commands.run(python(program), timeout=1)


def test_output_without_end(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrysem.verify.engines.process._LIMIT", 10_000)
    with pytest.raises(HarnessError, match="printed more than 10000 bytes"):
        commands.run(python("while True: print('y')"))


def test_no_such_program(commands: Commands) -> None:
    with pytest.raises(HarnessError, match=r"/none cannot be run: No such file.*installed"):
        commands.run(["/none"])


def test_words_that_cannot_be_passed(commands: Commands) -> None:
    with pytest.raises(TooLongError, match="null byte"):
        commands.run([sys.executable, "\0"])
    with pytest.raises(TooLongError, match="too long"):
        commands.run([sys.executable, "x" * (1 << 18)])


def test_closing_ends_what_runs(commands: Commands) -> None:
    problems = []

    def run() -> None:
        try:
            commands.run(python("import time; time.sleep(60)"))
        except HarnessError as error:
            problems.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    while not commands._running:
        time.sleep(0.01)
    commands.close()
    thread.join(20)
    assert "was ended by SIG" in problems[0]
    with pytest.raises(HarnessError, match="let go"):
        commands.run(["true"])


def test_a_service_runs_until_it_is_stopped(commands: Commands, tmp_path: Path) -> None:
    program = "import time; print('up', flush=True); time.sleep(60)"
    service = commands.service(python(program), tmp_path / "log")
    while not (tmp_path / "log").read_bytes():
        time.sleep(0.01)
    stop(service)
    assert service.returncode == -signal.SIGTERM
    assert (tmp_path / "log").read_bytes() == b"up\n"
    with pytest.raises(HarnessError, match="cannot be run"):
        commands.service(["/none"], tmp_path / "log")
