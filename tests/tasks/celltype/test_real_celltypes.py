"""Opto-tagged units of mice, where they are at hand: what the table says, and no animal twice."""

import csv
from pathlib import Path

import numpy as np
import pytest

from paths import REAL_DATA
from raphe.core.errors import SettingError
from raphe.tasks.celltype.evaluation.baseline_run import TrainedBaselines
from raphe.tasks.celltype.evaluation.baselines import KINDS
from raphe.tasks.celltype.stores.import_windows import import_windows
from raphe.tasks.celltype.stores.window_table import ColumnNames
from raphe.tasks.celltype.training.data import CellTypeData

UNITS = REAL_DATA / "celltypes"
CLASSES = ("PV", "SST", "VIP", "Axo_Axonic", "Pyramidal")

pytestmark = pytest.mark.skipif(not UNITS.is_dir(), reason=f"real data absent: {UNITS}")


def made(tmp_path: Path, classes: tuple[str, ...]) -> Path:
    names = ColumnNames(source="recording_group")
    files = UNITS / "waveforms.npy", UNITS / "units.csv"
    merge = {"PV+VGAT": "PV"}
    report = import_windows(
        *files, tmp_path / "store", 40_000.0, "uV", classes, merge=merge, names=names
    )
    return report.store


def folds(store: Path) -> list[CellTypeData]:
    """Each animal left out in turn."""
    first = CellTypeData(store, split="animal", folds="all")
    n_animals = len({cell.animal for cell in first.original.cells})
    each = [CellTypeData(store, split="animal", folds="all", fold=n) for n in range(n_animals)]
    for data in each:
        data.setup()
    with pytest.raises(SettingError, match=f"expected 0 to {n_animals - 1}"):
        CellTypeData(store, split="animal", folds="all", fold=n_animals)
    return each


def test_the_store_holds_what_the_table_counts(tmp_path: Path) -> None:
    data = CellTypeData(made(tmp_path, CLASSES), split="animal", folds="all")
    with (UNITS / "units.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] != "VGAT"]
    spikes = data.original
    assert spikes.per_class(spikes.counts).tolist() == [12, 8, 7, 25, 6]
    assert [cell.animal for cell in spikes.cells] == [row["animal"] for row in rows]
    taken = np.array([int(row["row"]) for row in rows])
    np.testing.assert_array_equal(
        spikes.read(np.arange(58)), np.load(UNITS / "waveforms.npy")[taken]
    )


def test_each_unit_is_tested_once_by_networks_that_saw_no_unit_of_its_animal(
    tmp_path: Path,
) -> None:
    tested = []
    for data in folds(made(tmp_path, CLASSES)):
        held = [{cell.animal for cell in data._cells(part)} for part in ("train", "val", "test")]
        assert len(held[2]) == 1
        assert not held[0] & held[1] and not (held[0] | held[1]) & held[2]
        tested += [cell.cell_id for cell in data._cells("test")]
    assert len(tested) == len(set(tested)) == 58


def test_the_laboratory_alone_tells_most_labels_but_nothing_within_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {name: KINDS[name] for name in ("source_alone", "udi_threshold")}  # the second for two
    monkeypatch.setattr("raphe.tasks.celltype.evaluation.baseline_run.KINDS", asked)

    def right(classes: tuple[str, ...], folder: Path) -> tuple[float, float]:
        predictions = [
            TrainedBaselines(data).predictions()["source_alone"]["test"]
            for data in folds(made(folder, classes))
        ]
        correct = np.concatenate([one.predicted == one.label for one in predictions])
        sure = np.concatenate([one.probability.max(axis=1) for one in predictions])
        return correct.mean(), sure.max()

    of_all, _ = right(CLASSES, tmp_path / "all")
    # All axo-axonic units, all PV but the Allen Institute's one, and of SST and VIP, which it has
    # alone, those named first; a laboratory left out whole, the pyramidal one, tells nothing.
    assert of_all == pytest.approx((25 + 11 + 8) / 58)
    _, surest = right(("SST", "VIP"), tmp_path / "allen")  # both of one laboratory
    assert surest == 0.5
