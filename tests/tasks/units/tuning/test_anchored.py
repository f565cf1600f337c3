from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

from raphe.tasks.units.tuning.anchored import Freedom, Scaling, fit_head, untouched
from raphe.tasks.units.tuning.selection import Material

Make = Callable[..., Material]


def test_a_bundle_that_nothing_moves_says_what_it_said(material: Make) -> None:
    units = material()
    scaling = Scaling.of(units.log_p, units.inputs, units.dims)
    said = untouched(scaling, 2).probability(units.log_p, units.inputs)
    np.testing.assert_allclose(said, np.exp(units.log_p))
    held = Freedom("held", offset_sd=1e-4, weight_sd=1e-4)
    head = fit_head(held, scaling, units.log_p, units.inputs, 1 - units.label)
    called = head.probability(units.log_p, units.inputs).argmax(axis=1)
    assert (called == units.log_p.argmax(axis=1)).all() and head.slope < 0.7


def test_without_the_bundle_it_is_a_logistic_regression(material: Make) -> None:
    units = material(right=0.5)
    scaling = Scaling.of(units.log_p, units.inputs, units.dims)
    anew = Freedom("anew", offset_sd=100.0, weight_sd=1.5, keeps_bundle=False)
    head = fit_head(anew, scaling, units.log_p, units.inputs, units.label)
    features = scaling.features(units.log_p, units.inputs)
    # Weights of either sign are half of those of the log odds, each with its own prior.
    reference = LogisticRegression(C=2 * 1.5**2, tol=1e-8).fit(features, units.label)
    expected = reference.predict_proba(features)
    np.testing.assert_allclose(head.probability(units.log_p, units.inputs), expected, atol=0.01)


def test_a_class_without_labels_stays_where_it_is(material: Make) -> None:
    units = material()
    log_p = np.log(np.hstack([np.exp(units.log_p) * 0.7, np.full((30, 1), 0.3)]))
    scaling = Scaling.of(log_p, units.inputs, units.dims)
    freedom = Freedom("moved", offset_sd=1.0, weight_sd=3.0)
    head = fit_head(freedom, scaling, log_p, units.inputs, units.label)
    logits = head.logits(log_p, units.inputs)
    np.testing.assert_allclose(logits[:, 2], head.slope * log_p[:, 2])
    assert (logits[:, :2].argmax(axis=1) == units.label).mean() > 0.9


def test_a_branch_that_is_missing_adds_nothing(material: Make) -> None:
    units = material()
    scaling = Scaling.of(units.log_p, units.inputs, units.dims)
    inputs = units.inputs.copy()
    inputs[:, :4] = np.nan
    features = scaling.features(units.log_p, inputs)
    assert not features[:, 2:6].any() and features[:, 6:].any()
    usual = (scaling.features(units.log_p, units.inputs) ** 2).sum(axis=1).mean()
    assert 0.9 < usual < 1.1
