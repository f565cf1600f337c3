"""The paragraph on a fit says what was done, and nothing that was not."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from raphe.tasks.glif.features.residual_noise import ResidualNoise
from raphe.tasks.glif.prediction.fit_sentences import methods_text, said_of_longer_cut
from raphe.tasks.glif.prediction.level_comparison import LevelScore, pool
from raphe.tasks.glif.recordings.cell_sweeps import CellSweeps


def _fit(level: int, hum_hz: tuple[float, ...] = (), bias: object = None) -> Any:
    noise = ResidualNoise(0.052, 0.15, 8e-3)
    below = SimpleNamespace(noise=noise, hum_hz=hum_hz)
    return SimpleNamespace(level=level, samples=np.zeros((1000, 5)), below=below, bias=bias)


def _text(*, fits, scores=(), chosen, own_prior=False, **facts) -> str:
    """Of two sweeps of 1 s at 20 kHz with two spikes each."""
    voltage = np.full(20_000, -0.07)
    voltage[5000:5040] = voltage[9000:9040] = np.nan
    current = np.repeat([0.0, 1e-10], 10_000)
    sweeps = CellSweeps(
        ["a", "b"], [voltage] * 2, [current] * 2, 20_000.0, {}, [], **facts
    )  # fmt: skip
    pooled = pool(sweeps.voltages_v, sweeps.currents_a, 20_000.0)
    by_level = {fit.level: fit for fit in fits}
    return methods_text(sweeps, pooled, by_level, scores, by_level[chosen], own_prior)


def test_one_level_is_told_with_its_data_and_its_noise() -> None:
    text = _text(fits=[_fit(1)], chosen=1)
    assert "neurons of level 1 (Teeter et al. 2018) were fitted to 2 sweeps" in text
    assert "(2 s at 20 kHz, 4 spikes)" in text
    assert (
        "white noise of 0.052 mV and a fast Ornstein-Uhlenbeck process of 0.15 mV and 8.0 ms."
        in text
    )
    assert "not corrected for a liquid junction potential" in text
    assert "1000 draws given what is known of typical cortical neurons" in text
    assert text.rstrip().endswith("Nat Commun 9:709")
    for absent in ("was chosen", "cut out", "Mains hum", "constant current", "a slow"):
        assert absent not in text


def test_what_was_asked_for_or_found_is_told() -> None:
    fit = _fit(1, hum_hz=(50.0, 150.0), bias=object())
    text = _text(
        fits=[fit], chosen=1, own_prior=True, liquid_junction_v=-0.009, spikes_cut=True,
        longer_s=0.002,
    )  # fmt: skip
    assert "A liquid junction potential of −9 mV was subtracted." in text
    assert "Spikes were cut out from where the voltage rose by 5 % of the" in text
    assert "steepest upstroke to 2.0 ms after the trough behind." in text
    assert "Mains hum of 50 and 150 Hz was taken out." in text
    assert "A constant current was estimated beside the injected one." in text
    assert "what is known of such neurons" in text


@pytest.mark.parametrize(
    ("held_out", "rule"),
    [
        (40, "Level 3 was chosen as the simplest that, fitted without the last third of the data, "
             "explained the variance of the 40 spikes in it at 10 ms (0.97 of it) to within 0.02 "
             "of the best level."),
        (4, "Level 3 was chosen by the likelihood of all data with a penalty for each quantity"),
    ],
)  # fmt: skip
def test_the_rule_by_which_a_level_was_chosen_is_told(held_out: int, rule: str) -> None:
    scores = [LevelScore(n, 5, held_out, 40, 0.97, 0.1, 1.0) for n in (1, 2, 3)]
    text = _text(fits=[_fit(n) for n in (1, 2, 3)], scores=scores, chosen=3)
    assert "neurons of levels 1, 2 and 3 (Teeter" in text
    assert rule in text


@pytest.mark.parametrize(
    ("level", "off_mv", "longer_s", "both"),
    [
        (4, {3: None, 4: None}, 0.002, (3, 4)),
        (2, {1: None, 2: None}, 0.004, (1, 2)),
        (4, {3: None, 4: None}, 0.0, None),  # not cut longer
        (4, {3: 4.0, 4: None}, 0.002, None),  # off the threshold of level 3
        (3, {2: None, 3: None}, 0.002, None),  # these differ in more than a reset
        (5, {4: None, 5: None}, 0.002, None),
        (4, {2: None, 4: None}, 0.002, None),  # level 3 was not asked for
    ],
)
def test_levels_that_a_longer_cut_leaves_alike_are_named(level, off_mv, longer_s, both) -> None:
    said = said_of_longer_cut(level, off_mv, longer_s)
    assert bool(said) == bool(both)
    if both:
        (sentence,) = said
        assert f"is of level {both[0]} or {both[1]} cannot be told" in sentence
        assert f"were cut {1e3 * longer_s:.1f} ms longer" in sentence
