"""Tables of verdicts against scikit-learn, and the search against the published percentages."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from raphe.tasks.celltype.published.two_by_two import (
    TwoByTwo,
    all_tables,
    prints_as,
    tables_that_fit,
)


@pytest.mark.parametrize("table", [TwoByTwo(51, 54, 24, 26), TwoByTwo(1, 3, 4, 9)])
def test_shares_are_those_of_normalised_matrices(table):
    truth = np.repeat([0, 1], [table.n_first, table.n_others])
    right = np.concatenate(
        [
            np.arange(table.n_first) < table.first_right,
            np.arange(table.n_others) < table.others_right,
        ]
    )
    called = np.where(right, truth, 1 - truth)
    for normalize, shares in (("pred", table.of_called()), ("true", table.of_true())):
        matrix = confusion_matrix(truth, called, normalize=normalize)
        assert shares == pytest.approx(np.diagonal(matrix))
    assert table.accuracy == pytest.approx(right.mean())


def test_only_one_table_gives_the_published_percentages():
    tables = tables_that_fit(54, 26, (96.2, 88.8), TwoByTwo.of_called)
    assert tables == [TwoByTwo(51, 54, 24, 26)]
    assert tables[0].accuracy == 0.9375  # published too, and not searched for
    assert np.mean(tables[0].of_called()) == pytest.approx(0.926, abs=5e-4)  # the published AUC


def test_no_table_has_them_as_rates_of_the_true_classes():
    assert tables_that_fit(54, 26, (96.2, 88.8), TwoByTwo.of_true) == []
    exchanged = tables_that_fit(26, 54, (96.2, 88.8), TwoByTwo.of_true)
    assert exchanged == [TwoByTwo(25, 26, 48, 54)]
    assert exchanged[0].accuracy == pytest.approx(0.9125)  # not the published 0.9375


def test_a_search_finds_every_table_that_was_printed():
    rng = np.random.default_rng(0)
    for table in rng.choice(all_tables(12, 7), 20, replace=False):
        shares = table.of_called()
        if np.isfinite(shares).all():
            rounded = tuple(round(100 * share, 1) for share in shares)
            assert table in tables_that_fit(12, 7, rounded, TwoByTwo.of_called)
    assert len(all_tables(54, 26)) == 55 * 27


@pytest.mark.parametrize(
    ("share", "percent", "fits"),
    [(24 / 27, 88.8, True), (24 / 27, 88.9, True), (51 / 53, 96.2, True), (51 / 53, 96.3, False),
     (0.962, 96.2, True), (0.9615, 96.2, True), (0.96149, 96.2, False), (1.0, 100.0, True),
     (float("nan"), 50.0, False)],
)  # fmt: skip
def test_what_prints_as_what(share, percent, fits):
    assert prints_as(share, percent) == fits
