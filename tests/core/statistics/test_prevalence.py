"""Other shares of the classes, against Bayes' rule written out."""

import re

import numpy as np
import pytest
from scipy.stats import norm

from raphe.core.errors import SettingError
from raphe.core.statistics.calibration import Calibration
from raphe.core.statistics.prevalence import (
    full_prevalence,
    log_ratio,
    parse_prevalence,
    shares_in_words,
)

CLASSES = ("SER", "NSER")
THREE = ("a", "b", "c")


def posterior(x: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Of classes that are normal around 0, 1 and 2: (N, 3)."""
    joint = norm.pdf(x[:, None], [0, 1, 2]) * shares
    return joint / joint.sum(axis=1, keepdims=True)


def test_it_is_bayes_rule() -> None:
    x, stated, given = np.linspace(-3, 5, 50), [0.5, 0.3, 0.2], [0.05, 0.05, 0.9]
    shifted = Calibration().shifted(log_ratio(given, stated))
    np.testing.assert_allclose(shifted(posterior(x, stated)), posterior(x, given), atol=1e-12)
    back = shifted.shifted(log_ratio(stated, given))
    np.testing.assert_allclose(back(posterior(x, stated)), posterior(x, stated), atol=1e-12)


def test_it_comes_after_calibration() -> None:
    x, stated, given = np.linspace(-3, 5, 50), [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]
    sharpened = posterior(x, stated) ** 2
    sharpened /= sharpened.sum(axis=1, keepdims=True)
    calibration = Calibration(slope=0.5).shifted(log_ratio(given, stated))
    np.testing.assert_allclose(calibration(sharpened), posterior(x, given), atol=1e-12)


@pytest.mark.parametrize(
    ("text", "shares"),
    [("SER=0.3", (0.3, 0.7)), ("NSER=0.9", (0.1, 0.9)), (" NSER = .9 , SER=.1", (0.1, 0.9))],
)
def test_the_grammar(text: str, shares: tuple[float, ...]) -> None:
    assert full_prevalence(parse_prevalence(text), CLASSES) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["0.3", "SER", "SER=", "=0.3", "SER=x", "SER=0.3,", "", "SER:0.3"])
def test_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=rf"CLASS=SHARE for every class.*, got {re.escape(text)}$"):
        parse_prevalence(text)


def test_a_class_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="got SER twice"):
        parse_prevalence("SER=0.3,SER=0.4")


@pytest.mark.parametrize(
    ("shares", "classes", "sentence"),
    [
        (0.3, CLASSES, "prevalence=0.3: expected a share by class, as {'SER': 0.3}"),
        ({"DRN": 0.3}, CLASSES, "expected a share of SER or NSER, got one of DRN"),
        ({"a": 0.3}, THREE, "all but one of 3 classes, b and c are missing"),
        ({}, CLASSES, "prevalence of no class: .* SER and NSER are missing"),
        ({"SER": 1.0}, CLASSES, "prevalence SER=1.0: expected shares between 0 and 1"),
        ({"SER": 0.0, "NSER": 1.0}, CLASSES, "leave some for each of SER and NSER"),
        ({"SER": 30}, CLASSES, "between 0 and 1, as 0.3"),
        ({"SER": float("nan")}, CLASSES, "between 0 and 1"),
        ({"SER": "0.3", "NSER": 0.7}, CLASSES, "between 0 and 1"),
        ({"SER": 0.3, "NSER": 0.6}, CLASSES, "sum to 1, got 0.9"),
    ],
)
def test_shares_that_are_none_are_refused(shares, classes, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        full_prevalence(shares, classes)


def test_shares_in_words() -> None:
    assert shares_in_words((0.3, 0.7), CLASSES) == "30 % SER and 70 % NSER"
    assert shares_in_words((0.004, 0.046, 0.95), THREE) == "0.400 % a, 4.6 % b and 95.0 % c"
