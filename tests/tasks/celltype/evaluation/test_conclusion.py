"""The sentences before the tables: yes, no and "cannot be told", by the intervals."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.tasks.celltype.evaluation.baseline_cells import BaselineCells
from raphe.tasks.celltype.evaluation.conclusion import conclusion
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.stores.spike_set import Cell

CLASSES = ("SER", "NSER")


def cells(n: int, sharp: float, seed: int = 0) -> np.ndarray:
    """Probabilities (n, 2) of cells of alternating classes; of sharp 0 they are noise."""
    rng = np.random.default_rng(seed)
    logit = sharp * np.where(np.arange(n) % 2 == 0, 1.0, -1.0) + rng.normal(size=n)
    first = 1 / (1 + np.exp(-logit))
    return np.stack([first, 1 - first], axis=1)


def result(n: int, sharp: float) -> SetResult:
    label = np.arange(n) % 2
    probability = cells(n, sharp)
    return SetResult("test", Predictions(probability, probability, label, np.arange(n)), CLASSES)


def baselines(n: int, **sharp: float) -> BaselineCells:
    probability = np.stack([cells(n, of, 1 + i) for i, of in enumerate(sharp.values())])
    number = np.arange(n)
    return BaselineCells(list(sharp), number, number % 2, np.ones(n, int), probability)


def test_a_network_that_loses_is_said_to_lose_first() -> None:
    told = conclusion(result(80, 0.3), baselines(80, udi_threshold=3.0, logistic_window=2.5))
    apart, against = told.split(". It ")
    assert "the network tells the classes apart" in apart.lower() and ", 80 cells" in apart
    assert against.startswith("is worse than the best of 2 simple baselines, UDI threshold (AUROC ")
    assert against.endswith("); logistic on window is better than it, too.")
    assert ": −0." in against and "p <0.001" in against


def test_a_network_that_wins_and_one_that_draws() -> None:
    wins = conclusion(result(200, 3.0), baselines(200, udi_threshold=0.1))
    assert "It is better than the one simple baseline, UDI threshold (AUROC 0." in wins
    draws = conclusion(result(24, 1.0), baselines(24, udi_threshold=1.0))
    assert (
        "It is no better than the one simple baseline, UDI threshold (AUROC 1.00), or by less "
        "than 0.1: "
    ) in draws
    few = conclusion(result(12, 1.0), baselines(12, udi_threshold=0.3))
    assert "Whether it is better than the one simple baseline, UDI threshold" in few
    assert "cannot be told: " in few


@pytest.mark.parametrize("n", [2, 8])
def test_few_cells_conclude_nothing(n: int) -> None:
    told = conclusion(result(n, 0.2), None)
    assert told.startswith(
        f"Whether the network tells the classes apart cannot be told from {n} cells: AUROC "
    )
    assert told.endswith(", where 0.50 is chance.")


def test_many_cells_at_chance_are_not_told_apart() -> None:
    assert conclusion(result(2000, 0.0), None).startswith(
        "The network does not tell the classes apart: AUROC 0."
    )


def test_classes_that_are_taken_for_each_other_are_told_the_wrong_way_round() -> None:
    assert conclusion(result(40, -6.0), None).startswith(
        "The network tells the classes apart, but the wrong way round: AUROC 0.00 "
    )


def test_cells_of_one_day_are_counted_once() -> None:
    cells_of_a_day = [Cell(f"a{n}", n % 2, day="2024-01-01") for n in range(40)]
    told = conclusion(replace(result(40, 3.0), known_cells=cells_of_a_day), None)
    assert told.endswith(", 40 cells, this day only.") and told.count("40 cells") == 1


def test_cells_that_were_trained_on_tell_nothing_of_new_ones() -> None:
    trained_on = "Other spikes of these cells were trained on, so this says nothing of new cells."
    assert trained_on in conclusion(replace(result(40, 3.0), split="spike"), None)
    assert trained_on not in conclusion(replace(result(40, 3.0), split="cell"), None)


def test_of_one_class_alone_nothing_is_told() -> None:
    alone = result(8, 1.0)
    alone = replace(alone, spikes=replace(alone.spikes, label=np.zeros(8, int)))
    assert "cannot be told" in conclusion(alone, None)
