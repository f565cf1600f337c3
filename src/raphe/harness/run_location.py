"""Where a run stands: in the tracking store, and on disk while it is not finished."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from raphe.core.files.checkpoint import is_damaged
from raphe.harness import identity
from raphe.harness.callbacks import BEST, LAST
from raphe.harness.database.address import local_folder, without_credentials
from raphe.harness.records.description import describe_run, stores_text
from raphe.harness.records.parameters import parameters, swept_numbers
from raphe.harness.records.tracked_run import (
    CHECKPOINT_FILE,
    CHECKPOINT_FOLDER,
    CONFIG_FILE,
    TrackedRun,
)
from raphe.harness.sweeps.member import SweepMember
from raphe.harness.tracking import (
    CONTENTS_TAG,
    DATA_TAG,
    DESCRIPTION_TAG,
    GIT_COMMIT_TAG,
    KEY_TAG,
    NOTE_TAG,
    PARENT_TAG,
    SEEN_TAG,
    RunFacts,
    Tracker,
)

NAME_LENGTH = 100
# Where a run is kept, how fast it is, and its task, which is the experiment: nothing of its result.
NOT_OF_NAME = {
    *("task", "hydra", "runs_root", "data_root", "tracking", "threads", "resume", "stage"),
    *("report", "export", "debug", "draw"),
}
UNFINISHED = ("RUNNING", "KILLED", "FAILED")  # a run killed outright stays RUNNING


@dataclass(frozen=True)
class RunLocation:
    tracker: Tracker
    tags: dict[str, str]  # those that find this very run again
    name: str
    work: Path  # checkpoints until the run is finished

    @classmethod
    def of(
        cls,
        tracker: Tracker,
        config: DictConfig,
        member: SweepMember | None,
        hashes: Mapping[str, str],
    ) -> "RunLocation":
        """The location of a single run, or of a sweep's member."""
        tags = {KEY_TAG: identity.run_key(config, hashes), DATA_TAG: identity.digest(hashes)}
        name = run_name(overrides_of_call())
        if member is not None:
            tags[PARENT_TAG] = member.parent_run_id
            name = member.label
        return cls(tracker, tags, name, work_folder(tracker, tags))

    @property
    def best_checkpoint(self) -> Path:
        return self.work / BEST

    @property
    def last_checkpoint(self) -> Path:
        return self.work / LAST

    def finished(self) -> RunFacts | None:
        """An earlier attempt that came to its end, and whose files are there.

        Of one whose weights are gone the sweep's export could make nothing; it is set aside.
        """
        for run in self._earlier_runs():
            if run.status != "FINISHED":
                continue
            if not (fault := fault_of(run)):
                return run
            print(
                f"note: {self.name}: finished as {run.run_id}, but its {fault}; it is trained anew",
                file=sys.stderr,
                flush=True,
            )
            self.tracker.delete(run.run_id)
        return None

    def begin_or_resume(self, resume: bool) -> TrackedRun:
        """Go on with the newest interrupted attempt, if there is one; else begin anew."""
        unfinished = [run for run in self._earlier_runs() if run.status in UNFINISHED]
        if resume and unfinished:
            return self.tracker.resume(unfinished[0].run_id)
        self.clear()
        for run in unfinished:
            if PARENT_TAG in self.tags:  # a sweep holds one child for each of its values
                self.tracker.delete(run.run_id)
            elif run.status == "RUNNING":  # its process was killed outright
                self.tracker.resume(run.run_id).end("KILLED")
        return self.tracker.begin(self.name, self.tags)

    def clear(self) -> None:
        for checkpoint in self.work.glob("*.ckpt"):
            checkpoint.unlink()

    def _earlier_runs(self) -> list[RunFacts]:
        """This run's earlier attempts, newest first; of a single run never a sweep's member."""
        runs = self.tracker.find(self.tags)
        return [run for run in runs if (PARENT_TAG in run.tags) == (PARENT_TAG in self.tags)]


def fault_of(run: RunFacts) -> str:
    """What of a finished run's files is not as it was left; of a server's it is not asked."""
    folder = local_folder(run.artifacts)
    if folder is None:
        return ""
    weights = folder / CHECKPOINT_FOLDER / CHECKPOINT_FILE
    if not (folder / CONFIG_FILE).is_file():
        return f"{CONFIG_FILE} is gone"
    if not weights.is_file():
        return "weights are gone"
    return "weights are cut or damaged" if is_damaged(weights) else ""


def overrides_of_call() -> list[str]:
    """What the command line set; nothing where Hydra did not start this process."""
    overrides = HydraConfig.get().overrides.task if HydraConfig.initialized() else []
    return [without_credentials(override) for override in overrides]


def run_name(overrides: Sequence[str]) -> str:
    """Of a single run: which settings were not the default, of paths their last part."""
    told = []
    for override in overrides:
        name, _, value = override.lstrip("+").partition("=")
        if name.partition(".")[0].partition("/")[0] not in NOT_OF_NAME:
            told.append(f"{name}={value.rstrip('/').rpartition('/')[2]}")
    name = f"run {' '.join(told)}" if told else "run with default settings"
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"


def work_folder(tracker: Tracker, tags: Mapping[str, str]) -> Path:
    """Where what these tags tell apart keeps its unfinished work; made if it is not there."""
    folder = tracker.runs_root / "work" / work_name(tags)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def work_name(tags: Mapping[str, str]) -> str:
    """Of that folder."""
    return identity.digest(tags)[:16]


def describe(
    run: TrackedRun,
    config: DictConfig,
    data: pl.LightningDataModule,
    member: SweepMember | None,
) -> None:
    """Track a run's settings, its data and its code."""
    swept = member.settings if member is not None else {}
    run.log_params(parameters(config, swept))
    run.log_config(config)
    run.log_metrics(swept_numbers(swept))
    run.log_params({f"store_hash.{name}": value for name, value in data.hashes.items()})
    run.log_stores(data.used_stores, data.hashes)
    contents = stores_text(data.used_stores)
    seen = {} if getattr(data, "validates_unseen", True) else {SEEN_TAG: "yes"}
    run.set_tags(
        {
            **seen,
            GIT_COMMIT_TAG: identity.code_version(),
            NOTE_TAG: data.note,
            CONTENTS_TAG: contents,
            DESCRIPTION_TAG: describe_run(contents, data.note, overrides_of_call()),
        }
    )
