import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.units.ensemble.bundle import UnitBundle
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.training.data import UnitData


@pytest.mark.parametrize(
    "classifier",
    [
        "network",
        "logistic",
        *(pytest.param(name, marks=pytest.mark.ci) for name in ("kernel", "auto")),
    ],
)
def test_a_bundle_calls_as_what_it_was_made_of(
    classifier: str, unit_bundle: Callable[..., Path], unit_data: UnitData
) -> None:
    bundle = UnitBundle.open(unit_bundle(classifier))
    called = bundle.call(unit_data.store.units)
    right = (called.probability.argmax(axis=1) == unit_data.label).mean()
    np.testing.assert_allclose(called.probability.sum(axis=1), 1)
    is_network = bundle.manifest["classifier"] == "network"
    assert is_network == (classifier == "network") and (is_network or right > 0.9)
    card = (bundle.bundle.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert ("8 small networks" in card) == is_network
    assert ("The best was taken" in card) == (classifier == "auto")
    assert "other units of the same animals were trained on" in card


def test_a_branch_that_a_new_unit_lacks_changes_the_call_but_does_not_stop_it(
    unit_bundle: Callable[..., Path], unit_data: UnitData
) -> None:
    units = unit_data.store.units.rows(np.arange(4))
    units.waveforms[:] = np.nan
    for classifier in ("network", "logistic"):
        called = UnitBundle.open(unit_bundle(classifier)).call(units)
        assert np.isfinite(called.probability).all()


def test_a_prevalence_shifts_what_is_called(
    unit_bundle: Callable[..., Path], unit_data: UnitData
) -> None:
    bundle = UnitBundle.open(unit_bundle())
    rare = bundle.at_prevalence({"narrow": 0.01})
    units = unit_data.store.units
    assert (rare.call(units).probability[:, 0] < bundle.call(units).probability[:, 0]).all()
    with pytest.raises(SettingError, match="got one of PV"):
        bundle.at_prevalence({"PV": 0.5})


def test_units_that_do_not_fit_are_refused(
    unit_bundle: Callable[..., Path], unit_folder: Callable[..., Path]
) -> None:
    bundle = UnitBundle.open(unit_bundle())
    other = read_unit_folder(unit_folder(waveforms=np.random.default_rng(0).normal(size=(40, 31))))
    with pytest.raises(RecordingError, match="expected 30 samples as in training, got 31"):
        bundle.call(other.units)


@pytest.mark.ci
def test_the_manifest_says_what_was_compared(unit_bundle: Callable[..., Path]) -> None:
    manifest = json.loads((unit_bundle("auto") / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["compared"]) == {
        "logistic regression", "kernel logistic regression", "network",
    }  # fmt: skip
    assert manifest["n_of_class"] == [20, 20]
