"""What `python train.py` does: `stage=train`, the default, here a bank too, or `stage=export`."""

from omegaconf import DictConfig

from raphe.harness.banks.bank import run_bank
from raphe.harness.export import export
from raphe.harness.run import run
from raphe.harness.settings import is_bank


def run_stage(config: DictConfig) -> None:
    """Train and test, once or the members of a bank, or export a sweep. Raises RunFailed."""
    if config.stage == "export":
        export(config)
    elif is_bank(config):
        run_bank(config)
    else:
        run(config)
