"""Rates of new traces as the user asks for them: every format in and out, whatever is wrong."""

import csv
import itertools
import json
import shutil
import threading
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat, whosmat

from raphe import cli
from raphe.core.errors import RecordingError, StoreError
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.metrics.population_figure import population_figure
from raphe.tasks.calcium.metrics.rates_figure import ExampleTrace, busiest, rates_figure
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.prediction.folder_figures import mean_in_stretches
from raphe.tasks.calcium.prediction.growing_files import GrowingFiles
from raphe.tasks.calcium.prediction.infer_rates import Inferrer, mean_rate
from raphe.tasks.calcium.prediction.predict_rates import predict_rates
from raphe.tasks.calcium.prediction.rate_folder import TABLE
from raphe.tasks.calcium.prediction.ready_trace import frames_used, in_frames
from raphe.tasks.calcium.prediction.spike_times import spike_times_s
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS, Conditioning
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet
from waiting import HANG_S

N_FRAMES = 900  # at 30 Hz


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def traces_of(n: int, n_frames: int = N_FRAMES) -> np.ndarray:
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(60) / 15)
    traces = [np.convolve(rng.poisson(0.05, n_frames), decay)[:n_frames] for _ in range(n)]
    return (np.array(traces) + 0.2 * rng.normal(size=(n, n_frames))).astype(np.float32)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten traces at 30 Hz, of which five cannot be used and one has a gap."""
    traces = traces_of(10)
    traces[2] = np.nan
    traces[4] = 3.0
    traces[5, 100] = np.inf
    traces[6, 59:] = np.nan
    traces[7, 400:410] = np.nan
    path = tmp_path_factory.mktemp("population") / "traces.npy"
    traces = traces.astype(np.float64)
    traces[9, 200:203] = 1e300, 2e300, 1e300  # too long for an outlier
    np.save(path, traces)
    return path


@pytest.fixture(scope="module")
def inferrer(rate_bundle: Path) -> Inferrer:
    return Inferrer(RateBundle.open(rate_bundle))


def call(path: Path, bundle: Path, out: Path, *options: str) -> int:
    return cli.main(["predict", str(path), "--bundle", str(bundle), "--out", str(out), *options])


@pytest.mark.parametrize("rate_hz", [7.5, 30.0, 100.0, 250.0])
def test_no_spike_is_lost_between_samples_and_frames(rate_hz: float) -> None:
    rate = np.random.default_rng(0).gamma(1.0, 5.0, 3000)  # 30 s
    frames = in_frames(rate, int(30 * rate_hz), rate_hz)
    assert frames.sum() / rate_hz == pytest.approx(rate.sum() / 100, rel=1e-5)


def test_a_long_gap_is_cut_out_but_for_a_second() -> None:
    trace = np.zeros(100)
    trace[[*range(10), *range(30, 33), *range(60, 100)]] = np.nan
    used = frames_used(trace, 3.0)
    assert used[10:60].all() and used.sum() == 50
    trace[40:55] = np.nan
    assert frames_used(trace, 3.0)[40:55].tolist() == [True] * 3 + [False] * 12


def test_missing_samples_at_the_ends_change_nothing(inferrer: Inferrer) -> None:
    """Neither what the network sees of the others nor where their rates stand."""
    trace = traces_of(1)[0].astype(np.float64)
    padded = np.concatenate([np.full(80, np.nan), trace, np.full(700, np.nan)])
    alone, among = (inferrer.infer("x", each, 30.0, Conditioning()) for each in (trace, padded))
    np.testing.assert_array_equal(among.rate_per_s[80 : 80 + len(trace)], alone.rate_per_s)
    np.testing.assert_array_equal(np.isnan(among.rate_per_s), np.isnan(padded))


def test_bad_neighbours_are_marked_and_the_rest_go_on(
    rate_bundle, population, tmp_path, capsys
) -> None:
    out = tmp_path / "out"
    assert call(population, rate_bundle, out, "--rate", "30", "--spikes") == 1
    told = capsys.readouterr()
    assert "rates of 5 of 10 traces" in told.out
    for line in (
        "2: no sample is a number", "4: constant at 3", "5: 1 of 900 samples infinite",
        "6: only 1.97 s of it are numbers, expected 2 s or more",
        "9: its rates are not finite, because its values reach 2e+300",
    ):  # fmt: skip
        assert line in told.err
    assert "These are simulated." in told.err  # the training data's note
    rates = np.load(out / "rates.npy")
    assert rates.shape == np.load(out / "spread.npy").shape == (10, 900)
    counts = np.load(out / "counts.npy")
    np.testing.assert_allclose(counts, rates.reshape(10, 30, 30).mean(2), atol=1e-5)
    assert np.isnan(np.load(out / "counts_low.npy")).sum() > 200  # no bundle without folds tells
    bad = [2, 4, 5, 6, 9]
    assert np.isnan(rates[bad]).all() and np.isnan(rates[7, 400:410]).all()
    good = np.delete(rates, bad, axis=0)
    assert np.isnan(good).sum() == 10 and (good[~np.isnan(good)] >= 0).all()
    rows = table(out / "traces.csv")
    assert [row["trace"] for row in rows if row["status"] == "left out"] == list(map(str, bad))
    assert float(rows[0]["mean_rate_per_s"]) == pytest.approx(rates[0].mean(), rel=1e-3)
    trace = np.load(population)[0]
    noise = 100 * np.median(np.abs(np.diff(trace))) / np.sqrt(30)
    assert float(rows[0]["noise_percent_per_sqrt_hz"]) == pytest.approx(noise, rel=1e-3)
    assert not rows[4]["noise_percent_per_sqrt_hz"]  # left out
    spikes = [float(row["time_s"]) for row in table(out / "spikes.csv") if row["trace"] == "0"]
    np.testing.assert_allclose(spikes, spike_times_s(rates[0], 30.0), atol=6e-4)
    assert (out / "traces.png").stat().st_size > 2_000
    prediction = json.loads((out / "prediction.json").read_text())
    assert "These are simulated." in prediction["notes"][0]
    assert (prediction["n_traces"], prediction["n_inferred"]) == (10, 5)
    assert prediction["bundle"]["name"] == rate_bundle.name and prediction["made_utc"]
    assert prediction["traces"] in told.out
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.usefixtures("without_figures")
def test_a_trace_is_inferred_alike_whoever_its_neighbours_are(
    inferrer, population, tmp_path
) -> None:
    whole = read_traces(population, TraceOptions(rate_hz=30.0))
    alone = TraceSet.from_matrix(population, np.load(population)[3], 30.0, None)
    predict_rates(whole, inferrer, tmp_path / "whole")
    predict_rates(alone, inferrer, tmp_path / "alone")
    np.testing.assert_array_equal(
        np.load(tmp_path / "whole" / "rates.npy")[3], np.load(tmp_path / "alone" / "rates.npy")[0]
    )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[str]]]:
    """The same three traces in every format, with the options it needs."""
    folder, traces = tmp_path_factory.mktemp("inputs"), traces_of(3).astype(np.float64)
    traces[1, 600:] = np.nan
    np.save(folder / "rows.npy", traces)
    np.save(folder / "columns.npy", traces.T)
    np.save(folder / "fortran.npy", np.asfortranarray(traces))
    np.savez(folder / "x.npz", F=traces, fs=30.0)
    savemat(folder / "x.mat", {"dff": traces, "frame_rate": 30.0})
    pd.DataFrame(traces.T, columns=list("abc")).to_csv(folder / "x.csv.gz", index=False)
    (folder / "suite2p").mkdir()
    around = np.tile(10 + np.sin(np.arange(N_FRAMES)), (3, 1))
    np.save(folder / "suite2p" / "F.npy", traces + 0.7 * around)
    np.save(folder / "suite2p" / "Fneu.npy", around)
    with h5py.File(folder / "x.hdf5", "w") as file:
        file["estimates/F_dff"], file["params/data/fr"] = traces, 30.0
    rate = ["--rate", "30"]
    return {
        "rows": (folder / "rows.npy", rate),
        "columns": (folder / "columns.npy", [*rate, "--layout", "time-traces"]),
        "fortran": (folder / "fortran.npy", rate),
        "npz": (folder / "x.npz", []),
        "mat": (folder / "x.mat", []),
        "csv.gz": (folder / "x.csv.gz", rate),
        "suite2p": (folder / "suite2p", rate),
        "caiman": (folder / "x.hdf5", []),
    }


@pytest.mark.usefixtures("without_figures")
def test_every_format_in_gives_the_same_rates(inputs, rate_bundle, tmp_path) -> None:
    for name, (path, options) in inputs.items():
        assert call(path, rate_bundle, tmp_path / name, *options) == 0, name
    expected = np.load(tmp_path / "rows" / "rates.npy")
    assert np.isnan(expected[1, 600:]).all() and np.isnan(expected).sum() == 300
    for name in inputs:
        rates = np.load(tmp_path / name / "rates.npy")
        np.testing.assert_allclose(rates, expected, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.usefixtures("without_figures")
def test_every_format_out_holds_the_same(inferrer, population, tmp_path) -> None:
    traces = read_traces(population, TraceOptions(rate_hz=30.0))
    for kind in ("npy", "csv", "mat"):
        predict_rates(traces, inferrer, tmp_path / kind, kind)
    for kind, name in itertools.product(("csv", "mat"), ("rates", "spread")):
        expected, file = (
            np.load(tmp_path / "npy" / f"{name}.npy"),
            tmp_path / kind / f"{name}.{kind}",
        )
        if kind == "csv":
            values = pd.read_csv(file)
            assert list(values) == [str(index) for index in range(10)]
            values = values.to_numpy().T
        else:
            assert file.read_bytes()[:10] == b"MATLAB 7.3"
            with pytest.raises(NotImplementedError):  # scipy knows it for MATLAB 7.3
                whosmat(file)
            values = read_traces(file, TraceOptions(30.0, variable=name)).read()
        np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-6)
        assert not (tmp_path / kind / "rates.npy").exists()


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.usefixtures("without_figures")
def test_the_challenges_layout_comes_back_row_for_row(rate_bundle, tmp_path, n: int) -> None:
    """NaN at the end, in the middle and at the beginning; one column, whose blanks are lines."""
    calcium = pd.DataFrame(traces_of(n, 3000).T, columns=[str(index + 4) for index in range(n)])
    calcium.iloc[2500:, 0] = np.nan
    calcium.iloc[1000:1300, -1] = np.nan
    calcium.iloc[:50, n // 2] = np.nan
    path = tmp_path / "5.test.calcium.csv.gz"
    calcium.to_csv(path, index=False)
    assert call(path, rate_bundle, tmp_path / "out", "--as", "csv") == 0
    rates = pd.read_csv(tmp_path / "out" / "rates.csv")
    assert list(rates) == list(calcium) and rates.shape == calcium.shape
    np.testing.assert_array_equal(rates.isna(), calcium.isna())


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_predictions_of_the_challenges_files_are_scored_row_for_row(
    rate_bundle, rate_module, real_data, tmp_path
) -> None:
    """As its networks score on the traces without their missing samples."""
    path = real_data("spikefinder", "6.train.calcium.csv.gz")
    spikes = pd.read_csv(real_data("spikefinder", "6.train.spikes.csv.gz")).to_numpy().T
    assert call(path, rate_bundle, tmp_path / "out", "--as", "csv") == 0
    rates = pd.read_csv(tmp_path / "out" / "rates.csv").to_numpy().T
    assert rates.shape == spikes.shape
    networks = [rate_module(seed).eval() for seed in (0, 1)]
    for trace, rate, fired in zip(read_traces(path).read(), rates, spikes, strict=True):
        known = ~np.isnan(trace)
        spikes_expected = np.concatenate(
            [each.expected(trace[known], 100.0) for each in networks]
        ).mean(0)
        expected = score([spikes_expected], [fired[known]])["correlation"]
        assert score([rate], [fired])["correlation"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.usefixtures("without_figures")
def test_an_interrupted_call_goes_on_where_it_was(
    rate_bundle, population, tmp_path, monkeypatch, capsys
) -> None:
    options = ("--rate", "30", "--spikes", "--as", "csv")
    call(population, rate_bundle, tmp_path / "whole", *options)
    infer, inferred = Inferrer.infer, []

    def interrupted(self: Inferrer, name: str, *rest: object) -> object:
        inferred.append(name)
        if len(inferred) == 5:
            raise KeyboardInterrupt
        return infer(self, name, *rest)

    monkeypatch.setattr(Inferrer, "infer", interrupted)
    out = tmp_path / "out"
    assert call(population, rate_bundle, out, *options) == 130
    assert "interrupted: run the same command again to go on from here" in capsys.readouterr().err
    assert not out.exists()
    assert call(population, rate_bundle, out, "--rate", "31", "--spikes") == 1
    assert "left 4 done, of other traces" in capsys.readouterr().err
    assert call(population, rate_bundle, out, *options) == 1  # some have a fault
    assert inferred == [*"01234", *"456789"]
    assert "2: no sample is a number" in capsys.readouterr().err  # of the first call
    for path in (tmp_path / "whole").iterdir():
        if path.suffix == ".csv":
            assert (out / path.name).read_bytes() == path.read_bytes()


def test_threads_change_no_byte(
    rate_bundle, population, tmp_path, monkeypatch, capsys, without_figures
) -> None:
    options = ("--rate", "30", "--spikes")
    call(population, rate_bundle, tmp_path / "one", *options, "--threads", "1")
    infer, in_turn = Inferrer.infer, threading.Barrier(3)

    def interrupted(self: Inferrer, name: str, *rest: object) -> object:
        if name in "013":
            in_turn.wait(HANG_S)  # three of them at once
        if name == "8":
            raise KeyboardInterrupt
        return infer(self, name, *rest)

    out = tmp_path / "three"
    with monkeypatch.context() as patched:
        patched.setattr(Inferrer, "infer", interrupted)
        assert call(population, rate_bundle, out, *options, "--threads", "3") == 130
    assert not out.exists()
    assert call(population, rate_bundle, out, "--rate", "31", "--threads", "2") == 1
    assert "left 8 done" in capsys.readouterr().err
    call(population, rate_bundle, out, *options, "--threads", "2")
    for name in ("rates.npy", "spread.npy", "traces.csv", "spikes.csv"):
        assert (out / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


@pytest.mark.usefixtures("without_figures")
def test_other_samples_are_not_gone_on_with(inferrer, tmp_path, monkeypatch) -> None:
    """Even where the first trace and the last are those of the call before."""
    traces = traces_of(3, 300)
    given = TraceSet.from_matrix(Path("x.npy"), traces, 30.0, None)
    append = GrowingFiles.append

    def interrupted(self: GrowingFiles, item: dict[str, bytes]) -> None:
        append(self, item)
        raise KeyboardInterrupt

    monkeypatch.setattr(GrowingFiles, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        predict_rates(given, inferrer, tmp_path / "out")
    monkeypatch.undo()
    traces[1, 100] += 1
    with pytest.raises(StoreError, match="of other traces, another bundle or other options"):
        predict_rates(given, inferrer, tmp_path / "out")


def test_a_disk_that_fills_up_loses_nothing(
    rate_bundle, population, tmp_path, monkeypatch, capsys
) -> None:
    append, out = GrowingFiles.append, tmp_path / "out"

    def full(self: GrowingFiles, item: dict[str, bytes]) -> None:
        if self.done == 3:
            raise OSError(28, "No space left on device")
        append(self, item)

    monkeypatch.setattr(GrowingFiles, "append", full)
    assert call(population, rate_bundle, out, "--rate", "30") == 1
    assert f"the disk of {out} is full" in capsys.readouterr().err
    monkeypatch.setattr(GrowingFiles, "append", append)
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if path.is_dir():
            raise OSError("no")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr("raphe.tasks.calcium.prediction.rate_folder.save_figure", lambda *_: None)
    assert call(population, rate_bundle, out, "--rate", "30") == 1
    assert "could not be written: no;" in capsys.readouterr().err
    monkeypatch.undo()
    inferred = []
    monkeypatch.setattr(Inferrer, "infer", lambda *given: inferred.append(given))
    assert call(population, rate_bundle, out, "--rate", "30") == 1  # some have a fault
    assert not inferred and len(np.load(out / "rates.npy")) == 10
    assert sorted(path.name for path in out.iterdir()) == [
        "counts.npy", "counts_high.npy", "counts_low.npy",
        "population.caption.txt", "population.pdf", "population.png", "prediction.json",
        "rates.npy", "spread.npy", "traces.caption.txt", "traces.csv", "traces.pdf", "traces.png",
    ]  # fmt: skip


@pytest.mark.usefixtures("without_figures")
def test_what_stands_there_is_replaced_on_demand_alone(
    inputs, rate_bundle, tmp_path, capsys
) -> None:
    path, options = inputs["npz"]
    out = tmp_path / "out"
    assert call(path, rate_bundle, out, *options) == 0
    assert call(path, rate_bundle, out, *options) == 1
    assert "exists already; pass --overwrite" in capsys.readouterr().err
    assert call(path, rate_bundle, out, "--overwrite", "--as", "mat") == 0
    assert (out / "rates.mat").exists() and not (out / "rates.npy").exists()
    (out / "notes.txt").write_text("keep me")
    assert call(path, rate_bundle, out, "--overwrite") == 1
    assert "holds notes.txt, which raphe did not write" in capsys.readouterr().err
    (out / "notes.txt").unlink()
    (out / "traces.csv").write_text("name,of another program\n")
    assert call(path, rate_bundle, out, "--overwrite") == 1
    assert "its traces.csv does not begin with trace," in capsys.readouterr().err
    shutil.copy(path, out / "x.npz")
    assert call(out / "x.npz", rate_bundle, out, "--overwrite") == 1
    assert "holds" in (told := capsys.readouterr().err) and "which is to be read" in told
    assert (out / "rates.mat").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    assert call(path, rate_bundle, tmp_path / "mine", "--overwrite") == 1
    assert "is not replaced; choose another place" in capsys.readouterr().err


def test_a_disk_without_room_is_told_before_it_starts(inferrer, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(
        "raphe.core.files.refusals.shutil.disk_usage",
        lambda _: SimpleNamespace(free=10**9),
    )
    many = TraceSet(Path("x.npy"), 30.0, ("a", "b") * 5000, 54000, lambda *_: np.ones((1, 54000)))
    with pytest.raises(StoreError, match=r"10 000 traces as csv would take 16 GB, .* 1\.0 GB"):
        predict_rates(many, inferrer, tmp_path / "out", "csv")
    assert not list(tmp_path.iterdir())


def test_nothing_to_infer_is_an_error(inferrer, tmp_path) -> None:
    traces = TraceSet.from_matrix(Path("x.npy"), np.ones((2, 300)), 30.0, None)
    with pytest.raises(RecordingError, match=r"every one of 2 has a fault: 0: constant at 1"):
        predict_rates(traces, inferrer, tmp_path / "out")
    assert [row["remark"] for row in table(tmp_path / "out" / "traces.csv")] == [
        "constant at 1"
    ] * 2


def test_memory_does_not_grow_with_the_traces(inferrer, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(
        "raphe.tasks.calcium.prediction.infer_rates.outside", lambda *_: []
    )  # quicker
    # What libraries hold on to when a figure is saved is not of the traces, and that of all traces
    # holds no more than a few hundred.
    monkeypatch.setattr("raphe.tasks.calcium.prediction.rate_folder.save_figure", lambda *_: None)
    monkeypatch.setattr(
        "raphe.tasks.calcium.prediction.folder_figures._population", lambda *_: None
    )

    def peak(n: int) -> int:
        row = np.random.default_rng(0).normal(size=700)
        traces = TraceSet(
            Path("x.npy"), 30.0, tuple(map(str, range(n))), 700,
            lambda start, stop: np.tile(row, (stop - start, 1)),
        )  # fmt: skip
        tracemalloc.start()
        predict_rates(traces, inferrer, tmp_path / str(n))
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    peak(2)  # libraries load
    # 32 more rates and spreads would be 180 kB; their rows of the table are some 80 kB.
    assert peak(40) < peak(8) + 110_000


def test_a_frame_rate_outside_training_is_told(inferrer, tmp_path) -> None:
    noise = np.random.default_rng(0).normal(size=(1, 600))
    traces = TraceSet.from_matrix(Path("x.npy"), noise, 2.0, None)
    told = predict_rates(traces, inferrer, tmp_path / "out").warnings
    assert told[0].endswith("“These are simulated.”")
    assert "2 Hz lies outside the 4 to 120" in told[1]


def test_regions_that_are_no_cells_are_told_and_left_out_on_demand(
    rate_bundle, tmp_path, capsys, without_figures
) -> None:
    traces, folder = traces_of(4, 300), tmp_path / "plane0"
    traces[2] = 0  # F of a region without pixels of its own
    folder.mkdir()
    np.save(folder / "F.npy", np.where(traces.any(axis=1, keepdims=True), 600 + 100 * traces, 0))
    np.save(folder / "Fneu.npy", 300 + np.random.default_rng(1).normal(size=traces.shape))
    np.save(folder / "iscell.npy", [[1, 1.0], [0, 0.1], [0, 0.0], [1, 1.0]])
    np.save(folder / "ops.npy", {"fs": 30.0})
    assert call(folder, rate_bundle, tmp_path / "all") == 1
    told = capsys.readouterr()
    assert "rates of 3 of 4 traces" in told.out and "2: F: constant at 0" in told.err
    assert "plane0: 2 of 4 regions are no cells by iscell.npy, taken all the same" in told.err
    rows = table(tmp_path / "all" / "traces.csv")
    assert [row["cell"] for row in rows] == ["yes", "no", "no", "yes"]
    assert call(folder, rate_bundle, tmp_path / "cells", "--cells-only") == 0
    assert "2 of 4 regions are no cells by iscell.npy, and left out" in capsys.readouterr().err
    assert [row["trace"] for row in table(tmp_path / "cells" / "traces.csv")] == ["0", "3"]
    rates = [np.load(tmp_path / name / "rates.npy") for name in ("cells", "all")]
    np.testing.assert_array_equal(rates[0], rates[1][[0, 3]])


def test_what_is_no_fluorescence_is_told_and_bridged(
    rate_bundle, tmp_path, capsys, without_figures
) -> None:
    traces = 400 + 100 * traces_of(3).astype(np.float64)
    traces[1, 300:320] = 0
    decay = np.exp(-np.arange(200) / 30)
    spikes = np.random.default_rng(0).poisson(0.02, N_FRAMES)
    traces[2] = np.convolve(spikes, decay)[:N_FRAMES]  # CaImAn's C
    np.save(tmp_path / "x.npy", traces)
    assert call(tmp_path / "x.npy", rate_bundle, tmp_path / "out", "--rate", "30") == 0
    told = capsys.readouterr().err
    assert "20 frames blanked at 0, bridged" in told and "2: denoised: no noise" in told
    rates, rows = np.load(tmp_path / "out" / "rates.npy"), table(tmp_path / "out" / "traces.csv")
    assert np.flatnonzero(np.isnan(rates[1])).tolist() == [*range(300, 320)]
    assert rows[2]["status"] == "unlike training" and rows[2]["remark"].startswith("denoised")
    assert "blanked" in rows[1]["remark"] and not rows[0]["remark"].count("bridged")


@pytest.mark.usefixtures("without_figures")
def test_a_trace_unlike_those_of_training_is_told(rate_bundle, tmp_path, capsys) -> None:
    """It swings twice a second, with hardly any noise."""
    noise = np.random.default_rng(0).normal(size=(1, N_FRAMES))
    np.save(tmp_path / "x.npy", np.sin(2 * np.pi * 2 * np.arange(N_FRAMES) / 30) + 0.01 * noise)
    assert call(tmp_path / "x.npy", rate_bundle, tmp_path / "out", "--rate", "30") == 0
    told = capsys.readouterr().err
    assert "unlike training, to be taken with caution (1):" in told and "0: " in told
    (row,) = table(tmp_path / "out" / "traces.csv")
    assert row["status"] == "unlike training" and "unlike training: " in row["remark"]
    assert float(row["mean_rate_per_s"]) == 0  # a hum, and so no event


@pytest.mark.usefixtures("without_figures")
def test_a_trace_without_an_event_has_a_rate_of_0_and_says_so(
    rate_bundle, tmp_path, monkeypatch, capsys
) -> None:
    np.save(tmp_path / "x.npy", traces_of(2))
    monkeypatch.setattr("raphe.tasks.calcium.ensemble.bundle.has_event", lambda rate: False)
    out = tmp_path / "out"
    assert call(tmp_path / "x.npy", rate_bundle, out, "--rate", "30", "--spikes") == 0
    told = capsys.readouterr().err
    assert "no event above the noise, so a rate of 0 (2):\n  0\n  1" in told
    for row in table(out / "traces.csv"):
        ends = [row[f"mean_rate{end}_per_s"] for end in ("", "_low", "_high")]
        assert ends == ["0", "0", ""] and row["remark"].startswith("no event above the noise")
    assert not np.load(out / "rates.npy").any() and not table(out / "spikes.csv")


def test_ends_of_a_mean_rate_are_those_of_cells_that_were_left_out(rate_bundle, tmp_path) -> None:
    rate = np.array([1.0, np.nan, 3.0])
    assert mean_rate(rate, (0.5, 3.0), 20.0) == (2.0, 1.0, 6.0)
    assert np.isnan(mean_rate(rate, None, 20.0)[1:]).all()
    nothing = mean_rate(np.zeros(3), (0.5, 3.0), 20.0)
    assert nothing[:2] == (0.0, 0.0) and np.isnan(nothing.high)
    faint = mean_rate(rate, (0.5, 3.0), 8.0)  # spikes that are not seen may be many
    assert faint[:2] == (2.0, 1.0) and np.isnan(faint.high)


@pytest.mark.usefixtures("without_figures")
def test_the_conditioning_asked_for_is_taken(inferrer, rate_bundle) -> None:
    known, other = (
        TraceSet.from_matrix(Path(name), traces_of(1), 100.0, None)
        for name in ("4.train.calcium.csv", "x.npy")
    )
    assert inferrer.conditioning(known) == AS_IT_IS
    assert inferrer.conditioning(other) == Conditioning()
    chosen = Inferrer(RateBundle.open(rate_bundle), Conditioning(None))
    assert chosen.conditioning(known) == chosen.conditioning(other) == Conditioning(None)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "does not hold its sampling rate; pass --rate HZ"),
        (["--rate", "0"], "expected a sampling rate in Hz, from 0.1 to 10000, got 0.0; --rate"),
        (["--rate", "0.033"], "got 0.033; --rate takes frames a second"),
        (["--rate", "nan"], "got nan; --rate takes frames a second"),
        (["--rate", "30", "--neuropil", "0.7"], "--neuropil says nothing of it"),
        (["--rate", "30", "--cells-only"], "--cells-only says nothing of it"),
        (["--rate", "1e12"], "got 1000000000000.0; --rate takes frames a second"),
        (["--rate", "30", "--baseline", "0.02"], "expected seconds from 5 up, or null for none"),
        (["--rate", "0.2"], "expected 10 frames or more, got 8 at 0.2 Hz; pass --baseline 50"),
        (["--rate", "30", "--neuropil", "70"], "neuropil: expected a share from 0 to 1, got 70"),
        (["--rate", "30", "--baseline", "-1"], "baseline_s=-1.0: expected seconds from 5 up"),
        (["--rate", "30", "--layout", "time-traces"], "every one of 900 has a fault"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_sentence(
    rate_bundle, population, tmp_path, options, told, capsys
) -> None:
    assert call(population, rate_bundle, tmp_path / "out", *options) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and told in line


@pytest.mark.usefixtures("without_figures")
def test_columns_taken_for_rows_are_told(rate_bundle, inputs, tmp_path, capsys) -> None:
    assert call(inputs["columns"][0], rate_bundle, tmp_path / "out", "--rate", "30") == 1
    assert "got shape (900, 3); pass --layout time-traces" in capsys.readouterr().err


def test_a_bundle_that_is_none_is_one_sentence(exported, population, tmp_path, capsys) -> None:
    bundle = exported(tmp_path).bundle
    manifest = bundle / "manifest.json"
    whole = manifest.read_text()

    def told(bundle: Path) -> str:
        assert call(population, bundle, tmp_path / "rates", "--rate", "30") == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line

    assert "there is no bundle here" in told(tmp_path / "absent")
    assert "is not a bundle, it holds no manifest.json" in told(population.parent)
    manifest.write_text(whole.replace("calcium/rates", "calcium/others"))
    assert "was changed after it was written" in told(bundle)
    manifest.write_text(whole[:100])
    assert "is not a bundle's manifest" in told(bundle)
    manifest.write_text(whole)
    assert call(tmp_path / "absent.npy", bundle, tmp_path / "rates", "--rate", "30") == 1
    assert "absent.npy: expected a file of calcium traces, found none" in capsys.readouterr().err
    (bundle / "model.onnx").unlink()
    assert "model.onnx: missing" in told(bundle)


def test_the_busiest_stretch_is_drawn_with_its_spread() -> None:
    rate = np.zeros(3000)
    rate[2000:2030] = 5.0
    assert busiest(rate, 900).start in range(1130, 2001)
    assert busiest(rate, 5000) == slice(0, 3000)
    spikes_s = np.array([1.0, 67.0, 67.5])
    (axes,) = rates_figure([ExampleTrace("a", rate, rate, 0.1 * rate, spikes_s)], 30.0).axes
    drawn = axes.lines[1].get_xdata()
    assert drawn[0] <= 2000 / 30 and drawn[-1] >= 2029 / 30 and len(drawn) == 900
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(5.5)
    assert min(axes.get_yticks()) >= 0 and max(axes.get_yticks()) <= 5.5  # none at the calcium
    ticks = [path.vertices[0, 0] for path in axes.collections[1].get_paths()]
    assert ticks == [67.0, 67.5]  # of those in view


def test_of_several_files_a_bad_one_stops_no_other(
    rate_bundle, tmp_path, capsys, without_figures
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "x.npy", traces_of(1, 300))
    (tmp_path / "empty.npy").write_bytes(b"")
    files = [tmp_path / name for name in ("empty.npy", "a/x.npy", "absent.npy", "b/x.npy")]
    files.append(tmp_path / "b" / ".." / "a" / "x.npy")
    out = tmp_path / "out"
    options = ["--bundle", rate_bundle, "--out", out, "--rate", "30"]
    assert cli.main(["predict", *map(str, [*files, *options])]) == 1
    told = capsys.readouterr()
    assert told.out.count("rates of 1 of 1 traces") == 2
    assert "named before, and taken once (1):\n" in told.err and "/b/../a/x.npy\n" in told.err
    assert "files left out (2):" in told.err and "empty.npy: expected one array" in told.err
    assert told.err.endswith("warning: 2 files left out (exit code 1)\n")
    assert told.err.count("warning (1):") == 1  # of the bundle, for both
    assert sorted(path.name for path in out.iterdir()) == ["all_traces.csv", "x", "x-2"]
    whole = [{"folder": name, **row} for name in ("x", "x-2") for row in table(out / name / TABLE)]
    assert table(out / "all_traces.csv") == whole


def test_all_traces_are_drawn_by_the_means_of_stretches() -> None:
    rate = np.arange(10, dtype=np.float32)
    rate[[4, 5, 6, 9]] = np.nan
    means = mean_in_stretches(rate, np.array([0, 2, 4, 7, 10]))
    np.testing.assert_array_equal(means, [0.5, 2.5, np.nan, 7.5])
    noise = np.array([1.0, 2.0, np.nan, 4.0])
    figure = population_figure(np.tile(means, (3, 1)), np.array([0, 2, 3]), 4, 600.0, noise)
    raster, histogram, _ = figure.axes
    assert raster.get_xlim() == (0, 10) and raster.get_xlabel() == "Time (min)"
    drawn = raster.images[0].get_array().filled(np.nan)
    assert np.isnan(drawn[0]).tolist() == [False, False, True, False]
    assert sum(bar.get_height() for bar in histogram.patches) == 3
    for words in ("3 of 4 traces, evenly picked,", "noise of 3 traces"):
        assert words in figure.caption
