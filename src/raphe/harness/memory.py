"""Keep the memory that a training step frees for the next step, instead of asking for it anew."""

import ctypes
import sys

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
