"""Tables of traces: no neuron is lost, shifted or made of a clock."""

from pathlib import Path

import numpy as np
import pytest

from paths import OWN_DATA
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet

CASES = OWN_DATA / "cases" / "tables"
TRACES = np.array([[370.027, 381.042, 394.246], [396.956, 448.644, 434.322]])
TRACES = np.concatenate([TRACES, [[420.591, 411.293, 418.428]]])  # the first three frames
AT_30 = TraceOptions(rate_hz=30.0)


def read(folder: Path, text: str, options: TraceOptions = AT_30) -> TraceSet:
    (folder / "x.csv").write_text(text)
    return read_traces(folder / "x.csv", options)


@pytest.mark.parametrize("name", ["eu", "semicolon", "tab", "framecounter", "index_time", "time_s"])
def test_tables_of_other_countries_and_of_programs(name):
    traces = read_traces(CASES / f"{name}.csv", AT_30)
    assert (traces.names, traces.rate_hz) == (("C00", "C01", "C02"), 30.0)
    np.testing.assert_array_equal(traces.read()[:, :3], TRACES)
    (note,) = traces.notes
    assert note.startswith(str(CASES)) and ("separated by" in note or "the axis: no trace" in note)


def test_one_column_with_decimal_commas():
    traces = read_traces(CASES / "eu_one.csv", AT_30)
    np.testing.assert_array_equal(traces.read()[:, :3], TRACES[:1])


def test_a_clock_tells_the_rate_and_contradicts_a_wrong_one():
    assert read_traces(CASES / "time_s.csv").rate_hz == 30.0
    with pytest.raises(RecordingError, match=r"time_s\.csv: column 'Time \(s\)'.* 30 Hz, not 40"):
        read_traces(CASES / "time_s.csv", TraceOptions(rate_hz=40.0))
    with pytest.raises(RecordingError, match="does not hold its sampling rate; pass --rate HZ"):
        read_traces(CASES / "framecounter.csv")


def test_integers_without_a_header_lose_no_frame(tmp_path):
    traces = read(tmp_path, "370,397,421\n381,449,411\n394,434,418\n")
    assert traces.names == ("column 1", "column 2", "column 3")
    np.testing.assert_array_equal(traces.read(), np.round(TRACES))


def test_names_that_are_missing_or_repeated(tmp_path):
    traces = read(tmp_path, "a,,a\n1,2,\n3,1,4\n2,5,6\n")
    assert traces.names == ("a", "column 2", "a.1")
    np.testing.assert_array_equal(traces.read(), [[1, 3, 2], [2, 1, 5], [np.nan, 4, 6]])


def test_layout_is_honoured(tmp_path):
    across = "".join(
        f"n{n}," + ",".join(map(repr, row)) + "\n" for n, row in enumerate(TRACES.tolist())
    )
    across = ",0.0,0.1,0.2\n".replace(",", "Time (s),", 1) + across
    wide = "".join(",".join(map(repr, row)) + "\n" for row in np.tile(TRACES, (1, 2)).tolist())
    rows = TraceOptions(layout="traces-time")
    traces = read(tmp_path, across, rows)
    assert (traces.names, traces.rate_hz) == (("n0", "n1", "n2"), 10.0)
    np.testing.assert_array_equal(traces.read(), TRACES)
    with pytest.raises(RecordingError, match="not 30; correct --rate"):
        read(tmp_path, across, TraceOptions(30.0, "traces-time"))
    with pytest.raises(RecordingError, match="got 3 rows of 6 numbers; pass --layout traces-time"):
        read(tmp_path, wide)
    assert read(tmp_path, wide, TraceOptions(30.0, "traces-time")).n_samples == 6
    assert read(tmp_path, wide, TraceOptions(30.0, "time-traces")).n_samples == 3
    numbered = "".join(f"{n},{line}\n" for n, line in enumerate(wide.splitlines(), 1))
    traces = read(tmp_path, numbered, TraceOptions(30.0, "traces-time"))
    assert (traces.names, traces.n_samples) == (("1", "2", "3"), 6)
    left_out = "".join(f"{2 * n + 3},0.5,{n % 3}.25,7\n" for n in range(5))
    assert read(tmp_path, left_out, TraceOptions(30.0, "traces-time")).names[:2] == ("3", "5")
    paused = "".join(f",{n / 10 + 2 * (n > 9)}" for n in range(30))
    paused += "\n" + "a" + ",1.5" * 30 + "\n" + "b" + ",2.5" * 30 + "\n"
    with pytest.raises(RecordingError, match="line 1: is an axis by its values and goes from"):
        read(tmp_path, paused, TraceOptions(30.0, "traces-time"))


def test_rows_that_are_traces_are_found_where_nothing_has_a_name(tmp_path):
    walks = np.cumsum(np.random.default_rng(0).normal(size=(60, 40)), axis=1).round(3)
    text = "".join(",".join(map(repr, row)) + "\n" for row in walks.tolist())
    with pytest.raises(RecordingError, match=r"a trace in each column.*pass --layout"):
        read(tmp_path, text)
    assert len(read(tmp_path, text, TraceOptions(30.0, "traces-time"))) == 60
    assert len(read(tmp_path, ",".join(f"c{n}" for n in range(40)) + "\n" + text)) == 40


def test_what_inscopix_calls_rejected_is_no_cell(tmp_path):
    text = " ,C0,C1\nTime(s)/Cell Status,accepted,rejected\n0.0,5,7\n0.1,8,3\n0.2,4,4\n"
    traces = read(tmp_path, text, TraceOptions())
    assert (traces.names, traces.rate_hz) == (("C0", "C1"), 10.0)
    assert str(traces.curation) == "1 of 2 regions is no cell by the line below the names"
    cells = read(tmp_path, text, TraceOptions(cells_only=True))
    assert cells.names == ("C0",) and cells.read().tolist() == [[5, 8, 4]]


def test_a_voltage_is_no_fluorescence(tmp_path):
    with pytest.raises(RecordingError, match=r"expected fluorescence, column 'Vm \(mV\)' is in mV"):
        read(tmp_path, "Vm (mV),b\n-70.1,2\n-69.5,3\n")
