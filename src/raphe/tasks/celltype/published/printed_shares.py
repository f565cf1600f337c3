"""What a printed percentage can stand for, and which tables of verdicts could have given two."""

from collections.abc import Callable
from decimal import Decimal

from raphe.tasks.celltype.metrics.contingency import ContingencyTable

ROUNDING = 1e-9  # of 100 · k / n in floating point

SharesOf = Callable[[ContingencyTable], tuple[float, float]]


def rounded_from(printed: str) -> tuple[float, float]:
    """From which number up to below which one is printed so when it is rounded.

    >>> rounded_from("88.4"), cut_off_from("88.4"), numbers_printed_as("88.4")
    ((88.35, 88.45), (88.4, 88.5), (88.35, 88.5))
    """
    value, unit = _value_and_unit(printed)
    return float(value - unit / 2), float(value + unit / 2)


def cut_off_from(printed: str) -> tuple[float, float]:
    """The same where the rest is cut off."""
    value, unit = _value_and_unit(printed)
    return float(value), float(value + unit)


def numbers_printed_as(printed: str) -> tuple[float, float]:
    """The same of either."""
    return rounded_from(printed)[0], cut_off_from(printed)[1]


def _value_and_unit(printed: str) -> tuple[Decimal, Decimal]:
    decimals = printed.partition(".")[2]
    return Decimal(printed), Decimal(1).scaleb(-len(decimals))


def prints_as(share: float, printed: str) -> bool:
    """Whether a share, rounded or cut off after the last decimal, is printed as this percentage."""
    low, high = numbers_printed_as(printed)
    return low - ROUNDING <= 100 * share < high - ROUNDING


def sum_to_100(*printed: str) -> bool:
    """Whether shares that sum to 1 could be printed as these percentages."""
    low, high = (sum(ends) for ends in zip(*map(numbers_printed_as, printed), strict=True))
    return low <= 100 < high


def tables_that_fit(
    n_first: int, n_others: int, printed: tuple[str, str], shares_of: SharesOf
) -> list[ContingencyTable]:
    """All tables of so many cells whose two shares print as these percentages."""
    return [
        table
        for table in all_tables(n_first, n_others)
        if all(map(prints_as, shares_of(table), printed))
    ]


def all_tables(n_first: int, n_others: int) -> list[ContingencyTable]:
    """Every number of cells of either class that can be called right."""
    return [
        ContingencyTable(first_right, n_first, others_right, n_others)
        for first_right in range(n_first + 1)
        for others_right in range(n_others + 1)
    ]
