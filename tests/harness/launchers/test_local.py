"""How many members of a sweep are trained at once on one machine."""

import pytest
from omegaconf import OmegaConf

from raphe.core.errors import SettingError
from raphe.harness.launchers import local
from raphe.harness.launchers.local import LOCAL_LAUNCHER, n_workers

GB = 2**30
KERNELS = 8


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """And 64 GB of memory that are free."""
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(local, "available_cores", lambda: 8)
    monkeypatch.setattr("raphe.core.threads.available_cores", lambda: 8)
    monkeypatch.setattr(local, "available_memory_bytes", lambda: 64 * GB)


def settings(n_jobs: object = None, threads: int | None = None, **changed: str) -> OmegaConf:
    launcher = {"_target_": LOCAL_LAUNCHER, "n_jobs": n_jobs}
    trainer = {"accelerator": "cpu"}
    values = {"hydra": {"launcher": launcher}, "threads": threads, "trainer": trainer}
    config = OmegaConf.create(values)
    for name, value in changed.items():
        OmegaConf.update(config, name.replace("__", "."), value)
    return config


@pytest.mark.parametrize(
    ("config", "n_members", "expected"),
    [
        (settings(), KERNELS, 8),
        (settings(), 4, 4),  # no more than there are
        (settings(), 3, 1),
        (settings(threads=3), KERNELS, 2),
        (settings(threads=16), KERNELS, 1),
        (settings(trainer__accelerator="gpu"), KERNELS, 1),
        (settings(n_jobs=3), 2, 3),
        (settings(hydra__launcher___target_="hydra_plugins.a.BasicLauncher"), KERNELS, 1),
        (settings(n_jobs=5, hydra__launcher___target_="hydra_plugins.a.Joblib"), KERNELS, 5),
    ],
)
def test_as_many_as_there_is_room_for(config, n_members: int, expected: int) -> None:
    assert n_workers(config, n_members) == expected


@pytest.mark.parametrize(("free_gb", "expected"), [(7, 3), (1, 1), (640, 8)])
def test_each_has_its_memory(monkeypatch, free_gb: int, expected: int) -> None:
    monkeypatch.setattr(local, "available_memory_bytes", lambda: free_gb * GB)
    assert n_workers(settings(), KERNELS) == expected


def test_threads_that_the_environment_says_count(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert n_workers(settings(), KERNELS) == 2


@pytest.mark.parametrize("wrong", [0, -1, "two", 2.5, True])
def test_a_number_that_cannot_be_is_refused(wrong: object) -> None:
    with pytest.raises(SettingError, match=f"n_jobs={wrong}: expected a whole number of members"):
        n_workers(settings(n_jobs=wrong), KERNELS)
