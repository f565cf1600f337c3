"""Recordings, single spikes and arrays of the same cell are read to the same windows."""

import os
from dataclasses import replace

import numpy as np
import pytest

from raphe.core.abf.writer import write_abf
from raphe.core.errors import RecordingError
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.verdicts.cell_input import Reading
from raphe.tasks.celltype.verdicts.find_cells import find_cells
from rig_files import write_open_ephys

RATE_HZ = 40_000.0
READING = Reading(Cut())
TRIGGERS = np.array([4_000, 9_000, 20_000])


def trace(peaks_pa=(-80.0, -90.0, -100.0), n=40_000):
    samples = np.zeros(n, np.float32)
    for trigger, peak in zip(TRIGGERS, peaks_pa, strict=True):
        samples[trigger : trigger + 4] = peak
    return samples


def write_spike(folder, cell_id, trigger, window, swap=False):
    time_s = (trigger + np.arange(len(window))) / RATE_HZ
    columns = (window, time_s) if swap else (time_s, window)
    lines = "\n".join(f"{a:.7f},{b:.5f}" for a, b in zip(*columns, strict=True))
    path = folder / f"{cell_id}_trigger_{trigger}.csv"
    path.write_text(f"Time (s),Current (pA)\n{lines}\n")
    return path


def windows_of(samples):
    return np.stack([samples[t - 40 : t + 120] for t in TRIGGERS])


def read_only(paths):
    cells, failed = find_cells(paths)
    assert not failed
    (cell,) = cells
    return cell.read(READING)


def test_a_recording_is_one_cell(tmp_path):
    path = write_abf(tmp_path / "A140313#073.abf", trace(), RATE_HZ, "pA", scale_per_bit=0.01)
    cell = read_only([path])
    assert cell.cell_id == "A140313#073"
    np.testing.assert_allclose(cell.waveforms, windows_of(trace()), atol=0.01)
    np.testing.assert_allclose(cell.time_s, TRIGGERS / RATE_HZ)
    assert cell.duration_s == pytest.approx(1.0)


def test_single_spikes_and_arrays_are_read_alike(tmp_path):
    windows = windows_of(trace())
    for folder in ("csv", "npy", "pairs"):
        (tmp_path / folder).mkdir()
    for swap, trigger, window in zip(
        (True, False, True), TRIGGERS[::-1], windows[::-1], strict=True
    ):
        write_spike(tmp_path / "csv", "A140313#073", int(trigger), window, swap)
    np.save(tmp_path / "npy" / "cell.npy", windows)
    time_s = np.broadcast_to(np.arange(160) / RATE_HZ, windows.shape)
    np.save(tmp_path / "pairs" / "cell.npy", np.stack([time_s, windows], axis=2)[..., None])
    from_csv = read_only([tmp_path / "csv"])
    np.testing.assert_allclose(from_csv.waveforms, windows, atol=1e-4)
    np.testing.assert_allclose(from_csv.time_s, TRIGGERS / RATE_HZ)
    for folder in ("npy", "pairs"):
        cell = read_only([tmp_path / folder / "cell.npy"])
        np.testing.assert_array_equal(cell.waveforms, windows)
        assert np.isnan(cell.time_s).all()


def test_names_beside_observations_tell_the_cells(tmp_path):
    windows = windows_of(trace())
    time_s = np.broadcast_to(np.arange(160) / RATE_HZ, windows.shape)
    np.save(tmp_path / "TestObservations.npy", np.stack([windows, time_s], axis=2))
    names = ["b_trigger_900.csv", "a_trigger_7.csv", "b_trigger_100.csv"]
    np.save(tmp_path / "TestCellulars.npy", np.array(names))
    np.save(tmp_path / "TestLabels.npy", np.zeros((3, 1)))
    cells, failed = find_cells([tmp_path])
    assert not failed
    assert [cell.cell_id for cell in cells] == ["a", "b"]
    np.testing.assert_array_equal(cells[1].read(READING).waveforms, windows[[2, 0]])


def test_a_table_joins_the_recordings_of_a_cell(tmp_path):
    for name in ("one", "two"):
        write_abf(tmp_path / f"{name}.abf", trace(), RATE_HZ, "pA")
    (tmp_path / "cells.csv").write_text("file,cell_id\none,c\ntwo,c\n")
    cell = read_only([tmp_path])
    assert (cell.cell_id, len(cell)) == ("c", 6)
    np.testing.assert_allclose(cell.time_s, np.r_[TRIGGERS, TRIGGERS + 40_000] / RATE_HZ)


def test_two_cells_of_one_id_are_told_and_the_first_is_kept(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_abf(tmp_path / folder / "cell.abf", trace(), RATE_HZ, "pA")
    cells, failed = find_cells([tmp_path])
    assert [cell.paths[0] for cell in cells] == [tmp_path / "a" / "cell.abf"]
    assert f"{tmp_path / 'b' / 'cell.abf'}: has the id cell as" in str(failed[0])
    cells, failed = find_cells([tmp_path / "a" / "cell.abf"] * 2)
    assert len(cells) == 1
    assert "is given twice" in str(failed[0])


def test_one_bad_path_stops_no_other(tmp_path):
    good = write_abf(tmp_path / "good.abf", trace(), RATE_HZ, "pA")
    text = tmp_path / "notes.txt"
    text.write_text("x")
    cells, failed = find_cells([tmp_path / "absent.abf", text, good])
    assert [cell.cell_id for cell in cells] == ["good"]
    assert [str(failure).partition(": ")[2] for failure in failed] == [
        "there is no such file or folder",
        "expected a .abf, .nwb, .csv, .npy file, a recording of AxoGraph, Igor, Intan, Open Ephys, "
        "Spike2, WinEDR, WinWCP, Blackrock or Plexon, or a folder of them",
    ]


def test_a_folder_without_any_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"there is no \.abf, \.nwb, \.csv or \.npy file here"):
        find_cells([tmp_path])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 200)), "expected windows of 160 samples"),
        (np.full((3, 160), np.nan), "none of the 3 .*window 0 .counted from 0. holds NaN"),
        (np.zeros((1, 160)), r"cell\.npy: window 0 \(counted from 0\) is zero throughout"),
        (np.zeros((3, 160, 2)), "expected one of its two columns to be the time"),
    ],
)
def test_arrays_that_hold_no_spikes_are_refused_when_read(tmp_path, array, message):
    np.save(tmp_path / "cell.npy", array)
    (cell,), _ = find_cells([tmp_path])
    with pytest.raises(RecordingError, match=message):
        cell.read(READING)


def test_arrays_of_another_shape_are_left_out(tmp_path):
    np.save(tmp_path / "cell.npy", np.zeros(160))
    _, (failure,) = find_cells([tmp_path])
    assert "one a row: (N, T), (N, T, 2) or (N, T, 2, 1), got (160,)" in str(failure)
    assert "whole recordings are taken as ABF or NWB" in str(failure)


def test_a_spike_of_another_length_is_refused_by_name(tmp_path):
    path = write_spike(tmp_path, "c", 7, np.zeros(100))
    (cell,), _ = find_cells([path])
    with pytest.raises(RecordingError, match=r"c_trigger_7.csv: expected one .* 160 rows.* ABF"):
        cell.read(READING)


def test_the_unit_of_an_array_converts_or_is_refused(tmp_path):
    np.save(tmp_path / "cell.npy", windows := np.random.default_rng(0).normal(0, 80, (3, 160)))
    (cell,), _ = find_cells([tmp_path])
    np.save(tmp_path / "cell.npy", windows / 1000)
    in_na = cell.read(replace(READING, unit="nA")).waveforms
    np.testing.assert_allclose(in_na, windows, rtol=1e-5)
    for unit, told in (("mV", "trained on windows in pA"), ("A", "no amplifier gives more")):
        with pytest.raises(RecordingError, match=rf"cell.npy: --unit {unit}: .*{told}"):
            cell.read(replace(READING, unit=unit))
    with pytest.raises(RecordingError, match=r"cell.npy: --channel 1: .*no channels"):
        cell.read(replace(READING, channel=1))


def test_the_unit_of_a_spike_file_is_asked_where_its_header_names_none(tmp_path):
    spike = np.sin(np.arange(160.0))
    rows = "".join(f"{n / 40_000},{value}\n" for n, value in enumerate(spike))
    path = tmp_path / "c_trigger_7.csv"
    path.write_text(f"time,current\n{rows}")
    (cell,), _ = find_cells([path])
    in_na = cell.read(replace(READING, unit="nA")).waveforms[0]
    np.testing.assert_allclose(in_na, 1000 * spike, rtol=1e-5)
    path.write_text(f"time,current (pA)\n{rows}")
    with pytest.raises(RecordingError, match="--unit nA: the header names pA"):
        cell.read(replace(READING, unit="nA"))


def test_what_cannot_be_taken_is_told_wherever_it_is_given(tmp_path):
    write_abf(tmp_path / "whole.abf", trace(), RATE_HZ, "pA")
    bad = [tmp_path / name for name in ("pipe.abf", "pipe.npy", "gone.abf")]
    os.mkfifo(bad[0])
    os.mkfifo(bad[1])
    bad[2].symlink_to("unmounted.abf")
    foreign = tmp_path / os.fsdecode(b"caf\xe9.abf")
    foreign.touch()
    for given in ([tmp_path], [tmp_path / "whole.abf", *bad, foreign]):
        cells, failed = find_cells(given)
        assert [cell.cell_id for cell in cells] == ["whole"]
        assert {failure.path for failure in failed} == {*bad, foreign}
    assert "caf\\xe9.abf: its name is not UTF-8; rename it" in "".join(map(str, failed))


def test_a_table_of_cells_that_is_a_pipe_leaves_its_folder_out(tmp_path):
    write_abf(tmp_path / "whole.abf", trace(), RATE_HZ, "pA")
    os.mkfifo(tmp_path / "cells.csv")
    cells, failed = find_cells([tmp_path])
    assert not cells
    assert str(failed[0]) == f"{tmp_path / 'cells.csv'}: expected a file, got a pipe"


def test_folders_of_open_ephys_are_a_cell_each_and_their_arrays_none(tmp_path):
    codes = np.zeros((1, 40_000, 1), np.int16)
    for trigger in TRIGGERS:
        codes[0, trigger // 2 : trigger // 2 + 2, 0] = -500
    write_open_ephys(tmp_path, codes)
    cells, failed = find_cells([tmp_path])
    assert not failed
    (cell,) = cells
    assert cell.cell_id == "mouse 3 experiment1 recording2"
    spikes = cell.read(replace(READING, cut=Cut(accept_unit="uV")))
    assert len(spikes) == len(TRIGGERS)
