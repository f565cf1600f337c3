"""What the two papers and their notebooks state, as numbers.

Corradetti, Bernardi and Corradetti 2024, arXiv 2405.05516 and 2407.05701; notebooks in the
repository neuraldl/DLAtypicalSerotoninergicCells.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError

# Cells of the non-homogeneous set, and what 2407.05701 states of them.
N_SER, N_NSER = 54, 26
TRUE_POSITIVE_PERCENT, TRUE_NEGATIVE_PERCENT = 96.2, 88.8
ACCURACY, AUC = 0.9375, 0.926  # as summaries of both papers quote them

TEXT_KERNELS = range(20, 31)  # "k = 20…30"
CODE_KERNELS = range(20, 32)  # range(start_m, end_m) with 20 and 32

N_ORIGINAL, N_SYNTHETIC = 43_327, 6_675_300 + 6_025_300  # spikes
TRAINED_SHARE = 0.7

SWEEP_COLUMNS = (
    "run", "kernel", "test_accuracy", "precision", "recall", "false_positives", "false_negatives",
    "sensitivity_at_specificity_0.5",
)  # fmt: skip


@dataclass(frozen=True)
class PublishedSweep:
    """Test figures that the notebooks print for each kernel of one run. (K,) each."""

    run: str
    kernel: np.ndarray
    accuracy: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    false_positives: np.ndarray
    false_negatives: np.ndarray
    sensitivity: np.ndarray  # at specificity 0.5

    @property
    def n_spikes(self) -> int:
        """Of its test set: what makes recall the share without a false negative."""
        with np.errstate(divide="ignore"):
            return round(float(np.median(self.false_negatives / (1 - self.recall))))

    @property
    def largest_misfit(self) -> float:
        """How far precision and recall are from what pooled counts of both columns give."""
        hits = self.n_spikes - self.false_negatives
        misfits = (
            hits / self.n_spikes - self.recall,
            hits / (hits + self.false_positives) - self.precision,
        )
        return float(np.abs(misfits).max())


def read_sweeps(path: Path) -> list[PublishedSweep]:
    """Read a table with SWEEP_COLUMNS, one row a run and kernel. Raises StoreError."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = list(dict.fromkeys(row["run"] for row in rows))
        sweeps = []
        for name in names:
            of_run = [row for row in rows if row["run"] == name]
            columns = [np.array([float(row[c]) for row in of_run]) for c in SWEEP_COLUMNS[1:]]
            sweeps.append(PublishedSweep(name, columns[0].astype(int), *columns[1:]))
    except (OSError, KeyError, ValueError) as error:
        raise StoreError(
            f"{path}: expected a table of published figures with the columns "
            f"{', '.join(SWEEP_COLUMNS)}, got {error!r}; correct or leave out --published"
        ) from None
    if not sweeps:
        raise StoreError(f"{path}: expected a table of published figures, got none")
    return sweeps
