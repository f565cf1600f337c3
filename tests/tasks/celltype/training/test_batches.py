"""Which spikes come, how often and how mixed, whatever the sizes; in memory that does not grow."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from raphe.core.errors import StoreError
from raphe.core.recordings.arrays import ArrayFile
from raphe.tasks.celltype.stores import lazy_array
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.training import batches as batches_module
from raphe.tasks.celltype.training import parts as spike_part
from raphe.tasks.celltype.training.batches import SpikeBatches, _shares
from raphe.tasks.celltype.training.parts import StorePart

T = 4
PER_CELL = 10


def spike_set(windows: LazyArray) -> SpikeSet:
    """Spikes in cells of PER_CELL, of the classes in turn."""
    cell = np.arange(len(windows)) // PER_CELL
    cells = [Cell(f"c{i}", i % 2) for i in range(cell.max(initial=0) + 1)]
    return SpikeSet(
        path=Path("made up"),
        classes=("SER", "NSER"),
        rate_hz=40_000.0,
        unit="pA",
        windows=windows,
        cell=LazyArray(InMemory(cell)),
        trigger=LazyArray(InMemory(np.full(len(cell), -1))),
        cells=cells,
        counts=np.bincount(cell, minlength=len(cells)),
        content_hash="",
        facts={},
        reopen=(spike_set, (windows,)),
    )


def numbered(n: int, first: int = 0) -> SpikeSet:
    """A set in which each spike is filled with its number; on the disk it would be in 3 files."""
    waveforms = np.repeat(np.arange(first, first + n, dtype=np.float32)[:, None], T, axis=1)
    return spike_set(LazyArray(*map(InMemory, np.array_split(waveforms, 3))))


def drawn(parts, counts, batch_size: int = 8, seed: int | None = 0, epoch: int = 0) -> list[int]:
    """The numbers of an epoch's spikes in order; checks labels, cells and sizes on the way."""
    rows: list[int] = []
    batches = SpikeBatches(parts, counts, batch_size, seed, lambda: epoch)
    sizes = []
    for current, label, cell in batches:
        assert (current == current[:, :1]).all()
        here = current[:, 0].numpy().astype(int)
        np.testing.assert_array_equal(cell, here % 1_000_000 // PER_CELL)
        np.testing.assert_array_equal(label, here % 1_000_000 // PER_CELL % 2)
        rows += here.tolist()
        sizes.append(len(here))
    assert set(sizes[:-1]) <= {batch_size} and len(sizes) == len(batches)
    assert len(rows) == sum(counts)
    return rows


def shrink(
    patch: pytest.MonkeyPatch, buffer: int, chunk: int = 4, min_chunks: int = 8, read: int = 8
) -> None:
    """Make buffer, chunks and reads so small that few spikes do what millions would."""
    patch.setattr(batches_module, "BUFFER_BYTES", 4 * T * buffer)
    patch.setattr(spike_part, "CHUNK_ROWS", chunk)
    patch.setattr(spike_part, "MIN_CHUNKS", min_chunks)
    patch.setattr(spike_part, "READ_ROWS", read)
    patch.setattr(lazy_array, "BLOCK_ROWS", 13)


@settings(max_examples=40)
@given(data=st.data(), n=st.integers(1, 120), batch=st.integers(1, 20), buffer=st.integers(1, 60))
def test_each_spike_of_a_part_comes_once_an_epoch_with_its_label_and_cell(data, n, batch, buffer):
    with pytest.MonkeyPatch.context() as patch:
        chunk, read = data.draw(st.integers(1, 9)), data.draw(st.integers(9, 30))
        shrink(patch, buffer, chunk, read=read)
        spikes = numbered(n)
        part_of = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), np.uint8)
        for number in set(part_of.tolist()):
            part = StorePart(spikes, LazyArray(InMemory(part_of)), number)
            rows = np.flatnonzero(part_of == number).tolist()
            assert len(part) == len(rows) and part.rows.tolist() == rows
            assert drawn([part], [len(rows)], batch, seed=None) == rows
            shuffled = drawn([part], [len(rows)], batch, seed=3, epoch=2)
            assert sorted(shuffled) == rows
            assert drawn([part], [len(rows)], batch, seed=3, epoch=2) == shuffled
    assert len(StorePart(spikes)) == n


@settings(max_examples=25)
@given(n=st.integers(1, 80), count=st.integers(1, 200), epochs=st.integers(1, 6))
def test_over_epochs_every_spike_comes_equally_often_whatever_makes_an_epoch(n, count, epochs):
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch, 32)
        part = StorePart(numbered(n))
        rows = [row for epoch in range(epochs) for row in drawn([part], [count], 8, 1, epoch)]
    times = np.bincount(rows, minlength=n)
    assert times.max() - times.min() <= 1


def test_a_part_told_by_cells_is_the_same(monkeypatch):
    shrink(monkeypatch, buffer=40)
    spikes = numbered(300)
    of_cell = np.random.default_rng(0).integers(0, 3, len(spikes.cells), dtype=np.uint8)
    column = LazyArray(InMemory(of_cell[spikes.cell]))
    for number in range(3):
        parts = [StorePart(spikes, column, number), StorePart(spikes, column, number, of_cell)]
        by_column, by_cell = (drawn([part], [len(part)], seed=2) for part in parts)
        assert by_column == by_cell


def test_an_epoch_is_the_same_alone_and_after_others(monkeypatch):
    shrink(monkeypatch, buffer=40)
    parts, counts = [StorePart(numbered(100)), StorePart(numbered(300, 1_000_000))], [100, 130]
    batches = SpikeBatches(parts, counts, 8, seed=5)
    for epoch in range(4):
        batches.epoch = lambda epoch=epoch: epoch
        in_turn = [int(x) for current, _, _ in batches for x in current[:, 0]]
        assert in_turn == drawn(parts, counts, 8, seed=5, epoch=epoch)
    firsts = [drawn(parts, counts, 8, seed, epoch)[:40] for seed in (5, 6) for epoch in (0, 1)]
    assert len({frozenset(first) for first in firsts}) == 4  # not only their order differs


def test_an_epoch_that_fits_the_buffer_comes_in_every_order_alike():
    part = StorePart(numbered(4))
    orders = [tuple(drawn([part], [4], seed=seed, epoch=seed % 7)) for seed in range(1200)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 24
    assert chisquare(counts).pvalue > 1e-4


def test_an_epoch_beyond_the_buffer_is_mixed_all_the_same():
    """As far as 512 chunks a buffer mix: no trend, no neighbours, batches as varied as drawn."""
    n, per_cell, batch = 100_000, 2_000, 64
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches_module, "BUFFER_BYTES", 4 * T * 2**15)
        order = np.array(
            [
                x
                for c, _, _ in SpikeBatches([StorePart(numbered(n))], [n], batch, 1)
                for x in c[:, 0]
            ],
            int,
        )
    assert sorted(order) == list(range(n))
    assert abs(np.corrcoef(order, np.arange(n))[0, 1]) < 0.1
    apart = np.abs(np.diff(order))
    assert np.mean(apart == 1) < 1e-3  # a buffer holds 64 neighbours of each, 32 768 spikes apart
    of_class = order // per_cell % 2  # whole stretches of the store are of one class
    shares = of_class[: n // batch * batch].reshape(-1, batch).mean(axis=1)
    assert shares.std() < 1.1 * np.sqrt(0.25 / batch)  # of batches drawn spike by spike


def test_sources_are_mixed_in_proportion(monkeypatch):
    shrink(monkeypatch, buffer=40)
    parts = [StorePart(numbered(100)), StorePart(numbered(300, 1_000_000))]
    order = np.array(drawn(parts, [100, 300], 8))
    assert (order >= 1_000_000)[: 400 // 40 * 40].reshape(-1, 40).sum(axis=1).tolist() == [30] * 10
    assert sorted(order.tolist()) == [*range(100), *range(1_000_000, 1_000_300)]


@given(left=st.lists(st.integers(0, 50), min_size=1, max_size=5).filter(any), data=st.data())
def test_shares_sum_up_and_take_no_more_than_is_left(left, data):
    n = data.draw(st.integers(1, sum(left)))
    shares = _shares(left, n)
    assert sum(shares) == n
    assert all(0 <= share <= rest for share, rest in zip(shares, left, strict=True))


def test_memory_does_not_grow_with_the_store(monkeypatch, tmp_path):
    monkeypatch.setattr(batches_module, "BUFFER_BYTES", 4 * T * 2**13)
    peaks = []
    for n in (20_000, 1_000_000):
        np.lib.format.open_memmap(tmp_path / f"{n}.npy", "w+", np.float32, (n, T))
        spikes = spike_set(LazyArray(ArrayFile.of(np.load(tmp_path / f"{n}.npy", mmap_mode="r"))))
        part = StorePart(spikes, spikes.label, 1)
        tracemalloc.start()
        seen = sum(len(label) for _, label, _ in SpikeBatches([part], [len(part)], 64, 0))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == n // 2
    assert peaks[1] - peaks[0] < 1e6  # a byte a spike


def test_a_file_that_goes_missing_ends_the_epoch_with_its_name(monkeypatch, tmp_path):
    shrink(monkeypatch, buffer=16)
    np.save(tmp_path / "spikes.npy", np.zeros((400, T), np.float32))
    windows = LazyArray(ArrayFile.of(np.load(tmp_path / "spikes.npy", mmap_mode="r")))
    batches = iter(SpikeBatches([StorePart(spike_set(windows))], [400], 8, 0))
    next(batches)
    (tmp_path / "spikes.npy").unlink()
    with pytest.raises(StoreError, match=r"spikes\.npy: could not be read"):
        list(batches)
