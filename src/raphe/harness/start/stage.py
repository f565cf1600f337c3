"""What training is told to do: `stage=train`, the default, here a bank too, or `stage=export`."""

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from raphe.harness.database.folder import require_runs
from raphe.harness.settings import composed
from raphe.harness.start.explain import RunFailed


def run_stage(config: DictConfig) -> float | None:
    """Train and test, once or the members of a bank, or export a sweep. Raises RunFailed.

    Returns, for a sweeper, what a sweep's member came to; see raphe.harness.run.
    """
    if HydraConfig.get().mode == RunMode.RUN:  # of a sweep its callback has checked them
        _check(config)
    # Torch, Lightning and MLflow, which take seconds to import, only after the checks.
    if config.stage == "export":
        from raphe.harness.export import export

        export(config)
        return None
    if composed.is_bank(config):
        from raphe.harness.banks.bank import run_bank

        run_bank(config)
        return None
    from raphe.harness.run import run

    return run(config)


def _check(config: DictConfig) -> None:
    try:
        composed.check_values(config)
        files = OmegaConf.select(config, "export.checkpoints.files")
        if config.stage == "export" and config.tracking.uri is None and not files:
            require_runs(config.runs_root)
    except Exception as error:
        raise RunFailed(error) from error
