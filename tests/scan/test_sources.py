"""What is named -> items; hostile ones included."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from entrysem.errors import InputError
from entrysem.scan.items import Failed, opened
from entrysem.scan.settings import Settings
from entrysem.scan.sources import items, name_test, sources
from entrysem.scan.streams import Meter, needs_zstd
from tests.scan.corpora import tar_of, texts, write_ndjson

FILE = b"FROM scratch\n"


def read(*names: str | Path, include: tuple[str, ...] = (), **settings: Any) -> dict[str, Any]:
    """Identity -> bytes, or the code of the error."""
    chosen = Settings(**settings)
    found = {}
    for item in items(sources(map(str, names)), chosen, name_test(include), Meter()):
        identity, data = opened(item, chosen)
        assert identity not in found
        found[identity] = f"{data.phase}: {data.code}" if isinstance(data, Failed) else data
    return found


# --- files and folders -------------------------------------------------------------------------------


def test_a_folder_gives_what_is_named_like_a_dockerfile(tmp_path: Path) -> None:
    for name in ("b/Dockerfile", "a/web.Dockerfile", "a/main.py", ".git/Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(FILE)
    assert list(read(tmp_path)) == [f"{tmp_path}/a/web.Dockerfile", f"{tmp_path}/b/Dockerfile"]
    assert f"{tmp_path}/a/main.py" in read(tmp_path, include=("*",))
    assert list(read(tmp_path, include=("*.py",))) == [f"{tmp_path}/a/main.py"]
    assert list(read(tmp_path, include=("*/b/*",))) == [f"{tmp_path}/b/Dockerfile"]


def test_links_that_loop_pipes_and_devices_are_errors(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.loop").symlink_to(tmp_path / "Dockerfile.loop")
    (tmp_path / "Dockerfile.gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "Dockerfile.zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "Dockerfile.pipe")
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "Dockerfile").write_bytes(FILE)
    assert {name.rpartition("/")[2]: found for name, found in read(tmp_path).items()} == {
        "Dockerfile": FILE,
        "Dockerfile.gone": "input: not-found",
        "Dockerfile.loop": "input: unreadable",
        "Dockerfile.pipe": "input: not-a-file",
        "Dockerfile.zero": "input: not-a-file",
    }


def test_a_file_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "Dockerfile").open("wb") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    assert read(tmp_path / "Dockerfile") == {f"{tmp_path}/Dockerfile": "input: too-large"}
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_file_that_nobody_may_read_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "Dockerfile").write_bytes(FILE)

    def refuse(*args: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("entrysem.scan.items.os.open", refuse)
    assert read(tmp_path) == {f"{tmp_path}/Dockerfile": "input: unreadable"}


def test_a_folder_that_is_shut_is_an_error(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "Dockerfile").write_bytes(FILE)
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert read(tmp_path) == {
        f"{tmp_path}/Dockerfile": FILE,
        f"{tmp_path}/shut": "input: unreadable",
    }


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/Dockerfile.\xff"
    Path(os.fsdecode(name)).write_bytes(FILE)
    assert read(tmp_path) == {os.fsdecode(name): FILE}


def test_what_is_named_and_not_there_breaks_the_source(tmp_path: Path) -> None:
    assert read(tmp_path / "no") == {f"{tmp_path}/no": "source: not-found"}
    assert read(tmp_path / "no.tar") == {f"{tmp_path}/no.tar": "source: unreadable"}
    assert read(f"{tmp_path}/no*") == {f"{tmp_path}/no*": "source: no-match"}


def test_patterns(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "one.txt").write_bytes(FILE)
    write_ndjson(tmp_path / "x" / "two.jsonl", {"id": FILE})
    assert read(f"{tmp_path}/**/*.*") == {f"{tmp_path}/x/one.txt": FILE, "id": FILE}


def test_lists(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(FILE)
    (tmp_path / "list").write_text(f"{tmp_path}/one\n\n{tmp_path}/none\n" + "x" * 100_000)
    settings = Settings()
    found = items(sources([str(tmp_path / "list")], "list"), settings, name_test(()), Meter())
    codes = [opened(item, settings)[1] for item in found]
    assert codes[0] == FILE
    assert [one.code for one in codes[1:] if isinstance(one, Failed)] == ["not-found", "too-large"]


# --- archives ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_archives(tmp_path: Path, mode: str) -> None:
    files = texts(30)
    # Its name says nothing about how it is compressed.
    path = tar_of(tmp_path / "c.tar", {**files, "readme.md": b"x"}, mode)
    assert read(path) == {f"{path}:{name}": data for name, data in files.items()}


def test_zstd(tmp_path: Path) -> None:
    zstd = needs_zstd("x")
    path = tmp_path / "c.tar.zst"
    path.write_bytes(zstd.compress(tar_of(tmp_path / "c.tar", texts(3)).read_bytes()))
    assert list(read(path).values()) == list(texts(3).values())


def test_without_zstd_the_source_says_what_to_do(tmp_path: Path, monkeypatch: Any) -> None:
    def nothing(name: Any) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("entrysem.scan.streams.import_module", nothing)
    (tmp_path / "c.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(InputError, match="zstd"):
        sources([str(tmp_path / "c.tar.zst")])
    (tmp_path / "c.tar").write_bytes(b"\x28\xb5\x2f\xfd")
    assert read(tmp_path / "c.tar") == {f"{tmp_path}/c.tar": "source: needs-extra"}


def test_hostile_members(tmp_path: Path) -> None:
    path = tmp_path / "h.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in (
            "/etc/Dockerfile",
            "../../Dockerfile",
            "a\nb\x1b/Dockerfile",
            "x" * 4000 + "/Dockerfile",
        ):
            member = tarfile.TarInfo(name)
            member.size = len(FILE)
            archive.addfile(member, io.BytesIO(FILE))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"k{kind.decode()}/Dockerfile")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("large/Dockerfile")
        member.size = 5000
        archive.addfile(member, io.BytesIO(b"#" * 5000))
        member = tarfile.TarInfo("last/Dockerfile")
        member.size = len(FILE)
        archive.addfile(member, io.BytesIO(FILE))
    found = {name.partition(":")[2]: data for name, data in read(path, max_bytes=1000).items()}
    assert list(found.values()) == [FILE] * 4 + ["input: not-a-file"] * 4 + [
        "input: too-large",
        FILE,
    ]
    assert "../../Dockerfile" in found
    assert not (tmp_path.parent.parent / "Dockerfile").exists()


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def test_a_size_that_is_a_lie(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "l.tar", {"Dockerfile": FILE})
    whole = path.read_bytes()[:1024]
    path.write_bytes(whole + _header("huge/Dockerfile", 1 << 60) + b"x" * 600)
    assert read(path) == {
        f"{path}:Dockerfile": FILE,
        f"{path}:huge/Dockerfile": "input: too-large",
        f"{path}": "source: broken",
    }
    path.write_bytes(whole + _header("cut/Dockerfile", 5000) + b"x" * 600)
    assert read(path) == {f"{path}:Dockerfile": FILE, f"{path}": "source: broken"}


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_would_fill_the_memory(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "p.tar"
    with path.open("wb") as file:
        file.write(_header("n", 200 << 20, kind))
        file.truncate(201 << 20)
    tracemalloc.start()
    assert read(path) == {str(path): "source: broken"}
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_a_broken_header_is_not_the_end(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "b.tar", texts(3))
    data = bytearray(path.read_bytes())
    data[1024 + 5] ^= 0xFF
    path.write_bytes(data)
    assert list(read(path).values()) == [texts(1)["000000/Dockerfile"], "source: broken"]


@pytest.mark.parametrize("mode", ["w:gz", "w:xz"])
def test_an_archive_that_breaks_in_the_middle(tmp_path: Path, mode: str) -> None:
    path = tar_of(tmp_path / "c.tar", texts(3000), mode)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    other = tar_of(tmp_path / "d.tar", texts(2))
    found = list(read(path, other).values())
    assert found[-3] == "source: broken"
    assert 100 < len(found) < 3000
    assert found[:100] == list(texts(100).values())
    assert found[-2:] == list(texts(2).values())


def test_rubbish_inside_gzip(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "c.tar.gz", texts(2000), "w:gz")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 50] = b"\xff" * 50
    path.write_bytes(data)
    assert list(read(path).values())[-1] == "source: broken"


# --- lines of JSON -----------------------------------------------------------------------------------


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "c.ndjson"
    lines = [
        b'{"id": 7, "dockerfile": "FROM a"}',
        b'{"dockerfile": "FROM b\\u00e9\\ud800"}',
        b"",
        b'{"id": "n", "dockerfile": null}',
        b'{"id": "o", "text": "FROM c"}',
        b"[1]",
        b"{oops",
        b'{"id": "u", "dockerfile": "\xff"}',
        b"[" * 100_000,
        b'{"id": "big", "dockerfile": "' + b"x" * 2000 + b'"}',
        b'{"id": "z", "dockerfile": "FROM z"}',
    ]
    path.write_bytes(b"\n".join(lines))
    assert read(path, max_bytes=1000) == {
        "7": b"FROM a",
        f"{path}:2": b"FROM b\xc3\xa9\xed\xa0\x80",
        "n": "input: not-text",
        "o": "input: no-field",
        f"{path}:6": "input: bad-json",
        f"{path}:7": "input: bad-json",
        f"{path}:8": "input: not-utf8",
        f"{path}:9": "input: bad-json",
        "big": "input: too-large",
        "z": b"FROM z",
    }
    assert read(path, text_field="text")["o"] == b"FROM c"


def test_a_line_of_a_gigabyte_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "c.ndjson"
    with path.open("wb") as file:
        file.write(b'{"id": "a", "dockerfile": "FROM a"}\n{"dockerfile": "')
        file.seek(1 << 30)
        file.write(b'"}\n{"id": "b", "dockerfile": "FROM b"}\n')
    tracemalloc.start()
    found = read(path, max_bytes=1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()
    assert list(found.values()) == [b"FROM a", "input: too-large", b"FROM b"]


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    path = tmp_path / "c.parquet"
    columns = {"id": ["a", None, "c"], "dockerfile": ["FROM a", "FROM b", None], "n": [1, 2, 3]}
    pa.parquet.write_table(pa.table(columns), path)
    assert read(path) == {"a": b"FROM a", f"{path}:2": b"FROM b", "c": "input: not-text"}
    assert read(path, text_field="id", id_field="n") == {
        "1": b"a",
        "2": "input: not-text",
        "3": b"c",
    }
    assert read(path, text_field="no") == {str(path): "source: no-field"}
    data = path.read_bytes()
    path.write_bytes(data[:-20])
    assert read(path) == {str(path): "source: broken"}
    with pytest.raises(InputError, match="standard input"):
        sources(["-"], "parquet")


def test_a_meter_knows_how_far_it_is(tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "c.ndjson", texts(5))
    meter = Meter()
    assert len(list(items(sources([str(path)]), Settings(), name_test(()), meter))) == 5
    assert meter.done == meter.total == path.stat().st_size
    assert json.loads(path.read_text().splitlines()[0])["id"] == "000000/Dockerfile"


def test_a_name_that_no_file_can_have() -> None:
    assert read("a\0b") == {"a\0b": "source: not-found"}
