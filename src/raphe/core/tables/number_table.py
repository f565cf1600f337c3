"""What a table of numbers holds, with a name for each of its columns.

R rows, C columns.
"""

from dataclasses import dataclass, replace

import numpy as np

from raphe.core.sentences import counted
from raphe.core.tables.text import TableFault


@dataclass(frozen=True, eq=False)
class NumberTable:
    """What a table of numbers holds."""

    names: tuple[str, ...]  # of the columns (C,), "" where one has none
    values: np.ndarray  # float64 (R, C), NaN where a cell is missing
    first_line: int  # of the file, from 1, in which the first row stands
    row_names: tuple[str, ...] = ()  # (R,), of a table whose rows have names
    corner: str = ""  # what stands above these
    status: tuple[str, ...] = ()  # (C,), as Inscopix writes it below the names
    remarks: tuple[str, ...] = ()  # what was understood, and is not plain


def matched(table: NumberTable) -> NumberTable:
    """The table with a name for each column, however the header differs in width."""
    names, values = table.names, table.values
    surplus = values.shape[1] - len(names)
    if surplus < 0:
        return replace(table, names=names[:surplus])
    if not surplus:
        return table
    is_index = len(values) > 1 and bool((np.diff(values[:, 0]) == 1).all())
    is_blank = bool(np.isnan(values[:, -1]).all())
    if is_index == is_blank:
        raise TableFault(
            f"expected {len(names)} columns as the header names, got {len(names) + 1}; name each "
            "column, or take the separator at the end of the lines away",
            table.first_line,
        )
    if is_index:
        status = ("", *table.status) if table.status else ()
        return replace(table, names=("", *names), status=status)
    remark = "each row ends with a separator, behind which there is nothing"
    return replace(table, values=values[:, :-1], remarks=(*table.remarks, remark))


def without_blank_columns(table: NumberTable) -> NumberTable:
    """The table without the columns at its end that have neither name nor number."""
    width = len(table.names)
    while width > 1 and not table.names[width - 1] and np.isnan(table.values[:, width - 1]).all():
        width -= 1
    n_blank = len(table.names) - width
    if not n_blank:
        return table
    return replace(
        table,
        names=table.names[:width],
        values=table.values[:, :width],
        status=table.status[:width],
        remarks=(*table.remarks, f"{counted('blank column', n_blank)} at the end left out"),
    )
