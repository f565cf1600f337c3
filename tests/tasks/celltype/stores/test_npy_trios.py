"""The authors' array trios, read where they lie or copied into a store."""

import pickle
import re
import tracemalloc
from pathlib import Path

import numpy as np
import psutil
import pytest

from raphe.core.errors import StoreError
from raphe.core.files.store import check_store
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.import_spikes import import_npy
from raphe.tasks.celltype.stores.npy_trios import CHECKED_ROWS
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import SYNTHETIC_NOTE, Cell
from raphe.tasks.celltype.stores.split import split_spikes
from raphe.tasks.celltype.training.batches import SpikeBatches
from raphe.tasks.celltype.training.parts import StorePart

TIME_S = np.arange(160) / 40_000


def write_trio(folder: Path, prefix="", n=12, seed=0, cell="A131024#14", label=None, time=0):
    """Two cells, the first SER; returns the currents (n, 160)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    windows = rng.normal(0, 30, (n, 160, 2, 1))
    windows[:, :, time, 0] = TIME_S
    labels = np.arange(n)[:, None] % 2 if label is None else np.full((n, 1), label)
    names = [[f"3mean_{cell}{row % 2}_trigger_{1000 * seed + row}.csv"] for row in range(n)]
    np.save(folder / f"{prefix}Observations.npy", windows)
    np.save(folder / f"{prefix}Labels.npy", labels.astype(float))
    np.save(folder / f"{prefix}Cellulars.npy", np.array(names))
    return windows[:, :, 1 - time, 0].astype(np.float32)


@pytest.mark.parametrize("time", [0, 1])
def test_a_trio_is_opened_in_place(tmp_path, time):
    currents = write_trio(tmp_path, time=time)
    spikes = open_spikes(tmp_path)
    assert (spikes.n, spikes.n_samples, spikes.rate_hz, spikes.unit) == (12, 160, 40_000.0, "pA")
    assert spikes.cells == [
        Cell("A131024#140", 0, "2013-10-24"),
        Cell("A131024#141", 1, "2013-10-24"),
    ]
    assert spikes.label.tolist() == [0, 1] * 6
    assert spikes.trigger.tolist() == list(range(12))
    rows = np.array([7, 0, 11])
    np.testing.assert_array_equal(spikes.read(rows), currents[rows])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(spikes)).read(rows), currents[rows])
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "Cellulars.npy",
        "Labels.npy",
        "Observations.npy",
    ]


def test_trios_of_one_folder_are_joined(tmp_path):
    """SER and NSER beside each other, or each in its folder, are one set."""
    ser = write_trio(tmp_path / "beside", "SER_", 5, 1, "A131024#14", label=0)
    nser = write_trio(tmp_path / "beside", "NSER_", 7, 2, "A140313#07", label=1)
    write_trio(tmp_path / "apart" / "SER", "", 5, 1, "A131024#14", label=0)
    write_trio(tmp_path / "apart" / "NSER", "", 7, 2, "A140313#07", label=1)
    for folder in ("beside", "apart"):
        spikes = open_spikes(tmp_path / folder)
        assert [cell.label for cell in spikes.cells] == [1, 1, 0, 0]
        rows = np.array([11, 2, 6, 7])  # NSER_ sorts first
        np.testing.assert_array_equal(spikes.read(rows), np.concatenate([nser, ser])[rows])
    alone = open_spikes(tmp_path / "beside" / "SER_Observations.npy")
    np.testing.assert_array_equal(alone.read(slice(None)), ser)


def test_a_spike_in_two_trios_is_asked_about(tmp_path):
    write_trio(tmp_path, "all_", 12)
    write_trio(tmp_path, "balanced_", 4)
    with pytest.raises(StoreError, match=r"4 spikes.*name one of the two files"):
        open_spikes(tmp_path)
    assert open_spikes(tmp_path / "balanced_Observations.npy").n == 4


def test_import_writes_a_store_of_the_same_spikes(tmp_path):
    currents = write_trio(tmp_path / "arrays", n=5000)
    report = import_npy(tmp_path / "arrays", tmp_path / "store")
    assert report.per_class == {"SER": (1, 2500), "NSER": (1, 2500)}
    check_store(tmp_path / "store")
    spikes, arrays = open_spikes(tmp_path / "store"), open_spikes(tmp_path / "arrays")
    np.testing.assert_array_equal(spikes.read(slice(None)), currents)
    np.testing.assert_array_equal(spikes.label, arrays.label)
    np.testing.assert_array_equal(spikes.cell, arrays.cell)
    np.testing.assert_array_equal(spikes.trigger, arrays.trigger)
    assert spikes.facts["sources"]["hash"] == arrays.content_hash
    with pytest.raises(StoreError, match="is a store already"):
        import_npy(tmp_path / "store", tmp_path / "again")


def test_spikes_that_are_no_waveform_are_left_out_and_told(tmp_path):
    write_trio(tmp_path / "in")
    observations = np.load(tmp_path / "in" / "Observations.npy")
    observations[3, 5, 1], observations[7, :, 1] = np.nan, 0
    np.save(tmp_path / "in" / "Observations.npy", observations)
    report = import_npy(tmp_path / "in", tmp_path / "store")
    assert report.n_spikes == 10
    told = [re.sub(r"cell [^)]*", "cell", failure.message) for failure in report.failed]
    assert told == [
        "spike 3 (counted from 0 through all files; cell) holds NaN or infinity",
        "spike 7 (counted from 0 through all files; cell) is zero throughout",
    ]
    left = np.delete(observations[:, :, 1, 0], [3, 7], axis=0).astype("f4")
    np.testing.assert_array_equal(open_spikes(tmp_path / "store").read(np.arange(10)), left)


def test_opening_and_importing_take_bounded_memory(tmp_path):
    n, rng = 40_000, np.random.default_rng(0)  # 102 MB of observations
    shape = (n, 160, 2, 1)
    windows = np.lib.format.open_memmap(tmp_path / "Observations.npy", "w+", "<f8", shape)
    for start in range(0, n, 4000):
        windows[start : start + 4000, :, 0, 0] = TIME_S
        windows[start : start + 4000, :, 1, 0] = rng.normal(size=(4000, 160))
    windows.flush()
    np.save(tmp_path / "Labels.npy", np.zeros((n, 1)))
    np.save(tmp_path / "Cellulars.npy", np.array([[f"a_trigger_{row}.csv"] for row in range(n)]))
    tracemalloc.start()
    spikes = open_spikes(tmp_path)
    opened = tracemalloc.get_traced_memory()[1]
    import_npy(tmp_path, tmp_path / "store")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spikes.n == n
    assert opened < 30e6
    assert peak < 60e6  # 39 MB, and what the collector of a large process has let lie


def test_reading_a_trio_through_keeps_nothing_of_it_in_memory(tmp_path):
    n = 300_000  # 768 MB of observations, nearly all of them a hole in the file
    shape = (n, 160, 2, 1)
    windows = np.lib.format.open_memmap(tmp_path / "Observations.npy", "w+", "<f8", shape)
    rows = np.unique(np.linspace(0, n - 1, CHECKED_ROWS).astype(int))
    for row in rows:
        windows[row, :, 0, 0], windows[row, :, 1, 0] = TIME_S, row
    del windows
    np.save(tmp_path / "Labels.npy", np.arange(n) % 6 % 2)
    names = np.array([f"A131024#14{row}_trigger_7.csv" for row in range(6)])
    np.save(tmp_path / "Cellulars.npy", names[np.arange(n) % 6])
    process = psutil.Process()
    before, most, seen = process.memory_info().rss, 0, []
    spikes = open_spikes(tmp_path)
    part = StorePart(spikes, split_spikes(spikes).part, PARTS.index("train"))
    for current, label, cell in SpikeBatches([part], [len(part)], 64, seed=0):
        most = max(most, process.memory_info().rss)
        seen += current[current[:, 0] > 0, 0].int().tolist()
        assert (label == cell % 2).all()
    assert len(part) == 2 * n // 6
    kept = set(part.rows.tolist())
    assert sorted(seen) == [row for row in rows if row in kept and row > 0]
    assert most - before < 150e6


def test_more_cells_than_two_bytes_can_count(tmp_path):
    n = 2**16 + 100
    np.save(tmp_path / "Observations.npy", np.broadcast_to(TIME_S[:3, None], (n, 3, 2)))
    np.save(tmp_path / "Labels.npy", np.arange(n) % 2)
    np.save(tmp_path / "Cellulars.npy", np.array([f"cell {row}" for row in range(n)]))
    spikes = open_spikes(tmp_path, time_column=0)
    np.testing.assert_array_equal(spikes.cell, np.arange(n))
    assert spikes.cells[n - 1] == Cell(f"cell {n - 1}", (n - 1) % 2)


def test_arrays_of_another_byte_order_are_read(tmp_path):
    currents = write_trio(tmp_path)
    for name in ("Observations", "Labels"):
        np.save(tmp_path / f"{name}.npy", np.load(tmp_path / f"{name}.npy").astype(">f8"))
    spikes = open_spikes(tmp_path)
    np.testing.assert_array_equal(spikes.read(slice(2, 9)), currents[2:9])
    assert spikes.label.tolist() == [0, 1] * 6


def test_the_sampled_hash_notices_changes_and_says_what_it_is(tmp_path):
    write_trio(tmp_path)
    first = open_spikes(tmp_path).content_hash
    assert first.startswith("sampled-")
    assert open_spikes(tmp_path).content_hash == first
    labels = np.load(tmp_path / "Labels.npy")
    np.save(tmp_path / "Labels.npy", 1 - labels)
    changed = open_spikes(tmp_path).content_hash
    np.save(tmp_path / "Labels.npy", labels)
    windows = np.load(tmp_path / "Observations.npy")
    windows[3, 5, 1, 0] += 1
    np.save(tmp_path / "Observations.npy", windows)
    assert len({first, changed, open_spikes(tmp_path).content_hash}) == 3


@pytest.mark.parametrize("kind", ["neither", "either"])
def test_a_time_column_that_does_not_show_is_asked_about(tmp_path, kind):
    write_trio(tmp_path)
    windows = np.load(tmp_path / "Observations.npy")
    windows[..., 1, 0] = np.linspace(0, 1, 160)
    if kind == "neither":
        windows[3, 100:, :, 0] = 0
    np.save(tmp_path / "Observations.npy", windows)
    with pytest.raises(StoreError, match=f"{kind} of its two columns.*--time-column"):
        open_spikes(tmp_path)
    assert open_spikes(tmp_path, time_column=0).rate_hz == 40_000.0


def test_arrays_that_do_not_fit_are_told(tmp_path):
    def replaced(name, array, message):
        folder = tmp_path / f"case{len(list(tmp_path.iterdir()))}"
        write_trio(folder)
        np.save(folder / f"{name}.npy", array)
        with pytest.raises(StoreError, match=message) as error:
            open_spikes(folder)
        assert name in str(error.value)

    replaced(
        "Observations", np.zeros((12, 160)), r"expected \(N, T, 2, 1\) floats, got \(12, 160\)"
    )
    replaced("Labels", np.zeros((11, 1)), r"expected \(12, 1\)")
    must = r"labels must be 0 \(SER\) or 1 \(NSER\), one a spike; of one-hot rows take argmax"
    replaced("Labels", np.full((12, 1), 2), f"expected labels 0 to 1, got 2 in row 0; {must}")
    replaced("Labels", np.full((12, 1), "SER"), must)
    replaced("Labels", np.eye(2)[np.arange(12) % 2], rf"got \(12, 2\); {must}")
    replaced("Cellulars", np.zeros((12, 1)), "expected strings")
    replaced("Cellulars", np.full((12, 1), "x", dtype=object), "Python objects.*astype")
    windows = np.zeros((12, 160, 2, 1))
    windows[:, :, 0, 0] = TIME_S * 1000
    replaced("Observations", windows, "steps by 0.025, expected seconds")
    replaced("Observations", np.asfortranarray(windows), "stored column by column")


def test_a_cell_of_two_classes_and_a_lone_file_are_told(tmp_path):
    write_trio(tmp_path / "mixed")
    np.save(tmp_path / "mixed" / "Labels.npy", (np.arange(12)[:, None] > 5).astype(float))
    message = (
        r"'3mean_A131024#140_trigger_0\.csv' \(row 0, label 0\) and "
        r"'3mean_A131024#140_trigger_6\.csv' \(row 6, label 1\) .* one cell, A131024#140, but"
    )
    with pytest.raises(StoreError, match=message):
        open_spikes(tmp_path / "mixed")
    for label, name in enumerate(("one_", "two_")):
        write_trio(tmp_path / "apart", name, 4, seed=label, label=label)
    with pytest.raises(StoreError, match=r"cell A131024#140 has label 1 here and 0 in another"):
        open_spikes(tmp_path / "apart")
    write_trio(tmp_path / "lone")
    (tmp_path / "lone" / "Labels.npy").unlink()
    with pytest.raises(StoreError, match=r"Labels\.npy not beside it"):
        open_spikes(tmp_path / "lone")
    write_trio(tmp_path / "cut")
    file = tmp_path / "cut" / "Observations.npy"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(StoreError, match=r"is not an \.npy array that is whole"):
        open_spikes(tmp_path / "cut")


def test_a_time_of_32_bits_gives_the_nominal_rate(tmp_path):
    write_trio(tmp_path)
    windows = np.load(tmp_path / "Observations.npy").astype(np.float32)
    np.save(tmp_path / "Observations.npy", windows)
    assert open_spikes(tmp_path).rate_hz == 40_000.0


def test_names_of_synthetic_spikes_are_noted_also_by_the_store_made_of_them(tmp_path):
    write_trio(tmp_path / "arrays")
    assert open_spikes(tmp_path / "arrays").is_synthetic
    import_npy(tmp_path / "arrays", tmp_path / "store")
    spikes = open_spikes(tmp_path / "store")
    assert spikes.is_synthetic and spikes.note == SYNTHETIC_NOTE
    names = np.load(tmp_path / "arrays" / "Cellulars.npy")
    np.save(tmp_path / "arrays" / "Cellulars.npy", np.char.replace(names, "3mean_", ""))
    assert open_spikes(tmp_path / "arrays").note == ""
