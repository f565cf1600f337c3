"""Where the settings lie: `conf/` of a checkout, or what travels with the package; and composed."""

from importlib.util import find_spec
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from raphe.harness.settings.machine_settings import with_machine_settings

PACKAGED = "raphe.conf"


def conf_folder() -> Path:
    """The folder of train.yaml: the checkout's, where raphe runs from one, else the package's."""
    checkout = Path(__file__).parents[4] / "conf"
    if (checkout / "train.yaml").is_file():
        return checkout
    spec = find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{PACKAGED}: raphe is installed without its settings")
    return Path(next(iter(spec.submodule_search_locations)))


def composed_settings() -> DictConfig:
    """The settings of `raphe train` as they are on this machine. Raises SettingError."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose("train", with_machine_settings([]))
