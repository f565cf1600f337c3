"""What a cell's firing adds to its spikes, on simulated cells.

Five-fold cross-validation, three times on the same cells and folds: the published network, which
sees spikes alone, the one that looks at firing as well (model=with_firing), and this one where each
cell has the spike times of another, drawn among all, which must gain nothing. Beside them logistic
regression and boosted trees, without and with firing rate and CV of the intervals.

    python benchmarks/firing.py [--cells 60] [--epochs 10]
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from machine import options_of, write_table
from simulated import simulated_cells

from raphe.tasks.celltype.evaluation.baseline_run import TrainedBaselines
from raphe.tasks.celltype.metrics.cell_level import group_cells, headlines
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.network.firing_net import Firing
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.synthetic.simulated_cell import FIRING_HZ, INTERVAL_CV, RATE_HZ
from raphe.tasks.celltype.synthetic.simulated_recordings import CAVEAT
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

FOLDS, KERNEL, SEED = 5, 8, 0
OWN, OTHER = "own", "other"  # whose spike times the cells of a store have
SHOWN = ("auroc", "balanced_accuracy")
NETWORKS = {
    "published network, spikes alone": (OWN, None),
    "model=with_firing": (OWN, Firing()),
    "model=with_firing, spike times of another cell": (OTHER, Firing()),
}
BASELINES = {
    "logistic_features": "logistic regression on waveform features",
    "logistic_firing": "the same with firing rate and CV of intervals",
    "trees_features": "boosted trees on waveform features",
    "trees_firing": "the same with firing rate and CV of intervals",
}
ABOUT = """\
five folds of {cells} simulated cells of each class, 12 s each, k = 8, {epochs} epochs; every cell is called by a network that saw neither it nor its fold, by the mean over its spikes. Intervals (95 %) are over recording days.

What it means: the simulation draws firing rates of {ser[0]:g} ± {ser[1]:g} Hz for SER and {nser[0]:g} ± {nser[1]:g} Hz for NSER, and coefficients of variation of the intervals of {ser_cv[0]:g} ± {ser_cv[1]:g} and {nser_cv[0]:g} ± {nser_cv[1]:g}, which were chosen by hand. That firing helps here says that the branches find what was put in; what it tells of real neurons no table here can say: the labelled real cells at hand (CellExplorer's) are mean waveforms without spike times."""  # noqa: E501


def stores(folder: Path, n_cells: int) -> dict[str, Path]:
    """The cells as they are, and each with the spike times of another cell."""
    made = list(simulated_cells(n_cells))
    times_of = np.random.default_rng(SEED).permutation(len(made))
    paths = {}
    for name, whose in ((OWN, np.arange(len(made))), (OTHER, times_of)):
        with SpikeStoreWriter(folder / name, CLASSES, Cut().n_samples) as writer:
            for (label, cell, spikes), other in zip(made, whose, strict=True):
                trigger = made[other][2].trigger
                rounds = -(-len(spikes.trigger) // len(trigger))
                longer = [trigger + number * (trigger[-1] + RATE_HZ) for number in range(rounds)]
                trigger = np.concatenate(longer)[: len(spikes.trigger)].astype(np.int64)
                known = Cell(cell.cell_id, label, cell.day.date.isoformat(), cell.day.animal)
                writer.add(known, spikes.waveforms, trigger)
            paths[name] = writer.finish(RATE_HZ, "pA", {"cut": asdict(Cut()), "note": CAVEAT})
    return paths


def trained(data: CellTypeData, firing: Firing | None, epochs: int) -> Predictions:
    """What a network says of the cells of the fold that it was not trained on."""
    pl.seed_everything(SEED, verbose=False)
    module = CellTypeModule(KERNEL, firing=firing)
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=epochs, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
    )  # fmt: skip
    trainer.fit(module, datamodule=data)
    trainer.test(module, datamodule=data, verbose=False)
    return module.predictions["test"].per_cell()


def folds_of(store: Path) -> Iterator[CellTypeData]:
    for number in range(FOLDS):
        data = CellTypeData(store, folds=FOLDS, fold=number)
        data.setup()
        yield data


def figures(folds: list[Predictions], data: CellTypeData) -> list[str]:
    """Of all cells, each called by the network of its fold."""
    parts = ("probability", "sigmoid", "label", "cell")
    cells = Predictions(*(np.concatenate([getattr(one, part) for one in folds]) for part in parts))
    fold = np.repeat(np.arange(len(folds)), [len(one.label) for one in folds])
    groups = group_cells(cells, data.original.cells, split="cell")
    rows = {row.name: row for row in headlines("cells", cells, groups, CLASSES, fold)}
    return [f"{rows[n].value:.3f} ({rows[n].low:.2f}–{rows[n].high:.2f})" for n in SHOWN]


def main() -> None:
    parser = options_of(__doc__, "firing")
    parser.add_argument("--cells", type=int, default=60, help="of each class")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, simple = [], defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        paths = stores(Path(folder), options.cells)
        for title, (whose, firing) in NETWORKS.items():
            said = []
            for data in folds_of(paths[whose]):
                said.append(trained(data, firing, options.epochs))
            rows.append([title, *figures(said, data)])
        for data in folds_of(paths[OWN]):
            of_fold = TrainedBaselines(data).predictions()
            for name in BASELINES:
                simple[name].append(of_fold[name]["test"].per_cell())
        rows += [[words, *figures(simple[name], data)] for name, words in BASELINES.items()]
    about = ABOUT.format(
        cells=options.cells,
        epochs=options.epochs,
        ser=FIRING_HZ.ser,
        nser=FIRING_HZ.nser,
        ser_cv=INTERVAL_CV.ser,
        nser_cv=INTERVAL_CV.nser,
    )
    columns = ["sees", "AUROC of cells", "balanced accuracy of cells"]
    write_table(options.output, "Firing beside spikes, on simulated cells", about, columns, rows)


if __name__ == "__main__":
    main()
