"""Does a good score mean that the network knows the class? The same network, asked in five ways.

Split by spike, by cell, by day and by animal; on noise without a spike; and with labels that mean
nothing.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from raphe.core.errors import SplitError
from raphe.core.progress import progress
from raphe.core.protocol import Fit, FitSettings
from raphe.tasks.celltype.audit.settings import Settings
from raphe.tasks.celltype.audit.stores import noise_windows, shuffled_labels, subset, write
from raphe.tasks.celltype.metrics.cell_level import Headline, group_cells, headlines
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
class AuditRow:
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
    rows: list[AuditRow]
    left_out: list[str]

    def of(self, trained_on: str, split: str) -> list[AuditRow]:
        return [row for row in self.rows if (row.trained_on, row.split) == (trained_on, split)]


def audit(
    store: Path | str,
    fit: Fit,
    masks: Path | str | None = None,
    settings: Settings | None = None,
) -> Audit:
    """Train and test the network in each way.

    Args:
        store: labelled spikes.
        fit: trains.
        masks: cut from the same recordings, give the noise; without them that row is left out.
        settings: of the network and its training.

    Raises:
        RapheError: where not one way can be asked.
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
    rows: list[AuditRow] = []
    with tempfile.TemporaryDirectory() as scratch:
        stores = _stores(Path(scratch), spikes, noise, settings)
        jobs = [(what, split, path) for what, split in _questions(spikes) for path in stores[what]]
        for what, split, path in progress(jobs, "training", total=len(jobs)):
            try:
                rows.append(_ask(what, split, path, settings, fit))
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


def _ask(trained_on: str, split: SplitKind, store: Path, settings: Settings, fit: Fit) -> AuditRow:
    data = CellTypeData(store, split=split, seed=settings.seed)
    model = fit(
        f"audit of {trained_on}, split by {split}",
        partial(CellTypeModule, settings.kernel, **data.facts),
        data,
        FitSettings(settings.max_epochs, settings.patience, settings.seed),
    )
    spikes, predictions = data.original, model.predictions["test"]
    groups = group_cells(predictions, spikes.cells)
    by_cell = predictions.per_cell()
    both_levels = [
        *headlines("cells", by_cell, groups, spikes.classes),
        *headlines("spikes", predictions, groups, spikes.classes),
    ]
    figures = {(headline.level, headline.name): headline for headline in both_levels}
    return AuditRow(trained_on, split, len(predictions.label), len(by_cell.label), figures)
