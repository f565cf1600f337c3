"""The section `sweep` of an experiment: values that only its data tell, and a word over all runs.

- `values` maps a setting to what builds a function of `data`: it returns what to sweep over;
- `summarise` builds a function of `members` (those that finished, a list of SweptRun), `missing`
  (the swept settings of the others) and `data`. It returns artifacts and metrics of the parent run,
  as `evaluate` does of a run; the text `summary.txt` is printed.

Values given on the command line come first. `data` is the datamodule before its set-up.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from raphe.core.errors import SettingError
from raphe.core.files.scratch import Scratch
from raphe.core.metric_names import kept
from raphe.core.protocol import SweptRun
from raphe.harness.runs import artifacts
from raphe.harness.sweeps.swept import settings_told_by_data
from raphe.harness.tracking import RunFacts, Tracker

Summarise = Callable[..., dict[str, Any]]


def fill_in(config: DictConfig, data: pl.LightningDataModule) -> None:
    """Put the values that the data tell where Hydra's sweeper reads them."""
    for setting in settings_told_by_data(config):
        values = instantiate(config.sweep["values"][setting])(data=data)
        sweeper = config.hydra.sweeper
        with read_write(config), open_dict(sweeper):
            sweeper.params = {
                **(sweeper.params or {}),
                setting: ",".join(str(value) for value in values),
            }


def refuse_other_data(config: DictConfig, others: Sequence[str]) -> None:
    """Refuse to sweep `others`, which decide the data, beside settings whose values data tell."""
    told_by_data = settings_told_by_data(config)
    if told_by_data and others:
        own = ", or give the data a seed of their own (data.seed=1)" if others[0] == "seed" else ""
        raise SettingError(
            f"{others[0]}: cannot be swept beside {told_by_data[0]}, whose values depend on the "
            f"data; run one after the other, each with one value of {others[0]}{own}"
        )


def summary_of(
    config: DictConfig, tracker: Tracker, data: pl.LightningDataModule
) -> Callable[..., dict[str, Any]]:
    """What sums the members up, to be called with them; see `summarise`."""
    return partial(summarise, config, instantiate(config.sweep.summarise), tracker, data)


def summarise(
    config: DictConfig,
    how: Summarise,
    tracker: Tracker,
    data: pl.LightningDataModule,
    finished: Sequence[tuple[Mapping[str, str], RunFacts]],
    missing: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Let the task sum up the members, each given with its swept settings."""
    # Those that data tell, also where one value is left, which is not swept.
    names = settings_told_by_data(config)
    from_data = {name: str(OmegaConf.select(config, name)) for name in names}
    with Scratch() as scratch:
        members = []
        for settings, run in finished:
            monitored = run.metrics.get(kept(config.monitor.metric), math.nan)
            fetch = _fetcher(tracker, run.run_id, scratch)
            members.append(SweptRun(run.name, {**from_data, **settings}, monitored, fetch))
        missing_settings = [{**from_data, **settings} for settings in missing]
        return how(members=members, missing=missing_settings, data=data)


def _fetcher(tracker: Tracker, run_id: str, scratch: Path) -> Callable[[str], Path]:
    def fetch(name: str) -> Path:
        folder = scratch / run_id
        folder.mkdir(exist_ok=True)
        return artifacts.fetch(tracker, run_id, name, folder)

    return fetch
