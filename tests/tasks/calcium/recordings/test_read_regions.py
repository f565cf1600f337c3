"""Regions of an image with their surround and curation: Suite2p's folders and files, CaImAn's."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.suite2p_rate import suite2p_rate
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

N, T = 5, 60
RNG = np.random.default_rng(0)
F = (600 + 30 * RNG.normal(size=(N, T))).astype(np.float32)
FNEU = (300 + 10 * RNG.normal(size=(N, T))).astype(np.float32)
AT_30 = TraceOptions(rate_hz=30.0)
WITHOUT_SURROUND = F - 0.7 * FNEU.astype(np.float64)
ISCELL = np.array([[1, 0.9], [0, 0.2], [1, 0.8], [1, 0.7], [0, 0.1]])


def plane(folder: Path, cells: np.ndarray = F, surrounds: np.ndarray | None = FNEU) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "F.npy", cells)
    if surrounds is not None:
        np.save(folder / "Fneu.npy", surrounds)
    return folder


def test_a_rate_that_suite2p_fills_in_itself_gives_way_and_is_told(tmp_path: Path) -> None:
    folder = plane(tmp_path)
    for stated, taken, notes in ((10.0, 30.0, 1), (30.0, 30.0, 0)):
        np.save(folder / "ops.npy", {"fs": stated})
        traces = read_traces(folder, AT_30)
        assert traces.rate_hz == taken and len(traces.notes) == notes
    np.save(folder / "ops.npy", {"fs": 15.0})
    with pytest.raises(RecordingError, match=r"holds its sampling rate, 15 Hz, --rate says 30"):
        read_traces(folder, AT_30)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("F", 0.0, "F: constant at 0"),
        ("F", 7.5, "F: constant at 7.5"),
        ("F", np.nan, "F: no sample is a number"),
        ("Fneu", 0.0, "Fneu, its surround: constant at 0; pass --neuropil 0 to go without"),
        ("Fneu", np.nan, "Fneu, its surround: no sample is a number; pass --neuropil 0"),
    ],
)
def test_a_region_that_tells_nothing_is_not_its_surround_upside_down(
    tmp_path: Path, name: str, value: float, reason: str
) -> None:
    arrays = {"F": F.copy(), "Fneu": FNEU.copy()}
    arrays[name][3] = value
    traces = list(read_traces(plane(tmp_path, *arrays.values()), AT_30))
    assert np.isnan(traces[3].samples).all() and traces[3].fault.startswith(reason)
    for row in (0, 1, 2, 4):
        np.testing.assert_allclose(traces[row].samples, WITHOUT_SURROUND[row], atol=1e-4)
        assert not traces[row].fault


@pytest.mark.parametrize("version", ["5", "7", "7.3"])
def test_fall_mat_is_its_folder(tmp_path: Path, version: str) -> None:
    """The surround is taken off by the same share, the rate is Suite2p's, curation is read."""
    path = tmp_path / "Fall.mat"
    if version == "7.3":
        with h5py.File(path, "w", userblock_size=512) as file:
            file["F"], file["Fneu"], file["iscell"] = F.T, FNEU.T, ISCELL.T
            file["spks"], file["ops/fs"] = F.T, [[15.5]]
    else:
        arrays = {"F": F, "Fneu": FNEU, "spks": F, "iscell": ISCELL, "stat": [{"ypix": [1, 2]}]}
        savemat(path, {**arrays, "ops": {"fs": 15.5, "neucoeff": 0.7}},
                do_compression=version == "7")  # fmt: skip
    traces = read_traces(path)
    assert traces.rate_hz == 15.5
    np.testing.assert_allclose(traces.read(), WITHOUT_SURROUND, atol=1e-4)
    assert traces.curation.is_cell == (True, False, True, True, False)
    most = read_traces(path, TraceOptions(neuropil=0.9)).read()
    np.testing.assert_allclose(most, F - 0.9 * FNEU.astype(np.float64), atol=1e-4)
    np.testing.assert_array_equal(read_traces(path, TraceOptions(neuropil=0)).read(), F)
    named = read_traces(path, TraceOptions(15.5, variable="spks"))
    np.testing.assert_array_equal(named.read(), F)


def test_fall_mat_without_its_surround_keeps_its_rate_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "Fall.mat"
    savemat(path, {"F": F, "iscell": ISCELL, "ops": {"fs": 15.5}})
    with h5py.File(tmp_path / "new.mat", "w", userblock_size=512) as file:
        file["F"], file["ops/fs"] = F.T, [[15.5]]
    for each in (path, tmp_path / "new.mat"):
        traces = read_traces(each)
        assert traces.rate_hz == 15.5
        assert traces.notes == (f"{each}: holds no Fneu, so no surround is taken off",)
        np.testing.assert_array_equal(traces.read(), F)
        assert not read_traces(each, TraceOptions(neuropil=0)).notes
        with pytest.raises(RecordingError, match="expected Fneu beside F, found none; leave --neu"):
            read_traces(each, TraceOptions(neuropil=0.5))


def test_regions_that_are_transposed_are_refused(tmp_path: Path) -> None:
    walks = np.cumsum(np.random.default_rng(0).normal(size=(30, 200)), axis=1)
    for cells in (walks.T, walks[:8].T, F[:2].T):
        plane(tmp_path, cells, cells / 2)
        savemat(tmp_path / "Fall.mat", {"F": cells, "Fneu": cells / 2})
        with h5py.File(tmp_path / "c.hdf5", "w") as file:
            file["estimates/C"], file["estimates/YrA"] = cells, cells / 10
        for path, remedy in (
            (tmp_path, r"save F and Fneu as Suite2p does, \(regions, frames\)"),
            (tmp_path / "Fall.mat", "save F and Fneu as Suite2p does"),
            (tmp_path / "c.hdf5", "pass --variable estimates/C --layout time-traces"),
        ):
            with pytest.raises(RecordingError, match=remedy):
                read_traces(path, AT_30)
    turned = TraceOptions(30.0, "time-traces", "estimates/C")
    assert len(read_traces(tmp_path / "c.hdf5", turned)) == 2
    assert len(read_traces(plane(tmp_path, walks, walks / 2), AT_30)) == 30


def test_one_region_of_fall_mat_stays_a_row(tmp_path: Path) -> None:
    arrays = {"F": F[:1], "Fneu": FNEU[:1], "iscell": ISCELL[:1], "ops": {"fs": 30.0}}
    savemat(tmp_path / "Fall.mat", arrays)
    traces = read_traces(tmp_path / "Fall.mat", TraceOptions(cells_only=True))
    np.testing.assert_allclose(traces.read(), WITHOUT_SURROUND[:1], atol=1e-4)


def test_planes_are_read_one_after_the_other(tmp_path: Path) -> None:
    for number in (0, 1, 10):
        np.save(plane(tmp_path / "suite2p" / f"plane{number}", F + number) / "iscell.npy", ISCELL)
    np.save(plane(tmp_path / "suite2p" / "plane1", F[:2, :-1], FNEU[:2, :-1]) / "iscell.npy",
            ISCELL[:2])  # fmt: skip
    plane(tmp_path / "suite2p" / "combined")
    (tmp_path / "suite2p" / "plane2").mkdir()
    for place in (tmp_path / "suite2p", tmp_path):
        traces = read_traces(place, AT_30)
        assert traces.names[4:8] == ("plane0/4", "plane1/0", "plane1/1", "plane10/0")
        assert len(traces) == 12 and traces.notes[0].endswith(
            "read plane0, plane1, plane10; combined holds the same; no F.npy in plane2"
        )
        together = traces.read()
        np.testing.assert_allclose(together[:5], WITHOUT_SURROUND, atol=1e-4)
        np.testing.assert_allclose(together[5:7, :-1], WITHOUT_SURROUND[:2, :-1], atol=1e-4)
        assert np.isnan(together[5:7, -1]).all()
        np.testing.assert_array_equal(traces.read(6, 9), together[6:9])
    cells = read_traces(tmp_path / "suite2p", TraceOptions(30.0, cells_only=True))
    assert cells.names == (
        "plane0/0", "plane0/2", "plane0/3", "plane1/0", "plane10/0", "plane10/2", "plane10/3"
    )  # fmt: skip
    np.testing.assert_array_equal(cells.read(2, 5), together[[3, 5, 7]])


def test_a_single_plane_keeps_its_names_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    plane(tmp_path / "suite2p" / "plane0")
    assert read_traces(tmp_path / "suite2p", AT_30).names == tuple("01234")
    (tmp_path / "other").mkdir()
    with pytest.raises(RecordingError, match="or its folders plane0, plane1 … with one each"):
        read_traces(tmp_path / "other", AT_30)


@pytest.mark.parametrize("rate", [7.5, 30, np.float64(15.25), np.float32(15.25), np.int64(9)])
def test_the_rate_in_ops_is_read_and_the_pickle_is_not_run(tmp_path: Path, rate) -> None:
    class Opened:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    ops = {"Ly": 512, "meanImg": np.zeros((4, 4)), "fs": rate, "tau": 1.0, "x": Opened()}
    np.save(plane(tmp_path) / "ops.npy", ops)
    assert suite2p_rate(tmp_path) == rate
    assert read_traces(tmp_path).rate_hz == rate
    assert not (tmp_path / "ran").exists()
    whole = (tmp_path / "ops.npy").read_bytes()
    for content in (b"", whole[:100], whole[:130] + bytes(40) + whole[170:], b"\x93NUMPY" * 9):
        (tmp_path / "ops.npy").write_bytes(content)
        with pytest.raises(RecordingError, match="does not hold its sampling rate; pass --rate"):
            read_traces(tmp_path)


def test_curation_keeps_the_rows_and_cells_only_leaves_some_out(tmp_path: Path) -> None:
    np.save(plane(tmp_path) / "iscell.npy", ISCELL)
    traces = read_traces(tmp_path, AT_30)
    assert len(traces) == N
    assert f"{traces.curation}" == "2 of 5 regions are no cells by iscell.npy"
    cells = read_traces(tmp_path, TraceOptions(30.0, cells_only=True))
    assert cells.names == ("0", "2", "3") and "left out as asked" in cells.notes[0]
    np.testing.assert_array_equal(cells.read(), traces.read()[[0, 2, 3]])
    np.testing.assert_array_equal(cells.read(1, 3), traces.read()[[2, 3]])
    np.save(tmp_path / "iscell.npy", np.zeros((N, 2)))
    with pytest.raises(RecordingError, match="expected cells, 5 of 5 regions are no cells"):
        read_traces(tmp_path, TraceOptions(30.0, cells_only=True))
    for wrong, told in ((ISCELL[:4], "a row for each of 5 regions"), (ISCELL + 1, "0 or 1")):
        np.save(tmp_path / "iscell.npy", wrong)
        with pytest.raises(RecordingError, match=told):
            read_traces(tmp_path, AT_30)


@pytest.mark.parametrize("group", ["estimates/", ""])
@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"idx_components": [0, 2], "idx_components_bad": [1, 3, 4]}, (1, 0, 1, 0, 0)),
        ({"idx_components_bad": [1]}, (1, 0, 1, 1, 1)),
        ({"idx_components": [0, 2], "accepted_list": [4], "rejected_list": [0]}, (0, 0, 1, 0, 1)),
        ({"accepted_list": [4]}, (0, 0, 0, 0, 1)),
        ({"rejected_list": [4], "accepted_list": []}, (1, 1, 1, 1, 0)),
        ({"idx_components": [], "idx_components_bad": [0, 1, 2, 3, 4]}, (0, 0, 0, 0, 0)),
        ({"idx_components": [], "idx_components_bad": []}, None),
        ({"idx_components": [0, 7]}, None),  # of components that were taken out since
        ({"idx_components": "NoneType"}, None),
        ({}, None),
    ],
)
def test_caimans_components_are_cells_or_none(tmp_path: Path, group, lists, expected) -> None:
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file[f"{group}C"], file[f"{group}YrA"] = F, FNEU
        file["params/data/fr"] = 20.0
        for name, value in lists.items():
            file[f"{group}{name}"] = value
    traces = read_traces(tmp_path / "x.hdf5")
    np.testing.assert_allclose(traces.read(), F.astype(float) + FNEU)
    assert traces.rate_hz == 20.0
    if expected is None:
        assert traces.curation is None
        assert bool(traces.notes) == (lists.get("idx_components") == [0, 7])
    else:
        assert traces.curation.is_cell == tuple(map(bool, expected))


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("x.npy", {"neuropil": 0.5}, "--neuropil says nothing of it"),
        ("x.npy", {"cells_only": True}, "--cells-only says nothing of it"),
        ("x.npy", {"variable": "F"}, "--variable says nothing of it"),
        ("x.npz", {"neuropil": 0.7}, "--neuropil says nothing of it"),
        ("x.mat", {"cells_only": True}, "--cells-only says nothing of it"),
        ("x.hdf5", {"layout": "time-traces"}, "--layout says nothing of it"),
        ("x.hdf5", {"cells_only": True}, "--cells-only says nothing of it"),
        ("plane0", {"layout": "traces-time"}, "--layout says nothing of it"),
        ("plane0", {"variable": "F"}, "--variable says nothing of it"),
        ("plane0", {"cells_only": True}, "--cells-only says nothing of it"),
        ("Fall.mat", {"layout": "traces-time"}, "--layout says nothing of it"),
    ],
)
def test_an_option_that_says_nothing_of_a_file_is_refused(tmp_path, name, options, told) -> None:
    plane(tmp_path / "plane0")
    np.save(tmp_path / "x.npy", F)
    np.savez(tmp_path / "x.npz", F=F)
    savemat(tmp_path / "x.mat", {"F": F})
    savemat(tmp_path / "Fall.mat", {"F": F, "Fneu": FNEU})
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["estimates/F_dff"] = F
    assert len(read_traces(tmp_path / name, AT_30)) == N
    with pytest.raises(RecordingError, match=f"{name}: {told}.*; leave it out"):
        read_traces(tmp_path / name, TraceOptions(30.0, **options))


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_a_population_read_across_its_neurons_is_refused(tmp_path: Path, noise: float) -> None:
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(60) / 15)
    traces = np.array([np.convolve(rng.poisson(0.02, 300), decay)[:300] for _ in range(40)])
    traces = (traces + noise * rng.normal(size=traces.shape)) * np.arange(1, 41)[:, None]
    np.save(tmp_path / "x.npy", traces)
    assert len(read_traces(tmp_path / "x.npy", AT_30)) == 40
    np.save(tmp_path / "x.npy", traces[:, :30].T)  # more neurons than frames
    with pytest.raises(RecordingError, match=r"\(30, 40\) the rows follow .* --layout time-traces"):
        read_traces(tmp_path / "x.npy", AT_30)
    for layout in ("time-traces", "traces-time"):
        read_traces(tmp_path / "x.npy", TraceOptions(30.0, layout=layout))
