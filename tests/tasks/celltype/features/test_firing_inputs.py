"""What a network takes of a cell's firing."""

import numpy as np

from raphe.tasks.celltype.features.firing_inputs import (
    DIMS,
    FEWEST_INTERVALS,
    NAMES,
    firing_inputs,
    firing_of_set,
)


def train(rate_hz: float, duration_s: float, regular: bool, seed: int = 0) -> np.ndarray:
    """Gamma intervals of CV 0.2, or those of a Poisson process."""
    rng = np.random.default_rng(seed)
    shape = 25.0 if regular else 1.0
    n = round(2 * rate_hz * duration_s) + 20
    times_s = np.cumsum(rng.gamma(shape, 1 / (shape * rate_hz), n))
    return times_s[times_s < duration_s]


def named(trains: list[np.ndarray]) -> dict[str, float]:
    return dict(zip(NAMES, firing_inputs(trains).tolist(), strict=True))


def test_regular_and_irregular_cells_of_a_rate_differ_as_they_should() -> None:
    pacemaker, poisson = (named([train(2.0, 300, regular)]) for regular in (True, False))
    np.testing.assert_allclose(pacemaker["isi_cv"], 0.2, atol=0.03)
    np.testing.assert_allclose(poisson["isi_cv"], 1.0, atol=0.15)
    np.testing.assert_allclose(pacemaker["isi_q50"], 500, atol=20)  # ms
    assert len(NAMES) == sum(DIMS) == len(set(NAMES))


def test_a_longer_recording_of_the_same_cell_moves_no_number_far() -> None:
    short = np.array([firing_inputs([train(3.0, 60, True, seed)]) for seed in range(20)])
    long = np.array([firing_inputs([train(3.0, 1200, True, seed)]) for seed in range(3)])
    spread = short.std(axis=0) + 0.02
    assert (np.abs(long.mean(axis=0) - short.mean(axis=0)) / spread).max() < 2


def test_too_few_intervals_of_unbroken_sweeps_are_none() -> None:
    times_s = np.arange(FEWEST_INTERVALS + 1) / 4
    assert np.isfinite(firing_inputs([times_s])).all()
    assert np.isnan(firing_inputs([times_s[:-1]])).all()
    assert np.isnan(firing_inputs([times_s[:5], times_s[5:]])).all()  # one interval spans two
    assert np.isnan(firing_inputs([])).all()


def test_intervals_beyond_four_seconds_leave_that_branch_out() -> None:
    isi, acg = np.split(firing_inputs([5.0 * np.arange(20)]), [DIMS[0]])
    assert np.isnan(isi).all() and np.isnan(acg).all()
    isi, acg = np.split(firing_inputs([2.0 * np.arange(20)]), [DIMS[0]])
    assert np.isfinite(isi).all() and np.isnan(acg).all()  # no two spikes within 1 s


def test_a_store_without_times_knows_no_firing(make_spikes) -> None:
    spikes = make_spikes(n_cells=3, per_cell=20)
    assert np.isfinite(firing_of_set(spikes)[:, : DIMS[0]]).all()
    spikes.trigger = np.full(spikes.n, -1)
    assert firing_of_set(spikes).shape == (3, sum(DIMS))
    assert np.isnan(firing_of_set(spikes)).all()
