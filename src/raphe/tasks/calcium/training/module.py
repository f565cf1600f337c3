"""Training of an ensemble of RateNets: first on synthetic traces alone, then on recordings, too.

N traces or stretches, T samples, M members.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from raphe.core.ranges import Count, Numbers, Positive, Range, check_ranges
from raphe.tasks.calcium.features.network_input import network_input
from raphe.tasks.calcium.metrics.scored_cells import InferredRecording
from raphe.tasks.calcium.network.rate_net import STRIDE, RateEnsemble
from raphe.tasks.calcium.recordings.sampling import (
    RATE_HZ,
    even_in_bins,
    z_scored,
)
from raphe.tasks.calcium.stores.trace_store import RecordingSubset, StoredRecording
from raphe.tasks.calcium.training.loss import heads_loss, rate_loss
from raphe.tasks.calcium.training.scored_module import (
    LoggedRecording,
    OptimizerFactory,
    RecordingBatch,
    ScoredModule,
    weights_of,
)

WARM_UP = 0.1  # of a phase's steps, over which its learning rate rises
LONGEST_STEP = 1.0  # norm of a gradient
SAW_RECORDINGS = "saw_recordings"  # in a checkpoint: false of synthetic traces alone
SYNTHETIC_SETS = 1  # as many datasets the synthetic traces count for, where gains are averaged
Dilations = Annotated[Sequence[int], Numbers("whole numbers", Range(1))]
Latency = Annotated[
    float, Range(0, step=STRIDE / RATE_HZ, noun="a multiple of 0.04 s", also="or null")
]

ADAMW = partial(torch.optim.AdamW, lr=3e-3, weight_decay=1e-2)


class RateModule(ScoredModule):
    """Train and test a RateEnsemble.

    When training on recordings ends, each member's gain is set: the geometric mean of what the
    datasets would need for the spikes that they have, among them the synthetic ones, which need
    none. Trained on synthetic traces alone it sees no recording but to validate.

    Logs `train/loss`, and what ScoredModule does.

    Args:
        members: networks, each with weights of its own.
        channels, dilations: see RateNet.
        latency_s: what a causal network waits for before it says a rate; None sees whole traces.
        weights: a checkpoint to begin from; None begins with random weights.
        optimizer: builds the optimiser; its learning rate is that of synthetic training.
        tuning_rate: the learning rate on recordings, as a share of that.
        pretrain_epochs: epochs of synthetic traces alone, given by the data.
        heads: of each network, given by the data: two where it learns from a teacher.

    Raises:
        SettingError: when there is no checkpoint at `weights`, no member, or a latency that
            is no multiple of 40 ms.
    """

    def __init__(
        self,
        members: Count = 4,
        channels: Count = 32,
        dilations: Dilations = (1, 2, 4, 8, 16),
        latency_s: Latency | None = None,
        weights: str | Path | None = None,
        optimizer: OptimizerFactory | None = None,
        tuning_rate: Positive = 0.67,
        *,
        pretrain_epochs: int = 0,
        heads: int = 1,
    ) -> None:
        super().__init__()
        check_ranges(RateModule.__init__, locals(), "model")
        dilations = list(dilations)
        self.save_hyperparameters(ignore=["weights", "optimizer"], logger=False)
        self.net = RateEnsemble(members, channels, dilations, latency_steps(latency_s), heads)
        if weights is not None:
            state = weights_of(Path(weights))
            net = {name: value for name, value in state.items() if name.startswith("net.")}
            self.load_state_dict(net, strict=False)
        self.optimizer_factory = optimizer or ADAMW

    def forward(self, x: Tensor, log_frame_rate: Tensor) -> Tensor:
        """Return the spikes expected in each sample (M, N, T), see RateEnsemble.forward."""
        return self.net(x, log_frame_rate)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer_factory(self.parameters())

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any
    ) -> None:
        for member in self.net.members:  # each by itself, so that none depends on its neighbours
            torch.nn.utils.clip_grad_norm_(member.parameters(), LONGEST_STEP)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        lr = self._learning_rate(self.current_epoch, batch_idx, self.trainer.num_training_batches)
        for group in self.optimizers().param_groups:
            group["lr"] = group.setdefault("first_lr", group["lr"]) * lr

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        """Return the members' losses of a batch, see StretchBatches, summed: a scalar."""
        calcium, log_frame_rate, spikes = batch
        losses = [
            heads_loss(member(calcium, log_frame_rate), spikes) for member in self.net.members
        ]
        loss = torch.stack(losses).sum()
        self.log(
            "train/loss", loss.detach() / len(losses), on_step=False, on_epoch=True, batch_size=1
        )
        return loss

    def on_train_epoch_end(self) -> None:
        first, last = self.hparams.pretrain_epochs, self.trainer.max_epochs
        if first < last == self.current_epoch + 1:
            self._set_gain()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        epoch = min(self.current_epoch, self.trainer.max_epochs - 1)  # the last one begun
        checkpoint[SAW_RECORDINGS] = epoch >= self.hparams.pretrain_epochs

    def expected(self, calcium: np.ndarray, imaging_hz: float) -> np.ndarray:
        """Spikes expected in each sample of a trace (T,), by each member: float32 (M, T)."""
        shown = network_input(calcium, imaging_hz)
        parts = (torch.from_numpy(part)[None].to(self.device) for part in shown)
        return self.net.infer(*parts)[:, 0].cpu().numpy()

    def _learning_rate(self, epoch: int, batch: int, n_batches: int) -> float:
        """As a share of the optimiser's: in each of both phases up, and down along a cosine."""
        first, last = self.hparams.pretrain_epochs, self.trainer.max_epochs
        begin, end, top = (0, first, 1.0) if epoch < first else (first, last, None)
        done = (epoch - begin + batch / n_batches) / (end - begin)
        top = self.hparams.tuning_rate if top is None else top
        return top * min(1.0, done / WARM_UP) * (1 + math.cos(math.pi * done)) / 2

    def _expected_in(self, part: RecordingSubset, recording: StoredRecording) -> np.ndarray:
        return self.expected(part.store.calcium[recording.rows], recording.imaging_hz)

    def _set_gain(self) -> None:
        if self.trainer.datamodule.teacher is not None:
            return  # whose own it has learned
        part = self.trainer.datamodule.parts["train"]
        self.net.gain.fill_(1)  # a checkpoint begun from may have had one
        lacking = defaultdict(list)  # of each dataset's recordings, log of spikes / expected: (M,)
        for recording in part.recordings:
            expected = self._expected_in(part, recording).sum(1)  # (M,)
            if recording.n_spikes:
                lacking[recording.dataset].append(np.log(recording.n_spikes / expected))
        of_datasets = [np.mean(logs, axis=0) for logs in lacking.values()]
        gain = np.exp(np.sum(of_datasets, axis=0) / (len(of_datasets) + SYNTHETIC_SETS))
        self.net.gain.copy_(torch.as_tensor(gain))

    def infer_recording(self, batch: RecordingBatch) -> LoggedRecording:
        calcium, log_frame_rate, spikes, index = batch
        expected = self.net.infer(calcium, log_frame_rate).mean(0)  # (1, T)
        loss = rate_loss(expected, spikes)
        rate_per_s = even_in_bins(expected.cpu().numpy())[0] * RATE_HZ
        return LoggedRecording(
            InferredRecording(int(index), z_scored(rate_per_s), rate_per_s), loss.item()
        )


def latency_steps(latency_s: float | None) -> int | None:
    """Steps of a latency, which is a multiple of theirs, or None."""
    return None if latency_s is None else round(latency_s * RATE_HZ / STRIDE)
