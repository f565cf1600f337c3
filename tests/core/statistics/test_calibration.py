"""Calibration against scikit-learn's, against closed forms and against made-up truths."""

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from raphe.core.errors import SettingError
from raphe.core.statistics.calibration import Calibration, brier, fit_calibration, reliability


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


def test_temperature_is_the_most_likely_one():
    _, label, said = overconfident(300, 3, 2.5, seed=1)
    counts = np.bincount(label)
    target = np.full((300, 3), 0.0)
    for i, c in enumerate(label):  # Platt's targets, one by one
        target[i] = 1 / (counts[c] + 3)
        target[i, c] = (counts[c] + 1) / (counts[c] + 3)
    slopes = np.linspace(0.05, 2, 4000)
    losses = [-(target * np.log(Calibration(s)(said))).sum() for s in slopes]
    assert fit_calibration(said, label).slope == pytest.approx(slopes[np.argmin(losses)], abs=1e-3)


@pytest.mark.parametrize("n", [12, 500])
def test_platt_against_logistic_regression(n):
    _, label, said = overconfident(n, 2, 2.0, seed=2)
    said = expit(logit(said[:, 0]) + 0.7)
    said = np.stack([said, 1 - said], axis=1)
    # Soft targets, as scikit-learn can have them: each item once for either class, weighted.
    n_first, n_second = (label == 0).sum(), (label == 1).sum()
    first = np.where(label == 0, (n_first + 1) / (n_first + 2), 1 / (n_second + 2))
    x = np.tile(logit(said[:, :1]), (2, 1))
    y, weight = np.repeat([1, 0], n), np.concatenate([first, 1 - first])
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(x, y, weight)
    calibration = fit_calibration(said, label, "platt")
    assert calibration.slope == pytest.approx(reference.coef_.item(), rel=1e-3)
    assert calibration.offset == pytest.approx((reference.intercept_.item(), 0.0), abs=1e-3)
    np.testing.assert_allclose(
        calibration(said)[:, 0], reference.predict_proba(logit(said[:, :1]))[:, 1], atol=1e-4
    )


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
        # Platt's target for four of a class: 5 / 6.
        np.testing.assert_allclose(after.max(axis=1), 5 / 6, atol=1e-4)


def test_a_network_worse_than_chance_keeps_its_verdicts():
    _, label, said = overconfident(200, 2, 1.0, seed=4)
    after = fit_calibration(said, 1 - label)(said)
    np.testing.assert_array_equal(after.argmax(axis=1), said.argmax(axis=1))
    assert after.max() < 0.6


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
