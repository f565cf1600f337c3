"""How a cell is decided on survives the manifest and does what its parts do."""

import json

import numpy as np
import pytest

from raphe.core.statistics.calibration import Calibration
from raphe.tasks.celltype.metrics.decision import Decision


@pytest.fixture
def held_out() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 60)
    first = np.where(rng.random(60) < 0.85, 1 - label, label) * 0.9 + 0.05 * rng.random(60)
    return np.stack([first, 1 - first], axis=1), label


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_it_survives_json(held_out: tuple[np.ndarray, np.ndarray], method: str) -> None:
    decision = Decision.fit(*held_out, "median", method, 0.1)
    assert Decision.from_facts(json.loads(json.dumps(decision.facts()))) == decision
    assert decision.method == method and decision.calibration != Calibration()


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
