"""Every format gives the same traces, and says what it cannot know."""

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from matlab_files import write_mat73
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import BLOCK, TraceOptions, TraceSet

TRACES = np.random.default_rng(0).normal(size=(3, 40))
AT_30 = TraceOptions(rate_hz=30.0)


def written(path: Path, traces: np.ndarray = TRACES) -> Path:
    """The traces in the format that the path's name asks for."""
    if path.suffix == ".npy":
        np.save(path, traces)
    elif path.suffix == ".npz":
        np.savez(path, traces=traces)
    elif path.suffix == ".mat":
        savemat(path, {"traces": traces})
    elif path.suffix == ".csv":
        rows = "\n".join(",".join(map(repr, row)) for row in traces.T.tolist())
        path.write_text(f"a,b,c\n{rows}\n")
    elif path.name.endswith(".csv.gz"):
        rows = "\n".join(",".join(map(repr, row)) for row in traces.T.tolist())
        path.write_bytes(gzip.compress(f"a,b,c\n{rows}\n".encode()))
    else:
        with h5py.File(path, "w") as file:
            file["estimates/F_dff"] = traces
    return path


FILES = ["x.csv", "x.csv.gz", "x.npy", "x.npz", "x.mat", "x.hdf5", "x.h5"]


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_traces(tmp_path: Path, name: str) -> None:
    traces = read_traces(written(tmp_path / name), AT_30)
    assert (len(traces), traces.n_samples, traces.rate_hz) == (3, 40, 30.0)
    np.testing.assert_allclose(traces.read(), TRACES, rtol=1e-15)
    np.testing.assert_allclose(traces.read(1, 2), TRACES[1:2], rtol=1e-15)
    assert traces.names == (("a", "b", "c") if ".csv" in name else ("0", "1", "2"))


@pytest.mark.parametrize("name", FILES)
def test_the_rate_is_asked_for(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name)
    with pytest.raises(
        RecordingError, match=f"{name}: does not hold its sampling rate; pass --rat"
    ):
        read_traces(path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    for name in FILES:
        whole = written(tmp_path / name).read_bytes()
        for content in (whole[: len(whole) // 3] if name != "x.csv" else b"", b"\x00 no such file"):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(RecordingError, match=name):
                read_traces(tmp_path / name, AT_30).read()


def test_what_is_no_file_of_traces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="found none"):
        read_traces(tmp_path / "absent.npy", AT_30)
    (tmp_path / "x.dat").write_text("1 2 3")
    with pytest.raises(RecordingError, match=r"expected a Suite2p folder or a file of \.csv"):
        read_traces(tmp_path / "x.dat", AT_30)
    with pytest.raises(RecordingError, match=r"expected a sampling rate in Hz, .* got -3"):
        read_traces(written(tmp_path / "x.npy"), TraceOptions(rate_hz=-3))


def test_layout_is_said_by_option(tmp_path: Path) -> None:
    across = written(tmp_path / "x.npy", TRACES.T)
    with pytest.raises(RecordingError, match=r"got shape \(40, 3\); pass --layout time-traces"):
        read_traces(across, AT_30)
    traces = read_traces(across, TraceOptions(30.0, layout="time-traces"))
    np.testing.assert_array_equal(traces.read(1, 3), TRACES[1:3])
    many = read_traces(across, TraceOptions(30.0, layout="traces-time"))
    assert (len(many), many.n_samples) == (40, 3)
    with pytest.raises(RecordingError, match="layout: expected traces-time or time-traces"):
        TraceOptions(layout="sideways")


def test_one_axis_is_one_trace(tmp_path: Path) -> None:
    for name in ("x.npy", "x.npz", "x.mat"):
        assert read_traces(written(tmp_path / name, TRACES[0]), AT_30).read().shape == (1, 40)


@pytest.mark.parametrize("array", [np.zeros((2, 3, 4)), np.array([["a", "b"]])])
def test_an_array_that_is_no_matrix_of_numbers_is_refused(tmp_path: Path, array) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(RecordingError, match="expected"):
        read_traces(tmp_path / "x.npy", AT_30)


def test_an_object_array_is_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(RecordingError, match="holds Python objects, which could run code"):
        read_traces(tmp_path / "x.npy", AT_30)


def test_npy_is_read_block_by_block(tmp_path: Path, monkeypatch) -> None:
    many = np.arange(150.0)[:, None] + np.arange(200) / 1000
    traces = read_traces(written(tmp_path / "x.npy", many), AT_30)
    blocks = []
    monkeypatch.setattr(
        TraceSet, "read", lambda self, start, stop: blocks.append((start, stop)) or many[start:stop]
    )
    names, samples, _ = zip(*traces, strict=True)
    assert names == tuple(map(str, range(150)))
    np.testing.assert_array_equal(samples, many)
    assert blocks == [(0, BLOCK), (BLOCK, 2 * BLOCK), (2 * BLOCK, 150)]


def test_a_file_that_holds_its_rate_is_believed_and_contradicts_another(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", calcium=TRACES, spikes=TRACES > 0, fs=15.5)
    assert read_traces(tmp_path / "x.npz").rate_hz == 15.5
    savemat(tmp_path / "x.mat", {"dff": TRACES, "frame_rate": 7.5})
    assert read_traces(tmp_path / "x.mat").rate_hz == 7.5
    for name, rate_hz in (("x.npz", 15.5), ("x.mat", 7.5)):
        assert read_traces(tmp_path / name, TraceOptions(1.005 * rate_hz)).rate_hz > rate_hz
        with pytest.raises(RecordingError, match=f"{name}: holds .* {rate_hz} Hz, --rate says 30;"):
            read_traces(tmp_path / name, AT_30)
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["estimates/F_dff"], file["params/data/fr"] = TRACES, 15
    np.save(tmp_path / "F.npy", TRACES)
    np.save(tmp_path / "ops.npy", {"fs": 15.0})
    (tmp_path / "4.train.calcium.csv").write_text("0\n1.5\n2.5\n")
    for path in (tmp_path / "x.hdf5", tmp_path, tmp_path / "4.train.calcium.csv"):
        with pytest.raises(RecordingError, match=r" 1(5|00) Hz, --rate says 30; leave"):
            read_traces(path, TraceOptions(30.0, neuropil=0 if path == tmp_path else None))
    savemat(tmp_path / "x.mat", {"dff": TRACES, "fs": 0.0})  # was never filled in
    assert read_traces(tmp_path / "x.mat", AT_30).rate_hz == 30.0


def test_of_several_arrays_one_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", one=TRACES, other=-TRACES)
    with pytest.raises(RecordingError, match="got one, other; pass --variable NAME"):
        read_traces(tmp_path / "x.npz", AT_30)
    traces = read_traces(tmp_path / "x.npz", TraceOptions(30.0, variable="other"))
    np.testing.assert_array_equal(traces.read(), -TRACES)


def test_matlab_73_has_its_axes_in_matlabs_order(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
        file["traces"] = TRACES.T  # as MATLAB writes a 3 × 40 matrix
        file["rate"] = [[30.0]]
    np.testing.assert_array_equal(read_traces(tmp_path / "x.mat").read(), TRACES)


def test_cells_of_c2s_may_differ_in_length_but_not_in_rate(tmp_path: Path) -> None:
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0] = {"calcium": TRACES[:1], "fps": 11.5}
    cells[0, 1] = {"calcium": TRACES[1:2, :25], "fps": 11.5}
    savemat(tmp_path / "x.mat", {"data": cells})
    traces = read_traces(tmp_path / "x.mat")
    assert (len(traces), traces.rate_hz) == (2, 11.5)
    np.testing.assert_array_equal(traces.read()[1, :25], TRACES[1, :25])
    assert np.isnan(traces.read()[1, 25:]).all()
    cells[0, 1]["fps"] = 30.0
    savemat(tmp_path / "x.mat", {"data": cells})
    for options in (None, AT_30):
        with pytest.raises(RecordingError, match=r"one sampling rate, got 11\.5, 30\.0 Hz"):
            read_traces(tmp_path / "x.mat", options)


def test_matlab_s_structs_and_cells_are_looked_into(tmp_path: Path) -> None:
    savemat(tmp_path / "x.mat", {"session": {"a": TRACES, "mouse": "m1", "b": -TRACES}})
    with pytest.raises(RecordingError, match=r"got session\.a, session\.b; pass --variable"):
        read_traces(tmp_path / "x.mat", AT_30)
    chosen = read_traces(tmp_path / "x.mat", TraceOptions(30.0, variable="session.a"))
    np.testing.assert_array_equal(chosen.read(), TRACES)
    with h5py.File(tmp_path / "x.mat", "w") as file:  # as version 7.3 has it
        file["session/dff"] = TRACES.T
    np.testing.assert_array_equal(read_traces(tmp_path / "x.mat", AT_30).read(), TRACES)
    cells = np.empty((1, 3), object)
    for place in range(3):
        cells[0, place] = TRACES[place, : 40 - place]
    savemat(tmp_path / "x.mat", {"dff": cells, "fps": 7.5})
    traces = read_traces(tmp_path / "x.mat")
    assert (traces.rate_hz, len(traces), traces.n_samples) == (7.5, 3, 40)
    np.testing.assert_array_equal(traces.read()[2, :38], TRACES[2, :38])
    assert np.isnan(traces.read()[2, 38:]).all()


def test_several_structs_of_a_trace_each_are_traces(tmp_path: Path) -> None:
    """As a lab keeps its neurons: neurons(1).dff, neurons(2).dff …"""
    lengths = (40, 39, 38)
    neurons = [
        {"dff": trace[:n], "name": "x", "fps": 7.5, "depth": 100.0 + n}
        for trace, n in zip(TRACES, lengths, strict=True)
    ]
    version_5 = np.array(
        [tuple(neuron.values()) for neuron in neurons], [(n, "O") for n in neurons[0]]
    )
    savemat(tmp_path / "5.mat", {"neurons": version_5})
    for path in (tmp_path / "5.mat", write_mat73(tmp_path / "7.mat", {"neurons": tuple(neurons)})):
        traces = read_traces(path)
        assert (traces.rate_hz, len(traces), traces.n_samples) == (7.5, 3, 40)
        for read, trace, n in zip(traces.read(), TRACES, lengths, strict=True):
            np.testing.assert_array_equal(read[:n], trace[:n])
            assert np.isnan(read[n:]).all()
    neurons[1]["fps"] = 30.0
    write_mat73(tmp_path / "7.mat", {"neurons": tuple(neurons)})
    with pytest.raises(RecordingError, match=r"one sampling rate, got 7\.5, 30\.0 Hz"):
        read_traces(tmp_path / "7.mat")


def test_a_file_without_traces_says_what_it_holds(tmp_path: Path) -> None:
    savemat(tmp_path / "x.mat", {"name": "m1", "fs": 30.0})
    with pytest.raises(RecordingError, match=r"expected an array of traces in it, found none$"):
        read_traces(tmp_path / "x.mat")
    cells = np.empty((1, 1), object)
    cells[0, 0] = {"fluo_mean": TRACES[0], "fluo_time": np.arange(40.0), "events_AP": 5.0}
    savemat(tmp_path / "x.mat", {"CAttached": cells})
    with pytest.raises(RecordingError, match=r"\(CAttached\); `raphe import ground-truth` makes"):
        read_traces(tmp_path / "x.mat", AT_30)


def test_a_struct_tells_the_rate_of_its_own_traces(tmp_path: Path) -> None:
    session = {"dff": TRACES, "fs": 7.5}
    savemat(tmp_path / "5.mat", {"session": session})
    for path in (tmp_path / "5.mat", write_mat73(tmp_path / "7.mat", {"session": session})):
        assert read_traces(path).rate_hz == 7.5
        with pytest.raises(RecordingError, match=r"holds its sampling rate, 7\.5 Hz"):
            read_traces(path, AT_30)


def test_suite2p_takes_the_surround_off(tmp_path: Path) -> None:
    np.save(tmp_path / "F.npy", TRACES.astype(np.float32))
    with pytest.raises(RecordingError, match=r"expected Fneu\.npy beside F\.npy.* --neuropil 0"):
        read_traces(tmp_path, AT_30)
    alone = read_traces(tmp_path / "F.npy", TraceOptions(30.0, neuropil=0))
    np.testing.assert_array_equal(alone.read(), TRACES.astype(np.float32))
    plain = read_traces(tmp_path / "F.npy", AT_30)  # others call an array F, too
    np.testing.assert_array_equal(plain.read(), TRACES.astype(np.float32))
    assert plain.notes and "nothing of Suite2p lies beside it" in plain.notes[0]
    around = 10 + np.arange(40) / 10
    np.save(tmp_path / "Fneu.npy", np.tile(around, (3, 1)).astype(np.float32))
    for path in (tmp_path, tmp_path / "F.npy"):
        traces = read_traces(path, AT_30).read(1, 3)
        np.testing.assert_allclose(traces, TRACES[1:] - 0.7 * around, atol=1e-5)
    half = TraceOptions(30.0, neuropil=0.5)
    np.testing.assert_allclose(read_traces(tmp_path, half).read(), TRACES - 0.5 * around, atol=1e-5)
    np.save(tmp_path / "Fneu.npy", np.zeros((3, 39), np.float32))
    with pytest.raises(RecordingError, match=r"of one shape .*\(3, 40\) and \(3, 39\)"):
        read_traces(tmp_path, AT_30)


def test_caiman_without_dff_gives_components_with_their_noise(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["estimates/F_dff"] = "NoneType"
        file["estimates/C"] = TRACES
        file["params/data/fr"] = 20.0
    with pytest.raises(RecordingError, match=r"estimates/YrA \(C alone has no noise\); pass --var"):
        read_traces(tmp_path / "x.hdf5")
    with h5py.File(tmp_path / "x.hdf5", "a") as file:
        file["estimates/YrA"] = 2 * TRACES
    traces = read_traces(tmp_path / "x.hdf5")
    assert traces.rate_hz == 20.0
    np.testing.assert_allclose(traces.read(0, 2), 3 * TRACES[:2])
    named = read_traces(tmp_path / "x.hdf5", TraceOptions(variable="estimates/C"))
    np.testing.assert_array_equal(named.read(), TRACES)


def test_a_table_is_read_as_pandas_reads_it(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    holes = np.where(TRACES > 1, np.nan, TRACES).T
    holes[-5:, 1] = np.nan
    table = pd.DataFrame(holes, columns=["a", "b, of its own", "a"])
    for settings in ({}, {"na_rep": "NA"}, {"lineterminator": "\r\n"}, {"encoding": "utf-8-sig"}):
        table.to_csv(tmp_path / "x.csv", index=False, **settings)
        traces = read_traces(tmp_path / "x.csv", AT_30)
        assert traces.names == ("a", "b, of its own", "a.1")
        np.testing.assert_array_equal(traces.read(), holes.T)
    table.to_csv(tmp_path / "x.csv", index=False, float_format="%.4g")
    expected = pd.read_csv(tmp_path / "x.csv").to_numpy().T
    np.testing.assert_array_equal(read_traces(tmp_path / "x.csv", AT_30).read(), expected)


def test_the_challenges_own_files(real_data) -> None:
    traces = read_traces(real_data("spikefinder", "6.train.calcium.csv.gz"))
    assert (len(traces), traces.n_samples, traces.rate_hz) == (9, 23998, 100.0)
    missing = np.isnan(traces.read())
    assert (~missing).sum() == 173982
    assert (np.diff(missing.astype(int), axis=1) >= 0).all()  # at the end only
    spikes = read_traces(real_data("spikefinder", "6.train.spikes.csv.gz"))
    assert np.nansum(spikes.read()) == 2735


@pytest.mark.parametrize(("dtype", "n_bytes"), [("float32", 4), ("float64", 8), ("int16", 4)])
def test_traces_in_memory_are_those_of_the_file(tmp_path: Path, dtype: str, n_bytes: int) -> None:
    traces = (100 * np.random.default_rng(0).normal(size=(3, 50))).astype(dtype)
    if dtype != "int16":
        traces[1, 7], traces[2, 8] = np.nan, np.inf
    path = tmp_path / "traces.npy"
    np.save(path, traces)
    read = read_traces(path, TraceOptions(rate_hz=30.0))
    held = read.held()
    path.unlink()
    np.testing.assert_array_equal(held.read(), traces)
    assert held.n_bytes == n_bytes * traces.size and held.held() is held
    assert held.named("mine.npy").path == Path("mine.npy")


def test_a_name_of_the_challenge_switches_nothing_silently(tmp_path: Path) -> None:
    trace = np.random.default_rng(0).normal(500, 20, 400)
    low, high = np.percentile(trace, [5, 80])
    for scaled, is_told in ((trace, True), ((trace - low) / (high - low), False)):
        path = tmp_path / "7.test.calcium.csv"
        path.write_text("\n".join(["cell", *map(str, scaled)]) + "\n")
        notes = read_traces(path).notes
        assert [f"{path}: by its name a file of the Spikefinder challenge" in n for n in notes] == (
            [True] * is_told
        )
    (tmp_path / "7.test.spikes.csv").write_text("cell\n" + "0\n" * 400)
    assert not read_traces(tmp_path / "7.test.spikes.csv").notes


def test_tabs_are_read_and_spreadsheets_refused_by_name(tmp_path: Path) -> None:
    for name in ("x.tsv", "x.TXT"):
        (tmp_path / name).write_text("a\tb\n" + "1.5\t2\n3\t4\n5\t7\n")
        traces = read_traces(tmp_path / name, AT_30)
        assert traces.names == ("a", "b")
        np.testing.assert_array_equal(traces.read(), [[1.5, 3, 5], [2, 4, 7]])
    for name in ("x.xlsx", "x.XLS", "x.ods"):
        (tmp_path / name).write_bytes(b"PK")
        with pytest.raises(RecordingError, match="got a spreadsheet; save its sheet as CSV"):
            read_traces(tmp_path / name)
