"""Two bundles judge the same cells: those that neither was trained or chosen on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import TrainedRun
from raphe.tasks.celltype.ensemble.bundle_runtime import Ensemble
from raphe.tasks.celltype.ensemble.export import export
from raphe.tasks.celltype.ensemble.older_bundle import JudgedCells, _compared
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

DAYS = np.arange(20) // 2, "day"
LABEL = np.arange(20) % 2


def saying(p_true: float | np.ndarray) -> np.ndarray:
    """Probabilities (20, 2) with so much of the true class."""
    of_truth = np.broadcast_to(p_true, 20)
    return np.stack([np.where(LABEL, 1 - of_truth, of_truth)] * 2, axis=1) * [1, -1] + [0, 1]


def test_cells_that_the_older_was_made_with_are_left_out_and_what_cannot_be_compared_is_said(
    make_spikes: Callable[..., SpikeSet], tmp_path: Path
) -> None:
    data = CellTypeData(make_spikes(40).path, fractions=(0.4, 0.3, 0.3), split="day")
    data.setup()
    torch.manual_seed(1)
    checkpoint = write_checkpoint(CellTypeModule(kernel=3, n_samples=16), tmp_path / "1.ckpt")
    runs = [TrainedRun("run", "model.kernel=3", checkpoint)]
    exported = export(runs, data, "", {}, tmp_path / "bundle", members="all")
    cells: JudgedCells = exported.compare.__self__
    n_cells = Ensemble.open(exported.bundle).manifest["figures"]["test"]["n_cells"]
    same = exported.compare(exported.bundle)
    assert f"Of the same {n_cells} cells of " in same.sentence
    assert same.sentence.endswith("; their losses are the same.") and not same.is_worse
    assert "It could not be compared: " in exported.compare(tmp_path / "nothing").sentence

    def against(fact: str, value: object) -> str:
        older = Ensemble.open(exported.bundle)
        older.manifest[fact] = value
        return cells._against(older).sentence

    ids = [data.original.cells[index].cell_id for index in cells.cell]
    seen = {"cells": {"SER": ids[:1], "NSER": ids[1:2]}, "chosen_on": ids[2:3]}
    assert f"Of the same {n_cells - 3} cells" in against("training", seen)
    seen["chosen_on"] = ids[2:-7]
    assert "only 7 test cells of the new one were not used" in against("training", seen)
    assert "its classes are others" in against("classes", ["a", "b"])
    assert "trained on is not known" in against("training", {})
    assert "were chosen is not known" in against("training", {"cells": {}})


def test_clearly_worse_is_a_whole_interval_above_no_difference() -> None:
    better, worse = saying(np.linspace(0.7, 0.95, 20)), saying(np.linspace(0.2, 0.6, 20))
    found = _compared(worse, better, LABEL, DAYS)
    assert found.is_worse and found.sentence.endswith(": it is worse.")
    assert (
        "Of the same 20 cells of 10 days, used to make neither of the two, the new one calls 5"
        in (found.sentence)
    )
    found = _compared(better, worse, LABEL, DAYS)
    assert not found.is_worse and found.sentence.endswith(": it is better.")
    assert "its loss minus the older's is −" in found.sentence


def test_what_days_differ_in_is_no_difference_of_bundles() -> None:
    rng = np.random.default_rng(0)
    one, other = (saying(rng.uniform(0.3, 0.9, 20)) for _ in range(2))
    found = _compared(one, other, LABEL, DAYS)
    assert not found.is_worse and found.sentence.endswith("which is better cannot be told.")
    two_days = np.arange(20) // 10, "day"
    found = _compared(one, other, LABEL, two_days)
    assert not found.is_worse and found.sentence.endswith("2 days cannot tell which is better.")
