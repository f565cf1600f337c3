"""A few simulated cells, recorded again: the questions are asked of whatever a network says."""

import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from raphe.core.statistics.abstention import NotSure
from raphe.core.statistics.calibration import Calibration
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.spikes.cut_settings import Cut


def answers(windows: np.ndarray) -> SimpleNamespace:
    """What one member says: the higher the outward peak, the less it is SER."""
    log_odds = 1 - windows.max(axis=1) / 10
    return SimpleNamespace(members=expit(np.stack([log_odds, -log_odds], axis=1))[None])


@pytest.fixture
def judge() -> SimpleNamespace:
    ensemble = SimpleNamespace(
        manifest={"between_days": {"spread": 0.3}},
        members=[SimpleNamespace(times=1)],
        predict=answers,
    )
    not_sure = NotSure(0.6, 0.05, 0.05, 40, 40, 1)
    decision = Decision("mean", "temperature", Calibration(), not_sure)
    return SimpleNamespace(ensemble=ensemble, cut=Cut(), decision=decision)


def test_cells_recorded_again_and_verdicts_from_few_spikes(
    judge: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = importlib.import_module("again")
    monkeypatch.setattr(again, "SHORT_S", 4.0)
    monkeypatch.setattr(again, "LONG_S", 8.0)
    shares = again.inside(judge, 6)
    wide, narrow = (shares[name, "width"] for name in ("recorded again", "over these spikes alone"))
    assert (wide > narrow).all()
    assert shares["recorded again", again.OTHER].mean() >= 0.5
    changes = again.changed_verdicts(judge, 6, few=(2, 5))
    assert {n for n, _ in changes} == {2, 5}
    assert all(of_key.shape[0] == 2 for of_key in changes.values())
