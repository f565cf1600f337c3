"""The parameters of a run in the tracking store: the settings that decided its numbers.

All settings are in its config.yaml. The table of runs shows what a reader compares: no setting of
reports, exports or folders, none that takes another's value, none that nothing read. A task says in
`tracking.read_with` and `tracking.read_without` which of its settings are read only where another
is given, and which only where none of some others is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from raphe.core import metric_names
from raphe.harness.identity import DECIDING_SECTIONS
from raphe.harness.settings import composed

SECTIONS = {*DECIDING_SECTIONS, "prepare", "baselines", "bank"}
# Of Lightning's trainer, the same in every run of raphe: they decide nothing.
HOUSEKEEPING = {
    "trainer.enable_model_summary",
    "trainer.log_every_n_steps",
    "trainer.num_sanity_val_steps",
}
TARGET = "._target_"


def parameters(config: DictConfig, swept: Mapping[str, str]) -> dict[str, str]:
    """The settings to track, as they are written on the command line.

    Args:
        config: the composed settings without Hydra's own.
        swept: those that a sweep varies, with this member's values; always among the parameters.
    """
    values = composed.flat(config)
    unread = unread_settings(config)
    shown = {}
    for name in composed.names(config):
        kept = _shown_name(name)
        if kept is not None and not any(_is_part(name, other) for other in unread):
            shown[kept] = setting_text(values[name], is_class=name.endswith(TARGET))
    for name, text in swept.items():
        shown.setdefault(name, setting_text(values[name]) if name in values else text)
    return shown


def unread_settings(config: DictConfig) -> list[str]:
    """Settings and sections that nothing reads, because of what others are."""
    tracking = composed.plain(config.tracking)
    with_another, without_others = (
        tracking.get(table, {}) for table in ("read_with", "read_without")
    )
    unread = [name for name, other in with_another.items() if not _given(config, other)]
    unread += [
        name
        for name, others in without_others.items()
        if any(_given(config, other) for other in others)
    ]
    return unread if composed.is_bank(config) else [*unread, "bank"]


def swept_numbers(swept: Mapping[str, str]) -> dict[str, float]:
    """The swept settings that are numbers, as metrics: MLflow sorts parameters as text."""
    numbers = {name: number_of(text) for name, text in swept.items()}
    return {metric_names.swept(name): value for name, value in numbers.items() if value is not None}


def number_of(text: str) -> float | None:
    """A finite number that a setting's text stands for, None for another text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def setting_text(value: Any, is_class: bool = False) -> str:
    """A setting as on the command line: null, true, [1, 2]; of a class its own name."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value).rpartition(".")[2] if is_class else str(value)


def values_text(values: Sequence[str], most: int = 6) -> str:
    """Swept values in short, as in a run's name; only whole numbers without a gap are a range.

    >>> values_text(["1", "2", "3", "4"]), values_text(["20", "22", "24"])
    ('1…4', '20,22,24')
    >>> values_text(["1", "2", "4", "8", "16", "32", "64"])
    '1,2,4,8,16,…,64 (7 values)'
    """
    numbers = [int(text) for text in values if text.lstrip("-").isdecimal()]
    if len(numbers) == len(values) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]}…{numbers[-1]}"
    if len(values) <= most:
        return ",".join(values)
    return f"{','.join(values[: most - 1])},…,{values[-1]} ({len(values)} values)"


def _shown_name(name: str) -> str | None:
    """A setting's name among the parameters, None where it is not one."""
    section = name.partition(".")[0]
    if section not in SECTIONS or name in HOUSEKEEPING:
        return None
    if section == "bank" and name in ("bank.train", "bank.setting", "bank.values"):
        return None  # what the parent says of its members
    if name.endswith(TARGET):  # of the exchangeable parts of a model, as its optimiser
        part = name.removesuffix(TARGET)
        return part if part.startswith("model.") else None
    return None if name.rpartition(".")[2].startswith("_") else name


def _is_part(name: str, section: str) -> bool:
    return name == section or name.startswith(f"{section}.")


def _given(config: DictConfig, name: str) -> bool:
    return OmegaConf.select(config, name) is not None
