"""Figures that others published, as a table beside a sweep's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from raphe.core.errors import SettingError
from raphe.core.tables.words import read_table

SETTING = "report.reference.path"


@dataclass(frozen=True)
class Reference:
    """Published values of metrics at values of one setting; `label` says whose they are."""

    label: str
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]]  # metric: setting's values, its own


def read_reference(settings: DictConfig | None, parameter: str) -> Reference | None:
    """What `report.reference` names for a sweep over this setting; None without a file.

    The file is a CSV table with a row for each value of the setting. `x` names its column, `rows`
    gives the values that other columns must have for a row to count, `columns` the column of each
    metric.

    Raises:
        SettingError: for a file that is missing or lacks a column, a row or a number.
    """
    if not settings or not settings.path or settings.parameter != parameter:
        return None
    try:
        table = read_table(Path(settings.path), SettingError)
    except SettingError as error:
        raise SettingError(f"{SETTING}={error}") from None
    needed = {settings.x, *settings.rows, *settings.columns.values()}
    if missing := [column for column in needed if column not in table]:
        raise SettingError(
            f"{SETTING}={table.path}: expected the columns {', '.join(sorted(missing))}, got "
            f"{', '.join(table.columns)}; name others in report.reference"
        )
    rows = [row for row in table.rows if all(row[k] == str(v) for k, v in settings.rows.items())]
    if not rows:
        raise SettingError(f"{SETTING}={table.path}: holds no row with {dict(settings.rows)}")
    try:
        x = np.array([float(row[settings.x]) for row in rows])
        curves = {
            metric: (x, np.array([float(row[column]) for row in rows]))
            for metric, column in settings.columns.items()
        }
    except ValueError as error:
        raise SettingError(f"{SETTING}={table.path}: expected numbers, got {error}") from None
    return Reference(settings.label, curves)
