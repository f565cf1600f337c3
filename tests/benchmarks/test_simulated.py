from pathlib import Path

import numpy as np
import torch

from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.stores.open_spikes import check_spikes, open_spikes


def test_store_holds_exactly_what_is_asked_for(tmp_path: Path):
    from simulated import simulated_store

    store = simulated_store(tmp_path / "store", per_class=75)  # the second cell's spikes are cut
    check_spikes(store)
    spikes = open_spikes(store)
    assert np.bincount(np.asarray(spikes.label[:])).tolist() == [75, 75]
    assert len({cell.cell_id for cell in spikes.cells}) == len(spikes.cells) > 2
    assert "simulated" in spikes.note


def test_spikes_are_reproducible_and_in_random_order():
    from simulated import simulated_spikes

    waveforms, labels = simulated_spikes(2)
    assert waveforms.shape == (len(labels), 160)
    assert 0 < labels[: len(labels) // 2].mean() < 1
    again, _ = simulated_spikes(2)
    np.testing.assert_array_equal(waveforms, again)


def test_keras_layout_is_the_published_one():
    from simulated import as_in_keras

    current = np.random.default_rng(0).normal(0, 30, (3, 160)).astype(np.float32)
    columns = as_in_keras(current)
    assert columns.shape == (3, 160, 2, 1) and columns.dtype == np.float32
    net = CellTypeNet(kernel=5).eval()
    with torch.no_grad():
        given_both = net(torch.from_numpy(columns[..., 0]))
        given_current = net(torch.from_numpy(current))
    torch.testing.assert_close(given_both, given_current)
