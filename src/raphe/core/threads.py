"""How much of the machine this process may use, cores and memory, and work in several threads in
order."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import psutil

from raphe.core.ranges import Range

Item = TypeVar("Item")
Result = TypeVar("Result")
Threads = Annotated[int, Range(1, also="or None for all that it may use")]
OF_OPENMP, OF_SLURM = "OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"


def threads_of_process(n_processes: int = 1) -> int:
    """CPU threads of each of so many processes that work at once.

    What OMP_NUM_THREADS says counts for every process, as OpenMP has it; else they share the cores.
    """
    return _from_environment(OF_OPENMP) or max(1, available_cores() // n_processes)


def available_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use: by affinity (taskset), SLURM and its container's quota."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        n_cores = len(os.sched_getaffinity(0))
    else:
        n_cores = os.cpu_count() or 1
    limits = (_from_environment(OF_SLURM), _quota(root))
    return min([n_cores, *(limit for limit in limits if limit)])


def _from_environment(name: str) -> int | None:
    """A variable's number, of a list such as "4,2" the first; None where it says none."""
    first = os.environ.get(name, "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def available_memory_bytes(root: Path = Path("/")) -> int:
    """Memory that is free for this process: of the machine, and at most its container's limit."""
    limits = [_memory_of_slurm_bytes(), *_of_groups(root, "memory", _memory_2, _memory_1)]
    return min([psutil.virtual_memory().available, *(limit for limit in limits if limit)])


def _memory_of_slurm_bytes() -> int | None:
    of_node, of_core = (_from_environment(f"SLURM_MEM_PER_{what}") for what in ("NODE", "CPU"))
    n_cores = _from_environment(OF_SLURM) or 1
    allocated_mb = of_node or (of_core * n_cores if of_core else None)
    return allocated_mb * 2**20 if allocated_mb else None


def _quota(root: Path) -> int | None:
    """Cores by the least quota of this process' control groups, rounded up; None without one."""
    quotas = _of_groups(root, "cpu", _quota_2, _quota_1)
    shares = [quota_us / period_us for quota_us, period_us in quotas if quota_us > 0]
    return math.ceil(min(shares)) if shares else None


def _of_groups(
    root: Path,
    controller: str,
    of_version_2: Callable[[Path], Result],
    of_version_1: Callable[[Path], Result],
) -> list[Result]:
    """What the folders of this process' control groups and of those around them say.

    A container may see the path that its group has outside, and its own group at the top: groups
    that are not there are passed over.
    """
    found = []
    with suppress(OSError, ValueError):  # other systems have no such file
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                tops, read = ("unified", "."), of_version_2
            elif controller in controllers.split(","):
                tops, read = (controllers, controller), of_version_1
            else:
                continue
            within = Path(group.lstrip("/"))
            for top in tops:
                for folder in (within, *within.parents):
                    with suppress(OSError, ValueError):
                        found.append(read(root / "sys/fs/cgroup" / top / folder))
    return found


def _quota_2(folder: Path) -> tuple[float, float]:
    """µs of processor time in each period, also in µs; ValueError for "max", which is no quota."""
    quota_us, period_us = (folder / "cpu.max").read_text().split()
    return float(quota_us), float(period_us)


def _quota_1(folder: Path) -> tuple[float, float]:
    """As _quota_2; −1 is no quota."""
    quota_us, period_us = (
        (folder / f"cpu.cfs_{what}_us").read_text() for what in ("quota", "period")
    )
    return float(quota_us), float(period_us)


def _memory_2(folder: Path) -> int:
    """Bytes that a group may have; ValueError for "max", which is no limit."""
    return int((folder / "memory.max").read_text())


def _memory_1(folder: Path) -> int:
    """As _memory_2; without a limit a number beyond any memory."""
    return int((folder / "memory.limit_in_bytes").read_text())


def in_threads(
    call: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Iterator[Result]:
    """What `call` answers to each item, in the items' order, from so many threads.

    Items are taken, in the caller's thread, only so far ahead that no thread waits: memory does not
    grow with their number. An error, also of taking one, comes after all answers before it.
    """
    if n_threads == 1:
        yield from map(call, items)
        return
    begun: deque[Future[Result]] = deque()
    error: Exception | None = None
    taken = iter(items)
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="raphe")
    try:
        while True:
            try:
                item = next(taken)
            except StopIteration:
                break
            except Exception as raised:
                error = raised
                break
            begun.append(pool.submit(call, item))
            if len(begun) > 2 * n_threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
        if error is not None:
            raise error
    finally:
        pool.shutdown(cancel_futures=True)
