"""What modules that infer rates share: the scores of a validation's and of a test's cells."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.tasks.calcium.metrics.scored_cells import (
    InferredCell,
    InferredRecording,
    over_cells,
    scored_cells,
)
from raphe.tasks.calcium.stores.trace_store import CalciumStore

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

# One recording, see RecordingBatches: calcium (1, N), its frame rate's logarithm (1, 1), spikes
# (1, N), its index (1,).
RecordingBatch = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class LoggedRecording:
    """An inferred recording with its loss."""

    inferred: InferredRecording
    loss: float


class ScoredModule(pl.LightningModule):
    """Logs `val/…` each epoch and `<set>/…` for each test set.

    They are the loss, the mean over recordings, and as cells/… what `over_cells` makes of the
    scores of the cells; for a test set also n_cells, n_recordings and n_spikes. A test asks the
    datamodule for `test_names`, in the order of its loaders, and for the store of each; after it
    `inferred` holds the answers by set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inferred: dict[str, list[InferredCell]] = {}
        self._finished: dict[str, list[LoggedRecording]] = defaultdict(list)

    def infer_recording(self, batch: RecordingBatch) -> LoggedRecording:
        """Infer the rate of one recording."""
        raise NotImplementedError

    def validation_step(self, batch: RecordingBatch, batch_idx: int) -> None:
        self._finished["val"].append(self.infer_recording(batch))

    def on_validation_epoch_start(self) -> None:
        self._finished.clear()

    def on_validation_epoch_end(self) -> None:
        self._log_scores("val", self.trainer.datamodule.store)

    def test_step(self, batch: RecordingBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        name = self.trainer.datamodule.test_names[dataloader_idx]
        self._finished[name].append(self.infer_recording(batch))

    def on_test_epoch_start(self) -> None:
        self._finished.clear()
        self.inferred = {}

    def on_test_epoch_end(self) -> None:
        for name in self.trainer.datamodule.test_names:
            store = self.trainer.datamodule.test_store(name)
            cells = self._log_scores(name, store)
            recordings = [store.recordings[r.index] for cell in cells for r in cell.recordings]
            self.log(f"{name}/n_cells", float(len(cells)))
            self.log(f"{name}/n_recordings", float(len(recordings)))
            self.log(f"{name}/n_spikes", float(sum(r.n_spikes for r in recordings)))
            self.inferred[name] = cells

    def _log_scores(self, name: str, store: CalciumStore) -> list[InferredCell]:
        finished = self._finished.pop(name)
        loss = float(np.mean([recording.loss for recording in finished]))
        self.log(f"{name}/loss", loss, prog_bar=True)
        cells = scored_cells([recording.inferred for recording in finished], store)
        for figure, value in over_cells(cells).items():
            shown = (name, figure) == ("val", "correlation")
            self.log(f"{name}/cells/{figure}", value, prog_bar=shown)
        return cells


def weights_of(checkpoint: Path) -> dict[str, Any]:
    """The state that a checkpoint holds. Raises SettingError where there is none."""
    if not checkpoint.is_file():
        raise SettingError(f"model.weights={checkpoint}: expected a checkpoint, found none")
    return torch.load(checkpoint, weights_only=True, map_location="cpu")["state_dict"]
