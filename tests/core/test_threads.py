"""How many cores and how much memory count as this process' own, and that threads keep their items'
order."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from raphe.core import threads
from raphe.core.threads import (
    available_cores,
    available_memory_bytes,
    in_threads,
    threads_of_process,
)
from waiting import HANG_S


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a machine without quota; and nothing said in the environment."""
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setattr(threads, "_quota", lambda root: None)
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("said", "expected"), [("3", 3), ("16", 16), ("4,2", 4), ("", 2), ("0", 2), ("auto", 2)]
)
def test_openmps_variable_counts_for_each_process(monkeypatch, said: str, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert threads_of_process(4) == expected


def test_processes_share_the_cores() -> None:
    assert [threads_of_process(n) for n in (1, 3, 8, 20)] == [8, 2, 1, 1]


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("16", 8)])
def test_slurm_gives_no_more_than_the_machine_has(monkeypatch, said: str, expected: int) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", said)
    assert available_cores() == expected


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/", {"cpu.max": "150000 100000"}, 2),  # 1.5 cores, in a container
        ("0::/", {"cpu.max": "10000 100000"}, 1),
        ("0::/", {"cpu.max": "max 100000"}, 8),
        ("0::/", {"cpu.max": "9900000 100000"}, 8),
        ("0::/a.slice/b", {"a.slice/cpu.max": "300000 100000", "a.slice/b/cpu.max": "max 1"}, 3),
        ("0::/a/b", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "200000 100000"}, 2),
        ("0::/of/the/host", {"cpu.max": "500000 100000"}, 5),  # seen from within a container
        ("1:cpu:/\n0::/", {"unified/cpu.max": "300000 100000"}, 3),
        (
            "5:memory:/m\n4:cpu,cpuacct:/docker/x",
            {"cpu,cpuacct/cpu.cfs_quota_us": "250000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            3,
        ),
        (
            "1:cpu:/job",
            {"cpu/job/cpu.cfs_quota_us": "-1", "cpu/job/cpu.cfs_period_us": "100000"},
            8,
        ),
        ("1:cpuset:/", {"cpu.max": "100000 100000"}, 8),
        ("", {}, 8),
    ],
)
def test_a_containers_quota_counts(
    tmp_path: Path, monkeypatch, groups: str, files: dict[str, str], expected: int
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: range(8), raising=False)
    _write_groups(tmp_path, groups, files)
    assert available_cores(tmp_path) == expected


def _write_groups(root: Path, groups: str, files: dict[str, str]) -> None:
    """The control groups of this process, and what stands in their files."""
    for name, text in {
        "proc/self/cgroup": groups,
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")


@pytest.mark.parametrize(
    ("groups", "files", "said", "expected_gb"),
    [
        ("0::/a/b", {"a/memory.max": f"{3 * 2**30}", "a/b/memory.max": "max"}, {}, 3),
        ("0::/a/b", {"a/memory.max": f"{3 * 2**30}", "a/b/memory.max": f"{2**30}"}, {}, 1),
        ("5:memory:/m", {"memory/m/memory.limit_in_bytes": f"{2 * 2**30}"}, {}, 2),
        ("5:memory:/m", {"memory/m/memory.limit_in_bytes": f"{2**63 - 4096}"}, {}, 16),  # none
        ("0::/", {"memory.max": f"{99 * 2**30}"}, {}, 16),
        ("0::/", {}, {"SLURM_MEM_PER_NODE": "4096"}, 4),
        ("0::/", {}, {"SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_PER_TASK": "8"}, 8),
        ("", {}, {}, 16),
    ],
)
def test_memory_is_what_is_free_within_the_limits(
    tmp_path: Path, monkeypatch, groups: str, files: dict, said: dict, expected_gb: int
) -> None:
    free = SimpleNamespace(available=16 * 2**30)
    monkeypatch.setattr(threads.psutil, "virtual_memory", lambda: free)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    _write_groups(tmp_path, groups, files)
    assert available_memory_bytes(tmp_path) == expected_gb * 2**30


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_answers_come_in_the_order_of_the_items(n_threads: int) -> None:
    first_is_last = threading.Event()

    def square(number: int) -> int:
        if n_threads > 1 and number == 0:
            assert first_is_last.wait(HANG_S)
        first_is_last.set() if number == 1 else None
        return number**2

    assert list(in_threads(square, range(20), n_threads)) == [n**2 for n in range(20)]


def test_items_are_taken_only_so_far_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    answers = in_threads(lambda number: number, items(), 3)
    for number in range(100):
        assert next(answers) == number
        assert len(taken) <= number + 8
    answers.close()


def test_an_error_comes_after_all_answers_before_it() -> None:
    def halves(number: int) -> float:
        return 1 / (5 - number)

    def broken() -> Iterator[int]:
        yield from range(4)
        raise OSError("no more")

    for items, kind, n in ((range(9), ZeroDivisionError, 5), (broken(), OSError, 4)):
        answers = in_threads(halves, items, 2)
        assert len([next(answers) for _ in range(n)]) == n
        with pytest.raises(kind):
            next(answers)
