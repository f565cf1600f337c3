"""The noise level is the root of the mean variance of every whole piece."""

import numpy as np
import pytest

from raphe.tasks.celltype.synthetic import noise_stretches
from raphe.tasks.celltype.synthetic.noise_stretches import noise_level


class Sweep:
    def __init__(self, samples: np.ndarray) -> None:
        self.samples, self.n_samples = samples, len(samples)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.samples[start:stop]


@pytest.mark.parametrize("chunk", [64, 101, 10**6])
def test_noise_level_is_that_of_every_whole_piece(chunk, monkeypatch):
    monkeypatch.setattr(
        noise_stretches, "CHUNK_SAMPLES", chunk
    )  # a stretch may reach into the next
    rng = np.random.default_rng(0)
    sweeps = [Sweep(rng.normal(0, sd, n).astype(np.float32)) for sd, n in ((2, 700), (5, 300))]
    stretches = [np.array([[3, 41], [50, 59], [60, 450]]), np.array([[100, 300]])]
    variances = [
        np.var(sweep.samples[start : start + 20], dtype=np.float64)
        for sweep, of_sweep in zip(sweeps, stretches, strict=True)
        for first, stop in of_sweep.tolist()
        for start in range(first, stop - 20 + 1, 20)
    ]
    assert len(variances) == 1 + 0 + 19 + 10
    expected = np.sqrt(np.mean(variances))
    assert noise_level(sweeps, stretches, 20) == pytest.approx(expected, rel=1e-12)


def test_a_sweep_without_a_stretch_adds_nothing():
    noise = np.random.default_rng(1).normal(0, 3, 200)
    both = [Sweep(noise), Sweep(noise[:50])]
    stretches = [np.array([[0, 200]]), np.empty((0, 2), np.int64)]
    assert noise_level(both, stretches, 200) == pytest.approx(noise.std(), rel=1e-12)
