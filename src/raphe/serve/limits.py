"""How much a request may ask of this machine, and how much is held between two requests."""

import os
from dataclasses import dataclass

from raphe.core.threads import threads_of_process

TEXT_BYTES = 2**24  # of JSON or a table: as objects of Python it is some sixty times as large

LONGEST_NOTE = 500  # characters, of one that a person gives a cell


@dataclass(frozen=True)
class Limits:
    """Of all requests together `at_once` are answered at a time, and so many more wait."""

    file_bytes: int = 200_000_000
    at_once: int = 2
    receiving: int = 16  # files that come in at a time
    receive_s: float = 300.0  # until a body is there, however slowly it comes
    patience_s: float = 10.0  # beyond what a body of a known length takes at `slowest`
    slowest_bytes_per_s: float = 50_000.0
    answer_s: float = 300.0  # after which a caller is told that it takes too long
    held_files: int = 500  # that the page has open, of all who use it
    held_bytes: int = 2_000_000_000  # of memory and disk
    held_s: float = 4 * 3600.0  # since a file was last asked for: an afternoon of checking by hand

    @property
    def threads(self) -> int:
        """Of one answer: files are opened and looked at, so many of each at a time."""
        return max(1, threads_of_process() // (2 * self.at_once))

    def share_cores(self) -> None:
        """To be called before NumPy is imported, whose products take all cores otherwise.

        Threads that share a product of small matrices wait for one another.
        """
        os.environ.setdefault("OPENBLAS_NUM_THREADS", str(self.threads))

    @property
    def admitted(self) -> int:
        """Requests whose bodies are here, waiting or being answered."""
        return 5 * self.at_once
