"""The evidence of a network whose reasons are known."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from figure_texts import assert_texts_apart
from raphe.tasks.celltype.evaluation.class_evidence import (
    SPIKES_EXPLAINED,
    class_evidence,
    evidence_csv,
    evidence_figure,
)
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.spikes.time_axis import TimeAxis
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.training.module import CellTypeModule, one_hot_loss

RATE_HZ, N = 40_000.0, 160
AXIS = TimeAxis(RATE_HZ, pre_ms=1.0)
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
    rows = list(csv.DictReader(io.StringIO(evidence_csv(evidence, AXIS, "pA"))))
    assert len(rows) == 2 * N
    assert float(rows[110]["time_from_crossing_ms"]) == pytest.approx(1.75)
    assert float(rows[110]["mean_pA"]) == pytest.approx(evidence[0].mean[110], rel=1e-5)
    assert float(rows[110]["grad_cam"]) == pytest.approx(evidence[0].grad_cam[110], rel=1e-5)
    figure = evidence_figure(evidence, AXIS, "pA")
    panels, bars = figure.axes[:8], figure.axes[8:]
    assert [axes.get_title() != "" for axes in panels] == [True] * 4 + [False] * 4
    assert panels[0].get_ylabel() == "SER:\ncurrent (pA)"
    assert panels[4].get_xlabel() == "Time from crossing (ms)"
    assert len(bars) == 2  # one scale a kind of evidence
    assert len({axes.images[0].get_clim() for axes in panels}) == 2
    assert panels[0].lines[0].get_xdata()[0] == -1.0
    assert "16 spikes of 1 cell SER" in figure.caption
    for axes in panels:  # green speaks for the class, whichever the kind
        red, green, blue, _ = axes.images[0].cmap(1.0)
        assert green > max(red, blue)
    assert_texts_apart(figure)


def test_windows_of_an_unknown_crossing_begin_at_0():
    axis = TimeAxis(RATE_HZ)
    assert axis.time_ms(3).tolist() == [0, 0.025, 0.05]
    assert (axis.label, axis.column) == ("time from window start (ms)", "time_in_window_ms")


def test_where_nothing_spoke_for_a_class_the_figure_says_so(evidence):
    flat = replace(evidence[0], grad_cam=np.zeros(N, np.float32))
    first, *rest = evidence_figure([flat], AXIS, "pA").axes[:4]
    assert "0 throughout:\nno time spoke\nfor SER" in [text.get_text() for text in first.texts]
    assert not any("spoke" in text.get_text() for axes in rest for text in axes.texts)
