"""How a cell is decided on survives the manifest and does what its parts do."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from raphe.core.errors import SettingError
from raphe.core.statistics.abstention import HeldOut
from raphe.core.statistics.calibration import FEWEST_ITEMS, Calibration, Method
from raphe.core.statistics.decision import Decision, Mix

CLASSES = ("SER", "NSER")
MIX = Mix((0.3, 0.7), "as among the spikes of training")
EVEN = replace(MIX, share=(0.5, 0.5))


@pytest.fixture
def held_out() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 60)
    first = np.where(rng.random(60) < 0.85, 1 - label, label) * 0.9 + 0.05 * rng.random(60)
    return np.stack([first, 1 - first], axis=1), label


def unlike_cells(n: int, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, 2) and labels (n,): 2 % of the first class look like the second, 16 % of
    the second like the first."""
    label = (np.arange(n) >= round(share * n)).astype(int)
    log_odds = rng.normal(np.where(label == 0, 2, -2), np.where(label == 0, 1, 2))
    return np.stack([expit(log_odds), expit(-log_odds)], axis=1), label


@pytest.mark.parametrize("units", [None, np.arange(60) // 10])
@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_it_survives_json(held_out, method: str, units: np.ndarray | None) -> None:
    days = HeldOut(unit="cell" if units is None else "day", unit_of_item=units)
    decision = Decision.fit(*held_out, "median", method, 0.1, days, EVEN)
    read = Decision.from_facts(json.loads(json.dumps(decision.facts())))
    assert read == decision
    assert decision.method == method and decision.calibration != Calibration()
    assert read.at_prevalence((0.2, 0.8)) == decision.at_prevalence((0.2, 0.8))


def test_a_cell_is_pooled_over_members_by_their_times_and_calibrated() -> None:
    decision = Decision.without_held_out_cells("mean", 0.05)
    halved = Decision("mean", "temperature", Calibration(slope=0.5), decision.not_sure)
    members = np.array([[[0.9, 0.1], [0.7, 0.3]], [[0.4, 0.6], [0.4, 0.6]]])  # (M, N, C)
    np.testing.assert_allclose(decision.of_cell(members, [3, 1]), [0.7, 0.3])
    odds = np.sqrt(0.7 / 0.3)  # half the log odds
    np.testing.assert_allclose(halved.of_cell(members, [3, 1])[0], odds / (1 + odds))


def test_without_held_out_cells_every_cell_is_called_as_it_is() -> None:
    decision = Decision.without_held_out_cells("mean", 0.05)
    probability = np.array([[0.5, 0.5], [0.999, 0.001]])
    np.testing.assert_allclose(decision.calibration(probability), probability)
    assert decision.not_sure.decided(probability).all()
    assert Decision.from_facts(json.loads(json.dumps(decision.facts()))) == decision
    assert decision.calibration_statement() == "not calibrated, because no cell was held out"
    assert "is not known" in decision.mix_statement(CLASSES)


def test_too_few_cells_calibrate_nothing_and_say_how_many_more_would(held_out) -> None:
    pooled, label = (part[: FEWEST_ITEMS - 4] for part in held_out)
    decision = Decision.fit(pooled, label, "mean", "temperature", 0.1, trained_mix=MIX)
    assert not decision.calibrated and decision.calibration == Calibration()
    assert decision.calibration_statement() == (
        "not calibrated: 16 validation cells are too few, 4 more are needed"
    )
    assert decision.mix is not None and decision.mix.share == (0.3, 0.7)
    assert decision.mix_statement(CLASSES) == (
        "Probabilities hold where cells are 30 % SER and 70 % NSER, as among the spikes of "
        f"training; the promised error rate holds where cells are {share_of(label)}, as among the "
        "16 validation cells; for another mix, give its prevalence."
    )
    assert decision.not_sure.n_items == 16  # the band needs no calibration
    assert Decision.fit(pooled, label, "mean", "temperature", 0.1).mix_statement(CLASSES) == (
        "How frequent the classes were in training is not known, so it is not known either for "
        "which mix of cells the probabilities hold; the promised error rate holds where cells are "
        f"{share_of(label)}, as among the 16 validation cells."
    )


def share_of(label: np.ndarray) -> str:
    first = 100 * np.mean(label == 0)
    return f"{first:.0f} % SER and {100 - first:.0f} % NSER"


def test_enough_cells_calibrate_and_are_named(held_out) -> None:
    decision = Decision.fit(*held_out, "mean", "platt", 0.1, trained_mix=MIX)
    assert decision.calibration_statement() == "calibrated by platt on 60 validation cells"
    assert decision.mix_statement(CLASSES) == (
        f"Probabilities and the promised error rate hold where cells are {share_of(held_out[1])}, "
        "as among the 60 validation cells; for another mix, give its prevalence."
    )


def test_a_temperature_leaves_the_mix_of_training(held_out) -> None:
    decision = Decision.fit(*held_out, "mean", "temperature", 0.1, trained_mix=MIX)
    assert decision.mix is not None and decision.mix.share == (0.3, 0.7)
    assert decision.mix_statement(CLASSES).startswith(
        "Probabilities hold where cells are 30 % SER and 70 % NSER, as among the spikes of "
        f"training; the promised error rate holds where cells are {share_of(held_out[1])}"
    )
    with pytest.raises(SettingError, match=r"evaluate\.calibration=platt"):
        Decision.fit(*held_out, "mean", "temperature", 0.1).at_prevalence((0.2, 0.8))


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_a_network_of_even_classes_is_right_of_cells_of_another_mix(method: Method) -> None:
    """Trained on even classes, as synthetic ones are; of the validation cells a fifth are SER."""
    rng = np.random.default_rng(14)

    def cells(n: int) -> tuple[np.ndarray, np.ndarray]:
        label = (rng.random(n) > 0.2).astype(int)
        first = expit(2 * rng.normal(1 - 2 * label))
        return np.stack([first, 1 - first], axis=1), label

    decision = Decision.fit(*cells(1000), "mean", method, 0.1, trained_mix=EVEN)
    new, label = cells(20_000)
    stated = decision.at_prevalence((0.2, 0.8)).calibration(new)[:, 0]
    assert stated.mean() == pytest.approx(np.mean(label == 0), abs=0.02)  # without a shift 0.34


def test_one_class_alone_is_told_without_a_remedy_that_is_refused() -> None:
    pooled = np.array([[0.9, 0.1]] * 30)
    text = Decision.fit(pooled, np.zeros(30, int), "mean", "platt", 0.1).mix_statement(CLASSES)
    assert "where cells are 100 % SER and 0 % NSER" in text and "prevalence" not in text


def test_a_prevalence_is_bayes_rule_and_back(held_out) -> None:
    decision = Decision.fit(*held_out, "mean", "platt", 0.1)
    stated, given = np.array(decision.mix.share), np.array([0.1, 0.9])
    elsewhere = decision.at_prevalence(given)
    before, after = (d.calibration(held_out[0]) for d in (decision, elsewhere))
    joint = before * given / stated
    np.testing.assert_allclose(after, joint / joint.sum(axis=1, keepdims=True), atol=1e-12)
    assert elsewhere.mix == Mix((0.1, 0.9), "the prevalence given")
    assert elsewhere.mix_statement(CLASSES) == (
        "Probabilities and the promised error rate hold where cells are 10 % SER and 90 % NSER, "
        "the prevalence given."
    )
    back = elsewhere.at_prevalence(stated)
    threshold = pytest.approx(decision.not_sure.threshold, abs=1e-12)
    assert back.not_sure.threshold == threshold
    settled = replace(decision.not_sure, threshold=back.not_sure.threshold)
    assert replace(back.not_sure, wrong_share=None) == settled
    np.testing.assert_allclose(back.calibration(held_out[0]), before, atol=1e-12)


def test_what_is_promised_holds_at_the_prevalence_given() -> None:
    """Settled on even classes, judged where the harder one is frequent."""
    wrong: dict[str, list[float]] = {"as it was": [], "at the prevalence": []}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        settled_on = unlike_cells(60, 0.5, rng)
        decision = Decision.fit(*settled_on, "mean", "temperature", 0.1, None, EVEN)
        elsewhere = decision.at_prevalence((0.1, 0.9))
        assert elsewhere.not_sure.promised_error == pytest.approx(0.1)
        new, label = unlike_cells(200, 0.1, rng)
        for name, settled in zip(wrong, (decision, elsewhere), strict=True):
            stated = settled.calibration(new)
            called = settled.not_sure.decided(stated)
            wrong[name].append(np.mean(called & (stated.argmax(axis=1) != label)))
    assert np.mean(wrong["as it was"]) > 0.12
    assert 0.03 < np.mean(wrong["at the prevalence"]) < 0.1  # and not by never calling


def test_predictive_values_are_those_of_sensitivity_and_specificity() -> None:
    pooled, label = unlike_cells(200, 0.5, np.random.default_rng(1))
    decision = Decision.fit(pooled, label, "mean", "platt", 0.1)
    assert decision.predictive_values(CLASSES) == ""
    elsewhere = decision.at_prevalence((0.2, 0.8))
    stated = elsewhere.calibration(pooled)
    called = np.where(elsewhere.not_sure.decided(stated), stated.argmax(axis=1), -1)
    share_called = [[np.mean(called[label == c] == k) for k in (0, 1)] for c in (0, 1)]
    joint = np.array([[0.2], [0.8]]) * share_called  # (label, called)
    values = 100 * np.diag(joint) / joint.sum(axis=0)
    text = elsewhere.predictive_values(CLASSES)
    for number, name in enumerate(CLASSES):
        said = rf"the {np.sum(called == number)} called {name}, {values[number]:.0f} % are \((\d+)–"
        match = re.search(said, text)
        assert match is not None and int(match[1]) < values[number]


@pytest.mark.parametrize(
    "days",
    [
        HeldOut(shared="day", shared_of_item=np.arange(200) // 20),
        HeldOut(unit="day", unit_of_item=np.arange(200) // 20),
    ],
)
def test_intervals_of_predictive_values_are_over_days(days: HeldOut) -> None:
    """Of cells that are wrong on days of their own: Wilson's of cells is far narrower."""
    pooled, label = unlike_cells(200, 0.5, np.random.default_rng(1))
    order = np.argsort((pooled.argmax(axis=1) != label) * 200 + np.arange(200) % 2)
    pooled, label = pooled[order], label[order]
    alone, of_days = (
        Decision.fit(pooled, label, "mean", "platt", 0.3, held_out)
        .at_prevalence((0.2, 0.8))
        .predictive_values(CLASSES)
        for held_out in (HeldOut(), days)
    )
    assert of_days.endswith("; the 95 % intervals are over 10 days.")
    low, low_of_days = (int(re.search(r"\((\d+)–", text)[1]) for text in (alone, of_days))
    assert low_of_days < low - 10


def test_a_prevalence_needs_to_know_where_the_probabilities_hold() -> None:
    unknown = Decision.without_held_out_cells("mean", 0.05)
    with pytest.raises(SettingError, match="how frequent the classes were in training"):
        unknown.at_prevalence((0.3, 0.7))
    trained = Decision.without_held_out_cells("mean", 0.05, EVEN).at_prevalence((0.2, 0.8))
    np.testing.assert_allclose(trained.calibration(np.array([[0.5, 0.5]])), [[0.2, 0.8]])
    of_one_class = Decision.fit(
        np.array([[0.9, 0.1]] * 30), np.zeros(30, int), "mean", "temperature", 0.1, None, (0.5, 0.5)
    )
    with pytest.raises(SettingError, match="a class has no validation cell"):
        of_one_class.at_prevalence((0.2, 0.8))
