"""Tables of verdicts and their rates against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from raphe.tasks.celltype.metrics.contingency import ContingencyTable, cell_rates
from raphe.tasks.celltype.metrics.predictions import Predictions


@pytest.mark.parametrize("table", [ContingencyTable(51, 54, 24, 26), ContingencyTable(1, 3, 4, 9)])
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
    assert ContingencyTable.of(called == 0, truth == 0) == table


def test_rates_of_cells_that_are_not_there_are_not_known():
    assert np.isnan(ContingencyTable(0, 0, 3, 4).of_true()[0])
    assert np.isnan(ContingencyTable(0, 5, 4, 4).of_called()[0])


def test_cells_are_called_by_the_mean_of_their_spikes():
    rng = np.random.default_rng(0)
    cell = np.repeat(np.arange(30), 9)
    label = np.minimum(cell % 3, 1)
    logits = np.eye(2)[label] + rng.normal(size=(30, 2))[cell] + rng.normal(size=(270, 2))
    spikes = Predictions.from_logits(logits, label, cell)
    mean = np.stack([spikes.probability[cell == i].mean(axis=0) for i in range(30)])
    truth = label[::9]
    by_true = confusion_matrix(truth, mean.argmax(axis=1), normalize="true")
    by_called = confusion_matrix(truth, mean.argmax(axis=1), normalize="pred")
    expected = (*np.diagonal(by_true), *np.diagonal(by_called))
    rates = cell_rates(spikes)
    assert list(rates) == ["sensitivity", "specificity", "ppv", "npv"]
    assert tuple(rates.values()) == pytest.approx(expected)
    assert min(rates.values()) > 0 and max(rates.values()) < 1
