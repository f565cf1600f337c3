"""Where the settings lie: `conf/` of a checkout, or what travels with the package; and composed."""

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, open_dict

from raphe.core.command_line import hydra_word
from raphe.core.errors import SettingError
from raphe.core.sentences import listed
from raphe.harness.settings.machine_settings import with_machine_settings

PACKAGED = "raphe.conf"
COMMAND_LINE = "command-line"  # what Hydra calls the source that --config-dir names
GROUP = re.compile(r"[a-z]\w*")


def conf_folder() -> Path:
    """The folder of train.yaml: the checkout's, where raphe runs from one, else the package's."""
    checkout = Path(__file__).parents[4] / "conf"
    if (checkout / "train.yaml").is_file():
        return checkout
    spec = find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{PACKAGED}: raphe is installed without its settings")
    return Path(next(iter(spec.submodule_search_locations)))


def composed_settings(
    overrides: Sequence[str] = (),
    config_dir: Path | None = None,
    choices: Mapping[str, str | None] | None = None,
    of: str = "settings",
) -> DictConfig:
    """The settings of `raphe train` as they are on this machine.

    Args:
        overrides: as on its command line.
        config_dir: a folder of settings beside conf/; a program that runs knows its own.
        choices: of groups, as {"task": "calcium"}; those that there are not here are left out, but
            for the task.
        of: what they are of, for sentences.

    Raises:
        SettingError: for a task that is not there, or settings that fit no conf.
    """
    if GlobalHydra.instance().is_initialized():  # train.py is at work
        return _composed(overrides, config_dir, choices or {}, of)
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return _composed(overrides, config_dir, choices or {}, of)


def hydras(config: DictConfig) -> DictConfig | HydraConf | None:
    """Hydra's own settings: of a sweep in its composed ones; None where Hydra started nothing."""
    if "hydra" in config:
        return config.hydra
    return HydraConfig.get() if HydraConfig.initialized() else None


def own_folder(config: DictConfig) -> Path | None:
    """The folder of --config-dir, which holds a person's own settings beside conf/."""
    hydra = hydras(config)
    sources = () if hydra is None else hydra.runtime.config_sources
    return next((Path(entry.path) for entry in sources if entry.provider == COMMAND_LINE), None)


def keep_own_folder(config: DictConfig, folder: Path) -> None:
    """Let `own_folder` find one in settings that were composed from a record, by no command line of
    Hydra's."""
    source = {"provider": COMMAND_LINE, "path": str(folder.absolute())}
    with open_dict(config):
        config.hydra = {"runtime": {"choices": {}, "config_sources": [source]}}


def search_path(config_dir: Path | None) -> list[str]:
    """The override that lets a second folder of settings be found, if there is one."""
    if config_dir is None:
        return []
    return [f"hydra.searchpath=[{hydra_word(f'file://{config_dir.absolute()}')}]"]


def group_options(group: str, config_dir: Path | None = None) -> list[str]:
    """The files of a group, those of a second folder too; none where there is no such group."""
    names = GlobalHydra.instance().config_loader().get_group_options(group)
    if config_dir is not None:
        names += [path.stem for path in (config_dir / group).glob("*.yaml")]
    return sorted(set(names))


def _composed(
    overrides: Sequence[str],
    config_dir: Path | None,
    choices: Mapping[str, str | None],
    of: str,
) -> DictConfig:
    known = {group: group_options(group, config_dir) for group in choices if GROUP.fullmatch(group)}
    if "task" in choices and choices["task"] not in known["task"]:
        raise SettingError(
            f"{of}: is of task {choices['task']!r:.60}, and the settings here know "
            f"{listed(known['task'])}; a task of your own lies in a folder, as --config-dir DIR"
        )
    chosen = [
        f"{group}={choices[group]}" for group, options in known.items() if choices[group] in options
    ]
    try:
        return compose(
            "train", with_machine_settings([*search_path(config_dir), *overrides, *chosen])
        )
    except HydraException as error:
        raise SettingError(f"{of}: {' '.join(str(error).split())}") from None
