"""What printed percentages stand for, and the search for the tables that give them."""

import numpy as np
import pytest

from raphe.tasks.celltype.metrics.contingency import ContingencyTable
from raphe.tasks.celltype.published.printed_shares import (
    all_tables,
    prints_as,
    sum_to_100,
    tables_that_fit,
)


def test_only_one_table_gives_the_published_percentages():
    tables = tables_that_fit(54, 26, ("96.2", "88.8"), ContingencyTable.of_called)
    assert tables == [ContingencyTable(51, 54, 24, 26)]
    assert tables[0].accuracy == 0.9375  # published too, and not searched for
    assert np.mean(tables[0].of_called()) == pytest.approx(0.926, abs=5e-4)  # the published AUC


def test_no_table_has_them_as_rates_of_the_true_classes():
    assert tables_that_fit(54, 26, ("96.2", "88.8"), ContingencyTable.of_true) == []
    exchanged = tables_that_fit(26, 54, ("96.2", "88.8"), ContingencyTable.of_true)
    assert exchanged == [ContingencyTable(25, 26, 48, 54)]
    assert exchanged[0].accuracy == pytest.approx(0.9125)  # not the published 0.9375


def test_a_search_finds_every_table_that_was_printed():
    rng = np.random.default_rng(0)
    for table in rng.choice(all_tables(12, 7), 20, replace=False):
        shares = table.of_called()
        if np.isfinite(shares).all():
            rounded = tuple(f"{100 * share:.1f}" for share in shares)
            assert table in tables_that_fit(12, 7, rounded, ContingencyTable.of_called)
    assert len(all_tables(54, 26)) == 55 * 27


@pytest.mark.parametrize(
    ("share", "printed", "fits"),
    [
        (24 / 27, "88.8", True),
        (24 / 27, "88.9", True),
        (51 / 53, "96.2", True),
        (51 / 53, "96.3", False),
        (0.962, "96.2", True),
        (0.9615, "96.2", True),
        (0.96149, "96.2", False),
        (3 / 26, "11", True),
        (3 / 26, "12", True),
        (3 / 26, "11.4", False),
        (1.0, "100.0", True),
        (float("nan"), "50.0", False),
    ],
)
def test_what_prints_as_what(share, printed, fits):
    assert prints_as(share, printed) == fits


def test_what_can_sum_to_100():
    rng = np.random.default_rng(1)
    for share, decimals in zip(rng.uniform(0, 100, 200), rng.integers(0, 3, 200), strict=True):
        cut = [f"{np.floor(x * 10**decimals) / 10**decimals:.{decimals}f}" for x in
               (share, 100 - share)]  # fmt: skip
        assert sum_to_100(*cut)
        assert sum_to_100(f"{share:.{decimals}f}", f"{100 - share:.{decimals}f}")
    assert sum_to_100("88.4", "11") and sum_to_100("87.6", "12.3")
    assert not sum_to_100("91.2", "0.8") and not sum_to_100("88.4", "11.0")


def test_only_one_table_gives_the_readme_s_percentages_and_none_of_its_own_cells():
    readme = ("94.4", "88.4")
    for shares_of in (ContingencyTable.of_true, ContingencyTable.of_called):
        assert tables_that_fit(54, 26, readme, shares_of) == [ContingencyTable(51, 54, 23, 26)]
        assert tables_that_fit(55, 26, readme, shares_of) == []
