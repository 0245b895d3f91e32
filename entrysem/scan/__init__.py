"""Corpora: one flat record for each of many Dockerfiles.

    sources -> items -> batches -> engine (this process, its children, Dask) -> records, in order -> file

`record.scan_one` is the core: bytes in, a record out, never an exception for what the bytes hold. All the
rest is plumbing around it, and no part of it knows what a Dockerfile means:

* `sources` and its readers (`archives`, `lines`, `columns`) walk what was named and yield *items*: small
  tuples that can be sent to another process (`items`). What cannot be read is an item as well;
* `work` turns a batch of items into the finished bytes of its records, in whatever process;
* `engines` are the places where that happens, `drive` keeps a bounded number of batches under way and
  hands their bytes on in the order of the items;
* `output` appends them to a file. Because the order is that of the input, the number of whole lines in
  the file says how far a killed run came, and resuming is skipping so many items.

Nothing here grows with the number of files.
"""

from __future__ import annotations

from entrysem.scan.record import scan_one
from entrysem.scan.settings import Settings

__all__ = ["Settings", "scan_one"]
