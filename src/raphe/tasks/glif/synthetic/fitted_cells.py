"""Real cells with models fitted to them: the table of Teeter et al. 2018, read.

The table itself is not part of this program; its terms allow research use with citation.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.ranges import Range
from raphe.core.tables.words import Row, read_table
from raphe.tasks.glif.neurons.models import (
    WITH_CURRENTS,
    WITH_RESET_RULE,
    WITH_VOLTAGE_THRESHOLD,
    Neurons,
)

COLUMNS = (
    "species", "specimen_id", "line", "glif_level", "R_input_ohm", "C_F", "El_V",
    "El_reference_V", "th_inf_V", "coeff_th_inf", "dt_s", "spike_cut_length",
)  # fmt: skip

HeldOut = Annotated[float, Range(0, 1, "neither", noun="a share")]  # of the specimens


@dataclass(frozen=True, eq=False)
class FittedCells:
    """The fitted models of one level, B of them."""

    neurons: Neurons
    rest_v: np.ndarray  # float64 (B,), absolute
    specimen: np.ndarray  # str (B,)
    species: np.ndarray  # str (B,)

    def __len__(self) -> int:
        return len(self.rest_v)

    def __getitem__(self, rows: np.ndarray | slice) -> "FittedCells":
        return FittedCells(
            self.neurons[rows], self.rest_v[rows], self.specimen[rows], self.species[rows]
        )


def read_cells(path: Path | str, level: int) -> FittedCells:
    """Read the models of one level. Raises StoreError naming what is wrong with the table."""
    path = Path(path)
    try:
        rows = read_table(path, StoreError).rows
        rows = [row for row in rows if int(row["glif_level"]) == level]
        if not rows:
            raise StoreError(f"{path}: expected fitted cells of level {level}, got none")
        return _cells(rows, level)
    except (KeyError, ValueError) as error:
        raise StoreError(
            f"{path}: expected a table of fitted cells with the columns {', '.join(COLUMNS)} …, "
            f"got {_fault(error)}"
        ) from None


def _fault(error: Exception) -> str:
    return f"none called {error.args[0]}" if isinstance(error, KeyError) else str(error)


def split_by_specimen(
    cells: FittedCells, share: float, seed: int
) -> tuple[FittedCells, FittedCells]:
    """Divide cells in two so that no specimen is in both; the first has `share` of them.

    A specimen falls on the same side at every level.
    """
    drawn = np.array([_uniform(seed, name) for name in cells.specimen])
    return cells[np.flatnonzero(drawn < share)], cells[np.flatnonzero(drawn >= share)]


def _uniform(seed: int, name: str) -> float:
    return float(np.random.default_rng([seed, int(name)]).uniform())


def _cells(rows: list[Row], level: int) -> FittedCells:
    def column(name: str) -> np.ndarray:
        values = np.array([float(row[name]) for row in rows])
        if not np.isfinite(values).all():
            raise ValueError(f"NaN or infinity in {name}")
        return values

    extra: dict[str, np.ndarray] = {}
    if level in WITH_RESET_RULE:
        extra |= {
            "reset_slope": column("v_reset_a"),
            "reset_offset_v": column("v_reset_b_V"),
            "spike_jump_v": column("a_spike_V"),
            "spike_decay_per_s": column("b_spike_per_s"),
        }
    if level in WITH_CURRENTS:
        for field, name, unit in (
            ("asc_amp_a", "asc_amp", "_A"),
            ("asc_tau_s", "asc_tau", "_s"),
            ("asc_kept", "asc_r", ""),
        ):
            extra[field] = np.stack([column(f"{name}_{i}{unit}") for i in (1, 2)], axis=1)
    if level in WITH_VOLTAGE_THRESHOLD:
        extra |= {
            "voltage_gain_per_s": column("a_voltage_per_s"),
            "voltage_decay_per_s": column("b_voltage_per_s"),
        }
    neurons = Neurons(
        level,
        capacitance_f=column("C_F"),
        resistance_ohm=column("R_input_ohm"),
        leak_v=column("El_V"),
        threshold_v=column("coeff_th_inf") * column("th_inf_V"),
        dead_time_s=column("spike_cut_length") * column("dt_s"),
        **extra,
    )
    return FittedCells(
        neurons,
        column("El_reference_V"),
        np.array([row["specimen_id"] for row in rows]),
        np.array([row["species"] for row in rows]),
    )
