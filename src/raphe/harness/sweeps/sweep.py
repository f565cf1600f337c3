"""What a multirun adds: the parent run of what the composed settings sweep over.

An experiment may have more to say to it, see raphe.harness.sweeps.section.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import call, instantiate
from joblib import effective_n_jobs
from omegaconf import DictConfig, OmegaConf

from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.sentences import counted
from raphe.harness import identity
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
from raphe.harness.sweeps.kinds import decides_data, kind_of
from raphe.harness.sweeps.parent import JOBS_TAG, SweepParent
from raphe.harness.tracking import DATA_TAG, SWEEP_TAG, Tracker


def begin_sweep(config: DictConfig) -> SweepParent:
    """Prepare what all members share, and begin their parent run or resume it.

    Raises SettingError, also where the data cannot be those of every member.
    """
    _check_members(config)
    is_on_slurm = leaves_to_slurm(config)
    if is_on_slurm:
        require_submitit()
        require_server(config.tracking.uri, plain(config.hydra.launcher, resolve=True))
    tracker = Tracker.from_settings(config)
    told_by_data = sweep_section.settings_told_by_data(config)
    others = [name for name in _swept(config) if decides_data(name) and name not in told_by_data]
    sweep_section.refuse_other_data(config, others)
    summarise, hashes = None, {}
    if not others:  # one for all members, prepared here with its progress bars
        data = instantiate(config.data, **call(config.prepare))
        hashes = data.hashes
        sweep_section.fill_in(config, data)
        if told_by_data:
            summarise = sweep_section.summary_of(config, tracker, data)
    parameters = _swept(config)
    for parameter in parameters:
        read_reference(config.report.get("reference"), parameter)  # told now, not after the sweep
    key = identity.digest({"run": identity.run_key(config, hashes), "sweep": parameters})
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
        n_workers=_n_workers(config),
        are_jobs=is_on_slurm,
        summarise=summarise,
    )


def _swept(config: DictConfig) -> dict[str, list[str]]:
    """The swept settings, each with its values as on the command line."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    texts = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    overrides = OverridesParser.create().parse_overrides(texts)
    last = {override.key_or_group: override for override in overrides}  # its word counts
    return {
        name: list(override.sweep_string_iterator())
        for name, override in last.items()
        if override.is_sweep_override()
    }


def _check_members(config: DictConfig) -> None:
    """Raise SettingError for a member whose settings do not fit, before any is trained."""
    parser, known = OverridesParser.create(), flat(without_hydra(config))
    swept = [
        [(name, parser.parse_override(f"{name}={text}").value()) for text in texts]
        for name, texts in _swept(config).items()
        if name in known
    ]
    for member in itertools.product(*swept):
        check_together(config, dict(member))


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


def _n_workers(config: DictConfig) -> int:
    n_jobs = OmegaConf.select(config, "hydra.launcher.n_jobs") or 1
    return effective_n_jobs(n_jobs)  # -1 is every core
