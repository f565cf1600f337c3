"""The data of runs that are exported: the same for all of them, and as they were trained on."""

from collections.abc import Sequence
from textwrap import shorten

import pytorch_lightning as pl
from hydra.errors import InstantiationException
from hydra.utils import call, instantiate
from omegaconf import DictConfig

from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.files.prepared import found_only
from raphe.core.sentences import first_line, printable
from raphe.harness.settings import composed
from raphe.harness.tracking import RunFacts

STORE_HASH = "store_hash."
LONGEST_SHOWN = 200  # of settings in a sentence


def require_same_data(runs: Sequence[RunFacts], configs: Sequence[DictConfig]) -> None:
    """Refuse members of several splits or stores: one's validation data are trained on by another.

    How a store was prepared counts only where another store came of it.
    """
    first = composed.flat(configs[0])
    for run, config in zip(runs[1:], configs[1:], strict=True):
        other = composed.flat(config)
        differing = [name for name in {**first, **other} if first.get(name) != other.get(name)]
        sections = ["data"] if _hashes(run) == _hashes(runs[0]) else ["data", "prepare"]
        for section in sections:
            of_section = [name for name in differing if name.startswith(f"{section}.")]
            if of_section:
                name = min(of_section, key=lambda name: name.count("."))  # others follow it
                raise SettingError(
                    f"{run.name} and {runs[0].name} differ in their data ({name} is "
                    f"{other.get(name)} and {first.get(name)}), so that what one was trained on "
                    f"may choose and test the other; train them again with one {name} for all"
                )


def _hashes(run: RunFacts) -> dict[str, str]:
    """Of the stores that a run was trained on."""
    return {name: value for name, value in run.params.items() if name.startswith(STORE_HASH)}


def differing_settings(local: DictConfig, recorded: DictConfig) -> list[str]:
    """What a record says of how data are made, and the settings of this person do not."""
    here, then = (composed.flat(config.prepare) for config in (local, recorded))
    return [f"prepare.{name}={value}" for name, value in then.items() if here.get(name) != value]


def rebuild(
    config: DictConfig, runs: Sequence[RunFacts], differing: Sequence[str]
) -> pl.LightningDataModule:
    """The data of the runs, split as they were. Raises SettingError where a store has changed.

    `differing`: settings of how they are made that are the record's alone. A billion simulated
    cells, or every file of this machine, would be read before a hash could be compared: with these
    what is there already is looked for, and nothing is made.
    """
    name = f"{runs[0].name} {runs[0].run_id}"
    shown = printable(shorten(", ".join(differing), LONGEST_SHOWN, placeholder=" …"))
    command = printed_command("raphe", "train", "stage=export", "data.store=STORE")
    reason = (
        f"and no record has it made ({name}: {shown}); name the store, as `{command}`, or, if you "
        "know these settings, give them yourself in its place"
    )
    try:
        with found_only(reason if differing else ""):
            prepared = call(config.prepare)
        data = instantiate(config.data, **prepared)
    except InstantiationException as error:
        if isinstance(error.__cause__, TypeError | ValueError | AttributeError):
            raise SettingError(
                f"{runs[0].name} {runs[0].run_id}: the data cannot be made of what its record says "
                f"({first_line(error.__cause__)}); train that run again"
            ) from error
        raise
    for run in runs:
        for name, now in data.hashes.items():
            then = run.params.get(f"{STORE_HASH}{name}")
            if then != now:
                raise SettingError(
                    f"store {name} (data.store={config.data.get('store')}) has content hash "
                    f"{now[:12]}…, but {run.name} {run.run_id} was trained on {str(then)[:12]}…; "
                    "put the old store back, or train anew"
                )
    data.prepare_data()
    data.setup("fit")
    data.setup("test")
    return data
