"""What a multirun sweeps over, as its command line and its settings say."""

import math
import sys

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

MANY = sys.maxsize
GRIDS = (  # sweepers that train all combinations
    "hydra_plugins.raphe_grid.GridSweeper",
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
)


def is_open(config: DictConfig) -> bool:
    """Whether the sweeper finds its members one after the other, by what earlier ones came to."""
    return OmegaConf.select(config, "hydra.sweeper._target_") not in GRIDS


def overrides_of(config: DictConfig) -> dict[str, Override]:
    """What the sweeper and the command line say, by setting; the last word counts."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    texts = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    overrides = OverridesParser.create().parse_overrides(texts)
    return {override.key_or_group: override for override in overrides}


def swept(config: DictConfig) -> dict[str, list[str]]:
    """The swept settings, each with its values as on the command line, none of them twice; a range
    without steps, which a sweeper draws from, as it stands there."""
    values = {name: o for name, o in overrides_of(config).items() if o.is_sweep_override()}
    return {
        name: list(dict.fromkeys(override.sweep_string_iterator()))
        if override.is_discrete_sweep()
        else [override.get_value_element_as_str()]
        for name, override in values.items()
    }


def fixed_overrides(config: DictConfig) -> list[str]:
    """The overrides that all members have, as written and as Hydra's sweepers write them anew."""
    texts = list(config.hydra.overrides.task)
    overrides = OverridesParser.create().parse_overrides(texts)
    pairs = zip(texts, overrides, strict=True)
    fixed = [(text, o) for text, o in pairs if not o.is_sweep_override()]
    anew = [f"{o.get_key_element()}={o.get_value_element_as_str()}" for _, o in fixed]
    return [*(text for text, _ in fixed), *anew]


def settings_told_by_data(config: DictConfig) -> list[str]:
    """The settings whose values the data tell, see raphe.harness.sweeps.section."""
    return list(config.sweep["values"]) if "sweep" in config else []


def foreseen_members(config: DictConfig) -> int:
    """How many there will be, before there are data: MANY where they tell it, 1 of an open one."""
    if is_open(config):
        return 1
    return MANY if settings_told_by_data(config) else math.prod(map(len, swept(config).values()))
