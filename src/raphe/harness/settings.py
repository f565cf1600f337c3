"""The composed settings: as one flat mapping, and checked before anything is prepared."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from raphe.core.errors import SettingError

KEEPS = ("best", "last")
MODES = ("min", "max")


def flat(config: DictConfig) -> dict[str, Any]:
    """Every setting by its full name, `{"model.kernel": 20, …}`."""
    return dict(_flatten(OmegaConf.to_container(config, resolve=True, throw_on_missing=True)))


def names(config: DictConfig) -> list[str]:
    return [name for name, _ in _flatten(OmegaConf.to_container(config))]


def check(config: DictConfig) -> None:
    """Raise SettingError for a value no run can have, before hours are spent on it."""
    _one_of(config, "callbacks.keep", KEEPS)
    _one_of(config, "monitor.mode", MODES)
    _whole_number(config, "seed", least=0)
    _whole_number(config, "trainer.max_epochs", least=1)
    _whole_number(config, "threads", least=1, optional=True)
    _whole_number(config, "callbacks.patience", least=1, optional=True)
    if not config.report.metrics:
        raise SettingError("report.metrics: expected at least one metric to report, got none")


def _one_of(config: DictConfig, name: str, allowed: tuple[str, ...]) -> None:
    value = OmegaConf.select(config, name)
    if value not in allowed:
        raise SettingError(f"{name}={value}: expected {' or '.join(allowed)}")


def _whole_number(config: DictConfig, name: str, least: int, optional: bool = False) -> None:
    value = OmegaConf.select(config, name)
    if optional and value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        or_null = ", or null" if optional else ""
        raise SettingError(f"{name}={value}: expected a whole number of {least} or more{or_null}")


def _flatten(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(node, dict) or not node:
        return [(prefix, node)]
    return [
        pair
        for key, child in node.items()
        for pair in _flatten(child, f"{prefix}.{key}" if prefix else str(key))
    ]
