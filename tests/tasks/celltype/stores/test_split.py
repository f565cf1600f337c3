"""A split of spikes: as if told spike by spike, whatever it holds in memory."""

import hashlib
import pickle

import numpy as np
import pytest
from scipy.stats import chisquare

from raphe.core.errors import SettingError, SplitError
from raphe.core.recordings.arrays import ArrayFile
from raphe.core.statistics import splits
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.stores.split import FRACTIONS, LEFT_OUT, split_spikes


@pytest.fixture
def uneven(tmp_path):
    """16 cells of 1 to 16 spikes; a day has two of different class, and so has an animal."""
    with SpikeStoreWriter(tmp_path / "uneven", ("SER", "NSER"), 3) as writer:
        for i in range(16):
            cell = Cell(f"c{i:02d}", i % 2, f"2026-01-{1 + i // 2:02d}", f"m{(i + 1) % 16 // 2}")
            writer.add(cell, np.zeros((1 + i, 3), np.float32), np.arange(1 + i))
        return open_spikes(writer.finish(40_000.0, "pA", {}))


@pytest.mark.parametrize("kind", ["cell", "day", "animal"])
@pytest.mark.parametrize("seed", range(5))
def test_by_group_it_is_what_splitting_every_spike_gives(uneven, kind, seed):
    split = split_spikes(uneven, kind, seed=seed)
    group_of_cell = {
        "cell": np.arange(16),
        "day": np.array([int(cell.day[-2:]) for cell in uneven.cells]),
        "animal": np.array([int(cell.animal[1:]) for cell in uneven.cells]),
    }
    groups = group_of_cell[kind][uneven.cell[:]]
    expected = splits.split_by_group(
        groups, uneven.label[:], FRACTIONS, seed, group_name=kind, class_names=uneven.classes
    )
    for name, rows in expected.parts().items():
        np.testing.assert_array_equal(split.rows(name), rows)


def test_days_of_a_huge_store_are_balanced_by_fewer_items(uneven, monkeypatch):
    monkeypatch.setattr("raphe.tasks.celltype.stores.split.MAX_ITEMS", 40)  # of 136 spikes
    split = split_spikes(uneven, "day")
    assert len(split.part) == split.counts.sum() == 136
    assert uneven.per_class(split.counts).all()
    part_of_day = {
        (uneven.cells[cell].day, part) for cell, part in np.argwhere(split.counts).tolist()
    }
    assert len(part_of_day) == 8


def test_by_spike_the_parts_have_the_published_sizes_and_every_spike_an_even_chance(uneven):
    parts = np.stack([split_spikes(uneven, "spike", seed=seed).part[:] for seed in range(400)])
    sizes = splits.part_sizes(136, FRACTIONS)
    for number, size in enumerate(sizes):
        assert ((parts == number).sum(axis=1) == size).all()
    assert chisquare((parts == 0).sum(axis=0)).pvalue > 1e-4
    np.testing.assert_array_equal(parts[7], split_spikes(uneven, "spike", seed=7).part)


@pytest.mark.parametrize("kind", ["spike", "cell", "day", "animal"])
def test_so_many_of_each_class_are_drawn_and_the_others_left_out(uneven, kind):
    whole = split_spikes(uneven, kind, seed=3)
    split = split_spikes(uneven, kind, seed=3, per_class=50)
    drawn = split.part != LEFT_OUT
    assert np.bincount(uneven.label[drawn]).tolist() == [50, 50]
    assert uneven.per_class(split.counts).sum(axis=1).tolist() == [50, 50]
    if kind != "spike":
        for cell in range(16):
            assert len(set(split.part[drawn & (uneven.cell == cell)].tolist())) <= 1
    assert not (whole.part == LEFT_OUT).any()
    with pytest.raises(SettingError, match=r"has 64 spikes of SER; ask for no more"):
        split_spikes(uneven, kind, per_class=65)


@pytest.mark.parametrize(("kind", "per_class"), [("cell", None), ("spike", None), ("cell", 50)])
def test_counts_and_digest_are_of_every_spike_and_pickling_changes_nothing(uneven, kind, per_class):
    split = split_spikes(uneven, kind, per_class=per_class)
    part, cell = split.part[:], uneven.cell[:]
    for number in range(len(PARTS)):
        np.testing.assert_array_equal(
            split.counts[:, number], np.bincount(cell[part == number], minlength=16)
        )
    expected = hashlib.sha256(uneven.content_hash.encode() + part.tobytes()).hexdigest()
    assert split.digest == expected
    again = pickle.loads(pickle.dumps(split))
    np.testing.assert_array_equal(again.part, part)
    assert again.facts == split.facts
    assert len(pickle.dumps(split)) < 1000


def test_too_few_spikes_are_told(uneven):
    with pytest.raises(SplitError, match="leaves a part empty"):
        split_spikes(uneven, "spike", (0.98, 0.01, 0.01), per_class=2)


@pytest.mark.parametrize("per_class", [None, 50])
@pytest.mark.parametrize("kind", ["cell", "day", "animal", "spike"])
def test_a_split_reads_the_cell_of_each_spike_once_and_no_window(
    uneven, kind, per_class, monkeypatch
):
    rows_read, read, gather = {}, ArrayFile.read, ArrayFile.__getitem__

    def counting_read(file, starts, stops, out):
        rows_read[file.path.stem] = rows_read.get(file.path.stem, 0) + int((stops - starts).sum())
        read(file, starts, stops, out)

    def counting_gather(file, rows):
        rows_read[file.path.stem] = rows_read.get(file.path.stem, 0) + len(rows)
        return gather(file, rows)

    monkeypatch.setattr(ArrayFile, "read", counting_read)
    monkeypatch.setattr(ArrayFile, "__getitem__", counting_gather)
    split = split_spikes(uneven, kind, per_class=per_class)
    assert split.counts.sum() == (136 if per_class is None else 2 * per_class)
    needed = kind == "spike" or per_class is not None  # else the cells' counts tell it all
    assert rows_read == ({"cell": uneven.n} if needed else {})
