"""Parquet, in and out. pyarrow does the work and is imported only here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from entrysem.errors import InputError
from entrysem.scan.items import Failed, Item, from_row
from entrysem.scan.record import COLUMNS
from entrysem.scan.settings import Settings

__all__ = ["needs_pyarrow", "records_of", "rows", "write_parquet"]

#: Rows decoded at a time.
_ROWS = 256
#: Bytes of lines that become one row group.
_GROUP = 32 << 20


def needs_pyarrow(where: str) -> Any:
    """pyarrow with its Parquet and JSON parts.

    Raises:
        InputError: `needs-extra`, it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.json  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "needs-extra", "Parquet needs pyarrow", where=where, hint="pip install 'entrysem[scan]'"
        ) from None
    return pa


def rows(name: str, settings: Settings) -> Iterator[Item]:
    """An item for each row; `NAME:ROW`, from 1, names one without an identity of its own.

    Raises:
        OSError, pyarrow.ArrowException: the file cannot be read, or not on.
        InputError: `no-field`, there is no column with Dockerfiles.
    """
    pa = needs_pyarrow(name)
    with pa.parquet.ParquetFile(name) as file:
        names = file.schema_arrow.names
        if settings.text_field not in names:
            raise InputError(
                "no-field",
                f"there is no column {settings.text_field!r}; there are {', '.join(names[:10])}",
                where=name,
                hint="name the column with --field",
            )
        columns = [one for one in (settings.id_field, settings.text_field) if one in names]
        number = 0
        for batch in file.iter_batches(_ROWS, columns=list(dict.fromkeys(columns))):
            for row in batch.to_pylist():
                number += 1
                identity, data = from_row(f"{name}:{number}", row, settings)
                yield ("error" if isinstance(data, Failed) else "data", identity, data)


def write_parquet(lines: Path, target: Path) -> None:
    """Writes the records of a file of lines as Parquet: beside `target`, then in its place.

    Raises:
        OSError: a file cannot be read or written.
        InputError: `needs-extra`.
    """
    pa = needs_pyarrow(str(target))
    schema = _schema(pa)
    how = pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    unfinished = target.with_name(f"{target.name}.unfinished")
    with (
        lines.open("rb") as file,
        pa.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):
        while block := _whole_lines(file):
            size = pa.json.ReadOptions(block_size=len(block) + 1)
            table = pa.json.read_json(io.BytesIO(block), size, how)
            writer.write_table(table.select(list(COLUMNS)).cast(schema))
    unfinished.replace(target)


def records_of(name: str) -> Iterator[dict[str, Any]]:
    """The records in a Parquet file."""
    pa = needs_pyarrow(name)
    with pa.parquet.ParquetFile(name) as file:
        for batch in file.iter_batches(4096):
            yield from batch.to_pylist()


def _whole_lines(file: IO[bytes]) -> bytes:
    block = file.read(_GROUP)
    return block + file.readline() if block and not block.endswith(b"\n") else block


def _schema(pa: Any) -> Any:
    types = {
        "string": pa.string(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "strings": pa.list_(pa.string()),
        "integers": pa.list_(pa.int64()),
    }
    return pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
