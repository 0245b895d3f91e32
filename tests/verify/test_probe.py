import platform
import subprocess
import sys
from pathlib import Path

import pytest

from entrysem.verify import probe
from entrysem.verify.protocol import HarnessError

linux = pytest.mark.skipif(sys.platform != "linux", reason="the probe is a Linux program")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform != "linux":
        pytest.skip("the probe is a Linux program")
    return probe.build(tmp_path_factory.mktemp("probe"), probe.machine_architecture())


def output_of(program: Path, *words: str, name: str = "p") -> bytes:
    done = subprocess.run([name, *words], executable=program, stdout=subprocess.PIPE, check=True)
    return done.stdout


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",),
        ("", "", ""),
        ("a b", "'", '"', "\\", "$x", "-c"),
        ("\udcff\udc00\udc80", "é", "\n\n", "\r\n", "end 3\n", "entrysem-probe 1\npid 1\nargv 0\n"),
        tuple("w" + "0" * n for n in range(300)),
        ("x" * 100_000, "y"),
    ],
    ids=["none", "empty", "empties", "quotes", "bytes", "many", "long"],
)
def test_every_word_arrives_byte_for_byte(program: Path, words: tuple[str, ...]) -> None:
    if "\udc00" in "".join(words):
        words = tuple(word.replace("\udc00", "") for word in words)  # no word holds a null
    report = probe.read(output_of(program, *words))
    assert report is not None
    assert report.argv == ("p", *words)
    assert report.pid > 1


def test_an_empty_program_name_arrives(program: Path) -> None:
    report = probe.read(output_of(program, "a", name=""))
    assert report is not None
    assert report.argv == ("", "a")


def test_process_1_is_named_when_it_is_another(program: Path) -> None:
    report = probe.read(output_of(program))
    assert report is not None
    words = Path("/proc/1/cmdline").read_bytes().decode(errors="surrogateescape").split("\0")[:-1]
    assert report.init == tuple(words)


def test_it_is_static_and_small(program: Path) -> None:
    assert program.stat().st_size < 1_000_000
    assert b"ld-linux" not in program.read_bytes()


def test_an_earlier_one_is_taken(program: Path) -> None:
    before = program.stat().st_mtime_ns
    assert probe.build(program.parent, probe.machine_architecture()) == program
    assert program.stat().st_mtime_ns == before


def test_a_report_that_has_not_all_arrived_is_none(program: Path) -> None:
    output = output_of(program, "a", "bcd")
    assert probe.read(output) is not None
    for end in range(len(output)):
        assert probe.read(output[:end]) is None
    for start in range(1, 40):
        assert probe.read(output[start:]) is None


def test_a_report_with_a_hole_is_none(program: Path) -> None:
    output = output_of(program, "a" * 100)
    assert probe.read(output.replace(b"61" * 50, b"", 1)) is None


def test_a_terminal_in_between_changes_nothing(program: Path) -> None:
    output = output_of(program, "a", "\r\n")
    report = probe.read(b"some engine's noise\r\n" + output.replace(b"\n", b"\r\n") + b"more\r\n")
    assert report is not None
    assert report.argv == ("p", "a", "\r\n")


@pytest.mark.parametrize(
    "output", [b"", b"exec: no such file", b"entrysem-probe 1\npid 1\nargv 1\nzz\nend 37\n"]
)
def test_what_is_no_report_is_none(output: bytes) -> None:
    assert probe.read(output) is None


def test_process_1_itself_has_no_init() -> None:
    body = b"entrysem-probe 1\npid 1\nargv 1\n61\n"
    assert probe.read(body + b"end %d\n" % len(body)) == probe.Report(("a",), 1, None)


def test_an_unknown_architecture_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="'vax'"):
        probe.build(tmp_path, "vax")


@linux
def test_without_a_compiler_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cc").write_text("#!/bin/sh\necho 'no libc here' >&2; exit 1\n")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(HarnessError) as caught:
        probe.build(tmp_path, probe.machine_architecture())
    message = str(caught.value)
    assert "cc: no libc here" in message
    assert "ziglang" in message
    assert "--level CREATE" in message


@linux
def test_a_compiler_whose_program_does_not_report_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cc").write_text(
        '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\n'
        "printf '#!/bin/sh\\necho hello\\n' > \"$2\"\n"
    )
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    monkeypatch.setattr(probe, "_compilers", lambda _: iter([[str(tmp_path / "cc")]]))
    with pytest.raises(HarnessError, match="does not report its words"):
        probe.build(tmp_path, probe.machine_architecture())
    assert not list(tmp_path.glob("probe-*"))


@linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="written for one machine")
def test_the_freestanding_and_the_libc_program_say_the_same(program: Path, tmp_path: Path) -> None:
    source = Path(probe.__file__).with_name("probe.c")
    command = ["cc", "-static", "-DLIBC", "-o", str(tmp_path / "p"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no static libc here: {done.stderr}")
    assert probe.read(output_of(tmp_path / "p", "a", "")) is not None
