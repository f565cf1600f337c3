"""Calibration, coverage and baselines against answers that are known."""

import csv

import numpy as np
import pytest

from raphe.tasks.glif.evaluation.baselines import baselines
from raphe.tasks.glif.evaluation.evaluate import sbc_p_values
from raphe.tasks.glif.evaluation.figures import calibration_figure
from raphe.tasks.glif.evaluation.tables import quantities_csv
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.quantities import (
    CAPACITANCE,
    RESISTANCE,
    REST,
    THRESHOLD,
    quantities,
)
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, measure
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

M, S = 2000, 300


def _tested(width: float, shift: float = 0.0) -> PosteriorTest:
    """x ~ N(θ, 1) with θ ~ N(0, 1): the posterior is N(x / 2, 1 / 2); a wrong one is wider."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(M, 1))
    centre = (truth + rng.normal(size=(M, 1))) / 2 + shift
    samples = centre + width * np.sqrt(0.5) * rng.normal(size=(S, M, 1))
    return PosteriorTest(truth, samples, np.zeros(M), np.zeros(M), np.ones(M, bool))


def test_the_true_posterior_is_calibrated() -> None:
    assert sbc_p_values(_tested(1.0))[0] > 0.01


@pytest.mark.parametrize(("width", "shift"), [(0.5, 0.0), (2.0, 0.0), (1.0, 0.3)])
def test_a_wrong_posterior_is_found_out(width: float, shift: float) -> None:
    assert sbc_p_values(_tested(width, shift))[0] < 1e-6


def test_errors_are_told_on_each_scale() -> None:
    """Every cell's resistance 10 % too high, every rest 2 mV, of a prior that is known."""
    scaler = PriorScaler.of(typical_prior(1))
    values = typical_prior(1).draw(500, np.random.default_rng(0))
    off = values * [1, 1.1, 1, 1, 1] + [0, 0, 2e-3, 0, 0]
    truth, answer = scaler.standardised(values), scaler.standardised(off)
    samples = np.repeat(answer[None], 100, axis=0)
    test = PosteriorTest(truth, samples, np.zeros(500), np.zeros(500), np.arange(500) < 50)
    text = quantities_csv(test, scaler, np.ones(5))
    rows = {row["quantity"]: row for row in csv.DictReader(text.splitlines())}
    assert float(rows["resistance"]["log_error"]) == pytest.approx(np.log(1.1), rel=1e-4)
    assert float(rows["rest"]["median_error_lab"]) == pytest.approx(2.0, rel=1e-4)
    assert rows["rest"]["log_error"] == "nan"
    expected = 2e-3 / values[:, REST].std()
    assert float(rows["rest"]["normalised_error"]) == pytest.approx(expected, rel=1e-3)
    assert (rows["threshold"]["cells"], rows["rest"]["cells"]) == ("50", "500")


def test_every_quantity_has_its_calibration_drawn_on_one_scale_of_cells() -> None:
    """All 15 of the fifth level, not the first few."""
    shown = quantities(5)
    one = _tested(1.0)
    test = PosteriorTest(
        np.repeat(one.truth, len(shown), axis=1), np.repeat(one.samples, len(shown), axis=2),
        one.log_prob, one.outside, one.spiked,
    )  # fmt: skip
    figure = calibration_figure("Typical neurons", test, 5, np.full(len(shown), 1e-9))
    histograms = figure.axes[1 : 1 + len(shown)]
    assert [axes.get_title() for axes in histograms[-2:]] == [
        "Voltage gain\np < 0.001", "Voltage decay\np < 0.001",
    ]  # fmt: skip
    assert len({axes.get_ylim() for axes in histograms}) == 1
    assert "2000 simulated cells, 300 samples" in figure.caption
    assert [quantity.label for quantity in (shown[1], shown[5], shown[12])] == [
        "Resistance (MΩ)", "Reset slope", "Afterspike decay 2 (ms)",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def measured():
    clean = Experiment(families=("noise",), noise_mv=0.05, series_mohm=0.0, keep_every=(1,))
    return measure(typical_prior(1), clean, 24, seed=5, number=0, part="test")


def test_baselines_answer_what_they_can(measured) -> None:
    scaler = PriorScaler.of(typical_prior(1))
    truth = scaler.standardised(measured.values)
    spiked = measured.spike_count > 0
    answers = {name: answer(measured, scaler) for name, answer in baselines(None).items()}
    assert not answers["constant"].any()
    for name, most in (
        ("exponential fit, first spike", 0.2),
        ("least squares, all stretches", 0.02),
    ):
        off = np.abs(answers[name] - truth)
        for at in (CAPACITANCE, RESISTANCE, REST):
            assert np.median(off[:, at]) < most, name
        assert np.median(off[spiked, THRESHOLD]) < most, name


def test_the_published_weights_are_no_better_than_a_constant(measured, real_data) -> None:
    scaler = PriorScaler.of(typical_prior(1))
    folder = real_data("glif", "lstm_published")
    answer = baselines(folder)["published weights"](measured, scaler)
    truth = scaler.standardised(measured.values)
    answered = [CAPACITANCE, RESISTANCE, THRESHOLD]
    assert (np.abs(answer[:, answered]) > 0).all() and not answer[:, REST].any()
    assert ((answer - truth)[:, answered] ** 2).mean() > (truth[:, answered] ** 2).mean()
