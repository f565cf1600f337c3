import numpy as np
import pytest

from nwb_files import Entry, write_nwb
from raphe.core.abf.command import read_command
from raphe.core.errors import RecordingError, SettingError
from raphe.core.nwb import reader
from raphe.tasks.glif.recordings.cell_files import CURRENT_UNITS, Signal, read_cell_traces
from raphe.tasks.glif.recordings.cell_sweeps import read_cell_sweeps
from raphe.tasks.glif.recordings.commanded import read_commanded
from rig_files import write_winwcp


def test_rows_of_arrays_are_sweeps_and_one_that_is_no_membrane_is_left_out() -> None:
    voltage = np.full((3, 500), -0.07)
    voltage[1] = 0.5
    current = np.zeros((3, 500))
    current[:, 100:] = 1e-10
    sweeps = read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    assert sweeps.names == ["sweep 0", "sweep 2"]
    assert list(sweeps.left_out) == ["sweep 1"]
    assert sweeps.rate_hz == 20_000


def test_sweeps_that_fire_are_not_left_out_for_their_spikes_own_course() -> None:
    voltage, current = np.full((3, 500), -0.07), np.full((3, 500), 1e-10)
    voltage[1:, 200] = 0.03
    expected = "got it in 2 of 3 sweeps, sweep 1 among them; pass --cut-spikes$"
    with pytest.raises(RecordingError, match=expected):
        read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    sweeps = read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0, cut=True)
    assert len(sweeps) == 3


def test_an_abf_file_without_a_current_has_that_of_its_protocol(real_data) -> None:
    path = real_data("abf", "17o05027_ic_ramp.abf")
    sweeps = read_cell_sweeps(Signal(path, "V"), Signal(None, "A"), None, cut=True)
    assert sweeps.names == ["sweep 0", "sweep 1"]
    assert not sweeps.left_out
    none_pa, ramp_pa = (1e12 * current for current in sweeps.currents_a)
    assert not none_pa.any()
    assert ramp_pa.min() == 0
    assert ramp_pa.max() == pytest.approx(10, abs=0.1)
    assert all(np.isnan(voltage).any() for voltage in sweeps.voltages_v)
    assert sweeps.read_from == [
        "the current is what its protocol commanded at Cmd 0; the file measured none"
    ]
    (of_one,) = read_cell_traces(
        Signal(path, "V"), Signal(None, "A"), None, sweep=1, cut=True
    ).current_a
    np.testing.assert_array_equal(of_one, sweeps.currents_a[1])


def test_sweeps_without_any_current_tell_nothing_and_are_refused() -> None:
    voltage = np.full((2, 500), -0.07)
    with pytest.raises(RecordingError, match="peak lies between 1 pA and 20 nA, got 0 A"):
        read_cell_sweeps(Signal(voltage, "V"), Signal(np.zeros((2, 500)), "A"), 20_000.0)


def test_a_liquid_junction_potential_is_subtracted() -> None:
    voltage, current = np.full(500, -0.07), np.full(500, 1e-10)

    def read(junction_v: float):
        signals = Signal(voltage, "V"), Signal(current, "A")
        return read_cell_sweeps(*signals, 20_000.0, liquid_junction_v=junction_v)

    sweeps = read(0.014)
    assert sweeps.voltages_v[0] == pytest.approx(np.full(500, -0.084))
    assert sweeps.liquid_junction_v == 0.014
    with pytest.raises(SettingError, match="within ±50 mV, got 14000 mV"):
        read(14.0)


def test_dead_times_are_cut_longer_by_what_is_asked_for() -> None:
    voltage, current = np.full(500, -0.07), np.full(500, 1e-10)
    voltage[100:150] = np.nan

    def read(longer_s: float):
        signals = Signal(voltage, "V"), Signal(current, "A")
        return read_cell_sweeps(*signals, 20_000.0, longer_s=longer_s)

    assert np.isnan(read(0.002).voltages_v[0]).sum() == 50 + 40
    assert np.isnan(read(0.0).voltages_v[0]).sum() == 50
    with pytest.raises(SettingError, match="--cut-longer-ms: expected 0 to 20 ms, got 2000 ms"):
        read(2.0)


def test_a_recording_under_voltage_clamp_is_refused(real_data) -> None:
    path = real_data("abf", "17o05026_vc_stim.abf")
    expected = (
        r"^[^:]*17o05026_vc_stim\.abf: expected one voltage, .* found none among its 1 channel, "
        r"0 \(IN 0, pA\); a recording under current clamp has one$"
    )
    with pytest.raises(RecordingError, match=expected):
        read_cell_sweeps(Signal(path, "V"), Signal(None, "A"), None, cut=True)


def test_a_command_drives_the_input_of_its_number_or_the_only_one(real_data) -> None:
    """Two inputs, IN 0 and IN 2, and waveforms in pA at Cmd 0 and in mV at Cmd 1."""
    path, none = real_data("abf", "190619B_0003.abf"), Signal(None, "A")
    sweeps = read_cell_sweeps(Signal(path, "V", 0), none, None, numbers=[0])
    assert sweeps.currents_a[0].min() == pytest.approx(-120e-12)
    assert "commanded at Cmd 0;" in sweeps.read_from[0]
    with pytest.raises(RecordingError, match=r"for input 2, .* at 0 \(Cmd 0, pA\), and doe"):
        read_cell_sweeps(Signal(path, "V", "IN 2"), none, None, numbers=[0])
    (samples, rate_hz), _ = read_commanded(path, 0, CURRENT_UNITS, ["mV"], "IN 2", "Cmd 0")
    np.testing.assert_allclose(samples[0], sweeps.currents_a[0])
    assert rate_hz == sweeps.rate_hz
    for output, expected in (("Cmd 1", "commands a current, got one in mV"), ("7", "found none")):
        with pytest.raises(RecordingError, match=expected):
            read_commanded(path, 0, CURRENT_UNITS, ["mV"], "IN 0", output)
    only = read_command(real_data("abf", "18425108.abf"), 0, ["nA"], response=1)
    assert only.output == "ME1" and only.samples.max() == pytest.approx(2.5)


def test_a_command_that_a_user_list_varies_is_not_known(real_data) -> None:
    path = real_data("abf", "user-list-durations.abf")
    with pytest.raises(RecordingError, match="a user list varies EPOCHINITLEVEL from sweep to swe"):
        read_command(path, 0, ["mV"])


def test_a_voltage_that_was_commanded_is_no_response(real_data) -> None:
    path = real_data("abf", "user-list-durations.abf")
    expected = r"commands a voltage, at 0 \(Cmd 0, mV\); if it was current clamp all the same, name"
    with pytest.raises(RecordingError, match=expected):
        read_cell_sweeps(Signal(path, "V"), Signal(None, "A"), None)
    named = read_cell_sweeps(Signal(path, "V"), Signal(None, "A", "IN 0"), None, cut=True)
    assert len(named) == 3  # a person says so
    nanoamperes = real_data("abf", "18425108.abf")  # commanded and measured
    assert len(read_cell_sweeps(Signal(nanoamperes, "V"), Signal(None, "A"), None, cut=True)) == 1


def test_a_command_in_mv_is_no_current(real_data) -> None:
    path = real_data("abf", "17o05026_vc_stim.abf")
    with pytest.raises(RecordingError, match="commands a current, got one in mV: it is no current"):
        read_commanded(path, 0, CURRENT_UNITS, CURRENT_UNITS)


@pytest.mark.parametrize(("factor", "unit"), [(1e3, "mV"), (1e6, "uV")])
def test_a_voltage_in_another_unit_is_refused_with_the_unit_that_fits(
    factor: float, unit: str
) -> None:
    voltage, current = factor * np.full(500, -0.07), np.full(500, 1e-10)
    with pytest.raises(RecordingError, match=f"pass --unit {unit}"):
        read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    assert len(read_cell_sweeps(Signal(voltage, unit), Signal(current, "A"), 20_000.0)) == 1


def test_all_sweeps_of_an_nwb_file_are_taken_each_with_its_own_stimulus(
    tmp_path, monkeypatch
) -> None:
    path, n = tmp_path / "cell.nwb", 1000
    entries = []
    for place, number in enumerate((7, 5, 9, 6)):  # stimuli are stored in another order
        facts = {"conversion": 1e-3, "rate": 2e4 if number == 6 else 1e4}
        entries.append(
            Entry("CurrentClampSeries", f"v{number}", np.full(n, -60 - number, np.int16),
                  start_s=2.0 * place, sweep=number, facts=facts)
        )  # fmt: skip
    for number in (5, 6, 7, 8):
        facts = {"conversion": 1e-12, "rate": 2e4 if number == 6 else 1e4}
        entries.append(
            Entry("CurrentClampStimulusSeries", f"i{number}", np.full(n, number, np.int16),
                  sweep=number, where="stimulus", facts=facts)
        )  # fmt: skip
    write_nwb(path, entries)
    opened = []
    monkeypatch.setattr(
        reader, "open_contents", lambda at, was=reader.open_contents: opened.append(at) or was(at)
    )
    sweeps = read_cell_sweeps(Signal(path, "V"), Signal(None, "A"), None, every=True)
    assert opened == [path]  # of a file of 80 sweeps each opening takes seconds
    assert sweeps.names == ["sweep 7", "sweep 5"]
    assert [round(1e3 * float(each[0])) for each in sweeps.voltages_v] == [-67, -65]
    assert [round(1e12 * float(each[0])) for each in sweeps.currents_a] == [7, 5]
    assert sweeps.rate_hz == 1e4
    assert "no stimulus has the sweep number" in sweeps.left_out["sweep 9"]
    assert "its rate is 20000 Hz, that of most 10000 Hz" in sweeps.left_out["sweep 6"]


def test_bias_currents_that_differ_are_told_and_added_on_request(tmp_path) -> None:
    """As MIES writes them, in pA, with a sweep at I=0."""
    path, n = tmp_path / "cell.nwb", 1000
    entries = [Entry("IZeroClampSeries", "v0", np.full(n, -60, np.int16), sweep=0,
                     facts={"conversion": 1e-3})]  # fmt: skip
    for number, bias in ((1, -20.0), (2, -45.0)):
        facts = {"conversion": 1e-3, "bias_current": bias}
        entries += [
            Entry("CurrentClampSeries", f"v{number}", np.full(n, -60, np.int16),
                  start_s=float(number), sweep=number, facts=facts),
            Entry("CurrentClampStimulusSeries", f"i{number}", np.full(n, 50, np.int16),
                  start_s=float(number), sweep=number, where="stimulus",
                  facts={"conversion": 1e-12}),
        ]  # fmt: skip
    write_nwb(path, entries)
    voltage = Signal(path, "V")
    lacking = read_cell_sweeps(voltage, Signal(None, "A"), None, every=True)
    assert [round(1e12 * float(each[0])) for each in lacking.currents_a] == [0, 50, 50]
    assert lacking.read_from[-1].startswith("the bias currents of its sweeps differ, −45.0 to 0 pA")
    assert lacking.read_from[-1].endswith("pass --add-bias, or fit sweeps of one bias")
    added = read_cell_sweeps(voltage, Signal(None, "A", with_bias=True), None, every=True)
    assert [round(1e12 * float(each[0])) for each in added.currents_a] == [0, 30, 5]
    assert added.read_from[-1] == "sweep 2, v2, with i2 and its bias current of -45 pA"
    of_one = read_cell_sweeps(voltage, Signal(None, "A"), None, numbers=[2])
    assert of_one.read_from == [
        "sweep 2, v2, with i2; its bias current of -45 pA is not added to that"
    ]
    arrays = Signal(np.full(n, -0.06), "V"), Signal(np.full(n, 1e-10), "A", with_bias=True)
    with pytest.raises(SettingError, match="--add-bias: only an NWB file with voltage and current"):
        read_cell_sweeps(*arrays, 20_000.0)


def test_a_voltage_that_is_missing_is_no_spike_where_it_is_no_dead_time() -> None:
    voltage, current = np.full((4, 5000), -0.07), np.full((4, 5000), 1e-10)
    voltage[0, -2000:] = np.nan  # filled up by the amplifier's program
    voltage[0, :10] = np.nan
    voltage[1, -40:] = np.nan  # a spike's dead time
    voltage[2, 1000:3000] = np.nan
    current[3, 7] = np.nan
    sweeps = read_cell_sweeps(Signal(voltage, "V"), Signal(current, "A"), 20_000.0)
    assert [len(each) for each in sweeps.voltages_v] == [2990, 5000]
    assert [len(each) for each in sweeps.currents_a] == [2990, 5000]
    assert "100 ms of its voltage are NaN in one stretch" in sweeps.left_out["sweep 2"]
    assert sweeps.left_out["sweep 3"] == "the current is not finite at sample 7"


def test_sweeps_of_a_winwcp_file_have_voltage_and_current(tmp_path) -> None:
    codes = np.zeros((3, 2048, 2), np.int16)
    codes[:, 500:1500, 0] = [[300], [600], [900]]  # of 0.0305 pA
    codes[..., 1] = -2000  # of 0.0305 mV
    path, step, _ = write_winwcp(tmp_path, codes)
    sweeps = read_cell_sweeps(Signal(path, "V"), Signal(None, "A"), None)
    assert sweeps.names == ["sweep 0", "sweep 1", "sweep 2"]
    assert sweeps.rate_hz == 20_000
    peaks_a = [current_a.max() for current_a in sweeps.currents_a]
    np.testing.assert_allclose(peaks_a, np.array([300, 600, 900]) * step * 1e-12, rtol=1e-6)
    np.testing.assert_allclose(sweeps.voltages_v[2], -2000 * step * 1e-3, rtol=1e-6)
