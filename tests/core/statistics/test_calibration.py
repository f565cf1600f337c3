"""Calibration against scikit-learn's, against closed forms and against made-up truths."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from raphe.core.errors import SettingError
from raphe.core.statistics.calibration import (
    FEWEST_ITEMS,
    Calibration,
    Prior,
    brier,
    fit_calibration,
    items_wanted,
    reliability,
)


def overconfident(n: int, n_classes: int, temperature: float, seed: int):
    """Labels drawn from true probabilities (n, C), and what a network says that sharpened them."""
    rng = np.random.default_rng(seed)
    true = softmax(1.5 * rng.normal(size=(n, n_classes)), axis=1)
    label = (true.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    said = true**temperature
    return true, label, said / said.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found_again(n_classes, temperature):
    true, label, said = overconfident(20_000, n_classes, temperature, seed=0)
    calibration = fit_calibration(said, label)
    assert 1 / calibration.slope == pytest.approx(temperature, rel=0.05)
    np.testing.assert_allclose(calibration(said), true, atol=0.02)
    np.testing.assert_array_equal(calibration(said).argmax(axis=1), said.argmax(axis=1))


def posterior_loss(parameters, said, label, slope_sd, offset_sd=None) -> float:
    """Written out cell by cell: -ln p(label) - ln prior, of log slope and offsets."""
    slope, offset = np.exp(parameters[0]), np.zeros(said.shape[1])
    offset[: len(parameters) - 1] = parameters[1:]
    total = parameters[0] ** 2 / (2 * slope_sd**2)
    if offset_sd:
        total += (offset**2).sum() / (2 * offset_sd**2)
    for p, c in zip(said, label, strict=True):
        powers = p**slope * np.exp(offset)
        total -= np.log(powers[c] / powers.sum())
    return total


@pytest.mark.parametrize(("n", "n_classes"), [(10, 2), (10, 3), (60, 3)])
def test_the_posterior_is_at_its_maximum(n, n_classes):
    _, label, said = overconfident(n, n_classes, 2.5, seed=1)
    optimum = minimize_scalar(
        lambda x: posterior_loss([x], said, label, 0.5), bounds=(-3, 3), method="bounded"
    )
    assert fit_calibration(said, label).slope == pytest.approx(np.exp(optimum.x), rel=1e-4)
    full = minimize(
        posterior_loss, np.zeros(n_classes + 1), (said, label, 0.5, 0.5), "BFGS", tol=1e-9
    )
    fitted = fit_calibration(said, label, "platt")
    assert fitted.slope == pytest.approx(np.exp(full.x[0]), rel=1e-3)
    assert fitted.offset == pytest.approx(full.x[1:], abs=1e-3)
    assert sum(fitted.offset) == pytest.approx(0, abs=1e-5)  # no class is the reference


def test_of_two_optima_the_better_is_taken():
    # Many cells that are hardly surer than chance, all right: the likelihood wants a slope of
    # hundreds, the prior one near 1, and both have an optimum.
    said = np.tile([[0.5025, 0.4975]], (150, 1))
    label = np.zeros(150, int)
    log_slopes = np.linspace(-1, 7, 8001)
    losses = [150 * np.log1p((0.4975 / 0.5025) ** np.exp(x)) + 2 * x**2 for x in log_slopes]
    minima = np.flatnonzero((np.diff(losses)[:-1] < 0) & (np.diff(losses)[1:] > 0)) + 1
    assert len(minima) == 2
    best = np.exp(log_slopes[min(minima, key=losses.__getitem__)])
    assert fit_calibration(said, label).slope == pytest.approx(best, rel=0.01)


def test_without_a_prior_it_is_scikit_learns_temperature():
    _, label, said = overconfident(200, 3, 2.5, seed=2)
    network = FrozenEstimator(GivenLogits().fit(np.log(said), np.arange(3)))
    theirs = CalibratedClassifierCV(network, method="temperature").fit(np.log(said), label)
    ours = fit_calibration(said, label, prior=Prior(np.inf, np.inf))
    np.testing.assert_allclose(ours(said), theirs.predict_proba(np.log(said)), atol=1e-3)


class GivenLogits(ClassifierMixin, BaseEstimator):
    """What scikit-learn takes for a classifier; its features are its logits."""

    def fit(self, logits, label):
        self.classes_ = np.unique(label)
        return self

    def predict(self, logits):
        return logits.argmax(axis=1)

    def decision_function(self, logits):
        return logits


def test_platt_without_a_prior_is_logistic_regression():
    _, label, said = overconfident(500, 2, 2.0, seed=2)
    said = expit(logit(said[:, 0]) + 0.7)
    said = np.stack([said, 1 - said], axis=1)
    x = logit(said[:, :1])
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(x, label == 0)
    calibration = fit_calibration(said, label, "platt", Prior(np.inf, np.inf))
    assert calibration.slope == pytest.approx(reference.coef_.item(), rel=1e-3)
    first, second = calibration.offset
    assert first - second == pytest.approx(reference.intercept_.item(), abs=1e-3)
    np.testing.assert_allclose(calibration(said)[:, 0], reference.predict_proba(x)[:, 1], atol=1e-4)


def test_thirty_cells_of_a_right_network_leave_it_as_good_as_it_was():
    """Of log odds that are normal, mean ± d²/2 and variance d², the true probability is known."""
    d, errors, slopes = 3.0, [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        label = np.arange(30) % 2
        log_odds = rng.normal(np.where(label == 0, 1, -1) * d**2 / 2, d)
        said = np.stack([expit(log_odds), expit(-log_odds)], axis=1)
        calibration = fit_calibration(said, label)
        new = rng.normal(np.repeat([1, -1], 2000) * d**2 / 2, d)
        true = np.stack([expit(new), expit(-new)], axis=1)
        errors.append(np.abs(calibration(true) - true)[:, 0].mean())
        slopes.append(calibration.slope)
    assert np.mean(errors) < 0.04  # with Platt's smoothed targets .074
    assert 0.8 < np.median(slopes) < 1.25  # .49


def test_platt_of_more_classes_shifts_each():
    true, label, said = overconfident(30_000, 3, 2.0, seed=3)
    shifted = said * [1, 4, 0.5]
    shifted /= shifted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fit_calibration(shifted, label, "platt")(shifted), true, atol=0.02)


def test_a_few_cells_all_right_do_not_make_certain():
    probability = np.array([[0.9, 0.1]] * 4 + [[0.1, 0.9]] * 4)
    label = np.array([0] * 4 + [1] * 4)
    for method in ("temperature", "platt"):
        after = fit_calibration(probability, label, method)(probability)
        assert 0.9 < after.max() < 0.97  # maximum likelihood has none: a slope without an end


def test_a_network_worse_than_chance_keeps_its_verdicts():
    _, label, said = overconfident(200, 2, 1.0, seed=4)
    after = fit_calibration(said, 1 - label)(said)
    np.testing.assert_array_equal(after.argmax(axis=1), said.argmax(axis=1))
    assert said.max() > 0.9 and after.max() < 0.65


def test_certain_answers_stay_finite():
    probability = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    for method in ("temperature", "platt"):
        after = fit_calibration(probability, np.array([0, 1, 1]), method)(probability)
        assert np.isfinite(after).all()
        np.testing.assert_allclose(after.sum(axis=1), 1)


def test_as_made_it_changes_nothing():
    _, _, said = overconfident(50, 3, 1.0, seed=5)
    np.testing.assert_allclose(Calibration()(said), said)


def test_calibration_improves_what_is_stated():
    _, label, said = overconfident(4000, 2, 4.0, seed=6)
    fitted = fit_calibration(said[:2000], label[:2000])
    held_out, after = said[2000:], fitted(said[2000:])
    assert log_loss(label[2000:], after) < log_loss(label[2000:], held_out)
    assert brier(after, label[2000:]) < brier(held_out, label[2000:])
    right = label[2000:] == 0
    assert (
        reliability(after[:, 0], right).expected_error
        < 0.5 * reliability(held_out[:, 0], right).expected_error
    )


def test_how_many_more_are_wanted():
    assert [items_wanted(n) for n in (0, FEWEST_ITEMS - 1, FEWEST_ITEMS, 500)] == [
        FEWEST_ITEMS, 1, 0, 0,
    ]  # fmt: skip


def test_bad_settings_are_named():
    with pytest.raises(SettingError, match="expected temperature or platt"):
        fit_calibration(np.array([[0.5, 0.5]]), np.array([0]), "isotonic")
    with pytest.raises(SettingError, match="got none"):
        fit_calibration(np.empty((0, 2)), np.empty(0, int))


def test_brier_against_scikit_learn():
    _, label, said = overconfident(200, 2, 2.0, seed=7)
    assert brier(said, label) == pytest.approx(brier_score_loss(label == 0, said[:, 0]))
    _, label, said = overconfident(200, 4, 2.0, seed=8)
    truth = np.eye(4)[label]
    assert brier(said, label) == pytest.approx(((said - truth) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize(
    ("binning", "strategy"), [("equal width", "uniform"), ("equal mass", "quantile")]
)
def test_reliability_against_scikit_learn(binning, strategy):
    _, label, said = overconfident(700, 2, 2.0, seed=9)
    curve = reliability(said[:, 0], label == 0, binning, n_bins=10)
    share, stated = calibration_curve(label == 0, said[:, 0], n_bins=10, strategy=strategy)
    np.testing.assert_allclose(curve.share_right, share)
    np.testing.assert_allclose(curve.stated, stated)
    assert curve.n.sum() == 700
    if binning == "equal mass":
        assert set(curve.n) == {70}


def test_expected_error_by_hand():
    # Two bins of two: stated 0.2, right half of the time; stated 0.9, right always.
    curve = reliability([0.2, 0.2, 0.8, 1.0], [0, 1, 1, 1], n_bins=2)
    assert curve.expected_error == pytest.approx(0.5 * 0.3 + 0.5 * 0.1)


def test_a_value_on_an_edge_is_in_the_lower_bin():
    curve = reliability([0.0, 0.5, 0.6, 1.0], [1, 0, 1, 1], n_bins=2)
    np.testing.assert_array_equal(curve.n, [2, 2])
    np.testing.assert_allclose(curve.stated, [0.25, 0.8])
