"""What the two papers, their authors' README and notebooks state, as numbers.

Corradetti, Bernardi and Corradetti 2024, arXiv 2405.05516 and 2407.05701; README (commit 95314ea)
and notebooks in the repository neuraldl/DLAtypicalSerotoninergicCells. Percentages and losses are
kept as they are printed, as text: what they can stand for hangs on their last digit.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import StoreError
from raphe.core.tables.words import Row, read_table

# Cells of the non-homogeneous set, and what 2407.05701 states of them.
N_SER, N_NSER = 54, 26
TRUE_POSITIVE, TRUE_NEGATIVE = "96.2", "88.8"  # %
ACCURACY, AUC = 0.9375, 0.926  # as summaries of both papers quote them

TEXT_KERNELS = range(20, 31)  # "k = 20…30"
CODE_KERNELS = range(20, 32)  # range(start_m, end_m) with 20 and 32

# Spikes, by the README, which also has their parts.
N_SPIKES = {"serotonergic": 29_773, "other": 13_554}
N_ORIGINAL = sum(N_SPIKES.values())
TEST_SHARE, HALF = 0.3, 0.5  # of train_test_split, once for both and once between them
README_PARTS = {"training": 30_328, "validation": 6_500, "test": 6_499}

# The non-homogeneous set by the README: "biological" networks, then the synthetic ones' sessions.
README_N_SER, README_N_NSER = 55, 26
README_TRUE_POSITIVE, README_FALSE_NEGATIVE = "94.4", "5.6"  # %
README_TRUE_NEGATIVE, README_FALSE_POSITIVE = "88.4", "11"
README_SESSIONS = (("91.2", "0.8"), ("87.6", "12.3"))  # true, false: mean over sessions
README_BEST_SESSION = ("94.4", "88.4")

# The README on the sweep of the original spikes: from k = 1 to the best three.
README_RUN = "original"  # of the table of the notebooks' figures
README_ACCURACY = {"90.6": (1,), "98.7": (23, 24, 27)}  # %: kernels
README_LOSS = {"0.2221": (1,), "0.037106": (23, 24, 27)}
README_MODELS, README_KERNELS = 32, range(1, 32)  # "32 models, with kernel sizes … from 1 to 31"
README_NETWORKS = 10  # of the ensemble, "with ranges between 20 to 30"

README_N_SYNTHETIC = 6_675_300
NOTEBOOK_N_SYNTHETIC = {"serotonergic": 6_675_300, "other": 6_025_300}  # shapes that it prints
TRAINED_SHARE = 0.7

# The network at k = 20: windows of 160 samples in two columns, two classes.
N_SAMPLES, N_COLUMNS, N_CLASSES = 160, 2, 2
TABLE_KERNEL, TABLE_WEIGHTS = 20, 45_218
TABLE_FILTERS, TABLE_POOL_COLUMNS = (32, 64), 2
TEXT_FILTERS, TEXT_POOL_COLUMNS = (32, 32), 1  # "two repetitions", "pool size of (2x1)"

EPOCHS, PATIENCE = 25, 10  # the text's; EarlyStopping of both training notebooks

SWEEP_COLUMNS = (
    "run", "kernel", "test_loss", "test_accuracy", "precision", "recall", "false_positives",
    "false_negatives", "sensitivity_at_specificity_0.5",
)  # fmt: skip


@dataclass(frozen=True)
class PublishedSweep:
    """Test figures that the notebooks print for each kernel of one run. (K,) each."""

    run: str
    kernel: np.ndarray
    loss: np.ndarray
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
    table = read_table(path, StoreError)
    missing = [name for name in SWEEP_COLUMNS if name not in table]
    if missing or not table.rows:
        lacks = f"lacks {', '.join(missing)}" if missing else "has no row"
        raise StoreError(
            f"{path}: expected a table of published figures with the columns "
            f"{', '.join(SWEEP_COLUMNS)}, this one {lacks}; correct or leave out --published"
        )
    sweeps = []
    for name in dict.fromkeys(row["run"] for row in table.rows):
        of_run = [row for row in table.rows if row["run"] == name]
        columns = [np.array([_number(path, row, c) for row in of_run]) for c in SWEEP_COLUMNS[1:]]
        sweeps.append(PublishedSweep(name, columns[0].astype(int), *columns[1:]))
    return sweeps


def _number(path: Path, row: Row, column: str) -> float:
    try:
        return float(row[column])
    except ValueError:
        raise StoreError(
            f"{path}, line {row.line}: expected a number as {column}, got {row[column]!r}; correct "
            "it or leave out --published"
        ) from None
