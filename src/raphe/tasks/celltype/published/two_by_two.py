"""Which whole-number tables of verdicts could have given two published percentages."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-9  # of 100 · k / n in floating point


@dataclass(frozen=True)
class TwoByTwo:
    """Cells of two classes, called right or wrong."""

    first_right: int
    n_first: int
    others_right: int
    n_others: int

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
        """Sensitivity and specificity: the rows of a confusion matrix, each summing to 1."""
        return self.first_right / self.n_first, self.others_right / self.n_others

    def of_called(self) -> tuple[float, float]:
        """PPV and NPV: its columns, as `confusion_matrix(…, normalize="pred")` gives them.

        NaN where none is called so.
        """
        called = self.n_called_first, self.n_called_other
        right = self.first_right, self.others_right
        first, others = (k / n if n else float("nan") for k, n in zip(right, called, strict=True))
        return first, others


SharesOf = Callable[[TwoByTwo], tuple[float, float]]


def prints_as(share: float, percent: float) -> bool:
    """Whether a share, rounded or cut off after a decimal, is printed as this percentage."""
    tenths, printed = 1000 * share, round(10 * percent)
    return printed in (np.floor(tenths + 0.5 + ROUNDING), np.floor(tenths + ROUNDING))


def tables_that_fit(
    n_first: int, n_others: int, percent: tuple[float, float], shares_of: SharesOf
) -> list[TwoByTwo]:
    """All tables of so many cells whose two shares print as these percentages."""
    return [
        table
        for table in all_tables(n_first, n_others)
        if all(map(prints_as, shares_of(table), percent))
    ]


def all_tables(n_first: int, n_others: int) -> list[TwoByTwo]:
    """Every number of cells of either class that can be called right."""
    return [
        TwoByTwo(first_right, n_first, others_right, n_others)
        for first_right in range(n_first + 1)
        for others_right in range(n_others + 1)
    ]
