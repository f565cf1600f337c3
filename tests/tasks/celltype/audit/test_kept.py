"""What an audit that was killed finds of itself, and what it does not mix with itself."""

import json

import numpy as np
import pytest

from raphe.core.errors import StoreError
from raphe.tasks.celltype.audit.kept import FACTS, keep
from raphe.tasks.celltype.audit.plan import planned
from raphe.tasks.celltype.audit.settings import Settings
from raphe.tasks.celltype.metrics.predictions import Predictions


@pytest.fixture
def plan(make_store, cells_on_days):
    with planned(make_store(cells_on_days(12, 3)), settings=Settings(shuffles=0)) as plan:
        yield plan


def test_predictions_are_there_again(plan, tmp_path):
    probability = np.random.default_rng(0).dirichlet([1, 1], 5)
    predictions = Predictions(probability, probability, np.arange(5) % 2, np.arange(5))
    kept = keep(tmp_path / "out", plan, "cpu")
    assert kept.read("spikes-by-cell-0") is None and not kept.progress(plan)
    kept.write("spikes-by-cell-0", predictions)
    again = keep(tmp_path / "out", plan, "cpu")
    read = again.read("spikes-by-cell-0")
    for name in ("probability", "label", "cell"):
        np.testing.assert_array_equal(getattr(read, name), getattr(predictions, name))
    assert again.progress(plan) == ", 1 of them there already"


def test_a_damaged_file_is_none(plan, tmp_path):
    kept = keep(tmp_path / "out", plan, "cpu")
    (tmp_path / "out" / "trainings" / "spikes-by-cell-0.npz").write_bytes(b"PK\x03\x04")
    assert kept.read("spikes-by-cell-0") is None


def test_another_audit_is_refused_or_begun_anew(plan, tmp_path, make_store, cells_on_days):
    out = tmp_path / "out"
    keep(out, plan, "cpu").write(
        "spikes-by-cell-0", Predictions(np.eye(2), np.eye(2), np.arange(2), np.arange(2))
    )
    settings = Settings(shuffles=0, kernel=8)
    with planned(make_store(cells_on_days(14, 3), "other"), settings=settings) as other:
        message = r"out: holds an audit with other spikes and kernel \(20 there, 8 here\); name"
        with pytest.raises(StoreError, match=message):
            keep(out, other, "cpu")
        assert (out / "trainings" / "spikes-by-cell-0.npz").exists()
        (mine := out / "trainings" / "thesis.txt").write_text("years of work")
        with pytest.raises(StoreError, match=r"holds thesis\.txt, which raphe did not write"):
            keep(out, other, "cpu", overwrite=True)
        mine.unlink()
        kept = keep(out, other, "cpu", overwrite=True)
        assert kept.read("spikes-by-cell-0") is None


def test_a_folder_of_something_else_is_left_alone(plan, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=f"{tmp_path}: exists and holds no {FACTS}"):
        keep(tmp_path, plan, "cpu", overwrite=True)


def test_a_folder_that_cannot_be_written_is_told_before_any_training(plan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be written"):
        keep(tmp_path / "file" / "out", plan, "cpu")


def test_facts_that_are_damaged_are_another_audits(plan, tmp_path):
    keep(tmp_path / "out", plan, "cpu")
    (tmp_path / "out" / FACTS).write_text("{")
    with pytest.raises(StoreError, match="holds an audit with other raphe"):
        keep(tmp_path / "out", plan, "cpu")
    keep(tmp_path / "out", plan, "cpu", overwrite=True)
    assert json.loads((tmp_path / "out" / FACTS).read_text())["kernel"] == 20
