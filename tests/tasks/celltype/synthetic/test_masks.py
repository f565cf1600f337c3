"""Masks are quiet, of mean 0, apart from each other, and shared over days and recordings."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from raphe.core.abf.reader import read_abf
from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError, SettingError, StoreError
from raphe.core.files.store import check_store
from raphe.core.recordings.recording import Trace
from raphe.tasks.celltype.spikes.resampling import ResampledSweep
from raphe.tasks.celltype.synthetic.mask_store import open_masks
from raphe.tasks.celltype.synthetic.masks import cut_masks
from raphe.tasks.celltype.synthetic.noise_stretches import (
    count_places,
    draw_places,
    quiet_stretches,
    share_evenly,
)

RATE_HZ = 40_000.0
SD = 3.0


def write_recording(path: Path, at=(4000, 9000), depth=-100.0, n=20_000, seed=0, rate_hz=RATE_HZ):
    """Half a second of white noise with a spike of 3 samples at each of these places."""
    samples = np.random.default_rng(seed).normal(2.0, SD, n).astype(np.float32)
    for place in at:
        samples[place : place + 3] = depth
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_abf(path, samples, rate_hz, "pA")


def days(folder: Path, *counts: int) -> Path:
    """So many recordings on each of the days from the 1st."""
    for day, count in enumerate(counts, start=1):
        for number in range(1, count + 1):
            write_recording(folder / f"A2601{day:02d}#{number:03d}.abf", seed=10 * day + number)
    return folder


def test_masks_are_the_recordings_own_samples_with_their_mean_removed(tmp_path):
    folder = days(tmp_path / "rec", 2, 1)
    report = cut_masks(folder, tmp_path / "masks", n_masks=60)
    check_store(tmp_path / "masks")
    masks = open_masks(tmp_path / "masks")
    assert (report.n_masks, report.n_requested, len(masks), masks.n_samples) == (60, 60, 60, 200)
    assert (masks.rate_hz, masks.unit) == (RATE_HZ, "pA")
    assert isinstance(masks.masks.base, np.memmap)
    for i in range(60):
        file = folder / masks.recordings[masks.recording[i]].file
        start = masks.sample[i]
        noise = read_abf(file).sweeps[masks.sweep[i]].read(start, start + 200)
        np.testing.assert_allclose(masks.masks[i], noise - noise.mean(), atol=1e-3)
    assert np.abs(masks.masks.mean(axis=1)).max() < 1e-5
    assert masks.masks.std() == pytest.approx(SD, rel=0.05)
    for recording in masks.recordings:
        assert recording.noise_sd_pa == pytest.approx(SD, rel=0.03)


def test_masks_keep_the_guard_from_small_spikes_too_and_from_each_other(tmp_path):
    # -30 pA is no spike to the cut at -50, but one to the masks.
    write_recording(tmp_path / "rec" / "A260101#001.abf", at=(4000, 9000, 15_000), depth=-30.0)
    cut_masks(tmp_path / "rec", tmp_path / "masks", n_masks=1000, guard_ms=10.0)
    start = np.sort(open_masks(tmp_path / "masks").sample)
    assert len(start) > 50
    assert np.diff(start).min() >= 200
    assert start.min() >= 400
    assert start.max() + 200 <= 20_000 - 400
    for place in (4000, 9000, 15_000):
        assert not ((start + 200 > place - 400) & (start < place + 3 + 400)).any()


def test_days_and_their_recordings_have_even_shares(tmp_path):
    report = cut_masks(days(tmp_path / "rec", 3, 1), tmp_path / "masks", n_masks=60)
    assert report.per_day == {"2026-01-01": 30, "2026-01-02": 30}
    masks = open_masks(tmp_path / "masks")
    assert np.bincount(masks.recording).tolist() == [10, 10, 10, 30]
    assert [recording.n_masks for recording in masks.recordings] == [10, 10, 10, 30]
    report = cut_masks(tmp_path / "rec", tmp_path / "daily", per_day=7)
    assert report.per_day == {"2026-01-01": 7, "2026-01-02": 7}
    assert report.n_requested == 14


def test_more_masks_than_there_is_room_for_are_reported(tmp_path):
    report = cut_masks(days(tmp_path / "rec", 1), tmp_path / "masks", n_masks=10_000)
    assert report.n_requested == 10_000
    # 3600, 4597 and 10 597 samples lie between guards of 200: 18, 22 and 52 masks.
    assert report.n_masks == 18 + 22 + 52


def test_the_seed_decides_the_places(tmp_path):
    folder = days(tmp_path / "rec", 1, 1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        cut_masks(folder, tmp_path / name, n_masks=20, seed=seed)
    first, same, other = (open_masks(tmp_path / name) for name in "abc")
    assert first.content_hash == same.content_hash
    assert not np.array_equal(first.sample, other.sample)


def test_no_label_is_needed_and_the_table_gives_cell_day_and_animal(tmp_path):
    write_recording(tmp_path / "rec" / "one.abf")
    table = "file,cell_id,label,day,animal\none.abf,c1,unheard-of,2024-02-29,m7\n"
    (tmp_path / "rec" / "cells.csv").write_text(table)
    cut_masks(tmp_path / "rec", tmp_path / "masks", n_masks=5)
    recording = open_masks(tmp_path / "masks").recordings[0]
    assert (recording.cell_id, recording.day, recording.animal) == ("c1", "2024-02-29", "m7")


def test_another_rate_is_resampled_as_spikes_are(tmp_path):
    write_recording(tmp_path / "rec" / "a.abf", rate_hz=20_000.0, at=(4000,))
    cut_masks(tmp_path / "rec", tmp_path / "masks", n_masks=20)
    masks = open_masks(tmp_path / "masks")
    assert (masks.n_samples, masks.rate_hz) == (200, RATE_HZ)
    assert masks.sample.max() + 100 <= 20_000 - 100  # at the recording's own rate


def test_recordings_without_a_quiet_stretch_are_skipped_and_bad_ones_listed(tmp_path):
    folder = days(tmp_path / "rec", 1)
    write_recording(folder / "A260102#001.abf", at=range(0, 20_000, 300))
    flat = np.full(20_000, 2.0, np.float32)
    write_abf(folder / "A260103#001.abf", flat, RATE_HZ, "pA", scale_per_bit=0.1)
    (folder / "A260104#001.abf").write_bytes(b"no recording")
    report = cut_masks(folder, tmp_path / "masks", n_masks=30)
    assert [failure.path.name for failure in report.skipped] == [
        "A260102#001.abf", "A260103#001.abf",
    ]  # fmt: skip
    assert "no quiet stretch of 5 ms" in str(report.skipped[0])
    assert "no noise" in str(report.skipped[1])
    assert [failure.path.name for failure in report.failed] == ["A260104#001.abf"]
    assert report.per_day == {"2026-01-01": 30}


def test_masks_longer_than_every_quiet_stretch_are_one_sentence(tmp_path):
    folder = days(tmp_path / "rec", 1)
    with pytest.raises(
        RecordingError, match=r"1 recordings.*of 400 ms, the longest has 264\.\d ms"
    ):
        cut_masks(folder, tmp_path / "masks", mask_ms=400.0)
    assert not (tmp_path / "masks").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mask_ms": 3.0}, "at least the 4 ms of a spike's window, got 3"),
        ({"guard_ms": -1.0}, "guard_ms"),
        ({"n_masks": 0}, "masks: expected 1 or more"),
        ({"per_day": 0}, "per_day"),
    ],
)
def test_settings_that_cannot_be_are_told(tmp_path, settings, message):
    with pytest.raises(SettingError, match=message):
        cut_masks(tmp_path, tmp_path / "masks", **settings)


def test_a_missing_folder_an_empty_one_and_what_is_no_mask_store_are_told(tmp_path, make_spikes):
    with pytest.raises(RecordingError, match="no such folder"):
        cut_masks(tmp_path / "nowhere", tmp_path / "masks")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordingError, match=r"no \.abf or \.nwb file"):
        cut_masks(tmp_path / "empty", tmp_path / "masks")
    with pytest.raises(StoreError, match="raphe masks makes one"):
        open_masks(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="expected a store of celltype/masks, got celltype/spikes"):
        open_masks(make_spikes().path)


# ---- stretches and places


@settings(max_examples=60)
@given(
    loud=st.lists(st.integers(0, 199), max_size=12),
    guard=st.integers(0, 9),
    least=st.integers(1, 20),
    chunk=st.sampled_from([7, 64, 1000]),
)
def test_stretches_are_those_found_sample_by_sample(loud, guard, least, chunk):
    samples = np.zeros(200, np.float32)
    samples[loud[::2]], samples[loud[1::2]] = -10, np.nan
    sweep = ResampledSweep(Trace.from_array(samples))
    stretches, longest = quiet_stretches(sweep, -5.0, None, guard, least, chunk)
    bad = [-1, *sorted(set(loud)), 200]
    quiet = [all(abs(i - j) > guard for j in bad) for i in range(200)]
    edges = np.flatnonzero(np.diff(np.r_[0, quiet, 0].astype(int))).reshape(-1, 2)
    length = edges[:, 1] - edges[:, 0]
    assert stretches.tolist() == edges[length >= least].tolist()
    assert longest == length.max(initial=0)


@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_places_lie_in_the_stretches_and_never_overlap(data, seed):
    lengths = data.draw(st.lists(st.integers(10, 60), min_size=1, max_size=6))
    stop = np.cumsum(np.array(lengths) + 3)
    stretches = np.stack([stop - lengths, stop], axis=1)
    count = data.draw(st.integers(0, int(count_places(stretches, 10).sum())))
    places = np.sort(draw_places(stretches, 10, count, np.random.default_rng(seed)))
    assert len(places) == count
    assert (np.diff(places) >= 10).all()
    for place in places:
        assert ((stretches[:, 0] <= place) & (place + 10 <= stretches[:, 1])).any()


def test_every_place_in_a_stretch_is_as_likely():
    rng = np.random.default_rng(0)
    stretch = np.array([[5, 18]])  # 4 places for one mask of 10
    drawn = [draw_places(stretch, 10, 1, rng)[0] for _ in range(4000)]
    counts = np.bincount(drawn, minlength=9)[5:9]
    assert len(np.bincount(drawn)) == 9
    assert chisquare(counts).pvalue > 1e-4


@given(total=st.integers(0, 100), capacity=st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_shares_add_up_and_differ_only_where_a_capacity_binds(total, capacity):
    capacity = np.array(capacity)
    share = share_evenly(total, capacity)
    assert share.sum() == min(total, capacity.sum())
    assert (share <= capacity).all()
    unbound = share[share < capacity]
    if len(unbound):
        assert share.max() - unbound.min() <= 1
