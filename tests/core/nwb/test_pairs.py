"""A sweep's voltage and its own stimulus: by table, electrode and number or time, names last."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from nwb_files import Entry, contents, write_nwb, write_nwb1
from raphe.core.errors import RecordingError
from raphe.core.nwb.contents import Contents, Part, TableRow
from raphe.core.nwb.pairs import pair_of, read_pair

N = 1000


def voltage(name: str, value: int, electrode: int = 0, **facts) -> Entry:
    data = np.full(N, value, np.int16)
    return Entry("CurrentClampSeries", name, data, electrode,
                 facts={"conversion": 1e-3, **facts.pop("facts", {})}, **facts)  # fmt: skip


def stimulus(name: str, value: int, electrode: int = 0, n: int = N, **facts) -> Entry:
    facts = {"where": "stimulus", **facts}
    return Entry("CurrentClampStimulusSeries", name, np.full(n, value, np.int16), electrode,
                 facts={"conversion": 1e-12, **facts.pop("facts", {})}, **facts)  # fmt: skip


def paired(source: Path | Contents, *arguments, **options) -> tuple[int, int]:
    """Values that voltage and current were made of."""
    read = pair_of if isinstance(source, Contents) else read_pair
    pair = read(source, *arguments, **options)
    assert pair.voltage.n_samples == pair.current.n_samples == N
    return (
        round(1e3 * float(pair.voltage.sweeps[0].read(0, 1)[0])),
        round(1e12 * float(pair.current.sweeps[0].read(0, 1)[0])),
    )


def test_a_sweep_without_its_stimulus_is_refused_and_named() -> None:
    entries = [voltage(f"v{k}", k, start_s=3.0 * k, sweep=k) for k in range(3)]
    entries += [stimulus(f"i{k}", k, start_s=3.0 * k, sweep=k) for k in (1, 2)]
    file = contents(entries)
    assert paired(file, sweep=1) == (1, 1)
    assert paired(file, sweep=2) == (2, 2)
    for sweep in (0, None):
        with pytest.raises(RecordingError, match="for sweep 0, v0, no stimulus has the sweep numb"):
            pair_of(file, sweep=sweep)
    with pytest.raises(RecordingError, match="as the file numbers them, 0, 1 and 2, got 3"):
        pair_of(file, sweep=3)


def test_without_numbers_a_stimulus_is_that_which_begins_with_the_sweep() -> None:
    entries = [voltage(f"v{k}", k, start_s=3.0 * k) for k in range(3)]
    entries += [stimulus(f"late{k}", k, start_s=3.0 * k) for k in (2, 1)]
    file = contents(entries)
    assert paired(file, sweep=2) == (2, 2)
    with pytest.raises(RecordingError, match=r"v0, none begins with it at 0 s"):
        pair_of(file, sweep=0)


@pytest.mark.parametrize("numbered", [True, False])
def test_one_starting_time_leaves_numbers_of_the_file_or_in_names(numbered) -> None:
    entries = [
        entry for k in range(12) for entry in (
            voltage(f"CurrentClampSeries_{k}", k, sweep=k if numbered else None),
            stimulus(f"CurrentClampStimulusSeries_{k}", k, sweep=k if numbered else None),
        )
    ]  # fmt: skip
    file = contents(entries)
    assert paired(file, sweep=2) == (2, 2)
    assert paired(file, sweep=10) == (10, 10)
    if not numbered:
        assert paired(file, "CurrentClampSeries_10", "CurrentClampStimulusSeries_10") == (10, 10)
        with pytest.raises(RecordingError, match="expected one channel in V, found 12"):
            pair_of(file)


def test_names_that_count_from_another_first_pair_nothing() -> None:
    entries = [voltage(f"CurrentClampSeries_{k}", k) for k in range(3)]
    entries += [stimulus(f"Stim_{k + 1}", k) for k in range(3)]
    file = contents(entries)
    for which in ({"sweep": 0}, {"sweep": 1}, {"channel": "CurrentClampSeries_1"}):
        with pytest.raises(RecordingError, match=r"found 3, Stim_1, Stim_2 and Stim_3; choose one"):
            pair_of(file, **which)
    assert paired(file, "CurrentClampSeries_1", "Stim_2") == (1, 1)
    fewer = contents(entries[:3] + [stimulus(f"Stim_{k}", k) for k in (1, 2)])
    assert paired(fewer, sweep=2) == (2, 2)


def test_two_electrodes_without_numbers_and_times_go_by_names() -> None:
    entries = [
        entry(f"{letter}_{e}_{k}", 10 * e + k, e)
        for letter, entry in (("v", voltage), ("s", stimulus)) for k in range(3) for e in range(2)
    ]  # fmt: skip
    file = contents(entries)
    assert paired(file, "electrode_1", sweep=2) == (12, 12)
    assert paired(file, "v_1_2") == (12, 12)
    with pytest.raises(RecordingError, match="expected one channel in V, found 6"):
        pair_of(file, sweep=2)


def test_two_stimuli_of_one_sweep_are_asked_back() -> None:
    file = contents(
        [voltage("v", 1, sweep=3), stimulus("a", 1, sweep=3), stimulus("b", 2, sweep=3)]
    )
    with pytest.raises(
        RecordingError, match="one stimulus of sweep 3, v, found 2, a and b; choose"
    ):
        pair_of(file)
    assert paired(file, None, "b") == (1, 2)


def test_an_electrode_has_no_stimulus_of_another() -> None:
    entries = [voltage("v0", 0, 0), voltage("v1", 1, 1), stimulus("i1", 1, 1)]
    file = contents(entries)
    with pytest.raises(RecordingError, match=r"expected one channel in V, found 2 .*--channel"):
        pair_of(file)
    assert paired(file, "electrode_1") == (1, 1)
    with pytest.raises(RecordingError, match="for v0, it has no stimulus of electrode_0"):
        pair_of(file, "v0")
    assert paired(file, "v0", "i1") == (0, 1)  # a person says so


@pytest.mark.parametrize("first", [1, 50])
def test_sweeps_are_called_by_the_files_numbers(first: int) -> None:
    numbers = [first + 1, first, first + 2]  # not in the order of time
    entries = [voltage(f"v{n}", n % 10, start_s=3.0 * k, sweep=n) for k, n in enumerate(numbers)]
    entries += [stimulus(f"i{n}", n % 10, sweep=n) for n in numbers]  # as templates: at 0 s
    file = contents(entries)
    for number in numbers:
        assert paired(file, sweep=number) == (number % 10, number % 10)
    assert paired(file) == ((first + 1) % 10,) * 2
    with pytest.raises(RecordingError, match=f"numbers them, {first}, {first + 1} and {first + 2}"):
        pair_of(file, sweep=0)


def test_a_number_that_repeats_is_asked_back() -> None:
    entries = [voltage(name, k, sweep=4, start_s=3.0 * k) for k, name in enumerate("ab")]
    entries += [stimulus(f"i{k}", k, sweep=4, start_s=3.0 * k) for k in range(2)]
    file = contents(entries)
    with pytest.raises(RecordingError, match=r"2 sweeps .* number 4: a at 0 s and b at 3 s"):
        pair_of(file, sweep=4)
    assert paired(file, "b") == (1, 1)


def test_a_stimulus_of_no_electrode_is_not_given_to_two_cells_recorded_at_once() -> None:
    amps = {"conversion": 1e-12, "unit": "A"}
    shared = Entry("TimeSeries", "i", np.full(N, 7, np.int16), None, where="stimulus", facts=amps)
    alone = contents([voltage("a", 1), shared])
    assert paired(alone) == (1, 7)
    later = contents([voltage("a", 1), voltage("b", 2, 1, start_s=60.0), shared])
    assert paired(later, "electrode_0") == (1, 7)
    at_once = contents([voltage("a", 1), voltage("b", 2, 1), shared])
    for channel in ("electrode_0", "electrode_1"):
        with pytest.raises(
            RecordingError, match=r"i names no electrode, and [ab] of electrode_.*t"
        ):
            pair_of(at_once, channel)
    assert paired(at_once, "electrode_1", "i") == (2, 7)


def test_the_table_of_recordings_goes_before_all(tmp_path: Path) -> None:
    pytest.importorskip("pynwb", reason="pynwb is an extra: pip install raphe[nwb]")
    entries = [voltage("v0", 0), voltage("v1", 1, start_s=3.0)]
    entries += [stimulus("first", 0), stimulus("second", 1, start_s=3.0)]
    rows = [{"response": "v0", "stimulus": "second"}, {"response": "v1"}]
    path = write_nwb(tmp_path / "a.nwb", entries, rows, [[1], [0]])
    assert paired(path, sweep=1) == (0, 1)
    with pytest.raises(RecordingError, match="for sweep 0, v1, the table of intracellular recordi"):
        read_pair(path, sweep=0)


def test_the_table_names_parts_of_one_long_series() -> None:
    entries = [
        Entry(kind, name, np.repeat(np.int16([1, 2, 3]), N), facts={"conversion": conversion},
              where=where)
        for kind, name, conversion, where in (
            ("CurrentClampSeries", "v", 1e-3, "acquisition"),
            ("CurrentClampStimulusSeries", "i", 1e-12, "stimulus"),
        )
    ]  # fmt: skip
    parts = [
        (Part("acquisition/v", start, N), Part("stimulus/presentation/i", start, N))
        for start in (2 * N, 0)
    ]
    file = contents(entries, [TableRow(*part) for part in parts])
    assert [paired(file, sweep=k) for k in range(2)] == [(1, 1), (3, 3)]
    file = contents(entries, [TableRow(*part, sweep=k) for k, part in enumerate(parts)])
    assert [paired(file, sweep=k) for k in range(2)] == [(3, 3), (1, 1)]


def test_a_gap_begins_a_sweep_in_both() -> None:
    times_s = np.arange(2 * N) / 1e4 + 5.0 * (np.arange(2 * N) >= N)
    timed = {"rate": None, "timestamps": times_s}
    file = contents([
        Entry("CurrentClampSeries", "v", np.repeat(np.int16([1, 2]), N),
              facts={**timed, "conversion": 1e-3}),
        Entry("CurrentClampStimulusSeries", "i", np.repeat(np.int16([1, 2]), N),
              facts={**timed, "conversion": 1e-12}, where="stimulus"),
    ])  # fmt: skip
    assert [paired(file, sweep=k) for k in range(2)] == [(1, 1), (2, 2)]
    with pytest.raises(RecordingError, match="expected a sweep from 0 to 1, in the order of time"):
        pair_of(file, sweep=2)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (stimulus("i", 1, n=600, sweep=0), "expected a stimulus as long as sweep 0, v, 1000 sam"),
        (stimulus("i", 1, sweep=0, facts={"rate": 5e3}), "expected i at the rate of sweep 0, v"),
        (stimulus("i", 1, sweep=0, start_s=4.0), "to begin with it at 2 s, i begins at 4 s"),
        (stimulus("i", 1, start_s=0.0), "to begin with it at 2 s, i begins at 0 s"),
        (stimulus("i", 1, sweep=0, where="template"), "it has no stimulus"),
        (Entry("VoltageClampSeries", "i", np.ones(N), start_s=9.0), "it has no stimulus"),
    ],
)
def test_a_stimulus_that_cannot_be_the_sweeps_is_refused(entry, words) -> None:
    file = contents([voltage("v", 1, sweep=0, start_s=2.0), entry])
    with pytest.raises(RecordingError, match=words):
        pair_of(file)
    if entry.where == "template":
        assert paired(file, "v", "i") == (1, 1)


def test_nwb_1_pairs_sweeps_of_one_number(tmp_path: Path) -> None:
    sweeps = {n: (np.full(N, 1e-3 * n), np.full(N, 1e-12 * n)) for n in (10, 9)}
    sweeps[8] = (np.full(N, 8e-3), None)
    path = write_nwb1(tmp_path / "a.nwb", sweeps)
    assert paired(path, sweep=9) == (9, 9)
    assert paired(path, sweep=10) == (10, 10)
    with pytest.raises(RecordingError, match="for sweep 8, Sweep_8, no stimulus has the sweep num"):
        read_pair(path, sweep=8)


@pytest.mark.parametrize("as_links", [True, False])
def test_epochs_of_nwb_1_number_sweeps_that_are_called_otherwise(tmp_path, as_links: bool) -> None:
    sweeps = {n: (np.full(N, 1e-3 * n), np.full(N, 1e-12 * n)) for n in (10, 9)}
    path = write_nwb1(tmp_path / "a.nwb", sweeps)
    with h5py.File(path, "a") as file:
        for kind, section in (
            ("response", "acquisition/timeseries"), ("stimulus", "stimulus/presentation"),
        ):  # fmt: skip
            for n in (10, 9):
                epoch = f"epochs/Sweep_{n}/{kind}/timeseries"
                place = f"{section}/series{19 - n}" if as_links else epoch
                del file[epoch]
                file.move(f"{section}/Sweep_{n}", place)
                if as_links:
                    file[epoch] = h5py.SoftLink(f"/{place}")
    assert paired(path, sweep=9) == (9, 9)
    assert paired(path, sweep=10) == (10, 10)


def test_a_bias_current_that_the_stimulus_may_lack_is_told(tmp_path: Path) -> None:
    entries = [voltage("v", 1, facts={"bias_current": 3e-11}), stimulus("i", 2)]
    pair = read_pair(write_nwb(tmp_path / "a.nwb", entries))
    assert pair.label == "v, with i; its bias current of 30 pA is not added to that"


def test_a_bias_current_that_mies_wrote_in_pa_is_told_in_pa(tmp_path: Path) -> None:
    entries = [voltage("v", 1, facts={"bias_current": -23.5}), stimulus("i", 2)]
    pair = read_pair(write_nwb(tmp_path / "a.nwb", entries))
    assert pair.label == "v, with i; its bias current of -23.5 pA is not added to that"


def test_a_bias_current_is_added_where_a_person_says_so(tmp_path: Path) -> None:
    amps = {"conversion": 1e-9, "unit": "nA"}
    entries = [voltage("v", 1, facts={"bias_current": -23.0}), stimulus("i", 2)]
    shared = Entry("TimeSeries", "shared", np.full(N, 0.5), None, where="stimulus", facts=amps)
    path = write_nwb(tmp_path / "a.nwb", [*entries, shared])
    pair = read_pair(path, None, "i", add_bias=True)
    assert pair.label == "v, with i and its bias current of -23 pA" and pair.bias_a == 0
    assert pair.current.sweeps[0].read(0, 1)[0] == pytest.approx(-21e-12)
    assert read_pair(path, None, "i").bias_a == pytest.approx(-23e-12)


def test_nothing_behind_the_end_of_an_experiment_of_nwb_1_was_recorded(tmp_path: Path) -> None:
    """As AllenSDK reads a ramp that was stopped; their bias current is read, too."""
    sweeps = {n: (np.full(N, 1e-3 * n), np.full(N, 1e-12 * n)) for n in (9, 10)}
    path = write_nwb1(tmp_path / "a.nwb", sweeps)
    with h5py.File(path, "r+") as file:
        file["acquisition/timeseries/Sweep_9/bias_current"] = 3e-11
        for part in ("stimulus", "response"):
            epoch = file.create_group(f"epochs/Experiment_9/{part}")
            epoch["idx_start"], epoch["count"] = 200, 500
    pair = read_pair(path, sweep=9)
    assert pair.voltage.n_samples == pair.current.n_samples == 700
    assert pair.label.endswith("; its bias current of 30 pA is not added to that")
    assert read_pair(path, sweep=10).voltage.n_samples == N


def test_a_stimulus_of_a_lower_rate_is_held_where_it_lasts_as_long() -> None:
    slow = stimulus("i", 0, sweep=0, facts={"rate": 2500.0})
    slow = replace(slow, data=np.arange(250, dtype=np.int16))
    pair = pair_of(contents([voltage("v", 1, sweep=0), slow]))
    assert pair.label == "sweep 0, v, with i, held from 2500 to 10000 Hz"
    (trace,) = pair.current.sweeps
    np.testing.assert_allclose(1e12 * trace.read(), np.arange(N) // 4, rtol=1e-6)
    np.testing.assert_allclose(1e12 * trace.read(7, 10), [1, 2, 2], rtol=1e-6)
    for n, rate_hz in ((251, 2500.0), (249, 2500.0), (300, 3000.0), (2000, 20_000.0)):
        other = replace(slow, data=np.zeros(n, np.int16), facts={**slow.facts, "rate": rate_hz})
        with pytest.raises(RecordingError, match="expected i at the rate of sweep 0, v, 10000 Hz"):
            pair_of(contents([voltage("v", 1, sweep=0), other]))


def test_a_sweep_at_i_0_has_no_current_and_needs_no_stimulus() -> None:
    at_rest = Entry("IZeroClampSeries", "v", np.full(N, -70, np.int16), sweep=4,
                    facts={"conversion": 1e-3})  # fmt: skip
    others = [voltage("w", 1, start_s=5.0, sweep=5), stimulus("i", 2, start_s=5.0, sweep=5)]
    file = contents([at_rest, *others])
    pair = pair_of(file, sweep=4)
    assert pair.label == "sweep 4, v, recorded at I=0: without a current"
    assert pair.voltage.sweeps[0].read(0, 1)[0] == pytest.approx(-0.07)
    assert pair.current.n_samples == N and not pair.current.sweeps[0].read().any()
    assert paired(file, sweep=5) == (1, 2)
    assert paired(file, "v", "i") == (-70, 2)  # a person says so
