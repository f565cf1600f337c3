"""Does a good score mean that the network knows the class? The same network, asked in five ways.

Split by spike, by cell, by day and by animal; on noise without a spike; and with labels that mean
nothing.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint

from raphe.core.errors import SplitError
from raphe.core.progress import progress
from raphe.tasks.celltype.audit.settings import Settings
from raphe.tasks.celltype.audit.stores import noise_windows, shuffled_labels, subset, write
from raphe.tasks.celltype.metrics.cell_level import Headline, group_cells, headlines
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.stores.split import SplitKind
from raphe.tasks.celltype.synthetic.mask_store import MaskSet, open_masks
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.module import CellTypeModule

SPIKES, NOISE, SHUFFLED = "spikes", "noise without a spike", "spikes, labels shuffled over cells"


QUESTIONS: tuple[tuple[str, SplitKind], ...] = (
    (SPIKES, "spike"),
    (SPIKES, "cell"),
    (SPIKES, "day"),
    (SPIKES, "animal"),
    (NOISE, "cell"),
    (NOISE, "day"),
    (SHUFFLED, "spike"),
    (SHUFFLED, "cell"),
)


@dataclass(frozen=True)
class Row:
    """One way of asking, and what came of it on the test part."""

    trained_on: str
    split: SplitKind
    n_spikes: int
    n_cells: int
    figures: dict[tuple[str, str], Headline]  # by level (cells, spikes) and name

    def __getitem__(self, key: tuple[str, str]) -> Headline:
        return self.figures[key]


@dataclass(frozen=True)
class Audit:
    """The table, and why rows are missing from it."""

    store: Path
    note: str
    classes: tuple[str, ...]
    settings: Settings
    rows: list[Row]
    left_out: list[str]

    def of(self, trained_on: str, split: str) -> list[Row]:
        return [row for row in self.rows if (row.trained_on, row.split) == (trained_on, split)]


def audit(
    store: Path | str, masks: Path | str | None = None, settings: Settings | None = None
) -> Audit:
    """Train and test the network in each way. Raises RapheError where not one can be.

    `masks`, cut from the same recordings, give the noise; without them that row is left out.
    """
    settings = settings or Settings()
    spikes = open_spikes(Path(store))
    noise = open_masks(Path(masks)) if masks is not None else None
    left_out = []
    if noise is None:
        left_out.append(
            f"{NOISE}: no masks given; cut some with `raphe masks RECORDINGS MASKS` (a few dozen a "
            "recording, --masks N) and pass --masks MASKS"
        )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        stores = _stores(Path(scratch), spikes, noise, settings)
        jobs = [(what, split, path) for what, split in _questions(spikes) for path in stores[what]]
        for what, split, path in progress(jobs, "training", total=len(jobs)):
            try:
                rows.append(_ask(what, split, path, settings))
            except SplitError as error:
                left_out.append(f"{what}, split by {split}: {error}".replace(str(path), str(store)))
    if not rows:
        raise SplitError(f"{store}: nothing can be audited: {left_out[-1]}")
    return Audit(Path(store), spikes.note, spikes.classes, settings, rows, left_out)


def _questions(spikes: SpikeSet) -> Iterator[tuple[str, SplitKind]]:
    """Those of QUESTIONS that may be asked; that animals are not known is no news."""
    for what, split in QUESTIONS:
        if split != "animal" or any(cell.animal for cell in spikes.cells):
            yield what, split


def _stores(
    scratch: Path, spikes: SpikeSet, noise: MaskSet | None, settings: Settings
) -> dict[str, list[Path]]:
    rng = np.random.default_rng(settings.seed)
    windows, cell = subset(spikes, settings.n_spikes, rng)
    stores = {
        SPIKES: [write(scratch / "spikes", spikes, spikes.cells, windows, cell)],
        SHUFFLED: [
            write(
                scratch / f"shuffled-{number}",
                spikes,
                shuffled_labels(spikes.cells, rng),
                windows,
                cell,
            )
            for number in range(settings.shuffles)
        ],
        NOISE: [],
    }
    if noise is not None:
        stores[NOISE] = [
            write(scratch / "noise", spikes, spikes.cells, *noise_windows(spikes, noise))
        ]
    return stores


def _ask(trained_on: str, split: SplitKind, store: Path, settings: Settings) -> Row:
    data = CellTypeData(store, split=split, seed=settings.seed)
    spikes, predictions = data.original, _train_and_test(data, settings)
    groups = group_cells(predictions, spikes.cells)
    rng = np.random.default_rng(settings.seed)
    by_cell = predictions.per_cell()
    found = [
        *headlines("cells", by_cell, groups, spikes.classes, rng),
        *headlines("spikes", predictions, groups, spikes.classes, rng),
    ]
    figures = {(one.level, one.name): one for one in found}
    return Row(trained_on, split, len(predictions.label), len(by_cell.label), figures)


def _train_and_test(data: CellTypeData, settings: Settings) -> Predictions:
    """The weights of the best epoch by validation loss, on the test part."""
    pl.seed_everything(settings.seed, verbose=False)
    model = CellTypeModule(settings.kernel, **data.facts)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        best = ModelCheckpoint(folder, monitor="val/loss")
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=settings.max_epochs,
            callbacks=[best, EarlyStopping("val/loss", patience=settings.patience)],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(model, datamodule=data)
        trainer.test(model, datamodule=data, ckpt_path=best.best_model_path, verbose=False)
    return model.predictions["test"]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's lines on the machine and its advice on workers, once a training."""
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
