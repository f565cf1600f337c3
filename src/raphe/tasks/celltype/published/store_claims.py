"""What a store tells of the papers' set-up: how its split leaks, what given networks call."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from raphe.core.claims import Claim, note_claim
from raphe.core.errors import SettingError, SplitError
from raphe.core.files.checkpoint import load_module
from raphe.core.progress import progress
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.published.run_folder import RunResults
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.stores.split import SplitKind, split_spikes
from raphe.tasks.celltype.training.module import CellTypeModule

SPIKES_AT_ONCE = 4096


def split_claims(spikes: SpikeSet) -> list[Claim]:
    """How many test spikes are of cells that are trained on, split by spike and by cell."""
    leaked = leaked_share(spikes, "spike")
    try:
        apart = f"{100 * leaked_share(spikes, 'cell'):.1f} % split by cell"
    except SplitError as error:
        apart = f"cannot be split by cell: {error}"
    source = f"store {spikes.path}"
    claim = Claim(
        source,
        "test spikes of cells that are trained on",
        f"{100 * leaked:.1f} % split by spike",
        apart,
        "train_test_split draws spikes, so nearly every cell has some on either side.",
    )
    return [*note_claim(source, spikes.note), claim]


def leaked_share(spikes: SpikeSet, kind: SplitKind) -> float:
    """Of the test spikes of a split, those whose cell also has spikes in training."""
    counts = split_spikes(spikes, kind).counts  # (cells, parts)
    in_test, trained = counts[:, PARTS.index("test")], counts[:, PARTS.index("train")] > 0
    return float(in_test[trained].sum() / in_test.sum())


def predictions_of(checkpoints: Sequence[Path], spikes: SpikeSet) -> dict[int, RunResults]:
    """What networks say of every spike of a store, by kernel size.

    Raises SettingError for checkpoints of other windows or classes, or two of one kernel.
    """
    predictions: dict[int, RunResults] = {}
    for path in progress(checkpoints, "networks"):
        module = _load(path, spikes)
        kernel = int(module.hparams.kernel)
        if kernel in predictions:
            raise SettingError(f"{path}: a second network with kernel {kernel}; name one of each")
        result = SetResult("whole", _answer(module, spikes), spikes.classes, spikes.cells)
        predictions[kernel] = RunResults(path.name, {result.name: result}, spikes.note)
    return predictions


def _load(path: Path, spikes: SpikeSet) -> CellTypeModule:
    if not path.is_file():
        raise SettingError(f"{path}: there is no such checkpoint; make it with raphe import keras")
    remedy = "make it anew with raphe import keras, or leave it out"
    module = load_module(CellTypeModule, path, str(path), remedy).eval()
    for name in ("classes", "n_samples", "rate_hz"):
        expected, got = getattr(spikes, name), module.hparams[name]
        if (tuple(got) if name == "classes" else got) != expected:
            raise SettingError(
                f"{path}: expected a network for {name} {expected}, as {spikes.path} holds, got "
                f"one for {got}; name the store that it was made for"
            )
    return module


def _answer(module: CellTypeModule, spikes: SpikeSet) -> Predictions:
    parts = []
    with torch.inference_mode():
        for start in range(0, spikes.n, SPIKES_AT_ONCE):
            rows = slice(start, min(start + SPIKES_AT_ONCE, spikes.n))
            cell = spikes.cell[rows].astype(np.int64)
            current = torch.tensor(spikes.read(rows))
            logits = module.logits_of(spikes, current, torch.from_numpy(cell))
            parts.append((logits.numpy(), spikes.label[rows], cell))
    logits, label, cell = (np.concatenate(part) for part in zip(*parts, strict=True))
    cell_ids = [cell.cell_id for cell in spikes.cells]
    return Predictions.from_logits(logits, label.astype(np.int64), cell, cell_ids)
