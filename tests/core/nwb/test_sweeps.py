"""Which series are sweeps of one electrode: electrode, numbers and times tell, names last."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from nwb_files import Entry, contents, write_nwb, write_nwb1
from raphe.core.errors import RecordingError, RecordingWarning
from raphe.core.nwb.contents import Contents
from raphe.core.nwb.reader import choose, read_nwb, recording_of
from raphe.core.recordings.recording import Recording

N = 1000  # samples at 10 kHz: 0.1 s


def clamp(name: str, value: int = 0, electrode: int = 0, **facts) -> Entry:
    """A constant current, by which a sweep is known again."""
    data = np.full(N, value, np.int16)
    conversion = {"conversion": 1e-12, **facts.pop("facts", {})}
    return Entry("VoltageClampSeries", name, data, electrode, facts=conversion, **facts)


def read(source: Path | Contents, channel: str | int | None = None) -> Recording:
    if isinstance(source, Path):
        pytest.importorskip("pynwb", reason="pynwb is an extra: pip install raphe[nwb]")
        return read_nwb(source, channel)
    return recording_of(source, choose(source, channel, None), None)


def values(source: Path | Contents, channel: str | int | None = None) -> list[int]:
    """Of each sweep the value that it was made of."""
    recording = read(source, channel)
    return [round(float(sweep.read(0, 1)[0]) * 1e12) for sweep in recording.sweeps]


@pytest.mark.parametrize("names", [
    ("data_00000_AD0", "data_00000_AD1"), ("voltage_clamp-ch-0", "voltage_clamp-ch-1"),
])  # fmt: skip
@pytest.mark.parametrize("sweep", [(0, 1), (None, None)])
def test_two_electrodes_are_two_channels(names, sweep) -> None:
    entries = [clamp(name, 1 + i, i, sweep=sweep[i]) for i, name in enumerate(names)]
    file = contents(entries)
    with pytest.raises(RecordingError, match="found 2 among its channels") as refusal:
        read(file)
    for words in (*names, "of electrode_0", "of electrode_1"):
        assert words in str(refusal.value)
    for i, name in enumerate(names):
        for channel in (name, f"electrode_{i}", f"acquisition/{name}", f"/acquisition/{name}", i):
            assert values(file, channel) == [1 + i]


def test_sweeps_numbered_inside_the_name_are_joined_electrode_by_electrode(tmp_path: Path) -> None:
    entries = [
        clamp(f"data_{k:05d}_AD{i}", 10 * i + k, i, start_s=3.0 * k, sweep=k)
        for k in range(3) for i in range(2)
    ]  # fmt: skip
    file = write_nwb(tmp_path / "mies.nwb", entries)
    assert values(file, "electrode_0") == [0, 1, 2]
    assert values(file, "electrode_1") == [10, 11, 12]
    assert values(file, "data_00001_AD1") == [11]
    with pytest.raises(RecordingError, match=r"electrode_1: 3 sweeps, data_00000_AD1 to data_0000"):
        read(file)


def test_the_sole_electrodes_sweeps_need_no_name() -> None:
    entries = [
        clamp(f"voltage_clamp-response-{k:02d}-ch-0", k, start_s=float(k)) for k in (3, 1, 2)
    ]
    assert values(contents(entries)) == [1, 2, 3]


def test_one_starting_time_of_all_leaves_their_numbers() -> None:
    entries = [clamp(f"Series_{k}", k, sweep=k) for k in range(12)]
    file = contents(entries)
    recording = read(file)
    assert "one starting time: taken in the order of their numbers" in recording.remarks[0]
    assert values(file) == list(range(12))
    starts_s = [sweep.start_s for sweep in recording.sweeps]
    np.testing.assert_allclose(starts_s, 0.1 * np.arange(12))


@pytest.mark.parametrize(
    "entries",
    [
        [clamp("a_1", sweep=4), clamp("a_2", sweep=4)],
        [clamp("a_1"), clamp("a_2")],
        [clamp("a_1", sweep=1), clamp("a_2", sweep=2, start_s=0.05)],
        [Entry("TimeSeries", f"cell_{k}", np.zeros(N, np.int16), facts={"unit": "pA"})
         for k in (1, 2)],
    ],
)  # fmt: skip
def test_what_overlaps_in_time_is_never_one_channel(entries) -> None:
    with pytest.raises(RecordingError, match="found 2 among its channels"):
        read(contents(entries))


def test_a_repeated_sweep_number_is_another_sweep_where_time_tells() -> None:
    entries = [clamp("a", 1, sweep=7), clamp("b", 2, sweep=7, start_s=5.0)]
    assert values(contents(entries)) == [1, 2]


def test_series_without_electrodes_go_by_the_one_number_that_time_bears_out() -> None:
    entries = [
        Entry("TimeSeries", f"rec_{k}_ch_{i}", np.full(N, 10 * i + k), start_s=float(k),
              facts={"unit": "pA"})
        for k in (9, 10, 8) for i in (0, 1)
    ]  # fmt: skip
    file = contents(entries)
    with pytest.raises(RecordingError, match=r"0 \(rec_#_ch_0: 3 sweeps, rec_8_ch_0 to rec_10_ch_"):
        read(file)
    sweeps = read(file, "rec_#_ch_1").sweeps
    assert [sweep.read(0, 1)[0] for sweep in sweeps] == [18, 19, 20]


def test_equal_columns_of_two_probes_are_two_electrodes(tmp_path: Path) -> None:
    data = np.arange(2 * N, dtype=np.int16).reshape(N, 2)
    entries = [
        Entry("ElectricalSeries", f"ElectricalSeriesAPImec{k}", data + 100 * k,
              facts={"sites": [2 * k, 2 * k + 1]})
        for k in range(2)
    ]  # fmt: skip
    path = write_nwb(tmp_path / "a.nwb", entries, n_sites=4)
    with pytest.raises(RecordingError, match="channel 'V', found 4"):
        read_nwb(path, "V")
    assert read_nwb(path, "ElectricalSeriesAPImec1[1]").sweeps[0].n_samples == N
    with pytest.raises(RecordingError, match=r"names 2 of its channels, .*Imec1\[0\] and .*1\[1\]"):
        read_nwb(path, "ElectricalSeriesAPImec1")


def test_a_region_that_reorders_columns_keeps_electrodes_apart(tmp_path: Path) -> None:
    entries = [
        Entry("ElectricalSeries", name, np.tile(np.int16([value, value + 1]), (N, 1)),
              start_s=start_s, facts={"sites": sites, "conversion": 1e-3})
        for name, value, start_s, sites in (("a", 1, 0.0, [0, 1]), ("b", 11, 5.0, [1, 0]))
    ]  # fmt: skip
    path = write_nwb(tmp_path / "a.nwb", entries, n_sites=2)
    sweeps = read_nwb(path, "electrodes[1]").sweeps
    assert [round(1e3 * float(sweep.read(0, 1)[0])) for sweep in sweeps] == [2, 11]


def test_each_channel_has_its_own_gain(tmp_path: Path) -> None:
    data = np.tile(np.int16([100, -200]), (N, 1))
    entry = Entry("ElectricalSeries", "es", data, facts={
        "sites": [0, 1], "conversion": 1e-6, "channel_conversion": [0.195, 0.390], "offset": 2e-6,
    })  # fmt: skip
    path = write_nwb(tmp_path / "a.nwb", [entry], n_sites=2)
    for number, microvolts in enumerate((2 + 100 * 0.195, 2 - 200 * 0.390)):
        samples = read_nwb(path, f"es[{number}]").sweeps[0].read()
        np.testing.assert_allclose(samples, microvolts * 1e-6, rtol=1e-6)


def test_a_name_of_two_series_is_asked_back_by_place(tmp_path: Path) -> None:
    entries = [clamp("trace", 1), clamp("trace", 2, where="processing")]
    path = write_nwb(tmp_path / "a.nwb", entries)
    assert values(path) == [1]  # what was recorded
    assert values(path, "processing/ecephys/trace") == [2]
    with pytest.raises(
        RecordingError, match=r"'trace' names 2 .* acquisition/trace and processing/ecephys/trace"
    ):
        read_nwb(path, "trace")


def test_series_made_of_the_recorded_are_named_where_nothing_else_is(tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "a.nwb", [clamp("trace", where="processing")])
    with pytest.raises(RecordingError, match=r"found none; choose one of processing/ecephys/trace"):
        read_nwb(path)


def test_currents_and_voltages_of_one_electrode_are_two_channels() -> None:
    voltage = Entry("CurrentClampSeries", "v", np.zeros(N), start_s=1.0)
    file = contents([clamp("i_0", 5), voltage, clamp("i_1", 6, start_s=2.0)])
    assert values(file) == [5, 6]
    assert read(file, "v").unit == "V"


def test_channels_in_the_preferred_unit_go_before_currents(tmp_path: Path) -> None:
    entries = [clamp("i"), Entry("CurrentClampSeries", "v", np.zeros(N), start_s=1.0)]
    path = write_nwb(tmp_path / "a.nwb", entries)
    read(path)  # skips where there is no pynwb
    assert read_nwb(path).unit == "A"
    assert read_nwb(path, preferred_unit="V").unit == "V"
    assert read_nwb(path, preferred_unit="mV").unit == "A"


def test_an_empty_series_is_left_out_and_told(tmp_path: Path) -> None:
    empty = clamp("a_1", start_s=9.0)
    empty.data = np.empty(0, np.int16)
    path = write_nwb(tmp_path / "a.nwb", [clamp("a_0", 3), empty])
    with pytest.warns(RecordingWarning, match=r"left out 1 series .* acquisition/a_1 holds no "):
        assert values(path) == [3]


def test_a_series_with_a_fault_stops_its_own_channel_alone(tmp_path: Path) -> None:
    broken = clamp("bad", electrode=1, facts={"conversion": np.nan})
    path = write_nwb(tmp_path / "a.nwb", [clamp("good", 3), broken])
    assert values(path, "good") == [3]
    with pytest.raises(RecordingError, match="acquisition/bad: expected a conversion and an off"):
        read_nwb(path, "bad")


def test_nwb_1_is_read(tmp_path: Path) -> None:
    sweeps = {n: (np.full(N, -0.07 + 1e-3 * n), np.full(N, 1e-12 * n)) for n in (10, 9, 50)}
    for conversion in (1.0, 1e-3):
        path = write_nwb1(tmp_path / f"{conversion}.nwb", sweeps, conversion=conversion)
        voltage = read_nwb(path)
        assert (voltage.unit, voltage.rate_hz) == ("V", 10_000)
        assert [sweep.start_s for sweep in voltage.sweeps] == [27.0, 30.0, 150.0]
        first = [sweep.read(0, 1)[0] for sweep in voltage.sweeps]
        np.testing.assert_allclose(first, [-0.061, -0.06, -0.02], rtol=1e-5)
        current = read_nwb(path, "Sweep_50", stimulus=True)
        np.testing.assert_allclose(current.sweeps[0].read(), 5e-11, rtol=1e-6)


def test_nwb_1_of_the_first_pipeline_holds_si_units_whatever_it_says(tmp_path: Path) -> None:
    sweeps = {1: (np.full(N, -0.07), np.zeros(N))}
    path = write_nwb1(tmp_path / "a.nwb", sweeps, conversion=1e-3, pipeline="1.0")
    assert read_nwb(path).sweeps[0].read(0, 1)[0] == pytest.approx(-70)
    path = write_nwb1(tmp_path / "b.nwb", sweeps, conversion=1e-3, pipeline="1.1")
    assert read_nwb(path).sweeps[0].read(0, 1)[0] == pytest.approx(-0.07)


def test_nwb_1_without_a_unit_goes_by_the_kind(tmp_path: Path) -> None:
    path = write_nwb1(tmp_path / "a.nwb", {1: (np.full(N, -0.07), None)})
    with h5py.File(path, "a") as file:
        del file["acquisition/timeseries/Sweep_1/data"].attrs["unit"]
    assert read_nwb(path).unit == "V"
