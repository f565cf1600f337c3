"""A 2x2 table of verdicts, and the four rates that are taken from it."""

from dataclasses import dataclass

import numpy as np

from raphe.tasks.celltype.metrics.predictions import Predictions

CELL_RATES = ("sensitivity", "specificity", "ppv", "npv")


@dataclass(frozen=True)
class ContingencyTable:
    """Cells of two classes, called right or wrong; the first class is the one looked for."""

    first_right: int
    n_first: int
    others_right: int
    n_others: int

    @classmethod
    def of(cls, called_first: np.ndarray, is_first: np.ndarray) -> "ContingencyTable":
        """Count verdicts and truth, bool (n,) each."""
        return cls(
            int((called_first & is_first).sum()),
            int(is_first.sum()),
            int((~called_first & ~is_first).sum()),
            int((~is_first).sum()),
        )

    @property
    def n_called_first(self) -> int:
        return self.first_right + self.n_others - self.others_right

    @property
    def n_called_other(self) -> int:
        return self.others_right + self.n_first - self.first_right

    @property
    def accuracy(self) -> float:
        return (self.first_right + self.others_right) / (self.n_first + self.n_others)

    def of_true(self) -> tuple[float, float]:
        """Sensitivity and specificity: the rows of a confusion matrix, each summing to 1.

        NaN where there are none of a class.
        """
        return _share(self.first_right, self.n_first), _share(self.others_right, self.n_others)

    def of_called(self) -> tuple[float, float]:
        """PPV and NPV: its columns, as `confusion_matrix(…, normalize="pred")` gives them.

        NaN where none is called so.
        """
        return (
            _share(self.first_right, self.n_called_first),
            _share(self.others_right, self.n_called_other),
        )


def cell_rates(spikes: Predictions) -> dict[str, float]:
    """Both pairs of rates of the cells of two classes that fired these spikes.

    NaN where they cannot be told, as of a network that diverged.
    """
    if not np.isfinite(spikes.probability).all():
        return dict.fromkeys(CELL_RATES, float("nan"))
    cells = spikes.per_cell()
    table = ContingencyTable.of(cells.predicted == 0, cells.label == 0)
    return dict(zip(CELL_RATES, (*table.of_true(), *table.of_called()), strict=True))


def _share(k: int, n: int) -> float:
    return k / n if n else float("nan")
