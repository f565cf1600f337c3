"""Where the settings lie: `conf/` of a checkout, or what travels with the package."""

from importlib.util import find_spec
from pathlib import Path

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
