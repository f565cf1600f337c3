"""The evidence of a network whose reasons are known."""

import csv
import io

import numpy as np
import pytest
import torch

from raphe.tasks.celltype.evaluation.class_evidence import (
    SPIKES_EXPLAINED,
    class_evidence,
    evidence_csv,
    evidence_figure,
)
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.module import CellTypeModule, one_hot_loss

RATE_HZ, N = 40_000.0, 160
BUMP = slice(100, 120)  # only here do the classes differ


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    rng = np.random.default_rng(0)
    label = np.arange(120) % 2
    windows = rng.normal(0, 1, (120, N)).astype(np.float32)
    windows[:, :20] -= 30
    windows[label == 0, BUMP] += 20
    path = tmp_path_factory.mktemp("why") / "store"
    with SpikeStoreWriter(path, ("SER", "NSER"), N) as writer:
        for c, name in enumerate(("SER", "NSER")):
            of_label = windows[label == c]
            writer.add(Cell(name, c), of_label, np.arange(len(of_label)))
        writer.finish(RATE_HZ, "pA", {})
    store = open_spikes(path)
    torch.manual_seed(0)
    module = CellTypeModule(8, columns=1, dropout=0.0)
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    current, truth = torch.from_numpy(store.read(slice(None))), torch.tensor(store.label[:])
    for _ in range(40):
        optimizer.zero_grad()
        one_hot_loss(module(current), truth.long()).backward()
        optimizer.step()
    with torch.inference_mode():
        logits = module.eval()(current).numpy()
    predictions = Predictions.from_logits(logits, truth.numpy(), cell=truth.numpy())
    assert (predictions.predicted == predictions.label).all()
    return class_evidence(module, store, np.arange(store.n), predictions)


def test_the_evidence_lies_where_the_classes_differ(evidence):
    ser = evidence[0]
    inside = np.abs(ser.gradients[BUMP]).sum() / np.abs(ser.gradients).sum()
    assert inside > 0.5  # in an eighth of the window


def test_each_class_has_its_own_spikes_and_numbers(evidence):
    assert [of_class.name for of_class in evidence] == ["SER", "NSER"]
    for of_class in evidence:
        assert of_class.n_spikes == SPIKES_EXPLAINED
        for values in (of_class.mean, of_class.grad_cam, of_class.gradients, of_class.spike.window):
            assert values.shape == (N,) and np.isfinite(values).all()
        assert of_class.grad_cam.min() >= 0 and of_class.grad_cam.max() <= 1
    assert evidence[0].mean[BUMP].mean() > evidence[1].mean[BUMP].mean() + 15


def test_table_and_figure_hold_every_class(evidence):
    rows = list(csv.DictReader(io.StringIO(evidence_csv(evidence, RATE_HZ))))
    assert len(rows) == 2 * N
    assert float(rows[110]["time_ms"]) == pytest.approx(2.75)
    assert float(rows[110]["grad_cam"]) == pytest.approx(evidence[0].grad_cam[110], rel=1e-5)
    figure = evidence_figure(evidence, RATE_HZ, "pA")
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(panels) == 8
