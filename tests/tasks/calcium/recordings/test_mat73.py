"""Cells and structs of MATLAB's version 7.3, where references lead to what they hold."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from matlab_files import write_mat73
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.mat73 import mat73_variables
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

TRACES = np.random.default_rng(0).normal(size=(3, 40))


def test_cells_and_structs_are_read_as_those_of_version_5(tmp_path: Path) -> None:
    values = {
        "matrix": TRACES,
        "cells": [TRACES[0], "a word", [np.zeros(0), np.array([1.0, 2.0])]],
        "one": {"fs": 7.5, "parts": [TRACES[1]]},
        "several": ({"x": 1.0, "y": TRACES[0]}, {"x": 2.0, "y": np.zeros(0)}),
        "text": "nothing",
    }
    variables = mat73_variables(write_mat73(tmp_path / "x.mat", values))
    assert set(variables) == {"matrix", "cells", "one", "several"}
    np.testing.assert_array_equal(variables["matrix"], TRACES)
    first, word, inner = variables["cells"].read()
    np.testing.assert_array_equal(np.squeeze(first), TRACES[0])
    assert word is None and inner[0].size == 0
    np.testing.assert_array_equal(np.squeeze(inner[1]), [1.0, 2.0])
    one = variables["one"].read()
    np.testing.assert_array_equal(np.squeeze(one["parts"][0]), TRACES[1])
    several = variables["several"].read()
    assert [float(np.squeeze(struct["x"])) for struct in several] == [1.0, 2.0]
    assert several[1]["y"].size == 0  # MATLAB keeps the lengths of an empty array as its numbers


def test_what_leads_to_itself_is_refused(tmp_path: Path) -> None:
    for n in (1, 3000):  # a long way down, or wide
        with h5py.File(tmp_path / "x.mat", "w") as file:
            places = file.create_dataset("dff", (n, 1), dtype=h5py.ref_dtype)
            places[:, 0] = [places.ref] * n
        with pytest.raises(RecordingError, match="cells and structs at most 16 deep, of"):
            read_traces(tmp_path / "x.mat", TraceOptions(30.0))


def test_a_cell_array_of_traces_may_hold_some_of_other_lengths(tmp_path: Path) -> None:
    cells = [TRACES[0], TRACES[1, :25], TRACES[2]]
    path = write_mat73(tmp_path / "x.mat", {"dff": cells, "fps": 7.5, "mouse": "m1"})
    traces = read_traces(path)
    assert (traces.rate_hz, len(traces), traces.n_samples) == (7.5, 3, 40)
    np.testing.assert_array_equal(traces.read()[1, :25], TRACES[1, :25])
    assert np.isnan(traces.read()[1, 25:]).all()


def test_what_matlab_keeps_for_itself_is_not_offered(tmp_path: Path) -> None:
    path = write_mat73(tmp_path / "x.mat", {"notes": ["a", TRACES[0]], "a": TRACES, "b": TRACES})
    with pytest.raises(RecordingError, match="expected one array of traces, got a, b; pass"):
        read_traces(path, TraceOptions(30.0))


@pytest.mark.parametrize("structs", [list, tuple])
def test_c2s_cells_are_a_cell_array_or_structs(tmp_path: Path, structs: type) -> None:
    cells = structs({"calcium": trace, "fps": 11.5} for trace in TRACES)
    traces = read_traces(write_mat73(tmp_path / "x.mat", {"data": cells}))
    assert (len(traces), traces.rate_hz) == (3, 11.5)
    np.testing.assert_array_equal(traces.read(), TRACES)
