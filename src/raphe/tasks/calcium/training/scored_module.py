"""What modules that infer rates share: the scores of a validation's and of a test's recordings."""

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
from raphe.tasks.calcium.metrics.scores import InferredRecording, mean_score

OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

# One recording, see RecordingBatches: z-scored calcium (1, N), spikes (1, N), its index (1,).
RecordingBatch = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class LoggedRecording:
    """An inferred recording with what is logged beside its scores."""

    inferred: InferredRecording
    loss: float
    n_spikes: int


class ScoredModule(pl.LightningModule):
    """Logs `val/…` each epoch and `<set>/…` for each test set: means over the recordings.

    They are the loss and, as recordings/…, the scores that `score_recording`, the subclass's own,
    gives; for a test set also n_recordings and n_spikes. A test asks the datamodule for
    `test_names`, in the order of its loaders; after it `inferred` holds the answers by set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inferred: dict[str, list[InferredRecording]] = {}
        self._finished: dict[str, list[LoggedRecording]] = defaultdict(list)

    def score_recording(self, batch: RecordingBatch) -> LoggedRecording:
        """Infer the spikes of one recording and score them."""
        raise NotImplementedError

    def validation_step(self, batch: RecordingBatch, batch_idx: int) -> None:
        self._finished["val"].append(self.score_recording(batch))

    def on_validation_epoch_start(self) -> None:
        self._finished.clear()

    def on_validation_epoch_end(self) -> None:
        self._log_scores("val")

    def test_step(self, batch: RecordingBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        name = self.trainer.datamodule.test_names[dataloader_idx]
        self._finished[name].append(self.score_recording(batch))

    def on_test_epoch_start(self) -> None:
        self._finished.clear()
        self.inferred = {}

    def on_test_epoch_end(self) -> None:
        for name in self.trainer.datamodule.test_names:
            finished = self._log_scores(name)
            self.log(f"{name}/n_recordings", float(len(finished)))
            self.log(f"{name}/n_spikes", float(sum(recording.n_spikes for recording in finished)))
            self.inferred[name] = [recording.inferred for recording in finished]

    def _log_scores(self, name: str) -> list[LoggedRecording]:
        finished = self._finished.pop(name)
        loss = float(np.mean([recording.loss for recording in finished]))
        self.log(f"{name}/loss", loss, prog_bar=True)
        means = mean_score([recording.inferred.scores for recording in finished])
        for figure, value in means.items():
            shown = (name, figure) == ("val", "correlation")
            self.log(f"{name}/recordings/{figure}", value, prog_bar=shown)
        return finished


def weights_of(checkpoint: Path, remedy: str = "") -> dict[str, Any]:
    """The state that a checkpoint holds. Raises SettingError where there is none."""
    if not checkpoint.is_file():
        raise SettingError(f"model.weights={checkpoint}: expected a checkpoint, found none{remedy}")
    return torch.load(checkpoint, weights_only=True, map_location="cpu")["state_dict"]
