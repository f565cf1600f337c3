"""Locks among processes: files that any user who may write into their folder can take.

By rule and untested on Windows: the system lets go of a lock when its process ends, as on Linux.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from raphe.core.errors import StoreError
from raphe.core.files.refusals import existing_parent, refusal
from raphe.core.sentences import printable

READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def lock_file(path: Path | str) -> FileLock:
    """A lock that this process may take and let go; a second user of a shared folder may, too."""
    return FileLock(path, mode=0o666)


@contextmanager
def locked(path: Path | str, busy: str = "") -> Iterator[None]:
    """Hold a lock for as long as the context lasts.

    Where this user may write nothing, nothing needs to be locked, and nothing is.

    Args:
        path: of its file.
        busy: the sentence for when another process holds it (default: it is waited for).

    Raises:
        StoreError: with `busy`, or where the system refuses.
    """
    lock = lock_file(path)
    try:
        lock.acquire(timeout=0 if busy else -1)
    except Timeout:
        raise StoreError(busy) from None
    except NotImplementedError:
        raise StoreError(
            f"{printable(path)}: its disk has no locks; choose a disk of this computer"
        ) from None
    except OSError as error:
        if error.errno not in READ_ONLY or can_write(Path(path).parent):
            raise StoreError(refusal(error, path, "could not be locked")) from error
    try:
        yield
    finally:
        lock.release()


def can_write(folder: Path) -> bool:
    """Whether this user may put files into a folder, or make it where it is not there yet."""
    return os.access(existing_parent(folder), os.W_OK | os.X_OK)
