"""A run's predictions written and read back."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from raphe.core.errors import StoreError
from raphe.tasks.celltype.metrics.predictions import Predictions, predictions_csv, read_predictions

CLASSES = ("SER", "5-HT, other")


def test_what_is_read_is_what_was_written(tmp_path):
    rng = np.random.default_rng(0)
    cell = np.repeat([3, 0, 2], 40)
    logits = rng.normal(scale=8, size=(120, 2))
    written = Predictions.from_logits(logits, cell % 2, cell, ["c0", "c1", "c2", "c,3"])
    (tmp_path / "predictions.csv").write_text(predictions_csv(written, CLASSES))
    read, classes = read_predictions(tmp_path / "predictions.csv")
    assert tuple(classes) == CLASSES
    np.testing.assert_allclose(read.probability, written.probability, rtol=1e-5)
    np.testing.assert_allclose(read.sigmoid, written.sigmoid, rtol=1e-5)
    np.testing.assert_array_equal(read.label, written.label)
    names = [written.cell_ids[index] for index in written.cell]
    assert [read.cell_ids[index] for index in read.cell] == names


def test_more_classes_come_back_as_they_were(tmp_path):
    rng = np.random.default_rng(0)
    label = np.arange(90) % 3
    written = Predictions.from_logits(rng.normal(scale=20, size=(90, 3)), label, label, "abc")
    (tmp_path / "a.csv").write_text(predictions_csv(written, ("PV", "SST", "VIP")))
    read, classes = read_predictions(tmp_path / "a.csv")
    assert classes == ["PV", "SST", "VIP"]
    np.testing.assert_allclose(read.probability, written.probability, rtol=1e-4)
    np.testing.assert_allclose(read.sigmoid, written.probability, rtol=1e-4)


def test_confident_spikes_are_told_apart(tmp_path):
    """As probabilities of six digits nearly all of these would be ties."""
    logits = np.stack([np.linspace(20, 30, 50), np.linspace(-20, -30, 50)], axis=1)
    label = np.arange(50) % 2
    (tmp_path / "a.csv").write_text(
        predictions_csv(Predictions.from_logits(logits, label, label), CLASSES)
    )
    read, _ = read_predictions(tmp_path / "a.csv")
    expected = roc_auc_score(label == 0, logits[:, 0])
    of_file = roc_auc_score(read.label == 0, read.probability[:, 0])
    assert of_file == pytest.approx(expected, abs=0.02)


def test_certain_answers_survive(tmp_path):
    certain = Predictions.from_logits(
        np.array([[90.0, -90.0], [-90.0, 90.0]]), np.arange(2), np.arange(2)
    )
    (tmp_path / "a.csv").write_text(predictions_csv(certain, CLASSES))
    read, _ = read_predictions(tmp_path / "a.csv")
    np.testing.assert_allclose(read.probability, np.eye(2), atol=1e-15)


@pytest.mark.parametrize(
    "text",
    ["", "cell,label\na,b\n", "cell,true_class,logit_A,logit_B\n",
     "cell,true_class,logit_A,logit_B\nc1,C,1,2\n", "cell,true_class,logit_A,logit_B\nc1,A,x,2\n"],
)  # fmt: skip
def test_other_tables_are_refused(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"a\.csv: expected a run's predictions"):
        read_predictions(path)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nothing\.csv: expected a run's predictions"):
        read_predictions(tmp_path / "nothing.csv")
