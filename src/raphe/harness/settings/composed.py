"""The composed settings: as one flat mapping, and checked before anything is prepared."""

import difflib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.types import RunMode
from hydra.utils import call, instantiate
from omegaconf import DictConfig, OmegaConf

from raphe.core.errors import SettingError
from raphe.core.metric_names import LEVELS, TEST
from raphe.core.ranges import written
from raphe.core.sentences import listed
from raphe.harness.settings.signatures import (
    ANYTHING,
    Accepted,
    arguments,
    check_range,
    trainer_arguments,
)

CHOICES = ("best", "one-se")  # see raphe.harness.sweeps.choice
DRAWS = ("chosen", "all")  # which members of a sweep have figures
POLICIES = ("compare", "move", "keep")  # see raphe.harness.runs.champion
# What settings may be that no argument of raphe's takes, whose annotation would say it.
WORDS = {
    "stage": ("train", "export"),
    "callbacks.keep": ("best", "last"),
    "monitor.mode": ("min", "max"),
    "choose": CHOICES,
    "draw": DRAWS,
    "export.champion": POLICIES,
}
LEAST = {"seed": 0, "trainer.max_epochs": 1, "threads": 1, "callbacks.patience": 1}
OR_NULL = {"threads", "callbacks.patience"}
SLURM_LAUNCHER = "hydra_plugins.raphe_slurm.SlurmLauncher"  # of conf/hydra/launcher
GPUS = ("gpu", "cuda")
ACCELERATORS = ("cpu", *GPUS, "mps", "tpu", "auto")
# Lightning's, which it lists in a module that loads torch.
PRECISIONS = ("16-mixed", "16-true", "bf16-mixed", "bf16-true", "32-true", "64-true")
MATMUL_PRECISIONS = ("highest", "high", "medium")  # of torch.set_float32_matmul_precision
SHORT_PRECISIONS = ("16", "bf16", "32", "64", "transformer-engine", "transformer-engine-float16")
GIVEN = {"logger", "default_root_dir", "enable_progress_bar", "plugins", "callbacks"}  # by raphe
A_DEVICE = "how many (1 or more, -1 for all), a list of their indices, or auto"
DEVICES = re.compile(r"auto|-1|\d+(,\d+)*,?")  # a number of them, or a list of theirs
# CUDA's, in a container and under WSL too, and ROCm's, which calls itself CUDA.
GPU_DRIVERS = tuple(map(Path, ("/dev/nvidiactl", "/proc/driver/nvidia", "/dev/dxg", "/dev/kfd")))


def flat(config: DictConfig) -> dict[str, Any]:
    """Every setting by its full name, `{"model.kernel": 20, …}`."""
    return dict(_flatten(OmegaConf.to_container(config, resolve=True, throw_on_missing=True)))


def names(config: DictConfig) -> list[str]:
    """The full names of all settings but those that take another's value."""
    return [
        name
        for name, value in _flatten(OmegaConf.to_container(config))
        if not (isinstance(value, str) and value.startswith("${"))
    ]


def plain(config: DictConfig, resolve: bool = False) -> dict[str, Any]:
    """A section as a dictionary of what stands in it; resolve: references by what they name."""
    settings = OmegaConf.to_container(config, resolve=resolve)
    assert isinstance(settings, dict)  # as of every section
    return {str(name): value for name, value in settings.items()}


def without_hydra(config: DictConfig) -> DictConfig:
    """A copy of the composed settings, of a task alone."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def check(config: DictConfig) -> None:
    """Raise SettingError for a value no run can have, before hours are spent on it."""
    check_values(config)
    check_evaluation(config)


def check_evaluation(config: DictConfig) -> None:
    """The part of `check` that loads the task with torch, whose settings are its own to check."""
    instantiate(config.evaluate)


def check_values(config: DictConfig) -> None:
    """The part of `check` that loads neither torch nor MLflow."""
    _whole_number(config, "seed")  # before the sections that take it over
    for name, section in config.items_ex(resolve=False):
        if isinstance(section, DictConfig) and name != "hydra":
            check_ranges(plain(section, resolve=True), str(name))
    for name in WORDS:
        _one_of(config, name)
    for name in LEAST:
        _whole_number(config, name)
    if config.stage != "train" and OmegaConf.select(config, "hydra.mode") == RunMode.MULTIRUN:
        raise SettingError(
            f"stage={config.stage}: runs once, over a sweep that is done; leave out -m"
        )
    if is_bank(config) and OmegaConf.select(config, "hydra.mode") == RunMode.MULTIRUN:
        raise SettingError(
            "model=bank: trains all its members in one run; leave out -m, or with an experiment "
            "that sweeps set hydra.mode=RUN, and name their values with bank.values=[…]"
        )
    _check_report(config)
    check_trainer(config.trainer)
    if not leaves_to_slurm(config):  # whose nodes may have what this machine has not
        require_device(config.trainer)
    if config.stage == "train":
        check_together(config)  # last: it loads the task
    if OmegaConf.select(config, "prepare.store") is not None:
        call(config.prepare)  # a store that is named is there, or prepare says how to make one


def check_together(config: DictConfig, of_member: Mapping[str, Any] | None = None) -> None:
    """Raise SettingError for settings that do not fit each other, as the task's `check` has it.

    Settings `of_member`, of a sweep or a bank, stand in the place of those that it varies.
    """
    if "check" not in config:
        return
    settings = config.copy()
    for name, value in (of_member or {}).items():
        OmegaConf.update(settings, name, value)
    call(settings.check)


def _check_report(config: DictConfig) -> None:
    names = instantiate(config.report.names)
    for name in names.without_part:
        if f"{TEST}/{name}" not in names:
            raise SettingError(
                f"report.names: {name} cannot be looked up; expected a figure's name without a /, "
                f"and levels among {listed(LEVELS)}"
            )
    _check_monitored(config)
    if not config.report.metrics:
        raise SettingError("report.metrics: expected at least one metric to report, got none")
    for key in ("metrics", "counts"):
        for metric in config.report[key]:
            if f"{TEST}/{metric}" not in names:
                close = difflib.get_close_matches(metric, names.without_part) or names.without_part
                raise SettingError(
                    f"report.{key}: {metric} is no metric of this task; expected "
                    f"{listed(close, 'or')}"
                )


def _check_monitored(config: DictConfig) -> None:
    """Raise SettingError for a metric that is none of a validation that ends an epoch.

    Whether a run has it, for its number of classes, shows at the first one.
    """
    metric, names = config.monitor.metric, instantiate(config.report.names)
    known = names.monitored
    if metric in known:
        return
    if not known:
        raise SettingError(
            "report.names: expected a figure of the validation part, by which epochs are judged "
            f"(monitor.metric={metric}), got none"
        )
    near = difflib.get_close_matches(str(metric), known, 3)
    hint = listed(near or known[:3], "or")
    raise SettingError(
        f"monitor.metric={metric}: expected a metric of the validation part, such as {hint}"
    )


def check_ranges(section: dict[str, Any], name: str = "") -> None:
    """Raise SettingError for a value, from whichever file, outside the range of its argument."""
    accepted = _arguments(section)
    for key, value in section.items():
        full = f"{name}.{key}" if name else str(key)
        if isinstance(value, dict):
            check_ranges(value, full)
        elif key in accepted:
            check_range(full, value, accepted[key])


def _arguments(section: Mapping[str, Any]) -> dict[str, Accepted]:
    target = section.get("_target_")
    return (arguments(target) if isinstance(target, str) else None) or {}


def check_trainer(trainer: DictConfig) -> None:
    """Raise SettingError for a section `trainer` that Lightning would not take."""
    taken = trainer_arguments(str(trainer.get("_target_")))
    for name in sorted(set(map(str, trainer)) - {"_target_"}):
        if taken is None:
            break
        if name in GIVEN:
            raise SettingError(f"trainer.{name}: is set by raphe itself; leave it out")
        if name not in taken:
            near = difflib.get_close_matches(name, taken - GIVEN, 1)
            hint = f"did you mean trainer.{near[0]}?" if near else "leave it out"
            raise SettingError(f"trainer.{name}: Lightning's trainer takes no such setting; {hint}")
    accelerator, precision = trainer.get("accelerator", "auto"), trainer.get("precision")
    if accelerator not in ACCELERATORS:
        raise SettingError(
            f"trainer.accelerator={accelerator}: expected {listed(ACCELERATORS, 'or')}"
        )
    if precision is not None and str(precision) not in PRECISIONS + SHORT_PRECISIONS:
        raise SettingError(f"trainer.precision={precision}: expected {listed(PRECISIONS, 'or')}")
    devices = trainer.get("devices", "auto")
    if OmegaConf.is_list(devices):
        fits = bool(devices) and all(type(index) is int and index >= 0 for index in devices)
    else:
        fits = type(devices) in (int, str) and devices != 0
        fits = fits and DEVICES.fullmatch(str(devices)) is not None
    if not fits:
        raise SettingError(f"trainer.devices={devices}: expected {A_DEVICE}")


def require_device(trainer: DictConfig) -> None:
    """Raise SettingError for a section `trainer` whose accelerator is not there."""
    if trainer.get("accelerator") in GPUS and not _has_gpu():
        raise SettingError("trainer=gpu: expected a CUDA device, found none; use trainer=cpu")


def leaves_to_slurm(config: DictConfig) -> bool:
    """Whether these are the settings of a sweep whose members are jobs of a SLURM cluster."""
    return OmegaConf.select(config, "hydra.launcher._target_") == SLURM_LAUNCHER


def is_bank(config: DictConfig) -> bool:
    """Whether the members of the task's bank are to be trained, see raphe.harness.banks.bank."""
    return bool(OmegaConf.select(config, "bank.train"))


def check_bank(config: DictConfig, overrides: Sequence[str]) -> None:
    """Raise SettingError for a bank that cannot be; `overrides` are those of the command line."""
    if "_target_" not in config.bank:
        raise SettingError(
            "model=bank: the task's file in conf/task names no bank._target_; leave out model=bank "
            "and sweep with -m"
        )
    setting, values = config.bank.setting, config.bank["values"]
    if not str(setting).startswith("model.") or setting not in flat(config):
        raise SettingError(f"bank.setting={setting}: expected a setting of the model, as model.lr")
    if not OmegaConf.is_list(values) or not values or len(set(values)) < len(values):
        raise SettingError(
            f"bank.values={values}: expected a list of different values of {setting}, as [1,2]"
        )
    section, _, key = str(setting).rpartition(".")
    accepted = _arguments(OmegaConf.select(config, section))
    for value in values:
        check_range(setting, value, accepted.get(key, ANYTHING))
        check_together(config, {setting: value})
    for override in overrides:
        name, _, value = override.lstrip("+").partition("=")
        if name == setting:
            raise SettingError(
                f"{override}: with model=bank, expected bank.values=[{value}], or no model=bank"
            )


def _has_gpu() -> bool:
    """Asks torch, which takes seconds to import, only where there may be one."""
    if not any(map(Path.exists, GPU_DRIVERS)) and sys.platform == "linux":
        return False
    import torch

    return torch.cuda.is_available()


def _one_of(config: DictConfig, name: str) -> None:
    value = OmegaConf.select(config, name)
    if value not in WORDS[name]:
        shown = written(value)
        raise SettingError(f"{name}={shown}: expected {listed(WORDS[name], 'or')}")


def _whole_number(config: DictConfig, name: str) -> None:
    value, least = OmegaConf.select(config, name), LEAST[name]
    if value is None and name in OR_NULL:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        or_null = ", or null" if name in OR_NULL else ""
        shown = written(value)
        raise SettingError(f"{name}={shown}: expected a whole number of {least} or more{or_null}")


def _flatten(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(node, dict) or not node:
        return [(prefix, node)]
    return [
        pair
        for key, child in node.items()
        for pair in _flatten(child, f"{prefix}.{key}" if prefix else str(key))
    ]
