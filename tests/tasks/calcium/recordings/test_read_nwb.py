"""Fluorescence of NWB files: which series, which regions, on which clock."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

pytest.importorskip("pynwb")

TRACES = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)  # (T, N)
DFF = "processing/ophys/DfOverF/dff"


def test_the_only_series_is_read_region_by_region(fluorescence, tmp_path: Path) -> None:
    path = fluorescence(tmp_path / "x.nwb", {"DfOverF/dff": TRACES}, start_s=3.0)
    traces = read_traces(path)
    assert (traces.names, traces.rate_hz, traces.first_s) == (
        ("10", "11", "12", "13", "14"), 30.0, 3.0,
    )  # fmt: skip
    np.testing.assert_array_equal(traces.read(), TRACES.T)
    np.testing.assert_array_equal(traces.read(2, 4), TRACES.T[2:4])
    assert traces.curation is None and DFF in traces.made_of


def test_of_several_one_is_named_by_its_place(fluorescence, tmp_path: Path) -> None:
    series = {"Fluorescence/F": 2 * TRACES, "DfOverF/dff": TRACES, "Fluorescence/neuropil": -TRACES}
    path = fluorescence(tmp_path / "x.nwb", series)
    with pytest.raises(
        RecordingError, match=r"expected one series .*; pass --variable PLACE"
    ) as told:
        read_traces(path)
    assert all(f"processing/ophys/{place}" in str(told.value) for place in series)
    for name in (DFF, f"/{DFF}", "dff"):
        np.testing.assert_array_equal(read_traces(path, options(name)).read(), TRACES.T)
    alone = read_traces(path, options(f"{DFF}[3]"))
    assert alone.names == ("13",)
    np.testing.assert_array_equal(alone.read(), TRACES.T[3:4])
    with pytest.raises(RecordingError, match=f"there is no series f; it has .*{DFF}"):
        read_traces(path, options("f"))


def options(name: str) -> TraceOptions:
    return TraceOptions(variable=name)


def test_curation_and_cells_only(fluorescence, tmp_path: Path) -> None:
    accepted = [True, False, True, False, True]
    path = fluorescence(tmp_path / "x.nwb", {"DfOverF/dff": TRACES}, accepted=accepted)
    traces = read_traces(path)
    assert traces.curation and traces.curation.is_cell == tuple(accepted)
    assert "2 of 5 regions are no cells by cells/Accepted" in traces.told[0]
    cells = read_traces(path, TraceOptions(cells_only=True))
    assert cells.names == ("10", "12", "14")
    np.testing.assert_array_equal(cells.read(), TRACES.T[::2])


def test_frames_missing_between_timestamps_are_missing(fluorescence, tmp_path: Path) -> None:
    times_s = 5 + np.arange(200) / 30
    times_s[120:] += 10 / 30
    path = fluorescence(tmp_path / "x.nwb", {"DfOverF/dff": TRACES}, times_s=times_s)
    traces = read_traces(path)
    assert (traces.n_samples, traces.first_s) == (210, 5.0)
    assert traces.rate_hz == pytest.approx(30)
    read = traces.read()
    assert np.isnan(read[:, 120:130]).all()
    np.testing.assert_array_equal(read[:, :120], TRACES.T[:, :120])
    np.testing.assert_array_equal(read[:, 130:], TRACES.T[:, 120:])
    (note,) = traces.told
    assert "leave out 10 frames in 1 gap" in note and "210 frames for the file's 200" in note
    jittering_s = times_s + np.random.default_rng(0).normal(0, 0.004, 200)
    late = fluorescence(tmp_path / "y.nwb", {"DfOverF/dff": TRACES}, times_s=jittering_s)
    np.testing.assert_array_equal(read_traces(late).read(), read)
    assert read_traces(late).rate_hz == pytest.approx(30, rel=0.01)
    slower_s = np.r_[np.arange(100) / 30, 100 / 30 + np.arange(100) / 25]
    drifts = fluorescence(tmp_path / "z.nwb", {"DfOverF/dff": TRACES}, times_s=slower_s)
    (note,) = read_traces(drifts).told
    assert "its timestamps are up to 0.332 s off an even clock, as where it slows" in note


def test_timestamps_that_span_far_more_than_there_is_are_refused(fluorescence, tmp_path) -> None:
    """All that they span is read as if it were there."""
    times_s = 5 + np.arange(200) / 30
    times_s[120:] += 3600
    path = fluorescence(tmp_path / "x.nwb", {"DfOverF/dff": TRACES}, times_s=times_s)
    with pytest.raises(RecordingError, match="span 108200 frames for 200 that are there; export"):
        read_traces(path)


def test_a_rate_that_contradicts_and_a_matrix_that_lies_across(fluorescence, tmp_path) -> None:
    path = fluorescence(tmp_path / "x.nwb", {"DfOverF/dff": TRACES})
    with pytest.raises(RecordingError, match="holds its sampling rate, 30 Hz, --rate says 15"):
        read_traces(path, TraceOptions(15.0))
    with pytest.warns(UserWarning, match="should be transposed"):
        across = fluorescence(tmp_path / "y.nwb", {"DfOverF/dff": TRACES.T}, n_regions=5)
    sentence = r"expected frames × 5 regions, .* got shape \(5, 200\)"
    with pytest.raises(RecordingError, match=sentence):
        read_traces(across)


def test_a_file_of_no_imaging_is_told(tmp_path: Path) -> None:
    from nwb_files import Entry, write_nwb

    entry = Entry("CurrentClampSeries", "v", np.zeros(100))
    path = write_nwb(tmp_path / "x.nwb", [entry])
    with pytest.raises(RecordingError, match=r"expected fluorescence of regions .*found none"):
        read_traces(path)
    with pytest.raises(RecordingError, match="acquisition/v is in V"):
        read_traces(path, TraceOptions(variable="acquisition/v"))
