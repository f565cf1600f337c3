"""Train a bank's members in one pass over the data, and leave each as its own run would be."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from raphe.core.files.checkpoint import training_fault
from raphe.harness import callbacks
from raphe.harness.banks.member_epochs import MemberEpochs, Trainee
from raphe.harness.run import build_model, ctrl_c, run_as, threads
from raphe.harness.run_location import RunLocation, describe
from raphe.harness.sweeps.member import SweepMember
from raphe.harness.trainer import build_trainer
from raphe.harness.training_progress import TrainingProgress

OF_HARNESS = ("train", "setting", "values")  # of the section `bank`; the rest builds the module


@dataclass(frozen=True)
class Job:
    """A member as a run of its own."""

    member: SweepMember
    config: DictConfig
    location: RunLocation

    @property
    def label(self) -> str:
        return self.member.label

    @property
    def is_trained(self) -> bool:
        return self.location.last_checkpoint.exists() or self.location.finished() is not None


def train_together(
    config: DictConfig, data: pl.LightningDataModule, jobs: Sequence[Job], path: Path
) -> None:
    """Train the jobs that are not; leave `best.ckpt` and `last.ckpt` at their places.

    One whose model cannot be built fails at once. `path` is where the state of all is kept after
    each epoch, to go on from.
    """
    begun = path.exists() and not (fault := training_fault(path))
    if path.exists() and not begun:
        print(f"note: {path} {fault}; the bank is trained anew", file=sys.stderr, flush=True)
        path.unlink()
    if begun:
        kept = torch.load(path, weights_only=True)["callbacks"][MemberEpochs.__name__]
        jobs = [job for job in jobs if job.label in kept]
    else:
        jobs = [job for job in jobs if not job.is_trained]
    trainees = _trainees(jobs, data, begun)
    if not trainees:
        return
    epochs = MemberEpochs(trainees, config.monitor, config.callbacks.patience, path)
    if begun:
        epochs.load_state_dict(kept)
    trainer = build_trainer(
        config,
        path.parent,
        [
            callbacks.SeedEachEpoch(config.seed),
            epochs,
            TrainingProgress("bank", config.monitor.metric),
        ],
    )
    if epochs.active:
        bank = _bank(config, {label: trainee.model for label, trainee in trainees.items()})
        torch.set_num_threads(threads(config, n_workers=1))
        with ctrl_c():
            trainer.fit(bank, datamodule=data, ckpt_path=path if begun else None)
    epochs.write_checkpoints(trainer)
    path.unlink(missing_ok=True)


def _trainees(jobs: Sequence[Job], data: pl.LightningDataModule, begun: bool) -> dict[str, Trainee]:
    trainees = {}
    for job in jobs:
        try:
            model = build_model(job.config, data)
        except Exception:
            run_as(job.member, job.config)  # fails likewise; tells and tracks it
            continue
        run = job.location.begin_or_resume(begun)
        describe(run, job.config, data, job.member)
        trainees[job.label] = Trainee(job.location, run, model)
    return trainees


def _bank(config: DictConfig, models: Mapping[str, pl.LightningModule]) -> pl.LightningModule:
    keys = [key for key in config.bank if key not in OF_HARNESS]
    of_task = OmegaConf.masked_copy(config.bank, keys)
    # A partial first: Hydra would turn arguments that are mappings into settings.
    return instantiate(of_task, _partial_=True)(members=models)
