"""What a multirun adds: a parent run, its resume, the report over its members, an exit code.

An experiment may have more to say to it, see raphe.harness.sweeps.section.
"""

import contextlib
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.utils import call, instantiate
from omegaconf import DictConfig, OmegaConf

from raphe.harness import identity, settings
from raphe.harness.cores import available_cores
from raphe.harness.explain import user_line
from raphe.harness.quiet import quieten
from raphe.harness.reference import read_reference
from raphe.harness.sweeps import section as sweep_section
from raphe.harness.sweeps.parent import SweepParent
from raphe.harness.tracking import Tracker, TrackingError

DATA_DECIDING = {"data", "prepare", "data_root", "seed", "task", "experiment", "debug"}


class SweepCallback(Callback):
    """Hydra's callback in the process that starts a multirun; workers carry an empty copy."""

    exit_code: ClassVar[int] = 0
    _running: ClassVar[SweepParent | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        # Hydra turns an exception here into a warning and goes on; an exit it lets pass.
        quieten()
        try:
            settings.check(config)
            SweepCallback._running = _parent(config)
            SweepCallback._running.start()
            SweepCallback._running.show_progress()
        except Exception as error:
            SweepCallback.end_running("FAILED")
            sys.exit(_told(error))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        # Here, too, Hydra would turn an exception into a warning, and the exit code into 0.
        try:
            complete = SweepCallback._running is not None and SweepCallback._running.finish()
            SweepCallback.exit_code = 0 if complete else 1
            SweepCallback._running = None
        except Exception as error:
            SweepCallback.exit_code = 1
            print(_told(error), file=sys.stderr)
            SweepCallback.end_running("FAILED")

    @classmethod
    def end_running(cls, status: str) -> None:
        """End a sweep that cannot go on, as KILLED or FAILED."""
        sweep, cls._running = cls._running, None
        if sweep is not None:
            with contextlib.suppress(TrackingError):  # it may be why the sweep cannot go on
                sweep.abandon(status)


def _told(error: Exception) -> str:
    line = user_line(error)
    if line is None:
        traceback.print_exception(error)
    return f"error: {line or 'the sweep could not go on, see above'}"


def _parent(config: DictConfig) -> SweepParent:
    tracker = Tracker.from_settings(config)
    told_by_data = sweep_section.settings_told_by_data(config)
    others = [name for name in _swept(config) if _decides_data(name) and name not in told_by_data]
    sweep_section.refuse_other_data(config, others)
    summarise, hashes = None, {}
    if not others:  # one for all members, prepared here with its progress bars
        data = instantiate(config.data, **call(config.prepare))
        hashes = data.hashes
        sweep_section.fill_in(config, data)
        if told_by_data:
            how = instantiate(config.sweep.summarise)
            summarise = partial(sweep_section.summarise, config, how, tracker, data)
    parameters = _swept(config)
    for parameter in parameters:
        read_reference(config.report.get("reference"), parameter)  # told now, not after the sweep
    key = identity.digest({"run": identity.run_key(config, hashes), "sweep": parameters})
    folder = Path(config.hydra.sweep.dir)
    n_workers = _n_workers(config)
    return SweepParent(
        tracker, config, "sweep", key, folder, parameters, hashes, n_workers, summarise
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


def _decides_data(setting: str) -> bool:
    return setting.partition(".")[0] in DATA_DECIDING


def _n_workers(config: DictConfig) -> int:
    n_jobs = OmegaConf.select(config, "hydra.launcher.n_jobs") or 1
    return n_jobs if n_jobs > 0 else available_cores()  # joblib: -1 is every core
