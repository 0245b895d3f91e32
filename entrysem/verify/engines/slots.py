"""Where jobs are done: a folder a session, in it a slot for each job at a time.

A session's folder says whose it is, so that a later session can remove what a killed one has left; a
slot is used by one job after the other, and is thrown away when something went wrong in it.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from entrysem.verify import session as sessions
from entrysem.verify.engines.process import Commands
from entrysem.verify.protocol import HarnessError

__all__ = ["Pool", "Workspace", "remove_folder"]


class _Slot(Protocol):
    def discard(self) -> None: ...


_S = TypeVar("_S", bound=_Slot)


class Pool(Generic[_S]):
    """As many slots as there are jobs at once, made when needed.

    A slot in which something went wrong is not used again: nobody knows what is left in it.
    """

    def __init__(self, make: Callable[[], _S], *, limit: int | None = None) -> None:
        self._make = make
        self._limit = limit
        self._free: list[_S] = []
        self._used: list[_S] = []
        self._changed = threading.Condition()
        self._closed = False

    @contextlib.contextmanager
    def slot(self) -> Iterator[_S]:
        """Lends a slot to this thread; waits where the number is limited."""
        slot = self._take()
        try:
            yield slot
        except BaseException:
            self._give(slot, usable=False)
            raise
        self._give(slot, usable=True)

    def _take(self) -> _S:
        with self._changed:
            while not self._free and self._limit is not None and len(self._used) >= self._limit:
                self._changed.wait()
            if self._closed:
                raise HarnessError("the engine has been let go")
            slot = self._free.pop() if self._free else self._make()
            self._used.append(slot)
            return slot

    def _give(self, slot: _S, *, usable: bool) -> None:
        with self._changed:
            self._used.remove(slot)
            usable = usable and not self._closed
            if usable:
                self._free.append(slot)
            self._changed.notify()
        if not usable:
            slot.discard()

    def close(self) -> None:
        """Discards the free slots; those in use are discarded when they come back."""
        with self._changed:
            self._closed = True
            free, self._free = self._free, []
        for slot in free:
            slot.discard()


class Workspace:
    """The folder of a session: `es-<random>` with the session's name in the file `session`.

    Names are short because podman before 5.0 takes a `--runroot` of 50 characters at most, and the
    path of a socket has 107 bytes.
    """

    _PREFIX = "es-"

    def __init__(self, parent: str, session: str) -> None:
        self._parent = Path(parent or tempfile.gettempdir())
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=self._PREFIX, dir=self._parent))
            (self.folder / "session").write_text(session, encoding="utf-8")
        except OSError as error:
            raise HarnessError(
                f"no folder can be made in {self._parent}: {error.strerror}. Name another one "
                "with workspace=DIR"
            ) from error
        self._count = 0
        self._lock = threading.Lock()

    def subfolder(self) -> Path:
        """A new folder in it."""
        with self._lock:
            folder = self.folder / str(self._count)
            self._count += 1
        folder.mkdir()
        return folder

    def left_by_the_dead(self) -> list[Path]:
        """The folders beside this one whose session is known to have ended."""
        found = []
        for path in sorted(self._parent.glob(f"{self._PREFIX}*/session")):
            try:
                name = path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                continue  # another user's
            if sessions.alive(name) is False:
                found.append(path.parent)
        return found


def remove_folder(folder: Path, commands: Commands, tool: str) -> None:
    """Removes a store. Below a rootless tool its files may belong to other ids, which only the
    tool's own user namespace may remove.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        with contextlib.suppress(HarnessError):
            commands.run([tool, "unshare", "rm", "-rf", str(folder)])
