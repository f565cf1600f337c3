"""A small store of labelled traces, and random recordings."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.tasks.calcium.trace_store import Labelled, TraceStore, open_traces, write_traces


def _labelled(name: str, n: int, seed: int) -> Labelled:
    """Spikes that raise a noisy, decaying trace."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(0.03, n)
    spikes[n // 2] += 1
    decay = np.exp(-np.arange(200) / 40)
    calcium = np.convolve(spikes, decay)[:n] + 0.1 * rng.normal(size=n)
    return Labelled(name, name.split("/")[0], calcium.astype(np.float32), spikes, 30.0)


@pytest.fixture(scope="session")
def labelled() -> Callable[[str, int, int], Labelled]:
    """A recording of a name, a length in samples and a seed."""
    return _labelled


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three datasets, a, b and c, of 4, 5 and 3 recordings of different length."""
    counts = {"a": 4, "b": 5, "c": 3}
    names = [f"{dataset}/{index}" for dataset, count in counts.items() for index in range(count)]
    recordings = [_labelled(name, 400 + 37 * seed, seed) for seed, name in enumerate(names)]
    return write_traces(tmp_path_factory.mktemp("calcium") / "store", recordings, {})


@pytest.fixture
def store(store_path: Path) -> TraceStore:
    return open_traces(store_path)
