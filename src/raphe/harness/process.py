"""This process: the memory that it keeps, and libraries' talk."""

import contextlib
import ctypes
import gc
import logging
import sys
import warnings
from collections.abc import Iterator

# glibc's malloc.h
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEPT_BYTES = 2**30


def keep_freed_memory() -> None:
    """Tell glibc not to hand blocks back to the kernel; elsewhere do nothing.

    By default it maps every block over 128 kB and unmaps it when freed, so that each step pays
    for thousands of page faults.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


@contextlib.contextmanager
def no_garbage_sought() -> Iterator[None]:
    """While a hundred thousand records are read that all stay: Python would look through them again
    and again, for longer than they take to read."""
    was_sought = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_sought:
            gc.enable()


def quieten() -> None:
    """Silence greetings and the warnings about what this harness does on purpose."""
    for name in ("pytorch_lightning", "lightning_fabric", "mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # The folder of a resumed run holds its checkpoints.
    warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
    # Batches come from one memory-mapped reader; worker processes would only copy them.
    warnings.filterwarnings("ignore", "The '.*_dataloader' does not have many workers")
    # On a cluster's login node it takes a command for one that ought to be a job.
    warnings.filterwarnings("ignore", "The `srun` command is available on your system")
    # Lightning 2.6 calls what torch 2.13 deprecates.
    warnings.filterwarnings("ignore", ".*isinstance\\(treespec, LeafSpec\\)")
