"""What a multirun adds: the parent run of what the composed settings sweep over.

An experiment may have more to say to it, see raphe.harness.sweeps.section.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import call, instantiate
from omegaconf import DictConfig, OmegaConf

from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.sentences import counted
from raphe.harness import identity
from raphe.harness.launchers.local import n_workers
from raphe.harness.report.reference import read_reference
from raphe.harness.settings.composed import (
    check_together,
    flat,
    leaves_to_slurm,
    plain,
    without_hydra,
)
from raphe.harness.slurm.queue import JobArray, require_server, require_submitit, unfinished
from raphe.harness.sweeps import section as sweep_section
from raphe.harness.sweeps.kinds import data_follow_seed, decides_data, kind_of
from raphe.harness.sweeps.parent import JOBS_TAG, SweepParent
from raphe.harness.sweeps.swept import (
    fixed_overrides,
    is_open,
    overrides_of,
    settings_told_by_data,
    swept,
)
from raphe.harness.tracking import DATA_TAG, SWEEP_TAG, Tracker


def begin_sweep(config: DictConfig) -> SweepParent:
    """Prepare what all members share, and begin their parent run or resume it.

    Raises SettingError, also where the data cannot be those of every member.
    """
    _check_members(config)
    if leaves_to_slurm(config):
        require_submitit()
        require_server(config.tracking.uri, plain(config.hydra.launcher, resolve=True))
    tracker = Tracker.from_settings(config)
    told_by_data = settings_told_by_data(config)
    opens = is_open(config)
    if opens:
        _refuse_open(config, told_by_data)
    others = [name for name in swept(config) if name not in told_by_data and _differ(config, name)]
    sweep_section.refuse_other_data(config, others)
    summarise, hashes = None, {}
    if not others:  # one for all members, prepared here with its progress bars
        data = instantiate(config.data, **call(config.prepare))
        hashes = data.hashes
        sweep_section.fill_in(config, data)
        if told_by_data:
            summarise = sweep_section.summary_of(config, tracker, data)
    parameters = swept(config)
    for parameter in parameters:
        read_reference(config.report.get("reference"), parameter)  # told now, not after the sweep
    sweep = {"sweep": parameters, **({"sweeper": plain(config.hydra.sweeper)} if opens else {})}
    key = identity.digest({"run": identity.run_key(config, hashes), **sweep})
    folder = Path(config.hydra.sweep.dir)
    tags = {SWEEP_TAG: key, DATA_TAG: identity.digest(hashes)}
    _refuse_if_queued(tracker, tags)
    return SweepParent(
        tracker,
        config,
        kind_of(config, parameters, told_by_data),
        tags,
        folder,
        parameters,
        n_workers=n_workers(config, 1 if opens else math.prod(map(len, parameters.values()))),
        fixed=fixed_overrides(config) if opens else None,
        summarise=summarise,
    )


def _refuse_open(config: DictConfig, told_by_data: Sequence[str]) -> None:
    """Raise SettingError for what a sweep cannot be whose members nobody knows beforehand."""
    if told_by_data:
        raise SettingError(
            f"hydra/sweeper: {told_by_data[0]} takes the values that the data tell, all of them; "
            "leave out the sweeper"
        )
    if OmegaConf.select(config, "hydra.launcher.detach"):
        raise SettingError(
            "--detach: this sweeper chooses members by what earlier ones came to, so that it must "
            "stay; leave out --detach"
        )


def _differ(config: DictConfig, setting: str) -> bool:
    """Whether members that differ in a setting may differ in their data."""
    if setting == "seed":
        return data_follow_seed(config)
    return decides_data(setting)


def _check_members(config: DictConfig) -> None:
    """Raise SettingError for a member whose settings do not fit, before any is trained."""
    parser, known = OverridesParser.create(), flat(without_hydra(config))
    values_of = {
        name: [parser.parse_override(f"{name}={text}").value() for text in texts]
        for name, texts in swept(config).items()
        if name in known and overrides_of(config)[name].is_discrete_sweep()
    }
    checked = [name for name, values in values_of.items() if _is_checked(config, name, values)]
    for values in itertools.product(*(values_of[name] for name in checked)):
        check_together(config, dict(zip(checked, values, strict=True)))


def _is_checked(config: DictConfig, setting: str, values: Sequence[Any]) -> bool:
    """Whether the task's check sees a setting at all: combinations of the others are one to it."""
    if "check" not in config:
        return False
    settings, seen = config.copy(), []
    for value in values:
        OmegaConf.update(settings, setting, value)
        seen.append(OmegaConf.to_container(settings.check, resolve=True))
    return any(other != seen[0] for other in seen)


def _refuse_if_queued(tracker: Tracker, tags: Mapping[str, str]) -> None:
    """Raise SettingError where SLURM still has members of an earlier call of the same sweep."""
    for run in tracker.find(tags):
        arrays = JobArray.read(run.tags.get(JOBS_TAG, ""))
        if arrays and (jobs := unfinished(arrays)):
            wait = printed_command("raphe", "sweep", "wait", run.run_id, *tracker.options)
            raise SettingError(
                f"{run.name}: SLURM has {counted('member', len(jobs))} of this very sweep in its "
                f"queue; `{wait}` waits for it, `scancel "
                f"{' '.join(array.job for array in arrays)}` ends it"
            )
