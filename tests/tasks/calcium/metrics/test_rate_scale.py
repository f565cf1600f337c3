"""The scale of rates is found again from neurons whose networks are off by a known one."""

import numpy as np
import pytest

from raphe.tasks.calcium.metrics.rate_scale import (
    UNSCALED,
    RateScale,
    SaidOverTrue,
    fitted_scale,
    scale_from,
)

OFF = RateScale(0.4, -0.35)  # what networks say of a rate of 1, by how fast frames come


def neurons(n_sets: int, rng: np.random.Generator, slow_hz: float = 7.5) -> list[SaidOverTrue]:
    """Five of each set, said too high or low by a factor of the set's and one of their own."""
    said = []
    for dataset in map(str, range(n_sets)):
        recorded_hz = float(rng.choice([30.0, 60.0, 122.0]))
        of_set = np.exp(rng.normal(0, 0.5))
        for neuron in map(str, range(5)):
            own = of_set * np.exp(rng.normal(0, 0.3))
            for hz, is_as_recorded in ((recorded_hz, True), (slow_hz, False)):
                ratio = own * OFF.at(hz)
                said.append(SaidOverTrue(dataset, neuron, hz, is_as_recorded, ratio))
    return said


def test_the_power_is_that_of_neurons_against_themselves() -> None:
    """Sets imaged fast are quiet ones here: across sets the frame rate would take the blame."""
    found = fitted_scale(neurons(40, np.random.default_rng(0)))
    assert found.power == pytest.approx(-OFF.power)
    assert found.factor == pytest.approx(1 / OFF.factor, rel=0.25)
    assert found.at(7.5) * OFF.at(7.5) == pytest.approx(found.factor * OFF.factor)


def test_mean_rates_as_recorded_become_right_in_the_median_of_sets() -> None:
    said = neurons(9, np.random.default_rng(1))
    scale = fitted_scale(said)
    recorded = [each for each in said if each.is_as_recorded]
    medians = [
        np.median([e.ratio * scale.at(e.frames_per_s) for e in recorded if e.dataset == name])
        for name in map(str, range(9))
    ]
    assert np.median(medians) == pytest.approx(1)


@pytest.mark.parametrize(
    "said",
    [neurons(7, np.random.default_rng(2)), neurons(9, np.random.default_rng(2), slow_hz=29.0)],
    ids=["few sets", "hardly slower"],
)
def test_without_enough_slower_frames_there_is_no_power(said: list[SaidOverTrue]) -> None:
    scale = fitted_scale(said)
    assert scale.power == 0 and scale.factor > 1 and scale.at(7.5) == scale.at(500.0)


def test_a_silent_neuron_tells_nothing() -> None:
    said = neurons(9, np.random.default_rng(3))
    silent = [SaidOverTrue("0", f"s{n}", 30.0, True, ratio) for n, ratio in enumerate((0, np.nan))]
    assert fitted_scale([*said, *silent]) == fitted_scale(said)
    assert fitted_scale(silent) == UNSCALED


def test_it_is_told_in_words_and_kept_in_a_manifest() -> None:
    scale = RateScale(2.0, 0.5)
    assert scale.in_words == "2.00 at 30 frames/s (1.00 at 7.5, 3.65 at 100 and more)"
    assert scale.at(122.0) == scale.at(100.0)  # the networks are shown 100 Hz
    assert RateScale(2.5, 0.0).in_words == "2.50"
    assert scale_from(scale._asdict()) == scale and scale_from(None) == UNSCALED
