"""Traces with their spikes in one MATLAB file, as c2s' documentation has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from matlab_files import write_mat73
from raphe import cli
from raphe.tasks.calcium.recordings.trace_set import TraceOptions
from raphe.tasks.calcium.stores.import_traces import import_traces
from raphe.tasks.calcium.stores.trace_store import open_traces

N, RATE_HZ = 300, 25.0


def recording(seed: int, **fields: Any) -> dict[str, Any]:
    trace = np.random.default_rng(seed).normal(size=(1, N))
    return {"calcium": trace, "fps": RATE_HZ} | fields


def write(path: Path, recordings: list[dict[str, Any]], form: str = "cells") -> Path:
    """As cells or structs of version 5, or 7.3."""
    if form == "cells":
        cells = np.empty((1, len(recordings)), object)
        cells[0] = recordings
        savemat(path, {"data": cells})
    elif form == "structs":
        fields = [(name, object) for name in recordings[0]]
        savemat(path, {"data": np.array([[tuple(r.values()) for r in recordings]], fields)})
    else:
        write_mat73(path, {"data": (list if form == "cells73" else tuple)(recordings)})
    return path


@pytest.mark.parametrize("form", ["cells", "structs", "cells73", "structs73"])
def test_times_in_ms_and_counts_are_read(tmp_path: Path, form: str) -> None:
    recordings = [
        recording(0, spike_times=np.array([[5.0, 2500.0, 13000.0]]), cell_num=8.0),
        recording(1, spike_times=np.zeros((1, 0)), cell_num=8.0),
    ]
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "mine.preprocessed.mat", recordings, form)
    counts = np.arange(N).reshape(1, N) % 2
    write(folder / "other.calcium.mat", [recording(2, spikes=counts.astype(np.uint16))], form)
    report = import_traces(folder, tmp_path / "store")
    assert report.recordings == {"mine": 2, "other": 1} and not report.left_out
    store = open_traces(tmp_path / "store")
    # One that comes behind the last frame is dropped, as c2s does.
    assert np.flatnonzero(store.spikes[store.recordings[0].rows]).tolist() == [0, 250]
    assert [(r.cell, r.n_spikes) for r in store.recordings] == [
        ("mine/cell8", 2),
        ("mine/cell8", 0),
        ("other/0", 150),
    ]


def test_recordings_of_one_file_may_differ_in_rate_and_length(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    short = recording(1, spike_times=np.array([100.0]))
    short["calcium"], short["fps"] = short["calcium"][:, :200], 50.0
    write(folder / "x.mat", [recording(0, spike_times=np.array([100.0])), short])
    import_traces(folder, tmp_path / "store")
    store = open_traces(tmp_path / "store")
    assert [(r.n_samples, r.imaging_hz) for r in store.recordings] == [(1200, 25.0), (400, 50.0)]


def test_what_a_recording_lacks_is_said_of_it(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    in_s = np.linspace(0.5, 11, 20)
    write(
        folder / "x.mat",
        [
            recording(0, spike_times=np.array([10.0])),
            recording(1),
            recording(2, spikes=np.zeros(N - 1)),
            recording(3, spike_times=np.array([-5.0, 13000.0])),
            recording(4, spike_times=in_s),
        ],
    )
    words = ["import", "traces", str(folder), str(tmp_path / "store")]
    assert cli.main(words) == 1
    told = capsys.readouterr().err
    for sentence in (
        "x/1: expected spike_times or spikes beside calcium, found neither",
        "x/2: spikes: expected a count for each of 300 frames, got 299",
        "x/3: spike_times: expected ms from 0 to 12000, in which the trace was imaged, got -5 to",
        "x/4: spike_times: expected ms, got 20 times from 0.5 to 11 of a recording of 12 s, as "
        "if they were in s",
    ):
        assert sentence in told
    assert [r.name for r in open_traces(tmp_path / "store").recordings] == ["x/0"]


@pytest.mark.parametrize(
    ("name", "fields", "sentence"),
    [
        ("x.mat", {"traces": np.ones((2, N))}, "expected traces with their spikes as c2s has them"),
        ("x.mat", {"data": {"calcium": np.ones(N)}}, "does not hold its sampling rate; pass --rat"),
        ("x.mat", {"data": {"calcium": np.ones(N), "fps": 0.0}}, "x/0: expected a sampling rate i"),
    ],
)
def test_what_is_none_of_c2s_is_refused(tmp_path: Path, name, fields, sentence, capsys) -> None:
    savemat(tmp_path / name, fields)
    assert cli.main(["import", "traces", str(tmp_path), str(tmp_path / "store")]) == 1
    assert sentence in capsys.readouterr().err


def test_options_count_where_they_say_something(tmp_path: Path, capsys) -> None:
    savemat(tmp_path / "x.mat", {"data": {"calcium": recording(0)["calcium"], "spikes": []}})
    words = ["import", "traces", str(tmp_path), str(tmp_path / "store"), "--rate", "25"]
    assert cli.main([*words, "--layout", "traces-time"]) == 1
    assert "--layout says nothing of it" in capsys.readouterr().err
    assert cli.main(words) == 1
    assert "a count for each of 300 frames, got 0" in capsys.readouterr().err


def test_pickles_and_one_neuron_twice_are_refused(tmp_path: Path) -> None:
    for name in ("x.mat", "x.preprocessed.mat", "y.pck"):
        (tmp_path / name).touch()
    (tmp_path / "x.preprocessed.mat").unlink()
    write(tmp_path / "x.mat", [recording(0, spike_times=np.array([10.0]))])
    report = import_traces(tmp_path, tmp_path / "store", TraceOptions())
    assert "y.pck: is a Python pickle, which could run code" in report.left_out[0]
    write(tmp_path / "x.preprocessed.mat", [recording(1, spike_times=np.array([10.0]))])
    with pytest.raises(Exception, match=r"x\.mat and x\.preprocessed\.mat are both of dataset x"):
        import_traces(tmp_path, tmp_path / "store2", TraceOptions())
