"""The lab's own formats: OCI images, the CRI's messages and logs, the pause program."""

import hashlib
import io
import json
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from conformance.lab import oci, pause
from conformance.lab.catalogue import builders
from conformance.lab.cri_api import METHODS, decode, encode
from conformance.lab.errors import LabError
from conformance.lab.places import Places
from conformance.oracles import config_jobs
from entrysem.verify.protocol import Run


@pytest.mark.parametrize(
    "config", [{}, {"Entrypoint": [], "Cmd": None}, {"Entrypoint": ["e", ""], "Cmd": ["ü"]}]
)
def test_an_image_holds_its_config_as_given(config: dict[str, object]) -> None:
    files = oci.image(config, name="n", files={"pause": b"x"})
    for name, data in files.items():
        if name.startswith("blobs/"):
            assert name.endswith(hashlib.sha256(data).hexdigest())

    def blob(digest: str) -> bytes:
        return files[f"blobs/{digest.replace(':', '/')}"]

    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(entry["digest"]))
    stored = json.loads(blob(manifest["config"]["digest"]))
    assert stored["config"] == config
    assert stored["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    assert set(entry["annotations"].values()) == {"n"}


def test_an_archive_and_a_layout_have_the_same_files(tmp_path: Path) -> None:
    files = oci.image({"Cmd": ["c"]}, name="n")
    oci.layout(files, tmp_path)
    with tarfile.open(fileobj=io.BytesIO(oci.archive(files))) as tar:
        for name in tar.getnames():
            assert (tmp_path / name).read_bytes() == files[name]
        assert sorted(tar.getnames()) == sorted(files)


def test_the_pause_program_waits_until_it_is_killed(tmp_path: Path) -> None:
    program = pause.write(tmp_path / "pause")
    process = subprocess.Popen([program])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.terminate()
    assert process.wait() == -signal.SIGTERM


def test_there_is_no_pause_program_for_every_machine() -> None:
    assert pause.program("aarch64")[18:20] == b"\xb7\x00"
    with pytest.raises(LabError, match="vax"):
        pause.program("vax")


# By hand: field 3 (command) "f", field 4 (args) "" and "g".
WIRE = b"\x1a\x01f\x22\x00\x22\x01g"


def test_a_message_is_encoded_as_protocol_buffers_are() -> None:
    assert encode("ContainerConfig", {"command": ["f"], "args": ("", "g")}) == WIRE
    assert encode("LinuxContainerResources", {"memory_limit_in_bytes": 300}) == b"\x20\xac\x02"
    assert encode("PodSandboxConfig", {"labels": {"k": "v"}}) == b"\x32\x06\x0a\x01k\x12\x01v"
    assert decode("ContainerConfig", WIRE)["args"] == ["", "g"]


@pytest.mark.parametrize(("service", "request_name", "response"), METHODS.values())
def test_every_method_has_its_messages(service: str, request_name: str, response: str) -> None:
    assert service in {"RuntimeService", "ImageService"}
    assert encode(request_name, {}) == b""
    assert isinstance(decode(response, b""), dict)


def test_a_message_comes_back_and_what_is_unknown_is_passed_over() -> None:
    values = {"status": {"state": 2, "exit_code": 127, "reason": "R"}, "info": {"a": "{}", "b": ""}}
    unknown = b"\x98\x06\x01" + b"\x9d\x06abcd" + b"\xa1\x06abcdefgh" + b"\xaa\x06\x02xy"
    found = decode("ContainerStatusResponse", encode("ContainerStatusResponse", values) + unknown)
    assert found["info"] == values["info"]
    assert found["status"] == {"state": 2, "exit_code": 127, "reason": "R", "message": ""}


def test_a_word_that_is_no_utf8_cannot_be_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode("ContainerConfig", {"args": ["\udcff"]})


def test_imagebuilder_is_a_template_for_each_suite_that_has_it() -> None:
    found = builders(Places(Path("/cache"), Path("/da ta")))
    assert [builder.suite for builder in found] == ["bookworm", "trixie", "sid"]
    assert found[-1].builder.startswith("'/da ta/bin/imagebuilder-sid' ")
    assert found[-1].inspect == "'/da ta/bin/docker-sid' image inspect {tag}"


@pytest.mark.parametrize(
    ("program", "place"),
    [
        ("e", "/usr/local/sbin/e"),
        ("/bin/sh", "/bin/sh"),
        ("./a/../b", "/b"),
        ("a/b", "/a/b"),
        ("", ""),
        ("/", ""),
        ("..", ""),
        ("/proc/x", ""),
        ("//dev/x", ""),
        ("/development", "/development"),
        ("a" * 256, ""),
    ],
)
def test_the_probe_stands_where_the_program_is_looked_for(program: str, place: str) -> None:
    cri = pytest.importorskip("conformance.lab.cri", reason="needs grpcio")
    assert cri.place_of(program) == place


def test_a_log_gives_back_what_was_printed() -> None:
    cri = pytest.importorskip("conformance.lab.cri", reason="needs grpcio")
    log = (
        b"T stdout F one\nT stderr F no\nT stdout P tw\nT stdout F o\nT stdout F \nT stdout F a b\n"
    )
    assert cri.log_output(log) == b"one\ntwo\n\na b\n"


def test_the_configs_of_the_product_are_distinct_and_every_run_can_be_sent() -> None:
    found = list(config_jobs())
    assert len(found) > 100
    assert len({json.dumps(job.config, sort_keys=True) for job in found}) == len(found)
    runs = [run for job in found for run in job.runs]
    assert all(not run.init and not isinstance(run.entrypoint, str) for run in runs)
    plain = list(config_jobs([Run()], literal=True))
    literal = [job for job in found if (job.config or {}).get("Entrypoint") == [""]]
    assert literal
    assert len(plain) == len(found) - len(literal)
