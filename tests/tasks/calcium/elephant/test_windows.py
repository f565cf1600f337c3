"""Training windows: which there are, what they hold, and in which order."""

import numpy as np
import pytest
import torch

from raphe.tasks.calcium.elephant.windows import CUT, WindowBatches, n_windows, rate_scale_per_s
from raphe.tasks.calcium.recordings.sampling import smoothed, z_scored
from raphe.tasks.calcium.stores.import_traces import import_traces
from raphe.tasks.calcium.stores.trace_store import (
    CalciumStore,
    RecordingSubset,
    open_traces,
    write_traces,
)


def batches(store: CalciumStore, rows=range(12), **settings) -> WindowBatches:
    subset = RecordingSubset(store, np.array(rows))
    return WindowBatches(subset, CUT.scales(subset), **{"batch_size": 64, **settings})


def all_of(epoch: WindowBatches) -> tuple[torch.Tensor, torch.Tensor]:
    calcium, target = zip(*epoch, strict=True)
    return torch.cat(calcium), torch.cat(target)


def expected(store: CalciumStore, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Every window and target of a recording, cut one by one: sample i sees i − 32 … i + 95."""
    rows = store.recordings[row].rows
    calcium, target = z_scored(store.calcium[rows]), z_scored(smoothed(store.spikes[rows]))
    predicted = range(32, len(calcium) - 224 + 1)
    return np.stack([calcium[i - 32 : i + 96] for i in predicted]), target[predicted]


def ordered(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def test_an_epoch_holds_every_window_of_the_original_once(store: CalciumStore) -> None:
    calcium, target = all_of(batches(store))
    each = [expected(store, row) for row in range(12)]
    windows = np.concatenate([np.c_[window, rate] for window, rate in each])
    got = np.c_[calcium.numpy(), target.numpy()]
    assert got.shape == windows.shape
    np.testing.assert_allclose(ordered(got), ordered(windows.astype(np.float32)), atol=1e-5)


def test_there_are_as_many_windows_as_the_original_counts(real_data, tmp_path) -> None:
    folder = real_data("spikefinder", "4.train.calcium.csv.gz").parent
    import_traces(folder, tmp_path / "store")
    real = open_traces(tmp_path / "store")
    for dataset, count in (("4", 165048), ("5", 149976), ("6", 171687)):
        rows = [
            row for row, recording in enumerate(real.recordings) if recording.dataset == dataset
        ]
        assert n_windows(RecordingSubset(real, np.array(rows))).sum() == count


@pytest.mark.parametrize("consecutive", [3, 16])
def test_neighbours_in_a_row_are_neighbours_in_the_trace(store: CalciumStore, consecutive) -> None:
    calcium, target = all_of(batches(store, rows=[4], consecutive=consecutive))
    windows, rates = (values.astype(np.float32) for values in expected(store, 4))
    assert calcium.shape[1] == 127 + consecutive and target.shape[1] == consecutive
    assert len(calcium) == len(windows) // consecutive
    seen = []
    for row, rate in zip(calcium.unfold(1, 128, 1).numpy(), target.numpy(), strict=True):
        first = int(np.abs(windows - row[0]).max(axis=1).argmin())
        np.testing.assert_allclose(windows[first : first + consecutive], row, atol=1e-5)
        np.testing.assert_allclose(rates[first : first + consecutive], rate, atol=1e-5)
        seen.extend(range(first, first + consecutive))
    assert len(set(seen)) == len(seen)


def test_the_order_depends_on_seed_and_epoch_alone(store: CalciumStore) -> None:
    def first(seed: int, epoch: int) -> torch.Tensor:
        return next(iter(batches(store, seed=seed, epoch=lambda: epoch)))[0]

    assert torch.equal(first(1, 2), first(1, 2))
    assert not torch.equal(first(1, 2), first(1, 3))
    assert not torch.equal(first(1, 2), first(2, 2))


def test_batches_are_of_the_size_asked_and_counted(store: CalciumStore) -> None:
    epoch = batches(store, batch_size=64, consecutive=4)
    sizes = [target.numel() for _, target in epoch]
    assert len(sizes) == len(epoch)
    assert set(sizes[:-1]) == {64} and 0 < sizes[-1] <= 64


def test_a_dataset_gives_its_share(store: CalciumStore) -> None:
    whole = batches(store, rows=range(4, 9))
    n_of_b = sum(len(target) for _, target in whole)
    n_all = sum(len(target) for _, target in batches(store))
    shared = batches(store, shares={"b": 0.25})
    n_shared = sum(len(target) for _, target in shared)
    assert n_all - n_shared == pytest.approx(0.75 * n_of_b, abs=5)


def test_a_recording_too_short_for_a_window_gives_none(tmp_path, labelled) -> None:
    recordings = [labelled("a/0", 255, 0), labelled("a/1", 256, 1)]
    short = open_traces(write_traces(tmp_path / "short", recordings, {}))
    assert list(n_windows(RecordingSubset.whole(short))) == [0, 1]
    assert sum(len(target) for _, target in batches(short, rows=range(2))) == 1


def test_rate_scale_is_that_of_the_smoothed_spikes(store: CalciumStore) -> None:
    rates = [100 * smoothed(store.spikes[recording.rows]) for recording in store.recordings]
    mean, deviation = rate_scale_per_s(CUT.scales(RecordingSubset.whole(store)))
    assert mean == pytest.approx(np.mean([rate.mean() for rate in rates]))
    assert deviation == pytest.approx(np.mean([rate.std() for rate in rates]), rel=1e-4)
