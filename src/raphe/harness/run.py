"""One run of any task: prepare → fit → test, tracked and resumable.

A task is reached only through the `_target_` strings of its file in conf/task:

- `prepare()` returns the settings of `data` that it settled, as where the store is;
- `data` is a LightningDataModule with `hashes` (the content hash of each of its stores, by
  name), `facts` (keyword arguments that complete `model`) and `note` (a sentence that must stand
  beside every result, or ""); the order of its training batches depends on (seed, epoch) alone;
- `model` is a LightningModule that logs `train/…`, `val/…` and `<test set>/…` once an epoch;
- `evaluate(model, data)` returns artifacts of the tested model, figures and texts by file name.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from filelock import FileLock, Timeout
from hydra.utils import call, instantiate
from omegaconf import DictConfig

from raphe.core.errors import SettingError
from raphe.harness import callbacks, identity, report, settings
from raphe.harness.cores import available_cores
from raphe.harness.memory import keep_freed_memory
from raphe.harness.quiet import quieten
from raphe.harness.sweep_member import ReportEpoch, SweepMember
from raphe.harness.tracking import (
    DATA_TAG,
    GIT_COMMIT_TAG,
    KEY_TAG,
    NOTE_TAG,
    PARENT_TAG,
    RunFacts,
    TrackedRun,
    Tracker,
)

UNFINISHED = ("RUNNING", "KILLED", "FAILED")  # a run killed outright stays RUNNING


class RunFailed(BaseException):
    """Carries an error past Hydra, which would print its own report of it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True)
class Place:
    """Where a run stands in the tracking store and on disk."""

    tracker: Tracker
    tags: dict[str, str]  # those that find this very run again
    name: str
    work: Path  # checkpoints until the run is finished

    @property
    def last_checkpoint(self) -> Path:
        return self.work / "last.ckpt"

    def earlier_runs(self) -> list[RunFacts]:
        """This run's earlier attempts, newest first; of a single run never a sweep's member."""
        runs = self.tracker.find(self.tags)
        return [run for run in runs if (PARENT_TAG in run.tags) == (PARENT_TAG in self.tags)]

    def clear(self) -> None:
        for checkpoint in self.work.glob("*.ckpt"):
            checkpoint.unlink()


def run(config: DictConfig) -> None:
    """Run the composed config once; inside a sweep, as one of its members.

    Raises:
        RunFailed: with the error that ended a single run. A failed member of a sweep is reported
            at once, and the next one goes on.
    """
    member = SweepMember.current()
    if member is not None:
        member.end_with_launcher()
    try:
        facts, skipped = _run(config, member)
    except Exception as error:
        if member is None:
            raise RunFailed(error) from error
        member.failed(error)
    else:
        if member is not None:
            member.finished(facts.run_id, skipped)


def _run(config: DictConfig, member: SweepMember | None) -> tuple[RunFacts, bool]:
    """Run, print the results of a single run; tell whether the member had finished before."""
    quieten()
    keep_freed_memory()
    settings.check(config)
    torch.set_num_threads(_threads(config, member))
    pl.seed_everything(config.seed, workers=True, verbose=False)
    data = instantiate(config.data, **call(config.prepare))
    data.prepare_data()
    data.setup("fit")

    place = _place(config, member, data.hashes)
    try:
        with FileLock(place.work / "lock", blocking=False):
            earlier = _finished(place) if member is not None and config.resume else None
            facts = earlier or _train_and_test(config, member, data, place)
            place.clear()
    except Timeout:
        raise SettingError(
            f"{place.name}: another process is training this run (same settings, same data); "
            "wait for it, or change a setting"
        ) from None
    if member is None:
        report.print_run(facts, config.report, data.note, place.tracker)
    return facts, earlier is not None


def _threads(config: DictConfig, member: SweepMember | None) -> int:
    if config.threads is not None:
        return config.threads
    return max(1, available_cores() // (member.n_workers if member is not None else 1))


def _place(config: DictConfig, member: SweepMember | None, hashes: Mapping[str, str]) -> Place:
    tracker = Tracker.from_settings(config)
    tags = {KEY_TAG: identity.run_key(config, hashes), DATA_TAG: identity.digest(hashes)}
    name = config.tracking.experiment
    if member is not None:
        tags[PARENT_TAG] = member.parent_run_id
        name = member.label
    work = tracker.runs_root / "work" / identity.digest(tags)[:16]
    work.mkdir(parents=True, exist_ok=True)
    return Place(tracker, tags, name, work)


def _finished(place: Place) -> RunFacts | None:
    return next((run for run in place.earlier_runs() if run.status == "FINISHED"), None)


def _train_and_test(
    config: DictConfig, member: SweepMember | None, data: pl.LightningDataModule, place: Place
) -> RunFacts:
    tracked = _begin_or_resume(place, config.resume)
    with tracked.until_done(), tracked.system_metrics(config.tracking.system_metrics_every_s):
        tracked.log_settings(config)
        tracked.log_params({f"store_hash.{name}": value for name, value in data.hashes.items()})
        tracked.set_tags({GIT_COMMIT_TAG: identity.code_version(), NOTE_TAG: data.note})
        model = instantiate(config.model, **data.facts)
        _check_optimizer(model)
        trainer = _trainer(config, member, tracked, place.work)
        resume_from = place.last_checkpoint if place.last_checkpoint.exists() else None
        with _ctrl_c():
            if resume_from is None or not callbacks.had_stopped_early(resume_from):
                trainer.fit(model, datamodule=data, ckpt_path=resume_from)
            _test(config, trainer, model, data, tracked, place.work)
    return place.tracker.get(tracked.run_id)


@contextlib.contextmanager
def _ctrl_c() -> Iterator[None]:
    """Undo Lightning's habit of turning Ctrl-C into an exit."""
    try:
        yield
    except SystemExit as leaving:
        raise KeyboardInterrupt from leaving


def _begin_or_resume(place: Place, resume: bool) -> TrackedRun:
    """Go on where the newest interrupted attempt left a checkpoint; else begin anew."""
    unfinished = [run for run in place.earlier_runs() if run.status in UNFINISHED]
    if resume and unfinished and place.last_checkpoint.exists():
        return place.tracker.resume(unfinished[0].run_id)
    place.clear()
    if PARENT_TAG in place.tags:  # a sweep holds one child for each of its values
        for run in unfinished:
            place.tracker.delete(run.run_id)
    return place.tracker.begin(place.name, place.tags)


def _check_optimizer(model: pl.LightningModule) -> None:
    try:
        model.configure_optimizers()
    except (TypeError, ValueError) as error:
        raise SettingError(f"model.optimizer: {error}; correct its settings") from error


def _trainer(
    config: DictConfig, member: SweepMember | None, tracked: TrackedRun, work: Path
) -> pl.Trainer:
    metric, mode = config.monitor.metric, config.monitor.mode
    return instantiate(
        config.trainer,
        logger=False,
        default_root_dir=str(work),
        enable_progress_bar=member is None,
        callbacks=[
            callbacks.SeedEachEpoch(config.seed),
            callbacks.RequireMetric(metric),
            callbacks.TrackEpochs(tracked),
            *callbacks.checkpoints(work, metric, mode),
            *callbacks.early_stopping(metric, mode, config.callbacks.patience),
            callbacks.progress_bar() if member is None else ReportEpoch(member),
        ],
    )


def _test(
    config: DictConfig,
    trainer: pl.Trainer,
    model: pl.LightningModule,
    data: pl.LightningDataModule,
    tracked: TrackedRun,
    work: Path,
) -> None:
    kept = work / f"{config.callbacks.keep}.ckpt"
    kept_epoch, last_epoch = (
        torch.load(path, weights_only=True)["epoch"] for path in (kept, work / "last.ckpt")
    )
    trainer.test(model, datamodule=data, ckpt_path=kept, verbose=False)
    metrics = {key: value.item() for key, value in trainer.callback_metrics.items()}
    tracked.log_metrics({**metrics, "kept_epoch": kept_epoch, "epochs": last_epoch + 1})
    artifacts = call(config.evaluate, model=model, data=data)
    report.stamp(artifacts, data.note)
    tracked.log_artifacts(artifacts)
    tracked.log_file(kept, "checkpoint", "model.ckpt")
