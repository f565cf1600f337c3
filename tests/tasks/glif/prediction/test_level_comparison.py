from types import SimpleNamespace
from typing import Any

import numpy as np

from raphe.tasks.glif.prediction.level_comparison import (
    LevelScore,
    choose_level,
    divided,
    misfit,
    unasked_spikes,
)
from raphe.tasks.glif.recordings.cell_sweeps import CellSweeps
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

ON = dict.fromkeys(range(1, 6))  # every level's spikes begin at its threshold


def score(level: int, explained: float, bic: float = 0.0, spikes: int = 20) -> LevelScore:
    return LevelScore(level, 5 + level, spikes, spikes, explained, 0.3, bic)


def test_the_simplest_level_is_enough_that_no_other_betters_by_much() -> None:
    scores = [score(1, 0.5), score(2, 0.6), score(3, 0.80), score(4, 0.81), score(5, 0.815)]
    verdict = choose_level(scores, n_spikes=60, off_mv=ON)
    assert verdict.level == 3
    assert "the best, level 5" in verdict.sentences[0]
    assert "level 1 0.50 and level 2 0.60" in verdict.sentences[1]


def test_a_level_off_whose_threshold_spikes_begin_is_not_enough_where_another_is() -> None:
    scores = [score(1, 0.5), score(2, 0.95), score(3, 0.94), score(4, 0.95), score(5, 0.96)]
    verdict = choose_level(scores, n_spikes=60, off_mv=ON | {1: 9.0, 2: 6.6})
    assert verdict.level == 3
    assert verdict.sentences[0].startswith("Level 3 is enough:")
    assert "level 1 0.50." in verdict.sentences[1]
    assert (
        "Level 2 predicts the spikes as well (0.95), but they begin 6.6 mV off its thr"
        in (verdict.sentences[2])
    )


def test_of_a_cell_of_no_level_none_is_called_enough_but_to_predict_the_spikes() -> None:
    scores = [score(1, 0.90), score(2, 0.95), score(3, 0.94)]
    verdict = choose_level(scores, n_spikes=60, off_mv={1: 9.0, 2: 6.6, 3: 9.5})
    assert verdict.level == 2
    assert "enough to predict the spikes, though no level describes this" in verdict.sentences[0]


def test_where_no_level_predicts_the_spikes_none_is_called_enough() -> None:
    verdict = choose_level([score(1, 0.15), score(3, 0.16)], n_spikes=60, off_mv=ON)
    assert verdict.level == 1
    assert "Level 1 is taken, but none is enough" in verdict.sentences[0]


def test_a_likelier_level_that_predicts_no_better_is_named_not_chosen() -> None:
    verdict = choose_level([score(1, 0.8), score(3, 0.81, bic=-50.0)], n_spikes=60, off_mv=ON)
    assert verdict.level == 1
    assert "level 3 would be the choice" in verdict.sentences[-1]


def test_of_few_spikes_the_likelihood_decides_and_it_is_said() -> None:
    verdict = choose_level([score(1, 1.0, spikes=2), score(3, 0.1, -9.0, 2)], n_spikes=5, off_mv=ON)
    assert verdict.level == 3
    assert "Only 2 spikes were held out" in verdict.sentences[0]


def test_a_silent_cell_has_no_level() -> None:
    verdict = choose_level([], n_spikes=0, off_mv={})
    assert verdict.level == 1
    assert "did not fire" in verdict.sentences[0]
    assert "no level can be told from another" in verdict.sentences[0]


def test_a_spike_long_after_any_current_was_not_asked_for() -> None:
    current = np.zeros(2000)
    current[100:300] = 5e-11
    voltage = np.full(2000, -0.07)
    voltage[310:315] = np.nan

    def unasked(at: int) -> int:
        spiking = voltage.copy()
        spiking[at : at + 5] = np.nan
        return unasked_spikes(CellSweeps(["sweep 0"], [spiking], [current], 1000.0, {}, []))

    assert unasked(310) == unasked(450) == 0
    assert unasked(50) == unasked(1500) == 1


def test_what_is_fitted_has_a_change_of_current_where_the_first_sweeps_have_none() -> None:
    step = np.concatenate([np.zeros(100), np.full(200, 5e-11)])
    voltage = np.full(300, -0.07)

    def held_out(*currents: np.ndarray) -> tuple[int, list[int]]:
        names = [f"sweep {i}" for i in range(len(currents))]
        sweeps = CellSweeps(names, [voltage] * len(names), list(currents), 1000.0, {}, [])
        own, spans = divided(sweeps)
        return len(own.voltage_mv), [span.begin for span in spans]

    assert held_out(step, step, 0 * step) == (600, [0])
    assert held_out(0 * step, step) == (400, [200, 200])
    assert held_out(step) == (200, [200])


def test_a_silent_cell_far_from_its_medians_is_said_to_be_none() -> None:
    prior = typical_prior(1)
    typical = prior.values(np.zeros((1, len(prior.quantiles))))
    below = SimpleNamespace(begun_mv=np.zeros(1))
    fit: Any = SimpleNamespace(
        level=1, samples=typical, pull_v=0.0, log_likelihood=0.0, below=below
    )
    current = np.repeat([0.0, 5e-11, 0.0], 4000)
    follows = -0.073 + 0.0095 * (current > 0)  # 190 MOhm
    noisy = follows + 1e-3 * np.random.default_rng(0).normal(size=len(current))

    def said(voltage: np.ndarray) -> str:
        return misfit(CellSweeps(["sweep 0"], [voltage], [current], 20_000.0, {}, []), fit)

    assert said(follows) == said(noisy) == ""
    assert "the voltage of the medians is off by" in said(-0.146 - follows)
    assert said(-0.146 - follows).endswith("Neither values nor intervals can be relied on.")
