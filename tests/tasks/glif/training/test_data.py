"""What a posterior is trained and tested on, and what is kept apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.errors import RapheError, SettingError
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.synthetic import simulated_experiments
from raphe.tasks.glif.synthetic.fitted_cells import read_cells, split_by_specimen
from raphe.tasks.glif.synthetic.quantities import DEAD_TIME, values_of
from raphe.tasks.glif.synthetic.simulated_experiments import PARTS, Experiment, RealCells, measure
from raphe.tasks.glif.synthetic.typical_cells import typical_prior
from raphe.tasks.glif.training.data import TEST_SETS, PosteriorData
from raphe.tasks.glif.training.prepare import prepare

SHORT = Experiment(length_s=(0.3, 0.4), keep_every=(4,))
SMALL = {"experiment": SHORT, "batch_size": 4, "batches": 2, "n_val": 4, "n_test": 8}


@pytest.fixture
def typical(tmp_path: Path) -> Path:
    return prepare(None, tmp_path, level=1, held_out=0.3, seed=42)["prior"]


@pytest.fixture
def table(real_data) -> Path:
    return real_data("glif", "glif_cells.csv")


def test_a_prior_is_made_once(tmp_path: Path, typical: Path) -> None:
    again = prepare(None, tmp_path, level=1, held_out=0.3, seed=42)["prior"]
    assert again == typical and len(list(tmp_path.glob("prior-*.json"))) == 1
    other = prepare(None, tmp_path, level=2, held_out=0.3, seed=42)["prior"]
    assert other != typical
    with pytest.raises(SettingError, match=r"held_out=1\.5: expected a share between 0 and 1"):
        prepare(None, tmp_path, level=1, held_out=1.5, seed=42)


def test_tested_cells_are_none_that_the_prior_has_seen(tmp_path: Path, table: Path) -> None:
    prior = prepare(table, tmp_path, level=1, held_out=0.3, seed=42)["prior"]
    data = PosteriorData(prior, table, 0.3, **SMALL)
    tested = set(data.tested.cells.specimen)
    seen = set(split_by_specimen(read_cells(table, 1), 0.7, 42)[0].specimen)
    assert not tested & seen and len(tested) + len(seen) == 475
    assert data.prior.n_cells == len(seen)
    assert "fitted real cells" in data.note


def test_drawn_cells_are_real_ones_but_for_half_a_step_of_dead_time(table: Path) -> None:
    cells = read_cells(table, 1)
    real = values_of(cells.neurons, cells.rest_v)
    drawn = RealCells(cells).draw(200, np.random.default_rng(0))
    others = np.arange(real.shape[1]) != DEAD_TIME
    for row in drawn:
        (same,) = np.flatnonzero((real[:, others] == row[others]).all(axis=1))
        assert abs(row[DEAD_TIME] - real[same, DEAD_TIME]) <= 0.5 / SIMULATED_HZ


def test_no_part_shares_a_frozen_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: dict[str, set[int]] = {part: set() for part in PARTS}
    pink = simulated_experiments.pink_second
    current = ""

    def spy(seed: int, rate_hz: float) -> np.ndarray:
        seeds[current].add(seed)
        return pink(seed, rate_hz)

    monkeypatch.setattr(simulated_experiments, "pink_second", spy)
    for current in PARTS:
        for number in range(20):
            measure(typical_prior(1), replace(SHORT, families=("noise",)), 1, 7, number, current)
    assert [len(drawn) for drawn in seeds.values()] == [20, 20, 20]
    for place, drawn in enumerate(seeds.values()):
        assert {seed % len(PARTS) for seed in drawn} == {place}


def test_a_test_set_is_the_same_each_time_and_no_other(typical: Path) -> None:
    data = PosteriorData(typical, **SMALL)
    first = {name: data.test_batch(name, 0) for name in TEST_SETS}
    for name, batch in first.items():
        np.testing.assert_array_equal(batch.traces, data.test_batch(name, 0).traces)
    values = np.concatenate([batch.values for batch in first.values()])
    assert len(np.unique(values[:, 0])) == len(values)
    assert "Simulated neurons" in data.note


def test_the_unseen_family_is_in_its_set_alone(typical: Path) -> None:
    """A ramp rises all the way."""
    others = replace(SHORT, families=SHORT.families[:-1])
    settings = SMALL | {"experiment": others, "unseen_family": "ramp"}
    data = PosteriorData(typical, **settings)
    ramps = data.test_batch("unseen_family", 0).current_a[:, 1000:]
    assert (np.diff(ramps, axis=1) > 0).all()
    for number in range(data.n_test_batches):
        steps = np.diff(data.test_batch("test", number).current_a[:, 1000:], axis=1)
        assert not (steps > 0).all()


def test_epochs_go_on_where_the_last_one_ended(typical: Path) -> None:
    data = PosteriorData(typical, **SMALL)
    loader = data.train_dataloader()
    first = [batch.truth for batch in loader]
    torch.testing.assert_close(first, [batch.truth for batch in loader])
    loader.first = lambda: 1  # as though epoch 1 began after one batch
    torch.testing.assert_close(next(iter(loader)).truth, first[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unseen_family": "noise"}, "that is not trained on"),
        ({"unseen_family": "step"}, "expected one of noise"),
        ({"batch_size": 0}, r"data\.batch_size=0: expected a whole number from 1 up"),
        ({"prior": "nowhere.json"}, r"nowhere\.json: there is no such file"),
    ],
)
def test_settings_that_cannot_be_are_refused(typical: Path, settings, message: str) -> None:
    with pytest.raises((SettingError, RapheError), match=message):
        PosteriorData(**({"prior": typical} | SMALL | settings))
