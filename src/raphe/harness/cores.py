"""The processor cores this process may use."""

import os


def available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: heeds taskset and containers
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
