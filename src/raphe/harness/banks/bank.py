"""A bank: the members of a sweep trained in one pass over the data, each then tested as ever.

`model=bank` asks for it. The task is reached through the section `bank` of its file in conf/task:

- `setting` is what the members differ in, a setting of the model, and `values` are theirs;
- the rest builds a LightningModule, given `members`: the models of single runs, by label. It trains
  these very models, those whose label stands in its `active`, and logs `<label>|train/…` and
  `<label>|val/…` once an epoch; its optimisers are one for each member, in their order. When an
  epoch ends, they and the models are up to date.

In the tracking store a bank is a sweep: a parent with a child for each member.
"""

import contextlib
import copy
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.utils import call, instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from raphe.core.errors import RapheError
from raphe.harness import identity
from raphe.harness.banks.train_together import Job, train_together
from raphe.harness.launchers.local import modules_of
from raphe.harness.launchers.processes import import_ahead, run_all
from raphe.harness.process import keep_freed_memory, quieten
from raphe.harness.run import run_as, threads
from raphe.harness.run_location import RunLocation, work_folder
from raphe.harness.settings import composed
from raphe.harness.start.explain import RunFailed
from raphe.harness.sweeps.kinds import Kind
from raphe.harness.sweeps.member import SweepMember
from raphe.harness.sweeps.parent import SweepParent
from raphe.harness.sweeps.plan import SweepPlan
from raphe.harness.tracking import DATA_TAG, SWEEP_TAG, Tracker, TrackingError


class MembersFailed(RapheError):
    """Some members of a bank did not finish."""


def run_bank(config: DictConfig) -> None:
    """Train and test every member. Raises RunFailed, also where a member does not finish."""
    try:
        complete = _run_bank(config)
    except Exception as error:
        raise RunFailed(error) from error
    if not complete:
        raise RunFailed(MembersFailed("not every member of the bank finished, see above"))


def _run_bank(config: DictConfig) -> bool:
    quieten()
    keep_freed_memory()
    composed.check(config)
    composed.check_bank(config, HydraConfig.get().overrides.task)
    tracker = Tracker.from_settings(config)
    data = instantiate(config.data, **call(config.prepare))
    data.prepare_data()
    data.setup("fit")
    parent = _parent(tracker, config, data)
    try:
        parent.start()
        jobs = _jobs(tracker, config, data, parent.plan)
        work = work_folder(tracker, {"bank": parent.plan.parent_run_id})
        train_together(config, data, jobs, work / "bank.ckpt")
        parent.show_progress()
        rest = [job for job in jobs if not job.member.has_ended]
        _finish_all(config, rest, parent.plan.n_workers)
        return parent.finish()
    except KeyboardInterrupt:
        _abandon(parent, "KILLED")
        raise
    except Exception:
        _abandon(parent, "FAILED")
        raise


def _finish_all(config: DictConfig, jobs: Sequence[Job], n_workers: int) -> None:
    """Test, and record, those that have been trained."""
    members = [(job.member, job.config) for job in jobs]
    if n_workers == 1:
        for member in members:
            run_as(*member)
        return
    import_ahead(modules_of(config))
    run_all(run_as, members, n_workers)


def _parent(tracker: Tracker, config: DictConfig, data: pl.LightningDataModule) -> SweepParent:
    parameters = {config.bank.setting: [str(value) for value in config.bank["values"]]}
    bank = composed.plain(config.bank, resolve=True)
    key = identity.digest({"run": identity.run_key(config, data.hashes), "bank": bank})
    n_workers = min(threads(config, n_workers=1), len(config.bank["values"]))
    tags = {SWEEP_TAG: key, DATA_TAG: identity.digest(data.hashes)}
    return SweepParent(tracker, config, Kind.BANK, tags, _folder(), parameters, n_workers=n_workers)


def _folder() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)


def _jobs(
    tracker: Tracker, config: DictConfig, data: pl.LightningDataModule, plan: SweepPlan
) -> list[Job]:
    jobs = []
    for number, value in enumerate(config.bank["values"]):
        folder = _folder() / str(number)
        folder.mkdir()
        member = SweepMember(
            parent_run_id=plan.parent_run_id,
            n_workers=plan.n_workers,
            settings={config.bank.setting: str(value)},
            folder=folder,
        )
        own = copy.deepcopy(config)
        OmegaConf.update(own, config.bank.setting, value)
        with open_dict(own):
            del own.bank.train
        jobs.append(Job(member, own, RunLocation.of(tracker, own, member, data.hashes)))
    return jobs


def _abandon(parent: SweepParent, status: str) -> None:
    with contextlib.suppress(TrackingError):  # it may be why the bank cannot go on
        parent.abandon(status)
