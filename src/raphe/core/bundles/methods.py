"""The paragraph on methods that goes with a bundle, ready to paste into a paper."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import yaml

from raphe.core.sentences import listed
from raphe.version import __version__

TRAINED_WITH = {"torch": "PyTorch"}  # what a reader knows a package as


def settings_by_name(text: str) -> dict[str, Any]:
    """Settings of a training as YAML by their full names, {"trainer.max_epochs": 25}."""
    return _flat(yaml.safe_load(text) or {})


def epochs_chosen(settings: Mapping[str, Any]) -> bool:
    """Whether validation decided which epoch was kept, or when the training stopped."""
    return settings.get("callbacks.keep") != "last" or may_stop_early(settings)


def may_stop_early(settings: Mapping[str, Any]) -> bool:
    patience, epochs = settings.get("callbacks.patience"), settings.get("trainer.max_epochs")
    if patience is None:
        return False
    return epochs is None or patience + 1 < epochs  # the first epoch is always the best


def optimizer(settings: Mapping[str, Any]) -> str:
    """As "AdamW, learning rate 0.002"; "" where the settings do not tell."""
    target = settings.get("model.optimizer._target_")
    if target is None:
        return ""
    name = str(target).rpartition(".")[2].removeprefix("Keras")
    rate = settings.get("model.optimizer.lr")
    return name if rate is None else f"{name}, learning rate {float(rate):g}"


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    named: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            named |= _flat(value, f"{prefix}{key}.")
        else:
            named[f"{prefix}{key}"] = value
    return named


def software() -> str:
    """What it was made with: "raphe 0.1.0 and PyTorch 2.5.1"."""
    packages = [f"raphe {__version__}"]
    for package, name in TRAINED_WITH.items():
        try:
            packages.append(f"{name} {version(package).partition('+')[0]}")
        except PackageNotFoundError:
            continue
    return listed(packages)
