"""Files that grow item by item, and go on where an interrupted or killed call left them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from filelock import Timeout

from raphe.core.errors import StoreError
from raphe.core.files.atomic import sync, write_file
from raphe.core.files.leavings import LOCK
from raphe.core.files.locks import lock_file

NOTE = "progress.json"
PROGRESS = (NOTE, LOCK)  # beside the files themselves
NOTED_EVERY = 64  # items: what a killed call loses at most; an interrupted one loses none


class GrowingFiles:
    """Files in one folder, to which each item adds some bytes.

    Args:
        folder: where they lie.
        identity: of what the items are; only files of the same one are gone on with.
        beginnings: by file name, what each begins with.
        anew: drop what another identity has left.

    Raises:
        StoreError: when another process is at work in the folder, or has left files of another
            identity there.
    """

    def __init__(
        self, folder: Path, identity: str, beginnings: Mapping[str, bytes], anew: bool = False
    ) -> None:
        self.folder, self.identity = folder, identity
        self._lock = lock_file(folder / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"{folder}: another call is writing there; wait until it is done"
            ) from None
        noted = self._noted()
        if noted["done"] and noted["identity"] != identity and not anew:
            self._lock.release()
            raise StoreError(
                f"{folder}: an earlier call left {noted['done']} done, of other traces, another "
                "bundle or other options; repeat it to go on there, or pass --overwrite to drop it"
            )
        if noted["done"] and noted["identity"] == identity:
            self._reached: tuple[int, dict[str, int]] = noted["done"], noted["bytes"]
        else:
            self._reached = 0, {name: len(content) for name, content in beginnings.items()}
            for name, content in beginnings.items():
                write_file(folder / name, content)
        self._files = {name: self._reopened(name, size) for name, size in self._reached[1].items()}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    @property
    def done(self) -> int:
        """How many items the files hold."""
        return self._reached[0]

    def append(self, item: Mapping[str, bytes]) -> None:
        """Add an item's bytes to the files."""
        for name, content in item.items():
            self._files[name].write(content)
        # At once: an interruption comes before it or after it.
        self._reached = self.done + 1, {name: file.tell() for name, file in self._files.items()}
        if self.done % NOTED_EVERY == 0:
            self.note()

    def note(self) -> None:
        """Bring all items to the disk, and note how far that is."""
        for file in self._files.values():
            sync(file)
        done, sizes = self._reached
        text = json.dumps({"identity": self.identity, "done": done, "bytes": sizes})
        write_file(self.folder / NOTE, text)

    def close(self) -> None:
        """Let the folder go; what is not noted is lost."""
        for file in self._files.values():
            with suppress(OSError):  # of a full disk, which a write has told
                file.close()
        self._files = {}
        self._lock.release()

    def _noted(self) -> dict[str, Any]:
        """What the folder holds; nothing done where that is not whole."""
        try:
            noted = json.loads((self.folder / NOTE).read_bytes())
            for name, size in noted["bytes"].items():
                if (self.folder / name).stat().st_size < size:
                    raise ValueError(name)
            return {"identity": noted["identity"], "done": int(noted["done"]), **noted}
        except (OSError, ValueError, KeyError):
            return {"identity": None, "done": 0}

    def _reopened(self, name: str, size: int) -> IO[bytes]:
        file = (self.folder / name).open("r+b")
        file.truncate(size)
        file.seek(size)
        return file
