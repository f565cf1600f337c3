"""One run of any task: prepare → fit → test, tracked and resumable.

A task is reached only through the `_target_` strings of its file in conf/task:

- `prepare()` returns the settings of `data` that it settled, as where the store is;
- `data` is a LightningDataModule with `hashes` (the content hash of each of its stores, by
  name), `used_stores` (a UsedStore for each of them), `facts` (keyword arguments that complete
  `model`) and `note` (a sentence that must stand beside every result, or ""), and, where what is
  validated on may be trained on, too, with `validates_unseen`; the order of its training batches
  depends on (seed, epoch) alone;
- `model` is a LightningModule that logs `train/…` and `val/…` once an epoch, and `<test set>/…`;
- `check`, where there is one, raises SettingError for settings that do not fit each other; it is
  called before anything is prepared, and loads no torch;
- `evaluate` is a function of `model` and `data`, tested, that returns artifacts, texts and figures
  by file name, and numbers or estimates (numbers with an interval) by the metric they are. A figure
  is given as a function that draws it, which nobody calls for a sweep's member that is not chosen.
  It is built of its settings before all else, so that a wrong one is refused before hours are spent
  on training;
- `report.names` are all metrics' names, see raphe.core.metric_names.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from filelock import Timeout
from hydra.utils import call, instantiate
from omegaconf import DictConfig

from raphe.core import metric_names
from raphe.core.errors import SettingError
from raphe.core.files.locks import lock_file
from raphe.core.metric_names import VAL, Estimate, Name
from raphe.core.protocol import CONCLUSION
from raphe.core.threads import threads_of_process
from raphe.harness import callbacks
from raphe.harness.process import keep_freed_memory, quieten
from raphe.harness.records.description import conclude
from raphe.harness.records.tracked_run import CHECKPOINT_FILE, CHECKPOINT_FOLDER, TrackedRun
from raphe.harness.report.csv_tables import (
    EPOCHS,
    epochs_csv,
    metrics_and_artifacts,
    tags_of,
    texts_of,
)
from raphe.harness.report.next_step import tell_unsent
from raphe.harness.report.note import stamped
from raphe.harness.report.run_table import print_run
from raphe.harness.run_location import RunLocation, describe
from raphe.harness.settings import composed
from raphe.harness.start.explain import RunFailed
from raphe.harness.sweeps.member import ReportEpoch, SweepMember
from raphe.harness.tracking import DRAWN_TAG, RunFacts, Tracker
from raphe.harness.trainer import build_trainer
from raphe.harness.training_progress import TrainingProgress


def run(config: DictConfig) -> float | None:
    """Run the composed config once; inside a sweep, as one of its members.

    Returns what `run_as` does, for sweepers that choose the next member by it.

    Raises:
        RunFailed: with the error that ended a single run. A failed member of a sweep is reported
            at once, and the next one goes on.
    """
    return run_as(SweepMember.current(), config)


def run_as(member: SweepMember | None, config: DictConfig) -> float | None:
    """As `run`, for a member that the caller knows; the monitored metric of the weights that it
    kept, NaN where it failed. None of a single run."""
    if member is not None:
        member.announce()
    try:
        facts, skipped = _run(config, member)
    except Exception as error:
        if member is None:
            raise RunFailed(error) from error
        member.failed(error)
        return math.nan
    if member is None:
        return None
    metric = config.monitor.metric
    value = _kept_value(facts, metric)
    member.finished(facts.run_id, skipped, metric, value)
    return math.nan if value is None else value


def _kept_value(facts: RunFacts, metric: str) -> float | None:
    return facts.metrics.get(metric_names.kept(metric))


def _run(config: DictConfig, member: SweepMember | None) -> tuple[RunFacts, bool]:
    """Run, print the results of a single run; tell whether the member had finished before."""
    quieten()
    keep_freed_memory()
    composed.check(config)
    torch.set_num_threads(threads(config, member.n_workers if member is not None else 1))
    tracker = Tracker.from_settings(config, is_first=member is None)
    data = instantiate(config.data, **call(config.prepare))
    data.prepare_data()
    data.setup("fit")

    location = RunLocation.of(tracker, config, member, data.hashes)
    try:
        # A member waits for another that was given the very same settings.
        with lock_file(location.work / "lock").acquire(blocking=member is not None):
            earlier = location.finished() if member is not None and config.resume else None
            facts = earlier or _train_and_test(config, member, data, location)
            location.clear()
    except Timeout:
        raise SettingError(
            f"{location.name}: another process is training this run (same settings, same data); "
            "wait for it, or change a setting"
        ) from None
    if member is None and facts.artifacts:  # none where its server is away
        print_run(facts, config, data.note, location.tracker)
    return facts, earlier is not None


def threads(config: DictConfig, n_workers: int) -> int:
    """CPU threads of one run, of which `n_workers` train at once."""
    return config.threads or threads_of_process(n_workers)


def _train_and_test(
    config: DictConfig,
    member: SweepMember | None,
    data: pl.LightningDataModule,
    location: RunLocation,
) -> RunFacts:
    resume_from = callbacks.checkpoint_to_resume(location.work) if config.resume else None
    tracked = location.begin_or_resume(resume_from is not None)
    with tracked.until_done(), tracked.system_metrics(config.tracking.system_metrics_every_s):
        describe(tracked, config, data, member)
        model = build_model(config, data)
        trainer = _trainer(config, member, tracked, location.work)
        resume_from = callbacks.if_of_network(resume_from, model)
        with ctrl_c(), denormals_flushed():
            if resume_from is None or not callbacks.had_ended(resume_from):
                trainer.fit(model, datamodule=data, ckpt_path=resume_from)
            draws = member is None or config.draw == composed.DRAWS[-1]
            _test(config, trainer, model, data, tracked, location.work, draws)
    if tracked.unsent is not None:
        tell_unsent(tracked.unsent, location.name, location.tracker.uri)
    return location.tracker.facts_of(tracked)


@contextlib.contextmanager
def denormals_flushed() -> Iterator[None]:
    """Take numbers next to 0 for 0: a recurrent layer's fading gradients are slow otherwise."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def ctrl_c() -> Iterator[None]:
    """Undo Lightning's habit of turning Ctrl-C into an exit."""
    try:
        yield
    except SystemExit as leaving:
        raise KeyboardInterrupt from leaving


def build_model(config: DictConfig, data: pl.LightningDataModule) -> pl.LightningModule:
    """The model that the settings and the seed make. Raises SettingError."""
    pl.seed_everything(config.seed, workers=True, verbose=False)
    model = instantiate(config.model, **data.facts)
    try:
        model.configure_optimizers()
    except (TypeError, ValueError) as error:
        raise SettingError(f"model.optimizer: {error}; correct its settings") from error
    return model


def _trainer(
    config: DictConfig, member: SweepMember | None, tracked: TrackedRun, work: Path
) -> pl.Trainer:
    metric, mode = config.monitor.metric, config.monitor.mode
    own = [
        callbacks.SeedEachEpoch(config.seed),
        callbacks.RequireMetric(metric),
        callbacks.TrackEpochs(tracked),
        *callbacks.checkpoints(work, metric, mode),
        *callbacks.early_stopping(metric, mode, config.callbacks.patience),
    ]
    if member is not None:
        return build_trainer(config, work, [*own, ReportEpoch(member, metric)])
    return build_trainer(config, work, [*own, TrainingProgress("training", metric)])


def _test(
    config: DictConfig,
    trainer: pl.Trainer,
    model: pl.LightningModule,
    data: pl.LightningDataModule,
    tracked: TrackedRun,
    work: Path,
    draws: bool,
) -> None:
    kept = work / f"{config.callbacks.keep}.ckpt"
    kept_epoch, last_epoch = (
        torch.load(path, weights_only=True)["epoch"] for path in (kept, work / "last.ckpt")
    )
    metrics, artifacts = metrics_and_artifacts(evaluated(config, trainer, model, data, kept))
    metrics[metric_names.EPOCHS_TRAINED] = last_epoch + 1
    metrics[metric_names.EPOCHS_KEPT] = kept_epoch + 1
    defined = {name: value for name, value in metrics.items() if not math.isnan(value)}
    tracked.log_metrics(defined, model=tracked.log_model(config.tracking.experiment))
    artifacts[EPOCHS] = epochs_csv(tracked.logged)
    tracked.set_tags(tags_of(artifacts))
    tracked.log_artifacts(stamped(artifacts if draws else texts_of(artifacts), data.note))
    tracked.set_tags({DRAWN_TAG: "yes"} if draws else {})
    tracked.log_file(kept, CHECKPOINT_FOLDER, CHECKPOINT_FILE)
    conclude(tracked, artifacts.get(CONCLUSION, ""))


def evaluated(
    config: DictConfig,
    trainer: pl.Trainer,
    model: pl.LightningModule,
    data: pl.LightningDataModule,
    kept: Path,
) -> dict[str, Any]:
    """The results of `evaluate`, and the very numbers that the module logs, by name."""
    # A test may draw, too: the same numbers, whether training had ended in an earlier call or not.
    pl.seed_everything(config.seed, workers=True, verbose=False)
    # Not taken from the epoch's own: a task may change its weights when all training ends.
    trainer.validate(model, datamodule=data, ckpt_path=kept, verbose=False)
    validated = {name: value.item() for name, value in trainer.callback_metrics.items()}
    tested = {}
    if data.test_dataloader() != []:  # all is trained on; Lightning would only warn of that
        trainer.test(model, datamodule=data, ckpt_path=kept, verbose=False)
        tested = {name: value.item() for name, value in trainer.callback_metrics.items()}
    results = instantiate(config.evaluate)(model=model, data=data)
    measured = tested | {
        metric_names.kept(name): value for name, value in validated.items() if _is_val(name)
    }
    # Also where a task has reckoned them again.
    return results | {
        name: replace(results[name], value=value)
        if isinstance(results.get(name), Estimate)
        else value
        for name, value in measured.items()
    }


def _is_val(metric: str) -> bool:
    return Name.of(metric).part == VAL
